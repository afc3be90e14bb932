/*-------------------------------------------------------------------------
 *
 * rewrite.c
 *	  A partition of the audit log in new files.
 *
 * The copy's rows are frozen: whoever may see the log sees them, with whatever
 * snapshot, as they saw the old ones.  So no snapshot may be older than a row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "commands/cluster.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "evidence/audit_leaf.h"
#include "evidence/retention/rewrite.h"
#include "store/run_as_owner.h"

#define LOCK_PATIENCE	5000	/* milliseconds */
#define LOCK_INTERVAL	20
#define COPY_ROWS		500		/* in one batch */
#define COPY_BYTES		(1024 * 1024)

/* Without a place in the queue, in which others would wait behind us. */
static bool
lock_patiently(Oid relid, LOCKMODE mode)
{
	for (int waited = 0; !ConditionalLockRelationOid(relid, mode); waited += LOCK_INTERVAL)
	{
		if (waited >= LOCK_PATIENCE)
			return false;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOCK_INTERVAL * 1000L);
	}
	return true;
}

void
paysafe_rewrite_lock(Oid partition)
{
	if (!lock_patiently(partition, ExclusiveLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("a transaction that has written to \"%s\" is still open", get_rel_name(partition)),
				 errhint("Wait for it, or look in pg_locks and pg_prepared_xacts who it is.")));
}

/* The rows of a partition, one after the other. */
typedef struct Reading
{
	Relation	rel;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		copies;			/* then no snapshot may be older than a row */
	TransactionId horizon;
	MemoryContext context;		/* of one row, or of a batch */
} Reading;

static void
begin_reading(Reading *reading, Oid partition, bool copies)
{
	reading->rel = table_open(partition, NoLock);
	reading->copies = copies;
	reading->horizon = GetOldestNonRemovableTransactionId(reading->rel);
	reading->snapshot = paysafe_scan_snapshot();
	reading->scan = table_beginscan(reading->rel, reading->snapshot, 0, NULL);
	reading->slot = table_slot_create(reading->rel, NULL);
	reading->context = AllocSetContextCreate(CurrentMemoryContext, "paysafe audit copy",
											 ALLOCSET_DEFAULT_SIZES);
	if (RelationGetDescr(reading->rel)->natts != ROW_NCOLUMNS)
		elog(ERROR, "\"%s\" is no partition of paysafe.audit_row", RelationGetRelationName(reading->rel));
}

static void
end_reading(Reading *reading)
{
	MemoryContextDelete(reading->context);
	ExecDropSingleTupleTableSlot(reading->slot);
	table_endscan(reading->scan);
	UnregisterSnapshot(reading->snapshot);
	table_close(reading->rel, NoLock);
}

/* The next row; NULL if there is none. */
static HeapTuple
next_row(Reading *reading)
{
	HeapTuple	tuple;

	CHECK_FOR_INTERRUPTS();
	if (!table_scan_getnextslot(reading->scan, ForwardScanDirection, reading->slot))
		return NULL;
	tuple = ExecFetchSlotHeapTuple(reading->slot, false, NULL);
	if (reading->copies &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple->t_data), reading->horizon))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a transaction is open that is older than rows of \"%s\"",
						RelationGetRelationName(reading->rel)),
				 errhint("Wait for it: pg_stat_activity.backend_xmin, pg_prepared_xacts and pg_replication_slots say who it is.")));
	return tuple;
}

void
paysafe_rewrite_visit(Oid partition, RewriteVisitor visit, void *arg)
{
	Reading		reading;
	HeapTuple	tuple;
	MemoryContext old;

	begin_reading(&reading, partition, false);
	while ((tuple = next_row(&reading)) != NULL)
	{
		Datum		values[ROW_NCOLUMNS];
		bool		nulls[ROW_NCOLUMNS];

		old = MemoryContextSwitchTo(reading.context);
		heap_deform_tuple(tuple, RelationGetDescr(reading.rel), values, nulls);
		visit(values, nulls, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(reading.context);
	}
	end_reading(&reading);
}

/* Making the new files, and swapping them. */
typedef struct Swap
{
	Oid			partition;
	Oid			tablespace;
	Oid			copy;
} Swap;

static void
make_copy(void *arg)
{
	Swap	   *swap = arg;
	Relation	rel = table_open(swap->partition, NoLock);

	swap->copy = make_new_heap(swap->partition,
							   OidIsValid(swap->tablespace) ? swap->tablespace : rel->rd_rel->reltablespace,
							   rel->rd_rel->relam, rel->rd_rel->relpersistence, ExclusiveLock);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* Rows on their way into the copy. */
typedef struct Batch
{
	Relation	rel;
	int			n;
	Size		bytes;
	TupleTableSlot *slots[COPY_ROWS];
} Batch;

static void
flush_batch(Batch *batch)
{
	if (batch->n > 0)
		table_multi_insert(batch->rel, batch->slots, batch->n, GetCurrentCommandId(true),
						   TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN, NULL);
	for (int i = 0; i < batch->n; i++)
		ExecClearTuple(batch->slots[i]);
	batch->n = 0;
	batch->bytes = 0;
}

Oid
paysafe_rewrite_copy(Oid partition, Oid tablespace, RewriteVisitor visit, void *arg)
{
	Swap		swap = {partition, tablespace, InvalidOid};
	Batch	   *batch = palloc0(sizeof(Batch));
	Reading		reading;
	HeapTuple	tuple;

	paysafe_run_as_owner_call(make_copy, &swap);
	batch->rel = table_open(swap.copy, AccessExclusiveLock);
	for (int i = 0; i < COPY_ROWS; i++)
		batch->slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(batch->rel), &TTSOpsHeapTuple);
	begin_reading(&reading, partition, true);
	while ((tuple = next_row(&reading)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(reading.context);
		Datum		values[ROW_NCOLUMNS];
		bool		nulls[ROW_NCOLUMNS];
		HeapTuple	copy;

		heap_deform_tuple(tuple, RelationGetDescr(reading.rel), values, nulls);
		visit(values, nulls, arg);
		copy = heap_form_tuple(RelationGetDescr(batch->rel), values, nulls);
		ExecStoreHeapTuple(copy, batch->slots[batch->n++], false);
		batch->bytes += copy->t_len;
		/* values of another table's storage are fetched whole when the batch is written */
		if (batch->n == COPY_ROWS || batch->bytes >= COPY_BYTES || HeapTupleHasExternal(copy))
		{
			flush_batch(batch);
			MemoryContextReset(reading.context);
		}
		MemoryContextSwitchTo(old);
	}
	flush_batch(batch);
	end_reading(&reading);
	for (int i = 0; i < COPY_ROWS; i++)
		ExecDropSingleTupleTableSlot(batch->slots[i]);
	table_close(batch->rel, NoLock);
	pfree(batch);
	return swap.copy;
}

static void
swap_files(void *arg)
{
	Swap	   *swap = arg;

	finish_heap_swap(swap->partition, swap->copy, false, false, false, true, RecentXmin,
					 ReadNextMultiXactId(), get_rel_persistence(swap->partition));
}

void
paysafe_rewrite_swap(Oid partition, Oid copy)
{
	Swap		swap = {.partition = partition, .copy = copy};

	if (!lock_patiently(partition, AccessExclusiveLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("\"%s\" is being read all the time", get_rel_name(partition)),
				 errhint("Nothing has changed. Try again when the readers, which pg_locks shows, have ended.")));
	CommandCounterIncrement();
	paysafe_run_as_owner_call(swap_files, &swap);
	CommandCounterIncrement();
}
