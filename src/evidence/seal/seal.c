/*-------------------------------------------------------------------------
 *
 * seal.c
 *	  Sealing: rows of the audit log become leaves of the tree.
 *
 * A pass takes one snapshot.  Transactions before its xmin have ended, all of them and
 * in every database, so what it shows of them is final: those from the watermark of the
 * last pass up to there are sealed, ordered by transaction and row number, and xmin is
 * the new watermark.  No row can come later with a number below it.  The order is not
 * that of the commits, but it is the same whoever computes it, and nobody waits for it.
 *
 * After the rows of a transaction comes a leaf that says how many they are and what
 * their root is, so that none of them can be kept back.
 *
 * A new incarnation begins by sealing every row that is there and not sealed yet,
 * whatever its number: they may be of transactions of another server.  Up to the largest
 * of their numbers, transactions of this server may meet rows that are sealed already;
 * their hashes tell which.
 *
 * A row that does not agree with its leaf_check or is there twice, a number that is missing
 * or there twice: that is on record in paysafe.seal_finding, check() and verify() say so,
 * and sealing goes on, with the row as it is; of two rows that are the same, one
 * becomes a leaf.  Were it to stop, whoever changes one row would leave all that follow
 * unsealed.  If the tree itself is damaged, nothing can be added.
 *
 * Memory: rows are sorted in maintenance_work_mem or on disk, some hundred thousand at
 * once; findings are few.  Only the opening of a log, and one transaction, are as large as
 * they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/seal/seal.h"
#include "evidence/seal/seal_match.h"
#include "evidence/seal/seal_prove.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_stray.h"
#include "evidence/seal/seal_tile.h"
#include "evidence/seal/seal_transaction.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "tlog/checkpoint.h"

#define MAX_FINDINGS	100		/* of a pass, one by one; others are counted */
#define PIECE			250000	/* rows that are sorted, and sealed by a worker, at once */

/*
 * What waits is sealed in pieces, so that it is no longer sorted on disk, and given up in
 * a crash, the more there is of it.  Where they end is found by one look at all of it.
 */
static struct
{
	uint64		from;			/* a piece begins here, */
	int			next;			/* and is this one */
	SealPieces	pieces;
}			plan;

/* Columns of paysafe.seal_finding. */
enum
{
	FINDING_INCARNATION, FINDING_INDEX, FINDING_FOUND_AT, FINDING_XID, FINDING_SEQ, FINDING_FINDING,
	FINDING_NCOLUMNS
};

/* A pass under way. */
typedef struct Sealing
{
	MemoryContext context;		/* of the pass */
	SealState	state;
	SealTree   *tree;
	bool		opening;		/* rows may be older than numbers without gaps */
	uint64		own_xid;		/* or 0 */
	SealTransactions *transactions;
	SealTransaction now;		/* the transaction whose rows are being added */
	TlogFrontier group;			/* of its rows */
	int32		last_seq;
	TlogHash	last_hash;		/* of the row that was added last */
	SealMatcher *sealed;		/* rows may be sealed already */
	int64		findings;
	const char *known;			/* finding of a row that is looked for, */
	bool		is_known;		/* and is on record */
} Sealing;

static void check_end(Sealing *s);

/* Nothing is begun, nothing is loaded, where there is nothing to seal or to say. */
static void
load_tree(Sealing *s)
{
	if (s->tree != NULL)
		return;
	s->tree = MemoryContextAlloc(s->context, sizeof(SealTree));
	paysafe_seal_state_tree(&s->state, s->tree);
	check_end(s);
}

