/*-------------------------------------------------------------------------
 *
 * own_table.c
 *	  Reading and adding rows of paysafe's own tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "compat.h"
#include "errors.h"
#include "store/catalog.h"
#include "store/own_table.h"

static StoreRecorder recorder = NULL;

void
paysafe_store_set_recorder(StoreRecorder new_recorder)
{
	recorder = new_recorder;
}

static void
insert_row(Oid relid, Datum *values, bool *nulls, StoreRecorder record, ItemPointer tid)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);

	ExecStoreHeapTuple(tuple, slot, false);
	slot->tts_tableOid = RelationGetRelid(rel);
	table_tuple_insert(rel, slot, GetCurrentCommandId(true), 0, NULL);
	paysafe_store_index(rel, &slot, 1);
	if (record != NULL)
		record(rel, slot);
	if (tid != NULL)
		*tid = slot->tts_tid;
	ExecDropSingleTupleTableSlot(slot);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
}

/* How long ago the row of paysafe.activation was added, if it is there. */
typedef enum Activation
{
	NOT_ACTIVE,
	ACTIVE_HERE,				/* by this transaction, which may still abort */
	ACTIVE
} Activation;

static bool
visit_activation(Relation rel, HeapTuple tuple, void *arg)
{
	Activation *result = arg;
	bool		mine = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));

	*result = mine ? Max(*result, ACTIVE_HERE) : ACTIVE;
	return *result != ACTIVE;
}

void
paysafe_store_activate(void)
{
	static Oid	active = InvalidOid;	/* the table in which it was seen */
	static FullTransactionId active_here;	/* in which it was added, ... */
	static SubTransactionId active_here_sub;	/* ... or seen, by its own rows */
	Oid			table = paysafe_catalog_table(PAYSAFE_ACTIVATION);
	FullTransactionId xid;
	Activation	found = NOT_ACTIVE;

	if (likely(active == table))
		return;

	/* a savepoint may have taken it back */
	xid = GetTopFullTransactionId();
	if (FullTransactionIdEquals(active_here, xid) && SubTransactionIsActive(active_here_sub))
		return;
	paysafe_store_scan(PAYSAFE_ACTIVATION, NULL, 0, NULL, visit_activation, &found);
	if (found == ACTIVE)
		active = table;
	else
	{
		Datum		now = TimestampTzGetDatum(GetCurrentTimestamp());
		bool		isnull = false;

		if (found == NOT_ACTIVE)
			insert_row(table, &now, &isnull, NULL, NULL);
		active_here = xid;
		active_here_sub = GetCurrentSubTransactionId();
	}
}

/* Whoever has looked at the registry of people, or keeps what the table says, looks again. */
static void
forget_kept(Relation rel)
{
	static const PaysafeTable kept[] = {
		PAYSAFE_REQUEST_CLIENT_RECORD, PAYSAFE_REQUEST_KEY, PAYSAFE_TOKEN_ISSUER_RECORD, PAYSAFE_TOKEN_KEY_RECORD,
		PAYSAFE_THROTTLE_LIMIT_RECORD, PAYSAFE_WEBHOOK_SCHEME, PAYSAFE_WEBHOOK_ENDPOINT, PAYSAFE_WEBHOOK_KEY, PAYSAFE_WEBHOOK_SCHEMA_RECORD,
		PAYSAFE_IDEMPOTENCY_ENDPOINT, PAYSAFE_CURRENCY
	};

	for (PaysafeTable table = PAYSAFE_PERSON_RECORD; table <= PAYSAFE_PERSON_SETTING; table++)
		if (RelationGetRelid(rel) == paysafe_catalog_table(table))
			CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_PERSON_RECORD));
	for (int i = 0; i < (int) lengthof(kept); i++)
		if (RelationGetRelid(rel) == paysafe_catalog_table(kept[i]))
			CacheInvalidateRelcacheByRelid(RelationGetRelid(rel));
}

