/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  Ledgers: append-only, balanced, closed once posted.
 *
 *	  - rows are only added;
 *	  - amounts are finite, not zero, at the currency's scale; signed, or
 *		positive with a direction;
 *	  - for each transaction id and currency, the entries that one database
 *		transaction adds sum to zero when it commits;
 *	  - an id that a database transaction has posted takes no entries of later
 *		ones;
 *	  - a reversal names the transaction that it reverses, is its opposite, and
 *		the only one;
 *	  - posting dates are not in a closed period.
 *
 *	  A declaration may take some of that back: rows that are no entries yet, columns
 *	  that may change, transactions that are posted bit by bit, or none at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "engine/closed_period.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "engine/which_rows.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/ledger/ledger_kept.h"
#include "rules/ledger/ledger_minimum.h"
#include "rules/ledger/ledger_posted.h"
#include "rules/ledger/ledger_reversals.h"
#include "rules/ledger/ledger_rows.h"
#include "rules/ledger/ledger_sums.h"
#include "store/catalog.h"
#include "values/place.h"
#include "values/row_filter.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Raises 22023 if the column cannot be looked up by what ids are. */
static void
check_looked_up(Relation leaf, const KeyColumns *columns, const KeyColumns *ids, int i)
{
	KeyEquality equality;

	paysafe_row_key_equality(leaf, columns->key.attnums[i], ids->types[i], &equality);
}

/* Raises 22023 if what makes a row an entry, and the one that it is, may change. */
static void
check_mutable(const CompileInput *input, const LedgerState *state, List *mutable)
{
	const EntryColumns *columns = &state->columns;
	const char *const keys[] = {
		"amount_column", "credit_column", "currency_column", "currency_via", "direction_column", "posting_date_column"
	};
	const Jsonb *spec = input->source->spec;
	List	   *needed = list_concat(list_concat(list_concat_copy(columns->transaction_names, columns->account_names),
												 columns->credited_names), columns->reverses_names);
	RowKey		key;
	ListCell   *lc;

	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		char	   *name = paysafe_spec_optional_text(spec, keys[i]);

		if (name != NULL)
			needed = lappend(needed, name);
	}
	needed = list_concat(needed, paysafe_spec_set(spec, "rows_columns"));
	foreach(lc, needed)
		lfirst(lc) = paysafe_place_column(RelationGetRelid(input->leaf), lfirst(lc));
	paysafe_row_key_whole(input->leaf, &key);
	for (int i = 0; i < key.n; i++)
		needed = lappend(needed, pstrdup(NameStr(TupleDescAttr(RelationGetDescr(input->leaf), key.attnums[i] - 1)->attname)));
	foreach(lc, mutable)
		if (paysafe_strings_contain(needed, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" is what an entry is, and cannot be one of \"mutable_columns\"",
							(char *) lfirst(lc))));
}

/* The columns of an entry that stay, where some may change. */
static void
compile_frozen(const CompileInput *input, LedgerState *state)
{
	TupleDesc	desc = RelationGetDescr(input->leaf);
	List	   *mutable = paysafe_spec_set(input->source->spec, "mutable_columns");
	ListCell   *lc;

	if (mutable == NIL)
		return;
	foreach(lc, mutable)
		(void) paysafe_catalog_column(input->leaf, lfirst(lc));
	check_mutable(input, state, mutable);
	state->frozen = palloc(sizeof(AttrNumber) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			!paysafe_strings_contain(mutable, NameStr(TupleDescAttr(desc, i)->attname)))
			state->frozen[state->nfrozen++] = i + 1;
}

