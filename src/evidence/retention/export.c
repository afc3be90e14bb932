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
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "evidence/audit_leaf.h"
#include "evidence/retention/in_tree.h"
#include "evidence/retention/payload.h"

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
		!paysafe_audit_leaf_of_row(paysafe_audit_keys_of_call(fcinfo), values, nulls, (uint8 *) VARDATA_ANY(digest), &payload,
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
	if (!paysafe_audit_leaf_payload(paysafe_audit_keys_of_call(fcinfo), values, nulls, &payload))
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
	PayloadJudge *judge;
	LoggedTable *table;
	int64		shape;
	StringInfoData payload;
	uint8		leaf[AUDIT_LEAF_LEN];
	uint8		hash[PAYSAFE_SHA256_LEN];
	int32		incarnation;
	uint64		index;

	/* one for the query: the rows of a transaction come one after the other */
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		fcinfo->flinfo->fn_extra = paysafe_payload_judge();
		MemoryContextSwitchTo(old);
	}
	judge = fcinfo->flinfo->fn_extra;
	get_row(fcinfo, values, nulls);
	if (nulls[ROW_XID] || nulls[ROW_SEQ] || nulls[ROW_SHAPE])
		PG_RETURN_NULL();
	shape = DatumGetInt64(values[ROW_SHAPE]);
	table = hash_search(judge->tables, &shape, HASH_FIND, NULL);
	initStringInfo(&payload);
	(void) paysafe_audit_leaf_of_row(judge->keys, values, nulls, table ? table->digest : NULL, &payload, leaf);
	paysafe_audit_leaf_hash_bytes(leaf, hash);
	if (!paysafe_in_tree_find(judge->sealed,
							 U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
							 DatumGetInt32(values[ROW_SEQ]), hash, &incarnation, &index))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) index);
}
