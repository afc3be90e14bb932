/*-------------------------------------------------------------------------
 *
 * refund_running.c
 *	  Refunds without rows: a column of the payment says what has been paid back so far.
 *
 * Each rise is a refund, of what the column rises by, and passes the gate as that: what
 * is gone within the period, and this, needs approvals above the threshold.  Nobody can
 * have approved a row of it, so approvals are those in advance.  An event keeps how much
 * it was and when.  Where a status says that the whole of a payment is paid back, the
 * column has risen from nothing to all of it.
 *
 * What is captured stands in the same row, so that whoever writes it holds all the
 * lock that is needed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "compat.h"
#include "engine/breach.h"
#include "engine/existing.h"
#include "engine/locked_row.h"
#include "engine/shown.h"
#include "engine/test_rows.h"
#include "engine/which_rows.h"
#include "errors.h"
#include "people/approval.h"
#include "people/person.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_source.h"
#include "rules/refund/refund_terms.h"
#include "store/catalog.h"
#include "values/money.h"

void
paysafe_refund_running_compile(RefundSide *side, const CompileInput *input)
{
	Relation	leaf = input->leaf;
	const RuleSource *payment = paysafe_refund_source_payment(input->sources, RelationGetRelid(leaf));

	side->running = true;
	if (paysafe_refund_source_captures(input->sources, RelationGetRelid(leaf)) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what is captured in table \"%s\" is a sum of captures", RelationGetRelationName(leaf)),
				 errhint("Refunds of such payments have rows of their own.")));
	if (payment == NULL)
	{
		if (!side->own_currency && side->constant == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" has no payment rule", RelationGetRelationName(leaf)),
					 errhint("Declare paysafe.protect_payment, or say the currency of its refunds.")));
		return;
	}
	side->limited = true;
	paysafe_captured_compile(leaf, payment->spec, &side->captured);
	/* that would fall by each refund, and limit the next one by it twice */
	if (side->captured.changes == CAPTURED_NET)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what is captured in table \"%s\" is net of refunds", RelationGetRelationName(leaf)),
				 errhint("It falls by rows of refunds. Where a column says what has been refunded, \"changes\" of paysafe.protect_payment is another.")));
	if (paysafe_money_is_minor(&side->captured.amount) != paysafe_money_is_minor(&side->amount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						side->amount.name, paysafe_captured_name(&side->captured)),
				 errhint("What has been refunded without rows counts in the units of what is captured.")));
	if (!side->own_currency && side->constant == NULL)
	{
		side->shares_place = true;
		paysafe_currency_compile(leaf, payment, &side->place);
	}
}

/* What has been paid back, as this version of the row says. */
static Numeric
refunded(const RefundSide *side, TupleTableSlot *row)
{
	Numeric		amount;

	return row != NULL && paysafe_status_value_find(&side->gated, row) >= 0 &&
		paysafe_money_value(&side->amount, row, &amount) ? amount : paysafe_money_zero();
}

static char *
currency_of(const RefundSide *side, TupleTableSlot *row)
{
	char	   *currency = side->constant;

	if (side->own_currency)
		return paysafe_status_value_is_null(&side->currency, row) ? NULL :
			paysafe_status_value_text(&side->currency, row);
	if (side->shares_place)
		(void) paysafe_currency_of(&side->place, row, false, &currency);
	return currency;
}

static char *
payment_words(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row));
}

static char *
money_words(const RefundSide *side, Numeric amount, const char *currency)
{
	return paysafe_refusal_value(currency ? paysafe_money_words(&side->amount, amount, currency) :
								 paysafe_money_text(amount));
}

/* Why nothing can be paid back as the row says it, or NULL. */
static char *
fault_of(const RefundSide *side, TupleTableSlot *row, Numeric amount, const char *currency)
{
	if (currency == NULL)
		return pstrdup("it has no currency");
	return paysafe_money_fault(&side->amount, amount, currency, true);
}

static bool
is_above_captured(const RefundSide *side, TupleTableSlot *row, Numeric amount, Numeric *captured)
{
	if (!side->limited)
		return false;
	*captured = paysafe_captured_or_zero(&side->captured, row);
	return numeric_is_nan(*captured) || numeric_is_inf(*captured) || paysafe_money_compare(amount, *captured) > 0;
}

