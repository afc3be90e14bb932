/*-------------------------------------------------------------------------
 *
 * key_columns.c
 *	  Columns whose values together name a row: of their own table or of another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "redact/redact.h"
#include "store/catalog.h"
#include "values/key_columns.h"
#include "values/spec.h"

void
paysafe_key_columns_find(Relation rel, List *names, KeyColumns *out)
{
	int			n = list_length(names);
	ListCell   *lc;

	out->relid = RelationGetRelid(rel);
	out->names = names;
	out->key.attnums = palloc(sizeof(AttrNumber) * n);
	out->types = palloc(sizeof(Oid) * n);
	out->key.n = 0;
	foreach(lc, names)
	{
		AttrNumber	attnum = paysafe_catalog_column(rel, lfirst(lc));

		out->key.attnums[out->key.n] = attnum;
		out->types[out->key.n++] = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	}
}

AttrNumber
paysafe_key_columns_inexact(Relation rel, const KeyColumns *columns)
{
	for (int i = 0; i < columns->key.n; i++)
	{
		AttrNumber	attnum = columns->key.attnums[i];
		Oid			collation = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attcollation;

		if (!paysafe_row_key_can_refer(columns->types[i]) ||
			(OidIsValid(collation) && !get_collation_isdeterministic(collation)))
			return attnum;
	}
	return InvalidAttrNumber;
}

bool
paysafe_key_columns_read(const KeyColumns *columns, TupleTableSlot *row, KeyValues *out,
						 AttrNumber *missing)
{
	out->n = columns->key.n;
	out->types = columns->types;
	out->values = palloc(sizeof(Datum) * out->n);
	for (int i = 0; i < out->n; i++)
	{
		bool		isnull;

		out->values[i] = slot_getattr(row, columns->key.attnums[i], &isnull);
		if (isnull)
		{
			if (missing != NULL)
				*missing = columns->key.attnums[i];
			return false;
		}
	}
	return true;
}

AttrNumber
paysafe_key_columns_changed(const KeyColumns *columns, TupleDesc desc, TupleTableSlot *a,
							TupleTableSlot *b)
{
	for (int i = 0; i < columns->key.n; i++)
		if (!paysafe_row_key_same_column(desc, columns->key.attnums[i], a, b))
			return columns->key.attnums[i];
	return InvalidAttrNumber;
}

void
paysafe_key_columns_copy(const KeyValues *from, KeyValues *out)
{
	Oid		   *types = palloc(sizeof(Oid) * from->n);
	Datum	   *values = palloc(sizeof(Datum) * from->n);

	for (int i = 0; i < from->n; i++)
	{
		int16		typlen;
		bool		typbyval;

		get_typlenbyval(from->types[i], &typlen, &typbyval);
		types[i] = from->types[i];
		values[i] = datumCopy(from->values[i], typbyval, typlen);
	}
	*out = (KeyValues) {from->n, types, values};
}

char *
paysafe_key_columns_text(const KeyValues *values)
{
	return paysafe_row_key_values_text(values->n, values->types, values->values, NULL);
}

char *
paysafe_key_columns_row_text(const KeyColumns *columns, TupleTableSlot *row, AttrNumber *missing)
{
	Datum		values[INDEX_MAX_KEYS];

	for (int i = 0; i < columns->key.n; i++)
	{
		bool		isnull;

		values[i] = slot_getattr(row, columns->key.attnums[i], &isnull);
		if (isnull)
		{
			if (missing != NULL)
				*missing = columns->key.attnums[i];
			return NULL;
		}
	}
	return paysafe_row_key_values_text(columns->key.n, columns->types, values, NULL);
}

void
paysafe_key_columns_written(Relation rel, const KeyColumns *columns, const char *key, KeyValues *out)
{
	char	   *parts[INDEX_MAX_KEYS];

	if (!paysafe_row_key_split(key, columns->key.n, parts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" does not have %d parts", paysafe_redact_string(key), columns->key.n),
				 errhint("Separate the values of %s by commas, with a backslash before commas and backslashes of their own.",
						 paysafe_row_key_names(&columns->key, RelationGetDescr(rel)))));
	out->n = columns->key.n;
	out->types = columns->types;
	out->values = palloc(sizeof(Datum) * out->n);
	for (int i = 0; i < out->n; i++)
		out->values[i] = paysafe_row_key_input(TupleDescAttr(RelationGetDescr(rel), columns->key.attnums[i] - 1),
											   parts[i]);
}

static void
scan(Relation leaf, int n, const AttrNumber *attnums, const KeyValues *values, Snapshot snapshot,
	 KeyVisitor visitor, void *arg)
{
	KeySearch	search;

	Assert(n == values->n);
	paysafe_row_key_search(leaf, n, attnums, values->types, &search);
	paysafe_row_key_search_scan(leaf, &search, values->values, snapshot, visitor, arg);
}

void
paysafe_key_columns_scan(Relation leaf, List *names, const KeyValues *values, Snapshot snapshot,
						 KeyVisitor visitor, void *arg)
{
	AttrNumber	attnums[INDEX_MAX_KEYS];
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		attnums[n++] = paysafe_catalog_column(leaf, lfirst(lc));
	scan(leaf, n, attnums, values, snapshot, visitor, arg);
}

void
paysafe_key_columns_scan_like(Relation leaf, const KeyColumns *columns, const KeyValues *values,
							  Snapshot snapshot, KeyVisitor visitor, void *arg)
{
	if (likely(RelationGetRelid(leaf) == columns->relid))
		scan(leaf, columns->key.n, columns->key.attnums, values, snapshot, visitor, arg);
	else
		paysafe_key_columns_scan(leaf, columns->names, values, snapshot, visitor, arg);
}

bool
paysafe_key_columns_match(Relation leaf, const KeyColumns *columns, TupleTableSlot *row,
						  const KeyValues *values)
{
	KeySearch	search;

	paysafe_row_key_search(leaf, columns->key.n, columns->key.attnums, values->types, &search);
	return paysafe_row_key_search_matches(&search, row, values->values);
}

static char *
create_index(Oid relid, List *names)
{
	StringInfoData list;
	ListCell   *name;

	initStringInfo(&list);
	foreach(name, names)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", quote_identifier(lfirst(name)));
	return psprintf("CREATE INDEX ON %s (%s);", paysafe_catalog_table_name(relid), list.data);
}

/* How many of the columns an index of the leaf leads by; *n: of how many. */
static int
indexed(Relation leaf, List *names, int *n)
{
	KeyColumns	columns;

	paysafe_key_columns_find(leaf, names, &columns);
	*n = columns.key.n;
	return paysafe_row_key_indexed(leaf, columns.key.n, columns.key.attnums);
}

