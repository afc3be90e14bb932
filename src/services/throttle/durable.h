/*-------------------------------------------------------------------------
 *
 * durable.h
 *	  Counters of limits that are kept in a table.
 *
 * For few requests that cost money: what is counted is part of the transaction, is
 * dumped, restored and replicated with it, and comes back if it rolls back.  Whoever
 * asks for the same key waits until the transaction has ended that has taken of it.
 *
 * Locks: for each key the lock of its value until it has its row, then the row's, until
 * the end of the transaction; of one call in ascending order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_THROTTLE_DURABLE_H
#define PAYSAFE_THROTTLE_DURABLE_H

#include "access/htup.h"

#include "abuse/gcra.h"
#include "base/crypto.h"

/* One limit of a call. */
typedef struct DurableUse
{
	uint8		digest[PAYSAFE_SHA256_LEN]; /* keyed hash of the key */
	GcraLimit	limit;
	GcraAnswer	answer;			/* filled in by paysafe_durable_ask */
	/* private */
	HeapTuple	row;			/* locked; NULL: it has none */
	bool		value_locked;
	bool		set_back;		/* the time of day, since it was counted */
	GcraCounter before;
	GcraCounter after;
} DurableUse;

/* The keyed hash of len bytes: of this database, and of all that are copies of it. */
extern void paysafe_durable_key(const void *data, size_t len, uint8 *digest);

/*
 * May cost tokens be taken of each of n keys, all different?  With cost 0 nothing is
 * locked, and what is committed counts.  Otherwise the keys are locked, and
 * paysafe_durable_finish must follow.
 */
extern bool paysafe_durable_ask(DurableUse *uses, int n, int64 cost);

/* Take them, or none; the answers tell what there is afterwards. */
extern void paysafe_durable_finish(DurableUse *uses, int n, bool take);

/* Give cost tokens back to each. */
extern void paysafe_durable_give_back(DurableUse *uses, int n, int64 cost);

/* Remove the rows of keys that have all their tokens; returns how many. */
extern int64 paysafe_durable_expire(void);

#endif							/* PAYSAFE_THROTTLE_DURABLE_H */
