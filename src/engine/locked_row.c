/*-------------------------------------------------------------------------
 *
 * locked_row.c
 *	  The one row that a key names, locked so that what hangs on it stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "engine/locked_row.h"
#include "engine/shown.h"
#include "store/catalog.h"

typedef struct FoundRow
{
	int			count;
	Oid			relid;
	ItemPointerData tid;
	bool		hidden;			/* the transaction may not know of it */
} FoundRow;

static bool
remember_row(Relation rel, TupleTableSlot *row, void *arg)
{
	FoundRow   *found = arg;

	found->relid = RelationGetRelid(rel);
	found->tid = row->tts_tid;
	found->hidden = !paysafe_shown_row(rel, row);
	return ++found->count < 2;
}

static bool
has_columns(Relation leaf, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		if (get_attnum(RelationGetRelid(leaf), lfirst(lc)) == InvalidAttrNumber)
			return false;
	return true;
}

static void
find(Oid root, List *names, const KeyValues *values, bool lock, FoundRow *found)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	ListCell   *lc;

	*found = (FoundRow) {0};
	foreach(lc, paysafe_catalog_leaves(root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		if (found->count < 2 && (lock || has_columns(leaf, names)))
			paysafe_key_columns_scan(leaf, names, values, snapshot, remember_row, found);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
}

/* The newest version of what was found in the slot; TM_Deleted: it is gone. */
static TM_Result
fetch(Relation leaf, ItemPointer tid, bool lock, TupleTableSlot *slot)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	TM_FailureData failure;
	TM_Result	result;

	if (!lock)
		result = table_tuple_fetch_row_version(leaf, tid, snapshot, slot) ? TM_Ok : TM_Deleted;
	else
		result = table_tuple_lock(leaf, tid, snapshot, slot, snapshot->curcid,
								  LockTupleNoKeyExclusive, LockWaitBlock,
								  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
								  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	UnregisterSnapshot(snapshot);
	return result;
}

/* Has the row still, or again, these values? */
static bool
matches(Relation leaf, List *names, const KeyValues *values, TupleTableSlot *row)
{
	KeyColumns	columns;

	paysafe_key_columns_find(leaf, names, &columns);
	return paysafe_key_columns_match(leaf, &columns, row, values);
}

int
paysafe_locked_row(Oid root, List *names, const KeyValues *values, bool lock,
				   bool hidden_too, LockedRowVisitor visitor, void *arg)
{
	for (;;)
	{
		FoundRow	found;
		Relation	leaf;
		TupleTableSlot *slot;
		ItemPointerData tid;
		TM_Result	result;
		bool		done;

		CHECK_FOR_INTERRUPTS();
		find(root, names, values, lock, &found);
		if (found.count != 1)
			return found.count;
		leaf = table_open(found.relid, RowShareLock);
		slot = table_slot_create(leaf, NULL);
		tid = found.tid;
		result = fetch(leaf, &tid, lock && (hidden_too || !found.hidden), slot);
		if (result != TM_Ok && result != TM_Deleted)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not lock a row of \"%s\" due to concurrent update",
							RelationGetRelationName(leaf))));
		/* deleted, or of another key by now: look again */
		done = result == TM_Ok &&
			(ItemPointerEquals(&slot->tts_tid, &found.tid) || matches(leaf, names, values, slot));
		if (done)
			visitor(leaf, slot, arg);
		ExecDropSingleTupleTableSlot(slot);
		table_close(leaf, NoLock);
		if (done)
			return 1;
	}
}
