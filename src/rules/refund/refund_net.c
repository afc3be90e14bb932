/*-------------------------------------------------------------------------
 *
 * refund_net.c
 *	  Payments whose captured column is net of refunds.
 *
 * Saleor's payments, for one: the column falls with each refund, so that it does not say
 * how much may be refunded.  What was captured in all is kept beside it from its first
 * fall on (engine/gross.h):
 *
 *	  - the column falls only as far as refunds account for it: what is captured in all,
 *		less the column, is at most what the refunds total;
 *	  - refunds total at most what is captured in all;
 *	  - when it rises, that is a capture, up to what limits captures.  When a refund
 *		becomes void whose fall the column has not taken back yet, less counts as captured until
 *		it does.
 *
 *	  Refunds that were there before the column was declared to be net are in it already.
 *
 * All of this happens under the payment's row lock: also where a refund becomes void,
 * which otherwise locks nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/refusal.h"
#include "engine/gross.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/refund/refund.h"
#include "values/money.h"
#include "values/row_key.h"

void
paysafe_refund_net_compile(PaymentSide *side, Relation leaf, const RuleSource *payment)
{
	side->net = !side->captured.plain && side->captured.changes == CAPTURED_NET;
	if (!side->net)
		return;
	side->declared_on = payment->relation;
	side->net_since = paysafe_gross_since(payment);
	paysafe_row_key_whole(leaf, &side->whole);
}

void
paysafe_refund_net_describe(const PaymentSide *side, TupleTableSlot *row, FoundPayment *out)
{
	Numeric		ceiling;

	out->net = NULL;
	if (!side->net)
		return;
	out->net = palloc0(sizeof(NetPayment));
	out->net->declared_on = side->declared_on;
	out->net->since = side->net_since;
	out->net->key = paysafe_row_key_text(&side->whole, row->tts_tupleDescriptor, row);
	if (paysafe_captured_ceiling(&side->captured, row, &ceiling))
		out->net->ceiling = DatumGetNumericCopy(NumericGetDatum(ceiling));
}

static Numeric
smaller(Numeric a, Numeric b)
{
	return paysafe_money_compare(a, b) <= 0 ? a : b;
}

static Numeric
larger(Numeric a, Numeric b)
{
	return paysafe_money_compare(a, b) >= 0 ? a : b;
}

static Numeric
less(Numeric a, Numeric b)
{
	return paysafe_money_add(a, paysafe_money_negate(b));
}

/* At least what the column says, and at most what may be captured. */
static Numeric
within(Numeric gross, Numeric column, Numeric ceiling)
{
	return larger(ceiling ? smaller(gross, ceiling) : gross, column);
}

Numeric
paysafe_refund_net_captured(const FoundPayment *payment, bool keep)
{
	const NetPayment *net = payment->net;
	RefundSum	sum = {.minor = payment->minor, .currency = payment->currency, .old = true};
	Numeric		column = payment->captured;
	Numeric		gross;

	if (net == NULL)
		return column;
	if (column == NULL)
		column = paysafe_money_zero();
	if (numeric_is_nan(column) || numeric_is_inf(column))
		return column;
	if (paysafe_gross_find(net->declared_on, net->key, net->since, &gross))
		return larger(gross, column);
	sum.old_before = net->since;
	paysafe_refund_sum(payment->tables, &sum);
	if (paysafe_money_sign(sum.old_total) == 0)
		return column;
	gross = within(paysafe_money_add(column, sum.old_total), column, net->ceiling);
	/* so that this is added up once */
	if (keep)
		paysafe_gross_keep(net->declared_on, net->key, gross);
	return gross;
}

void
paysafe_refund_net_voided(const FoundPayment *payment, const RowChange *change)
{
	const NetPayment *net = payment->net;
	Numeric		column = payment->captured ? payment->captured : paysafe_money_zero();
	Numeric		gross;
	Numeric		most;

	if (net == NULL || !paysafe_gross_find(net->declared_on, net->key, net->since, &gross))
		return;
	most = paysafe_money_add(column, paysafe_refund_total(payment, NULL, change, NULL, false));
	if (paysafe_money_compare(gross, most) > 0)
		paysafe_gross_keep(net->declared_on, net->key, most);
}

/* Several rules of refunds see the same change of a payment: one of them keeps the books. */
static bool
keeps_books(const Rule *rule, const RowChange *change)
{
	for (int i = 0; i < change->rules->nrules; i++)
	{
		const Rule *other = &change->rules->rules[i];
		const RefundState *state = other->kind == &paysafe_refund_kind ? other->compiled : NULL;

		if (state != NULL && state->is_payment && state->payment.net)
			return other == rule;
	}
	return true;
}

static void
refuse_fall(const Rule *rule, const PaymentSide *side, const char *key, Numeric gross, Numeric refunds,
			Numeric column, const char *currency)
{
	const AmountColumn *amount = &side->captured.amount;

	paysafe_rule_refuse(rule, ERRCODE_23R05_CAPTURE, paysafe_captured_name(&side->captured),
						psprintf("captured amount of payment \"%s\" falls by more than its refunds", key),
						psprintf("Of %s that is captured, refunds total %s; %s would be left.",
								 paysafe_refusal_value(paysafe_money_spoken(amount, gross, currency)),
								 paysafe_refusal_value(paysafe_money_spoken(amount, refunds, currency)),
								 paysafe_refusal_value(paysafe_money_spoken(amount, column, currency))),
						"Add the refund first: then the column may fall by it.");
}

void
paysafe_refund_net_check(const Rule *rule, const RowChange *change, List *tables, const char *key)
{
	const PaymentSide *side = &((RefundState *) rule->compiled)->payment;
	FoundPayment payment = {.tables = tables, .minor = paysafe_money_is_minor(&side->captured.amount)};
	RefundSum	sum = {.minor = payment.minor};
	Numeric		before = paysafe_captured_or_zero(&side->captured, change->before);
	Numeric		after = paysafe_captured_or_zero(&side->captured, change->after);
	Numeric		kept;
	Numeric		gross;

	paysafe_refund_net_describe(side, change->after, &payment);
	(void) paysafe_currency_of(&side->currency, change->after, false, &payment.currency);
	sum.currency = payment.currency;
	if (numeric_is_nan(before) || numeric_is_inf(before))
		before = paysafe_money_zero();
	if (numeric_is_nan(after) || numeric_is_inf(after))
		return;					/* not possible by the payment's rule */
	if (!paysafe_gross_find(payment.net->declared_on, payment.net->key, payment.net->since, &kept))
		kept = NULL;
	sum.old = kept == NULL;
	sum.old_before = payment.net->since;
	paysafe_refund_sum(tables, &sum);
	gross = kept ? larger(smaller(kept, paysafe_money_add(before, sum.total)), before) :
		within(paysafe_money_add(before, sum.old_total), before, payment.net->ceiling);
	if (paysafe_money_compare(after, before) > 0)
		gross = within(paysafe_money_add(gross, less(after, before)), after, payment.net->ceiling);
	if (keeps_books(rule, change) && paysafe_money_compare(gross, kept ? kept : after) != 0)
		paysafe_gross_keep(payment.net->declared_on, payment.net->key, gross);
	if (paysafe_money_compare(after, before) < 0 &&
		paysafe_money_compare(less(gross, after), sum.total) > 0)
		refuse_fall(rule, side, key, gross, sum.total, after, payment.currency);
}
