/*-------------------------------------------------------------------------
 *
 * payment.c
 *	  Payments: possible amounts, captured when captured, then frozen.
 *
 *	  - amount and captured amount are finite, not negative, at the currency's
 *		scale; captured is at most amount, or the limit that was declared;
 *	  - the captured amount changes only in the UPDATE that enters one of the
 *		captured statuses, or is there when the row is added in one of them; where
 *		it was declared to rise, or to change, also while it is in one; where it was
 *		declared to be net, it falls with the payment's refunds, which is for their rule
 *		to judge (rules/refund/refund_net.c);
 *	  - without a column for it, the amount is what is captured, in those statuses
 *		(values/captured.h);
 *	  - key, amount and currency stay once the payment has left its initial
 *		status, or is captured.  Which statuses are initial says the status rule
 *		of the same column; without one, they stay from the start.  A payment that
 *		was led back to an initial status has a mark (engine/row_mark.h).  In
 *		adjustable statuses the amount may rise;
 *	  - in a status that records what has happened in the world, more may have been
 *		captured than the amount: that is a breach (engine/breach.h).
 *
 *	  Where the currency is that of another row (engine/currency.h), this rule
 *	  holds that row, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "engine/breach.h"
#include "engine/currency.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/gross.h"
#include "engine/row_mark.h"
#include "engine/rule.h"
#include "engine/status_machine.h"
#include "engine/status_names.h"
#include "engine/which_rows.h"
#include "engine/test_rows.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/payment/payment_fault.h"
#include "rules/payment/payment_mark.h"
#include "store/catalog.h"
#include "values/captured.h"
#include "values/machine.h"
#include "values/money.h"
#include "values/row_filter.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

typedef struct PaymentState
{
	bool		is_parent;		/* the table is one that payments have their currency from */
	CurrencyParent parent;
	Captured	captured;		/* also has the amount, and the status column */
	StatusSet	recorded;		/* some of its statuses */
	Currency	currency;
	StatusSet	adjustable;		/* statuses in which the amount may rise */
	StatusSet	initial;		/* empty without a status rule */
	PaymentMarks marks;			/* also names rows by their whole key */
	bool		net;			/* the captured column is net of refunds, */
	bool		has_refunds;	/* ... which a rule counts */
	Oid			declared_on;
	TimestampTz net_since;
} PaymentState;

/* Does a rule of refunds follow what this one calls captured? */
static bool
is_followed(const CompileInput *input)
{
	List	   *ancestors = paysafe_catalog_ancestors(RelationGetRelid(input->leaf));
	ListCell   *lc;

	foreach(lc, input->sources)
	{
		const RuleSource *source = lfirst(lc);

		if (source->kind == &paysafe_refund_kind && list_member_oid(ancestors, source->reference) &&
			paysafe_spec_optional_text(source->spec, "payment_amount_column") == NULL)
			return true;
	}
	return false;
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	char	   *status_column = paysafe_spec_optional_text(spec, "status_column");
	const StatusColumn *status;
	const RuleSource *status_rule;
	List	   *adjustable = paysafe_spec_set(spec, "adjustable");
	PaymentState *state = palloc0(sizeof(PaymentState));

	state->is_parent = input->as_reference;
	if (state->is_parent)
	{
		paysafe_currency_compile_parent(input, &state->parent);
		return state;
	}
	paysafe_captured_compile(input->leaf, spec, &state->captured);
	paysafe_currency_compile(input->leaf, input->source, &state->currency);
	status = &state->captured.statuses.column;
	paysafe_status_machine_check_names(input->sources, status_column, paysafe_spec_set(spec, "captured"),
									   "captured");
	paysafe_status_machine_check_names(input->sources, status_column, adjustable, "adjustable");
	paysafe_status_value_set(status, adjustable, &state->adjustable);
	paysafe_status_value_set(status, paysafe_spec_set(spec, "recorded"), &state->recorded);

	state->net = state->captured.changes == CAPTURED_NET;
	state->has_refunds = state->net && is_followed(input);
	state->declared_on = input->source->relation;
	if (state->net)
		state->net_since = paysafe_gross_since(input->source);
	status_rule = paysafe_status_machine_source(input->sources, status_column);
	paysafe_status_value_set(status, paysafe_status_machine_initial(input->sources, status_column),
							 &state->initial);
	paysafe_payment_mark_compile(input, status_rule, &state->captured, &state->marks);

	paysafe_row_key_require(input->leaf, "Without one, a payment cannot be told from another.");
	return state;
}

