/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Counting what holds, for test programs in C.  One file of a program defines
 *	  checks and failures; it ends with status 1 if there are failures.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TEST_CHECK_H
#define PAYSAFE_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN	50				/* failures that are shown */

extern long checks;
extern long failures;

#define CHECK(condition, ...) \
	do { \
		checks++; \
		if (!(condition) && ++failures < SHOWN) \
		{ \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
		} \
	} while (0)

#endif							/* PAYSAFE_TEST_CHECK_H */
