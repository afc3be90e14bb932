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

/*
 * Remove responses that have expired and make the partitions for those to come;
 * returns how many partitions were dropped.
 */
extern int	paysafe_idempotency_expire_responses(void);

/* Make the partitions to come, and remove nothing. */
extern void paysafe_idempotency_extend_responses(void);

#endif							/* PAYSAFE_IDEMPOTENCY_H */
