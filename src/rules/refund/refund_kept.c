/*-------------------------------------------------------------------------
 *
 * refund_kept.c
 *	  What the refunds of a payment total, from one transaction to the next.
 *
 * Adding up takes as long as there are refunds.  Where a payment has many, what they come
 * to is a row of paysafe.refund_total, and from then on each refund that begins to count
 * adds another row.  The newest one counts:
 *
 *	  - Totals are written under the payment's lock, by all who add to its refunds, once
 *		there is one; so the newest is that of the last transaction that did.
 *	  - Whoever voids or deletes a refund holds no lock, and notes what it was of.  Rows are
 *		numbered when they are written, a total after its refunds were read: what a note after
 *		it takes off is in it.  A void that was under way is in it, too, and its note, which
 *		has a smaller number, is passed over.  So a total is at least the exact one, and what
 *		does not fit is added up before it is refused.
 *	  - All of it goes with the (sub)transaction that wrote it.  A total that this
 *		transaction has written may have rows in it whose check is yet to come: only who has
 *		written it in the same sum goes on with it (refund_total.c).
 *
 * Rows that nobody has checked are in no total: those of a time when the triggers were off, of
 * a partition that came along, of a subscription that is trusted; or a column was changed
 * under them.  None of this goes without a new row of pg_class, of pg_trigger or of
 * paysafe.rule, so a total has a stamp made of these (kept.c), for all leaves of the table.  Where it does not
 * agree, the next refund adds up.  Dumps have no totals: they could not agree.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"

#include "engine/kept.h"
#include "rules/refund/refund_kept.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"

/* Columns of paysafe.refund_total. */
enum
{
	TOTAL_RELATION = KEPT_RELATION, TOTAL_PAYMENT = KEPT_PAYMENT, TOTAL_ID, TOTAL_STAMP, TOTAL_AMOUNT, TOTAL_LESS,
	TOTAL_RULE,
	TOTAL_NCOLUMNS
};

/*
 * Stamps
 */

uint64
paysafe_refund_kept_stamp(const RefundState *state, const CompileInput *input)
{
	const RefundSide *side = &state->refund;
	KeptStamp	stamp = {0};

	/* amounts in other units depend on decimals, which set_currency may add */
	if (state->observed || state->payout || side->other_units)
		return 0;
	paysafe_kept_add_column(&stamp, input->leaf, side->amount.attnum);
	paysafe_kept_add_statuses(&stamp, input->leaf, &side->voided);
	paysafe_kept_add_key(&stamp, input->leaf, &side->payment);
	paysafe_kept_add_filter(&stamp, input->leaf, &side->rows);
	return paysafe_kept_stamp(&stamp, input);
}

static uint64
stamp_of_leaf(Relation leaf, Oid root, const char *rule)
{
	const RelationRules *rules;

	return ((RefundState *) paysafe_refund_rule_of(leaf, root, rule, &rules)->compiled)->kept_stamp;
}

uint64
paysafe_refund_kept_stamp_of(const RefundTable *table)
{
	return paysafe_kept_stamp_of(table->root, table->rule, stamp_of_leaf);
}

/*
 * Rows
 */

#define WITH_NOTES		"refund_total_payment"
#define WITHOUT_NOTES	"refund_total_newest"

/* The newest total, and what was taken off since. */
typedef struct Newest
{
	KeptTotal	kept;
	int64		top;			/* the largest number, of a total or a note */
	uint64		stamp;
	Numeric		less;
} Newest;

static bool
read_newest(Relation rel, HeapTuple tuple, void *arg)
{
	Newest	   *newest = arg;
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	newest->top = Max(newest->top, DatumGetInt64(values[TOTAL_ID]));
	if (!nulls[TOTAL_LESS])
	{
		newest->less = paysafe_money_add(newest->less, DatumGetNumeric(values[TOTAL_LESS]));
		return true;
	}
	newest->kept.id = DatumGetInt64(values[TOTAL_ID]);
	newest->kept.own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	newest->stamp = nulls[TOTAL_STAMP] ? 0 : (uint64) DatumGetInt64(values[TOTAL_STAMP]);
	newest->kept.ended = nulls[TOTAL_AMOUNT];
	if (!nulls[TOTAL_AMOUNT])
		newest->kept.total = paysafe_money_add(DatumGetNumeric(values[TOTAL_AMOUNT]),
											   paysafe_money_negate(newest->less));
	return false;
}

static Newest
find_newest(const RefundTable *table, const char *index)
{
	Newest		newest = {.less = paysafe_money_zero()};
	Datum		keys[3] = {
		ObjectIdGetDatum(table->root), CStringGetTextDatum(table->rule), CStringGetTextDatum(table->key_text)
	};

	/* where no payment has many refunds, there is nothing to look for */
	if (!paysafe_store_is_empty_now(PAYSAFE_REFUND_TOTAL))
		paysafe_store_seek(PAYSAFE_REFUND_TOTAL, index, 3, keys, InvalidStrategy,
						   (Datum) 0, true, NULL, read_newest, &newest);
	return newest;
}

