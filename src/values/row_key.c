/*-------------------------------------------------------------------------
 *
 * row_key.c
 *	  The identity of a row: its key as text, and finding rows by value.
 *
 * Searches go below the executor: no planner setting, row security policy,
 * rule or operator of a user's making takes part.  An index is trusted only
 * if its operator class came with PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/invalidation.h"
#include "base/scan.h"
#include "compat.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/money.h"
#include "values/row_key.h"

#define MAXINT8LEN 20			/* digits and sign of an int64 */

/* Is the column, by its name, part of the partition key of one of the tables? */
static bool
in_partition_key(List *tables, const char *column, bool hashes)
{
	ListCell   *lc;
	bool		found = false;

	foreach(lc, tables)
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		AttrNumber	attnum = get_attnum(lfirst_oid(lc), column);

		found = attnum != InvalidAttrNumber &&
			(hashes || RelationGetPartitionKey(rel)->strategy != PARTITION_STRATEGY_HASH) &&
			has_partition_attrs(rel, bms_make_singleton(attnum - FirstLowInvalidHeapAttributeNumber), NULL);
		table_close(rel, AccessShareLock);
		if (found)
			break;
	}
	return found;
}

/* The partitioned tables directly below these. */
static List *
partitioned_below(List *tables, Oid without)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tables)
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		PartitionDesc partitions = RelationGetPartitionDesc(rel, false);

		for (int i = 0; i < partitions->nparts; i++)
			if (!partitions->is_leaf[i] && partitions->oids[i] != without)
				result = lappend_oid(result, partitions->oids[i]);
		table_close(rel, AccessShareLock);
	}
	return result;
}

/* The root of the partition tree that the table is, or is part of; or none. */
static List *
partition_root(Relation rel)
{
	if (!rel->rd_rel->relispartition && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return NIL;
	return list_make1_oid(llast_oid(paysafe_catalog_ancestors(RelationGetRelid(rel))));
}

List *
paysafe_row_key_tree(Relation rel)
{
	List	   *result = NIL;

	for (List *level = partition_root(rel); level != NIL; level = partitioned_below(level, InvalidOid))
		result = list_concat(result, level);
	return result;
}

/*
 * The index of the primary key, or InvalidOid.  A deferrable one counts, which
 * PostgreSQL's own answer (rd_pkindex) leaves out in some versions.
 */
static Oid
primary_index(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		/* that of a partitioned table is not valid until each partition has it */
		if (form->indisprimary &&
			(form->indisvalid || rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE))
			result = lfirst_oid(lc);
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return result;
}

int
paysafe_row_key_primary(Relation rel, AttrNumber **attnums)
{
	Oid			pkey = primary_index(rel);
	HeapTuple	tuple = NULL;
	Form_pg_index index;
	int			n;

	*attnums = NULL;
	if (OidIsValid(pkey))
		tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(pkey));
	if (!HeapTupleIsValid(tuple))
		return 0;
	index = (Form_pg_index) GETSTRUCT(tuple);
	n = index->indnkeyatts;
	*attnums = palloc(sizeof(AttrNumber) * n);
	for (int i = 0; i < n; i++)
		(*attnums)[i] = index->indkey.values[i];
	ReleaseSysCache(tuple);
	return n;
}

/* Take away what partition keys of the tables have; false: nothing would be left. */
static bool
take_away(Relation rel, List *tables, bool hashes, AttrNumber *kept, int *nkept)
{
	AttrNumber *left = palloc(sizeof(AttrNumber) * *nkept);
	int			n = 0;

	for (int i = 0; i < *nkept; i++)
		if (!in_partition_key(tables, NameStr(TupleDescAttr(RelationGetDescr(rel), kept[i] - 1)->attname), hashes))
			left[n++] = kept[i];
	if (n == 0)
		return false;
	memcpy(kept, left, sizeof(AttrNumber) * n);
	*nkept = n;
	return true;
}

/*
 * Which of the columns of the primary key are left when those of partition keys are
 * taken away, of the tree's root first.  What a level takes must leave something; a
 * hash is mostly one of the very id.
 */
static int
without_partition_keys(Relation rel, const AttrNumber *primary, int nprimary, Oid without,
					   AttrNumber *kept)
{
	int			nkept = nprimary;

	memcpy(kept, primary, sizeof(AttrNumber) * nprimary);
	for (List *level = partition_root(rel); level != NIL; level = partitioned_below(level, without))
		if (!take_away(rel, level, true, kept, &nkept))
			(void) take_away(rel, level, false, kept, &nkept);
	return nkept;
}

