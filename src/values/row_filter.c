/*-------------------------------------------------------------------------
 *
 * row_filter.c
 *	  Which rows: a condition over a row's own columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "compat.h"
#include "store/catalog.h"
#include "values/row_filter.h"

/* One column of a condition, as it is written. */
typedef struct Condition
{
	char	   *column;
	bool		excluded;		/* has none of the values */
	List	   *values;			/* of char *, NULL for NULL */
} Condition;

static PAYSAFE_NORETURN void
malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be an object that has a list of values for each column", "rows"),
			 errhint("For instance: '{\"kind\": [\"refund\"], \"payment_id\": {\"not\": [null]}}'.")));
	pg_unreachable();
}

static char *
value_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			malformed();
	}
	return NULL;
}

/* The columns of a condition; raises 22023 if it has another form. */
static List *
read_condition(Jsonb *condition)
{
	JsonbIterator *it = JsonbIteratorInit(&condition->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	List	   *result = NIL;

	if (!JB_ROOT_IS_OBJECT(condition) || JB_ROOT_COUNT(condition) == 0)
		malformed();
	(void) JsonbIteratorNext(&it, &value, false);
	while ((token = JsonbIteratorNext(&it, &value, false)) == WJB_KEY)
	{
		Condition  *column = palloc0(sizeof(Condition));

		column->column = pnstrdup(value.val.string.val, value.val.string.len);
		token = JsonbIteratorNext(&it, &value, false);
		column->excluded = token == WJB_BEGIN_OBJECT;
		if (column->excluded)
		{
			if (JsonbIteratorNext(&it, &value, false) != WJB_KEY || value.val.string.len != 3 ||
				memcmp(value.val.string.val, "not", 3) != 0)
				malformed();
			token = JsonbIteratorNext(&it, &value, false);
		}
		if (token != WJB_BEGIN_ARRAY)
			malformed();
		while ((token = JsonbIteratorNext(&it, &value, false)) == WJB_ELEM)
			column->values = lappend(column->values, value_text(&value));
		if (token != WJB_END_ARRAY || column->values == NIL ||
			(column->excluded && JsonbIteratorNext(&it, &value, false) != WJB_END_OBJECT))
			malformed();
		result = lappend(result, column);
	}
	return result;
}

/* The condition of a specification, or NIL. */
static List *
condition_of(const Jsonb *spec)
{
	char	   *text = paysafe_spec_optional_text(spec, "rows");

	if (text == NULL)
		return NIL;
	return read_condition(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))));
}

/* Whether a column is NULL can be asked whatever its type; an amount, whether it is zero. */
static void
find_column(Relation leaf, const Condition *condition, StatusColumn *out)
{
	bool		only_null = true;
	Place		place;
	ListCell   *lc;

	paysafe_place_find(leaf, condition->column, &place);
	if (paysafe_place_is_within(&place))
	{
		paysafe_status_value_column(leaf, condition->column, out);
		out->plain = true;
		return;
	}
	foreach(lc, condition->values)
		only_null = only_null && lfirst(lc) == NULL;
	if (!only_null && place.typid != NUMERICOID)
	{
		paysafe_status_value_state_column(leaf, condition->column, out);
		out->plain = true;
		return;
	}
	*out = (StatusColumn) {.attnum = place.attnum, .typid = place.typid, .type = only_null ? STATUS_PRESENCE : STATUS_NUMERIC};
	strlcpy(out->name, condition->column, NAMEDATALEN);
}

void
paysafe_row_filter_compile(Relation leaf, const Jsonb *spec, RowFilter *out)
{
	List	   *columns = condition_of(spec);
	ListCell   *lc;

	out->n = 0;
	out->columns = palloc(sizeof(StatusSet) * Max(list_length(columns), 1));
	out->excluded = palloc(sizeof(bool) * Max(list_length(columns), 1));
	foreach(lc, columns)
	{
		Condition  *condition = lfirst(lc);
		StatusColumn column;

		find_column(leaf, condition, &column);
		paysafe_status_value_set(&column, condition->values, &out->columns[out->n]);
		out->excluded[out->n++] = condition->excluded;
	}
}

bool
paysafe_row_filter_has(const RowFilter *filter, TupleTableSlot *row, const char **column)
{
	for (int i = 0; i < filter->n; i++)
		if ((paysafe_status_value_find(&filter->columns[i], row) >= 0) == filter->excluded[i])
		{
			if (column != NULL)
				*column = filter->columns[i].column.name;
			return false;
		}
	return true;
}

