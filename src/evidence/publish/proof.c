/*-------------------------------------------------------------------------
 *
 * proof.c
 *	  Proofs of leaves as files of c2sp.org/tlog-proof.
 *
 * A file has the leaf and its payload beside the path and a checkpoint that was published:
 * whoever has the log's key, and those of the witnesses that he trusts, needs nothing else.
 * The checkpoint is the newest that is good by the policy in force, so that all proofs of
 * one time name the same one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/argument.h"
#include "compat.h"
#include "evidence/publish/checkpoint.h"
#include "evidence/publish/log.h"
#include "evidence/publish/witness.h"
#include "evidence/seal/seal_prove.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_transaction.h"
#include "tlog/proof_file.h"

#define LOOK_BACK	1000		/* checkpoints, for one that is good */

/* What is proven. */
typedef struct Proven
{
	int			incarnation;
	uint64		index;
	SealReader *reader;
	StringInfoData extra;		/* leaf and payload */
} Proven;

static void
set_extra(Proven *proven, const void *leaf, size_t leaf_len, const void *payload, size_t payload_len)
{
	initStringInfo(&proven->extra);
	enlargeStringInfo(&proven->extra, leaf_len + payload_len + 2);
	proven->extra.len = tlog_extra_write(leaf, leaf_len, payload, payload_len, (uint8_t *) proven->extra.data);
}

static void
read_hash(Proven *proven, uint64 index, TlogHash *hash)
{
	if (!paysafe_seal_tile_hash(proven->reader, 0, index, hash))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tiles of the sealed log are missing"),
				 errhint("SELECT * FROM paysafe.verify() says what is wrong.")));
}

/*
 * The row of this number, as it was sealed: after a restore, several transactions may have
 * one number.
 */
static void
find_row(uint64 xid, int32 seq, Proven *proven)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SealRows   *rows = paysafe_seal_rows_find(xid, xid + 1, snapshot, true);
	SealRow		row;
	TlogHash	hash;
	bool		found = false;

	read_hash(proven, proven->index, &hash);
	while (!found && paysafe_seal_rows_next(rows, &row))
	{
		found = row.seq == seq && row.has_leaf && tlog_hash_equal(&row.computed, &hash);
		if (found)
			set_extra(proven, VARDATA_ANY(DatumGetByteaPP(row.leaf)), VARSIZE_ANY_EXHDR(DatumGetByteaPP(row.leaf)),
					  row.removed ? NULL : VARDATA_ANY(DatumGetByteaPP(row.payload)),
					  row.removed ? 0 : VARSIZE_ANY_EXHDR(DatumGetByteaPP(row.payload)));
	}
	paysafe_seal_rows_end(rows);
	UnregisterSnapshot(snapshot);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row %d of transaction " UINT64_FORMAT " cannot be proven: it is not there as it was sealed", seq, xid),
				 errhint("SELECT * FROM paysafe.verify() says what else is wrong.")));
}

/* The transaction's own leaf. */
static void
find_own_leaf(uint64 xid, Proven *proven)
{
	SealTransaction transaction;
	TlogFrontier frontier;
	TlogHash	root;
	uint8		leaf[SEAL_TRANSACTION_LEAF_LEN];

	if (!paysafe_seal_transaction_at(proven->incarnation, proven->index, &transaction))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("transaction " UINT64_FORMAT " is not in the sealed log", xid)));
	tlog_frontier_init(&frontier);
	for (int i = 0; i < transaction.rows; i++)
	{
		TlogHash	hash;

		read_hash(proven, transaction.first + i, &hash);
		tlog_frontier_add(&frontier, &hash);
	}
	tlog_frontier_root(&frontier, &root);
	paysafe_seal_transaction_leaf(xid, transaction.rows, &root, leaf);
	set_extra(proven, leaf, sizeof(leaf), NULL, 0);
}

/* The newest checkpoint that is published, has the leaf, and is good if there is a policy. */
static char *
choose_checkpoint(int incarnation, uint64 index, int64 *size)
{
	Checkpoint	checkpoint;
	bool		policy = paysafe_witness_has_policy();
	bool		published = false;
	int64		before = PG_INT64_MAX;

	for (int i = 0; i < LOOK_BACK && paysafe_checkpoint_before(incarnation, before, &checkpoint); i++)
	{
		char	   *note;

		before = checkpoint.size;
		if ((uint64) checkpoint.size <= index)
			break;
		if (!checkpoint.published)
			continue;
		published = true;
		note = paysafe_checkpoint_cosigned(&checkpoint);
		if (!policy || paysafe_witness_is_good(note))
		{
			*size = checkpoint.size;
			return note;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 published ?
			 errmsg("no checkpoint that has this leaf is good by the policy of witnesses yet") :
			 errmsg("no checkpoint is published yet that has this leaf"),
			 published ?
			 errhint("Witnesses cosign it first: paysafe-ship, paysafe.add_cosignature().") :
			 errhint("paysafe.wait_published() waits for one.")));
	return NULL;				/* not reached */
}

static text *
write_proof(const Proven *proven)
{
	int64		size = 0;
	char	   *note = choose_checkpoint(proven->incarnation, proven->index, &size);
	TlogHash	path[TLOG_PATH_MAX];
	int			n = tlog_inclusion_path(proven->index, size, paysafe_seal_tile_hash, proven->reader, path);
	size_t		room = TLOG_PROOF_ROOM(proven->extra.len, strlen(note));
	char	   *file = palloc(room);
	long		len;

	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tiles of the sealed log are missing")));
	len = tlog_proof_write(proven->extra.data, proven->extra.len, proven->index, path, n,
						   (TlogText) {note, strlen(note)}, file, room);
	if (len < 0)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the proof is too long")));
	return cstring_to_text_with_len(file, len);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_proof);

/*
 * proof(xid xid8, seq integer) returns text: of a row; without seq, of the transaction
 */
Datum
paysafe_proof(PG_FUNCTION_ARGS)
{
	uint64		xid;
	int32		seq = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	Proven		proven;

	paysafe_argument_required(fcinfo, 0, "xid");
	xid = U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(0));
	paysafe_seal_prove_find(xid, seq, &proven.incarnation, &proven.index);
	proven.reader = paysafe_seal_tile_reader(proven.incarnation);
	if (seq == 0)
		find_own_leaf(xid, &proven);
	else
		find_row(xid, seq, &proven);
	PG_RETURN_TEXT_P(write_proof(&proven));
}