int
paysafe_row_key_columns(Relation rel, AttrNumber **attnums)
{
	AttrNumber *primary;
	int			nprimary = paysafe_row_key_primary(rel, &primary);

	*attnums = primary;
	if (nprimary == 0)
		return 0;
	*attnums = palloc(sizeof(AttrNumber) * nprimary);
	return without_partition_keys(rel, primary, nprimary, InvalidOid, *attnums);
}

bool
paysafe_row_key_changes_with(Oid parent, Oid child)
{
	Relation	rel = table_open(parent, AccessShareLock);
	AttrNumber *primary;
	int			nprimary = paysafe_row_key_primary(rel, &primary);
	AttrNumber *kept = palloc(sizeof(AttrNumber) * Max(nprimary, 1));
	AttrNumber *before = palloc(sizeof(AttrNumber) * Max(nprimary, 1));
	int			n = without_partition_keys(rel, primary, nprimary, InvalidOid, kept);
	int			nbefore = without_partition_keys(rel, primary, nprimary, child, before);

	table_close(rel, AccessShareLock);
	return n != nbefore || memcmp(kept, before, sizeof(AttrNumber) * n) != 0;
}

void
paysafe_row_key_require(Relation rel, const char *why)
{
	AttrNumber *attnums;

	if (paysafe_row_key_primary(rel, &attnums) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(rel)),
				 errdetail("%s", why)));
}

/*
 * Do equal values of the type have one text, which no setting changes, and do
 * its operators come with PostgreSQL?  Not so: 0 and -0, '1 day' and '24 hours',
 * the names of regclass, {1.0} and {1.00}; and types of extensions.
 */
static bool
is_key_type(Oid typid)
{
	switch (typid)
	{
		case BOOLOID:
		case CHAROID:
		case NAMEOID:
		case OIDOID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
		case BITOID:
		case VARBITOID:
		case XID8OID:
		case PG_LSNOID:
			return true;
		default:
			return paysafe_row_key_is_exact(typid) || get_typtype(typid) == TYPTYPE_ENUM;
	}
}

static void
check_key_column(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	bool		type_fits = is_key_type(getBaseType(att->atttypid));
	char		category;
	bool		preferred;

	if (type_fits &&
		(!OidIsValid(att->attcollation) || get_collation_isdeterministic(att->attcollation)))
		return;
	get_type_category_preferred(getBaseType(att->atttypid), &category, &preferred);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the primary key of table \"%s\" cannot name its rows for paysafe",
					RelationGetRelationName(rel)),
			 type_fits ?
			 errdetail("Column \"%s\" has a nondeterministic collation: one key has several spellings.",
					   NameStr(att->attname)) :
			 errdetail("Column \"%s\" has type %s: one key can have several spellings.",
					   NameStr(att->attname), format_type_be(att->atttypid)),
			 category == TYPCATEGORY_STRING ?
			 errhint("Use text with a deterministic collation; a unique index on lower(%s) keeps other spellings out.",
					 quote_identifier(NameStr(att->attname))) :
			 errhint("Use a key of integers, numeric, text or uuid.")));
}

/*
 * A child by inheritance has the primary key of its parents, if they have one:
 * otherwise one text would name a row here and another one there.
 */
static void
check_inherited(Relation rel)
{
	ListCell   *lc;
	RowKey		mine;

	paysafe_row_key_whole(rel, &mine);
	foreach(lc, list_copy_tail(paysafe_catalog_ancestors(RelationGetRelid(rel)), 1))
	{
		Relation	parent = table_open(lfirst_oid(lc), AccessShareLock);
		RowKey		theirs;

		paysafe_row_key_whole(parent, &theirs);
		if (theirs.n > 0 && strcmp(paysafe_row_key_names(&mine, RelationGetDescr(rel)),
								   paysafe_row_key_names(&theirs, RelationGetDescr(parent))) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the primary key of table \"%s\" cannot name its rows for paysafe",
							RelationGetRelationName(rel)),
					 errdetail("Table \"%s\", from which it inherits, has another one: (%s).",
							   RelationGetRelationName(parent),
							   paysafe_row_key_names(&theirs, RelationGetDescr(parent))),
					 errhint("Give it a primary key of the same columns.")));
		table_close(parent, AccessShareLock);
	}
}

