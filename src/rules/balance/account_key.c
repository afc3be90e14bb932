/*-------------------------------------------------------------------------
 *
 * account_key.c
 *	  The keys of accounts, each of which is one account's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "errors.h"
#include "rules/balance/account_key.h"
#include "rules/balance/history.h"
#include "values/row_twin.h"

bool
paysafe_account_key_is_unique(Relation rel, AttrNumber attnum)
{
	bool		unique = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		unique |= form->indisunique && form->indimmediate && form->indisvalid &&
			form->indnkeyatts == 1 && form->indkey.values[0] == attnum &&
			RelationGetIndexPredicate(index) == NIL;
		index_close(index, AccessShareLock);
	}
	return unique;
}

void
paysafe_account_key_check(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;
	AttrNumber	attnum = state->account.key;
	RowKey		key = {1, &attnum};

	if (!paysafe_row_twin_is_excluded(state->accounts, change->rel, &key) &&
		paysafe_row_twin_exists(state->accounts, change->rel, change->after, &key, false))
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
	AttrNumber	attnum = state->account.key;
	RowKey		row_key = {1, &attnum};
	bool		isnull;
	Datum		key = slot_getattr(change->before, attnum, &isnull);
	Account		other;
	List	   *currencies;
	Numeric		balance;

	if (paysafe_row_twin_is_excluded(state->accounts, change->rel, &row_key) ||
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
