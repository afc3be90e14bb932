/*-------------------------------------------------------------------------
 *
 * walk.h
 *	  The leaves of a log in order: hashed, checked, compared with checkpoints.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_WALK_H
#define VERIFY_WALK_H

#include "bin/verify/leaf.h"
#include "bin/verify/trust.h"
#include "tlog/tile.h"

typedef struct Walk
{
	const Trust *trust;
	uint64_t	next;			/* index of the next leaf */
	uint64_t	size;			/* of the log */
	uint64_t	nread;			/* leaves */
	TlogFrontier frontier;		/* without those that wait */
	TlogHash	waiting[TLOG_TILE_WIDTH];	/* until a tile is complete */
	int			nwaiting;
	bool		broken;			/* a leaf could not be had: no root can from there on, */
	uint64_t	broken_at;		/* which is here */
	LeafOrder	order;
	int			nheld;			/* checkpoints of trust->held that were passed */
	uint64_t	agreed;			/* the largest size of which one agreed */
	uint64_t	vouched;		/* and was good */
	uint64_t	held_good;		/* how many of them */
} Walk;

/*
 * From a tree on whose frontier is known: of size 0, or of another.  Of checkpoints
 * of sizes before, nothing is said.
 */
extern void walk_begin(Walk *walk, const Trust *trust, const TlogFrontier *from, uint64_t size);

/* No leaf at all: only checkpoints of this one's size are compared with it. */
extern void walk_nothing(Walk *walk, const Trust *trust, const TlogCheckpoint *checkpoint);

/* The next leaf; where from is a multiple of 256, and so many are waiting, see walk_tile. */
extern void walk_leaf(Walk *walk, const uint8_t *leaf, size_t len, TlogHash *hash);

/* Instead of a leaf that cannot be had: the rest is read without roots. */
extern void walk_missing(Walk *walk);

/* 256 leaves are waiting: the root over them, which are then in the frontier. */
extern void walk_tile(Walk *walk, TlogHash *root);

extern void walk_root(const Walk *walk, TlogHash *out);
extern void walk_end(Walk *walk);

#endif							/* VERIFY_WALK_H */
