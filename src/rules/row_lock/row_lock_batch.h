/*-------------------------------------------------------------------------
 *
 * row_lock_batch.h
 *	  Statements that change several rows, each compared with a value of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_BATCH_H
#define PAYSAFE_ROW_LOCK_BATCH_H

#include "rules/row_lock/row_lock_compare.h"

/*
 * The columns, by name, that have one given value for each row of which a (folded)
 * OR may hold.
 */
extern List *paysafe_row_lock_batch_or(const ValuePlace *place, BoolExpr *expr);

/*
 * A comparison with a column of VALUES, as a node that equals others of its kind, or
 * NULL.  It says something only together with those of the other columns of its row:
 */
extern Node *paysafe_row_lock_batch_fact(const ValuePlace *place, const Comparison *comparison);

/* The list of names with the facts in it replaced by the names that they prove. */
extern List *paysafe_row_lock_batch_names(const ValuePlace *place, List *compared);

#endif							/* PAYSAFE_ROW_LOCK_BATCH_H */
