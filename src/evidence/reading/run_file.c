/*-------------------------------------------------------------------------
 *
 * run_file.c
 *	  The rows that runs of the index of the audit log are stored in.
 *
 * A run is cut into chunks of about CHUNK_ENTRIES by the first bits of the term, so that
 * the chunk in which a term is follows from the term, and to look it up is to read one row.
 * Each chunk is there, also if nothing is in it: one that is not was deleted.  Each has a
 * hash of what it says: one of which that is another was changed, and counts as deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/reading/run_file.h"
#include "store/own_table.h"

#define CHUNK_ENTRIES	192

void
paysafe_run_file_number(Run *run)
{
	uint32		base = 0;

	run->bases = palloc(sizeof(uint32) * Max(run->nextents, 1));
	for (int i = 0; i < run->nextents; i++)
	{
		run->bases[i] = base;
		base += run->extents[i].nblocks;
	}
}

int
paysafe_run_file_extent(const Run *run, uint32 place)
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

/* Of what a row of paysafe.index_run says. */
static int64
check_of_run(const Run *run)
{
	uint64		hash = hash_combine64((uint64) run->id, (uint64) run->entries);

	hash = hash_combine64(hash, (uint64) run->bits << 32 | run->kinds);
	return (int64) hash_bytes_extended((const unsigned char *) run->extents, sizeof(RunExtent) * run->nextents, hash);
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
	run->changed = DatumGetInt64(slot->tts_values[RUN_CHECK]) != check_of_run(run);
	paysafe_run_file_number(run);
	return true;
}

Runs
paysafe_run_file_read(Snapshot snapshot)
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

Chunks
paysafe_run_file_open(Snapshot snapshot)
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

void
paysafe_run_file_close(Chunks *chunks)
{
	index_close(chunks->index, AccessShareLock);
	paysafe_store_close(chunks->rel);
}

