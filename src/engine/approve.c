/*-------------------------------------------------------------------------
 *
 * approve.c
 *	  Approving, and withdrawing an approval.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "base/hours.h"
#include "compat.h"
#include "engine/approve.h"
#include "engine/approver_level.h"
#include "engine/loosening.h"
#include "engine/proposal.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/acting.h"
#include "people/approval.h"
#include "people/person.h"
#include "people/registry.h"
#include "people/tried.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* The rules of this leaf table that gate rows of the tree at relid: of Rule. */
static List *
gating_rules(Relation leaf, Oid relid)
{
	RelationRules *rules = paysafe_rules_of(leaf);
	List	   *result = NIL;

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
	{
		Rule	   *rule = &rules->rules[i];

		if (rule->kind->approval_subject != NULL && rule->declared_on == relid &&
			rule->compiled != NULL)
			result = lappend(result, rule);
	}
	return result;
}

/* What an approval of the row by each of these rules stands for: of ApprovalSubject. */
static List *
subjects_of(List *rules, const char *key, bool missing_ok)
{
	List	   *subjects = NIL;
	const Rule *to_blame = linitial(rules);
	ListCell   *lc;

	foreach(lc, rules)
	{
		const Rule *rule = lfirst(lc);
		ApprovalSubject *subject = palloc0(sizeof(ApprovalSubject));

		/* by one it may wait, and be nothing by another one */
		if (rule->kind->approval_subject(rule, key, missing_ok || list_length(rules) > 1, missing_ok, subject))
			subjects = lappend(subjects, subject);
		else if (!subject->is_other)
			to_blame = rule;
	}
	if (subjects == NIL && !missing_ok && list_length(rules) > 1)
		(void) to_blame->kind->approval_subject(to_blame, key, false, false, palloc0(sizeof(ApprovalSubject)));
	return subjects;
}

/*
 * The subjects of an approval for a row of a table, one for each rule by which it waits; NIL with
 * missing_ok, if it cannot be approved.
 */
static List *
row_subjects(Oid relid, const char *key, bool missing_ok)
{
	ListCell   *lc;

	LockRelationOid(relid, AccessShareLock);
	/* any leaf will do: its rules look for the row in the whole tree */
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		List	   *rules = rel->rd_rel->relkind == RELKIND_RELATION ? gating_rules(rel, relid) : NIL;
		List	   *subjects = rules != NIL ? subjects_of(rules, key, missing_ok) : NIL;

		table_close(rel, NoLock);
		if (rules != NIL)
			return subjects;
	}
	if (missing_ok)
		return NIL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rows of \"%s\" are not subject to approval", get_rel_name(relid)),
			 errhint("Approvals are for tables declared with paysafe.protect_refund.")));
}

List *
paysafe_approve_askers(Oid relid, const char *rule, const char *scope)
{
	List	   *askers = NIL;
	ListCell   *lc;

	LockRelationOid(relid, AccessShareLock);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		List	   *rules = rel->rd_rel->relkind == RELKIND_RELATION ? gating_rules(rel, relid) : NIL;
		ListCell   *lc2;

		foreach(lc2, rules)
		{
			const Rule *gate = lfirst(lc2);

			if (gate->kind->askers != NULL && (rule == NULL || strcmp(gate->name, rule) == 0))
				askers = list_concat(askers, gate->kind->askers(gate, scope));
		}
		table_close(rel, NoLock);
		if (rules != NIL)
			break;
	}
	/* who was not named may be anybody: that is no reason to let nobody */
	foreach(lc, askers)
		if (paysafe_person_is_unknown(lfirst(lc)))
			askers = foreach_delete_current(askers, lc);
	return askers;
}

/* Who has asked since for something of the same scope. */
typedef struct Asked
{
	const Rejection *rejection;
	List	   *persons;
} Asked;

static void
find_askers(void *arg)
{
	Asked	   *asked = arg;
	const Rejection *rejection = asked->rejection;
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (rejection->money.payment != NULL)
		asked->persons = paysafe_approve_askers(rejection->relation, rejection->rule, rejection->scope);
	else if (paysafe_loosening_is_approved_as(rejection->relation))
		(void) paysafe_proposal_find(rejection->relation, rejection->key, digest, &asked->persons);
}

