/*-------------------------------------------------------------------------
 *
 * balance_rows.c
 *	  Accounts as rows: finding, locking and moving them.
 *
 * An account with a balance of its own, a stored one, is locked before it is
 * moved: rows of one statement in the order of their keys, so that two
 * statements wait for each other and do not deadlock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "engine/rule.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/balance/balance.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/row_update.h"
#include "values/spec.h"

/*
 * Reading accounts
 */

void
paysafe_account_columns(Relation leaf, const Jsonb *spec, AccountColumns *out)
{
	char	   *name;

	memset(out, 0, sizeof(*out));
	out->key = paysafe_entry_exact_column(leaf, paysafe_spec_text(spec, "key_column"),
										  out->key_name, &out->key_type);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "balance_column"), &out->balance);
	name = paysafe_spec_optional_text(spec, "minimum_column");
	if (name != NULL)
	{
		out->has_minimum = true;
		paysafe_money_column(leaf, name, &out->minimum);
		if (paysafe_money_is_minor(&out->minimum) != paysafe_money_is_minor(&out->balance))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
							out->balance.name, out->minimum.name)));
	}
	name = paysafe_spec_optional_text(spec, "currency_column");
	if (name != NULL)
	{
		out->has_currency = true;
		paysafe_status_value_column(leaf, name, &out->currency);
	}
	name = paysafe_spec_optional_text(spec, "side_column");
	if (name != NULL)
	{
		out->has_side = true;
		paysafe_status_value_column(leaf, name, &out->side);
	}
}

static bool
fault_of(EntryFault *fault, const char *column, char *reason)
{
	*fault = (EntryFault) {ERRCODE_23M03_ACCOUNT, column, reason};
	return false;
}

bool
paysafe_account_read(const AccountColumns *columns, TupleTableSlot *row,
					 Account *out, EntryFault *fault)
{
	bool		isnull;
	Datum		key = slot_getattr(row, columns->key, &isnull);

	if (isnull)
		return fault_of(fault, columns->key_name, pstrdup("the key is missing"));
	out->columns = columns;
	out->tid = row->tts_tid;
	out->key = paysafe_row_key_value_text(columns->key_type, key);
	out->balance = NULL;
	if (paysafe_money_value(&columns->balance, row, &out->balance))
		out->balance = DatumGetNumericCopy(NumericGetDatum(out->balance));
	out->minimum = NULL;
	if (columns->has_minimum && paysafe_money_value(&columns->minimum, row, &out->minimum))
	{
		if (numeric_is_nan(out->minimum))
			return fault_of(fault, columns->minimum.name, pstrdup("the minimum is not a number"));
		out->minimum = DatumGetNumericCopy(NumericGetDatum(out->minimum));
	}
	/* where no account can have a minimum, every row has its balance */
	out->stored = !columns->has_minimum || out->minimum != NULL;
	out->currency = NULL;
	if (columns->has_currency)
	{
		(void) slot_getattr(row, columns->currency.attnum, &isnull);
		if (isnull)
			return fault_of(fault, columns->currency.name, pstrdup("the currency is missing"));
		out->currency = paysafe_status_value_text(&columns->currency, row);
	}
	out->sign = 1;
	if (columns->has_side)
	{
		(void) slot_getattr(row, columns->side.attnum, &isnull);
		out->sign = isnull ? 0 : paysafe_entry_side(paysafe_status_value_text(&columns->side, row));
		if (out->sign == 0)
			return fault_of(fault, columns->side.name, pstrdup("it is neither on the debit nor on the credit side"));
	}
	return true;
}

static const Rule *
rule_of(Relation leaf, Oid accounts)
{
	const RelationRules *rules = paysafe_rules_of(leaf);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_balance_kind &&
			rules->rules[i].declared_on == accounts)
			return &rules->rules[i];
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no balance rule", RelationGetRelationName(leaf))));
	return NULL;
}

