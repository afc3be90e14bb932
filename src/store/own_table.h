/*-------------------------------------------------------------------------
 *
 * own_table.h
 *	  Reading and adding rows of paysafe's own tables.
 *
 * Rows go through the table access method with their index entries, never
 * through SQL: no rule, trigger, row security policy or cached plan can
 * swallow or change them.  The tables are insert-only; a trigger refuses what
 * arrives by SQL (see paysafe.own_table).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OWN_TABLE_H
#define PAYSAFE_OWN_TABLE_H

#include "access/htup.h"
#include "access/stratnum.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/lockoptions.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "store/catalog.h"

/*
 * Add one row and its index entries.  The values have the table's column
 * order.  Takes RowExclusiveLock until the end of the transaction.  The
 * recorder (see below) is told.
 */
extern void paysafe_store_insert(PaysafeTable table, Datum *values, bool *nulls);

/* The same for n rows of a table that no recorder is told of; none has NULLs. */
extern void paysafe_store_insert_all(PaysafeTable table, Datum **values, int n);

/* The same; *tid gets the row's place. */
extern void paysafe_store_insert_tid(PaysafeTable table, Datum *values, bool *nulls,
									 ItemPointer tid);

/*
 * The same for what the server itself notes: the recorder is not told, and the
 * database does not count as used.
 */
extern void paysafe_store_append(PaysafeTable table, Datum *values, bool *nulls);

/* The same, and the recorder is told whatever the catalog says. */
extern void paysafe_store_append_recorded(PaysafeTable table, Datum *values, bool *nulls);

/*
 * The same as paysafe_store_append for a partition of an own table, whose OID
 * store/partition.h knows; the database counts as used.
 */
extern void paysafe_store_insert_into(Oid partition, Datum *values, bool *nulls);

/*
 * From now on no row arrives by SQL.  Called whenever paysafe's functions or
 * triggers work; until then the database may be one that pg_restore is filling.
 * Cheap once it is known.
 */
extern void paysafe_store_activate(void);

/*
 * Add a row of an own table as a dump had it: nothing is recorded, the database does
 * not count as used, and whoever has compiled rules of its tables does so again.
 */
extern void paysafe_store_restore(PaysafeTable table, TupleDesc desc, HeapTuple tuple);

/* Has paysafe worked in this database?  Reads the table each time. */
extern bool paysafe_store_is_active(void);

/*
 * The index entries of rows that are in the table already.  Takes
 * RowExclusiveLock on the indexes until the end of the transaction.
 */
extern void paysafe_store_index(Relation rel, TupleTableSlot **slots, int nslots);

/* An index of an own table, by its name, or an invalid OID; cheap. */
extern Oid	paysafe_store_index_named(Relation rel, const char *name);

/*
 * Call the visitor for each row of an own table as the newest snapshot sees
 * it, including what the current command wrote, until it returns false.  If
 * nkeys > 0, only rows whose first nkeys index columns (of an index of that
 * name) equal the key values; key types are those of the columns.
 */
typedef bool (*StoreVisitor) (Relation rel, HeapTuple tuple, void *arg);
extern void paysafe_store_scan(PaysafeTable table, const char *index_name,
							   int nkeys, const Datum *keys,
							   StoreVisitor visitor, void *arg);

/* Is there such a row? */
extern bool paysafe_store_has(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys);

/* The highest number of such rows, which is their first column; 0 if there is none. */
extern int64 paysafe_store_last(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys);

/*
 * As paysafe_store_scan, for a table that is about to get a row: locks table and index in
 * RowExclusiveLock until the end of the transaction, as adding it does.
 */
extern void paysafe_store_scan_to_add(PaysafeTable table, const char *index_name,
									  int nkeys, const Datum *keys,
									  StoreVisitor visitor, void *arg);

/* The same for n sets of nkeys key values, one after the other, each with its own arg. */
extern void paysafe_store_scan_each(PaysafeTable table, const char *index_name, int nkeys,
									const Datum *keys, int n, StoreVisitor visitor, void **args);

/*
 * The same for a partition of an own table; the index is called TABLE_SUFFIX.
 */
extern void paysafe_store_scan_in(Oid partition, const char *index_suffix,
								  int nkeys, const Datum *keys,
								  StoreVisitor visitor, void *arg);

/*
 * The same in the order of the index: rows whose first nkeys index columns equal
 * the key values and, unless the strategy is InvalidStrategy, whose next one
 * compares with the bound that way.  A snapshot of the query's makes it a read of
 * the query; NULL stands for the newest, as above.
 */
extern void paysafe_store_seek(PaysafeTable table, const char *index_name, int nkeys,
							   const Datum *keys, StrategyNumber strategy, Datum bound,
							   bool backward, Snapshot snapshot,
							   StoreVisitor visitor, void *arg);

/*
 * The same forward, for rows whose next index column, a timestamptz, is between
 * two times, both included.
 */
