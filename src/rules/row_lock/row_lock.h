/*-------------------------------------------------------------------------
 *
 * row_lock.h
 *	  What the files of the row lock rule share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_H
#define PAYSAFE_ROW_LOCK_H

#include "executor/execdesc.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "engine/rule.h"

/* The rule, compiled for one leaf. */
typedef struct RowLockState
{
	int			n;
	AttrNumber *attnums;
	char	  **names;
} RowLockState;

/* The row lock rule of a leaf that carries paysafe's trigger, or NULL. */
extern const RowLockState *paysafe_row_lock_state(Relation leaf);

/*
 * row_lock_plan.c
 */

/* What the statement under way does to a column. */
typedef enum Assignment
{
	ASSIGN_UNKNOWN,				/* no statement on the table is known */
	ASSIGN_NONE,				/* it does not set the column; a trigger may */
	ASSIGN_COMPUTED,			/* from the value that the row has */
	ASSIGN_ABSOLUTE
} Assignment;

/*
 * What the innermost statement that changes rows of the leaf does.  *watched: its
 * start was seen, and so which rows it found locked.
 */
extern Assignment paysafe_row_lock_assignment(Relation leaf, const char *column, bool *watched);

/* Did the transaction hold a lock on this row version when a statement came to it? */
extern bool paysafe_row_lock_was_locked(Oid leaf, ItemPointer tid);

/*
 * A statement starts.  Those that set guarded columns to absolute values are
 * watched: which of the rows they come to are locked already.
 */
extern void paysafe_row_lock_statement_started(QueryDesc *query);

#endif							/* PAYSAFE_ROW_LOCK_H */
