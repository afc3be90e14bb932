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
#include "values/row_key.h"

const LedgerState *
paysafe_ledger_rows_state(Relation leaf)
{
	const RelationRules *rules = paysafe_rules_of(leaf);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_ledger_kind)
			return rules->rules[i].compiled;
	return NULL;
}

void
paysafe_ledger_rows_scan(const LedgerState *state, const char *column, Datum value,
					Snapshot snapshot, LedgerVisitor visitor, void *arg)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(state->root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, column), state->columns.transaction_type, &equality);
		paysafe_row_key_scan(leaf, &equality, value, snapshot, visitor, arg);
		table_close(leaf, NoLock);
	}
}