/* An amount of the row's, in its currency if that is known. */
static char *
money(const PaymentState *state, TupleTableSlot *row, Numeric amount)
{
	char	   *currency = NULL;

	(void) paysafe_currency_of(&state->currency, row, false, &currency);
	return paysafe_money_spoken(&state->captured.amount, amount, currency);
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
		 !paysafe_status_value_same(&state->captured.statuses.column, change->before, change->after));
}

static void
check_amounts(const Rule *rule, const RowChange *change, bool depend)
{
	const PaymentState *state = rule->compiled;
	PaymentFault fault;

	if (!paysafe_payment_fault_any(&state->captured, &state->currency, change->after, depend, &fault))
		return;
	/* it is on record since the capture */
	if (fault.over && change->op == 'U' &&
		paysafe_money_same(&state->captured.amount, change->before, change->after) &&
		paysafe_captured_same(&state->captured, change->before, change->after))
		return;
	paysafe_breach_or_refuse(rule, change, fault.over && is_fact(state, change), &(Refusal)
							 {
								 .sqlstate = fault.sqlstate,
								 .column = fault.column,
								 .message = psprintf("payment \"%s\" in table \"%s\" has an impossible amount",
													 paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after),
													 rule->table_name),
								 .detail = row_detail(change, change->after, fault.reason),
								 .hint = fault.sqlstate != ERRCODE_23R05_CAPTURE ?
								 "Amounts are finite, not negative, at the currency's scale, or with as many decimals as are declared." :
								 fault.over && (state->captured.over || state->captured.limit.attnum != 0) ?
								 "Capture at most what the rule allows, in a captured status." :
								 fault.over ?
								 "Capture at most the amount. \"over_percent\" or \"limit_column\" of paysafe.protect_payment lets it be more." :
								 "Set it, at most the amount, in the UPDATE that moves the payment into a captured status."
							 });
}

static PAYSAFE_NORETURN void
refuse_capture(const Rule *rule, const RowChange *change, const char *detail, bool falls)
{
	const PaymentState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23R05_CAPTURE, state->captured.column.name,
					  psprintf("column \"%s\" of table \"%s\" changes only when a payment is captured",
							   state->captured.column.name, rule->table_name),
					  row_detail(change, change->after, detail),
					  falls && state->captured.changes == CAPTURED_NET && !state->has_refunds ?
					  "It falls with refunds: declare which rows these are with paysafe.protect_refund." :
					  falls && state->captured.changes != CAPTURED_ANY && state->captured.changes != CAPTURED_NET ?
					  "What was captured stays: refund it instead. Where the column falls with refunds, \"changes\" of paysafe.protect_payment is 'net'; where captures may fail later, 'any'." :
					  state->captured.changes == CAPTURED_ONCE ?
					  "Set it in the UPDATE that moves the payment into a captured status. Where it rises with each capture, \"changes\" of paysafe.protect_payment is 'rising'." :
					  state->captured.changes == CAPTURED_RISING ?
					  "In a captured status it may rise." :
					  state->captured.changes == CAPTURED_NET ?
					  "In a captured status it may rise, and fall with the payment's refunds." :
					  "Change it in a captured status.");
}

