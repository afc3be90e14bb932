/*-------------------------------------------------------------------------
 *
 * columns.c
 *	  Columns that no UPDATE changes, always or once a status is reached.
 *
 * Rule "columns" holds from the INSERT on; rule "columns_once" for rows that
 * are in one of the named statuses before the change, or in one that the
 * status machine, as it is or was, reaches only through them.  Rows that it
 * leads out of these statuses again take a mark along (engine/row_mark.h).  A
 * value written again unchanged is harmless: ORMs write whole rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/row_mark.h"
#include "engine/rule.h"
#include "engine/status_machine.h"
#include "errors.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/machine.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

typedef struct ColumnsState
{
	int			n;
	AttrNumber *attnums;
	char	  **names;
	bool		once;
	StatusSet	statuses;		/* if once; a row in others is frozen by a mark */
	Oid			declared_on;
	RowKey		whole;			/* names rows for their marks */
} ColumnsState;

/* What the table's status rule says. */
static const Jsonb *
status_spec(List *sources)
{
	ListCell   *lc;

	foreach(lc, sources)
	{
		RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "status") == 0)
			return source->spec;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("columns frozen by status need a status rule on the table"),
			 errhint("Declare paysafe.protect_status first.")));
	return NULL;
}

/* Mark the machine's states that a row reaches only through the statuses. */
static bool *
states_passed(const Machine *machine, List *statuses)
{
	bool	   *passed = palloc0(sizeof(bool) * machine->nstates);
	ListCell   *lc;

	foreach(lc, statuses)
	{
		int			state = paysafe_machine_find(machine, lfirst(lc));

		if (state >= 0)
			passed[state] = true;
	}
	paysafe_machine_passed(machine, passed);
	return passed;
}

/*
 * The statuses, and those that a row reaches, or once reached, only through them:
 * what a row was when it was frozen does not change with the machine.
 */
static List *
statuses_passed(List *sources, const char *column, List *statuses)
{
	List	   *machines = paysafe_status_machine_history(sources, column);
	const Machine *now = llast(machines);
	List	   *result = NIL;
	bool	   *frozen = palloc0(sizeof(bool) * now->nstates);
	ListCell   *lc;

	foreach(lc, machines)
	{
		const Machine *then = lfirst(lc);
		bool	   *passed;

		if (then == NULL)
			continue;
		passed = states_passed(then, statuses);
		for (int i = 0; i < now->nstates; i++)
		{
			int			state = paysafe_machine_find(then, now->states[i].value);

			frozen[i] |= state >= 0 && passed[state];
		}
	}
	for (int i = 0; i < now->nstates; i++)
		if (frozen[i])
			result = lappend(result, now->states[i].value);
	return result;
}

/* Can a row get from one of the statuses to another one? */
static bool
leads_out(List *sources, const char *column, List *statuses)
{
	const Machine *machine = paysafe_status_machine_of(sources, column);
	bool	   *inside = palloc0(sizeof(bool) * machine->nstates);
	ListCell   *lc;

	foreach(lc, statuses)
	{
		int			state = paysafe_machine_find(machine, lfirst(lc));

		if (state >= 0)
			inside[state] = true;
	}
	for (int i = 0; i < machine->ntransitions; i++)
		if (inside[machine->transitions[i].from] && !inside[machine->transitions[i].to])
			return true;
	return false;
}

static void *
compile(const CompileInput *input)
{
	ColumnsState *state;
	List	   *columns;
	ListCell   *lc;

	if (input->as_reference)
		return NULL;
	state = palloc0(sizeof(ColumnsState));
	columns = paysafe_spec_set(input->source->spec, "columns");
	state->attnums = palloc(sizeof(AttrNumber) * Max(list_length(columns), 1));
	state->names = palloc(sizeof(char *) * Max(list_length(columns), 1));
	foreach(lc, columns)
	{
		state->attnums[state->n] = paysafe_catalog_column(input->leaf, lfirst(lc));
		state->names[state->n++] = lfirst(lc);
	}
	state->once = strcmp(input->source->name, "columns_once") == 0;
	if (state->once)
	{
		List	   *statuses = paysafe_spec_set(input->source->spec, "once_status");
		const Jsonb *spec = status_spec(input->sources);
		char	   *column = paysafe_spec_text(spec, "status_column");
		StatusColumn status;

		paysafe_status_value_spec_column(input->leaf, spec, &status);
		paysafe_status_machine_check_names(input->sources, column, statuses, "once_status");
		statuses = statuses_passed(input->sources, column, statuses);
		paysafe_status_value_set(&status, statuses, &state->statuses);
		state->declared_on = input->source->relation;
		paysafe_row_key_whole(input->leaf, &state->whole);
		if (state->whole.n == 0 && leads_out(input->sources, column, statuses))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("table \"%s\" has no primary key", RelationGetRelationName(input->leaf)),
					 errdetail("The status machine leads out of the statuses that freeze columns; without a key, rows that were in them cannot be told.")));
	}
	return state;
}

/* Rule "columns_once": marks of rows that leave the statuses, move or go. */
static void
follow_row(const ColumnsState *state, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	if (state->whole.n == 0)
		return;
	paysafe_row_mark_follow(state->declared_on, &state->whole, change, ROW_MARK_ONCE);
	if (change->op == 'U' &&
		paysafe_status_value_find(&state->statuses, change->before) >= 0 &&
		paysafe_status_value_find(&state->statuses, change->after) < 0)
		paysafe_row_mark_set(state->declared_on, &state->whole, desc, change->after,
							 ROW_MARK_ONCE);
}

