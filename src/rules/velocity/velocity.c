/*-------------------------------------------------------------------------
 *
 * velocity.c
 *	  How much there may be of one key within a time: rows, an amount, different values.
 *
 * What counts is what is written: a row when it is added, or when an UPDATE makes it one that counts, brings it to
 * another key, raises its amount or changes its value.  What is deleted, taken away or brought elsewhere has counted all
 * the same, so that nothing makes room but time.
 *
 * A rule that refuses counts in a table (velocity_keep.c), under a lock for each key.  One that observes counts in shared
 * memory (velocity_watch.c): it waits for nobody, writes nothing, and what was rolled back has counted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/velocity/velocity.h"
#include "values/spec.h"

/* What accepts() has counted for the change that check_row() refuses next. */
static VelocityCount watched;

static Numeric
optional_number(const Jsonb *spec, const char *key)
{
	char	   *text = paysafe_spec_optional_text(spec, key);

	return text == NULL ? NULL :
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* Values that are the same have one text, and others have another. */
static bool
is_exact(Oid type, Oid collation)
{
	return (paysafe_row_key_can_refer(type) || type == INETOID || type == CIDROID || type_is_enum(type)) &&
		(!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

static void
find_columns(Relation leaf, List *names, KeyColumns *out)
{
	paysafe_key_columns_find(leaf, names, out);
	for (int i = 0; i < out->key.n; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(leaf), out->key.attnums[i] - 1);

		if (!is_exact(out->types[i], att->attcollation))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of table \"%s\" has a type whose values cannot be told apart exactly",
							NameStr(att->attname), RelationGetRelationName(leaf)),
					 errhint("Integers, numeric, text, varchar, char(n), uuid, bytea, bool, date, timestamps, inet, cidr and enums can, with deterministic collations.")));
		/* a label may be renamed, and is the same value */
		if (type_is_enum(out->types[i]))
			out->types[i] = OIDOID;
	}
}

/* The column of the table that the rule was declared on: renamed it is the same, and partitions may have it elsewhere. */
static void
append_column(StringInfo out, const VelocityState *state, const char *column)
{
	pq_sendint16(out, get_attnum(state->root, column));
}

/* What has counted for a key of other columns, or as something else, counts for nothing here. */
static void
name_what(VelocityState *state, const char *counts)
{
	StringInfoData data;
	ListCell   *lc;

	initStringInfo(&data);
	appendBinaryStringInfo(&data, (char *) &state->root, sizeof(Oid));
	paysafe_argument_append(&data, state->rule);
	state->locks = DatumGetUInt32(hash_any((unsigned char *) data.data, data.len));
	paysafe_argument_append(&data, counts);
	foreach(lc, state->key.names)
		append_column(&data, state, lfirst(lc));
	if (state->counts == VELOCITY_VALUES)
		append_column(&data, state, linitial(state->value.names));
	state->what = data.data;
	state->what_len = data.len;
}

static void *
compile(const CompileInput *input)
{
	VelocityState *state = palloc0(sizeof(VelocityState));
	const Jsonb *spec = input->source->spec;
	char	   *counted = paysafe_spec_optional_text(spec, "counted_column");

	state->root = input->source->relation;
	state->rule = pstrdup(input->source->name);
	state->counts = paysafe_velocity_counts(paysafe_spec_text(spec, "counts"));
	find_columns(input->leaf, paysafe_spec_columns(spec, "key_columns"), &state->key);
	if (state->counts == VELOCITY_VALUES)
		find_columns(input->leaf, list_make1(counted), &state->value);
	else if (counted != NULL)
		paysafe_money_column(input->leaf, counted, &state->amount);
	state->from = optional_number(spec, "amount_from");
	state->below = optional_number(spec, "amount_below");
	paysafe_row_filter_compile(input->leaf, spec, &state->filter);
	state->maximum = optional_number(spec, "maximum");
	state->most = paysafe_velocity_most(state);
	state->within = paysafe_velocity_within(paysafe_spec_text(spec, "within"));
	if (!input->source->observed)
		paysafe_velocity_secret(state->secret);
	name_what(state, paysafe_spec_text(spec, "counts"));
	return state;
}

/* The amount, if the rule looks at one; NULL: there is none. */
static Numeric
amount_of(const VelocityState *state, TupleTableSlot *row)
{
	Numeric		amount;

	return state->amount.attnum != InvalidAttrNumber && paysafe_money_value(&state->amount, row, &amount) ? amount : NULL;
}

/* Is the row one that counts?  Its amount, if it has one, in *amount. */
static bool
is_counted(const VelocityState *state, TupleTableSlot *row, Numeric *amount)
{
	*amount = amount_of(state, row);
	if (state->amount.attnum != InvalidAttrNumber && *amount == NULL)
		return false;
	if (state->from != NULL && paysafe_money_compare(*amount, state->from) < 0)
		return false;
	if (state->below != NULL && paysafe_money_compare(*amount, state->below) >= 0)
		return false;
	return paysafe_row_filter_has(&state->filter, row, NULL);
}

