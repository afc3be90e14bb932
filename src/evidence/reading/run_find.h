/*-------------------------------------------------------------------------
 *
 * run_find.h
 *	  Searching runs of the index of the audit log, and what they are good for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RUN_FIND_H
#define PAYSAFE_RUN_FIND_H

#include "postgres.h"

#include "utils/snapshot.h"

#include "evidence/reading/run_entry.h"

/* Blocks of which runs know what was in them. */
typedef struct RunCover
{
	int			n;
	RunExtent  *extents;
} RunCover;

/*
 * Blocks that may have a row with one of the terms, in no order; some come twice.  Returns
 * the blocks of which that was found out, for each run: not those of one of which a chunk is
 * missing.  The last of an extent may have got more rows since, which a later run has.
 */
typedef void (*RunVisitor) (const RunExtent *extent, BlockNumber block, void *arg);
extern RunCover paysafe_run_find(Snapshot snapshot, const AuditTerm *terms, int nterms,
								 RunVisitor visitor, void *arg);

/* Sort the extents, and join those that meet. */
extern void paysafe_run_cover_join(RunCover *cover);

/* The blocks of runs of which no chunk is missing, joined. */
extern RunCover paysafe_run_cover(Snapshot snapshot);

/* The first block of the file from one on that is not among them. */
extern BlockNumber paysafe_run_cover_end(const RunCover *cover, Oid partition, Oid filenode, BlockNumber from);

#endif							/* PAYSAFE_RUN_FIND_H */
