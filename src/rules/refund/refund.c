/*-------------------------------------------------------------------------
 *
 * refund.c
 *	  Refunds: never more than captured, and a second person above a threshold.
 *
 *	  - payment, amount, currency and key of a refund stay as requested;
 *	  - amounts are positive, finite, at the currency's scale; the currency is
 *		the payment's;
 *	  - the refunds of a payment that are not void never total more than its
 *		captured amount;
 *	  - entering a gated status needs approvals once the payment's refunds that
 *		passed the gate within the period, with this one, exceed the threshold
 *		of the currency; without a threshold, always.
 *
 * Exact at every isolation level: whoever adds to a payment's refunds or
 * passes the gate first locks the payment's row (FOR NO KEY UPDATE, until the
 * end of the transaction) and then adds up with a snapshot taken after that.
 * The other side, a change of the captured amount, holds the row by its own
 * UPDATE and adds up the same way.  The lock is an ordinary row lock: prepared
 * transactions keep it, and no function of the user's can release it.
 *
 * Lock order: refund row (by the statement), payment row, approvals by id.
 *
 * What the rule must remember beyond the rows (who requested, when the gate
 * was passed) is in paysafe.refund_event.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "engine/rule.h"
#include "engine/status_machine.h"
#include "errors.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_threshold.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

static void
compile_refund_side(RefundSide *side, const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	Relation	leaf = input->leaf;
	char	   *status_column = paysafe_spec_text(spec, "status_column");
	List	   *gated = paysafe_spec_set(spec, "gated");
	List	   *voided = paysafe_spec_set(spec, "void");
	StatusColumn status;
	AttrNumber *key;

	side->payment_attnum = paysafe_catalog_column(leaf, paysafe_spec_text(spec, "payment_column"));
	side->payment_type = getBaseType(TupleDescAttr(RelationGetDescr(leaf),
												   side->payment_attnum - 1)->atttypid);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &side->amount);
	paysafe_status_value_column(leaf, paysafe_spec_text(spec, "currency_column"), &side->currency);
	paysafe_status_value_column(leaf, status_column, &status);
	paysafe_status_machine_check_names(input->sources, status_column, gated, "gated");
	paysafe_status_machine_check_names(input->sources, status_column, voided, "void");
	paysafe_status_value_set(&status, gated, &side->gated);
	paysafe_status_value_set(&status, voided, &side->voided);
	side->thresholds = paysafe_refund_threshold_read(input->source->relation);
	side->machine = paysafe_status_machine_of(input->sources, status_column);
	if (paysafe_row_key_columns(leaf, &key) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(leaf)),
				 errdetail("Without one, an approval cannot name a refund.")));
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	RefundState *state = palloc0(sizeof(RefundState));

	state->is_payment = input->as_reference;
	state->leaf = RelationGetRelid(input->leaf);
	state->refund_root = input->source->relation;
	state->payment_root = input->source->reference;
	state->payment_key = paysafe_spec_text(spec, "payment_key_column");
	state->payment_amount = paysafe_spec_text(spec, "payment_amount_column");
	state->payment_currency = paysafe_spec_text(spec, "payment_currency_column");
	state->since = input->source->since;
	if (state->is_payment)
		paysafe_refund_compile_payment(&state->payment, input->leaf, state);
	else
		compile_refund_side(&state->refund, input);
	return state;
}

/*
 * Words for messages
 */

static char *
refund_key(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row);
}

static char *
people_words(List *people)
{
	StringInfoData buf;
	List	   *seen = NIL;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, people)
	{
		Person	   *person = lfirst(lc);
		char	   *name = person->actor ? person->actor : person->session_user_name;

		if (paysafe_strings_contain(seen, name))
			continue;
		seen = lappend(seen, name);
		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "", name);
	}
	return buf.data;
}

/*
 * Checking a refund
 */

