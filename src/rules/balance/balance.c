/*-------------------------------------------------------------------------
 *
 * balance.c
 *	  Balances that move by ledger entries only.
 *
 *	  - the entries of a statement move the balances of their accounts before
 *		the next statement;
 *	  - a balance is not written otherwise, an account opens with none, and
 *		keeps its key, currency and side;
 *	  - the balance of an account with a minimum does not fall below it, less
 *		what is reserved;
 *	  - whether an account has a minimum is decided when it is opened: without
 *		one it takes no lock, and its balance is in the history only;
 *	  - an account stays once something has been posted to it.
 *
 * Lock order: ledger table, accounts table, the statement's account rows by
 * their keys; stripes of the history are only tried for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/balance/balance.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* The ledger rule of the ledger, as declared; false if the ledger is gone. */
static bool
ledger_spec(Oid ledger, Jsonb **spec)
{
	RuleSource	rule;
	bool		removed;

	if (get_rel_relkind(ledger) == '\0')
		return false;
	if (!paysafe_rule_newest(ledger, "ledger", &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is no ledger", get_rel_name(ledger)),
				 errhint("Declare it with paysafe.protect_ledger first.")));
	*spec = rule.spec;
	return true;
}

static void
check_units(const AccountColumns *account, Oid ledger, const Jsonb *spec)
{
	Relation	rel = table_open(ledger, AccessShareLock);
	AmountColumn amount;

	paysafe_money_column(rel, paysafe_spec_text(spec, "amount_column"), &amount);
	table_close(rel, NoLock);
	if (paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&account->balance))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						account->balance.name, amount.name)));
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	BalanceState *state = palloc0(sizeof(BalanceState));
	Jsonb	   *ledger;

	state->is_ledger = input->as_reference;
	state->accounts = input->source->relation;
	state->ledger = input->source->reference;
	state->key_name = paysafe_spec_text(spec, "key_column");
	if (!state->is_ledger)
		paysafe_account_columns(input->leaf, spec, &state->account);
	if (!ledger_spec(state->ledger, &ledger))
		return state;			/* nobody posts any more */
	if (state->is_ledger)
		paysafe_entry_columns(input->leaf, ledger, &state->entry);
	else
		check_units(&state->account, state->ledger, ledger);
	return state;
}

/*
 * Checking
 */

static PAYSAFE_NORETURN void
refuse(const Rule *rule, int sqlstate, const char *column, const Account *account,
	   const char *what, char *detail, const char *hint)
{
	paysafe_rule_refuse(rule, sqlstate, column,
					  psprintf("account \"%s\" in table \"%s\" %s", account->key, rule->table_name, what),
					  detail, hint);
}

static bool
is_zero(Numeric amount)
{
	return amount == NULL || paysafe_money_sign(amount) == 0;
}

static void
read_account(const Rule *rule, TupleTableSlot *row, Account *out)
{
	const BalanceState *state = rule->compiled;
	EntryFault	fault;

	out->rule = rule;
	if (!paysafe_account_read(&state->account, row, out, &fault))
		paysafe_rule_refuse(rule, fault.sqlstate, fault.column,
						  psprintf("a row in table \"%s\" is not an account", rule->table_name),
						  psprintf("Column \"%s\": %s.", fault.column, fault.reason), NULL);
}

static void
check_opened(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;
	Account		account;

	read_account(rule, change->after, &account);
	if (!is_zero(account.balance))
		refuse(rule, ERRCODE_23M02_BALANCE, state->account.balance.name, &account,
			   "must open without a balance",
			   psprintf("It would open with %s.", paysafe_money_text(account.balance)),
			   "Open it with zero, then post to it.");
	if (account.stored && account.balance == NULL)
		refuse(rule, ERRCODE_23M02_BALANCE, state->account.balance.name, &account,
			   "has no balance", NULL, "Open it with zero.");
	if (account.minimum != NULL && paysafe_money_sign(account.minimum) > 0)
		refuse(rule, ERRCODE_23M01_MINIMUM, state->account.minimum.name, &account,
			   "would open below its minimum",
			   psprintf("Its minimum is %s.", paysafe_money_text(account.minimum)),
			   "Raise the minimum when the balance allows it.");
}

/* What an account keeps for as long as there are entries that mean it. */
static const char *
changed_column(const Account *before, const Account *after)
{
	const AccountColumns *columns = after->columns;

	if (strcmp(before->key, after->key) != 0)
		return columns->key_name;
	if (columns->has_currency && strcmp(before->currency, after->currency) != 0)
		return columns->currency.name;
	if (before->sign != after->sign)
		return columns->side.name;
	if (before->stored != after->stored)
		return columns->minimum.name;
	return NULL;
}