static void
check_insert(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;

	check_amounts(rule, change, true);
	if (!paysafe_captured_is(&state->captured, change->after) &&
		paysafe_money_sign(paysafe_captured_or_zero(&state->captured, change->after)) != 0)
		refuse_capture(rule, change,
					   psprintf("status \"%s\" is not a captured one",
								paysafe_status_value_text(&state->captured.statuses.column, change->after)), false);
}

/* Was anything captured of the row as it was, also if the column has fallen since? */
static bool
was_captured(const PaymentState *state, const RowChange *change)
{
	Numeric		gross;

	/* kept from its first fall on; zero, if the refund that it has fallen for is void */
	return paysafe_money_sign(paysafe_captured_or_zero(&state->captured, change->before)) != 0 ||
		(state->net &&
		 paysafe_gross_find(state->declared_on,
							paysafe_row_key_text(&state->marks.whole, RelationGetDescr(change->rel), change->before),
							state->net_since, &gross));
}

/* Is the payment still as it was added, where nothing has come of it? */
static bool
is_untouched(const PaymentState *state, const RowChange *change)
{
	return paysafe_status_value_find(&state->initial, change->before) >= 0 &&
		!paysafe_captured_is(&state->captured, change->before) &&
		!was_captured(state, change) &&
		!paysafe_payment_mark_has_left(&state->marks, change);
}

/* What limits captures, where there is a column for it: NULL is the amount. */
static Numeric
limit_value(const Captured *captured, TupleTableSlot *row)
{
	Numeric		value;

	return paysafe_money_value(&captured->limit, row, &value) ||
		paysafe_money_value(&captured->amount, row, &value) ? value : paysafe_money_zero();
}

/* Does the amount, and the limit, at most rise, where that may be? */
static bool
is_adjusted(const PaymentState *state, const RowChange *change)
{
	const Captured *captured = &state->captured;
	Numeric		before;
	Numeric		after;

	if (paysafe_status_value_find(&state->adjustable, change->before) < 0 ||
		!paysafe_money_value(&captured->amount, change->before, &before) ||
		!paysafe_money_value(&captured->amount, change->after, &after) ||
		paysafe_money_compare(after, before) < 0)
		return false;
	return captured->limit.attnum == 0 ||
		paysafe_money_compare(limit_value(captured, change->after),
							  limit_value(captured, change->before)) >= 0;
}

/* The column that changes and may not, once the payment is under way, or NULL. */
static const char *
frozen_column(const PaymentState *state, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	const Captured *captured = &state->captured;

	/* where it is what is captured, that is judged */
	if (!paysafe_money_same_column(&captured->amount, &captured->column) &&
		!paysafe_money_same(&captured->amount, change->before, change->after) &&
		!is_adjusted(state, change))
		return captured->amount.name;
	if (captured->limit.attnum != 0 &&
		!paysafe_money_same(&captured->limit, change->before, change->after) &&
		!is_adjusted(state, change))
		return captured->limit.name;
	if (!paysafe_currency_stays(&state->currency, change))
		return state->currency.name;
	if (paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after))
		return NameStr(TupleDescAttr(desc, change->rules->key.attnums[0] - 1)->attname);
	return NULL;
}

static PAYSAFE_NORETURN void
refuse_frozen(const Rule *rule, const RowChange *change, const char *column)
{
	const PaymentState *state = rule->compiled;
	bool		renamed = paysafe_row_key_changed(&change->rules->key, RelationGetDescr(change->rel),
												  change->before, change->after);

	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
					  psprintf("column \"%s\" of table \"%s\" cannot change any more",
							   column, rule->table_name),
					  row_detail(change, change->before,
								 psprintf("key, amount and currency stay once a payment is under way; its status is \"%s\"",
										  paysafe_status_value_text(&state->captured.statuses.column, change->before))),
					  renamed ? KEY_HINT : "Add a new payment instead.");
}

