/*-------------------------------------------------------------------------
 *
 * shape.h
 *	  The shape of a series of outcomes: is it as it was?
 *
 * A series says, minute by minute, how many outcomes were good and how many bad. What is usual is
 * learned from its past: the share of the bad ones of 28 days, the volume of the same hour of up to
 * four weeks before. Alarms open when what comes is not usual, and close when it is again.
 *
 * Tests of the minutes are e-detectors: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric
 * framework for sequential change detection" (2023), in the form of Shiryaev and Roberts. A
 * minute's evidence is a likelihood ratio of its counts, binomial or Poisson, against the nearest
 * value that still counts as usual: exact for counts of any size. The sum over all times at which
 * a change may have begun reaches a threshold A once in A minutes at most, on average, while all is
 * usual: so there is no window to choose, and thresholds of several tests add up.
 *
 * Slow drifts are judged once a day: seven days against the seven 28 days before, by the
 * conditional binomial test of Przyborowski and Wilenski (1940), its tail bounded by Chernoff.
 *
 * No PostgreSQL here. Times are minutes since any Monday, 0 o'clock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SHAPE_H
#define PAYSAFE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#define SHAPE_WEEKS		4
#define SHAPE_DAYS		36		/* 28 before, and 8 */
#define SHAPE_WEEK_HOURS	(7 * 24)
#define SHAPE_BETS		3		/* alternatives that each test weighs together */

typedef enum ShapeKind
{
	SHAPE_RATIO_UP,				/* more of it is bad */
	SHAPE_RATIO_DOWN,			/* less of it is bad: does a check still check? */
	SHAPE_VOLUME_DOWN,
	SHAPE_VOLUME_UP,
	SHAPE_SILENCE,				/* nothing, where there should be something */
	SHAPE_RATIO_DRIFT,
	SHAPE_VOLUME_DRIFT,
	SHAPE_NKINDS
} ShapeKind;

/* What made an alarm open or close. */
typedef struct ShapeEvent
{
	ShapeKind	kind;
	bool		opened;			/* or closed */
	bool		learned;		/* closed: it has lasted so long that it is what is usual now */
	int64_t		minute;
	int64_t		since;			/* the first minute that the figures are of */
	int64_t		good;			/* outcomes since then */
	int64_t		bad;
	double		expected_ratio; /* of bad ones; negative: not known */
	double		expected_volume;	/* in that time; negative: not known */
} ShapeEvent;

/* A day: of the minutes in which no alarm was open. */
typedef struct ShapeDay
{
	int64_t		good;
	int64_t		bad;
	int32_t		minutes;
} ShapeDay;

typedef struct ShapeAlarm
{
	bool		open;
	double		bets[SHAPE_BETS];	/* logarithms of the evidence */
	double		closing;
	int64_t		opened_at;
	/* since the evidence was last nothing, or, of an open one, since it last spoke for closing it not at all */
	int64_t		since;
	int64_t		good;
	int64_t		bad;
	double		expected;
} ShapeAlarm;

/* All that is known of a series. Bytes only: it can be kept as they are. */
typedef struct Shape
{
	uint32_t	version;		/* SHAPE_VERSION */
	uint32_t	padding0;
	int64_t		first;			/* minute */
	int64_t		now;			/* the last minute */
	/* usual: share of bad ones, its bounds; no bounds: not known */
	double		ratio;
	double		ratio_low;
	double		ratio_high;
	double		dispersion;		/* of minutes: 1 is Poisson */
	ShapeDay	days[SHAPE_DAYS];	/* of day % SHAPE_DAYS */
	/* outcomes of the hours of a week, of so many weeks; -1: not known */
	int32_t		hours[SHAPE_WEEK_HOURS][SHAPE_WEEKS];
	/* the hour that has not ended */
	int64_t		hour_n;
	double		hour_squares;	/* of half the differences of neighbouring minutes */
	double		hour_last;		/* the minute before; negative: not known */
	int32_t		hour_differences;
	int32_t		hour_minutes;
	int32_t		hour_disturbed; /* minutes in which an alarm was open */
	int32_t		padding;
	ShapeAlarm	alarms[SHAPE_NKINDS];
} Shape;

#define SHAPE_VERSION	1

/* A series of which nothing is known. */
extern void paysafe_shape_begin(Shape *shape, int64_t minute);

/* The logarithm of the threshold for so many series, so that all together open one alarm a month when nothing happens. */
extern double paysafe_shape_threshold(int series);

/*
 * What has come in a minute, the whole of it. Minutes that are not told are not known. Events go into
 * events, of SHAPE_NKINDS places; returns how many.
 */
extern int	paysafe_shape_step(Shape *shape, int64_t minute, int64_t good, int64_t bad,
							   double threshold, ShapeEvent *events);

/* How much is usual in a minute; negative: not known. */
extern double paysafe_shape_usual(const Shape *shape, int64_t minute);

/* A word for it. */
extern const char *paysafe_shape_name(ShapeKind kind);

#endif							/* PAYSAFE_SHAPE_H */
