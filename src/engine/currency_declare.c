/*-------------------------------------------------------------------------
 *
 * currency_declare.c
 *	  Declaring where the currency of a row stands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "engine/currency.h"
#include "engine/declare.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/money.h"
#include "values/reference.h"
#include "values/row_key.h"

#define MAX_STEPS	8			/* each costs each row a look-up */

/* A step of a path: a column of a table, and the column of another that it refers to. */
typedef struct Step
{
	Oid			relation;
	char	   *column;
	Oid			parent;
	char	   *parent_key;
	bool		observed;		/* no rule that is enforced leads through it */
} Step;

/* Values of the column name rows exactly. */
static void
check_exact(const Step *step)
{
	Relation	rel = table_open(step->relation, AccessShareLock);
	AttrNumber	attnum = paysafe_catalog_column(rel, step->column);

	if (!paysafe_row_key_is_exact(getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has a type that cannot lead to a currency",
						step->column, RelationGetRelationName(rel)),
				 errhint("Integers, numeric, text, varchar, char(n), uuid and bytea can.")));
	table_close(rel, AccessShareLock);
}

/* The table is named: which of its keys is meant, a foreign key says, or there is no doubt. */
static void
follow_table(Step *step, Oid table)
{
	List	   *key = paysafe_reference_resolve(step->relation, list_make1(step->column), table, NIL,
											   "currency_tables");

	step->parent = table;
	step->parent_key = linitial(key);
	check_exact(step);
}

/* What the foreign key of this column alone says. */
static void
follow_foreign_key(Step *step)
{
	Relation	rel = table_open(step->relation, AccessShareLock);
	AttrNumber	attnum = paysafe_catalog_column(rel, step->column);
	int			found = 0;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->nkeys != 1 || fk->conkey[0] != attnum)
			continue;
		found += fk->confrelid != step->parent;
		step->parent = fk->confrelid;
		step->parent_key = get_attname(fk->confrelid, fk->confkey[0], false);
	}
	table_close(rel, AccessShareLock);
	if (found == 1)
		check_exact(step);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(found == 0 ? "column \"%s\" of relation \"%s\" has no foreign key" :
						"column \"%s\" of relation \"%s\" has foreign keys to several tables",
						step->column, get_rel_name(step->relation)),
				 errdetail("Each column of \"currency_path\" but the last refers to a row of another table."),
				 errhint("A foreign key of this one column says to which; or name the tables as \"currency_tables\".")));
}

/* The steps of the path; the column at its end in *last. */
static List *
steps_of(Oid relation, List *path, List *tables, const CurrencyStep *first, char **last)
{
	List	   *steps = NIL;

	if (list_length(path) < 2 || list_length(path) > MAX_STEPS + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 2 to %d columns", "currency_path", MAX_STEPS + 1),
				 errhint("Each refers to a row of another table, and the last is the currency there; a column of the table itself is named as \"currency_column\".")));
	if (tables != NIL && list_length(tables) != list_length(path) - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must name a table for each column of \"%s\" but the last",
						"currency_tables", "currency_path")));
	if (first != NULL && tables != NIL && linitial_oid(tables) != first->parent)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must begin with \"%s\"", "currency_tables", get_rel_name(first->parent))));
	for (int i = 0; i < list_length(path) - 1; i++)
	{
		Step	   *step = palloc0(sizeof(Step));

		step->relation = relation;
		step->column = list_nth(path, i);
		if (i == 0 && first != NULL && strcmp(first->column, step->column) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must begin with \"%s\"", "currency_path", first->column),
					 errdetail("The way to the currency goes through the row of \"%s\" that the column refers to.",
							   get_rel_name(first->parent))));
		if (i == 0 && first != NULL)
		{
			step->parent = first->parent;
			step->parent_key = first->parent_key;
		}
		else if (tables != NIL)
			follow_table(step, list_nth_oid(tables, i));
		else
			follow_foreign_key(step);
		relation = step->parent;
		steps = lappend(steps, step);
	}
	*last = llast(path);
	return steps;
}

/* What a step says of its table; further: where its row's currency is leads on. */
static void
add_step(SpecBuilder *spec, const Step *step, const char *parent_column, bool further)
{
	paysafe_spec_add_text(spec, "currency_via", step->column);
	paysafe_spec_add_text(spec, "currency_parent_key", step->parent_key);
	paysafe_spec_add_text(spec, "currency_parent_column", parent_column);
	paysafe_spec_add_bool(spec, "currency_further", further);
}

/* "a.b.c", in quotes where a name would mislead. */
static char *
path_words(List *path)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, path)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "." : "", quote_identifier(lfirst(lc)));
	return buf.data;
}

static Jsonb *
step_spec(const Step *step, const char *parent_column, bool further, List *path, bool observed)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	add_step(&spec, step, parent_column, further);
	paysafe_spec_add_text(&spec, "currency_path", path_words(path));
	paysafe_spec_add_bool(&spec, SPEC_OBSERVE, observed);
	return paysafe_spec_end(&spec);
}

