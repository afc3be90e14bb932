/*-------------------------------------------------------------------------
 *
 * audit_shape.c
 *	  How the rows of a table look in the audit log.
 *
 * A row of the log refers to its shape by number.  The shape is stored with the
 * first row that needs it, so both appear and vanish together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "compat.h"
#include "evidence/audit_shape.h"
#include "evidence/canon.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

/*
 * A shape is known to be stored if its mark is ALWAYS, or equals the epoch
 * because this transaction stored it itself.  The epoch moves on when a
 * (sub)transaction ends.
 */
#define KNOWN_ALWAYS PG_UINT64_MAX
static uint64 epoch = 1;

/* What the digest is of. */
static void
shape_bytes(const AuditShape *shape, const char *encoding, StringInfo bytes)
{
	ListCell   *lc;

	initStringInfo(bytes);
	paysafe_canon_put_string(bytes, shape->subject);
	paysafe_canon_put_string(bytes, shape->schema_name);
	paysafe_canon_put_string(bytes, shape->table_name);
	paysafe_canon_put_string(bytes, encoding);
	paysafe_canon_put_length(bytes, list_length(shape->key_columns));
	foreach(lc, shape->key_columns)
		paysafe_canon_put_string(bytes, lfirst(lc));
	paysafe_canon_put_string(bytes, JsonbToCString(NULL, &shape->columns->root, VARSIZE(shape->columns)));
}

static void
digest_shape(AuditShape *shape, const char *encoding)
{
	StringInfoData bytes;
	int64		id;

	shape_bytes(shape, encoding, &bytes);
	paysafe_crypto_sha256(bytes.data, bytes.len, shape->digest);
	memcpy(&id, shape->digest, sizeof(id));
	shape->id = pg_ntoh64(id);
}

/* A shape as stored: what its digest is of. */
static void
read_shape(const Datum *values, AuditShape *shape)
{
	Datum	   *names;
	int			nnames;

	shape->subject = TextDatumGetCString(values[SHAPE_SUBJECT]);
	shape->schema_name = TextDatumGetCString(values[SHAPE_SCHEMA]);
	shape->table_name = TextDatumGetCString(values[SHAPE_TABLE]);
	deconstruct_array(DatumGetArrayTypeP(values[SHAPE_KEY_COLUMNS]), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, NULL, &nnames);
	for (int i = 0; i < nnames; i++)
		shape->key_columns = lappend(shape->key_columns, TextDatumGetCString(names[i]));
	shape->columns = DatumGetJsonbP(values[SHAPE_COLUMNS]);
}

bool
paysafe_audit_shape_read(Relation rel, HeapTuple tuple, int64 *id, uint8 *digest)
{
	Datum		values[SHAPE_NCOLUMNS];
	bool		nulls[SHAPE_NCOLUMNS];
	AuditShape	shape = {0};
	bytea	   *stored;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	*id = DatumGetInt64(values[SHAPE_ID]);
	memset(digest, 0, PAYSAFE_SHA256_LEN);
	stored = DatumGetByteaPP(values[SHAPE_DIGEST]);
	if (VARSIZE_ANY_EXHDR(stored) != PAYSAFE_SHA256_LEN)
		return false;
	memcpy(digest, VARDATA_ANY(stored), PAYSAFE_SHA256_LEN);
	read_shape(values, &shape);
	digest_shape(&shape, NameStr(*DatumGetName(values[SHAPE_ENCODING])));
	return shape.id == *id && memcmp(shape.digest, digest, PAYSAFE_SHA256_LEN) == 0;
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

bool
paysafe_audit_shape_find_redaction_key(const char *subject, const char *column, uint8 *out)
{
	StringInfoData master;
	StringInfoData label;

	initStringInfo(&master);
	paysafe_store_scan(PAYSAFE_REDACTION_KEY, NULL, 0, NULL, read_redaction_key, &master);
	if (master.len < 32)
		return false;
	initStringInfo(&label);
	paysafe_canon_put_string(&label, subject);
	paysafe_canon_put_string(&label, column);
	paysafe_crypto_hmac_sha256((uint8 *) master.data, master.len, label.data, label.len, out);
	explicit_bzero(master.data, master.len);
	return true;
}

void
paysafe_audit_shape_redaction_key(const char *subject, const char *column, uint8 *out)
{
	if (!paysafe_audit_shape_find_redaction_key(subject, column, out))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the redaction key of paysafe is missing"),
				 errhint("Add one: see \"Redaction\" in doc/reference.md.")));
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
		column->layout_attnum = att->attnum;
		column->attlen = att->attlen;
		column->attbyval = att->attbyval;
		column->type_name = format_type_with_typemod(att->atttypid, att->atttypmod);
		column->attnum = RelationGetRelid(leaf) == layout ? att->attnum :
			get_attnum(RelationGetRelid(leaf), column->name);
		column->type = paysafe_canon_type(att->atttypid);
		column->redacted = paysafe_strings_contain(redacted, column->name);
		if (column->redacted)
			paysafe_audit_shape_redaction_key(subject, column->name, column->redaction_key);
		shape->shape.ncolumns++;
	}
	shape->columns = paysafe_canon_shape_jsonb(&shape->shape);
	digest_shape(shape, GetDatabaseEncodingName());
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
void
paysafe_audit_shape_store(AuditShape *shape)
{
	FindShape	find = {.shape = shape};
	Datum		key = Int64GetDatum(shape->id);

	if (likely(shape->known == KNOWN_ALWAYS || shape->known == epoch))
		return;
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

void
paysafe_audit_shape_forget(void)
{
	epoch++;
}

/* SQL-callable functions */

static bool
visit_bytes(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[SHAPE_NCOLUMNS];
	bool		nulls[SHAPE_NCOLUMNS];
	AuditShape	shape = {0};

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	read_shape(values, &shape);
	shape_bytes(&shape, NameStr(*DatumGetName(values[SHAPE_ENCODING])), arg);
	return false;
}

PG_FUNCTION_INFO_V1(paysafe_audit_shape_bytes);

/*
 * audit_shape_bytes(shape bigint) returns bytea: what the digest of a shape is of, computed
 * again; NULL: there is no such shape
 */
Datum
paysafe_audit_shape_bytes(PG_FUNCTION_ARGS)
{
	Datum		key = PG_GETARG_DATUM(0);
	StringInfoData bytes = {0};

	paysafe_store_scan(PAYSAFE_AUDIT_SHAPE, "audit_shape_id", 1, &key, visit_bytes, &bytes);
	if (bytes.data == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(paysafe_argument_bytea(bytes.data, bytes.len));
}
