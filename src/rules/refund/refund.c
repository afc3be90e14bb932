/*-------------------------------------------------------------------------
 *
 * refund.c
 *	  Refunds: never more than captured, and a second person above a threshold.
 *
 *	  - payment, amount, currency and key of a refund stay as requested;
 *	  - amounts are positive, finite, at the currency's scale; the currency is
 *		the payment's;
 *	  - the refunds of a payment that are not void, in all tables declared for
 *		its table, never total more than its captured amount;
 *	  - a refund that has not passed the gate and moves to a gated status needs
 *		approvals once the payment's refunds that passed it within the period,
 *		with this one, exceed the threshold of the currency; without a
 *		threshold, always.  What was approved then stays as it was;
 *	  - a status that records what has happened in the world is entered in spite of
 *		the last two: the row counts, and is a breach (engine/breach.h), but has not
 *		passed the gate.
 *
 * Exact at every isolation level: whoever adds to a payment's refunds or
 * passes the gate first locks the payment's row (FOR NO KEY UPDATE, until the
 * end of the transaction) and then adds up with a snapshot taken after that.
 * The other side, a change of the captured amount, holds the row by its own
 * UPDATE and adds up the same way.  The lock is an ordinary row lock: prepared
 * transactions keep it, and no function of the user's can release it.
 *
 * Lock order: refund row (by the statement), payment row, sums of beneficiaries and requesters
 * (refund_flow.h), approvals by id.
 *
 * What the rule must remember beyond the rows (who requested, when the gate
 * was passed) is in paysafe.refund_event: see refund_event.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "engine/breach.h"
#include "engine/rule.h"
#include "engine/rule_history.h"
#include "engine/shown.h"
#include "engine/status_machine.h"
#include "engine/which_rows.h"
#include "errors.h"
#include "people/approval.h"
#include "people/person.h"
#include "people/rejection.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/refund/refund.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/row_twin.h"
#include "values/spec.h"
#include "values/status_value.h"

/*
 * Words for messages
 */

/* The refund's key: as it is written everywhere, and for a message. */
static char *
refund_key(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row);
}

static char *
refund_words(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_refusal_value(refund_key(change, row));
}

static char *
status_words(const RefundSide *side, TupleTableSlot *row)
{
	return paysafe_refusal_value(paysafe_status_value_text(&side->gated.column, row));
}

static char *
money_words(const FoundPayment *payment, Numeric amount, const char *currency)
{
	return paysafe_refusal_value(paysafe_money_words(&(AmountColumn) {.minor = payment->minor}, amount, currency));
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
	AttrNumber	moved = paysafe_key_columns_changed(&side->payment, desc, change->before, change->after);

	if (moved != InvalidAttrNumber)
		column = NameStr(TupleDescAttr(desc, moved - 1)->attname);
	else if (!paysafe_money_same(&side->amount, change->before, change->after))
		column = side->amount.name;
	else if (side->own_currency &&
			 !paysafe_status_value_same(&side->currency, change->before, change->after))
		column = side->currency.name;
	else if (side->chargeback.n > 0 &&
			 !paysafe_status_value_same(&side->chargeback.column, change->before, change->after))
		column = side->chargeback.column.name;
	else if (side->shares_place &&
			 !paysafe_currency_same(&side->place, desc, change->before, change->after))
		column = side->place.name;
	else if (paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, change->rules->key.attnums[0] - 1)->attname);
	if (column == NULL)
		return;
	paysafe_rule_object(rule, rule->name, ERRCODE_23R03_FROZEN, column,
						psprintf("column \"%s\" of table \"%s\" cannot change",
								 column, rule->table_name),
						psprintf("Refund \"%s\" stays as it was requested: its key, payment, amount and currency.",
								 refund_words(change, change->before)),
						paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after) ?
						KEY_HINT : paysafe_refund_again_hint(side));
	paysafe_refund_total_forget();
}

