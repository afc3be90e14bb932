/*-------------------------------------------------------------------------
 *
 * hours.c
 *	  Times of the week in a time zone: "Mon-Fri 08:00-20:00, Sat 10:00-14:00 Europe/Berlin".
 *
 * A week is its minutes by the clock of the zone, so nothing has to be known of when that
 * clock is put forward or back.  The text is the declaration, and is read again each time:
 * that is rare.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/hours.h"

#define DAY_MINUTES		(24 * 60)
#define WEEK_MINUTES	(7 * DAY_MINUTES)

/* Whatever the clock of the zone does, what is every week is within that. */
#define LOOK_AHEAD		(9 * DAY_MINUTES)

typedef struct Week
{
	bool		minutes[WEEK_MINUTES];	/* from Sunday on */
	pg_tz	   *zone;
	const char *zone_name;
} Week;

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static bool
read_day(const char **p, int *day)
{
	for (*day = 0; *day < 7; (*day)++)
		if (pg_strncasecmp(*p, day_names[*day], 3) == 0 && !isalpha((unsigned char) (*p)[3]))
		{
			*p += 3;
			return true;
		}
	return false;
}

/* Two digits, a colon, two digits: minutes of the day. */
static bool
read_time(const char **p, int *minutes)
{
	const char *s = *p;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : !isdigit((unsigned char) s[i]))
			return false;
	*minutes = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
	*p += 5;
	return s[3] < '6' && *minutes <= DAY_MINUTES;
}

static bool
read_sign(const char **p, char sign)
{
	if (**p != sign)
		return false;
	(*p)++;
	return true;
}

/* "Mon-Fri 08:00-20:00" */
static char *
read_range(const char **p, Week *week)
{
	int			first;
	int			last;
	int			from;
	int			to;

	if (!read_day(p, &first))
		return "a day is one of Mon, Tue, Wed, Thu, Fri, Sat, Sun";
	last = first;
	if (read_sign(p, '-') && !read_day(p, &last))
		return "a range of days ends with a day";
	if (!read_sign(p, ' ') || !read_time(p, &from) || !read_sign(p, '-') || !read_time(p, &to))
		return "after the days there is a range of times: 08:00-20:00";
	if (from >= to)
		return "a range of times ends later on the same day";
	for (int day = first;; day = (day + 1) % 7)
	{
		memset(&week->minutes[day * DAY_MINUTES + from], true, to - from);
		if (day == last)
			return NULL;
	}
}

static char *
read_week(const char *text, Week *week)
{
	const char *p = text;

	memset(week, 0, sizeof(*week));
	do
	{
		char	   *fault = read_range(&p, week);

		if (fault != NULL)
			return fault;
	} while (read_sign(&p, ',') && (read_sign(&p, ' ') || true));
	if (!read_sign(&p, ' ') || strlen(p) > TZ_STRLEN_MAX)
		return "after the times there is the name of a time zone: Europe/Berlin";
	week->zone_name = p;
	/* an abbreviation, or a number, is not what the clock on the wall does */
	week->zone = strchr(p, '/') != NULL || strcmp(p, "UTC") == 0 ? pg_tzset(p) : NULL;
	return week->zone != NULL ? NULL : "the time zone is not known: a name such as Europe/Berlin, or UTC";
}

char *
paysafe_hours_fault(const char *text)
{
	Week		week;
	char	   *fault = read_week(text, &week);

	return fault ? pstrdup(fault) : NULL;
}

static bool
has(const Week *week, TimestampTz at, struct pg_tm *tm)
{
	int			tz;
	fsec_t		fsec;

	return !TIMESTAMP_NOT_FINITE(at) && timestamp2tm(at, &tz, tm, &fsec, NULL, week->zone) == 0 &&
		week->minutes[j2day(date2j(tm->tm_year, tm->tm_mon, tm->tm_mday)) * DAY_MINUTES + tm->tm_hour * 60 + tm->tm_min];
}

bool
paysafe_hours_has(const char *text, TimestampTz at)
{
	Week		week;
	struct pg_tm tm;

	return read_week(text, &week) == NULL && has(&week, at, &tm);
}

char *
paysafe_hours_next(const char *text, TimestampTz from)
{
	Week		week;
	struct pg_tm tm;
	/* times since 2000 begin with a whole minute */
	TimestampTz minute = from - from % USECS_PER_MINUTE;

	if (read_week(text, &week) != NULL)
		return NULL;
	for (int i = 0; i < LOOK_AHEAD; i++, minute += USECS_PER_MINUTE)
		if (has(&week, minute, &tm))
			return psprintf("%s %04d-%02d-%02d %02d:%02d %s",
							day_names[j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday))],
							tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, week.zone_name);
	return NULL;
}

bool
paysafe_hours_is_within(const char *text, const char *other)
{
	Week		a;
	Week		b;

	if (read_week(text, &a) != NULL || read_week(other, &b) != NULL || pg_strcasecmp(a.zone_name, b.zone_name) != 0)
		return false;
	for (int i = 0; i < WEEK_MINUTES; i++)
		if (a.minutes[i] && !b.minutes[i])
			return false;
	return true;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_is_during);

/*
 * is_during(hours text, at timestamptz) returns boolean
 */
Datum
paysafe_is_during(PG_FUNCTION_ARGS)
{
	char	   *hours = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *fault = paysafe_hours_fault(hours);

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"hours\" is no time of the week"),
				 errdetail("It takes: %s.", fault)));
	PG_RETURN_BOOL(paysafe_hours_has(hours, PG_GETARG_TIMESTAMPTZ(1)));
}
