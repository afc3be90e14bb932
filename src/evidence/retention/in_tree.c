/*-------------------------------------------------------------------------
 *
 * in_tree.c
 *	  What the tree has, and so may leave.
 *
 * Asked is the tree itself, not how far it has come: rows that a dump brought are
 * in it, too, whatever the numbers of their transactions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/crypto.h"
#include "evidence/retention/in_tree.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_tile.h"
#include "evidence/seal/seal_transaction.h"

struct InTree
{
	MemoryContext context;		/* of the next two */
	uint64		xid;			/* the transaction that was looked up last; 0: none */
	List	   *transactions;	/* of SealTransaction */
	MemoryContext readers_context;
	List	   *readers;		/* of SealReader, one of each incarnation */
	uint64		watermark;
};

InTree *
paysafe_in_tree_begin(void)
{
	InTree	   *sealed = palloc0(sizeof(InTree));
	SealState	state;

	paysafe_seal_state_read(&state);
	sealed->watermark = state.found && state.here ? state.watermark : 0;
	sealed->readers_context = CurrentMemoryContext;
	sealed->context = AllocSetContextCreate(CurrentMemoryContext, "paysafe sealed", ALLOCSET_SMALL_SIZES);
	return sealed;
}

static void
look_up(InTree *sealed, uint64 xid)
{
	MemoryContext old;

	if (sealed->xid == xid)
		return;
	MemoryContextReset(sealed->context);
	old = MemoryContextSwitchTo(sealed->context);
	sealed->transactions = paysafe_seal_transaction_of_xid(xid);
	MemoryContextSwitchTo(old);
	sealed->xid = xid;
}

static SealReader *
reader_of(InTree *sealed, int32 incarnation)
{
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, sealed->readers)
		if (((SealReader *) lfirst(lc))->incarnation == incarnation)
			return lfirst(lc);
	old = MemoryContextSwitchTo(sealed->readers_context);
	sealed->readers = lappend(sealed->readers, paysafe_seal_tile_reader(incarnation));
	MemoryContextSwitchTo(old);
	return llast(sealed->readers);
}

bool
paysafe_in_tree_find(InTree *sealed, uint64 xid, int32 seq, const uint8 *leaf_hash,
					int32 *incarnation, uint64 *index)
{
	ListCell   *lc;

	look_up(sealed, xid);
	foreach(lc, sealed->transactions)
	{
		const SealTransaction *transaction = lfirst(lc);
		SealReader *reader = reader_of(sealed, transaction->incarnation);
		/* the number of a row says where it is, unless they are not 1, 2, 3, ... */
		int			from = transaction->irregular ? 0 : Max(seq - 1, 0);
		int			to = transaction->irregular ? transaction->rows : Min(seq, transaction->rows);

		for (int i = from; i < to; i++)
		{
			TlogHash	hash;

			if (paysafe_seal_tile_hash(reader, 0, transaction->first + i, &hash) &&
				memcmp(hash.bytes, leaf_hash, PAYSAFE_SHA256_LEN) == 0)
			{
				*incarnation = transaction->incarnation;
				*index = transaction->first + i;
				return true;
			}
		}
	}
	return false;
}

InTreeAnswer
paysafe_in_tree_has(InTree *sealed, uint64 xid, int32 seq, const uint8 *leaf_hash)
{
	int32		incarnation;
	uint64		index;

	if (paysafe_in_tree_find(sealed, xid, seq, leaf_hash, &incarnation, &index))
		return SEALED_SO;
	return xid < sealed->watermark ? SEALED_OTHERWISE : SEALED_NOT_YET;
}
