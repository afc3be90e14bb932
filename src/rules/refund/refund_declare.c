/*-------------------------------------------------------------------------
 *
 * refund_declare.c
 *	  Declaring the refund rule: its arguments, the rows that are there already,
 *	  its description, and what makes a new version looser.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/breach.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/status_machine.h"
#include "errors.h"
#include "rules/refund/refund.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/reference.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

/* Why the refund's own columns are not possible, or NULL. */
char *
paysafe_refund_fault(const RefundSide *side, TupleTableSlot *row,
					 const char **column, int *sqlstate)
{
	bool		isnull;
	Numeric		amount;
	char	   *reason;
	KeyValues	payment;
	AttrNumber	missing;

	*sqlstate = ERRCODE_23R04_AMOUNT;
	if (!paysafe_key_columns_read(&side->payment, row, &payment, &missing))
	{
		*sqlstate = ERRCODE_23R06_NO_PAYMENT;
		*column = NameStr(TupleDescAttr(row->tts_tupleDescriptor, missing - 1)->attname);
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
								 paysafe_status_value_text(&side->currency, row), false);
	return reason ? psprintf("amount %s: %s", paysafe_refusal_value(paysafe_money_text(amount)), reason) : NULL;
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
	life = paysafe_refund_life(state, payment.key, rel, row);
	return life->told && life->stage != REFUND_PASSED && life->stage != REFUND_FACT && !life->altered;
}

bool
paysafe_refund_is_breach(const RefundState *state, const RowKey *row_key, Relation leaf,
						 TupleTableSlot *row)
{
	return !paysafe_store_is_empty(PAYSAFE_BREACH_RECORD) &&
		paysafe_breach_exists(state->refund_root,
							  paysafe_row_key_text(row_key, RelationGetDescr(leaf), row),
							  ERRCODE_23R01_OVER_CAPTURED);
}

/* Each row by itself; its amount is added to its payment's total. */
void
paysafe_refund_check_existing(const Rule *rule, Relation rel, TupleTableSlot *row,
							  ExistingReport *report)
{
	const RefundState *state = rule->compiled;
	const RefundSide *side = &state->refund;
	PaymentTotals *totals = report->private;
	char	   *key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);
	const char *column;
	int			sqlstate;
	char	   *fault = paysafe_refund_fault(side, row, &column, &sqlstate);
	KeyValues	value;
	char	   *payment;
	char	   *currency;
	Numeric		amount;
	PaymentTotal *total;
	bool		found;
	MemoryContext old;

	if (fault != NULL)
	{
		paysafe_existing_fault(report, "Row", key, fault);
		return;
	}
	if (paysafe_status_value_find(&side->voided, row) >= 0)
		return;

	if (totals == NULL)
		totals = report->private = make_totals(report->context);
	(void) paysafe_key_columns_read(&side->payment, row, &value, NULL);
	if (has_come_around_gate(state, rel, row, &value))
	{
		paysafe_existing_fault(report, "Row", key,
							   psprintf("its status is \"%s\", and it has never passed the gate",
										paysafe_refusal_value(paysafe_status_value_text(&side->gated.column, row))));
		return;
	}
	if (paysafe_refund_is_breach(state, &report->rules->key, rel, row))
		return;					/* on record; the others were accepted beside it */
	payment = paysafe_key_columns_text(&value);
	currency = paysafe_status_value_text(&side->currency, row);
	amount = paysafe_refund_amount(side, row);
	total = hash_search(totals->by_key, &payment, HASH_ENTER, &found);

	/* only what is kept goes into the longer-lived context */
	old = MemoryContextSwitchTo(report->context);
	if (!found)
	{
		total->key = pstrdup(payment);
		paysafe_key_columns_copy(&value, &total->value);
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
		paysafe_existing_fault(report, "Row", key, "refunds of its payment have different currencies");
}

/* What is wrong with a payment and its refunds, in all tables, or NULL. */
static char *
payment_fault(const RefundState *state, const PaymentTotal *total)
{
	FoundPayment payment;
	int			count = paysafe_refund_lock_payment(state, &total->value, &payment);
	Numeric		refunds = total->total;

	if (count != 1)
		return pstrdup(count == 0 ? "there is no such payment" : "there are several such payments");
	if (payment.currency == NULL || strcmp(payment.currency, total->currency) != 0)
		return pstrdup("payment and refunds have different currencies");
	if (list_length(payment.tables) > 1)
	{
		RefundSum	sum = {.lawful = true};

		paysafe_refund_sum(payment.tables, &sum);
		refunds = sum.total;
	}
	if (payment.captured == NULL || paysafe_money_compare(refunds, payment.captured) > 0)
		return psprintf("refunds of this payment total %s, captured is %s",
						paysafe_refusal_value(paysafe_money_text(refunds)),
						payment.captured ?
						paysafe_refusal_value(paysafe_money_text(payment.captured)) : "nothing");
	return NULL;
}

