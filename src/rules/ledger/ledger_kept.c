/*-------------------------------------------------------------------------
 *
 * ledger_kept.c
 *	  What the entries of an account sum to, from one transaction to the next.
 *
 * As with refunds (rules/refund/refund_kept.c), an account of many entries has rows of
 * paysafe.entry_total, of which the newest counts, under a stamp (engine/kept.h).  Who takes
 * from the account holds its lock, and writes the sum with what is taken.  Who only gives holds
 * none, and notes how much.  Rows are numbered when they are written, a sum after its entries
 * were read: what a note after it gives was not committed then, and is not in it.  A gift
 * that was under way has perhaps a smaller number, and its note is passed over.  So a sum is
 * at most the exact one; what does not fit is added up before it is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "rules/ledger/ledger_kept.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"

/* Columns of paysafe.entry_total. */
enum
{
	TOTAL_RELATION = KEPT_RELATION, TOTAL_ACCOUNT = KEPT_PAYMENT, TOTAL_CURRENCY, TOTAL_ID, TOTAL_STAMP, TOTAL_AMOUNT,
	TOTAL_MORE,
	TOTAL_NCOLUMNS
};

uint64
paysafe_ledger_kept_stamp(const LedgerState *state, const CompileInput *input)
{
	const EntryColumns *columns = &state->columns;
	KeptStamp	stamp = {0};

	if (state->minimum == NULL || input->source->observed)
		return 0;
	paysafe_kept_add_key(&stamp, input->leaf, &columns->account);
	if (columns->credited.key.n > 0)
		paysafe_kept_add_key(&stamp, input->leaf, &columns->credited);
	paysafe_kept_add_column(&stamp, input->leaf, columns->amount.attnum);
	paysafe_kept_add_column(&stamp, input->leaf, columns->credit.attnum);
	paysafe_kept_add_column(&stamp, input->leaf, columns->currency.attnum);
	paysafe_kept_add_column(&stamp, input->leaf, columns->direction.attnum);
	paysafe_kept_add_statuses(&stamp, input->leaf, &columns->debits);
	paysafe_kept_add_statuses(&stamp, input->leaf, &columns->credits);
	paysafe_kept_add_filter(&stamp, input->leaf, &columns->rows);
	return paysafe_kept_stamp(&stamp, input);
}

static uint64
stamp_of_leaf(Relation leaf, Oid root, const char *rule)
{
	const LedgerState *state = paysafe_ledger_rows_state(leaf);

	return state != NULL && state->root == root ? state->kept_stamp : 0;
}

uint64
paysafe_ledger_kept_stamp_of(const LedgerState *state)
{
	/* rows of other tables may be what says the currency */
	return paysafe_kept_stamp_with(paysafe_kept_stamp_of(state->root, NULL, stamp_of_leaf),
								   paysafe_currency_tables_of_entries(&state->columns));
}

/*
 * Rows
 */

#define WITH_NOTES		"entry_total_account"
#define WITHOUT_NOTES	"entry_total_newest"

/* The newest sum, and what was given since. */
typedef struct Newest
{
	KeptEntries kept;
	int64		top;			/* the largest number, of a sum or a note */
	uint64		stamp;
	Numeric		more;
} Newest;

static bool
read_newest(Relation rel, HeapTuple tuple, void *arg)
{
	Newest	   *newest = arg;
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	newest->top = Max(newest->top, DatumGetInt64(values[TOTAL_ID]));
	if (!nulls[TOTAL_MORE])
	{
		newest->more = paysafe_money_add(newest->more, DatumGetNumeric(values[TOTAL_MORE]));
		return true;
	}
	newest->kept.id = DatumGetInt64(values[TOTAL_ID]);
	newest->kept.own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	newest->stamp = nulls[TOTAL_STAMP] ? 0 : (uint64) DatumGetInt64(values[TOTAL_STAMP]);
	newest->kept.ended = nulls[TOTAL_AMOUNT];
	if (!nulls[TOTAL_AMOUNT])
		newest->kept.sum = paysafe_money_add(DatumGetNumeric(values[TOTAL_AMOUNT]), newest->more);
	return false;
}

static Newest
find_newest(const KeptAccount *account, const char *index)
{
	Newest		newest = {.more = paysafe_money_zero()};
	Datum		keys[3] = {
		ObjectIdGetDatum(account->root), CStringGetTextDatum(account->account), CStringGetTextDatum(account->currency)
	};

	/* where no account has many entries, there is nothing to look for */
	if (!paysafe_store_is_empty_now(PAYSAFE_ENTRY_TOTAL))
		paysafe_store_seek(PAYSAFE_ENTRY_TOTAL, index, 3, keys, InvalidStrategy,
						   (Datum) 0, true, NULL, read_newest, &newest);
	return newest;
}

void
paysafe_ledger_kept_find(const LedgerState *state, const KeptAccount *account, KeptEntries *out)
{
	Newest		newest = find_newest(account, WITH_NOTES);

	*out = newest.kept;
	if (out->id == 0)
		return;
	out->stamp = paysafe_ledger_kept_stamp_of(state);
	if (out->stamp == 0 || newest.stamp != out->stamp)
		out->sum = NULL;
}

static void
add_row(const KeptAccount *account, int64 id, uint64 stamp, Numeric sum, Numeric more)
{
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS] = {0};

	values[TOTAL_RELATION] = ObjectIdGetDatum(account->root);
	values[TOTAL_ACCOUNT] = CStringGetTextDatum(account->account);
	values[TOTAL_CURRENCY] = CStringGetTextDatum(account->currency);
	values[TOTAL_ID] = Int64GetDatum(id);
	values[TOTAL_STAMP] = Int64GetDatum((int64) stamp);
	nulls[TOTAL_STAMP] = more != NULL;
	values[TOTAL_AMOUNT] = NumericGetDatum(sum);
	nulls[TOTAL_AMOUNT] = sum == NULL;
	values[TOTAL_MORE] = NumericGetDatum(more);
	nulls[TOTAL_MORE] = more == NULL;
	paysafe_store_insert(PAYSAFE_ENTRY_TOTAL, values, nulls);
}

