/*-------------------------------------------------------------------------
 *
 * run.c
 *	  Runs: sorted pieces of the index of the audit log.
 *
 * A run has an entry for each term and block, eight bytes, sorted (run_file.c).  Runs are never changed but by who erases rows.  When there are FANOUT of about the
 * same size they become one: so their number, and what a search costs, grows with the
 * logarithm of the log, and not with its months.  One that has blocks of a file that is
 * gone is written anew without them.
 *
 * A term that very many blocks have (an actor that does everything) makes its chunk
 * large; that is stored out of line, and nothing else is slower by it but the few
 * terms beside it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/reading/run.h"
#include "evidence/reading/run_file.h"
#include "store/own_table.h"

#define FANOUT			8
#define SMALLEST		512		/* entries of a run of the first size */
#define LARGEST			(INT64CONST(1) << 26)	/* such runs are not merged any more */
#define PART_ENTRIES	(1 << 20)	/* merged at a time: 8 MB */

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE RunEntry
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

void
paysafe_run_add(const RunExtent *extents, int nextents, uint32 kinds, RunEntry *entries, int64 n)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	Runs		runs = paysafe_run_file_read(snapshot);
	RunWriter	writer;

	UnregisterSnapshot(snapshot);
	sort_entries(entries, n);
	paysafe_run_file_begin(&writer, paysafe_run_file_next_id(&runs), n);
	for (int64 i = 0; i < n; i++)
		paysafe_run_file_put(&writer, entries[i]);
	paysafe_run_file_end(&writer, kinds, extents, nextents);
}

/*
 * Merging
 */

/* Is there no such file any more? */
static bool
is_gone(const RunExtent *extent)
{
	HeapTuple	class = SearchSysCache1(RELOID, ObjectIdGetDatum(extent->partition));
	bool		gone = !HeapTupleIsValid(class) ||
		((Form_pg_class) GETSTRUCT(class))->relfilenode != extent->filenode;

	if (HeapTupleIsValid(class))
		ReleaseSysCache(class);
	return gone;
}

/* The extents of all runs, joined where one goes on where another ends. */
static int
join_extents(Run **sources, int n, RunExtent *joined)
{
	int			nall = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < sources[i]->nextents; j++)
			if (!is_gone(&sources[i]->extents[j]))
				joined[nall++] = sources[i]->extents[j];
	return paysafe_run_file_join(joined, nall);
}

/* Where the places of a run's extents are in the new run. */
static void
set_shifts(Run *run, const Run *target)
{
	run->shifts = palloc(sizeof(int64) * Max(run->nextents, 1));
	for (int i = 0; i < run->nextents; i++)
	{
		const RunExtent *extent = &run->extents[i];

		run->shifts[i] = PG_INT64_MIN;
		for (int k = 0; k < target->nextents; k++)
		{
			const RunExtent *other = &target->extents[k];

			if (other->partition == extent->partition && other->filenode == extent->filenode &&
				extent->first >= other->first && extent->first - other->first + extent->nblocks <= other->nblocks)
				run->shifts[i] = (int64) target->bases[k] + (extent->first - other->first) - run->bases[i];
		}
	}
}

/* Entries that are merged at a time: those whose terms begin with the same bits. */
typedef struct Part
{
	uint32		number;
	int			bits;
	const Run  *source;
	int64		n;
	int64		room;
	RunEntry   *entries;
} Part;

static bool
collect_part(Relation rel, TupleTableSlot *slot, void *arg)
{
	Part	   *part = arg;
	Chunk		chunk;

	/* the run is whole (merge_whole_runs) */
	(void) paysafe_run_file_chunk(slot, &chunk);
	if (part->n + chunk.n > part->room)
	{
		part->room = Max(part->room * 2, part->n + chunk.n);
		part->entries = part->entries ? repalloc_huge(part->entries, sizeof(RunEntry) * part->room) :
			MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RunEntry) * part->room);
	}
	for (int64 i = 0; i < chunk.n; i++)
	{
		uint32		term = run_number_at(chunk.terms, i);
		uint32		place = run_number_at(chunk.places, i);
		int64		shift = part->source->shifts[paysafe_run_file_extent(part->source, place)];

		if (shift != PG_INT64_MIN && run_chunk_of(term, part->bits) == part->number)
			part->entries[part->n++] = run_entry(term, (uint32) (place + shift));
	}
	paysafe_run_file_free_chunk(slot, &chunk);
	return true;
}

