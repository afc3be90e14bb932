/*-------------------------------------------------------------------------
 *
 * reject.c
 *	  Saying no to what waits for a second person, and taking that back.
 *
 * One no counts more than any number of approvals.  Whoever could approve may say it,
 * and so may who asked for it.  Only the same person takes it back alone, as well known as
 * an approval needs, and under a name that was always theirs; others take two who have not asked for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "compat.h"
#include "engine/approve.h"
#include "engine/loosening.h"
#include "engine/proposal.h"
#include "engine/reject.h"
#include "errors.h"
#include "people/acting.h"
#include "people/approval.h"
#include "people/rejection.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/spec.h"

/* Who says no to what. */
typedef struct Rejecting
{
	Oid			relation;
	const ApprovalSubject *subject;
	const Person *person;
	bool		own;			/* has asked for it */
} Rejecting;

/* One of those who asked for it (then own: it is of what they ask for), or somebody who could approve. */
static void
check_rejecter(void *arg)
{
	Rejecting  *rejecting = arg;
	const Person *person = rejecting->person;
	ListCell   *lc;

	if (person->actor == NULL)
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, "a rejection needs a person",
								"No actor is declared in this transaction, and a login alone is not a person.",
								"Call paysafe.act_as('name') in the same transaction first.");
	foreach(lc, rejecting->subject->requesters)
		if (((Person *) lfirst(lc))->actor != NULL && paysafe_person_is_same(person, lfirst(lc)))
		{
			paysafe_acting_check_settler(person);
			rejecting->own = true;
			return;
		}
	paysafe_acting_check_approver(person, rejecting->relation);
}

static void
set_subject(Oid relation, const char *key, const ApprovalSubject *approval, RejectionSubject *out)
{
	memset(out, 0, sizeof(*out));
	out->relation = relation;
	out->rule = approval->rule;
	out->key = approval->key ? approval->key : key;
	out->money = approval->money;
	out->about = paysafe_loosening_is_approved_as(relation) ? paysafe_proposal_table(relation, key) : InvalidOid;
	out->scope = paysafe_loosening_is_approved_as(relation) ? paysafe_loosening_scope(relation, key) :
		approval->money ? approval->money->payment : out->key;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
has_person(const List *persons, const Person *person)
{
	ListCell   *lc;

	foreach(lc, persons)
	{
		const Person *other = lfirst(lc);

		if (same_text(other->actor, person->actor) && strcmp(other->login, person->login) == 0 &&
			strcmp(other->session_user_name, person->session_user_name) == 0)
			return true;
	}
	return false;
}

static List *
each_once(List *persons)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, persons)
		if (!has_person(result, lfirst(lc)))
			result = lappend(result, lfirst(lc));
	return result;
}

/*
 * How well they must be known who take it back.  A no lets nothing pass, so that it is taken from who is known
 * worse, too.
 */
static IdentityLevel
needs_of(Oid relation, const char *key, const ApprovalSubject *approval)
{
	return paysafe_loosening_is_approved_as(relation) ? Max(approval->identity, paysafe_proposal_needs(relation, key)) :
		approval->identity;
}

int64
paysafe_reject_record(Oid relation, const char *key, List *subjects, const char *reason, const char *ticket)
{
	Person	   *person = paysafe_person_current();
	int64		id = 0;
	ListCell   *lc;

	foreach(lc, subjects)
	{
		const ApprovalSubject *approval = lfirst(lc);
		RejectionSubject subject;
		List	   *requesters = approval->requesters;
		Rejecting	rejecting = {.relation = relation, .subject = approval, .person = person};

		paysafe_approve_try(person, check_rejecter, &rejecting);
		set_subject(relation, key, approval, &subject);
		paysafe_rejection_lock(relation, subject.scope);
		if (subject.money != NULL)
			requesters = list_concat_copy(requesters, paysafe_approve_askers(relation, subject.rule, subject.scope));
		id = paysafe_rejection_add(&subject, person, rejecting.own, each_once(requesters),
								   needs_of(relation, key, approval), reason, ticket);
	}
	return id;
}

/* So that nothing passes between looking and saying no; what waits is looked at again then. */
static List *
lock_subjects(Oid relation, const char *key)
{
	List	   *subjects = paysafe_approve_subjects(relation, key);
	List	   *again;
	RejectionSubject before;
	RejectionSubject after;
	ListCell   *lc;

	foreach(lc, subjects)
	{
		set_subject(relation, key, lfirst(lc), &before);
		paysafe_rejection_lock(relation, before.scope);
	}
	again = paysafe_approve_subjects(relation, key);
	for (int i = 0; i < list_length(again); i++)
	{
		set_subject(relation, key, list_nth(again, i), &after);
		if (i < list_length(subjects))
			set_subject(relation, key, list_nth(subjects, i), &before);
		if (i >= list_length(subjects) || strcmp(before.scope, after.scope) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("\"%s\" has just changed", paysafe_redact_string(key)),
					 errhint("Look at it again.")));
	}
	return again;
}

/* Of changes, only those that somebody has proposed; and nobody says no for ever to what takes a no back. */
static void
check_change(Oid relation, const char *key)
{
	if (relation == paysafe_catalog_table(PAYSAFE_REJECTION_RECORD))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("taking back a rejection cannot be rejected"),
				 errhint("Who is against it does not approve it. What is asked for can be rejected again.")));
	if (paysafe_loosening_is_approved_as(relation) && paysafe_loosening_scope(relation, key) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no change with this key is proposed"),
				 errhint("The view paysafe.pending_change has those that wait.")));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_reject);

