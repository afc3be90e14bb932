/*-------------------------------------------------------------------------
 *
 * refund_existing.c
 *	  What may be wrong with a refund's row, and the refunds that are there already.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "engine/accepted.h"
#include "engine/breach.h"
#include "engine/existing.h"
#include "errors.h"
#include "rules/refund/refund.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/row_filter.h"
#include "values/row_key.h"
#include "values/status_value.h"

/* What may be wrong with a refund's own columns, in the order in which it is said. */
typedef enum FaultPart
{
	FAULT_PAYMENT, FAULT_CURRENCY, FAULT_MISSING, FAULT_PAYMENT_CURRENCY, FAULT_AMOUNT,
	FAULT_PARTS
} FaultPart;

static char *
amount_fault(const RefundSide *side, Numeric amount, const char *currency, const FoundPayment *payment)
{
	char	   *reason = paysafe_money_fault(&side->amount, amount, currency, false);

	if (reason == NULL && payment != NULL && side->amount.minor != payment->minor &&
		paysafe_money_scale(payment->currency ? payment->currency : currency) < 0)
		reason = psprintf("the number of decimals of currency \"%s\" is not known; declare it with paysafe.set_currency", currency);
	return reason ? psprintf("amount %s: %s", paysafe_refusal_value(paysafe_money_spoken(&side->amount, amount, currency)), reason) : NULL;
}

static char *
fault_of(const RefundSide *side, TupleTableSlot *row, const FoundPayment *payment, FaultPart part,
		 const char **column, int *sqlstate)
{
	char	   *currency = side->own_currency || side->constant != NULL || payment != NULL ?
		paysafe_refund_currency(side, row, payment) : NULL;
	Numeric		amount;
	KeyValues	key;
	AttrNumber	missing;

	*sqlstate = ERRCODE_23R04_AMOUNT;
	*column = side->amount.name;
	switch (part)
	{
		case FAULT_PAYMENT:
			if (paysafe_key_columns_read(&side->payment, row, &key, &missing))
				return NULL;
			*sqlstate = ERRCODE_23R06_NO_PAYMENT;
			*column = NameStr(TupleDescAttr(row->tts_tupleDescriptor, missing - 1)->attname);
			return pstrdup(side->payout ? "it does not say of what it is" : "it names no payment");
		case FAULT_CURRENCY:
			*column = side->currency.name;
			return side->own_currency && paysafe_status_value_is_null(&side->currency, row) ?
				pstrdup("the currency is missing") : NULL;
		case FAULT_MISSING:
			return paysafe_refund_value(side, row, &amount) ? NULL : pstrdup("the amount is missing");
		case FAULT_PAYMENT_CURRENCY:
			if (payment == NULL || currency != NULL)
				return NULL;
			*sqlstate = ERRCODE_23R02_CURRENCY;
			return pstrdup("its payment has no currency");
		case FAULT_AMOUNT:
			return paysafe_refund_value(side, row, &amount) ? amount_fault(side, amount, currency, payment) : NULL;
		case FAULT_PARTS:
			break;
	}
	return NULL;
}

/* Why the refund's own columns are not possible, or NULL. */
char *
paysafe_refund_fault(const RefundSide *side, TupleTableSlot *row, const FoundPayment *payment,
					 const char **column, int *sqlstate)
{
	for (FaultPart part = 0; part < FAULT_PARTS; part++)
	{
		char	   *fault = fault_of(side, row, payment, part, column, sqlstate);

		if (fault != NULL)
			return fault;
	}
	return NULL;
}

/*
 * Existing rows
 */

typedef struct PaymentTotal
{
	char	   *key;			/* of the payment, as text */
	KeyValues	value;
	char	   *currency;
	Numeric		total;
	uint8		rows[PAYSAFE_SHA256_LEN];	/* of all of its refunds, in whatever order */
} PaymentTotal;

/* What the rows of the table add up to. */
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

static PaymentTotals *
make_totals(MemoryContext context)
{
	PaymentTotals *totals = MemoryContextAllocZero(context, sizeof(PaymentTotals));
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(PaymentTotal),
		.hash = hash_total, .match = match_total, .hcxt = context
	};

	totals->by_key = hash_create("paysafe refund totals", 1024, &ctl,
								 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	return totals;
}

/*
 * A row in a status that was gated all the time is there by an event, or was there
 * before the rule.  What a maintenance window lets happen to tables writes no events.
 */
static bool
has_come_around_gate(const RefundState *state, Relation rel, TupleTableSlot *row,
					 const KeyValues *payment_key)
{
	FoundPayment payment;
	RefundLife *life;

	if (paysafe_store_is_empty(PAYSAFE_REFUND_EVENT) ||
		paysafe_status_value_find(&state->refund.always_gated, row) < 0)
		return false;
	(void) paysafe_refund_find_payment(state, payment_key, &payment);
	life = paysafe_refund_life(state, payment.key, rel, row, false);
	return life->told && life->stage != REFUND_PASSED && life->stage != REFUND_FACT && !life->altered;
}