/* seq 0: of the transaction as a whole, or of what follows it. */
static void
record_finding(Sealing *s, uint64 index, uint64 xid, int32 seq, const char *finding)
{
	Datum		values[FINDING_NCOLUMNS];
	bool		nulls[FINDING_NCOLUMNS] = {0};

	if (++s->findings > MAX_FINDINGS)
		return;
	load_tree(s);
	values[FINDING_INCARNATION] = Int32GetDatum(s->tree->incarnation);
	values[FINDING_INDEX] = Int64GetDatum(index);
	values[FINDING_FOUND_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[FINDING_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
	values[FINDING_SEQ] = Int32GetDatum(seq);
	values[FINDING_FINDING] = CStringGetTextDatum(finding);
	paysafe_store_insert(PAYSAFE_SEAL_FINDING, values, nulls);
	ereport(LOG,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 seq == 0 ? errmsg("paysafe: transaction " UINT64_FORMAT " of the audit log: %s", xid, finding) :
			 errmsg("paysafe: row %d of transaction " UINT64_FORMAT " of the audit log: %s", seq, xid, finding)));
}

/*
 * Does the tree end where its last transaction does?  If not, the next one would stand
 * behind a hole, and nobody who looks at the end would see that rows are gone.
 */
static void
check_end(Sealing *s)
{
	SealTransaction last = {0};
	uint64		end = 1;

	if (paysafe_seal_transaction_last(s->tree->incarnation, &last))
		end = last.first + last.rows + 1;
	if (end < s->tree->size)
		record_finding(s, end, last.xid, 0,
					   psprintf("after it, leaves " UINT64_FORMAT " to " UINT64_FORMAT " belong to no transaction: rows of paysafe.seal_transaction were deleted or changed",
								end, s->tree->size - 1));
}

static void
begin_transaction(Sealing *s, uint64 xid)
{
	s->now.incarnation = s->tree->incarnation;
	s->now.first = s->tree->size;
	s->now.rows = 0;
	s->now.xid = xid;
	s->now.irregular = false;
	s->last_seq = 0;
	tlog_frontier_init(&s->group);
}

static void
end_transaction(Sealing *s)
{
	uint8		leaf[SEAL_TRANSACTION_LEAF_LEN];
	TlogHash	root;
	TlogHash	hash;

	if (s->now.rows == 0)
		return;
	tlog_frontier_root(&s->group, &root);
	paysafe_seal_transaction_leaf(s->now.xid, s->now.rows, &root, leaf);
	tlog_hash_leaf(leaf, sizeof(leaf), &hash);
	paysafe_seal_tile_add(s->tree, &hash);
	paysafe_seal_transaction_add(s->transactions, &s->now);
}

/* Are the numbers of a transaction's rows 1, 2, 3, ...? */
static void
check_number(Sealing *s, const SealRow *row)
{
	const char *finding;

	if (row->seq == s->last_seq + 1)
		return;
	s->now.irregular = true;
	/* rows of before may have gaps; no two have one number */
	if (s->opening && row->seq != s->last_seq)
		return;
	finding = row->seq == s->last_seq ? "it is there twice: one of the two was inserted, or its number was changed" :
		row->seq == s->last_seq + 2 ? psprintf("row %d, before it, is missing: it was deleted, or its number was changed", s->last_seq + 1) :
		psprintf("rows %d to %d, before it, are missing: they were deleted, or their numbers were changed", s->last_seq + 1, row->seq - 1);
	record_finding(s, s->tree->size, row->xid, row->seq, finding);
}

/* Strays: rows that were written among those that are sealed */

static bool
visit_known(Relation rel, HeapTuple tuple, void *arg)
{
	Sealing    *s = arg;

	s->is_known = strcmp(paysafe_store_text(tuple, RelationGetDescr(rel), FINDING_FINDING), s->known) == 0;
	return !s->is_known;
}

/* On record, once. */
static void
note_stray(void *arg, uint64 xid, int32 seq, const char *finding)
{
	Sealing    *s = arg;
	List	   *all = paysafe_seal_transaction_of_xid(xid);
	SealTransaction *transaction = all == NIL ? NULL : linitial(all);
	Datum		row[2] = {
		FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)), Int32GetDatum(seq)
	};

	s->known = finding;
	s->is_known = false;
	paysafe_store_scan(PAYSAFE_SEAL_FINDING, "seal_finding_row", 2, row, visit_known, s);
	if (s->is_known)
		return;
	record_finding(s, transaction != NULL && transaction->incarnation == s->state.incarnation ?
				   transaction->first + transaction->rows : s->state.size,
				   xid, seq, finding);
}

static void
look_for_strays(Sealing *s, Snapshot snapshot)
{
	/* whoever writes a page from now on gives it a later one */
	XLogRecPtr	now = GetXLogInsertRecPtr();

	if (!paysafe_seal_stray_look(s->state.looked_lsn, s->state.looked_below, s->state.watermark, snapshot, note_stray, s))
		return;
	s->state.looked_lsn = now;
	s->state.looked_below = paysafe_seal_oldest(snapshot);
}

