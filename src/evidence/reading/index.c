/*-------------------------------------------------------------------------
 *
 * index.c
 *	  The index of the audit log, which its writers need not wait for.
 *
 * Writers add a row to the end of a partition and nothing else.  Later, in the
 * background, blocks that get no more rows are taken into the index.  Which those are
 * follows from how rows are written (audit_log.c): into the block that is the last one
 * when the row is written, or into a new one, by a transaction that has its number by
 * then.  So if a partition had N blocks when X was the next transaction, and all
 * transactions before X have ended, then the blocks before the last of the N get no
 * more rows.  N and X are noted by one step for the next one.  The last one may, and
 * then its LSN is another: the index knows the one that it had, and is not believed
 * about that block if it differs.
 *
 * Readers look into the blocks that are not in the index yet, one by one.
 *
 * All of this is about places in a file.  It is not dumped; a file that is written
 * anew, by VACUUM FULL for instance, is another one (filenode), and taken up anew.
 * Where rows of the log come by logical replication, as PostgreSQL writes them and not
 * as above, a partition is not indexed at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "evidence/audit_log.h"
#include "evidence/audit_partition.h"
#include "evidence/reading/index.h"
#include "evidence/reading/run.h"
#include "evidence/reading/run_file.h"
#include "evidence/reading/run_find.h"
#include "evidence/reading/shapes.h"
#include "evidence/reading/term.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/partition.h"

#define STEP_ENTRIES	(1 << 20)	/* of one run at most: 8 MB */
/* So many blocks are worth a run; whoever reads looks into fewer one by one. */
#define WORTH_BLOCKS	8

/* Columns of paysafe.index_progress. */
enum
{
	PROGRESS_PARTITION, PROGRESS_FILENODE, PROGRESS_INDEXED, PROGRESS_END_LSN, PROGRESS_SEEN,
	PROGRESS_SEEN_XID,
	PROGRESS_NCOLUMNS
};

static bool
collect_progress(Relation rel, TupleTableSlot *slot, void *arg)
{
	List	  **list = arg;
	IndexProgress *progress = palloc(sizeof(IndexProgress));

	slot_getallattrs(slot);
	progress->partition = DatumGetObjectId(slot->tts_values[PROGRESS_PARTITION]);
	progress->filenode = DatumGetObjectId(slot->tts_values[PROGRESS_FILENODE]);
	progress->indexed = (BlockNumber) DatumGetInt64(slot->tts_values[PROGRESS_INDEXED]);
	progress->end_lsn = DatumGetLSN(slot->tts_values[PROGRESS_END_LSN]);
	progress->seen = (BlockNumber) DatumGetInt64(slot->tts_values[PROGRESS_SEEN]);
	progress->seen_xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[PROGRESS_SEEN_XID]));
	progress->tid = slot->tts_tid;
	*list = lappend(*list, progress);
	return true;
}

List *
paysafe_audit_index_progress(Snapshot snapshot)
{
	Relation	rel = paysafe_store_open(PAYSAFE_INDEX_PROGRESS);
	List	   *list = NIL;

	paysafe_scan(rel, NULL, 0, NULL, snapshot, collect_progress, &list);
	paysafe_store_close(rel);
	return list;
}

/* What is known of the partition's file, or NULL. */
static IndexProgress *
progress_of(const List *list, Relation partition)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		IndexProgress *progress = lfirst(lc);

		if (progress->partition == RelationGetRelid(partition) &&
			progress->filenode == partition->rd_rel->relfilenode)
			return progress;
	}
	return NULL;
}

static XLogRecPtr
block_lsn(Relation partition, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(partition, block);
	XLogRecPtr	lsn;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	lsn = BufferGetLSNAtomic(buffer);
	UnlockReleaseBuffer(buffer);
	return lsn;
}

BlockNumber
paysafe_audit_index_end(const List *list, Relation partition)
{
	const IndexProgress *progress = progress_of(list, partition);

	if (progress == NULL || progress->indexed == 0 ||
		progress->indexed > RelationGetNumberOfBlocks(partition))
		return 0;
	return block_lsn(partition, progress->indexed - 1) == progress->end_lsn ?
		progress->indexed : progress->indexed - 1;
}