/* Does a rule that is enforced lead through the step, other than that of the one before? */
static bool
is_needed(const Step *step, Oid before, const char *name)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(step->relation))
	{
		const RuleSource *rule = lfirst(lc);

		if (rule->reference == step->relation && !rule->observed && strcmp(rule->name, TEST_ROWS_RULE) != 0 &&
			paysafe_spec_optional_text(rule->spec, "currency_via") != NULL &&
			!(rule->relation == before && strcmp(rule->name, name) == 0))
			return true;
	}
	return false;
}

/* The rows of a table in the middle of a path have one currency, whoever asks. */
static void
declare_step(const Step *step, const char *parent_column, bool further, List *path)
{
	RuleSource	rule;
	bool		removed;

	if (paysafe_rule_newest(step->relation, "currency", &rule, &removed) && !removed &&
		(rule.reference != step->parent ||
		 !paysafe_spec_equal(rule.spec, step_spec(step, parent_column, further, path, rule.observed))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of \"%s\" have their currency elsewhere", get_rel_name(step->relation)),
				 errdetail("It is %s, as another rule says.",
						   paysafe_spec_text(rule.spec, "currency_path"))));
	paysafe_declare(step->relation, "currency", step->parent,
					step_spec(step, parent_column, further, path, step->observed));
}

/* Raises unless the column at the end of the path can hold a currency. */
static void
check_last(const Step *step, const char *column, bool any_state)
{
	Relation	rel = table_open(step->parent, AccessShareLock);
	Currency	currency;

	if (any_state)
		paysafe_status_value_state_column(rel, column, &currency.column);
	else
		paysafe_currency_column(rel, column, &currency);
	table_close(rel, AccessShareLock);
	if (!any_state && paysafe_place_is_within(&currency.column.place))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must end with a column", "currency_path"),
				 errdetail("\"%s\" stands within column \"%s\".", column, currency.name)));
}

static Oid
declare_path(SpecBuilder *spec, Oid relation, const char *rule, const CurrencyStep *first,
			 List *path, List *tables, bool observed)
{
	char	   *last;
	List	   *steps = steps_of(relation, path, tables, first, &last);
	int			n = list_length(steps);

	check_last(llast(steps), last, strcmp(rule, TEST_ROWS_RULE) == 0);
	for (int i = 1; i < n; i++)
	{
		Step	   *step = list_nth(steps, i);

		observed = observed && !is_needed(step, ((Step *) list_nth(steps, i - 1))->relation,
										  i == 1 ? rule : "currency");
		step->observed = observed;
	}
	/* from the end, so that each finds what it leads to */
	for (int i = n - 1; i > 0; i--)
	{
		const Step *step = list_nth(steps, i);

		declare_step(step, i == n - 1 ? last : ((Step *) list_nth(steps, i + 1))->column, i < n - 1,
					 list_copy_tail(path, i));
	}
	add_step(spec, linitial(steps), n == 1 ? last : ((Step *) lsecond(steps))->column, n > 1);
	paysafe_spec_add_text(spec, "currency_path", path_words(path));
	return ((Step *) linitial(steps))->parent;
}

Oid
paysafe_currency_declare(SpecBuilder *spec, Oid relation, const char *column, const char *constant,
						 List *path, List *tables, bool observed)
{
	return paysafe_currency_declare_from(spec, relation, "payment", NULL, column, constant, path, tables, observed);
}

Oid
paysafe_currency_declare_from(SpecBuilder *spec, Oid relation, const char *rule, const CurrencyStep *first,
							  const char *column, const char *constant, List *path, List *tables,
							  bool observed)
{
	if ((column != NULL) + (constant != NULL) + (path != NIL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("exactly one of \"currency_column\", \"currency\" and \"currency_path\" must be given"),
				 errhint("The currency is a column of the row, the same for all rows, or a column of a row that it refers to.")));
	/* points, tokens: where the decimals are said, the code is only a name */
	if (constant != NULL && !paysafe_spec_has(spec, "decimals") && paysafe_money_scale(constant) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", paysafe_redact_string(constant)),
				 errhint("Declare it with paysafe.set_currency.")));
	if (tables != NIL && path == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" needs \"%s\"", "currency_tables", "currency_path")));
	paysafe_spec_add_text(spec, "currency_column", column);
	paysafe_spec_add_text(spec, "currency", constant);
	return path == NIL ? InvalidOid : declare_path(spec, relation, rule, first, path, tables, observed);
}

List *
paysafe_currency_tables_argument(FunctionCallInfo fcinfo, int n)
{
	ArrayType  *array = PG_ARGISNULL(n) ? NULL : PG_GETARG_ARRAYTYPE_P(n);
	List	   *tables = NIL;
	Datum	   *values;
	int			count;

	if (array == NULL)
		return NIL;
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a list of tables", "currency_tables")));
	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &values, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		paysafe_declare_check_owner(DatumGetObjectId(values[i]));
		tables = lappend_oid(tables, DatumGetObjectId(values[i]));
	}
	return tables;
}

char *
paysafe_currency_words(const Jsonb *spec)
{
	char	   *words = paysafe_spec_optional_text(spec, "currency_column");

	if (words == NULL)
		words = paysafe_spec_optional_text(spec, "currency");
	return words ? words : paysafe_spec_text(spec, "currency_path");
}
