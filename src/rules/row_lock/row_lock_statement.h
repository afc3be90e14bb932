/*-------------------------------------------------------------------------
 *
 * row_lock_statement.h
 *	  The statements under way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_STATEMENT_H
#define PAYSAFE_ROW_LOCK_STATEMENT_H

#include "executor/execdesc.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "rules/row_lock/row_lock_plan.h"

/*
 * What the innermost statement that changes rows of the leaf does to a column.
 * *watched: its start was seen, and so which rows it found locked.
 */
extern PlanVerdict paysafe_row_lock_statement_verdict(Relation leaf, AttrNumber attnum,
													  const char *column, bool *watched);

/* Did the transaction hold a lock on this row version when a statement came to it? */
extern bool paysafe_row_lock_statement_found_locked(Oid leaf, ItemPointer tid);

/*
 * A statement starts.  Those that set guarded columns to absolute values are
 * watched: which of the rows they come to are locked already.
 */
extern void paysafe_row_lock_statement_started(QueryDesc *query);

#endif							/* PAYSAFE_ROW_LOCK_STATEMENT_H */
