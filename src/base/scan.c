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

/* A scan under way; index or table, not both. */
typedef struct OpenScan
{
	Relation	rel;
	Snapshot	snapshot;
	bool		all_versions;	/* visibility is tested here */
	TupleTableSlot *slot;
	IndexScanDesc index;
	TableScanDesc table;
} OpenScan;

/* tracked: at SERIALIZABLE, a read of the transaction like any other */
static void
begin_scan(OpenScan *scan, Relation rel, Relation index, int nkeys, Snapshot snapshot, bool tracked)
{
	bool		all_versions = !tracked && IsolationIsSerializable() && IsMVCCSnapshot(snapshot);
	Snapshot	fetch = all_versions ? SnapshotAny : snapshot;

	*scan = (OpenScan) {.rel = rel, .snapshot = snapshot, .all_versions = all_versions};
	scan->slot = table_slot_create(rel, NULL);
	if (index != NULL)
		scan->index = index_beginscan_compat(rel, index, fetch, nkeys);
	else
		scan->table = table_beginscan(rel, fetch, 0, NULL);
}

static void
visit_rows(OpenScan *scan, ScanDirection direction, ScanVisitor visitor, void *arg)
{
	while (scan->index != NULL ?
		   index_getnext_slot(scan->index, direction, scan->slot) :
		   table_scan_getnextslot(scan->table, direction, scan->slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (scan->all_versions && !table_tuple_satisfies_snapshot(scan->rel, scan->slot, scan->snapshot))
			continue;
		if (!visitor(scan->rel, scan->slot, arg))
			break;
	}
}

static void
end_scan(OpenScan *scan)
{
	if (scan->index != NULL)
		index_endscan(scan->index);
	else
		table_endscan(scan->table);
	ExecDropSingleTupleTableSlot(scan->slot);
}

static void
scan_all(Relation rel, Relation index, int nkeys, ScanKey keys, Snapshot snapshot,
		 ScanDirection direction, bool tracked, ScanVisitor visitor, void *arg)
{
	OpenScan	scan;

	begin_scan(&scan, rel, index, nkeys, snapshot, tracked);
	if (index != NULL)
		index_rescan(scan.index, keys, nkeys, NULL, 0);
	visit_rows(&scan, direction, visitor, arg);
	end_scan(&scan);
}

void
paysafe_scan(Relation rel, Relation index, int nkeys, ScanKey keys,
			 Snapshot snapshot, ScanVisitor visitor, void *arg)
{
	scan_all(rel, index, nkeys, keys, snapshot, ForwardScanDirection, false, visitor, arg);
}

void
paysafe_scan_ordered(Relation rel, Relation index, int nkeys, ScanKey keys, Snapshot snapshot,
					 ScanDirection direction, bool tracked, ScanVisitor visitor, void *arg)
{
	scan_all(rel, index, nkeys, keys, snapshot, direction, tracked, visitor, arg);
}

void
paysafe_scan_each(Relation rel, Relation index, int nkeys, ScanKey keys, int n, Snapshot snapshot,
				  ScanVisitor visitor, void **args)
{
	OpenScan	scan;

	begin_scan(&scan, rel, index, nkeys, snapshot, false);
	for (int i = 0; i < n; i++)
	{
		index_rescan(scan.index, &keys[i * nkeys], nkeys, NULL, 0);
		visit_rows(&scan, ForwardScanDirection, visitor, args[i]);
	}
	end_scan(&scan);
}