/*
 * A step
 */
typedef struct Indexing
{
	Snapshot	snapshot;
	uint64		xmin;			/* all transactions before this one have ended */
	AuditShapes *shapes;
	MemoryContext context_of_step;
	MemoryContext row_context;
	/* the context of the row before: most rows have the same */
	StringInfoData context;
	int			encoding;
	int			ncontext_terms;
	AuditTerm	context_terms[AUDIT_CONTEXT_TERMS];
	uint32		context_place;	/* where those were added last */
	/* the run to be */
	RunExtent	extents[256];
	int			nextents;
	uint32		nplaces;
	uint32		kinds;			/* of its terms, as bits */
	RunEntry   *entries;
	int64		nentries;
	int64		room;
	int64		rows;
} Indexing;

/* A partition, and how much of it there was when the step began. */
typedef struct Candidate
{
	Oid			partition;
	BlockNumber nblocks;
} Candidate;

static uint64
oldest_running(Snapshot snapshot)
{
	FullTransactionId next = ReadNextFullTransactionId();

	return U64FromFullTransactionId(next) -
		(uint32) (XidFromFullTransactionId(next) - snapshot->xmin);
}

static void
add_entry(Indexing *indexing, AuditTerm term, uint32 place)
{
	if (indexing->nentries == indexing->room)
	{
		indexing->room = Max(indexing->room * 2, 4096);
		indexing->entries = indexing->entries ?
			repalloc_huge(indexing->entries, sizeof(RunEntry) * indexing->room) :
			MemoryContextAlloc(indexing->context_of_step, sizeof(RunEntry) * indexing->room);
	}
	indexing->entries[indexing->nentries++] = run_entry(term.hash, place);
	indexing->kinds |= (uint32) 1 << term.kind;
}

/* Whether the row is there for good; false, and *wait: its transaction may still be running. */
static bool
is_committed(const Indexing *indexing, HeapTupleHeader row, bool *wait)
{
	TransactionId xmin = HeapTupleHeaderGetRawXmin(row);

	if (HeapTupleHeaderXminCommitted(row))
		return true;
	if (HeapTupleHeaderXminInvalid(row))
		return false;
	*wait = TransactionIdFollowsOrEquals(xmin, indexing->snapshot->xmin);
	return !*wait && TransactionIdDidCommit(xmin);
}

/* Was the row deleted, so that nobody finds it any more who sees what is indexed now? */
static bool
is_deleted(const Indexing *indexing, HeapTupleHeader row)
{
	TransactionId xmax = HeapTupleHeaderGetRawXmax(row);

	return (row->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask) && TransactionIdIsNormal(xmax) &&
		!XidInMVCCSnapshot(xmax, indexing->snapshot) && TransactionIdDidCommit(xmax);
}

/* Who and why: once for each block that says the same of several rows. */
static void
index_context(Indexing *indexing, const bytea *context, int encoding, uint32 place)
{
	int			len = VARSIZE_ANY_EXHDR(context);

	if (encoding != indexing->encoding || len != indexing->context.len ||
		memcmp(VARDATA_ANY(context), indexing->context.data, len) != 0)
	{
		resetStringInfo(&indexing->context);
		appendBinaryStringInfo(&indexing->context, VARDATA_ANY(context), len);
		indexing->encoding = encoding;
		indexing->ncontext_terms = paysafe_audit_terms_of_context(context, encoding, indexing->context_terms);
	}
	else if (place == indexing->context_place)
		return;
	indexing->context_place = place;
	for (int i = 0; i < indexing->ncontext_terms; i++)
		add_entry(indexing, indexing->context_terms[i], place);
}

