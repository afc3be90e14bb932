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

#include "evidence/reading/run_entry.h"

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
