/*-------------------------------------------------------------------------
 *
 * subscription.c
 *	  Subscriptions to tables with rules: trusted, judged, or refused.
 *
 * Which tables a subscription brings is known when it has been created: PostgreSQL
 * asks the publisher.  A slot that it has made there by then would stay behind, so a
 * subscription that makes one is created disabled where there are rules.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "compat.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "guard/subscription.h"
#include "rules/replica.h"
#include "store/catalog.h"
#include "store/own_table.h"

static PAYSAFE_NORETURN void
refuse(const char *subscription, Oid relation, const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "guard_subscription",
					   .schema_name = OidIsValid(relation) ? get_namespace_name(get_rel_namespace(relation)) : NULL,
					   .table_name = OidIsValid(relation) ? get_rel_name(relation) : NULL,
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
	pg_unreachable();
}

static bool
option(List *options, const char *name, bool otherwise)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *element = lfirst(lc);

		if (strcmp(element->defname, name) == 0)
			return defGetBoolean(element);
	}
	return otherwise;
}

void
paysafe_subscription_before(const Node *statement)
{
	const CreateSubscriptionStmt *create = (const CreateSubscriptionStmt *) statement;
	bool		connect;

	if (!IsA(statement, CreateSubscriptionStmt) || !paysafe_catalog_present())
		return;
	connect = option(create->options, "connect", true);
	if (!connect || !option(create->options, "enabled", true) ||
		!option(create->options, "create_slot", true) ||
		!paysafe_store_is_active() || paysafe_rule_relations() == NIL)
		return;
	refuse(create->subname, InvalidOid,
		   psprintf("subscription \"%s\" cannot start before it is known what it brings", create->subname),
		   "Tables of this database have rules, and rows that cannot be judged here would stop it for ever.",
		   psprintf("CREATE SUBSCRIPTION %s ... WITH (enabled = false); with a second person SELECT paysafe.trust_subscription(%s, '{tables}', 'why'); then ALTER SUBSCRIPTION %s ENABLE.",
					quote_identifier(create->subname), quote_literal_cstr(create->subname),
					quote_identifier(create->subname)));
}

static void
check_subscription(Oid subscription)
{
	Oid			relation;
	char	   *fault = paysafe_replica_fault(subscription, &relation);
	char	   *name;

	if (fault == NULL)
		return;
	name = get_subscription_name(subscription, false);
	refuse(name, relation,
		   psprintf("subscription \"%s\" is not trusted for table \"%s\"", name, get_rel_name(relation)),
		   fault,
		   psprintf("Disable it (or create it WITH (enabled = false)); with a second person SELECT paysafe.trust_subscription(%s, '{%s}', 'why'); then ALTER SUBSCRIPTION %s ENABLE.",
					quote_literal_cstr(name), paysafe_catalog_table_name(relation), quote_identifier(name)));
}

void
paysafe_subscription_after(const Node *statement)
{
	const char *name;
	Oid			subscription;

	if (IsA(statement, CreateSubscriptionStmt))
		name = ((const CreateSubscriptionStmt *) statement)->subname;
	else if (IsA(statement, AlterSubscriptionStmt))
		name = ((const AlterSubscriptionStmt *) statement)->subname;
	else
		return;
	if (!paysafe_catalog_present())
		return;
	CommandCounterIncrement();
	subscription = paysafe_replica_find(name);
	if (OidIsValid(subscription))
		check_subscription(subscription);
}

/* A rule has been declared: no subscription under way brings what it could not judge. */
static void
judge(Oid relation)
{
	List	   *tree = find_all_inheritors(relation, NoLock, NULL);
	List	   *subscriptions = NIL;
	Relation	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_subscription_rel form = (Form_pg_subscription_rel) GETSTRUCT(tuple);

		if (list_member_oid(tree, form->srrelid))
			subscriptions = list_append_unique_oid(subscriptions, form->srsubid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(lc, subscriptions)
		check_subscription(lfirst_oid(lc));
}

void
paysafe_subscription_init(void)
{
	paysafe_declare_set_judge(judge);
}
