/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Reading what is committed now, for checks that hold a lock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SCAN_H
#define PAYSAFE_SCAN_H

#include "access/sdir.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/*
 * The newest snapshot, which also sees what the current command has written.
 * Registered; release with UnregisterSnapshot.
 */
extern Snapshot paysafe_scan_snapshot(void);

/*
 * Call the visitor for each row that the snapshot sees, until it returns false;
 * with an index, only for rows that satisfy the keys on it.  The caller holds
 * locks on both, and another one under which what it finds stays true: at
 * SERIALIZABLE too, these reads do not count as reads of the transaction.
 */
typedef bool (*ScanVisitor) (Relation rel, TupleTableSlot *row, void *arg);
extern void paysafe_scan(Relation rel, Relation index, int nkeys, ScanKey keys,
						 Snapshot snapshot, ScanVisitor visitor, void *arg);

/*
 * The same in the order of the index, forward or backward.  tracked: the
 * snapshot is the query's, and at SERIALIZABLE these are reads like its others.
 */
extern void paysafe_scan_ordered(Relation rel, Relation index, int nkeys, ScanKey keys,
								 Snapshot snapshot, ScanDirection direction, bool tracked,
								 ScanVisitor visitor, void *arg);

/* paysafe_scan with an index for n sets of keys, one after the other, each with its own arg. */
extern void paysafe_scan_each(Relation rel, Relation index, int nkeys, ScanKey keys, int n,
							  Snapshot snapshot, ScanVisitor visitor, void **args);

#endif							/* PAYSAFE_SCAN_H */
