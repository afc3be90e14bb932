/*-------------------------------------------------------------------------
 *
 * ledger_sums.c
 *	  What a database transaction has posted, until it balances.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/open_sums.h"
#include "errors.h"
#include "rules/ledger/ledger_rows.h"
#include "rules/ledger/ledger_sums.h"

static OpenSums sums;			/* by transaction id */

bool
paysafe_ledger_sums_is_open(Oid root, const char *transaction)
{
	return paysafe_open_sums_has(&sums, root, transaction);
}

void
paysafe_ledger_sums_add(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;

	paysafe_open_sums_add(&sums, rule, state->root, entry->transaction_text, entry->currency, entry->amount);
}

static void
refuse_unbalanced(const Rule *rule, const void *arg)
{
	const OpenSum *sum = arg;
	const LedgerState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23L02_UNBALANCED, state->columns.amount.name,
					  psprintf("transaction \"%s\" in table \"%s\" does not balance",
							   sum->name, rule->table_name),
					  psprintf("Its entries in %s sum to %s instead of zero.", sum->currency,
							   paysafe_money_spoken(&state->columns.amount, sum->sum, sum->currency)),
					  "Add the missing entries before COMMIT, in the same database transaction.");
}

void
paysafe_ledger_sums_forget(const Rule *rule)
{
	paysafe_open_sums_forget(&sums, ((const LedgerState *) rule->compiled)->root);
}

void
paysafe_ledger_sums_pre_commit(void)
{
	paysafe_open_sums_judge(&sums, refuse_unbalanced);
}

void
paysafe_ledger_sums_end_transaction(void)
{
	paysafe_open_sums_end_transaction(&sums);
}

void
paysafe_ledger_sums_end_subtransaction(bool committed, int level)
{
	paysafe_open_sums_end_subtransaction(&sums, committed, level);
}