/* What an UPDATE leaves as it was has counted before. */
static bool
is_same(const VelocityState *state, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	return paysafe_key_columns_changed(&state->key, desc, change->before, change->after) == InvalidAttrNumber &&
		(state->counts != VELOCITY_VALUES ||
		 paysafe_key_columns_changed(&state->value, desc, change->before, change->after) == InvalidAttrNumber);
}

static bool
is_finite(Numeric amount)
{
	return !numeric_is_nan(amount) && !numeric_is_inf(amount);
}

/* False: the change counts for nothing. */
static bool
read_change(const VelocityState *state, const RowChange *change, VelocityCount *out)
{
	Numeric		before;
	Numeric		after;

	if (change->op == 'D' || !is_counted(state, change->after, &after))
		return false;
	*out = (VelocityCount) {.amount = state->counts == VELOCITY_AMOUNT ? after : int64_to_numeric(1)};
	if (change->op == 'U' && is_same(state, change) && is_counted(state, change->before, &before))
	{
		if (state->counts != VELOCITY_AMOUNT)
			return false;
		/* only what it rises by is new; what was below zero had counted for nothing */
		if (is_finite(before) && is_finite(after) && paysafe_money_sign(before) > 0)
			out->amount = paysafe_money_add(after, paysafe_money_negate(before));
		else if (!is_finite(before) && !is_finite(after))
			return false;
	}
	if (state->counts == VELOCITY_AMOUNT)
		out->endless = !is_finite(out->amount);
	if (!out->endless && paysafe_money_sign(out->amount) <= 0)
		return false;
	/* of nobody, or nothing */
	out->key = paysafe_key_columns_row_text(&state->key, change->after, NULL);
	if (state->counts == VELOCITY_VALUES)
		out->value = paysafe_key_columns_row_text(&state->value, change->after, NULL);
	return out->key != NULL && (state->counts != VELOCITY_VALUES || out->value != NULL);
}

static PAYSAFE_NORETURN void
refuse(const Rule *rule, const RowChange *change, const VelocityCount *count)
{
	const VelocityState *state = rule->compiled;
	const RuleSource *source = paysafe_rule_source_of(change->rules, rule);
	const char *row = paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after));
	const char *per = paysafe_key_columns_words(state->key.names);
	const char *column = state->counts == VELOCITY_ROWS ? linitial(state->key.names) :
		state->counts == VELOCITY_AMOUNT ? state->amount.name : linitial(state->value.names);

	if (count->endless)
		paysafe_rule_refuse(rule, ERRCODE_23V01_VELOCITY, column,
							psprintf("column \"%s\" of table \"%s\" holds no amount that can be added up", column, rule->table_name),
							psprintf("Row \"%s\".", row), "Write a finite amount.");
	paysafe_rule_refuse(rule, ERRCODE_23V01_VELOCITY, column,
						psprintf("too %s %s of one %s in table \"%s\" within %s", state->counts == VELOCITY_AMOUNT ? "much" : "many",
								 paysafe_velocity_words(source->spec), per, rule->table_name, paysafe_spec_text(source->spec, "within")),
						psprintf("With row \"%s\" it would be %s; at most %s may be.", row, paysafe_money_text(count->actual),
								 paysafe_money_text(state->maximum)),
						"Wait until some of it is older than that. Deleting makes no room.");
}

/* Of a rule that only observes. */
static bool
accepts(const Rule *rule, const RowChange *change)
{
	const VelocityState *state = rule->compiled;

	if (!read_change(state, change, &watched))
		return true;
	return !watched.endless && paysafe_velocity_watch(state, &watched);
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const VelocityState *state = rule->compiled;
	VelocityCount count;

	if (paysafe_rule_is_watched(rule))
		count = watched;
	else if (!read_change(state, change, &count) || (!count.endless && paysafe_velocity_keep(state, &count)))
		return;
	if (!count.endless)
		paysafe_velocity_signal(state, &count, change->after, paysafe_rule_source_of(change->rules, rule)->spec,
								!paysafe_rule_is_watched(rule));
	refuse(rule, change, &count);
}

static void
forget_rows(const Rule *rule)
{
	paysafe_velocity_forget(((VelocityState *) rule->compiled)->root);
}

const RuleKind paysafe_velocity_kind = {
	.name = "velocity",
	.several = true,
	.fields = paysafe_velocity_fields,
	.compile = compile,
	.accepts = accepts,
	.check_row = check_row,
	.forget_rows = forget_rows,
	.describe = paysafe_velocity_describe
};
