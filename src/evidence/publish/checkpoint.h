/*-------------------------------------------------------------------------
 *
 * checkpoint.h
 *	  Signed checkpoints, as they are stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CHECKPOINT_H
#define PAYSAFE_CHECKPOINT_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "tlog/merkle.h"

/* A row of paysafe.seal_checkpoint; palloc'd. */
typedef struct Checkpoint
{
	int			incarnation;
	int64		size;
	TlogHash	root;
	TimestampTz at;
	char	   *note;			/* as signed */
	bool		published;
	TlogHash	chain;			/* see the column's comment */
	int			cosignatures;
	ItemPointerData tid;
} Checkpoint;

/* The largest one of the incarnation; false if there is none. */
extern bool paysafe_checkpoint_last(int incarnation, Checkpoint *out);

/* That of this size, or the smallest of at least this size; false if there is none. */
extern bool paysafe_checkpoint_find(int incarnation, int64 size, Checkpoint *out);
extern bool paysafe_checkpoint_from(int incarnation, int64 size, Checkpoint *out);

/* The largest one that is smaller than that. */
extern bool paysafe_checkpoint_before(int incarnation, int64 size, Checkpoint *out);

/* Has one of the incarnation been published? */
extern bool paysafe_checkpoint_any_published(int incarnation);

extern void paysafe_checkpoint_add(const Checkpoint *checkpoint);

/* The chain after a note; before: that of the checkpoint before, or NULL: there was none. */
extern void paysafe_checkpoint_chain(const TlogHash *before, const char *note, TlogHash *out);

/* The last one of the incarnation, or of the newest before it that has any. */
extern bool paysafe_checkpoint_last_up_to(int incarnation, Checkpoint *out);

/*
 * Of the last so many checkpoints of the incarnation: is one missing or changed, or a
 * cosignature of one?  NULL, or what is wrong; palloc'd.
 */
extern char *paysafe_checkpoint_trouble(int incarnation, int64 most);
extern void paysafe_checkpoint_set_published(const Checkpoint *checkpoint);

/* The note with the cosignatures that are there; palloc'd. */
extern char *paysafe_checkpoint_cosigned(const Checkpoint *checkpoint);

/* So many were added. */
extern void paysafe_checkpoint_count_cosignatures(const Checkpoint *checkpoint, int added);

/* Add a cosignature; false if the line is there already. */
extern bool paysafe_checkpoint_add_cosignature(const Checkpoint *checkpoint, const char *line,
											   const char *witness);

#endif							/* PAYSAFE_CHECKPOINT_H */
