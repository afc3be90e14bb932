/*-------------------------------------------------------------------------
 *
 * counter.h
 *	  Counters of limits, in shared memory.
 *
 * A table of fixed size, which setting paysafe.throttle_keys sets when the server starts:
 * 50 bytes a key.  A key is a keyed hash.  What is taken stays taken when the transaction
 * rolls back, and when the server ends (counter_file.h).
 *
 * A key that has all its tokens takes no place.  Where a new key finds none, the one is
 * forgotten that is nearest to having all; one that has no token never is.
 *
 * Locks: one of NPARTITIONS for each key, held for less than a microsecond each; several
 * in ascending order.  No other lock is taken under them, and nothing is raised.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_COUNTER_H
#define PAYSAFE_COUNTER_H

#include "datatype/timestamp.h"

#include "abuse/counter_key.h"
#include "abuse/gcra.h"

#define PAYSAFE_COUNTER_USES_MAX	16	/* limits of one call */

/* One limit of a call. */
typedef struct CounterUse
{
	CounterKey	key;
	GcraLimit	limit;
	bool		let_through;	/* if there is no place to count it; otherwise it is refused */
	GcraAnswer	answer;			/* filled in */
	bool		uncounted;		/* there was no place */
} CounterUse;

/* What there is, and what became of keys for which there was no place. */
typedef struct CounterState
{
	int64		capacity;		/* keys for which the table is made */
	int64		keys;			/* that have not all their tokens */
	int64		out;			/* of these, that have none */
	uint64		forgotten;		/* that had some */
	uint64		refused;		/* for want of a place */
	uint64		let_through;
	TimestampTz full_at;		/* when that was so last; 0: never */
	TimestampTz saved_at;		/* when all was in the file last; 0: never */
} CounterState;

/* Is the library preloaded, and the table not switched off? */
extern bool paysafe_counter_ready(void);

/* The keyed hash of len bytes: of this server only. */
extern CounterKey paysafe_counter_key(const void *data, size_t len);

/*
 * Take cost tokens (0: look only) of each of n keys, all different, or of none of them.
 * True: they are taken.  The answers tell what there is afterwards.
 */
extern bool paysafe_counter_take(CounterUse *uses, int n, int64 cost);

/* Might they be taken?  The answers are those of paysafe_counter_take if they may not, and nothing is. */
extern bool paysafe_counter_ask(CounterUse *uses, int n, int64 cost);

/* Give cost tokens back to each. */
extern void paysafe_counter_give_back(CounterUse *uses, int n, int64 cost);

/* Reads all of the table: not for every request. */
extern CounterState paysafe_counter_state(void);

/* What check() says: counters find no place, or are not written.  NULL: all is well; palloc'd. */
extern char *paysafe_counter_trouble(void);

extern void paysafe_counter_preload(void);
extern void paysafe_counter_request(void);
extern void paysafe_counter_startup(void);

#endif							/* PAYSAFE_COUNTER_H */
