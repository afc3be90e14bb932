/*-------------------------------------------------------------------------
 *
 * audit_log.c
 *	  Writing the audit log.
 *
 * One row of paysafe.audit_row per changed row, through the table access
 * method, in batches: a statement's rows are buffered and written together
 * when it ends, when the buffer is full, and before the (sub)transaction
 * commits.  A buffer belongs to the subtransaction that filled it and is
 * dropped with it, so a rollback to a savepoint takes exactly its own rows.
 *
 * Each row carries a few bits of the hash of its leaf in the tree that will seal the log:
 * see audit_leaf.c.  Rows are numbered without gaps within their transaction: a rollback
 * to a savepoint gives the numbers back, so that a number that is missing when the
 * log is sealed is a row that is missing.
 *
 * Memory: the buffer has at most BATCH_ROWS rows or BATCH_BYTES bytes, and is
 * reused; the slots and the descriptor live as long as the backend.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/invalidation.h"
#include "compat.h"
#include "engine/rule.h"
#include "evidence/audit_context.h"
#include "evidence/audit_key.h"
#include "evidence/audit_leaf.h"
#include "evidence/audit_log.h"
#include "evidence/audit_partition.h"
#include "evidence/audit_shape.h"
#include "evidence/canon.h"
#include "evidence/seal/seal_shared.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"

#define BATCH_ROWS		128
#define BATCH_BYTES		(256 * 1024)

/* Rows waiting to be written, of one subtransaction level. */
typedef struct Batch
{
	int			level;
	int32		first_seq;		/* of its rows and of those it has taken over */
	int			nrows;
	Size		bytes;
	HeapTuple	tuples[BATCH_ROWS];
	TimestampTz at[BATCH_ROWS];
	MemoryContext arena;		/* of the tuples */
	struct Batch *outer;
} Batch;

static Batch *batches = NULL;	/* innermost first; TopTransactionContext */
static int32 next_seq = 1;		/* within the top-level transaction */
static uint64 own_xid = 0;		/* of the transaction that is being recorded, or 0 */
static uint64 last_xid = 0;		/* of the last one that was, and has ended well */

/* The descriptor of paysafe.audit_row, and slots over it; for the backend. */
static TupleDesc row_desc = NULL;
static TupleTableSlot *row_slots[BATCH_ROWS];
static bool slots_filled = false;	/* an error came while rows were written */

/*
 * Rows
 */

/*
 * The field as a varlena, in place: its length makes way for a header of the
 * same size.  Only after hashing.
 */
static Datum
field_datum(StringInfo payload, int start)
{
	uint32		length;

	memcpy(&length, payload->data + start, sizeof(length));
	SET_VARSIZE(payload->data + start, pg_ntoh32(length) + VARHDRSZ);
	return PointerGetDatum(payload->data + start);
}

static void
prepare_desc(void)
{
	Relation	rel = table_open(paysafe_catalog_table(PAYSAFE_AUDIT_ROW), AccessShareLock);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	/* a copy is not reference-counted, so slots do not pin anything */
	row_desc = CreateTupleDescCopy(RelationGetDescr(rel));
	for (int i = 0; i < BATCH_ROWS; i++)
		row_slots[i] = MakeSingleTupleTableSlot(row_desc, &TTSOpsHeapTuple);
	MemoryContextSwitchTo(old);
	table_close(rel, AccessShareLock);
	if (row_desc->natts != ROW_NCOLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table paysafe.audit_row does not fit this version of paysafe"),
				 errhint("Run ALTER EXTENSION paysafe UPDATE.")));
}

/* The batch of the current subtransaction. */
static Batch *
current_batch(void)
{
	int			level = GetCurrentTransactionNestLevel();

	if (batches == NULL || batches->level < level)
	{
		Batch	   *batch = MemoryContextAlloc(TopTransactionContext, sizeof(Batch));

		batch->level = level;
		batch->first_seq = next_seq;
		batch->nrows = 0;
		batch->bytes = 0;
		batch->arena = AllocSetContextCreate(TopTransactionContext, "paysafe audit batch",
											 ALLOCSET_DEFAULT_SIZES);
		batch->outer = batches;
		batches = batch;
	}
	return batches;
}

/* Where the fields of a payload begin, in the order of the columns; -1: absent. */
enum
{
	FIELD_KEY, FIELD_CONTEXT, FIELD_AFTER, FIELD_BEFORE,
	NFIELDS
};

