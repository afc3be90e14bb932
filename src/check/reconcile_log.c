/*-------------------------------------------------------------------------
 *
 * reconcile_log.c
 *	  What the audit log says of the rows of one table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/any_text.h"
#include "check/reconcile_log.h"
#include "compat.h"
#include "evidence/audit_log.h"
#include "evidence/audit_partition.h"
#include "evidence/audit_shape.h"
#include "evidence/retention/retention.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

struct ReconcileLog
{
	const char *subject;
	Snapshot	snapshot;
	TimestampTz since;			/* when this database began to record */
	TimestampTz purged_until;	/* newer images than one from before may have left the log */
	bool		lacks;			/* images have left it, or are under keys of before */
	bool		came;			/* it has rows from before */
	char	   *table;			/* name of the declared one */
	List	   *left_out;		/* OIDs of tables */
	List	   *key_columns;	/* names, today */
	int			nkeys;
	AttrNumber *key_attnums;	/* in the layout */
	bool	   *padded;			/* char(n), whose blanks are no part of a key */
	HTAB	   *shapes;			/* of LoggedShape */
	MemoryContext context;		/* of the shapes */
};

/* The position of a column in a shape, by its name or else its number; -1: none. */
static int
position_of(const CanonShape *shape, const char *name, AttrNumber attnum)
{
	int			result = -1;

	for (int i = 0; i < shape->ncolumns; i++)
	{
		if (strcmp(shape->columns[i].name, name) == 0)
			return i;
		if (AttributeNumberIsValid(attnum) && shape->columns[i].layout_attnum == attnum)
			result = i;
	}
	return result;
}

/*
 * The columns that the shape's rows are sorted by: those of today's key, or, where it
 * lacks one of them, those of the key that it had.
 */
static void
find_keys(ReconcileLog *log, LoggedShape *shape, List *logged)
{
	int			n = 0;
	ListCell   *lc;

	shape->keys = palloc0(sizeof(int) * Max(shape->shape->ncolumns, log->nkeys));
	shape->nkeys = log->nkeys;
	shape->as_logged = list_length(logged) == log->nkeys;
	foreach(lc, log->key_columns)
	{
		shape->as_logged = shape->as_logged && strcmp(list_nth(logged, n), lfirst(lc)) == 0;
		shape->keys[n] = position_of(shape->shape, lfirst(lc), log->key_attnums[n]);
		if (shape->keys[n++] < 0)
			shape->nkeys = 0;
	}
	if (shape->nkeys > 0)
		return;
	log->lacks = true;
	shape->as_logged = true;
	foreach(lc, logged)
		if ((n = position_of(shape->shape, lfirst(lc), InvalidAttrNumber)) >= 0)
			shape->keys[shape->nkeys++] = n;
}

/*
 * Is it how rows of a table look that is left out; or that was another one of the tree
 * then, without a key: its rows may have had the key of any other?
 */
static bool
is_left_out(const ReconcileLog *log, Datum *values)
{
	ArrayType  *key = DatumGetArrayTypeP(values[SHAPE_KEY_COLUMNS]);
	ListCell   *lc;

	if (ArrayGetNItems(ARR_NDIM(key), ARR_DIMS(key)) == 0 &&
		strcmp(TextDatumGetCString(values[SHAPE_TABLE]), log->table) != 0)
		return true;
	foreach(lc, log->left_out)
		if (strcmp(TextDatumGetCString(values[SHAPE_TABLE]), get_rel_name(lfirst_oid(lc))) == 0 &&
			strcmp(TextDatumGetCString(values[SHAPE_SCHEMA]),
				   get_namespace_name(get_rel_namespace(lfirst_oid(lc)))) == 0)
			return true;
	return false;
}

static void
add_shape(ReconcileLog *log, Datum *values)
{
	int64		id = DatumGetInt64(values[SHAPE_ID]);
	bool		found;
	LoggedShape *shape = hash_search(log->shapes, &id, HASH_ENTER, &found);
	MemoryContext old;

	/* stored twice, by two transactions at the same time */
	if (found)
		return;
	old = MemoryContextSwitchTo(log->context);
	memset((char *) shape + sizeof(id), 0, sizeof(*shape) - sizeof(id));
	shape->encoding = pg_char_to_encoding(NameStr(*DatumGetName(values[SHAPE_ENCODING])));
	shape->shape = paysafe_canon_shape_read(DatumGetJsonbPCopy(values[SHAPE_COLUMNS]));
	shape->columns = palloc0(sizeof(CanonBytes) * Max(shape->shape->ncolumns, 1));
	shape->keyed = palloc0(sizeof(bool) * Max(shape->shape->ncolumns, 1));
	shape->map = palloc0(sizeof(int) * Max(shape->shape->ncolumns, 1));
	find_keys(log, shape, paysafe_strings_of_array(DatumGetArrayTypeP(values[SHAPE_KEY_COLUMNS]), "key_columns"));
	MemoryContextSwitchTo(old);
}

