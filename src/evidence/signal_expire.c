/*-------------------------------------------------------------------------
 *
 * signal_expire.c
 *	  Removing signals and decisions that are old, unless a legal hold holds them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "evidence/outliving.h"
#include "evidence/retention/hold.h"
#include "evidence/signal.h"
#include "store/own_table.h"

/* check() compares what is younger than 28 days with the audit log. */
#define LEAST_DAYS	35

typedef struct Expiry
{
	TimestampTz before;
	List	   *holds;
} Expiry;

static bool
is_expired(Relation rel, HeapTuple tuple, void *arg)
{
	const Expiry *expiry = arg;
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	TimestampTz last_at;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	last_at = DatumGetTimestampTz(values[nulls[EVENT_LAST_AT] ? EVENT_AT : EVENT_LAST_AT]);
	if (last_at >= expiry->before)
		return false;
	return expiry->holds == NIL ||
		paysafe_hold_of_refusal(expiry->holds, NULL, NULL,
								nulls[EVENT_BUSINESS_ID] ? NULL : TextDatumGetCString(values[EVENT_BUSINESS_ID]),
								DatumGetTimestampTz(values[EVENT_AT]), last_at) == NULL;
}

int64
paysafe_signal_expire_before(TimestampTz before)
{
	Expiry		expiry = {.before = before, .holds = paysafe_hold_all()};

	return paysafe_store_expire(PAYSAFE_SIGNAL_RECORD, is_expired, &expiry) +
		paysafe_store_expire(PAYSAFE_DECISION_RECORD, is_expired, &expiry);
}

PG_FUNCTION_INFO_V1(paysafe_signal_expire);

/*
 * signal_expire(keep interval) returns bigint: how many rows were removed
 */
Datum
paysafe_signal_expire(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
																 TimestampTzGetDatum(now),
																 PG_GETARG_DATUM(0)));

	if (now - before < LEAST_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("signals and decisions are kept for at least %d days", LEAST_DAYS)));
	PG_RETURN_INT64(paysafe_signal_expire_before(before));
}