void
paysafe_refund_kept_find(const RefundTable *table, KeptTotal *out)
{
	Newest		newest = find_newest(table, WITH_NOTES);

	*out = newest.kept;
	if (out->id == 0)
		return;
	out->stamp = paysafe_refund_kept_stamp_of(table);
	if (out->stamp == 0 || newest.stamp != out->stamp)
		out->total = NULL;
}

Numeric
paysafe_refund_kept_bound(List *tables)
{
	Numeric		bound = paysafe_money_zero();
	ListCell   *lc;

	foreach(lc, tables)
	{
		RefundTable *table = lfirst(lc);
		KeptTotal	kept = {0};

		if (!table->observed)
			paysafe_refund_kept_find(table, &kept);
		/* in one of this transaction's may be refunds that are yet to be checked, and refused */
		if (kept.total == NULL || kept.own)
			return NULL;
		bound = paysafe_money_add(bound, kept.total);
	}
	return bound;
}

static void
add_row(const RefundTable *table, int64 id, uint64 stamp, Numeric total, Numeric less)
{
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS] = {0};

	values[TOTAL_RELATION] = ObjectIdGetDatum(table->root);
	values[TOTAL_PAYMENT] = CStringGetTextDatum(table->key_text);
	values[TOTAL_RULE] = CStringGetTextDatum(table->rule);
	values[TOTAL_ID] = Int64GetDatum(id);
	values[TOTAL_STAMP] = Int64GetDatum((int64) stamp);
	nulls[TOTAL_STAMP] = less != NULL;
	nulls[TOTAL_AMOUNT] = total == NULL;
	values[TOTAL_AMOUNT] = NumericGetDatum(total);
	nulls[TOTAL_LESS] = less == NULL;
	values[TOTAL_LESS] = NumericGetDatum(less);
	paysafe_store_insert(PAYSAFE_REFUND_TOTAL, values, nulls);
}

void
paysafe_refund_kept_set(const RefundTable *table, uint64 stamp, Numeric total)
{
	int64		top = find_newest(table, WITH_NOTES).top;

	add_row(table, paysafe_kept_number(top, table->key_text), stamp, total, NULL);
}

/*
 * The stamp is not looked at: a note behind a total that does not hold is of no use, and no harm.
 * Nor are other notes: each of many would read those before it.
 */
bool
paysafe_refund_kept_is_others(const RefundTable *table)
{
	Newest		newest = find_newest(table, WITHOUT_NOTES);

	return newest.kept.total != NULL && !newest.kept.own;
}

void
paysafe_refund_kept_less(const RefundTable *table, Numeric amount)
{
	/* one that is too small, of a sequence that was set back, is passed over: then the total is too large */
	add_row(table, paysafe_kept_number(0, table->key_text), 0, NULL, amount);
}

/*
 * Checking
 */

static void
check_payment(const RefundState *state, char *payment, KeptFault fault, void *arg)
{
	KeyValues	key;
	FoundPayment found;
	RefundTable *table = NULL;
	RefundSum	sum = {0};
	KeptTotal	before;
	KeptTotal	after;
	ListCell   *lc;

	paysafe_refund_payment_argument(state, payment, &key);
	if (paysafe_refund_find_payment(state, &key, &found) != 1)
		return;
	foreach(lc, found.tables)
		if (paysafe_refund_is_own(lfirst(lc), state))
			table = lfirst(lc);
	if (table == NULL)
		return;
	paysafe_refund_kept_find(table, &before);
	if (before.total == NULL)
		return;
	sum.minor = found.minor;
	sum.currency = found.currency;
	paysafe_refund_sum(list_make1(table), &sum);
	/* who has added a refund meanwhile has written a total with it */
	paysafe_refund_kept_find(table, &after);
	if (before.id == after.id && paysafe_money_compare(before.total, sum.total) < 0)
		fault(payment, before.total, sum.total, arg);
}

void
paysafe_refund_kept_check(Oid refund, const char *rule, KeptFault fault, void *arg)
{
	List	   *payments = paysafe_kept_payments(PAYSAFE_REFUND_TOTAL, "refund_total_payment", refund, rule);
	List	   *leaves = paysafe_catalog_leaves(refund);
	const RelationRules *rules;
	const RefundState *state;
	Relation	leaf;
	ListCell   *lc;

	if (payments == NIL || leaves == NIL)
		return;
	leaf = table_open(linitial_oid(leaves), AccessShareLock);
	state = paysafe_refund_rule_of(leaf, refund, rule, &rules)->compiled;
	foreach(lc, payments)
		check_payment(state, lfirst(lc), fault, arg);
	table_close(leaf, NoLock);
}
