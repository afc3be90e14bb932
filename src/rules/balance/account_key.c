/*-------------------------------------------------------------------------
 *
 * account_key.c
 *	  The keys of accounts, each of which is one account's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/refusal.h"
#include "errors.h"
#include "rules/balance/account_key.h"
#include "rules/balance/history_read.h"
#include "values/row_twin.h"
#include "values/spec.h"

/* Does one index see all accounts? */
static bool
is_unique_in_all(const BalanceState *state, Relation leaf)
{
	return paysafe_row_twin_is_excluded(state->accounts, leaf, &state->account.key.key);
}

void
paysafe_account_key_check(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;

	if (is_unique_in_all(state, change->rel) ||
		!paysafe_row_twin_exists(state->accounts, change->rel, change->after, &state->account.key.key, false))
		return;
	paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, linitial(state->key_names),
					  psprintf("table \"%s\" has an account \"%s\" already", rule->table_name, account->key),
					  psprintf("Key (%s)=(%s) already exists, perhaps in another partition or child.",
							   paysafe_strings_join(state->key_names), account->key),
					  "Use that account, or open this one under another key.");
}

bool
paysafe_account_key_is_spare(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;
	KeyValues	key;
	Account		other;
	List	   *currencies;
	Numeric		balance;

	if (is_unique_in_all(state, change->rel) ||
		!paysafe_key_columns_read(&state->account.key, change->before, &key, NULL) ||
		paysafe_account_find(state->accounts, state->key_names, &key, NULL, true, &other) == 0)
		return false;
	if (!other.stored)
		return !account->stored;
	/* the one that stays has what was posted */
	balance = paysafe_history_read_balance(state->accounts, account->key, NULL, DT_NOEND, NULL, &currencies);
	return account->stored &&
		paysafe_money_compare(balance, other.balance ? other.balance : paysafe_money_zero()) == 0;
}
