/*-------------------------------------------------------------------------
 *
 * main.c
 *	  What alarms do and do not, minute by minute.
 *
 * Prints the number of checks; ends with 1 if one fails.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "abuse/shape.h"
#include "is.h"

#define DAY		1440
#define WEEKS	(35 * DAY)

long		checks = 0;
long		failures = 0;

static void
holds(const char *what, bool condition)
{
	CHECK(condition, "%s", what);
}

/* Steps of the same counts, until an alarm opens (or closes): after how many; 0: none. */
static int
until(Shape *shape, int64_t good, int64_t bad, int steps, ShapeKind kind, bool opened)
{
	ShapeEvent	events[SHAPE_NKINDS];

	for (int i = 1; i <= steps; i++)
	{
		int			n = paysafe_shape_step(shape, shape->now + 1, good, bad, paysafe_shape_threshold(1), events);

		for (int e = 0; e < n; e++)
			if (events[e].kind == kind && events[e].opened == opened)
				return i;
	}
	return 0;
}

/* Five weeks of so many a minute, one bad in every few; alarms meanwhile. */
static int
learn(Shape *shape, int64_t good, int every)
{
	ShapeEvent	events[SHAPE_NKINDS];
	int			n = 0;

	paysafe_shape_begin(shape, 0);
	for (int64_t minute = 0; minute < WEEKS; minute++)
		n += paysafe_shape_step(shape, minute, good - (minute % every == 0), minute % every == 0, paysafe_shape_threshold(1), events);
	return n;
}

int
main(void)
{
	Shape		usual;
	Shape		shape;
	ShapeEvent	events[SHAPE_NKINDS];

	is("nothing while all is usual", learn(&usual, 20, 5), 0);
	holds("the share is known", fabs(usual.ratio - 0.01) < 1e-6);
	holds("and its bounds are around it", usual.ratio_low < 0.0067 && usual.ratio_high > 0.015 && usual.ratio_high < 0.02);
	holds("the volume is known", fabs(paysafe_shape_usual(&usual, usual.now + 1) - 20) < 1e-6);

	shape = usual;
	is("no two minutes open an alarm", until(&shape, 0, 1000, 2, SHAPE_RATIO_UP, true), 0);
	is("the third does", until(&shape, 0, 1000, 1, SHAPE_RATIO_UP, true), 1);
	is("it stays open", until(&shape, 0, 1000, 60, SHAPE_RATIO_UP, false), 0);
	is("nine minutes do not close it", until(&shape, 20, 0, 9, SHAPE_RATIO_UP, false), 0);
	holds("in a while it closes", until(&shape, 20, 0, 100, SHAPE_RATIO_UP, false) > 0);
	is("and does not come again", until(&shape, 20, 0, 100, SHAPE_RATIO_UP, true), 0);

	shape = usual;
	holds("a check that broke", until(&shape, 20, 0, 2 * DAY, SHAPE_RATIO_DOWN, true) > 60);
	shape = usual;
	holds("half of it", until(&shape, 10, 0, DAY, SHAPE_VOLUME_DOWN, true) > 0);
	holds("closes", until(&shape, 20, 0, DAY, SHAPE_VOLUME_DOWN, false) >= 10);
	shape = usual;
	is("twice as much", until(&shape, 40, 0, 9, SHAPE_VOLUME_UP, true), 0);
	holds("takes ten minutes", until(&shape, 40, 0, DAY, SHAPE_VOLUME_UP, true) > 0);

	shape = usual;
	is("silence", until(&shape, 0, 0, 10, SHAPE_SILENCE, true), 3);
	is("does not say less", until(&shape, 0, 0, DAY, SHAPE_VOLUME_DOWN, true), 0);
	is("one word does not end it", until(&shape, 1, 0, 1, SHAPE_SILENCE, false), 0);
	holds("many do", until(&shape, 20, 0, 20, SHAPE_SILENCE, false) >= 10);
	shape = usual;
	(void) until(&shape, 0, 0, 3, SHAPE_SILENCE, true);
	is("after a week it is what is usual", until(&shape, 0, 0, 8 * DAY, SHAPE_SILENCE, false), 7 * DAY);
	holds("and nothing is known", paysafe_shape_usual(&shape, shape.now) < 0);
	is("or said", until(&shape, 0, 0, 20 * DAY, SHAPE_SILENCE, true), 0);

	shape = usual;
	is("minutes that nobody has told of are not silent",
	   paysafe_shape_step(&shape, shape.now + 600, 20, 0, paysafe_shape_threshold(1), events), 0);
	for (int i = 0; i < 10; i++)
		is("a minute is judged once", paysafe_shape_step(&shape, shape.now, 0, 1000000, paysafe_shape_threshold(1), events), 0);
	shape = usual;
	(void) paysafe_shape_step(&shape, shape.now + 31, 26, 0, paysafe_shape_threshold(1), events);
	(void) until(&shape, 26, 0, 30, SHAPE_VOLUME_UP, true);
	holds("of half an hour no hour is learned", fabs(paysafe_shape_usual(&shape, shape.now + 7 * DAY - 31) - 20) < 1e-6);

	is("few outcomes are none to judge by", learn(&usual, 1, 5000), 0);
	shape = usual;
	is("one bad one says nothing", until(&shape, 0, 1, 1, SHAPE_RATIO_UP, true), 0);
	paysafe_shape_begin(&shape, 0);
	is("on its first day nothing is known", until(&shape, 0, 1000, DAY - 1, SHAPE_RATIO_UP, true), 0);
	printf("%ld\n", checks);
	return failures > 0;
}
