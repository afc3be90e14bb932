/*-------------------------------------------------------------------------
 *
 * refund_passkey.c
 *	  Approving a refund before its row is there, by a passkey.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/approve.h"
#include "engine/passkey_challenge.h"
#include "people/approval.h"
#include "rules/refund/refund.h"

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_refund_challenge);

/*
 * refund_challenge(refund, payment, amount, currency, rp_id, rule) returns jsonb
 */
Datum
paysafe_refund_challenge(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("paysafe.refund_challenge()");
	paysafe_approval_check_own_code("paysafe.refund_challenge");
	PG_RETURN_DATUM(paysafe_passkey_ask(PG_GETARG_OID(0), NULL, paysafe_refund_advance_subjects(fcinfo),
										PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4))));
}

PG_FUNCTION_INFO_V1(paysafe_approve_refund_with_passkey);

/*
 * approve_refund_with_passkey(refund, payment, amount, currency, assertion jsonb, reason, ticket,
 * expires_at, rule) returns bigint
 */
Datum
paysafe_approve_refund_with_passkey(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"refund", "payment", "amount", "currency", "assertion"};
	SignedApproval *taken;
	List	   *subjects;
	List	   *ids;
	char	   *reason;

	PreventCommandIfReadOnly("paysafe.approve_refund_with_passkey()");
	paysafe_approval_check_own_code("paysafe.approve_refund_with_passkey");
	paysafe_argument_all_required(fcinfo, required, lengthof(required));
	reason = paysafe_argument_reason(fcinfo, 5, "reason", "an approval");
	taken = paysafe_passkey_take(fcinfo, 4, PG_GETARG_OID(0), NULL);
	subjects = paysafe_refund_advance_subjects(fcinfo);
	paysafe_passkey_compare(taken, subjects);
	ids = paysafe_approve_record(PG_GETARG_OID(0), NULL, subjects, taken->approver, reason,
								 PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6)),
								 PG_ARGISNULL(7) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(7));
	paysafe_passkey_keep(taken, ids);
	PG_RETURN_INT64(*(int64 *) llast(ids));
}
