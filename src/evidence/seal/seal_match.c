/*-------------------------------------------------------------------------
 *
 * seal_match.c
 *	  Rows of the audit log against leaves of any incarnation.
 *
 * Rows come in the order of transaction numbers, so sealed transactions are read in
 * that order too, some at a time, beside them.  Of each incarnation the tile that was
 * read last is remembered: its leaves come in about the same order.
 *
 * Row n of a transaction is its leaf n.  Only where numbers are missing, or there twice,
 * the leaves of the transaction are collected.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/seal/seal_match.h"
#include "evidence/seal/seal_tile.h"

#define BATCH	256				/* transactions, and the rest of the last number */

/* A sealed transaction. */
typedef struct Sealed
{
	SealTransaction transaction;
	int32		taken;			/* the number of the row that was a leaf last */
	HTAB	   *leaves;			/* irregular: Leaf, or NULL: not collected yet */
} Sealed;

typedef struct Leaf
{
	TlogHash	hash;			/* the key */
	int			left;			/* so many leaves that no row was yet */
} Leaf;

struct SealMatcher
{
	MemoryContext context;
	MemoryContext scratch;
	MemoryContext collected;	/* of the rows' transaction */
	List	   *readers;
	bool		read;			/* a batch has been; */
	bool		last;			/* there are no more */
	int			n;
	int			room;
	Sealed	   *batch;
	int			at;				/* older ones have been passed */
	uint64		xid;			/* of the row that came last */
};

SealMatcher *
paysafe_seal_match_begin(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe match", ALLOCSET_DEFAULT_SIZES);
	SealMatcher *matcher = MemoryContextAllocZero(context, sizeof(SealMatcher));

	matcher->context = context;
	matcher->scratch = AllocSetContextCreate(context, "paysafe match reading", ALLOCSET_DEFAULT_SIZES);
	matcher->collected = AllocSetContextCreate(context, "paysafe match leaves", ALLOCSET_DEFAULT_SIZES);
	matcher->room = BATCH;
	matcher->batch = MemoryContextAlloc(context, sizeof(Sealed) * BATCH);
	return matcher;
}

void
paysafe_seal_match_end(SealMatcher *matcher)
{
	MemoryContextDelete(matcher->context);
}

static bool
take_transaction(const SealTransaction *transaction, void *arg)
{
	SealMatcher *matcher = arg;

	if (matcher->n >= BATCH && transaction->xid != matcher->batch[matcher->n - 1].transaction.xid)
	{
		matcher->last = false;
		return false;
	}
	if (matcher->n == matcher->room)
	{
		matcher->room *= 2;
		matcher->batch = repalloc(matcher->batch, sizeof(Sealed) * matcher->room);
	}
	matcher->batch[matcher->n++] = (Sealed) {.transaction = *transaction};
	return true;
}

/* Stand before the sealed transactions of the number, if there are any. */
static void
go_to(SealMatcher *matcher, uint64 xid)
{
	if (matcher->read && xid == matcher->xid)
		return;
	MemoryContextReset(matcher->collected);
	matcher->xid = xid;
	while (matcher->at < matcher->n && matcher->batch[matcher->at].transaction.xid < xid)
		matcher->at++;
	if (matcher->at < matcher->n || (matcher->read && matcher->last))
		return;
	matcher->n = 0;
	matcher->at = 0;
	matcher->read = true;
	matcher->last = true;
	paysafe_seal_transaction_visit_xids(xid, take_transaction, matcher);
}

static bool
leaf_hash(SealMatcher *matcher, const SealTransaction *t, int i, TlogHash *hash)
{
	SealReader *reader = NULL;
	ListCell   *lc;
	MemoryContext old;
	bool		found;

	foreach(lc, matcher->readers)
		if (((SealReader *) lfirst(lc))->incarnation == t->incarnation)
			reader = lfirst(lc);
	if (reader == NULL)
	{
		old = MemoryContextSwitchTo(matcher->context);
		reader = paysafe_seal_tile_reader(t->incarnation);
		matcher->readers = lappend(matcher->readers, reader);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(matcher->scratch);
	found = paysafe_seal_tile_hash(reader, 0, t->first + i, hash);
	MemoryContextSwitchTo(old);
	MemoryContextReset(matcher->scratch);
	return found;
}

static HTAB *
collect_leaves(SealMatcher *matcher, const SealTransaction *t)
{
	HASHCTL		ctl = {
		.keysize = sizeof(TlogHash), .entrysize = sizeof(Leaf), .hcxt = matcher->collected
	};
	HTAB	   *leaves = hash_create("paysafe leaves", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	TlogHash	hash;

	for (int i = 0; i < t->rows; i++)
	{
		Leaf	   *leaf;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (!leaf_hash(matcher, t, i, &hash))
			continue;
		leaf = hash_search(leaves, &hash, HASH_ENTER, &found);
		leaf->left = found ? leaf->left + 1 : 1;
	}
	return leaves;
}

static SealPlace
match_in(SealMatcher *matcher, Sealed *sealed, int32 seq, const TlogHash *hash)
{
	const SealTransaction *t = &sealed->transaction;
	TlogHash	own;
	Leaf	   *leaf;

	if (!t->irregular)
	{
		if (seq < 1 || seq > t->rows || !leaf_hash(matcher, t, seq - 1, &own) || !tlog_hash_equal(&own, hash))
			return SEAL_NOWHERE;
		if (sealed->taken == seq)
			return SEAL_TWICE;
		sealed->taken = seq;
		return SEAL_THERE;
	}
	if (sealed->leaves == NULL)
		sealed->leaves = collect_leaves(matcher, t);
	leaf = hash_search(sealed->leaves, hash, HASH_FIND, NULL);
	if (leaf == NULL)
		return SEAL_NOWHERE;
	return leaf->left-- > 0 ? SEAL_THERE : SEAL_TWICE;
}

SealPlace
paysafe_seal_match_row(SealMatcher *matcher, uint64 xid, int32 seq, const TlogHash *hash, const SealTransaction *but)
{
	SealPlace	place = SEAL_NOWHERE;

	go_to(matcher, xid);
	for (int i = matcher->at; i < matcher->n && matcher->batch[i].transaction.xid == xid; i++)
	{
		Sealed	   *sealed = &matcher->batch[i];
		SealPlace	here;

		if (but != NULL && sealed->transaction.incarnation == but->incarnation && sealed->transaction.first == but->first)
			continue;
		here = match_in(matcher, sealed, seq, hash);
		if (here == SEAL_THERE)
			return here;
		if (here == SEAL_TWICE)
			place = here;
	}
	return place;
}

bool
paysafe_seal_match_check(SealMatcher *matcher, uint64 xid, int32 seq, int32 check)
{
	go_to(matcher, xid);
	for (int i = matcher->at; i < matcher->n && matcher->batch[i].transaction.xid == xid; i++)
	{
		const SealTransaction *t = &matcher->batch[i].transaction;
		int			from = t->irregular ? 0 : Max(seq - 1, 0);
		int			to = t->irregular ? t->rows : Min(seq, t->rows);
		TlogHash	hash;

		for (int leaf = from; leaf < to; leaf++)
		{
			CHECK_FOR_INTERRUPTS();
			if (leaf_hash(matcher, t, leaf, &hash) && paysafe_audit_leaf_check_of(hash.bytes) == check)
				return true;
		}
	}
	return false;
}
