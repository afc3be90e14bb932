/*-------------------------------------------------------------------------
 *
 * counter_key.h
 *	  What a counter belongs to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_COUNTER_KEY_H
#define PAYSAFE_COUNTER_KEY_H

/* A keyed hash, of this server only. */
typedef struct CounterKey
{
	uint64		hash[2];
} CounterKey;

#endif							/* PAYSAFE_COUNTER_KEY_H */