/* The payload of a leaf: see above. */
static void
form_payload(StringInfo payload, const AuditShape *shape, const uint8 *nonce, const char *key,
			 TupleTableSlot *before, TupleTableSlot *after, int *field)
{
	StringInfo	context = paysafe_audit_context_bytes();

	resetStringInfo(payload);
	appendBinaryStringInfo(payload, (const char *) nonce, AUDIT_NONCE_LEN);
	if (key == NULL)
		field[FIELD_KEY] = paysafe_audit_leaf_null_field(payload);
	else
	{
		field[FIELD_KEY] = paysafe_audit_leaf_begin_field(payload);
		appendStringInfoString(payload, key);
		paysafe_audit_leaf_end_field(payload, field[FIELD_KEY]);
	}
	field[FIELD_CONTEXT] = paysafe_audit_leaf_begin_field(payload);
	appendBinaryStringInfo(payload, context->data, context->len);
	paysafe_audit_leaf_end_field(payload, field[FIELD_CONTEXT]);
	if (after == NULL)
		field[FIELD_AFTER] = paysafe_audit_leaf_null_field(payload);
	else
	{
		field[FIELD_AFTER] = paysafe_audit_leaf_begin_field(payload);
		paysafe_canon_row(&shape->shape, after, payload);
		paysafe_audit_leaf_end_field(payload, field[FIELD_AFTER]);
	}
	if (before == NULL)
		field[FIELD_BEFORE] = paysafe_audit_leaf_null_field(payload);
	else
	{
		field[FIELD_BEFORE] = paysafe_audit_leaf_begin_field(payload);
		if (after == NULL)
			paysafe_canon_row(&shape->shape, before, payload);
		else
			paysafe_canon_difference(&shape->shape, before, after, payload);
		paysafe_audit_leaf_end_field(payload, field[FIELD_BEFORE]);
	}
}

/* Add a row to the batch; its size decides when the batch is full. */
static void
add_to_batch(Datum *values, bool *nulls, TimestampTz at)
{
	Batch	   *batch = current_batch();
	MemoryContext old = MemoryContextSwitchTo(batch->arena);

	batch->tuples[batch->nrows] = heap_form_tuple(row_desc, values, nulls);
	MemoryContextSwitchTo(old);
	batch->at[batch->nrows] = at;
	batch->bytes += batch->tuples[batch->nrows]->t_len;
	batch->nrows++;
	if (batch->nrows == BATCH_ROWS || batch->bytes >= BATCH_BYTES)
		paysafe_audit_log_flush();
}