void
paysafe_row_key_check(Relation rel)
{
	AttrNumber *attnums;
	int			n = paysafe_row_key_primary(rel, &attnums);
	Relation	root;

	for (int i = 0; i < n; i++)
		check_key_column(rel, attnums[i]);
	if (n > 0 && !rel->rd_rel->relispartition)
		check_inherited(rel);
	if (n == 0 || !rel->rd_rel->relispartition)
		return;

	/* a key that each partition has for itself holds in that one only */
	root = table_open(llast_oid(paysafe_catalog_ancestors(RelationGetRelid(rel))), AccessShareLock);
	if (!OidIsValid(primary_index(root)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the primary key of table \"%s\" cannot name its rows for paysafe",
						RelationGetRelationName(rel)),
				 errdetail("Table \"%s\", whose partition it is, has no primary key: another partition may have the same keys.",
						   RelationGetRelationName(root)),
				 errhint("Give \"%s\" a primary key, which includes the partition key.",
						 RelationGetRelationName(root))));
	table_close(root, AccessShareLock);
}

void
paysafe_row_key_whole(Relation rel, RowKey *out)
{
	/* in the order of the index, which all leaves of a tree share */
	out->n = paysafe_row_key_primary(rel, &out->attnums);
}

static int64
integer_of(Oid typid, Datum value)
{
	return typid == INT2OID ? DatumGetInt16(value) :
		typid == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

char *
paysafe_row_key_value_text(Oid typid, Datum value)
{
	char	   *words;

	switch (typid)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			words = palloc(MAXINT8LEN + 1);
			pg_lltoa(integer_of(typid, value), words);
			return words;
		case TEXTOID:
		case VARCHAROID:
			return TextDatumGetCString(value);
		case BPCHAROID:
			words = TextDatumGetCString(value);
			words[bpchartruelen(words, strlen(words))] = '\0';
			return words;
		case NUMERICOID:
			return numeric_normalize(DatumGetNumeric(value));
		case UUIDOID:
			return DatumGetCString(DirectFunctionCall1(uuid_out, value));
		case REGCLASSOID:
			{
				/* its output would drop the schema if search_path allows */
				char	   *name = get_rel_name(DatumGetObjectId(value));

				if (name == NULL)
					return psprintf("%u", DatumGetObjectId(value));
				return quote_qualified_identifier(get_namespace_name(get_rel_namespace(DatumGetObjectId(value))),
												  name);
			}
		default:
			{
				Oid			output;
				bool		varlena;
				int			save_datestyle = DateStyle;
				int			save_intervalstyle = IntervalStyle;
				int			save_bytea = bytea_output;
				int			save_digits = extra_float_digits;
				pg_tz	   *save_zone = session_timezone;
				char	   *result;

				getTypeOutputInfo(typid, &output, &varlena);
				DateStyle = USE_ISO_DATES;
				IntervalStyle = INTSTYLE_POSTGRES;
				bytea_output = BYTEA_OUTPUT_HEX;
				extra_float_digits = 1;
				session_timezone = pg_tzset("GMT");
				PG_TRY();
				{
					result = OidOutputFunctionCall(output, value);
				}
				PG_FINALLY();
				{
					DateStyle = save_datestyle;
					IntervalStyle = save_intervalstyle;
					bytea_output = save_bytea;
					extra_float_digits = save_digits;
					session_timezone = save_zone;
				}
				PG_END_TRY();
				return result;
			}
	}
}

bool
paysafe_row_key_is_exact(Oid typid)
{
	switch (typid)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UUIDOID:
		case BYTEAOID:
			return true;
		default:
			return false;
	}
}

bool
paysafe_row_key_can_refer(Oid typid)
{
	switch (typid)
	{
		case BOOLOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return paysafe_row_key_is_exact(typid);
	}
}

/* The column's type without its domains; those that PostgreSQL begins with are none. */
static Oid
base_type(TupleDesc desc, AttrNumber attnum)
{
	Oid			typid = TupleDescAttr(desc, attnum - 1)->atttypid;

	return typid < FirstGenbkiObjectId ? typid : getBaseType(typid);
}

static char *
key_part(TupleDesc desc, AttrNumber attnum, Datum value)
{
	return paysafe_row_key_value_text(base_type(desc, attnum), value);
}