static bool
visit_shape(Relation rel, HeapTuple tuple, void *arg)
{
	ReconcileLog *log = arg;
	Datum		values[SHAPE_NCOLUMNS];
	bool		nulls[SHAPE_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (strcmp(TextDatumGetCString(values[SHAPE_SUBJECT]), log->subject) == 0 && !is_left_out(log, values))
		add_shape(log, values);
	return true;
}

static bool
visit_activation(Relation rel, HeapTuple tuple, void *arg)
{
	TimestampTz *since = arg;
	bool		isnull;

	*since = Min(*since, DatumGetTimestampTz(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)));
	return true;
}

/* Until when payloads of the table were purged: of what was before, nothing is known. */
static bool
visit_removal(Relation rel, HeapTuple tuple, void *arg)
{
	ReconcileLog *log = arg;
	Datum		values[RETENTION_NCOLUMNS];
	bool		nulls[RETENTION_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (nulls[RETENTION_SUBJECT] || nulls[RETENTION_UPPER] ||
		strcmp(TextDatumGetCString(values[RETENTION_SUBJECT]), log->subject) != 0)
		return true;
	log->lacks |= strcmp(TextDatumGetCString(values[RETENTION_ACTION]), "purge") == 0 ||
		strcmp(TextDatumGetCString(values[RETENTION_ACTION]), "erase") == 0;
	if (strcmp(TextDatumGetCString(values[RETENTION_ACTION]), "purge") == 0)
		log->purged_until = Max(log->purged_until, DatumGetTimestampTz(values[RETENTION_UPPER]));
	return true;
}

ReconcileLog *
paysafe_reconcile_log_open(const char *subject, Snapshot snapshot, Relation layout,
						   List *key_columns, List *left_out)
{
	ReconcileLog *log = palloc0(sizeof(ReconcileLog));
	HASHCTL		ctl = {
		.keysize = sizeof(int64), .entrysize = sizeof(LoggedShape), .hcxt = CurrentMemoryContext
	};
	ListCell   *lc;

	log->subject = subject;
	log->snapshot = snapshot;
	log->since = PG_INT64_MAX;
	log->context = CurrentMemoryContext;
	log->key_columns = key_columns;
	log->table = pstrdup(RelationGetRelationName(layout));
	log->left_out = left_out;
	log->key_attnums = palloc(sizeof(AttrNumber) * list_length(key_columns));
	log->padded = palloc(sizeof(bool) * list_length(key_columns));
	foreach(lc, key_columns)
	{
		AttrNumber	attnum = paysafe_catalog_column(layout, lfirst(lc));

		log->key_attnums[log->nkeys] = attnum;
		log->padded[log->nkeys++] =
			getBaseType(TupleDescAttr(RelationGetDescr(layout), attnum - 1)->atttypid) == BPCHAROID;
	}
	log->shapes = hash_create("paysafe shapes", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	log->purged_until = PG_INT64_MIN;
	paysafe_store_scan(PAYSAFE_AUDIT_SHAPE, NULL, 0, NULL, visit_shape, log);
	paysafe_store_scan(PAYSAFE_RETENTION_RECORD, NULL, 0, NULL, visit_removal, log);
	paysafe_store_scan(PAYSAFE_ACTIVATION, NULL, 0, NULL, visit_activation, &log->since);
	return log;
}

bool
paysafe_reconcile_log_is_whole(const ReconcileLog *log, TimestampTz since)
{
	/* the first declaration of all is what makes the database one that records: a moment before */
	return !log->lacks && (log->came || since >= log->since - USECS_PER_MINUTE);
}

LoggedShape *
paysafe_reconcile_log_shape(ReconcileLog *log, int64 id)
{
	return hash_search(log->shapes, &id, HASH_FIND, NULL);
}

/* Type of values that are written as its own functions send them, or none. */
static Oid
type_of(CanonCode code)
{
	switch (code)
	{
		case CANON_BOOL:
			return BOOLOID;
		case CANON_INT2:
			return INT2OID;
		case CANON_INT4:
			return INT4OID;
		case CANON_INT8:
			return INT8OID;
		case CANON_FLOAT4:
			return FLOAT4OID;
		case CANON_FLOAT8:
			return FLOAT8OID;
		case CANON_NUMERIC:
			return NUMERICOID;
		case CANON_BYTEA:
			return BYTEAOID;
		case CANON_DATE:
			return DATEOID;
		case CANON_TIME:
			return TIMEOID;
		case CANON_TIMETZ:
			return TIMETZOID;
		case CANON_TIMESTAMP:
			return TIMESTAMPOID;
		case CANON_TIMESTAMPTZ:
			return TIMESTAMPTZOID;
		case CANON_INTERVAL:
			return INTERVALOID;
		case CANON_UUID:
			return UUIDOID;
		case CANON_MONEY:
			return CASHOID;
		default:
			return InvalidOid;
	}
}

char *
paysafe_reconcile_log_text(const CanonType *type, int encoding, const CanonBytes *bytes)
{
	Oid			typid = type_of(type->code);
	Oid			receive;
	Oid			ioparam;
	StringInfoData wire;

	if (bytes->data == NULL)
		return pstrdup("");
	if (!OidIsValid(typid))
		return paysafe_any_text(bytes->data, bytes->len, encoding);
	getTypeBinaryInputInfo(typid, &receive, &ioparam);
	initStringInfo(&wire);
	appendBinaryStringInfo(&wire, bytes->data, bytes->len);
	return paysafe_row_key_value_text(typid, OidReceiveFunctionCall(receive, &wire, ioparam, -1));
}

/* A column of a key as the key's text has it. */
static char *
key_part(const LoggedShape *shape, int column)
{
	return paysafe_reconcile_log_text(shape->shape->columns[column].type, shape->encoding, &shape->columns[column]);
}

/* The key that a row had, from the columns of its image. */
static char *
key_text(const ReconcileLog *log, const LoggedShape *shape)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < shape->nkeys; i++)
	{
		char	   *part = key_part(shape, shape->keys[i]);

		if (i < log->nkeys && log->padded[i])
			part[bpchartruelen(part, strlen(part))] = '\0';
		if (shape->nkeys == 1)
			return part;
		paysafe_row_key_append(&text, i, part);
	}
	return text.data;
}

