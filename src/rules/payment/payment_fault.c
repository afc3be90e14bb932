/*-------------------------------------------------------------------------
 *
 * payment_fault.c
 *	  What is wrong with the amounts of a payment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "errors.h"
#include "rules/payment/payment_fault.h"
#include "values/money.h"
#include "values/status_value.h"

/* Is the value one of an amount in this currency?  What it is called in words, if not. */
static bool
has_amount_fault(const AmountColumn *column, Numeric value, const char *currency, const char *what,
				 PaymentFault *fault)
{
	*fault = (PaymentFault) {ERRCODE_23R04_AMOUNT, column->name, paysafe_money_fault(column, value, currency, true)};
	if (fault->reason == NULL)
		return false;
	fault->reason = psprintf("%s %s: %s", what, paysafe_money_spoken(column, value, currency), fault->reason);
	return true;
}

static bool
has_captured_fault(const Captured *captured, TupleTableSlot *row, const char *currency, PaymentFault *fault)
{
	Numeric		value;

	if (captured->column.attnum == 0)
		return false;
	if (paysafe_money_value(&captured->column, row, &value))
		return has_amount_fault(&captured->column, value, currency, "captured amount", fault);
	*fault = (PaymentFault) {ERRCODE_23R05_CAPTURE, captured->column.name,
	pstrdup("the captured amount is missing")};
	/* a running total of a payment that has no status: nothing yet */
	return captured->statuses.column.type != STATUS_NONE && paysafe_captured_is(captured, row);
}

bool
paysafe_payment_fault_in(const Captured *captured, const Currency *column, TupleTableSlot *row, bool depend,
						 PaymentFaultPart part, char **currency, PaymentFault *fault)
{
	Numeric		value;

	switch (part)
	{
		case PAYMENT_FAULT_CURRENCY:
			*fault = (PaymentFault) {ERRCODE_23R04_AMOUNT, column->name, pstrdup("the currency is missing")};
			return paysafe_currency_of(column, row, depend, currency) == CURRENCY_MISSING;
		case PAYMENT_FAULT_AMOUNT:
			if (paysafe_money_value(&captured->amount, row, &value))
				return has_amount_fault(&captured->amount, value, *currency, "amount", fault);
			*fault = (PaymentFault) {ERRCODE_23R04_AMOUNT, captured->amount.name, pstrdup("the amount is missing")};
			return true;
		case PAYMENT_FAULT_LIMIT:
			return captured->limit.attnum != 0 && paysafe_money_value(&captured->limit, row, &value) &&
				has_amount_fault(&captured->limit, value, *currency, "limit", fault);
		case PAYMENT_FAULT_CAPTURED:
			return has_captured_fault(captured, row, *currency, fault);
		case PAYMENT_FAULT_EXCESS:
			*fault = (PaymentFault) {ERRCODE_23R05_CAPTURE, paysafe_captured_name(captured),
			paysafe_captured_excess(captured, row, *currency)};
			fault->over = fault->reason != NULL;
			return fault->over;
		case PAYMENT_FAULT_PARTS:
			break;
	}
	return false;
}

bool
paysafe_payment_fault_any(const Captured *captured, const Currency *column, TupleTableSlot *row, bool depend,
						  PaymentFault *fault)
{
	char	   *currency = NULL;

	for (PaymentFaultPart part = 0; part < PAYMENT_FAULT_PARTS; part++)
		if (paysafe_payment_fault_in(captured, column, row, depend, part, &currency, fault))
			return true;
	return false;
}
