/*-------------------------------------------------------------------------
 *
 * seal_rows.c
 *	  Rows of the audit log in the order of the sealed log.
 *
 * Writers keep no order: that would be an entry of a btree for each row, at one end of
 * it, where they would wait for each other.  A BRIN index on xid says which blocks can
 * have rows of some transactions.  It is PostgreSQL that keeps it: it also knows of a
 * row in a block that was freed by VACUUM after a rollback, or in the block that a
 * session kept for its next row, however late.  Ranges of blocks that are not summarized
 * yet are read; VACUUM and whoever seals summarize them.  A partition without the index
 * is read as a whole.
 *
 * What is found is sorted, with the leaf hash, which is computed from the row as stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/audit_partition.h"
#include "evidence/audit_shape.h"
#include "evidence/seal/seal_rows.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define RANGE			64		/* blocks that the index summarizes: audit_partition.c */
#define FILLING			(4 * RANGE)	/* at the end of a partition, that are being filled */

/* Columns of what is sorted. */
enum
{
	SORT_XID, SORT_SEQ, SORT_COMPUTED, SORT_CHECK, SORT_TROUBLE, SORT_REMOVED, SORT_AT,
	SORT_LEAF, SORT_PAYLOAD,
	SORT_NCOLUMNS
};

/* A shape's digest, by its number. */
typedef struct KnownShape
{
	int64		id;
	uint8		digest[PAYSAFE_SHA256_LEN];
	bool		differs;		/* from what the shape says */
} KnownShape;

/* How many rows there are of which transactions, to find where a piece ends. */
typedef struct Spread
{
	uint64		width;			/* transaction numbers that are counted together */
	int64		size;			/* of the piece */
	uint64		end;			/* as far as is known by now */
	int64		taken;			/* rows before it */
	int64		look_at;		/* when there are so many, it may be too far */
	int64		counts[SEAL_PIECES];
} Spread;

/* Numbers from_seq to last_seq of one transaction, and what blocks have of it. */
typedef struct Part
{
	bool		looking;		/* rows are not taken */
	bool		any;			/* of the transaction, where was looked */
	int32		least;			/* numbers there */
	int32		most;
	uint8	   *taken;			/* a bit for each number */
	int64		ntaken;
} Part;

struct SealRows
{
	Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;
	Snapshot	snapshot;
	uint64		from;
	uint64		to;
	int32		from_seq;		/* of transaction from, */
	int32		last_seq;		/* and of the one before to */
	bool		contents;
	struct Spread *spread;		/* of a piece, or NULL */
	HTAB	   *shapes;
	AuditKeys  *keys;
	StringInfoData payload;
	MemoryContext row_context;
	/* of a part of a transaction */
	struct Part *part;
	/* counted only */
	bool		counting;
	uint64		count;
	TimestampTz first_at;
};

/* Visits rows of a partition. */
typedef void (*RowVisitor) (SealRows *rows, TupleTableSlot *slot);

static bool
visit_shape(Relation rel, HeapTuple tuple, void *arg)
{
	HTAB	   *shapes = arg;
	KnownShape	shape;
	KnownShape *known;
	bool		found;

	shape.differs = !paysafe_audit_shape_read(rel, tuple, &shape.id, shape.digest);
	known = hash_search(shapes, &shape.id, HASH_ENTER, &found);
	/* two transactions may have stored the same; if they are not the same, neither is good */
	if (!found)
		*known = shape;
	else if (shape.differs || memcmp(known->digest, shape.digest, PAYSAFE_SHA256_LEN) != 0)
		known->differs = true;
	return true;
}

static HTAB *
load_shapes(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(int64), .entrysize = sizeof(KnownShape), .hcxt = CurrentMemoryContext
	};
	HTAB	   *shapes = hash_create("paysafe shapes", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	paysafe_store_scan(PAYSAFE_AUDIT_SHAPE, NULL, 0, NULL, visit_shape, shapes);
	return shapes;
}

static Datum
hash_datum(const void *hash)
{
	bytea	   *result = palloc(VARHDRSZ + TLOG_HASH_LEN);

	SET_VARSIZE(result, VARHDRSZ + TLOG_HASH_LEN);
	memcpy(VARDATA(result), hash, TLOG_HASH_LEN);
	return PointerGetDatum(result);
}

static Datum
bytes_datum(const void *data, Size len)
{
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return PointerGetDatum(result);
}