void
paysafe_audit_log_append(AuditShape *shape, char op, CommandId command, const char *key,
					 TupleTableSlot *before, TupleTableSlot *after)
{
	static StringInfoData payload = {0};	/* reused; lives with the backend */
	uint64		xid = U64FromFullTransactionId(GetTopFullTransactionId());
	TimestampTz at = GetCurrentTimestamp();
	int			field[NFIELDS];
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS] = {0};
	uint8		digest[PAYSAFE_SHA256_LEN];
	uint8		leaf[AUDIT_LEAF_LEN];
	uint8		leaf_hash[PAYSAFE_SHA256_LEN];
	uint8		nonce[AUDIT_NONCE_LEN];
	int			stored_len;
	struct
	{
		int32		header;
		uint8		bytes[AUDIT_NONCE_LEN];
	}			stored;

	paysafe_audit_shape_store(shape);
	if (unlikely(row_desc == NULL))
		prepare_desc();
	if (unlikely(payload.data == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		initStringInfo(&payload);
		MemoryContextSwitchTo(old);
	}
	stored_len = paysafe_audit_key_draw(paysafe_audit_partition_for(at), xid, next_seq,
										stored.bytes, nonce);
	form_payload(&payload, shape, nonce, key, before, after, field);
	own_xid = xid;
	/* the batch knows the first number of its subtransaction */
	(void) current_batch();
	paysafe_crypto_sha256(payload.data, payload.len, digest);
	paysafe_audit_leaf_form(&(AuditLeaf)
							{
								.xid = xid, .command = command, .seq = next_seq, .at = at, .op = op,
								.shape_digest = shape->digest
							}, digest, leaf);
	paysafe_audit_leaf_hash_bytes(leaf, leaf_hash);

	SET_VARSIZE(&stored, VARHDRSZ + stored_len);
	values[ROW_AT] = TimestampTzGetDatum(at);
	values[ROW_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
	values[ROW_SHAPE] = Int64GetDatum(shape->id);
	values[ROW_COMMAND] = Int32GetDatum(command);
	values[ROW_SEQ] = Int32GetDatum(next_seq++);
	values[ROW_OP] = CharGetDatum(op);
	values[ROW_NONCE] = PointerGetDatum(&stored);
	values[ROW_LEAF_CHECK] = Int32GetDatum(paysafe_audit_leaf_check_of(leaf_hash));
	nulls[ROW_REMOVAL] = true;
	for (int i = 0; i < NFIELDS; i++)
	{
		static const int columns[] = {ROW_KEY, ROW_CONTEXT, ROW_AFTER, ROW_BEFORE};

		nulls[columns[i]] = field[i] < 0;
		values[columns[i]] = field[i] < 0 ? (Datum) 0 : field_datum(&payload, field[i]);
	}
	add_to_batch(values, nulls, at);

	/* one large row must not keep its buffer for the rest of the session */
	if (unlikely(payload.maxlen > BATCH_BYTES))
	{
		pfree(payload.data);
		payload.data = NULL;
	}
}

/* Write rows [from, to) of the batch; all belong into one partition. */
static void
write_rows(Batch *batch, int from, int to)
{
	Relation	rel = table_open(paysafe_audit_partition_for(batch->at[from]), RowExclusiveLock);

	slots_filled = true;
	for (int i = from; i < to; i++)
		ExecStoreHeapTuple(batch->tuples[i], row_slots[i], false);
	/*
	 * At the end of the file and nowhere else: not where room is left, and not where
	 * this session wrote last.  So that the blocks before it stay as they are, which
	 * is what the log's index is built on (reading/index.c).
	 */
	RelationSetTargetBlock(rel, InvalidBlockNumber);
	table_multi_insert(rel, &row_slots[from], to - from, GetCurrentCommandId(true),
					   TABLE_INSERT_SKIP_FSM, NULL);
	paysafe_store_index(rel, &row_slots[from], to - from);
	for (int i = from; i < to; i++)
		ExecClearTuple(row_slots[i]);
	slots_filled = false;
	table_close(rel, NoLock);
}

void
paysafe_audit_log_flush(void)
{
	Batch	   *batch = batches;
	MemoryContext old;
	int			from = 0;
	bool		snapshot_set = false;

	if (batch == NULL || batch->nrows == 0 ||
		batch->level != GetCurrentTransactionNestLevel())
		return;

	/* before commit there is no active snapshot, which TOAST may want */
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	old = MemoryContextSwitchTo(batch->arena);
	while (from < batch->nrows)
	{
		Oid			relid = paysafe_audit_partition_for(batch->at[from]);
		int			to = from + 1;

		while (to < batch->nrows && paysafe_audit_partition_for(batch->at[to]) == relid)
			to++;
		write_rows(batch, from, to);
		from = to;
	}
	batch->nrows = 0;
	batch->bytes = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(batch->arena);
	if (snapshot_set)
		PopActiveSnapshot();
}

void
paysafe_audit_log_end_transaction(bool aborted)
{
	/* memory goes with TopTransactionContext; slots may still point there */
	for (int i = 0; slots_filled && i < BATCH_ROWS; i++)
		ExecClearTuple(row_slots[i]);
	slots_filled = false;
	batches = NULL;
	/* whether it was prepared or has committed: to be sealed when it has ended */
	if (!aborted && next_seq > 1)
	{
		last_xid = own_xid;
		paysafe_seal_shared_note(own_xid);
	}
	next_seq = 1;
	own_xid = 0;
	paysafe_audit_shape_forget();
}

uint64
paysafe_audit_log_last(bool *now)
{
	*now = next_seq > 1;
	return last_xid;
}

void
paysafe_audit_log_end_subtransaction(bool committed, int level)
{
	while (batches != NULL && batches->level >= level)
	{
		Batch	   *batch = batches;

		Assert(!committed || batch->nrows == 0);
		if (!committed)
			next_seq = batch->first_seq;
		else if (batch->outer == NULL || batch->outer->level < level - 1)
		{
			/* its rows are the parent's now, whose rollback gives their numbers back */
			batch->level = level - 1;
			break;
		}
		batches = batch->outer;
		MemoryContextDelete(batch->arena);
		pfree(batch);
	}
	if (!committed)
		paysafe_audit_shape_forget();
}

/* How the rows of an own table look. */
typedef struct OwnShape
{
	Oid			relid;
	RowKey		key;
	AuditShape *shape;
} OwnShape;

/* Of the one that was written to last: most write to the same one, for each refund for instance. */
static OwnShape kept;
static MemoryContext kept_context = NULL;

/* Of refusals, of which many follow each other: they are written before commit, and point there. */
static OwnShape many;
static uint64 many_xid;			/* in whose memory it is */

static void
own_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == kept.relid)
		kept.relid = InvalidOid;
}

