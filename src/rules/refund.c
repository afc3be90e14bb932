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

#include "access/table.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/approval.h"
#include "core/catalog.h"
#include "core/declare.h"
#include "core/errors.h"
#include "core/key.h"
#include "core/money.h"
#include "core/refusal.h"
#include "core/spec.h"
#include "core/state.h"
#include "rules/kinds.h"
#include "rules/refund.h"
#include "rules/refund_threshold.h"

static void
compile_refund_side(RefundSide *side, const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	Relation	leaf = input->leaf;
	char	   *status_column = paysafe_spec_text(spec, "status_column");
	List	   *gated = paysafe_spec_set(spec, "gated");
	List	   *voided = paysafe_spec_set(spec, "void");
	StateColumn status;
	AttrNumber *key;

	side->payment_attnum = paysafe_catalog_column(leaf, paysafe_spec_text(spec, "payment_column"));
	side->payment_type = getBaseType(TupleDescAttr(RelationGetDescr(leaf),
												   side->payment_attnum - 1)->atttypid);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &side->amount);
	paysafe_state_column(leaf, paysafe_spec_text(spec, "currency_column"), &side->currency);
	paysafe_state_column(leaf, status_column, &status);
	paysafe_state_check_names(input->sources, status_column, gated, "gated");
	paysafe_state_check_names(input->sources, status_column, voided, "void");
	paysafe_state_set(&status, gated, &side->gated);
	paysafe_state_set(&status, voided, &side->voided);
	side->thresholds = paysafe_threshold_read(input->source->relation);
	side->machine = paysafe_state_machine_of(input->sources, status_column);
	if (paysafe_key_columns(leaf, &key) == 0)
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
	return paysafe_key_text(change->rules, RelationGetDescr(change->rel), row);
}

static char *
people_words(List *people)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, people)
	{
		Person	   *person = lfirst(lc);

		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "",
						 person->actor ? person->actor : person->session_user_name);
	}
	return buf.data;
}

/*
 * Checking a refund
 */

/* Why the refund's own columns are not possible, or NULL. */
static char *
refund_fault(const RefundSide *side, TupleTableSlot *row, const char **column, int *sqlstate)
{
	bool		isnull;
	Numeric		amount;
	char	   *reason;

	*sqlstate = ERRCODE_PAYSAFE_AMOUNT;
	(void) slot_getattr(row, side->payment_attnum, &isnull);
	*column = NameStr(TupleDescAttr(row->tts_tupleDescriptor, side->payment_attnum - 1)->attname);
	if (isnull)
	{
		*sqlstate = ERRCODE_PAYSAFE_NO_PAYMENT;
		return pstrdup("it names no payment");
	}
	(void) slot_getattr(row, side->currency.attnum, &isnull);
	*column = side->currency.name;
	if (isnull)
		return pstrdup("the currency is missing");
	*column = side->amount.name;
	if (!paysafe_money_value(&side->amount, row, &amount))
		return pstrdup("the amount is missing");
	reason = paysafe_money_fault(&side->amount, amount,
								 paysafe_state_text(&side->currency, row), false);
	return reason ? psprintf("amount %s: %s", paysafe_money_text(amount), reason) : NULL;
}

