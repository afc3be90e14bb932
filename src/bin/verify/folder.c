/*-------------------------------------------------------------------------
 *
 * folder.c
 *	  A log as a folder of tiles and bundles.
 *
 * Every leaf is hashed and compared with the hash that its tile has, every tile
 * with what the level below says.  Where they differ, whose root was signed says
 * which of the two was changed.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bin/verify/folder.h"
#include "bin/verify/report.h"

#define BUNDLE_MAX	((size_t) TLOG_TILE_WIDTH * (2 + TLOG_LEAF_MAX))
#define TILE_MAX	((size_t) TLOG_TILE_WIDTH * TLOG_HASH_LEN)

/*
 * A tile or bundle of the log's size, or the complete one of a later log: how many
 * hashes or leaves are in it, or 0.
 */
static int
read_tile(Folder *folder, int level, uint64_t index, FileBuffer *out)
{
	size_t		most = level == TLOG_ENTRIES ? BUNDLE_MAX : TILE_MAX;
	int			width = tlog_tile_width(level, index, folder->size);
	int			wide = width;
	char		name[TLOG_TILE_PATH_MAX];
	FileResult	result;

	if (!tlog_tile_path(level, index, width, name))
		return 0;
	result = file_read_in(folder->path, name, most, out);
	if (result == FILE_MISSING && width < TLOG_TILE_WIDTH)
	{
		char		complete[TLOG_TILE_PATH_MAX];

		wide = TLOG_TILE_WIDTH;
		tlog_tile_path(level, index, wide, complete);
		result = file_read_in(folder->path, complete, most, out);
	}
	if (result == FILE_TROUBLE && errno != EFBIG)
		unknown("could not read \"%s/%s\": %s", folder->path, name, strerror(errno));
	if (result == FILE_READ)
		return wide;
	finding("%s: it is %s", name, result == FILE_MISSING ? "missing" : "larger than it can be");
	return 0;
}

static bool
load_tile(Folder *folder, int level, uint64_t index)
{
	int			width;

	if (folder->tile_level == level && folder->tile_index == index)
		return true;
	folder->tile_level = -2;
	width = read_tile(folder, level, index, &folder->tile);
	if (width == 0)
		return false;
	if (folder->tile.len != (size_t) width * TLOG_HASH_LEN)
	{
		finding("tile/%d/%" PRIu64 ": %zu bytes are no tile of %d hashes", level, index, folder->tile.len, width);
		return false;
	}
	folder->tile_level = level;
	folder->tile_index = index;
	return true;
}

static void
tile_hash(const Folder *folder, int at, TlogHash *out)
{
	memcpy(out->bytes, folder->tile.data + (size_t) at * TLOG_HASH_LEN, TLOG_HASH_LEN);
}

bool
folder_subtree(void *arg, int level, uint64_t index, TlogHash *out)
{
	Folder	   *folder = arg;
	TlogTilePlace place = tlog_tile_place(level, index);
	TlogHash	hashes[TLOG_TILE_WIDTH];

	if (place.level >= TLOG_TILE_LEVELS ||
		place.first + place.n > tlog_tile_width(place.level, place.index, folder->size) ||
		!load_tile(folder, place.level, place.index))
		return false;
	for (int i = 0; i < place.n; i++)
		tile_hash(folder, place.first + i, &hashes[i]);
	tlog_hash_perfect(hashes, place.n, out);
	return true;
}

/* The bundle, taken apart: how many leaves of the log are in it */
static int
load_bundle(Folder *folder, uint64_t index)
{
	int			width = tlog_tile_width(TLOG_ENTRIES, index, folder->size);
	const uint8_t *leaf;
	size_t		len;
	size_t		at = 0;
	int			n = 0;
	int			wide;

	if (folder->bundle_width > 0 && folder->bundle_index == index)
		return folder->bundle_width;
	folder->bundle_width = 0;
	wide = read_tile(folder, TLOG_ENTRIES, index, &folder->bundle);
	folder->places[0] = 0;
	while (n < wide && tlog_bundle_next((const uint8_t *) folder->bundle.data, folder->bundle.len, &at, &leaf, &len))
		folder->places[++n] = at;
	folder->bundle_missing = wide == 0 ? 0 : wide - n;
	folder->bundle_more = folder->bundle.len - at;
	folder->bundle_index = index;
	folder->bundle_width = n < width ? n : width;
	return folder->bundle_width;
}

/* Said after what has been said of its leaves */
static void
judge_bundle(const Folder *folder)
{
	uint64_t	first = folder->bundle_index * TLOG_TILE_WIDTH;
	int			wide = tlog_tile_width(TLOG_ENTRIES, folder->bundle_index, folder->size);

	if (folder->bundle_missing > 0)
		finding_at(first + folder->bundle_width, "%d of the leaves from %" PRIu64 " on are missing in their bundle",
				   folder->bundle_missing, first);
	else if (folder->bundle_more > 0 && folder->bundle_width > 0)
		finding_at(first + wide - 1, "after it, its bundle has %zu bytes more", folder->bundle_more);
}

