/*-------------------------------------------------------------------------
 *
 * reconcile.c
 *	  Are the rows of a table what the audit log says they are?
 *
 * Whatever changes rows beneath the executor (files, native code, pg_surgery,
 * a server started without paysafe) leaves no audit row.  Each row of the table
 * is written and read in the log's own form and compared with the newest image
 * of its key, column by column; columns that the image does not have are
 * younger than it.  Hashes of redacted columns can only be compared if they were
 * made with this database's key, which no dump contains.  Rows that were there before the table was audited, and never
 * changed, have no image: nothing is known of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "engine/rule.h"
#include "evidence/audit_shape.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

/* The newest image of one key. */
typedef struct Image
{
	char	   *key;
	bool		present;		/* the row exists, as the log has it */
	Jsonb	   *row;
	bool		here;			/* recorded in this database, with its redaction key */
	bool		seen;			/* in the table */
} Image;

typedef struct Images
{
	int64		n;
	Image	   *images;			/* sorted by key */
} Images;

static const char newest_images[] =
"WITH recorded AS ("
" SELECT l.key, l.op, l.at, l.xid, l.command, l.seq, l.after,"
"        CASE WHEN cardinality($2) = 1 THEN l.before ->> $2[1]"
"             ELSE (SELECT string_agg(replace(replace(l.before ->> c, E'\\\\', E'\\\\\\\\'), ',', E'\\\\,'), ',' ORDER BY n)"
"                     FROM unnest($2) WITH ORDINALITY u(c, n)) END AS old_key"
"   FROM paysafe.audit_log l WHERE l.subject = $1),"
" events AS ("
" SELECT key, op <> 'DELETE' AS present, after, at, xid, command, seq FROM recorded"
" UNION ALL"
" SELECT old_key, false, NULL, at, xid, command, seq FROM recorded"
"  WHERE op = 'UPDATE' AND old_key <> key)"
" SELECT DISTINCT ON (key COLLATE \"C\") key, present, after,"
" at >= (SELECT min(a.at) FROM paysafe.activation a) FROM events"
"  ORDER BY key COLLATE \"C\", at DESC, xid DESC, command DESC, seq DESC, present DESC";

