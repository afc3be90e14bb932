/*-------------------------------------------------------------------------
 *
 * ledger_posted.c
 *	  Whether an id is posted or reversed already, exactly under concurrency.
 *
 * The row is in the table when it is checked.  Two database transactions that
 * add rows of one id must not both pass, and two that reverse it neither:
 *
 *	- An id is locked until the database transaction ends, heavyweight, by a hash
 *	  of its text; two ids of one hash wait for each other, nothing worse.  The
 *	  second session waits and then finds the first one's rows.
 *	- The lock table has no room for a million ids.  A database transaction that
 *	  has locked MAX_ID_LOCKS of them locks no more; it takes one lock that says
 *	  so, the mark.
 *	- Everybody looks for rows that are committed or in progress.  A committed
 *	  one refuses.  Who bears the mark waits for the database transaction of one
 *	  in progress.  Who locked the id waits only if that other one bears the
 *	  mark: otherwise it has not checked its row yet, and will wait for the lock,
 *	  or bear the mark by then and find our row.
 *
 * So of two that pass, neither can have looked before the other's row was there.
 * Two that bear the mark and post the same id may deadlock: one of them would
 * have been refused anyway.
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
#include "access/subtrans.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/ledger/ledger.h"
#include "values/row_key.h"

#define MAX_ID_LOCKS	64
#define MARK			0x8000	/* in the lock tag's last field; ids have it clear */
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

static int	id_locks = 0;		/* of this database transaction, at least */
static int	nfree = 0;			/* how often an id was found free */
static FreeId *free_ids = NULL; /* to post; TopTransactionContext */

void
paysafe_ledger_forget_ids(bool end_of_transaction)
{
	/* memory goes with TopTransactionContext */
	free_ids = NULL;
	nfree = 0;
	if (end_of_transaction)
		id_locks = 0;
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
 * Locks.  No class of catalogs has a user table's OID: nothing else takes them.
 */

/* The mark of a database transaction, by its topmost id. */
static void
mark_tag(LOCKTAG *tag, Oid root, TransactionId xid)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, root, xid, MARK);
}

/* Lock the id; false: there are too many, and the mark is taken instead. */
static bool
lock_id(Oid root, uint64 hash)
{
	LOCKTAG		tag;

	if (id_locks >= MAX_ID_LOCKS)
	{
		/* again each time: a rollback to a savepoint may have released it */
		mark_tag(&tag, root, GetTopTransactionId());
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		return false;
	}
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, root, (uint32) hash, (uint16) (hash >> 32) & ~MARK);
	if (LockAcquire(&tag, ExclusiveLock, false, false) == LOCKACQUIRE_OK)
		id_locks++;
	return true;
}

/* Does the database transaction, which was in progress, bear the mark? */
static bool
is_marked(Oid root, TransactionId xid)
{
	LOCKTAG		tag;

	mark_tag(&tag, root, SubTransGetTopmostTransaction(xid));
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, ShareLock, false);

	/* it releases its locks when it ends: then it must be looked at again */
	return !TransactionIdIsInProgress(xid);
}

/*
 * Looking
 */

