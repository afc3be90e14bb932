/*-------------------------------------------------------------------------
 *
 * refund_glass.c
 *	  Breaking the glass: one person lets one refund through its gate, and is looked at afterwards.
 *
 * It is an approval of its own kind: by a passkey, of exactly this row, once, in time, and the
 * requester may give it.  Whoever looked at a challenge for an approval has not signed this: the digest is
 * another one.  It opens no gate unless two people have said so before (paysafe.break_glass_setting, of
 * which the last row of a rule counts), and nothing that somebody has rejected.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/async.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/approve.h"
#include "engine/approver_level.h"
#include "engine/declare.h"
#include "engine/loosening.h"
#include "engine/passkey_challenge.h"
#include "errors.h"
#include "people/acting.h"
#include "people/actor.h"
#include "people/person.h"
#include "redact/redact.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_glass.h"
#include "rules/refund/refund_several.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

#define CHANNEL		"paysafe_break_glass"
#define MAX_REVIEW	(INT64CONST(30) * USECS_PER_DAY)

/* Columns of paysafe.break_glass_setting. */
enum
{
	SETTING_ID, SETTING_RELATION, SETTING_RULE, SETTING_REVIEW_WITHIN, SETTING_REASON, SETTING_ACTOR,
	SETTING_LOGIN, SETTING_SESSION_USER, SETTING_AT,
	SETTING_NCOLUMNS
};

void
paysafe_refund_glass_refuse(const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "break_glass",
					   .schema_name = "paysafe",
					   .table_name = "break_glass_record",
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Whether it is allowed */

typedef struct Setting
{
	const char *rule;
	int64		id;
	int64		review;			/* microseconds; 0: the glass cannot be broken */
	int			n;				/* so many have been declared */
	TimestampTz forbidden;		/* when it was forbidden last; 0: never */
} Setting;

static bool
note_setting(Relation rel, HeapTuple tuple, void *arg)
{
	Setting    *setting = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	int64		id = DatumGetInt64(heap_getattr(tuple, SETTING_ID + 1, desc, &isnull));
	TimestampTz at = DatumGetTimestampTz(heap_getattr(tuple, SETTING_AT + 1, desc, &isnull));
	Datum		review;

	if (strcmp(paysafe_store_text(tuple, desc, SETTING_RULE), setting->rule) != 0)
		return true;
	setting->n++;
	review = heap_getattr(tuple, SETTING_REVIEW_WITHIN + 1, desc, &isnull);
	if (isnull)
		setting->forbidden = Max(setting->forbidden, at);
	if (id < setting->id)
		return true;
	setting->id = id;
	setting->review = isnull ? 0 : paysafe_argument_microseconds(DatumGetIntervalP(review), "review_within");
	return true;
}

static Setting
read_setting(Oid refund, const char *rule)
{
	Setting		setting = {.rule = rule};
	Datum		key = ObjectIdGetDatum(refund);

	if (rule != NULL && !paysafe_store_is_empty(PAYSAFE_BREAK_GLASS_SETTING))
		paysafe_store_scan(PAYSAFE_BREAK_GLASS_SETTING, "break_glass_setting_relation", 1, &key, note_setting, &setting);
	return setting;
}

static int64
review_time(Oid refund, const char *rule)
{
	return read_setting(refund, rule).review;
}

/* It is allowed, or for longer: two people, of whom one signs. */
static bool
authorize(Oid refund, const char *rule, const Setting *old, int64 new_review)
{
	SpecBuilder spec;
	bool		is_sole = paysafe_refund_several_argument(rule)[0] == '\0';
	char	   *words = psprintf("lets one person alone let a refund pass, if another one looks at it within " INT64_FORMAT " s",
								 new_review / USECS_PER_SEC);
	ProposedChange change = {
		.approved_as = PAYSAFE_RULE,
		.relation = refund,
		.name = psprintf(PAYSAFE_BREAK_GLASS_CHANGE "%s%s", is_sole ? "" : " for ", is_sole ? "" : rule),
		.version = old->n + 1,
		.difference = words,
		.loosens = words,
		.comes_to = psprintf("%s %s", rule, words),
		.identity = IDENTITY_PASSKEY
	};

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "review_within", psprintf(INT64_FORMAT " s", new_review / USECS_PER_SEC));
	paysafe_spec_add_text(&spec, "was", psprintf(INT64_FORMAT " s", old->review / USECS_PER_SEC));
	change.after = paysafe_spec_end(&spec);
	return paysafe_loosening_authorize(&change);
}

/* Breaking it */

