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

#include "rules/refund/captures.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/captured.h"
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

void
paysafe_refund_source_amount(const RuleSource *refund, AmountColumn *out)
{
	Relation	rel = table_open(refund->reference, AccessShareLock);
	char	   *column = paysafe_spec_optional_text(refund->spec, "payment_amount_column");
	List	   *sources = paysafe_rule_sources(refund->reference);
	const RuleSource *payment = paysafe_refund_source_payment(sources, refund->reference);
	List	   *captures = paysafe_captures_rules(sources, refund->reference);
	Captured	captured;

	if (column != NULL)
		paysafe_captured_plain(rel, column, payment ? payment->spec : NULL, &captured);
	else if (captures != NIL)
		paysafe_captures_amount(linitial(captures), &captured.amount);
	else if (payment != NULL)
		paysafe_captured_compile(rel, payment->spec, &captured);
	else
		elog(ERROR, "table \"%s\" has no payment rule", RelationGetRelationName(rel));
	*out = captured.amount;
	table_close(rel, AccessShareLock);
}