static void
check_changed(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;
	Account		before;
	Account		after;
	const char *column;

	read_account(rule, change->before, &before);
	read_account(rule, change->after, &after);
	column = changed_column(&before, &after);
	if (column != NULL)
		refuse(rule, ERRCODE_23M02_BALANCE, column, &before,
			   psprintf("cannot change its column \"%s\"", column),
			   column == state->account.minimum.name ?
			   "Whether an account has a minimum is decided when it is opened." :
			   "Its entries mean this account as it is.",
			   "Open another account, and post what is on this one to it.");
	if (!paysafe_money_same(&state->account.balance, change->before, change->after) &&
		!paysafe_account_expected(&state->account, change))
		refuse(rule, ERRCODE_23M02_BALANCE, state->account.balance.name, &before,
			   "cannot be given a balance",
			   psprintf("It would change from %s to %s without an entry.",
						before.balance ? paysafe_money_text(before.balance) : "NULL",
						after.balance ? paysafe_money_text(after.balance) : "NULL"),
			   psprintf("Add entries to table \"%s\": they move it.", get_rel_name(state->ledger)));
	if (after.minimum != NULL && paysafe_money_compare(after.minimum, before.minimum) > 0 &&
		paysafe_money_compare(paysafe_money_add(after.balance ? after.balance : paysafe_money_zero(),
												paysafe_money_negate(paysafe_reserved(state->accounts, after.key))),
							  after.minimum) < 0)
		refuse(rule, ERRCODE_23M01_MINIMUM, state->account.minimum.name, &after,
			   "has less than that minimum",
			   psprintf("It has %s, less what is reserved.",
						after.balance ? paysafe_money_text(after.balance) : "nothing"),
			   "Choose a lower minimum, or pay something in first.");
}

static void
check_closed(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;
	Account		account;

	read_account(rule, change->before, &account);
	/* without a lock, somebody may be posting to it */
	if (!account.stored || !is_zero(account.balance) ||
		paysafe_history_currency(state->accounts, account.key) != NULL ||
		paysafe_reservation_exists(state->accounts, account.key))
		refuse(rule, ERRCODE_23M02_BALANCE, NULL, &account, "cannot be deleted",
			   account.stored ? "Something has been posted to it or reserved." :
			   "It has no minimum, so nothing locks it against postings.",
			   "Keep it, and mark it as closed in a column of your own.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;

	if (state->is_ledger)
	{
		Entry		entry;
		EntryFault	fault;

		/* the ledger rule has seen to it that it is one, and that it stays */
		if (change->op != 'I' || !paysafe_entry_read(&state->entry, change->after, &entry, &fault))
			elog(ERROR, "ledger \"%s\" is not protected", rule->table_name);
		paysafe_balance_add(rule, &entry);
		return;
	}
	if (change->op == 'I')
		check_opened(rule, change);
	else if (change->op == 'U')
		check_changed(rule, change);
	else
		check_closed(rule, change);
}

static void
refuse_truncate(const Rule *rule)
{
	const BalanceState *state = rule->compiled;

	if (!state->is_ledger)
		paysafe_rule_refuse(rule, ERRCODE_23M02_BALANCE, NULL,
						  psprintf("table \"%s\" cannot be truncated", rule->table_name),
						  "Accounts stay once something has been posted to them.", NULL);
}

static void
forget_rows(const Rule *rule)
{
	const BalanceState *state = rule->compiled;

	if (state->is_ledger)
		return;
	paysafe_history_remove(state->accounts);
	paysafe_reservation_remove(state->accounts);
}

static void
pre_commit(bool prepare)
{
	/* nothing is left, unless a statement had no end */
	paysafe_balance_apply();
	paysafe_reservation_pre_commit();
	if (prepare)
		paysafe_history_prepare();
}

static void
end_transaction(bool aborted)
{
	paysafe_balance_forget(true, 0);
	paysafe_reservation_forget(false, true, 0);
	paysafe_history_forget(true, aborted);
}

static void
end_subtransaction(bool committed, int level)
{
	/* what committed has been applied before */
	paysafe_balance_forget(false, level);
	paysafe_reservation_forget(committed, false, level);
	if (!committed)
		paysafe_history_forget(false, true);
}

/*
 * Declaring: each balance is what the entries sum to.
 */

typedef struct ExistingSum
{
	char	   *currency;
	Numeric		sum;			/* debits positive */
} ExistingSum;

typedef struct ExistingAccount
{
	uint8		digest[PAYSAFE_SHA256_LEN]; /* key: of the account's text */
	char	   *text;
	Datum		value;
	Oid			type;
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
		account->value = (Datum) 0;
		account->type = InvalidOid;
		account->sums = NIL;
		account->seen = false;
	}
	return account;
}

