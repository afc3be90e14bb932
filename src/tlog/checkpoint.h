/*-------------------------------------------------------------------------
 *
 * checkpoint.h
 *	  Checkpoints: the text of a note that says how large a log is and what its
 *	  root is (C2SP tlog-checkpoint).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_CHECKPOINT_H
#define TLOG_CHECKPOINT_H

#include "tlog/text.h"

#define TLOG_ORIGIN_MAX		255
#define TLOG_CHECKPOINT_MAX	(TLOG_ORIGIN_MAX + 80)	/* bytes of what is written here, with the end */

typedef struct TlogCheckpoint
{
	TlogText	origin;
	uint64_t	size;			/* not 0: of an empty log nothing is said */
	TlogHash	root;
	TlogText	extension;		/* lines after these three, mostly none */
} TlogCheckpoint;

/* From the text of a note, without its signatures */
extern bool tlog_checkpoint_parse(TlogText text, TlogCheckpoint *out);

/* The length, or -1 */
extern long tlog_checkpoint_write(const char *origin, uint64_t size, const TlogHash *root, char *out,
								  size_t room);

#endif							/* TLOG_CHECKPOINT_H */
