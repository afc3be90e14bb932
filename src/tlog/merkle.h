/*-------------------------------------------------------------------------
 *
 * merkle.h
 *	  The Merkle tree of RFC 6962 over SHA-256: hashes, roots and proofs.
 *
 * A tree is known by its size and its root.  Of an empty tree nothing can be
 * proven: paths of it and from it are refused.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_MERKLE_H
#define TLOG_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLOG_HASH_LEN		32
#define TLOG_PATH_MAX		64	/* hashes in the proof of a leaf */
#define TLOG_CONSISTENCY_MAX 128	/* in that of an older tree: room for it */

typedef struct TlogHash
{
	uint8_t		bytes[TLOG_HASH_LEN];
} TlogHash;

/*
 * Can hashes be had?  False where OpenSSL has no SHA-256 for us, or no memory.
 * Whoever must not be ended asks this once, before the first hash: a hash that
 * cannot be computed afterwards ends the process.  Not for several threads.
 */
extern bool tlog_hash_ready(void);

extern void tlog_hash_bytes(const void *data, size_t len, TlogHash *out);	/* SHA-256(data) */
extern void tlog_hash_leaf(const void *leaf, size_t len, TlogHash *out);	/* SHA-256(00 || leaf) */
extern void tlog_hash_node(const TlogHash *left, const TlogHash *right, TlogHash *out);
extern bool tlog_hash_equal(const TlogHash *a, const TlogHash *b);

/*
 * What a growing tree must remember: hashes[k] is the root of a complete subtree
 * of 2^k leaves, where size has that bit.
 */
typedef struct TlogFrontier
{
	uint64_t	size;
	TlogHash	hashes[64];
} TlogFrontier;

extern void tlog_frontier_init(TlogFrontier *f);
extern void tlog_frontier_add(TlogFrontier *f, const TlogHash *leaf_hash);
/* 2^level leaves at once, by the root of their subtree, where size is a multiple of that */
extern void tlog_frontier_add_subtree(TlogFrontier *f, int level, const TlogHash *root);
extern void tlog_frontier_root(const TlogFrontier *f, TlogHash *out);	/* size 0: SHA-256("") */

/* The root of the complete subtree number index of 2^level leaves; false: it cannot be had. */
typedef bool (*TlogReader) (void *arg, int level, uint64_t index, TlogHash *out);

/*
 * Proofs, from the leaf up: the number of hashes in path, or -1 where there is no
 * such leaf or tree, or the reader failed.
 */
extern int	tlog_inclusion_path(uint64_t index, uint64_t size, TlogReader read, void *arg, TlogHash *path);
extern int	tlog_consistency_path(uint64_t old_size, uint64_t new_size, TlogReader read, void *arg,
								  TlogHash *path);
extern bool tlog_root_at(uint64_t size, TlogReader read, void *arg, TlogHash *out);

extern bool tlog_verify_inclusion(uint64_t index, uint64_t size, const TlogHash *leaf_hash,
								  const TlogHash *path, int n, const TlogHash *root);

/*
 * What a tree of old_size must remember, out of the proof that it is a part of a
 * larger one: false unless it gives old_root.
 */
extern bool tlog_frontier_of_path(uint64_t old_size, uint64_t new_size, const TlogHash *path, int n,
								  const TlogHash *old_root, TlogFrontier *out);
extern bool tlog_verify_consistency(uint64_t old_size, uint64_t new_size, const TlogHash *path, int n,
									const TlogHash *old_root, const TlogHash *new_root);

#endif							/* TLOG_MERKLE_H */
