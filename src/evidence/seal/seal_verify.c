/*-------------------------------------------------------------------------
 *
 * seal_verify.c
 *	  The sealed log computed again, from the rows to the root.
 *
 * Transactions are taken in the order of the log, some at a time, and the rows of the
 * audit log between their numbers, sorted as sealing sorts them.  Each row's hash is
 * computed from what is stored and compared with the leaf, each transaction's root with
 * its leaf, each tile with what follows from the leaves, the root with the state.  The
 * first thing that is wrong in an incarnation ends its verification.
 *
 * Of which rows of other tables the log has an image, somebody else knows: what differs
 * there belongs to no incarnation.
 *
 * A row may stand where another incarnation has sealed it, or not be sealed yet: then
 * its hash or its number says so.  Any other row that belongs to no leaf was inserted; and
 * of two rows that are the same leaf, one was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/attempt.h"
#include "base/scan.h"
#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/publish/checkpoint.h"
#include "evidence/seal/seal_match.h"
#include "evidence/seal/seal_prove.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_tile.h"
#include "evidence/seal/seal_transaction.h"
#include "evidence/seal/seal_verify.h"
#include "tlog/checkpoint.h"

#define CHUNK			20000	/* transactions */
#define CHUNK_LEAVES	400000
#define MAX_GAP			1000000 /* leaves without transactions whose rows are looked for */

typedef struct Verification
{
	int32		incarnation;
	uint64		from;			/* of leaves; with to: only these */
	uint64		to;
	uint64		size;
	bool		whole;
	bool		newest;
	SealState	state;
	Snapshot	snapshot;
	SealReader *reader;
	SealTree   *tree;			/* computed; only if whole */
	uint64		next;			/* leaf that comes now */
	uint64		from_xid;		/* rows of older transactions have been looked at */
	uint64		gap_from;		/* leaves without transactions, */
	uint64		gap_to;			/* if there are any */
	uint64		gap_xid;		/* of the transaction after them */
	int			n;
	SealTransaction *chunk;
	uint64		chunk_leaves;
	MemoryContext context;		/* of a chunk */
	SealRows   *rows;
	SealRow		row;			/* that comes now, */
	bool		has_row;		/* if there is one */
	SealMatcher *matcher;		/* for rows that are leaves elsewhere */
	SealRow		matched;		/* the row that was a leaf last, */
	bool		has_matched;	/* if one was */
	char	   *finding;		/* or NULL */
	MemoryContext result;
	TlogHash	root;
} Verification;

static void finding(Verification *v, const char *format,...) pg_attribute_printf(2, 3);

/* The first one counts. */
static void
finding(Verification *v, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(v->result);
	StringInfoData text;

	if (v->finding == NULL)
	{
		initStringInfo(&text);
		for (;;)
		{
			va_list		args;
			int			needed;

			va_start(args, format);
			needed = appendStringInfoVA(&text, format, args);
			va_end(args);
			if (needed == 0)
				break;
			enlargeStringInfo(&text, needed);
		}
		v->finding = text.data;
	}
	MemoryContextSwitchTo(old);
}

static void
row_finding_at(Verification *v, const SealTransaction *t, int i, int32 seq, const char *what)
{
	finding(v, "row %d of transaction " UINT64_FORMAT " (leaf " UINT64_FORMAT "): %s",
			seq, t->xid, t->first + i, what);
}

static void
row_finding(Verification *v, const SealTransaction *t, int32 seq, const char *what)
{
	row_finding_at(v, t, Max(seq - 1, 0), seq, what);
}

/* The hash of a leaf, as the tiles have it. */
static bool
leaf_hash(Verification *v, uint64 index, TlogHash *hash)
{
	if (paysafe_seal_tile_hash(v->reader, 0, index, hash))
		return true;
	finding(v, "the tile of leaf " UINT64_FORMAT " is missing or too short: rows of paysafe.seal_tile were deleted or changed", index);
	return false;
}

