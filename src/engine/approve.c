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

/*
 * Ask the rule of this leaf table that gates rows of the tree at relid; false
 * if there is none.
 */
static bool
leaf_subject(Relation leaf, Oid relid, const char *key, ApprovalSubject *subject)
{
	RelationRules *rules = paysafe_rules_of(leaf);

	if (rules == NULL)
		return false;
	for (int i = 0; i < rules->nrules; i++)
	{
		Rule	   *rule = &rules->rules[i];

		if (rule->kind->approval_subject != NULL && rule->declared_on == relid &&
			rule->compiled != NULL)
		{
			rule->kind->approval_subject(rule, key, subject);
			return true;
		}
	}
	return false;
}

/* The subject of an approval for a row of a table. */
static void
row_subject(Oid relid, const char *key, ApprovalSubject *subject)
{
	AclResult	aclresult = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	bool		found = false;
	ListCell   *lc;

	LockRelationOid(relid, AccessShareLock);
	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));

	/* any leaf will do: its rules look for the row in the whole tree */
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
			found = leaf_subject(rel, relid, key, subject);
		table_close(rel, NoLock);
		if (found)
			return;
	}
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

	paysafe_approval_check_own_code("approve");
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
		row_subject(relid, key, &subject);
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
							paysafe_person_is_nobody(requester) ?
							"Void it, and request another one in a transaction that calls paysafe.act_as." :
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

PG_FUNCTION_INFO_V1(paysafe_withdraw_approval);

/*
 * withdraw_approval(id, reason) returns void
 */
Datum
paysafe_withdraw_approval(PG_FUNCTION_ARGS)
{
	paysafe_approval_check_own_code("withdraw_approval");
	paysafe_approval_withdraw(PG_GETARG_INT64(0),
							  paysafe_argument_reason(fcinfo, 1, "reason", "withdrawing an approval"));
	PG_RETURN_VOID();
}
