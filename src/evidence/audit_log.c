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
 * Each row carries the hash of a leaf for the tree that will seal the log:
 *
 *	payload = nonce || for key, context, after, before:
 *			  length (4 bytes, big endian; FFFFFFFF: absent) || bytes ||
 *			  zero bytes up to a multiple of four
 *	leaf	= 01 || xid (8) || seq (4) || at (8, microseconds since 2000) ||
 *			  op (1) || digest of the shape (32) || SHA-256(payload)
 *	leaf_hash = SHA-256(00 || leaf)
 *
 * so that a payload can be removed later, with its nonce, while the leaf and
 * every proof about it stay.  The prefix 00 is RFC 6962's for leaves.
 *
 * Memory: the buffer has at most BATCH_ROWS rows or BATCH_BYTES bytes, and is
 * reused; the slots and the descriptor live as long as the backend.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "port/pg_bswap.h"
#include "replication/origin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/actor.h"
#include "core/catalog.h"
#include "core/compat.h"
#include "core/declare.h"
#include "core/key.h"
#include "core/spec.h"
#include "core/store.h"
#include "evidence/audit_log.h"
#include "evidence/canon.h"

#define BATCH_ROWS		128
#define BATCH_BYTES		(256 * 1024)
#define NONCE_LEN		16
#define LEAF_VERSION	1
#define CONTEXT_VERSION 1
#define NULL_LENGTH		0xFFFFFFFF

/* Columns of paysafe.audit_row. */
enum
{
	ROW_AT, ROW_XID, ROW_SHAPE, ROW_SEQ, ROW_OP, ROW_KEY, ROW_CONTEXT,
	ROW_AFTER, ROW_BEFORE, ROW_NONCE, ROW_LEAF_HASH,
	ROW_NCOLUMNS
};

/* Columns of paysafe.audit_shape. */
enum
{
	SHAPE_ID, SHAPE_DIGEST, SHAPE_SUBJECT, SHAPE_SCHEMA, SHAPE_TABLE,
	SHAPE_ENCODING, SHAPE_KEY_COLUMNS, SHAPE_COLUMNS, SHAPE_SINCE,
	SHAPE_NCOLUMNS
};

/* Rows waiting to be written, of one subtransaction level. */
typedef struct Batch
{
	int			level;
	int			nrows;
	Size		bytes;
	HeapTuple	tuples[BATCH_ROWS];
	TimestampTz at[BATCH_ROWS];
	MemoryContext arena;		/* of the tuples */
	struct Batch *outer;
} Batch;

static Batch *batches = NULL;	/* innermost first; TopTransactionContext */
static int32 next_seq = 1;		/* within the top-level transaction */

/* The descriptor of paysafe.audit_row, and slots over it; for the backend. */
static TupleDesc row_desc = NULL;
static TupleTableSlot *row_slots[BATCH_ROWS];

/* The partition written last, with its bounds [lower, upper). */
static struct
{
	Oid			parent;
	Oid			relid;
	TimestampTz lower;
	TimestampTz upper;
}			partition;

/* Who and why, as bytes, and what they were made from. */
static struct
{
	StringInfoData bytes;
	uint64		actor_generation;
	Oid			user;
	Oid			session_user;
	char		application_name[NAMEDATALEN];
	RepOriginId origin;
	bool		valid;
}			context_cache;

/*
 * A shape is known to be stored if its mark is ALWAYS, or equals the epoch
 * because this transaction stored it itself.  The epoch moves on when a
 * (sub)transaction ends.
 */
#define KNOWN_ALWAYS PG_UINT64_MAX
static uint64 epoch = 1;

/*
 * Shapes
 */

static void
put_string(StringInfo out, const char *string)
{
	paysafe_canon_put_field(out, string, string ? strlen(string) : 0);
}

