/*-------------------------------------------------------------------------
 *
 * seal_tile.c
 *	  The tree of a log in tiles of 256 hashes: adding leaves, reading hashes.
 *
 * A tile is one row of paysafe.seal_tile, as tlog-tiles has it: hashes side by side,
 * of level 0 those of leaves, above those of whole tiles of the level below.  8192
 * bytes do not fit into a page; out of line, four fifths of PostgreSQL's pieces fill a
 * page, where rows of a half or a quarter of a tile would leave much of it free.  A
 * tile that is not complete is one row, too, which is changed in place: of each level
 * the last one only, so that a batch writes a few of them however large the tree is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"

#include "compat.h"
#include "evidence/seal/seal_tile.h"
#include "store/own_table.h"

/* Columns of paysafe.seal_tile. */
enum
{
	TILE_INCARNATION, TILE_LEVEL, TILE_INDEX, TILE_HASHES,
	TILE_NCOLUMNS
};

/* A tile that is looked for. */
typedef struct FindTile
{
	TlogHash   *hashes;
	int			n;
	ItemPointerData tid;
} FindTile;

static bool
visit_tile(Relation rel, HeapTuple tuple, void *arg)
{
	FindTile   *find = arg;
	bool		isnull;
	Datum		value = heap_getattr(tuple, TILE_HASHES + 1, RelationGetDescr(rel), &isnull);
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	int			len = VARSIZE_ANY_EXHDR(bytes);

	if (len > 0 && len % TLOG_HASH_LEN == 0 && len <= SEAL_TILE_WIDTH * TLOG_HASH_LEN)
	{
		memcpy(find->hashes, VARDATA_ANY(bytes), len);
		find->n = len / TLOG_HASH_LEN;
	}
	find->tid = tuple->t_self;
	if ((Pointer) bytes != DatumGetPointer(value))
		pfree(bytes);
	return false;
}

static void
find_tile(FindTile *find, int32 incarnation, int level, uint64 index)
{
	Datum		keys[] = {Int32GetDatum(incarnation), Int32GetDatum(level), Int64GetDatum(index)};

	find->n = 0;
	ItemPointerSetInvalid(&find->tid);
	paysafe_store_scan(PAYSAFE_SEAL_TILE, "seal_tile_pkey", 3, keys, visit_tile, find);
}

/* A hash that cannot be computed would end the process: so say it before the first one. */
static void
require_hashes(void)
{
	if (!tlog_hash_ready())
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("OpenSSL has no SHA-256")));
}

int
paysafe_seal_tile_read(int32 incarnation, int level, uint64 index, TlogHash *hashes)
{
	FindTile	find = {.hashes = hashes};

	find_tile(&find, incarnation, level, index);
	return find.n;
}

static bool
visit_last(Relation rel, HeapTuple tuple, void *arg)
{
	uint64	   *size = arg;
	TlogHash	hashes[SEAL_TILE_WIDTH];
	FindTile	find = {.hashes = hashes};
	bool		isnull;

	(void) visit_tile(rel, tuple, &find);
	*size = DatumGetInt64(heap_getattr(tuple, TILE_INDEX + 1, RelationGetDescr(rel), &isnull)) * SEAL_TILE_WIDTH + find.n;
	return false;
}

uint64
paysafe_seal_tile_size(int32 incarnation)
{
	Datum		keys[] = {Int32GetDatum(incarnation), Int32GetDatum(0)};
	uint64		size = 0;

	paysafe_store_seek(PAYSAFE_SEAL_TILE, "seal_tile_pkey", 2, keys, InvalidStrategy, (Datum) 0,
					   true, NULL, visit_last, &size);
	return size;
}

void
paysafe_seal_tile_load(SealTree *tree, int32 incarnation, uint64 size)
{
	require_hashes();
	memset(tree, 0, offsetof(SealTree, tiles));
	tree->incarnation = incarnation;
	tree->size = size;
	tree->kept = true;
	tree->differs = PG_UINT64_MAX;
	for (int level = 0; level < SEAL_LEVELS; level++)
	{
		SealTile   *tile = &tree->tiles[level];
		uint64		n = size >> (SEAL_TILE_HEIGHT * level);
		FindTile	find = {.hashes = tile->hashes};

		tile->index = n / SEAL_TILE_WIDTH;
		tile->n = n % SEAL_TILE_WIDTH;
		tile->stored = false;
		tile->dirty = false;
		if (tile->n == 0)
			continue;
		find_tile(&find, incarnation, level, tile->index);
		if (find.n < tile->n)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the tree of the sealed log is damaged"),
					 errdetail("Tile " UINT64_FORMAT " of level %d of incarnation %d has %d hashes of %d.",
							   tile->index, level, incarnation, find.n, tile->n),
					 errhint("Nothing more is sealed. SELECT * FROM paysafe.verify() says what is wrong; restore the tables of the schema paysafe from a backup.")));
		tile->stored = true;
		tile->tid = find.tid;
	}
}

