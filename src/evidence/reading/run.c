/*-------------------------------------------------------------------------
 *
 * run.c
 *	  Runs: sorted pieces of the index of the audit log.
 *
 * A run has an entry for each term and block, eight bytes, sorted.  It is cut into
 * chunks of about CHUNK_ENTRIES by the first bits of the term, so that the chunk in
 * which a term is follows from the term, and to look it up is to read one row.
 * Runs are never changed but by who erases rows.  When there are FANOUT of about the
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
#include "store/own_table.h"

#define FANOUT			8
#define SMALLEST		512		/* entries of a run of the first size */
#define LARGEST			(INT64CONST(1) << 26)	/* such runs are not merged any more */
#define CHUNK_ENTRIES	192
#define PART_ENTRIES	(1 << 20)	/* merged at a time: 8 MB */

/* Columns of paysafe.index_run and paysafe.index_chunk. */
enum
{
	RUN_ID, RUN_ENTRIES, RUN_BITS, RUN_KINDS, RUN_EXTENTS,
	RUN_NCOLUMNS
};
enum
{
	CHUNK_RUN, CHUNK_NUMBER, CHUNK_TERMS,
	CHUNK_NCOLUMNS
};

typedef struct Run
{
	int64		id;
	int64		entries;
	int			bits;			/* of a term that say in which chunk it is */
	uint32		kinds;			/* of its terms, as bits */
	int			nextents;
	RunExtent  *extents;
	uint32	   *bases;			/* places of the extents' first blocks */
	/* while it is merged: what to add to places of each extent; -1: it is gone */
	int64	   *shifts;
	ItemPointerData tid;
} Run;

typedef struct Runs
{
	int			n;
	int			room;
	Run		   *runs;
} Runs;

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE RunEntry
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

static inline uint32
chunk_of(uint32 term, int bits)
{
	return bits == 0 ? 0 : term >> (32 - bits);
}

static void
set_bases(Run *run)
{
	uint32		base = 0;

	run->bases = palloc(sizeof(uint32) * Max(run->nextents, 1));
	for (int i = 0; i < run->nextents; i++)
	{
		run->bases[i] = base;
		base += run->extents[i].nblocks;
	}
}

/* The extent that has a place. */
static int
extent_of(const Run *run, uint32 place)
{
	int			low = 0;
	int			high = run->nextents - 1;

	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (run->bases[middle] <= place)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static bool
collect_run(Relation rel, TupleTableSlot *slot, void *arg)
{
	Runs	   *runs = arg;
	Run		   *run;
	bytea	   *extents;

	slot_getallattrs(slot);
	if (runs->n == runs->room)
	{
		runs->room = Max(runs->room * 2, 64);
		runs->runs = runs->runs ? repalloc(runs->runs, sizeof(Run) * runs->room) :
			palloc(sizeof(Run) * runs->room);
	}
	run = &runs->runs[runs->n++];
	extents = DatumGetByteaPP(slot->tts_values[RUN_EXTENTS]);
	run->id = DatumGetInt64(slot->tts_values[RUN_ID]);
	run->entries = DatumGetInt64(slot->tts_values[RUN_ENTRIES]);
	run->bits = DatumGetInt32(slot->tts_values[RUN_BITS]);
	run->kinds = (uint32) DatumGetInt32(slot->tts_values[RUN_KINDS]);
	run->nextents = VARSIZE_ANY_EXHDR(extents) / sizeof(RunExtent);
	run->extents = palloc(sizeof(RunExtent) * Max(run->nextents, 1));
	memcpy(run->extents, VARDATA_ANY(extents), sizeof(RunExtent) * run->nextents);
	run->tid = slot->tts_tid;
	set_bases(run);
	return true;
}

static Runs
read_runs(Snapshot snapshot)
{
	Relation	rel = paysafe_store_open(PAYSAFE_INDEX_RUN);
	Runs		runs = {0};

	paysafe_scan(rel, NULL, 0, NULL, snapshot, collect_run, &runs);
	paysafe_store_close(rel);
	return runs;
}

/*
 * Chunks
 */

/* The index of paysafe.index_chunk, both opened. */
typedef struct Chunks
{
	Relation	rel;
	Relation	index;
	Snapshot	snapshot;
} Chunks;

static Chunks
open_chunks(Snapshot snapshot)
{
	Chunks		chunks = {.rel = paysafe_store_open(PAYSAFE_INDEX_CHUNK), .snapshot = snapshot};
	Oid			index = paysafe_store_index_named(chunks.rel, "index_chunk_pkey");

	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" of the extension paysafe does not exist", "index_chunk_pkey")));
	chunks.index = index_open(index, AccessShareLock);
	return chunks;
}

