/*-------------------------------------------------------------------------
 *
 * refusal_expire.c
 *	  What came from outside, and was refused, does not stay for ever; nor does what
 *	  was only observed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "evidence/refusal_expire.h"
#include "evidence/refusal_record.h"
#include "store/own_table.h"

#define LEAST_DAYS	30

static bool
is_expired(Relation rel, HeapTuple tuple, void *arg)
{
	TimestampTz *before = arg;
	Datum		values[REFUSAL_NCOLUMNS];
	bool		nulls[REFUSAL_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	return (DatumGetBool(values[REFUSAL_OUTSIDE]) || DatumGetBool(values[REFUSAL_OBSERVED])) &&
		DatumGetTimestampTz(values[nulls[REFUSAL_LAST_AT] ? REFUSAL_AT : REFUSAL_LAST_AT]) < *before;
}

int64
paysafe_refusal_expire_before(TimestampTz before)
{
	return paysafe_store_expire(PAYSAFE_REFUSAL_RECORD, is_expired, &before);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_refusal_expire);

/*
 * refusal_expire(keep interval) returns bigint: how many rows were removed
 */
Datum
paysafe_refusal_expire(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
																 TimestampTzGetDatum(now),
																 PG_GETARG_DATUM(0)));

	if (now - before < LEAST_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refusals are kept for at least %d days", LEAST_DAYS)));
	PG_RETURN_INT64(paysafe_refusal_expire_before(before));
}
