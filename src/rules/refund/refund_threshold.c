/*-------------------------------------------------------------------------
 *
 * refund_threshold.c
 *	  Refund thresholds: from which rolling sum on refunds need approval.
 *
 * Every change is a new row; the newest one of a currency counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "rules/refund/refund_threshold.h"
#include "store/own_table.h"
#include "values/money.h"

typedef struct ThresholdList
{
	Oid			relation;
	List	   *thresholds;
} ThresholdList;

/* Keep the newest version of each currency, compared without case. */
static bool
collect_threshold(Relation rel, HeapTuple tuple, void *arg)
{
	ThresholdList *list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Threshold  *t = palloc0(sizeof(Threshold));
	ListCell   *lc;

	t->currency = paysafe_store_text(tuple, desc, THRESHOLD_CURRENCY);
	t->version = DatumGetInt32(heap_getattr(tuple, THRESHOLD_VERSION + 1, desc, &isnull));
	t->amount = DatumGetNumericCopy(heap_getattr(tuple, THRESHOLD_AMOUNT + 1, desc, &isnull));
	t->approvers = DatumGetInt32(heap_getattr(tuple, THRESHOLD_APPROVERS + 1, desc, &isnull));
	t->within = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_WITHIN + 1,
																	   desc, &isnull)), "within");
	t->valid_for = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_VALID_FOR + 1,
																		  desc, &isnull)), "valid_for");
	foreach(lc, list->thresholds)
	{
		Threshold  *other = lfirst(lc);

		if (pg_strcasecmp(other->currency, t->currency) == 0)
		{
			if (other->version < t->version)
				lfirst(lc) = t;
			return true;
		}
	}
	list->thresholds = lappend(list->thresholds, t);
	return true;
}

List *
paysafe_refund_threshold_read(Oid relation)
{
	ThresholdList list = {.relation = relation};
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_scan(PAYSAFE_THRESHOLD, "threshold_pkey", 1, &key, collect_threshold, &list);
	return list.thresholds;
}

Threshold *
paysafe_refund_threshold_find(List *thresholds, const char *currency)
{
	ListCell   *lc;

	foreach(lc, thresholds)
		if (pg_strcasecmp(((Threshold *) lfirst(lc))->currency, currency) == 0)
			return lfirst(lc);
	return NULL;
}

/* How many approvals the refund needs to pass the gate now. */
int
paysafe_refund_threshold_approvals(const Threshold *threshold, Numeric gate_total)
{
	if (threshold == NULL)
		return 1;
	return paysafe_money_compare(gate_total, threshold->amount) > 0 ? threshold->approvers : 0;
}

/* A period in words: hours and minutes, or seconds. */
char *
paysafe_refund_threshold_period_text(int64 period)
{
	Interval	interval = {.time = period};

	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&interval)));
}
