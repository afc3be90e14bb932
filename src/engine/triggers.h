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

/* Raise for what cannot be protected (42809); rel is locked. */
extern void paysafe_triggers_check_table(Relation rel, bool is_root);

/*
 * Both triggers on the table and everything below it, made or enabled where
 * they are not.  PostgreSQL clones a partitioned table's row trigger to its
 * partitions, so root first.
 */
extern void paysafe_triggers_ensure(Oid relid);

/* Drop our triggers below relid where no rule is left. */
extern void paysafe_triggers_drop(Oid relid);

/*
 * A table has joined a protected tree, or is to get back what protects it:
 * check that it can be protected and complete its triggers.  The caller holds a
 * lock that keeps writers away.
 */
extern void paysafe_triggers_join(Oid relid);

#endif							/* PAYSAFE_TRIGGERS_H */
