/*-------------------------------------------------------------------------
 *
 * row_lock_batch.c
 *	  Statements that change several rows, each compared with a value of its own.
 *
 * ORMs write a batch of optimistic locks as one statement:
 *
 *	  WHERE (id = 1 AND version = 3) OR (id = 2 AND version = 7)
 *	  FROM (VALUES (1, 3), (2, 7)) v (id, version) WHERE t.id = v.id AND t.version = v.version
 *
 * Each row is compared with one given version if no two of the conditions, or rows of
 * VALUES, name the same row: columns of the primary key, which all of them compare, have to
 * differ.  Otherwise a row would be compared with several, which is what IN does, and who sent
 * it had not read it as one of them.
 *
 * EvalPlanQual compares a changed row with the row of VALUES that it was joined with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "rules/row_lock/row_lock_batch.h"

/*
 * Keys
 */

/*
 * Add the value so that equal ones, and no others, look the same; false if that is not
 * known of its type.
 */
static bool
add_value(StringInfo key, Node *expr)
{
	const Const *value = (const Const *) paysafe_row_lock_compare_strip(expr);
	int64		number;
	text	   *bytes;
	int			len;

	if (!IsA(value, Const) || value->constisnull)
		return false;
	switch (value->consttype)
	{
		case INT2OID:
			number = DatumGetInt16(value->constvalue);
			break;
		case INT4OID:
			number = DatumGetInt32(value->constvalue);
			break;
		case INT8OID:
			number = DatumGetInt64(value->constvalue);
			break;
		case UUIDOID:
			appendBinaryStringInfo(key, (const char *) DatumGetUUIDP(value->constvalue), UUID_LEN);
			return true;
		case TEXTOID:
		case VARCHAROID:
			bytes = DatumGetTextPP(value->constvalue);
			len = VARSIZE_ANY_EXHDR(bytes);
			appendBinaryStringInfo(key, (const char *) &len, sizeof(len));
			appendBinaryStringInfo(key, VARDATA_ANY(bytes), len);
			return true;
		default:
			return false;
	}
	appendBinaryStringInfo(key, (const char *) &number, sizeof(number));
	return true;
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	const StringInfo x = lfirst(a);
	const StringInfo y = lfirst(b);
	int			order = memcmp(x->data, y->data, Min(x->len, y->len));

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorts the keys. */
static bool
are_distinct(List *keys)
{
	list_sort(keys, compare_keys);
	for (int i = 1; i < list_length(keys); i++)
		if (compare_keys(list_nth_cell(keys, i - 1), list_nth_cell(keys, i)) == 0)
			return false;
	return true;
}

/*
 * OR
 */

static bool
never_holds(Node *condition)
{
	return IsA(condition, Const) &&
		(((Const *) condition)->constisnull || !DatumGetBool(((Const *) condition)->constvalue));
}

/* What one of the conditions compares with given values; false if it never holds. */
static bool
comparisons_of(const ValuePlace *place, Node *disjunct, List **out)
{
	List	   *conjuncts = IsA(disjunct, BoolExpr) && ((BoolExpr *) disjunct)->boolop == AND_EXPR ?
		((BoolExpr *) disjunct)->args : list_make1(disjunct);
	ListCell   *lc;

	*out = NIL;
	foreach(lc, conjuncts)
	{
		Comparison *comparison = palloc(sizeof(Comparison));

		if (never_holds(lfirst(lc)))
			return false;
		if (paysafe_row_lock_compare(place, lfirst(lc), comparison) &&
			paysafe_row_lock_compare_is_given(place, comparison))
			*out = lappend(*out, comparison);
	}
	return true;
}

static const Comparison *
find_comparison(List *comparisons, const char *column)
{
	ListCell   *lc;

	foreach(lc, comparisons)
		if (strcmp(((Comparison *) lfirst(lc))->column, column) == 0)
			return lfirst(lc);
	return NULL;
}

/* The key that the comparisons have in these columns, or NULL. */
static StringInfo
key_of(List *comparisons, List *columns)
{
	StringInfo	key = makeStringInfo();
	ListCell   *lc;

	foreach(lc, columns)
	{
		const Comparison *comparison = find_comparison(comparisons, strVal(lfirst(lc)));

		if (comparison->value == NULL || !add_value(key, comparison->value))
			return NULL;
	}
	return key;
}

/* The columns that each of them compares. */
static List *
common_columns(List *disjuncts)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, (List *) linitial(disjuncts))
	{
		const char *column = ((Comparison *) lfirst(lc))->column;
		bool		all = true;

		foreach(lc2, disjuncts)
			all = all && find_comparison(lfirst(lc2), column) != NULL;
		if (all)
			result = list_append_unique(result, makeString(pstrdup(column)));
	}
	return result;
}

