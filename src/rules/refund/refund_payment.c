/*-------------------------------------------------------------------------
 *
 * refund_payment.c
 *	  The payment's side of refunds: what of it stays while there are refunds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "errors.h"
#include "rules/refund/captures.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_kept.h"
#include "rules/refund/refund_threshold.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/row_twin.h"
#include "values/spec.h"
#include "values/status_value.h"

/* Of the tables of refunds that refer to the payment, this rule's. */
static List *
only_table(List *tables, const RefundState *state)
{
	ListCell   *lc;

	foreach(lc, tables)
		if (paysafe_refund_is_own(lfirst(lc), state))
			return list_make1(lfirst(lc));
	return NIL;
}

static void
check_captured(const Rule *rule, const RowChange *change, List *tables, const char *key)
{
	const PaymentSide *side = &((RefundState *) rule->compiled)->payment;
	RefundSum	sum = {.minor = paysafe_money_is_minor(&side->captured.amount)};
	char	   *currency = NULL;
	Numeric		captured;
	Numeric		before;
	Numeric		bound;
	bool		has_captured;

	has_captured = paysafe_captured_value(&side->captured, change->after, &captured);
	/* what was refunded beyond it is on record: the more is captured, the less is beyond it */
	before = paysafe_captured_or_zero(&side->captured, change->before);
	if (has_captured && !numeric_is_nan(captured) && !numeric_is_inf(captured))
	{
		if (paysafe_money_compare(captured, before) >= 0)
			return;
		/* refunds that are yet to be checked will see this amount */
		bound = paysafe_refund_kept_bound(tables);
		if (bound != NULL && paysafe_money_compare(captured, bound) >= 0)
			return;
	}
	(void) paysafe_currency_of(&side->currency, change->after, false, &currency);
	sum.currency = currency;
	paysafe_refund_sum(tables, &sum);
	if (sum.rows == 0)
		return;
	if (!has_captured || numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum.total, captured) > 0)
		paysafe_rule_refuse(rule, ERRCODE_23R01_OVER_CAPTURED, paysafe_captured_name(&side->captured),
						  psprintf("captured amount of payment \"%s\" cannot fall below its refunds", key),
						  psprintf("Refunds total %s; captured would be %s.",
								   paysafe_refusal_value(paysafe_money_spoken(&side->captured.amount, sum.total, currency)),
								   has_captured ?
								   paysafe_refusal_value(paysafe_money_spoken(&side->captured.amount, captured, currency)) : "nothing"),
						  "Leave as much captured as its refunds total, or first void those that can be.");
}

/* Refunds would not know whose they are, and those that are there could not go on. */
static void
check_payment_twin(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RowKey *key = &state->payment.key.key;
	char	   *words;

	if (!paysafe_row_twin_exists(state->payment_root, change->rel, change->after, key, rule->observed))
		return;
	words = paysafe_refusal_value(paysafe_row_key_text(key, RelationGetDescr(change->rel), change->after));
	paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, linitial(state->payment_key),
					  psprintf("table \"%s\" has a payment \"%s\" already", rule->table_name, words),
					  psprintf("Key (%s)=(%s) already exists, perhaps in another partition or child.",
							   paysafe_strings_join(state->payment_key), words),
					  "Refunds name their payment by this key alone: give the new one another.");
}

/* Is anything captured of the payment as it was? */
static bool
has_captured(const PaymentSide *side, const RowChange *change)
{
	Numeric		captured;
	CaptureSum	sum;

	if (!side->summed)
		return paysafe_captured_value(&side->captured, change->before, &captured) &&
			paysafe_money_sign(captured) != 0;
	paysafe_captures_sum(paysafe_captures_tables(change->rules, change->before, false), &sum);
	return paysafe_money_sign(sum.captured) != 0;
}

/* Nothing is captured, and there is another payment of the key that refunds can mean. */
static bool
is_spare_payment(const RefundState *state, const RowChange *change)
{
	const PaymentSide *side = &state->payment;
	FoundPayment other;
	KeyValues	key;

	/* a net column that is zero may have been refunded */
	return !side->net && paysafe_key_columns_read(&side->key, change->before, &key, NULL) &&
		!has_captured(side, change) &&
		paysafe_refund_find_payment(state, &key, &other) > 0;
}

/*
 * Has a refund passed the gate within the period of a threshold, and is void and gone by now?  That counts
 * under the payment's key, and would not under another one.
 */
