/*-------------------------------------------------------------------------
 *
 * run.h
 *	  Runs: sorted pieces of the index of the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RUN_H
#define PAYSAFE_RUN_H

#include "postgres.h"

#include "storage/block.h"

/*
 * Blocks of a partition's file.  A run numbers the blocks of its extents through, from
 * 0 on: that number is a place.  As it is stored: only this database reads it.
 */
typedef struct RunExtent
{
	Oid			partition;
	Oid			filenode;
	BlockNumber first;
	uint32		nblocks;
} RunExtent;

/* What rows are looked for by: term.h has the kinds. */
typedef struct AuditTerm
{
	int			kind;			/* less than 32 */
	uint32		hash;
} AuditTerm;

/* An entry: the block at this place has a row with this term. */
typedef uint64 RunEntry;

static inline RunEntry
run_entry(uint32 term, uint32 place)
{
	return (uint64) term << 32 | place;
}

/* Store entries as a run, of terms of these kinds (bits); they are sorted in place. */
extern void paysafe_run_add(const RunExtent *extents, int nextents, uint32 kinds,
							RunEntry *entries, int64 n);

/*
 * Make one of many runs of a size, and remove what is of files that are gone.  Runs
 * are added and merged under a lock that the caller holds.
 */
extern void paysafe_run_merge(void);

/* What runs say: a block of a file has a row with a term. */
typedef struct RunMention
{
	Oid			partition;
	Oid			filenode;
	BlockNumber block;
	AuditTerm	term;
} RunMention;

/* Make all runs say none of it any more, under the same lock. */
extern void paysafe_run_forget(const RunMention *mentions, int n);

#endif							/* PAYSAFE_RUN_H */
