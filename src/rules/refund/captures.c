/*-------------------------------------------------------------------------
 *
 * captures.c
 *	  Captures: what is captured of a payment is the sum of rows.
 *
 *	  - what counts has a payment, a positive amount at its currency's scale, in the
 *		payment's currency, and stays as it is: key, payment, amount, currency, what
 *		it is;
 *	  - what counts is not deleted, unless the rule says that deleting ends it;
 *	  - all captures of a payment, in all tables declared for its table, are at most
 *		what was authorized: a column of the payment, or rows of their own;
 *	  - what ceases to count leaves no less captured than was refunded;
 *	  - a status that records what has happened in the world is entered even if more
 *		is captured than was authorized: that is a breach (engine/breach.h).
 *
 * Rows that do not count (yet, or any longer) are limited by nothing.
 *
 * Exact at every isolation level, as refunds are (refund.c): whoever changes what
 * counts locks the payment's row and then adds up with a snapshot taken after that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "engine/breach.h"
#include "engine/rule.h"
#include "engine/shown.h"
#include "engine/status_machine.h"
#include "engine/which_rows.h"
#include "engine/test_rows.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/refund/captures.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_twin.h"
#include "values/spec.h"

static Numeric
numeric_of(const char *text)
{
	return text == NULL ? NULL :
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static void
compile_capture_side(CaptureState *state, const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	CaptureSide *side = &state->capture;
	Relation	leaf = input->leaf;
	char	   *status_column = paysafe_spec_optional_text(spec, "status_column");
	char	   *type_column = paysafe_spec_optional_text(spec, "type_column");
	List	   *counted = paysafe_spec_set(spec, "counted");
	StatusColumn status;

	paysafe_key_columns_find(leaf, paysafe_spec_columns(spec, "payment_column"), &side->payment);
	if (!OidIsValid(state->payment_root))
		paysafe_refund_source_check_tenant(input, paysafe_spec_columns(spec, "payment_column"), false);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &side->amount);
	paysafe_money_decimals(&side->amount, paysafe_spec_optional_text(spec, "decimals"));
	side->own_currency = paysafe_spec_optional_text(spec, "currency_column") != NULL;
	paysafe_currency_compile(leaf, input->source, &side->currency);
	paysafe_row_filter_compile(leaf, spec, &side->rows);
	paysafe_status_value_spec_column(leaf, spec, &status);
	paysafe_status_machine_check_names(input->sources, status_column, counted, "counted");
	paysafe_status_value_set(&status, counted, &side->counted);
	paysafe_status_value_set(&status, paysafe_spec_set(spec, "recorded"), &side->recorded);
	side->deletable = paysafe_spec_bool(spec, "deletable");
	side->typed = type_column != NULL;
	if (side->typed)
	{
		paysafe_status_value_column(leaf, type_column, &side->type);
		paysafe_status_value_set(&side->type, paysafe_spec_set(spec, "authorize"), &side->authorize);
		paysafe_status_value_set(&side->type, paysafe_spec_set(spec, "capture"), &side->capture);
		paysafe_status_value_set(&side->type, paysafe_spec_set(spec, "cancel"), &side->cancel);
	}
	paysafe_row_key_require(leaf, "Without one, a capture cannot be named.");
}

static void
compile_payment_side(CaptureState *state, const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	CapturedSide *side = &state->payment;
	char	   *limit = paysafe_spec_optional_text(spec, "limit_column");
	ListCell   *lc;

	paysafe_key_columns_find(input->leaf, state->payment_key, &side->key);
	if (limit != NULL)
		paysafe_money_column(input->leaf, limit, &side->limit);
	foreach(lc, input->sources)
		side->guarded |= strcmp(((RuleSource *) lfirst(lc))->name, "payment") == 0;
	side->has_currency = paysafe_captures_currency(input->leaf, input->sources, &side->currency);
	side->is_parent = paysafe_spec_optional_text(spec, "currency_via") != NULL;
	if (side->is_parent)
		paysafe_currency_compile_parent(input, &side->parent);
	side->twins = !paysafe_row_twin_is_excluded(state->payment_root, input->leaf, &side->key.key);
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	CaptureState *state = palloc0(sizeof(CaptureState));
	ListCell   *lc;

	paysafe_refund_total_forget();
	state->is_payment = input->as_reference;
	state->capture_root = input->source->relation;
	state->payment_root = input->source->reference;
	state->payment_key = paysafe_spec_optional_columns(spec, "payment_key_column");
	state->over = numeric_of(paysafe_spec_optional_text(spec, "over_percent"));
	state->observed = input->source->observed;
	foreach(lc, input->sources)
	{
		const RuleSource *other = lfirst(lc);

		state->refunded |= strcmp(other->name, "refund") == 0 && other->relation == state->capture_root &&
			!OidIsValid(other->reference);
	}
	if (state->is_payment)
		compile_payment_side(state, input);
	else
	{
		compile_capture_side(state, input);
		state->kept_stamp = paysafe_captures_kept_stamp(state, input);
		state->indexed = input->source->unvalidated &&
			paysafe_key_columns_unindexed(RelationGetRelid(input->leaf), paysafe_spec_columns(spec, "payment_column")) == NULL;
	}
	return state;
}

/*
 * Words for messages
 */