/* What is signed instead of an approval of the subject. */
static ApprovalSubject *
glass_subject(const ApprovalSubject *subject)
{
	ApprovalSubject *glass = palloc(sizeof(ApprovalSubject));

	*glass = *subject;
	paysafe_approve_glass_digest(subject->digest, glass->digest);
	glass->requesters = glass->writers = NIL;	/* it may be one of them */
	glass->money = NULL;
	glass->alone = true;
	glass->hours = NIL;			/* what cannot wait is not for office hours */
	glass->identity = IDENTITY_PASSKEY;
	if (subject->words != NULL)
		glass->words = psprintf("BREAK GLASS, alone, to be looked at by another person: %s", subject->words);
	return glass;
}

bool
paysafe_refund_breaks_glass(const Rule *rule, const char *key, const ApprovalSubject *subject)
{
	const RefundState *state = rule->compiled;
	Setting		setting = read_setting(state->refund_root, state->rule);
	ApprovalSubject *glass;

	/* it stands in for a second person, not for who has written it */
	if (rule->observed || subject->futile != NULL || setting.review == 0)
		return false;
	glass = glass_subject(subject);
	/* what was signed before that is worth nothing any more */
	glass->given_after = Max(glass->given_after, setting.forbidden);
	return paysafe_approval_use(state->refund_root, key, glass, 1) == 1;
}

static List *
glass_subjects(Oid refund, const char *key)
{
	List	   *subjects = NIL;
	ListCell   *lc;

	foreach(lc, paysafe_approve_subjects(refund, key))
	{
		const ApprovalSubject *subject = lfirst(lc);

		if (review_time(refund, subject->rule) == 0)
			paysafe_refund_glass_refuse(psprintf("nobody alone lets rows of \"%s\" pass", get_rel_name(refund)), NULL,
				   "Two people allow it before: paysafe.set_break_glass.");
		subjects = lappend(subjects, glass_subject(subject));
	}
	return subjects;
}

/* Names of those who have requested it, or changed it, so that they do not look at it afterwards. */
static Datum
requester_names(List *requesters)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, requesters)
	{
		const Person *person = lfirst(lc);

		names = lappend(names, person->actor ? person->actor : person->login);
	}
	return PointerGetDatum(paysafe_strings_array(names));
}

static void
add_glass(int64 id, Oid refund, const ApprovalSubject *subject, const ApprovalSubject *glass, const Person *person,
		  const char *reason, const char *ticket)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[GLASS_NCOLUMNS];
	bool		nulls[GLASS_NCOLUMNS] = {0};

	values[GLASS_APPROVAL] = Int64GetDatum(id);
	values[GLASS_RELATION] = ObjectIdGetDatum(refund);
	set_text(values, nulls, GLASS_RULE, glass->rule);
	set_text(values, nulls, GLASS_KEY, glass->key);
	set_text(values, nulls, GLASS_ACTOR, person->actor);
	set_text(values, nulls, GLASS_LOGIN, person->login);
	set_text(values, nulls, GLASS_SESSION_USER, person->session_user_name);
	values[GLASS_REQUESTED_BY] = requester_names(list_concat_copy(subject->requesters, subject->writers));
	set_text(values, nulls, GLASS_REASON, paysafe_redact_string(reason));
	set_text(values, nulls, GLASS_TICKET, paysafe_redact_string(ticket));
	values[GLASS_AT] = TimestampTzGetDatum(now);
	values[GLASS_REVIEW_UNTIL] = TimestampTzGetDatum(now + review_time(refund, glass->rule));
	set_text(values, nulls, GLASS_NEEDS, paysafe_identity_name(Max(subject->identity, paysafe_approver_level())));
	paysafe_store_insert(PAYSAFE_BREAK_GLASS_RECORD, values, nulls);
	ereport(LOG,
			(errmsg("the glass is broken (" INT64_FORMAT "): \"%s\" alone lets refund \"%s\" of \"%s\" pass", id,
					person->actor, paysafe_redact_string(glass->key), get_rel_name(refund)),
			 errdetail("%s, %s", paysafe_redact_string(ticket), paysafe_redact_string(reason)),
			 errhint("Another person looks at it: paysafe.review_break_glass.")));
	Async_Notify(CHANNEL, psprintf(INT64_FORMAT, id));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_set_break_glass);

/*
 * set_break_glass(refund, review_within, reason, rule) returns boolean: false if it is proposed only
 */