static void
digest_shape(AuditShape *shape)
{
	StringInfoData bytes;
	ListCell   *lc;
	int64		id;

	initStringInfo(&bytes);
	put_string(&bytes, shape->subject);
	put_string(&bytes, shape->schema_name);
	put_string(&bytes, shape->table_name);
	put_string(&bytes, GetDatabaseEncodingName());
	paysafe_canon_put_length(&bytes, list_length(shape->key_columns));
	foreach(lc, shape->key_columns)
		put_string(&bytes, lfirst(lc));
	put_string(&bytes, JsonbToCString(NULL, &shape->columns->root, VARSIZE(shape->columns)));
	paysafe_crypto_sha256(bytes.data, bytes.len, shape->digest);
	memcpy(&id, shape->digest, sizeof(id));
	shape->id = pg_ntoh64(id);
}

static bool
read_redaction_key(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;
	bytea	   *key = DatumGetByteaPP(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));
	StringInfo	out = arg;

	appendBinaryStringInfo(out, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	return false;
}

/* The key for one column's hashes, derived from the database's redaction key. */
static void
redaction_key(const char *subject, const char *column, uint8 *out)
{
	StringInfoData master;
	StringInfoData label;

	initStringInfo(&master);
	paysafe_store_scan(PAYSAFE_REDACTION_KEY, NULL, 0, NULL, read_redaction_key, &master);
	if (master.len < 32)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the redaction key of paysafe is missing"),
				 errhint("Add one: see \"Redaction\" in doc/reference.md.")));
	initStringInfo(&label);
	put_string(&label, subject);
	put_string(&label, column);
	paysafe_crypto_hmac_sha256((uint8 *) master.data, master.len, label.data, label.len, out);
	explicit_bzero(master.data, master.len);
}