static void
bundle_leaf(const Folder *folder, int at, const uint8_t **leaf, size_t *len)
{
	*leaf = (const uint8_t *) folder->bundle.data + folder->places[at] + 2;
	*len = folder->places[at + 1] - folder->places[at] - 2;
}

bool
folder_leaf(Folder *folder, uint64_t index, const uint8_t **leaf, size_t *len)
{
	bool		known = folder->bundle_width > 0 && folder->bundle_index == index / TLOG_TILE_WIDTH;
	int			n = load_bundle(folder, index / TLOG_TILE_WIDTH);

	if (!known)
		judge_bundle(folder);
	if ((int) (index % TLOG_TILE_WIDTH) >= n)
		return false;
	bundle_leaf(folder, index % TLOG_TILE_WIDTH, leaf, len);
	return true;
}

Held *
folder_open(Folder *folder, const char *path, Trust *trust)
{
	FileBuffer	text = {0};
	Held	   *held;

	memset(folder, 0, sizeof(*folder));
	folder->path = path;
	folder->tile_level = -2;
	switch (file_read_in(path, "checkpoint", TLOG_NOTE_MAX, &text))
	{
		case FILE_READ:
			break;
		case FILE_MISSING:
			return NULL;
		case FILE_TROUBLE:
			unknown("could not read \"%s/checkpoint\": %s", path, strerror(errno));
	}
	held = trust_held(trust, "checkpoint", &text);
	if (held == NULL)
	{
		finding("checkpoint: it is none");
		unknown("\"%s/checkpoint\" is no checkpoint", path);
	}
	return held;
}

void
folder_close(Folder *folder)
{
	file_free(&folder->bundle);
	file_free(&folder->tile);
}

/* Walking */

typedef struct Levels
{
	TlogHash	hashes[TLOG_TILE_LEVELS][TLOG_TILE_WIDTH];	/* above the leaves: of tiles that are not complete */
	int			n[TLOG_TILE_LEVELS];
	bool		tiles_differ;
	TlogFrontier by_tiles;		/* the tree that the tiles have, once they differ */
} Levels;

static bool
stored(const Folder *folder, const TlogHash *hash, int at)
{
	return memcmp(folder->tile.data + (size_t) at * TLOG_HASH_LEN, hash->bytes, TLOG_HASH_LEN) == 0;
}

/* How the first leaf that differs came to be where it is */
static void
explain(const Folder *folder, const Walk *walk, uint64_t first, int at, int n)
{
	const TlogHash *hashes = walk->waiting;
	int			width = folder->tile.len / TLOG_HASH_LEN;
	char		what[LEAF_TEXT_MAX];
	const uint8_t *leaf;
	size_t		len;
	int			other;

	bundle_leaf(folder, at, &leaf, &len);
	leaf_text(leaf, len, what);
	for (other = at + 1; other < n; other++)
		if (stored(folder, &hashes[at], other) && stored(folder, &hashes[other], at))
			break;
	if (other < n)
		finding_at(first + at, "%s is the leaf %" PRIu64 ", and that one stands here: they were swapped",
				   what, first + other);
	else if (at + 1 < width && stored(folder, &hashes[at], at + 1))
		finding_at(first + at, "%s is the leaf %" PRIu64 ": the one before it was taken out", what,
				   first + at + 1);
	else if (at + 1 < n && stored(folder, &hashes[at + 1], at))
		finding_at(first + at, "%s was put in", what);
	else
		finding_at(first + at, "%s is not what its tile has the hash of", what);
}

/* The hashes of a bundle's leaves, which are waiting, and those of the tile over them */
static void
compare_leaves(Folder *folder, const Walk *walk, Levels *levels, uint64_t index, int n)
{
	bool		there = load_tile(folder, 0, index);
	bool		said = false;

	if (!there && !levels->tiles_differ)
		return;
	for (int at = 0; at < n; at++)
	{
		TlogHash	hash = walk->waiting[at];

		if (there && !said && !stored(folder, &hash, at))
		{
			explain(folder, walk, index * TLOG_TILE_WIDTH, at, n);
			said = true;
			if (!levels->tiles_differ)
			{
				levels->tiles_differ = true;
				levels->by_tiles = walk->frontier;
				for (int before = 0; before < at; before++)
					tlog_frontier_add(&levels->by_tiles, &walk->waiting[before]);
			}
		}
		if (there)
			tile_hash(folder, at, &hash);
		if (levels->tiles_differ)
			tlog_frontier_add(&levels->by_tiles, &hash);
	}
}