static void
read_part(Chunks *chunks, Part *part, const Run *source)
{
	ScanKeyData keys[3];
	uint32		first = part->number;
	uint32		last = part->number;

	if (source->bits >= part->bits)
	{
		first = part->number << (source->bits - part->bits);
		last = first + ((uint32) 1 << (source->bits - part->bits)) - 1;
	}
	else
		first = last = part->number >> (part->bits - source->bits);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(source->id));
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum(first));
	ScanKeyInit(&keys[2], 2, BTLessEqualStrategyNumber, F_INT4LE, Int32GetDatum(last));
	part->source = source;
	paysafe_scan(chunks->rel, chunks->index, 3, keys, chunks->snapshot, collect_part, part);
}

/* One run of n. */
static void
merge_runs(Run **sources, int n, int64 id, Snapshot snapshot)
{
	Chunks		chunks = paysafe_run_file_open(snapshot);
	Run			target = {.id = id};
	int64		total = 0;
	int			nextents = 0;
	RunWriter	writer;
	Part		part = {0};

	for (int i = 0; i < n; i++)
	{
		total += sources[i]->entries;
		target.kinds |= sources[i]->kinds;
		nextents += sources[i]->nextents;
	}
	target.extents = palloc(sizeof(RunExtent) * Max(nextents, 1));
	target.nextents = join_extents(sources, n, target.extents);
	paysafe_run_file_number(&target);
	for (int i = 0; i < n; i++)
		set_shifts(sources[i], &target);
	while (total >> part.bits > PART_ENTRIES)
		part.bits++;
	paysafe_run_file_begin(&writer, id, total);
	for (part.number = 0; part.number < (uint32) 1 << part.bits; part.number++)
	{
		part.n = 0;
		for (int i = 0; i < n; i++)
			read_part(&chunks, &part, sources[i]);
		sort_entries(part.entries, part.n);
		for (int64 i = 0; i < part.n; i++)
			paysafe_run_file_put(&writer, part.entries[i]);
	}
	if (part.entries != NULL)
		pfree(part.entries);
	for (int i = 0; i < n; i++)
		paysafe_run_file_remove(sources[i], snapshot);
	paysafe_run_file_close(&chunks);
	paysafe_run_file_end(&writer, target.kinds, target.extents, target.nextents);
}

/*
 * The same, unless one of them has lost a chunk: that one goes, and what it was about is not in the
 * index any more, instead of a run that seems to know it.
 */
static void
merge_whole_runs(Run **sources, int n, int64 id, Snapshot snapshot)
{
	int			torn = 0;

	for (int i = 0; i < n; i++)
		if (!paysafe_run_file_is_whole(sources[i], snapshot))
		{
			paysafe_run_file_remove(sources[i], snapshot);
			torn++;
		}
	if (torn == 0)
		merge_runs(sources, n, id, snapshot);
	else
	{
		CommandCounterIncrement();
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%d runs of the index of the audit log had lost chunks, and were removed", torn),
				 errdetail("Somebody has deleted or changed rows of paysafe.index_chunk."),
				 errhint("SELECT paysafe.index_audit() takes what they were about into the index again.")));
	}
}

/* Remove what is of files that are gone; true: there was such a run. */
static bool
remove_gone(Runs *runs, Snapshot snapshot)
{
	bool		removed = false;

	for (int i = 0; i < runs->n && !removed; i++)
	{
		Run		   *run = &runs->runs[i];
		int			gone = 0;

		for (int j = 0; j < run->nextents; j++)
			gone += is_gone(&run->extents[j]);
		if (gone == 0)
			continue;
		if (gone == run->nextents)
			paysafe_run_file_remove(run, snapshot);
		else
			merge_whole_runs(&run, 1, paysafe_run_file_next_id(runs), snapshot);
		CommandCounterIncrement();
		removed = true;
	}
	return removed;
}