/* Of what stands in this chunk of this run. */
static int64
check_of(int64 run, uint32 chunk, const bytea *bytes)
{
	return (int64) hash_bytes_extended((const unsigned char *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
									   hash_combine64((uint64) run, chunk));
}

bool
paysafe_run_file_chunk(TupleTableSlot *slot, Chunk *out)
{
	const Datum *values = slot->tts_values;

	slot_getallattrs(slot);
	out->bytes = DatumGetByteaPP(values[CHUNK_TERMS]);
	out->n = VARSIZE_ANY_EXHDR(out->bytes) / (2 * sizeof(uint32));
	out->terms = VARDATA_ANY(out->bytes);
	out->places = out->terms + out->n * sizeof(uint32);
	return DatumGetInt64(values[CHUNK_CHECK]) ==
		check_of(DatumGetInt64(values[CHUNK_RUN]), (uint32) DatumGetInt32(values[CHUNK_NUMBER]), out->bytes);
}

void
paysafe_run_file_free_chunk(TupleTableSlot *slot, Chunk *chunk)
{
	if ((Pointer) chunk->bytes != DatumGetPointer(slot->tts_values[CHUNK_TERMS]))
		pfree(chunk->bytes);
}

/*
 * Adding a run
 */
void
paysafe_run_file_begin(RunWriter *writer, int64 id, int64 at_most)
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

void
paysafe_run_file_write_chunk(RunWriter *writer)
{
	Datum		values[CHUNK_NCOLUMNS];
	bool		nulls[CHUNK_NCOLUMNS] = {0};
	bytea	   *terms;

	terms = make_bytes(writer->terms.data, writer->terms.len, writer->places.data, writer->places.len);
	values[CHUNK_RUN] = Int64GetDatum(writer->id);
	values[CHUNK_NUMBER] = Int32GetDatum(writer->chunk);
	values[CHUNK_CHECK] = Int64GetDatum(check_of(writer->id, writer->chunk, terms));
	values[CHUNK_TERMS] = PointerGetDatum(terms);
	paysafe_store_append(PAYSAFE_INDEX_CHUNK, values, nulls);
	pfree(terms);
	resetStringInfo(&writer->terms);
	resetStringInfo(&writer->places);
}

/* Entries come sorted; what comes twice is stored once. */
void
paysafe_run_file_put(RunWriter *writer, RunEntry entry)
{
	uint32		term = entry >> 32;
	uint32		place = (uint32) entry;

	if (writer->entries > 0 && entry == writer->last)
		return;
	for (; writer->chunk < run_chunk_of(term, writer->bits); writer->chunk++)
		paysafe_run_file_write_chunk(writer);
	appendBinaryStringInfo(&writer->terms, (char *) &term, sizeof(term));
	appendBinaryStringInfo(&writer->places, (char *) &place, sizeof(place));
	writer->last = entry;
	writer->entries++;
}

void
paysafe_run_file_end(RunWriter *writer, uint32 kinds, const RunExtent *extents, int nextents)
{
	Datum		values[RUN_NCOLUMNS];
	bool		nulls[RUN_NCOLUMNS] = {0};
	Run			run = {
		.id = writer->id, .entries = writer->entries, .bits = writer->bits, .kinds = kinds,
		.nextents = nextents, .extents = unconstify(RunExtent *, extents)
	};

	for (; writer->chunk < (uint32) 1 << writer->bits; writer->chunk++)
		paysafe_run_file_write_chunk(writer);
	values[RUN_ID] = Int64GetDatum(writer->id);
	values[RUN_ENTRIES] = Int64GetDatum(writer->entries);
	values[RUN_BITS] = Int32GetDatum(writer->bits);
	values[RUN_KINDS] = Int32GetDatum((int32) kinds);
	values[RUN_CHECK] = Int64GetDatum(check_of_run(&run));
	values[RUN_EXTENTS] = PointerGetDatum(make_bytes(extents, sizeof(RunExtent) * nextents, NULL, 0));
	/* one without entries says that there are none in its blocks */
	paysafe_store_append(PAYSAFE_INDEX_RUN, values, nulls);
	/* the next step sees it, and may remove it */
	CommandCounterIncrement();
	pfree(writer->terms.data);
	pfree(writer->places.data);
}

static bool
take_run_id(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	*(int64 *) arg = DatumGetInt64(heap_getattr(tuple, CHUNK_RUN + 1, RelationGetDescr(rel), &isnull));
	return false;
}

int64
paysafe_run_file_next_id(const Runs *runs)
{
	int64		id = 0;

	/* chunks whose run somebody has deleted still have its number */
	paysafe_store_seek(PAYSAFE_INDEX_CHUNK, "index_chunk_pkey", 0, NULL, InvalidStrategy, (Datum) 0, true, NULL,
					   take_run_id, &id);
	for (int i = 0; i < runs->n; i++)
		id = Max(id, runs->runs[i].id);
	return id + 1;
}

static bool
remove_row(Relation rel, TupleTableSlot *slot, void *arg)
{
	simple_table_tuple_delete(rel, &slot->tts_tid, arg);
	return true;
}

void
paysafe_run_file_remove(const Run *run, Snapshot snapshot)
{
	Chunks		chunks = paysafe_run_file_open(snapshot);
	Relation	rel = table_open(paysafe_catalog_table(PAYSAFE_INDEX_RUN), RowExclusiveLock);
	ItemPointerData tid = run->tid;
	ScanKeyData key;

	LockRelationOid(RelationGetRelid(chunks.rel), RowExclusiveLock);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
	paysafe_scan(chunks.rel, chunks.index, 1, &key, snapshot, remove_row, snapshot);
	simple_table_tuple_delete(rel, &tid, snapshot);
	table_close(rel, NoLock);
	paysafe_run_file_close(&chunks);
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

/* With another one that begins in it, or where it ends. */
static void
go_on(RunExtent *extent, const RunExtent *other)
{
	uint32		end = other->first - extent->first + other->nblocks;

	if (end > extent->nblocks)
		extent->end_lsn = other->end_lsn;
	else if (end == extent->nblocks)
		extent->end_lsn = Max(extent->end_lsn, other->end_lsn);
	extent->nblocks = Max(extent->nblocks, end);
}

int
paysafe_run_file_join(RunExtent *extents, int n)
{
	int			njoined = 0;

	if (n > 1)
		qsort(extents, n, sizeof(RunExtent), by_place);
	for (int i = 0; i < n; i++)
	{
		RunExtent	extent = extents[i];
		RunExtent  *last = njoined > 0 ? &extents[njoined - 1] : NULL;

		if (last != NULL && last->partition == extent.partition && last->filenode == extent.filenode &&
			extent.first - last->first <= last->nblocks)
			go_on(last, &extent);
		else
			extents[njoined++] = extent;
	}
	return njoined;
}

static bool
count_whole(Relation rel, TupleTableSlot *slot, void *arg)
{
	Chunk		chunk;

	CHECK_FOR_INTERRUPTS();
	(*(int64 *) arg) += paysafe_run_file_chunk(slot, &chunk);
	paysafe_run_file_free_chunk(slot, &chunk);
	return true;
}

bool
paysafe_run_file_is_whole(const Run *run, Snapshot snapshot)
{
	Chunks		chunks = paysafe_run_file_open(snapshot);
	ScanKeyData key;
	int64		n = 0;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
	paysafe_scan(chunks.rel, chunks.index, 1, &key, snapshot, count_whole, &n);
	paysafe_run_file_close(&chunks);
	return n == (int64) 1 << run->bits && !run->changed;
}

/* Looking for chunks without a run. */
typedef struct Orphans
{
	Runs		runs;
	Snapshot	snapshot;
	bool		remove;
	int64		n;
} Orphans;

static bool
visit_orphan(Relation rel, TupleTableSlot *slot, void *arg)
{
	Orphans    *orphans = arg;
	bool		isnull;
	int64		run = DatumGetInt64(slot_getattr(slot, CHUNK_RUN + 1, &isnull));

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < orphans->runs.n; i++)
		if (orphans->runs.runs[i].id == run)
			return true;
	orphans->n++;
	if (orphans->remove)
		simple_table_tuple_delete(rel, &slot->tts_tid, orphans->snapshot);
	return true;
}

int64
paysafe_run_file_orphans(Snapshot snapshot, bool remove)
{
	Orphans		orphans = {paysafe_run_file_read(snapshot), snapshot, remove, 0};
	Relation	rel = table_open(paysafe_catalog_table(PAYSAFE_INDEX_CHUNK), remove ? RowExclusiveLock : AccessShareLock);

	paysafe_scan(rel, NULL, 0, NULL, snapshot, visit_orphan, &orphans);
	table_close(rel, NoLock);
	return orphans.n;
}