static char *
row_words(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row));
}

/* What a row is, in a message. */
static const char *
noun(const CaptureShare *share)
{
	return share->captures ? "capture" : share->cancels ? "cancellation" : "authorization";
}

static char *
name_of(TupleDesc desc, AttrNumber attnum)
{
	return NameStr(TupleDescAttr(desc, attnum - 1)->attname);
}

/*
 * Checking a capture
 */

/* What counts stays: the column that changes and may not, or NULL. */
static const char *
frozen_column(const CaptureSide *side, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	AttrNumber	moved = paysafe_key_columns_changed(&side->payment, desc, change->before, change->after);

	if (moved != InvalidAttrNumber)
		return name_of(desc, moved);
	if (!paysafe_money_same(&side->amount, change->before, change->after))
		return side->amount.name;
	if (side->own_currency && !paysafe_currency_same(&side->currency, desc, change->before, change->after))
		return side->currency.name;
	if (side->typed && !paysafe_status_value_same(&side->type, change->before, change->after))
		return side->type.name;
	if (paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after))
		return name_of(desc, change->rules->key.attnums[0]);
	return NULL;
}

static void
check_frozen(const Rule *rule, const RowChange *change, const CaptureShare *share)
{
	const CaptureSide *side = &((CaptureState *) rule->compiled)->capture;
	const char *column = frozen_column(side, change);

	if (column != NULL)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
							psprintf("column \"%s\" of table \"%s\" cannot change any more",
									 column, rule->table_name),
							psprintf("Row \"%s\" counts as %s: its key, payment, amount and currency stay.",
									 row_words(change, change->before), noun(share)),
							side->counted.column.type == STATUS_NONE ? "Add another row." :
							"Let this one cease to count, and add another row.");
}

/* What to do instead of deleting what counts: a cancellation cannot be refunded. */
static const char *
deletion_hint(const CaptureSide *side, const CaptureShare *share)
{
	if (side->counted.column.type != STATUS_NONE)
		return share->captures ? "Let it cease to count by its status, or refund it." :
			"Let it cease to count by its status.";
	if (!side->typed)
		return "Refund it; where rows are deleted when the provider has refused them, \"deletable\" of paysafe.protect_captures says so.";
	return share->captures ? "Refund it." :
		share->cancels ? "It stays: what has been cancelled is authorized again by another row." :
		"It stays: cancel it by another row.";
}

/* More is captured than is authorized: by whom? */
static const char *
excess_hint(const RowChange *change, const CaptureShare *before, const CaptureShare *share, bool cancelled)
{
	if (cancelled)
		return "Nothing more is captured of it. If the cancellation has not happened, let that cease to count first; otherwise capture of another payment.";
	if (share->cancels && share->counts)
		return "Cancel at most what is left, or all that is left: without an amount (NULL).";
	if (before->authorizes && !before->captures)
		return "So much is captured of it: let captures cease to count first.";
	return "Capture at most what is left.";
}

