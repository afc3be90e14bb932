/*-------------------------------------------------------------------------
 *
 * shown.h
 *	  Rows that the transaction may know of, where a rule says whose they are.
 *
 * PostgreSQL's row security keeps the others from queries.  What paysafe itself looks up,
 * below the executor, asks here: for the transaction such a row is not there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SHOWN_H
#define PAYSAFE_SHOWN_H

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "engine/rule.h"

/* Does a rule of the table hide rows from some transactions? */
extern bool paysafe_shown_depends(Relation leaf);

/* May the transaction know of this row of it?  Superusers' too: they may say that they work for all. */
extern bool paysafe_shown_row(Relation leaf, TupleTableSlot *row);

/*
 * Whose row of it this is, as text, or NULL: no rule that is in force says so.  Palloc'd.  Two rows that
 * belong to two are never one another's, for whomever the transaction works.
 */
extern char *paysafe_shown_owner(Relation leaf, TupleTableSlot *row);

/* The way out for a transaction that works for no tenant. */
#define NO_TENANT_HINT \
	"In the same transaction: SELECT paysafe.act_for_tenant('TENANT'); for all of them, where that is granted: SELECT paysafe.across_tenants('why')."

/*
 * The change hangs on a row of the table, or of one of its parts, and none was found: refuse it by the
 * rule (23N02) if none could be, because the transaction works for no tenant and they belong to some.
 * So nobody learns whether it is there.  Nothing may be open, as for paysafe_rule_refuse.
 */
extern void paysafe_shown_require(const Rule *rule, const RowChange *change, Oid table);

/*
 * May the current user know of all rows, whatever the rules say of the transaction?  Row security
 * is not in force for them.
 */
extern bool paysafe_shown_is_everything(Oid relid);

/* Does the current user read all rows of the tree of this root, and work for nobody in particular? */
extern bool paysafe_shown_reads_all(Oid root);

/*
 * May whoever reads a row of the tree of this root know of it?  Who reads all of them, and works for nobody in
 * particular, may.
 */
extern bool paysafe_shown_reader(Oid root, Relation leaf, TupleTableSlot *row);

/*
 * Does row security hide nothing from the current user but what paysafe_shown_row does?  False
 * where the table has policies of somebody's own.
 */
extern bool paysafe_shown_is_all(Oid relid);

#endif							/* PAYSAFE_SHOWN_H */
