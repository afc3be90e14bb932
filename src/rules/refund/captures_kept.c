/*-------------------------------------------------------------------------
 *
 * captures_kept.c
 *	  What the captures of a payment come to, from one transaction to the next.
 *
 * As with refunds (refund_kept.c), a payment of many captures has rows of
 * paysafe.capture_total, of which the newest counts, under a stamp (kept.c).  What is captured
 * limits refunds and is limited by what is authorized, so it must be exact, neither too much nor too
 * little.  It is: whatever makes a capture count, or no longer, holds the payment's lock,
 * and writes the sum with it.  Rows of a statement whose check is yet to come are not in it;
 * their checks put them there, and look at both limits again.
 *
 * A group's refunds are rows of the same table.  In which currency they are is looked
 * for when something begins to count; a sum says whether that was done since something has.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "rules/refund/captures_kept.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"

/* Columns of paysafe.capture_total. */
enum
{
	TOTAL_RELATION = KEPT_RELATION, TOTAL_PAYMENT = KEPT_PAYMENT, TOTAL_ID, TOTAL_STAMP, TOTAL_CAPTURED, TOTAL_AUTHORIZED,
	TOTAL_COUNTED, TOTAL_CANCELS, TOTAL_CURRENCY, TOTAL_SETTLED,
	TOTAL_NCOLUMNS
};

uint64
paysafe_captures_kept_stamp(const CaptureState *state, const CompileInput *input)
{
	const CaptureSide *side = &state->capture;
	KeptStamp	stamp = {0};
	ListCell   *lc;

	if (state->observed || (side->own_currency && side->currency.place != CURRENCY_COLUMN))
		return 0;
	paysafe_kept_add_column(&stamp, input->leaf, side->amount.attnum);
	paysafe_kept_add_statuses(&stamp, input->leaf, &side->counted);
	paysafe_kept_add_key(&stamp, input->leaf, &side->payment);
	paysafe_kept_add_filter(&stamp, input->leaf, &side->rows);
	if (side->own_currency)
		paysafe_kept_add_column(&stamp, input->leaf, side->currency.column.attnum);
	if (side->typed)
	{
		paysafe_kept_add_statuses(&stamp, input->leaf, &side->authorize);
		paysafe_kept_add_statuses(&stamp, input->leaf, &side->capture);
		paysafe_kept_add_statuses(&stamp, input->leaf, &side->cancel);
	}
	/* what a group's refunds are */
	foreach(lc, input->sources)
	{
		const RuleSource *other = lfirst(lc);

		if (strcmp(other->name, "refund") == 0 && other->relation == state->capture_root)
			paysafe_kept_add_number(&stamp, other->version);
	}
	return paysafe_kept_stamp(&stamp, input);
}

static uint64
stamp_of_leaf(Relation leaf, Oid root, const char *rule)
{
	const CaptureState *state = paysafe_captures_rule_of(leaf, root);

	return state != NULL ? state->kept_stamp : 0;
}

uint64
paysafe_captures_kept_stamp_of(const RefundTable *table)
{
	return paysafe_kept_stamp_of(table->root, NULL, stamp_of_leaf);
}

/*
 * Rows
 */

/* The newest sum, under the stamp that it was written with. */
typedef struct Newest
{
	KeptCaptures kept;
	uint64		stamp;
} Newest;

static bool
read_newest(Relation rel, HeapTuple tuple, void *arg)
{
	Newest	   *newest = arg;
	KeptCaptures *kept = &newest->kept;
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	kept->id = DatumGetInt64(values[TOTAL_ID]);
	kept->own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	newest->stamp = (uint64) DatumGetInt64(values[TOTAL_STAMP]);
	kept->ended = nulls[TOTAL_CAPTURED];
	if (kept->ended)
		return false;
	kept->sum.captured = DatumGetNumericCopy(values[TOTAL_CAPTURED]);
	kept->sum.authorized = DatumGetNumericCopy(values[TOTAL_AUTHORIZED]);
	kept->sum.rows = DatumGetInt32(values[TOTAL_COUNTED]);
	kept->sum.cancels = DatumGetInt32(values[TOTAL_CANCELS]);
	kept->sum.currency = nulls[TOTAL_CURRENCY] ? NULL : TextDatumGetCString(values[TOTAL_CURRENCY]);
	kept->sum.settled = DatumGetBool(values[TOTAL_SETTLED]);
	return false;
}

