/*-------------------------------------------------------------------------
 *
 * refund_advance.c
 *	  Approving a refund before its row is there.
 *
 * Applications add a refund's row just before or after they call the provider, in the
 * status that needs approval: there is no row that could be approved.  What is
 * approved instead is a payment and an amount.  The first refund of the payment that
 * needs approval, was requested by somebody else and is of at most this amount uses
 * the approval up, all of it: what is left over is no second refund's.
 *
 * It ends with the payment: whoever deletes that, or gives it another key or
 * currency, holds its row, and so does who approves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "base/refusal.h"
#include "engine/approve.h"
#include "engine/shown.h"
#include "errors.h"
#include "people/acting.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_terms.h"
#include "store/catalog.h"
#include "values/money.h"

ApprovalMoney *
paysafe_refund_money(const RefundState *state, const char *payment, const char *currency,
					 Numeric amount)
{
	ApprovalMoney *money = palloc0(sizeof(ApprovalMoney));
	StringInfoData bytes;
	ListCell   *lc;

	money->payment = payment;
	money->currency = !state->payout ? currency : paysafe_money_code(pstrdup(currency));
	money->amount = amount;
	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe refund rule");
	paysafe_argument_append(&bytes, state->rule);
	paysafe_argument_append(&bytes, psprintf("%d", state->declaration));
	/* a key says which payment only together with these */
	paysafe_argument_append(&bytes, get_rel_name(state->payment_root) ?
							paysafe_catalog_table_name(state->payment_root) : "");
	foreach(lc, state->payment_key)
		paysafe_argument_append(&bytes, lfirst(lc));
	paysafe_crypto_sha256(bytes.data, bytes.len, money->bound);
	return money;
}

ApprovalMoney *
paysafe_refund_row_money(const RefundState *state, const FoundPayment *payment, const char *currency,
						 TupleTableSlot *row)
{
	ApprovalMoney *money = paysafe_refund_money(state, payment->key, currency,
												paysafe_refund_amount(&state->refund, row, payment));
	Numeric		amount;

	/* no approval in advance is bound to that */
	if (state->refund.payout && paysafe_money_value(&state->refund.amount, row, &amount) &&
		paysafe_money_sign(amount) < 0)
		money->bound[0] ^= 0xff;
	return money;
}

/*
 * A refund rule of the table, compiled, or NULL.  A copy: what is done with it may
 * compile rules anew.
 */
static RefundState *
find_state(Oid refund, const char *rule)
{
	RuleSource	source;
	bool		removed;
	List	   *leaves;
	Relation	leaf;
	const RelationRules *rules;
	RefundState *state;

	LockRelationOid(refund, AccessShareLock);
	if (!paysafe_rule_newest(refund, rule, &source, &removed) || removed)
		return NULL;
	leaves = paysafe_catalog_leaves(refund);
	if (leaves == NIL)
		return NULL;			/* there can be no refund */
	leaf = table_open(linitial_oid(leaves), AccessShareLock);
	state = palloc(sizeof(RefundState));
	*state = *(RefundState *) paysafe_refund_rule_of(leaf, refund, rule, &rules)->compiled;
	table_close(leaf, NoLock);
	return state;
}

