/*-------------------------------------------------------------------------
 *
 * seal_stray.c
 *	  Rows of the audit log that no leaf stands for, though all of their time are sealed.
 *
 * A row whose transaction ended before everything up to it was sealed is written by that
 * transaction, so by none that has begun since.  A row that such a one has written was
 * inserted or changed; or it is a row that paysafe itself has put in the place of
 * another, without its payload or into a new file, or one of a subtransaction that began
 * late.  The leaves tell which: what is one of them, once, is good.
 *
 * Which blocks have such rows is told by their LSN, which is that of the last change.
 * Blocks that VACUUM has found all visible need not be read for it, as long as the page of
 * the visibility map that says so has not changed either: whoever inserts and has
 * VACUUM come after it changes that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/visibilitymap.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/audit_partition.h"
#include "evidence/seal/seal_match.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_stray.h"
#include "evidence/seal/seal_transaction.h"

#define MAX_RANGES		512
#define FIRST_GAP		16		/* transaction numbers that are looked at together */

/* Transactions to be looked at: from <= xid < to. */
typedef struct Range
{
	uint64		from;
	uint64		to;
} Range;

typedef struct Look
{
	XLogRecPtr	since;
	uint64		below;
	uint64		sealed;
	TransactionId xmin;			/* transactions from it on may not be visible yet */
	bool		complete;
	int			n;
	uint64		gap;
	Range		ranges[MAX_RANGES];
} Look;

static int
compare_ranges(const void *a, const void *b)
{
	const Range *x = a;
	const Range *y = b;

	return x->from < y->from ? -1 : x->from > y->from ? 1 : 0;
}

/* Make one of those that are near each other, so that there are at most so many. */
static void
merge_ranges(Look *look, int most)
{
	qsort(look->ranges, look->n, sizeof(Range), compare_ranges);
	for (;;)
	{
		int			n = 0;

		for (int i = 0; i < look->n; i++)
			if (n > 0 && look->ranges[i].from <= look->ranges[n - 1].to + look->gap)
				look->ranges[n - 1].to = Max(look->ranges[n - 1].to, look->ranges[i].to);
			else
				look->ranges[n++] = look->ranges[i];
		look->n = n;
		if (n <= most)
			return;
		look->gap *= 4;
	}
}

static void
add_transaction(Look *look, uint64 xid)
{
	Range	   *last = look->n > 0 ? &look->ranges[look->n - 1] : NULL;

	/* rows come in about their order */
	if (last != NULL && xid >= last->from && xid <= last->to + look->gap)
	{
		last->to = Max(last->to, xid + 1);
		return;
	}
	if (look->n == MAX_RANGES)
		merge_ranges(look, MAX_RANGES / 2);
	look->ranges[look->n++] = (Range) {xid, xid + 1};
}

/* Has a transaction that is none of the row's own written this, or taken it away? */
static bool
is_foreign(const Look *look, uint64 xid, TransactionId by)
{
	return TransactionIdIsNormal(by) && TransactionIdFollowsOrEquals(by, (TransactionId) look->below) &&
		(xid < look->below || by != (TransactionId) xid);
}