/* Whoever works across tenants: a refund is of the tenant whose payment it is. */
static void
check_owner(const Rule *rule, const RowChange *change, const FoundPayment *locked)
{
	char	   *own = locked->owner ? paysafe_shown_owner(change->rel, change->after) : NULL;

	if (own != NULL && strcmp(own, locked->owner) != 0)
		paysafe_rule_refuse(rule, ERRCODE_23R06_NO_PAYMENT,
						  NameStr(TupleDescAttr(RelationGetDescr(change->rel),
												((RefundState *) rule->compiled)->refund.payment.key.attnums[0] - 1)->attname),
						  psprintf("refund \"%s\" in table \"%s\" and its payment belong to two tenants",
								   refund_words(change, change->after), rule->table_name),
						  psprintf("The refund belongs to \"%s\", payment \"%s\" to \"%s\".", paysafe_refusal_value(own),
								   paysafe_refusal_value(locked->key), paysafe_refusal_value(locked->owner)),
						  "Name a payment of the same tenant.");
}

/* Lock the refund's payment; it must be exactly one, of the same currency. */
static void
lock_payment_of(const Rule *rule, const RowChange *change, FoundPayment *locked)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	KeyValues	payment;
	int			count;
	char	   *currency;
	char	   *own;

	/* paysafe_refund_fault has seen to it that all of them are there */
	(void) paysafe_key_columns_read(&side->payment, change->after, &payment, NULL);
	count = paysafe_refund_lock_payment(state, &payment, false, locked);
	/* another tenant's: as if it were not there */
	if (locked->hidden)
		count = 0;
	if (count == 0)
		paysafe_shown_require(rule, change, state->payment_root);
	if (count != 1)
		paysafe_rule_refuse(rule, ERRCODE_23R06_NO_PAYMENT,
						  NameStr(TupleDescAttr(RelationGetDescr(change->rel),
												side->payment.key.attnums[0] - 1)->attname),
						  psprintf("refund \"%s\" in table \"%s\" needs exactly one payment",
								   refund_words(change, change->after), rule->table_name),
						  psprintf("%s rows of \"%s\" have %s \"%s\".",
								   count == 0 ? "No" : "Several",
								   get_rel_name(state->payment_root),
								   paysafe_key_columns_words(state->payment_key),
								   paysafe_refusal_value(paysafe_key_columns_text(&payment))),
						  count == 0 ? "Add the payment first." :
						  "Delete the one that has nothing captured, or give it another key.");
	check_owner(rule, change, locked);
	currency = paysafe_refund_currency(side, change->after, locked);
	paysafe_refund_payout_in(state, locked, currency);
	/* what has none there follows its payment */
	if (side->shares_place &&
		paysafe_currency_of(&side->place, change->after, false, &own) == CURRENCY_KNOWN)
		currency = own;
	/* where only its captures say the payment's, none does before the first of them: it is of nothing */
	if (locked->currency == NULL && locked->captures != NIL && paysafe_money_sign(locked->captured) == 0)
	{
		locked->currency = paysafe_refund_counted_currency(locked->tables, RelationGetRelid(change->rel),
														   change->after);
		if (locked->currency == NULL)
			locked->currency = currency;
	}
	if (locked->currency == NULL || strcmp(locked->currency, currency) != 0)
		paysafe_rule_object(rule, rule->name, ERRCODE_23R02_CURRENCY,
						  side->own_currency ? side->currency.name : side->shares_place ? side->place.name : NULL,
						  psprintf("refund \"%s\" in table \"%s\" is not in the currency of its payment",
								   refund_words(change, change->after), rule->table_name),
						  psprintf("The refund is in %s, payment \"%s\" in %s.",
								   currency ? paysafe_refusal_value(currency) : "that of its payment",
								   paysafe_refusal_value(locked->key),
								   locked->currency ? paysafe_refusal_value(locked->currency) : "no currency"),
						  locked->currency == NULL ? "A payment has a currency before it is refunded." :
						  pg_strcasecmp(locked->currency, currency) != 0 ? "Refund in the currency of the payment." :
						  "Write it as the payment has it; or let protect_refund have no currency_column, if it is always the payment's.");
}

