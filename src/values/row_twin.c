/*-------------------------------------------------------------------------
 *
 * row_twin.c
 *	  Keys that no index of PostgreSQL's keeps unique: of a tree of tables.
 *
 * An index is one table's.  Children by inheritance have one each, and a
 * partitioned table's holds for all partitions only together with the partition
 * key.  Who adds a row with a key looks into every table of the tree, under a lock
 * on the key, so that the second of two sees the first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/id_claim.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/row_twin.h"

/* The columns of the same names in another table of the tree; false: it lacks one. */
static bool
map_columns(Relation leaf, const RowKey *row_key, Oid other, AttrNumber *attnums)
{
	for (int i = 0; i < row_key->n; i++)
	{
		attnums[i] = get_attnum(other, NameStr(TupleDescAttr(RelationGetDescr(leaf),
															 row_key->attnums[i] - 1)->attname));
		if (!AttributeNumberIsValid(attnums[i]))
			return false;
	}
	return true;
}

static bool
has_column(const AttrNumber *attnums, int n, AttrNumber attnum)
{
	for (int i = 0; i < n; i++)
		if (attnums[i] == attnum)
			return true;
	return false;
}

/* Is the index unique over these columns, or fewer? */
static bool
is_unique_over(Relation index, const AttrNumber *attnums, int n)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
		if (!has_column(attnums, n, form->indkey.values[i]))
			return false;
	return true;
}

bool
paysafe_row_twin_is_unique(Relation rel, const AttrNumber *attnums, int n)
{
	bool		result = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result |= is_unique_over(index, attnums, n);
		index_close(index, AccessShareLock);
	}
	return result;
}

bool
paysafe_row_twin_is_excluded(Oid root, Relation leaf, const RowKey *row_key)
{
	Relation	rel = table_open(root, AccessShareLock);
	AttrNumber *attnums = palloc(sizeof(AttrNumber) * Max(row_key->n, 1));
	bool		result = map_columns(leaf, row_key, root, attnums) &&
		!(rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relhassubclass) &&
		paysafe_row_twin_is_unique(rel, attnums, row_key->n);

	table_close(rel, NoLock);
	return result;
}

typedef struct TwinSearch
{
	Oid			root;
	Relation	leaf;
	TupleTableSlot *row;
	const RowKey *row_key;
	bool		claimed;
	Snapshot	snapshot;		/* dirty: says who is at a row */
	Oid			types[INDEX_MAX_KEYS];	/* of the row's key */
	Datum		values[INDEX_MAX_KEYS];
	TransactionId wait_for;
	bool		found;
} TwinSearch;

static bool
visit(Relation rel, TupleTableSlot *other, void *arg)
{
	TwinSearch *search = arg;
	TransactionId inserter = search->snapshot->xmin;	/* if in progress, not ours */

	if (RelationGetRelid(rel) == RelationGetRelid(search->leaf) &&
		ItemPointerEquals(&other->tts_tid, &search->row->tts_tid))
		return true;
	if (!TransactionIdIsValid(inserter))
		search->found = true;
	else if (paysafe_id_claim_must_wait(search->root, search->claimed, inserter))
		search->wait_for = inserter;
	else
		return true;
	return false;
}

static void
look(TwinSearch *search)
{
	const RowKey *row_key = search->row_key;
	AttrNumber *attnums = palloc(sizeof(AttrNumber) * row_key->n);
	KeySearch	key_search;
	ListCell   *lc;

	search->wait_for = InvalidTransactionId;
	foreach(lc, paysafe_catalog_leaves(search->root))
	{
		Relation	rel;

		if (!map_columns(search->leaf, row_key, lfirst_oid(lc), attnums))
			continue;
		rel = table_open(lfirst_oid(lc), AccessShareLock);
		paysafe_row_key_search(rel, row_key->n, attnums, search->types, &key_search);
		paysafe_row_key_search_scan(rel, &key_search, search->values, search->snapshot, visit, search);
		table_close(rel, NoLock);
		if (search->found || TransactionIdIsValid(search->wait_for))
			return;
	}
}

bool
paysafe_row_twin_exists(Oid root, Relation leaf, TupleTableSlot *row, const RowKey *row_key, bool locked)
{
	SnapshotData dirty;
	TwinSearch	search = {
		.root = root, .leaf = leaf, .row = row, .row_key = row_key, .snapshot = &dirty
	};
	char	   *key;

	for (int i = 0; i < row_key->n; i++)
	{
		bool		isnull;

		search.types[i] = TupleDescAttr(RelationGetDescr(leaf), row_key->attnums[i] - 1)->atttypid;
		search.values[i] = slot_getattr(row, row_key->attnums[i], &isnull);
		/* NULL equals nothing */
		if (isnull)
			return false;
	}
	key = paysafe_row_key_text(row_key, RelationGetDescr(leaf), row);
	if (!locked)
		search.claimed = paysafe_id_claim_lock(root, hash_bytes_extended((const unsigned char *) key,
																		 strlen(key), 0));
	InitDirtySnapshot(dirty);
	for (;;)
	{
		look(&search);
		if (search.found || !TransactionIdIsValid(search.wait_for))
			return search.found;
		XactLockTableWait(search.wait_for, NULL, NULL, XLTW_None);
	}
}
