/*-------------------------------------------------------------------------
 *
 * gcra.c
 *	  The arithmetic of a limit: generic cell rate algorithm.
 *
 *-------------------------------------------------------------------------
 */
#include "abuse/gcra.h"

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

bool
paysafe_gcra_limit(int64_t count, int64_t period, int64_t burst, int64_t min_interval, GcraLimit *limit)
{
	if (count < 1 || count > GCRA_BURST_MAX || burst < 1 || burst > GCRA_BURST_MAX ||
		period < 1 || period > GCRA_TOLERANCE_MAX)
		return false;
	limit->interval = period / count + (period % count != 0);
	limit->burst = burst;
	return limit->interval >= min_interval && burst <= GCRA_TOLERANCE_MAX / limit->interval;
}

int64_t
paysafe_gcra_tolerance(const GcraLimit *limit)
{
	return limit->interval * limit->burst;
}

GcraAnswer
paysafe_gcra_take(const GcraLimit *limit, int64_t full_at, int64_t now, int64_t cost, int64_t *taken)
{
	int64_t		tolerance = paysafe_gcra_tolerance(limit);
	int64_t		wait = least(most(full_at - now, 0), tolerance);
	GcraAnswer	answer = {0};

	if (cost > limit->burst)
		answer.retry_after = GCRA_NEVER;
	else if (wait + cost * limit->interval > tolerance)
		answer.retry_after = wait + cost * limit->interval - tolerance;
	else
	{
		answer.allowed = true;
		wait += cost * limit->interval;
	}
	*taken = now + wait;
	answer.remaining = (tolerance - wait) / limit->interval;
	answer.reset_after = wait;
	return answer;
}

int64_t
paysafe_gcra_rescaled(const GcraLimit *limit, int64_t full_at, int64_t interval, int64_t now)
{
	__int128	wait = most(full_at - now, 0);

	if (interval == limit->interval || interval <= 0)
		return full_at;
	wait = (wait * limit->interval + interval - 1) / interval;
	return now + (int64_t) (wait < paysafe_gcra_tolerance(limit) ? wait : paysafe_gcra_tolerance(limit));
}

int64_t
paysafe_gcra_give_back(const GcraLimit *limit, int64_t full_at, int64_t now, int64_t cost)
{
	int64_t		wait = least(most(full_at - now, 0), paysafe_gcra_tolerance(limit));

	return now + most(wait - least(cost, limit->burst) * limit->interval, 0);
}