static void
check_frozen(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	TupleDesc	desc = RelationGetDescr(change->rel);
	const char *column = NULL;

	if (!paysafe_same_column(desc, side->payment_attnum, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, side->payment_attnum - 1)->attname);
	else if (!paysafe_money_same(&side->amount, change->before, change->after))
		column = side->amount.name;
	else if (!paysafe_state_same(&side->currency, change->before, change->after))
		column = side->currency.name;
	else if (paysafe_key_changed(change->rules, desc, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, change->rules->key_attnums[0] - 1)->attname);
	if (column != NULL)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_FROZEN, column,
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
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	char	   *payment_key = paysafe_value_text(side->payment_type, payment);
	int			count = paysafe_refund_lock_payment(state, payment, side->payment_type, locked);
	char	   *currency;

	if (count != 1)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_NO_PAYMENT,
						  NameStr(TupleDescAttr(RelationGetDescr(change->rel),
												side->payment_attnum - 1)->attname),
						  psprintf("refund \"%s\" in table \"%s\" needs exactly one payment",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("%s rows of \"%s\" have %s \"%s\".",
								   count == 0 ? "No" : "Several",
								   get_rel_name(state->payment_root), state->payment_key, payment_key),
						  NULL);
	currency = paysafe_state_text(&side->currency, change->after);
	if (locked->currency == NULL || strcmp(locked->currency, currency) != 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_CURRENCY, side->currency.name,
						  psprintf("refund \"%s\" in table \"%s\" is not in the currency of its payment",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("The refund is in %s, payment \"%s\" in %s.", currency, payment_key,
								   locked->currency ? locked->currency : "no currency"),
						  "Refund in the currency of the payment.");
}

static void
check_cap(const Rule *rule, const RowChange *change, Datum payment,
		  const LockedPayment *locked, const RefundSum *sum)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	char	   *currency = paysafe_state_text(&side->currency, change->after);
	Numeric		captured = locked->captured ? locked->captured : paysafe_money_zero();

	/* a NaN would compare as larger than everything: fail closed */
	if (numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum->total, captured) > 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_OVER_CAPTURED, side->amount.name,
						  psprintf("refunds of payment \"%s\" exceed its captured amount",
								   paysafe_value_text(side->payment_type, payment)),
						  psprintf("With refund \"%s\" of %s they total %s; captured is %s.",
								   refund_key(change, change->after),
								   paysafe_money_words(paysafe_refund_amount(side, change->after), currency),
								   paysafe_money_words(sum->total, currency),
								   paysafe_money_words(captured, currency)),
						  "Refund at most what is left, or void another refund first.");
}

static void
check_gate(const Rule *rule, const RowChange *change, Datum payment, List *events,
		   const Threshold *threshold, const RefundSum *sum)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	char	   *key = refund_key(change, change->after);
	char	   *payment_key = paysafe_value_text(side->payment_type, payment);
	char	   *currency = paysafe_state_text(&side->currency, change->after);
	Numeric		amount = paysafe_refund_amount(side, change->after);
	Numeric		total = paysafe_money_add(sum->gate_total, amount);
	int			needed = paysafe_threshold_approvals(threshold, total);
	int			have = 0;
	ApprovalSubject subject = {
		.valid_for = threshold ? threshold->valid_for : PAYSAFE_DEFAULT_VALID_FOR,
		.requesters = paysafe_refund_requesters(events, key)
	};
	char	   *hint;

	/* nobody knows who requested it: then at least not who moves it now */
	if (subject.requesters == NIL)
		subject.requesters = list_make1(paysafe_approval_person());
	if (needed > 0 && change->op != 'I')
	{
		paysafe_refund_digest(side, key, change->before, subject.digest);
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
				 quote_literal_cstr(paysafe_declare_table_name(state->refund_root)),
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
												   payment_key, paysafe_threshold_period_text(threshold->within),
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
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	bool		counted = paysafe_state_find(&side->voided, change->after) < 0;
	bool		was_counted = change->op == 'U' &&
		paysafe_state_find(&side->voided, change->before) < 0;
	bool		enters_gate = paysafe_state_find(&side->gated, change->after) >= 0 &&
		!(change->op == 'U' && paysafe_state_find(&side->gated, change->before) >= 0);
	bool		isnull;
	Datum		payment;
	char	   *payment_key;
	LockedPayment locked;
	RefundSum	sum = {0};
	List	   *events = NIL;
	Threshold  *threshold = NULL;

	if (change->op == 'U')
		check_frozen(rule, change);
	else
	{
		const char *column;
		int			sqlstate;
		char	   *fault = refund_fault(side, change->after, &column, &sqlstate);

		if (fault != NULL)
			paysafe_refuse_by(rule, sqlstate, column,
							  psprintf("refund \"%s\" in table \"%s\" is not possible",
									   refund_key(change, change->after), rule->table_name),
							  psprintf("Refund \"%s\": %s.", refund_key(change, change->after), fault),
							  "A refund names one payment and has a positive amount at the currency's scale.");
	}
	if (change->op == 'U' && (was_counted || !counted) && !enters_gate)
		return;					/* neither total nor gate is concerned */

	payment = slot_getattr(change->after, side->payment_attnum, &isnull);
	payment_key = paysafe_value_text(side->payment_type, payment);
	if (change->op == 'I')
		paysafe_refund_add_event(state, payment_key, refund_key(change, change->after), REFUND_REQUESTED,
				  paysafe_refund_amount(side, change->after),
				  paysafe_state_text(&side->currency, change->after), 0);
	if (!counted && !enters_gate)
		return;

	lock_payment_of(rule, change, payment, &locked);
	if (enters_gate)
	{
		threshold = paysafe_threshold_find(side->thresholds,
								   paysafe_state_text(&side->currency, change->after));
		events = paysafe_refund_events(state, payment_key);
		sum.events = events;
		sum.except = refund_key(change, change->after);
		sum.gate_from = GetCurrentTimestamp() - (threshold ? threshold->within : 0);
	}
	paysafe_refund_sum(state, change->rules, payment, side->payment_type, &sum);
	if (counted && !was_counted)
		check_cap(rule, change, payment, &locked, &sum);
	if (enters_gate)
		check_gate(rule, change, payment, events, threshold, &sum);
}