static void
add_existing_entry(HTAB *accounts, const EntryColumns *columns, const Entry *entry)
{
	ExistingAccount *account = enter_account(accounts, entry->account_text);
	ExistingSum *sum = NULL;
	Numeric		total;
	ListCell   *lc;

	if (!OidIsValid(account->type))
	{
		int16		typlen;
		bool		typbyval;

		get_typlenbyval(columns->account_type, &typlen, &typbyval);
		account->value = datumCopy(entry->account, typbyval, typlen);
		account->type = columns->account_type;
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

	(void) ledger_spec(ledger, &spec);
	foreach(lc, paysafe_catalog_leaves(ledger))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		TupleTableSlot *slot = table_slot_create(leaf, NULL);
		TableScanDesc scan = table_beginscan(leaf, snapshot, 0, NULL);
		EntryColumns columns;

		paysafe_entry_columns(leaf, spec, &columns);
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);
			Entry		entry;
			EntryFault	fault;

			CHECK_FOR_INTERRUPTS();
			if (!paysafe_entry_read(&columns, slot, &entry, &fault))
				elog(ERROR, "a row in ledger \"%s\" is not an entry", get_rel_name(ledger));
			MemoryContextSwitchTo(context);
			add_existing_entry(accounts, &columns, &entry);
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

/* What is wrong with an account that is there, or NULL. */
static char *
existing_fault(const Account *account, const ExistingAccount *existing)
{
	const ExistingSum *sum = existing->sums ? linitial(existing->sums) : NULL;
	Numeric		expected = sum ? sum->sum : paysafe_money_zero();
	Numeric		balance = account->balance ? account->balance : paysafe_money_zero();
	ListCell   *lc;

	foreach(lc, existing->sums)
	{
		char	   *currency = ((ExistingSum *) lfirst(lc))->currency;

		if (account->currency != NULL && strcmp(account->currency, currency) != 0)
			return psprintf("it is kept in %s and has entries in %s", account->currency, currency);
	}
	if (!account->stored)
		return is_zero(account->balance) ? NULL :
			psprintf("it has no minimum, so that its balance will be the sum of its entries and not column \"%s\"; set that to NULL or 0",
					 account->columns->balance.name);
	if (account->balance == NULL)
		return pstrdup("its balance is missing");
	if (list_length(existing->sums) > 1)
		return psprintf("it has entries in %s and %s", sum->currency,
						((ExistingSum *) lsecond(existing->sums))->currency);
	if (account->sign < 0)
		expected = paysafe_money_negate(expected);
	if (paysafe_money_compare(balance, expected) != 0)
		return psprintf("its balance is %s, its entries sum to %s",
						paysafe_money_text(balance), paysafe_money_text(expected));
	if (account->minimum != NULL && paysafe_money_compare(balance, account->minimum) < 0)
		return psprintf("its balance %s is below its minimum %s",
						paysafe_money_text(balance), paysafe_money_text(account->minimum));
	return NULL;
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
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
	reason = existing->seen ? "there is another account of this key" : existing_fault(&account, existing);
	existing->seen = true;
	if (reason != NULL)
		paysafe_existing_fault(report, "Account", account.key, reason);
}

static void
check_existing_end(const Rule *rule, ExistingReport *report)
{
	const BalanceState *state = rule->compiled;
	HASH_SEQ_STATUS status;
	ExistingAccount *existing;

	if (report->private == NULL)
		report->private = sum_ledger(state->ledger, report->context);
	hash_seq_init(&status, report->private);
	while ((existing = hash_seq_search(&status)) != NULL)
		if (!existing->seen)
			paysafe_existing_fault(report, "Account", existing->text,
								  "it has entries, but there is no such account");
}

/* The ledger was dropped, and nobody could post: now its entries are others. */
static char *
loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	if (strcmp(after->name, "ledger") != 0 || after->relation != rule->reference || before != NULL)
		return NULL;
	return psprintf("lets entries move the balances of %s again",
					paysafe_catalog_table_name(rule->relation));
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	char	   *minimum = paysafe_spec_optional_text(spec, "minimum_column");
	char	   *currency = paysafe_spec_optional_text(spec, "currency_column");
	char	   *side = paysafe_spec_optional_text(spec, "side_column");

	return psprintf("%s of %s moves by entries of %s only%s%s%s%s%s%s",
					paysafe_spec_text(spec, "balance_column"),
					paysafe_spec_text(spec, "key_column"),
					get_rel_name(reference) ? paysafe_catalog_table_name(reference) : "a table that is gone",
					minimum ? ", not below " : "", minimum ? minimum : "",
					currency ? "; currency in " : "", currency ? currency : "",
					side ? "; side in " : "", side ? side : "");
}