void
paysafe_store_forget_rules(Relation rel, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(rel);

	forget_kept(rel);
	for (int i = 1; i <= desc->natts; i++)
	{
		bool		isnull;
		Datum		value;
		ListCell   *lc;

		if (TupleDescAttr(desc, i - 1)->atttypid != REGCLASSOID)
			continue;
		value = heap_getattr(tuple, i, desc, &isnull);
		if (isnull || get_rel_relkind(DatumGetObjectId(value)) == '\0')
			continue;
		foreach(lc, find_all_inheritors(DatumGetObjectId(value), NoLock, NULL))
			CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
	}
}

void
paysafe_store_restore(PaysafeTable table, TupleDesc desc, HeapTuple tuple)
{
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	Relation	rel;

	heap_deform_tuple(tuple, desc, values, nulls);
	insert_row(paysafe_catalog_table(table), values, nulls, NULL, NULL);
	rel = paysafe_store_open(table);
	paysafe_store_forget_rules(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	paysafe_store_close(rel);
}

bool
paysafe_store_is_active(void)
{
	Activation	found = NOT_ACTIVE;

	paysafe_store_scan(PAYSAFE_ACTIVATION, NULL, 0, NULL, visit_activation, &found);
	return found != NOT_ACTIVE;
}

void
paysafe_store_insert(PaysafeTable table, Datum *values, bool *nulls)
{
	paysafe_store_activate();
	insert_row(paysafe_catalog_table(table), values, nulls,
			   paysafe_catalog_is_audited(table) ? recorder : NULL, NULL);
}

void
paysafe_store_insert_tid(PaysafeTable table, Datum *values, bool *nulls, ItemPointer tid)
{
	paysafe_store_activate();
	insert_row(paysafe_catalog_table(table), values, nulls,
			   paysafe_catalog_is_audited(table) ? recorder : NULL, tid);
}

void
paysafe_store_insert_all(PaysafeTable table, Datum **values, int n)
{
	Relation	rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool	   *nulls = palloc0(sizeof(bool) * desc->natts);
	TupleTableSlot **slots = palloc(sizeof(TupleTableSlot *) * n);

	paysafe_store_activate();
	for (int i = 0; i < n; i++)
	{
		slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
		ExecStoreHeapTuple(heap_form_tuple(desc, values[i], nulls), slots[i], true);
		slots[i]->tts_tableOid = RelationGetRelid(rel);
	}
	table_multi_insert(rel, slots, n, GetCurrentCommandId(true), 0, NULL);
	paysafe_store_index(rel, slots, n);
	for (int i = 0; i < n; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	pfree(slots);
	pfree(nulls);
	table_close(rel, NoLock);
}

void
paysafe_store_append(PaysafeTable table, Datum *values, bool *nulls)
{
	insert_row(paysafe_catalog_table(table), values, nulls, NULL, NULL);
}

void
paysafe_store_append_recorded(PaysafeTable table, Datum *values, bool *nulls)
{
	insert_row(paysafe_catalog_table(table), values, nulls, recorder, NULL);
}

void
paysafe_store_insert_into(Oid partition, Datum *values, bool *nulls)
{
	paysafe_store_activate();
	insert_row(partition, values, nulls, NULL, NULL);
}

typedef struct StoreScan
{
	StoreVisitor visitor;
	void	   *arg;
} StoreScan;

static bool
visit_slot(Relation rel, TupleTableSlot *slot, void *arg)
{
	StoreScan  *scan = arg;

	return scan->visitor(rel, ExecFetchSlotHeapTuple(slot, false, NULL), scan->arg);
}

/* Open an index of the table by name. */
static Relation
open_index(Relation rel, const char *name, LOCKMODE lock)
{
	Oid			oid = paysafe_store_index_named(rel, name);

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" of the extension paysafe does not exist", name)));
	return index_open(oid, lock);
}

/*
 * The function that compares values of a column that our indexes have.  They are
 * searched for every posting: catalogs would be asked the same again and again.
 */