static void lock_payment(const Rule *rule, const RowChange *change, TupleTableSlot *row,
						 bool counts, CapturedPayment *payment);

/* Its payment says so. */
static bool
is_test(const Rule *rule, const RowChange *change)
{
	CapturedPayment payment = {0};

	lock_payment(rule, change, change->before, false, &payment);
	return payment.test;
}

static void
check_deleted(const Rule *rule, const RowChange *change, const CaptureShare *share)
{
	const CaptureSide *side = &((CaptureState *) rule->compiled)->capture;

	if (!side->deletable && !is_test(rule, change))
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("%s \"%s\" in table \"%s\" cannot be deleted", noun(share),
									 row_words(change, change->before), rule->table_name),
							psprintf("It counts towards what is %s.", share->captures ? "captured" : "authorized"),
							deletion_hint(side, share));
	if (paysafe_breach_is_open(rule->declared_on,
							   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->before)))
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("%s \"%s\" in table \"%s\" cannot be deleted while its breach is open", noun(share),
									 row_words(change, change->before), rule->table_name),
							"It says what has happened in the world.",
							"Another person settles the breach first: paysafe.breach, paysafe.settle_breach.");
}

static void
refuse_fault(const Rule *rule, const RowChange *change, const CaptureShare *share, int sqlstate,
			 const char *column, const char *fault)
{
	paysafe_rule_refuse(rule, sqlstate, column,
						psprintf("%s \"%s\" in table \"%s\" is not possible", noun(share),
								 row_words(change, change->after), rule->table_name),
						psprintf("Row \"%s\": %s.", row_words(change, change->after), fault),
						"What counts names one payment and has a positive amount at the currency's scale, or with as many decimals as are declared.");
}

/* Whoever works across tenants: what is captured is of the tenant whose payment it is. */
static void
check_owner(const Rule *rule, const RowChange *change, const FoundPayment *payment)
{
	const CaptureState *state = rule->compiled;
	char	   *own = payment->owner ? paysafe_shown_owner(change->rel, change->after) : NULL;

	if (own != NULL && strcmp(own, payment->owner) != 0)
		paysafe_rule_refuse(rule, ERRCODE_23R06_NO_PAYMENT,
							name_of(RelationGetDescr(change->rel), state->capture.payment.key.attnums[0]),
							psprintf("row \"%s\" in table \"%s\" and its payment belong to two tenants",
									 row_words(change, change->after), rule->table_name),
							psprintf("The row belongs to \"%s\", its payment to \"%s\".", paysafe_refusal_value(own),
									 paysafe_refusal_value(payment->owner)),
							"Name a payment of the same tenant.");
}

/*
 * The row's payment, locked.  One that ceases to count (counts is false) may be of another tenant's
 * payment, from before anybody said whose rows are: its own tenant lets it go.
 */
static void
lock_payment(const Rule *rule, const RowChange *change, TupleTableSlot *row, bool counts,
			 CapturedPayment *payment)
{
	const CaptureState *state = rule->compiled;
	bool		hidden_too = !counts && paysafe_shown_depends(change->rel);
	KeyValues	key;
	int			count = 0;

	/* what counts names one */
	if (paysafe_key_columns_read(&state->capture.payment, row, &key, NULL))
		count = paysafe_captures_lock_payment(state, &key, hidden_too, payment);
	/* another tenant's: as if it were not there */
	if (payment->refunds.hidden && !hidden_too)
		count = 0;
	if (count == 0)
		paysafe_shown_require(rule, change, state->payment_root);
	if (count != 1 && change->op == 'D')
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("row \"%s\" in table \"%s\" cannot be deleted with its payment",
									 row_words(change, row), rule->table_name),
							"It counts towards what is captured or authorized.",
							"Delete by itself what the provider has refused.");
	if (count != 1)
		paysafe_rule_refuse(rule, ERRCODE_23R06_NO_PAYMENT,
							name_of(RelationGetDescr(change->rel), state->capture.payment.key.attnums[0]),
							psprintf("row \"%s\" in table \"%s\" needs exactly one payment",
									 row_words(change, row), rule->table_name),
							psprintf("%s rows of \"%s\" have %s \"%s\".", count == 0 ? "No" : "Several",
									 get_rel_name(state->payment_root),
									 paysafe_key_columns_words(state->payment_key),
									 paysafe_refusal_value(payment->key)),
							count == 0 ? "Add the payment first." : "Give the payments keys of their own.");
	if (counts)
		check_owner(rule, change, &payment->refunds);
}