static bool
is_frozen(const ColumnsState *state, const RowChange *change)
{
	return !state->once ||
		paysafe_status_value_find(&state->statuses, change->before) >= 0 ||
		(state->whole.n > 0 &&
		 paysafe_row_mark_has(state->declared_on, &state->whole, RelationGetDescr(change->rel),
							  change->before, ROW_MARK_ONCE));
}

static void
check_columns(const Rule *rule, const RowChange *change)
{
	const ColumnsState *state = rule->compiled;
	TupleDesc	desc = RelationGetDescr(change->rel);

	for (int i = 0; i < state->n; i++)
		if (!paysafe_row_key_same_column(desc, state->attnums[i], change->before, change->after) &&
			is_frozen(state, change))
			paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, state->names[i],
							  psprintf("column \"%s\" of table \"%s\" cannot change%s",
									   state->names[i], rule->table_name,
									   state->once ? " any more" : ""),
							  psprintf("Row \"%s\"%s.",
									   paysafe_row_key_text(&change->rules->key, desc, change->before),
									   state->once ?
									   psprintf(" has, or had, a status that freezes it; now it is %s",
												paysafe_status_value_quoted(&state->statuses.column, change->before)) :
									   ": the column is set once, when the row is added"),
							  "Leave the column as it is, or write a new row.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const ColumnsState *state = rule->compiled;

	if (change->op == 'U')
		check_columns(rule, change);
	if (change->op != 'I' && state->once)
		follow_row(state, change);
}

/* check_row refuses before it follows. */
static void
observed(const Rule *rule, const RowChange *change)
{
	const ColumnsState *state = rule->compiled;

	if (state->once)
		follow_row(state, change);
}

/* By now the row may be marked; what has followed it was no mark yet. */
static void
check_later(const Rule *rule, const RowChange *first, const RowChange *later)
{
	const ColumnsState *state = rule->compiled;

	if (later->after != NULL)
		check_columns(rule, later);
	if (state->once)
		paysafe_row_mark_check_later(rule, state->declared_on, &state->whole, later, ROW_MARK_ONCE,
									 ERRCODE_23R03_FROZEN, state->names[0]);
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	const ColumnsState *state = rule->compiled;

	if (state->once)
		paysafe_row_mark_forget(state->declared_on);
}

/* Statuses from which on the columns stay, as this status rule says. */
static List *
frozen_statuses(const RuleSource *status, List *statuses)
{
	List	   *sources = list_make1(unconstify(RuleSource *, status));
	char	   *column = paysafe_spec_text(status->spec, "status_column");
	Machine    *machine = paysafe_status_machine_of(sources, column);
	ListCell   *lc;

	foreach(lc, statuses)
		if (paysafe_machine_find(machine, lfirst(lc)) < 0)
			return NIL;			/* such a rule is refused */
	statuses = statuses_passed(sources, column, statuses);
	foreach(lc, statuses)
		if (lfirst(lc) == NULL)
			lfirst(lc) = pstrdup("NULL");
	return statuses;
}

static char *
loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	List	   *statuses = paysafe_spec_set(rule->spec, "once_status");
	List	   *thawed;

	if (strcmp(after->name, "status") != 0 || before == NULL || statuses == NIL)
		return NULL;
	thawed = paysafe_strings_minus(frozen_statuses(before, statuses), frozen_statuses(after, statuses));
	return thawed == NIL ? NULL :
		psprintf("lets %s change in status %s",
				 paysafe_strings_join(paysafe_spec_set(rule->spec, "columns")),
				 paysafe_strings_join(thawed));
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	List	   *statuses = paysafe_spec_set(spec, "once_status");

	return psprintf("%s cannot change%s%s",
					paysafe_strings_join(paysafe_spec_set(spec, "columns")),
					statuses ? " once the status is " : "",
					statuses ? paysafe_strings_join(statuses) : "");
}

const RuleKind paysafe_columns_kind = {
	.name = "columns",
	.fields = (const SpecField[])
	{
		{"columns", SPEC_COLUMNS, .loosens = SPEC_REMOVE, .unseen = true},
		{"once_status", SPEC_STATUSES, .loosens = SPEC_REMOVE},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.observed = observed,
	.check_later = check_later,
	.forget_rows = forget_rows,
	.loosened_by = loosened_by,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_columns);

/*
 * protect_columns(relation, columns name[], once_status text[]) returns void
 */
Datum
paysafe_protect_columns(PG_FUNCTION_ARGS)
{
	List	   *columns = paysafe_declare_set_argument(fcinfo, 1, "columns");
	List	   *statuses = PG_ARGISNULL(2) ? NIL :
		paysafe_declare_set_argument(fcinfo, 2, "once_status");
	SpecBuilder spec;

	if (columns == NIL || (!PG_ARGISNULL(2) && statuses == NIL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty",
						columns == NIL ? "columns" : "once_status")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "columns", columns);
	if (statuses != NIL)
		paysafe_spec_add_set(&spec, "once_status", statuses);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), statuses ? "columns_once" : "columns",
					InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