/* The row's leaf and its hash; says what is wrong with it. */
static SealTrouble
judge_row(SealRows *rows, TupleTableSlot *slot, uint8 *leaf, TlogHash *computed)
{
	int64		id = DatumGetInt64(slot->tts_values[ROW_SHAPE]);
	KnownShape *shape = hash_search(rows->shapes, &id, HASH_FIND, NULL);
	bool		whole = paysafe_audit_leaf_of_row(rows->keys, slot->tts_values, slot->tts_isnull,
												  shape ? shape->digest : NULL, &rows->payload, leaf);

	paysafe_audit_leaf_hash_bytes(leaf, computed->bytes);
	if (shape == NULL)
		return SEAL_SHAPE_MISSING;
	if (!whole)
		return slot->tts_isnull[ROW_NONCE] ? SEAL_PAYLOAD_MISSING : SEAL_NONCE_MISSING;
	if (paysafe_audit_leaf_check_of(computed->bytes) != DatumGetInt32(slot->tts_values[ROW_LEAF_CHECK]))
		return SEAL_CHECK_DIFFERS;
	return shape->differs ? SEAL_SHAPE_DIFFERS : SEAL_FINE;
}

/*
 * Is there a leaf for others to check?  Not of a row that was changed before it was
 * sealed, so that whoever verifies the log elsewhere finds it, too, and nobody proves it.
 */
static bool
has_leaf(SealTrouble trouble)
{
	return trouble == SEAL_FINE || trouble == SEAL_SHAPE_DIFFERS;
}

static void
take_row(SealRows *rows, TupleTableSlot *slot)
{
	uint8		leaf[AUDIT_LEAF_LEN];
	TlogHash	computed;
	SealTrouble trouble;
	TupleTableSlot *in = rows->in;
	MemoryContext old = MemoryContextSwitchTo(rows->row_context);

	slot_getallattrs(slot);
	trouble = judge_row(rows, slot, leaf, &computed);
	ExecClearTuple(in);
	in->tts_values[SORT_XID] = Int64GetDatum(U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[ROW_XID])));
	in->tts_values[SORT_SEQ] = slot->tts_values[ROW_SEQ];
	in->tts_values[SORT_COMPUTED] = hash_datum(&computed);
	in->tts_values[SORT_CHECK] = slot->tts_values[ROW_LEAF_CHECK];
	in->tts_values[SORT_TROUBLE] = Int32GetDatum(trouble);
	in->tts_values[SORT_REMOVED] = BoolGetDatum(slot->tts_isnull[ROW_NONCE]);
	in->tts_values[SORT_AT] = slot->tts_values[ROW_AT];
	in->tts_isnull[SORT_LEAF] = !rows->contents || !has_leaf(trouble);
	in->tts_values[SORT_LEAF] = in->tts_isnull[SORT_LEAF] ? (Datum) 0 : bytes_datum(leaf, AUDIT_LEAF_LEN);
	in->tts_isnull[SORT_PAYLOAD] = in->tts_isnull[SORT_LEAF] || slot->tts_isnull[ROW_NONCE];
	in->tts_values[SORT_PAYLOAD] = in->tts_isnull[SORT_PAYLOAD] ? (Datum) 0 :
		bytes_datum(rows->payload.data, rows->payload.len);
	ExecStoreVirtualTuple(in);
	MemoryContextSwitchTo(old);
	tuplesort_puttupleslot(rows->sort, in);
	ExecClearTuple(in);
	MemoryContextReset(rows->row_context);
}

static void
count_row(SealRows *rows, TupleTableSlot *slot)
{
	bool		isnull;

	rows->count++;
	rows->first_at = Min(rows->first_at, DatumGetTimestampTz(slot_getattr(slot, ROW_AT + 1, &isnull)));
}

/* Where the next pieces end, from one on; returns the first of them. */
static uint64
piece_ends(const SealRows *rows, uint64 from, SealPieces *pieces)
{
	const Spread *spread = rows->spread;
	int64		n = 0;

	for (int i = (from - rows->from) / spread->width; i < SEAL_PIECES; i++)
	{
		uint64		start = rows->from + i * spread->width;

		if (n > 0 && n + spread->counts[i] > spread->size)
		{
			if (pieces == NULL)
				return start;
			pieces->ends[pieces->n++] = start;
			n = 0;
		}
		n += spread->counts[i];
	}
	if (pieces != NULL)
		pieces->ends[pieces->n++] = rows->to;
	return rows->to;
}

