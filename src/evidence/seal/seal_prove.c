/*-------------------------------------------------------------------------
 *
 * seal_prove.c
 *	  Proofs from the sealed log.
 *
 * Some tiles are read for each, one of a level at most twice: however large the tree is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/xid8.h"

#include "compat.h"
#include "evidence/seal/seal_prove.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_tile.h"
#include "evidence/seal/seal_transaction.h"

uint64
paysafe_seal_prove_size(int32 incarnation)
{
	SealState	state;
	SealTransaction last = {0};
	uint64		size;

	paysafe_seal_state_read(&state);
	if (state.found && state.incarnation == incarnation)
		return state.size;
	/* one that has ended: by its tiles, and by its transactions; either may have been cut off */
	size = paysafe_seal_tile_size(incarnation);
	if (paysafe_seal_transaction_last(incarnation, &last))
		size = Max(size, last.first + last.rows + 1);
	return size;
}

static PAYSAFE_NORETURN void
no_such_tree(int32 incarnation, uint64 size)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("incarnation %d of the sealed log has no tree of " UINT64_FORMAT " leaves", incarnation, size)));
	pg_unreachable();
}

static PAYSAFE_NORETURN void
no_tiles(int32 incarnation)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("tiles of incarnation %d of the sealed log are missing", incarnation),
			 errhint("SELECT * FROM paysafe.verify() says what is wrong.")));
	pg_unreachable();
}

void
paysafe_seal_prove_inclusion(SealProof *proof)
{
	SealReader *reader = paysafe_seal_tile_reader(proof->incarnation);
	uint64		all = paysafe_seal_prove_size(proof->incarnation);

	if (proof->size == 0)
		proof->size = all;
	if (proof->size > all || proof->size == 0)
		no_such_tree(proof->incarnation, proof->size);
	if (proof->index >= proof->size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a tree of " UINT64_FORMAT " leaves has no leaf " UINT64_FORMAT, proof->size, proof->index)));
	if (!paysafe_seal_tile_hash(reader, 0, proof->index, &proof->leaf_hash) ||
		!tlog_root_at(proof->size, paysafe_seal_tile_hash, reader, &proof->root) ||
		(proof->n = tlog_inclusion_path(proof->index, proof->size, paysafe_seal_tile_hash, reader, proof->path)) < 0)
		no_tiles(proof->incarnation);
	/* tiles that were changed prove nothing */
	if (!tlog_verify_inclusion(proof->index, proof->size, &proof->leaf_hash, proof->path, proof->n, &proof->root))
		no_tiles(proof->incarnation);
	pfree(reader);
}

void
paysafe_seal_prove_find(uint64 xid, int32 seq, int32 *incarnation, uint64 *index)
{
	List	   *all = paysafe_seal_transaction_of_xid(xid);
	SealTransaction *transaction = all == NIL ? NULL : linitial(all);

	if (transaction == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transaction " UINT64_FORMAT " is not sealed", xid),
				 errdetail("It has no rows in the audit log, or they are not sealed yet: see paysafe.seal_status.")));
	if (seq < 0 || seq > transaction->rows)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transaction " UINT64_FORMAT " has no row %d", xid, seq),
				 errdetail("It is sealed with %d rows.", transaction->rows)));
	if (seq > 0 && transaction->irregular)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the numbers of the rows of transaction " UINT64_FORMAT " have gaps", xid),
				 errhint("Its rows are the leaves from " UINT64_FORMAT " on, in the order of their numbers: ask for one of these.", transaction->first)));
	*incarnation = transaction->incarnation;
	*index = transaction->first + (seq == 0 ? transaction->rows : seq - 1);
}

/* SQL-callable functions */

static Datum
hash_datum(const TlogHash *hash)
{
	bytea	   *result = palloc(VARHDRSZ + TLOG_HASH_LEN);

	SET_VARSIZE(result, VARHDRSZ + TLOG_HASH_LEN);
	memcpy(VARDATA(result), hash->bytes, TLOG_HASH_LEN);
	return PointerGetDatum(result);
}

static Datum
path_datum(const TlogHash *path, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = hash_datum(&path[i]);
	return PointerGetDatum(construct_array(elements, n, BYTEAOID, -1, false, TYPALIGN_INT));
}

static TupleDesc
result_desc(FunctionCallInfo fcinfo)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return desc;
}

/* An argument that counts leaves; 0 if it is NULL. */
static uint64
count_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		return 0;
	if (PG_GETARG_INT64(n) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be 1 or more", name),
				 errdetail("Of an empty tree nothing can be proven.")));
	return PG_GETARG_INT64(n);
}

