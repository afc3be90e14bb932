/*-------------------------------------------------------------------------
 *
 * tree_test.c
 *	  Trees and tiles against RFC 6962's own words, for every size up to SIZES.
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "tlog/tile.h"

#ifndef SIZES
#define SIZES	300
#endif
#define ALL		64				/* up to here, every proof is tried for every leaf */

static TlogHash leaves[SIZES];
static TlogHash roots[SIZES + 1];

static int
split(int n)
{
	int			k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

/* MTH of section 2.1 over n leaves from begin on */
static void
mth(int begin, int n, TlogHash *out)
{
	TlogHash	left;
	TlogHash	right;
	int			k;

	if (n == 0)
		tlog_hash_bytes("", 0, out);
	else if (n == 1)
		*out = leaves[begin];
	else
	{
		k = split(n);
		mth(begin, k, &left);
		mth(begin + k, n - k, &right);
		tlog_hash_node(&left, &right, out);
	}
}

/* PATH of section 2.1.1 */
static int
path_of(int m, int begin, int n, TlogHash *out)
{
	int			k;
	int			len;

	if (n == 1)
		return 0;
	k = split(n);
	if (m < k)
	{
		len = path_of(m, begin, k, out);
		mth(begin + k, n - k, &out[len]);
	}
	else
	{
		len = path_of(m - k, begin + k, n - k, out);
		mth(begin, k, &out[len]);
	}
	return len + 1;
}

/* SUBPROOF of section 2.1.2 */
static int
subproof(int m, int begin, int n, bool whole, TlogHash *out)
{
	int			k;
	int			len;

	if (m == n)
	{
		if (!whole)
			mth(begin, n, out);
		return whole ? 0 : 1;
	}
	k = split(n);
	if (m <= k)
	{
		len = subproof(m, begin, k, whole, out);
		mth(begin + k, n - k, &out[len]);
	}
	else
	{
		len = subproof(m - k, begin + k, n - k, false, out);
		mth(begin, k, &out[len]);
	}
	return len + 1;
}

static bool
read_subtree(void *arg, int level, uint64_t index, TlogHash *out)
{
	int		   *left = arg;

	if (left != NULL && (*left)-- == 0)
		return false;
	mth(index << level, 1 << level, out);
	return true;
}

/* The trees of certificate-transparency-go's reference */
static void
test_vectors(void)
{
	static const char *const inputs[] = {"", "\0", "\x10", "\x20\x21", "\x30\x31", "\x40\x41\x42\x43",
	"\x50\x51\x52\x53\x54\x55\x56\x57", "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
	static const int lengths[] = {0, 1, 1, 2, 2, 4, 8, 16};
	static const char *const expected[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
	};
	TlogFrontier f;
	TlogHash	hash;
	char		hex[65];

	tlog_frontier_init(&f);
	for (int n = 0; n <= 8; n++)
	{
		tlog_frontier_root(&f, &hash);
		for (int i = 0; i < TLOG_HASH_LEN; i++)
			sprintf(hex + 2 * i, "%02x", hash.bytes[i]);
		CHECK(strcmp(hex, expected[n]) == 0, "root of %d leaves: %s", n, hex);
		if (n < 8)
		{
			tlog_hash_leaf(inputs[n], lengths[n], &hash);
			tlog_frontier_add(&f, &hash);
		}
	}
}

static void
test_inclusion(int size)
{
	TlogHash	path[TLOG_PATH_MAX + 1];
	TlogHash	expected[TLOG_PATH_MAX];
	int			n;

	for (int i = 0; i < size; i++)
	{
		n = tlog_inclusion_path(i, size, read_subtree, NULL, path);
		CHECK(n == path_of(i, 0, size, expected) && memcmp(path, expected, n * sizeof(TlogHash)) == 0,
			  "path of %d in %d", i, size);
		CHECK(tlog_verify_inclusion(i, size, &leaves[i], path, n, &roots[size]), "%d in %d", i, size);
		for (int other = 0; other < size; other++)
			if (other != i && (size <= ALL || abs(other - i) == 1))
			{
				CHECK(!tlog_verify_inclusion(other, size, &leaves[i], path, n, &roots[size]),
					  "the proof of %d shows it as %d of %d", i, other, size);
				CHECK(!tlog_verify_inclusion(i, size, &leaves[other], path, n, &roots[size]),
					  "the proof of %d shows leaf %d in %d", i, other, size);
			}
		for (int other = size - 1; other <= size + 1; other++)
			if (other > i && other <= SIZES && other != size)
				CHECK(!tlog_verify_inclusion(i, other, &leaves[i], path, n, &roots[other]),
					  "the proof of %d in %d holds in %d", i, size, other);
		path[n] = roots[size];
		CHECK(!tlog_verify_inclusion(i, size, &leaves[i], path, n + 1, &roots[size]), "a hash too many");
		CHECK(!tlog_verify_inclusion(i, size, &leaves[i], path, n - 1, &roots[size]), "a hash too few");
		for (int at = 0; at < n; at++)
		{
			path[at].bytes[at % 32] ^= 1;
			CHECK(!tlog_verify_inclusion(i, size, &leaves[i], path, n, &roots[size]), "changed at %d", at);
			path[at].bytes[at % 32] ^= 1;
		}
	}
	CHECK(tlog_inclusion_path(size, size, read_subtree, NULL, path) == -1, "a leaf too many");
	CHECK(!tlog_verify_inclusion(size, size, &leaves[0], path, 0, &leaves[0]), "a leaf too many");
}

static void
test_consistency(int size)
{
	TlogHash	path[TLOG_CONSISTENCY_MAX + 1];
	TlogHash	expected[TLOG_CONSISTENCY_MAX];
	TlogFrontier f;
	int			n;

	for (int old = 1; old <= size; old++)
	{
		n = tlog_consistency_path(old, size, read_subtree, NULL, path);
		CHECK(n == subproof(old, 0, size, true, expected) && memcmp(path, expected, n * sizeof(TlogHash)) == 0,
			  "proof of %d to %d", old, size);
		CHECK(tlog_verify_consistency(old, size, path, n, &roots[old], &roots[size]), "%d to %d", old, size);
		CHECK(tlog_frontier_of_path(old, size, path, n, &roots[old], &f) == (old < size), "%d to %d", old, size);
		for (int i = old; f.size > 0 && i < size; i++)
			tlog_frontier_add(&f, &leaves[i]);
		tlog_frontier_root(&f, &expected[0]);
		CHECK(old == size || tlog_hash_equal(&expected[0], &roots[size]), "on from %d to %d", old, size);
		CHECK(!tlog_verify_consistency(old, size, path, n, &roots[old - 1], &roots[size]), "another old root");
		CHECK(!tlog_verify_consistency(old, size, path, n, &roots[old], &roots[size - 1]), "another new root");
		CHECK(!tlog_verify_consistency(size, old, path, n, &roots[size], &roots[old]) || old == size, "back");
		path[n] = roots[size];
		CHECK(!tlog_verify_consistency(old, size, path, n + 1, &roots[old], &roots[size]), "a hash too many");
		CHECK(!tlog_frontier_of_path(old, size, path, n + 1, &roots[old], &f), "a hash too many");
		CHECK(!tlog_verify_consistency(old, size, path, n - 1, &roots[old], &roots[size]), "a hash too few");
		CHECK(!tlog_frontier_of_path(old, size, path, n - 1, &roots[old], &f), "a hash too few");
		for (int at = 0; at < n; at++)
		{
			path[at].bytes[at % 32] ^= 1;
			CHECK(!tlog_verify_consistency(old, size, path, n, &roots[old], &roots[size]), "changed at %d", at);
			path[at].bytes[at % 32] ^= 1;
		}
	}
	CHECK(tlog_consistency_path(0, size, read_subtree, NULL, path) == -1, "from nothing");
	CHECK(!tlog_verify_consistency(0, size, path, 0, &roots[0], &roots[size]), "from nothing");
	CHECK(!tlog_verify_consistency(0, size, path, 0, &roots[size], &roots[size]), "from nothing");
	CHECK(tlog_consistency_path(size + 1, size, read_subtree, NULL, path) == -1, "to the past");
}

/* A reader that fails at its n-th call */
static void
test_failing_reader(void)
{
	TlogHash	path[TLOG_CONSISTENCY_MAX];

	for (int calls = 0; calls < 12; calls++)
	{
		int			left = calls;
		int			n = tlog_inclusion_path(100, 233, read_subtree, &left, path);

		CHECK((n == -1) == (left < 0), "inclusion, %d calls", calls);
		left = calls;
		n = tlog_consistency_path(100, 233, read_subtree, &left, path);
		CHECK((n == -1) == (left < 0), "consistency, %d calls", calls);
		left = calls;
		CHECK(tlog_root_at(233, read_subtree, &left, path) == (left >= 0), "root, %d calls", calls);
	}
}

void
test_tree(void)
{
	TlogFrontier f;
	TlogHash	root;

	CHECK(tlog_hash_ready(), "no hash");
	test_vectors();
	for (int i = 0; i < SIZES; i++)
		tlog_hash_leaf(&i, sizeof(i), &leaves[i]);
	tlog_frontier_init(&f);
	for (int size = 0; size <= SIZES; size++)
	{
		mth(0, size, &roots[size]);
		tlog_frontier_root(&f, &root);
		CHECK(tlog_hash_equal(&root, &roots[size]), "root of %d, grown", size);
		CHECK(tlog_root_at(size, read_subtree, NULL, &root) && tlog_hash_equal(&root, &roots[size]),
			  "root of %d", size);
		if (size < SIZES)
			tlog_frontier_add(&f, &leaves[size]);
	}
	for (int size = 1; size < SIZES; size++)
	{
		test_inclusion(size);
		test_consistency(size);
	}
	tlog_frontier_init(&f);
	for (int i = 0; i + 8 <= SIZES; i += 8)
	{
		mth(i, 8, &root);
		tlog_frontier_add_subtree(&f, 3, &root);
		tlog_frontier_root(&f, &root);
		CHECK(f.size == (uint64_t) i + 8 && tlog_hash_equal(&root, &roots[i + 8]), "root of %d, grown by subtrees", i + 8);
	}
	CHECK(!tlog_verify_inclusion(0, 0, &roots[0], &root, 0, &roots[0]), "a leaf of nothing");
	test_failing_reader();
}

/* Tiles */

static void
path_is(int level, uint64_t index, int width, const char *expected)
{
	char		path[TLOG_TILE_PATH_MAX];
	bool		good = tlog_tile_path(level, index, width, path);

	CHECK(good == (expected != NULL) && (!good || strcmp(path, expected) == 0), "%s", good ? path : "refused");
}

static void
test_bundles(void)
{
	static const uint8_t bundle[] = {0, 1, 'a', 0, 0, 1, 0, 'b'};
	uint8_t		length[2];
	const uint8_t *leaf;
	size_t		len;
	size_t		at = 0;

	CHECK(tlog_bundle_next(bundle, 8, &at, &leaf, &len) && len == 1 && *leaf == 'a', "a leaf");
	CHECK(tlog_bundle_next(bundle, 8, &at, &leaf, &len) && len == 0 && at == 5, "an empty leaf");
	CHECK(!tlog_bundle_next(bundle, 8, &at, &leaf, &len) && at == 5, "a torn leaf");
	CHECK(!tlog_bundle_next(bundle, 6, &at, &leaf, &len), "a torn length");
	at = 8;
	CHECK(!tlog_bundle_next(bundle, 8, &at, &leaf, &len), "the end");
	CHECK(tlog_bundle_length(258, length) && length[0] == 1 && length[1] == 2, "258");
	CHECK(tlog_bundle_length(65535, length) && !tlog_bundle_length(65536, length), "the limit");
}

void
test_tiles(void)
{
	TlogHash	tile[TLOG_TILE_WIDTH];
	TlogHash	hash;
	TlogHash	expected;

	path_is(0, 1234067, 256, "tile/0/x001/x234/067");
	path_is(0, 0, 256, "tile/0/000");
	path_is(1, 999, 17, "tile/1/999.p/17");
	path_is(1, 1000, 255, "tile/1/x001/000.p/255");
	path_is(TLOG_ENTRIES, 1234067, 1, "tile/entries/x001/x234/067.p/1");
	path_is(7, INT64_MAX, 256, "tile/7/x009/x223/x372/x036/x854/x775/807");
	path_is(0, 0, 0, NULL);
	path_is(0, 0, 257, NULL);
	path_is(8, 0, 1, NULL);
	path_is(-2, 0, 1, NULL);
	path_is(0, (uint64_t) INT64_MAX + 1, 1, NULL);

	/* the example of the specification: 70,000 leaves */
	CHECK(tlog_tile_width(0, 272, 70000) == 256 && tlog_tile_width(0, 273, 70000) == 112 &&
		  tlog_tile_width(0, 274, 70000) == 0, "level 0");
	CHECK(tlog_tile_width(TLOG_ENTRIES, 273, 70000) == 112, "entries");
	CHECK(tlog_tile_width(1, 0, 70000) == 256 && tlog_tile_width(1, 1, 70000) == 17, "level 1");
	CHECK(tlog_tile_width(2, 0, 70000) == 1 && tlog_tile_width(3, 0, 70000) == 0, "level 2");
	CHECK(tlog_tile_width(0, 0, 256) == 256 && tlog_tile_width(1, 0, 256) == 1, "256 leaves");
	CHECK(tlog_tile_width(8, 0, INT64_MAX) == 0, "level 8");

	for (int i = 0; i < TLOG_TILE_WIDTH; i++)
		tile[i] = leaves[i];
	for (int level = 0; level <= 8; level++)
	{
		tlog_hash_perfect(tile, 1 << level, &hash);
		mth(0, 1 << level, &expected);
		CHECK(tlog_hash_equal(&hash, &expected), "perfect tree of 2^%d", level);
	}
	for (int level = 0; level < 20; level++)
		for (uint64_t index = 0; index < 1000; index += 7)
		{
			TlogTilePlace place = tlog_tile_place(level, index);
			uint64_t	begin = index << level;

			CHECK((place.index * 256 + place.first) << (8 * place.level) == begin &&
				  (uint64_t) place.n << (8 * place.level) == UINT64_C(1) << level &&
				  place.first + place.n <= 256, "place of %d/%llu", level, (unsigned long long) index);
		}
	test_bundles();
}
