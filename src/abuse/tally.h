/*-------------------------------------------------------------------------
 *
 * tally.h
 *	  How often something has been seen in a window, in shared memory.
 *
 * For signals, which are raised once for each key and window: not for limits, which must
 * not forget (counter.h).  A table of fixed size: of more keys than it has places, those are
 * forgotten whose window began first, and begin anew.
 *
 * Lock: one, held for less than a microsecond; nothing is raised under it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TALLY_H
#define PAYSAFE_TALLY_H

/* What is known of a key, this time included. */
typedef struct Tally
{
	int64		count;			/* in the window that is open now; 1: it begins with this */
	int64		before;			/* in the window before it, if there was one; otherwise 0 */
} Tally;

/*
 * Count a key, given by len bytes of any length, within a window (microseconds) that begins with
 * the first.  Without the library preloaded everything is the first.
 */
extern Tally paysafe_tally_count(const void *data, size_t len, int64 window);

extern void paysafe_tally_request(void);
extern void paysafe_tally_startup(void);

#endif							/* PAYSAFE_TALLY_H */