List *
paysafe_approve_askers_of(const Rejection *rejection)
{
	Asked		asked = {.rejection = rejection};

	/* a table whose rules do not fit it any more passes nothing */
	if (get_rel_relkind(rejection->relation) == '\0' || paysafe_attempt(find_askers, &asked) != NULL)
		return rejection->requesters;
	return list_concat_copy(rejection->requesters, asked.persons);
}

#define WITHDRAWAL	"rejection: "

/* Whose approval takes nothing back, by the key of a change that does: of Person. */
static List *
askers_of_rejected(const char *key)
{
	const Rejection *rejection = strncmp(key, WITHDRAWAL, strlen(WITHDRAWAL)) == 0 ?
		paysafe_rejection_read(strtoll(key + strlen(WITHDRAWAL), NULL, 10)) : NULL;

	return rejection ? paysafe_approve_askers_of(rejection) : NIL;
}

/* Who requested it, or has changed it, does not approve it. */
static void
check_requesters(const List *requesters, const Person *approver)
{
	ListCell   *lc;

	foreach(lc, requesters)
	{
		const Person *requester = lfirst(lc);
		char	   *conflict = paysafe_person_conflict(approver, requester);

		if (conflict != NULL)
			paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
							psprintf("\"%s\" cannot approve this", approver->actor),
							conflict,
							paysafe_person_is_unknown(requester) ?
							"Request another one instead, after paysafe.act_as in the same transaction." :
							requester->actor ? "Another person has to approve it." :
							"Another person has to approve it, over another login.");
	}
}

/* Who is in another group does not, either. */
static void
check_groups(Oid relid, const ApprovalSubject *subject, const Person *approver)
{
	const char *group;
	int64		stands_for;

	if (!paysafe_acting_may_approve(approver, GetCurrentTimestamp(), relid, subject, &stands_for, &group) && group != NULL)
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
								psprintf("\"%s\" is not in the group %s", approver->actor, group),
								"Its threshold asks for approvals of members of this group.",
								"The view paysafe.approval_limit has who approves what, and paysafe.person who is in which group.");
}

/* Nor at another time than its bands say. */
static void
check_hours(const ApprovalSubject *subject)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, subject->hours)
	{
		char	   *next;

		if (paysafe_hours_has(lfirst(lc), now))
			continue;
		next = paysafe_hours_next(lfirst(lc), now);
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, "this is not approved at this time",
								psprintf("Its threshold asks for approvals that are given %s.", (char *) lfirst(lc)),
								next ? psprintf("The next time is %s.", next) : "That time zone is not known any more.");
	}
}

List *
paysafe_approve_subjects(Oid relid, const char *key)
{
	AclResult	aclresult;

	if (paysafe_loosening_is_approved_as(relid))
	{
		ApprovalSubject *subject = palloc0(sizeof(ApprovalSubject));

		paysafe_loosening_subject(relid, key, subject);
		if (relid == paysafe_catalog_table(PAYSAFE_REJECTION_RECORD))
			subject->requesters = list_concat(subject->requesters, askers_of_rejected(key));
		return list_make1(subject);
	}
	aclresult = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
	return row_subjects(relid, key, false);
}

/* Who is to approve what. */
typedef struct Approving
{
	Oid			relid;
	const char *key;
	List	   *subjects;
	const Person *approver;
} Approving;