static void
index_row(Indexing *indexing, TupleDesc desc, HeapTuple tuple, uint32 place)
{
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];
	AuditTerm	term;

	heap_deform_tuple(tuple, desc, values, nulls);
	if (paysafe_audit_term_of_row(indexing->shapes, values, nulls, &term))
		add_entry(indexing, term, place);
	if (paysafe_audit_term_of_own(indexing->shapes, values, nulls, &term))
		add_entry(indexing, term, place);
	if (!nulls[ROW_NONCE] && !nulls[ROW_CONTEXT])
		index_context(indexing, DatumGetByteaPP(values[ROW_CONTEXT]),
					  paysafe_audit_shapes_get(indexing->shapes, DatumGetInt64(values[ROW_SHAPE]))->encoding,
					  place);
	indexing->rows++;
}

/*
 * Take one block in.  False: it has a row that is not decided yet.  *stays: it has one
 * that VACUUM cannot remove, so that the file will not end before it.
 */
static bool
index_block(Indexing *indexing, Relation partition, BlockNumber block, uint32 place,
			XLogRecPtr *lsn, bool *stays)
{
	PGAlignedBlock page;
	Buffer		buffer = ReadBuffer(partition, block);
	int64		entries = indexing->nentries;
	int64		rows = indexing->rows;
	MemoryContext old;
	bool		wait = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	*lsn = BufferGetLSNAtomic(buffer);
	memcpy(page.data, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
	*stays = false;
	if (PageIsNew((Page) page.data))
		return true;
	old = MemoryContextSwitchTo(indexing->row_context);
	for (OffsetNumber i = FirstOffsetNumber; !wait && i <= PageGetMaxOffsetNumber((Page) page.data); i++)
	{
		ItemId		item = PageGetItemId((Page) page.data, i);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem((Page) page.data, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(partition);
		ItemPointerSet(&tuple.t_self, block, i);
		if (!is_committed(indexing, tuple.t_data, &wait))
			continue;
		*stays = *stays || (tuple.t_data->t_infomask & HEAP_XMAX_INVALID) != 0;
		/* erased */
		if (is_deleted(indexing, tuple.t_data))
			continue;
		index_row(indexing, RelationGetDescr(partition), &tuple, place);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(indexing->row_context);
	if (wait)
	{
		indexing->nentries = entries;
		indexing->rows = rows;
		indexing->context_place = PG_UINT32_MAX;
	}
	return !wait;
}

/* Take in the blocks from one on, before another; *indexed: up to which it has come. */
static void
index_blocks(Indexing *indexing, Relation partition, BlockNumber from, BlockNumber to,
			 BlockNumber *indexed, XLogRecPtr *end_lsn)
{
	RunExtent  *extent = &indexing->extents[indexing->nextents];
	int64		kept_entries = indexing->nentries;
	int64		kept_rows = indexing->rows;

	*extent = (RunExtent)
	{
		.partition = RelationGetRelid(partition), .filenode = partition->rd_rel->relfilenode, .first = from
	};
	for (BlockNumber block = from; block < to && indexing->nentries < STEP_ENTRIES; block++)
	{
		XLogRecPtr	lsn;
		bool		stays;

		CHECK_FOR_INTERRUPTS();
		if (!index_block(indexing, partition, block, indexing->nplaces + (block - from), &lsn, &stays))
			break;
		if (!stays)
			continue;
		*indexed = block + 1;
		*end_lsn = lsn;
		extent->nblocks = block + 1 - from;
		extent->end_lsn = lsn;
		kept_entries = indexing->nentries;
		kept_rows = indexing->rows;
	}
	indexing->nentries = kept_entries;
	indexing->rows = kept_rows;
	indexing->context_place = PG_UINT32_MAX;
	if (extent->nblocks == 0)
		return;
	indexing->nextents++;
	indexing->nplaces += extent->nblocks;
}

static void
store_progress(const IndexProgress *progress, bool is_new)
{
	Datum		values[PROGRESS_NCOLUMNS];
	bool		nulls[PROGRESS_NCOLUMNS] = {0};
	HeapTuple	locked = NULL;

	values[PROGRESS_PARTITION] = ObjectIdGetDatum(progress->partition);
	values[PROGRESS_FILENODE] = ObjectIdGetDatum(progress->filenode);
	values[PROGRESS_INDEXED] = Int64GetDatum(progress->indexed);
	values[PROGRESS_END_LSN] = LSNGetDatum(progress->end_lsn);
	values[PROGRESS_SEEN] = Int64GetDatum(progress->seen);
	values[PROGRESS_SEEN_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(progress->seen_xid));
	if (!is_new)
	{
		ItemPointerData tid = progress->tid;

		locked = paysafe_store_lock(PAYSAFE_INDEX_PROGRESS, &tid, LockWaitBlock);
	}
	if (locked != NULL)
		paysafe_store_update(PAYSAFE_INDEX_PROGRESS, locked, values, nulls);
	else
		paysafe_store_append(PAYSAFE_INDEX_PROGRESS, values, nulls);
}

/* Take in what can be of one partition. */
static void
index_partition(Indexing *indexing, const List *known, const Candidate *candidate, uint64 next,
				bool current)
{
	Relation	partition = table_open(candidate->partition, AccessShareLock);
	IndexProgress *found = progress_of(known, partition);
	IndexProgress progress = {
		.partition = candidate->partition, .filenode = partition->rd_rel->relfilenode
	};
	BlockNumber from = paysafe_audit_index_end(known, partition);
	BlockNumber stable;
	bool		noted;			/* what was noted has been of use */
	BlockNumber indexed;
	XLogRecPtr	end_lsn;

	if (found != NULL)
		progress = *found;
	noted = indexing->xmin >= progress.seen_xid;
	stable = indexing->xmin >= next ? candidate->nblocks :
		noted ? Min(progress.seen, candidate->nblocks) : 0;
	indexed = progress.indexed;
	end_lsn = progress.end_lsn;
	/* the month that is written gets no run for a few blocks */
	if (candidate->nblocks > from + (current ? WORTH_BLOCKS : 0))
	{
		if (from < stable)
			index_blocks(indexing, partition, from, stable, &progress.indexed, &progress.end_lsn);
		if (noted && stable < candidate->nblocks)
		{
			progress.seen = candidate->nblocks;
			progress.seen_xid = next;
		}
		if (progress.indexed != indexed || progress.end_lsn != end_lsn || progress.seen_xid == next)
			store_progress(&progress, found == NULL);
	}
	table_close(partition, AccessShareLock);
}

static bool
any_row(Relation rel, HeapTuple tuple, void *arg)
{
	return true;
}

/* All partitions, each with as many blocks as it has now. */
static List *
candidates(const List *partitions)
{
	List	   *list = NIL;
	ListCell   *lc;

	foreach(lc, partitions)
	{
		Candidate  *candidate = palloc(sizeof(Candidate));
		Relation	rel = table_open(((OwnPartition *) lfirst(lc))->relid, AccessShareLock);

		candidate->partition = RelationGetRelid(rel);
		candidate->nblocks = RelationGetNumberOfBlocks(rel);
		table_close(rel, AccessShareLock);
		if (candidate->nblocks > 0)
			list = lappend(list, candidate);
	}
	return list;
}

static inline bool
is_full(const Indexing *indexing)
{
	return indexing->nentries >= STEP_ENTRIES || indexing->nextents == (int) lengthof(indexing->extents);
}

/* Is it of a file that there is no more? */
static bool
is_outdated(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;
	Datum		partition = heap_getattr(tuple, PROGRESS_PARTITION + 1, RelationGetDescr(rel), &isnull);
	Datum		filenode = heap_getattr(tuple, PROGRESS_FILENODE + 1, RelationGetDescr(rel), &isnull);
	HeapTuple	class = SearchSysCache1(RELOID, partition);
	bool		outdated = !HeapTupleIsValid(class) ||
		((Form_pg_class) GETSTRUCT(class))->relfilenode != DatumGetObjectId(filenode);

	if (HeapTupleIsValid(class))
		ReleaseSysCache(class);
	return outdated;
}

static void
begin_indexing(Indexing *indexing)
{
	*indexing = (Indexing) {0};
	indexing->context_of_step = CurrentMemoryContext;
	indexing->shapes = paysafe_audit_shapes_open(NULL);
	indexing->row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe audit row",
												  ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&indexing->context);
	indexing->encoding = -1;
	indexing->context_place = PG_UINT32_MAX;
}

/* One run of what the partitions had; returns the rows in it.  *full: there may be more. */
static int64
add_run(List *list, uint64 next, uint64 xmin, bool *full)
{
	Oid			current = paysafe_audit_partition_for(GetCurrentTimestamp());
	Indexing	indexing;
	List	   *known;
	ListCell   *lc;

	begin_indexing(&indexing);
	indexing.snapshot = paysafe_scan_snapshot();
	indexing.xmin = xmin;
	known = paysafe_audit_index_progress(indexing.snapshot);
	foreach(lc, list)
		if (!is_full(&indexing))
			index_partition(&indexing, known, lfirst(lc), next, ((Candidate *) lfirst(lc))->partition == current);
	*full = is_full(&indexing);
	UnregisterSnapshot(indexing.snapshot);
	if (indexing.nextents > 0)
		paysafe_run_add(indexing.extents, indexing.nextents, indexing.kinds, indexing.entries, indexing.nentries);
	paysafe_run_merge();
	return indexing.rows;
}

/* Where runs or chunks were deleted or changed, begin again with the first block that nobody knows of. */
static void
mend(void)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	RunCover	cover = paysafe_run_cover(snapshot);
	ListCell   *lc;

	foreach(lc, paysafe_audit_index_progress(snapshot))
	{
		IndexProgress *progress = lfirst(lc);
		BlockNumber end = paysafe_run_cover_end(&cover, progress->partition, progress->filenode, 0);

		if (end >= progress->indexed)
			continue;
		progress->indexed = end;
		progress->end_lsn = InvalidXLogRecPtr;
		store_progress(progress, false);
	}
	(void) paysafe_run_file_orphans(snapshot, true);
	UnregisterSnapshot(snapshot);
}

static int64
step(bool all)
{
	List	   *partitions = paysafe_audit_partition_list();
	List	   *list;
	Snapshot	snapshot;
	uint64		next;
	uint64		xmin;
	int64		rows = 0;
	bool		full;

	if (paysafe_audit_partition_is_replicated())
	{
		/* what there is was right until it began */
		(void) paysafe_store_expire(PAYSAFE_INDEX_PROGRESS, any_row, NULL);
		return 0;
	}
	if (all)
		mend();
	/* in this order: blocks, then the next transaction, then those that run */
	list = candidates(partitions);
	next = U64FromFullTransactionId(ReadNextFullTransactionId());
	snapshot = paysafe_scan_snapshot();
	xmin = oldest_running(snapshot);
	UnregisterSnapshot(snapshot);
	do
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe audit run",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		rows += add_run(list, next, xmin, &full);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	} while (all && full);
	return rows;
}

bool
paysafe_audit_index_lock(bool nowait)
{
	return paysafe_store_lock_value(PAYSAFE_INDEX_RUN, 0, nowait);
}

int64
paysafe_audit_index_step(bool all)
{
	MemoryContext context;
	MemoryContext old;
	int64		rows;

	/* rows that a dump brings are written as PostgreSQL writes them */
	if (!paysafe_store_is_active() || !paysafe_audit_index_lock(!all))
		return 0;
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe audit index", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	rows = step(all);
	if (all || rows > 0)
		(void) paysafe_store_expire(PAYSAFE_INDEX_PROGRESS, is_outdated, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_index_audit);

/*
 * index_audit() returns bigint: how many rows were taken into the index
 */
Datum
paysafe_index_audit(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("paysafe.index_audit()");
	PreventCommandDuringRecovery("paysafe.index_audit()");
	PG_RETURN_INT64(paysafe_audit_index_step(true));
}