static bool
has_passed_lately(List *tables)
{
	RefundSum	sum = {.gate = true};
	int64		within = 0;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, tables)
	{
		const RefundTable *table = lfirst(lc);

		foreach(lc2, paysafe_refund_threshold_read(table->root, table->rule))
			within = Max(within, ((Threshold *) lfirst(lc2))->within);
	}
	if (within == 0)
		return false;
	sum.gate_from = GetCurrentTimestamp() - within;
	paysafe_refund_sum(tables, &sum);
	return paysafe_money_sign(sum.gate_total) != 0;
}

static void
check_payment(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const PaymentSide *side = &state->payment;
	RefundSum	sum = {0};
	List	   *tables;
	List	   *own;
	char	   *key;
	char	   *words;
	const char *column = NULL;
	AttrNumber	moved = change->op != 'U' ? InvalidAttrNumber :
		paysafe_key_columns_changed(&side->key, RelationGetDescr(change->rel), change->before, change->after);

	if (side->twins && (change->op == 'I' || moved != InvalidAttrNumber))
		check_payment_twin(rule, change);
	if (change->op == 'I')
		return;
	if (change->op == 'U')
	{
		if (moved != InvalidAttrNumber)
			column = NameStr(TupleDescAttr(RelationGetDescr(change->rel), moved - 1)->attname);
		else if (!paysafe_currency_same(&side->currency, RelationGetDescr(change->rel),
										change->before, change->after))
			column = side->currency.name;
		else if (side->summed ||
				 paysafe_captured_same(&side->captured, change->before, change->after))
			return;
	}
	tables = paysafe_refund_tables(change->rules, change->before);
	own = only_table(tables, state);
	if (own == NIL)
		return;					/* nothing can refer to it by NULL */
	key = ((RefundTable *) linitial(own))->key_text;
	words = paysafe_refusal_value(key);
	if (change->op == 'U' && column == NULL)
	{
		if (side->net)
			paysafe_refund_net_check(rule, change, tables, words);
		else
			check_captured(rule, change, tables, words);
		return;
	}
	paysafe_refund_sum(own, &sum);
	if (sum.rows == 0 || ((column == NULL || column != side->currency.name) && is_spare_payment(state, change)))
	{
		if (sum.rows == 0 && moved != InvalidAttrNumber && has_passed_lately(tables) &&
			!is_spare_payment(state, change))
			paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
								psprintf("column \"%s\" of table \"%s\" cannot change yet",
										 column, rule->table_name),
								psprintf("Refunds of payment \"%s\" have passed the gate within the period of a threshold. They are void or gone, but count under its key.",
										 words),
								"Change it when the period is over.");
		/* what was approved of it in advance is not of another payment that gets this key, or of other money */
		paysafe_approval_end_in_advance(state->refund_root, state->rule, key);
		return;
	}
	if (change->op == 'D')
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("payment \"%s\" in table \"%s\" has refunds and cannot be deleted",
								   words, rule->table_name),
						  psprintf("%d rows of \"%s\" refer to it.", sum.rows,
								   get_rel_name(state->refund_root)),
						  NULL);
	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
					  psprintf("column \"%s\" of table \"%s\" cannot change any more",
							   column, rule->table_name),
					  psprintf("Payment \"%s\" has refunds.", words), NULL);
}

/* A row of a shared table is no payment any more. */
static void
check_leaving(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	RefundSum	sum = {0};
	List	   *own = only_table(paysafe_refund_tables(change->rules, change->before), state);

	if (own != NIL)
		paysafe_refund_sum(own, &sum);
	paysafe_refund_shared_check(rule, change, sum.rows > 0);
	if (own != NIL)
		paysafe_approval_end_in_advance(state->refund_root, state->rule, ((RefundTable *) linitial(own))->key_text);
}

void
paysafe_refund_check_payment(const Rule *rule, const RowChange *change)
{
	const PaymentSide *side = &((RefundState *) rule->compiled)->payment;
	RowChange	seen = *change;
	bool		was;
	bool		is;

	if (!side->shared)
	{
		check_payment(rule, change);
		return;
	}
	was = change->before != NULL && paysafe_refund_shared_is_payment(side, change->before);
	is = change->after != NULL && paysafe_refund_shared_is_payment(side, change->after);
	if (change->op == 'U' && was && !is)
	{
		check_leaving(rule, change);
		return;
	}
	if (change->op == 'U' && is && !was)
	{
		seen.op = 'I';
		seen.before = NULL;
	}
	if (was || is)
		check_payment(rule, &seen);
}