/*
 * Checking the payment's side
 */

static void
check_payment_change(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;
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
		if (!paysafe_same_column(desc, side->key_attnum, change->before, change->after))
			column = state->payment_key;
		else if (!paysafe_state_same(&side->currency, change->before, change->after))
			column = state->payment_currency;
		else if (paysafe_money_same(&side->captured, change->before, change->after))
			return;
	}
	key = slot_getattr(change->before, side->key_attnum, &isnull);
	if (isnull)
		return;
	keytype = getBaseType(TupleDescAttr(desc, side->key_attnum - 1)->atttypid);
	words = paysafe_value_text(keytype, key);
	paysafe_refund_sum(state, NULL, key, keytype, &sum);
	if (sum.rows == 0)
		return;
	if (change->op == 'D')
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_MONEY_DELETE, NULL,
						  psprintf("payment \"%s\" in table \"%s\" has refunds and cannot be deleted",
								   words, rule->table_name),
						  psprintf("%d rows of \"%s\" refer to it.", sum.rows,
								   get_rel_name(state->refund_root)),
						  NULL);
	if (column != NULL)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_FROZEN, column,
						  psprintf("column \"%s\" of table \"%s\" cannot change any more",
								   column, rule->table_name),
						  psprintf("Payment \"%s\" has refunds.", words), NULL);
	has_captured = paysafe_money_value(&side->captured, change->after, &captured);
	if (!has_captured || numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum.total, captured) > 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_OVER_CAPTURED, side->captured.name,
						  psprintf("captured amount of payment \"%s\" cannot fall below its refunds", words),
						  psprintf("Refunds total %s; captured would be %s.",
								   paysafe_money_text(sum.total),
								   has_captured ? paysafe_money_text(captured) : "nothing"),
						  "Void refunds first.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;

	if (state->is_payment)
		check_payment_change(rule, change);
	else if (change->op != 'D')
		check_refund_change(rule, change);
	else if (paysafe_state_find(&state->refund.voided, change->before) < 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_MONEY_DELETE, NULL,
						  psprintf("refund \"%s\" in table \"%s\" cannot be deleted",
								   refund_key(change, change->before), rule->table_name),
						  psprintf("Its status is \"%s\", which counts towards the payment's refunds.",
								   paysafe_state_text(&state->refund.gated.column, change->before)),
						  "Void it instead.");
}

static void
refuse_truncate(const Rule *rule)
{
	paysafe_refuse_by(rule, ERRCODE_PAYSAFE_MONEY_DELETE, NULL,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  "Payments and refunds stay.", NULL);
}

/*
 * Existing rows
 */

typedef struct PaymentTotal
{
	char	   *key;			/* of the payment, as text */
	Datum		value;
	char	   *currency;
	Numeric		total;
} PaymentTotal;

/* What check_existing collects. */
typedef struct PaymentTotals
{
	HTAB	   *by_key;
	List	   *in_order;		/* of PaymentTotal, as first seen */
} PaymentTotals;