static void
add_leaf(Verification *v, const TlogHash *hash)
{
	if (v->whole)
	{
		paysafe_seal_tile_add(v->tree, hash);
		if (v->tree->differs != PG_UINT64_MAX)
			finding(v, "the tiles were changed: from leaf " UINT64_FORMAT " on they are not what the leaves give", v->tree->differs);
	}
	v->next++;
}

static void
next_row(Verification *v)
{
	v->has_row = paysafe_seal_rows_next(v->rows, &v->row);
}

/* Is the row that comes now another copy of the one that was a leaf last? */
static bool
is_copy(const Verification *v)
{
	return v->has_matched && v->row.xid == v->matched.xid && v->row.seq == v->matched.seq &&
		tlog_hash_equal(&v->row.computed, &v->matched.computed);
}

static void
copy_finding(Verification *v)
{
	finding(v, "row %d of transaction " UINT64_FORMAT " is there twice: one of the two was inserted",
			v->row.seq, v->row.xid);
}

/* The leaf that the row that comes now is, of any incarnation; those of t do not count. */
static SealPlace
place_elsewhere(const Verification *v, const SealTransaction *t)
{
	return paysafe_seal_match_row(v->matcher, v->row.xid, v->row.seq, &v->row.computed, t);
}

/* A row that belongs to no leaf here: none of t, if that is its transaction. */
static void
extra_row(Verification *v, const SealTransaction *t)
{
	SealPlace	place = is_copy(v) ? SEAL_TWICE : place_elsewhere(v, t);

	CHECK_FOR_INTERRUPTS();
	if (place == SEAL_TWICE)
		copy_finding(v);
	else if (place == SEAL_NOWHERE && v->row.xid < v->state.watermark && v->state.here)
		finding(v, "row %d of transaction " UINT64_FORMAT " was inserted: it is in no leaf of the sealed log",
				v->row.seq, v->row.xid);
	next_row(v);
}

/* What happened to a row whose hash is not its leaf's? */
static void
name_difference(Verification *v, const SealTransaction *t, int i, const SealRow *row, const TlogHash *leaf)
{
	TlogHash	other;

	if (row->trouble == SEAL_SHAPE_MISSING || row->trouble == SEAL_PAYLOAD_MISSING || row->trouble == SEAL_NONCE_MISSING)
	{
		row_finding(v, t, row->seq, paysafe_seal_rows_trouble(row->trouble));
		return;
	}
	if (row->check == paysafe_audit_leaf_check_of(leaf->bytes))
	{
		row_finding(v, t, row->seq, "the row was changed: its contents are not what was sealed");
		return;
	}
	for (int j = 0; j < t->rows; j++)
		if (j != i && paysafe_seal_tile_hash(v->reader, 0, t->first + j, &other) &&
			row->check == paysafe_audit_leaf_check_of(other.bytes))
		{
			row_finding(v, t, row->seq, psprintf("rows were exchanged: it has the leaf_check of leaf " UINT64_FORMAT, t->first + j));
			return;
		}
	row_finding(v, t, row->seq, "the row and its leaf_check are not what was sealed: it was replaced, or the tile was changed");
}

/* Is the row that comes now of this place in the transaction? */
static bool
is_here(const Verification *v, const SealTransaction *t, int i)
{
	return v->has_row && v->row.xid == t->xid && (t->irregular || v->row.seq == i + 1);
}

/* The rows that come now against leaf i of their transaction. */
static void
compare_row(Verification *v, const SealTransaction *t, int i, const TlogHash *leaf)
{
	SealRow		wrong;
	bool		any = false;

	/* several of one number: of these, one is the leaf */
	while (is_here(v, t, i) && !is_copy(v) && !tlog_hash_equal(&v->row.computed, leaf))
	{
		if (place_elsewhere(v, t) != SEAL_THERE)
		{
			wrong = v->row;
			any = true;
			if (t->irregular)
				break;
		}
		next_row(v);
	}
	if (!any && is_here(v, t, i) && is_copy(v))
	{
		copy_finding(v);
		return;
	}
	if (!any && !is_here(v, t, i))
		row_finding(v, t, i + 1, "the row was deleted");
	else if (any && (t->irregular || !is_here(v, t, i)))
		name_difference(v, t, i, &wrong, leaf);
	else if (any)
		row_finding(v, t, wrong.seq, "there are two rows of this number: one was inserted");
	else
	{
		if (v->has_matched && v->matched.xid == v->row.xid && v->matched.seq == v->row.seq)
			row_finding_at(v, t, i, v->row.seq, "two rows of this number were sealed, each a leaf: one of them was inserted before that");
		if (v->row.trouble != SEAL_FINE)
			row_finding(v, t, v->row.seq, v->row.trouble == SEAL_CHECK_DIFFERS ?
						"it does not agree with its leaf_check: that was changed, or the row was before it was sealed" :
						paysafe_seal_rows_trouble(v->row.trouble));
		v->matched = v->row;
		v->has_matched = true;
		next_row(v);
	}
}

