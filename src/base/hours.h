/*-------------------------------------------------------------------------
 *
 * hours.h
 *	  Times of the week in a time zone: "Mon-Fri 08:00-20:00, Sat 10:00-14:00 Europe/Berlin".
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_HOURS_H
#define PAYSAFE_HOURS_H

#include "datatype/timestamp.h"

/*
 * What is wrong with the text, in words, or NULL.  Days are Mon to Sun, one or a range, which may go over the
 * weekend; a range of times does not go over midnight, and is without its end; 24:00 is the day's.
 */
extern char *paysafe_hours_fault(const char *text);

/* Is it then?  A text that has become wrong, as by a time zone that is gone, is never. */
extern bool paysafe_hours_has(const char *text, TimestampTz at);

/* When it is next, from then on, to the minute, with the zone's name; or NULL. */
extern char *paysafe_hours_next(const char *text, TimestampTz from);

/* Is it never when the other one is not?  Of two time zones nobody knows. */
extern bool paysafe_hours_is_within(const char *text, const char *other);

#endif							/* PAYSAFE_HOURS_H */
