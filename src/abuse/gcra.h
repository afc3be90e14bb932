/*-------------------------------------------------------------------------
 *
 * gcra.h
 *	  The arithmetic of a limit: generic cell rate algorithm.
 *
 * ITU-T I.371, virtual scheduling; answers as redis-cell gives them.  A counter is one
 * time: when the key will have all its tokens again.  Times are microseconds of any
 * clock that does not step back, and nothing is rounded but the interval, which the
 * caller rounds up: in any window no more pass than burst + window / interval.
 *
 * No PostgreSQL here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_GCRA_H
#define PAYSAFE_GCRA_H

#include <stdbool.h>
#include <stdint.h>

#define GCRA_BURST_MAX		INT64_C(1000000000)
#define GCRA_TOLERANCE_MAX	(INT64_C(10) * 366 * 86400 * 1000000)	/* ten years */
#define GCRA_NEVER			INT64_C(-1)

typedef struct GcraLimit
{
	int64_t		interval;		/* of one token: 1 .. GCRA_TOLERANCE_MAX */
	int64_t		burst;			/* tokens of a full key: 1 .. GCRA_BURST_MAX */
} GcraLimit;

typedef struct GcraAnswer
{
	bool		allowed;
	int64_t		remaining;		/* tokens that are left */
	int64_t		retry_after;	/* whoever waits so long is let in; 0: allowed; or GCRA_NEVER */
	int64_t		reset_after;	/* until the key has all its tokens */
} GcraAnswer;

/*
 * The limit of count tokens a period (microseconds), its interval rounded up.  False:
 * a token would come in less than min_interval, or all of them would take longer than
 * GCRA_TOLERANCE_MAX.
 */
extern bool paysafe_gcra_limit(int64_t count, int64_t period, int64_t burst, int64_t min_interval,
					   GcraLimit *limit);

/* How long a key that has no token waits for all of them. */
extern int64_t paysafe_gcra_tolerance(const GcraLimit *limit);

/*
 * May cost tokens be taken now from a key that is full again at full_at?  *taken is the
 * time that it would be full at then; if it is not allowed, or nothing is taken, that is
 * full_at or now.  A full_at that the limit could not have led to counts as the last one
 * that it could.
 */
extern GcraAnswer paysafe_gcra_take(const GcraLimit *limit, int64_t full_at, int64_t now, int64_t cost,
							int64_t *taken);

/*
 * When a key is full again whose counter was kept at another interval: as many tokens are
 * missing as before, rounded up.
 */
extern int64_t paysafe_gcra_rescaled(const GcraLimit *limit, int64_t full_at, int64_t interval, int64_t now);

/* When it is full again, if cost tokens are given back. */
extern int64_t paysafe_gcra_give_back(const GcraLimit *limit, int64_t full_at, int64_t now, int64_t cost);

#endif							/* PAYSAFE_GCRA_H */