static void
verify_transaction(Verification *v, const SealTransaction *t)
{
	TlogFrontier group;
	TlogHash	hash;
	TlogHash	own;
	uint8		leaf[SEAL_TRANSACTION_LEAF_LEN];

	while (v->finding == NULL && v->has_row && v->row.xid < t->xid)
		extra_row(v, NULL);
	tlog_frontier_init(&group);
	for (int i = 0; i < t->rows && v->finding == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!leaf_hash(v, t->first + i, &hash))
			return;
		while (v->finding == NULL && v->has_row && v->row.xid == t->xid && !t->irregular && v->row.seq < i + 1)
			extra_row(v, t);
		if (v->finding != NULL)
			return;
		compare_row(v, t, i, &hash);
		tlog_frontier_add(&group, &hash);
		if (v->finding == NULL)
			add_leaf(v, &hash);
	}
	while (v->finding == NULL && v->has_row && v->row.xid == t->xid)
		extra_row(v, t);
	if (v->finding != NULL || !leaf_hash(v, t->first + t->rows, &hash))
		return;
	tlog_frontier_root(&group, &own);
	paysafe_seal_transaction_leaf(t->xid, t->rows, &own, leaf);
	tlog_hash_leaf(leaf, sizeof(leaf), &own);
	if (!tlog_hash_equal(&own, &hash))
		finding(v, "transaction " UINT64_FORMAT " (leaf " UINT64_FORMAT "): its number or its count of rows was changed in paysafe.seal_transaction, or the tile was",
				t->xid, t->first + t->rows);
	else
		add_leaf(v, &hash);
}

