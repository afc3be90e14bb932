/*-------------------------------------------------------------------------
 *
 * find.c
 *	  Finding rows of the audit log.
 *
 * The index says which blocks to look into; beside these, those that are not in it, and those
 * that it should know and does not, since somebody has deleted rows of it.
 * What it says, how far it is and the rows are all read with one snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "evidence/audit_log.h"
#include "evidence/audit_partition.h"
#include "evidence/reading/find.h"
#include "evidence/reading/index.h"
#include "evidence/reading/run_file.h"
#include "evidence/reading/run_find.h"
#include "store/partition.h"

/* A block of a file. */
typedef struct Place
{
	Oid			partition;
	Oid			filenode;
	BlockNumber block;
} Place;

typedef struct Places
{
	int64		n;
	int64		room;
	Place	   *places;
} Places;

typedef struct Finding
{
	Snapshot	snapshot;
	TimestampTz from;
	TimestampTz before;
	AuditVisitor visitor;
	void	   *arg;
	Places		places;			/* sorted */
	RunCover	cover;			/* of which it was found out */
	List	   *progress;
} Finding;

static void
add_place(const RunExtent *extent, BlockNumber block, void *arg)
{
	Places	   *places = arg;

	if (places->n == places->room)
	{
		places->room = Max(places->room * 2, 64);
		places->places = places->places ? repalloc_huge(places->places, sizeof(Place) * places->room) :
			palloc(sizeof(Place) * places->room);
	}
	places->places[places->n++] = (Place) {extent->partition, extent->filenode, block};
}

static int
compare_places(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;

	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	if (x->filenode != y->filenode)
		return x->filenode < y->filenode ? -1 : 1;
	return x->block < y->block ? -1 : x->block > y->block;
}

