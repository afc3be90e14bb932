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
	Relation	rel = table_open(OidIsValid(refund->reference) ? refund->reference : refund->relation,
								 AccessShareLock);
	char	   *column = paysafe_spec_optional_text(refund->spec, "payment_amount_column");
	const RuleSource *payment = OidIsValid(refund->reference) ?
		paysafe_refund_source_payment(paysafe_rule_sources(refund->reference), refund->reference) : NULL;
	Captured	captured;

	if (!OidIsValid(refund->reference))
		paysafe_captured_plain(rel, paysafe_spec_text(refund->spec, "amount_column"), NULL, &captured);
	else if (column != NULL)
		paysafe_captured_plain(rel, column, payment ? payment->spec : NULL, &captured);
	else if (payment != NULL)
		paysafe_captured_compile(rel, payment->spec, &captured);
	else
		elog(ERROR, "table \"%s\" has no payment rule", RelationGetRelationName(rel));
	*out = captured.amount;
	table_close(rel, AccessShareLock);
}
