/*-------------------------------------------------------------------------
 *
 * progress.h
 *	  How far a session has come that looks at the rows of a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PROGRESS_H
#define PAYSAFE_PROGRESS_H

#include "nodes/pg_list.h"
#include "storage/block.h"
#include "storage/itemptr.h"

typedef enum ProgressPhase
{
	PROGRESS_READING,
	PROGRESS_ADDING_UP,			/* what the rows are together */
	PROGRESS_LOOKING_AGAIN		/* at what has changed meanwhile */
} ProgressPhase;

/* Rows of these tables, which are locked, are looked at for a rule of this kind. */
extern void paysafe_progress_begin(Oid relid, const char *kind, List *leaves);

/* The next of them. */
extern void paysafe_progress_table(void);

/* So many blocks of it were done before. */
extern void paysafe_progress_skip(BlockNumber blocks);

/* A row of it, and how many have been found wrong so far. */
extern void paysafe_progress_row(ItemPointer tid, int64 faults);

extern void paysafe_progress_phase(ProgressPhase phase);
extern void paysafe_progress_end(void);

#endif							/* PAYSAFE_PROGRESS_H */
