/*-------------------------------------------------------------------------
 *
 * folder.h
 *	  A log as a folder of tiles and bundles.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_FOLDER_H
#define VERIFY_FOLDER_H

#include "bin/verify/walk.h"

typedef struct Folder
{
	const char *path;
	uint64_t	size;			/* of the log, as its checkpoint has it */
	FileBuffer	bundle;
	uint64_t	bundle_index;	/* which one that is */
	int			bundle_width;	/* how many leaves of it are of the log; 0: none is read */
	int			bundle_missing; /* how many are not there */
	size_t		bundle_more;	/* bytes after the last one */
	size_t		places[TLOG_TILE_WIDTH + 1];	/* where they begin in it */
	FileBuffer	tile;
	int			tile_level;		/* -2: none is read */
	uint64_t	tile_index;
} Folder;

/* Its own checkpoint goes to those that trust has.  NULL: there is none. */
extern Held *folder_open(Folder *folder, const char *path, Trust *trust);
extern void folder_close(Folder *folder);

/* All of it, or from a size on: whose tree is taken from the tiles and compared with its checkpoint */
extern void folder_walk(Folder *folder, const Trust *trust, uint64_t since, Walk *walk);

/* One leaf; false: it is not there, which is a finding. */
extern bool folder_leaf(Folder *folder, uint64_t index, const uint8_t **leaf, size_t *len);

/* For tlog_inclusion_path and its like, of complete tiles and those of the log's size */
extern bool folder_subtree(void *folder, int level, uint64_t index, TlogHash *out);

#endif							/* VERIFY_FOLDER_H */