AuditShape *
paysafe_audit_shape(Relation leaf, Oid layout, const char *subject, List *redacted,
					const AttrNumber *key_attnums, int nkeys)
{
	AuditShape *shape = palloc0(sizeof(AuditShape));
	Relation	rel = table_open(layout, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);

	shape->subject = pstrdup(subject);
	shape->schema_name = get_namespace_name(RelationGetNamespace(rel));
	shape->table_name = pstrdup(RelationGetRelationName(rel));
	for (int i = 0; i < nkeys; i++)
		shape->key_columns = lappend(shape->key_columns,
									 pstrdup(NameStr(TupleDescAttr(RelationGetDescr(leaf),
																   key_attnums[i] - 1)->attname)));
	shape->shape.columns = palloc0(sizeof(CanonColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		CanonColumn *column = &shape->shape.columns[shape->shape.ncolumns];

		/* what is not stored is not evidence */
		if (att->attisdropped || (att->attgenerated != '\0' &&
								  att->attgenerated != ATTRIBUTE_GENERATED_STORED))
			continue;
		column->name = pstrdup(NameStr(att->attname));
		column->attlen = att->attlen;
		column->attbyval = att->attbyval;
		column->type_name = format_type_with_typemod(att->atttypid, att->atttypmod);
		column->attnum = RelationGetRelid(leaf) == layout ? att->attnum :
			get_attnum(RelationGetRelid(leaf), column->name);
		column->type = paysafe_canon_type(att->atttypid);
		column->redacted = paysafe_strings_contain(redacted, column->name);
		if (column->redacted)
			redaction_key(subject, column->name, column->redaction_key);
		shape->shape.ncolumns++;
	}
	shape->columns = paysafe_canon_shape_jsonb(&shape->shape);
	digest_shape(shape);
	table_close(rel, AccessShareLock);
	return shape;
}

typedef struct FindShape
{
	const AuditShape *shape;
	bool		found;
	bool		own;			/* stored by this transaction */
} FindShape;

static bool
find_shape(Relation rel, HeapTuple tuple, void *arg)
{
	FindShape  *find = arg;
	bool		isnull;
	bytea	   *digest = DatumGetByteaPP(heap_getattr(tuple, SHAPE_DIGEST + 1,
													  RelationGetDescr(rel), &isnull));

	if (VARSIZE_ANY_EXHDR(digest) != PAYSAFE_SHA256_LEN ||
		memcmp(VARDATA_ANY(digest), find->shape->digest, PAYSAFE_SHA256_LEN) != 0)
		return true;
	find->found = true;
	find->own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	return find->own;			/* look on for a committed one */
}

static bytea *
make_bytea(const void *data, int len)
{
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return result;
}

static Datum
text_array(List *strings)
{
	Datum	   *elems = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, strings)
		elems[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elems, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Rows refer to their shape, so it is stored with the first of them.  Two
 * transactions may store the same one at the same time: that is harmless, and
 * cheaper than making one wait for the other to commit.
 */
static void
store_shape(AuditShape *shape)
{
	FindShape	find = {.shape = shape};
	Datum		key = Int64GetDatum(shape->id);

	paysafe_store_scan(PAYSAFE_AUDIT_SHAPE, "audit_shape_id", 1, &key, find_shape, &find);
	if (!find.found)
	{
		Datum		values[SHAPE_NCOLUMNS];
		bool		nulls[SHAPE_NCOLUMNS] = {0};
		NameData	encoding;

		namestrcpy(&encoding, GetDatabaseEncodingName());
		values[SHAPE_ID] = Int64GetDatum(shape->id);
		values[SHAPE_DIGEST] = PointerGetDatum(make_bytea(shape->digest, PAYSAFE_SHA256_LEN));
		values[SHAPE_SUBJECT] = CStringGetTextDatum(shape->subject);
		values[SHAPE_SCHEMA] = CStringGetTextDatum(shape->schema_name);
		values[SHAPE_TABLE] = CStringGetTextDatum(shape->table_name);
		values[SHAPE_ENCODING] = NameGetDatum(&encoding);
		values[SHAPE_KEY_COLUMNS] = text_array(shape->key_columns);
		values[SHAPE_COLUMNS] = JsonbPGetDatum(shape->columns);
		values[SHAPE_SINCE] = TimestampTzGetDatum(GetCurrentTimestamp());
		paysafe_store_insert(PAYSAFE_AUDIT_SHAPE, values, nulls);
		find.own = true;
	}
	shape->known = find.own ? epoch : KNOWN_ALWAYS;
}

/*
 * Context: who and why
 */

static void
build_context(void)
{
	const PaysafeActor *actor = paysafe_actor_current();
	StringInfo	out = &context_cache.bytes;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	char	   *login = paysafe_actor_login();
	char	   *session_user_name = paysafe_actor_session_user();
	char	   *current_user_name = GetUserNameFromId(GetUserId(), true);
	uint16		origin = pg_hton16(replorigin_session_origin);
	char		version = CONTEXT_VERSION;

	if (out->data == NULL)
		initStringInfo(out);
	MemoryContextSwitchTo(old);
	context_cache.valid = false;
	resetStringInfo(out);
	appendBinaryStringInfo(out, &version, 1);
	put_string(out, actor ? actor->name : NULL);
	put_string(out, login);
	/* absent: the same as the one before */
	put_string(out, strcmp(session_user_name, login) == 0 ? NULL : session_user_name);
	put_string(out, strcmp(current_user_name, session_user_name) == 0 ? NULL : current_user_name);
	put_string(out, paysafe_actor_client());
	put_string(out, paysafe_actor_certificate());
	put_string(out, application_name);
	put_string(out, actor ? actor->reason : NULL);
	put_string(out, actor ? actor->ticket : NULL);
	put_string(out, actor ? actor->request_id : NULL);
	put_string(out, actor ? actor->business_id : NULL);
	paysafe_canon_put_field(out, replorigin_session_origin != InvalidRepOriginId ?
							(char *) &origin : NULL, sizeof(origin));

	context_cache.actor_generation = paysafe_actor_generation();
	context_cache.user = GetUserId();
	context_cache.session_user = GetSessionUserId();
	context_cache.origin = replorigin_session_origin;
	strlcpy(context_cache.application_name, application_name, NAMEDATALEN);
	context_cache.valid = true;
}

static inline StringInfo
current_context(void)
{
	if (!context_cache.valid ||
		context_cache.actor_generation != paysafe_actor_generation() ||
		context_cache.user != GetUserId() ||
		context_cache.session_user != GetSessionUserId() ||
		context_cache.origin != replorigin_session_origin ||
		strcmp(context_cache.application_name, application_name) != 0)
		build_context();
	return &context_cache.bytes;
}

/*
 * Rows
 */

/* Leave room for a length, remember where. */
static int
begin_field(StringInfo payload)
{
	int			start = payload->len;

	enlargeStringInfo(payload, 8);
	payload->len += sizeof(uint32);
	return start;
}

static void
end_field(StringInfo payload, int start)
{
	uint32		length = pg_hton32(payload->len - start - sizeof(uint32));

	memcpy(payload->data + start, &length, sizeof(length));
	enlargeStringInfo(payload, 4);
	while (payload->len % 4 != 0)
		payload->data[payload->len++] = 0;
}

static int
null_field(StringInfo payload)
{
	uint32		length = NULL_LENGTH;

	appendBinaryStringInfo(payload, (char *) &length, sizeof(length));
	return -1;
}

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
hash_leaf(uint64 xid, int32 seq, TimestampTz at, char op, const uint8 *shape_digest,
		  const void *payload, int payload_len, uint8 *out)
{
	uint8		leaf[1 + 1 + 8 + 4 + 8 + 1 + 2 * PAYSAFE_SHA256_LEN];
	uint8	   *p = leaf;

	xid = pg_hton64(xid);
	seq = pg_hton32(seq);
	at = pg_hton64(at);
	*p++ = 0;
	*p++ = LEAF_VERSION;
	p = (uint8 *) memcpy(p, &xid, 8) + 8;
	p = (uint8 *) memcpy(p, &seq, 4) + 4;
	p = (uint8 *) memcpy(p, &at, 8) + 8;
	*p++ = op;
	p = (uint8 *) memcpy(p, shape_digest, PAYSAFE_SHA256_LEN) + PAYSAFE_SHA256_LEN;
	paysafe_crypto_sha256(payload, payload_len, p);
	paysafe_crypto_sha256(leaf, sizeof(leaf), out);
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
		Batch	   *batch = MemoryContextAllocZero(TopTransactionContext, sizeof(Batch));

		batch->level = level;
		batch->arena = AllocSetContextCreate(TopTransactionContext, "paysafe audit batch",
											 ALLOCSET_DEFAULT_SIZES);
		batch->outer = batches;
		batches = batch;
	}
	return batches;
}

void
paysafe_audit_append(AuditShape *shape, char op, const char *key,
					 TupleTableSlot *before, TupleTableSlot *after)
{
	static StringInfoData payload = {0};	/* reused; lives with the backend */
	Batch	   *batch;
	MemoryContext old;
	StringInfo	context = current_context();
	uint64		xid = U64FromFullTransactionId(GetTopFullTransactionId());
	TimestampTz at = GetCurrentTimestamp();
	int			field[4];
	int			start;
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS] = {0};
	struct
	{
		int32		header;
		uint8		bytes[NONCE_LEN];
	}			nonce;
	struct
	{
		int32		header;
		uint8		bytes[PAYSAFE_SHA256_LEN];
	}			leaf_hash;

	if (unlikely(shape->known != KNOWN_ALWAYS && shape->known != epoch))
		store_shape(shape);
	if (unlikely(row_desc == NULL))
		prepare_desc();
	if (unlikely(payload.data == NULL))
	{
		old = MemoryContextSwitchTo(TopMemoryContext);
		initStringInfo(&payload);
		MemoryContextSwitchTo(old);
	}

	paysafe_crypto_random(nonce.bytes, NONCE_LEN);
	resetStringInfo(&payload);
	appendBinaryStringInfo(&payload, (char *) nonce.bytes, NONCE_LEN);
	start = field[0] = begin_field(&payload);
	appendStringInfoString(&payload, key);
	end_field(&payload, start);
	start = field[1] = begin_field(&payload);
	appendBinaryStringInfo(&payload, context->data, context->len);
	end_field(&payload, start);
	if (after == NULL)
		field[2] = null_field(&payload);
	else
	{
		start = field[2] = begin_field(&payload);
		paysafe_canon_row(&shape->shape, after, &payload);
		end_field(&payload, start);
	}
	if (before == NULL)
		field[3] = null_field(&payload);
	else
	{
		start = field[3] = begin_field(&payload);
		if (after == NULL)
			paysafe_canon_row(&shape->shape, before, &payload);
		else
			paysafe_canon_difference(&shape->shape, before, after, &payload);
		end_field(&payload, start);
	}
	hash_leaf(xid, next_seq, at, op, shape->digest, payload.data, payload.len,
			  leaf_hash.bytes);

	SET_VARSIZE(&nonce, sizeof(nonce));
	SET_VARSIZE(&leaf_hash, sizeof(leaf_hash));
	values[ROW_AT] = TimestampTzGetDatum(at);
	values[ROW_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
	values[ROW_SHAPE] = Int64GetDatum(shape->id);
	values[ROW_SEQ] = Int32GetDatum(next_seq);
	values[ROW_OP] = CharGetDatum(op);
	values[ROW_NONCE] = PointerGetDatum(&nonce);
	values[ROW_LEAF_HASH] = PointerGetDatum(&leaf_hash);
	for (int i = 0; i < 4; i++)
	{
		nulls[ROW_KEY + i] = field[i] < 0;
		values[ROW_KEY + i] = field[i] < 0 ? (Datum) 0 : field_datum(&payload, field[i]);
	}

	batch = current_batch();
	old = MemoryContextSwitchTo(batch->arena);
	batch->tuples[batch->nrows] = heap_form_tuple(row_desc, values, nulls);
	MemoryContextSwitchTo(old);
	batch->at[batch->nrows] = at;
	batch->bytes += batch->tuples[batch->nrows]->t_len;
	batch->nrows++;
	next_seq++;

	/* one large row must not keep its buffer for the rest of the session */
	if (unlikely(payload.maxlen > BATCH_BYTES))
	{
		pfree(payload.data);
		payload.data = NULL;
	}
	if (batch->nrows == BATCH_ROWS || batch->bytes >= BATCH_BYTES)
		paysafe_audit_flush();
}

/*
 * Partitions
 */

static void
forget_partition(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == partition.relid || relid == partition.parent)
		partition.relid = InvalidOid;
}