static void
read_images(const char *subject, List *key_columns, Images *out)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {TEXTOID, TEXTARRAYOID};
	Datum		values[2];
	Datum	   *names = palloc(sizeof(Datum) * (list_length(key_columns) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, key_columns)
		names[n++] = CStringGetTextDatum(lfirst(lc));
	values[0] = CStringGetTextDatum(subject);
	values[1] = PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(newest_images, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the audit log");
	out->n = SPI_processed;
	out->images = MemoryContextAllocHuge(context, sizeof(Image) * Max(out->n, 1));
	for (int64 i = 0; i < out->n; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old;
		bool		isnull;
		Datum		key = SPI_getbinval(tuple, desc, 1, &isnull);
		bool		present = DatumGetBool(SPI_getbinval(tuple, desc, 2, &isnull));
		Datum		row = SPI_getbinval(tuple, desc, 3, &isnull);
		bool		unknown;
		bool		here = DatumGetBool(SPI_getbinval(tuple, desc, 4, &unknown)) && !unknown;

		old = MemoryContextSwitchTo(context);
		out->images[i].key = TextDatumGetCString(key);
		out->images[i].present = present;
		out->images[i].row = isnull ? NULL : DatumGetJsonbPCopy(row);
		out->images[i].here = here;
		out->images[i].seen = false;
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(((const Image *) a)->key, ((const Image *) b)->key);
}

/* The first column but these in which the row differs from the image, or NULL. */
static char *
difference(Jsonb *row, Jsonb *image, List *except)
{
	JsonbIterator *it = JsonbIteratorInit(&row->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue	name;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonbValue *other;
		char	   *column;

		if (token == WJB_KEY)
			name = value;
		if (token != WJB_VALUE)
			continue;
		other = findJsonbValueFromContainer(&image->root, JB_FOBJECT, &name);
		if (other == NULL ||
			compareJsonbContainers(&JsonbValueToJsonb(&value)->root,
								   &JsonbValueToJsonb(other)->root) == 0)
			continue;
		column = pnstrdup(name.val.string.val, name.val.string.len);
		if (!paysafe_strings_contain(except, column))
			return column;
	}
	return NULL;
}

static void
put_finding(ReturnSetInfo *result, const char *key, const char *finding)
{
	Datum		values[2] = {CStringGetTextDatum(key), CStringGetTextDatum(finding)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
reconcile_leaf(Relation leaf, const RuleSource *source, Snapshot snapshot, Images *images,
			   ReturnSetInfo *result)
{
	RelationRules *rules = paysafe_rules_of(leaf);
	TupleTableSlot *slot = table_slot_create(leaf, NULL);
	TableScanDesc scan = table_beginscan(leaf, snapshot, 0, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe reconcile",
												  ALLOCSET_DEFAULT_SIZES);
	List	   *redacted = paysafe_spec_set(source->spec, "redact");
	AuditShape *shape = paysafe_audit_shape(leaf,
											leaf->rd_rel->relispartition ? source->relation : RelationGetRelid(leaf),
											paysafe_spec_text(source->spec, "subject"),
											redacted,
											rules->key.attnums, rules->key.n);
	CanonShape *readable = paysafe_canon_shape_read(shape->columns);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Image		wanted = {.key = paysafe_row_key_text(&rules->key, RelationGetDescr(leaf), slot)};
		Image	   *image = bsearch(&wanted, images->images, images->n, sizeof(Image), compare_keys);
		StringInfoData bytes;
		char	   *column;

		CHECK_FOR_INTERRUPTS();
		if (image != NULL)
		{
			image->seen = true;
			initStringInfo(&bytes);
			paysafe_canon_row(&shape->shape, slot, &bytes);
			if (!image->present)
				put_finding(result, wanted.key, "is there, but the log says it was deleted");
			else if ((column = difference(paysafe_canon_read(readable, GetDatabaseEncoding(),
															 bytes.data, bytes.len, NULL, 0),
										  image->row, image->here ? NIL : redacted)) != NULL)
				put_finding(result, wanted.key,
							psprintf("column \"%s\" is not what the log says", column));
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_reconcile);

/*
 * reconcile(relation) returns table (key text, finding text)
 */
Datum
paysafe_reconcile(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RuleSource *source = NULL;
	Snapshot	snapshot = GetActiveSnapshot();
	Images		images;
	List	   *key_columns = NIL;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, paysafe_rule_sources(relation))
		if (strcmp(((RuleSource *) lfirst(lc))->name, "audit") == 0 &&
			((RuleSource *) lfirst(lc))->relation == relation)
			source = lfirst(lc);
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is not audited", get_rel_name(relation)),
				 errhint("The view paysafe.protection lists the rules in force.")));
	foreach(lc, paysafe_catalog_leaves(relation))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		RelationRules *rules = paysafe_rules_of(leaf);

		if (rules == NULL || rules->key.n == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" has no primary key to find its rows in the log by",
							RelationGetRelationName(leaf))));
		if (key_columns == NIL)
		{
			for (int i = 0; i < rules->key.n; i++)
				key_columns = lappend(key_columns,
									  get_attname(RelationGetRelid(leaf), rules->key.attnums[i], false));
			read_images(paysafe_spec_text(source->spec, "subject"), key_columns, &images);
		}
		reconcile_leaf(leaf, source, snapshot, &images, result);
		table_close(leaf, NoLock);
	}
	for (int64 i = 0; key_columns != NIL && i < images.n; i++)
		if (images.images[i].present && !images.images[i].seen)
			put_finding(result, images.images[i].key, "is not there, but the log does not say that it was deleted");
	PG_RETURN_NULL();
}