static void
check_approving(void *arg)
{
	const Approving *approving = arg;
	const Person *approver = approving->approver;
	Oid			relid = approving->relid;
	const char *key = approving->key;
	ListCell   *lc;

	foreach(lc, approving->subjects)
	{
		const ApprovalSubject *subject = lfirst(lc);

		check_requesters(subject->requesters, approver);
		check_requesters(subject->writers, approver);
		check_groups(relid, subject, approver);
		check_hours(subject);
		if (subject->futile != NULL)
			paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, "no approval would let this pass", subject->futile,
									"Request another one instead, as somebody who is known well enough.");
		if (approver->level < subject->identity)
			paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
									psprintf("this needs an approval of identity \"%s\"",
											 paysafe_identity_name(subject->identity)),
									psprintf("Yours would be \"%s\".", paysafe_identity_name(approver->level)),
									subject->identity == IDENTITY_PASSKEY && key == NULL ?
									"Sign what paysafe.refund_challenge returns, for paysafe.approve_refund_with_passkey." :
									subject->identity == IDENTITY_PASSKEY ?
									psprintf("Sign what paysafe.approval_challenge(%s, %s) returns, for paysafe.approve_with_passkey.",
											 quote_literal_cstr(paysafe_catalog_table_name(relid)),
											 quote_literal_cstr(paysafe_redact_string(key))) :
									"Call paysafe.act_as_token in the same transaction first.");
	}
}

void
paysafe_approve_check(Oid relid, const char *key, List *subjects, const Person *approver)
{
	Approving	approving = {.relid = relid, .key = key, .subjects = subjects, .approver = approver};

	paysafe_approve_try(approver, check_approving, &approving);
}

static void
check_voice(void *arg)
{
	const Approving *approving = arg;

	paysafe_acting_check_voice(approving->approver, approving->relid);
}

void
paysafe_approve_check_voice(Oid relid, const Person *approver)
{
	Approving	approving = {.relid = relid, .approver = approver};

	paysafe_approve_try(approver, check_voice, &approving);
}

/* Registered people count as themselves, in every spelling; all others as one, since of words there is no end. */
void
paysafe_approve_try(const Person *person, void (*check) (void *), void *arg)
{
	const RegisteredPerson *registered = !paysafe_tried_counts("approval") ? NULL :
		paysafe_registry_find(PERSON_NAME, person->actor ? person->actor : person->login);

	paysafe_tried_check("approval", registered ? registered->name : NULL, "the approval is not accepted", "approval_record",
						check, arg);
}

List *
paysafe_approve_record(Oid relid, const char *key, List *subjects, const Person *approver,
					   const char *reason, const char *ticket, TimestampTz expires_at)
{
	TimestampTz now = GetCurrentTimestamp();
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, subjects)
	{
		const ApprovalSubject *subject = lfirst(lc);
		TimestampTz valid_until = Min(now + subject->valid_for, expires_at);
		int64	   *id = palloc(sizeof(int64));

		if (valid_until <= now)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the approval would already have expired")));
		*id = paysafe_approval_add(relid, subject->key ? subject->key : key, subject, approver, reason, ticket,
								   valid_until);
		ids = lappend(ids, id);
	}
	return ids;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_approve);

/*
 * approve(relation, key, reason, ticket, expires_at) returns bigint: the last approval's id, if several
 * rules hold for the row
 */
Datum
paysafe_approve(PG_FUNCTION_ARGS)
{
	List	   *subjects;
	List	   *ids;
	Oid			relid;
	char	   *key;
	char	   *reason;
	Person	   *approver;

	paysafe_approval_check_own_code("paysafe.approve");
	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : "key");
	reason = paysafe_argument_reason(fcinfo, 2, "reason", "an approval");
	relid = PG_GETARG_OID(0);
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	approver = paysafe_person_current();
	paysafe_approve_check_voice(relid, approver);
	subjects = paysafe_approve_subjects(relid, key);
	paysafe_approve_check(relid, key, subjects, approver);
	ids = paysafe_approve_record(relid, key, subjects, approver, reason,
								 PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)),
								 PG_ARGISNULL(4) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(4));
	PG_RETURN_INT64(*(int64 *) llast(ids));
}

/* An approval that has not ended, and what would serve now. */
typedef struct Standing
{
	Oid			relid;
	const char *key;
	List	   *subjects;		/* by each rule; NIL: none would */
} Standing;

static void
find_subject(void *arg)
{
	Standing   *standing = arg;

	if (get_rel_relkind(standing->relid) != '\0')
		standing->subjects = row_subjects(standing->relid, standing->key, true);
}

