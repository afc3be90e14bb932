/*-------------------------------------------------------------------------
 *
 * merkle.c
 *	  The Merkle tree of RFC 6962 over SHA-256.
 *
 * The digest and its context are fetched once and used for every hash: to look
 * SHA-256 up takes three times as long as to hash a leaf.
 *
 *-------------------------------------------------------------------------
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlog/merkle.h"

static EVP_MD *sha256 = NULL;
static EVP_MD_CTX *context = NULL;

static bool
digest(const void *head, size_t head_len, const void *data, size_t len, TlogHash *out)
{
	return EVP_DigestInit_ex2(context, sha256, NULL) == 1 &&
		(head_len == 0 || EVP_DigestUpdate(context, head, head_len) == 1) &&
		(len == 0 || EVP_DigestUpdate(context, data, len) == 1) &&
		EVP_DigestFinal_ex(context, out->bytes, NULL) == 1;
}

bool
tlog_hash_ready(void)
{
	TlogHash	hash;

	if (context != NULL)
		return true;
	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 != NULL)
		context = EVP_MD_CTX_new();
	/* the first hash takes the last memory that any of them takes */
	if (context != NULL && digest(NULL, 0, "", 1, &hash))
		return true;
	EVP_MD_CTX_free(context);
	context = NULL;
	ERR_clear_error();
	return false;
}

/* A hash that is not one must not be taken for one by anybody. */
static void
hash(const void *head, size_t head_len, const void *data, size_t len, TlogHash *out)
{
	if ((context != NULL || tlog_hash_ready()) && digest(head, head_len, data, len, out))
		return;
	fputs("paysafe: could not compute a SHA-256 digest\n", stderr);
	abort();
}

void
tlog_hash_bytes(const void *data, size_t len, TlogHash *out)
{
	hash(NULL, 0, data, len, out);
}

void
tlog_hash_leaf(const void *leaf, size_t len, TlogHash *out)
{
	hash("\0", 1, leaf, len, out);
}

void
tlog_hash_node(const TlogHash *left, const TlogHash *right, TlogHash *out)
{
	uint8_t		both[1 + 2 * TLOG_HASH_LEN];

	both[0] = 1;
	memcpy(both + 1, left->bytes, TLOG_HASH_LEN);
	memcpy(both + 1 + TLOG_HASH_LEN, right->bytes, TLOG_HASH_LEN);
	hash(NULL, 0, both, sizeof(both), out);
}

bool
tlog_hash_equal(const TlogHash *a, const TlogHash *b)
{
	return memcmp(a->bytes, b->bytes, TLOG_HASH_LEN) == 0;
}

/* Growing */

void
tlog_frontier_init(TlogFrontier *f)
{
	memset(f, 0, sizeof(*f));
}

void
tlog_frontier_add(TlogFrontier *f, const TlogHash *leaf_hash)
{
	tlog_frontier_add_subtree(f, 0, leaf_hash);
}

void
tlog_frontier_add_subtree(TlogFrontier *f, int level, const TlogHash *root)
{
	TlogHash	sum = *root;
	int			above = level;

	for (uint64_t rest = f->size >> level; rest & 1; rest >>= 1, above++)
		tlog_hash_node(&f->hashes[above], &sum, &sum);
	f->hashes[above] = sum;
	f->size += UINT64_C(1) << level;
}

void
tlog_frontier_root(const TlogFrontier *f, TlogHash *out)
{
	bool		any = false;

	for (int level = 0; level < 64; level++)
	{
		if (!(f->size >> level & 1))
			continue;
		if (any)
			tlog_hash_node(&f->hashes[level], out, out);
		else
			*out = f->hashes[level];
		any = true;
	}
	if (!any)
		tlog_hash_bytes("", 0, out);
}

/* Proving */

/* The greatest power of two below n, which is 2 or more */
static uint64_t
split(uint64_t n)
{
	uint64_t	k = 1;

	while (k < n - k)
		k <<= 1;
	return k;
}

/*
 * The root of n leaves from begin on, where begin is a multiple of a power of two
 * that is not less than n.
 */
static bool
range_root(uint64_t begin, uint64_t n, TlogReader read, void *arg, TlogHash *out)
{
	bool		any = false;

	for (int level = 0; level < 64; level++)
	{
		TlogHash	left;

		if (!(n >> level & 1))
			continue;
		n -= UINT64_C(1) << level;
		if (!read(arg, level, (begin + n) >> level, &left))
			return false;
		if (any)
			tlog_hash_node(&left, out, out);
		else
			*out = left;
		any = true;
	}
	return any;
}

static void
turn_round(TlogHash *path, int n)
{
	for (int i = 0; i < n / 2; i++)
	{
		TlogHash	other = path[i];

		path[i] = path[n - 1 - i];
		path[n - 1 - i] = other;
	}
}

int
tlog_inclusion_path(uint64_t index, uint64_t size, TlogReader read, void *arg, TlogHash *path)
{
	uint64_t	begin = 0;
	int			n = 0;

	if (index >= size)
		return -1;
	while (size > 1)
	{
		uint64_t	k = split(size);
		bool		left = index - begin < k;

		if (!(left ? range_root(begin + k, size - k, read, arg, &path[n])
			  : range_root(begin, k, read, arg, &path[n])))
			return -1;
		n++;
		begin += left ? 0 : k;
		size = left ? k : size - k;
	}
	turn_round(path, n);
	return n;
}