/* The partition for a time, its bounds remembered. */
static Oid
partition_for(TimestampTz at)
{
	Relation	rel;
	PartitionDesc desc;
	PartitionKey key;
	PartitionBoundInfo bounds;
	Datum		value = TimestampTzGetDatum(at);
	bool		equal;
	int			offset;
	int			index;

	if (likely(OidIsValid(partition.relid) && at >= partition.lower && at < partition.upper))
		return partition.relid;

	partition.parent = paysafe_catalog_table(PAYSAFE_AUDIT_ROW);
	rel = table_open(partition.parent, AccessShareLock);
	key = RelationGetPartitionKey(rel);
	desc = RelationGetPartitionDesc(rel, true);
	bounds = desc->boundinfo;
	if (bounds == NULL)
		index = -1;
	else
	{
		offset = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
											   bounds, 1, &value, &equal);
		index = bounds->indexes[offset + 1];
		partition.lower = PG_INT64_MAX;
		partition.upper = PG_INT64_MIN;
		if (index >= 0 && offset >= 0 && offset + 1 < bounds->ndatums &&
			bounds->kind[offset][0] == PARTITION_RANGE_DATUM_VALUE &&
			bounds->kind[offset + 1][0] == PARTITION_RANGE_DATUM_VALUE)
		{
			partition.lower = DatumGetTimestampTz(bounds->datums[offset][0]);
			partition.upper = DatumGetTimestampTz(bounds->datums[offset + 1][0]);
		}
		if (index < 0)
			index = bounds->default_index;
	}
	if (index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log has no partition for the current time"),
				 errdetail("A change that cannot be recorded is refused."),
				 errhint("Run SELECT paysafe.extend_audit();")));
	partition.relid = desc->oids[index];
	table_close(rel, AccessShareLock);
	return partition.relid;
}

