/*-------------------------------------------------------------------------
 *
 * refund_reject.c
 *	  Refunds that somebody has said no to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "engine/breach.h"
#include "engine/reject.h"
#include "errors.h"
#include "people/approval.h"
#include "people/rejection.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_several.h"

/* What a rule of the payment's refunds has of rejections; own: the refund is one by it. */
static const Rejection *
standing_in(Oid relation, const char *rule, const char *payment, const RefundAsked *asked, bool own, bool lock,
			Rejection **other)
{
	RejectionSubject subject = {
		.relation = relation,
		.rule = rule,
		.scope = payment,
		.key = own ? asked->key : NULL,
		.money = asked->money,
		.requested = asked->requested,
		.requesters = asked->requesters
	};

	return paysafe_rejection_standing(&subject, lock, other);
}

/* Refunds of one payment in all tables are one: a no in one of them is one in each. */
static const Rejection *
standing(const RefundState *state, const RefundAsked *asked, bool lock, Rejection **other)
{
	const Rejection *rejection = standing_in(state->refund_root, state->rule, asked->money->payment, asked, true, lock, other);
	ListCell   *lc;

	foreach(lc, asked->payment ? asked->payment->tables : NIL)
	{
		const RefundTable *table = lfirst(lc);
		const Rejection *there;

		if (paysafe_refund_is_own(table, state))
			continue;
		there = standing_in(table->root, table->rule, table->key_text, asked, false, lock && !table->observed, other);
		if (rejection == NULL)
			rejection = there;
	}
	return rejection;
}

bool
paysafe_refund_is_rejected(const Rule *rule, const RowChange *change, const RefundAsked *asked,
						   bool is_fact, Rejection **other)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	const Rejection *rejection = standing(state, asked, !rule->observed, other);
	bool		payout = state->payout && !side->running;

	if (rejection == NULL)
		return false;
	paysafe_breach_or_refuse(rule, change, is_fact, &(Refusal)
							 {
								 .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
								 .rule = paysafe_refund_several_gate(state->rule),
								 .column = side->gated.column.attnum != 0 ? side->gated.column.name : side->amount.name,
								 .message = psprintf("%s%s \"%s\" is rejected", payout ? "payout" : "refund",
													 asked->key != NULL ? "" : payout ? " of" : " of payment",
													 paysafe_refusal_value(asked->key != NULL ? asked->key : asked->money->payment)),
								 .detail = paysafe_rejection_words(rejection),
								 .hint = paysafe_rejection_hint(rejection)
							 });
	return true;
}

char *
paysafe_refund_rejected_by(const RefundState *state, const RefundAsked *asked, Rejection **other)
{
	const Rejection *rejection = standing(state, asked, false, other);

	return rejection ? rejection->person.actor : NULL;
}

void
paysafe_refund_after_rejection(const Rejection *other, ApprovalSubject *subject, int *needed)
{
	if (other == NULL)
		return;
	subject->given_after = other->at;
	*needed = Max(*needed, 1);
}

/* The payment that the text names, if there is one. */
static bool
find_payment(const RefundState *state, const char *text, FoundPayment *out)
{
	KeyValues	key;

	paysafe_refund_payment_argument(state, pstrdup(text), &key);
	return !state->refund.running && paysafe_refund_find_payment(state, &key, out) == 1;
}

static List *
askers_in(Oid relation, const char *rule, const char *payment)
{
	List	   *persons = paysafe_refund_event_persons(relation, rule, payment);
	ListCell   *lc;

	foreach(lc, paysafe_refund_requests(relation, rule, payment))
		persons = lappend(persons, &((RefundRequest *) lfirst(lc))->person);
	return persons;
}

List *
paysafe_refund_askers(const Rule *rule, const char *payment)
{
	/* looking for the payment may compile rules anew: keep what is needed later */
	const RefundState state = *(RefundState *) rule->compiled;
	FoundPayment found;
	List	   *persons;
	ListCell   *lc;

	if (state.is_payment)
		return NIL;
	persons = askers_in(state.refund_root, state.rule, payment);
	if (!find_payment(&state, payment, &found))
		return persons;
	foreach(lc, found.tables)
	{
		const RefundTable *table = lfirst(lc);

		if (!paysafe_refund_is_own(table, &state))
			persons = list_concat(persons, askers_in(table->root, table->rule, table->key_text));
	}
	return persons;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_reject_refund);

/*
 * reject_refund(refund, payment, amount, currency, reason, ticket, rule) returns bigint
 */
Datum
paysafe_reject_refund(PG_FUNCTION_ARGS)
{
	char	   *reason;
	char	   *ticket;

	paysafe_approval_check_own_code("paysafe.reject_refund");
	paysafe_argument_required(fcinfo, 0, "refund");
	reason = paysafe_argument_reason(fcinfo, 4, "reason", "a rejection");
	ticket = PG_ARGISNULL(5) ? NULL : paysafe_argument_reason(fcinfo, 5, "ticket", "a rejection");
	PG_RETURN_INT64(paysafe_reject_record(PG_GETARG_OID(0), NULL, paysafe_refund_advance_subjects(fcinfo),
										  reason, ticket));
}
