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
#include <string.h>

#include "bin/verify/report.h"

#define MOST		20				/* findings that are shown */
#define LONGEST		1024

typedef struct Finding
{
	uint64_t	leaf;			/* UINT64_MAX: of none */
	char		text[LONGEST];
} Finding;

static uint64_t count = 0;
static int	kept = 0;
static Finding all[MOST];

static void __attribute__((format(printf, 2, 0)))
keep(uint64_t leaf, const char *format, va_list args)
{
	int			at = kept;

	count++;
	while (at > 0 && all[at - 1].leaf > leaf)
		at--;
	if (at == MOST)
		return;
	kept = kept < MOST ? kept + 1 : MOST;
	memmove(&all[at + 1], &all[at], (kept - at - 1) * sizeof(Finding));
	all[at].leaf = leaf;
	vsnprintf(all[at].text, LONGEST, format, args);
}

void
finding(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	keep(UINT64_MAX, format, args);
	va_end(args);
}

void
finding_at(uint64_t leaf, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	keep(leaf, format, args);
	va_end(args);
}

uint64_t
findings(void)
{
	return count;
}

void
findings_print(void)
{
	for (int i = 0; i < kept; i++)
	{
		if (all[i].leaf != UINT64_MAX)
			printf("leaf %" PRIu64 ": ", all[i].leaf);
		puts(all[i].text);
	}
	if (count > MOST)
		printf("and %" PRIu64 " more\n", count - MOST);
}

void
unknown(const char *format,...)
{
	va_list		args;

	printf("PAYSAFE %s: ", count > 0 ? "CRITICAL" : "UNKNOWN");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	/* what has been found is no less true */
	findings_print();
	exit(count > 0 ? OUTCOME_DIFFERS : OUTCOME_UNKNOWN);
}