const RuleKind paysafe_balance_kind = {
	.name = "balance",
	/* columns define each other: no change is only tighter */
	.fields = (const SpecField[]) {
		{"key_column", SPEC_COLUMN},
		{"balance_column", SPEC_COLUMN},
		{"minimum_column", SPEC_COLUMN},
		{"currency_column", SPEC_COLUMN},
		{"side_column", SPEC_COLUMN},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.check_existing_end = check_existing_end,
	.refuse_truncate = refuse_truncate,
	.forget_rows = forget_rows,
	.loosened_by = loosened_by,
	.describe = describe
};

const RuleModule paysafe_balance_module = {
	.end_statement = paysafe_balance_apply,
	.pre_commit = pre_commit,
	.end_transaction = end_transaction,
	.end_subtransaction = end_subtransaction
};

/*
 * Looking rules up
 */

void
paysafe_balance_rule(Oid accounts, RuleSource *out)
{
	bool		removed;

	if (!paysafe_rule_newest(accounts, "balance", out, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no balance rule",
						get_rel_name(accounts) ? get_rel_name(accounts) : psprintf("%u", accounts)),
				 errhint("Declare it with paysafe.protect_balance.")));
}

void
paysafe_balance_account(const RuleSource *rule, char *key, Snapshot snapshot, Account *out)
{
	Relation	rel = table_open(rule->relation, AccessShareLock);
	char	   *column = paysafe_spec_text(rule->spec, "key_column");
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), paysafe_catalog_column(rel, column) - 1);
	Datum		value = paysafe_row_key_input(att, key);
	int			count = paysafe_account_find(rule->relation, column, value, att->atttypid, snapshot, out);

	table_close(rel, NoLock);
	if (count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has %s account \"%s\"", get_rel_name(rule->relation),
						count == 0 ? "no" : "more than one", key)));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_balance);

/* Two accounts of one key could not be told apart. */
static void
check_unique(Oid accounts, const char *column)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(accounts))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		AttrNumber	attnum = paysafe_catalog_column(leaf, column);
		bool		unique = false;
		ListCell   *lc2;

		foreach(lc2, RelationGetIndexList(leaf))
		{
			Relation	index = index_open(lfirst_oid(lc2), AccessShareLock);
			Form_pg_index form = index->rd_index;

			unique |= form->indisunique && form->indimmediate && form->indisvalid &&
				form->indnkeyatts == 1 && form->indkey.values[0] == attnum &&
				RelationGetIndexPredicate(index) == NIL;
			index_close(index, AccessShareLock);
		}
		if (!unique)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of table \"%s\" is not unique",
							column, RelationGetRelationName(leaf)),
					 errhint("Make it the primary key, or give it a unique constraint that is not deferrable.")));
		table_close(leaf, NoLock);
	}
}

typedef struct OtherAccounts
{
	Oid			accounts;
	Oid			ledger;			/* or InvalidOid: of any */
	Oid			other;			/* found */
	int			count;
} OtherAccounts;

/* Columns of paysafe.rule that matter here. */
enum
{
	RULE_RELATION, RULE_NAME
};

static bool
visit_rule(Relation rel, HeapTuple tuple, void *arg)
{
	OtherAccounts *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Oid			relation = DatumGetObjectId(heap_getattr(tuple, RULE_RELATION + 1, desc, &isnull));
	RuleSource	rule;
	bool		removed;

	if (strcmp(paysafe_store_text(tuple, desc, RULE_NAME), "balance") != 0 ||
		relation == search->accounts || relation == search->other ||
		get_rel_relkind(relation) == '\0' ||
		!paysafe_rule_newest(relation, "balance", &rule, &removed) || removed ||
		(OidIsValid(search->ledger) && rule.reference != search->ledger))
		return true;
	search->other = relation;
	search->count++;
	return true;
}

/* An account of a ledger is in one table: two could have one of the same key. */
static void
check_alone(Oid accounts, Oid ledger)
{
	OtherAccounts search = {.accounts = accounts, .ledger = ledger};

	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, visit_rule, &search);
	if (search.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ledger \"%s\" has its accounts in table \"%s\"",
						get_rel_name(ledger), get_rel_name(search.other))));
}

