/*-------------------------------------------------------------------------
 *
 * payment.c
 *	  Payments: possible amounts, captured when captured, then frozen.
 *
 *	  - amount and captured amount are finite, not negative, at the currency's
 *		scale; captured is at most amount;
 *	  - the captured amount changes only in the UPDATE that enters one of the
 *		captured statuses, or is there when the row is added in one of them;
 *	  - key, amount and currency stay once the payment has left its initial
 *		status, or is captured.  Which statuses are initial says the status rule
 *		of the same column; without one, they stay from the start.  A payment that
 *		was led back to an initial status has a mark (engine/row_mark.h);
 *	  - in a status that records what has happened in the world, more may have been
 *		captured than the amount: that is a breach (engine/breach.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/refusal.h"
#include "engine/breach.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/row_mark.h"
#include "engine/rule.h"
#include "engine/status_machine.h"
#include "errors.h"
#include "rules/kinds.h"
#include "values/machine.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

typedef struct PaymentState
{
	AmountColumn amount;
	AmountColumn captured_amount;
	StatusColumn currency;
	StatusSet	captured;		/* statuses; also has the status column */
	StatusSet	recorded;		/* some of captured */
	StatusSet	initial;		/* empty without a status rule */
	Oid			marks;			/* table whose marks tell who has left them */
	RowKey		whole;			/* names rows for marks */
} PaymentState;

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	char	   *status_column;
	List	   *captured;
	StatusColumn status;
	const RuleSource *status_rule;
	PaymentState *state;

	if (input->as_reference)
		return NULL;
	state = palloc0(sizeof(PaymentState));
	status_column = paysafe_spec_text(spec, "status_column");
	captured = paysafe_spec_set(spec, "captured");
	paysafe_money_column(input->leaf, paysafe_spec_text(spec, "amount_column"), &state->amount);
	paysafe_money_column(input->leaf, paysafe_spec_text(spec, "captured_column"),
						 &state->captured_amount);
	if (paysafe_money_is_minor(&state->amount) != paysafe_money_is_minor(&state->captured_amount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						state->amount.name, state->captured_amount.name)));
	paysafe_status_value_column(input->leaf, paysafe_spec_text(spec, "currency_column"), &state->currency);
	paysafe_status_value_column(input->leaf, status_column, &status);
	paysafe_status_machine_check_names(input->sources, status_column, captured, "captured");
	paysafe_status_value_set(&status, captured, &state->captured);
	paysafe_status_value_set(&status, paysafe_spec_set(spec, "recorded"), &state->recorded);

	status_rule = paysafe_status_machine_source(input->sources, status_column);
	state->marks = status_rule ? status_rule->relation : InvalidOid;
	paysafe_status_value_set(&status, paysafe_status_machine_initial(input->sources, status_column),
							 &state->initial);
	paysafe_row_key_whole(input->leaf, &state->whole);

	paysafe_row_key_require(input->leaf, "Without one, a payment cannot be told from another.");
	return state;
}

/* A fault of the row's amounts: which column, which code, what is wrong. */
typedef struct Fault
{
	int			sqlstate;
	const char *column;
	char	   *reason;
	bool		over;			/* nothing is wrong but that more is captured than the amount */
} Fault;

static bool
is_captured(const PaymentState *state, TupleTableSlot *row)
{
	return paysafe_status_value_find(&state->captured, row) >= 0;
}

