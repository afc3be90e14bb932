/*-------------------------------------------------------------------------
 *
 * run_entry.h
 *	  What runs of the index of the audit log are made of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RUN_ENTRY_H
#define PAYSAFE_RUN_ENTRY_H

#include "postgres.h"

#include "access/xlogdefs.h"
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
	XLogRecPtr	end_lsn;		/* of the last of them, when it was taken in */
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

#endif							/* PAYSAFE_RUN_ENTRY_H */