/*
 * Start the history, or bring it up to the entries that came while no rule was
 * in force.  Both tables are locked.
 */
static void
start_history(Oid accounts)
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

	paysafe_balance_rule(accounts, &rule);
	old = MemoryContextSwitchTo(context);
	sums = sum_ledger(rule.reference, context);
	MemoryContextSwitchTo(account_context);
	hash_seq_init(&status, sums);
	while ((existing = hash_seq_search(&status)) != NULL)
	{
		Account		account;
		ListCell   *lc;

		(void) paysafe_account_find(accounts, paysafe_spec_text(rule.spec, "key_column"),
									existing->value, existing->type, NULL, &account);
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

/*
 * protect_balance(accounts, key_column, balance_column, ledger, minimum_column,
 *				   currency_column, side_column) returns void
 */
Datum
paysafe_protect_balance(PG_FUNCTION_ARGS)
{
	Oid			accounts;
	Oid			ledger;
	char	   *key_column;
	SpecBuilder spec;
	RuleSource	before;
	RuleSource	after;
	bool		was_removed;
	bool		was_known;
	Jsonb	   *ledger_rule;

	for (int i = 0; i < 4; i += 3)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL", i == 0 ? "accounts" : "ledger")));
	accounts = PG_GETARG_OID(0);
	ledger = PG_GETARG_OID(3);
	key_column = paysafe_declare_name_argument(fcinfo, 1, "key_column");

	/* in the order of those who post */
	paysafe_declare_lock(ledger);
	paysafe_declare_lock(accounts);
	if (accounts == ledger)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a ledger cannot be its own table of accounts")));
	(void) ledger_spec(ledger, &ledger_rule);
	check_unique(accounts, key_column);
	check_alone(accounts, ledger);

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "key_column", key_column);
	paysafe_spec_add_text(&spec, "balance_column", paysafe_declare_name_argument(fcinfo, 2, "balance_column"));
	paysafe_spec_add_text(&spec, "minimum_column",
						  PG_ARGISNULL(4) ? NULL : paysafe_declare_name_argument(fcinfo, 4, "minimum_column"));
	paysafe_spec_add_text(&spec, "currency_column",
						  PG_ARGISNULL(5) ? NULL : paysafe_declare_name_argument(fcinfo, 5, "currency_column"));
	paysafe_spec_add_text(&spec, "side_column",
						  PG_ARGISNULL(6) ? NULL : paysafe_declare_name_argument(fcinfo, 6, "side_column"));
	was_known = paysafe_rule_newest(accounts, "balance", &before, &was_removed);
	paysafe_declare(accounts, "balance", ledger, paysafe_spec_end(&spec));
	paysafe_balance_rule(accounts, &after);
	if (!was_known || before.version != after.version)
		start_history(accounts);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_balance);

/*
 * balance(account text, at timestamptz, accounts regclass, currency text)
 * returns numeric
 */
Datum
paysafe_balance(PG_FUNCTION_ARGS)
{
	OtherAccounts search = {0};
	TimestampTz at;
	RuleSource	rule;
	Account		account;
	List	   *currencies;
	char	   *currency = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	Numeric		balance;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	at = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2))
		search.other = PG_GETARG_OID(2);
	else
	{
		paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, visit_rule, &search);
		if (search.count != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg(search.count == 0 ? "no table has a balance rule" : "several tables have accounts"),
					 errhint(search.count == 0 ? "Declare it with paysafe.protect_balance." :
							 "Name the table in the argument \"accounts\".")));
	}
	paysafe_balance_rule(search.other, &rule);
	if (pg_class_aclcheck(rule.relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(rule.relation));
	if (!paysafe_account_visible(rule.relation))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of table \"%s\" hides accounts from you", get_rel_name(rule.relation)),
				 errhint("Read its column, or call paysafe.balance in a function of the owner's.")));
	paysafe_balance_account(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), GetActiveSnapshot(), &account);

	/* from now on: all that there is to see */
	if (at >= GetCurrentTransactionStartTimestamp())
		TIMESTAMP_NOEND(at);
	else if (at < rule.since)
		PG_RETURN_NULL();		/* not known */
	balance = paysafe_history_balance(rule.relation, account.key, currency, at,
									  GetActiveSnapshot(), &currencies);
	if (currency == NULL && list_length(currencies) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("account \"%s\" has balances in several currencies: %s",
						account.key, paysafe_strings_join(currencies)),
				 errhint("Name one in the argument \"currency\".")));
	PG_RETURN_NUMERIC(balance);
}