static void
check_readable(Oid relid)
{
	AclResult	aclresult = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

static PAYSAFE_NORETURN void
not_possible(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there can be no such refund"),
			 errdetail("%s", paysafe_redact_string(detail)),
			 hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}

/* What an approval in advance lives, and who counts: as for a row of that. */
static void
set_terms(const RefundState *state, const FoundPayment *payment, ApprovalSubject *subject)
{
	const ApprovalMoney *money = subject->money;
	StandingRefund refund = {.state = state, .payment = payment, .amount = money->amount};
	GateTerms	terms;

	paysafe_refund_standing_terms(&refund, money->currency, &terms);
	paysafe_refund_terms_of_subject(&terms, NULL, subject);
	subject->words = paysafe_redact_string(psprintf("at most %s of %s \"%s\", once, before its row is there",
													paysafe_money_words(&state->refund.amount, money->amount, money->currency),
													state->payout ? "a payout" : "payment", money->payment));
}

/* The payment, locked, and what is approved of it: raises 22023 if that cannot be. */
static ApprovalMoney *
approved_money(const RefundState *state, char *payment, Numeric amount, char *currency, ApprovalSubject *subject)
{
	AmountColumn column = state->refund.amount;
	FoundPayment locked;
	ApprovalMoney *money;
	KeyValues	key;
	int			count;
	char	   *fault;

	paysafe_refund_payment_argument(state, payment, &key);
	if (paysafe_refund_is_hidden_group(state, &key))
		not_possible(psprintf("The transaction does not work for the tenant of %s \"%s\".",
							  paysafe_key_columns_words(state->refund.payment.names), paysafe_refusal_value(payment)),
					 NO_TENANT_HINT);
	count = state->refund.running ? paysafe_refund_running_payment(state, &key, &locked) :
		paysafe_refund_lock_payment(state, &key, false, &locked);
	if (!state->refund.running)
		paysafe_refund_payout_in(state, &locked, state->refund.constant ? state->refund.constant : currency);
	if (locked.hidden)
		count = 0;
	if (count != 1)
		not_possible(psprintf("%s rows of \"%s\" have %s \"%s\".", count == 0 ? "No" : "Several",
							  get_rel_name(state->refund.running ? state->refund_root : state->payment_root),
							  paysafe_key_columns_words(state->payment_key),
							  paysafe_refusal_value(payment)), NULL);
	if (locked.currency == NULL ||
		strcmp(paysafe_money_code(pstrdup(locked.currency)), paysafe_money_code(currency)) != 0)
		not_possible(psprintf("The refund would be in %s, payment \"%s\" is in %s.",
							  paysafe_refusal_value(currency), paysafe_refusal_value(locked.key),
							  locked.currency ? paysafe_refusal_value(locked.currency) : "no currency"),
					 "Name the currency of the payment.");
	/* people speak of money: positive, and in the units of the payment */
	column.minor = locked.minor;
	column.negative = false;
	fault = paysafe_money_fault(&column, amount, locked.currency, false);
	if (fault == NULL && paysafe_money_is_minor(&column) &&
		DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) > 0)
		fault = psprintf("column \"%s\" has whole minor units", column.name);
	if (fault != NULL)
		not_possible(psprintf("Amount %s: %s.", paysafe_refusal_value(paysafe_money_spoken(&column, amount, locked.currency)), fault),
					 NULL);
	if (!state->payout)
		locked.captured = paysafe_refund_net_captured(&locked, false);
	if ((!state->payout || state->refund.limited) &&
		(locked.captured == NULL || numeric_is_nan(locked.captured) ||
		 paysafe_money_compare(amount, locked.captured) > 0))
		not_possible(psprintf("Of payment \"%s\" %s is captured.", paysafe_refusal_value(locked.key),
							  locked.captured == NULL ? "nothing" :
							  paysafe_money_words(&column, locked.captured, locked.currency)),
					 "At most what is captured can be refunded.");
	money = paysafe_refund_money(state, locked.key, locked.currency, amount);
	subject->money = money;
	set_terms(state, &locked, subject);
	return money;
}

ApprovalMoney *
paysafe_refund_money_argument(FunctionCallInfo fcinfo, ApprovalSubject *subject)
{
	static const char *const arguments[] = {"refund", "payment", "amount", "currency"};
	ApprovalMoney *money;
	RefundState *state;
	Oid			refund;

	for (int i = 0; i < (int) lengthof(arguments); i++)
		paysafe_argument_required(fcinfo, i, arguments[i]);
	refund = PG_GETARG_OID(0);
	subject->rule = paysafe_refund_several_meant(refund, PG_ARGISNULL(PG_NARGS() - 1) ? NULL :
												 text_to_cstring(PG_GETARG_TEXT_PP(PG_NARGS() - 1)));
	if (subject->rule == NULL || (state = find_state(refund, subject->rule)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of \"%s\" are not subject to approval",
						get_rel_name(refund) ? get_rel_name(refund) : psprintf("%u", refund)),
				 errhint("Approvals are for tables declared with paysafe.protect_refund.")));
	check_readable(refund);
	if (OidIsValid(state->payment_root))
		check_readable(state->payment_root);
	money = approved_money(state, text_to_cstring(PG_GETARG_TEXT_PP(1)),
						   PG_GETARG_NUMERIC(2), text_to_cstring(PG_GETARG_TEXT_PP(3)), subject);
	return money;
}

