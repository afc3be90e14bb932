/*-------------------------------------------------------------------------
 *
 * counter_table.h
 *	  The table of counters as it lies in memory, for counter.c and counter_file.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_COUNTER_TABLE_H
#define PAYSAFE_COUNTER_TABLE_H

#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#include "abuse/counter_key.h"
#include "abuse/gcra.h"

#define NPARTITIONS		128
#define BUCKET_SLOTS	8
#define BLOCK_SLOTS		256		/* what is written to the file at once: 10 kB */
#define BLOCK_BUCKETS	(BLOCK_SLOTS / BUCKET_SLOTS)
#define COUNTER_SECRET_LEN	32

typedef struct CounterSlot
{
	CounterKey	key;
	GcraCounter counter;		/* on the table's clock; full by now: the slot is free */
	int64		token_at;		/* when it has a token */
} CounterSlot;

typedef struct CounterTable
{
	LWLockPadded *locks;		/* of the partitions, and one of what follows */
	int64		clock_offset;	/* of the table's clock to the system's that never steps back */
	uint8		secret[COUNTER_SECRET_LEN];
	Latch	   *writer;			/* of the process that writes the file, or NULL */
	pg_atomic_uint32 armed;		/* it sleeps: whoever changes a counter wakes it */
	pg_atomic_uint64 forgotten;
	pg_atomic_uint64 refused;
	pg_atomic_uint64 let_through;
	pg_atomic_uint64 full_at;	/* TimestampTz */
	pg_atomic_uint64 saved_at;	/* TimestampTz */
	uint64		header_sequence;
	bool		anew;			/* the file is of another size, or not there */
	int			blocks;			/* a multiple of NPARTITIONS */
	int			keys;			/* for which it is made: four fifths of the slots */
	/* for each block: its sequence in the file, and whether memory is ahead of it */
	uint64	   *sequence;
	bool	   *dirty;
	CounterSlot *slots;
} CounterTable;

extern CounterTable *paysafe_counter_table;

#define COUNTER_HEADER_LOCK	(&paysafe_counter_table->locks[NPARTITIONS].lock)

/* The lock of a block: blocks of a partition stand together. */
extern LWLock *paysafe_counter_lock_of(int block);

/* Microseconds on the table's clock, which goes on over a restart and never steps back. */
extern int64 paysafe_counter_now(void);

/* The same on the system's clock, which only this boot has. */
extern int64 paysafe_counter_monotonic(void);

/*
 * Put a counter of a table of another size where it belongs; by the postmaster, before anybody
 * else looks.  False: it found no place.
 */
extern bool paysafe_counter_restore(const CounterSlot *slot, int64 now);

#endif							/* PAYSAFE_COUNTER_TABLE_H */