static void
check_frozen(const Rule *rule, const RowChange *change)
{
	const char *column = frozen_column(rule->compiled, change);

	if (column != NULL && !is_untouched(rule->compiled, change))
		refuse_frozen(rule, change, column);
}

static void
refuse_delete(const Rule *rule, const RowChange *change, const char *detail, const char *hint)
{
	paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
					  psprintf("a captured payment in table \"%s\" cannot be deleted", rule->table_name),
					  row_detail(change, change->before, detail), hint);
}

#define LEFT_DETAIL	"it was captured, by a status that it has left"
#define LEFT_HINT	"It stays, as a record of what was captured."

/* By now the payment may be marked. */
static void
check_later(const Rule *rule, const RowChange *first, const RowChange *later)
{
	const PaymentState *state = rule->compiled;

	if (state->is_parent || !paysafe_row_filter_has(&state->captured.rows, later->before, NULL))
		return;
	if (later->after != NULL)
		check_frozen(rule, later);
	paysafe_payment_mark_check_later(rule, &state->marks, later);
}

/* A trigger has deleted it, and nothing told that this change had made it leave. */
static void
check_gone(const Rule *rule, const RowChange *first)
{
	const PaymentState *state = rule->compiled;

	if (!state->is_parent && paysafe_row_filter_has(&state->captured.rows, first->before, NULL) &&
		paysafe_payment_mark_leaves(&state->marks, &state->captured, first))
		refuse_delete(rule, first, LEFT_DETAIL, LEFT_HINT);
}

/* May what is captured change so? */
static bool
is_capture(const PaymentState *state, const RowChange *change, bool same_status, int direction)
{
	if (!paysafe_captured_is(&state->captured, change->after))
		return false;
	switch (state->captured.changes)
	{
		case CAPTURED_ONCE:
			/* a machine that leads back to a capture takes nothing of the first one away */
			return !same_status && direction > 0;
		case CAPTURED_RISING:
			return direction > 0;
		case CAPTURED_NET:
			return direction > 0 || state->has_refunds;
		case CAPTURED_ANY:
			return true;
	}
	return false;
}

static void
check_update(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;
	const Captured *captured = &state->captured;
	bool		same_status = paysafe_status_value_same(&captured->statuses.column,
												 change->before, change->after);
	bool		same_currency = paysafe_currency_same(&state->currency, RelationGetDescr(change->rel),
													  change->before, change->after);
	Numeric		before;
	Numeric		after;
	int			direction;

	check_frozen(rule, change);
	if (same_status && same_currency &&
		paysafe_money_same(&captured->amount, change->before, change->after) &&
		(captured->limit.attnum == 0 ||
		 paysafe_money_same(&captured->limit, change->before, change->after)) &&
		paysafe_captured_same(captured, change->before, change->after))
		return;					/* nothing of this rule's has changed */
	check_amounts(rule, change, !same_currency);
	if (captured->column.attnum == 0)
		return;					/* the status says it */
	before = paysafe_captured_or_zero(captured, change->before);
	after = paysafe_captured_or_zero(captured, change->after);
	direction = paysafe_money_compare(after, before);
	if (direction != 0 && !is_capture(state, change, same_status, direction))
		refuse_capture(rule, change,
					   psprintf("it would change from %s to %s in status \"%s\"",
								money(state, change->before, before), money(state, change->after, after),
								paysafe_status_value_text(&captured->statuses.column, change->after)), direction < 0);
}

