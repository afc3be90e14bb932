/*-------------------------------------------------------------------------
 *
 * tile.c
 *	  Logs as files: tiles of 256 hashes, bundles of 256 leaves (C2SP tlog-tiles).
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlog/tile.h"

bool
tlog_tile_path(int level, uint64_t index, int width, char *out)
{
	char		number[24];
	size_t		digits;
	int			n;

	if (level < TLOG_ENTRIES || level >= TLOG_TILE_LEVELS || width < 1 || width > TLOG_TILE_WIDTH ||
		index > INT64_MAX)
		return false;
	n = level == TLOG_ENTRIES ? snprintf(out, TLOG_TILE_PATH_MAX, "tile/entries/")
		: snprintf(out, TLOG_TILE_PATH_MAX, "tile/%d/", level);
	/* groups of three digits, all but the last with an x before them */
	snprintf(number, sizeof(number), "%021" PRIu64, index);
	digits = strspn(number, "0");
	for (size_t at = digits > 18 ? 18 : digits / 3 * 3; at < 21; at += 3)
		n += snprintf(out + n, TLOG_TILE_PATH_MAX - n, "%s%.3s%s", at < 18 ? "x" : "", number + at,
					  at < 18 ? "/" : "");
	if (width < TLOG_TILE_WIDTH)
		snprintf(out + n, TLOG_TILE_PATH_MAX - n, ".p/%d", width);
	return true;
}

int
tlog_tile_width(int level, uint64_t index, uint64_t size)
{
	int			shift = level > 0 ? level * TLOG_TILE_HEIGHT : 0;
	uint64_t	hashes = shift < 64 ? size >> shift : 0;

	if (hashes / TLOG_TILE_WIDTH > index)
		return TLOG_TILE_WIDTH;
	return hashes / TLOG_TILE_WIDTH == index ? hashes % TLOG_TILE_WIDTH : 0;
}

TlogTilePlace
tlog_tile_place(int level, uint64_t index)
{
	TlogTilePlace place;
	int			height = level % TLOG_TILE_HEIGHT;

	place.level = level / TLOG_TILE_HEIGHT;
	place.n = 1 << height;
	place.index = index >> (TLOG_TILE_HEIGHT - height);
	place.first = (index & ((UINT64_C(1) << (TLOG_TILE_HEIGHT - height)) - 1)) << height;
	return place;
}

void
tlog_hash_perfect(const TlogHash *hashes, int n, TlogHash *out)
{
	TlogHash	sums[TLOG_TILE_WIDTH / 2];

	if (n == 1)
	{
		*out = hashes[0];
		return;
	}
	for (int i = 0; i < n / 2; i++)
		tlog_hash_node(&hashes[2 * i], &hashes[2 * i + 1], &sums[i]);
	for (n /= 2; n > 1; n /= 2)
		for (int i = 0; i < n / 2; i++)
			tlog_hash_node(&sums[2 * i], &sums[2 * i + 1], &sums[i]);
	*out = sums[0];
}

bool
tlog_bundle_next(const uint8_t *bundle, size_t len, size_t *at, const uint8_t **leaf, size_t *leaf_len)
{
	size_t		n;

	if (*at > len || len - *at < 2)
		return false;
	n = (size_t) bundle[*at] << 8 | bundle[*at + 1];
	if (n > len - *at - 2)
		return false;
	*leaf = bundle + *at + 2;
	*leaf_len = n;
	*at += 2 + n;
	return true;
}

bool
tlog_bundle_length(size_t leaf_len, uint8_t out[2])
{
	out[0] = leaf_len >> 8 & 0xFF;
	out[1] = leaf_len & 0xFF;
	return leaf_len <= TLOG_LEAF_MAX;
}
