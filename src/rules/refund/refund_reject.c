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

static RejectionSubject
rejectable(const RefundState *state, const char *key, TimestampTz requested, const ApprovalMoney *money)
{
	return (RejectionSubject)
	{
		.relation = state->refund_root,
		.rule = state->rule,
		.scope = money->payment,
		.key = key,
		.money = money,
		.requested = requested
	};
}

bool
paysafe_refund_is_rejected(const Rule *rule, const RowChange *change, const char *key,
						   TimestampTz requested, const ApprovalMoney *money, bool is_fact)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	RejectionSubject subject = rejectable(state, key, requested, money);
	const Rejection *rejection = paysafe_rejection_standing(&subject, !rule->observed);

	if (rejection == NULL)
		return false;
	paysafe_breach_or_refuse(rule, change, is_fact, &(Refusal)
							 {
								 .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
								 .rule = paysafe_refund_several_gate(state->rule),
								 .column = side->gated.column.attnum != 0 ? side->gated.column.name : side->amount.name,
								 .message = psprintf("%s%s \"%s\" is rejected", state->payout ? "payout" : "refund",
													 key != NULL ? "" : state->payout ? " of" : " of payment",
													 paysafe_refusal_value(key != NULL ? key : money->payment)),
								 .detail = paysafe_rejection_words(rejection),
								 .hint = paysafe_rejection_hint(rejection)
							 });
	return true;
}

char *
paysafe_refund_rejected_by(const RefundState *state, const char *key, TimestampTz requested,
						   const ApprovalMoney *money)
{
	RejectionSubject subject = rejectable(state, key, requested, money);
	const Rejection *rejection = paysafe_rejection_standing(&subject, false);

	return rejection ? rejection->person.actor : NULL;
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
