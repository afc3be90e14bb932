/*-------------------------------------------------------------------------
 *
 * gcra.c
 *	  The arithmetic of a limit: generic cell rate algorithm.
 *
 *-------------------------------------------------------------------------
 */
#include "abuse/gcra.h"

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

GcraAnswer
paysafe_gcra_take(const GcraLimit *limit, const GcraCounter *before, int64_t now, int64_t cost,
				  GcraCounter *after)
{
	int64_t		wait = most(before->full_at - now, 0);
	int64_t		interval = wait > 0 ? before->interval : limit->interval;
	__int128	room = (__int128) (limit->burst - cost) * interval;
	GcraAnswer	answer = {0};

	*after = *before;
	answer.allowed = room >= wait;
	if (cost > limit->burst)
		answer.retry_after = GCRA_NEVER;
	else if (!answer.allowed)
		/* until then nothing is counted, and it comes back at the interval that it has */
		answer.retry_after = wait - (int64_t) room;
	else if (cost > 0)
	{
		wait = (int64_t) (((__int128) wait * limit->interval + interval - 1) / interval) + cost * limit->interval;
		interval = limit->interval;
		after->full_at = now + wait;
		after->interval = interval;
	}
	answer.remaining = most(limit->burst - (wait / interval + (wait % interval != 0)), 0);
	answer.reset_after = wait;
	return answer;
}

GcraCounter
paysafe_gcra_give_back(const GcraCounter *before, int64_t now, int64_t cost)
{
	GcraCounter after = *before;
	__int128	back = (__int128) cost * before->interval;

	after.full_at = before->full_at - now > back ? before->full_at - (int64_t) back : now;
	return after;
}

int64_t
paysafe_gcra_token_at(const GcraCounter *counter, int64_t burst)
{
	__int128	ahead = (__int128) (burst - 1) * counter->interval;

	return ahead < counter->full_at ? counter->full_at - (int64_t) ahead : 0;
}
