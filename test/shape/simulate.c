/*-------------------------------------------------------------------------
 *
 * simulate.c
 *	  Ninety days of traffic for alarms: how many are false, and how long do the right ones take?
 *
 * Usage: simulate SEED RUNS TRIALS
 *
 * Fifty segments, five large, fifteen of medium size, thirty small. Their volume follows the hour and
 * the day of the week, and is moved by noise that minutes, hours and days share; the share of bad
 * outcomes has noise of its own. RUNS times ninety days pass undisturbed: each alarm is a false one.
 * Then, of segments of each size, TRIALS times something happens after five weeks: minutes until the
 * first alarm of a kind that tells it.
 *
 * Prints tab-separated rows: "seed", which; "false", kind, alarms in all months, months; "found", what, size, trials, found,
 * and minutes: median, ninth of ten, longest.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abuse/shape.h"

#define SEGMENTS	50
#define DAY			1440
#define DAYS		90
#define CHANGE_AT	(35 * DAY)
#define WAIT		(54 * DAY)

/* Chance: splitmix64 */

static uint64_t state;

static uint64_t
next(void)
{
	uint64_t	z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double
uniform(void)
{
	return ((next() >> 11) + 0.5) / 9007199254740992.0;
}

static double
normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* Exact, for any mean. */
static int64_t
poisson(double mean)
{
	int64_t		n = 0;

	while (mean > 0)
	{
		double		part = fmin(mean, 30);
		double		limit = exp(-part);
		double		product = uniform();

		for (; product > limit; product *= uniform())
			n++;
		mean -= part;
	}
	return n;
}

/* A segment */

typedef enum Size
{
	LARGE, MEDIUM, SMALL, NSIZES
} Size;

typedef struct Segment
{
	double		volume;			/* a minute, on average */
	double		ratio;			/* of bad ones */
	double		swing;			/* of day and night */
	double		weekend;
	int			phase;			/* minutes */
	/* noise, of logarithms */
	double		hours;
	double		days;
	double		share;
	Shape		shape;
} Segment;

/* What is done to it from a minute on: factors, and a share of bad ones if it is not negative. */
typedef struct Change
{
	const char *name;
	double		volume;
	double		ratio;
	double		daily_volume;	/* factor of each day that has passed */
	double		daily_ratio;
	unsigned	kinds;			/* that tell it */
} Change;

#define KIND(kind)	(1u << SHAPE_##kind)

static const Change changes[] = {
	{"failures from 1 % to 5 %", 1, 0.05, 1, 1, KIND(RATIO_UP)},
	{"failures from 1 % to none", 1, 0, 1, 1, KIND(RATIO_DOWN)},
	{"one segment of fifty: half fails", 1, 0.5, 1, 1, KIND(RATIO_UP)},
	{"volume halved", 0.5, -1, 1, 1, KIND(VOLUME_DOWN) | KIND(SILENCE)},
	{"silence", 0, -1, 1, 1, KIND(VOLUME_DOWN) | KIND(SILENCE)},
	{"volume 1 % less each day", 1, -1, 0.99, 1, KIND(VOLUME_DRIFT) | KIND(VOLUME_DOWN)},
	{"failures 1 % more each day", 1, -1, 1, 1.01, KIND(RATIO_DRIFT) | KIND(RATIO_UP)}
};

static const char *const size_names[NSIZES] = {"large", "medium", "small"};

static Size
size_of(int segment)
{
	return segment < 5 ? LARGE : segment < 20 ? MEDIUM : SMALL;
}

static double
between(double low, double high)
{
	return low * pow(high / low, uniform());
}

static void
make_segment(Segment *segment, Size size)
{
	memset(segment, 0, sizeof(Segment));
	segment->volume = size == LARGE ? between(50, 200) : size == MEDIUM ? between(3, 20) : between(0.05, 1);
	segment->ratio = between(0.005, 0.08);
	segment->swing = 0.4 + 0.5 * uniform();
	segment->weekend = 0.5 + 0.7 * uniform();
	segment->phase = (int) (DAY * uniform());
	paysafe_shape_begin(&segment->shape, 0);
}

/* The noise of an hour lasts for about two of them, that of a day a day, that of a share three hours. */
static void
move_noise(Segment *segment, int64_t minute)
{
	segment->hours = segment->hours * (1 - 1.0 / 120) + 0.06 * sqrt(2.0 / 120) * normal();
	segment->share = segment->share * (1 - 1.0 / 180) + 0.08 * sqrt(2.0 / 180) * normal();
	if (minute % DAY == 0)
		segment->days = 0.05 * normal();
}

static void
draw(Segment *segment, int64_t minute, const Change *change, int64_t *good, int64_t *bad)
{
	double		day = 2 * M_PI * ((minute + segment->phase) % DAY) / DAY;
	double		volume = segment->volume * (1 + segment->swing * sin(day) + 0.1 * sin(2 * day));
	double		ratio = segment->ratio * (1 + 0.1 * sin(day + 1)) * exp(segment->share);

	move_noise(segment, minute);
	if (minute / DAY % 7 >= 5)
		volume *= segment->weekend;
	volume *= exp(segment->hours + segment->days + 0.08 * normal());
	if (change != NULL && minute >= CHANGE_AT)
	{
		double		days = (double) (minute - CHANGE_AT) / DAY;

		volume *= change->volume * pow(change->daily_volume, days);
		ratio = (change->ratio >= 0 ? change->ratio : ratio) * pow(change->daily_ratio, days);
	}
	ratio = fmin(ratio, 1);
	*bad = poisson(volume * ratio);
	*good = poisson(volume * (1 - ratio));
}

static void
count_false(int runs)
{
	int64_t		alarms[SHAPE_NKINDS] = {0};
	double		threshold = paysafe_shape_threshold(SEGMENTS);
	Segment		segment;
	ShapeEvent	events[SHAPE_NKINDS];

	for (int run = 0; run < runs; run++)
		for (int i = 0; i < SEGMENTS; i++)
		{
			make_segment(&segment, size_of(i));
			for (int64_t minute = 0; minute < DAYS * DAY; minute++)
			{
				int64_t		good;
				int64_t		bad;
				int			n;

				draw(&segment, minute, NULL, &good, &bad);
				n = paysafe_shape_step(&segment.shape, minute, good, bad, threshold, events);
				for (int e = 0; e < n; e++)
					alarms[events[e].kind] += events[e].opened;
			}
		}
	for (int kind = 0; kind < SHAPE_NKINDS; kind++)
		printf("false\t%s\t%lld\t%d\n", paysafe_shape_name(kind), (long long) alarms[kind], runs * 3);
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Minutes until it is told; or HUGE_VAL. */
static double
time_to_tell(Segment *segment, int64_t minute, const Change *change, double threshold)
{
	int64_t		end = minute + WAIT;

	for (int64_t begin = minute; minute < end; minute++)
	{
		ShapeEvent	events[SHAPE_NKINDS];
		int64_t		good;
		int64_t		bad;
		int			n;

		draw(segment, minute, change, &good, &bad);
		n = paysafe_shape_step(&segment->shape, minute, good, bad, threshold, events);
		for (int e = 0; e < n; e++)
			if (events[e].opened && (change->kinds & (1u << events[e].kind)) != 0)
				return minute - begin + 1;
	}
	return HUGE_VAL;
}

static void
measure(Size size, int trials)
{
	enum {NCHANGES = sizeof(changes) / sizeof(changes[0])};
	double		threshold = paysafe_shape_threshold(SEGMENTS);
	double	   *times[NCHANGES];

	for (int c = 0; c < NCHANGES; c++)
		times[c] = calloc(trials, sizeof(double));
	for (int trial = 0; trial < trials; trial++)
	{
		Segment		segment;
		int64_t		begin = CHANGE_AT + (int64_t) (DAY * uniform());
		ShapeEvent	events[SHAPE_NKINDS];

		make_segment(&segment, size);
		segment.ratio = 0.01;
		for (int64_t minute = 0; minute < begin; minute++)
		{
			int64_t		good;
			int64_t		bad;

			draw(&segment, minute, NULL, &good, &bad);
			paysafe_shape_step(&segment.shape, minute, good, bad, threshold, events);
		}
		for (int c = 0; c < NCHANGES; c++)
		{
			Segment		branch = segment;

			times[c][trial] = time_to_tell(&branch, begin, &changes[c], threshold);
		}
	}
	for (int c = 0; c < NCHANGES; c++)
	{
		int			found = 0;

		qsort(times[c], trials, sizeof(double), compare);
		for (int i = 0; i < trials; i++)
			found += times[c][i] < HUGE_VAL;
		printf("found\t%s\t%s\t%d\t%d\t%.0f\t%.0f\t%.0f\n", changes[c].name, size_names[size], trials, found,
			   times[c][trials / 2], times[c][trials * 9 / 10], times[c][trials - 1]);
		free(times[c]);
	}
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	state = strtoull(argv[1], NULL, 10);
	printf("seed\t%s\n", argv[1]);
	count_false(atoi(argv[2]));
	for (Size size = 0; size < NSIZES; size++)
		measure(size, atoi(argv[3]));
	return 0;
}