static void
check_cap(const Rule *rule, const RowChange *change, FoundPayment *locked)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *currency = paysafe_refund_currency(side, change->after, locked);
	Numeric		captured = locked->captured ? locked->captured : paysafe_money_zero();
	Numeric		amount = paysafe_refund_amount(side, change->after, locked);
	/* a NaN would compare as larger than everything: fail closed */
	bool		no_limit = numeric_is_nan(captured) || numeric_is_inf(captured);
	Numeric		total = paysafe_refund_total(locked, state, change, amount, no_limit);

	if (!no_limit && locked->net != NULL && paysafe_money_compare(total, captured) > 0)
		captured = paysafe_refund_net_captured(locked, !rule->observed);
	if (!no_limit && paysafe_money_compare(total, captured) > 0)
	{
		total = paysafe_refund_total(locked, state, change, amount, true);
		paysafe_refund_look_again(locked);
		if (locked->captured != NULL)
			captured = paysafe_refund_net_captured(locked, false);
	}
	if (no_limit || paysafe_money_compare(total, captured) > 0)
		paysafe_breach_or_refuse(rule, change, paysafe_refund_is_fact(side, change->after), &(Refusal)
								 {
									 .sqlstate = ERRCODE_23R01_OVER_CAPTURED,
									 .column = side->amount.name,
									 .message = psprintf("refunds of payment \"%s\" exceed its captured amount",
														 paysafe_refusal_value(locked->key)),
									 .detail = psprintf("With refund \"%s\" of %s they total %s%s; captured is %s.",
														refund_words(change, change->after),
														money_words(locked, amount, currency), money_words(locked, total, currency),
														paysafe_refund_others_count_tables(locked->tables) > 1 ?
														psprintf(" in %d tables", paysafe_refund_others_count_tables(locked->tables)) : "",
														money_words(locked, captured, currency)),
									 .hint = side->voided.n == 0 ? "Refund at most what is left." :
									 "Refund at most what is left, or void another refund first."
								 });
}

/* What was approved stays as it was; what was empty may be filled in. */
static void
check_approved(const Rule *rule, const RowChange *change, const RefundLife *life)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;
	const char *column = paysafe_refund_changed_column(side, change, true);

	if (column != NULL && life->stage == REFUND_PASSED && life->approvals > 0)
		paysafe_rule_object(rule, rule->name, ERRCODE_23R03_FROZEN, column,
						  psprintf("column \"%s\" of table \"%s\" cannot change any more",
								   column, rule->table_name),
						  psprintf(life->columns == NIL || paysafe_strings_contain(life->columns, column) ?
								   "Refund \"%s\" was approved with it." :
								   "Refund \"%s\" was approved before it was filled in; since then it stays, too.",
								   refund_words(change, change->before)),
						  psprintf("%s Columns that may change after an approval are named in unapproved_columns of paysafe.protect_refund.",
								   paysafe_refund_again_hint(side)));
}

/* Whom it has gone to stays, too, approved or not: it counts there. */
static void
check_beneficiary(const Rule *rule, const RowChange *change, const RefundLife *life)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;

	if ((life->stage == REFUND_PASSED || life->stage == REFUND_FACT) && paysafe_refund_flow_goes_elsewhere(side, change))
		paysafe_rule_object(rule, rule->name, ERRCODE_23R03_FROZEN, linitial(side->beneficiary.names),
						  psprintf("column \"%s\" of table \"%s\" cannot change any more",
								   (char *) linitial(side->beneficiary.names), rule->table_name),
						  psprintf("Refund \"%s\" has passed the gate with it.", refund_words(change, change->before)),
						  paysafe_refund_again_hint(side));
}

/* The key of the refund's payment, which need not be locked. */
static FoundPayment *
payment_of(const RefundState *state, TupleTableSlot *row)
{
	FoundPayment *payment = palloc0(sizeof(FoundPayment));
	KeyValues	key;

	if (paysafe_key_columns_read(&state->refund.payment, row, &key, NULL))
		(void) paysafe_refund_find_payment(state, &key, payment);
	else
		payment->key = pstrdup("");
	return payment;
}