static void
compare_tile(Folder *folder, Levels *levels, int level, uint64_t index)
{
	if (levels->n[level] == 0 || !load_tile(folder, level, index))
		return;
	for (int at = 0; at < levels->n[level]; at++)
		if (!stored(folder, &levels->hashes[level][at], at))
		{
			finding("tile/%d/%" PRIu64 ": its hash %d is not the root of the tile below", level, index, at);
			return;
		}
}

/* A tile of the level below is complete, with this root. */
static void
add_root(Folder *folder, Levels *levels, int level, uint64_t index, const TlogHash *root)
{
	TlogHash	sum = *root;

	for (; level < TLOG_TILE_LEVELS; level++, index /= TLOG_TILE_WIDTH)
	{
		levels->hashes[level][levels->n[level]++] = sum;
		if (levels->n[level] < TLOG_TILE_WIDTH)
			return;
		compare_tile(folder, levels, level, index / TLOG_TILE_WIDTH);
		tlog_hash_perfect(levels->hashes[level], TLOG_TILE_WIDTH, &sum);
		levels->n[level] = 0;
	}
}

/* What the levels above hold when the walk begins with this leaf, out of the tiles */
static bool
begin_levels(Folder *folder, Levels *levels, uint64_t begin, TlogFrontier *frontier)
{
	memset(levels, 0, sizeof(*levels));
	tlog_frontier_init(frontier);
	for (int level = 63; level >= 0; level--)
		if (begin >> level & 1)
		{
			if (!folder_subtree(folder, level, (begin >> level) - 1, &frontier->hashes[level]))
				return false;
		}
	frontier->size = begin;
	for (int level = 1; level < TLOG_TILE_LEVELS; level++)
	{
		uint64_t	hashes = begin >> (level * TLOG_TILE_HEIGHT);

		levels->n[level] = hashes % TLOG_TILE_WIDTH;
		for (int at = 0; at < levels->n[level]; at++)
			if (!folder_subtree(folder, level * TLOG_TILE_HEIGHT, hashes - levels->n[level] + at,
								&levels->hashes[level][at]))
				return false;
	}
	return true;
}

/* Both trees are read: whose is the one that was signed? */
static void
blame(const Walk *walk, const Levels *levels)
{
	TlogHash	by_leaves;
	TlogHash	by_tiles;

	if (!levels->tiles_differ || levels->by_tiles.size != walk->size)
		return;
	walk_root(walk, &by_leaves);
	tlog_frontier_root(&levels->by_tiles, &by_tiles);
	for (int i = walk->trust->nheld - 1; i >= 0; i--)
	{
		const Held *held = walk->trust->held[i];

		if (held->checkpoint.size != walk->size || !held->good)
			continue;
		if (tlog_hash_equal(&held->checkpoint.root, &by_tiles))
			finding("%s: the tiles have the root of this checkpoint: the leaves were changed", held->name);
		else if (tlog_hash_equal(&held->checkpoint.root, &by_leaves))
			finding("%s: the leaves have the root of this checkpoint: the tiles were changed", held->name);
		return;
	}
}

void
folder_walk(Folder *folder, const Trust *trust, uint64_t since, Walk *walk)
{
	static Levels levels;
	TlogFrontier frontier;
	uint64_t	begin = since - since % TLOG_TILE_WIDTH;

	if (!begin_levels(folder, &levels, begin, &frontier))
	{
		finding("the tree of the first %" PRIu64 " leaves cannot be had from the tiles", begin);
		tlog_frontier_init(&frontier);
		begin = 0;
		memset(&levels, 0, sizeof(levels));
	}
	walk_begin(walk, trust, &frontier, folder->size);
	for (uint64_t index = begin / TLOG_TILE_WIDTH; index * TLOG_TILE_WIDTH < folder->size; index++)
	{
		int			n = load_bundle(folder, index);
		TlogHash	hash;

		for (int at = 0; at < n; at++)
		{
			const uint8_t *leaf;
			size_t		len;

			bundle_leaf(folder, at, &leaf, &len);
			walk_leaf(walk, leaf, len, &hash);
		}
		compare_leaves(folder, walk, &levels, index, n);
		judge_bundle(folder);
		/* what comes after leaves that are missing has no place */
		if (n < tlog_tile_width(0, index, folder->size))
			break;
		if (n == TLOG_TILE_WIDTH)
		{
			walk_tile(walk, &hash);
			add_root(folder, &levels, 1, index, &hash);
		}
	}
	if (walk->next == folder->size)
		for (int level = 1; level < TLOG_TILE_LEVELS; level++)
			compare_tile(folder, &levels, level, (folder->size >> (level * TLOG_TILE_HEIGHT)) / TLOG_TILE_WIDTH);
	blame(walk, &levels);
	walk_end(walk);
}
