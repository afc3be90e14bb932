/*-------------------------------------------------------------------------
 *
 * main.c
 *	  The arithmetic of limits: redis-cell's own test, and random limits, times and costs
 *	  against a token bucket that is written another way.
 *
 *	  main SEED [VECTORS]
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abuse/gcra.h"
#include "../lib/check.h"

long		checks = 0;
long		failures = 0;
static uint64_t state;

/* splitmix64 */
static uint64_t
next(void)
{
	uint64_t	z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int64_t
below(int64_t n)
{
	return (int64_t) (next() % (uint64_t) n);
}

static void
vectors(const char *name)
{
	FILE	   *file = fopen(name, "r");
	char		line[200];
	GcraLimit	limit;
	GcraCounter counter = {0, 0};
	int			rows = 0;

	if (file == NULL)
	{
		fprintf(stderr, "no %s\n", name);
		exit(1);
	}
	CHECK(paysafe_gcra_limit(1, 1000000, 5, 1, &limit), "redis-cell's limit");
	while (fgets(line, sizeof(line), file) != NULL)
	{
		int64_t		now, cost, remaining, reset, retry;
		int			row, limited;
		GcraAnswer	answer;

		if (sscanf(line, "%d %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %d", &row, &now, &cost,
				   &remaining, &reset, &retry, &limited) != 7)
			continue;
		rows++;
		answer = paysafe_gcra_take(&limit, &counter, now * 1000, cost, &counter);
		CHECK(answer.allowed == !limited, "row %d", row);
		CHECK(answer.remaining == remaining, "row %d", row);
		CHECK(answer.reset_after == reset * 1000, "row %d", row);
		/* redis-cell has -1 for what passes, too */
		CHECK(answer.retry_after == (retry >= 0 ? retry * 1000 : limited ? GCRA_NEVER : 0), "row %d", row);
	}
	CHECK(rows == 15, "%d rows", rows);
	fclose(file);
}

#define NTAKEN	400

typedef struct Taken
{
	int64_t		at;
	int64_t		cost;
} Taken;

/* In no window more than burst + window / interval, of the rate as it was asked for. */
static void
check_windows(const Taken *taken, int n, int64_t count, int64_t period, int64_t burst)
{
	for (int i = 0; i < n; i++)
	{
		int64_t		sum = 0;

		for (int j = i; j < n; j++)
		{
			__int128	refill = (__int128) (taken[j].at - taken[i].at) * count / period;

			sum += taken[j].cost;
			if (sum > burst + (int64_t) refill)
			{
				CHECK(false, "%" PRId64 " in %" PRId64 " us of %" PRId64 " in %" PRId64 ", burst %" PRId64,
					  sum, taken[j].at - taken[i].at, count, period, burst);
				return;
			}
		}
	}
	checks++;
}

static void
random_limit(void)
{
	int64_t		count = 1 + below(below(2) ? 20 : 100000);
	int64_t		period = count * (100 + below(1000)) + below(count * 100);
	int64_t		burst = 1 + below(below(2) ? 5 : 2000);
	GcraLimit	limit;
	int64_t		now = below(1000000000);
	GcraCounter counter = {0, 0};
	int64_t		level;			/* the bucket's, in microseconds of tokens */
	Taken		taken[NTAKEN];
	int			n = 0;

	CHECK(paysafe_gcra_limit(count, period, burst, 100, &limit), "%" PRId64 " in %" PRId64, count, period);
	level = limit.interval * burst;
	for (int i = 0; i < NTAKEN; i++)
	{
		int64_t		step = below(3) == 0 ? 0 : below(limit.interval * (1 + below(4)));
		int64_t		cost = below(10) == 0 ? below(burst + 2) : 1;
		bool		passes;
		GcraCounter to;
		GcraAnswer	answer;

		now += step;
		level = level + step < limit.interval * burst ? level + step : limit.interval * burst;
		passes = level >= cost * limit.interval;
		answer = paysafe_gcra_take(&limit, &counter, now, cost, &counter);
		CHECK(answer.allowed == passes, "cost %" PRId64 ", level %" PRId64, cost, level);
		if (answer.allowed)
		{
			level -= cost * limit.interval;
			if (cost > 0)
				taken[n++] = (Taken) {now, cost};
		}
		else if (answer.retry_after != GCRA_NEVER)
		{
			CHECK(paysafe_gcra_take(&limit, &counter, now + answer.retry_after, cost, &to).allowed, "who waits is let in");
			CHECK(!paysafe_gcra_take(&limit, &counter, now + answer.retry_after - 1, cost, &to).allowed, "and not before");
		}
		else
			CHECK(cost > burst, "never");
		CHECK(answer.remaining == level / limit.interval, "remaining");
		CHECK(answer.reset_after == limit.interval * burst - level, "reset");
		/* of what was taken, some is given back */
		if (answer.allowed && cost > 1 && below(2))
		{
			counter = paysafe_gcra_give_back(&counter, now, cost - 1);
			level += (cost - 1) * limit.interval;
			taken[n - 1].cost = 1;
		}
	}
	check_windows(taken, n, count, period, burst);
}

/*
 * Limits that change while something is counted, or callers of several tiers: tokens are
 * missing, whatever they take; who waits is let in; what is given back is not more.
 */
static void
changed_limits(void)
{
	GcraLimit	limits[3];
	int64_t		now = below(1000000000);
	GcraCounter counter = {0, 0};

	for (int i = 0; i < 3; i++)
		limits[i] = (GcraLimit) {1 + below(below(2) ? 10 : 1000000), 1 + below(below(2) ? 5 : 1000)};
	for (int i = 0; i < 60; i++)
	{
		const GcraLimit *limit = &limits[below(3)];
		int64_t		wait = counter.full_at > now ? counter.full_at - now : 0;
		int64_t		missing = wait > 0 ? (wait + counter.interval - 1) / counter.interval : 0;
		int64_t		cost = below(4) == 0 ? below(limit->burst + 1) : 1;
		GcraCounter after;
		GcraAnswer	answer = paysafe_gcra_take(limit, &counter, now, cost, &after);

		CHECK(answer.allowed == (missing + cost <= limit->burst), "%" PRId64 " missing, cost %" PRId64, missing, cost);
		if (answer.allowed)
		{
			int64_t		missing_after = after.full_at > now ? (after.full_at - now + after.interval - 1) / after.interval : 0;

			CHECK(missing_after == missing + cost, "%" PRId64 " missing after %" PRId64, missing_after, missing + cost);
			CHECK(answer.remaining == limit->burst - missing_after, "remaining");
			if (cost > 1 && below(2))
			{
				GcraCounter back = paysafe_gcra_give_back(&after, now, cost);
				int64_t		left = back.full_at > now ? (back.full_at - now + back.interval - 1) / back.interval : 0;

				CHECK(left == missing, "%" PRId64 " missing when %" PRId64 " were given back", left, missing);
				after = back;
			}
		}
		else
		{
			GcraCounter to;

			CHECK(after.full_at == counter.full_at && after.interval == counter.interval, "nothing is taken");
			CHECK(paysafe_gcra_take(limit, &counter, now + answer.retry_after, cost, &to).allowed, "who waits is let in");
			CHECK(!paysafe_gcra_take(limit, &counter, now + answer.retry_after - 1, cost, &to).allowed, "and not before");
			CHECK(answer.retry_after <= wait, "no longer than it was counted for");
		}
		CHECK(paysafe_gcra_token_at(&after, limit->burst) <= after.full_at, "a token before all of them");
		counter = after;
		now += below(limit->interval * 3);
	}
	counter = paysafe_gcra_give_back(&counter, now, GCRA_BURST_MAX);
	CHECK(counter.full_at <= now, "full");
}

int
main(int argc, char **argv)
{
	GcraLimit	limit;

	state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	if (argc > 2)
		vectors(argv[2]);
	CHECK(!paysafe_gcra_limit(0, 1, 1, 1, &limit) && !paysafe_gcra_limit(1, 0, 1, 1, &limit) && !paysafe_gcra_limit(1, 1, 0, 1, &limit), "zero");
	CHECK(!paysafe_gcra_limit(1, GCRA_TOLERANCE_MAX, 2, 1, &limit), "too long");
	CHECK(!paysafe_gcra_limit(1000, 1000, 1, 2, &limit), "too fast");
	CHECK(paysafe_gcra_limit(3, 1000000, 1, 1, &limit) && limit.interval == 333334, "rounded up");
	for (int i = 0; i < 3000; i++)
	{
		random_limit();
		changed_limits();
	}
	if (failures > 0)
		return 1;
	printf("%ld facts of the arithmetic%s\n", checks, argc > 2 ? "" : ", none of redis-cell's: no vectors here");
	return 0;
}
