/*-------------------------------------------------------------------------
 *
 * cron.h
 *	  Cron expressions: how close two of their times ever come to each other.
 *
 * Five fields, as crontab(5) has them: minute, hour, day of the month, month, day of the
 * week; lists, ranges, steps, names of months and days; or @hourly, @daily, @midnight, @weekly,
 * @monthly, @yearly, @annually.  Where neither day field is an asterisk, a day is meant if
 * one of them says so.  Nothing else: what programs read differently (seconds, years, L, W,
 * #, ?, @reboot, ranges backwards, both day fields and an asterisk in one of them) is refused.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CRON_H
#define PAYSAFE_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRON_MAX	256			/* bytes of an expression */

/* The minutes, hours and so on that are meant, as bits. */
typedef struct Cron
{
	uint64_t	minutes;
	uint32_t	hours;
	uint32_t	days;			/* 1 to 31 */
	uint32_t	months;			/* 1 to 12 */
	uint32_t	weekdays;		/* 0: Sunday */
	bool		either;			/* of both day fields one is enough */
} Cron;

/* Read one; NULL, or what is wrong with it, in words of ours. */
extern const char *paysafe_cron_read(const char *text, size_t len, Cron *out);

/* The least number of minutes between two of its times, by the clock; 0: it has none. */
extern int64_t paysafe_cron_least(const Cron *cron);

#endif							/* PAYSAFE_CRON_H */