extern void paysafe_store_seek_between(PaysafeTable table, const char *index_name, int nkeys,
									   const Datum *keys, TimestampTz lower, TimestampTz upper,
									   Snapshot snapshot, StoreVisitor visitor, void *arg);

/* An own table, opened for the shape of its rows; AccessShareLock. */
extern Relation paysafe_store_open(PaysafeTable table);
extern void paysafe_store_close(Relation rel);

/*
 * For tables whose rows have a life: lock the newest version of a row that a
 * visitor saw, FOR NO KEY UPDATE.  Returns a copy of it, or NULL: it is gone.
 * LockWaitError raises 55P03 if somebody else has it.  What the visitor saw may be
 * outdated: look at the copy.  LockWaitSkip locks what the visitor saw and nothing
 * newer: NULL too if somebody else has the row, or has changed it since, which then
 * is not locked.  The table is locked in RowExclusiveLock until the end of the
 * transaction.
 */
extern HeapTuple paysafe_store_lock(PaysafeTable table, ItemPointer tid, LockWaitPolicy wait);

/*
 * Change a row that paysafe_store_lock has returned, in this command or an earlier
 * one of this transaction; the values are all of the row's.  The change has been
 * made visible to what comes next.  The recorder is not told: what such a table
 * records of its own life is its own business.
 */
extern void paysafe_store_update(PaysafeTable table, HeapTuple locked,
								 Datum *values, bool *nulls);

/*
 * Lock a value of the table that may have no row yet, by its hash, until the end of
 * the transaction: no SQL function hands out such a lock.  Values whose hashes
 * agree in 48 bits wait for each other.  False: nowait, and somebody else has it.
 */
extern bool paysafe_store_lock_value(PaysafeTable table, uint64 hash, bool nowait);

/*
 * The same for a key that is about to get its row, given by its hash and as the first
 * nkeys columns of an index: nobody else adds it, and nobody has added (with changed:
 * or changed) it in a transaction that is still in progress.  Ended by
 * paysafe_store_unlock_value as soon as the row is there: from then on whoever comes
 * waits for the row's transaction, so that a transaction takes one such lock at a time,
 * however many keys it adds.  False: nowait, and somebody else is at it.  *found (or
 * NULL): does the key have a row already?
 */
extern bool paysafe_store_lock_key(PaysafeTable table, const char *index_name, int nkeys,
								   const Datum *keys, uint64 hash, bool changed, bool nowait,
								   bool *found);
extern void paysafe_store_unlock_value(PaysafeTable table, uint64 hash);

/*
 * Remove rows, in a test database only: those whose first nkeys columns of the
 * index equal the key values.
 */
extern void paysafe_store_remove(PaysafeTable table, const char *index_name,
								 int nkeys, const Datum *keys);

/*
 * Remove rows in any database, of a table whose rows must be able to go: those whose
 * first nkeys columns of the index equal the key values.
 */
extern void paysafe_store_forget(PaysafeTable table, const char *index_name,
								 int nkeys, const Datum *keys);

/*
 * Remove the rows of which the visitor says so, one session at a time; returns how
 * many.  Writers go on.
 */
extern int64 paysafe_store_expire(PaysafeTable table, StoreVisitor expired, void *arg);

/*
 * Has the table never had a row?  Then none of anybody's, committed or not: a
 * short answer under a lock that whoever adds rows takes too.
 */
extern bool paysafe_store_is_empty(PaysafeTable table);

/*
 * The same for a caller who holds a lock on a table with our triggers, under which the
 * extension stays: this takes none.
 */
extern bool paysafe_store_is_empty_now(PaysafeTable table);

/* A text column (0-based) of a row of an own table, or NULL; palloc'd. */
extern char *paysafe_store_text(HeapTuple tuple, TupleDesc desc, int column);

/*
 * Who records rows of own tables in the audit log.  Set once by the layer
 * above, which core does not know.
 */
typedef void (*StoreRecorder) (Relation rel, TupleTableSlot *row);
extern void paysafe_store_set_recorder(StoreRecorder recorder);

/*
 * Is a subscription trusted to bring rows of own tables?  Set by the layer above,
 * which knows rules.
 */
typedef bool (*StoreReplay) (Oid subscription);
extern void paysafe_store_set_replay(StoreReplay replay);

/*
 * Complete what the record of a change needs.  Set by the audit log, which the
 * store does not know, to create its partitions.
 */
typedef void (*StoreCompletion) (void);
extern void paysafe_store_set_completion(StoreCompletion completion);
extern void paysafe_store_complete(void);

/*
 * Is this database declared a test database (engine/test_database.c)?  Then
 * TRUNCATE empties protected tables, and nothing else is different.
 */
extern bool paysafe_store_is_test_database(void);

/* Tables that a row of an own table is about: whoever has compiled their rules, do it again. */
extern void paysafe_store_forget_rules(Relation rel, HeapTuple tuple);

#endif							/* PAYSAFE_OWN_TABLE_H */