static uint32
hash_total(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_total(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Each row by itself; its amount is added to its payment's total. */
static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	PaymentTotals *totals = report->private;
	char	   *key = paysafe_key_text(report->rules, RelationGetDescr(rel), row);
	const char *column;
	int			sqlstate;
	char	   *fault = refund_fault(side, row, &column, &sqlstate);
	Datum		value;
	char	   *payment;
	char	   *currency;
	Numeric		amount;
	PaymentTotal *total;
	bool		found;
	bool		isnull;
	MemoryContext old;

	if (fault != NULL)
	{
		paysafe_declare_fault(report, "Row", key, fault);
		return;
	}
	if (paysafe_state_find(&side->voided, row) >= 0)
		return;

	if (totals == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(char *), .entrysize = sizeof(PaymentTotal),
			.hash = hash_total, .match = match_total, .hcxt = report->context
		};

		old = MemoryContextSwitchTo(report->context);
		totals = report->private = palloc0(sizeof(PaymentTotals));
		totals->by_key = hash_create("paysafe refund totals", 1024, &ctl,
									 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
		MemoryContextSwitchTo(old);
	}
	value = slot_getattr(row, side->payment_attnum, &isnull);
	payment = paysafe_value_text(side->payment_type, value);
	currency = paysafe_state_text(&side->currency, row);
	amount = paysafe_refund_amount(side, row);
	total = hash_search(totals->by_key, &payment, HASH_ENTER, &found);

	/* only what is kept goes into the longer-lived context */
	old = MemoryContextSwitchTo(report->context);
	if (!found)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), side->payment_attnum - 1);

		total->key = pstrdup(payment);
		total->value = datumCopy(value, att->attbyval, att->attlen);
		total->currency = pstrdup(currency);
		total->total = paysafe_money_add(paysafe_money_zero(), amount);
		totals->in_order = lappend(totals->in_order, total);
	}
	else
	{
		Numeric		before = total->total;

		total->total = paysafe_money_add(before, amount);
		pfree(before);
	}
	MemoryContextSwitchTo(old);
	if (strcmp(total->currency, currency) != 0)
		paysafe_declare_fault(report, "Row", key, "refunds of its payment have different currencies");
}

static void
check_existing_end(const Rule *rule, ExistingReport *report)
{
	const RefundState *state = rule->state;
	PaymentTotals *totals = report->private;
	ListCell   *lc;

	if (totals == NULL)
		return;
	foreach(lc, totals->in_order)
	{
		PaymentTotal *total = lfirst(lc);
		LockedPayment payment;
		int			count;

		CHECK_FOR_INTERRUPTS();
		count = paysafe_refund_lock_payment(state, total->value, state->refund.payment_type, &payment);
		if (count != 1)
			paysafe_declare_fault(report, "Payment", total->key,
								  count == 0 ? "there is no such payment" : "there are several such payments");
		else if (payment.currency == NULL || strcmp(payment.currency, total->currency) != 0)
			paysafe_declare_fault(report, "Payment", total->key, "payment and refunds have different currencies");
		else if (payment.captured == NULL ||
				 paysafe_money_compare(total->total, payment.captured) > 0)
			paysafe_declare_fault(report, "Payment", total->key,
								  psprintf("refunds of this payment total %s, captured is %s",
										   paysafe_money_text(total->total),
										   payment.captured ? paysafe_money_text(payment.captured) : "nothing"));
	}
}

/*
 * Approvals
 */

typedef struct RefundRow
{
	Oid			root;
	int			count;
	char	   *payment;
	char	   *status;
	bool		gated;
	bool		voided;
	uint8		digest[PAYSAFE_SHA256_LEN];
	const char *key;
	int64		valid_for;
} RefundRow;

static bool
read_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	RefundRow  *refund = arg;
	const RelationRules *rules;
	const RefundSide *side = &((RefundState *) paysafe_refund_rule_of(rel, refund->root, &rules)->state)->refund;
	Threshold  *threshold;
	bool		isnull;

	if (++refund->count > 1)
		return false;
	refund->payment = paysafe_value_text(side->payment_type,
									   slot_getattr(row, side->payment_attnum, &isnull));
	refund->status = paysafe_state_text(&side->gated.column, row);
	refund->gated = paysafe_state_find(&side->gated, row) >= 0;
	refund->voided = paysafe_state_find(&side->voided, row) >= 0;
	paysafe_refund_digest(side, refund->key, row, refund->digest);
	threshold = paysafe_threshold_find(side->thresholds, paysafe_state_text(&side->currency, row));
	refund->valid_for = threshold ? threshold->valid_for : PAYSAFE_DEFAULT_VALID_FOR;
	return true;
}

