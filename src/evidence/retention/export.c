/*-------------------------------------------------------------------------
 *
 * export.c
 *	  Rows of the audit log as the tree has them: leaves and payloads.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"

#include "evidence/audit_leaf.h"

/* SQL-callable functions */

/* The row that the first argument is. */
static void
get_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);

	for (int i = 0; i < ROW_NCOLUMNS; i++)
		values[i] = GetAttributeByNum(row, i + 1, &nulls[i]);
}

PG_FUNCTION_INFO_V1(paysafe_audit_leaf);

/*
 * audit_leaf(row audit_row, shape_digest bytea) returns bytea
 */
Datum
paysafe_audit_leaf(PG_FUNCTION_ARGS)
{
	bytea	   *digest = PG_GETARG_BYTEA_PP(1);
	bytea	   *result = palloc(VARHDRSZ + AUDIT_LEAF_LEN);
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];
	StringInfoData payload;

	get_row(fcinfo, values, nulls);
	initStringInfo(&payload);
	SET_VARSIZE(result, VARHDRSZ + AUDIT_LEAF_LEN);
	if (VARSIZE_ANY_EXHDR(digest) != PAYSAFE_SHA256_LEN ||
		!paysafe_audit_leaf_of_row(values, nulls, (uint8 *) VARDATA_ANY(digest), &payload,
								   (uint8 *) VARDATA(result)))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(paysafe_audit_payload);

/*
 * audit_payload(row audit_row) returns bytea: NULL if it was removed
 */
Datum
paysafe_audit_payload(PG_FUNCTION_ARGS)
{
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];
	StringInfoData payload;
	bytea	   *result;

	get_row(fcinfo, values, nulls);
	initStringInfo(&payload);
	if (!paysafe_audit_leaf_payload(values, nulls, &payload))
		PG_RETURN_NULL();
	result = palloc(VARHDRSZ + payload.len);
	SET_VARSIZE(result, VARHDRSZ + payload.len);
	memcpy(VARDATA(result), payload.data, payload.len);
	PG_RETURN_BYTEA_P(result);
}
