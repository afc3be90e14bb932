/*-------------------------------------------------------------------------
 *
 * locked_row.h
 *	  The one row that a key names, locked so that what hangs on it stays.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LOCKED_ROW_H
#define PAYSAFE_LOCKED_ROW_H

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "values/key_columns.h"

/* Is shown the row's newest version, in its leaf. */
typedef void (*LockedRowVisitor) (Relation leaf, TupleTableSlot *row, void *arg);

/*
 * Find the row of the tree whose columns of these names have these values, and lock it
 * FOR NO KEY UPDATE until the end of the transaction, waiting for others.  Returns how
 * many rows have the values (2: more than one); only one is locked and shown.  Without
 * lock it is shown as it is committed now, and leaves without the columns have none.
 * So is, unless hidden_too, a row that the transaction may not know of (engine/shown.h): whoever
 * waited for it would know that it is there, and could keep it from its owner.
 */
extern int	paysafe_locked_row(Oid root, List *names, const KeyValues *values, bool lock,
							   bool hidden_too, LockedRowVisitor visitor, void *arg);

#endif							/* PAYSAFE_LOCKED_ROW_H */