/* Store the tile's hashes, in its row or a new one. */
static void
write_tile(SealTree *tree, int level, SealTile *tile)
{
	Datum		values[TILE_NCOLUMNS] = {
		Int32GetDatum(tree->incarnation), Int32GetDatum(level), Int64GetDatum(tile->index)
	};
	bool		nulls[TILE_NCOLUMNS] = {0};
	int			len = tile->n * TLOG_HASH_LEN;
	struct
	{
		int32		header;
		TlogHash	hashes[SEAL_TILE_WIDTH];
	}			bytes;

	SET_VARSIZE(&bytes, VARHDRSZ + len);
	memcpy(bytes.hashes, tile->hashes, len);
	values[TILE_HASHES] = PointerGetDatum(&bytes);
	if (tile->stored)
	{
		HeapTuple	locked = paysafe_store_lock(PAYSAFE_SEAL_TILE, &tile->tid, LockWaitError);

		if (locked == NULL)
			elog(ERROR, "a tile of paysafe's sealed log is gone");
		paysafe_store_update(PAYSAFE_SEAL_TILE, locked, values, nulls);
		tile->tid = locked->t_self;
		heap_freetuple(locked);
	}
	else
		paysafe_store_insert_tid(PAYSAFE_SEAL_TILE, values, nulls, &tile->tid);
	tile->stored = true;
	tile->dirty = false;
}

/* Is it what the table has? */
static bool
is_stored_so(const SealTree *tree, int level, const SealTile *tile)
{
	TlogHash	hashes[SEAL_TILE_WIDTH];

	return paysafe_seal_tile_read(tree->incarnation, level, tile->index, hashes) >= tile->n &&
		memcmp(hashes, tile->hashes, tile->n * TLOG_HASH_LEN) == 0;
}

static void
put_tile(SealTree *tree, int level, SealTile *tile)
{
	if (tree->kept)
		write_tile(tree, level, tile);
	else if (tree->differs == PG_UINT64_MAX && !is_stored_so(tree, level, tile))
		tree->differs = (tile->index * SEAL_TILE_WIDTH) << (SEAL_TILE_HEIGHT * level);
}

void
paysafe_seal_tile_root(const TlogHash *hashes, int n, TlogHash *out)
{
	TlogHash	above[SEAL_TILE_WIDTH / 2];

	if (n == 1)
	{
		*out = *hashes;
		return;
	}
	for (int i = 0; i < n / 2; i++)
		tlog_hash_node(&hashes[2 * i], &hashes[2 * i + 1], &above[i]);
	for (n /= 2; n > 1; n /= 2)
		for (int i = 0; i < n / 2; i++)
			tlog_hash_node(&above[2 * i], &above[2 * i + 1], &above[i]);
	*out = above[0];
}

void
paysafe_seal_tile_add(SealTree *tree, const TlogHash *leaf_hash)
{
	TlogHash	hash = *leaf_hash;

	for (int level = 0; level < SEAL_LEVELS; level++)
	{
		SealTile   *tile = &tree->tiles[level];

		tile->hashes[tile->n++] = hash;
		tile->dirty = true;
		if (tile->n < SEAL_TILE_WIDTH)
			break;
		put_tile(tree, level, tile);
		paysafe_seal_tile_root(tile->hashes, SEAL_TILE_WIDTH, &hash);
		tile->index++;
		tile->n = 0;
		tile->stored = false;
		tile->dirty = false;
	}
	tree->size++;
}

void
paysafe_seal_tile_save(SealTree *tree)
{
	for (int level = 0; level < SEAL_LEVELS; level++)
		if (tree->tiles[level].dirty)
			put_tile(tree, level, &tree->tiles[level]);
}

void
paysafe_seal_tile_frontier(const SealTree *tree, TlogFrontier *frontier)
{
	frontier->size = tree->size;
	for (int bit = 0; bit < 64; bit++)
	{
		const SealTile *tile = &tree->tiles[bit / SEAL_TILE_HEIGHT];
		int			width = 1 << (bit % SEAL_TILE_HEIGHT);

		/* larger subtrees stand before it in the tile */
		if ((tree->size >> bit & 1) != 0)
			paysafe_seal_tile_root(&tile->hashes[tile->n & ~(2 * width - 1)], width, &frontier->hashes[bit]);
	}
}

SealReader *
paysafe_seal_tile_reader(int32 incarnation)
{
	SealReader *reader = palloc(sizeof(SealReader));

	require_hashes();
	reader->incarnation = incarnation;
	memset(reader->n, 0, sizeof(reader->n));
	return reader;
}

bool
paysafe_seal_tile_hash(void *arg, int level, uint64_t index, TlogHash *out)
{
	SealReader *reader = arg;
	int			tile_level = level / SEAL_TILE_HEIGHT;
	int			width = 1 << (level % SEAL_TILE_HEIGHT);
	uint64		first = index * width;
	int			offset = first % SEAL_TILE_WIDTH;

	if (tile_level >= SEAL_LEVELS)
		return false;
	if (reader->n[tile_level] < offset + width ||
		reader->index[tile_level] != first / SEAL_TILE_WIDTH)
	{
		reader->index[tile_level] = first / SEAL_TILE_WIDTH;
		reader->n[tile_level] = paysafe_seal_tile_read(reader->incarnation, tile_level,
													   first / SEAL_TILE_WIDTH,
													   reader->hashes[tile_level]);
	}
	if (reader->n[tile_level] < offset + width)
		return false;
	paysafe_seal_tile_root(&reader->hashes[tile_level][offset], width, out);
	return true;
}