IdentityLevel
paysafe_approve_level_of(const Rejection *rejection)
{
	Standing	standing = {.relid = rejection->relation, .key = rejection->key};
	IdentityLevel level = IDENTITY_NONE;
	ListCell   *lc;

	if (paysafe_loosening_is_approved_as(rejection->relation))
		return paysafe_approver_level();
	/* a table whose rules do not fit it any more passes nothing */
	if (rejection->key == NULL || paysafe_attempt(find_subject, &standing) != NULL)
		return level;
	foreach(lc, standing.subjects)
		level = Max(level, ((ApprovalSubject *) lfirst(lc))->identity);
	return level;
}

void
paysafe_approve_glass_digest(const uint8 *digest, uint8 *glass)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe broken glass");
	appendBinaryStringInfo(&bytes, (const char *) digest, PAYSAFE_SHA256_LEN);
	paysafe_crypto_sha256(bytes.data, bytes.len, glass);
}

/* The subject of this digest, or of letting it pass alone; or NULL. */
static const ApprovalSubject *
subject_of_digest(List *subjects, bytea *digest)
{
	ListCell   *lc;

	foreach(lc, subjects)
	{
		const ApprovalSubject *subject = lfirst(lc);
		uint8		glass[PAYSAFE_SHA256_LEN];

		paysafe_approve_glass_digest(subject->digest, glass);
		if (VARSIZE_ANY_EXHDR(digest) == PAYSAFE_SHA256_LEN &&
			(memcmp(VARDATA_ANY(digest), subject->digest, PAYSAFE_SHA256_LEN) == 0 ||
			 memcmp(VARDATA_ANY(digest), glass, PAYSAFE_SHA256_LEN) == 0))
			return subject;
	}
	return NULL;
}

PG_FUNCTION_INFO_V1(paysafe_approval_state);

/*
 * approval_state(relation, key, digest, at) returns text: what an approval that
 * nobody has ended is worth now, for the view paysafe.approval
 */
Datum
paysafe_approval_state(PG_FUNCTION_ARGS)
{
	Standing	standing = {
		.relid = PG_GETARG_OID(0),
		.key = text_to_cstring(PG_GETARG_TEXT_PP(1))
	};
	const ApprovalSubject *subject = NULL;
	const char *state = "open";

	if (paysafe_loosening_is_outdated(standing.relid, standing.key))
		state = "outdated";
	else if (!paysafe_catalog_is_own(standing.relid))
	{
		/* a table whose rules do not fit it any more passes nothing, and hides no other */
		if (paysafe_attempt(find_subject, &standing) == NULL)
			subject = subject_of_digest(standing.subjects, PG_GETARG_BYTEA_PP(2));
		if (subject == NULL)
			state = "void";
		else if (PG_GETARG_TIMESTAMPTZ(3) + subject->valid_for <= GetCurrentTimestamp())
			state = "expired";
	}
	PG_RETURN_TEXT_P(cstring_to_text(state));
}

PG_FUNCTION_INFO_V1(paysafe_withdraw_approval);

/*
 * withdraw_approval(id, reason) returns void
 */
Datum
paysafe_withdraw_approval(PG_FUNCTION_ARGS)
{
	paysafe_approval_check_own_code("paysafe.withdraw_approval");
	paysafe_argument_required(fcinfo, 0, "id");
	paysafe_approval_withdraw(PG_GETARG_INT64(0),
							  paysafe_argument_reason(fcinfo, 1, "reason", "withdrawing an approval"));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_may_approve_as);

/*
 * may_approve_as(relation, approver_group) returns boolean: is who acts now one who approves rows of this table?
 */
Datum
paysafe_may_approve_as(PG_FUNCTION_ARGS)
{
	Person	   *person = paysafe_person_current();
	List	   *groups = PG_ARGISNULL(1) ? NIL : list_make1(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	ApprovalSubject subject = {.groups = groups};
	int64		stands_for;

	PG_RETURN_BOOL(!PG_ARGISNULL(0) && person->actor != NULL &&
				   paysafe_acting_may_approve(person, GetCurrentTimestamp(), PG_GETARG_OID(0), &subject, &stands_for, NULL));
}
