/*-------------------------------------------------------------------------
 *
 * triggers.h
 *	  Which tables can be protected, and the triggers on them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TRIGGERS_H
#define PAYSAFE_TRIGGERS_H

#include "utils/rel.h"
#include "utils/reltrigger.h"

/* Raise for what cannot be protected (42809); rel is locked. */
extern void paysafe_triggers_check_table(Relation rel, bool is_root);

/* Raise for a rule of PostgreSQL's that replaces statements (55000). */
extern void paysafe_triggers_check_rewrites(Relation rel);

/* Does a rule in force say that each row counts, so that none may be kept out? */
extern bool paysafe_triggers_each_row_counts(Oid relid);

/* Can this trigger keep rows out, before ours sees them? */
extern bool paysafe_triggers_may_swallow(const Trigger *trigger);

/*
 * Both triggers on the table and everything below it, made or enabled where
 * they are not; what only looks like them is replaced.  Raises 55000 where
 * something could keep rows from them, 42710 where a trigger of another function
 * has our name.  PostgreSQL clones a partitioned table's row trigger to its
 * partitions, so root first.  Returns whether a row trigger was missing.
 */
extern bool paysafe_triggers_ensure(Oid relid);

/* Drop our triggers below relid where no rule is left. */
extern void paysafe_triggers_drop(Oid relid);

/*
 * A table has joined a protected tree, or is to get back what protects it:
 * check that it can be protected and complete its triggers.  The caller holds a
 * lock that keeps writers away.
 */
extern void paysafe_triggers_join(Oid relid);

#endif							/* PAYSAFE_TRIGGERS_H */
