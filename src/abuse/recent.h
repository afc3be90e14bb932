/*-------------------------------------------------------------------------
 *
 * recent.h
 *	  What has been seen of a key within the last hours or days, in shared memory.
 *
 * For signals, which may miss something and must cost nothing: not for limits (counter.h).
 * A table of fixed size: of more keys than it has places, those are forgotten that have not
 * been seen for the longest.
 *
 * A key has RECENT_CELLS cells.  What is added up is exact for that many times within the
 * window; of more, neighbours share a cell, which is over with its first, so that a sum
 * leaves out up to a fifteenth of the window and never says too much.  Different values are
 * exact.
 *
 * Locks: one of several for each key, held for less than a microsecond; nothing is raised
 * under it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RECENT_H
#define PAYSAFE_RECENT_H

#define RECENT_CELLS	32

/* So many different values may be told apart, and one more be seen. */
#define RECENT_VALUES	(RECENT_CELLS - 2)

/* A keyed hash, of this server only: of which nothing can be chosen from outside. */
extern void paysafe_recent_hash(const void *data, size_t len, uint64 *out);

/*
 * Add an amount to what the key has, or note a value of it: the hash of either in two
 * words.  What there is within the window (microseconds), this included: the sum, or how many
 * values.  0 without the library preloaded, or with paysafe.velocity_keys 0.
 */
extern int64 paysafe_recent_add(const uint64 *key, int64 amount, int64 window);
extern int64 paysafe_recent_value(const uint64 *key, uint64 value, int64 window);

/* Is there such a table? */
extern bool paysafe_recent_is_kept(void);

extern void paysafe_recent_preload(void);
extern void paysafe_recent_request(void);
extern void paysafe_recent_startup(void);

#endif							/* PAYSAFE_RECENT_H */
