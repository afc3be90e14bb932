/*-------------------------------------------------------------------------
 *
 * refund_review.c
 *	  Another person looks at who has broken the glass, and finds it right or wrong.
 *
 * Known as well as an approval of the refund would have been asked for: otherwise an application that
 * claims to be another person would make good what no claim could have let pass.  By a passkey they sign
 * the verdict; nobody takes that for an approval of the row, whose digest is another one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "compat.h"
#include "engine/approve.h"
#include "engine/approver_level.h"
#include "engine/passkey_challenge.h"
#include "people/acting.h"
#include "people/person.h"
#include "redact/redact.h"
#include "rules/refund/refund_glass.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define SIGNED_WITHIN	(INT64CONST(300) * USECS_PER_SEC)

/* Columns of paysafe.break_glass_review. */
enum
{
	REVIEW_APPROVAL, REVIEW_VERDICT, REVIEW_ACTOR, REVIEW_LOGIN, REVIEW_SESSION_USER, REVIEW_IDENTITY,
	REVIEW_REASON, REVIEW_TICKET, REVIEW_AT, REVIEW_CHALLENGE,
	REVIEW_NCOLUMNS
};

typedef struct Glass
{
	int64		id;
	bool		found;
	Oid			relation;
	char	   *key;
	char	   *reason;
	Person		person;
	List	   *requested_by;	/* of char * */
	IdentityLevel needs;
} Glass;

static bool
read_glass(Relation rel, HeapTuple tuple, void *arg)
{
	Glass	   *glass = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	char	   *needs = paysafe_store_text(tuple, desc, GLASS_NEEDS);
	bool		isnull;
	Datum	   *names;
	int			n;

	glass->found = true;
	glass->relation = DatumGetObjectId(heap_getattr(tuple, GLASS_RELATION + 1, desc, &isnull));
	glass->key = paysafe_store_text(tuple, desc, GLASS_KEY);
	glass->reason = paysafe_store_text(tuple, desc, GLASS_REASON);
	glass->person.actor = paysafe_store_text(tuple, desc, GLASS_ACTOR);
	glass->person.login = paysafe_store_text(tuple, desc, GLASS_LOGIN);
	glass->person.session_user_name = paysafe_store_text(tuple, desc, GLASS_SESSION_USER);
	glass->needs = needs ? paysafe_identity_parse(needs) : IDENTITY_NONE;
	deconstruct_array(DatumGetArrayTypePCopy(heap_getattr(tuple, GLASS_REQUESTED_BY + 1, desc, &isnull)),
					  TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	for (int i = 0; i < n; i++)
		glass->requested_by = lappend(glass->requested_by, TextDatumGetCString(names[i]));
	return false;
}

static void
find_glass(Datum id, Glass *glass)
{
	memset(glass, 0, sizeof(*glass));
	glass->id = DatumGetInt64(id);
	paysafe_store_scan(PAYSAFE_BREAK_GLASS_RECORD, "break_glass_record_pkey", 1, &id, read_glass, glass);
	if (!glass->found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the glass was not broken under number " INT64_FORMAT, glass->id),
				 errhint("paysafe.break_glass_use has when it was.")));
	glass->needs = Max(glass->needs, paysafe_approver_level());
}

/* Who looks at what. */
typedef struct Looking
{
	const Glass *glass;
	const Person *reviewer;
} Looking;

static void
check_looking(void *arg)
{
	const Looking *looking = arg;
	const Glass *glass = looking->glass;
	const Person *reviewer = looking->reviewer;
	char	   *conflict;
	ListCell   *lc;

	paysafe_acting_check_approver(reviewer, glass->relation);
	conflict = paysafe_person_conflict(reviewer, &glass->person);
	foreach(lc, glass->requested_by)
	{
		Person		requester = {.actor = lfirst(lc), .login = "", .session_user_name = ""};

		if (conflict == NULL)
			conflict = paysafe_person_conflict(reviewer, &requester);
	}
	if (conflict != NULL)
		paysafe_refund_glass_refuse(psprintf("\"%s\" cannot look at this", reviewer->actor),
									"Who has broken the glass, or requested or changed what passed by it, is no second person.",
									"Another person has to look at it.");
	if (reviewer->level < glass->needs)
		paysafe_refund_glass_refuse(psprintf("looking at this needs identity \"%s\"", paysafe_identity_name(glass->needs)),
									psprintf("Yours would be \"%s\", and an approval would have needed as much.",
											 paysafe_identity_name(reviewer->level)),
									glass->needs == IDENTITY_PASSKEY ?
									"Sign what paysafe.review_challenge returns, for paysafe.review_break_glass_with_passkey." :
									"Call paysafe.act_as_token in the same transaction first.");
}

/* Somebody else than who has broken it, and than who has requested the refund, or changed it. */
static void
check_reviewer(const Glass *glass, const Person *reviewer)
{
	Looking		looking = {.glass = glass, .reviewer = reviewer};

	paysafe_approve_try(reviewer, check_looking, &looking);
}

static char *
verdict_argument(FunctionCallInfo fcinfo)
{
	char	   *verdict;

	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "id" : "verdict");
	verdict = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (strcmp(verdict, "right") != 0 && strcmp(verdict, "wrong") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"right\" or \"wrong\"", "verdict")));
	return verdict;
}

