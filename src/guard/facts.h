/*-------------------------------------------------------------------------
 *
 * facts.h
 *	  What the catalogs say, before and after a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FACTS_H
#define PAYSAFE_FACTS_H

#include "access/htup.h"
#include "catalog/pg_index.h"
#include "utils/reltrigger.h"
#include "utils/snapshot.h"

#include "guard/event.h"

/* A copy of an object's row; a NULL snapshot shows it as it was before. */
extern HeapTuple paysafe_facts_fetch(Oid class_id, Oid object_id, Snapshot snapshot);

/* The event's object as the statement leaves it: NULL if it is gone; or as it was. */
extern HeapTuple paysafe_facts_fetch_new(const GuardEvent *event);
extern HeapTuple paysafe_facts_fetch_any(const GuardEvent *event);

/* A copy of the row of the event's column, before or after. */
extern HeapTuple paysafe_facts_fetch_column(const GuardEvent *event, Snapshot snapshot);

/* The same of the event's trigger; false if there is none. */
extern bool paysafe_facts_trigger(const GuardEvent *event, Snapshot snapshot, Trigger *trigger);

/* The table that the object is, or belongs to, or none. */
extern Oid	paysafe_facts_relation_of(const GuardEvent *event);

/* Is it a table with rules and the trigger that enforces them? */
extern bool paysafe_facts_is_protected(Oid relid);

/* Does it belong to paysafe's schema? */
extern bool paysafe_facts_in_own_schema(Oid namespace_id);
extern bool paysafe_facts_is_own_relation(Oid relid);

/*
 * A table of ours that is no member of the extension, or its row type: a
 * partition of the audit log.  Until paysafe works in this database, pg_restore
 * may bring it back.
 */
extern bool paysafe_facts_is_being_restored(Oid class_id, Oid object_id);

/*
 * Is the event's column behind a rule of its table?  Where all columns are, one
 * that no rule names counts for nothing before there are rows.
 */
extern bool paysafe_facts_is_ruled_column(const GuardEvent *event);

/* Does a rule of the table say what is in a column of this name? */
extern bool paysafe_facts_is_judged_column(Oid relid, const char *name);

/* Are all these columns behind rules?  Zero stands for an expression. */
extern bool paysafe_facts_are_ruled_columns(Oid relid, const int16 *attnums, int n);

/* Do the columns of another unique index, which stays, imply that this one is unique? */
extern bool paysafe_facts_is_wider_key(Form_pg_index index);

/*
 * Would this be the same primary key as the one there is (a row of pg_index): the same
 * columns in their order, compared alike, checked no later?
 */
extern bool paysafe_facts_is_same_key(HeapTuple primary, const Constraint *instead);

/* The protected table, in a list, that an unqualified name would mean without the temporary one. */
extern List *paysafe_facts_shadowed(const char *name);

/* Does the table, or a part of it, have rows? */
extern bool paysafe_facts_has_rows(Oid relid);

/* Is the child's inheritance from the parent there after the statement? */
extern bool paysafe_facts_inherits_now(Oid child, Oid parent);

/* Does the event make a table, which is not protected itself, part of a protected tree? */
extern bool paysafe_facts_joins(const GuardEvent *event);

/* The file that the table's rows are in: another one after it is rewritten. */
extern Oid	paysafe_facts_file(Oid relid);

/* Would its joining the parent change by which columns the tree's rows are known? */
extern bool paysafe_facts_changes_key(Oid child, Oid parent);

/* Has the table, or one below it, such a trigger; or a rule that rewrites statements? */
extern bool paysafe_facts_tree_has_trigger(Oid relid, bool (*test) (const Trigger *trigger));
extern bool paysafe_facts_tree_has_rule(Oid relid);

/* Does a protected table, or a part of one, lie in the schema? */
extern bool paysafe_facts_has_protected_table(Oid namespace_id);

#endif							/* PAYSAFE_FACTS_H */
