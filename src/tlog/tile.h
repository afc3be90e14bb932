/*-------------------------------------------------------------------------
 *
 * tile.h
 *	  Logs as files: tiles of 256 hashes, bundles of 256 leaves (C2SP tlog-tiles).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_TILE_H
#define TLOG_TILE_H

#include "tlog/merkle.h"

#define TLOG_TILE_WIDTH		256
#define TLOG_TILE_HEIGHT	8
#define TLOG_TILE_LEVELS	8		/* of trees up to 2^63 leaves */
#define TLOG_ENTRIES		(-1)	/* as a level: the bundles of leaves */
#define TLOG_LEAF_MAX		65535	/* bytes */
#define TLOG_TILE_PATH_MAX	64		/* characters of a path, with the end */

/* "tile/0/x001/x234/067" or "tile/entries/000.p/112"; width 256: complete.  False: no such tile */
extern bool tlog_tile_path(int level, uint64_t index, int width, char *out);

/* How many hashes a tree of this size has in that tile: 0 to 256 */
extern int	tlog_tile_width(int level, uint64_t index, uint64_t size);

/* Where the root of the complete subtree number index of 2^level leaves comes from: n hashes of one tile */
typedef struct TlogTilePlace
{
	int			level;			/* of the tile */
	uint64_t	index;
	int			first;			/* hash in the tile */
	int			n;				/* a power of two */
} TlogTilePlace;

extern TlogTilePlace tlog_tile_place(int level, uint64_t index);

/* The root over n hashes, a power of two, at most 256 */
extern void tlog_hash_perfect(const TlogHash *hashes, int n, TlogHash *out);

/*
 * The leaves of a bundle, one by one: true and the leaf, until at is len.  False
 * before that: the bundle is torn.
 */
extern bool tlog_bundle_next(const uint8_t *bundle, size_t len, size_t *at, const uint8_t **leaf,
							 size_t *leaf_len);

/* What goes before each leaf in a bundle; false: the leaf is too long */
extern bool tlog_bundle_length(size_t leaf_len, uint8_t out[2]);

#endif							/* TLOG_TILE_H */