static void
describe_own(OwnShape *own, Relation rel, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Oid			relid = RelationGetRelid(rel);

	own->relid = InvalidOid;
	own->key.n = paysafe_row_key_columns(rel, &own->key.attnums);
	own->shape = paysafe_audit_shape(rel, relid, psprintf("paysafe.%s", RelationGetRelationName(rel)),
									 NIL, own->key.attnums, own->key.n);
	own->relid = relid;
	MemoryContextSwitchTo(old);
}

static void
append_own(const OwnShape *own, Relation rel, TupleTableSlot *row)
{
	paysafe_audit_log_append(own->shape, 'I', GetCurrentCommandId(false),
							 paysafe_row_key_text(&own->key, RelationGetDescr(rel), row), NULL, row);
}

/* A new row of one of paysafe's own tables: rules, approvals, currencies, API keys. */
static void
record_own_row(Relation rel, TupleTableSlot *row)
{
	uint64		xid = U64FromFullTransactionId(GetTopFullTransactionId());

	if (RelationGetRelid(rel) == paysafe_catalog_table(PAYSAFE_REFUSAL_RECORD))
	{
		if (many.relid != RelationGetRelid(rel) || many_xid != xid)
			describe_own(&many, rel, TopTransactionContext);
		many_xid = xid;
		append_own(&many, rel, row);
		return;
	}
	if (kept.relid != RelationGetRelid(rel))
	{
		if (kept_context == NULL)
			kept_context = AllocSetContextCreate(TopMemoryContext, "paysafe own table", ALLOCSET_SMALL_SIZES);
		MemoryContextReset(kept_context);
		describe_own(&kept, rel, kept_context);
	}
	append_own(&kept, rel, row);
	/* not part of a statement's batch */
	paysafe_audit_log_flush();
}

void
paysafe_audit_log_init(void)
{
	paysafe_audit_context_init();
	paysafe_audit_key_init();
	paysafe_invalidation_register(own_changed);
	paysafe_store_set_recorder(record_own_row);
	paysafe_store_set_completion(paysafe_audit_partition_ensure);
}

/* SQL-callable functions */

/* The leaf hash of the row that is the first argument; false if it cannot be computed. */
static bool
hash_again(FunctionCallInfo fcinfo, uint8 *hash)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	bytea	   *digest = PG_GETARG_BYTEA_PP(1);
	StringInfoData payload;
	uint8		leaf[AUDIT_LEAF_LEN];
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];

	if (VARSIZE_ANY_EXHDR(digest) != PAYSAFE_SHA256_LEN)
		return false;
	for (int i = 0; i < ROW_NCOLUMNS; i++)
		values[i] = GetAttributeByNum(row, i + 1, &nulls[i]);
	initStringInfo(&payload);
	if (!paysafe_audit_leaf_of_row(paysafe_audit_keys_of_call(fcinfo), values, nulls,
								   (uint8 *) VARDATA_ANY(digest), &payload, leaf))
		return false;
	paysafe_audit_leaf_hash_bytes(leaf, hash);
	return true;
}

PG_FUNCTION_INFO_V1(paysafe_audit_leaf_hash);

/*
 * audit_leaf_hash(row audit_row, shape_digest bytea) returns bytea: the leaf
 * hash computed again from the stored row
 */
Datum
paysafe_audit_leaf_hash(PG_FUNCTION_ARGS)
{
	uint8		hash[PAYSAFE_SHA256_LEN];

	if (!hash_again(fcinfo, hash))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(paysafe_argument_bytea(hash, sizeof(hash)));
}

PG_FUNCTION_INFO_V1(paysafe_audit_leaf_check);

/*
 * audit_leaf_check(row audit_row, shape_digest bytea) returns int: what leaf_check of
 * the stored row should be
 */
Datum
paysafe_audit_leaf_check(PG_FUNCTION_ARGS)
{
	uint8		hash[PAYSAFE_SHA256_LEN];

	if (!hash_again(fcinfo, hash))
		PG_RETURN_NULL();
	PG_RETURN_INT32(paysafe_audit_leaf_check_of(hash));
}
