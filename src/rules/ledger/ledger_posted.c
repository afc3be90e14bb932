/*-------------------------------------------------------------------------
 *
 * ledger_posted.c
 *	  Whether an id is posted or reversed already, exactly under concurrency.
 *
 * The row is in the table when it is checked.  Two database transactions that
 * add rows of one id must not both pass, and two that reverse it neither: see
 * base/id_claim.c.
 *
 * What was found free stays free until the end: the row that was checked keeps
 * others away.  The ids found last are remembered, or a transaction of a million
 * entries that balances after every second one would look a million rows up half
 * a million times.  A rollback to a savepoint, which releases locks, forgets them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/id_claim.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/ledger/ledger_posted.h"
#include "rules/ledger/ledger_rows.h"

#define NFREE			256		/* remembered ids; a power of two */

/* What is looked for. */
typedef enum IdUse
{
	POSTED = 't',
	REVERSED = 'r'
} IdUse;

typedef struct FreeId
{
	Oid			root;
	char	   *id;				/* NULL: none */
} FreeId;

static int	nfree = 0;			/* how often an id was found free */
static FreeId *free_ids = NULL; /* to post; TopTransactionContext */

void
paysafe_ledger_posted_forget(bool end_of_transaction)
{
	/* memory goes with TopTransactionContext */
	free_ids = NULL;
	nfree = 0;
	if (end_of_transaction)
		paysafe_id_claim_forget();
}

static bool
is_known_free(Oid root, const char *id, uint64 hash)
{
	FreeId	   *slot = free_ids ? &free_ids[hash & (NFREE - 1)] : NULL;

	return slot != NULL && slot->id != NULL && slot->root == root && strcmp(slot->id, id) == 0;
}

static void
remember_free(Oid root, const char *id, uint64 hash)
{
	FreeId	   *slot;

	/* most transactions post one id, and balance once */
	if (nfree++ == 0)
		return;
	if (free_ids == NULL)
		free_ids = MemoryContextAllocZero(TopTransactionContext, NFREE * sizeof(FreeId));
	slot = &free_ids[hash & (NFREE - 1)];
	if (slot->id != NULL)
		pfree(slot->id);
	slot->root = root;
	slot->id = MemoryContextStrdup(TopTransactionContext, id);
}

/*
 * Looking
 */

typedef struct Search
{
	const LedgerState *state;
	IdUse		use;
	const char *transaction;	/* the one that is being posted */
	bool		observed;		/* waits for nobody, and locks nothing */
	bool		locked;			/* the id, not just the mark */
	Snapshot	snapshot;		/* dirty: says who is at a row */
	TransactionId wait_for;
	bool		replaced;		/* POSTED: a row of ours may have been there before */
	bool		found;
	char	   *by;				/* REVERSED: the other reversal */
} Search;

/*
 * Has this transaction written the row?  Where columns of entries may change, or rows
 * become entries, it need not have added it: *replaced is set if it may be an update.
 */
static bool
is_ours(const LedgerState *state, Relation leaf, TupleTableSlot *row, bool *replaced)
{
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);
	bool		ours = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));

	/* what has come from another partition looks like a row that was added */
	if (ours && (state->columns.updated || state->columns.rows.n > 0) &&
		((tuple->t_data->t_infomask & HEAP_UPDATED) != 0 || leaf->rd_rel->relispartition))
		*replaced = true;
	if (should_free)
		heap_freetuple(tuple);
	return ours;
}

static bool
is_entry(const LedgerState *state, Relation leaf, TupleTableSlot *row)
{
	return state->columns.rows.n == 0 ||
		paysafe_row_filter_has(&paysafe_ledger_rows_state(leaf)->columns.rows, row, NULL);
}