void
paysafe_row_key_append(StringInfo buf, int i, const char *part)
{
	if (i > 0)
		appendStringInfoChar(buf, ',');
	for (const char *c = part ? part : ""; *c; c++)
	{
		if (*c == ',' || *c == '\\')
			appendStringInfoChar(buf, '\\');
		appendStringInfoChar(buf, *c);
	}
}

static bool
is_integer(Oid typid)
{
	return typid == INT8OID || typid == INT4OID || typid == INT2OID;
}

char *
paysafe_row_key_values_text(int n, const Oid *types, const Datum *values, const bool *nulls)
{
	char	   *parts[INDEX_MAX_KEYS];
	Size		size = n;
	char	   *text;
	char	   *out;

	/* rows with such keys are many: numbers are written where they belong */
	for (int i = 0; i < n; i++)
	{
		parts[i] = NULL;
		if (nulls != NULL && nulls[i])
			continue;
		if (is_integer(types[i]))
		{
			size += MAXINT8LEN;
			continue;
		}
		parts[i] = paysafe_row_key_value_text(types[i], values[i]);
		if (n == 1)
			return parts[i];
		for (const char *c = parts[i]; *c; c++)
			size += 1 + (*c == ',' || *c == '\\');
	}
	out = text = palloc(size);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			*out++ = ',';
		if (parts[i] != NULL)
			for (const char *c = parts[i]; *c; c++)
			{
				if (*c == ',' || *c == '\\')
					*out++ = '\\';
				*out++ = *c;
			}
		else if (nulls == NULL || !nulls[i])
			out += pg_lltoa(integer_of(types[i], values[i]), out);
	}
	*out = '\0';
	return text;
}

char *
paysafe_row_key_text(const RowKey *row_key, TupleDesc desc, TupleTableSlot *slot)
{
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	if (row_key->n == 0)
		return pstrdup("");
	for (int i = 0; i < row_key->n; i++)
	{
		types[i] = base_type(desc, row_key->attnums[i]);
		values[i] = slot_getattr(slot, row_key->attnums[i], &nulls[i]);
	}
	return paysafe_row_key_values_text(row_key->n, types, values, nulls);
}

char *
paysafe_row_key_names(const RowKey *row_key, TupleDesc desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < row_key->n; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "",
						 NameStr(TupleDescAttr(desc, row_key->attnums[i] - 1)->attname));
	return buf.data;
}

char *
paysafe_row_key_shorten(const RowKey *whole, const RowKey *row_key, const char *text)
{
	char	  **parts = palloc(sizeof(char *) * whole->n);
	StringInfoData buf;
	int			n = 0;

	if (whole->n == row_key->n || !paysafe_row_key_split(text, whole->n, parts))
		return pstrdup(text);
	initStringInfo(&buf);
	for (int i = 0; i < row_key->n; i++)
		for (int j = 0; j < whole->n; j++)
			if (whole->attnums[j] == row_key->attnums[i])
			{
				if (row_key->n == 1)
					return parts[j];
				paysafe_row_key_append(&buf, n++, parts[j]);
			}
	return buf.data;
}

bool
paysafe_row_key_same_value(Form_pg_attribute att, Datum a, bool anull, Datum b, bool bnull)
{
	if (anull || bnull)
		return anull == bnull;
	if (datum_image_eq(a, b, att->attbyval, att->attlen))
		return true;
	if (getBaseType(att->atttypid) == NUMERICOID)
		return paysafe_money_compare(DatumGetNumeric(a), DatumGetNumeric(b)) == 0;
	return false;
}

bool
paysafe_row_key_same_column(TupleDesc desc, AttrNumber attnum, TupleTableSlot *a,
					TupleTableSlot *b)
{
	bool		anull;
	bool		bnull;
	Datum		av = slot_getattr(a, attnum, &anull);
	Datum		bv = slot_getattr(b, attnum, &bnull);

	return paysafe_row_key_same_value(TupleDescAttr(desc, attnum - 1), av, anull, bv, bnull);
}