Datum
paysafe_set_break_glass(PG_FUNCTION_ARGS)
{
	Person	   *person = paysafe_person_current();
	Datum		values[SETTING_NCOLUMNS];
	bool		nulls[SETTING_NCOLUMNS] = {0};
	Oid			refund;
	char	   *reason;
	char	   *rule;
	int64		review;
	Setting		old;

	paysafe_approval_check_own_code("paysafe.set_break_glass");
	paysafe_argument_required(fcinfo, 0, "refund");
	refund = PG_GETARG_OID(0);
	review = PG_ARGISNULL(1) ? 0 : paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(1), "review_within");
	if (!PG_ARGISNULL(1) && (review < USECS_PER_MINUTE || review > MAX_REVIEW))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be NULL, or between a minute and thirty days", "review_within")));
	reason = paysafe_argument_reason(fcinfo, 2, "reason", "whether the glass may be broken");
	paysafe_declare_check_owner(refund);
	rule = paysafe_refund_several_meant(refund, PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)));
	if (rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no refund rule", get_rel_name(refund)),
				 errhint("Declare it with paysafe.protect_refund.")));
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_BREAK_GLASS_SETTING), refund, 0, ExclusiveLock);
	old = read_setting(refund, rule);
	if (review == old.review)
		PG_RETURN_BOOL(true);
	if (review > old.review && !authorize(refund, rule, &old, review))
		PG_RETURN_BOOL(false);
	values[SETTING_ID] = Int64GetDatum(nextval_internal(get_relname_relid("break_glass_setting_id_seq", paysafe_catalog_schema()), false));
	values[SETTING_RELATION] = ObjectIdGetDatum(refund);
	set_text(values, nulls, SETTING_RULE, rule);
	nulls[SETTING_REVIEW_WITHIN] = review == 0;
	values[SETTING_REVIEW_WITHIN] = review == 0 ? (Datum) 0 : PG_GETARG_DATUM(1);
	set_text(values, nulls, SETTING_REASON, paysafe_redact_string(reason));
	set_text(values, nulls, SETTING_ACTOR, paysafe_actor_name());
	set_text(values, nulls, SETTING_LOGIN, person->login);
	set_text(values, nulls, SETTING_SESSION_USER, person->session_user_name);
	values[SETTING_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_BREAK_GLASS_SETTING, values, nulls);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(paysafe_break_glass_challenge);

/*
 * break_glass_challenge(relation, key, rp_id) returns jsonb
 */
Datum
paysafe_break_glass_challenge(PG_FUNCTION_ARGS)
{
	char	   *key;

	PreventCommandIfReadOnly("paysafe.break_glass_challenge()");
	paysafe_approval_check_own_code("paysafe.break_glass_challenge");
	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : "key");
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	PG_RETURN_DATUM(paysafe_passkey_ask(PG_GETARG_OID(0), key, glass_subjects(PG_GETARG_OID(0), key),
										PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2))));
}

PG_FUNCTION_INFO_V1(paysafe_break_glass);

/*
 * break_glass(relation, key, assertion jsonb, reason, ticket) returns bigint
 */
Datum
paysafe_break_glass(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"relation", "key", "assertion", "reason", "ticket"};
	SignedApproval *taken;
	List	   *subjects;
	List	   *glass;
	List	   *ids;
	Oid			refund;
	char	   *key;
	char	   *reason;
	char	   *ticket;
	int			n = 0;
	ListCell   *lc;

	PreventCommandIfReadOnly("paysafe.break_glass()");
	paysafe_approval_check_own_code("paysafe.break_glass");
	paysafe_argument_all_required(fcinfo, required, lengthof(required));
	reason = paysafe_argument_reason(fcinfo, 3, "reason", "breaking the glass");
	ticket = paysafe_argument_reason(fcinfo, 4, "ticket", "breaking the glass");
	refund = PG_GETARG_OID(0);
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	taken = paysafe_passkey_take(fcinfo, 2, refund, key);
	/* before it is forbidden, or after that */
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_BREAK_GLASS_SETTING), refund, 0, ShareLock);
	subjects = paysafe_approve_subjects(refund, key);
	glass = glass_subjects(refund, key);
	paysafe_passkey_compare(taken, glass);
	ids = paysafe_approve_record(refund, key, glass, taken->approver, reason, ticket, DT_NOEND);
	paysafe_passkey_keep(taken, ids);
	foreach(lc, ids)
	{
		add_glass(*(int64 *) lfirst(lc), refund, list_nth(subjects, n), list_nth(glass, n), taken->approver, reason, ticket);
		n++;
	}
	PG_RETURN_INT64(*(int64 *) llast(ids));
}