/* An entry that others have posted, and this transaction has replaced by a newer version. */
static bool
visit_replaced(Relation leaf, TupleTableSlot *row, void *arg)
{
	Search	   *search = arg;
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);
	HeapTupleHeader header = tuple->t_data;
	TransactionId xmin = HeapTupleHeaderGetXmin(header);

	if ((header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)) &&
		!TransactionIdIsCurrentTransactionId(xmin) && is_entry(search->state, leaf, row))
		search->found = true;
	if (should_free)
		heap_freetuple(tuple);
	return !search->found;
}

static bool
visit(Relation leaf, TupleTableSlot *row, void *arg)
{
	Search	   *search = arg;
	TransactionId inserter = search->snapshot->xmin;	/* if in progress, not ours */
	char	   *by = NULL;

	if (!is_entry(search->state, leaf, row))
		return true;
	if (search->use == POSTED)
	{
		if (!TransactionIdIsValid(inserter) && is_ours(search->state, leaf, row, &search->replaced))
			return true;
	}
	else
	{
		Entry entry;
		EntryFault fault;

		/* the other entries of this reversal are no second one */
		if (!paysafe_entry_read(&paysafe_ledger_rows_state(leaf)->columns, row, &entry, &fault) ||
			strcmp(entry.transaction_text, search->transaction) == 0)
			return true;
		by = entry.transaction_text;
	}

	if (!TransactionIdIsValid(inserter))
	{
		search->found = true;
		search->by = by;
		return false;
	}
	if (!search->observed &&
		paysafe_id_claim_must_wait(search->state->root, search->locked, inserter))
	{
		search->wait_for = inserter;
		return false;
	}
	return true;
}

/* Look for rows of somebody else's with this key, waiting for those who may be adding them. */
static void
look(Search *search, uint64 hash, const KeyColumns *columns, TupleTableSlot *row)
{
	SnapshotData dirty;
	KeyValues	values;

	(void) paysafe_key_columns_read(columns, row, &values, NULL);
	if (!search->observed)
		search->locked = paysafe_id_claim_lock(search->state->root, hash);
	InitDirtySnapshot(dirty);
	search->snapshot = &dirty;
	for (;;)
	{
		search->wait_for = InvalidTransactionId;
		paysafe_ledger_rows_scan(search->state, columns, &values, &dirty, visit, search);
		if (!TransactionIdIsValid(search->wait_for))
			break;
		XactLockTableWait(search->wait_for, NULL, NULL, XLTW_None);
	}
	if (search->replaced && !search->found)
		paysafe_ledger_rows_scan(search->state, columns, &values, SnapshotAny, visit_replaced, search);
}

static uint64
hash_id(const char *id, IdUse use)
{
	return hash_bytes_extended((const unsigned char *) id, strlen(id), use);
}

void
paysafe_ledger_posted_check(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Search		search = {.state = state, .use = POSTED, .observed = rule->observed};
	uint64		hash = hash_id(entry->transaction_text, POSTED);

	if (is_known_free(state->root, entry->transaction_text, hash))
		return;
	look(&search, hash, &state->columns.transaction, entry->row);
	if (search.found)
		paysafe_rule_refuse(rule, ERRCODE_23L04_POSTED, linitial(state->columns.transaction_names),
						  psprintf("transaction \"%s\" in table \"%s\" has been posted",
								   entry->transaction_text, rule->table_name),
						  "A posted transaction takes no more entries.",
						  "Post a transaction of its own, with another id.");
	remember_free(state->root, entry->transaction_text, hash);
}

void
paysafe_ledger_posted_check_reversed(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Search		search = {
		.state = state, .use = REVERSED, .transaction = entry->transaction_text,
		.observed = rule->observed
	};

	look(&search, hash_id(entry->reverses_text, REVERSED), &state->columns.reverses,
		 entry->row);
	if (search.found)
		paysafe_rule_refuse(rule, ERRCODE_23L05_REVERSAL, state->columns.reverses_name,
						  psprintf("transaction \"%s\" in table \"%s\" has been reversed",
								   entry->reverses_text, rule->table_name),
						  psprintf("By transaction \"%s\".", search.by),
						  "A transaction is reversed once. Reverse the reversal, or post what is right.");
}
