/*-------------------------------------------------------------------------
 *
 * report.h
 *	  What was found, and how it ends.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Exit status, as Nagios and its like read it */
typedef enum Outcome
{
	OUTCOME_GOOD = 0,
	OUTCOME_UNVOUCHED = 1,		/* it agrees with itself, and nothing from outside was given */
	OUTCOME_DIFFERS = 2,
	OUTCOME_UNKNOWN = 3			/* it could not be found out */
} Outcome;

/*
 * Something differs: kept until the end.  What is said of a leaf stands before all
 * else, the first leaf first.
 */
extern void finding(const char *format,...) __attribute__((format(printf, 1, 2)));
extern void finding_at(uint64_t leaf, const char *format,...) __attribute__((format(printf, 2, 3)));
extern uint64_t findings(void);
extern void findings_print(void);

/* It cannot be found out: says why and ends the program. */
extern void unknown(const char *format,...) __attribute__((format(printf, 1, 2), noreturn));

#endif							/* VERIFY_REPORT_H */