typedef struct Search
{
	const LedgerState *state;
	IdUse		use;
	const char *transaction;	/* the one that is being posted */
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
		if (!paysafe_entry_read(&paysafe_ledger_state(leaf)->columns, row, &entry, &fault) ||
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
	if (!search->locked || is_marked(search->state->root, inserter))
	{
		search->wait_for = inserter;
		return false;
	}
	return true;
}

/* Look for rows of somebody else's, waiting for those who may be adding them. */
static void
look(Search *search, uint64 hash, const char *column, Datum value)
{
	SnapshotData dirty;

	search->locked = lock_id(search->state->root, hash);
	InitDirtySnapshot(dirty);
	search->snapshot = &dirty;
	for (;;)
	{
		search->wait_for = InvalidTransactionId;
		paysafe_ledger_scan(search->state, column, value, &dirty, visit, search);
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
paysafe_ledger_check_posted(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Search		search = {.state = state, .use = POSTED};
	uint64		hash = hash_id(entry->transaction_text, POSTED);

	if (is_known_free(state->root, entry->transaction_text, hash))
		return;
	look(&search, hash, state->columns.transaction_name, entry->transaction);
	if (search.found)
		paysafe_rule_refuse(rule, ERRCODE_23L04_POSTED, state->columns.transaction_name,
						  psprintf("transaction \"%s\" in table \"%s\" has been posted",
								   entry->transaction_text, rule->table_name),
						  "A posted transaction takes no more entries.",
						  "Post a transaction of its own, with another id.");
	remember_free(state->root, entry->transaction_text, hash);
}

void
paysafe_ledger_check_reversed(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Search		search = {
		.state = state, .use = REVERSED, .transaction = entry->transaction_text
	};

	look(&search, hash_id(entry->reverses_text, REVERSED), state->columns.reverses_name, entry->reverses);
	if (search.found)
		paysafe_rule_refuse(rule, ERRCODE_23L05_REVERSAL, state->columns.reverses_name,
						  psprintf("transaction \"%s\" in table \"%s\" has been reversed",
								   entry->reverses_text, rule->table_name),
						  psprintf("By transaction \"%s\".", search.by),
						  "A transaction is reversed once. Reverse the reversal, or post what is right.");
}

/*
 * Comparing
 */

/* A side of a reversal: its entries as text, in an order that does not matter. */
typedef struct Side
{
	List	   *entries;		/* of char * */
	bool		negate;
	const char *reverses;		/* what each entry must reverse, or NULL */
	bool		mixed;			/* some do not */
} Side;

static bool
collect_entry(Relation leaf, TupleTableSlot *row, void *arg)
{
	Side	   *side = arg;
	Entry entry;
	EntryFault fault;
	Numeric		amount;

	if (!paysafe_entry_read(&paysafe_ledger_state(leaf)->columns, row, &entry, &fault))
		return true;			/* it was there before the rule */
	amount = entry.amount;
	if (side->negate)
		amount = paysafe_money_negate(amount);
	if (side->reverses != NULL &&
		(!entry.reversal || strcmp(entry.reverses_text, side->reverses) != 0))
		side->mixed = true;
	side->entries = lappend(side->entries,
							psprintf("%zu:%s%zu:%s%s", strlen(entry.account_text), entry.account_text,
									 strlen(entry.currency), entry.currency,
									 paysafe_money_text(paysafe_money_trim(amount))));
	return true;
}

static int
compare_entries(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

char *
paysafe_ledger_reversal_fault(const LedgerState *state, Datum transaction,
							  Datum reverses, const char *reverses_text)
{
	Side		original = {.negate = true};
	Side		mirror = {.reverses = reverses_text};
	Snapshot	snapshot = paysafe_scan_snapshot();
	ListCell   *a;
	ListCell   *b;

	paysafe_ledger_scan(state, state->columns.transaction_name, reverses, snapshot, collect_entry, &original);
	paysafe_ledger_scan(state, state->columns.transaction_name, transaction, snapshot, collect_entry, &mirror);
	UnregisterSnapshot(snapshot);
	if (original.entries == NIL)
		return psprintf("There is no transaction \"%s\".", reverses_text);
	if (mirror.mixed)
		return psprintf("Not all of its entries name \"%s\".", reverses_text);
	if (list_length(original.entries) != list_length(mirror.entries))
		return psprintf("It has %d entries, \"%s\" has %d.", list_length(mirror.entries),
						reverses_text, list_length(original.entries));
	list_sort(original.entries, compare_entries);
	list_sort(mirror.entries, compare_entries);
	forboth(a, original.entries, b, mirror.entries)
		if (strcmp(lfirst(a), lfirst(b)) != 0)
			return psprintf("Its entries are not those of \"%s\" with the opposite sign.",
							reverses_text);
	return NULL;
}