static void
check_delete(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;
	Numeric		captured = paysafe_captured_or_zero(&state->captured, change->before);
	bool		test = !state->net && paysafe_test_row(change->rules, change->before);

	if (!test && paysafe_payment_mark_was_captured(&state->marks, change))
		refuse_delete(rule, change, LEFT_DETAIL, LEFT_HINT);
	if (!test && was_captured(state, change))
		refuse_delete(rule, change,
					  paysafe_money_sign(captured) == 0 ? "it was captured, and is net of refunds" :
					  psprintf("%s is captured", money(state, change->before, captured)),
					  "Refund it instead.");
	if (paysafe_breach_is_open(rule->declared_on,
							   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->before)))
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("a payment in table \"%s\" cannot be deleted while its breach is open",
								   rule->table_name),
						  row_detail(change, change->before, "it says what has happened in the world"),
						  "Another person settles the breach first: paysafe.breach, paysafe.settle_breach.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;
	RowChange	seen;

	if (state->is_parent)
	{
		paysafe_currency_check_parent(rule, &state->parent, change);
		return;
	}
	if (!paysafe_which_rows(rule, &state->captured.rows, change, &seen))
		return;
	if (state->net && seen.op == 'I')
		paysafe_gross_follow(state->declared_on, &state->marks.whole, state->net_since, &seen);
	switch (seen.op)
	{
		case 'I':
			check_insert(rule, &seen);
			break;
		case 'U':
			check_update(rule, &seen);
			break;
		case 'D':
			check_delete(rule, &seen);
			break;
	}
	if (state->net && seen.op != 'I')
		paysafe_gross_follow(state->declared_on, &state->marks.whole, state->net_since, &seen);
	paysafe_payment_mark_follow(&state->marks, &state->captured, &seen);
}

/* It happens, whatever is wrong with it: what is kept of the row goes with it. */
static void
observed(const Rule *rule, const RowChange *change)
{
	const PaymentState *state = rule->compiled;

	if (state->is_parent)
		return;
	if (state->net && change->op != 'I')
		paysafe_gross_follow(state->declared_on, &state->marks.whole, state->net_since, change);
	paysafe_payment_mark_follow(&state->marks, &state->captured, change);
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const PaymentState *state = rule->compiled;
	PaymentFault fault;
	char	   *currency = NULL;
	char	   *key;

	if (!paysafe_row_filter_has(&state->captured.rows, row, NULL))
		return;
	key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);
	for (PaymentFaultPart part = 0; part < PAYMENT_FAULT_PARTS; part++)
		if (paysafe_payment_fault_in(&state->captured, &state->currency, row, false, part, &currency, &fault) &&
			(!fault.over || !paysafe_breach_exists(rule->declared_on, rule->name, key, ERRCODE_23R05_CAPTURE, 0)) &&
			!paysafe_existing_fault(report, "Row", key, fault.reason))
			return;
}

static bool
in_parts(const Rule *rule)
{
	return !((const PaymentState *) rule->compiled)->is_parent;
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	if (((PaymentState *) rule->compiled)->is_parent)
		return;
	paysafe_breach_forget(rule->declared_on);
	paysafe_gross_forget(rule->declared_on);
	paysafe_row_mark_forget(rule->declared_on);
}

static void
refuse_truncate(const Rule *rule)
{
	const PaymentState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  state->is_parent ? "Payments have their currency from its rows." :
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
	char	   *column = paysafe_spec_optional_text(rule->spec, "status_column");
	List	   *thawed;

	if (strcmp(after->name, "status") != 0 || column == NULL)
		return NULL;
	thawed = paysafe_strings_minus(initial_statuses(after, column), initial_statuses(before, column));
	return thawed == NIL ? NULL :
		psprintf("lets key, amount and currency of a payment change in status %s",
				 paysafe_strings_join(thawed));
}

static char *
loosened(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	char	   *words = paysafe_test_rows_loosens(before, after);

	return words ? words : loosened_by(rule, before, after);
}