static void
approval_subject(const Rule *rule, const char *key, ApprovalSubject *out)
{
	/* looking for the row may compile rules anew: keep what is needed later */
	RefundState state = *(RefundState *) rule->state;
	RefundRow	refund = {.root = state.refund_root, .key = key};
	Snapshot	snapshot;

	if (state.is_payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("payments are not subject to approval"),
				 errhint("Name the refund table and the refund.")));
	snapshot = paysafe_latest_snapshot();
	paysafe_key_find(state.refund_root, key, snapshot, read_refund, &refund);
	UnregisterSnapshot(snapshot);
	if (refund.count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(refund.count == 0 ? "refund \"%s\" does not exist in table \"%s\"" :
						"refund \"%s\" exists more than once in table \"%s\"",
						key, get_rel_name(state.refund_root))));
	if (refund.gated || refund.voided)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund \"%s\" cannot be approved in status \"%s\"", key, refund.status)));
	memcpy(out->digest, refund.digest, PAYSAFE_SHA256_LEN);
	out->valid_for = refund.valid_for;
	out->requesters = paysafe_refund_requesters(paysafe_refund_events(&state, refund.payment), key);
}

/*
 * Words
 */

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("sum of %s by %s <= %s of %s; %s %s needs approval above the threshold; %s does not count",
					paysafe_spec_text(spec, "amount_column"),
					paysafe_spec_text(spec, "payment_column"),
					paysafe_spec_text(spec, "payment_amount_column"),
					OidIsValid(reference) && get_rel_name(reference) ? get_rel_name(reference) : "?",
					paysafe_spec_text(spec, "status_column"),
					paysafe_strings_join(paysafe_spec_set(spec, "gated")),
					paysafe_strings_join(paysafe_spec_set(spec, "void")));
}

static char *
loosens(const RuleSource *old_rule, const RuleSource *new_rule)
{
	static const char *const columns[] = {
		"payment_column", "amount_column", "currency_column", "status_column",
		"payment_key_column", "payment_amount_column", "payment_currency_column"
	};
	bool		tighter = old_rule->reference == new_rule->reference &&
		paysafe_strings_minus(paysafe_spec_set(old_rule->spec, "gated"),
							  paysafe_spec_set(new_rule->spec, "gated")) == NIL &&
		paysafe_strings_minus(paysafe_spec_set(new_rule->spec, "void"),
							  paysafe_spec_set(old_rule->spec, "void")) == NIL;

	for (int i = 0; i < (int) lengthof(columns); i++)
		tighter &= strcmp(paysafe_spec_text(old_rule->spec, columns[i]),
						  paysafe_spec_text(new_rule->spec, columns[i])) == 0;
	if (tighter)
		return NULL;
	return psprintf("replaces \"%s\" by \"%s\"",
					describe(old_rule->name, old_rule->reference, old_rule->spec),
					describe(new_rule->name, new_rule->reference, new_rule->spec));
}

const RuleKind paysafe_refund_kind = {
	.name = "refund",
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.check_existing_end = check_existing_end,
	.refuse_truncate = refuse_truncate,
	.approval_subject = approval_subject,
	.loosens = loosens,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_refund);

/*
 * The column of the payment that refunds refer to: what a foreign key says,
 * otherwise the primary key.
 */
static char *
payment_key_column(Oid refund, const char *payment_column, Oid payment)
{
	Relation	rel = table_open(refund, AccessShareLock);
	AttrNumber	attnum = paysafe_catalog_column(rel, payment_column);
	AttrNumber	found = InvalidAttrNumber;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->nkeys == 1 && fk->conkey[0] == attnum && fk->confrelid == payment)
			found = fk->confkey[0];
	}
	table_close(rel, AccessShareLock);
	if (found == InvalidAttrNumber)
	{
		AttrNumber *attnums;

		rel = table_open(payment, AccessShareLock);
		if (paysafe_key_columns(rel, &attnums) == 1)
			found = attnums[0];
		table_close(rel, AccessShareLock);
	}
	if (found == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("which column of \"%s\" refunds refer to is not clear", get_rel_name(payment)),
				 errhint("Give \"%s\" a primary key of one column, or \"%s\" a foreign key to it.",
						 get_rel_name(payment), payment_column)));
	return get_attname(payment, found, false);
}

