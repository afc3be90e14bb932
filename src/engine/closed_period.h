/*-------------------------------------------------------------------------
 *
 * closed_period.h
 *	  Periods of ledgers that take no more entries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CLOSED_PERIOD_H
#define PAYSAFE_CLOSED_PERIOD_H

#include "values/posting_date.h"

/* What is closed of a ledger. */
typedef struct ClosedPeriod
{
	PostingDay	until;			/* day DATEVAL_NOBEGIN: nothing */
	char	   *time_zone;		/* of the last one; or NULL */
	int			n;				/* so many times */
} ClosedPeriod;

extern void paysafe_closed_period_find(Oid ledger, ClosedPeriod *out);

/*
 * Close up to the end of a day, which lies behind.  Takes the approval of a second
 * person, unless nobody depends on it; false in a transaction that proposes.
 */
extern bool paysafe_closed_period_add(Oid ledger, const ClosedPeriod *before, const PostingDay *until,
									  const char *time_zone, bool alone);

#endif							/* PAYSAFE_CLOSED_PERIOD_H */
