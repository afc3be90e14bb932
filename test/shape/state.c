/*-------------------------------------------------------------------------
 *
 * state.c
 *	  What would be known of a series after five weeks: twenty outcomes a minute, one in a hundred bad.
 *
 * Usage: state MINUTE
 *
 * Prints it in hexadecimal, as paysafe.alarm_state has it, up to the minute before.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>

#include "abuse/shape.h"

int
main(int argc, char **argv)
{
	int64_t		end = argc == 2 ? atoll(argv[1]) : 0;
	Shape		shape;
	ShapeEvent	events[SHAPE_NKINDS];
	int			n = 0;

	if (end <= 35 * 1440)
		return 2;
	paysafe_shape_begin(&shape, end - 35 * 1440);
	for (int64_t minute = shape.first; minute < end; minute++)
		n += paysafe_shape_step(&shape, minute, minute % 5 == 0 ? 19 : 20, minute % 5 == 0, paysafe_shape_threshold(1), events);
	for (size_t i = 0; i < sizeof(shape); i++)
		printf("%02x", ((unsigned char *) &shape)[i]);
	printf("\n");
	return n > 0;
}
