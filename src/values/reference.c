/*-------------------------------------------------------------------------
 *
 * reference.c
 *	  Which columns of another table a table's columns mean.
 *
 * Never guessed: where a wrong guess is possible, a refund would count against
 * another payment, and nothing would look wrong.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "compat.h"
#include "store/catalog.h"
#include "values/key_columns.h"
#include "values/reference.h"
#include "values/row_key.h"
#include "values/spec.h"

/* The other side of a foreign key, in the order of the columns; NIL: it is over others. */
static List *
key_of(const ForeignKeyCacheInfo *fk, Relation referring, List *columns, Oid referred)
{
	List	   *key = NIL;
	ListCell   *lc;

	if (fk->nkeys != list_length(columns))
		return NIL;
	foreach(lc, columns)
	{
		AttrNumber	attnum = paysafe_catalog_column(referring, lfirst(lc));
		int			i = 0;

		while (i < fk->nkeys && fk->conkey[i] != attnum)
			i++;
		if (i == fk->nkeys)
			return NIL;
		key = lappend(key, get_attname(referred, fk->confkey[i], false));
	}
	return key;
}

static bool
same_names(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
		if (strcmp(lfirst(la), lfirst(lb)) != 0)
			return false;
	return true;
}

static bool
has_names(List *lists, List *names)
{
	ListCell   *lc;

	foreach(lc, lists)
		if (same_names(lfirst(lc), names))
			return true;
	return false;
}

/*
 * What foreign keys say: lists of names, none twice.  *elsewhere: over these columns
 * one goes to another table.
 */
static List *
foreign_keys(Oid referring, List *columns, Oid referred, bool *elsewhere)
{
	Relation	rel = table_open(referring, AccessShareLock);
	List	   *keys = NIL;
	ListCell   *lc;

	*elsewhere = false;
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);
		List	   *key = key_of(fk, rel, columns, fk->confrelid);

		if (key == NIL)
			continue;
		if (fk->confrelid != referred)
			/* to a partitioned table there is one for each partition, too */
			*elsewhere |= !list_member_oid(paysafe_catalog_ancestors(fk->confrelid), referred);
		else if (!has_names(keys, key))
			keys = lappend(keys, key);
	}
	table_close(rel, AccessShareLock);
	return keys;
}

static List *
names_of(Relation rel, int n, const AttrNumber *attnums)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
		names = lappend(names, pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel), attnums[i] - 1)->attname)));
	return names;
}

/* What names rows of the table: the primary key without the tree's partition keys. */
static List *
identity_of(Relation rel)
{
	AttrNumber *attnums;
	int			n = paysafe_row_key_columns(rel, &attnums);

	return names_of(rel, n, attnums);
}

/* The columns of a unique index, NIL if it is of expressions, or none such. */
static List *
unique_columns(Relation rel, Oid indexid, bool *whole)
{
	Relation	index = index_open(indexid, AccessShareLock);
	Form_pg_index form = index->rd_index;
	List	   *names = NIL;
	bool		plain = form->indisunique;

	for (int i = 0; i < form->indnkeyatts; i++)
		plain = plain && form->indkey.values[i] > 0;
	if (plain)
		for (int i = 0; i < form->indnkeyatts; i++)
			names = list_concat(names, names_of(rel, 1, &form->indkey.values[i]));
	/* that of a partitioned table is not valid until each partition has it */
	*whole = form->indimmediate && form->indisvalid && RelationGetIndexPredicate(index) == NIL;
	index_close(index, AccessShareLock);
	return names;
}

/* Is any combination of values in these columns there once? */
static bool
is_key(Relation rel, List *names)
{
	List	   *identity = identity_of(rel);
	bool		result = identity != NIL && paysafe_strings_minus(identity, names) == NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		bool		whole;
		List	   *unique = unique_columns(rel, lfirst_oid(lc), &whole);

		result |= unique != NIL && whole && paysafe_strings_minus(unique, names) == NIL;
	}
	return result;
}

static Oid
type_of(Relation rel, const char *column)
{
	return TupleDescAttr(RelationGetDescr(rel), paysafe_catalog_column(rel, column) - 1)->atttypid;
}

/*
 * The primary key's one column, if a value of the type can mean nothing else: no other
 * unique column has such values, not even in a part of the rows or of the tree.
 */
static List *
only_key(Relation rel, Oid type)
{
	List	   *identity = identity_of(rel);
	List	   *partition_keys;
	AttrNumber *attnums;
	int			n = paysafe_row_key_primary(rel, &attnums);
	ListCell   *lc;

	if (list_length(identity) != 1)
		return NIL;
	partition_keys = paysafe_strings_minus(names_of(rel, n, attnums), identity);
	foreach(lc, RelationGetIndexList(rel))
	{
		bool		whole;
		List	   *unique = paysafe_strings_minus(unique_columns(rel, lfirst_oid(lc), &whole), partition_keys);

		if (list_length(unique) == 1 && strcmp(linitial(unique), linitial(identity)) != 0 &&
			paysafe_row_key_compares(type_of(rel, linitial(unique)), type))
			return NIL;
	}
	return identity;
}

/* The names as a list that an argument takes. */
static char *
list_literal(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", quote_literal_cstr(lfirst(lc)));
	return list_length(names) == 1 ? buf.data : psprintf("ARRAY[%s]", buf.data);
}

