/*-------------------------------------------------------------------------
 *
 * shown.c
 *	  Rows that the transaction may know of, where a rule says whose they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "base/refusal.h"
#include "engine/rule.h"
#include "engine/shown.h"
#include "errors.h"
#include "people/tenant.h"
#include "store/catalog.h"

/* The next rule that is in force and hides rows, or NULL. */
static const Rule *
next_hiding(const RelationRules *rules, int *i)
{
	while (rules != NULL && *i < rules->nrules)
	{
		const Rule *rule = &rules->rules[(*i)++];

		if (rule->kind->shows != NULL && rule->compiled != NULL && !rule->observed)
			return rule;
	}
	return NULL;
}

bool
paysafe_shown_depends(Relation leaf)
{
	int			i = 0;

	return next_hiding(paysafe_rules_of(leaf), &i) != NULL;
}

bool
paysafe_shown_row(Relation leaf, TupleTableSlot *row)
{
	const RelationRules *rules = paysafe_rules_of(leaf);
	const Rule *rule;
	int			i = 0;

	while ((rule = next_hiding(rules, &i)) != NULL)
		if (!rule->kind->shows(rule, row))
			return false;
	return true;
}

char *
paysafe_shown_owner(Relation leaf, TupleTableSlot *row)
{
	int			i = 0;
	const Rule *rule = next_hiding(paysafe_rules_of(leaf), &i);

	return rule != NULL ? rule->kind->belongs_to(rule, row) : NULL;
}

void
paysafe_shown_require(const Rule *rule, const RowChange *change, Oid table)
{
	bool		depends = false;
	ListCell   *lc;

	if (!OidIsValid(table) || paysafe_tenant_current() != NULL)
		return;
	foreach(lc, paysafe_catalog_leaves(table))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		depends |= paysafe_shown_depends(leaf);
		table_close(leaf, NoLock);
	}
	if (depends)
		paysafe_rule_refuse(rule, ERRCODE_23N02_NO_TENANT, NULL,
							psprintf("table \"%s\" belongs to tenants, and the transaction works for none: %s refused", get_rel_name(table),
									 change->op == 'I' ? "INSERT" : change->op == 'U' ? "UPDATE" : "DELETE"),
							psprintf("Row \"%s\" of table \"%s\" is of a payment there.",
									 paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
																				change->after ? change->after : change->before)),
									 rule->table_name),
							NO_TENANT_HINT);
}

bool
paysafe_shown_is_everything(Oid relid)
{
	return check_enable_rls(relid, GetUserId(), true) != RLS_ENABLED;
}

bool
paysafe_shown_reads_all(Oid root)
{
	return paysafe_tenant_current() == NULL && paysafe_shown_is_everything(root);
}

bool
paysafe_shown_reader(Oid root, Relation leaf, TupleTableSlot *row)
{
	return paysafe_shown_reads_all(root) || paysafe_shown_row(leaf, row);
}

bool
paysafe_shown_is_all(Oid relid)
{
	if (paysafe_shown_is_everything(relid))
		return true;
	for (int i = 0; paysafe_rule_kinds[i] != NULL; i++)
		if (paysafe_rule_kinds[i]->owns_row_security != NULL && paysafe_rule_kinds[i]->owns_row_security(relid))
			return true;
	return false;
}