/* The key of a whole image, the only one that a change has or the one after it. */
static void
put_key(const ReconcileLog *log, LoggedShape *shape, TupleTableSlot *slot, ReconcileItem *item)
{
	int			from = slot->tts_isnull[ROW_AFTER] ? ROW_BEFORE : ROW_AFTER;
	bytea	   *image;

	if (shape->as_logged || slot->tts_isnull[from])
		return;
	image = DatumGetByteaPP(slot->tts_values[from]);
	paysafe_canon_split(shape->shape, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image), NULL, 0, shape->columns);
	item->key = key_text(log, shape);
	item->keylen = strlen(item->key);
}

/* Does the image before an update differ in the key?  Only its head is read. */
static bool
changes_key(const LoggedShape *shape, Datum before)
{
	struct varlena *head = PG_DETOAST_DATUM_SLICE(before, 0, 1 + (shape->shape->ncolumns + 7) / 8);
	const char *bytes = VARDATA_ANY(head);
	bool		changes = false;

	for (int i = 0; i < shape->nkeys; i++)
	{
		int			at = 1 + shape->keys[i] / 8;

		changes |= at < VARSIZE_ANY_EXHDR(head) && bytes[0] == CANON_IMAGE_DIFFERENCE &&
			((bytes[at] >> (shape->keys[i] % 8)) & 1) == 0;
	}
	return changes;
}

/* The row is gone under the key that it had before; false: it is the same. */
static bool
put_old_key(const ReconcileLog *log, ReconcileSort *sort, LoggedShape *shape,
			const ReconcileItem *item, Datum before, Datum after)
{
	bytea	   *difference = DatumGetByteaPP(before);
	bytea	   *image = DatumGetByteaPP(after);
	ReconcileItem old = *item;

	paysafe_canon_split(shape->shape, VARDATA_ANY(difference), VARSIZE_ANY_EXHDR(difference),
						VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image), shape->columns);
	old.key = key_text(log, shape);
	old.keylen = strlen(old.key);
	old.present = false;
	old.image = NULL;
	/* a key may be written anew and stay the same: 1.0 and 1.00 */
	if (old.keylen == item->keylen && memcmp(old.key, item->key, old.keylen) == 0)
		return false;
	paysafe_reconcile_sort_put(sort, &old);
	return true;
}

