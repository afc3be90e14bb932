/*-------------------------------------------------------------------------
 *
 * test_rows.c
 *	  Which rows are only a test.
 *
 * The rule refuses one thing: that a row becomes a test which was none, or the other
 * way round, by its own columns or by those of the row that it refers to.  What follows
 * from it is with the rules that keep rows (engine/test_rows.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "engine/test_rows.h"
#include "errors.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/reference.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

static void *
compile(const CompileInput *input)
{
	TestRows   *state = palloc0(sizeof(TestRows));
	const Jsonb *spec = input->source->spec;
	StatusColumn column;
	StatusSet	set;

	state->is_parent = input->as_reference;
	state->values = paysafe_spec_set(spec, "test_values");
	if (state->is_parent)
	{
		paysafe_currency_compile_parent(input, &state->parent);
		paysafe_status_value_state_column(input->leaf, paysafe_spec_text(spec, "currency_parent_column"), &column);
	}
	else
	{
		paysafe_currency_compile(input->leaf, input->source, &state->place);
		column = state->place.column;
	}
	/* values that the column cannot have are none */
	if (state->is_parent || state->place.place == CURRENCY_COLUMN)
		paysafe_status_value_set(&column, state->values, &set);
	return state;
}

/* What is not there yet could say anything when it comes. */
static void
refuse_nowhere(const Rule *rule, const RowChange *change)
{
	const TestRows *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, state->place.name,
						psprintf("column \"%s\" of table \"%s\" refers to no row that says whether it is a test",
								 state->place.name, rule->table_name),
						psprintf("Row \"%s\": not exactly one row of \"%s\" has this key.",
								 paysafe_refusal_value(paysafe_row_key_text(&change->rules->key,
																			RelationGetDescr(change->rel), change->after)),
								 get_rel_name(state->place.parent)),
						"Add that row first, or leave the column NULL.");
}

static void
check_stays(const Rule *rule, const RowChange *change)
{
	const TestRows *state = rule->compiled;
	bool		nowhere = false;

	if (paysafe_currency_same(&state->place, RelationGetDescr(change->rel), change->before, change->after))
		return;
	/* one that had no place yet gets one, where it is none */
	if (paysafe_currency_stays(&state->place, change) &&
		!paysafe_test_rows_says(state, change->after, true, &nowhere))
	{
		if (nowhere)
			refuse_nowhere(rule, change);
		return;
	}
	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, state->place.name,
						psprintf("column \"%s\" of table \"%s\" cannot change any more",
								 state->place.name, rule->table_name),
						psprintf("It says whether row \"%s\" is a test, and may be deleted.",
								 paysafe_refusal_value(paysafe_row_key_text(&change->rules->key,
																			RelationGetDescr(change->rel), change->before))),
						"Add a new row instead.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const TestRows *state = rule->compiled;
	bool		nowhere;

	if (state->is_parent)
		paysafe_currency_check_parent(rule, &state->parent, change);
	else if (change->op == 'I')
	{
		(void) paysafe_test_rows_says(state, change->after, true, &nowhere);
		if (nowhere)
			refuse_nowhere(rule, change);
	}
	else if (change->op == 'U')
		check_stays(rule, change);
}

/* One that refers to what is not there would become what that says when it comes. */
static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const TestRows *state = rule->compiled;
	bool		nowhere;

	if (state->is_parent)
		return;
	(void) paysafe_test_rows_says(state, row, false, &nowhere);
	if (nowhere)
		(void) paysafe_existing_fault(report, "Row", paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row),
									  psprintf("column \"%s\" refers to no row that says whether it is a test",
											   state->place.name));
}

/* Its rows could come back and say something else. */
static void
refuse_truncate(const Rule *rule)
{
	const TestRows *state = rule->compiled;

	if (state->is_parent)
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("table \"%s\" cannot be truncated", rule->table_name),
							"Its rows say which rows of another table are tests.", TRUNCATE_HINT);
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("rows are a test where %s is %s, and may be deleted; which are stays",
					paysafe_currency_words(spec),
					paysafe_strings_join(paysafe_spec_set(spec, "test_values")));
}

