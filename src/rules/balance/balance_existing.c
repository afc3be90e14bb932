/*-------------------------------------------------------------------------
 *
 * balance_existing.c
 *	  Rows that are there when balances are declared: each is what the entries sum to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/crypto.h"
#include "base/scan.h"
#include "engine/currency.h"
#include "engine/existing.h"
#include "rules/balance/account.h"
#include "rules/balance/balance_existing.h"
#include "rules/balance/history.h"
#include "rules/balance/reserve_record.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Where an earlier rule keeps the rows as they are. */
#define WHILE_UNKEPT	", after an earlier rule has been declared with mode => 'observe'"

typedef struct ExistingSum
{
	char	   *currency;
	Numeric		sum;			/* debits positive */
} ExistingSum;

typedef struct ExistingAccount
{
	uint8		digest[PAYSAFE_SHA256_LEN]; /* key: of the account's text */
	char	   *text;
	KeyValues	key;			/* without values if no entry names it */
	List	   *sums;			/* of ExistingSum *, by currency */
	bool		seen;			/* its row */
} ExistingAccount;

static ExistingAccount *
enter_account(HTAB *accounts, const char *text)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	bool		found;
	ExistingAccount *account;

	paysafe_crypto_sha256(text, strlen(text), digest);
	account = hash_search(accounts, digest, HASH_ENTER, &found);
	if (!found)
	{
		account->text = pstrdup(text);
		account->key.values = NULL;
		account->sums = NIL;
		account->seen = false;
	}
	return account;
}

static void
add_existing_entry(HTAB *accounts, const Entry *entry)
{
	ExistingAccount *account = enter_account(accounts, entry->account_text);
	ExistingSum *sum = NULL;
	Numeric		total;
	ListCell   *lc;

	if (account->key.values == NULL)
	{
		KeyValues	key;

		(void) paysafe_key_columns_read(entry->account, entry->row, &key, NULL);
		paysafe_key_columns_copy(&key, &account->key);
		pfree(key.values);
	}
	foreach(lc, account->sums)
		if (strcmp(((ExistingSum *) lfirst(lc))->currency, entry->currency) == 0)
			sum = lfirst(lc);
	if (sum == NULL)
	{
		sum = palloc(sizeof(ExistingSum));
		sum->currency = pstrdup(entry->currency);
		sum->sum = paysafe_money_zero();
		account->sums = lappend(account->sums, sum);
	}
	total = paysafe_money_add(sum->sum, entry->amount);
	pfree(sum->sum);
	sum->sum = total;
}

/* Add up the ledger's entries, in the context, by account. */
static HTAB *
sum_ledger(Oid ledger, MemoryContext context)
{
	HASHCTL		ctl = {.keysize = PAYSAFE_SHA256_LEN, .entrysize = sizeof(ExistingAccount), .hcxt = context};
	HTAB	   *accounts = hash_create("paysafe accounts", 1024, &ctl,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe entries",
													  ALLOCSET_DEFAULT_SIZES);
	Snapshot	snapshot = paysafe_scan_snapshot();
	Jsonb	   *spec;
	ListCell   *lc;

	(void) paysafe_account_ledger(ledger, &spec);
	foreach(lc, paysafe_catalog_leaves(ledger))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		TupleTableSlot *slot = table_slot_create(leaf, NULL);
		TableScanDesc scan = table_beginscan(leaf, snapshot, 0, NULL);
		EntryColumns columns;

		paysafe_entry_columns(leaf, spec, &columns);
		paysafe_currency_of_ledger(leaf, ledger, &columns);
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);
			Entry		entry;
			EntryFault	fault;

			CHECK_FOR_INTERRUPTS();
			/* one that was there before the ledger's rule and is none moves nothing */
			if (paysafe_row_filter_has(&columns.rows, slot, NULL) &&
				paysafe_entry_read(&columns, slot, &entry, &fault))
			{
				MemoryContextSwitchTo(context);
				do
					add_existing_entry(accounts, &entry);
				while (paysafe_entry_next(&entry));
			}
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
	MemoryContextDelete(row_context);
	return accounts;
}

/* What is wrong with what is reserved of an account, or NULL. */
static char *
reserved_fault(const BalanceState *state, const Account *account, const char *currency)
{
	Numeric		reserved = paysafe_reserve_record_out(state->accounts, account->key, NULL);
	Numeric		balance = account->balance ? account->balance : paysafe_money_zero();

	if (paysafe_money_sign(reserved) <= 0 ||
		(account->minimum != NULL &&
		 paysafe_money_compare(paysafe_money_add(balance, paysafe_money_negate(reserved)), account->minimum) >= 0))
		return NULL;
	return psprintf("it has %s reserved, %s; void that first (paysafe.void_reservation)",
					paysafe_money_spoken(&account->columns->balance, reserved, currency),
					account->minimum == NULL ? "and no minimum" : "which would leave less than its minimum");
}