static bool
find_fault(const PaymentState *state, TupleTableSlot *row, Fault *fault)
{
	Numeric		amount;
	Numeric		captured;
	bool		isnull;
	char	   *currency;

	(void) slot_getattr(row, state->currency.attnum, &isnull);
	if (isnull)
	{
		*fault = (Fault) {ERRCODE_23R04_AMOUNT, state->currency.name, pstrdup("the currency is missing")};
		return true;
	}
	currency = paysafe_status_value_text(&state->currency, row);
	if (!paysafe_money_value(&state->amount, row, &amount))
	{
		*fault = (Fault) {ERRCODE_23R04_AMOUNT, state->amount.name, pstrdup("the amount is missing")};
		return true;
	}
	*fault = (Fault) {ERRCODE_23R04_AMOUNT, state->amount.name, NULL};
	fault->reason = paysafe_money_fault(&state->amount, amount, currency, true);
	if (fault->reason != NULL)
	{
		fault->reason = psprintf("amount %s: %s", paysafe_money_text(amount), fault->reason);
		return true;
	}
	if (!paysafe_money_value(&state->captured_amount, row, &captured))
	{
		*fault = (Fault) {ERRCODE_23R05_CAPTURE, state->captured_amount.name,
		pstrdup("the captured amount is missing")};
		return is_captured(state, row);
	}
	fault->column = state->captured_amount.name;
	fault->reason = paysafe_money_fault(&state->captured_amount, captured, currency, true);
	if (fault->reason != NULL)
	{
		fault->reason = psprintf("captured amount %s: %s", paysafe_money_text(captured), fault->reason);
		return true;
	}
	if (paysafe_money_compare(captured, amount) > 0)
	{
		fault->sqlstate = ERRCODE_23R05_CAPTURE;
		fault->over = true;
		fault->reason = psprintf("captured amount %s is more than the amount %s",
								 paysafe_money_text(captured), paysafe_money_text(amount));
		return true;
	}
	return false;
}

/* What is captured, nothing being the same as zero. */
static Numeric
captured_value(const PaymentState *state, TupleTableSlot *row)
{
	Numeric		value;

	return paysafe_money_value(&state->captured_amount, row, &value) ? value : paysafe_money_zero();
}

static char *
row_detail(const RowChange *change, TupleTableSlot *row, const char *more)
{
	return psprintf("Payment \"%s\": %s.",
					paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row), more);
}

/* Does the row say what has happened, as it enters its status? */
static bool
is_fact(const PaymentState *state, const RowChange *change)
{
	return paysafe_status_value_find(&state->recorded, change->after) >= 0 &&
		(change->op == 'I' ||
		 !paysafe_status_value_same(&state->captured.column, change->before, change->after));
}

static void
check_amounts(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;
	Fault		fault;

	if (!find_fault(state, change->after, &fault))
		return;
	/* it is on record since the capture */
	if (fault.over && change->op == 'U' &&
		paysafe_money_same(&state->amount, change->before, change->after) &&
		paysafe_money_same(&state->captured_amount, change->before, change->after))
		return;
	paysafe_breach_or_refuse(rule, change, fault.over && is_fact(state, change), &(Refusal)
							 {
								 .sqlstate = fault.sqlstate,
								 .column = fault.column,
								 .message = psprintf("payment \"%s\" in table \"%s\" has an impossible amount",
													 paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after),
													 rule->table_name),
								 .detail = row_detail(change, change->after, fault.reason),
								 .hint = fault.sqlstate == ERRCODE_23R05_CAPTURE ?
								 "Set it, at most the amount, in the UPDATE that moves the payment into a captured status." :
								 "Amounts are finite, not negative, at the currency's scale."
							 });
}

static PAYSAFE_NORETURN void
refuse_capture(const Rule *rule, const RowChange *change, const char *detail)
{
	const PaymentState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23R05_CAPTURE, state->captured_amount.name,
					  psprintf("column \"%s\" of table \"%s\" changes only when a payment is captured",
							   state->captured_amount.name, rule->table_name),
					  row_detail(change, change->after, detail),
					  "Set it in the UPDATE that moves the payment into a captured status.");
}

static void
check_insert(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;

	check_amounts(rule, change);
	if (!is_captured(state, change->after) &&
		paysafe_money_sign(captured_value(state, change->after)) != 0)
		refuse_capture(rule, change,
					   psprintf("status \"%s\" is not a captured one",
								paysafe_status_value_text(&state->captured.column, change->after)));
}

