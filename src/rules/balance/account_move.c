/*-------------------------------------------------------------------------
 *
 * account_move.c
 *	  Moving the balances of accounts.
 *
 * An account with a balance of its own, a stored one, is locked before it is
 * moved: rows of one statement in the order of their keys, so that two
 * statements wait for each other and do not deadlock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "errors.h"
#include "rules/balance/account_move.h"
#include "rules/balance/account_status.h"
#include "rules/balance/balance_written.h"
#include "rules/balance/history.h"
#include "rules/balance/reserve.h"
#include "rules/balance/reserve_record.h"
#include "values/row_update.h"

/* An update of a balance that is under way, for check_row. */
typedef struct Expected
{
	Oid			relid;
	ItemPointerData tid;		/* of the version before */
	Numeric		balance;
	bool		seen;
	struct Expected *outer;		/* one of its triggers posts */
} Expected;

static Expected *expected = NULL;

bool
paysafe_account_move_is_expected(const AccountColumns *columns, const RowChange *change)
{
	Numeric		balance;

	if (expected == NULL || expected->relid != RelationGetRelid(change->rel) ||
		!ItemPointerEquals(&expected->tid, &change->before->tts_tid) ||
		!paysafe_money_value(&columns->balance, change->after, &balance) ||
		paysafe_money_compare(balance, expected->balance) != 0)
		return false;
	expected->seen = true;
	return true;
}

/* A leaf of the accounts table whose rows are being moved. */
typedef struct Mover
{
	MemoryContext context;
	Relation	leaf;			/* NULL: none yet */
	TupleTableSlot *slot;
	RowUpdater *updater;
	Snapshot	snapshot;		/* to find accounts with; NULL: none yet */
} Mover;

static void
close_mover(Mover *mover)
{
	if (mover->leaf == NULL)
		return;
	if (mover->updater != NULL)
		paysafe_row_update_end(mover->updater);
	ExecDropSingleTupleTableSlot(mover->slot);
	table_close(mover->leaf, NoLock);
	mover->leaf = NULL;
}

static void
open_mover(Mover *mover, Oid relid, const AccountColumns *columns)
{
	MemoryContext old;

	if (mover->leaf != NULL && RelationGetRelid(mover->leaf) == relid)
		return;
	close_mover(mover);
	old = MemoryContextSwitchTo(mover->context);
	mover->leaf = table_open(relid, RowExclusiveLock);
	mover->slot = table_slot_create(mover->leaf, NULL);
	/* what the application writes is only locked */
	mover->updater = columns->written ? NULL : paysafe_row_update_begin(mover->leaf, columns->balance.attnum);
	MemoryContextSwitchTo(old);
}

/*
 * Accounts are found before they are locked, so that one snapshot serves for all
 * of a statement, unless a trigger of theirs has run commands meanwhile or the
 * account turned out to be elsewhere.
 */
static void
forget_snapshot(Mover *mover)
{
	if (mover->snapshot != NULL)
		UnregisterSnapshot(mover->snapshot);
	mover->snapshot = NULL;
}

static Snapshot
find_snapshot(Mover *mover)
{
	if (mover->snapshot != NULL && mover->snapshot->curcid != GetCurrentCommandId(false) + 1)
		forget_snapshot(mover);
	if (mover->snapshot == NULL)
		mover->snapshot = paysafe_scan_snapshot();
	return mover->snapshot;
}

static void
store_balance(Mover *mover, const Account *account, Numeric balance)
{
	Expected	this = {
		.relid = account->relid, .tid = mover->slot->tts_tid, .balance = balance, .outer = expected
	};
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(mover->leaf),
										  account->columns->balance.attnum - 1);
	Datum		value = paysafe_money_datum(&account->columns->balance, att, balance);

	PG_TRY();
	{
		expected = &this;
		paysafe_row_update_row(mover->updater, mover->slot, value);
	}
	PG_FINALLY();
	{
		expected = this.outer;
	}
	PG_END_TRY();
	if (!this.seen)
		paysafe_rule_refuse(account->rule, ERRCODE_23M02_BALANCE, account->columns->balance.name,
						  psprintf("the balance of account \"%s\" in table \"%s\" was not stored",
								   account->key, account->rule->table_name),
						  "A BEFORE trigger of the table dropped the change.",
						  "Let the trigger return the row.");
}

