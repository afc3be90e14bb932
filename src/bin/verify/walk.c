/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  The leaves of a log in order: hashed, checked, compared with checkpoints.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <string.h>

#include "bin/verify/report.h"
#include "bin/verify/walk.h"

void
walk_root(const Walk *walk, TlogHash *out)
{
	TlogFrontier f = walk->frontier;

	for (int i = 0; i < walk->nwaiting; i++)
		tlog_frontier_add(&f, &walk->waiting[i]);
	tlog_frontier_root(&f, out);
}

/* Checkpoints of the size that has been reached, with this root */
static void
compare(Walk *walk, const TlogHash *root)
{
	for (; walk->nheld < walk->trust->nheld && walk->trust->held[walk->nheld]->checkpoint.size == walk->next;
		 walk->nheld++)
	{
		const Held *held = walk->trust->held[walk->nheld];

		if (!tlog_hash_equal(root, &held->checkpoint.root))
		{
			finding("%s: the log's first %" PRIu64 " leaves are not those of this checkpoint: something differs "
					"from leaf %" PRIu64 " on", held->name, walk->next, walk->agreed);
			continue;
		}
		walk->agreed = walk->next;
		if (held->good)
		{
			walk->vouched = walk->next;
			walk->held_good++;
		}
	}
}

static uint64_t
next_held(const Walk *walk)
{
	return walk->nheld < walk->trust->nheld ? walk->trust->held[walk->nheld]->checkpoint.size : UINT64_MAX;
}

static void
compare_here(Walk *walk)
{
	TlogHash	root;

	if (walk->broken)
		return;
	walk_root(walk, &root);
	compare(walk, &root);
}

void
walk_begin(Walk *walk, const Trust *trust, const TlogFrontier *from, uint64_t size)
{
	memset(walk, 0, sizeof(*walk));
	walk->trust = trust;
	walk->frontier = *from;
	walk->next = from->size;
	walk->agreed = from->size;
	walk->size = size;
	leaf_order_begin(&walk->order, from->size);
	while (next_held(walk) < walk->next)
		walk->nheld++;
	if (next_held(walk) == walk->next)
		compare_here(walk);
}

void
walk_nothing(Walk *walk, const Trust *trust, const TlogCheckpoint *checkpoint)
{
	memset(walk, 0, sizeof(*walk));
	walk->trust = trust;
	walk->next = walk->size = checkpoint->size;
	while (next_held(walk) < walk->next)
		walk->nheld++;
	compare(walk, &checkpoint->root);
	walk_end(walk);
}

void
walk_leaf(Walk *walk, const uint8_t *leaf, size_t len, TlogHash *hash)
{
	tlog_hash_leaf(leaf, len, hash);
	leaf_order_next(&walk->order, walk->next, leaf, len, hash);
	if (walk->frontier.size % TLOG_TILE_WIDTH == 0)
		walk->waiting[walk->nwaiting++] = *hash;
	else
		tlog_frontier_add(&walk->frontier, hash);
	walk->next++;
	walk->nread++;
	if (walk->next == next_held(walk))
		compare_here(walk);
}

void
walk_missing(Walk *walk)
{
	if (!walk->broken)
		walk->broken_at = walk->next;
	walk->broken = true;
	leaf_order_missing(&walk->order);
	walk->next++;
}

void
walk_tile(Walk *walk, TlogHash *root)
{
	tlog_hash_perfect(walk->waiting, TLOG_TILE_WIDTH, root);
	tlog_frontier_add_subtree(&walk->frontier, TLOG_TILE_HEIGHT, root);
	walk->nwaiting = 0;
}

void
walk_end(Walk *walk)
{
	if (walk->next == walk->size)
		leaf_order_end(&walk->order, walk->next);
	for (int i = walk->nheld; i < walk->trust->nheld; i++)
	{
		const Held *held = walk->trust->held[i];

		if (held->checkpoint.size > walk->size)
			finding("%s: a checkpoint of %" PRIu64 " leaves, where the log has %" PRIu64 ": its end is missing",
					held->name, held->checkpoint.size, walk->size);
		else
			finding("%s: the root of its %" PRIu64 " leaves cannot be had: they are missing from leaf %" PRIu64 " on",
					held->name, held->checkpoint.size, walk->broken ? walk->broken_at : walk->next);
	}
	trust_origin(walk->trust, walk->order.has_origin ? walk->order.origin : NULL);
}
