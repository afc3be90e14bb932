/*-------------------------------------------------------------------------
 *
 * row_lock_state.h
 *	  The row lock rule of a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_STATE_H
#define PAYSAFE_ROW_LOCK_STATE_H

#include "access/attnum.h"
#include "utils/rel.h"

/* The rule, compiled for one leaf. */
typedef struct RowLockState
{
	int			n;
	AttrNumber *attnums;
	char	  **names;
} RowLockState;

/* The row lock rule of a leaf that carries paysafe's trigger, or NULL. */
extern const RowLockState *paysafe_row_lock_state_of(Relation leaf);

#endif							/* PAYSAFE_ROW_LOCK_STATE_H */