static void
check_frozen(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	TupleDesc	desc = RelationGetDescr(change->rel);
	const char *column = NULL;

	if (!paysafe_row_key_same_column(desc, side->payment_attnum, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, side->payment_attnum - 1)->attname);
	else if (!paysafe_money_same(&side->amount, change->before, change->after))
		column = side->amount.name;
	else if (!paysafe_status_value_same(&side->currency, change->before, change->after))
		column = side->currency.name;
	else if (paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, change->rules->key.attnums[0] - 1)->attname);
	if (column != NULL)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
						  psprintf("column \"%s\" of table \"%s\" cannot change",
								   column, rule->table_name),
						  psprintf("Refund \"%s\" stays as it was requested: its key, payment, amount and currency.",
								   refund_key(change, change->before)),
						  "Void this refund and request another one.");
}

/* Lock the refund's payment; it must be exactly one, of the same currency. */
static void
lock_payment_of(const Rule *rule, const RowChange *change, Datum payment, LockedPayment *locked)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	int			count = paysafe_refund_lock_payment(state, payment, side->payment_type, locked);
	char	   *currency;

	if (count != 1)
		paysafe_rule_refuse(rule, ERRCODE_23R06_NO_PAYMENT,
						  NameStr(TupleDescAttr(RelationGetDescr(change->rel),
												side->payment_attnum - 1)->attname),
						  psprintf("refund \"%s\" in table \"%s\" needs exactly one payment",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("%s rows of \"%s\" have %s \"%s\".",
								   count == 0 ? "No" : "Several",
								   get_rel_name(state->payment_root), state->payment_key,
								   paysafe_row_key_value_text(side->payment_type, payment)),
						  NULL);
	currency = paysafe_status_value_text(&side->currency, change->after);
	if (locked->currency == NULL || strcmp(locked->currency, currency) != 0)
		paysafe_rule_refuse(rule, ERRCODE_23R02_CURRENCY, side->currency.name,
						  psprintf("refund \"%s\" in table \"%s\" is not in the currency of its payment",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("The refund is in %s, payment \"%s\" in %s.", currency, locked->key,
								   locked->currency ? locked->currency : "no currency"),
						  "Refund in the currency of the payment.");
}

static void
check_cap(const Rule *rule, const RowChange *change, const LockedPayment *locked,
		  const RefundSum *sum)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *currency = paysafe_status_value_text(&side->currency, change->after);
	Numeric		captured = locked->captured ? locked->captured : paysafe_money_zero();

	/* a NaN would compare as larger than everything: fail closed */
	if (numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum->total, captured) > 0)
		paysafe_rule_refuse(rule, ERRCODE_23R01_OVER_CAPTURED, side->amount.name,
						  psprintf("refunds of payment \"%s\" exceed its captured amount",
								   locked->key),
						  psprintf("With refund \"%s\" of %s they total %s; captured is %s.",
								   refund_key(change, change->after),
								   paysafe_money_words(paysafe_refund_amount(side, change->after), currency),
								   paysafe_money_words(sum->total, currency),
								   paysafe_money_words(captured, currency)),
						  "Refund at most what is left, or void another refund first.");
}