static void
check_minimum(const Account *account, const char *currency, Numeric balance,
			  Numeric amount, Oid accounts)
{
	const AmountColumn *column = &account->columns->balance;
	Numeric		spare;
	Numeric		reserved;

	/* what adds to a balance is welcome, even if it stays below */
	if (account->minimum == NULL || paysafe_money_sign(amount) >= 0)
		return;
	spare = paysafe_money_add(balance, paysafe_money_negate(account->minimum));
	reserved = paysafe_reserve_record_sum(accounts, account->key, spare);
	if (paysafe_money_compare(reserved, spare) <= 0)
		return;
	paysafe_rule_refuse(account->rule, ERRCODE_23M01_MINIMUM, account->columns->balance.name,
					  psprintf("account \"%s\" in table \"%s\" would fall below its minimum",
							   account->key, account->rule->table_name),
					  paysafe_account_visible(accounts) ?
					  psprintf("It has %s and %s reserved, its minimum is %s, and the statement takes %s.",
							   paysafe_money_words(column, account->balance, currency),
							   paysafe_money_spoken(column, reserved, currency),
							   paysafe_money_spoken(column, account->minimum, currency),
							   paysafe_money_spoken(column, paysafe_money_negate(amount), currency)) : NULL,
					  "Post less, or pay something in first.");
}

static void
check_maximum(const Account *account, const char *currency, Numeric balance,
			  Numeric amount, Oid accounts)
{
	const AmountColumn *column = &account->columns->balance;

	/* what takes from a balance is welcome, even if it stays above */
	if (account->maximum == NULL || paysafe_money_sign(amount) <= 0 ||
		paysafe_money_compare(balance, account->maximum) <= 0)
		return;
	paysafe_rule_refuse(account->rule, ERRCODE_23M06_MAXIMUM, account->columns->balance.name,
						psprintf("account \"%s\" in table \"%s\" would rise above its maximum",
								 account->key, account->rule->table_name),
						paysafe_account_visible(accounts) ?
						psprintf("It has %s, its maximum is %s, and the statement adds %s.",
								 paysafe_money_words(column, account->balance, currency),
								 paysafe_money_spoken(column, account->maximum, currency),
								 paysafe_money_spoken(column, amount, currency)) : NULL,
						"Post less, or take something out first.");
}

static PAYSAFE_NORETURN void
refuse_currency(const Account *account, const char *column, const char *kept, const char *currency)
{
	paysafe_rule_refuse(account->rule, ERRCODE_23M03_ACCOUNT, column,
					  psprintf("account \"%s\" in table \"%s\" is kept in %s",
							   account->key, account->rule->table_name, kept),
					  psprintf("The entries are in %s.", currency),
					  "Use an account of that currency.");
}

/* The row does not have what its entries sum to. */
static PAYSAFE_NORETURN void
refuse_balance(const Mover *mover, const Account *account, Numeric entries, const char *currency)
{
	const char *column = account->columns->balance.name;

	for (Expected *e = expected; e != NULL; e = e->outer)
		if (e->relid == account->relid && ItemPointerEquals(&e->tid, &mover->slot->tts_tid))
			paysafe_rule_refuse(account->rule, ERRCODE_23M02_BALANCE, column,
							  psprintf("the balance of account \"%s\" in table \"%s\" is being written",
									   account->key, account->rule->table_name),
							  "A BEFORE trigger of the account posts to it.",
							  "Post in an AFTER trigger.");
	paysafe_rule_refuse(account->rule, ERRCODE_23M02_BALANCE, column,
					  psprintf("the balance of account \"%s\" in table \"%s\" is not what its entries sum to",
							   account->key, account->rule->table_name),
					  psprintf("The row has %s, its entries sum to %s.",
							   paysafe_money_spoken(&account->columns->balance, account->balance, currency),
							   paysafe_money_spoken(&account->columns->balance, entries, currency)),
					  "Somebody has changed the row with the protection switched off. Find out who, and restore the balance.");
}

/* What the movement takes from the account, and what it adds to it. */
static Numeric
taken_by(const Account *account, const Movement *m)
{
	return account->sign < 0 ? m->debits : paysafe_money_negate(m->credits);
}

static Numeric
added_by(const Account *account, const Movement *m)
{
	return account->sign < 0 ? paysafe_money_negate(m->credits) : m->debits;
}

static void
move_stored(Mover *mover, Account *account, Oid accounts, const Movement *m, Numeric amount)
{
	Stripe		stripe;
	Numeric		balance;
	char	   *other;

	if (account->balance == NULL)
		account->balance = paysafe_money_zero();
	other = paysafe_history_open(accounts, account->key, m->currency, STORED_STRIPE, &stripe);
	if (other != NULL)
		refuse_currency(account, account->columns->balance.name, other, m->currency);
	/* what this transaction has written may be ahead of its entries, or behind them */
	if (!(account->columns->written && account->own) &&
		paysafe_money_compare(account->columns->written ?
							  paysafe_money_add(stripe.balance, paysafe_balance_written_open(accounts, account->key)) :
							  stripe.balance, account->balance) != 0)
		refuse_balance(mover, account, stripe.balance, m->currency);
	if (account->columns->written)
		account->balance = stripe.balance;
	if (account->mark != ACCOUNT_OPEN)
		paysafe_account_status_check_move(account, taken_by(account, m), added_by(account, m));
	if (paysafe_money_sign(amount) == 0)
		return;					/* what came has gone; but the account has entries now, and stays */
	balance = paysafe_money_add(account->balance, amount);
	check_minimum(account, m->currency, balance, amount, accounts);
	check_maximum(account, m->currency, balance, amount, accounts);
	/* first: triggers of the account may post to it, or roll back what they do */
	paysafe_history_add(&stripe, amount, balance);
	if (account->columns->written)
		paysafe_balance_written_add(account->rule, account, paysafe_money_negate(amount));
	else
		store_balance(mover, account, balance);
}