static RegProcedure
comparison(Oid type, StrategyNumber strategy)
{
	static const RegProcedure times[] = {
		[BTLessStrategyNumber] = F_TIMESTAMPTZ_LT,
		[BTLessEqualStrategyNumber] = F_TIMESTAMPTZ_LE,
		[BTEqualStrategyNumber] = F_TIMESTAMPTZ_EQ,
		[BTGreaterEqualStrategyNumber] = F_TIMESTAMPTZ_GE,
		[BTGreaterStrategyNumber] = F_TIMESTAMPTZ_GT
	};
	static const RegProcedure numbers[] = {
		[BTLessStrategyNumber] = F_INT8LT,
		[BTLessEqualStrategyNumber] = F_INT8LE,
		[BTEqualStrategyNumber] = F_INT8EQ,
		[BTGreaterEqualStrategyNumber] = F_INT8GE,
		[BTGreaterStrategyNumber] = F_INT8GT
	};
	static const RegProcedure transactions[] = {
		[BTLessStrategyNumber] = F_XID8LT,
		[BTLessEqualStrategyNumber] = F_XID8LE,
		[BTEqualStrategyNumber] = F_XID8EQ,
		[BTGreaterEqualStrategyNumber] = F_XID8GE,
		[BTGreaterStrategyNumber] = F_XID8GT
	};

	if (type == TIMESTAMPTZOID)
		return times[strategy];
	if (type == INT8OID)
		return numbers[strategy];
	if (type == XID8OID)
		return transactions[strategy];
	if (strategy == BTEqualStrategyNumber)
		switch (type)
		{
			case OIDOID:
			case REGCLASSOID:
				return F_OIDEQ;
			case INT4OID:
				return F_INT4EQ;
			case TEXTOID:
				return F_TEXTEQ;
			case BYTEAOID:
				return F_BYTEAEQ;
		}
	if (type == BYTEAOID && strategy == BTLessEqualStrategyNumber)
		return F_BYTEALE;
	elog(ERROR, "no index of paysafe compares type %u by strategy %d", type, strategy);
	return InvalidOid;
}

/* The n-th column of the index compared with the value. */
static void
make_key(ScanKey key, Relation rel, Relation index, int n, StrategyNumber strategy, Datum value)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
										  index->rd_index->indkey.values[n] - 1);

	ScanKeyEntryInitialize(key, 0, n + 1, strategy, InvalidOid, att->attcollation,
						   comparison(att->atttypid, strategy), value);
}

bool
paysafe_store_is_empty(PaysafeTable table)
{
	Relation	rel = table_open(paysafe_catalog_table(table), AccessShareLock);
	bool		empty = RelationGetNumberOfBlocks(rel) == 0;

	table_close(rel, AccessShareLock);
	return empty;
}

bool
paysafe_store_is_empty_now(PaysafeTable table)
{
	Relation	rel = RelationIdGetRelation(paysafe_catalog_table(table));
	bool		empty;

	if (rel == NULL)
		elog(ERROR, "a table of paysafe is gone");
	empty = smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM) == 0;
	RelationClose(rel);
	return empty;
}

static void
scan_relation(Relation rel, const char *index_name, int nkeys, const Datum *keys,
			  LOCKMODE lock, StoreVisitor visitor, void *arg)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	StoreScan	scan = {visitor, arg};
	Relation	index = NULL;
	ScanKeyData scankeys[INDEX_MAX_KEYS];

	if (nkeys > 0)
		index = open_index(rel, index_name, lock);
	for (int i = 0; i < nkeys; i++)
		make_key(&scankeys[i], rel, index, i, BTEqualStrategyNumber, keys[i]);
	paysafe_scan(rel, index, nkeys, scankeys, snapshot, visit_slot, &scan);
	if (index != NULL)
		index_close(index, lock == AccessShareLock ? lock : NoLock);
	UnregisterSnapshot(snapshot);
}

void
paysafe_store_scan(PaysafeTable table, const char *index_name, int nkeys,
				   const Datum *keys, StoreVisitor visitor, void *arg)
{
	Relation	rel = table_open(paysafe_catalog_table(table), AccessShareLock);

	scan_relation(rel, index_name, nkeys, keys, AccessShareLock, visitor, arg);
	table_close(rel, AccessShareLock);
}

void
paysafe_store_scan_to_add(PaysafeTable table, const char *index_name, int nkeys,
						  const Datum *keys, StoreVisitor visitor, void *arg)
{
	Relation	rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);

	scan_relation(rel, index_name, nkeys, keys, RowExclusiveLock, visitor, arg);
	table_close(rel, NoLock);
}

