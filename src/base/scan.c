/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Reading what is committed now, for checks that hold a lock.
 *
 * At SERIALIZABLE, PostgreSQL remembers what a transaction reads, by row, page
 * or table, and gives up transactions whose reads and writes cross.  A check
 * needs none of that: whoever could make its answer wrong waits for the lock
 * that it holds (a payment's row, an approval).  Were its reads remembered, two
 * refunds of different payments on one index page would fail each other, and a
 * refund that is too high would get 40001, try again, and get it again.  Scans
 * with a snapshot that is not MVCC are not remembered: so every version is
 * fetched, and visibility is tested here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "compat.h"

Snapshot
paysafe_scan_snapshot(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	/*
	 * RegisterSnapshot made a private copy.  An AFTER trigger runs before the
	 * command counter moves on, so what the statement wrote has the current
	 * command id and needs one more to be seen.
	 */
	snapshot->curcid = GetCurrentCommandId(false) + 1;
	return snapshot;
}

/* tracked: at SERIALIZABLE, a read of the transaction like any other */
static void
scan(Relation rel, Relation index, int nkeys, ScanKey keys, Snapshot snapshot,
	 ScanDirection direction, bool tracked, ScanVisitor visitor, void *arg)
{
	bool		all_versions = !tracked && IsolationIsSerializable() && IsMVCCSnapshot(snapshot);
	Snapshot	fetch = all_versions ? SnapshotAny : snapshot;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc index_scan = NULL;
	TableScanDesc table_scan = NULL;

	if (index != NULL)
	{
		index_scan = index_beginscan_compat(rel, index, fetch, nkeys);
		index_rescan(index_scan, keys, nkeys, NULL, 0);
	}
	else
		table_scan = table_beginscan(rel, fetch, 0, NULL);

	while (index_scan != NULL ?
		   index_getnext_slot(index_scan, direction, slot) :
		   table_scan_getnextslot(table_scan, direction, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (all_versions && !table_tuple_satisfies_snapshot(rel, slot, snapshot))
			continue;
		if (!visitor(rel, slot, arg))
			break;
	}

	if (index_scan != NULL)
		index_endscan(index_scan);
	else
		table_endscan(table_scan);
	ExecDropSingleTupleTableSlot(slot);
}

void
paysafe_scan(Relation rel, Relation index, int nkeys, ScanKey keys,
			 Snapshot snapshot, ScanVisitor visitor, void *arg)
{
	scan(rel, index, nkeys, keys, snapshot, ForwardScanDirection, false, visitor, arg);
}

void
paysafe_scan_ordered(Relation rel, Relation index, int nkeys, ScanKey keys, Snapshot snapshot,
					 ScanDirection direction, bool tracked, ScanVisitor visitor, void *arg)
{
	scan(rel, index, nkeys, keys, snapshot, direction, tracked, visitor, arg);
}
