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
	bool		found;
	char	   *by;				/* REVERSED: the other reversal */
} Search;

static bool
is_ours(TupleTableSlot *row)
{
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	if (should_free)
		heap_freetuple(tuple);
	return TransactionIdIsCurrentTransactionId(xmin);
}

static bool
visit(Relation leaf, TupleTableSlot *row, void *arg)
{
	Search	   *search = arg;
	TransactionId inserter = search->snapshot->xmin;	/* if in progress, not ours */
	char	   *by = NULL;

	if (search->use == POSTED)
	{
		if (!TransactionIdIsValid(inserter) && is_ours(row))
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
look(Search *search, uint64 hash, List *names, const KeyColumns *columns, TupleTableSlot *row)
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
		paysafe_ledger_rows_scan(search->state, names, &values, &dirty, visit, search);
		if (!TransactionIdIsValid(search->wait_for))
			break;
		XactLockTableWait(search->wait_for, NULL, NULL, XLTW_None);
	}
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
	look(&search, hash, state->columns.transaction_names, &state->columns.transaction, entry->row);
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

	look(&search, hash_id(entry->reverses_text, REVERSED), state->columns.reverses_names,
		 &state->columns.reverses, entry->row);
	if (search.found)
		paysafe_rule_refuse(rule, ERRCODE_23L05_REVERSAL, state->columns.reverses_name,
						  psprintf("transaction \"%s\" in table \"%s\" has been reversed",
								   entry->reverses_text, rule->table_name),
						  psprintf("By transaction \"%s\".", search.by),
						  "A transaction is reversed once. Reverse the reversal, or post what is right.");
}