static void
required(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

static int32
incarnation_argument(FunctionCallInfo fcinfo, int n)
{
	int32		incarnation = PG_ARGISNULL(n) ? paysafe_seal_state_newest() : PG_GETARG_INT32(n);

	if (incarnation < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing is sealed in this database yet")));
	return incarnation;
}

static void
set_proof(const SealProof *proof, Datum *values)
{
	values[0] = Int64GetDatum(proof->index);
	values[1] = Int64GetDatum(proof->size);
	values[2] = hash_datum(&proof->leaf_hash);
	values[3] = path_datum(proof->path, proof->n);
	values[4] = hash_datum(&proof->root);
}

PG_FUNCTION_INFO_V1(paysafe_inclusion_proof);

/*
 * inclusion_proof(index bigint, incarnation int, size bigint) and
 * inclusion_proof(xid xid8, seq int, size bigint) return a record
 */
Datum
paysafe_inclusion_proof(PG_FUNCTION_ARGS)
{
	SealProof	proof;
	Datum		values[5];
	bool		nulls[5] = {0};

	required(fcinfo, 0, "index");
	if (get_fn_expr_argtype(fcinfo->flinfo, 0) == XID8OID)
	{
		required(fcinfo, 1, "seq");
		if (PG_GETARG_INT32(1) < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must be 1 or more", "seq")));
		paysafe_seal_prove_find(U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(0)), PG_GETARG_INT32(1),
								&proof.incarnation, &proof.index);
	}
	else
	{
		if (PG_GETARG_INT64(0) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must be 0 or more", "index")));
		proof.index = PG_GETARG_INT64(0);
		proof.incarnation = incarnation_argument(fcinfo, 1);
	}
	proof.size = count_argument(fcinfo, 2, "size");
	paysafe_seal_prove_inclusion(&proof);
	set_proof(&proof, values);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls)));
}

PG_FUNCTION_INFO_V1(paysafe_transaction_proof);

/*
 * transaction_proof(xid xid8, size bigint) returns a record
 */
Datum
paysafe_transaction_proof(PG_FUNCTION_ARGS)
{
	uint64		xid;
	SealProof	proof;
	SealReader *reader;
	SealTransaction transaction;
	TlogFrontier group;
	TlogHash	root;
	Datum	   *hashes;
	bytea	   *leaf = palloc(VARHDRSZ + SEAL_TRANSACTION_LEAF_LEN);
	Datum		values[8];
	bool		nulls[8] = {0};

	required(fcinfo, 0, "xid");
	xid = U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(0));
	paysafe_seal_prove_find(xid, 0, &proof.incarnation, &proof.index);
	proof.size = count_argument(fcinfo, 1, "size");
	paysafe_seal_prove_inclusion(&proof);
	reader = paysafe_seal_tile_reader(proof.incarnation);
	tlog_frontier_init(&group);
	if (!paysafe_seal_transaction_at(proof.incarnation, proof.index, &transaction))
		no_tiles(proof.incarnation);
	hashes = palloc(sizeof(Datum) * transaction.rows);
	for (int i = 0; i < transaction.rows; i++)
	{
		TlogHash	hash;

		if (!paysafe_seal_tile_hash(reader, 0, transaction.first + i, &hash))
			no_tiles(proof.incarnation);
		hashes[i] = hash_datum(&hash);
		tlog_frontier_add(&group, &hash);
	}
	tlog_frontier_root(&group, &root);
	SET_VARSIZE(leaf, VARHDRSZ + SEAL_TRANSACTION_LEAF_LEN);
	paysafe_seal_transaction_leaf(xid, transaction.rows, &root, (uint8 *) VARDATA(leaf));
	tlog_hash_leaf(VARDATA(leaf), SEAL_TRANSACTION_LEAF_LEN, &root);
	if (!tlog_hash_equal(&root, &proof.leaf_hash))
		no_tiles(proof.incarnation);
	set_proof(&proof, values);
	values[5] = PointerGetDatum(leaf);
	values[6] = Int32GetDatum(transaction.rows);
	values[7] = PointerGetDatum(construct_array(hashes, transaction.rows, BYTEAOID, -1, false, TYPALIGN_INT));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls)));
}

PG_FUNCTION_INFO_V1(paysafe_consistency_proof);

/*
 * consistency_proof(old bigint, new bigint, incarnation int) returns a record
 */
Datum
paysafe_consistency_proof(PG_FUNCTION_ARGS)
{
	int32		incarnation = incarnation_argument(fcinfo, 2);
	uint64		all = paysafe_seal_prove_size(incarnation);
	uint64		old;
	uint64		new = count_argument(fcinfo, 1, "new");
	SealReader *reader = paysafe_seal_tile_reader(incarnation);
	TlogHash	path[TLOG_CONSISTENCY_MAX];
	TlogHash	old_root;
	TlogHash	new_root;
	int			n;
	Datum		values[3];
	bool		nulls[3] = {0};

	required(fcinfo, 0, "old");
	old = count_argument(fcinfo, 0, "old");
	if (new == 0)
		new = all;
	if (new > all || new == 0)
		no_such_tree(incarnation, new);
	if (old > new)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the old tree has more leaves than the new one")));
	if (!tlog_root_at(old, paysafe_seal_tile_hash, reader, &old_root) ||
		!tlog_root_at(new, paysafe_seal_tile_hash, reader, &new_root) ||
		(n = tlog_consistency_path(old, new, paysafe_seal_tile_hash, reader, path)) < 0 ||
		!tlog_verify_consistency(old, new, path, n, &old_root, &new_root))
		no_tiles(incarnation);
	values[0] = hash_datum(&old_root);
	values[1] = path_datum(path, n);
	values[2] = hash_datum(&new_root);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls)));
}
