/*-------------------------------------------------------------------------
 *
 * refund_source.c
 *	  What the rules of payments say to those of their refunds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/rel.h"

#include "engine/rule.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/captured.h"
#include "values/key_columns.h"
#include "values/spec.h"

const RuleSource *
paysafe_refund_source_payment(List *sources, Oid relid)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	ListCell   *lc;

	foreach(lc, sources)
	{
		const RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "payment") == 0 && list_member_oid(ancestors, source->relation))
			return source;
	}
	return NULL;
}

List *
paysafe_refund_source_captures(List *sources, Oid relid)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, sources)
	{
		const RuleSource *source = lfirst(lc);

		/* of groups the table has them itself */
		if (strcmp(source->name, "captures") == 0 &&
			list_member_oid(ancestors, OidIsValid(source->reference) ? source->reference : source->relation))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

void
paysafe_refund_source_captured(const RuleSource *rule, AmountColumn *out)
{
	Relation	rel = table_open(rule->relation, AccessShareLock);

	paysafe_money_column(rel, paysafe_spec_text(rule->spec, "amount_column"), out);
	paysafe_money_decimals(out, paysafe_spec_optional_text(rule->spec, "decimals"));
	table_close(rel, AccessShareLock);
}

void
paysafe_refund_source_amount(const RuleSource *refund, AmountColumn *out)
{
	/* a group is one of the table's own rows */
	Oid			relid = OidIsValid(refund->reference) ? refund->reference : refund->relation;
	Relation	rel = table_open(relid, AccessShareLock);
	char	   *column = paysafe_spec_optional_text(refund->spec, "payment_amount_column");
	List	   *sources = paysafe_rule_sources(relid);
	const RuleSource *payment = paysafe_refund_source_payment(sources, relid);
	List	   *captures = paysafe_refund_source_captures(sources, relid);
	Captured	captured;

	if (paysafe_spec_bool(refund->spec, "payout"))
		paysafe_captured_plain(rel, paysafe_spec_text(refund->spec, "amount_column"), NULL, &captured);
	else if (column != NULL)
		paysafe_captured_plain(rel, column, payment ? payment->spec : NULL, &captured);
	else if (captures != NIL)
		paysafe_refund_source_captured(linitial(captures), &captured.amount);
	else if (payment != NULL)
		paysafe_captured_compile(rel, payment->spec, &captured);
	else
		elog(ERROR, "table \"%s\" has no payment rule", RelationGetRelationName(rel));
	*out = captured.amount;
	/* what refunds may total */
	paysafe_money_decimals(out, paysafe_spec_optional_text(refund->spec, "decimals"));
	table_close(rel, AccessShareLock);
}

void
paysafe_refund_source_check_tenant(const CompileInput *input, List *columns, bool payouts)
{
	const char *table = RelationGetRelationName(input->leaf);
	List	   *ancestors = paysafe_catalog_ancestors(RelationGetRelid(input->leaf));
	char	   *words = paysafe_key_columns_words(columns);
	ListCell   *lc;

	foreach(lc, input->sources)
	{
		const RuleSource *source = lfirst(lc);
		char	   *tenant;

		if (source->kind->shows == NULL || source->observed || !list_member_oid(ancestors, source->relation))
			continue;
		tenant = paysafe_spec_text(source->spec, "tenant_column");
		if (!paysafe_strings_contain(columns, tenant))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s of table \"%s\" belong to no tenant", payouts ? "payouts" : "groups", table),
					 payouts ? errdetail("Payouts with the same %s are summed up and approved together, whatever tenant has them.", words) :
					 errdetail("The rows of a group are those with the same %s, whatever tenant has them.", words),
					 errhint("Make column \"%s\" one of those that name %s: payment_column => '{%s,%s}'.",
							 tenant, payouts ? "what a payout is of" : "a group",
							 tenant, paysafe_strings_join(columns))));
	}
}