/* What the two tables must have in common, seen before anything is stored. */
static void
check_pair(Oid refund, Oid payment, const char *payment_column, const char *key_column,
		   const char *amount_column, const char *payment_amount_column)
{
	Relation	refund_rel = table_open(refund, AccessShareLock);
	Relation	payment_rel = table_open(payment, AccessShareLock);
	AttrNumber	attnum = paysafe_catalog_column(refund_rel, payment_column);
	KeyEquality equality;
	AmountColumn amount;
	AmountColumn captured;
	ListCell   *lc;

	paysafe_key_equality(payment_rel, paysafe_catalog_column(payment_rel, key_column),
						 TupleDescAttr(RelationGetDescr(refund_rel), attnum - 1)->atttypid, &equality);
	paysafe_money_column(refund_rel, amount_column, &amount);
	paysafe_money_column(payment_rel, payment_amount_column, &captured);
	if (paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&captured))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						amount_column, payment_amount_column)));
	foreach(lc, paysafe_catalog_leaves(refund))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		if (!paysafe_key_has_index(leaf, paysafe_catalog_column(leaf, payment_column)))
			ereport(WARNING,
					(errmsg("table \"%s\" has no index on column \"%s\"",
							RelationGetRelationName(leaf), payment_column),
					 errdetail("Each refund will read the whole table."),
					 errhint("CREATE INDEX ON %s (%s);", paysafe_declare_table_name(refund),
							 quote_identifier(payment_column))));
		table_close(leaf, AccessShareLock);
	}
	table_close(payment_rel, AccessShareLock);
	table_close(refund_rel, AccessShareLock);
}

/*
 * protect_refund(refund, payment, payment_column, amount_column,
 *				  currency_column, status_column, gated text[], void text[],
 *				  payment_amount_column, payment_currency_column) returns void
 */
Datum
paysafe_protect_refund(PG_FUNCTION_ARGS)
{
	Oid			refund;
	Oid			payment;
	char	   *payment_column = paysafe_declare_name_argument(fcinfo, 2, "payment_column");
	char	   *amount_column = paysafe_declare_name_argument(fcinfo, 3, "amount_column");
	char	   *currency_column = paysafe_declare_name_argument(fcinfo, 4, "currency_column");
	char	   *status_column = paysafe_declare_name_argument(fcinfo, 5, "status_column");
	List	   *gated = paysafe_declare_set_argument(fcinfo, 6, "gated");
	List	   *voided = paysafe_declare_set_argument(fcinfo, 7, "void");
	char	   *payment_amount_column = paysafe_declare_name_argument(fcinfo, 8, "payment_amount_column");
	char	   *payment_currency_column = paysafe_declare_name_argument(fcinfo, 9, "payment_currency_column");
	char	   *key_column;
	SpecBuilder spec;
	ListCell   *lc;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", PG_ARGISNULL(0) ? "refund" : "payment")));
	refund = PG_GETARG_OID(0);
	payment = PG_GETARG_OID(1);
	if (refund == payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refunds and payments must be two tables")));
	if (gated == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "gated")));
	foreach(lc, gated)
		if (paysafe_strings_contain(voided, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be both gated and void", (char *) lfirst(lc))));
	paysafe_declare_lock(refund);
	paysafe_declare_lock(payment);
	key_column = payment_key_column(refund, payment_column, payment);
	check_pair(refund, payment, payment_column, key_column, amount_column, payment_amount_column);

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "payment_column", payment_column);
	paysafe_spec_add_text(&spec, "payment_key_column", key_column);
	paysafe_spec_add_text(&spec, "amount_column", amount_column);
	paysafe_spec_add_text(&spec, "currency_column", currency_column);
	paysafe_spec_add_text(&spec, "status_column", status_column);
	paysafe_spec_add_set(&spec, "gated", gated);
	paysafe_spec_add_set(&spec, "void", voided);
	paysafe_spec_add_text(&spec, "payment_amount_column", payment_amount_column);
	paysafe_spec_add_text(&spec, "payment_currency_column", payment_currency_column);
	paysafe_declare(refund, "refund", payment, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