/* Has the row been a leaf already?  A copy of one is on record, and becomes none. */
static bool
is_sealed(Sealing *s, const SealRow *row)
{
	SealPlace	place = SEAL_NOWHERE;

	if (s->now.rows > 0 && row->seq == s->last_seq && tlog_hash_equal(&row->computed, &s->last_hash))
		place = SEAL_TWICE;
	else if (s->opening || row->xid <= s->state.foreign_until)
	{
		place = paysafe_seal_match_row(s->sealed, row->xid, row->seq, &row->computed, NULL);
		/* one that was changed after it was sealed is no new one: verify() says so */
		if (place == SEAL_NOWHERE && row->trouble != SEAL_FINE &&
			paysafe_seal_match_check(s->sealed, row->xid, row->seq, row->check))
			place = SEAL_THERE;
	}
	if (place == SEAL_TWICE)
		record_finding(s, s->tree->size, row->xid, row->seq, "it is there twice: one of the two was inserted");
	return place != SEAL_NOWHERE;
}

static const char *
trouble_words(const SealRow *row)
{
	const char *words = paysafe_seal_rows_trouble(row->trouble);

	return row->trouble != SEAL_CHECK_DIFFERS ? words :
		psprintf("%s (%d; as it is now, %d)", words, row->check, paysafe_audit_leaf_check_of(row->computed.bytes));
}

static void
add_row(Sealing *s, const SealRow *row)
{
	/* what this transaction has written itself may get more rows yet */
	if (s->opening && row->xid == s->own_xid)
		return;
	if (row->xid != s->now.xid)
	{
		end_transaction(s);
		begin_transaction(s, row->xid);
	}
	if (is_sealed(s, row))
		return;
	check_number(s, row);
	if (row->trouble != SEAL_FINE)
		record_finding(s, s->tree->size, row->xid, row->seq, trouble_words(row));
	paysafe_seal_tile_add(s->tree, &row->computed);
	tlog_frontier_add(&s->group, &row->computed);
	s->last_seq = row->seq;
	s->last_hash = row->computed;
	s->now.rows++;
	if (s->opening)
		s->state.foreign_until = Max(s->state.foreign_until, row->xid);
}

static void
add_rows(Sealing *s, SealRows *rows)
{
	SealRow		row;

	s->now = (SealTransaction) {.sealed_at = GetCurrentTimestamp()};
	s->transactions = paysafe_seal_transaction_begin();
	s->sealed = paysafe_seal_match_begin();
	while (paysafe_seal_rows_next(rows, &row))
	{
		CHECK_FOR_INTERRUPTS();
		load_tree(s);
		add_row(s, &row);
	}
	if (s->tree != NULL)
		end_transaction(s);
	paysafe_seal_transaction_end(s->transactions);
	paysafe_seal_match_end(s->sealed);
	paysafe_seal_rows_end(rows);
	if (s->findings > MAX_FINDINGS)
	{
		int64		more = s->findings - MAX_FINDINGS;

		s->findings = 0;
		record_finding(s, s->tree->size, s->now.xid, s->last_seq, psprintf(INT64_FORMAT " rows more up to here", more));
	}
}

/* The first of what waits, before "to"; returns where it ends. */
static uint64
add_piece(Sealing *s, uint64 from, uint64 to, Snapshot snapshot)
{
	uint64		end;

	if (plan.next < plan.pieces.n && plan.from == from && plan.pieces.ends[plan.next] <= to)
	{
		end = plan.pieces.ends[plan.next];
		add_rows(s, paysafe_seal_rows_find(from, end, snapshot, false));
	}
	else
	{
		SealRows   *rows = paysafe_seal_rows_find_piece(from, to, PIECE, snapshot, &plan.pieces);

		plan.next = 0;
		end = plan.pieces.ends[0];
		add_rows(s, rows);
	}
	plan.next++;
	plan.from = end;
	return end;
}

/*
 * What is here of the log that ends: the text of a checkpoint, which nobody has signed.
 * NULL: there is none, or its tiles cannot be read.
 */