/* What stays, or does not fall, once something has been paid back. */
static void
check_kept(const Rule *rule, const RowChange *change, Numeric before, Numeric after, const char *currency)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;
	TupleDesc	desc = RelationGetDescr(change->rel);
	AttrNumber	moved = paysafe_key_columns_changed(&side->payment, desc, change->before, change->after);
	char	   *was = currency_of(side, change->before);
	const char *column = NULL;

	if (moved != InvalidAttrNumber)
		column = NameStr(TupleDescAttr(desc, moved - 1)->attname);
	else if (was == NULL || currency == NULL || strcmp(was, currency) != 0)
		column = side->own_currency ? side->currency.name : side->place.name;
	if (column != NULL)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
							psprintf("column \"%s\" of table \"%s\" cannot change any more", column, rule->table_name),
							psprintf("Of payment \"%s\" %s has been refunded.", payment_words(change, change->before),
									 money_words(side, before, was)), NULL);
	if (paysafe_money_compare(after, before) < 0 && !side->deletable)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, side->amount.name,
							psprintf("what has been refunded of payment \"%s\" cannot fall", payment_words(change, change->before)),
							psprintf("It is %s, and would be %s.", money_words(side, before, was), money_words(side, after, currency)),
							"Where the application takes back what the provider has refused, \"deletable\" of paysafe.protect_refund says so.");
}

static char *
gate_detail(const RefundSide *side, const RowChange *change, const char *payment, const char *currency, const GateTerms *terms)
{
	if (terms->band == NULL)
		return psprintf("There is no threshold for %s, so every refund needs approval.", paysafe_refusal_value(currency));
	return psprintf("%s within %s would total %s; the threshold%s is %s.",
					paysafe_refund_flow_words(terms->band, false, psprintf("Refunds of payment \"%s\"", paysafe_refusal_value(payment))),
					paysafe_refund_threshold_period_text(terms->band->within),
					paysafe_refund_flow_is_hidden(terms->band, paysafe_refund_owner(change->rel, change->after, NULL)) ? "more" : money_words(side, terms->total, currency),
					paysafe_refund_band_words(terms->band),
					money_words(side, terms->band->amount, currency));
}

static void
refuse_gate(const Rule *rule, const RowChange *change, const char *payment, Numeric rise,
			const char *currency, char *detail, int needed, const ApprovalSubject *subject, int have, bool is_fact)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;

	paysafe_breach_or_refuse(rule, change, is_fact, &(Refusal)
							 {
								 .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
								 .rule = paysafe_refund_several_gate(state->rule),
								 .column = side->amount.name,
								 .message = psprintf("refund of %s of payment \"%s\" needs the approval of %s",
													 money_words(side, rise, currency), paysafe_refusal_value(payment),
													 needed == 1 ? "a second person" : psprintf("%d other persons", needed)),
								 .detail = subject->futile != NULL ? psprintf("%s %s", detail, subject->futile) :
								 psprintf("%s %d of %d approvals%s found; requested by %s.", detail, have, needed,
										  paysafe_refund_terms_words(subject), paysafe_refund_requesters_words(subject->requesters)),
								 .hint = subject->futile != NULL ?
								 "Who writes it is known by a token of their own: paysafe.act_as_token in the same transaction." :
								 psprintf("%sSomebody else approves it before: SELECT paysafe.approve_refund(%s, %s, %s, %s, 'why it is right'%s);",
										  paysafe_person_is_unknown(paysafe_person_current()) ?
										  "Nobody is named who requests it: call paysafe.act_as in the same transaction. " : "",
										  quote_literal_cstr(paysafe_catalog_table_name(state->refund_root)),
										  quote_literal_cstr(payment), paysafe_money_text(rise), quote_literal_cstr(currency),
										  paysafe_refund_several_argument(state->rule))
							 });
}

/* A column on its rise. */
typedef struct Rise
{
	const RefundState *state;
	const char *payment;
	const char *currency;
	Numeric		amount;
	RefundFlow	flow;
	int			steps;			/* events so far */
} Rise;

/* See TermsTotal. */
static Numeric
risen_total(const Threshold *band, void *arg)
{
	Rise	   *rise = arg;
	/* the steps are those of the payment, whatever is summed up */
	Numeric		risen = paysafe_refund_risen_within(rise->state, rise->payment, rise->currency, band ? band->within : 0, true, &rise->steps);

	return band != NULL && band->per != SUM_PAYMENT ? paysafe_refund_flow_total(&rise->flow, band, rise->amount) :
		paysafe_money_add(risen, rise->amount);
}