static void
check_gate(const Rule *rule, const RowChange *change, const char *payment_key,
		   List *events, const Threshold *threshold, const RefundSum *sum)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *key = refund_key(change, change->after);
	char	   *currency = paysafe_status_value_text(&side->currency, change->after);
	Numeric		amount = paysafe_refund_amount(side, change->after);
	Numeric		total = paysafe_money_add(sum->gate_total, amount);
	int			needed = paysafe_refund_threshold_approvals(threshold, total);
	int			have = 0;
	ApprovalSubject subject = {
		.valid_for = threshold ? threshold->valid_for : PAYSAFE_DEFAULT_VALID_FOR,
		.requesters = paysafe_refund_requesters(events, key)
	};
	char	   *hint;

	/* nobody knows who requested it: then at least not who moves it now */
	if (subject.requesters == NIL)
		subject.requesters = list_make1(paysafe_person_current());
	if (needed > 0 && change->op != 'I')
	{
		paysafe_refund_digest(side, payment_key, key, change->before, events, subject.digest);
		have = paysafe_approval_use(state->refund_root, key, &subject, needed);
	}
	if (have >= needed)
	{
		paysafe_refund_add_event(state, payment_key, key, REFUND_GATED, amount, currency, needed);
		return;
	}
	hint = change->op == 'I' ?
		pstrdup("Request the refund first, in a status that needs no approval.") :
		psprintf("Somebody else has to approve it: SELECT paysafe.approve(%s, %s, 'why it is right');",
				 quote_literal_cstr(paysafe_catalog_table_name(state->refund_root)),
				 quote_literal_cstr(key));
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "approval",
					   .schema_name = rule->schema_name,
					   .table_name = rule->table_name,
					   .column = side->gated.column.name,
					   .message = psprintf("refund \"%s\" of %s needs the approval of %s",
										   key, paysafe_money_words(amount, currency),
										   needed == 1 ? "a second person" : psprintf("%d other persons", needed)),
					   .detail = psprintf("%s %d of %d approvals found; requested by %s.",
										  threshold ?
										  psprintf("Refunds of payment \"%s\" within %s would total %s; the threshold is %s.",
												   payment_key, paysafe_refund_threshold_period_text(threshold->within),
												   paysafe_money_words(total, currency),
												   paysafe_money_words(threshold->amount, currency)) :
										  psprintf("There is no threshold for %s, so every refund needs approval.", currency),
										  have, needed, people_words(subject.requesters)),
					   .hint = hint
				   });
}