static void
put_row(ReconcileLog *log, ReconcileSort *sort, TupleTableSlot *slot)
{
	bool		isnull;
	int64		id = DatumGetInt64(slot_getattr(slot, ROW_SHAPE + 1, &isnull));
	LoggedShape *shape = paysafe_reconcile_log_shape(log, id);
	ReconcileItem item = {.logged = true, .shape = id, .relid = slot->tts_tableOid, .tid = slot->tts_tid};
	struct varlena *key;
	char		op;

	log->came |= DatumGetTimestampTz(slot_getattr(slot, ROW_AT + 1, &isnull)) < log->since;
	if (shape == NULL)
		return;
	slot_getallattrs(slot);
	if (slot->tts_isnull[ROW_KEY] ||
		DatumGetTimestampTz(slot->tts_values[ROW_AT]) < log->purged_until)
		return;
	key = PG_DETOAST_DATUM_PACKED(slot->tts_values[ROW_KEY]);
	op = DatumGetChar(slot->tts_values[ROW_OP]);
	item.key = VARDATA_ANY(key);
	item.keylen = VARSIZE_ANY_EXHDR(key);
	put_key(log, shape, slot, &item);
	item.at = DatumGetTimestampTz(slot->tts_values[ROW_AT]);
	item.xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[ROW_XID]));
	item.command = DatumGetInt32(slot->tts_values[ROW_COMMAND]);
	item.seq = DatumGetInt32(slot->tts_values[ROW_SEQ]);
	item.here = item.at >= log->since;
	item.present = op != 'D';
	item.arrives = op == 'I';
	if (op == 'U' && !slot->tts_isnull[ROW_BEFORE] && !slot->tts_isnull[ROW_AFTER] &&
		changes_key(shape, slot->tts_values[ROW_BEFORE]))
		item.arrives = put_old_key(log, sort, shape, &item, slot->tts_values[ROW_BEFORE],
								   slot->tts_values[ROW_AFTER]);
	if (item.present && !slot->tts_isnull[ROW_AFTER] &&
		toast_raw_datum_size(slot->tts_values[ROW_AFTER]) <= RECONCILE_INLINE)
	{
		bytea	   *image = DatumGetByteaPP(slot->tts_values[ROW_AFTER]);

		item.image = VARDATA_ANY(image);
		item.imagelen = VARSIZE_ANY_EXHDR(image);
	}
	paysafe_reconcile_sort_put(sort, &item);
}

void
paysafe_reconcile_log_read(ReconcileLog *log, ReconcileSort *sort)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe reconcile log",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_all())
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		TableScanDesc scan = table_beginscan(rel, log->snapshot, 0, NULL);
		MemoryContext old = MemoryContextSwitchTo(context);

		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			put_row(log, sort, slot);
			MemoryContextReset(context);
		}
		MemoryContextSwitchTo(old);
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		table_close(rel, NoLock);
	}
	MemoryContextDelete(context);
}

/* An image of the change that an item is of, palloc'd, or NULL. */
static bytea *
fetch_image(const ReconcileLog *log, const ReconcileItem *item, int column)
{
	Relation	rel = table_open(item->relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ItemPointerData tid = item->tid;
	bytea	   *image = NULL;

	if (table_tuple_fetch_row_version(rel, &tid, log->snapshot, slot))
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, column + 1, &isnull);

		if (!isnull)
			image = DatumGetByteaPCopy(value);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return image;
}

bool
paysafe_reconcile_log_fetch(ReconcileLog *log, const ReconcileItem *item,
							const char **image, int *len)
{
	bytea	   *after = fetch_image(log, item, ROW_AFTER);

	if (after == NULL)
		return false;
	*image = VARDATA(after);
	*len = VARSIZE(after) - VARHDRSZ;
	return true;
}

CanonBytes *
paysafe_reconcile_log_columns(ReconcileLog *log, const ReconcileItem *item, bool before)
{
	LoggedShape *shape = paysafe_reconcile_log_shape(log, item->shape);
	CanonBytes *columns = palloc0(sizeof(CanonBytes) * Max(shape->shape->ncolumns, 1));
	bytea	   *after = fetch_image(log, item, ROW_AFTER);
	bytea	   *image = before ? fetch_image(log, item, ROW_BEFORE) : after;

	if (image == NULL)
		return NULL;
	paysafe_canon_split(shape->shape, VARDATA(image), VARSIZE(image) - VARHDRSZ,
						after ? VARDATA(after) : NULL, after ? VARSIZE(after) - VARHDRSZ : 0, columns);
	return columns;
}