/* Where the blocks of a partition begin among the places. */
static int64
first_place(const Places *places, Oid partition)
{
	int64		low = 0;
	int64		high = places->n;

	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (places->places[middle].partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A partition whose blocks are looked into. */
typedef struct Look
{
	const Finding *finding;
	Relation	partition;
	TupleTableSlot *slot;
	TableScanDesc scan;			/* NULL: not begun */
} Look;

/* Look into blocks, the last one included. */
static void
look_into(Look *look, BlockNumber first, BlockNumber last)
{
	const Finding *finding = look->finding;
	ItemPointerData low;
	ItemPointerData high;

	ItemPointerSet(&low, first, FirstOffsetNumber);
	ItemPointerSet(&high, last, MaxOffsetNumber);
	if (look->scan == NULL)
	{
		look->slot = table_slot_create(look->partition, NULL);
		look->scan = table_beginscan_tidrange(look->partition, finding->snapshot, &low, &high);
	}
	else
		table_rescan_tidrange(look->scan, &low, &high);
	while (table_scan_getnextslot_tidrange(look->scan, ForwardScanDirection, look->slot))
	{
		bool		isnull;
		TimestampTz at = DatumGetTimestampTz(slot_getattr(look->slot, ROW_AT + 1, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (at >= finding->from && at < finding->before)
			finding->visitor(look->partition, look->slot, finding->arg);
	}
}

static void
look_into_partition(const Finding *finding, Oid relid)
{
	Look		look = {.finding = finding, .partition = table_open(relid, AccessShareLock)};
	Oid			filenode = look.partition->rd_rel->relfilenode;
	BlockNumber nblocks = RelationGetNumberOfBlocks(look.partition);
	BlockNumber end = nblocks > 0 ? paysafe_audit_index_end(finding->progress, look.partition) : 0;
	const Places *places = &finding->places;
	BlockNumber done = 0;		/* blocks before this one have been looked into, or need not be */

	int64		i = first_place(places, relid);

	for (int k = 0; k < finding->cover.n; k++)
	{
		const RunExtent *extent = &finding->cover.extents[k];
		BlockNumber until = Min(extent->first + extent->nblocks, end);

		if (extent->partition != relid || extent->filenode != filenode || extent->first >= end)
			continue;
		/* what is not in the index, or not any more, is looked into anyhow */
		if (extent->first > done)
			look_into(&look, done, extent->first - 1);
		done = Max(done, extent->first);
		for (; i < places->n && places->places[i].partition == relid; i++)
		{
			BlockNumber block = places->places[i].block;

			if (places->places[i].filenode != filenode || block < done)
				continue;
			if (block >= until)
				break;
			look_into(&look, block, block);
			done = block + 1;
		}
		done = Max(done, until);
	}
	if (done < nblocks)
		look_into(&look, done, nblocks - 1);
	if (look.scan != NULL)
	{
		table_endscan(look.scan);
		ExecDropSingleTupleTableSlot(look.slot);
	}
	/* locked until commit, as tables that a query reads */
	table_close(look.partition, NoLock);
}

/* Has the last block of the extent got no rows since, as far as is known? */
static bool
ends_as_known(const List *progress, const RunExtent *extent)
{
	ListCell   *lc;

	foreach(lc, progress)
	{
		const IndexProgress *known = lfirst(lc);

		if (known->partition == extent->partition && known->filenode == extent->filenode)
			return known->indexed == extent->first + extent->nblocks && known->end_lsn == extent->end_lsn;
	}
	return false;
}

/*
 * The last block of an extent may have got rows after it was taken in, which a later run has: one
 * that may be missing.  So it is looked into, unless it is in the middle of another extent, or
 * where the index ends, and as the index knows it.
 */
static void
settle_cover(RunCover *cover, const List *progress)
{
	int			n = 0;

	for (int i = 0; i < cover->n; i++)
	{
		RunExtent	extent = cover->extents[i];

		if (!ends_as_known(progress, &extent))
			extent.nblocks--;
		if (extent.nblocks > 0)
			cover->extents[n++] = extent;
	}
	cover->n = n;
	paysafe_run_cover_join(cover);
}

void
paysafe_audit_find(Snapshot snapshot, const AuditTerm *terms, int nterms,
				   TimestampTz from, TimestampTz before, AuditVisitor visitor, void *arg)
{
	Finding		finding = {
		.snapshot = snapshot, .from = from, .before = before, .visitor = visitor, .arg = arg
	};
	ListCell   *lc;

	finding.progress = paysafe_audit_index_progress(snapshot);
	finding.cover = paysafe_run_find(snapshot, terms, nterms, add_place, &finding.places);
	settle_cover(&finding.cover, finding.progress);
	if (finding.places.n > 0)
		qsort(finding.places.places, finding.places.n, sizeof(Place), compare_places);
	foreach(lc, paysafe_audit_partition_list())
	{
		const OwnPartition *partition = lfirst(lc);

		if (partition->lower < before && partition->upper > from)
			look_into_partition(&finding, partition->relid);
	}
}

int64
paysafe_audit_find_unindexed(Snapshot snapshot)
{
	List	   *progress = paysafe_audit_index_progress(snapshot);
	int64		blocks = 0;
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_all())
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		BlockNumber nblocks = RelationGetNumberOfBlocks(rel);

		if (nblocks > 0)
			blocks += nblocks - paysafe_audit_index_end(progress, rel);
		table_close(rel, NoLock);
	}
	return blocks;
}

/* SQL-callable functions */

/* Is the file still the partition's? */
static bool
is_current(const IndexProgress *progress)
{
	HeapTuple	class = SearchSysCache1(RELOID, ObjectIdGetDatum(progress->partition));
	bool		current = HeapTupleIsValid(class) &&
		((Form_pg_class) GETSTRUCT(class))->relfilenode == progress->filenode;

	if (HeapTupleIsValid(class))
		ReleaseSysCache(class);
	return current;
}

PG_FUNCTION_INFO_V1(paysafe_audit_index_trouble);

/*
 * audit_index_trouble() returns text: what the index of the log does not know any more; NULL if
 * it knows all
 */
Datum
paysafe_audit_index_trouble(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	RunCover	cover = paysafe_run_cover(snapshot);
	int64		orphans = paysafe_run_file_orphans(snapshot, false);
	int64		blocks = 0;
	ListCell   *lc;

	foreach(lc, paysafe_audit_index_progress(snapshot))
	{
		const IndexProgress *progress = lfirst(lc);
		BlockNumber block = 0;

		if (!is_current(progress))
			continue;
		while ((block = paysafe_run_cover_end(&cover, progress->partition, progress->filenode, block)) < progress->indexed)
		{
			blocks++;
			block++;
		}
	}
	if (blocks == 0 && orphans == 0)
		PG_RETURN_NULL();
	if (blocks == 0)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf(INT64_FORMAT " rows of paysafe.index_chunk belong to no row of paysafe.index_run, which "
												  "somebody has deleted, or has added them; SELECT paysafe.index_audit() removes them", orphans)));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(INT64_FORMAT " blocks of the audit log were in its index and are not any more: "
											  "rows of paysafe.index_run or paysafe.index_chunk were deleted or changed; "
											  "history looks into these blocks one by one, until SELECT paysafe.index_audit()", blocks)));
}