static void
compile_minimum(const CompileInput *input, LedgerState *state)
{
	char	   *minimum = paysafe_spec_optional_text(input->source->spec, "minimum");

	if (minimum == NULL)
		return;
	state->minimum = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(minimum),
														 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	/* entries are looked up by account */
	for (int i = 0; i < state->columns.account.key.n; i++)
		check_looked_up(input->leaf, &state->columns.account, &state->columns.account, i);
	for (int i = 0; i < state->columns.credited.key.n; i++)
		check_looked_up(input->leaf, &state->columns.credited, &state->columns.account, i);
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	LedgerState *state;

	state = palloc0(sizeof(LedgerState));
	state->is_parent = input->as_reference;
	if (state->is_parent)
	{
		paysafe_currency_compile_parent(input, &state->parent);
		return state;
	}
	state->root = input->source->relation;
	paysafe_entry_columns(input->leaf, spec, &state->columns);
	paysafe_currency_of_entries(input->leaf, input->source, &state->columns);
	state->open = paysafe_spec_bool(spec, "open");
	compile_minimum(input, state);
	compile_frozen(input, state);
	/* ids are looked up, and those that are reversed */
	for (int i = 0; i < state->columns.transaction.key.n; i++)
		check_looked_up(input->leaf, &state->columns.transaction, &state->columns.transaction, i);
	for (int i = 0; i < state->columns.reverses.key.n; i++)
		check_looked_up(input->leaf, &state->columns.reverses, &state->columns.transaction, i);
	paysafe_posting_date_column(input->leaf, paysafe_spec_optional_text(spec, "posting_date_column"), &state->date);
	paysafe_closed_period_find(state->root, &state->closed);
	state->kept_stamp = paysafe_ledger_kept_stamp(state, input);
	return state;
}

/*
 * Checking
 */

static void
check_date(const Rule *rule, const RowChange *change)
{
	const LedgerState *state = rule->compiled;
	DateADT		date;

	if (state->date.attnum == 0)
		return;
	if (!paysafe_posting_date_read(&state->date, change->after, &date))
		paysafe_rule_refuse(rule, ERRCODE_23L03_ENTRY, state->date.name,
						  psprintf("an entry in table \"%s\" needs a posting date", rule->table_name),
						  NULL, "Give it a finite date.");
	if (paysafe_posting_date_is_by(&state->date, change->after, &state->closed.until))
		paysafe_rule_refuse(rule, ERRCODE_23L06_CLOSED_PERIOD, state->date.name,
						  psprintf("posting date %s is in a closed period of table \"%s\"",
								   paysafe_row_key_value_text(DATEOID, DateADTGetDatum(date)), rule->table_name),
						  psprintf("Closed until %s%s%s.",
								   paysafe_row_key_value_text(DATEOID, DateADTGetDatum(state->closed.until.day)),
								   state->closed.time_zone && strcmp(state->closed.time_zone, "UTC") != 0 ? " in " : "",
								   state->closed.time_zone && strcmp(state->closed.time_zone, "UTC") != 0 ?
								   state->closed.time_zone : ""),
						  "Post into an open period.");
}

static void
refuse_change(const Rule *rule, const char *what, const char *key)
{
	paysafe_rule_refuse(rule, ERRCODE_23L01_APPEND_ONLY, NULL,
					  psprintf("ledger \"%s\" is append-only: %s refused", rule->table_name, what),
					  key ? psprintf("Row \"%s\" stays as it was posted.", key) : NULL,
					  key ? "Correct it by another transaction that reverses it." : TRUNCATE_HINT);
}

/* The row is an entry already. */
static void
check_kept(const Rule *rule, const RowChange *change)
{
	const LedgerState *state = rule->compiled;
	TupleDesc	desc = RelationGetDescr(change->rel);
	char	   *key = paysafe_row_key_text(&change->rules->key, desc, change->before);

	if (change->op != 'U' || state->frozen == NULL)
		refuse_change(rule, change->op == 'U' ? "UPDATE" : "DELETE", key);
	for (int i = 0; i < state->nfrozen; i++)
	{
		const char *column = NameStr(TupleDescAttr(desc, state->frozen[i] - 1)->attname);

		if (!paysafe_row_key_same_column(desc, state->frozen[i], change->before, change->after))
			paysafe_rule_refuse(rule, ERRCODE_23L01_APPEND_ONLY, column,
								psprintf("column \"%s\" of ledger \"%s\" cannot change", column, rule->table_name),
								key ? psprintf("Row \"%s\" stays as it was posted, but for what \"mutable_columns\" names.", key) : NULL,
								"Correct it by another transaction that reverses it.");
	}
}