/* What is signed: of ApprovalSubject. */
static List *
signed_subjects(const Glass *glass, const char *verdict)
{
	ApprovalSubject *subject = palloc0(sizeof(ApprovalSubject));
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe broken glass review");
	paysafe_argument_append(&bytes, psprintf(INT64_FORMAT, glass->id));
	paysafe_argument_append(&bytes, verdict);
	paysafe_crypto_sha256(bytes.data, bytes.len, subject->digest);
	subject->valid_for = SIGNED_WITHIN;
	subject->requesters = list_make1(unconstify(Person *, &glass->person));
	subject->words = paysafe_redact_string(psprintf("It was %s that \"%s\" broke the glass (" INT64_FORMAT ") for row %s: %s", verdict,
													glass->person.actor, glass->id, glass->key, glass->reason));
	return list_make1(subject);
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
add_review(const Glass *glass, const Person *reviewer, const char *verdict, const char *reason, const char *ticket,
		   const SignedApproval *taken)
{
	Datum		key = Int64GetDatum(glass->id);
	Datum		values[REVIEW_NCOLUMNS];
	bool		nulls[REVIEW_NCOLUMNS] = {0};

	if (paysafe_store_has(PAYSAFE_BREAK_GLASS_REVIEW, "break_glass_review_pkey", 1, &key))
		paysafe_refund_glass_refuse("another person has looked at this already", NULL,
									"The view paysafe.break_glass_use has who.");
	values[REVIEW_APPROVAL] = key;
	set_text(values, nulls, REVIEW_VERDICT, verdict);
	set_text(values, nulls, REVIEW_ACTOR, reviewer->actor);
	set_text(values, nulls, REVIEW_LOGIN, reviewer->login);
	set_text(values, nulls, REVIEW_SESSION_USER, reviewer->session_user_name);
	set_text(values, nulls, REVIEW_IDENTITY, paysafe_identity_name(reviewer->level));
	set_text(values, nulls, REVIEW_REASON, paysafe_redact_string(reason));
	set_text(values, nulls, REVIEW_TICKET, ticket ? paysafe_redact_string(ticket) : NULL);
	values[REVIEW_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[REVIEW_CHALLENGE] = taken == NULL;
	values[REVIEW_CHALLENGE] = taken ? paysafe_argument_bytea(taken->hash, PAYSAFE_SHA256_LEN) : (Datum) 0;
	paysafe_store_insert(PAYSAFE_BREAK_GLASS_REVIEW, values, nulls);
}

static char *
ticket_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : paysafe_argument_reason(fcinfo, n, "ticket", "a verdict");
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_review_break_glass);

/*
 * review_break_glass(id, verdict, reason, ticket) returns void
 */
Datum
paysafe_review_break_glass(PG_FUNCTION_ARGS)
{
	Person	   *reviewer = paysafe_person_current();
	Glass		glass;
	char	   *verdict;
	char	   *reason;

	paysafe_approval_check_own_code("paysafe.review_break_glass");
	verdict = verdict_argument(fcinfo);
	reason = paysafe_argument_reason(fcinfo, 2, "reason", "a verdict");
	(void) paysafe_store_lock_value(PAYSAFE_BREAK_GLASS_REVIEW, (uint64) PG_GETARG_INT64(0), false);
	find_glass(PG_GETARG_DATUM(0), &glass);
	check_reviewer(&glass, reviewer);
	add_review(&glass, reviewer, verdict, reason, ticket_argument(fcinfo, 3), NULL);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_review_challenge);

/*
 * review_challenge(id, verdict, rp_id) returns jsonb
 */
Datum
paysafe_review_challenge(PG_FUNCTION_ARGS)
{
	Person	   *reviewer = paysafe_person_current();
	Glass		glass;
	char	   *verdict;

	PreventCommandIfReadOnly("paysafe.review_challenge()");
	paysafe_approval_check_own_code("paysafe.review_challenge");
	verdict = verdict_argument(fcinfo);
	find_glass(PG_GETARG_DATUM(0), &glass);
	reviewer->level = IDENTITY_PASSKEY;
	check_reviewer(&glass, reviewer);
	PG_RETURN_DATUM(paysafe_passkey_ask(glass.relation, glass.key, signed_subjects(&glass, verdict),
										PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2))));
}

PG_FUNCTION_INFO_V1(paysafe_review_break_glass_with_passkey);

/*
 * review_break_glass_with_passkey(id, verdict, assertion, reason, ticket) returns void
 */
Datum
paysafe_review_break_glass_with_passkey(PG_FUNCTION_ARGS)
{
	SignedApproval *taken;
	Glass		glass;
	char	   *verdict;
	char	   *reason;

	PreventCommandIfReadOnly("paysafe.review_break_glass_with_passkey()");
	paysafe_approval_check_own_code("paysafe.review_break_glass_with_passkey");
	verdict = verdict_argument(fcinfo);
	paysafe_argument_required(fcinfo, 2, "assertion");
	reason = paysafe_argument_reason(fcinfo, 3, "reason", "a verdict");
	(void) paysafe_store_lock_value(PAYSAFE_BREAK_GLASS_REVIEW, (uint64) PG_GETARG_INT64(0), false);
	find_glass(PG_GETARG_DATUM(0), &glass);
	taken = paysafe_passkey_take(fcinfo, 2, glass.relation, glass.key);
	paysafe_passkey_compare(taken, signed_subjects(&glass, verdict));
	check_reviewer(&glass, taken->approver);
	add_review(&glass, taken->approver, verdict, reason, ticket_argument(fcinfo, 4), taken);
	paysafe_passkey_keep(taken, NIL);
	PG_RETURN_VOID();
}