static PAYSAFE_NORETURN void
refuse(Relation referring, List *columns, Relation referred, const char *argument, const char *why)
{
	List	   *identity = identity_of(referred);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("which key of \"%s\" column%s %s of \"%s\" refer%s to is not clear",
					RelationGetRelationName(referred), list_length(columns) == 1 ? "" : "s",
					list_length(columns) == 1 ? psprintf("\"%s\"", (char *) linitial(columns)) :
					paysafe_key_columns_words(columns),
					RelationGetRelationName(referring), list_length(columns) == 1 ? "s" : ""),
			 errdetail("%s", why),
			 list_length(identity) == list_length(columns) ?
			 errhint("Give \"%s\" a foreign key, or name the key: %s => %s, if that is meant.",
					 RelationGetRelationName(referring), argument, list_literal(identity)) :
			 errhint("Give \"%s\" a foreign key, or name as many columns of a key of \"%s\" in the argument \"%s\".",
					 RelationGetRelationName(referring), RelationGetRelationName(referred), argument)));
}

/* Raises unless the named columns are as many, are there, and are a key. */
static void
check_named(Relation referred, List *columns, List *named, const char *argument)
{
	ListCell   *lc;

	if (list_length(named) != list_length(columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" names %d columns, and %d refer to them",
						argument, list_length(named), list_length(columns))));
	foreach(lc, named)
		(void) paysafe_catalog_column(referred, lfirst(lc));
	if (!is_key(referred, named))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is no key of table \"%s\"", paysafe_key_columns_words(named),
						RelationGetRelationName(referred)),
				 errdetail("Several rows could have the same values."),
				 errhint("Make it the primary key, or give it a unique constraint that is not deferrable.")));
}

/* All names are columns of the table. */
static bool
has_columns(Relation rel, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		if (get_attnum(RelationGetRelid(rel), lfirst(lc)) <= 0)
			return false;
	return true;
}

/* What no foreign key says and nobody names. */
static List *
resolve_by_names(Relation referring, List *columns, Relation referred, bool elsewhere,
				 const char *argument)
{
	List	   *key = NIL;

	if (has_columns(referred, columns) && is_key(referred, columns))
		return columns;
	if (list_length(columns) > 1)
		refuse(referring, columns, referred, argument,
			   "There is no foreign key over exactly these columns, and their names are not those of a key.");
	if (elsewhere)
		refuse(referring, columns, referred, argument, "It has a foreign key to another table.");
	key = only_key(referred, type_of(referring, linitial(columns)));
	if (key == NIL)
		refuse(referring, columns, referred, argument,
			   list_length(identity_of(referred)) == 1 ?
			   "There is no foreign key, and the primary key is not the only unique column that has such values." :
			   "There is no foreign key, and no primary key of one column.");
	return key;
}

List *
paysafe_reference_resolve(Oid referring, List *columns, Oid referred, List *named,
						  const char *argument)
{
	Relation	referring_rel = table_open(referring, AccessShareLock);
	Relation	referred_rel = table_open(referred, AccessShareLock);
	bool		elsewhere;
	List	   *keys = foreign_keys(referring, columns, referred, &elsewhere);
	List	   *key = named;

	if (named != NIL)
		check_named(referred_rel, columns, named, argument);
	if (named != NIL && keys != NIL && !has_names(keys, named))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the foreign key over %s refers to %s of \"%s\", not to %s",
						paysafe_key_columns_words(columns), paysafe_key_columns_words(linitial(keys)),
						RelationGetRelationName(referred_rel), paysafe_key_columns_words(named)),
				 errhint("Leave the argument \"%s\" out.", argument)));
	if (named == NIL && list_length(keys) > 1)
		refuse(referring_rel, columns, referred_rel, argument, "Foreign keys say different things.");
	if (named == NIL)
		key = keys != NIL ? linitial(keys) :
			resolve_by_names(referring_rel, columns, referred_rel, elsewhere, argument);
	table_close(referred_rel, AccessShareLock);
	table_close(referring_rel, AccessShareLock);
	return key;
}

void
paysafe_reference_order(Oid referred, List **columns, List **key)
{
	Relation	rel = table_open(referred, AccessShareLock);
	AttrNumber *attnums;
	int			n = paysafe_row_key_primary(rel, &attnums);
	List	   *ordered_columns = NIL;
	List	   *ordered_key = NIL;
	ListCell   *lc;
	ListCell   *lk;

	/* those of the primary key in its order, then the others as they came */
	foreach(lc, names_of(rel, n, attnums))
	{
		int			i = 0;

		foreach(lk, *key)
		{
			if (strcmp(lfirst(lk), lfirst(lc)) == 0)
			{
				ordered_key = lappend(ordered_key, lfirst(lk));
				ordered_columns = lappend(ordered_columns, list_nth(*columns, i));
			}
			i++;
		}
	}
	forboth(lc, *columns, lk, *key)
		if (!paysafe_strings_contain(ordered_key, lfirst(lk)))
		{
			ordered_key = lappend(ordered_key, lfirst(lk));
			ordered_columns = lappend(ordered_columns, lfirst(lc));
		}
	table_close(rel, AccessShareLock);
	*columns = ordered_columns;
	*key = ordered_key;
}

static bool
same_set(List *a, List *b)
{
	return list_length(a) == list_length(b) && paysafe_strings_minus(a, b) == NIL;
}

List *
paysafe_reference_align(Oid referring, List *columns, Oid referred, List *key)
{
	bool		elsewhere;
	List	   *keys = foreign_keys(referring, columns, referred, &elsewhere);
	ListCell   *lc;

	foreach(lc, keys)
		if (same_set(lfirst(lc), key))
			return lfirst(lc);
	if (keys != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the foreign key over %s refers to %s of \"%s\", not to %s",
						paysafe_key_columns_words(columns), paysafe_key_columns_words(linitial(keys)),
						get_rel_name(referred), paysafe_key_columns_words(key))));
	return same_set(columns, key) ? columns : key;
}