/* Write rows [from, to) of the batch; all belong into one partition. */
static void
write_rows(Batch *batch, int from, int to)
{
	Relation	rel = table_open(partition_for(batch->at[from]), RowExclusiveLock);

	for (int i = from; i < to; i++)
		ExecStoreHeapTuple(batch->tuples[i], row_slots[i], false);
	table_multi_insert(rel, &row_slots[from], to - from, GetCurrentCommandId(true), 0, NULL);
	paysafe_store_index(rel, &row_slots[from], to - from);
	for (int i = from; i < to; i++)
		ExecClearTuple(row_slots[i]);
	table_close(rel, NoLock);
}

void
paysafe_audit_flush(void)
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
		Oid			relid = partition_for(batch->at[from]);
		int			to = from + 1;

		while (to < batch->nrows && partition_for(batch->at[to]) == relid)
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
paysafe_audit_end_transaction(void)
{
	/* memory goes with TopTransactionContext; slots may still point there */
	if (batches != NULL)
		for (int i = 0; i < BATCH_ROWS; i++)
			if (row_slots[i] != NULL)
				ExecClearTuple(row_slots[i]);
	batches = NULL;
	next_seq = 1;
	epoch++;
	context_cache.valid = false;
}

void
paysafe_audit_end_subtransaction(bool committed, int level)
{
	while (batches != NULL && batches->level >= level)
	{
		Batch	   *batch = batches;

		Assert(!committed || batch->nrows == 0);
		batches = batch->outer;
		MemoryContextDelete(batch->arena);
		pfree(batch);
	}
	if (!committed)
		epoch++;
}