/* Is a row of the piece?  If it becomes too large, it ends earlier. */
static bool
is_in_piece(SealRows *rows, uint64 xid)
{
	Spread	   *spread = rows->spread;

	spread->counts[(xid - rows->from) / spread->width]++;
	if (xid >= spread->end)
		return false;
	if (++spread->taken < spread->look_at)
		return true;
	spread->end = piece_ends(rows, rows->from, NULL);
	spread->taken = 0;
	for (int i = 0; i < SEAL_PIECES && rows->from + i * spread->width < spread->end; i++)
		spread->taken += spread->counts[i];
	spread->look_at = Max(spread->taken, spread->size) + spread->size / 8 + 1;
	return xid < spread->end;
}

/* Is it of the part of its transaction that is asked for? */
static bool
is_asked_for(const SealRows *rows, TupleTableSlot *slot, uint64 xid)
{
	bool		isnull;
	int32		seq;

	if (xid != rows->from && xid != rows->to - 1)
		return true;
	seq = DatumGetInt32(slot_getattr(slot, ROW_SEQ + 1, &isnull));
	return (xid != rows->from || seq >= rows->from_seq) && (xid != rows->to - 1 || seq <= rows->last_seq);
}

/* A row of the transaction, where that is searched: what is it worth? */
static void
look_at_row(SealRows *rows, TupleTableSlot *slot)
{
	Part	   *part = rows->part;
	bool		isnull;
	int32		seq = DatumGetInt32(slot_getattr(slot, ROW_SEQ + 1, &isnull));
	int64		i = (int64) seq - rows->from_seq;

	part->least = part->any ? Min(part->least, seq) : seq;
	part->most = part->any ? Max(part->most, seq) : seq;
	part->any = true;
	if (part->looking || seq < rows->from_seq || seq > rows->last_seq)
		return;
	if ((part->taken[i / 8] & 1 << i % 8) == 0)
		part->ntaken++;
	part->taken[i / 8] |= 1 << i % 8;
}

/* Visit the rows of some blocks; all from the first on if n is InvalidBlockNumber. */
static void
scan_blocks(SealRows *rows, Relation rel, BlockNumber first, BlockNumber n)
{
	TableScanDesc scan = table_beginscan_strat(rel, rows->snapshot, 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	if (n != InvalidBlockNumber)
		heap_setscanlimits(scan, first, n);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		uint64		xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot_getattr(slot, ROW_XID + 1, &isnull)));

		CHECK_FOR_INTERRUPTS();
		if (xid < rows->from || xid >= rows->to)
			continue;
		if (rows->spread != NULL && !is_in_piece(rows, xid))
			continue;
		if (rows->part != NULL)
			look_at_row(rows, slot);
		if (rows->part != NULL && rows->part->looking)
			continue;
		if (rows->counting)
			count_row(rows, slot);
		else if (is_asked_for(rows, slot, xid))
			take_row(rows, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

/* Which blocks can have such rows? */
static TIDBitmap *
possible_blocks(SealRows *rows, Oid index_oid)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	IndexScanDesc scan = index_beginscan_bitmap_compat(index, rows->snapshot, 2);
	TIDBitmap  *blocks = tbm_create(maintenance_work_mem * (Size) 1024, NULL);
	ScanKeyData keys[2];

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTGreaterEqualStrategyNumber, XID8OID, InvalidOid, F_XID8GE,
						   FullTransactionIdGetDatum(FullTransactionIdFromU64(rows->from)));
	ScanKeyEntryInitialize(&keys[1], 0, 1, BTLessStrategyNumber, XID8OID, InvalidOid, F_XID8LT,
						   FullTransactionIdGetDatum(FullTransactionIdFromU64(rows->to)));
	index_rescan(scan, keys, 2, NULL, 0);
	(void) index_getbitmap(scan, blocks);
	index_endscan(scan);
	index_close(index, AccessShareLock);
	return blocks;
}

