/*-------------------------------------------------------------------------
 *
 * payment_mark.h
 *	  What payments have been through, where their values do not say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PAYMENT_MARK_H
#define PAYSAFE_PAYMENT_MARK_H

#include "engine/rule.h"
#include "values/captured.h"
#include "values/row_key.h"

typedef struct PaymentMarks
{
	Oid			relation;		/* of the payment rule */
	Oid			status;			/* of the status rule of its column, or invalid */
	RowKey		whole;			/* names rows */
	bool		by_status;		/* no column says what is captured */
} PaymentMarks;

/* status: the status rule of the payment's status column, or NULL. */
extern void paysafe_payment_mark_compile(const CompileInput *input, const RuleSource *status,
										 const Captured *captured, PaymentMarks *out);

/* Has the row, under either key, left the status that it was added in? */
extern bool paysafe_payment_mark_has_left(const PaymentMarks *marks, const RowChange *change);

/* Does the row leave a status that says it was captured, and no rule knows of it? */
extern bool paysafe_payment_mark_leaves(const PaymentMarks *marks, const Captured *captured,
										const RowChange *change);

/* After a change: set when the row leaves; goes with the row. */
extern void paysafe_payment_mark_follow(const PaymentMarks *marks, const Captured *captured,
										const RowChange *change);

/* Was the row, as it was before the change, captured by a status that it has left? */
extern bool paysafe_payment_mark_was_captured(const PaymentMarks *marks, const RowChange *change);

/* For check_later: it has a mark by now, which would not go with it. */
extern void paysafe_payment_mark_check_later(const Rule *rule, const PaymentMarks *marks,
											 const RowChange *later);

#endif							/* PAYSAFE_PAYMENT_MARK_H */