/*
 * Rows of paysafe's own tables: rules, thresholds, approvals, currencies.
 */
static void
record_own_row(Relation rel, TupleTableSlot *row)
{
	Oid			relid = RelationGetRelid(rel);
	AttrNumber *key_attnums;
	RelationRules identity = {0};
	AuditShape *shape;

	if (relid != paysafe_catalog_table(PAYSAFE_RULE) &&
		relid != paysafe_catalog_table(PAYSAFE_THRESHOLD) &&
		relid != paysafe_catalog_table(PAYSAFE_CURRENCY) &&
		relid != paysafe_catalog_table(PAYSAFE_APPROVAL_RECORD) &&
		relid != paysafe_catalog_table(PAYSAFE_APPROVAL_END))
		return;
	identity.nkeys = paysafe_key_columns(rel, &key_attnums);
	identity.key_attnums = key_attnums;
	shape = paysafe_audit_shape(rel, relid,
								psprintf("paysafe.%s", RelationGetRelationName(rel)),
								NIL, key_attnums, identity.nkeys);
	paysafe_audit_append(shape, 'I', paysafe_key_text(&identity, RelationGetDescr(rel), row),
						 NULL, row);
	/* not part of a statement's batch */
	paysafe_audit_flush();
}

/*
 * Partitions, made ahead.  They are no members of the extension, so pg_dump
 * dumps them, their rows, indexes and triggers as ordinary tables.
 */

#define AUDIT_MONTHS_AHEAD 24

static char *
month_name(int year, int month)
{
	return psprintf("audit_%04d_%02d", year, month);
}

static void
current_month(TimestampTz at, int *year, int *month)
{
	struct pg_tm tm;
	fsec_t		fsec;

	/* the months are those of UTC */
	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	*year = tm.tm_year;
	*month = tm.tm_mon;
}

static void
protect_own_table(const char *table)
{
	paysafe_declare_run(psprintf("CREATE TRIGGER paysafe_own BEFORE INSERT OR UPDATE OR DELETE ON paysafe.%s FOR EACH ROW EXECUTE FUNCTION paysafe.own_table()", table));
	paysafe_declare_run(psprintf("ALTER TABLE paysafe.%s ENABLE ALWAYS TRIGGER paysafe_own", table));
	paysafe_declare_run(psprintf("CREATE TRIGGER paysafe_own_truncate BEFORE TRUNCATE ON paysafe.%s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.own_table()", table));
	paysafe_declare_run(psprintf("ALTER TABLE paysafe.%s ENABLE ALWAYS TRIGGER paysafe_own_truncate", table));
}

