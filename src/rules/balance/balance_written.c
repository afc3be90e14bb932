/*-------------------------------------------------------------------------
 *
 * balance_written.c
 *	  Balances that the application writes.
 *
 * What it adds to the balance of an account, less what its entries add, is zero when the
 * database transaction commits, whatever the order.  The balance was what the entries sum to
 * when the rule was declared, and each transaction adds the same to both, so it is that
 * afterwards; a row's versions follow each other, so this needs no lock.  What an account
 * has meanwhile, for its minimum and for what is reserved, its entries say: their history
 * is kept as that of any account.
 *
 * Whether the row was what its entries sum to before the transaction came is looked at when
 * it first writes the row: it may have been changed with the protection switched off.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "engine/open_sums.h"
#include "errors.h"
#include "rules/balance/balance_written.h"
#include "rules/balance/history.h"
#include "rules/balance/history_read.h"

/* An account has one currency, which its history knows. */
#define ANY_CURRENCY	""

static OpenSums sums;			/* by account */

static Oid
accounts_of(const Rule *rule)
{
	return ((const BalanceState *) rule->compiled)->accounts;
}

static Numeric
balance_of(const Account *account)
{
	return account == NULL || account->balance == NULL ? paysafe_money_zero() : account->balance;
}

static char *
money(const Rule *rule, const Account *account, Numeric amount)
{
	return paysafe_history_money(accounts_of(rule), account->key, account->currency,
								 &account->columns->balance, amount);
}

void
paysafe_balance_written_add(const Rule *rule, const Account *account, Numeric amount)
{
	paysafe_open_sums_add(&sums, rule, accounts_of(rule), account->key, ANY_CURRENCY, amount);
}

Numeric
paysafe_balance_written_open(Oid accounts, const char *key)
{
	return paysafe_open_sums_of(&sums, accounts, key, ANY_CURRENCY);
}

static Numeric
sum_of_entries(const Rule *rule, const Account *account)
{
	List	   *currencies;

	return paysafe_history_read_balance(accounts_of(rule), account->key, NULL, DT_NOEND, NULL, &currencies);
}

void
paysafe_balance_written_settle(const Rule *rule, Account *account)
{
	if (account->columns->written && !rule->observed)
		account->balance = sum_of_entries(rule, account);
}

/*
 * Did the row have what its entries summed to?  False: it did not, and does now: that is how it is
 * put right.
 */
static bool
was_right(const Rule *rule, const Account *before, const Account *after)
{
	Numeric		expected = paysafe_money_add(sum_of_entries(rule, before),
											 paysafe_balance_written_open(accounts_of(rule), before->key));

	if (paysafe_money_compare(expected, balance_of(before)) == 0)
		return true;
	if (after != NULL && paysafe_money_compare(expected, balance_of(after)) == 0)
		return false;
	paysafe_rule_refuse(rule, ERRCODE_23M02_BALANCE, before->columns->balance.name,
						psprintf("the balance of account \"%s\" in table \"%s\" was not what its entries sum to",
								 before->key, rule->table_name),
						psprintf("The row had %s instead of %s.",
								 money(rule, before, balance_of(before)), money(rule, before, expected)),
						"Somebody has changed the row with the protection switched off. Find out who, and give it the balance that its entries sum to.");
}

void
paysafe_balance_written_note(const Rule *rule, const RowChange *change,
							 const Account *before, const Account *after)
{
	const Account *account = after ? after : before;
	Numeric		balance = balance_of(after);

	if (numeric_is_nan(balance) || numeric_is_inf(balance))
		paysafe_rule_refuse(rule, ERRCODE_23M02_BALANCE, account->columns->balance.name,
							psprintf("the balance of account \"%s\" in table \"%s\" is not a finite number",
									 account->key, rule->table_name),
							NULL, "Write what its entries sum to.");
	if (paysafe_money_compare(balance, balance_of(before)) == 0)
		return;
	if (before != NULL && !rule->observed && !paysafe_account_is_own(change->before) &&
		!was_right(rule, before, after))
		return;
	paysafe_balance_written_add(rule, account,
								paysafe_money_add(balance, paysafe_money_negate(balance_of(before))));
}

void
paysafe_balance_written_forget(Oid accounts)
{
	paysafe_open_sums_forget(&sums, accounts);
}

/*
 * The end of transactions
 */

static void
refuse_open(const Rule *rule, const void *arg)
{
	const OpenSum *sum = arg;
	const BalanceState *state = rule->compiled;
	bool		above = paysafe_money_sign(sum->sum) > 0;

	paysafe_rule_refuse(rule, ERRCODE_23M02_BALANCE, state->account.balance.name,
						psprintf("the balance of account \"%s\" in table \"%s\" is not what its entries sum to",
								 sum->name, rule->table_name),
						psprintf("It would be %s %s.",
								 paysafe_history_money(state->accounts, sum->name, NULL, &state->account.balance,
													   above ? sum->sum : paysafe_money_negate(sum->sum)),
								 above ? "more" : "less"),
						psprintf("Write the balance and add its entries to table \"%s\" in one database transaction; compute it from the row as it is, under its lock or with a version that is compared.",
								 get_rel_name(state->ledger) ? get_rel_name(state->ledger) : "(which is gone)"));
}

void
paysafe_balance_written_pre_commit(void)
{
	paysafe_open_sums_judge(&sums, refuse_open);
}

void
paysafe_balance_written_end_transaction(void)
{
	paysafe_open_sums_end_transaction(&sums);
}

void
paysafe_balance_written_end_subtransaction(bool committed, int level)
{
	paysafe_open_sums_end_subtransaction(&sums, committed, level);
}
