/*-------------------------------------------------------------------------
 *
 * idempotency.h
 *	  A request is executed once, however often it arrives.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IDEMPOTENCY_H
#define PAYSAFE_IDEMPOTENCY_H

/* Watch the ends of transactions for requests that were begun and not finished. */
extern void paysafe_idempotency_init(void);

/* Make the partitions for responses that are kept so long, in microseconds. */
extern void paysafe_idempotency_extend(int64 retention);

#endif							/* PAYSAFE_IDEMPOTENCY_H */
