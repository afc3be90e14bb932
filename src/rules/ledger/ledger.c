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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/closed_period.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "rules/kinds.h"
#include "rules/ledger/ledger_posted.h"
#include "rules/ledger/ledger_reversals.h"
#include "rules/ledger/ledger_rows.h"
#include "rules/ledger/ledger_sums.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Raises 22023 if the column cannot be looked up by what ids are. */
static void
check_looked_up(Relation leaf, const KeyColumns *columns, const KeyColumns *ids, int i)
{
	KeyEquality equality;

	paysafe_row_key_equality(leaf, columns->key.attnums[i], ids->types[i], &equality);
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	LedgerState *state;

	if (input->as_reference)
		return NULL;
	state = palloc0(sizeof(LedgerState));
	state->root = input->source->relation;
	paysafe_entry_columns(input->leaf, spec, &state->columns);
	/* ids are looked up, and those that are reversed */
	for (int i = 0; i < state->columns.transaction.key.n; i++)
		check_looked_up(input->leaf, &state->columns.transaction, &state->columns.transaction, i);
	for (int i = 0; i < state->columns.reverses.key.n; i++)
		check_looked_up(input->leaf, &state->columns.reverses, &state->columns.transaction, i);
	paysafe_posting_date_column(input->leaf, paysafe_spec_optional_text(spec, "posting_date_column"), &state->date);
	paysafe_closed_period_find(state->root, &state->closed);
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

static void
check_row(const Rule *rule, const RowChange *change)
{
	const LedgerState *state = rule->compiled;
	Entry entry;
	EntryFault fault;
	bool		is_open;
	bool		begins_reversal;

	if (change->op != 'I')
		refuse_change(rule, change->op == 'U' ? "UPDATE" : "DELETE",
					  paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->before));
	if (!paysafe_entry_read(&state->columns, change->after, &entry, &fault))
		paysafe_rule_refuse(rule, fault.sqlstate, fault.column,
						  psprintf("a row in table \"%s\" is not a ledger entry", rule->table_name),
						  psprintf("Row \"%s\": %s.",
								   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after),
								   fault.reason),
						  "Entries have a transaction, an account, a currency and a finite amount that is not zero, at the currency's scale.");
	/* an open posting of this id was looked up when it was opened */
	is_open = paysafe_ledger_sums_is_open(state->root, entry.transaction_text);
	begins_reversal = entry.reversal && !paysafe_ledger_reversals_note(rule, &entry);
	/* an entry that is there counts, also if the rest is only observed */
	paysafe_ledger_sums_add(rule, &entry);
	check_date(rule, change);
	if (!is_open)
		paysafe_ledger_posted_check(rule, &entry);
	if (begins_reversal)
		paysafe_ledger_posted_check_reversed(rule, &entry);
}

static void
refuse_truncate(const Rule *rule)
{
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
	Existing   *existing = existing_of(report);
	MemoryContext old;

	if (!paysafe_entry_read(&((const LedgerState *) rule->compiled)->columns, row, &entry, &fault))
	{
		paysafe_existing_fault(report, "Row",
							  paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row), fault.reason);
		return;
	}
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

