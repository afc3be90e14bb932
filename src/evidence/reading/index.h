/*-------------------------------------------------------------------------
 *
 * index.h
 *	  The index of the audit log, which its writers need not wait for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_INDEX_H
#define PAYSAFE_INDEX_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "nodes/pg_list.h"
#include "storage/block.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/*
 * Take rows that have been written since into the index; returns how many.  Unless it
 * is all of them, some hundred thousand at most, and 0 also if somebody else is at it:
 * whoever works in the background calls it, each time in a transaction of its own, and
 * again at once if it has been so many.
 */
extern int64 paysafe_audit_index_step(bool all);

/* Who fills the index, or changes it; until the end of the transaction.  False: nowait, and somebody is at it. */
extern bool paysafe_audit_index_lock(bool nowait);

/* How far a partition is in the index. */
typedef struct IndexProgress
{
	Oid			partition;
	Oid			filenode;
	BlockNumber indexed;		/* its blocks before this one */
	XLogRecPtr	end_lsn;		/* of the last of them, then */
	BlockNumber seen;			/* blocks that it had when ... */
	uint64		seen_xid;		/* ... this was the next transaction */
	ItemPointerData tid;
} IndexProgress;

/* All of them, as the snapshot sees them: of IndexProgress. */
extern List *paysafe_audit_index_progress(Snapshot snapshot);

/* The first block of the partition that is not in the index as it is now. */
extern BlockNumber paysafe_audit_index_end(const List *progress, Relation partition);

#endif							/* PAYSAFE_INDEX_H */