int
tlog_consistency_path(uint64_t old_size, uint64_t new_size, TlogReader read, void *arg, TlogHash *path)
{
	uint64_t	begin = 0;
	int			n = 0;

	if (old_size == 0 || old_size > new_size)
		return -1;
	while (old_size < new_size)
	{
		uint64_t	k = split(new_size);
		bool		left = old_size <= k;

		if (!(left ? range_root(begin + k, new_size - k, read, arg, &path[n])
			  : range_root(begin, k, read, arg, &path[n])))
			return -1;
		n++;
		begin += left ? 0 : k;
		old_size -= left ? 0 : k;
		new_size = left ? k : new_size - k;
	}
	/* who asks knows the root of the old tree, but no other part of it */
	if (begin > 0)
	{
		if (!range_root(begin, old_size, read, arg, &path[n]))
			return -1;
		n++;
	}
	turn_round(path, n);
	return n;
}

bool
tlog_root_at(uint64_t size, TlogReader read, void *arg, TlogHash *out)
{
	if (size > 0)
		return range_root(0, size, read, arg, out);
	tlog_hash_bytes("", 0, out);
	return true;
}

/*
 * On the way down to the old tree's last leaf, what is left behind on the left are
 * its complete subtrees, and what is left at the end is its last one.
 */
bool
tlog_frontier_of_path(uint64_t old_size, uint64_t new_size, const TlogHash *path, int n,
					  const TlogHash *old_root, TlogFrontier *out)
{
	uint64_t	rest = old_size;
	bool		whole = true;
	TlogHash	root;

	tlog_frontier_init(out);
	if (old_size == 0 || old_size >= new_size || n < 0 || n > TLOG_CONSISTENCY_MAX)
		return false;
	while (rest < new_size)
	{
		uint64_t	k = split(new_size);
		bool		left = rest <= k;

		if (n-- == 0)
			return false;
		if (!left)
		{
			out->hashes[__builtin_ctzll(k)] = path[n];
			whole = false;
			rest -= k;
		}
		new_size = left ? k : new_size - k;
	}
	if (n != (whole ? 0 : 1))
		return false;
	out->hashes[__builtin_ctzll(rest)] = whole ? *old_root : path[0];
	out->size = old_size;
	tlog_frontier_root(out, &root);
	return tlog_hash_equal(&root, old_root);
}

/* Verifying: sections 2.1.3.2 and 2.1.4.2 of RFC 9162 */

bool
tlog_verify_inclusion(uint64_t index, uint64_t size, const TlogHash *leaf_hash,
					  const TlogHash *path, int n, const TlogHash *root)
{
	uint64_t	node = index;
	uint64_t	last = size - 1;
	TlogHash	sum = *leaf_hash;

	if (index >= size || n < 0 || n > TLOG_PATH_MAX)
		return false;
	for (int i = 0; i < n; i++)
	{
		if (last == 0)
			return false;
		if ((node & 1) || node == last)
		{
			tlog_hash_node(&path[i], &sum, &sum);
			/* a node without a sibling is its own parent */
			while (!(node & 1) && node != 0)
			{
				node >>= 1;
				last >>= 1;
			}
		}
		else
			tlog_hash_node(&sum, &path[i], &sum);
		node >>= 1;
		last >>= 1;
	}
	return last == 0 && tlog_hash_equal(&sum, root);
}

bool
tlog_verify_consistency(uint64_t old_size, uint64_t new_size, const TlogHash *path, int n,
						const TlogHash *old_root, const TlogHash *new_root)
{
	uint64_t	node = old_size - 1;
	uint64_t	last = new_size - 1;
	TlogHash	old_sum;
	TlogHash	new_sum;
	int			i = 0;

	if (old_size == 0 || old_size > new_size || n < 0 || n > TLOG_CONSISTENCY_MAX)
		return false;
	if (old_size == new_size)
		return n == 0 && tlog_hash_equal(old_root, new_root);
	while (node & 1)
	{
		node >>= 1;
		last >>= 1;
	}
	/* an old tree that is complete is a part of the new one as it is */
	if (node == 0)
		old_sum = *old_root;
	else if (n > 0)
		old_sum = path[i++];
	else
		return false;
	new_sum = old_sum;
	for (; i < n; i++)
	{
		if (last == 0)
			return false;
		if ((node & 1) || node == last)
		{
			tlog_hash_node(&path[i], &old_sum, &old_sum);
			tlog_hash_node(&path[i], &new_sum, &new_sum);
			while (!(node & 1) && node != 0)
			{
				node >>= 1;
				last >>= 1;
			}
		}
		else
			tlog_hash_node(&new_sum, &path[i], &new_sum);
		node >>= 1;
		last >>= 1;
	}
	return last == 0 && tlog_hash_equal(&old_sum, old_root) && tlog_hash_equal(&new_sum, new_root);
}