static void
scan_partition(SealRows *rows, Oid partition)
{
	Relation	rel = table_open(partition, AccessShareLock);
	Oid			index = paysafe_store_index_named(rel, psprintf("%s_xid", RelationGetRelationName(rel)));
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	BlockNumber first = InvalidBlockNumber;
	BlockNumber n = 0;
	BlockNumber block;
	TIDBitmap  *blocks;
	BitmapBlocks iterator;

	if (nblocks == 0 || !OidIsValid(index) || (rows->from == 0 && rows->to == PG_UINT64_MAX))
	{
		if (nblocks > 0)
			scan_blocks(rows, rel, 0, InvalidBlockNumber);
		table_close(rel, AccessShareLock);
		return;
	}
	blocks = possible_blocks(rows, index);
	bitmap_blocks_begin_compat(blocks, &iterator);
	while ((block = bitmap_blocks_next_compat(&iterator)) != InvalidBlockNumber)
	{
		if (n > 0 && block == first + n)
		{
			n++;
			continue;
		}
		if (n > 0)
			scan_blocks(rows, rel, first, n);
		first = block;
		n = block < nblocks ? 1 : 0;
	}
	if (n > 0)
		scan_blocks(rows, rel, first, n);
	bitmap_blocks_end_compat(&iterator);
	tbm_free(blocks);
	table_close(rel, AccessShareLock);
}

/* Blocks that can have rows of the transaction, in order. */
typedef struct BlockList
{
	Relation	rel;
	int			n;
	BlockNumber *blocks;
} BlockList;

static void
list_blocks(SealRows *rows, Oid partition, BlockList *list)
{
	Oid			index;
	BlockNumber nblocks;
	BlockNumber block;
	TIDBitmap  *blocks;
	BitmapBlocks iterator;

	list->rel = table_open(partition, AccessShareLock);
	list->n = 0;
	index = paysafe_store_index_named(list->rel, psprintf("%s_xid", RelationGetRelationName(list->rel)));
	nblocks = RelationGetNumberOfBlocks(list->rel);
	list->blocks = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(BlockNumber) * Max(nblocks, 1));
	if (!OidIsValid(index) || nblocks == 0)
	{
		for (block = 0; block < nblocks; block++)
			list->blocks[list->n++] = block;
		return;
	}
	blocks = possible_blocks(rows, index);
	bitmap_blocks_begin_compat(blocks, &iterator);
	while ((block = bitmap_blocks_next_compat(&iterator)) != InvalidBlockNumber)
		if (block < nblocks)
			list->blocks[list->n++] = block;
	bitmap_blocks_end_compat(&iterator);
	tbm_free(blocks);
}

/* Look at the i-th block and those after it until one has rows of the transaction; before end, or end. */
static int
look_from(SealRows *rows, const BlockList *list, int i, int end)
{
	rows->part->any = false;
	while (i < end)
	{
		scan_blocks(rows, list->rel, list->blocks[i], 1);
		if (rows->part->any)
			break;
		i++;
	}
	return i;
}

/*
 * A transaction writes row after row at the end of the file, so its numbers grow with
 * the blocks: the first block that has the first number is found by halves.
 */
static void
scan_part(SealRows *rows, Oid partition)
{
	Part	   *part = rows->part;
	BlockList	list;
	int			from = 0;
	int			to;

	list_blocks(rows, partition, &list);
	to = list.n;
	part->looking = true;
	while (from < to)
	{
		int			middle = from + (to - from) / 2;
		int			found = look_from(rows, &list, middle, to);

		if (found < to && part->most < rows->from_seq)
			from = found + 1;
		else
			to = middle;
	}
	part->looking = false;
	for (int i = from; i < list.n; i++)
	{
		part->any = false;
		scan_blocks(rows, list.rel, list.blocks[i], 1);
		if (part->any && part->least > rows->last_seq)
			break;
	}
	pfree(list.blocks);
	table_close(list.rel, AccessShareLock);
}

static void
scan_log(SealRows *rows)
{
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_all())
	{
		if (rows->part != NULL)
			scan_part(rows, lfirst_oid(lc));
		else
			scan_partition(rows, lfirst_oid(lc));
	}
}

static TupleDesc
sorted_desc(void)
{
	static const Oid types[SORT_NCOLUMNS] = {
		INT8OID, INT4OID, BYTEAOID, INT4OID, INT4OID, BOOLOID, INT8OID, BYTEAOID, BYTEAOID
	};
	TupleDesc	desc = CreateTemplateTupleDesc(SORT_NCOLUMNS);

	for (int i = 0; i < SORT_NCOLUMNS; i++)
		TupleDescInitEntry(desc, i + 1, NULL, types[i], -1, 0);
	return desc;
}

