/*-------------------------------------------------------------------------
 *
 * key_claim.c
 *	  That a key is one row's in a whole tree, which no index sees.
 *
 * Partitions, if the partition key is another column, and children have unique
 * indexes of their own, which do not see each other.  See base/id_claim.c for why two
 * that add the same key cannot both pass.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/id_claim.h"
#include "store/catalog.h"
#include "values/key_claim.h"
#include "values/row_key.h"

bool
paysafe_key_claim_is_unique(Relation rel, AttrNumber attnum)
{
	bool		unique = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		unique |= form->indisunique && form->indimmediate && form->indisvalid &&
			form->indnkeyatts == 1 && form->indkey.values[0] == attnum &&
			RelationGetIndexPredicate(index) == NIL;
		index_close(index, AccessShareLock);
	}
	return unique;
}

bool
paysafe_key_claim_is_unique_in_tree(Oid root, const char *column)
{
	Relation	rel = table_open(root, AccessShareLock);
	bool		result = !(rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relhassubclass) &&
		paysafe_key_claim_is_unique(rel, paysafe_catalog_column(rel, column));

	table_close(rel, NoLock);
	return result;
}

typedef struct Search
{
	Relation	leaf;			/* of the row that is asked about */
	TupleTableSlot *row;
	Oid			root;
	bool		locked;
	Snapshot	snapshot;		/* dirty: says who is at a row */
	TransactionId wait_for;
	bool		found;
} Search;

static bool
visit(Relation leaf, TupleTableSlot *row, void *arg)
{
	Search	   *search = arg;
	TransactionId inserter = search->snapshot->xmin;	/* if in progress, not ours */

	if (RelationGetRelid(leaf) == RelationGetRelid(search->leaf) &&
		ItemPointerEquals(&row->tts_tid, &search->row->tts_tid))
		return true;
	if (!TransactionIdIsValid(inserter))
		search->found = true;
	else if (paysafe_id_claim_must_wait(search->root, search->locked, inserter))
		search->wait_for = inserter;
	else
		return true;
	return false;
}

static void
look(Search *search, const char *column, Datum key, Oid keytype)
{
	ListCell   *lc;

	search->wait_for = InvalidTransactionId;
	foreach(lc, paysafe_catalog_leaves(search->root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, column), keytype, &equality);
		paysafe_row_key_scan(leaf, &equality, key, search->snapshot, visit, search);
		table_close(leaf, NoLock);
		if (search->found || TransactionIdIsValid(search->wait_for))
			return;
	}
}

bool
paysafe_key_claim_is_taken(Oid root, const char *column, Relation leaf, TupleTableSlot *row)
{
	SnapshotData dirty;
	Search		search = {.leaf = leaf, .row = row, .root = root, .snapshot = &dirty};
	AttrNumber	attnum = paysafe_catalog_column(leaf, column);
	Oid			keytype = getBaseType(TupleDescAttr(RelationGetDescr(leaf), attnum - 1)->atttypid);
	bool		isnull;
	Datum		key = slot_getattr(row, attnum, &isnull);
	char	   *text;

	if (isnull || paysafe_key_claim_is_unique_in_tree(root, column))
		return false;
	text = paysafe_row_key_value_text(keytype, key);
	search.locked = paysafe_id_claim_lock(root, hash_bytes_extended((const unsigned char *) text,
																	strlen(text), 0));
	InitDirtySnapshot(dirty);
	for (;;)
	{
		look(&search, column, key, keytype);
		if (search.found || !TransactionIdIsValid(search.wait_for))
			return search.found;
		XactLockTableWait(search.wait_for, NULL, NULL, XLTW_None);
	}
}