static void
create_partition(const char *name, const char *bounds)
{
	/*
	 * Made first and attached then, because CREATE TABLE ... PARTITION OF
	 * would lock readers of the log out until the transaction ends.
	 */
	paysafe_declare_run(psprintf("CREATE TABLE paysafe.%s (LIKE paysafe.audit_row INCLUDING ALL)", name));
	/*
	 * For paysafe.history.  Adding to a btree would cost a writer as much as
	 * hashing the row; a range of blocks and what keys may be in it costs
	 * next to nothing, and autovacuum fills it in.
	 */
	paysafe_declare_run(psprintf("CREATE INDEX %s_key ON paysafe.%s USING brin (key text_bloom_ops (n_distinct_per_range = -1)) WITH (pages_per_range = 16, autosummarize = on)", name, name));
	protect_own_table(name);
	paysafe_declare_run(psprintf("ALTER TABLE paysafe.audit_row ATTACH PARTITION paysafe.%s %s", name, bounds));
}

/* Rows of the default partition are newer than this, or -infinity if none. */
static TimestampTz
newest_in_default(void)
{
	TimestampTz newest = DT_NOBEGIN;
	Oid			relid = get_relname_relid("audit_default",
										  get_rel_namespace(paysafe_catalog_table(PAYSAFE_AUDIT_ROW)));
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot = paysafe_latest_snapshot();
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;

		newest = Max(newest, DatumGetTimestampTz(slot_getattr(slot, ROW_AT + 1, &isnull)));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return newest;
}

/*
 * Make what is missing of the default partition and the monthly ones from the
 * current month on.  Returns how many were made.
 */
static int
extend_partitions(int months)
{
	Oid			schema = get_rel_namespace(paysafe_catalog_table(PAYSAFE_AUDIT_ROW));
	int			year;
	int			month;
	int			made = 0;
	int			occupied_year = 0;
	int			occupied_month = 0;
	bool		locked = false;

	if (creating_extension)
		elog(ERROR, "partitions of the audit log must not become members of the extension");
	current_month(GetCurrentTimestamp(), &year, &month);
	for (int i = -1; i <= months; i++)
	{
		char	   *name = i < 0 ? "audit_default" : month_name(year, month);
		int			next_year = month == 12 ? year + 1 : year;
		int			next_month = month == 12 ? 1 : month + 1;

		if (!OidIsValid(get_relname_relid(name, schema)))
		{
			if (!locked)
			{
				/* one session at a time; then look again */
				LockRelationOid(paysafe_catalog_table(PAYSAFE_AUDIT_ROW), ShareUpdateExclusiveLock);
				locked = true;
				if (i >= 0)
				{
					TimestampTz newest = newest_in_default();

					if (newest != DT_NOBEGIN)
						current_month(newest, &occupied_year, &occupied_month);
				}
			}
			if (!OidIsValid(get_relname_relid(name, schema)))
			{
				if (i < 0)
				{
					create_partition(name, "DEFAULT");
					made++;
				}
				else if (year * 12 + month > occupied_year * 12 + occupied_month)
				{
					create_partition(name,
									 psprintf("FOR VALUES FROM ('%04d-%02d-01 00:00:00+00') TO ('%04d-%02d-01 00:00:00+00')",
											  year, month, next_year, next_month));
					made++;
				}
			}
		}
		if (i >= 0)
		{
			year = next_year;
			month = next_month;
		}
	}
	return made;
}

static void
complete_declaration(void)
{
	(void) extend_partitions(AUDIT_MONTHS_AHEAD);
}

void
paysafe_audit_log_init(void)
{
	CacheRegisterRelcacheCallback(forget_partition, (Datum) 0);
	paysafe_store_set_recorder(record_own_row);
	paysafe_declare_set_completion(complete_declaration);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_extend_audit);

/*
 * extend_audit(months int) returns int: how many partitions were made
 */
Datum
paysafe_extend_audit(PG_FUNCTION_ARGS)
{
	int32		months = PG_GETARG_INT32(0);

	if (months < 1 || months > 1200)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and 1200", "months")));
	PG_RETURN_INT32(extend_partitions(months));
}