/* The row has become an entry. */
static void
check_entry(const Rule *rule, const RowChange *change)
{
	const LedgerState *state = rule->compiled;
	Entry entry;
	EntryFault fault;
	bool		is_open;
	bool		begins_reversal;

	paysafe_currency_hold_entry(&state->columns, change->after);
	if (!paysafe_entry_read(&state->columns, change->after, &entry, &fault))
		paysafe_rule_refuse(rule, fault.sqlstate, fault.column,
						  psprintf("a row in table \"%s\" is not a ledger entry", rule->table_name),
						  psprintf("Row \"%s\": %s.",
								   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after),
								   fault.reason),
						  state->columns.credited.key.n > 0 ?
						  "Rows have two accounts, a currency and a finite positive amount, at the currency's scale." :
						  state->columns.transaction.key.n == 0 ?
						  "Entries have an account, a currency and a finite amount that is not zero, at the currency's scale." :
						  "Entries have a transaction, an account, a currency and a finite amount that is not zero, at the currency's scale.");
	if (state->columns.transaction.key.n == 0)
	{
		check_date(rule, change);
		if (state->minimum != NULL)
			do
				paysafe_ledger_minimum_check(rule, change, &entry);
			while (paysafe_entry_next(&entry));
		return;
	}
	/* an open posting of this id was looked up when it was opened */
	is_open = paysafe_ledger_sums_is_open(state->root, entry.transaction_text);
	begins_reversal = entry.reversal && !paysafe_ledger_reversals_note(rule, &entry);
	/* an entry that is there counts, also if the rest is only observed */
	paysafe_ledger_sums_add(rule, &entry);
	check_date(rule, change);
	if (!is_open && !state->open)
		paysafe_ledger_posted_check(rule, &entry);
	if (begins_reversal)
		paysafe_ledger_posted_check_reversed(rule, &entry);
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const LedgerState *state = rule->compiled;
	RowChange	seen;

	if (state->is_parent)
	{
		paysafe_currency_check_parent(rule, &state->parent, change);
		return;
	}
	if (state->columns.rows.n > 0)
	{
		if (!paysafe_which_rows(rule, &state->columns.rows, change, &seen))
			return;
		change = &seen;
	}
	if (change->op == 'I')
		check_entry(rule, change);
	else
		check_kept(rule, change);
}

static void
refuse_truncate(const Rule *rule)
{
	if (((LedgerState *) rule->compiled)->is_parent)
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("table \"%s\" cannot be truncated", rule->table_name),
							"Entries have their currency from its rows.", TRUNCATE_HINT);
	refuse_change(rule, "TRUNCATE", NULL);
}

/*
 * Declaring: existing rows must be entries, their transactions balanced and
 * reversed once.
 */

typedef struct ExistingKey
{
	uint8		digest[PAYSAFE_SHA256_LEN];
} ExistingKey;

typedef struct ExistingReversal
{
	ExistingKey key;			/* of what is reversed and by what */
	KeyValues	transaction;
	char	   *transaction_text;
	KeyValues	reverses;
	char	   *reverses_text;
} ExistingReversal;

typedef struct ExistingSum
{
	ExistingKey key;
	char	   *words;			/* transaction and currency, for the report */
	Numeric		sum;
} ExistingSum;

/* What was seen of the existing rows. */
typedef struct Existing
{
	HTAB	   *sums;			/* that are not zero so far */
	HTAB	   *reversals;
} Existing;

static ExistingKey
existing_key(const char *transaction, const char *other)
{
	ExistingKey key;
	char	   *text = psprintf("%zu:%s%s", strlen(transaction), transaction, other);

	paysafe_crypto_sha256(text, strlen(text), key.digest);
	pfree(text);
	return key;
}