/* Is the payment marked, under either key?  The status rule has moved the mark by now. */
static bool
is_marked(const PaymentState *state, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	return paysafe_row_mark_has(state->marks, &state->whole, desc, change->before, ROW_MARK_LEFT) ||
		(paysafe_row_key_changed(&state->whole, desc, change->before, change->after) &&
		 paysafe_row_mark_has(state->marks, &state->whole, desc, change->after, ROW_MARK_LEFT));
}

/* Is the payment still as it was added, where nothing has come of it? */
static bool
is_untouched(const PaymentState *state, const RowChange *change)
{
	return paysafe_status_value_find(&state->initial, change->before) >= 0 &&
		!is_captured(state, change->before) &&
		paysafe_money_sign(captured_value(state, change->before)) == 0 &&
		!is_marked(state, change);
}

/* The column that changes and may not, once the payment is under way, or NULL. */
static const char *
frozen_column(const PaymentState *state, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	if (!paysafe_money_same(&state->amount, change->before, change->after))
		return state->amount.name;
	if (!paysafe_status_value_same(&state->currency, change->before, change->after))
		return state->currency.name;
	if (paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after))
		return NameStr(TupleDescAttr(desc, change->rules->key.attnums[0] - 1)->attname);
	return NULL;
}

static PAYSAFE_NORETURN void
refuse_frozen(const Rule *rule, const RowChange *change, const char *column)
{
	const PaymentState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
					  psprintf("column \"%s\" of table \"%s\" cannot change any more",
							   column, rule->table_name),
					  row_detail(change, change->before,
								 psprintf("key, amount and currency stay once a payment is under way; its status is \"%s\"",
										  paysafe_status_value_text(&state->captured.column, change->before))),
					  "Add a new payment instead.");
}

static void
check_frozen(const Rule *rule, const RowChange *change)
{
	const char *column = frozen_column(rule->compiled, change);

	if (column != NULL && !is_untouched(rule->compiled, change))
		refuse_frozen(rule, change, column);
}

/* By now the payment may be marked. */
static void
check_later(const Rule *rule, const RowChange *first, const RowChange *later)
{
	if (later->after != NULL)
		check_frozen(rule, later);
}

static void
check_update(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;
	bool		same_status = paysafe_status_value_same(&state->captured.column,
												 change->before, change->after);

	check_frozen(rule, change);
	if (same_status &&
		paysafe_status_value_same(&state->currency, change->before, change->after) &&
		paysafe_money_same(&state->amount, change->before, change->after) &&
		paysafe_money_same(&state->captured_amount, change->before, change->after))
		return;					/* nothing of this rule's has changed */
	check_amounts(rule, change);
	if (paysafe_money_compare(captured_value(state, change->before),
							  captured_value(state, change->after)) != 0 &&
		(same_status || !is_captured(state, change->after)))
		refuse_capture(rule, change,
					   psprintf("it would change from %s to %s in status \"%s\"",
								paysafe_money_text(captured_value(state, change->before)),
								paysafe_money_text(captured_value(state, change->after)),
								paysafe_status_value_text(&state->captured.column, change->after)));
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;

	switch (change->op)
	{
		case 'I':
			check_insert(rule, change);
			break;
		case 'U':
			check_update(rule, change);
			break;
		case 'D':
			if (paysafe_money_sign(captured_value(state, change->before)) != 0)
				paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
								  psprintf("a captured payment in table \"%s\" cannot be deleted",
										   rule->table_name),
								  row_detail(change, change->before,
											 psprintf("%s is captured",
													  paysafe_money_text(captured_value(state, change->before)))),
								  "Refund it instead.");
			break;
	}
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	Fault		fault;
	char	   *key;

	if (!find_fault(rule->compiled, row, &fault))
		return;
	key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);
	if (!fault.over || !paysafe_breach_exists(rule->declared_on, key, ERRCODE_23R05_CAPTURE))
		paysafe_existing_fault(report, "Row", key, fault.reason);
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	paysafe_breach_forget(rule->declared_on);
}