static SealRows *
begin_rows(uint64 from, uint64 to, Snapshot snapshot, bool contents)
{
	SealRows   *rows = palloc0(sizeof(SealRows));
	TupleDesc	desc = sorted_desc();
	AttrNumber	columns[] = {SORT_XID + 1, SORT_SEQ + 1, SORT_COMPUTED + 1};
	Oid			operators[lengthof(columns)];
	Oid			collations[lengthof(columns)] = {0};
	bool		nulls_first[lengthof(columns)] = {0};

	for (int i = 0; i < (int) lengthof(columns); i++)
		operators[i] = lookup_type_cache(TupleDescAttr(desc, columns[i] - 1)->atttypid, TYPECACHE_LT_OPR)->lt_opr;
	rows->from = from;
	rows->to = to;
	rows->from_seq = PG_INT32_MIN;
	rows->last_seq = PG_INT32_MAX;
	rows->snapshot = snapshot;
	rows->contents = contents;
	rows->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	memset(rows->in->tts_isnull, 0, sizeof(bool) * SORT_NCOLUMNS);
	rows->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	rows->shapes = load_shapes();
	rows->keys = paysafe_audit_keys_begin(snapshot);
	rows->row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe sealed row", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&rows->payload);
	rows->sort = tuplesort_begin_heap(desc, lengthof(columns), columns, operators, collations,
									  nulls_first, maintenance_work_mem, NULL, TUPLESORT_NONE);
	return rows;
}

SealRows *
paysafe_seal_rows_find(uint64 from, uint64 to, Snapshot snapshot, bool contents)
{
	return paysafe_seal_rows_find_between(from, PG_INT32_MIN, to, PG_INT32_MAX, snapshot, contents);
}

SealRows *
paysafe_seal_rows_find_between(uint64 from, int32 from_seq, uint64 to, int32 last_seq,
							   Snapshot snapshot, bool contents)
{
	SealRows   *rows = begin_rows(from, to, snapshot, contents);

	rows->from_seq = from_seq;
	rows->last_seq = last_seq;
	scan_log(rows);
	tuplesort_performsort(rows->sort);
	return rows;
}

SealRows *
paysafe_seal_rows_find_part(uint64 xid, int32 from_seq, int32 last_seq, Snapshot snapshot, bool contents)
{
	SealRows   *rows = begin_rows(xid, xid + 1, snapshot, contents);
	int64		n = (int64) last_seq - from_seq + 1;
	Part		part = {0};

	rows->from_seq = from_seq;
	rows->last_seq = last_seq;
	if (n > 0)
	{
		part.taken = palloc0(n / 8 + 1);
		rows->part = &part;
		scan_log(rows);
		rows->part = NULL;
		pfree(part.taken);
	}
	if (part.ntaken < n)
	{
		/* rows that were erased stand where others do not; or one was deleted */
		paysafe_seal_rows_end(rows);
		return paysafe_seal_rows_find_between(xid, from_seq, xid + 1, last_seq, snapshot, contents);
	}
	tuplesort_performsort(rows->sort);
	return rows;
}

SealRows *
paysafe_seal_rows_find_piece(uint64 from, uint64 to, int64 size, Snapshot snapshot, SealPieces *pieces)
{
	SealRows   *rows = begin_rows(from, to, snapshot, false);
	Spread	   *spread = palloc0(sizeof(Spread));

	spread->width = (to - from) / SEAL_PIECES + 1;
	spread->size = size;
	spread->look_at = size + size / 8 + 1;
	spread->end = to;
	rows->spread = spread;
	scan_log(rows);
	pieces->n = 0;
	if (spread->end < to)
		pieces->ends[pieces->n++] = spread->end;
	(void) piece_ends(rows, spread->end < to ? spread->end : from, pieces);
	spread->end = pieces->ends[0];
	tuplesort_performsort(rows->sort);
	return rows;
}