void
paysafe_refund_check_existing_end(const Rule *rule, ExistingReport *report)
{
	const RefundState *state = rule->compiled;
	PaymentTotals *totals = report->private;
	ListCell   *lc;

	if (totals == NULL)
		return;
	foreach(lc, totals->in_order)
	{
		PaymentTotal *total = lfirst(lc);
		char	   *fault;

		CHECK_FOR_INTERRUPTS();
		fault = payment_fault(state, total);
		if (fault != NULL)
			paysafe_existing_fault(report, "Payment", paysafe_refusal_value(total->key), fault);
	}
}

char *
paysafe_refund_describe(const char *name, Oid reference, Jsonb *spec)
{
	List	   *unapproved = paysafe_spec_set(spec, "unapproved_columns");
	List	   *recorded = paysafe_spec_set(spec, "recorded");

	return psprintf("sum of %s by %s <= %s of %s; %s %s needs approval above the threshold; %s does not count%s%s%s%s",
					paysafe_spec_text(spec, "amount_column"),
					paysafe_key_columns_words(paysafe_spec_columns(spec, "payment_column")),
					paysafe_spec_text(spec, "payment_amount_column"),
					OidIsValid(reference) && get_rel_name(reference) ? get_rel_name(reference) : "?",
					paysafe_spec_text(spec, "status_column"),
					paysafe_strings_join(paysafe_spec_set(spec, "gated")),
					paysafe_strings_join(paysafe_spec_set(spec, "void")),
					!paysafe_spec_bool(spec, "unapproved_named") ? "" :
					unapproved ? "; an approval is not of " : "; an approval is of all columns",
					unapproved ? paysafe_strings_join(unapproved) : "",
					recorded ? "; stored in any case, on record as a breach: " : "",
					recorded ? paysafe_strings_join(recorded) : "");
}

/* SQL-callable functions */

/* What the two tables must have in common, seen before anything is stored. */
static void
check_pair(Oid refund, Oid payment, List *payment_column, List *payment_key,
		   const char *amount_column, const char *payment_amount_column)
{
	Relation	refund_rel = table_open(refund, AccessShareLock);
	Relation	payment_rel = table_open(payment, AccessShareLock);
	KeyColumns	reference;
	KeyColumns	key;
	AttrNumber	inexact;
	KeySearch	search;
	AmountColumn amount;
	AmountColumn captured;

	paysafe_key_columns_find(refund_rel, payment_column, &reference);
	paysafe_key_columns_find(payment_rel, payment_key, &key);
	inexact = paysafe_key_columns_inexact(refund_rel, &reference);
	if (inexact != InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has a type that cannot refer to a payment",
						NameStr(TupleDescAttr(RelationGetDescr(refund_rel), inexact - 1)->attname),
						RelationGetRelationName(refund_rel)),
				 errhint("Integers, numeric, text, varchar, char(n), uuid, bytea, bool, date and timestamps can, with deterministic collations.")));
	/* each is searched by what the other says */
	paysafe_row_key_search(payment_rel, key.key.n, key.key.attnums, reference.types, &search);
	paysafe_row_key_search(refund_rel, key.key.n, reference.key.attnums, key.types, &search);
	paysafe_money_column(refund_rel, amount_column, &amount);
	paysafe_money_column(payment_rel, payment_amount_column, &captured);
	if (paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&captured))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						amount_column, payment_amount_column)));
	paysafe_key_columns_warn(refund, payment_column, "Each refund");
	paysafe_key_columns_warn(payment, payment_key, "Each refund");
	table_close(payment_rel, AccessShareLock);
	table_close(refund_rel, AccessShareLock);
}

/*
 * Tables of refunds of the same payments share what was captured: they must mean
 * the same by it.
 */
static void
check_tables_agree(Oid refund, Oid payment, const char *amount_column, const char *currency_column)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(payment))
	{
		RuleSource *other = lfirst(lc);

		if (strcmp(other->name, "refund") != 0 || other->relation == refund ||
			other->reference != payment ||
			(strcmp(paysafe_spec_text(other->spec, "payment_amount_column"), amount_column) == 0 &&
			 strcmp(paysafe_spec_text(other->spec, "payment_currency_column"), currency_column) == 0))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tables \"%s\" and \"%s\" do not read the same columns of \"%s\"",
						get_rel_name(refund), get_rel_name(other->relation), get_rel_name(payment)),
				 errdetail("The refunds in all tables together are at most the captured amount; \"%s\" reads %s in %s.",
						   get_rel_name(other->relation),
						   paysafe_spec_text(other->spec, "payment_amount_column"),
						   paysafe_spec_text(other->spec, "payment_currency_column"))));
	}
}