/* payment NULL: it is not known yet. */
static void
check_possible(const Rule *rule, const RowChange *change, const FoundPayment *payment)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;
	const char *column;
	int			sqlstate;
	char	   *fault = paysafe_refund_fault(side, change->after, payment, &column, &sqlstate);

	if (fault != NULL)
		paysafe_rule_refuse(rule, sqlstate, column,
						  psprintf("refund \"%s\" in table \"%s\" is not possible",
								   refund_words(change, change->after), rule->table_name),
						  psprintf("Refund \"%s\": %s.", refund_words(change, change->after),
								   paysafe_refusal_value(fault)),
						  side->payout ? "A payout says of what it is, and has an amount at the currency's scale, or with as many decimals as are declared." :
						  side->amount.negative ?
						  "A refund names one payment and has a negative amount at the currency's scale, or with as many decimals as are declared." :
						  "A refund names one payment and has a positive amount at the currency's scale, or with as many decimals as are declared.");
}

/*
 * A trigger, or a function that the statement calls, may move a row on before it has been
 * checked that it was added, or brought back: then that move notes who has requested it,
 * and the first change finds it noted.
 */
static HeapTupleHeader
header_of(TupleTableSlot *row)
{
	bool		should_free;

	return ExecFetchSlotHeapTuple(row, false, &should_free)->t_data;
}

static bool
is_not_noted(const RefundLife *life, const RowChange *change)
{
	return life->stage == REFUND_WAITING && life->requesters == NIL &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header_of(change->before)));
}

static bool
is_noted(const RefundLife *life, const RowChange *change)
{
	HeapTupleHeader header = header_of(change->after);

	return (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)) &&
		life->told && life->requesters != NIL &&
		life->requested >= GetCurrentTransactionStartTimestamp() &&
		(life->stage == REFUND_WAITING || life->stage == REFUND_PASSED || life->stage == REFUND_FACT);
}

/* The refund begins to count, or is about to pass the gate: now it must be possible. */
static void
check_request(const Rule *rule, const RowChange *change, RefundLife *life, bool requested,
			  bool begins_to_count, bool enters_gate)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	RefundLife *before = palloc(sizeof(RefundLife));
	FoundPayment locked;

	check_possible(rule, change, NULL);
	lock_payment_of(rule, change, &locked);
	if (!side->own_currency || side->other_units)
		check_possible(rule, change, &locked);
	if (life == NULL)
		life = paysafe_refund_life(state, locked.key, change->rel,
								   change->op == 'I' ? change->after : change->before, true);
	*before = *life;
	if (change->op == 'I' && is_noted(life, change))
		requested = enters_gate = false;
	else if (change->op == 'I')
	{
		/* whatever was there under this key is gone, noted or not */
		if (paysafe_refund_has_old_writers(life))
			paysafe_refund_add_event(state, life, &locked, refund_key(change, change->after), change->after,
									 REFUND_DELETED, 0);
		life->stage = REFUND_GONE;
	}
	else if (paysafe_row_key_changed(&side->whole, RelationGetDescr(change->rel),
									 change->before, change->after))
		life = paysafe_refund_move(state, life, &locked, refund_key(change, change->after),
								   change->rel, change->after);
	if (requested)
	{
		char	   *key = refund_key(change, change->after);
		bool		first = life->steps == 0 && strcmp(key, life->key) == 0;

		paysafe_refund_add_event(state, life, &locked, key, change->after, REFUND_REQUESTED, 0);
		/* an approval names the step: none from before the first one fits, unless of another row */
		if (!first)
			paysafe_approval_end_open(state->refund_root, state->rule, key);
	}
	else if (change->op == 'U')
		paysafe_refund_note_change(state, change, &locked, life);
	if (begins_to_count && !side->payout)
		check_cap(rule, change, &locked);
	if (enters_gate)
		paysafe_refund_pass_gate(rule, change, &locked, life, before);
}

/* A row was added. */
static void
check_refund_added(const Rule *rule, const RowChange *change)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;

	check_request(rule, change, NULL, true,
				  paysafe_status_value_find(&side->voided, change->after) < 0,
				  paysafe_status_value_find(&side->gated, change->after) >= 0);
}

/* What the column of its payment has fallen for is not refunded: that takes the lock. */
static void
note_void(const RefundState *state, const RowChange *change, TupleTableSlot *row)
{
	FoundPayment locked;
	KeyValues	key;

	if (paysafe_key_columns_read(&state->refund.payment, row, &key, NULL) &&
		paysafe_refund_lock_payment(state, &key, true, &locked) == 1)
		paysafe_refund_net_voided(&locked, change);
}