static void
look_at_tuple(Look *look, TupleDesc desc, HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;
	TransactionId xmin = HeapTupleHeaderGetRawXmin(header);
	TransactionId xmax = InvalidTransactionId;
	bool		isnull;
	uint64		xid = U64FromFullTransactionId(DatumGetFullTransactionId(heap_getattr(tuple, ROW_XID + 1, desc, &isnull)));
	bool		written;
	bool		taken;

	if (xid >= look->sealed || HeapTupleHeaderXminInvalid(header))
		return;
	if ((header->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		xmax = HeapTupleHeaderGetRawXmax(header);
	written = is_foreign(look, xid, xmin);
	taken = is_foreign(look, xid, xmax);
	if (!written && !taken)
		return;
	if ((written && TransactionIdFollowsOrEquals(xmin, look->xmin)) ||
		(taken && TransactionIdFollowsOrEquals(xmax, look->xmin)))
		look->complete = false;
	add_transaction(look, xid);
}

static void
look_at_block(Look *look, Relation rel, BlockNumber block, BufferAccessStrategy strategy)
{
	Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	Page		page = BufferGetPage(buffer);
	XLogRecPtr	lsn;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	lsn = PageGetLSN(page);
	/* files that were written without the server's log have none */
	if (!PageIsNew(page) && (XLogRecPtrIsInvalid(lsn) || lsn > look->since))
		for (OffsetNumber i = FirstOffsetNumber; i <= PageGetMaxOffsetNumber(page); i++)
		{
			ItemId		item = PageGetItemId(page, i);
			HeapTupleData tuple;

			if (!ItemIdIsNormal(item))
				continue;
			tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
			tuple.t_len = ItemIdGetLength(item);
			tuple.t_tableOid = RelationGetRelid(rel);
			ItemPointerSet(&tuple.t_self, block, i);
			look_at_tuple(look, RelationGetDescr(rel), &tuple);
		}
	UnlockReleaseBuffer(buffer);
}

static void
look_at_partition(Look *look, Oid partition)
{
	Relation	rel = table_open(partition, AccessShareLock);
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	Buffer		map = InvalidBuffer;
	BlockNumber known = InvalidBlockNumber; /* page of the map, */
	bool		changed = false;	/* if it was */

	for (BlockNumber block = 0; block < nblocks; block++)
	{
		bool		visible = (visibilitymap_get_status(rel, block, &map) & VISIBILITYMAP_ALL_VISIBLE) != 0;

		CHECK_FOR_INTERRUPTS();
		if (BufferIsValid(map) && BufferGetBlockNumber(map) != known)
		{
			XLogRecPtr	lsn = BufferGetLSNAtomic(map);

			known = BufferGetBlockNumber(map);
			changed = XLogRecPtrIsInvalid(lsn) || lsn > look->since;
		}
		if (!visible || changed)
			look_at_block(look, rel, block, strategy);
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	FreeAccessStrategy(strategy);
	table_close(rel, AccessShareLock);
}

/* How many leaves of rows do the transactions have, in all incarnations? */
typedef struct Leaves
{
	uint64		to;
	int64		rows;
} Leaves;

static bool
add_rows(const SealTransaction *transaction, void *arg)
{
	Leaves	   *leaves = arg;

	if (transaction->xid >= leaves->to)
		return false;
	leaves->rows += transaction->rows;
	return true;
}

void
paysafe_seal_stray_find(uint64 from, uint64 to, Snapshot snapshot, SealStrayVisitor visitor, void *arg)
{
	SealRows   *rows = paysafe_seal_rows_find(from, to, snapshot, false);
	SealMatcher *matcher = paysafe_seal_match_begin();
	Leaves		leaves = {.to = to};
	int64		found = 0;
	SealRow		row;

	while (paysafe_seal_rows_next(rows, &row))
	{
		SealPlace	place = paysafe_seal_match_row(matcher, row.xid, row.seq, &row.computed, NULL);

		CHECK_FOR_INTERRUPTS();
		if (place == SEAL_THERE)
			found++;
		else
			visitor(arg, row.xid, row.seq, place == SEAL_TWICE ? "it is there twice: one of the two was inserted" :
					"it was inserted, or changed, after all of its transaction had been sealed: no leaf is what it says");
	}
	paysafe_seal_match_end(matcher);
	paysafe_seal_rows_end(rows);
	paysafe_seal_transaction_visit_xids(from, add_rows, &leaves);
	if (found < leaves.rows)
		visitor(arg, from, 0,
				to == from + 1 ?
				psprintf(INT64_FORMAT " of its " INT64_FORMAT " rows are not there any more as they were sealed", leaves.rows - found, leaves.rows) :
				psprintf("of the " INT64_FORMAT " rows that it and transactions up to " UINT64_FORMAT " have in the sealed log, " INT64_FORMAT " are not there any more as they were",
						 leaves.rows, to - 1, leaves.rows - found));
}

bool
paysafe_seal_stray_look(XLogRecPtr since, uint64 below, uint64 sealed, Snapshot snapshot,
						SealStrayVisitor visitor, void *arg)
{
	MemoryContext context;
	MemoryContext old;
	Look	   *look;
	ListCell   *lc;
	bool		complete;

	/* rows that a subscription brings are of another server's transactions */
	if (paysafe_audit_partition_is_replicated())
		return true;
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe stray rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	look = palloc0(sizeof(Look));
	look->since = since;
	look->below = below;
	look->sealed = sealed;
	look->xmin = snapshot->xmin;
	look->complete = true;
	look->gap = FIRST_GAP;
	foreach(lc, paysafe_audit_partition_all())
		look_at_partition(look, lfirst_oid(lc));
	merge_ranges(look, MAX_RANGES);
	for (int i = 0; i < look->n; i++)
		paysafe_seal_stray_find(look->ranges[i].from, Min(look->ranges[i].to, sealed), snapshot, visitor, arg);
	complete = look->complete;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return complete;
}

/* SQL-callable functions */

static void
put_stray(void *arg, uint64 xid, int32 seq, const char *finding)
{
	ReturnSetInfo *result = arg;
	Datum		values[3] = {
		FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)), Int32GetDatum(seq), CStringGetTextDatum(finding)
	};
	bool		nulls[3] = {0};

	/* what is missing, who reads the leaves sees by himself */
	if (seq > 0)
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_seal_strays);

/*
 * seal_strays(from_index bigint) returns setof (xid, seq, finding): rows that no leaf
 * stands for, of transactions from that of the leaf on
 */
Datum
paysafe_seal_strays(PG_FUNCTION_ARGS)
{
	SealState	state;
	SealTransaction first = {0};
	Snapshot	snapshot;

	InitMaterializedSRF(fcinfo, 0);
	paysafe_seal_state_read(&state);
	if (!state.found || !state.here)
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0) && PG_GETARG_INT64(0) > 0 &&
		!paysafe_seal_transaction_at(state.incarnation, PG_GETARG_INT64(0), &first))
		PG_RETURN_NULL();
	snapshot = paysafe_scan_snapshot();
	paysafe_seal_stray_find(first.xid, state.watermark, snapshot, put_stray, fcinfo->resultinfo);
	UnregisterSnapshot(snapshot);
	PG_RETURN_NULL();
}