const RuleKind paysafe_test_rows_kind = {
	.name = TEST_ROWS_RULE,
	.fields = (const SpecField[])
	{
		{"test_values", SPEC_STATUSES, .loosens = SPEC_ADD},
		/* what says it is found like a currency */
		{.key = "currency_column", .type = SPEC_COLUMN, .shown = "test_path"},
		{.key = "currency_path", .type = SPEC_TEXT, .shown = "test_path"},
		{.key = "currency_via", .type = SPEC_COLUMN, .shared = true, .shown = "test_path_column"},
		{.key = "currency_parent_key", .type = SPEC_REFERENCE_COLUMN, .shown = "parent_key"},
		{.key = "currency_parent_column", .type = SPEC_REFERENCE_COLUMN, .shown = "parent_column"},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.refuse_truncate = refuse_truncate,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_test_rows);

/* The table that a foreign key of this column alone refers to. */
static Oid
referred_table(Oid relation, const char *column)
{
	Relation	rel = table_open(relation, AccessShareLock);
	AttrNumber	attnum = paysafe_catalog_column(rel, column);
	Oid			result = InvalidOid;
	int			found = 0;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->nkeys != 1 || fk->conkey[0] != attnum || fk->confrelid == result)
			continue;
		result = fk->confrelid;
		found++;
	}
	table_close(rel, AccessShareLock);
	if (found != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(found == 0 ? "column \"%s\" of relation \"%s\" has no foreign key" :
						"column \"%s\" of relation \"%s\" has foreign keys to several tables",
						column, get_rel_name(relation)),
				 errhint("Name the table that it refers to as \"parent\".")));
	return result;
}

/* The row that the first column refers to. */
static CurrencyStep
step_of(Oid relation, char *column, Oid parent)
{
	CurrencyStep step = {.column = column, .parent = parent};
	Relation	rel;
	Oid			type;

	if (!OidIsValid(parent))
		step.parent = referred_table(relation, column);
	else
		paysafe_declare_check_owner(parent);
	step.parent_key = linitial(paysafe_reference_resolve(relation, list_make1(column), step.parent, NIL, "parent"));
	rel = table_open(relation, AccessShareLock);
	type = getBaseType(TupleDescAttr(RelationGetDescr(rel), paysafe_catalog_column(rel, column) - 1)->atttypid);
	table_close(rel, AccessShareLock);
	if (!paysafe_row_key_is_exact(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has a type that cannot lead to another row",
						column, get_rel_name(relation)),
				 errhint("Integers, numeric, text, varchar, char(n), uuid and bytea can.")));
	return step;
}

/*
 * protect_test_rows(relation, test_path name[], test_values text[], parent regclass,
 *					 mode) returns void
 */
Datum
paysafe_protect_test_rows(PG_FUNCTION_ARGS)
{
	List	   *path;
	List	   *values;
	SpecBuilder spec;
	Oid			reference = InvalidOid;
	Oid			relation;
	bool		observed;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "test_path");
	paysafe_argument_required(fcinfo, 2, "test_values");
	relation = PG_GETARG_OID(0);
	path = paysafe_declare_optional_set(fcinfo, 1, "test_path");
	values = paysafe_declare_set_argument(fcinfo, 2, "test_values");
	paysafe_declare_check_owner(relation);
	if (path == NIL || list_length(path) > 2 || values == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(values == NIL ? "argument \"%s\" must not be empty" :
						"argument \"%s\" must name one column, or two", values == NIL ? "test_values" : "test_path"),
				 errhint("A column of the table itself: '{testmode}'; or one that refers to another row, and the column there: '{order_id,testmode}'.")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "test_values", values);
	observed = paysafe_declare_add_mode(fcinfo, &spec);
	if (list_length(path) == 1)
		paysafe_spec_add_text(&spec, "currency_column", linitial(path));
	else
	{
		CurrencyStep step = step_of(relation, linitial(path), PG_ARGISNULL(3) ? InvalidOid : PG_GETARG_OID(3));

		reference = paysafe_currency_declare_from(&spec, relation, TEST_ROWS_RULE, &step, NULL, NULL, path, NIL, observed);
	}
	paysafe_declare(relation, TEST_ROWS_RULE, reference, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
