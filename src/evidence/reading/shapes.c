/*-------------------------------------------------------------------------
 *
 * shapes.c
 *	  The stored shapes that rows of the audit log refer to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#include "evidence/audit_shape.h"
#include "evidence/reading/shapes.h"
#include "store/own_table.h"

struct AuditShapes
{
	Snapshot	snapshot;
	MemoryContext context;
	HTAB	   *known;
};

AuditShapes *
paysafe_audit_shapes_open(Snapshot snapshot)
{
	AuditShapes *shapes = palloc(sizeof(AuditShapes));
	HASHCTL		ctl = {
		.keysize = sizeof(int64), .entrysize = sizeof(AuditShapeRead), .hcxt = CurrentMemoryContext
	};

	shapes->snapshot = snapshot;
	shapes->context = CurrentMemoryContext;
	shapes->known = hash_create("paysafe shapes read", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return shapes;
}

/* Shapes may be stored twice: the first is as good as the others. */
static bool
read_shape(Relation rel, HeapTuple tuple, void *arg)
{
	AuditShapeRead *shape = arg;
	Datum		values[SHAPE_NCOLUMNS];
	bool		nulls[SHAPE_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	shape->subject = TextDatumGetCString(values[SHAPE_SUBJECT]);
	shape->schema_name = TextDatumGetCString(values[SHAPE_SCHEMA]);
	shape->table_name = TextDatumGetCString(values[SHAPE_TABLE]);
	shape->encoding = pg_char_to_encoding(NameStr(*DatumGetName(values[SHAPE_ENCODING])));
	shape->shape = paysafe_canon_shape_read(DatumGetJsonbPCopy(values[SHAPE_COLUMNS]));
	shape->found = true;
	return false;
}

const AuditShapeRead *
paysafe_audit_shapes_get(AuditShapes *shapes, int64 id)
{
	bool		found;
	AuditShapeRead *shape = hash_search(shapes->known, &id, HASH_ENTER, &found);

	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(shapes->context);
		Datum		key = Int64GetDatum(id);

		shape->found = false;
		shape->subject = shape->schema_name = shape->table_name = "";
		shape->encoding = GetDatabaseEncoding();
		shape->shape = NULL;
		paysafe_store_seek(PAYSAFE_AUDIT_SHAPE, "audit_shape_id", 1, &key, InvalidStrategy, (Datum) 0,
						   false, shapes->snapshot, read_shape, shape);
		MemoryContextSwitchTo(old);
	}
	return shape;
}
