/*-------------------------------------------------------------------------
 *
 * first_seen.h
 *	  Has this been seen before?
 *
 * A value of a kind within a scope: a country of a customer. Of each a keyed hash is kept, and when it
 * was seen first and last. Nobody waits: who comes while somebody else adds a value is not the first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FIRST_SEEN_H
#define PAYSAFE_FIRST_SEEN_H

#include "datatype/timestamp.h"

typedef struct FirstSeen
{
	bool		first;
	bool		learning;		/* the scope itself has been known for less than the learning period */
} FirstSeen;

/*
 * Note it. What is first, and not in the learning period (microseconds), is a signal. Raises 55000
 * where the server has no key-encryption key, 25006 in a transaction that only reads.
 */
extern FirstSeen paysafe_first_seen_note(const char *scope, const char *kind, const char *value, int64 learning);

/* Is there the key that values are hashed under? */
extern bool paysafe_first_seen_ready(void);

/* Remove what was last seen before that; returns how many. */
extern int64 paysafe_first_seen_expire_before(TimestampTz before);

#endif							/* PAYSAFE_FIRST_SEEN_H */
