/*-------------------------------------------------------------------------
 *
 * gcra.h
 *	  The arithmetic of a limit: generic cell rate algorithm.
 *
 * ITU-T I.371, virtual scheduling; answers as redis-cell gives them.  A counter is a
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

/*
 * What is kept of a key: when it is full again, and the interval at which it comes to that.
 * Whatever limit is asked about: until it is counted at another one, as many tokens are
 * missing as the time to then has intervals.  0, 0: nothing is missing.
 */
typedef struct GcraCounter
{
	int64_t		full_at;
	int64_t		interval;
} GcraCounter;

/*
 * May cost tokens be taken now?  *after is the counter then; if it is not allowed, or
 * nothing is taken, as it was.
 */
extern GcraAnswer paysafe_gcra_take(const GcraLimit *limit, const GcraCounter *before, int64_t now,
									int64_t cost, GcraCounter *after);

/* What it is if cost tokens are given back. */
extern GcraCounter paysafe_gcra_give_back(const GcraCounter *before, int64_t now, int64_t cost);

/* When a key has a token, of so many when it is full. */
extern int64_t paysafe_gcra_token_at(const GcraCounter *counter, int64_t burst);

#endif							/* PAYSAFE_GCRA_H */