List *
paysafe_refund_advance_subjects(FunctionCallInfo fcinfo)
{
	ApprovalSubject *subject = palloc0(sizeof(ApprovalSubject));
	ApprovalMoney *money = paysafe_refund_money_argument(fcinfo, subject);

	subject->requesters = paysafe_refund_requesters(PG_GETARG_OID(0), subject->rule, money);
	paysafe_approval_money_digest(money, money->amount, subject->digest);
	return list_make1(subject);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_approve_refund);

/*
 * approve_refund(refund, payment, amount, currency, reason, ticket, expires_at, rule)
 * returns bigint
 */
Datum
paysafe_approve_refund(PG_FUNCTION_ARGS)
{
	List	   *subjects;
	Person	   *approver = paysafe_person_current();
	char	   *reason;

	paysafe_approval_check_own_code("paysafe.approve_refund");
	reason = paysafe_argument_reason(fcinfo, 4, "reason", "an approval");
	paysafe_argument_required(fcinfo, 0, "refund");
	paysafe_approve_check_voice(PG_GETARG_OID(0), approver);
	subjects = paysafe_refund_advance_subjects(fcinfo);
	paysafe_approve_check(PG_GETARG_OID(0), NULL, subjects, approver);
	PG_RETURN_INT64(*(int64 *) llast(paysafe_approve_record(PG_GETARG_OID(0), NULL, subjects, approver, reason,
															PG_ARGISNULL(5) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(5)),
															PG_ARGISNULL(6) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(6))));
}

/* What an approval in advance of so much would be now. */
typedef struct Standing
{
	Oid			refund;
	const char *rule;
	const ApprovalMoney *money;
	bool		found;
	uint8		digest[PAYSAFE_SHA256_LEN];
	int64		valid_for;
} Standing;

/* A TermsTotal. */
static Numeric
amount_alone(const Threshold *band, void *amount)
{
	return amount;
}

static void
find_standing(void *arg)
{
	Standing   *standing = arg;
	GateTerms	terms;
	const ApprovalMoney *money = standing->money;
	const RefundState *state = get_rel_relkind(standing->refund) != '\0' ?
		find_state(standing->refund, standing->rule) : NULL;

	if (state == NULL)
		return;
	standing->found = true;
	paysafe_approval_money_digest(paysafe_refund_money(state, money->payment, money->currency, money->amount),
								  money->amount, standing->digest);
	/* by the amount alone: what else has passed may ask for more */
	paysafe_refund_terms(state->refund.thresholds, money->currency, amount_alone, money->amount, &terms);
	standing->valid_for = terms.valid_for;
}

PG_FUNCTION_INFO_V1(paysafe_refund_approval_state);

/*
 * refund_approval_state(relation, payment, amount, currency, digest, at, rule) returns text: what
 * an approval in advance that nobody has ended is worth now, for the view paysafe.approval
 */
Datum
paysafe_refund_approval_state(PG_FUNCTION_ARGS)
{
	ApprovalMoney money = {
		.payment = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.amount = PG_GETARG_NUMERIC(2),
		.currency = text_to_cstring(PG_GETARG_TEXT_PP(3))
	};
	Standing	standing = {
		.refund = PG_GETARG_OID(0), .rule = text_to_cstring(PG_GETARG_TEXT_PP(6)), .money = &money
	};
	bytea	   *digest = PG_GETARG_BYTEA_PP(4);
	const char *result = "open";

	/* a table whose rules do not fit it any more passes nothing, and hides no other */
	if (paysafe_attempt(find_standing, &standing) != NULL || !standing.found ||
		VARSIZE_ANY_EXHDR(digest) != PAYSAFE_SHA256_LEN ||
		memcmp(VARDATA_ANY(digest), standing.digest, PAYSAFE_SHA256_LEN) != 0)
		result = "void";
	else if (PG_GETARG_TIMESTAMPTZ(5) + standing.valid_for <= GetCurrentTimestamp())
		result = "expired";
	PG_RETURN_TEXT_P(cstring_to_text(result));
}