void
paysafe_store_scan_each(PaysafeTable table, const char *index_name, int nkeys,
						const Datum *keys, int n, StoreVisitor visitor, void **args)
{
	Relation	rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);
	Relation	index = open_index(rel, index_name, RowExclusiveLock);
	Snapshot	snapshot = paysafe_scan_snapshot();
	ScanKey		scankeys = palloc(sizeof(ScanKeyData) * n * nkeys);
	StoreScan  *scans = palloc(sizeof(StoreScan) * n);
	void	  **each = palloc(sizeof(void *) * n);

	for (int i = 0; i < n; i++)
	{
		scans[i] = (StoreScan) {visitor, args[i]};
		each[i] = &scans[i];
		for (int j = 0; j < nkeys; j++)
			make_key(&scankeys[i * nkeys + j], rel, index, j, BTEqualStrategyNumber, keys[i * nkeys + j]);
	}
	paysafe_scan_each(rel, index, nkeys, scankeys, n, snapshot, visit_slot, each);
	UnregisterSnapshot(snapshot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	pfree(scankeys);
	pfree(scans);
	pfree(each);
}

void
paysafe_store_scan_in(Oid partition, const char *index_suffix, int nkeys, const Datum *keys,
					  StoreVisitor visitor, void *arg)
{
	Relation	rel = table_open(partition, AccessShareLock);

	scan_relation(rel, psprintf("%s_%s", RelationGetRelationName(rel), index_suffix),
				  nkeys, keys, AccessShareLock, visitor, arg);
	table_close(rel, AccessShareLock);
}

/* One more condition on an index column: it compares with the bound that way. */
typedef struct SeekBound
{
	StrategyNumber strategy;
	Datum		bound;
} SeekBound;

static void
seek(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys,
	 int nbounds, const SeekBound *bounds, bool backward, Snapshot snapshot,
	 StoreVisitor visitor, void *arg)
{
	Relation	rel = table_open(paysafe_catalog_table(table), AccessShareLock);
	Relation	index = open_index(rel, index_name, AccessShareLock);
	Snapshot	newest = snapshot == NULL ? paysafe_scan_snapshot() : NULL;
	StoreScan	scan = {visitor, arg};
	ScanKeyData scankeys[INDEX_MAX_KEYS + 2];

	for (int i = 0; i < nkeys; i++)
		make_key(&scankeys[i], rel, index, i, BTEqualStrategyNumber, keys[i]);
	for (int i = 0; i < nbounds; i++)
		make_key(&scankeys[nkeys + i], rel, index, nkeys, bounds[i].strategy, bounds[i].bound);
	paysafe_scan_ordered(rel, index, nkeys + nbounds, scankeys, newest ? newest : snapshot,
						 backward ? BackwardScanDirection : ForwardScanDirection,
						 newest == NULL, visit_slot, &scan);
	if (newest != NULL)
		UnregisterSnapshot(newest);
	/* locked until commit: whoever seeks once will do so again, or add rows */
	index_close(index, NoLock);
	table_close(rel, NoLock);
}

void
paysafe_store_seek(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys,
				   StrategyNumber strategy, Datum bound, bool backward, Snapshot snapshot,
				   StoreVisitor visitor, void *arg)
{
	SeekBound	bounds[1] = {{strategy, bound}};

	seek(table, index_name, nkeys, keys, strategy == InvalidStrategy ? 0 : 1, bounds,
		 backward, snapshot, visitor, arg);
}

void
paysafe_store_seek_between(PaysafeTable table, const char *index_name, int nkeys,
						   const Datum *keys, TimestampTz lower, TimestampTz upper,
						   Snapshot snapshot, StoreVisitor visitor, void *arg)
{
	SeekBound	bounds[2] = {
		{BTGreaterEqualStrategyNumber, TimestampTzGetDatum(lower)},
		{BTLessEqualStrategyNumber, TimestampTzGetDatum(upper)}
	};

	seek(table, index_name, nkeys, keys, 2, bounds, false, snapshot, visitor, arg);
}