/*
 * The row has another status.  Whether it waits or has passed the gate is what its
 * events say, not its old status.
 */
static void
check_refund_moved(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	FoundPayment *payment = payment_of(state, change->after);
	RefundLife *life = paysafe_refund_life(state, payment->key, change->rel, change->before, true);
	bool		gated = paysafe_status_value_find(&side->gated, change->after) >= 0;
	bool		counted = paysafe_status_value_find(&side->voided, change->after) < 0;
	bool		was_counted = paysafe_status_value_find(&side->voided, change->before) < 0;
	bool		counts_now = counted && !was_counted;
	bool		requested = counts_now ? !is_noted(life, change) :
		counted && (life->stage == REFUND_VOID || is_not_noted(life, change));
	bool		enters_gate = gated && (requested || life->stage != REFUND_PASSED);
	char	   *key = refund_key(change, change->after);
	Numeric		amount;

	/* from one fact to the next nothing more has happened */
	if (life->stage == REFUND_FACT && paysafe_refund_is_fact(side, change->after) && !requested)
		enters_gate = false;
	if (requested || enters_gate || counts_now)
	{
		/* what was paid out before it passes has gone there */
		if (!requested && !counts_now)
			check_beneficiary(rule, change, life);
		/* whoever brings a void refund back requests it, like who added it */
		check_request(rule, change, life, requested, counts_now, enters_gate);
		return;
	}
	if (gated)
		check_approved(rule, change, life);
	check_beneficiary(rule, change, life);
	if (gated && life->columns != NIL && !paysafe_refund_has_content(side, life, change->after))
	{
		/* no column that is under approval now: one that a generated one has replaced */
		life->stage = REFUND_WAITING;
		life->altered = true;
		check_request(rule, change, life, false, false, true);
		return;
	}
	if (paysafe_row_key_changed(&side->whole, RelationGetDescr(change->rel),
								change->before, change->after))
		life = paysafe_refund_move(state, life, payment, key, change->rel, change->after);
	paysafe_refund_note_change(state, change, payment, life);
	if (!counted)
	{
		if (life->stage != REFUND_VOID || was_counted)
			paysafe_refund_add_event(state, life, payment, key, change->after, REFUND_VOIDED, 0);
		paysafe_approval_end_open(state->refund_root, state->rule, key);
		if (was_counted && paysafe_money_value(&side->amount, change->before, &amount))
			paysafe_refund_total_less(payment, state, change,
									  paysafe_refund_in_units(side, amount, payment->minor, payment->currency));
		if (was_counted && payment->net != NULL)
			note_void(state, change, change->after);
	}
	else if (!gated && (life->stage == REFUND_PASSED || life->stage == REFUND_FACT || life->altered))
		paysafe_refund_add_event(state, life, payment, key, change->after, REFUND_LEFT, 0);
}

/* It has its status still. */
static void
check_refund_kept(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	bool		moved = paysafe_row_key_changed(&side->whole, RelationGetDescr(change->rel),
												change->before, change->after);
	FoundPayment *payment;
	RefundLife *life;

	if (!moved && paysafe_refund_changed_column(side, change, false) == NULL &&
		!paysafe_refund_flow_goes_elsewhere(side, change))
		return;
	payment = payment_of(state, change->after);
	life = paysafe_refund_life(state, payment->key, change->rel, change->before, true);
	if (moved || paysafe_status_value_find(&side->gated, change->before) >= 0)
		check_approved(rule, change, life);
	check_beneficiary(rule, change, life);
	if (moved)
		life = paysafe_refund_move(state, life, payment, refund_key(change, change->after),
								   change->rel, change->after);
	paysafe_refund_note_change(state, change, payment, life);
}