static void
close_chunks(Chunks *chunks)
{
	index_close(chunks->index, AccessShareLock);
	paysafe_store_close(chunks->rel);
}

static bytea *
chunk_terms(TupleTableSlot *slot)
{
	bool		isnull;

	return DatumGetByteaPP(slot_getattr(slot, CHUNK_TERMS + 1, &isnull));
}

/* The i-th number in a chunk's bytes, which may stand anywhere. */
static inline uint32
number_at(const char *bytes, int64 i)
{
	uint32		number;

	memcpy(&number, bytes + i * sizeof(number), sizeof(number));
	return number;
}

/*
 * Adding a run
 */
typedef struct RunWriter
{
	int64		id;
	int			bits;
	int64		entries;
	RunEntry	last;
	uint32		chunk;
	StringInfoData terms;
	StringInfoData places;
} RunWriter;

static void
begin_run(RunWriter *writer, int64 id, int64 at_most)
{
	*writer = (RunWriter) {.id = id};
	while (writer->bits < 30 && at_most >> writer->bits > CHUNK_ENTRIES * 4 / 3)
		writer->bits++;
	initStringInfo(&writer->terms);
	initStringInfo(&writer->places);
}

static bytea *
make_bytes(const void *data, Size len, const void *more, Size more_len)
{
	bytea	   *result = palloc(VARHDRSZ + len + more_len);

	SET_VARSIZE(result, VARHDRSZ + len + more_len);
	memcpy(VARDATA(result), data, len);
	if (more_len > 0)
		memcpy(VARDATA(result) + len, more, more_len);
	return result;
}

static void
write_chunk(RunWriter *writer)
{
	Datum		values[CHUNK_NCOLUMNS];
	bool		nulls[CHUNK_NCOLUMNS] = {0};
	bytea	   *terms;

	if (writer->terms.len == 0)
		return;
	terms = make_bytes(writer->terms.data, writer->terms.len, writer->places.data, writer->places.len);
	values[CHUNK_RUN] = Int64GetDatum(writer->id);
	values[CHUNK_NUMBER] = Int32GetDatum(writer->chunk);
	values[CHUNK_TERMS] = PointerGetDatum(terms);
	paysafe_store_append(PAYSAFE_INDEX_CHUNK, values, nulls);
	pfree(terms);
	resetStringInfo(&writer->terms);
	resetStringInfo(&writer->places);
}

/* Entries come sorted; what comes twice is stored once. */
static void
put_entry(RunWriter *writer, RunEntry entry)
{
	uint32		term = entry >> 32;
	uint32		place = (uint32) entry;

	if (writer->entries > 0 && entry == writer->last)
		return;
	if (chunk_of(term, writer->bits) != writer->chunk)
		write_chunk(writer);
	writer->chunk = chunk_of(term, writer->bits);
	appendBinaryStringInfo(&writer->terms, (char *) &term, sizeof(term));
	appendBinaryStringInfo(&writer->places, (char *) &place, sizeof(place));
	writer->last = entry;
	writer->entries++;
}

static void
end_run(RunWriter *writer, uint32 kinds, const RunExtent *extents, int nextents)
{
	Datum		values[RUN_NCOLUMNS];
	bool		nulls[RUN_NCOLUMNS] = {0};

	write_chunk(writer);
	values[RUN_ID] = Int64GetDatum(writer->id);
	values[RUN_ENTRIES] = Int64GetDatum(writer->entries);
	values[RUN_BITS] = Int32GetDatum(writer->bits);
	values[RUN_KINDS] = Int32GetDatum((int32) kinds);
	values[RUN_EXTENTS] = PointerGetDatum(make_bytes(extents, sizeof(RunExtent) * nextents, NULL, 0));
	if (writer->entries > 0)
		paysafe_store_append(PAYSAFE_INDEX_RUN, values, nulls);
	/* the next step sees it, and may remove it */
	CommandCounterIncrement();
	pfree(writer->terms.data);
	pfree(writer->places.data);
}

static int64
next_id(const Runs *runs)
{
	int64		id = 1;

	for (int i = 0; i < runs->n; i++)
		id = Max(id, runs->runs[i].id + 1);
	return id;
}

void
paysafe_run_add(const RunExtent *extents, int nextents, uint32 kinds, RunEntry *entries, int64 n)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	Runs		runs = read_runs(snapshot);
	RunWriter	writer;

	UnregisterSnapshot(snapshot);
	sort_entries(entries, n);
	begin_run(&writer, next_id(&runs), n);
	for (int64 i = 0; i < n; i++)
		put_entry(&writer, entries[i]);
	end_run(&writer, kinds, extents, nextents);
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