/* Do all values of one set stand in the other, or none? */
static bool
values_agree(const StatusSet *these, const StatusSet *those, bool all)
{
	for (int i = 0; i < these->n; i++)
		if (paysafe_status_value_in(those, &these->values[i]) != all)
			return false;
	return true;
}

/* Do the i-th column of one and the j-th of the other, which are the same, exclude each other? */
static bool
columns_exclude(const RowFilter *a, int i, const RowFilter *b, int j)
{
	if (a->excluded[i] && b->excluded[j])
		return false;			/* what neither has may be in both */
	if (a->excluded[i])
		return values_agree(&b->columns[j], &a->columns[i], true);
	return values_agree(&a->columns[i], &b->columns[j], b->excluded[j]);
}

static bool
is_same_column(const StatusColumn *a, const StatusColumn *b)
{
	return a->attnum == b->attnum && paysafe_place_same(&a->place, &b->place);
}

bool
paysafe_row_filter_excludes(const RowFilter *a, const RowFilter *b)
{
	for (int i = 0; i < a->n; i++)
		for (int j = 0; j < b->n; j++)
			if (is_same_column(&a->columns[i].column, &b->columns[j].column) &&
				a->columns[i].column.type == b->columns[j].column.type &&
				columns_exclude(a, i, b, j))
				return true;
	return false;
}

static int
compare_values(const ListCell *a, const ListCell *b)
{
	const JsonbValue *x = lfirst(a);
	const JsonbValue *y = lfirst(b);
	char	   *xt = value_text(x);
	char	   *yt = value_text(y);

	if (xt == NULL || yt == NULL)
		return (xt != NULL) - (yt != NULL);
	return strcmp(xt, yt) != 0 ? strcmp(xt, yt) : (int) x->type - (int) y->type;
}

/* The condition with its values in order, each of them once: said otherwise, it is the same. */
static Jsonb *
ordered(Jsonb *condition)
{
	JsonbIterator *it = JsonbIteratorInit(&condition->root);
	JsonbParseState *state = NULL;
	JsonbValue	value;
	JsonbValue *result = NULL;
	JsonbIteratorToken token;
	List	   *values = NIL;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		JsonbValue *previous = NULL;
		ListCell   *lc;

		if (token == WJB_ELEM)
		{
			JsonbValue *copy = palloc(sizeof(JsonbValue));

			*copy = value;
			values = lappend(values, copy);
			continue;
		}
		if (token == WJB_END_ARRAY)
		{
			list_sort(values, compare_values);
			foreach(lc, values)
			{
				if (previous == NULL || compare_values(list_head(list_make1(previous)), lc) != 0)
					(void) pushJsonbValue(&state, WJB_ELEM, lfirst(lc));
				previous = lfirst(lc);
			}
			values = NIL;
		}
		result = pushJsonbValue(&state, token, token == WJB_KEY ? &value : NULL);
	}
	return JsonbValueToJsonb(result);
}

void
paysafe_row_filter_add(SpecBuilder *builder, Jsonb *condition)
{
	List	   *columns = NIL;
	ListCell   *lc;

	if (condition == NULL)
		return;
	foreach(lc, read_condition(condition))
		columns = lappend(columns, ((Condition *) lfirst(lc))->column);
	condition = ordered(condition);
	paysafe_spec_add_text(builder, "rows",
						  JsonbToCString(NULL, &condition->root, VARSIZE(condition)));
	paysafe_spec_add_set(builder, "rows_columns", columns);
}

char *
paysafe_row_filter_words(const Jsonb *spec)
{
	List	   *columns = condition_of(spec);
	StringInfoData buf;
	ListCell   *lc;
	ListCell   *lc2;

	if (columns == NIL)
		return NULL;
	initStringInfo(&buf);
	foreach(lc, columns)
	{
		Condition  *condition = lfirst(lc);
		const char *before = condition->excluded ? " not " : " ";

		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", condition->column);
		foreach(lc2, condition->values)
		{
			appendStringInfo(&buf, "%s%s", before, lfirst(lc2) ? (char *) lfirst(lc2) : "NULL");
			before = " or ";
		}
	}
	return buf.data;
}
