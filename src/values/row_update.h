/*-------------------------------------------------------------------------
 *
 * row_update.h
 *	  Changing a row of a user's table on behalf of a rule.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_UPDATE_H
#define PAYSAFE_ROW_UPDATE_H

#include "access/attnum.h"
#include "executor/tuptable.h"
#include "utils/rel.h"

typedef struct RowUpdater RowUpdater;

/*
 * Prepare to change one column of rows of a leaf table, which the caller holds
 * RowExclusiveLock on.  Allocated in the current context.
 */
extern RowUpdater *paysafe_row_update_begin(Relation leaf, AttrNumber attnum);

/*
 * Change the column of a row that this transaction has locked: as an UPDATE by
 * SQL would, with BEFORE and AFTER ROW triggers, generated columns, constraints
 * and indexes, but with no privileges, row security, rules or statement triggers.
 * AFTER triggers have fired on return.  A BEFORE trigger may change the row or
 * drop the change: let a trigger of ours see what was stored.
 */
extern void paysafe_row_update_row(RowUpdater *updater, TupleTableSlot *locked, Datum value);

/* Is a row of the leaf being changed by the function above? */
extern bool paysafe_row_update_is_running(Oid leaf);

/* Release it.  An error releases it with its memory context. */
extern void paysafe_row_update_end(RowUpdater *updater);

#endif							/* PAYSAFE_ROW_UPDATE_H */