static int
by_place(const void *a, const void *b)
{
	const RunExtent *x = a;
	const RunExtent *y = b;

	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	if (x->filenode != y->filenode)
		return x->filenode < y->filenode ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* The extents of all runs, joined where one goes on where another ends. */
static int
join_extents(Run **sources, int n, RunExtent *joined)
{
	int			nall = 0;
	int			njoined = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < sources[i]->nextents; j++)
			if (!is_gone(&sources[i]->extents[j]))
				joined[nall++] = sources[i]->extents[j];
	qsort(joined, nall, sizeof(RunExtent), by_place);
	for (int i = 0; i < nall; i++)
	{
		RunExtent	extent = joined[i];
		RunExtent  *last = njoined > 0 ? &joined[njoined - 1] : NULL;

		if (last != NULL && last->partition == extent.partition && last->filenode == extent.filenode &&
			extent.first - last->first <= last->nblocks)
			last->nblocks = Max(last->nblocks, extent.first - last->first + extent.nblocks);
		else
			joined[njoined++] = extent;
	}
	return njoined;
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
	bytea	   *bytes = chunk_terms(slot);
	const char *terms = VARDATA_ANY(bytes);
	int64		n = VARSIZE_ANY_EXHDR(bytes) / (2 * sizeof(uint32));
	const char *places = terms + n * sizeof(uint32);

	if (part->n + n > part->room)
	{
		part->room = Max(part->room * 2, part->n + n);
		part->entries = part->entries ? repalloc_huge(part->entries, sizeof(RunEntry) * part->room) :
			MemoryContextAllocHuge(CurrentMemoryContext, sizeof(RunEntry) * part->room);
	}
	for (int64 i = 0; i < n; i++)
	{
		uint32		term = number_at(terms, i);
		uint32		place = number_at(places, i);
		int64		shift = part->source->shifts[extent_of(part->source, place)];

		if (shift != PG_INT64_MIN && chunk_of(term, part->bits) == part->number)
			part->entries[part->n++] = run_entry(term, (uint32) (place + shift));
	}
	if ((Pointer) bytes != DatumGetPointer(slot->tts_values[CHUNK_TERMS]))
		pfree(bytes);
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

static bool
remove_row(Relation rel, TupleTableSlot *slot, void *arg)
{
	simple_table_tuple_delete(rel, &slot->tts_tid, arg);
	return true;
}

static void
remove_run(const Run *run, Snapshot snapshot)
{
	Chunks		chunks = open_chunks(snapshot);
	Relation	rel = table_open(paysafe_catalog_table(PAYSAFE_INDEX_RUN), RowExclusiveLock);
	ItemPointerData tid = run->tid;
	ScanKeyData key;

	LockRelationOid(RelationGetRelid(chunks.rel), RowExclusiveLock);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
	paysafe_scan(chunks.rel, chunks.index, 1, &key, snapshot, remove_row, snapshot);
	simple_table_tuple_delete(rel, &tid, snapshot);
	table_close(rel, NoLock);
	close_chunks(&chunks);
}

/* One run of n. */
static void
merge_runs(Run **sources, int n, int64 id, Snapshot snapshot)
{
	Chunks		chunks = open_chunks(snapshot);
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
	set_bases(&target);
	for (int i = 0; i < n; i++)
		set_shifts(sources[i], &target);
	while (total >> part.bits > PART_ENTRIES)
		part.bits++;
	begin_run(&writer, id, total);
	for (part.number = 0; part.number < (uint32) 1 << part.bits; part.number++)
	{
		part.n = 0;
		for (int i = 0; i < n; i++)
			read_part(&chunks, &part, sources[i]);
		sort_entries(part.entries, part.n);
		for (int64 i = 0; i < part.n; i++)
			put_entry(&writer, part.entries[i]);
	}
	if (part.entries != NULL)
		pfree(part.entries);
	for (int i = 0; i < n; i++)
		remove_run(sources[i], snapshot);
	close_chunks(&chunks);
	end_run(&writer, target.kinds, target.extents, target.nextents);
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
			remove_run(run, snapshot);
		else
			merge_runs(&run, 1, next_id(runs), snapshot);
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
	Runs		runs = read_runs(snapshot);
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
			merge_runs(sources, n, next_id(&runs), snapshot);
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
	bytea	   *bytes = chunk_terms(slot);
	const char *terms = VARDATA_ANY(bytes);
	int64		n = VARSIZE_ANY_EXHDR(bytes) / (2 * sizeof(uint32));
	const char *places = terms + n * sizeof(uint32);
	RunWriter	writer;
	bool		isnull;
	int64		kept = 0;

	begin_run(&writer, forget->run->id, 0);
	writer.bits = forget->run->bits;
	writer.chunk = DatumGetInt32(slot_getattr(slot, CHUNK_NUMBER + 1, &isnull));
	for (int64 i = 0; i < n; i++)
	{
		RunEntry	entry = run_entry(number_at(terms, i), number_at(places, i));

		if (is_forgotten(forget, entry))
			continue;
		put_entry(&writer, entry);
		kept++;
	}
	if (kept < n)
	{
		simple_table_tuple_delete(rel, &slot->tts_tid, forget->snapshot);
		write_chunk(&writer);
	}
	pfree(writer.terms.data);
	pfree(writer.places.data);
	return true;
}

static void
forget_in_run(const Run *run, const RunMention *mentions, int n, Snapshot snapshot)
{
	RunForget	forget = {.run = run, .snapshot = snapshot, .entries = palloc(sizeof(RunEntry) * n)};
	Chunks		chunks = open_chunks(snapshot);
	ScanKeyData keys[2];
	uint32		place;

	for (int i = 0; i < n; i++)
		if ((run->kinds & ((uint32) 1 << mentions[i].term.kind)) != 0 && place_of(run, &mentions[i], &place))
			forget.entries[forget.n++] = run_entry(mentions[i].term.hash, place);
	sort_entries(forget.entries, forget.n);
	LockRelationOid(RelationGetRelid(chunks.rel), RowExclusiveLock);
	for (int64 i = 0; i < forget.n; i++)
	{
		uint32		chunk = chunk_of(forget.entries[i] >> 32, run->bits);

		if (i > 0 && chunk == chunk_of(forget.entries[i - 1] >> 32, run->bits))
			continue;
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chunk));
		paysafe_scan(chunks.rel, chunks.index, 2, keys, snapshot, forget_in_chunk, &forget);
	}
	close_chunks(&chunks);
}