/* A breach of an earlier row of this key, or of this one before it was requested anew, is none. */
bool
paysafe_refund_is_breach(const RefundState *state, const RowKey *row_key, Relation leaf,
						 TupleTableSlot *row)
{
	char	   *key;
	char	   *payment;

	if (paysafe_store_is_empty(PAYSAFE_BREACH_RECORD))
		return false;
	key = paysafe_row_key_text(row_key, RelationGetDescr(leaf), row);
	if (!paysafe_breach_exists(state->refund_root, state->rule, key, ERRCODE_23R01_OVER_CAPTURED, 0))
		return false;
	payment = paysafe_key_columns_row_text(&state->refund.payment, row, NULL);
	return payment != NULL &&
		paysafe_breach_exists(state->refund_root, state->rule, key, ERRCODE_23R01_OVER_CAPTURED,
							  paysafe_refund_life(state, payment, leaf, row, false)->requested);
}

/*
 * What is wrong with the row by itself.  Its payment is looked for if the currency is its.
 * False: nothing more is to be said of the row, or it adds up to nothing.
 */
static bool
check_columns(const RefundState *state, TupleTableSlot *row, const char *key, KeyValues *value,
			  FoundPayment *payment, ExistingReport *report)
{
	const RefundSide *side = &state->refund;
	bool		by_payment = !(side->own_currency || side->constant != NULL) || side->other_units;
	const FoundPayment *found = NULL;
	bool		names = paysafe_key_columns_read(&side->payment, row, value, NULL);
	Numeric		amount;

	for (FaultPart part = 0; part < FAULT_PARTS; part++)
	{
		const char *column;
		int			sqlstate;
		char	   *fault;

		if (part == FAULT_PAYMENT_CURRENCY && by_payment && names)
		{
			(void) paysafe_refund_read_payment(state, value, payment);
			found = payment;
		}
		fault = fault_of(side, row, found, part, &column, &sqlstate);
		if (fault != NULL && !paysafe_existing_fault(report, "Row", key, fault))
			return false;
	}
	return names && paysafe_refund_value(side, row, &amount) && !numeric_is_nan(amount) && !numeric_is_inf(amount) &&
		(!side->other_units || payment->currency != NULL);
}

/* The payment's refunds are these; what has been accepted of them was so of these. */
static void
add_row(PaymentTotal *total, const char *key, Numeric amount)
{
	char	   *text = psprintf("%s\n%s", key, paysafe_money_text(amount));
	uint8		digest[PAYSAFE_SHA256_LEN];

	paysafe_crypto_sha256(text, strlen(text), digest);
	for (int i = 0; i < PAYSAFE_SHA256_LEN; i++)
		total->rows[i] ^= digest[i];
}

/* The entry of the row's payment, new if it has none. */
static PaymentTotal *
total_of(ExistingReport *report, const KeyValues *value, const char *currency)
{
	PaymentTotals *totals = report->private;
	char	   *payment = paysafe_key_columns_text(value);
	MemoryContext old = MemoryContextSwitchTo(report->context);
	PaymentTotal *total;
	bool		found;

	/* only what is kept goes into the longer-lived context */
	if (totals == NULL)
		totals = report->private = make_totals(report->context);
	total = hash_search(totals->by_key, &payment, HASH_ENTER, &found);
	if (!found)
	{
		total->key = pstrdup(payment);
		paysafe_key_columns_copy(value, &total->value);
		total->currency = pstrdup(currency ? currency : "");
		total->total = paysafe_money_add(paysafe_money_zero(), paysafe_money_zero());
		memset(total->rows, 0, sizeof(total->rows));
		totals->in_order = lappend(totals->in_order, total);
	}
	MemoryContextSwitchTo(old);
	return total;
}

static void
add_amount(ExistingReport *report, PaymentTotal *total, const char *key, Numeric amount)
{
	MemoryContext old = MemoryContextSwitchTo(report->context);
	Numeric		before = total->total;

	total->total = paysafe_money_add(before, amount);
	pfree(before);
	MemoryContextSwitchTo(old);
	if (paysafe_existing_binds(report))
		add_row(total, key, amount);
}

