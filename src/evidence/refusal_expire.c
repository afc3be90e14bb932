/*-------------------------------------------------------------------------
 *
 * refusal_expire.c
 *	  What came from outside, and was refused, does not stay for ever; nor does what
 *	  was only observed.  All others leave with the audit log's payloads, by two people
 *	  (retention/purge.c).  What a legal hold holds stays.
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
#include "evidence/retention/hold.h"
#include "store/own_table.h"

#define LEAST_DAYS	30

/* What is to be removed. */
typedef struct Expiry
{
	TimestampTz before;
	bool		all;			/* also what nobody from outside has caused */
	bool		refuse_held;	/* otherwise what is held stays */
	List	   *holds;
} Expiry;

/* What holds the refusal, or NULL. */
static const Hold *
hold_of(const Expiry *expiry, const Datum *values, const bool *nulls, TimestampTz last_at)
{
	char	   *table = NULL;

	if (expiry->holds == NIL)
		return NULL;
	if (!nulls[REFUSAL_SCHEMA] && !nulls[REFUSAL_TABLE])
		table = quote_qualified_identifier(TextDatumGetCString(values[REFUSAL_SCHEMA]),
										   TextDatumGetCString(values[REFUSAL_TABLE]));
	return paysafe_hold_of_refusal(expiry->holds, table,
								   nulls[REFUSAL_KEY] ? NULL : TextDatumGetCString(values[REFUSAL_KEY]),
								   nulls[REFUSAL_BUSINESS_ID] ? NULL : TextDatumGetCString(values[REFUSAL_BUSINESS_ID]),
								   DatumGetTimestampTz(values[REFUSAL_AT]), last_at);
}

static bool
is_expired(Relation rel, HeapTuple tuple, void *arg)
{
	const Expiry *expiry = arg;
	Datum		values[REFUSAL_NCOLUMNS];
	bool		nulls[REFUSAL_NCOLUMNS];
	TimestampTz last_at;
	const Hold *hold;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	last_at = DatumGetTimestampTz(values[nulls[REFUSAL_LAST_AT] ? REFUSAL_AT : REFUSAL_LAST_AT]);
	if (last_at >= expiry->before ||
		(!expiry->all && !DatumGetBool(values[REFUSAL_OUTSIDE]) && !DatumGetBool(values[REFUSAL_OBSERVED])))
		return false;
	hold = hold_of(expiry, values, nulls, last_at);
	if (hold != NULL && expiry->refuse_held)
		paysafe_hold_refuse(hold);
	return hold == NULL;
}

int64
paysafe_refusal_expire_before(TimestampTz before)
{
	Expiry		expiry = {.before = before, .holds = paysafe_hold_all()};

	return paysafe_store_expire(PAYSAFE_REFUSAL_RECORD, is_expired, &expiry);
}

int64
paysafe_refusal_purge(TimestampTz before, bool except_held)
{
	Expiry		expiry = {.before = before, .all = true, .refuse_held = !except_held, .holds = paysafe_hold_all()};

	return paysafe_store_expire(PAYSAFE_REFUSAL_RECORD, is_expired, &expiry);
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