/*
 * reject(relation, key, reason, ticket) returns bigint: the last rejection's id, if several rules hold
 * for the row
 */
Datum
paysafe_reject(PG_FUNCTION_ARGS)
{
	char	   *reason;
	char	   *ticket;
	char	   *key;

	paysafe_approval_check_own_code("paysafe.reject");
	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : "key");
	reason = paysafe_argument_reason(fcinfo, 2, "reason", "a rejection");
	ticket = PG_ARGISNULL(3) ? NULL : paysafe_argument_reason(fcinfo, 3, "ticket", "a rejection");
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	check_change(PG_GETARG_OID(0), key);
	PG_RETURN_INT64(paysafe_reject_record(PG_GETARG_OID(0), key, lock_subjects(PG_GETARG_OID(0), key),
										  reason, ticket));
}

/* Who takes what back. */
typedef struct Withdrawing
{
	const Rejection *rejection;
	const Person *person;
	List	   *involved;		/* of Person */
} Withdrawing;

static void
check_withdrawer(void *arg)
{
	const Withdrawing *withdrawing = arg;

	paysafe_acting_check_settler(withdrawing->person);
}

static void
check_involved(void *arg)
{
	const Withdrawing *withdrawing = arg;
	const Person *person = withdrawing->person;
	ListCell   *lc;

	foreach(lc, withdrawing->involved)
		if (person->actor == NULL || paysafe_person_conflict(person, lfirst(lc)) != NULL)
			paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
									"who asked for it takes back no rejection of it",
									paysafe_rejection_words(withdrawing->rejection),
									"Two others do.");
}

/* Somebody else than who said no, or not known well enough: false: it is proposed only. */
static bool
authorize_withdrawal(const Rejection *rejection, const Person *person)
{
	SpecBuilder spec;
	char	   *table = get_rel_name(rejection->relation) ? paysafe_catalog_table_name(rejection->relation) :
		psprintf("%u", rejection->relation);
	char	   *words = psprintf("takes back what \"%s\" has said no to (rejection " INT64_FORMAT "): %s of %s",
								 rejection->person.actor, rejection->id,
								 rejection->key ? rejection->key : rejection->scope, table);
	ProposedChange change = {
		.approved_as = PAYSAFE_REJECTION_RECORD,
		.name = "rejection",
		.version = 1,
		.difference = words,
		.loosens = words,
		.message = psprintf("taking back a rejection of \"%s\" needs the approval of a second person", rejection->person.actor),
		.content = psprintf("rejection: " INT64_FORMAT " is taken back", rejection->id),
		.identity = rejection->needs,
		.involved = paysafe_approve_askers_of(rejection)
	};
	Withdrawing withdrawing = {.rejection = rejection, .person = person, .involved = change.involved};

	paysafe_approve_try(person, check_involved, &withdrawing);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "rejection", psprintf(INT64_FORMAT, rejection->id));
	paysafe_spec_add_text(&spec, "of", rejection->person.actor);
	change.after = paysafe_spec_end(&spec);
	return paysafe_loosening_authorize(&change);
}

PG_FUNCTION_INFO_V1(paysafe_withdraw_rejection);

/*
 * withdraw_rejection(id, reason) returns void
 */
Datum
paysafe_withdraw_rejection(PG_FUNCTION_ARGS)
{
	Person	   *person;
	Rejection  *rejection;
	char	   *reason;

	paysafe_approval_check_own_code("paysafe.withdraw_rejection");
	paysafe_argument_required(fcinfo, 0, "id");
	reason = paysafe_argument_reason(fcinfo, 1, "reason", "taking back a rejection");
	person = paysafe_person_current();
	paysafe_approve_try(person, check_withdrawer, &(Withdrawing) {.person = person});
	rejection = paysafe_rejection_find(PG_GETARG_INT64(0));
	/* more may be asked of approvals since */
	rejection->needs = Max(rejection->needs, paysafe_approve_level_of(rejection));
	if ((person->actor != NULL && person->level >= Max(rejection->needs, rejection->person.level) &&
		 paysafe_person_is_surely(person, &rejection->person, rejection->at)) ||
		authorize_withdrawal(rejection, person))
		paysafe_rejection_end(rejection->id, reason);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_change_rejected_by);

/*
 * change_rejected_by(approved_as, key) returns text: who has said no to a change of rules, or NULL
 */
Datum
paysafe_change_rejected_by(PG_FUNCTION_ARGS)
{
	char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			approved_as = PG_GETARG_OID(0);
	RejectionSubject subject = {.relation = approved_as, .scope = paysafe_loosening_scope(approved_as, key), .key = key};
	List	   *proposers;
	uint8		digest[PAYSAFE_SHA256_LEN];
	const Rejection *rejection;

	if (subject.scope == NULL)
		PG_RETURN_NULL();
	(void) paysafe_proposal_find(approved_as, key, digest, &proposers);
	subject.about = paysafe_proposal_table(approved_as, key);
	subject.requesters = proposers;
	rejection = paysafe_rejection_standing(&subject, false, NULL);
	if (rejection == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(rejection->person.actor));
}