List *
paysafe_row_lock_batch_or(const ValuePlace *place, BoolExpr *expr)
{
	List	   *disjuncts = NIL;
	List	   *keys = NIL;
	List	   *common;
	List	   *named;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		List	   *comparisons;

		if (!comparisons_of(place, lfirst(lc), &comparisons))
			continue;
		if (comparisons == NIL)
			return NIL;
		disjuncts = lappend(disjuncts, comparisons);
	}
	if (disjuncts == NIL)
		return NIL;
	common = common_columns(disjuncts);
	named = list_intersection(common, place->key);
	if (named == NIL)
		return NIL;
	foreach(lc, disjuncts)
	{
		StringInfo	key = key_of(lfirst(lc), named);

		if (key == NULL)
			return NIL;
		keys = lappend(keys, key);
	}
	return are_distinct(keys) ? list_difference(common, named) : NIL;
}

/*
 * VALUES
 */

/* A fact is a list: which VALUES of the statement, which column of it, which one of the row. */
Node *
paysafe_row_lock_batch_fact(const ValuePlace *place, const Comparison *comparison)
{
	AttrNumber	attno;
	ValuesScan *scan = comparison->value == NULL ? NULL :
		paysafe_row_lock_value_of_values(place, paysafe_row_lock_compare_strip(comparison->value), &attno);

	if (scan == NULL)
		return NULL;
	*place->scans = list_append_unique_ptr(*place->scans, scan);
	for (int i = 0;; i++)
		if (list_nth(*place->scans, i) == scan)
			return (Node *) list_make3(makeInteger(i), makeInteger(attno), makeString(comparison->column));
}

static Node *
entry_of(const ValuePlace *place, List *row, List *fact)
{
	int			attno = intVal(lsecond(fact));

	return attno <= 0 || attno > list_length(row) ? NULL :
		paysafe_row_lock_value_fold(place, list_nth(row, attno - 1));
}

/*
 * Does each row of the VALUES name another row by the facts of keys, and give those of
 * the others?
 */
static bool
names_rows(const ValuePlace *place, const ValuesScan *scan, List *key_facts, List *others)
{
	List	   *keys = NIL;
	ListCell   *row;
	ListCell   *lc;

	foreach(row, scan->values_lists)
	{
		StringInfo	key = makeStringInfo();

		foreach(lc, key_facts)
		{
			Node	   *entry = entry_of(place, lfirst(row), lfirst(lc));

			if (entry == NULL || !add_value(key, entry))
				return false;
		}
		foreach(lc, others)
		{
			Node	   *entry = entry_of(place, lfirst(row), lfirst(lc));

			if (entry == NULL || !paysafe_row_lock_value_is_given(place, entry))
				return false;
		}
		keys = lappend(keys, key);
	}
	return are_distinct(keys);
}

List *
paysafe_row_lock_batch_names(const ValuePlace *place, List *compared)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, compared)
		if (IsA(lfirst(lc), String))
			result = lappend(result, lfirst(lc));
	for (int i = 0; i < list_length(*place->scans); i++)
	{
		ValuePlace	below = *place;
		List	   *keys = NIL;
		List	   *others = NIL;

		below.plan = list_nth(*place->scans, i);
		below.bindings = NULL;
		foreach(lc, compared)
		{
			List	   *fact = lfirst(lc);

			if (!IsA(fact, List) || intVal(linitial(fact)) != i)
				continue;
			if (list_member(place->key, lthird(fact)))
				keys = lappend(keys, fact);
			else
				others = lappend(others, fact);
		}
		if (keys == NIL || others == NIL ||
			!names_rows(&below, (ValuesScan *) below.plan, keys, others))
			continue;
		foreach(lc, others)
			result = lappend(result, lthird((List *) lfirst(lc)));
	}
	return result;
}
