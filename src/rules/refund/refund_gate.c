/*-------------------------------------------------------------------------
 *
 * refund_gate.c
 *	  A refund with a row passes the gate, or may not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/rel.h"

#include "base/refusal.h"
#include "engine/breach.h"
#include "people/approval.h"
#include "people/person.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_glass.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_structuring.h"
#include "rules/refund/refund_terms.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/status_value.h"

static char *
refund_key(const RowChange *change)
{
	return paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after);
}

static char *
refund_words(const RowChange *change)
{
	return paysafe_refusal_value(refund_key(change));
}

static char *
money_words(const FoundPayment *payment, Numeric amount, const char *currency)
{
	return paysafe_refusal_value(paysafe_money_words(&(AmountColumn) {.minor = payment->minor}, amount, currency));
}

bool
paysafe_refund_is_fact(const RefundSide *side, TupleTableSlot *row)
{
	return paysafe_status_value_find(&side->recorded, row) >= 0 || paysafe_refund_is_chargeback(side, row);
}

static char *
gate_detail(const RefundSide *side, const RowChange *change, const FoundPayment *payment,
			const GateTerms *terms)
{
	char	   *currency = paysafe_refund_currency(side, change->after, payment);

	return terms->band ?
		psprintf("%s within %s would total %s; the threshold%s is %s.",
				 paysafe_refund_flow_words(terms->band, side->payout,
										   psprintf("%s \"%s\"", side->payout ? "Payouts of" : "Refunds of payment",
													paysafe_refusal_value(payment->key))),
				 paysafe_refund_threshold_period_text(terms->band->within),
				 paysafe_refund_flow_is_hidden(terms->band, paysafe_refund_owner(change->rel, change->after, payment)) ? "more" : money_words(payment, terms->total, currency),
				 paysafe_refund_band_words(terms->band),
				 money_words(payment, terms->band->amount, currency)) :
		psprintf("There is no threshold for %s, so every %s needs approval.",
				 paysafe_refusal_value(currency), side->payout ? "payout" : "refund");
}

/* Whoever approves it: somebody who is known too little has written it. */
static char *
futile_hint(const RefundSide *side)
{
	return psprintf("%s Who requests it is known by a token of their own: paysafe.act_as_token.", paysafe_refund_again_hint(side));
}

/* Approvals are missing: it may not pass, or is a breach. */
static void
refuse_gate(const Rule *rule, const RowChange *change, const FoundPayment *payment, const char *detail,
			const ApprovalSubject *subject, int have, int needed, const RefundLife *before)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;

	paysafe_breach_or_refuse(rule, change, paysafe_refund_is_fact(side, change->after), &(Refusal)
							 {
								 .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
								 .rule = paysafe_refund_several_gate(state->rule),
								 .column = side->gated.column.attnum != 0 ? side->gated.column.name : side->amount.name,
								 .message = psprintf("%s \"%s\" of %s needs the approval of %s",
													 side->payout ? "payout" : "refund",
													 refund_words(change),
													 money_words(payment, subject->money->amount, subject->money->currency),
													 needed == 1 ? "a second person" : psprintf("%d other persons", needed)),
								 .detail = subject->futile != NULL ? psprintf("%s %s", detail, subject->futile) :
								 psprintf("%s %d of %d approvals%s found; requested by %s%s.",
													detail, have, needed, paysafe_refund_terms_words(subject),
													paysafe_refund_requesters_words(subject->requesters),
													paysafe_refund_writers_words(subject->writers)),
								 .hint = subject->futile != NULL ? futile_hint(side) : subject->identity < IDENTITY_PASSKEY ? paysafe_refund_gate_hint(state, change, subject->money, before) :
								 psprintf("%s It takes a passkey: paysafe.approve_with_passkey.",
										  paysafe_refund_gate_hint(state, change, subject->money, before))
							 });
}

/* A refund on its way through the gate. */
typedef struct PassingRefund
{
	const RefundState *state;
	const FoundPayment *payment;
	const RowChange *change;
	Numeric		amount;
	RefundFlow	flow;
	int64		within;			/* last period that was added up, */
	Numeric		exact;			/* ... and what it came to; or NULL */
} PassingRefund;

