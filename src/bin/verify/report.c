/*-------------------------------------------------------------------------
 *
 * report.c
 *	  What was found, and how it ends.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/verify/report.h"

#define MOST		20				/* findings that are shown */
#define LONGEST		1024

static uint64_t count = 0;
static char texts[MOST][LONGEST];

void
finding(const char *format,...)
{
	va_list		args;

	if (count < MOST)
	{
		va_start(args, format);
		vsnprintf(texts[count], LONGEST, format, args);
		va_end(args);
	}
	count++;
}

uint64_t
findings(void)
{
	return count;
}

void
findings_print(void)
{
	for (uint64_t i = 0; i < count && i < MOST; i++)
		puts(texts[i]);
	if (count > MOST)
		printf("and %" PRIu64 " more\n", count - MOST);
}

void
unknown(const char *format,...)
{
	va_list		args;

	fputs("PAYSAFE UNKNOWN: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	/* what has been found is no less true */
	findings_print();
	exit(count > 0 ? OUTCOME_DIFFERS : OUTCOME_UNKNOWN);
}