/* The transactions that have been collected, and the rows up to number to (exclusive). */
static void
verify_chunk(Verification *v, uint64 to)
{
	MemoryContext old = MemoryContextSwitchTo(v->context);

	if (to > v->from_xid)
	{
		v->rows = paysafe_seal_rows_find(v->from_xid, to, v->snapshot, false);
		v->matcher = paysafe_seal_match_begin();
		v->has_matched = false;
		next_row(v);
		for (int i = 0; i < v->n && v->finding == NULL; i++)
			verify_transaction(v, &v->chunk[i]);
		while (v->finding == NULL && v->has_row)
			extra_row(v, NULL);
		paysafe_seal_match_end(v->matcher);
		paysafe_seal_rows_end(v->rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(v->context);
	v->n = 0;
	v->chunk_leaves = 0;
	v->from_xid = to;
}

/* Which leaves are those without transactions? */
static HTAB *
gap_leaves(Verification *v)
{
	HASHCTL		ctl = {
		.keysize = sizeof(TlogHash), .entrysize = sizeof(TlogHash), .hcxt = v->context
	};
	HTAB	   *leaves = hash_create("paysafe leaves", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	TlogHash	hash;

	for (uint64 index = v->gap_from; index < v->gap_to; index++)
	{
		CHECK_FOR_INTERRUPTS();
		if (paysafe_seal_tile_hash(v->reader, 0, index, &hash))
			(void) hash_search(leaves, &hash, HASH_ENTER, NULL);
	}
	return leaves;
}

/* Are the rows of leaves without transactions still there? */
static char *
gap_rows(Verification *v)
{
	uint64		leaves = v->gap_to - v->gap_from;
	uint64		rows = 0;
	uint64		transactions = 0;
	uint64		xid = 0;
	MemoryContext old;
	HTAB	   *known;

	if (leaves > MAX_GAP)
		return "";
	old = MemoryContextSwitchTo(v->context);
	known = gap_leaves(v);
	v->rows = paysafe_seal_rows_find(v->gap_xid > v->from_xid ? v->from_xid : 0, v->gap_xid, v->snapshot, false);
	for (next_row(v); v->has_row; next_row(v))
	{
		CHECK_FOR_INTERRUPTS();
		if (hash_search(known, &v->row.computed, HASH_REMOVE, NULL) == NULL)
			continue;
		rows++;
		if (transactions == 0 || v->row.xid != xid)
			transactions++;
		xid = v->row.xid;
	}
	paysafe_seal_rows_end(v->rows);
	MemoryContextSwitchTo(old);
	MemoryContextReset(v->context);
	if (rows + transactions >= leaves)
		return "; their rows of the audit log are there";
	return psprintf("; rows of the audit log are gone, too: of these " UINT64_FORMAT " leaves, " UINT64_FORMAT " rows of " UINT64_FORMAT " transactions are there",
					leaves, rows, transactions);
}

/* Leaves that belong to no transaction. */
static void
gap_finding(Verification *v)
{
	if (v->gap_to == v->size)
		finding(v, "the log ends with leaf " UINT64_FORMAT " and should have " UINT64_FORMAT " leaves: its end was cut off in paysafe.seal_transaction%s%s",
				v->gap_from - 1, v->size, v->newest ? ", or paysafe.seal_state was changed" : "", gap_rows(v));
	else
		finding(v, "leaves " UINT64_FORMAT " to " UINT64_FORMAT " belong to no transaction: rows of paysafe.seal_transaction were deleted or changed%s",
				v->gap_from, v->gap_to - 1, gap_rows(v));
}

static bool
collect(const SealTransaction *t, void *arg)
{
	Verification *v = arg;

	if (t->first >= v->to)
		return false;
	if (v->n > 0 && (t->xid <= v->chunk[v->n - 1].xid || v->n == CHUNK || v->chunk_leaves >= CHUNK_LEAVES))
		verify_chunk(v, v->chunk[v->n - 1].xid + 1);
	/* numbers of another server, and then of this one */
	if (v->n == 0 && t->xid < v->from_xid)
		v->from_xid = t->xid;
	if (v->finding != NULL)
		return false;
	if (t->first != v->next + v->chunk_leaves)
	{
		v->gap_from = v->next + v->chunk_leaves;
		v->gap_to = t->first;
		v->gap_xid = t->xid;
		return false;
	}
	v->chunk[v->n++] = *t;
	v->chunk_leaves += t->rows + 1;
	return true;
}

static void
verify_opening(Verification *v)
{
	StringInfoData leaf;
	TlogHash	hash;
	TlogHash	own;

	initStringInfo(&leaf);
	if (!leaf_hash(v, 0, &hash))
		return;
	if (!paysafe_seal_state_opening(v->incarnation, &leaf))
	{
		finding(v, "the row of paysafe.seal_log is missing");
		return;
	}
	tlog_hash_leaf(leaf.data, leaf.len, &own);
	if (!tlog_hash_equal(&own, &hash))
		finding(v, "the row of paysafe.seal_log was changed: it is not the first leaf");
	else
		add_leaf(v, &own);
}

/*
 * What the row of the next incarnation says of this one, as it was when that began: a
 * checkpoint that nobody signed.  One that was signed may be of leaves that were lost.
 */
static bool
ended_with(const Verification *v, TlogCheckpoint *checkpoint)
{
	char	   *before = paysafe_seal_state_before(v->incarnation + 1);
	char	   *origin = paysafe_seal_state_origin(v->incarnation);

	return !v->newest && before != NULL && origin != NULL &&
		tlog_checkpoint_parse((TlogText) {before, strlen(before)}, checkpoint) &&
		tlog_text_is(checkpoint->origin, origin);
}

/* The computed root against what is known of an incarnation that has ended. */
static void
verify_ended(Verification *v)
{
	TlogCheckpoint checkpoint;
	TlogHash	root;

	if (ended_with(v, &checkpoint) && checkpoint.size <= v->size &&
		(!tlog_root_at(checkpoint.size, paysafe_seal_tile_hash, v->reader, &root) ||
		 !tlog_hash_equal(&root, &checkpoint.root)))
		finding(v, "its first " UINT64_FORMAT " leaves are not those that it had when the next log was begun: it was made anew",
				checkpoint.size);
}

/* The computed root against the state; what is left of the tiles. */
static void
verify_end(Verification *v)
{
	TlogFrontier frontier;

	if (v->next > v->size)
		finding(v, "the log has " UINT64_FORMAT " leaves and should have " UINT64_FORMAT ": paysafe.seal_state was changed",
				v->next, v->size);
	if (v->finding != NULL)
		return;
	paysafe_seal_tile_save(v->tree);
	if (v->tree->differs != PG_UINT64_MAX)
		finding(v, "the tiles were changed: from leaf " UINT64_FORMAT " on they are not what the leaves give", v->tree->differs);
	paysafe_seal_tile_frontier(v->tree, &frontier);
	tlog_frontier_root(&frontier, &v->root);
	if (!v->newest)
	{
		verify_ended(v);
		return;
	}
	if (v->state.trouble != NULL)
		finding(v, "paysafe.seal_state was changed: %s", v->state.trouble);
	for (int bit = 0; bit < 64; bit++)
		if ((v->size >> bit & 1) != 0 && !tlog_hash_equal(&frontier.hashes[bit], &v->state.frontier.hashes[bit]))
			finding(v, "the frontier in paysafe.seal_state was changed");
	if (!tlog_hash_equal(&v->root, &v->state.root))
		finding(v, "the root in paysafe.seal_state was changed");
}

/* Of a part: do the tiles above the leaves lead to the root of the state? */
static void
verify_paths(Verification *v)
{
	for (uint64 index = v->from; index < v->to && v->finding == NULL; index += SEAL_TILE_WIDTH - index % SEAL_TILE_WIDTH)
	{
		SealProof	proof = {.incarnation = v->incarnation, .index = index, .size = v->size};

		CHECK_FOR_INTERRUPTS();
		paysafe_seal_prove_inclusion(&proof);
		v->root = proof.root;
		if (v->newest && !tlog_hash_equal(&proof.root, &v->state.root))
			finding(v, "the tiles or the root in paysafe.seal_state were changed: they do not agree");
	}
}

/* What was signed: is it all there, and is none of it of more leaves? */
static void
verify_checkpoints(Verification *v)
{
	Checkpoint	last;
	char	   *trouble = paysafe_checkpoint_trouble(v->incarnation, PG_INT64_MAX);

	if (trouble != NULL)
		finding(v, "%s", trouble);
	if (paysafe_checkpoint_last(v->incarnation, &last) && (uint64) last.size > v->size)
		finding(v, "a checkpoint of " INT64_FORMAT " leaves was signed, and there are " UINT64_FORMAT ": the end of the log was cut off",
				last.size, v->size);
}

static void
verify_incarnation(void *arg)
{
	Verification *v = arg;
	SealTransaction first;
	TlogCheckpoint ended;

	if (ended_with(v, &ended) && v->whole)
		v->to = v->size = Max(v->size, ended.size);
	v->reader = paysafe_seal_tile_reader(v->incarnation);
	v->chunk = palloc(sizeof(SealTransaction) * CHUNK);
	if (v->whole)
	{
		v->tree = palloc(sizeof(SealTree));
		paysafe_seal_tile_load(v->tree, v->incarnation, 0);
		v->tree->kept = false;
	}
	v->next = v->from;
	if (v->from == 0)
		verify_opening(v);
	else if (paysafe_seal_transaction_at(v->incarnation, v->from, &first))
	{
		v->next = first.first;
		v->from_xid = first.xid;
	}
	if (v->finding == NULL)
		paysafe_seal_transaction_visit(v->incarnation, v->next, collect, v);
	if (v->finding == NULL)
	{
		uint64		to = v->n > 0 ? v->chunk[v->n - 1].xid + 1 : v->from_xid;
		bool		here = v->newest && v->state.here;

		if (v->gap_to == 0 && v->whole && v->next + v->chunk_leaves < v->size)
		{
			v->gap_from = v->next + v->chunk_leaves;
			v->gap_to = v->size;
			v->gap_xid = here ? v->state.watermark : PG_UINT64_MAX;
		}
		verify_chunk(v, v->gap_to == 0 && v->whole && here ? Max(v->state.watermark, to) : to);
	}
	if (v->finding == NULL && v->gap_to != 0)
		gap_finding(v);
	if (v->finding == NULL && v->whole)
	{
		verify_end(v);
		verify_checkpoints(v);
	}
	else if (v->finding == NULL)
		verify_paths(v);
}

static SealCompare compare = NULL;

void
paysafe_seal_verify_set_compare(SealCompare new_compare)
{
	compare = new_compare;
}

/* What belongs to no incarnation */
static void
put_finding(const char *finding, void *arg)
{
	ReturnSetInfo *result = arg;
	Datum		values[5] = {0, 0, 0, BoolGetDatum(false), CStringGetTextDatum(finding)};
	bool		nulls[5] = {true, true, true, false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* SQL-callable functions */

/* One incarnation: whatever error comes, tiles that cannot be read for example, is a finding. */
static void
verify_one(ReturnSetInfo *result, int32 incarnation, const SealState *state, uint64 from, uint64 to, bool whole)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe verify", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Verification *v = palloc0(sizeof(Verification));
	char	   *error;
	Datum		values[5];
	bool		nulls[5] = {0};

	v->incarnation = incarnation;
	v->state = *state;
	v->newest = state->found && state->incarnation == incarnation;
	v->size = paysafe_seal_prove_size(incarnation);
	v->whole = whole;
	v->from = from;
	v->to = Max(from, Min(to, v->size));
	v->result = context;
	v->context = AllocSetContextCreate(context, "paysafe verify chunk", ALLOCSET_DEFAULT_SIZES);
	v->snapshot = paysafe_scan_snapshot();
	error = paysafe_attempt(verify_incarnation, v);
	UnregisterSnapshot(v->snapshot);
	if (v->finding == NULL)
		v->finding = error;
	values[0] = Int32GetDatum(incarnation);
	values[1] = Int64GetDatum(whole ? v->next : v->to - v->from);
	values[2] = CStringGetTextDatum("");
	nulls[2] = v->finding != NULL;
	if (!nulls[2])
	{
		bytea	   *root = palloc(VARHDRSZ + TLOG_HASH_LEN);

		SET_VARSIZE(root, VARHDRSZ + TLOG_HASH_LEN);
		memcpy(VARDATA(root), v->root.bytes, TLOG_HASH_LEN);
		values[2] = PointerGetDatum(root);
	}
	values[3] = BoolGetDatum(v->finding == NULL);
	nulls[4] = v->finding == NULL;
	values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(v->finding);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

PG_FUNCTION_INFO_V1(paysafe_verify);

/*
 * verify(from_index bigint, to_index bigint) returns setof (incarnation, leaves, root, ok, finding)
 */
Datum
paysafe_verify(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int32		newest = paysafe_seal_state_newest();
	bool		whole = PG_ARGISNULL(0) && PG_ARGISNULL(1);
	int64		from = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	int64		to = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT64(1);
	SealState	state;

	if (from < 0 || to <= from)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("leaves from " INT64_FORMAT " to " INT64_FORMAT " are none", from, to)));
	InitMaterializedSRF(fcinfo, 0);
	paysafe_seal_state_read(&state);
	newest = Max(newest, state.incarnation);
	for (int32 i = whole ? 1 : newest; i <= newest; i++)
		if (i > 0)
			verify_one(result, i, &state, from, to, whole);
	if (whole && newest > 0 && compare != NULL)
		compare(put_finding, result);
	PG_RETURN_NULL();
}