char *
paysafe_key_columns_unindexed(Oid relid, List *names)
{
	ListCell   *lc;
	bool		all = true;

	foreach(lc, paysafe_catalog_leaves(relid))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		int			n;

		all &= indexed(leaf, names, &n) == n;
		table_close(leaf, AccessShareLock);
	}
	return all ? NULL : create_index(relid, names);
}

void
paysafe_key_columns_warn(Oid relid, List *names, const char *reader)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(relid))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		int			n;
		int			found = indexed(leaf, names, &n);

		if (found < n)
			ereport(WARNING,
					(n == 1 ?
					 errmsg("table \"%s\" has no index on column \"%s\"",
							RelationGetRelationName(leaf), (char *) linitial(names)) :
					 errmsg("table \"%s\" has no index on columns %s",
							RelationGetRelationName(leaf), paysafe_key_columns_words(names)),
					 found == 0 ? errdetail("%s will read the whole table.", reader) :
					 errdetail("%s will read the rows that agree in %s of them.", reader,
							   found == 1 ? "one" : "some"),
					 errhint("%s", create_index(relid, names))));
		table_close(leaf, AccessShareLock);
	}
}

char *
paysafe_key_columns_words(List *names)
{
	return list_length(names) == 1 ? pstrdup(linitial(names)) :
		psprintf("(%s)", paysafe_strings_join(names));
}