/* The payment says its currency, or all that counts of it does. */
static bool
is_in_another_currency(const CapturedPayment *payment, const CaptureSum *sum, const char *currency)
{
	const char *others = payment->has_currency ? payment->currency : sum->currency;

	/* a row that has ceased to count before it is checked leaves nothing */
	if (!payment->has_currency && sum->rows == 0)
		return false;
	return sum->mixed || others == NULL || strcmp(others, currency) != 0;
}

/* What begins to count must be possible. */
static void
check_possible(const Rule *rule, const RowChange *change, const CaptureShare *share,
			   const CapturedPayment *payment, const CaptureSum *sum, const char *currency)
{
	const CaptureSide *side = &((CaptureState *) rule->compiled)->capture;
	char	   *others = payment->has_currency ? payment->currency : sum->currency;
	char	   *refunds = NULL;
	const char *column;
	int			sqlstate;
	char	   *fault;

	if (currency == NULL)
		refuse_fault(rule, change, share, ERRCODE_23R04_AMOUNT, side->currency.name, "the currency is missing");
	fault = paysafe_captures_fault(side, share, change->after, currency, &column, &sqlstate);
	if (fault != NULL)
		refuse_fault(rule, change, share, sqlstate, column, fault);
	/* what has been paid back before anything was captured says one, too */
	if (!payment->has_currency && !sum->settled)
		refunds = paysafe_refund_counted_currency(payment->refunds.tables, InvalidOid, NULL);
	if (refunds != NULL && strcmp(refunds, currency) == 0)
		refunds = NULL;
	else if (refunds != NULL)
		others = refunds;
	if (refunds != NULL || is_in_another_currency(payment, sum, currency))
		paysafe_rule_refuse(rule, ERRCODE_23R02_CURRENCY, side->own_currency ? side->currency.name : NULL,
							psprintf("%s \"%s\" in table \"%s\" is not in the currency of its payment",
									 noun(share), row_words(change, change->after), rule->table_name),
							psprintf("It is in %s, %s \"%s\" in %s.", paysafe_refusal_value(currency),
									 payment->has_currency ? "payment" : "what counts of payment",
									 paysafe_refusal_value(payment->key),
									 sum->mixed ? "another one" : others ? paysafe_refusal_value(others) : "no currency"),
							"All that counts of a payment is in one currency.");
	if (!payment->has_currency && !sum->settled)
		paysafe_captures_settle(payment->tables);
}

/* More may be captured now, or less is authorized. */
static void
check_limit(const Rule *rule, const RowChange *change, const CaptureShare *before,
			const CaptureShare *share, const CapturedPayment *payment, const CaptureSum *sum)
{
	const CaptureState *state = rule->compiled;
	const CaptureSide *side = &state->capture;
	/* what one statement authorizes, captures and cancels is in this order, whatever that of its rows */
	bool		cancelled = sum->cancels > 0 && share->captures && !before->captures &&
		paysafe_captures_are_cancelled(payment->tables, change);
	char	   *excess = NULL;

	if (cancelled)
		excess = psprintf("what was left of its authorization is cancelled");
	else if (!share->cancels_rest)
		excess = paysafe_captures_excess(state, payment, sum);
	if (excess != NULL)
		paysafe_breach_or_refuse(rule, change, change->op != 'D' && share->counts &&
								 paysafe_status_value_find(&side->recorded, change->after) >= 0, &(Refusal)
								 {
									 .sqlstate = ERRCODE_23R05_CAPTURE,
									 .column = side->amount.name,
									 .message = psprintf("captures of payment \"%s\" exceed what is authorized",
														 paysafe_refusal_value(payment->key)),
									 .detail = psprintf("With row \"%s\" of \"%s\": %s.",
														row_words(change, change->op == 'D' ? change->before : change->after),
														rule->table_name, excess),
									 .hint = excess_hint(change, before, share, cancelled)
								 });
}