static void
move_unstored(const Account *account, Oid accounts, const Movement *m, Numeric amount)
{
	Stripe		stripe;
	int32		number = 0;

	do
	{
		number = paysafe_history_take(accounts, number);
		(void) paysafe_history_open(accounts, account->key, m->currency, number, &stripe);
	} while (stripe.newer);
	paysafe_history_add(&stripe, amount, paysafe_money_add(stripe.balance, amount));
}

/*
 * Accounts whose balance is not in their row are not locked, unless they can be frozen:
 * then the status is read when nobody is changing it.  False: look for it again.
 */
static bool
lock_unstored(Mover *mover, Account *account, Oid accounts, const Movement *m)
{
	paysafe_account_status_lock(accounts, account->key, false);
	forget_snapshot(mover);
	return paysafe_account_find(accounts, ((const BalanceState *) m->rule->compiled)->key_names, &m->account,
								find_snapshot(mover), false, account) == 1 && !account->stored;
}

static void
move_one(Mover *mover, const Movement *m)
{
	const BalanceState *state = m->rule->compiled;

	for (;;)
	{
		Account		account;
		Numeric		amount = paysafe_money_add(m->debits, m->credits);
		Snapshot	snapshot = NULL;
		int			count = 1;

		if (!paysafe_account_is_known(state->accounts, m->account_text, &account))
		{
			snapshot = find_snapshot(mover);
			count = paysafe_account_find(state->accounts, state->key_names, &m->account, snapshot, false, &account);
			if (count == 1 && !account.stored)
				paysafe_account_remember(state->accounts, &account);
		}

		if (count != 1)
			paysafe_rule_refuse(m->rule, ERRCODE_23M03_ACCOUNT, linitial(state->entry.account_names),
							  psprintf("an entry in table \"%s\" names account \"%s\", of which there is %s",
									   m->rule->table_name, m->account_text, count == 0 ? "none" : "more than one"),
							  NULL,
							  psprintf(count == 0 ? "Open the account in table \"%s\" first." :
									   "Delete the one in table \"%s\" that has no balance.",
									   get_rel_name(state->accounts)));
		if (account.currency != NULL && strcmp(account.currency, m->currency) != 0)
			refuse_currency(&account, account.columns->currency.name, account.currency, m->currency);
		if (!account.stored && account.columns->has_status)
		{
			if (!lock_unstored(mover, &account, state->accounts, m))
				continue;
			if (account.mark != ACCOUNT_OPEN)
				paysafe_account_status_check_move(&account, taken_by(&account, m), added_by(&account, m));
		}
		paysafe_reserve_taken(&account, state->accounts, taken_by(&account, m));
		if (paysafe_money_sign(amount) == 0 && !account.stored)
			return;				/* what came has gone */
		if (account.sign < 0)
			amount = paysafe_money_negate(amount);
		if (!account.stored)
		{
			move_unstored(&account, state->accounts, m, amount);
			return;
		}
		open_mover(mover, account.relid, account.columns);
		if (paysafe_account_lock(mover->leaf, &account, snapshot, mover->slot))
		{
			move_stored(mover, &account, state->accounts, m, amount);
			return;
		}
		forget_snapshot(mover);
	}
}

static int
compare_movements(const void *a, const void *b)
{
	const Movement *ma = a;
	const Movement *mb = b;
	Oid			accounts_a = ((const BalanceState *) ma->rule->compiled)->accounts;
	Oid			accounts_b = ((const BalanceState *) mb->rule->compiled)->accounts;
	int			order;

	if (accounts_a != accounts_b)
		return accounts_a < accounts_b ? -1 : 1;
	order = strcmp(ma->account_text, mb->account_text);
	return order != 0 ? order : strcmp(ma->currency, mb->currency);
}

void
paysafe_account_move_all(Movement *movements, int n)
{
	Mover		mover = {.context = CurrentMemoryContext};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe account",
												  ALLOCSET_DEFAULT_SIZES);

	qsort(movements, n, sizeof(Movement), compare_movements);
	/* rows that the statement itself has written can be changed after this */
	CommandCounterIncrement();
	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		move_one(&mover, &movements[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	forget_snapshot(&mover);
	close_mover(&mover);
	MemoryContextDelete(context);
	CommandCounterIncrement();
}