static void
check_refund_deleted(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *key = refund_key(change, change->before);
	bool		counted = paysafe_status_value_find(&side->voided, change->before) < 0;
	FoundPayment *payment = payment_of(state, change->before);
	/* what falls with refunds does not rise again when they are gone */
	bool		deletable = side->deletable || (payment->test && payment->net == NULL);
	RefundLife *life;
	Numeric		amount;

	if (counted && !deletable)
	{
		paysafe_rule_object(rule, rule->name, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("refund \"%s\" in table \"%s\" cannot be deleted",
								   paysafe_refusal_value(key), rule->table_name),
						  side->gated.column.type == STATUS_NONE ? pstrdup("It counts towards the payment's refunds.") :
						  psprintf("Its status is \"%s\", which counts towards the payment's refunds.",
								   status_words(side, change->before)),
						  payment->tables == NIL ? "Its payment is gone. If that was a test, delete its refunds before it." :
						  side->voided.n > 0 ? "Void it instead." :
						  "It counts for good. Where rows are deleted when the provider has refused them, \"deletable\" of paysafe.protect_refund says so.");
		paysafe_refund_total_forget();
	}
	if (paysafe_breach_is_open(state->refund_root, key))
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("refund \"%s\" in table \"%s\" cannot be deleted while its breach is open",
								   paysafe_refusal_value(key), rule->table_name),
						  "It says what has happened in the world.",
						  "Another person settles the breach first: paysafe.breach, paysafe.settle_breach.");
	if (counted && deletable && payment->tables == NIL)
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
						  psprintf("refund \"%s\" in table \"%s\" cannot be deleted with its payment",
								   paysafe_refusal_value(key), rule->table_name),
						  "It counts towards the payment's refunds.",
						  "Delete by itself what the provider has refused.");
	life = paysafe_refund_life(state, payment->key, change->rel, change->before, true);
	if (life->steps > 0)
		paysafe_refund_add_event(state, life, payment, key, change->before, REFUND_DELETED, 0);
	if (counted && deletable && paysafe_money_value(&side->amount, change->before, &amount))
		paysafe_refund_total_less(payment, state, change,
								  paysafe_refund_in_units(side, amount, payment->minor, payment->currency));
	if (counted && payment->net != NULL)
		note_void(state, change, change->before);
	paysafe_approval_end_open(state->refund_root, state->rule, key);
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->compiled;
	RowChange	seen;

	if (state->is_payment)
		paysafe_refund_check_payment(rule, change);
	else if (state->refund.running)
		paysafe_refund_running_check(rule, change);
	else if (!paysafe_which_rows(rule, &state->refund.rows, change, &seen))
		return;
	else if (seen.op == 'I')
	{
		paysafe_refund_check_type(rule, change);
		check_refund_added(rule, &seen);
	}
	else if (seen.op == 'D')
		check_refund_deleted(rule, &seen);
	else
	{
		check_frozen(rule, &seen);
		if (paysafe_status_value_same(&state->refund.gated.column, seen.before, seen.after))
			check_refund_kept(rule, &seen);
		else
			check_refund_moved(rule, &seen);
	}
}

/* It is there, with or without a payment, and what was added up does not know it. */
static void
observed(const Rule *rule, const RowChange *change)
{
	paysafe_refund_total_forget();
}

/* What the first change has made of the refund's life, those after it have not seen. */
static void
check_later(const Rule *rule, const RowChange *first, const RowChange *later)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	bool		was_gated;
	RefundLife *life;

	if (state->is_payment || side->running || !paysafe_row_filter_has(&side->rows, later->before, NULL))
		return;
	was_gated = first->before != NULL && paysafe_status_value_find(&side->gated, first->before) >= 0;
	if (!was_gated && paysafe_status_value_find(&side->gated, first->after) < 0)
		return;					/* it waits, or is void, as before */
	life = paysafe_refund_life(state, payment_of(state, later->before)->key, later->rel, later->before, true);
	if (later->after == NULL ||
		paysafe_row_key_changed(&side->whole, RelationGetDescr(later->rel), later->before, later->after) ||
		(was_gated && life->stage != REFUND_PASSED && paysafe_status_value_find(&side->gated, later->after) >= 0 &&
		 !(life->stage == REFUND_FACT && paysafe_refund_is_fact(side, later->after))))
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, side->gated.column.name,
						  psprintf("refund \"%s\" in table \"%s\" cannot change here",
								   refund_words(later, later->before), rule->table_name),
						  "It passes the gate, or goes back before it, in the same statement, and a trigger moves it on before that is noted.",
						  "Give the trigger a name after \"paysafe\".");
	check_approved(rule, later, life);
	check_beneficiary(rule, later, life);
}