static void
check_refund_change(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	bool		counted = paysafe_status_value_find(&side->voided, change->after) < 0;
	bool		was_counted = change->op == 'U' &&
		paysafe_status_value_find(&side->voided, change->before) < 0;
	bool		enters_gate = paysafe_status_value_find(&side->gated, change->after) >= 0 &&
		!(change->op == 'U' && paysafe_status_value_find(&side->gated, change->before) >= 0);
	const char *column;
	int			sqlstate;
	char	   *fault;
	bool		isnull;
	Datum		payment;
	LockedPayment locked;
	RefundSum	sum = {0};
	List	   *events = NIL;
	Threshold  *threshold = NULL;

	if (change->op == 'U')
		check_frozen(rule, change);
	if (change->op == 'U' && (was_counted || !counted) && !enters_gate)
		return;					/* neither total nor gate is concerned */

	fault = paysafe_refund_fault(side, change->after, &column, &sqlstate);
	if (fault != NULL)
		paysafe_rule_refuse(rule, sqlstate, column,
						  psprintf("refund \"%s\" in table \"%s\" is not possible",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("Refund \"%s\": %s.", refund_key(change, change->after), fault),
						  "A refund names one payment and has a positive amount at the currency's scale.");
	payment = slot_getattr(change->after, side->payment_attnum, &isnull);
	lock_payment_of(rule, change, payment, &locked);
	/* whoever brings a void refund back requests it, like who added it */
	if (change->op == 'I' || (counted && !was_counted))
		paysafe_refund_add_event(state, locked.key, refund_key(change, change->after), REFUND_REQUESTED,
								 paysafe_refund_amount(side, change->after),
								 paysafe_status_value_text(&side->currency, change->after), 0);
	if (!counted && !enters_gate)
		return;

	if (enters_gate)
	{
		threshold = paysafe_refund_threshold_find(side->thresholds,
										   paysafe_status_value_text(&side->currency, change->after));
		events = paysafe_refund_events(state, locked.key);
		sum.events = events;
		sum.except_leaf = change->rel;
		sum.except = change->after;
		sum.gate_from = GetCurrentTimestamp() - (threshold ? threshold->within : 0);
	}
	paysafe_refund_sum(state, change->rules, payment, side->payment_type, &sum);
	if (counted && !was_counted)
		check_cap(rule, change, &locked, &sum);
	if (enters_gate)
		check_gate(rule, change, locked.key, events, threshold, &sum);
}

/*
 * Checking the payment's side
 */

static void
check_payment_change(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const PaymentSide *side = &state->payment;
	TupleDesc	desc = RelationGetDescr(change->rel);
	RefundSum	sum = {0};
	bool		isnull;
	Datum		key;
	Oid			keytype;
	char	   *words;
	Numeric		captured;
	const char *column = NULL;
	bool		has_captured;

	if (change->op == 'I')
		return;
	if (change->op == 'U')
	{
		if (!paysafe_row_key_same_column(desc, side->key_attnum, change->before, change->after))
			column = state->payment_key;
		else if (!paysafe_status_value_same(&side->currency, change->before, change->after))
			column = state->payment_currency;
		else if (paysafe_money_same(&side->captured, change->before, change->after))
			return;
	}
	key = slot_getattr(change->before, side->key_attnum, &isnull);
	if (isnull)
		return;
	keytype = getBaseType(TupleDescAttr(desc, side->key_attnum - 1)->atttypid);
	words = paysafe_row_key_value_text(keytype, key);
	paysafe_refund_sum(state, NULL, key, keytype, &sum);
	if (sum.rows == 0)
		return;
	if (change->op == 'D')
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("payment \"%s\" in table \"%s\" has refunds and cannot be deleted",
								   words, rule->table_name),
						  psprintf("%d rows of \"%s\" refer to it.", sum.rows,
								   get_rel_name(state->refund_root)),
						  NULL);
	if (column != NULL)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
						  psprintf("column \"%s\" of table \"%s\" cannot change any more",
								   column, rule->table_name),
						  psprintf("Payment \"%s\" has refunds.", words), NULL);
	has_captured = paysafe_money_value(&side->captured, change->after, &captured);
	if (!has_captured || numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum.total, captured) > 0)
		paysafe_rule_refuse(rule, ERRCODE_23R01_OVER_CAPTURED, side->captured.name,
						  psprintf("captured amount of payment \"%s\" cannot fall below its refunds", words),
						  psprintf("Refunds total %s; captured would be %s.",
								   paysafe_money_text(sum.total),
								   has_captured ? paysafe_money_text(captured) : "nothing"),
						  "Void refunds first.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;

	if (state->is_payment)
		check_payment_change(rule, change);
	else if (change->op != 'D')
		check_refund_change(rule, change);
	else if (paysafe_status_value_find(&state->refund.voided, change->before) < 0)
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("refund \"%s\" in table \"%s\" cannot be deleted",
								   refund_key(change, change->before), rule->table_name),
						  psprintf("Its status is \"%s\", which counts towards the payment's refunds.",
								   paysafe_status_value_text(&state->refund.gated.column, change->before)),
						  "Void it instead.");
}

static void
refuse_truncate(const Rule *rule)
{
	paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  "Payments and refunds stay.", NULL);
}

/*
 * Approvals
 */

typedef struct RefundRow
{
	const RefundState *state;
	int			count;
	char	   *fault;			/* why it cannot be one, or NULL */
	char	   *key;			/* as it is written everywhere */
	char	   *status;
	bool		gated;
	bool		voided;
	uint8		digest[PAYSAFE_SHA256_LEN];
	List	   *requesters;
	int64		valid_for;
} RefundRow;