static void
check_gate(const Rule *rule, const RowChange *change, Numeric rise, const char *currency, bool is_fact)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *payment = paysafe_key_columns_row_text(&side->payment, change->after, NULL);
	char	   *key = paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after);
	char	   *whole = paysafe_row_key_text(&side->whole, RelationGetDescr(change->rel), change->after);
	Rise		rising = {.state = state, .payment = payment, .currency = currency, .amount = rise};
	GateTerms	terms;
	int			needed;
	int			have = 0;
	RefundLife	life = {.requesters = list_make1(paysafe_person_current())};
	ApprovalSubject subject = {.rule = state->rule};
	bool		rejected;
	bool		passes;
	Rejection  *other = NULL;

	paysafe_refund_flow_read(state, currency, change->after, life.requesters, NULL, &rising.flow);
	paysafe_refund_flow_lock(&rising.flow);
	paysafe_refund_terms(side->thresholds, currency, risen_total, &rising, &terms);
	paysafe_refund_terms_of_subject(&terms, &life, &subject);
	needed = terms.approvers;
	subject.money = paysafe_refund_money(state, payment, currency, rise);
	rejected = paysafe_refund_is_rejected(rule, change, &(RefundAsked)
										  {
											  .requesters = subject.requesters,
											  .money = subject.money
										  }, is_fact, &other);
	paysafe_refund_after_rejection(other, &subject, &needed);
	if (needed > 0 && subject.futile == NULL && !rejected)
		have = rule->observed ? paysafe_approval_count(state->refund_root, key, &subject) :
			paysafe_approval_use(state->refund_root, key, &subject, needed);
	passes = have >= needed && !rejected;
	paysafe_refund_flow_add(&rising.flow, rise);
	if (!passes && !rejected)
		refuse_gate(rule, change, payment, rise, currency, other ? paysafe_rejection_other_words(other) :
					gate_detail(side, change, payment, currency, &terms), needed, &subject, have, is_fact);
	paysafe_refund_add_rise(state, payment, key, whole, rising.steps + 1, rise, currency,
							!passes && !paysafe_rule_is_watched(rule), passes ? needed : 0, terms.bands);
}

static void
check_change(const Rule *rule, const RowChange *change)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;
	Numeric		before = refunded(side, change->before);
	Numeric		after = refunded(side, change->after);
	char	   *currency = currency_of(side, change->after);
	bool		is_fact = paysafe_status_value_find(&side->recorded, change->after) >= 0;
	int			direction = paysafe_money_compare(after, before);
	char	   *fault;
	Numeric		captured;

	if (paysafe_money_sign(after) == 0 && paysafe_money_sign(before) == 0)
		return;
	fault = fault_of(side, change->after, after, currency);
	if (fault != NULL)
		paysafe_rule_refuse(rule, ERRCODE_23R04_AMOUNT, side->amount.name,
							psprintf("refund of payment \"%s\" is not possible", payment_words(change, change->after)),
							psprintf("Payment \"%s\": %s.", payment_words(change, change->after), paysafe_refusal_value(fault)),
							"What has been refunded is zero or more, at the currency's scale.");
	if (change->before != NULL && paysafe_money_sign(before) != 0)
		check_kept(rule, change, before, after, currency);
	if (is_above_captured(side, change->after, after, &captured) &&
		(direction > 0 || paysafe_money_compare(captured, paysafe_captured_or_zero(&side->captured, change->before)) < 0))
		paysafe_breach_or_refuse(rule, change, is_fact, &(Refusal)
								 {
									 .sqlstate = ERRCODE_23R01_OVER_CAPTURED,
									 .column = side->amount.name,
									 .message = psprintf("refunds of payment \"%s\" exceed its captured amount", payment_words(change, change->after)),
									 .detail = psprintf("They would total %s; captured is %s.", money_words(side, after, currency),
														money_words(side, captured, currency)),
									 .hint = "Refund at most what is left."
								 });
	if (direction > 0)
		check_gate(rule, change, paysafe_money_add(after, paysafe_money_negate(before)), currency, is_fact);
}