static void
check_existing_end(const Rule *rule, ExistingReport *report)
{
	Existing   *existing = existing_of(report);
	HASHCTL		ctl = {.keysize = sizeof(ExistingKey), .entrysize = sizeof(ExistingKey), .hcxt = report->context};
	HTAB	   *reversed = hash_create("paysafe reversed", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContext context = AllocSetContextCreate(report->context, "paysafe reversal",
												  ALLOCSET_DEFAULT_SIZES);
	const AmountColumn *amount = &((const LedgerState *) rule->compiled)->columns.amount;
	ReversalChain *chain = chain_existing(existing->reversals, report->context);
	HASH_SEQ_STATUS status;
	ExistingSum *sum;
	ExistingReversal *reversal;

	hash_seq_init(&status, existing->sums);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		char	   *transaction = pstrdup(sum->words);
		char	   *currency = strrchr(transaction, '\n');

		CHECK_FOR_INTERRUPTS();
		*currency++ = '\0';
		paysafe_existing_fault(report, "Transaction", transaction,
							  psprintf("its entries in %s sum to %s instead of zero",
									   currency, paysafe_money_spoken(amount, sum->sum, currency)));
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
}

static void
end_subtransaction(bool committed, int level)
{
	if (!committed)
		paysafe_ledger_posted_forget(false);
	paysafe_ledger_sums_end_subtransaction(committed, level);
	paysafe_ledger_reversals_end_subtransaction(committed, level);
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	char	   *direction = paysafe_spec_optional_text(spec, "direction_column");
	List	   *reverses = paysafe_spec_optional_columns(spec, "reverses_column");
	char	   *date = paysafe_spec_optional_text(spec, "posting_date_column");

	return psprintf("%s%s%s in %s sums to zero per %s; accounts in %s%s%s%s%s",
					paysafe_spec_text(spec, "amount_column"),
					direction ? " by " : "", direction ? direction : "",
					paysafe_spec_text(spec, "currency_column"),
					paysafe_key_columns_words(paysafe_spec_columns(spec, "transaction_column")),
					paysafe_key_columns_words(paysafe_spec_columns(spec, "account_column")),
					reverses ? "; reversals in " : "", reverses ? paysafe_key_columns_words(reverses) : "",
					date ? "; posting date in " : "", date ? date : "");
}

const RuleKind paysafe_ledger_kind = {
	.name = "ledger",
	/* columns define each other: no change is only tighter */
	.fields = (const SpecField[])
	{
		{"transaction_column", SPEC_COLUMN, .searched = true},
		{"account_column", SPEC_COLUMN},
		{"amount_column", SPEC_COLUMN},
		{"currency_column", SPEC_COLUMN},
		{"direction_column", SPEC_COLUMN},
		{"reverses_column", SPEC_COLUMN, .searched = true},
		{"posting_date_column", SPEC_COLUMN},
		{NULL}
	},
	.all_columns = true,
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.check_existing_end = check_existing_end,
	.refuse_truncate = refuse_truncate,
	.describe = describe
};

const RuleModule paysafe_ledger_module = {
	.pre_commit = pre_commit,
	.end_transaction = end_transaction,
	.end_subtransaction = end_subtransaction
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_ledger);

/*
 * protect_ledger(relation, transaction_column, account_column, amount_column,
 *				  currency_column, direction_column, reverses_column,
 *				  posting_date_column) returns void
 *
 * transaction_column, account_column and reverses_column: all text or all name[].
 */
Datum
paysafe_protect_ledger(PG_FUNCTION_ARGS)
{
	static const char *const keys[] = {"transaction_column", "account_column", "reverses_column"};
	static const int key_arguments[] = {1, 2, 6};
	static const char *const names[] = {
		"amount_column", "currency_column", "direction_column", "posting_date_column"
	};
	static const int name_arguments[] = {3, 4, 5, 7};
	Oid			ledger;
	List	   *columns[lengthof(keys)];
	SpecBuilder spec;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "relation")));
	ledger = PG_GETARG_OID(0);
	paysafe_declare_check_owner(ledger);
	paysafe_spec_begin(&spec);
	for (int i = 0; i < lengthof(keys); i++)
	{
		if (i < 2)
			paysafe_argument_required(fcinfo, key_arguments[i], keys[i]);
		columns[i] = paysafe_declare_columns_argument(fcinfo, key_arguments[i], keys[i], ledger);
		paysafe_spec_add_columns(&spec, keys[i], columns[i]);
	}
	for (int i = 0; i < lengthof(names); i++)
		paysafe_spec_add_text(&spec, names[i], i >= 2 && PG_ARGISNULL(name_arguments[i]) ? NULL :
							  paysafe_declare_name_argument(fcinfo, name_arguments[i], names[i]));
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(ledger, "ledger", InvalidOid, paysafe_spec_end(&spec));

	/* each posting looks its id up */
	paysafe_key_columns_warn(ledger, columns[0], "Each posting or reversal");
	if (columns[2] != NIL)
		paysafe_key_columns_warn(ledger, columns[2], "Each posting or reversal");
	PG_RETURN_VOID();
}
