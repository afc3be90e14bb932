/*-------------------------------------------------------------------------
 *
 * tenant.c
 *	  What would show a tenant's rows to others: classes of the policy.
 *
 * Further policies are nobody's business: next to a restrictive one they can only take
 * rows away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_policy.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "engine/rule.h"
#include "guard/facts.h"
#include "guard/statements.h"
#include "guard/tenant.h"
#include "rules/tenant/tenant_policy.h"
#include "store/catalog.h"

/* Is it a table whose rows are read by their tenant alone? */
static bool
is_tenants(Oid relid)
{
	return OidIsValid(relid) && paysafe_facts_is_protected(relid) && paysafe_tenant_policy_needed(relid);
}

static bool
is_same_row(HeapTuple a, HeapTuple b)
{
	return a != NULL && b != NULL && a->t_len == b->t_len &&
		a->t_data->t_hoff == b->t_data->t_hoff &&
		memcmp((char *) a->t_data + a->t_data->t_hoff, (char *) b->t_data + b->t_data->t_hoff,
			   a->t_len - a->t_data->t_hoff) == 0;
}

/* Does ALTER TABLE take row security away?  No hook tells of that. */
static bool
takes_away(const Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach(lc, ((const AlterTableStmt *) statement)->cmds)
		if (((AlterTableCmd *) lfirst(lc))->subtype == AT_DisableRowSecurity ||
			((AlterTableCmd *) lfirst(lc))->subtype == AT_NoForceRowSecurity)
			return true;
	return false;
}

GuardFinding
paysafe_guard_refuses_row_security(const GuardEvent *event)
{
	HeapTuple	before;
	Oid			relid;

	if (event->action == GUARD_STATEMENT)
	{
		if (!takes_away(event->statement))
			return GUARD_PASS;
		relid = RangeVarGetRelid(((AlterTableStmt *) event->statement)->relation, NoLock, true);
		return refuse_for(relid, is_tenants(relid));
	}
	if (event->class_id != PolicyRelationId || event->action == GUARD_CREATE)
		return GUARD_PASS;
	before = paysafe_facts_fetch(PolicyRelationId, event->object_id, NULL);
	if (before == NULL || strcmp(NameStr(((Form_pg_policy) GETSTRUCT(before))->polname), TENANT_POLICY) != 0)
		return GUARD_PASS;
	/* what a table is dropped with is judged with the table */
	if (event->action == GUARD_DROP ? paysafe_guard_frame_removes_table(event->frame) :
		is_same_row(before, paysafe_facts_fetch_new(event)))
		return GUARD_PASS;
	return refuse_if(is_tenants(event->relation));
}

/* Would a role with these options read past policies? */
static bool
makes_blind(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst(lc);

		if ((strcmp(option->defname, "bypassrls") == 0 || strcmp(option->defname, "superuser") == 0) &&
			defGetBoolean(option))
			return true;
	}
	return false;
}

/* Does the statement make one of a role that acts for tenants? */
static bool
makes_one_blind(Node *statement)
{
	ListCell   *lc;

	if (IsA(statement, AlterRoleStmt))
	{
		AlterRoleStmt *alter = (AlterRoleStmt *) statement;
		Oid			role = alter->action > 0 ? get_rolespec_oid(alter->role, true) : InvalidOid;

		return OidIsValid(role) && makes_blind(alter->options) && !superuser_arg(role) &&
			paysafe_catalog_may_act_for_tenant(role);
	}
	if (!IsA(statement, CreateRoleStmt) || !makes_blind(((CreateRoleStmt *) statement)->options))
		return false;
	foreach(lc, ((CreateRoleStmt *) statement)->options)
	{
		DefElem    *option = lfirst(lc);
		ListCell   *role;

		if (strcmp(option->defname, "addroleto") != 0)
			continue;
		foreach(role, (List *) option->arg)
		{
			Oid			oid = get_rolespec_oid(lfirst(role), true);

			if (OidIsValid(oid) && !superuser_arg(oid) && paysafe_catalog_may_act_for_tenant(oid))
				return true;
		}
	}
	return false;
}

GuardFinding
paysafe_guard_refuses_bypass(const GuardEvent *event)
{
	List	   *tables = NIL;
	ListCell   *lc;

	if (event->action != GUARD_STATEMENT || !makes_one_blind(event->statement))
		return GUARD_PASS;
	foreach(lc, paysafe_rule_relations())
		if (get_rel_relkind(lfirst_oid(lc)) != '\0' && is_tenants(lfirst_oid(lc)))
			tables = lappend_oid(tables, lfirst_oid(lc));
	return refuse_for_tables(tables);
}