bool
paysafe_account_visible(Oid accounts)
{
	return pg_class_aclcheck(accounts, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(accounts, GetUserId(), true) != RLS_ENABLED;
}

typedef struct FindState
{
	Oid			accounts;
	int			count;
	Account    *account;
} FindState;

static void
read_or_refuse(const Rule *rule, TupleTableSlot *row, Account *out)
{
	EntryFault	fault;

	out->rule = rule;
	if (!paysafe_account_read(&((const BalanceState *) rule->compiled)->account, row, out, &fault))
		paysafe_rule_refuse(rule, fault.sqlstate, fault.column,
						  psprintf("a row in table \"%s\" is not an account", rule->table_name),
						  psprintf("Column \"%s\": %s.", fault.column, fault.reason), NULL);
}

static TransactionId
row_xmin(TupleTableSlot *row)
{
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	if (should_free)
		heap_freetuple(tuple);
	return xmin;
}

static bool
is_own(TupleTableSlot *row)
{
	return TransactionIdIsCurrentTransactionId(row_xmin(row));
}

static bool
visit_account(Relation leaf, TupleTableSlot *row, void *arg)
{
	FindState  *find = arg;

	find->count++;
	read_or_refuse(rule_of(leaf, find->accounts), row, find->account);
	find->account->relid = RelationGetRelid(leaf);
	find->account->own = is_own(row);
	return find->count < 2;
}

int
paysafe_account_find(Oid accounts, const char *key_name, Datum key, Oid key_type,
					 Snapshot snapshot, Account *out)
{
	Snapshot	newest = snapshot == NULL ? paysafe_scan_snapshot() : NULL;
	FindState	find = {.accounts = accounts, .account = out};
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(accounts))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, key_name), key_type, &equality);
		paysafe_row_key_scan(leaf, &equality, key, newest ? newest : snapshot, visit_account, &find);
		table_close(leaf, NoLock);
	}
	if (newest != NULL)
		UnregisterSnapshot(newest);
	return find.count;
}

/* Was the row written by somebody whom the transaction's snapshot does not see? */
static bool
is_newer_than_snapshot(TupleTableSlot *row)
{
	return !is_own(row) && XidInMVCCSnapshot(row_xmin(row), GetTransactionSnapshot());
}

bool
paysafe_account_lock(Relation leaf, Account *account, Snapshot snapshot, TupleTableSlot *slot)
{
	char	   *key = account->key;
	TM_FailureData failure;
	TM_Result	result;

	result = table_tuple_lock(leaf, &account->tid, snapshot, slot, snapshot->curcid,
							  LockTupleNoKeyExclusive, LockWaitBlock,
							  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	if (result == TM_Deleted)
		return false;
	if (result != TM_Ok || (IsolationUsesXactSnapshot() && is_newer_than_snapshot(slot)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to account \"%s\" due to concurrent update",
						paysafe_redact_string(key)),
				 errhint("The transaction may succeed when it is tried again.")));
	read_or_refuse(account->rule, slot, account);
	return strcmp(account->key, key) == 0;
}

/*
 * Accounts that are known
 *
 * An account without a minimum stays, with its key, currency and side, for as long
 * as the rule is in force: it need not be found again, and what everybody pays
 * into is not read by everybody.  Those that were found committed are remembered
 * beside the compiled rule, which any change of the rule, the table or its triggers
 * drops.  Only where no other row can have the key: a table without children, with
 * the key as its primary key.
 */

#define MAX_UNSTORED	1024	/* per table */

typedef struct UnstoredAccount
{
	char		key[NAMEDATALEN];	/* hash key */
	char	   *currency;
	int			sign;
} UnstoredAccount;

/* The rule that may remember accounts of this table, or NULL. */
static const Rule *
remembering_rule(Oid accounts)
{
	Relation	rel = table_open(accounts, AccessShareLock);
	const Rule *result = NULL;

	if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relhassubclass)
	{
		const RelationRules *rules = paysafe_rules_of(rel);
		const Rule *rule = rule_of(rel, accounts);
		const BalanceState *state = rule->compiled;

		if (rules->valid && rules->key.n == 1 && rules->key.attnums[0] == state->account.key)
			result = rule;
	}
	table_close(rel, NoLock);
	return result;
}

static bool
is_known_unstored(Oid accounts, const char *key, Account *out)
{
	const Rule *rule = strlen(key) < NAMEDATALEN ? remembering_rule(accounts) : NULL;
	BalanceState *state = rule ? rule->compiled : NULL;
	UnstoredAccount *known = state && state->unstored ?
		hash_search(state->unstored, key, HASH_FIND, NULL) : NULL;

	if (known == NULL)
		return false;
	*out = (Account)
	{
		.relid = accounts, .rule = rule, .columns = &state->account, .key = known->key,
		.currency = known->currency, .sign = known->sign
	};
	return true;
}