PG_FUNCTION_INFO_V1(paysafe_audit_leaf_hash);

/*
 * audit_leaf_hash(row audit_row, shape_digest bytea) returns bytea: the leaf
 * hash computed again from the stored row
 */
Datum
paysafe_audit_leaf_hash(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	bytea	   *digest = PG_GETARG_BYTEA_PP(1);
	StringInfoData payload;
	bytea	   *result = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	bool		isnull;
	Datum		value = GetAttributeByNum(row, ROW_NONCE + 1, &isnull);

	/* a row whose payload was removed cannot be computed again */
	if (isnull || VARSIZE_ANY_EXHDR(digest) != PAYSAFE_SHA256_LEN)
		PG_RETURN_NULL();
	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, VARDATA_ANY(DatumGetByteaPP(value)),
						   VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)));
	for (int i = 0; i < 4; i++)
	{
		value = GetAttributeByNum(row, ROW_KEY + i + 1, &isnull);
		if (isnull)
			(void) null_field(&payload);
		else
		{
			int			start = begin_field(&payload);
			struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

			appendBinaryStringInfo(&payload, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
			end_field(&payload, start);
		}
	}
	SET_VARSIZE(result, VARHDRSZ + PAYSAFE_SHA256_LEN);
	hash_leaf(U64FromFullTransactionId(DatumGetFullTransactionId(GetAttributeByNum(row, ROW_XID + 1, &isnull))),
			  DatumGetInt32(GetAttributeByNum(row, ROW_SEQ + 1, &isnull)),
			  DatumGetTimestampTz(GetAttributeByNum(row, ROW_AT + 1, &isnull)),
			  DatumGetChar(GetAttributeByNum(row, ROW_OP + 1, &isnull)),
			  (uint8 *) VARDATA_ANY(digest), payload.data, payload.len,
			  (uint8 *) VARDATA(result));
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(paysafe_audit_context);

/*
 * audit_context(context bytea, encoding name) returns record: see
 * paysafe.audit_log
 */
Datum
paysafe_audit_context(PG_FUNCTION_ARGS)
{
	enum
	{
		SESSION_USER = 2, CURRENT_USER, NTEXTS = 11, ORIGIN = NTEXTS, NFIELDS
	};
	bytea	   *context = PG_GETARG_BYTEA_PP(0);
	int			encoding = pg_char_to_encoding(NameStr(*PG_GETARG_NAME(1)));
	const char *pos = VARDATA_ANY(context);
	const char *end = pos + VARSIZE_ANY_EXHDR(context);
	TupleDesc	desc;
	Datum		values[NFIELDS];
	bool		nulls[NFIELDS];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != NFIELDS)
		elog(ERROR, "return type must be a row type");
	if (encoding < 0 || pos == end || *pos++ != CONTEXT_VERSION)
		goto malformed;
	for (int i = 0; i < NFIELDS; i++)
	{
		const char *data;
		int			len;

		if (!paysafe_canon_get_field(&pos, end, &data, &len))
			goto malformed;
		nulls[i] = data == NULL;
		values[i] = (Datum) 0;
		if (data == NULL)
		{
			/* absent: the same as the one before */
			if (i == SESSION_USER || i == CURRENT_USER)
			{
				nulls[i] = nulls[i - 1];
				values[i] = values[i - 1];
			}
			continue;
		}
		if (i < NTEXTS)
		{
			/* also checks the bytes */
			char	   *copy = pnstrdup(data, len);

			if (strlen(copy) != len)
				goto malformed;
			values[i] = CStringGetTextDatum(pg_any_to_server(copy, len, encoding));
		}
		else if (i == ORIGIN && len == sizeof(uint16))
		{
			uint16		origin;

			memcpy(&origin, data, sizeof(origin));
			values[i] = Int32GetDatum(pg_ntoh16(origin));
		}
		else
			goto malformed;
	}
	if (pos != end)
		goto malformed;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));

malformed:
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed context in the audit log")));
	PG_RETURN_NULL();
}