/* What has risen within the period of a threshold, and fallen since, counts under the key that the payment has. */
static void
check_key(const Rule *rule, const RowChange *change, AttrNumber moved)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *column = NameStr(TupleDescAttr(RelationGetDescr(change->rel), moved - 1)->attname);
	char	   *payment = paysafe_key_columns_row_text(&side->payment, change->before, NULL);
	int64		within = 0;
	int			steps;
	ListCell   *lc;

	if (payment == NULL)
		return;
	foreach(lc, side->thresholds)
		within = Max(within, ((Threshold *) lfirst(lc))->within);
	if (within > 0 &&
		paysafe_money_sign(paysafe_refund_risen_within(state, payment, NULL, within, false, &steps)) != 0)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
							psprintf("column \"%s\" of table \"%s\" cannot change yet", column, rule->table_name),
							psprintf("Refunds of payment \"%s\" have passed the gate within the period of a threshold. They count under its key.",
									 paysafe_refusal_value(payment)),
							"Change it when the period is over.");
}

/* Has the payment got another currency? */
static bool
is_other_money(const RefundSide *side, const RowChange *change)
{
	char	   *was = currency_of(side, change->before);
	char	   *is = currency_of(side, change->after);

	return was != NULL && (is == NULL || strcmp(was, is) != 0);
}

void
paysafe_refund_running_check(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	RowChange	seen;
	AttrNumber	moved;

	if (!paysafe_which_rows(rule, &side->rows, change, &seen))
		return;
	moved = seen.op != 'U' ? InvalidAttrNumber :
		paysafe_key_columns_changed(&side->payment, RelationGetDescr(seen.rel), seen.before, seen.after);
	if (moved != InvalidAttrNumber && paysafe_money_sign(refunded(side, seen.before)) == 0)
		check_key(rule, &seen, moved);
	/* what was approved of it in advance is not of another payment that gets this key, or of other money */
	if (moved != InvalidAttrNumber || (seen.op == 'U' && is_other_money(side, &seen)))
		paysafe_approval_end_in_advance(state->refund_root, state->rule,
										paysafe_key_columns_row_text(&side->payment, seen.before, NULL));
	if (seen.op != 'D')
	{
		check_change(rule, &seen);
		return;
	}
	if (paysafe_money_sign(refunded(side, seen.before)) != 0 && !paysafe_test_row(change->rules, seen.before))
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("payment \"%s\" in table \"%s\" has refunds and cannot be deleted",
									 payment_words(&seen, seen.before), rule->table_name),
							psprintf("%s has been refunded.", money_words(side, refunded(side, seen.before), currency_of(side, seen.before))),
							NULL);
	paysafe_approval_end_in_advance(state->refund_root, state->rule, paysafe_key_columns_row_text(&side->payment, seen.before, NULL));
}

void
paysafe_refund_running_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;
	Numeric		amount = refunded(side, row);
	char	   *currency;
	char	   *fault;
	Numeric		captured;

	if (!paysafe_row_filter_has(&side->rows, row, NULL) || paysafe_money_sign(amount) == 0)
		return;
	currency = currency_of(side, row);
	fault = fault_of(side, row, amount, currency);
	if (fault == NULL && is_above_captured(side, row, amount, &captured))
		fault = psprintf("%s has been refunded, and %s is captured", money_words(side, amount, currency),
						 money_words(side, captured, currency));
	if (fault != NULL)
		(void) paysafe_existing_fault(report, "Row", paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row),
									  fault);
}

/* A payment as whoever approves a refund of it sees it. */
typedef struct Looked
{
	const RefundState *state;
	FoundPayment *payment;
	bool		counts;			/* it is one of the rule's rows */
} Looked;

static void
look(Relation leaf, TupleTableSlot *row, void *arg)
{
	Looked	   *looked = arg;
	const RelationRules *rules;
	const RefundState *state = paysafe_refund_rule_of(leaf, looked->state->refund_root, looked->state->rule, &rules)->compiled;
	const RefundSide *side = &state->refund;
	char	   *currency = currency_of(side, row);

	looked->counts = paysafe_row_filter_has(&side->rows, row, NULL);
	looked->payment->hidden = !paysafe_shown_row(leaf, row);
	looked->payment->currency = currency ? pstrdup(currency) : NULL;
	looked->payment->captured = side->limited ?
		DatumGetNumericCopy(NumericGetDatum(paysafe_captured_or_zero(&side->captured, row))) : NULL;
}

int
paysafe_refund_running_payment(const RefundState *state, const KeyValues *key, FoundPayment *out)
{
	Looked		looked = {.state = state, .payment = out};
	int			count;

	*out = (FoundPayment) {.key = paysafe_key_columns_text(key), .minor = paysafe_money_is_minor(&state->refund.amount)};
	count = paysafe_locked_row(state->refund_root, state->payment_key, key, !state->observed, false, look, &looked);
	return count == 1 && !looked.counts ? 0 : count;
}