Relation
paysafe_store_open(PaysafeTable table)
{
	return table_open(paysafe_catalog_table(table), AccessShareLock);
}

void
paysafe_store_close(Relation rel)
{
	table_close(rel, AccessShareLock);
}

HeapTuple
paysafe_store_lock(PaysafeTable table, ItemPointer tid, LockWaitPolicy wait)
{
	Relation	rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = paysafe_scan_snapshot();
	ItemPointerData at = *tid;
	TM_FailureData failure;
	TM_Result	result;
	HeapTuple	copy = NULL;

	result = table_tuple_lock(rel, &at, snapshot, slot, GetCurrentCommandId(true),
							  LockTupleNoKeyExclusive, wait,
							  wait == LockWaitSkip ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
							  &failure);
	switch (result)
	{
		case TM_Ok:
			copy = ExecCopySlotHeapTuple(slot);
			copy->t_self = slot->tts_tid;
			break;
		case TM_Deleted:
		case TM_Updated:		/* these two only to be skipped: otherwise */
		case TM_WouldBlock:		/* the newest version is found, and an error raised */
			break;
		case TM_SelfModified:
			elog(ERROR, "row of \"%s\" was changed by this command", RelationGetRelationName(rel));
			break;
		default:
			elog(ERROR, "could not lock a row of \"%s\": %d", RelationGetRelationName(rel), result);
	}
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return copy;
}

void
paysafe_store_update(PaysafeTable table, HeapTuple locked, Datum *values, bool *nulls)
{
	Relation	rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);

	ExecStoreHeapTuple(tuple, slot, false);
	slot->tts_tableOid = RelationGetRelid(rel);
	if (update_tuple_compat(rel, &locked->t_self, slot, InvalidSnapshot))
		paysafe_store_index(rel, &slot, 1);
	locked->t_self = slot->tts_tid;
	ExecDropSingleTupleTableSlot(slot);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

static void
value_tag(LOCKTAG *tag, PaysafeTable table, uint64 hash)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, paysafe_catalog_table(table),
					   (uint32) hash, (uint16) (hash >> 32));
}

bool
paysafe_store_lock_value(PaysafeTable table, uint64 hash, bool nowait)
{
	LOCKTAG		tag;

	value_tag(&tag, table, hash);
	return LockAcquire(&tag, ExclusiveLock, false, nowait) != LOCKACQUIRE_NOT_AVAIL;
}

void
paysafe_store_unlock_value(PaysafeTable table, uint64 hash)
{
	LOCKTAG		tag;

	value_tag(&tag, table, hash);
	(void) LockRelease(&tag, ExclusiveLock, false);
}

/* Whose transaction, still in progress, has a row of the key. */
typedef struct BusySearch
{
	SnapshotData dirty;
	bool		changed;
	TransactionId other;
	bool		found;			/* a row of the key */
} BusySearch;

static bool
visit_busy(Relation rel, TupleTableSlot *slot, void *arg)
{
	BusySearch *search = arg;

	search->found = true;
	if (TransactionIdIsValid(search->dirty.xmin))
		search->other = search->dirty.xmin;
	else if (search->changed)
		search->other = search->dirty.xmax;
	return !TransactionIdIsValid(search->other);
}

bool
paysafe_store_lock_key(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys,
					   uint64 hash, bool changed, bool nowait, bool *found)
{
	for (;;)
	{
		BusySearch	search = {.changed = changed};
		Relation	rel;
		Relation	index;
		ScanKeyData scankeys[INDEX_MAX_KEYS];

		if (!paysafe_store_lock_value(table, hash, nowait))
			return false;
		InitDirtySnapshot(search.dirty);
		rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);
		index = open_index(rel, index_name, AccessShareLock);
		for (int i = 0; i < nkeys; i++)
			make_key(&scankeys[i], rel, index, i, BTEqualStrategyNumber, keys[i]);
		paysafe_scan(rel, index, nkeys, scankeys, &search.dirty, visit_busy, &search);
		index_close(index, NoLock);
		table_close(rel, NoLock);
		if (!TransactionIdIsValid(search.other))
		{
			if (found != NULL)
				*found = search.found;
			return true;
		}
		paysafe_store_unlock_value(table, hash);
		if (!nowait)
			XactLockTableWait(search.other, NULL, NULL, XLTW_None);
		else if (!conditional_xact_wait_compat(search.other))
			return false;
	}
}