/* Each row by itself; its amount is added to its payment's total. */
void
paysafe_refund_check_existing(const Rule *rule, Relation rel, TupleTableSlot *row,
							  ExistingReport *report)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);
	FoundPayment found_payment = {0};
	KeyValues	value;
	char	   *currency;
	Numeric		amount;
	PaymentTotal *total;

	if (side->running)
	{
		paysafe_refund_running_existing(rule, rel, row, report);
		return;
	}
	if (!paysafe_row_filter_has(&side->rows, row, NULL) ||
		!check_columns(state, row, key, &value, &found_payment, report) ||
		paysafe_status_value_find(&side->voided, row) >= 0)
		return;
	if (has_come_around_gate(state, rel, row, &value) &&
		!paysafe_existing_fault(report, "Row", key,
								psprintf("its status is \"%s\", and it has never passed the gate",
										 paysafe_refusal_value(paysafe_status_value_text(&side->gated.column, row)))))
		return;
	if (side->payout || paysafe_refund_is_breach(state, &report->rules->key, rel, row))
		return;					/* no limit; on record, and the others were accepted beside it */
	currency = paysafe_refund_currency(side, row, &found_payment);
	amount = paysafe_refund_amount(side, row, &found_payment);
	total = total_of(report, &value, currency);
	if (currency != NULL && strcmp(total->currency, currency) != 0 &&
		!paysafe_existing_fault(report, "Row", key, "refunds of its payment have different currencies"))
		return;
	add_amount(report, total, key, amount);
}

/* Money in words, where the currency may be none. */
static const char *
spoken(const FoundPayment *payment, const PaymentTotal *total, Numeric amount)
{
	AmountColumn column = {.minor = payment->minor};

	return paysafe_refusal_value(paysafe_money_spoken(&column, amount, total->currency));
}

/*
 * What is wrong with a payment and its refunds, in all tables: at most two things, since its
 * currency says nothing of the amounts.  again: as they are now, whatever was read.
 */
static List *
payment_faults(const RefundState *state, const PaymentTotal *total, bool lock, bool again)
{
	FoundPayment payment;
	int			count = lock ? paysafe_refund_lock_payment(state, &total->value, true, &payment) :
		paysafe_refund_find_payment(state, &total->value, &payment);
	Numeric		refunds = total->total;
	List	   *faults = NIL;

	if (count != 1)
		return list_make1(pstrdup(count == 0 ? "there is no such payment" : "there are several such payments"));
	if (payment.currency == NULL || strcmp(payment.currency, total->currency) != 0)
		faults = lappend(faults, pstrdup("payment and refunds have different currencies"));
	if (payment.currency != NULL && (again || list_length(payment.tables) > 1))
	{
		RefundSum	sum = {.minor = payment.minor, .currency = payment.currency, .lawful = true};

		paysafe_refund_sum(payment.tables, &sum);
		refunds = sum.total;
	}
	payment.captured = paysafe_refund_net_captured(&payment, false);
	if (payment.captured == NULL || paysafe_money_compare(refunds, payment.captured) > 0)
		faults = lappend(faults, psprintf("refunds of this payment total %s, captured is %s", spoken(&payment, total, refunds),
										  payment.captured ? spoken(&payment, total, payment.captured) : "nothing"));
	return faults;
}

void
paysafe_refund_check_existing_end(const Rule *rule, ExistingReport *report)
{
	const RefundState *state = rule->compiled;
	PaymentTotals *totals = report->private;
	bool		binds = paysafe_existing_binds(report);
	bool		in_part = report->parts != NIL || report->single;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, totals ? totals->in_order : NIL)
	{
		PaymentTotal *total = lfirst(lc);
		List	   *faults;

		CHECK_FOR_INTERRUPTS();
		faults = payment_faults(state, total, !report->beside_writers, in_part);
		/* others write: their refunds may have been added to what was read before */
		if (faults != NIL && report->beside_writers && !report->single)
			faults = payment_faults(state, total, true, true);
		report->bound = binds && faults ? psprintf("%s %s", paysafe_money_text(total->total), paysafe_accepted_hex(total->rows)) : NULL;
		foreach(lc2, faults)
			if (!paysafe_existing_fault(report, "Payment", paysafe_refusal_value(total->key), lfirst(lc2)))
				break;
		report->bound = NULL;
	}
}

/* "Payment "1"", if the row counts as a refund of it. */
char *
paysafe_refund_part_of(const Rule *rule, TupleTableSlot *row)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	char	   *payment;

	if (side->payout || !paysafe_row_filter_has(&side->rows, row, NULL) ||
		paysafe_status_value_find(&side->voided, row) >= 0)
		return NULL;
	payment = paysafe_key_columns_row_text(&side->payment, row, NULL);
	return payment == NULL ? NULL : psprintf("Payment \"%s\"", paysafe_refusal_value(payment));
}


/*
 * By itself, or with all refunds of its payment, wherever they are.  What was accepted of a payment
 * was so of all that was read of it.
 */
bool
paysafe_refund_in_parts(const Rule *rule)
{
	const RefundState *state = rule->compiled;

	return state->payout || state->refund.running ||
		(state->indexed && !paysafe_accepted_some(rule->declared_on, rule->name));
}
