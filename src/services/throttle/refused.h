/*-------------------------------------------------------------------------
 *
 * refused.h
 *	  A request beyond its limits is a signal: one for each key and window.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_THROTTLE_REFUSED_H
#define PAYSAFE_THROTTLE_REFUSED_H

#include "services/throttle/limit.h"

/* What was refused, and by which of the limits. */
typedef struct ThrottleRefused
{
	const char *policy;
	const char *tier;
	const ThrottleLimit *limit;
	const GcraAnswer *answer;
	bool		full;			/* for want of a place to count it */
	List	   *values;			/* of char *, of the parts that the limit counts by */
	int			cost;
	bool		locked_out;		/* for attempts that failed (failed.h) */
} ThrottleRefused;

extern void paysafe_throttle_refused(const ThrottleRefused *refused);

#endif							/* PAYSAFE_THROTTLE_REFUSED_H */