void
paysafe_run_forget(const RunMention *mentions, int n)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	Runs		runs = read_runs(snapshot);

	for (int i = 0; i < runs.n && n > 0; i++)
		forget_in_run(&runs.runs[i], mentions, n, snapshot);
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
}

/*
 * Searching
 */
typedef struct RunSearch
{
	const Run  *run;
	uint32		term;
	RunVisitor	visitor;
	void	   *arg;
} RunSearch;

static bool
search_chunk(Relation rel, TupleTableSlot *slot, void *arg)
{
	RunSearch  *search = arg;
	bytea	   *bytes = chunk_terms(slot);
	const char *terms = VARDATA_ANY(bytes);
	int64		n = VARSIZE_ANY_EXHDR(bytes) / (2 * sizeof(uint32));
	const char *places = terms + n * sizeof(uint32);
	int64		low = 0;
	int64		high = n;

	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (number_at(terms, middle) < search->term)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && number_at(terms, low) == search->term; low++)
	{
		uint32		place = number_at(places, low);
		int			i = extent_of(search->run, place);
		const RunExtent *extent = &search->run->extents[i];

		search->visitor(extent, extent->first + (place - search->run->bases[i]), search->arg);
	}
	if ((Pointer) bytes != DatumGetPointer(slot->tts_values[CHUNK_TERMS]))
		pfree(bytes);
	return true;
}

void
paysafe_run_find(Snapshot snapshot, const AuditTerm *terms, int nterms, RunVisitor visitor, void *arg)
{
	Runs		runs = read_runs(snapshot);
	int			room = Max(runs.n * nterms, 1);
	int			n = 0;
	Chunks		chunks;
	ScanKeyData *keys = palloc(sizeof(ScanKeyData) * 2 * room);
	RunSearch  *searches = palloc(sizeof(RunSearch) * room);
	void	  **args = palloc(sizeof(void *) * room);

	for (int i = 0; i < runs.n * nterms; i++)
	{
		const Run  *run = &runs.runs[i / nterms];
		const AuditTerm *term = &terms[i % nterms];

		if ((run->kinds & ((uint32) 1 << term->kind)) == 0)
			continue;
		searches[n] = (RunSearch) {run, term->hash, visitor, arg};
		args[n] = &searches[n];
		ScanKeyInit(&keys[2 * n], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
		ScanKeyInit(&keys[2 * n + 1], 2, BTEqualStrategyNumber, F_INT4EQ,
					Int32GetDatum(chunk_of(term->hash, run->bits)));
		n++;
	}
	if (n == 0)
		return;
	chunks = open_chunks(snapshot);
	paysafe_scan_each(chunks.rel, chunks.index, 2, keys, n, snapshot, search_chunk, args);
	close_chunks(&chunks);
}
