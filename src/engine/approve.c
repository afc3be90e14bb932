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
#include "compat.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* SQL-callable functions */

/* The rule of this leaf table that gates rows of the tree at relid, or NULL. */
static const Rule *
gating_rule(Relation leaf, Oid relid)
{
	RelationRules *rules = paysafe_rules_of(leaf);

	if (rules == NULL)
		return NULL;
	for (int i = 0; i < rules->nrules; i++)
	{
		Rule	   *rule = &rules->rules[i];

		if (rule->kind->approval_subject != NULL && rule->declared_on == relid &&
			rule->compiled != NULL)
			return rule;
	}
	return NULL;
}

/*
 * The subject of an approval for a row of a table; false with missing_ok, if it
 * cannot be approved.
 */
static bool
row_subject(Oid relid, const char *key, bool missing_ok, ApprovalSubject *subject)
{
	ListCell   *lc;

	LockRelationOid(relid, AccessShareLock);
	/* any leaf will do: its rules look for the row in the whole tree */
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		const Rule *rule = rel->rd_rel->relkind == RELKIND_RELATION ? gating_rule(rel, relid) : NULL;
		bool		found = rule != NULL && rule->kind->approval_subject(rule, key, missing_ok, subject);

		table_close(rel, NoLock);
		if (rule != NULL)
			return found;
	}
	if (missing_ok)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rows of \"%s\" are not subject to approval", get_rel_name(relid)),
			 errhint("Approvals are for tables declared with paysafe.protect_refund.")));
}

PG_FUNCTION_INFO_V1(paysafe_approve);

/*
 * approve(relation, key, reason, ticket, expires_at) returns bigint
 */
Datum
paysafe_approve(PG_FUNCTION_ARGS)
{
	const ActorClaim *actor = paysafe_actor_current();
	ApprovalSubject subject = {0};
	Oid			relid;
	char	   *key;
	char	   *reason;
	Person	   *approver;
	ListCell   *lc;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz valid_until;

	paysafe_approval_check_own_code("paysafe.approve");
	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : "key");
	reason = paysafe_argument_reason(fcinfo, 2, "reason", "an approval");
	relid = PG_GETARG_OID(0);
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!paysafe_actor_is_named())
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
						"an approval needs a person",
						"No actor is declared in this transaction, and a login alone is not a person.",
						"Call paysafe.act_as('name') in the same transaction first.");
	approver = paysafe_person_current();

	if (relid == paysafe_catalog_table(PAYSAFE_RULE) ||
		relid == paysafe_catalog_table(PAYSAFE_MAINTENANCE_RECORD))
		paysafe_loosening_subject(relid, key, &subject);
	else
	{
		AclResult	aclresult = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

		if (aclresult != ACLCHECK_OK)
			aclcheck_error(aclresult, get_relkind_objtype(get_rel_relkind(relid)),
						   get_rel_name(relid));
		(void) row_subject(relid, key, false, &subject);
	}
	if (subject.key != NULL)
		key = pstrdup(subject.key);
	foreach(lc, subject.requesters)
	{
		const Person *requester = lfirst(lc);
		char	   *conflict = paysafe_person_conflict(approver, requester);

		if (conflict != NULL)
			paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
							psprintf("\"%s\" cannot approve this", actor->name),
							conflict,
							paysafe_person_is_unknown(requester) ?
							"Request another one instead, after paysafe.act_as in the same transaction." :
							requester->actor ? "Another person has to approve it." :
							"Another person has to approve it, over another login.");
	}
	valid_until = now + subject.valid_for;
	if (!PG_ARGISNULL(4))
		valid_until = Min(valid_until, PG_GETARG_TIMESTAMPTZ(4));
	if (valid_until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the approval would already have expired")));

	PG_RETURN_INT64(paysafe_approval_add(relid, key, &subject, approver,
										 reason,
										 PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)),
										 valid_until));
}

/* An approval that has not ended, and what would serve now. */
typedef struct Standing
{
	Oid			relid;
	const char *key;
	bool		found;
	ApprovalSubject subject;
} Standing;

static void
find_subject(void *arg)
{
	Standing   *standing = arg;

	standing->found = get_rel_relkind(standing->relid) != '\0' &&
		row_subject(standing->relid, standing->key, true, &standing->subject);
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
	bytea	   *digest = PG_GETARG_BYTEA_PP(2);
	const char *state = "open";

	if (paysafe_loosening_is_outdated(standing.relid, standing.key))
		state = "outdated";
	else if (!paysafe_catalog_is_own(standing.relid))
	{
		/* a table whose rules do not fit it any more passes nothing, and hides no other */
		if (paysafe_attempt(find_subject, &standing) != NULL || !standing.found ||
			VARSIZE_ANY_EXHDR(digest) != PAYSAFE_SHA256_LEN ||
			memcmp(VARDATA_ANY(digest), standing.subject.digest, PAYSAFE_SHA256_LEN) != 0)
			state = "void";
		else if (PG_GETARG_TIMESTAMPTZ(3) + standing.subject.valid_for <= GetCurrentTimestamp())
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