/* Less is captured now: not less than was refunded. */
static void
check_refunds(const Rule *rule, const RowChange *change, const CapturedPayment *payment,
			  const CaptureSum *sum)
{
	const CaptureSide *side = &((CaptureState *) rule->compiled)->capture;
	char	   *shortfall = paysafe_captures_shortfall(payment, change, sum);

	if (shortfall != NULL)
		paysafe_rule_refuse(rule, ERRCODE_23R01_OVER_CAPTURED,
							side->counted.column.attnum != 0 ? side->counted.column.name : side->amount.name,
							psprintf("captures of payment \"%s\" cannot fall below its refunds",
									 paysafe_refusal_value(payment->key)),
							psprintf("Without capture \"%s\": %s.", row_words(change, change->before), shortfall),
							"Leave as much captured as is refunded, or first void those refunds that can be.");
}

/* May it have to be refused? */
static bool
is_doubtful(const CaptureState *state, const RowChange *change, const ShareChange *share,
			const CapturedPayment *payment, const CaptureSum *sum)
{
	return (sum->cancels > 0 && share->after->captures && !share->before->captures) ||
		(share->rises && paysafe_captures_excess(state, payment, sum) != NULL) ||
		(share->falls && paysafe_captures_shortfall(payment, change, sum) != NULL) ||
		(share->currency != NULL && is_in_another_currency(payment, sum, share->currency));
}

/* A row begins to count, or does no longer. */
static void
check_share(const Rule *rule, const RowChange *change, const CaptureShare *before,
			const CaptureShare *after)
{
	const CaptureState *state = rule->compiled;
	ShareChange share = {
		.root = state->capture_root, .before = before, .after = after,
		.rises = after->captures || after->cancels || before->authorizes,
		.falls = before->captures
	};
	CapturedPayment payment = {0};
	CaptureSum	sum;
	const char *column;
	int			sqlstate;
	char	   *fault = NULL;

	if (after->counts)
		fault = paysafe_captures_fault(&state->capture, after, change->after, NULL, &column, &sqlstate);
	if (fault != NULL)
		refuse_fault(rule, change, after, sqlstate, column, fault);
	lock_payment(rule, change, change->op == 'D' ? change->before : change->after, after->counts, &payment);
	if (after->counts)
		(void) paysafe_currency_of(&state->capture.currency, change->after, true, &share.currency);
	paysafe_captures_total(payment.tables, change, &share, false, &sum);
	/* what is kept may be out of step with rows of this very statement: never a reason to refuse */
	if (is_doubtful(state, change, &share, &payment, &sum))
		paysafe_captures_total(payment.tables, change, &share, true, &sum);
	if (after->counts)
		check_possible(rule, change, after, &payment, &sum, share.currency);
	if (share.rises)
		check_limit(rule, change, before, after->counts ? after : before, &payment, &sum);
	if (share.falls)
		check_refunds(rule, change, &payment, &sum);
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const CaptureState *state = rule->compiled;
	const CaptureSide *side = &state->capture;
	CaptureShare before = {.captured = paysafe_money_zero(), .authorized = paysafe_money_zero()};
	CaptureShare after = before;
	RowChange	seen;

	if (state->is_payment)
	{
		paysafe_captures_check_payment(rule, change);
		return;
	}
	if (!paysafe_which_rows(rule, &side->rows, change, &seen))
		return;
	if (seen.before != NULL)
		paysafe_captures_share(side, seen.before, &before);
	if (seen.op != 'D')
		paysafe_captures_share(side, seen.after, &after);
	if (before.counts && seen.op == 'D')
		check_deleted(rule, &seen, &before);
	else if (before.counts)
		check_frozen(rule, &seen, &before);
	if (before.counts != after.counts)
		check_share(rule, &seen, &before, &after);
}

