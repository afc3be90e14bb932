/*-------------------------------------------------------------------------
 *
 * payment_mark.c
 *	  What payments have been through, where their values do not say.
 *
 * Which have been led back to an initial status says the status rule, by marks of its own
 * (engine/row_mark.h).
 *
 * Where no column says what is captured, the status does, and a payment that is moved on
 * looks like one of which nothing ever was.  A mark tells it, so that it
 * is not deleted.  It is set when the row leaves, not when it comes: then rows that were
 * there before the rule have it as well, and most never need one.  Where a status rule has
 * the column, what leads out of a captured status and what may be deleted is its business,
 * and was agreed on by two people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/row_mark.h"
#include "errors.h"
#include "rules/payment/payment_mark.h"
#include "values/money.h"

void
paysafe_payment_mark_compile(const CompileInput *input, const RuleSource *status,
							 const Captured *captured, PaymentMarks *out)
{
	out->relation = input->source->relation;
	out->status = status ? status->relation : InvalidOid;
	out->by_status = captured->column.attnum == 0;
	paysafe_row_key_whole(input->leaf, &out->whole);
}

/* The status rule has moved the mark by now. */
bool
paysafe_payment_mark_has_left(const PaymentMarks *marks, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	return paysafe_row_mark_has(marks->status, &marks->whole, desc, change->before, ROW_MARK_LEFT) ||
		(paysafe_row_key_changed(&marks->whole, desc, change->before, change->after) &&
		 paysafe_row_mark_has(marks->status, &marks->whole, desc, change->after, ROW_MARK_LEFT));
}

bool
paysafe_payment_mark_leaves(const PaymentMarks *marks, const Captured *captured, const RowChange *change)
{
	return marks->by_status && !OidIsValid(marks->status) && change->op == 'U' &&
		!paysafe_captured_is(captured, change->after) &&
		paysafe_money_sign(paysafe_captured_or_zero(captured, change->before)) != 0;
}

void
paysafe_payment_mark_follow(const PaymentMarks *marks, const Captured *captured, const RowChange *change)
{
	if (!marks->by_status || change->op == 'I')
		return;
	paysafe_row_mark_follow(marks->relation, &marks->whole, change, ROW_MARK_CAPTURED);
	if (paysafe_payment_mark_leaves(marks, captured, change))
		paysafe_row_mark_set(marks->relation, &marks->whole, RelationGetDescr(change->rel),
							 change->after, ROW_MARK_CAPTURED);
}

bool
paysafe_payment_mark_was_captured(const PaymentMarks *marks, const RowChange *change)
{
	return marks->by_status &&
		paysafe_row_mark_has(marks->relation, &marks->whole, RelationGetDescr(change->rel),
							 change->before, ROW_MARK_CAPTURED);
}

void
paysafe_payment_mark_check_later(const Rule *rule, const PaymentMarks *marks, const RowChange *later)
{
	if (marks->by_status)
		paysafe_row_mark_check_later(rule, marks->relation, &marks->whole, later, ROW_MARK_CAPTURED,
									 ERRCODE_23R07_MONEY_DELETE, NULL);
}
