/*-------------------------------------------------------------------------
 *
 * export.c
 *	  Rows of the audit log as the tree has them: leaves and payloads.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "base/argument.h"
#include "evidence/audit_leaf.h"
#include "evidence/publish/log.h"
#include "evidence/retention/in_tree.h"
#include "evidence/retention/payload.h"
#include "evidence/seal/seal_prove.h"
#include "evidence/seal/seal_tile.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

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
		!paysafe_audit_leaf_of_row(paysafe_audit_keys_of_call(fcinfo), values, nulls,
								   (uint8 *) VARDATA_ANY(digest), &payload, (uint8 *) VARDATA(result)))
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

/* What calls of a query share. */
typedef struct Export
{
	PayloadJudge *judge;
	/* for proofs: the checkpoint that they lead to */
	text	   *note;
	int			incarnation;
	uint64		size;
	SealReader *reader;
} Export;

static Export *
export_of(FunctionCallInfo fcinfo)
{
	/* one for the query: the rows of a transaction come one after the other */
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		Export	   *export = palloc0(sizeof(Export));

		export->judge = paysafe_payload_judge();
		fcinfo->flinfo->fn_extra = export;
		MemoryContextSwitchTo(old);
	}
	return fcinfo->flinfo->fn_extra;
}

/* Which leaf the row is; false: none. */
static bool
find_leaf(PayloadJudge *judge, const Datum *values, const bool *nulls, int32 *incarnation, uint64 *index)
{
	int64		shape;
	LoggedTable *table;
	StringInfoData payload;
	uint8		leaf[AUDIT_LEAF_LEN];
	uint8		hash[PAYSAFE_SHA256_LEN];

	if (nulls[ROW_XID] || nulls[ROW_SEQ] || nulls[ROW_SHAPE])
		return false;
	shape = DatumGetInt64(values[ROW_SHAPE]);
	table = hash_search(judge->tables, &shape, HASH_FIND, NULL);
	initStringInfo(&payload);
	/* also if too little is there: then it was sealed so, or is no leaf */
	(void) paysafe_audit_leaf_of_row(judge->keys, values, nulls, table ? table->digest : NULL, &payload, leaf);
	paysafe_audit_leaf_hash_bytes(leaf, hash);
	pfree(payload.data);
	return paysafe_in_tree_find(judge->sealed, U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
								DatumGetInt32(values[ROW_SEQ]), hash, incarnation, index);
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
	int32		incarnation;
	uint64		index;

	get_row(fcinfo, values, nulls);
	if (!find_leaf(export_of(fcinfo)->judge, values, nulls, &incarnation, &index))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) index);
}

/* The tree that the checkpoint is of, which must be this log's. */
static void
set_checkpoint(Export *export, text *note, MemoryContext context)
{
	char	   *written = text_to_cstring(note);
	TlogNote   *parsed = palloc(sizeof(TlogNote));
	TlogCheckpoint checkpoint;
	TlogHash	root;
	MemoryContext old;

	if (!tlog_note_parse((TlogText) {written, strlen(written)}, parsed) ||
		!tlog_checkpoint_parse(parsed->text, &checkpoint))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is no checkpoint"),
				 errhint("The view paysafe.checkpoint has them, as \"note\".")));
	old = MemoryContextSwitchTo(context);
	if (paysafe_log_incarnation(pnstrdup(checkpoint.origin.at, checkpoint.origin.len), &export->incarnation))
		export->reader = paysafe_seal_tile_reader(export->incarnation);
	MemoryContextSwitchTo(old);
	if (export->reader == NULL || checkpoint.size > paysafe_seal_prove_size(export->incarnation) ||
		!tlog_root_at(checkpoint.size, paysafe_seal_tile_hash, export->reader, &root) ||
		!tlog_hash_equal(&root, &checkpoint.root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the checkpoint is not one of this log")));
	export->size = checkpoint.size;
	export->note = (text *) memcpy(MemoryContextAlloc(context, VARSIZE_ANY(note)), note, VARSIZE_ANY(note));
}

PG_FUNCTION_INFO_V1(paysafe_audit_proof);

/*
 * audit_proof(row audit_row, checkpoint text) returns bytea[]: NULL if it is of another
 * incarnation
 */
Datum
paysafe_audit_proof(PG_FUNCTION_ARGS)
{
	Export	   *export = export_of(fcinfo);
	text	   *note = PG_GETARG_TEXT_PP(1);
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];
	Datum		path[TLOG_PATH_MAX];
	TlogHash	hashes[TLOG_PATH_MAX];
	int32		incarnation = 0;
	uint64		index = 0;
	int			n;

	if (export->note == NULL || VARSIZE_ANY(export->note) != VARSIZE_ANY(note) ||
		memcmp(export->note, note, VARSIZE_ANY(note)) != 0)
		set_checkpoint(export, note, fcinfo->flinfo->fn_mcxt);
	get_row(fcinfo, values, nulls);
	if (!find_leaf(export->judge, values, nulls, &incarnation, &index) ||
		(incarnation == export->incarnation && index >= export->size))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row %d of transaction " UINT64_FORMAT " is not in the tree of the checkpoint",
						DatumGetInt32(values[ROW_SEQ]),
						U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID]))),
				 errhint("Take a period that ended before it was signed, or a newer one.")));
	if (incarnation != export->incarnation)
		PG_RETURN_NULL();
	n = tlog_inclusion_path(index, export->size, paysafe_seal_tile_hash, export->reader, hashes);
	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tiles of incarnation %d of the sealed log are missing", incarnation),
				 errhint("SELECT * FROM paysafe.verify() says what is wrong.")));
	for (int i = 0; i < n; i++)
		path[i] = paysafe_argument_bytea(hashes[i].bytes, TLOG_HASH_LEN);
	PG_RETURN_ARRAYTYPE_P(construct_array(path, n, BYTEAOID, -1, false, TYPALIGN_INT));
}
