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
#include "evidence/audit_leaf.h"
#include "evidence/publish/checkpoint.h"
#include "evidence/publish/sealed.h"
#include "evidence/publish/witness.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_transaction.h"
#include "tlog/proof_file.h"

#define LOOK_BACK	1000		/* checkpoints, for one that is good */

/* What is proven. */
typedef struct Proven
{
	SealTransaction transaction;
	uint64		index;
	StringInfoData extra;		/* leaf and payload */
} Proven;

static PAYSAFE_NORETURN void
not_sealed(uint64 xid)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no row of transaction " UINT64_FORMAT " is sealed", xid),
			 errhint("A transaction is sealed when all older ones have ended: paysafe.wait_sealed() waits for it.")));
	pg_unreachable();
}

/* The transaction as the newest log that has it says it is. */
static void
find_transaction(uint64 xid, SealTransaction *out)
{
	List	   *all = paysafe_seal_transaction_of_xid(xid);

	if (all == NIL)
		not_sealed(xid);
	*out = *(SealTransaction *) linitial(all);
}

static void
set_extra(Proven *proven, const void *leaf, size_t leaf_len, const void *payload, size_t payload_len)
{
	initStringInfo(&proven->extra);
	enlargeStringInfo(&proven->extra, leaf_len + payload_len + 2);
	proven->extra.len = tlog_extra_write(leaf, leaf_len, payload, payload_len, (uint8_t *) proven->extra.data);
}

/* The row of this number: where it is in the log, and what it says. */
static void
find_row(uint64 xid, int32 seq, Proven *proven)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SealRows   *rows;
	SealRow		row;
	bool		found = false;

	find_transaction(xid, &proven->transaction);
	proven->index = proven->transaction.first;
	rows = paysafe_seal_rows_find(xid, xid + 1, snapshot, true);
	while (!found && paysafe_seal_rows_next(rows, &row))
	{
		found = row.seq == seq;
		if (!found)
			proven->index++;
		else if (row.trouble != SEAL_FINE || !row.has_leaf)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("row %d of transaction " UINT64_FORMAT " cannot be proven: %s", seq, xid,
							paysafe_seal_rows_trouble(row.trouble) ? paysafe_seal_rows_trouble(row.trouble) : "its leaf is missing"),
					 errhint("SELECT * FROM paysafe.verify() says what else is wrong.")));
		else
			set_extra(proven, VARDATA_ANY(DatumGetByteaPP(row.leaf)), VARSIZE_ANY_EXHDR(DatumGetByteaPP(row.leaf)),
					  row.removed ? NULL : VARDATA_ANY(DatumGetByteaPP(row.payload)),
					  row.removed ? 0 : VARSIZE_ANY_EXHDR(DatumGetByteaPP(row.payload)));
	}
	paysafe_seal_rows_end(rows);
	UnregisterSnapshot(snapshot);
	if (!found || proven->index >= proven->transaction.first + proven->transaction.rows)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transaction " UINT64_FORMAT " has no row %d in the log", xid, seq)));
}

/* The transaction's own leaf. */
static void
find_own_leaf(uint64 xid, SealReader **reader, Proven *proven)
{
	TlogFrontier frontier;
	TlogHash	root;
	uint8		leaf[SEAL_TRANSACTION_LEAF_LEN];

	find_transaction(xid, &proven->transaction);
	*reader = paysafe_seal_tile_reader(proven->transaction.incarnation);
	tlog_frontier_init(&frontier);
	for (int i = 0; i < proven->transaction.rows; i++)
	{
		TlogHash	hash;

		if (!paysafe_seal_tile_hash(*reader, 0, proven->transaction.first + i, &hash))
			not_sealed(xid);
		tlog_frontier_add(&frontier, &hash);
	}
	tlog_frontier_root(&frontier, &root);
	paysafe_seal_transaction_leaf(xid, proven->transaction.rows, &root, leaf);
	proven->index = proven->transaction.first + proven->transaction.rows;
	set_extra(proven, leaf, sizeof(leaf), NULL, 0);
}

/* The newest checkpoint that is published, has the leaf, and is good if there is a policy. */
static char *
choose_checkpoint(int incarnation, uint64 index, int64 *size)
{
	Checkpoint	checkpoint;
	char	   *newest = NULL;
	int64		before = PG_INT64_MAX;

	for (int i = 0; i < LOOK_BACK && paysafe_checkpoint_before(incarnation, before, &checkpoint); i++)
	{
		char	   *note;

		before = checkpoint.size;
		if ((uint64) checkpoint.size <= index)
			break;
		if (!checkpoint.published)
			continue;
		note = paysafe_checkpoint_cosigned(&checkpoint);
		if (newest == NULL || paysafe_witness_is_good(note))
		{
			bool		done = paysafe_witness_is_good(note) || !paysafe_witness_has_policy();

			newest = note;
			*size = checkpoint.size;
			if (done)
				break;
		}
	}
	if (newest == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no checkpoint is published yet that has this leaf"),
				 errhint("paysafe.wait_published() waits for one.")));
	return newest;
}

static text *
write_proof(const Proven *proven, SealReader *reader)
{
	int64		size = 0;
	char	   *note = choose_checkpoint(proven->transaction.incarnation, proven->index, &size);
	TlogHash	path[TLOG_PATH_MAX];
	int			n = tlog_inclusion_path(proven->index, size, paysafe_seal_tile_hash, reader, path);
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
	uint64		xid = U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(0));
	SealReader *reader;
	Proven		proven;

	if (PG_ARGISNULL(1))
		find_own_leaf(xid, &reader, &proven);
	else
	{
		find_row(xid, PG_GETARG_INT32(1), &proven);
		reader = paysafe_seal_tile_reader(proven.transaction.incarnation);
	}
	PG_RETURN_TEXT_P(write_proof(&proven, reader));
}