void
paysafe_ledger_kept_set(const KeptAccount *account, uint64 stamp, Numeric sum)
{
	int64		top = find_newest(account, WITH_NOTES).top;

	add_row(account, paysafe_kept_number(top, account->account), stamp, sum, NULL);
}

/*
 * A sum of this transaction's, which has forgotten it, may have entries in it that are yet to
 * be checked: a note would count them twice.
 */
bool
paysafe_ledger_kept_is_others(const KeptAccount *account)
{
	Newest		newest = find_newest(account, WITHOUT_NOTES);

	return newest.kept.sum != NULL && !newest.kept.own;
}

void
paysafe_ledger_kept_more(const KeptAccount *account, Numeric amount)
{
	/* one that is too small, of a sequence that was set back, is passed over: then the sum is too low */
	add_row(account, paysafe_kept_number(0, account->account), 0, NULL, amount);
}

/*
 * Adding up
 */

typedef struct Adding
{
	const char *currency;
	bool		credited;		/* what the rows take from the account that they credit */
	MemoryContext row_context;
	Numeric		sum;
	int64		n;
} Adding;

static bool
add_entry(Relation leaf, TupleTableSlot *row, void *arg)
{
	Adding	   *adding = arg;
	const EntryColumns *columns = &paysafe_ledger_rows_state(leaf)->columns;
	MemoryContext old = MemoryContextSwitchTo(adding->row_context);
	Entry		entry;
	EntryFault	fault;
	Numeric		amount = NULL;

	if (paysafe_row_filter_has(&columns->rows, row, NULL) &&
		paysafe_entry_read(columns, row, &entry, &fault) &&
		(!adding->credited || paysafe_entry_next(&entry)) &&
		strcmp(entry.currency, adding->currency) == 0)
		amount = entry.amount;
	MemoryContextSwitchTo(old);
	adding->n++;
	if (amount != NULL)
	{
		Numeric		before = adding->sum;

		adding->sum = paysafe_money_add(before, amount);
		pfree(before);
	}
	MemoryContextReset(adding->row_context);
	return true;
}

Numeric
paysafe_ledger_kept_add_up(const LedgerState *state, const KeyValues *account, const char *currency, int64 *n)
{
	Adding		adding = {.currency = currency, .sum = paysafe_money_zero()};
	Snapshot	snapshot = paysafe_scan_snapshot();

	adding.row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe account sum",
											   ALLOCSET_SMALL_SIZES);
	paysafe_ledger_rows_scan(state, &state->columns.account, account, snapshot, add_entry, &adding);
	adding.credited = true;
	if (state->columns.credited.key.n > 0)
		paysafe_ledger_rows_scan(state, &state->columns.credited, account, snapshot, add_entry, &adding);
	MemoryContextDelete(adding.row_context);
	UnregisterSnapshot(snapshot);
	*n = adding.n;
	return adding.sum;
}

/*
 * Checking
 */

/* An account of which something is kept. */
static bool
collect_account(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **accounts = arg;
	KeptAccount *last = *accounts != NIL ? llast(*accounts) : NULL;
	char	   *account = paysafe_store_text(tuple, RelationGetDescr(rel), TOTAL_ACCOUNT);
	char	   *currency = paysafe_store_text(tuple, RelationGetDescr(rel), TOTAL_CURRENCY);

	/* rows of one follow each other */
	if (last == NULL || strcmp(last->account, account) != 0 || strcmp(last->currency, currency) != 0)
	{
		last = palloc0(sizeof(KeptAccount));
		last->account = account;
		last->currency = currency;
		*accounts = lappend(*accounts, last);
	}
	return true;
}

static void
check_account(Relation leaf, const LedgerState *state, const KeptAccount *account, KeptFault fault, void *arg)
{
	KeptEntries before;
	KeptEntries after;
	KeyValues	values;
	Numeric		sum;
	int64		n;

	paysafe_ledger_kept_find(state, account, &before);
	if (before.sum == NULL)
		return;
	paysafe_key_columns_written(leaf, &state->columns.account, account->account, &values);
	sum = paysafe_ledger_kept_add_up(state, &values, account->currency, &n);
	/* who has taken meanwhile has written a sum with it */
	paysafe_ledger_kept_find(state, account, &after);
	if (before.id == after.id && paysafe_money_compare(before.sum, sum) > 0)
		fault(account->account, before.sum, sum, arg);
}

void
paysafe_ledger_kept_check(Oid root, KeptFault fault, void *arg)
{
	List	   *accounts = NIL;
	List	   *leaves = paysafe_catalog_leaves(root);
	Datum		key = ObjectIdGetDatum(root);
	const LedgerState *state;
	Relation	leaf;
	ListCell   *lc;

	paysafe_store_seek(PAYSAFE_ENTRY_TOTAL, WITH_NOTES, 1, &key, InvalidStrategy, (Datum) 0, false, NULL,
					   collect_account, &accounts);
	if (accounts == NIL || leaves == NIL)
		return;
	leaf = table_open(linitial_oid(leaves), AccessShareLock);
	state = paysafe_ledger_rows_state(leaf);
	/* what was kept by a rule that is gone, or has no minimum, does not hold */
	foreach(lc, state != NULL ? accounts : NIL)
	{
		KeptAccount *account = lfirst(lc);

		account->root = root;
		check_account(leaf, state, account, fault, arg);
	}
	table_close(leaf, NoLock);
}