/* A misspelt status lets refunds pass: without a machine nothing else tells. */
static void
warn_of_free_statuses(Oid refund, const char *status_column)
{
	if (paysafe_status_machine_of(paysafe_rule_sources(refund), status_column) == NULL)
		ereport(WARNING,
				(errmsg("column \"%s\" of table \"%s\" has no status rule",
						status_column, get_rel_name(refund)),
				 errdetail("A refund in a status that is neither gated nor void counts as one that waits, also if the status is a misspelt one."),
				 errhint("Declare the statuses with paysafe.protect_status.")));
}

/* What the sets of statuses say together. */
static void
check_statuses(List *gated, List *voided, List *recorded)
{
	ListCell   *lc;

	if (gated == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "gated")));
	foreach(lc, gated)
		if (paysafe_strings_contain(voided, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be both gated and void", (char *) lfirst(lc))));
	foreach(lc, recorded)
		if (!paysafe_strings_contain(gated, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be recorded and not gated", (char *) lfirst(lc)),
					 errhint("A refund that has been paid out had to be approved: name the status in both arguments.")));
}

PG_FUNCTION_INFO_V1(paysafe_protect_refund);

/*
 * protect_refund(refund, payment, payment_column, amount_column,
 *				  currency_column, status_column, gated text[], void text[],
 *				  payment_amount_column, payment_currency_column,
 *				  unapproved_columns name[], payment_key, recorded text[]) returns void
 *
 * payment_column and payment_key: both text or both name[].
 */
Datum
paysafe_protect_refund(PG_FUNCTION_ARGS)
{
	Oid			refund;
	Oid			payment;
	char	   *amount_column = paysafe_declare_name_argument(fcinfo, 3, "amount_column");
	char	   *currency_column = paysafe_declare_name_argument(fcinfo, 4, "currency_column");
	char	   *status_column = paysafe_declare_name_argument(fcinfo, 5, "status_column");
	List	   *gated = paysafe_declare_set_argument(fcinfo, 6, "gated");
	List	   *voided = paysafe_declare_set_argument(fcinfo, 7, "void");
	char	   *payment_amount_column = paysafe_declare_name_argument(fcinfo, 8, "payment_amount_column");
	char	   *payment_currency_column = paysafe_declare_name_argument(fcinfo, 9, "payment_currency_column");
	List	   *unapproved = PG_ARGISNULL(10) ? NIL :
		paysafe_declare_set_argument(fcinfo, 10, "unapproved_columns");
	List	   *recorded = paysafe_declare_set_argument(fcinfo, 12, "recorded");
	List	   *payment_column;
	List	   *payment_key;
	SpecBuilder spec;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL",
							i == 0 ? "refund" : i == 1 ? "payment" : "payment_column")));
	refund = PG_GETARG_OID(0);
	payment = PG_GETARG_OID(1);
	if (refund == payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refunds and payments must be two tables")));
	check_statuses(gated, voided, recorded);
	paysafe_declare_lock(refund);
	paysafe_declare_lock(payment);
	payment_column = paysafe_declare_columns_argument(fcinfo, 2, "payment_column", refund);
	payment_key = paysafe_declare_columns_argument(fcinfo, 11, "payment_key", payment);
	payment_key = paysafe_reference_resolve(refund, payment_column, payment, payment_key, "payment_key");
	paysafe_reference_order(payment, &payment_column, &payment_key);
	check_pair(refund, payment, payment_column, payment_key, amount_column, payment_amount_column);
	check_tables_agree(refund, payment, payment_amount_column, payment_currency_column);

	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "payment_column", payment_column);
	paysafe_spec_add_columns(&spec, "payment_key_column", payment_key);
	paysafe_spec_add_text(&spec, "amount_column", amount_column);
	paysafe_spec_add_text(&spec, "currency_column", currency_column);
	paysafe_spec_add_text(&spec, "status_column", status_column);
	paysafe_spec_add_set(&spec, "gated", gated);
	paysafe_spec_add_set(&spec, "void", voided);
	paysafe_spec_add_text(&spec, "payment_amount_column", payment_amount_column);
	paysafe_spec_add_text(&spec, "payment_currency_column", payment_currency_column);
	if (!PG_ARGISNULL(10))
	{
		paysafe_spec_add_bool(&spec, "unapproved_named", true);
		paysafe_spec_add_set(&spec, "unapproved_columns", unapproved);
	}
	if (recorded != NIL)
		paysafe_spec_add_set(&spec, "recorded", recorded);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(refund, "refund", payment, paysafe_spec_end(&spec));
	warn_of_free_statuses(refund, status_column);
	PG_RETURN_VOID();
}