static bool
collect_tid(Relation rel, TupleTableSlot *slot, void *arg)
{
	List	  **tids = arg;
	ItemPointer tid = palloc(sizeof(ItemPointerData));

	*tid = slot->tts_tid;
	*tids = lappend(*tids, tid);
	return true;
}

void
paysafe_store_forget(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys)
{
	Relation	rel = table_open(paysafe_catalog_table(table), RowExclusiveLock);
	Relation	index = open_index(rel, index_name, AccessShareLock);
	Snapshot	snapshot = paysafe_scan_snapshot();
	ScanKeyData scankeys[INDEX_MAX_KEYS];
	List	   *tids = NIL;
	ListCell   *lc;

	for (int i = 0; i < nkeys; i++)
		make_key(&scankeys[i], rel, index, i, BTEqualStrategyNumber, keys[i]);
	paysafe_scan(rel, index, nkeys, scankeys, snapshot, collect_tid, &tids);
	foreach(lc, tids)
		simple_table_tuple_delete(rel, lfirst(lc), snapshot);
	UnregisterSnapshot(snapshot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
}

void
paysafe_store_remove(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys)
{
	if (!paysafe_store_is_test_database())
		elog(ERROR, "rows of \"%s\" stay", get_rel_name(paysafe_catalog_table(table)));
	paysafe_store_forget(table, index_name, nkeys, keys);
}

/* Rows that have expired, of one scan. */
typedef struct Expiry
{
	PaysafeTable table;
	StoreVisitor expired;
	void	   *arg;
	Snapshot	snapshot;
	int64		n;
} Expiry;

static bool
remove_expired(Relation rel, TupleTableSlot *slot, void *arg)
{
	Expiry	   *expiry = arg;
	HeapTuple	locked;

	if (!expiry->expired(rel, ExecFetchSlotHeapTuple(slot, false, NULL), expiry->arg))
		return true;
	/* one that somebody is about to use again has its life before it */
	locked = paysafe_store_lock(expiry->table, &slot->tts_tid, LockWaitSkip);
	if (locked == NULL)
		return true;
	simple_table_tuple_delete(rel, &locked->t_self, expiry->snapshot);
	heap_freetuple(locked);
	expiry->n++;
	return true;
}

int64
paysafe_store_expire(PaysafeTable table, StoreVisitor expired, void *arg)
{
	Relation	rel = table_open(paysafe_catalog_table(table), ShareUpdateExclusiveLock);
	Expiry		expiry = {.table = table, .expired = expired, .arg = arg, .snapshot = paysafe_scan_snapshot()};

	paysafe_scan(rel, NULL, 0, NULL, expiry.snapshot, remove_expired, &expiry);
	UnregisterSnapshot(expiry.snapshot);
	table_close(rel, NoLock);
	return expiry.n;
}

char *
paysafe_store_text(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column + 1, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static StoreCompletion completion = NULL;

void
paysafe_store_set_completion(StoreCompletion new_completion)
{
	completion = new_completion;
}

void
paysafe_store_complete(void)
{
	if (completion != NULL)
		completion();
}

static bool
found_any(Relation rel, HeapTuple tuple, void *arg)
{
	*(bool *) arg = true;
	return false;
}

bool
paysafe_store_has(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys)
{
	bool		found = false;

	paysafe_store_scan(table, index_name, nkeys, keys, found_any, &found);
	return found;
}

static bool
note_last(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	*(int64 *) arg = Max(*(int64 *) arg, DatumGetInt64(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)));
	return true;
}

int64
paysafe_store_last(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys)
{
	int64		last = 0;

	paysafe_store_scan(table, index_name, nkeys, keys, note_last, &last);
	return last;
}

bool
paysafe_store_is_test_database(void)
{
	Datum		key = ObjectIdGetDatum(MyDatabaseId);

	return paysafe_store_has(PAYSAFE_TEST_DATABASE, "test_database_pkey", 1, &key);
}