/* It is there, whatever it comes to: what was added up does not know it. */
static void
observed(const Rule *rule, const RowChange *change)
{
	paysafe_refund_total_forget();
}

static void
refuse_truncate(const Rule *rule)
{
	paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						psprintf("table \"%s\" cannot be truncated", rule->table_name),
						"Captures say what can be refunded.", TRUNCATE_HINT);
}

/* A first rule beside this one may let more be captured, or refunded in other money. */
static char *
loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	char	   *currency;
	char	   *column;

	if (strcmp(after->name, TEST_ROWS_RULE) == 0)
		return paysafe_test_rows_loosens(before, after);
	if (before != NULL || after->observed)
		return NULL;			/* what changes of it is judged by itself */
	if (strcmp(after->name, "captures") == 0 && after->reference == rule->reference &&
		after->relation != rule->relation)
		return psprintf("lets rows of \"%s\" count as captured, too", get_rel_name(after->relation));
	if (strcmp(after->name, "payment") != 0)
		return NULL;
	if (paysafe_spec_optional_text(rule->spec, "limit_column") != NULL &&
		paysafe_spec_set(after->spec, "adjustable") != NIL)
		return pstrdup("lets what limits captures rise");
	currency = paysafe_spec_optional_text(after->spec, "currency_column");
	column = paysafe_spec_optional_text(rule->spec, "currency_parent_column");
	return currency != NULL && column != NULL && strcmp(currency, column) == 0 ? NULL :
		pstrdup("says which currency payments, and so refunds of what is captured, are in");
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	const CaptureState *state = rule->compiled;
	Datum		key = ObjectIdGetDatum(state->capture_root);

	if (state->is_payment)
		return;
	paysafe_store_remove(PAYSAFE_CAPTURE_TOTAL, "capture_total_payment", 1, &key);
	paysafe_breach_forget(state->capture_root);
}

const RuleKind paysafe_captures_kind = {
	.name = "captures",
	/* columns and statuses define each other: no change is only tighter */
	.fields = (const SpecField[])
	{
		{"payment_column", SPEC_COLUMN},
		{"payment_key_column", SPEC_REFERENCE_COLUMN},
		{"amount_column", SPEC_COLUMN},
		CURRENCY_FIELDS,
		{"status_column", SPEC_COLUMN},
		{"counted", SPEC_STATUSES},
		{"type_column", SPEC_COLUMN, .shared = true},
		{"authorize", SPEC_STATUSES},
		{"capture", SPEC_STATUSES},
		{"cancel", SPEC_STATUSES},
		{"limit_column", SPEC_REFERENCE_COLUMN},
		{"over_percent", SPEC_TEXT},
		{"recorded", SPEC_STATUSES, .loosens = SPEC_ADD},
		{.key = "deletable", .type = SPEC_FLAG, .loosens = SPEC_ADD,
			.set_words = "lets captures be deleted",
		.unset_words = "keeps captures from being deleted"},
		ROW_FILTER_FIELDS,
		{"decimals", SPEC_TEXT},
		{"status_path", SPEC_TEXT},
		{"status_names", SPEC_STATUSES},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.observed = observed,
	.check_existing = paysafe_captures_check_existing,
	.check_existing_end = paysafe_captures_check_existing_end,
	.in_parts = paysafe_captures_in_parts,
	.part_of = paysafe_captures_part_of,
	.forget_rows = forget_rows,
	.refuse_truncate = refuse_truncate,
	.loosened_by = loosened_by,
	.describe = paysafe_captures_describe_rule
};
