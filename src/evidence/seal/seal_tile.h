/*-------------------------------------------------------------------------
 *
 * seal_tile.h
 *	  The tree of a log in tiles of 256 hashes: adding leaves, reading hashes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_TILE_H
#define PAYSAFE_SEAL_TILE_H

#include "storage/itemptr.h"

#include "tlog/merkle.h"

#define SEAL_TILE_HEIGHT	8
#define SEAL_TILE_WIDTH		256
#define SEAL_LEVELS			8	/* of tiles; 2^64 leaves */

/* The last tile of a level, not complete. */
typedef struct SealTile
{
	uint64		index;
	int			n;				/* hashes */
	bool		stored;			/* the table has a row of it, */
	ItemPointerData tid;		/* here */
	bool		dirty;			/* which lacks some of the hashes */
	TlogHash	hashes[SEAL_TILE_WIDTH];
} SealTile;

/* A tree that grows; 66 kB. */
typedef struct SealTree
{
	int32		incarnation;
	uint64		size;
	bool		kept;			/* tiles go to the table; false: compared with it */
	uint64		differs;		/* not kept: the first leaf below a tile that is not what the table has, or size + 1 */
	SealTile	tiles[SEAL_LEVELS];
} SealTree;

/*
 * The tree with so many leaves, from the table.  Raises XX001 if a tile is missing or
 * too short.  With 0 leaves: a new one.
 */
extern void paysafe_seal_tile_load(SealTree *tree, int32 incarnation, uint64 size);

/* One more leaf.  Tiles that are complete go to the table. */
extern void paysafe_seal_tile_add(SealTree *tree, const TlogHash *leaf_hash);

/* Write what has changed of the tiles that are not complete. */
extern void paysafe_seal_tile_save(SealTree *tree);

/* The roots of its complete subtrees. */
extern void paysafe_seal_tile_frontier(const SealTree *tree, TlogFrontier *frontier);

/* A tile as the table has it; returns how many hashes it has, 0: there is none. */
extern int	paysafe_seal_tile_read(int32 incarnation, int level, uint64 index, TlogHash *hashes);

/* How many leaves the incarnation's tiles have; 0: it has none. */
extern uint64 paysafe_seal_tile_size(int32 incarnation);

/* Reads hashes of a tree; remembers a tile of each level. */
typedef struct SealReader
{
	int32		incarnation;
	int			n[SEAL_LEVELS]; /* hashes of the tile that is remembered; 0: none */
	uint64		index[SEAL_LEVELS];
	TlogHash	hashes[SEAL_LEVELS][SEAL_TILE_WIDTH];
} SealReader;

extern SealReader *paysafe_seal_tile_reader(int32 incarnation);

/* For functions of tlog/merkle.h; arg is a SealReader. */
extern bool paysafe_seal_tile_hash(void *arg, int level, uint64_t index, TlogHash *out);

/* The root of n hashes, a power of two. */
extern void paysafe_seal_tile_root(const TlogHash *hashes, int n, TlogHash *out);

#endif							/* PAYSAFE_SEAL_TILE_H */
