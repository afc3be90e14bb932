/*-------------------------------------------------------------------------
 *
 * seal_entries.c
 *	  The leaves of the sealed log, computed again from what is stored.
 *
 * For whoever verifies the log elsewhere: leaves and payloads in order, some
 * transactions at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_tile.h"
#include "evidence/seal/seal_transaction.h"

#define CHUNK			20000	/* transactions */
#define CHUNK_LEAVES	200000
#define LONG			5000	/* rows: of fewer, all blocks are read */

typedef struct Entries
{
	ReturnSetInfo *result;
	uint64		from;
	uint64		to;
	Snapshot	snapshot;
	SealReader *reader;
	int			n;
	uint64		leaves;
	SealTransaction *chunk;
	MemoryContext context;
	SealRows   *rows;
	SealRow		row;
	bool		has_row;
} Entries;

static void
put(Entries *e, uint64 index, Datum leaf, Datum payload)
{
	Datum		values[3] = {Int64GetDatum(index), leaf, payload};
	bool		nulls[3] = {false, leaf == (Datum) 0, payload == (Datum) 0};

	if (index >= e->from && index < e->to)
		tuplestore_putvalues(e->result->setResult, e->result->setDesc, values, nulls);
}

static Datum
bytes_datum(const void *data, int len)
{
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return PointerGetDatum(result);
}

static void
next_row(Entries *e)
{
	e->has_row = paysafe_seal_rows_next(e->rows, &e->row);
}

/* The leaf of row i, if it is there and as it was sealed. */
static void
put_row(Entries *e, const SealTransaction *t, int i, TlogFrontier *group)
{
	TlogHash	hash;

	if (!paysafe_seal_tile_hash(e->reader, 0, t->first + i, &hash))
		memset(&hash, 0, sizeof(hash));
	tlog_frontier_add(group, &hash);
	/* what comes before it, or in its place, has another leaf, or none */
	while (e->has_row && (e->row.xid < t->xid || (e->row.xid == t->xid && !t->irregular && e->row.seq <= i)))
		next_row(e);
	while (e->has_row && e->row.xid == t->xid && (t->irregular || e->row.seq == i + 1))
	{
		if (tlog_hash_equal(&e->row.computed, &hash))
		{
			put(e, t->first + i, e->row.has_leaf ? e->row.leaf : (Datum) 0, e->row.payload);
			next_row(e);
			return;
		}
		next_row(e);
	}
	put(e, t->first + i, (Datum) 0, (Datum) 0);
}

/* A leaf that is no row's, if it is what the tile has the hash of. */
static void
put_leaf(Entries *e, uint64 index, const void *leaf, int len)
{
	TlogHash	own;
	TlogHash	hash;

	tlog_hash_leaf(leaf, len, &own);
	if (paysafe_seal_tile_hash(e->reader, 0, index, &hash) && tlog_hash_equal(&own, &hash))
		put(e, index, bytes_datum(leaf, len), (Datum) 0);
	else
		put(e, index, (Datum) 0, (Datum) 0);
}

/* A long transaction of which only some rows are asked for: it is a chunk of its own. */
static bool
is_part(const Entries *e, const SealTransaction *t)
{
	return !t->irregular && t->rows > LONG && (e->from > t->first || e->to < t->first + t->rows);
}

static SealRows *
find_part(Entries *e, const SealTransaction *t)
{
	int32		from_seq = e->from > t->first ? (int32) (e->from - t->first + 1) : 1;
	int32		last_seq = (int32) Min(e->to - t->first, (uint64) t->rows);

	return paysafe_seal_rows_find_part(t->xid, from_seq, last_seq, e->snapshot, true);
}

