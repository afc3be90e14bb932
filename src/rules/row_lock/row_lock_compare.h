/*-------------------------------------------------------------------------
 *
 * row_lock_compare.h
 *	  What a condition compares a column of the changed row with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_COMPARE_H
#define PAYSAFE_ROW_LOCK_COMPARE_H

#include "rules/row_lock/row_lock_value.h"

typedef struct Comparison
{
	char	   *column;
	Node	   *value;			/* that it equals; NULL: it is NULL */
} Comparison;

/* Is the (folded) condition an equality of one of its columns with something else? */
extern bool paysafe_row_lock_compare(const ValuePlace *place, Node *condition, Comparison *out);

/* Was that given with the statement, the same for all rows? */
extern bool paysafe_row_lock_compare_is_given(const ValuePlace *place, const Comparison *comparison);

/* A cast is taken off that makes another value of each other value. */
extern Node *paysafe_row_lock_compare_strip(Node *expr);

#endif							/* PAYSAFE_ROW_LOCK_COMPARE_H */