/* Merge the smallest runs of which there are FANOUT; false: there are none. */
static bool
merge_once(void)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	Runs		runs = paysafe_run_file_read(snapshot);
	bool		done = remove_gone(&runs, snapshot);

	for (int64 upper = SMALLEST; !done && upper <= LARGEST; upper *= FANOUT)
	{
		Run		  **sources = palloc(sizeof(Run *) * Max(runs.n, 1));
		int			n = 0;

		for (int i = 0; i < runs.n; i++)
			if (runs.runs[i].entries < upper && (upper == SMALLEST || runs.runs[i].entries >= upper / FANOUT))
				sources[n++] = &runs.runs[i];
		if (n >= FANOUT)
		{
			merge_whole_runs(sources, n, paysafe_run_file_next_id(&runs), snapshot);
			done = true;
		}
	}
	UnregisterSnapshot(snapshot);
	return done;
}

void
paysafe_run_merge(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe merge",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (merge_once())
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * Forgetting
 */
typedef struct RunForget
{
	const Run  *run;
	Snapshot	snapshot;
	int64		n;
	RunEntry   *entries;		/* to be forgotten; sorted */
} RunForget;

/* Where the run has the block; false: nowhere. */
static bool
place_of(const Run *run, const RunMention *mention, uint32 *place)
{
	for (int i = 0; i < run->nextents; i++)
	{
		const RunExtent *extent = &run->extents[i];

		*place = run->bases[i] + (mention->block - extent->first);
		if (extent->partition == mention->partition && extent->filenode == mention->filenode &&
			mention->block >= extent->first && mention->block - extent->first < extent->nblocks)
			return true;
	}
	return false;
}

static bool
is_forgotten(const RunForget *forget, RunEntry entry)
{
	int64		low = 0;
	int64		high = forget->n;

	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (forget->entries[middle] < entry)
			low = middle + 1;
		else
			high = middle;
	}
	return low < forget->n && forget->entries[low] == entry;
}

/* The chunk without them in place of it, if it has any. */
static bool
forget_in_chunk(Relation rel, TupleTableSlot *slot, void *arg)
{
	RunForget  *forget = arg;
	Chunk		chunk;
	RunWriter	writer;
	bool		isnull;
	int64		kept = 0;

	/* what was changed is no chunk: the run counts as torn then */
	if (!paysafe_run_file_chunk(slot, &chunk))
	{
		simple_table_tuple_delete(rel, &slot->tts_tid, forget->snapshot);
		return true;
	}
	paysafe_run_file_begin(&writer, forget->run->id, 0);
	writer.bits = forget->run->bits;
	writer.chunk = DatumGetInt32(slot_getattr(slot, CHUNK_NUMBER + 1, &isnull));
	for (int64 i = 0; i < chunk.n; i++)
	{
		RunEntry	entry = run_entry(run_number_at(chunk.terms, i), run_number_at(chunk.places, i));

		if (is_forgotten(forget, entry))
			continue;
		paysafe_run_file_put(&writer, entry);
		kept++;
	}
	if (kept < chunk.n)
	{
		simple_table_tuple_delete(rel, &slot->tts_tid, forget->snapshot);
		paysafe_run_file_write_chunk(&writer);
	}
	pfree(writer.terms.data);
	pfree(writer.places.data);
	return true;
}

static void
forget_in_run(const Run *run, const RunMention *mentions, int n, Snapshot snapshot)
{
	RunForget	forget = {.run = run, .snapshot = snapshot, .entries = palloc(sizeof(RunEntry) * n)};
	Chunks		chunks = paysafe_run_file_open(snapshot);
	ScanKeyData keys[2];
	uint32		place;

	for (int i = 0; i < n; i++)
		if ((run->kinds & ((uint32) 1 << mentions[i].term.kind)) != 0 && place_of(run, &mentions[i], &place))
			forget.entries[forget.n++] = run_entry(mentions[i].term.hash, place);
	sort_entries(forget.entries, forget.n);
	LockRelationOid(RelationGetRelid(chunks.rel), RowExclusiveLock);
	for (int64 i = 0; i < forget.n; i++)
	{
		uint32		chunk = run_chunk_of(forget.entries[i] >> 32, run->bits);

		if (i > 0 && chunk == run_chunk_of(forget.entries[i - 1] >> 32, run->bits))
			continue;
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chunk));
		paysafe_scan(chunks.rel, chunks.index, 2, keys, snapshot, forget_in_chunk, &forget);
	}
	paysafe_run_file_close(&chunks);
}

void
paysafe_run_forget(const RunMention *mentions, int n)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	Runs		runs = paysafe_run_file_read(snapshot);

	for (int i = 0; i < runs.n && n > 0; i++)
		forget_in_run(&runs.runs[i], mentions, n, snapshot);
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
}