static void
refuse_truncate(const Rule *rule)
{
	paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  "Payments and refunds stay.", TRUNCATE_HINT);
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	const RefundState *state = rule->compiled;
	Datum		key = ObjectIdGetDatum(state->refund_root);

	paysafe_store_remove(PAYSAFE_APPROVAL_RECORD, "approval_record_payment", 1, &key);
	paysafe_store_remove(PAYSAFE_REFUND_REQUEST, "refund_request_payment", 1, &key);
	if (state->is_payment)
		return;
	paysafe_store_remove(PAYSAFE_REFUND_EVENT, "refund_event_payment", 1, &key);
	paysafe_store_remove(PAYSAFE_REFUND_TOTAL, "refund_total_payment", 1, &key);
	paysafe_store_remove(PAYSAFE_REFUND_FLOW, "refund_flow_sum", 1, &key);
	paysafe_breach_forget(state->refund_root);
	paysafe_rejection_forget(state->refund_root);
}

const RuleKind paysafe_refund_kind = {
	.name = "refund",
	.several = true,

	/*
	 * No change is only tighter: a status that becomes gated opens the way
	 * from there to the next gated one, and one that is void no longer does
	 * not end what was approved.
	 */
	.fields = (const SpecField[])
	{
		{"payment_column", SPEC_COLUMN, .searched = true},
		{"payment_key_column", SPEC_REFERENCE_COLUMN, .searched = true},
		{"amount_column", SPEC_COLUMN},
		{"currency_column", SPEC_COLUMN},
		{"status_column", SPEC_COLUMN},
		{"gated", SPEC_STATUSES},
		{"void", SPEC_STATUSES},
		{"payment_amount_column", SPEC_REFERENCE_COLUMN},
		{"payment_currency_column", SPEC_REFERENCE_COLUMN},
		{"recorded", SPEC_STATUSES, .loosens = SPEC_ADD},
		{"beneficiary_column", SPEC_COLUMN, .unseen = true, .shared = true},
		{"currency", SPEC_TEXT, .any_spelling = true},
		{.key = "payout", .type = SPEC_FLAG,
			.set_words = "takes the payments away, and with them their limit",
		.unset_words = "makes payments the limit"},
		{.key = "deletable", .type = SPEC_FLAG, .loosens = SPEC_ADD,
			.set_words = "lets refunds be deleted that count",
		.unset_words = "keeps refunds that count from being deleted"},
		{"type_column", SPEC_COLUMN, .shared = true},
		{"chargeback", SPEC_STATUSES},
		ROW_FILTER_FIELDS,
		{"decimals", SPEC_TEXT},
		{"amounts", SPEC_TEXT},
		{"status_names", SPEC_STATUSES},
		{"units", SPEC_TEXT},
		{"status_path", SPEC_TEXT},
		{"unapproved_columns", SPEC_COLUMNS, .loosens = SPEC_ADD, .unseen = true, .unjudged = true},
		{.key = "unapproved_named", .type = SPEC_FLAG, .loosens = SPEC_REMOVE,
			.set_words = "makes approvals be of points in time, too",
		.unset_words = "lets points in time change after an approval"},
		{NULL}
	},
	.compile = paysafe_refund_compile,
	.check_row = check_row,
	.observed = observed,
	.check_later = check_later,
	.check_existing = paysafe_refund_check_existing,
	.check_existing_end = paysafe_refund_check_existing_end,
	.in_parts = paysafe_refund_in_parts,
	.part_of = paysafe_refund_part_of,
	.forget_rows = forget_rows,
	.refuse_truncate = refuse_truncate,
	.approval_subject = paysafe_refund_approval_subject,
	.askers = paysafe_refund_askers,
	.loosened_by = paysafe_refund_loosened_by,
	.describe = paysafe_refund_describe
};

const RuleModule paysafe_refund_module = {
	.end_transaction = paysafe_refund_total_end,
	.end_subtransaction = paysafe_refund_total_end_subtransaction
};