static bool
read_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	RefundRow  *refund = arg;
	const RefundState *state = refund->state;
	const RelationRules *rules;
	const RefundSide *side = &((RefundState *) paysafe_refund_rule_of(rel, state->refund_root, &rules)->compiled)->refund;
	Threshold  *threshold;
	List	   *events;
	char	   *payment;
	bool		isnull;
	const char *column;
	int			sqlstate;

	if (++refund->count > 1)
		return false;
	refund->fault = paysafe_refund_fault(side, row, &column, &sqlstate);
	if (refund->fault != NULL)
		return true;
	payment = paysafe_refund_payment_key(state, slot_getattr(row, side->payment_attnum, &isnull),
										 side->payment_type);
	events = paysafe_refund_events(state, payment);
	refund->key = paysafe_row_key_text(&rules->key, RelationGetDescr(rel), row);
	refund->requesters = paysafe_refund_requesters(events, refund->key);
	refund->status = paysafe_status_value_text(&side->gated.column, row);
	refund->gated = paysafe_status_value_find(&side->gated, row) >= 0;
	refund->voided = paysafe_status_value_find(&side->voided, row) >= 0;
	paysafe_refund_digest(side, payment, refund->key, row, events, refund->digest);
	threshold = paysafe_refund_threshold_find(side->thresholds, paysafe_status_value_text(&side->currency, row));
	refund->valid_for = threshold ? threshold->valid_for : PAYSAFE_DEFAULT_VALID_FOR;
	return true;
}

static void
approval_subject(const Rule *rule, const char *key, ApprovalSubject *out)
{
	/* looking for the row may compile rules anew: keep what is needed later */
	RefundState state = *(RefundState *) rule->compiled;
	RefundRow	refund = {.state = &state};
	Snapshot	snapshot;

	if (state.is_payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("payments are not subject to approval"),
				 errhint("Name the refund table and the refund.")));
	snapshot = paysafe_scan_snapshot();
	paysafe_row_key_find(state.refund_root, key, snapshot, read_refund, &refund);
	UnregisterSnapshot(snapshot);
	if (refund.count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(refund.count == 0 ? "refund \"%s\" does not exist in table \"%s\"" :
						"refund \"%s\" exists more than once in table \"%s\"",
						paysafe_redact_string(key), get_rel_name(state.refund_root))));
	if (refund.fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund \"%s\" cannot be approved", paysafe_redact_string(key)),
				 errdetail("Refund \"%s\": %s.", paysafe_redact_string(key),
						   paysafe_redact_string(refund.fault))));
	if (refund.gated || refund.voided)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund \"%s\" cannot be approved in status \"%s\"",
						paysafe_redact_string(key), paysafe_redact_string(refund.status))));
	memcpy(out->digest, refund.digest, PAYSAFE_SHA256_LEN);
	out->valid_for = refund.valid_for;
	out->key = refund.key;
	out->requesters = refund.requesters;
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	const RefundState *state = rule->compiled;
	Datum		key = ObjectIdGetDatum(state->refund_root);

	if (state->is_payment)
		return;
	paysafe_store_remove(PAYSAFE_REFUND_EVENT, "refund_event_payment", 1, &key);
	paysafe_store_remove(PAYSAFE_APPROVAL_RECORD, "approval_record_relation_key", 1, &key);
}

const RuleKind paysafe_refund_kind = {
	.name = "refund",

	/*
	 * No change is only tighter: a status that becomes gated opens the way
	 * from there to the next gated one, and one that is void no longer does
	 * not end what was approved.
	 */
	.fields = (const SpecField[]) {
		{"payment_column", SPEC_COLUMN},
		{"payment_key_column", SPEC_REFERENCE_COLUMN},
		{"amount_column", SPEC_COLUMN},
		{"currency_column", SPEC_COLUMN},
		{"status_column", SPEC_COLUMN},
		{"gated", SPEC_STATUSES},
		{"void", SPEC_STATUSES},
		{"payment_amount_column", SPEC_REFERENCE_COLUMN},
		{"payment_currency_column", SPEC_REFERENCE_COLUMN},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = paysafe_refund_check_existing,
	.check_existing_end = paysafe_refund_check_existing_end,
	.forget_rows = forget_rows,
	.refuse_truncate = refuse_truncate,
	.approval_subject = approval_subject,
	.describe = paysafe_refund_describe
};