bool
paysafe_seal_rows_next(SealRows *rows, SealRow *row)
{
	TupleTableSlot *out = rows->out;

	if (!tuplesort_gettupleslot(rows->sort, true, false, out, NULL))
		return false;
	slot_getallattrs(out);
	row->xid = DatumGetInt64(out->tts_values[SORT_XID]);
	/* rows that were taken before it was known where the piece ends */
	if (rows->spread != NULL && row->xid >= rows->spread->end)
		return false;
	row->seq = DatumGetInt32(out->tts_values[SORT_SEQ]);
	memcpy(row->computed.bytes, VARDATA_ANY(DatumGetPointer(out->tts_values[SORT_COMPUTED])), TLOG_HASH_LEN);
	row->check = DatumGetInt32(out->tts_values[SORT_CHECK]);
	row->trouble = DatumGetInt32(out->tts_values[SORT_TROUBLE]);
	row->removed = DatumGetBool(out->tts_values[SORT_REMOVED]);
	row->at = DatumGetTimestampTz(out->tts_values[SORT_AT]);
	row->has_leaf = !out->tts_isnull[SORT_LEAF];
	row->leaf = out->tts_values[SORT_LEAF];
	row->payload = out->tts_isnull[SORT_PAYLOAD] ? (Datum) 0 : out->tts_values[SORT_PAYLOAD];
	return true;
}

void
paysafe_seal_rows_end(SealRows *rows)
{
	ExecDropSingleTupleTableSlot(rows->in);
	ExecDropSingleTupleTableSlot(rows->out);
	tuplesort_end(rows->sort);
	hash_destroy(rows->shapes);
	MemoryContextDelete(rows->row_context);
	pfree(rows->keys);
	pfree(rows->payload.data);
	if (rows->spread != NULL)
		pfree(rows->spread);
	pfree(rows);
}

uint64
paysafe_seal_rows_count(uint64 from, Snapshot snapshot, TimestampTz *first_at)
{
	SealRows	rows = {
		.from = from, .to = PG_UINT64_MAX, .snapshot = snapshot, .counting = true,
		.first_at = PG_INT64_MAX
	};

	scan_log(&rows);
	*first_at = rows.first_at;
	return rows.count;
}

/*
 * A summarized range costs whoever writes into it; so only ranges before the last few,
 * which nobody fills any more.
 */
static void
summarize_partition(SealRows *rows, Oid partition)
{
	Relation	rel;
	Oid			index;
	BlockNumber nblocks;
	BlockNumber next = 0;
	BlockNumber block;
	TIDBitmap  *blocks;
	BitmapBlocks iterator;

	/* who waits here for VACUUM would end it */
	if (!ConditionalLockRelationOid(partition, ShareUpdateExclusiveLock))
		return;
	rel = table_open(partition, NoLock);
	index = paysafe_store_index_named(rel, psprintf("%s_xid", RelationGetRelationName(rel)));
	nblocks = RelationGetNumberOfBlocks(rel);
	if (OidIsValid(index) && nblocks > FILLING)
	{
		blocks = possible_blocks(rows, index);
		bitmap_blocks_begin_compat(blocks, &iterator);
		while ((block = bitmap_blocks_next_compat(&iterator)) != InvalidBlockNumber &&
			   block < nblocks - FILLING)
		{
			if (block < next)
				continue;
			CHECK_FOR_INTERRUPTS();
			(void) DirectFunctionCall2(brin_summarize_range, ObjectIdGetDatum(index), Int64GetDatum(block));
			next = block - block % RANGE + RANGE;
		}
		bitmap_blocks_end_compat(&iterator);
		tbm_free(blocks);
	}
	table_close(rel, NoLock);
}

void
paysafe_seal_rows_summarize(uint64 from)
{
	SealRows	rows = {.from = from, .to = PG_UINT64_MAX, .snapshot = paysafe_scan_snapshot()};
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_all())
		summarize_partition(&rows, lfirst_oid(lc));
	UnregisterSnapshot(rows.snapshot);
}

const char *
paysafe_seal_rows_trouble(SealTrouble trouble)
{
	switch (trouble)
	{
		case SEAL_FINE:
			break;
		case SEAL_CHECK_DIFFERS:
			return "the row was changed: it does not agree with its leaf_check";
		case SEAL_SHAPE_MISSING:
			return "the row of paysafe.audit_shape that says what its columns are is missing, or \"shape\" was changed";
		case SEAL_SHAPE_DIFFERS:
			return "the row of paysafe.audit_shape that says what its columns are was changed";
		case SEAL_PAYLOAD_MISSING:
			return "its contents are missing";
		case SEAL_NONCE_MISSING:
			return "its nonce cannot be derived: rows of paysafe.audit_key are missing or were changed, or \"nonce\" was";
	}
	return NULL;
}
