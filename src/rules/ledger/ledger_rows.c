/*-------------------------------------------------------------------------
 *
 * ledger_rows.c
 *	  Ledgers as tables of entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"

#include "engine/rule.h"
#include "rules/kinds.h"
#include "rules/ledger/ledger_rows.h"
#include "store/catalog.h"

const LedgerState *
paysafe_ledger_rows_state(Relation leaf)
{
	const RelationRules *rules = paysafe_rules_of(leaf);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_ledger_kind && rules->rules[i].compiled != NULL &&
			!((LedgerState *) rules->rules[i].compiled)->is_parent)
			return rules->rules[i].compiled;
	return NULL;
}

void
paysafe_ledger_rows_scan(const LedgerState *state, const KeyColumns *columns, const KeyValues *values,
					Snapshot snapshot, LedgerVisitor visitor, void *arg)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(state->root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		paysafe_key_columns_scan_like(leaf, columns, values, snapshot, visitor, arg);
		table_close(leaf, NoLock);
	}
}