/* What fits the sum so far need not be added up; what does not, must: see TermsTotal. */
static Numeric
passing_total(const Threshold *band, void *arg)
{
	PassingRefund *passing = arg;
	Numeric		total;

	if (band == NULL)
		return passing->amount;
	if (band->per != SUM_PAYMENT)
		return paysafe_refund_flow_total(&passing->flow, band, passing->amount);
	if (passing->exact != NULL && passing->within == band->within)
		return passing->exact;
	total = paysafe_money_add(paysafe_refund_passed_within(passing->state, passing->payment, passing->change,
														   band->within, false), passing->amount);
	if (paysafe_money_compare(total, band->amount) <= 0)
		return total;
	passing->within = band->within;
	passing->exact = paysafe_money_add(paysafe_refund_passed_within(passing->state, passing->payment, passing->change,
																	band->within, true), passing->amount);
	return passing->exact;
}

void
paysafe_refund_pass_gate(const Rule *rule, const RowChange *change, const FoundPayment *payment,
						 RefundLife *life, const RefundLife *before)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *key = refund_key(change);
	char	   *currency = paysafe_refund_currency(side, change->after, payment);
	Numeric		amount = paysafe_refund_amount(side, change->after, payment);
	PassingRefund passing = {state, payment, change, .amount = amount};
	GateTerms	terms = {0};
	int			needed;
	int			have = 0;
	bool		rejected;
	bool		passes;
	bool		glass;
	Rejection  *other = NULL;
	ApprovalSubject subject = {.rule = state->rule};

	if (!paysafe_refund_is_chargeback(side, change->after))
	{
		paysafe_refund_flow_read(state, currency, change->after,
								 life->requesters != NIL ? life->requesters : list_make1(paysafe_person_current()), life,
								 &passing.flow);
		paysafe_refund_flow_lock(&passing.flow);
		paysafe_refund_terms(side->thresholds, currency, passing_total, &passing, &terms);
	}
	paysafe_refund_terms_of_subject(&terms, life, &subject);
	needed = terms.approvers;
	/* nobody knows who requested it: then at least not who moves it now */
	if (subject.requesters == NIL)
		subject.requesters = list_make1(paysafe_person_current());
	subject.money = paysafe_refund_row_money(state, payment, currency, change->after);
	rejected = !paysafe_refund_is_chargeback(side, change->after) &&
		paysafe_refund_is_rejected(rule, change, &(RefundAsked)
								   {
									   payment, key, life->requested, subject.requesters, subject.money
								   }, paysafe_refund_is_fact(side, change->after), &other);
	paysafe_refund_after_rejection(other, &subject, &needed);
	/* a row that is added can have been approved in advance only: that digest is nobody's */
	if (needed > 0 && change->op != 'I')
		paysafe_refund_digest(state, before, payment->key, change->after, change->before,
							  subject.digest);
	if (needed > 0 && subject.futile == NULL && !rejected)
		/* a used one keeps the transaction from being prepared: not where one only looks */
		have = rule->observed ? paysafe_approval_count(state->refund_root, key, &subject) :
			paysafe_approval_use(state->refund_root, key, &subject, needed);
	glass = have < needed && !rejected && other == NULL && change->op != 'I' && paysafe_refund_breaks_glass(rule, key, &subject);
	passes = (have >= needed || glass) && !rejected;
	if (!passes && !rejected)
		refuse_gate(rule, change, payment, other ? paysafe_rejection_other_words(other) :
					gate_detail(side, change, payment, &terms), &subject,
					have, needed, before);
	if (needed == 0 && passes && !paysafe_refund_is_chargeback(side, change->after))
		paysafe_refund_note_structuring(&(UnapprovedRefund)
										{
											state, payment, key, currency, amount, linitial(subject.requesters)
										});
	life->bands = terms.bands;
	paysafe_refund_add_event(state, life, payment, key, change->after,
							 passes || paysafe_rule_is_watched(rule) ? REFUND_GATED : REFUND_RECORDED,
							 !passes ? 0 : glass ? 1 : needed);
	paysafe_refund_flow_add(&passing.flow, amount);
	paysafe_refund_has_passed(state, payment, change);
}
