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
#include "rules/balance/history.h"
#include "values/key_claim.h"

void
paysafe_account_key_check(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;

	if (paysafe_key_claim_is_taken(state->accounts, state->key_name, change->rel, change->after))
		paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, state->account.key_name,
						  psprintf("table \"%s\" has an account \"%s\" already", rule->table_name, account->key),
						  psprintf("Key (%s)=(%s) already exists, perhaps in another partition or child.",
								   state->key_name, account->key),
						  "Use that account, or open this one under another key.");
}

bool
paysafe_account_key_is_spare(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;
	bool		isnull;
	Datum		key = slot_getattr(change->before, state->account.key, &isnull);
	Account		other;
	List	   *currencies;
	Numeric		balance;

	if (paysafe_key_claim_is_unique_in_tree(state->accounts, state->key_name) ||
		paysafe_account_find(state->accounts, state->key_name, key, state->account.key_type,
							 NULL, &other) == 0)
		return false;
	if (!other.stored)
		return !account->stored;
	/* the one that stays has what was posted */
	balance = paysafe_history_balance(state->accounts, account->key, NULL, DT_NOEND, NULL, &currencies);
	return account->stored &&
		paysafe_money_compare(balance, other.balance ? other.balance : paysafe_money_zero()) == 0;
}