bool
paysafe_row_key_same_row(Relation rel, TupleTableSlot *a, TupleTableSlot *b)
{
	Bitmapset  *columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	AttrNumber *attnums;
	int			n = 0;
	bool		same;
	int			i = -1;

	/* PostgreSQL keeps the columns of keys that are not deferrable */
	if (bms_is_empty(columns))
		n = paysafe_row_key_primary(rel, &attnums);
	same = n > 0 || !bms_is_empty(columns);
	while (same && (i = bms_next_member(columns, i)) >= 0)
		same = paysafe_row_key_same_column(RelationGetDescr(rel),
								   i + FirstLowInvalidHeapAttributeNumber, a, b);
	for (i = 0; same && i < n; i++)
		same = paysafe_row_key_same_column(RelationGetDescr(rel), attnums[i], a, b);
	bms_free(columns);
	return same;
}

bool
paysafe_row_key_changed(const RowKey *row_key, TupleDesc desc,
					TupleTableSlot *before, TupleTableSlot *after)
{
	for (int i = 0; i < row_key->n; i++)
		if (!paysafe_row_key_same_column(desc, row_key->attnums[i], before, after))
			return true;
	return false;
}

/*
 * The columns of the key of the table, of which one lock is held afterwards, or of
 * its first partition: a partitioned table may have none.
 */
static int
open_key(Relation *rel, AttrNumber **attnums)
{
	int			nkeys = paysafe_row_key_columns(*rel, attnums);
	List	   *leaves;

	if (nkeys == 0 && (*rel)->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		(leaves = paysafe_catalog_leaves(RelationGetRelid(*rel))) != NIL)
	{
		table_close(*rel, NoLock);
		*rel = table_open(linitial_oid(leaves), AccessShareLock);
		nkeys = paysafe_row_key_columns(*rel, attnums);
	}
	return nkeys;
}

static char *
join_parts(int nkeys, char **parts)
{
	StringInfoData buf;

	if (nkeys == 1)
		return parts[0];
	initStringInfo(&buf);
	for (int i = 0; i < nkeys; i++)
		paysafe_row_key_append(&buf, i, parts[i]);
	return buf.data;
}

char *
paysafe_row_key_normalize(Oid relid, const char *key)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber *attnums;
	int			nkeys = open_key(&rel, &attnums);
	char	  **parts;

	if (nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(rel))));
	parts = palloc(sizeof(char *) * nkeys);
	if (!paysafe_row_key_split(key, nkeys, parts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" does not have %d parts", paysafe_redact_string(key), nkeys),
				 errhint("Separate the columns of the primary key by commas.")));
	for (int i = 0; i < nkeys; i++)
		parts[i] = key_part(RelationGetDescr(rel), attnums[i],
							paysafe_row_key_input(TupleDescAttr(RelationGetDescr(rel), attnums[i] - 1), parts[i]));
	table_close(rel, NoLock);
	return join_parts(nkeys, parts);
}

/*
 * The part as a value of the column's type would have it, or NULL if it is none.  Only the
 * types that keys of rules may have are asked: their input functions are PostgreSQL's own, and
 * leave nothing behind that an error would have to clean up.  A domain's constraints, of
 * elements and attributes too, may call anything, and name no row.  Nothing is rounded to
 * what the column has room for: that would name another row.
 */
static char *
try_part(TupleDesc desc, AttrNumber attnum, char *part)
{
	Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
	MemoryContext context = CurrentMemoryContext;
	FormData_pg_attribute base = *att;
	char	   *volatile text = NULL;

	base.atttypid = getBaseType(att->atttypid);
	base.atttypmod = -1;
	if (!is_key_type(base.atttypid))
		return NULL;
	PG_TRY();
	{
		text = key_part(desc, attnum, paysafe_row_key_input(&base, part));
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
	}
	PG_END_TRY();
	return text;
}

char *
paysafe_row_key_logged(Oid relid, const char *key)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	AttrNumber *attnums;
	int			nkeys;
	char	   *parts[INDEX_MAX_KEYS];
	bool		is_value;

	if (rel == NULL)
		return pstrdup(key);	/* dropped, and its log is there */
	nkeys = open_key(&rel, &attnums);
	is_value = nkeys > 0 && paysafe_row_key_split(key, nkeys, parts);
	for (int i = 0; is_value && i < nkeys; i++)
	{
		parts[i] = try_part(RelationGetDescr(rel), attnums[i], parts[i]);
		is_value = parts[i] != NULL;
	}
	relation_close(rel, NoLock);
	return is_value ? join_parts(nkeys, parts) : pstrdup(key);
}