/* What is wrong with an account that is there, or NULL. */
static char *
existing_fault(const BalanceState *state, const Account *account, const ExistingAccount *existing)
{
	const ExistingSum *sum = existing->sums ? linitial(existing->sums) : NULL;
	Numeric		expected = sum ? sum->sum : paysafe_money_zero();
	Numeric		balance = account->balance ? account->balance : paysafe_money_zero();
	const char *currency = sum ? sum->currency : account->currency;
	ListCell   *lc;

	foreach(lc, existing->sums)
	{
		char	   *currency = ((ExistingSum *) lfirst(lc))->currency;

		if (account->currency != NULL && strcmp(account->currency, currency) != 0)
			return psprintf("it is kept in %s and has entries in %s", account->currency, currency);
	}
	foreach(lc, existing->sums)
	{
		ExistingSum *each = lfirst(lc);

		if (account->mark == ACCOUNT_CLOSED && paysafe_money_sign(each->sum) != 0)
			return psprintf("it is closed, and its entries in %s sum to %s",
							each->currency,
							paysafe_money_spoken(&account->columns->balance, each->sum, each->currency));
	}
	if (!account->stored)
		return account->balance == NULL || paysafe_money_sign(account->balance) == 0 ?
			reserved_fault(state, account, currency) :
			psprintf("it has no minimum, so that its balance will be the sum of its entries and not column \"%s\"; set that to NULL or 0" WHILE_UNKEPT,
					 account->columns->balance.name);
	if (account->balance == NULL && !account->columns->written)
		return pstrdup("its balance is missing");
	if (list_length(existing->sums) > 1)
		return psprintf("it has entries in %s and %s", sum->currency,
						((ExistingSum *) lsecond(existing->sums))->currency);
	if (account->sign < 0)
		expected = paysafe_money_negate(expected);
	if (paysafe_money_compare(balance, expected) != 0)
		return psprintf("its balance is %s, its entries sum to %s%s",
						paysafe_money_spoken(&account->columns->balance, balance, currency),
						paysafe_money_spoken(&account->columns->balance, expected, currency),
						/* perhaps nobody could write it until now */
						account->columns->written && paysafe_money_sign(balance) == 0 ? "; write that" WHILE_UNKEPT : "");
	if (account->minimum != NULL && paysafe_money_compare(balance, account->minimum) < 0)
		return psprintf("its balance %s is below its minimum %s",
						paysafe_money_spoken(&account->columns->balance, balance, currency),
						paysafe_money_spoken(&account->columns->balance, account->minimum, currency));
	if (account->maximum != NULL && paysafe_money_compare(balance, account->maximum) > 0)
		return psprintf("its balance %s is above its maximum %s",
						paysafe_money_spoken(&account->columns->balance, balance, currency),
						paysafe_money_spoken(&account->columns->balance, account->maximum, currency));
	return reserved_fault(state, account, currency);
}

void
paysafe_balance_existing_check(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const BalanceState *state = rule->compiled;
	ExistingAccount *existing;
	Account		account;
	EntryFault	fault;
	char	   *reason;
	MemoryContext old = MemoryContextSwitchTo(report->context);

	if (report->private == NULL)
		report->private = sum_ledger(state->ledger, report->context);
	MemoryContextSwitchTo(old);
	if (!paysafe_account_read(&state->account, row, &account, &fault))
	{
		paysafe_existing_fault(report, "Row",
							  paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row), fault.reason);
		return;
	}
	old = MemoryContextSwitchTo(report->context);
	existing = enter_account(report->private, account.key);
	MemoryContextSwitchTo(old);
	reason = existing->seen ? "there is another account of this key" : existing_fault(state, &account, existing);
	existing->seen = true;
	if (reason != NULL)
		paysafe_existing_fault(report, "Account", account.key, reason);
}

void
paysafe_balance_existing_check_end(const Rule *rule, ExistingReport *report)
{
	const BalanceState *state = rule->compiled;
	HASH_SEQ_STATUS status;
	ExistingAccount *existing;

	if (report->private == NULL)
		report->private = sum_ledger(state->ledger, report->context);
	hash_seq_init(&status, report->private);
	while ((existing = hash_seq_search(&status)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!existing->seen)
			paysafe_existing_fault(report, "Account", existing->text,
								  "it has entries, but there is no such account");
	}
}

/*
 * Start the history, or bring it up to the entries that came while no rule was
 * in force.  Both tables are locked.
 */
void
paysafe_balance_existing_start(Oid accounts)
{
	RuleSource	rule;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe history",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext account_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe account",
														  ALLOCSET_DEFAULT_SIZES);
	HASH_SEQ_STATUS status;
	ExistingAccount *existing;
	HTAB	   *sums;
	MemoryContext old;

	paysafe_account_rule(accounts, &rule);
	old = MemoryContextSwitchTo(context);
	sums = sum_ledger(rule.reference, context);
	MemoryContextSwitchTo(account_context);
	hash_seq_init(&status, sums);
	while ((existing = hash_seq_search(&status)) != NULL)
	{
		Account		account;
		ListCell   *lc;

		(void) paysafe_account_find(accounts, paysafe_spec_columns(rule.spec, "key_column"),
									&existing->key, NULL, true, &account);
		foreach(lc, existing->sums)
		{
			ExistingSum *sum = lfirst(lc);
			Numeric		balance = account.sign < 0 ? paysafe_money_negate(sum->sum) : sum->sum;

			paysafe_history_adjust(accounts, account.key, sum->currency, account.stored, balance);
		}
		MemoryContextReset(account_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(account_context);
	MemoryContextDelete(context);
}

