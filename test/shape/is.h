/*-------------------------------------------------------------------------
 *
 * is.h
 *	  What the test programs of alarms say of a number.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TEST_SHAPE_IS_H
#define PAYSAFE_TEST_SHAPE_IS_H

/* the C library's, where PostgreSQL has others */
#undef printf
#undef snprintf
#undef vsnprintf
#undef fprintf

#include "../lib/check.h"

static inline void
is(const char *what, long long got, long long expected)
{
	CHECK(got == expected, "%s: %lld, expected %lld", what, got, expected);
}

#endif							/* PAYSAFE_TEST_SHAPE_IS_H */