/* ", it rises": what else the declaration says, in words. */
static char *
describe_more(const Jsonb *spec)
{
	const char *changes = paysafe_spec_optional_text(spec, "changes");
	List	   *adjustable = paysafe_spec_set(spec, "adjustable");
	const char *rows = paysafe_row_filter_words(spec);
	const char *decimals = paysafe_spec_optional_text(spec, "decimals");

	return psprintf("%s%s%s%s%s%s",
					changes == NULL ? "" : strcmp(changes, "rising") == 0 ?
					"; in a captured status it may rise" : strcmp(changes, "net") == 0 ?
					"; in a captured status it may rise, and fall with refunds" : "; in a captured status it may change",
					adjustable ? psprintf("; %s may rise in ", paysafe_spec_text(spec, "amount_column")) : "",
					adjustable ? paysafe_strings_join(adjustable) : "",
					decimals ? psprintf("; %s decimals", decimals) : "",
					rows ? "; rows with " : "", rows ? rows : "");
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	const char *status = paysafe_spec_optional_text(spec, "status_column");

	return psprintf("%s in %s%s%s",
					paysafe_captured_words(spec), paysafe_currency_words(spec),
					status == NULL ? "" :
					psprintf(", %s when %s becomes %s",
							 paysafe_spec_optional_text(spec, "captured_column") ? "set" : "captured", status,
							 paysafe_strings_join(paysafe_spec_set(spec, "captured"))),
					describe_more(spec));
}

const RuleKind paysafe_payment_kind = {
	.name = "payment",
	/* columns and statuses define each other: no change is only tighter */
	.fields = (const SpecField[])
	{
		{"status_column", SPEC_COLUMN},
		{"amount_column", SPEC_COLUMN},
		{"captured_column", SPEC_COLUMN, .shared = true},
		CURRENCY_FIELDS,
		{"captured", SPEC_STATUSES},
		{"changes", SPEC_TEXT},
		{"limit_column", SPEC_COLUMN},
		{"over_percent", SPEC_TEXT},
		{"adjustable", SPEC_STATUSES},
		{"recorded", SPEC_STATUSES, .loosens = SPEC_ADD},
		ROW_FILTER_FIELDS,
		{"units", SPEC_TEXT},
		{"decimals", SPEC_TEXT},
		{"status_path", SPEC_TEXT},
		{"status_names", SPEC_STATUSES},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.observed = observed,
	.check_later = check_later,
	.check_gone = check_gone,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.forget_rows = forget_rows,
	.refuse_truncate = refuse_truncate,
	.loosened_by = loosened,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_payment);

/* The captured statuses: without a status column the one that all rows are in. */
static List *
captured_argument(FunctionCallInfo fcinfo, int n, const char *status_column)
{
	List	   *captured;

	if (status_column == NULL && PG_ARGISNULL(n))
		return list_make1(STATUS_OF_ALL);
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "captured"),
				 errhint("Name the statuses in which a payment is captured; where the table has no status, let \"status_column\" be NULL.")));
	captured = paysafe_declare_set_argument(fcinfo, n, "captured");
	if (captured == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "captured")));
	return captured;
}

/* How the captured amount changes, as it is stored: the default is not. */
static char *
changes_argument(FunctionCallInfo fcinfo, int n, const char *captured_column)
{
	char	   *word = PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
	CapturedChanges changes;

	if (word == NULL)
		return NULL;
	if (!paysafe_captured_changes(word, &changes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"once\", \"rising\", \"net\" or \"any\"", "changes")));
	if (changes == CAPTURED_ONCE)
		return NULL;
	if (captured_column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("without a captured column, nothing changes in a captured status"),
				 errhint("Name the column as \"captured_column\", or leave out \"changes\".")));
	return word;
}

/* What the sets of statuses say together. */
static void
check_statuses(List *captured, List *recorded, List *adjustable, const char *captured_column)
{
	ListCell   *lc;

	foreach(lc, recorded)
		if (!paysafe_strings_contain(captured, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be recorded and not captured", paysafe_redact_string((char *) lfirst(lc))),
					 errhint("Name it in both arguments.")));
	foreach(lc, captured)
		if (captured_column == NULL && paysafe_strings_contain(adjustable, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be both captured and adjustable", paysafe_redact_string((char *) lfirst(lc))),
					 errdetail("Without a captured column the amount is what is captured.")));
}