static void
refuse_truncate(const Rule *rule)
{
	paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  "Captured payments stay.", TRUNCATE_HINT);
}

/* The initial statuses of this column that a status rule declares, "NULL" for NULL. */
static List *
initial_statuses(const RuleSource *status, const char *column)
{
	Machine    *machine = status == NULL ? NULL :
		paysafe_status_machine_of(list_make1(unconstify(RuleSource *, status)), column);
	List	   *initial = NIL;

	for (int i = 0; machine != NULL && i < machine->nstates; i++)
		if (machine->states[i].initial)
			initial = lappend(initial, machine->states[i].value ? machine->states[i].value : "NULL");
	return initial;
}

/* Without a status rule everything is frozen; with one, not in its initial statuses. */
static char *
loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	char	   *column = paysafe_spec_text(rule->spec, "status_column");
	List	   *thawed;

	if (strcmp(after->name, "status") != 0)
		return NULL;
	thawed = paysafe_strings_minus(initial_statuses(after, column), initial_statuses(before, column));
	return thawed == NIL ? NULL :
		psprintf("lets key, amount and currency of a payment change in status %s",
				 paysafe_strings_join(thawed));
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	List	   *recorded = paysafe_spec_set(spec, "recorded");

	return psprintf("%s <= %s in %s, set when %s becomes %s%s%s",
					paysafe_spec_text(spec, "captured_column"),
					paysafe_spec_text(spec, "amount_column"),
					paysafe_spec_text(spec, "currency_column"),
					paysafe_spec_text(spec, "status_column"),
					paysafe_strings_join(paysafe_spec_set(spec, "captured")),
					recorded ? "; stored in any case, on record as a breach: " : "",
					recorded ? paysafe_strings_join(recorded) : "");
}

const RuleKind paysafe_payment_kind = {
	.name = "payment",
	/* columns and statuses define each other: no change is only tighter */
	.fields = (const SpecField[])
	{
		{"status_column", SPEC_COLUMN},
		{"amount_column", SPEC_COLUMN},
		{"captured_column", SPEC_COLUMN},
		{"currency_column", SPEC_COLUMN},
		{"captured", SPEC_STATUSES},
		{"recorded", SPEC_STATUSES, .loosens = SPEC_ADD},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_later = check_later,
	.check_existing = check_existing,
	.forget_rows = forget_rows,
	.refuse_truncate = refuse_truncate,
	.loosened_by = loosened_by,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_payment);

/*
 * protect_payment(payment, status_column, amount_column, captured_column,
 *				   currency_column, captured text[], recorded text[]) returns void
 */
Datum
paysafe_protect_payment(PG_FUNCTION_ARGS)
{
	SpecBuilder spec;
	List	   *captured = paysafe_declare_set_argument(fcinfo, 5, "captured");
	List	   *recorded = paysafe_declare_set_argument(fcinfo, 6, "recorded");
	ListCell   *lc;

	if (captured == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "captured")));
	foreach(lc, recorded)
		if (!paysafe_strings_contain(captured, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be recorded and not captured", (char *) lfirst(lc)),
					 errhint("Name it in both arguments.")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "status_column", paysafe_declare_name_argument(fcinfo, 1, "status_column"));
	paysafe_spec_add_text(&spec, "amount_column", paysafe_declare_name_argument(fcinfo, 2, "amount_column"));
	paysafe_spec_add_text(&spec, "captured_column", paysafe_declare_name_argument(fcinfo, 3, "captured_column"));
	paysafe_spec_add_text(&spec, "currency_column", paysafe_declare_name_argument(fcinfo, 4, "currency_column"));
	paysafe_spec_add_set(&spec, "captured", captured);
	if (recorded != NIL)
		paysafe_spec_add_set(&spec, "recorded", recorded);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), "payment", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
