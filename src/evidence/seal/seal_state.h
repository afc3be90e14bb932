/*-------------------------------------------------------------------------
 *
 * seal_state.h
 *	  How far the log is sealed, and which incarnation of it that is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_STATE_H
#define PAYSAFE_SEAL_STATE_H

#include "access/htup.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "storage/itemptr.h"

#include "evidence/seal/seal_tile.h"
#include "tlog/merkle.h"

/* Columns of paysafe.seal_log. */
enum
{
	SEAL_LOG_INCARNATION, SEAL_LOG_ORIGIN, SEAL_LOG_SYSTEM_IDENTIFIER, SEAL_LOG_DATABASE,
	SEAL_LOG_OPENED_AT, SEAL_LOG_OPENED_BY, SEAL_LOG_REASON, SEAL_LOG_LAST_CHECKPOINT,
	SEAL_LOG_NCOLUMNS
};

/* The row of paysafe.seal_state. */
typedef struct SealState
{
	bool		found;
	const char *trouble;		/* what is wrong with the row by itself, or NULL */
	bool		here;			/* written in this database, not in one that it is a copy of */
	ItemPointerData tid;
	int32		incarnation;
	uint64		size;
	uint64		watermark;		/* every row of an older transaction is sealed */
	uint64		foreign_until;	/* or 0; see the column's comment */
	TlogFrontier frontier;
	TlogHash	root;
	TimestampTz sealed_at;
	XLogRecPtr	looked_lsn;		/* what was written before it, by transactions */
	uint64		looked_below;	/* before this one, has been looked at for strays */
} SealState;

/* Read the newest row, as committed now; without size, frontier and root if there is trouble. */
extern void paysafe_seal_state_read(SealState *state);

/*
 * The tree of the state, from its tiles.  Raises XX001 if state and tiles do not agree.
 */
extern void paysafe_seal_state_tree(const SealState *state, SealTree *tree);

/* Write the tree's tiles, and the state with it: size, frontier and root are the tree's. */
extern void paysafe_seal_state_write(SealState *state, SealTree *tree);

/*
 * Only one session at a time seals, opens incarnations, or does what must not happen
 * meanwhile; until the end of the transaction.  False: nowait, and there is another one.
 */
extern bool paysafe_seal_state_lock(bool nowait);

/*
 * A new incarnation: its row of paysafe.seal_log, and a tree with that as its first leaf.
 * The state is not written yet; its watermark stays.  by: who, reason: why;
 * last_checkpoint may be NULL.
 */
extern void paysafe_seal_state_open(SealState *state, SealTree *tree, const char *by,
									const char *reason, const char *last_checkpoint);

/* The first leaf of an incarnation, from its row of paysafe.seal_log; false if there is none. */
extern bool paysafe_seal_state_opening(int32 incarnation, StringInfo leaf);

/* What an incarnation's row says of the one before, or NULL; palloc'd. */
extern char *paysafe_seal_state_before(int32 incarnation);

/* The name of an incarnation, or NULL; palloc'd. */
extern char *paysafe_seal_state_origin(int32 incarnation);

/* The newest incarnation of paysafe.seal_log, or 0. */
extern int32 paysafe_seal_state_newest(void);

#endif							/* PAYSAFE_SEAL_STATE_H */