static void
remember_unstored(Oid accounts, const Account *account)
{
	const Rule *rule = !account->own && strlen(account->key) < NAMEDATALEN ?
		remembering_rule(accounts) : NULL;
	BalanceState *state = rule ? rule->compiled : NULL;
	MemoryContext context = state ? GetMemoryChunkContext(state) : NULL;
	UnstoredAccount *known;
	char	   *currency;

	if (state == NULL)
		return;
	if (state->unstored == NULL)
	{
		HASHCTL		ctl = {
			.keysize = NAMEDATALEN, .entrysize = sizeof(UnstoredAccount), .hcxt = context
		};

		state->unstored = hash_create("paysafe accounts", 16, &ctl,
									  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	if (hash_get_num_entries(state->unstored) >= MAX_UNSTORED)
		return;
	currency = account->currency ? MemoryContextStrdup(context, account->currency) : NULL;
	known = hash_search(state->unstored, account->key, HASH_ENTER, NULL);
	known->sign = account->sign;
	known->currency = currency;
}

/*
 * Moving
 */

/* The update of a balance that is under way, for check_row. */
typedef struct Expected
{
	Oid			relid;
	ItemPointerData tid;		/* of the version before */
	Numeric		balance;
	bool		seen;
} Expected;

static Expected *expected = NULL;

bool
paysafe_account_expected(const AccountColumns *columns, const RowChange *change)
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
	mover->updater = paysafe_row_update_begin(mover->leaf, columns->balance.attnum);
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
	Expected	this = {.relid = account->relid, .tid = mover->slot->tts_tid, .balance = balance};
	Expected   *outer = expected;
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
		expected = outer;
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
	Numeric		reserved;

	/* what adds to a balance is welcome, even if it stays below */
	if (account->minimum == NULL || paysafe_money_sign(amount) >= 0)
		return;
	reserved = paysafe_reserved(accounts, account->key);
	if (paysafe_money_compare(paysafe_money_add(balance, paysafe_money_negate(reserved)),
							  account->minimum) >= 0)
		return;
	paysafe_rule_refuse(account->rule, ERRCODE_23M01_MINIMUM, account->columns->balance.name,
					  psprintf("account \"%s\" in table \"%s\" would fall below its minimum",
							   account->key, account->rule->table_name),
					  paysafe_account_visible(accounts) ?
					  psprintf("It has %s and %s reserved, its minimum is %s, and the statement takes %s.",
							   paysafe_money_words(account->balance, currency),
							   paysafe_money_text(reserved),
							   paysafe_money_text(account->minimum),
							   paysafe_money_text(paysafe_money_negate(amount))) : NULL,
					  "Post less, or pay something in first.");
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
	if (paysafe_money_compare(stripe.balance, account->balance) != 0)
		paysafe_rule_refuse(account->rule, ERRCODE_23M02_BALANCE, account->columns->balance.name,
						  psprintf("the balance of account \"%s\" in table \"%s\" is not what its entries sum to",
								   account->key, account->rule->table_name),
						  psprintf("The row has %s, its entries sum to %s.",
								   paysafe_money_text(account->balance), paysafe_money_text(stripe.balance)),
						  "Somebody has changed the row with the protection switched off. Find out who, and restore the balance.");
	balance = paysafe_money_add(account->balance, amount);
	check_minimum(account, m->currency, balance, amount, accounts);
	store_balance(mover, account, balance);
	paysafe_history_add(&stripe, amount, balance);
	paysafe_reservation_moved(account, accounts, amount);
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

static void
move_one(Mover *mover, const Movement *m)
{
	const BalanceState *state = m->rule->compiled;

	for (;;)
	{
		Account		account;
		Numeric		amount = m->amount;
		Snapshot	snapshot = NULL;
		int			count = 1;

		if (!is_known_unstored(state->accounts, m->account_text, &account))
		{
			snapshot = find_snapshot(mover);
			count = paysafe_account_find(state->accounts, state->key_name, m->account,
										 state->entry.account_type, snapshot, &account);
			if (count == 1 && !account.stored)
				remember_unstored(state->accounts, &account);
		}

		if (count != 1)
			paysafe_rule_refuse(m->rule, ERRCODE_23M03_ACCOUNT, state->entry.account_name,
							  psprintf("an entry in table \"%s\" names account \"%s\", of which there is %s",
									   m->rule->table_name, m->account_text, count == 0 ? "none" : "more than one"),
							  NULL,
							  psprintf(count == 0 ? "Open the account in table \"%s\" first." :
									   "Make the account's key in table \"%s\" unique.",
									   get_rel_name(state->accounts)));
		if (account.currency != NULL && strcmp(account.currency, m->currency) != 0)
			refuse_currency(&account, account.columns->currency.name, account.currency, m->currency);
		if (paysafe_money_sign(amount) == 0)
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
paysafe_account_move(Movement *movements, int n)
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
