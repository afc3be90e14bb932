/*-------------------------------------------------------------------------
 *
 * export.c
 *	  Rows of the audit log as the tree has them: leaves and payloads.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "evidence/audit_leaf.h"
#include "evidence/retention/in_tree.h"

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

PG_FUNCTION_INFO_V1(paysafe_audit_index);

/*
 * audit_index(row audit_row) returns bigint: NULL if it is not sealed
 */
Datum
paysafe_audit_index(PG_FUNCTION_ARGS)
{
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];
	bytea	   *hash;
	int32		incarnation;
	uint64		index;

	/* one for the query: the rows of a transaction come one after the other */
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		fcinfo->flinfo->fn_extra = paysafe_in_tree_begin();
		MemoryContextSwitchTo(old);
	}
	get_row(fcinfo, values, nulls);
	if (nulls[ROW_XID] || nulls[ROW_SEQ] || nulls[ROW_LEAF_HASH])
		PG_RETURN_NULL();
	hash = DatumGetByteaPP(values[ROW_LEAF_HASH]);
	if (VARSIZE_ANY_EXHDR(hash) != PAYSAFE_SHA256_LEN ||
		!paysafe_in_tree_find(fcinfo->flinfo->fn_extra,
							 U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
							 DatumGetInt32(values[ROW_SEQ]), (uint8 *) VARDATA_ANY(hash),
							 &incarnation, &index))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) index);
}