static char *
what_was_before(void)
{
	int32		incarnation = paysafe_seal_state_newest();
	char	   *origin = paysafe_seal_state_origin(incarnation);
	uint64		size = paysafe_seal_prove_size(incarnation);
	TlogHash	root;
	char	   *text = palloc(TLOG_CHECKPOINT_MAX);

	if (origin == NULL || size == 0 ||
		!tlog_root_at(size, paysafe_seal_tile_hash, paysafe_seal_tile_reader(incarnation), &root) ||
		tlog_checkpoint_write(origin, size, &root, text, TLOG_CHECKPOINT_MAX) < 0)
		return NULL;
	return text;
}

/* The first rows of an incarnation: all that are there. */
static void
open_incarnation(Sealing *s, Snapshot snapshot)
{
	SealState  *state = &s->state;
	bool		first = paysafe_seal_state_newest() == 0 && !state->found;

	s->opening = true;
	s->own_xid = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	state->foreign_until = 0;
	state->watermark = paysafe_seal_oldest(snapshot);
	s->tree = palloc(sizeof(SealTree));
	paysafe_seal_state_open(state, s->tree, "paysafe",
							first ? "the log was sealed for the first time" :
							state->found ? "the database is a copy of another one on this server" :
							"the database was restored from a dump",
							what_was_before());
	add_rows(s, paysafe_seal_rows_find(0, PG_UINT64_MAX, snapshot, false));
	/* below the watermark nothing new can come */
	if (state->foreign_until < state->watermark)
		state->foreign_until = 0;
}

uint64
paysafe_seal_oldest(Snapshot snapshot)
{
	uint64		next = U64FromFullTransactionId(ReadNextFullTransactionId());

	return next - (uint32) ((TransactionId) next - snapshot->xmin);
}

/* Rows of transactions from the watermark up to one. */
static void
seal_waiting(Sealing *s, SealPass *pass, uint64 to, Snapshot snapshot)
{
	pass->below = s->state.watermark;
	while (pass->below < to && !pass->more)
	{
		pass->below = add_piece(s, pass->below, to, snapshot);
		pass->more = pass->in_pieces && pass->below < to;
	}
}

static void
seal_rows(SealPass *pass, Snapshot snapshot)
{
	Sealing		s = {.context = CurrentMemoryContext};
	uint64		size;

	paysafe_seal_state_read(&s.state);
	size = s.state.size;
	if (!s.state.found || !s.state.here)
	{
		size = 0;
		open_incarnation(&s, snapshot);
		pass->below = s.state.watermark;
	}
	else
	{
		if (pass->look)
		{
			TimestampTz begun = GetCurrentTimestamp();

			look_for_strays(&s, snapshot);
			pass->looked_for = GetCurrentTimestamp() - begun;
		}
		seal_waiting(&s, pass, paysafe_seal_oldest(snapshot), snapshot);
	}
	if (s.tree == NULL || (s.tree->size == size && s.findings == 0))
		return;
	pass->leaves = s.tree->size - size;
	s.state.watermark = pass->below;
	paysafe_seal_state_write(&s.state, s.tree);
}

void
paysafe_seal_pass(bool nowait, SealPass *pass)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe seal", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Snapshot	snapshot;

	pass->done = pass->more = false;
	pass->leaves = pass->below = 0;
	pass->looked_for = 0;
	if (paysafe_seal_state_lock(nowait))
	{
		pass->done = true;
		/* after the lock: what the last pass has written is seen */
		snapshot = paysafe_scan_snapshot();
		if (paysafe_store_is_active())
			seal_rows(pass, snapshot);
		else
			pass->below = paysafe_seal_oldest(snapshot);
		UnregisterSnapshot(snapshot);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_seal);

/*
 * seal() returns bigint: how many leaves are new
 */
Datum
paysafe_seal(PG_FUNCTION_ARGS)
{
	SealPass	pass = {.look = true};

	PreventCommandIfReadOnly("paysafe.seal()");
	PreventCommandIfParallelMode("paysafe.seal()");
	/* it may see what is committed, but not on disk yet: its own flush flushes that, too */
	if (synchronous_commit < SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		(void) set_config_option("synchronous_commit", "local", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
	paysafe_seal_pass(false, &pass);
	PG_RETURN_INT64(pass.leaves);
}