/* What falls with refunds does not fall while nobody says which rows these are. */
static void
notice_of_no_refunds(Oid payment, const char *captured_column)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(payment))
	{
		const RuleSource *source = lfirst(lc);

		if (source->kind == &paysafe_refund_kind && source->reference == payment &&
			paysafe_spec_optional_text(source->spec, "payment_amount_column") == NULL)
			return;
	}
	ereport(NOTICE,
			(errmsg("no rule says which refunds column \"%s\" of table \"%s\" falls with",
					captured_column, get_rel_name(payment)),
			 errdetail("Until one does, it does not fall."),
			 errhint("Declare them with paysafe.protect_refund, with \"payment_amount_column\" NULL.")));
}

/*
 * protect_payment(payment, status_column, amount_column, captured_column,
 *				   currency_column, captured text[], recorded text[], currency,
 *				   currency_path name[], changes, limit_column, over_percent,
 *				   adjustable text[], rows jsonb, units, status_path text[],
 *				   currency_tables regclass[], decimals, mode) returns void
 */
Datum
paysafe_protect_payment(PG_FUNCTION_ARGS)
{
	SpecBuilder spec;
	char	   *status_column = paysafe_declare_optional_name(fcinfo, 1);
	char	   *captured_column = paysafe_declare_optional_name(fcinfo, 3);
	List	   *captured = captured_argument(fcinfo, 5, status_column);
	List	   *recorded = paysafe_declare_set_argument(fcinfo, 6, "recorded");
	List	   *adjustable = paysafe_declare_optional_set(fcinfo, 12, "adjustable");
	char	   *changes = changes_argument(fcinfo, 9, captured_column);
	bool		observed;
	Oid			reference;

	check_statuses(captured, recorded, adjustable, captured_column);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "status_column", status_column);
	paysafe_spec_add_text(&spec, "amount_column", paysafe_declare_name_argument(fcinfo, 2, "amount_column"));
	paysafe_spec_add_text(&spec, "captured_column", captured_column);
	paysafe_spec_add_set(&spec, "captured", captured);
	paysafe_spec_add_text(&spec, "changes", changes);
	paysafe_spec_add_text(&spec, "limit_column", paysafe_declare_optional_name(fcinfo, 10));
	paysafe_spec_add_text(&spec, "over_percent", paysafe_declare_over_percent_argument(fcinfo, 11));
	if (recorded != NIL)
		paysafe_spec_add_set(&spec, "recorded", recorded);
	if (adjustable != NIL)
		paysafe_spec_add_set(&spec, "adjustable", adjustable);
	paysafe_row_filter_add(&spec, PG_ARGISNULL(13) ? NULL : PG_GETARG_JSONB_P(13));
	paysafe_spec_add_text(&spec, "units", paysafe_declare_optional_text(fcinfo, 14));
	paysafe_status_names_add(&spec, PG_GETARG_OID(0), status_column,
							 paysafe_declare_path_argument(fcinfo, 15, status_column),
							 list_concat_copy(captured, list_concat_copy(recorded, adjustable)));
	paysafe_spec_add_text(&spec, "decimals", paysafe_declare_decimals_argument(fcinfo, 17));
	observed = paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare_check_owner(PG_GETARG_OID(0));
	reference = paysafe_currency_declare(&spec, PG_GETARG_OID(0), paysafe_declare_optional_name(fcinfo, 4),
										 PG_ARGISNULL(7) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(7)),
										 paysafe_declare_optional_set(fcinfo, 8, "currency_path"),
										 paysafe_currency_tables_argument(fcinfo, 16), observed);
	paysafe_declare(PG_GETARG_OID(0), "payment", reference, paysafe_spec_end(&spec));
	if (changes != NULL && strcmp(changes, "net") == 0)
		notice_of_no_refunds(PG_GETARG_OID(0), captured_column);
	PG_RETURN_VOID();
}