/* The rows of the transactions that have been collected, as far as they are asked for. */
static SealRows *
find_rows(Entries *e)
{
	const SealTransaction *first = &e->chunk[0];
	const SealTransaction *last = &e->chunk[e->n - 1];
	int32		from_seq = PG_INT32_MIN;
	int32		last_seq = PG_INT32_MAX;

	if (e->n == 1 && is_part(e, first))
		return find_part(e, first);
	if (!first->irregular && e->from > first->first)
		from_seq = (int32) Min(e->from - first->first + 1, PG_INT32_MAX);
	if (!last->irregular && e->to < last->first + last->rows)
		last_seq = (int32) (e->to - last->first);
	return paysafe_seal_rows_find_between(first->xid, from_seq, last->xid + 1, last_seq, e->snapshot, true);
}

static void
put_chunk(Entries *e)
{
	MemoryContext old = MemoryContextSwitchTo(e->context);

	if (e->n > 0)
	{
		e->rows = find_rows(e);
		next_row(e);
		for (int i = 0; i < e->n; i++)
		{
			const SealTransaction *t = &e->chunk[i];
			TlogFrontier group;
			TlogHash	root;
			uint8		leaf[SEAL_TRANSACTION_LEAF_LEN];
			/* its own leaf takes the hashes of all its rows */
			bool		own = t->first + t->rows < e->to;

			CHECK_FOR_INTERRUPTS();
			tlog_frontier_init(&group);
			for (int j = 0; j < t->rows; j++)
				if (own || (t->first + j >= e->from && t->first + j < e->to))
					put_row(e, t, j, &group);
			if (!own)
				continue;
			tlog_frontier_root(&group, &root);
			paysafe_seal_transaction_leaf(t->xid, t->rows, &root, leaf);
			put_leaf(e, t->first + t->rows, leaf, sizeof(leaf));
		}
		paysafe_seal_rows_end(e->rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(e->context);
	e->n = 0;
	e->leaves = 0;
}

static bool
collect(const SealTransaction *t, void *arg)
{
	Entries    *e = arg;

	if (t->first >= e->to)
		return false;
	if (e->n > 0 && (t->xid <= e->chunk[e->n - 1].xid || e->n == CHUNK || e->leaves >= CHUNK_LEAVES ||
					 is_part(e, t) || is_part(e, &e->chunk[e->n - 1])))
		put_chunk(e);
	e->chunk[e->n++] = *t;
	e->leaves += t->rows + 1;
	return true;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_seal_entries);

/*
 * seal_entries(from_index bigint, to_index bigint, incarnation int) returns setof
 * (index, leaf, payload)
 */
Datum
paysafe_seal_entries(PG_FUNCTION_ARGS)
{
	Entries    *e = palloc0(sizeof(Entries));
	int32		incarnation = PG_ARGISNULL(2) ? paysafe_seal_state_newest() : PG_GETARG_INT32(2);
	SealTransaction first;
	StringInfoData leaf;
	bool		opened;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_GETARG_INT64(0) < 0 || PG_GETARG_INT64(1) < PG_GETARG_INT64(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"from_index\" and \"to_index\" must be two numbers, 0 or more, the smaller one first")));
	initStringInfo(&leaf);
	opened = paysafe_seal_state_opening(incarnation, &leaf);
	if (!opened && !PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the sealed log has no incarnation %d", incarnation)));
	InitMaterializedSRF(fcinfo, 0);
	e->result = (ReturnSetInfo *) fcinfo->resultinfo;
	e->from = PG_GETARG_INT64(0);
	e->to = PG_GETARG_INT64(1);
	e->reader = paysafe_seal_tile_reader(incarnation);
	e->chunk = palloc(sizeof(SealTransaction) * CHUNK);
	e->snapshot = paysafe_scan_snapshot();
	e->context = AllocSetContextCreate(CurrentMemoryContext, "paysafe entries", ALLOCSET_DEFAULT_SIZES);
	if (e->from == 0 && opened)
		put_leaf(e, 0, leaf.data, leaf.len);
	paysafe_seal_transaction_visit(incarnation,
								   paysafe_seal_transaction_at(incarnation, e->from, &first) ? first.first : e->from,
								   collect, e);
	put_chunk(e);
	UnregisterSnapshot(e->snapshot);
	PG_RETURN_NULL();
}