static Existing *
existing_of(ExistingReport *report)
{
	if (report->private == NULL)
	{
		Existing   *existing = MemoryContextAlloc(report->context, sizeof(Existing));
		HASHCTL		sums = {.keysize = sizeof(ExistingKey), .entrysize = sizeof(ExistingSum), .hcxt = report->context};
		HASHCTL		reversals = {.keysize = sizeof(ExistingKey), .entrysize = sizeof(ExistingReversal), .hcxt = report->context};

		existing->sums = hash_create("paysafe ledger sums", 1024, &sums,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		existing->reversals = hash_create("paysafe ledger reversals", 1024, &reversals,
										  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		report->private = existing;
	}
	return report->private;
}

static void
add_existing_sum(HTAB *sums, const Entry *entry)
{
	bool		found;
	ExistingKey key = existing_key(entry->transaction_text, entry->currency);
	ExistingSum *sum = hash_search(sums, &key, HASH_ENTER, &found);
	Numeric		total;

	if (!found)
	{
		sum->words = psprintf("%s\n%s", entry->transaction_text, entry->currency);
		sum->sum = paysafe_money_zero();
	}
	total = paysafe_money_add(sum->sum, entry->amount);
	pfree(sum->sum);
	sum->sum = total;
	if (paysafe_money_sign(total) == 0)
	{
		pfree(sum->words);
		pfree(sum->sum);
		(void) hash_search(sums, &key, HASH_REMOVE, NULL);
	}
}

static void
add_existing_reversal(HTAB *reversals, const Entry *entry)
{
	bool		found;
	ExistingKey key = existing_key(entry->reverses_text, entry->transaction_text);
	ExistingReversal *reversal = hash_search(reversals, &key, HASH_ENTER, &found);
	KeyValues	values;

	if (found)
		return;
	(void) paysafe_key_columns_read(&entry->columns->transaction, entry->row, &values, NULL);
	paysafe_key_columns_copy(&values, &reversal->transaction);
	reversal->transaction_text = pstrdup(entry->transaction_text);
	(void) paysafe_key_columns_read(&entry->columns->reverses, entry->row, &values, NULL);
	paysafe_key_columns_copy(&values, &reversal->reverses);
	reversal->reverses_text = pstrdup(entry->reverses_text);
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	Entry entry;
	EntryFault fault;
	const EntryColumns *columns = &((const LedgerState *) rule->compiled)->columns;
	Existing   *existing;
	MemoryContext old;

	if (!paysafe_row_filter_has(&columns->rows, row, NULL))
		return;
	if (!paysafe_entry_read(columns, row, &entry, &fault))
	{
		paysafe_existing_fault(report, "Row",
							  paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row), fault.reason);
		return;
	}
	if (columns->transaction.key.n == 0)
	{
		if (((const LedgerState *) rule->compiled)->minimum == NULL)
			return;
		do
		{
			entry.transaction_text = entry.account_text;
			existing = existing_of(report);
			old = MemoryContextSwitchTo(report->context);
			add_existing_sum(existing->sums, &entry);
			MemoryContextSwitchTo(old);
		} while (paysafe_entry_next(&entry));
		return;
	}
	existing = existing_of(report);
	old = MemoryContextSwitchTo(report->context);
	add_existing_sum(existing->sums, &entry);
	if (entry.reversal)
		add_existing_reversal(existing->reversals, &entry);
	MemoryContextSwitchTo(old);
}

/* Who reverses whom. */
static ReversalChain *
chain_existing(HTAB *reversals, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ReversalChain *chain = paysafe_ledger_reversals_chain();
	HASH_SEQ_STATUS status;
	ExistingReversal *reversal;

	hash_seq_init(&status, reversals);
	while ((reversal = hash_seq_search(&status)) != NULL)
		paysafe_ledger_reversals_link(chain, InvalidOid, reversal->transaction_text, reversal->reverses_text);
	MemoryContextSwitchTo(old);
	return chain;
}

/* A transaction that does not balance, or what an account has. */
static void
report_existing_sum(const LedgerState *state, const ExistingSum *sum, ExistingReport *report)
{
	char	   *name = pstrdup(sum->words);
	char	   *currency = strrchr(name, '\n');

	*currency++ = '\0';
	if (state->minimum == NULL)
		paysafe_existing_fault(report, "Transaction", name,
							  psprintf("its entries in %s sum to %s instead of zero",
									   currency, paysafe_money_spoken(&state->columns.amount, sum->sum, currency)));
	else if (paysafe_money_compare(sum->sum, state->minimum) < 0)
		paysafe_existing_fault(report, "Account", paysafe_refusal_value(name),
							   psprintf("its entries sum to %s, below the minimum",
										paysafe_money_words(&state->columns.amount, sum->sum, currency)));
}

static void
check_existing_end(const Rule *rule, ExistingReport *report)
{
	Existing   *existing = existing_of(report);
	HASHCTL		ctl = {.keysize = sizeof(ExistingKey), .entrysize = sizeof(ExistingKey), .hcxt = report->context};
	HTAB	   *reversed = hash_create("paysafe reversed", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContext context = AllocSetContextCreate(report->context, "paysafe reversal",
												  ALLOCSET_DEFAULT_SIZES);
	ReversalChain *chain = chain_existing(existing->reversals, report->context);
	HASH_SEQ_STATUS status;
	ExistingSum *sum;
	ExistingReversal *reversal;

	hash_seq_init(&status, existing->sums);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		report_existing_sum(rule->compiled, sum, report);
	}
	hash_seq_init(&status, existing->reversals);
	while ((reversal = hash_seq_search(&status)) != NULL)
	{
		ExistingKey key = existing_key(reversal->reverses_text, "");
		MemoryContext old = MemoryContextSwitchTo(context);
		const char *fault;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		(void) hash_search(reversed, &key, HASH_ENTER, &found);
		fault = found ? "It is reversed more than once." :
			paysafe_ledger_reversals_fault(rule->compiled, &reversal->transaction,
										  &reversal->reverses, reversal->reverses_text);
		if (fault == NULL && paysafe_ledger_reversals_are_circular(chain, InvalidOid, reversal->transaction_text))
			fault = "It is itself reversed by what it reverses.";
		if (fault != NULL)
			paysafe_existing_fault(report, found ? "Transaction" : "Reversal",
								  found ? reversal->reverses_text : reversal->transaction_text,
								  pnstrdup(fault, strlen(fault) - 1));
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	hash_destroy(reversed);
}

/* Each entry is judged by itself, and by its own row. */
static bool
in_parts(const Rule *rule)
{
	const LedgerState *state = rule->compiled;

	return state->columns.transaction.key.n == 0 && state->minimum == NULL && state->columns.currency_of == NULL;
}

static void
pre_commit(bool prepare)
{
	paysafe_ledger_sums_pre_commit();
	paysafe_ledger_reversals_pre_commit();
}

static void
end_transaction(bool aborted)
{
	paysafe_ledger_sums_end_transaction();
	paysafe_ledger_reversals_end_transaction();
	paysafe_ledger_posted_forget(true);
	paysafe_ledger_minimum_end_transaction();
}

static void
end_subtransaction(bool committed, int level)
{
	paysafe_ledger_minimum_end_subtransaction(committed, level);
	if (!committed)
		paysafe_ledger_posted_forget(false);
	paysafe_ledger_sums_end_subtransaction(committed, level);
	paysafe_ledger_reversals_end_subtransaction(committed, level);
}

const RuleKind paysafe_ledger_kind = {
	.name = "ledger",
	/* columns define each other: no change is only tighter */
	.fields = (const SpecField[])
	{
		{"transaction_column", SPEC_COLUMN, .searched = true},
		{"account_column", SPEC_COLUMN},
		{"credit_account_column", SPEC_COLUMN},
		{"amount_column", SPEC_COLUMN},
		CURRENCY_FIELDS,
		{"direction_column", SPEC_COLUMN},
		{"reverses_column", SPEC_COLUMN, .searched = true},
		{"posting_date_column", SPEC_COLUMN},
		{"credit_column", SPEC_COLUMN},
		{"debits", SPEC_STATUSES},
		{"credits", SPEC_STATUSES},
		{"decimals", SPEC_TEXT},
		{.key = "zero_amounts", .type = SPEC_FLAG, .loosens = SPEC_ADD,
			.set_words = "lets entries have no amount",
		.unset_words = "makes entries have an amount"},
		{"mutable_columns", SPEC_COLUMNS, .loosens = SPEC_ADD, .unseen = true, .unjudged = true},
		{.key = "open", .type = SPEC_FLAG, .loosens = SPEC_ADD,
			.set_words = "lets posted transactions take more entries",
		.unset_words = "closes posted transactions"},
		{"minimum", SPEC_TEXT},
		ROW_FILTER_FIELDS,
		{NULL}
	},
	.all_columns = true,
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.check_existing_end = check_existing_end,
	.in_parts = in_parts,
	.refuse_truncate = refuse_truncate,
	.forget_rows = paysafe_ledger_sums_forget,
	.describe = paysafe_ledger_describe
};

const RuleModule paysafe_ledger_module = {
	.pre_commit = pre_commit,
	.end_transaction = end_transaction,
	.end_subtransaction = end_subtransaction
};