static Newest
find_newest(const RefundTable *table)
{
	Newest		newest = {.stamp = 0};
	Datum		keys[2] = {ObjectIdGetDatum(table->root), CStringGetTextDatum(table->key_text)};

	/* where no payment has many captures, there is nothing to look for */
	if (!paysafe_store_is_empty_now(PAYSAFE_CAPTURE_TOTAL))
		paysafe_store_seek(PAYSAFE_CAPTURE_TOTAL, "capture_total_payment", 2, keys, InvalidStrategy,
						   (Datum) 0, true, NULL, read_newest, &newest);
	return newest;
}

void
paysafe_captures_kept_find(const RefundTable *table, KeptCaptures *out)
{
	Newest		newest = find_newest(table);

	*out = newest.kept;
	if (out->id == 0)
		return;
	out->stamp = paysafe_captures_kept_stamp_of(table);
	out->holds = !out->ended && out->stamp != 0 && newest.stamp == out->stamp;
}

void
paysafe_captures_kept_set(const RefundTable *table, uint64 stamp, const CaptureSum *sum)
{
	int64		top = find_newest(table).kept.id;
	Datum		values[TOTAL_NCOLUMNS] = {0};
	bool		nulls[TOTAL_NCOLUMNS] = {0};

	values[TOTAL_RELATION] = ObjectIdGetDatum(table->root);
	values[TOTAL_PAYMENT] = CStringGetTextDatum(table->key_text);
	values[TOTAL_ID] = Int64GetDatum(paysafe_kept_number(top, table->key_text));
	values[TOTAL_STAMP] = Int64GetDatum((int64) stamp);
	for (int i = TOTAL_CAPTURED; i < TOTAL_NCOLUMNS; i++)
		nulls[i] = sum == NULL;
	if (sum != NULL)
	{
		values[TOTAL_CAPTURED] = NumericGetDatum(sum->captured);
		values[TOTAL_AUTHORIZED] = NumericGetDatum(sum->authorized);
		values[TOTAL_COUNTED] = Int32GetDatum(sum->rows);
		values[TOTAL_CANCELS] = Int32GetDatum(sum->cancels);
		nulls[TOTAL_CURRENCY] = sum->currency == NULL;
		values[TOTAL_CURRENCY] = sum->currency ? CStringGetTextDatum(sum->currency) : (Datum) 0;
		/* of refunds in a table of their own the stamp says nothing */
		values[TOTAL_SETTLED] = BoolGetDatum(sum->settled && table->group && sum->rows > 0);
	}
	paysafe_store_insert(PAYSAFE_CAPTURE_TOTAL, values, nulls);
}

/*
 * Checking
 */

static void
check_payment(Relation leaf, const CaptureState *state, char *payment, KeptFault fault, void *arg)
{
	RefundTable table = {.root = state->capture_root, .key_text = payment};
	KeptCaptures before;
	KeptCaptures after;
	CaptureSum	sum;

	paysafe_captures_payment_argument(state, leaf, payment, &table.key);
	paysafe_captures_kept_find(&table, &before);
	if (!before.holds)
		return;
	paysafe_captures_sum(list_make1(&table), &sum);
	/* who has changed what counts meanwhile has written a sum with it */
	paysafe_captures_kept_find(&table, &after);
	if (before.id != after.id)
		return;
	if (paysafe_money_compare(before.sum.captured, sum.captured) != 0)
		fault(payment, before.sum.captured, sum.captured, arg);
	else if (paysafe_money_compare(before.sum.authorized, sum.authorized) != 0)
		fault(payment, before.sum.authorized, sum.authorized, arg);
}

void
paysafe_captures_kept_check(Oid captures, KeptFault fault, void *arg)
{
	List	   *payments = paysafe_kept_payments(PAYSAFE_CAPTURE_TOTAL, "capture_total_payment", captures, NULL);
	List	   *leaves = paysafe_catalog_leaves(captures);
	const CaptureState *state;
	Relation	leaf;
	ListCell   *lc;

	if (payments == NIL || leaves == NIL)
		return;
	leaf = table_open(linitial_oid(leaves), AccessShareLock);
	state = paysafe_captures_rule_of(leaf, captures);
	if (state == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no rule of captures", get_rel_name(captures))));
	foreach(lc, payments)
		check_payment(leaf, state, lfirst(lc), fault, arg);
	table_close(leaf, NoLock);
}
