/*-------------------------------------------------------------------------
 *
 * cron.c
 *	  Cron expressions: how close two of their times ever come to each other.
 *
 * Reads nothing but its arguments, allocates nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "values/cron.h"

#include <string.h>

#define DAYS_OF_400_YEARS	146097	/* weeks, too: the calendar repeats */
#define MINUTES_OF_DAY		1440

/* A field: what numbers it has, and names for them. */
typedef struct Field
{
	int			low;
	int			high;
	const char *names;			/* of three letters each, from low on; or "" */
	const char *fault;			/* of one that cannot be read */
} Field;

static const Field fields[] = {
	{0, 59, "", "its first field is no list of minutes from 0 to 59"},
	{0, 23, "", "its second field is no list of hours from 0 to 23"},
	{1, 31, "", "its third field is no list of days of the month from 1 to 31"},
	{1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", "its fourth field is no list of months from 1 to 12"},
	{0, 7, "sunmontuewedthufrisat", "its fifth field is no list of days of the week from 0 to 7"}
};

typedef struct Place
{
	const char *at;
	const char *end;
} Place;

static bool
take(Place *p, char c)
{
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool
read_number(Place *p, int *out)
{
	const char *from = p->at;

	for (*out = 0; p->at < p->end && *p->at >= '0' && *p->at <= '9' && p->at - from < 4; p->at++)
		*out = *out * 10 + (*p->at - '0');
	return p->at > from;
}

/* A number, or a name */
static bool
read_value(Place *p, const Field *field, int *out)
{
	if (p->end - p->at >= 3)
		for (int i = 0; field->names[i] != '\0'; i += 3)
			if (lower(p->at[0]) == field->names[i] && lower(p->at[1]) == field->names[i + 1] &&
				lower(p->at[2]) == field->names[i + 2])
			{
				p->at += 3;
				*out = field->low + i / 3;
				return true;
			}
	return read_number(p, out) && *out >= field->low && *out <= field->high;
}

/* One part of a list */
static bool
read_part(Place *p, const Field *field, uint64_t *bits)
{
	int			low = field->low;
	int			high = field->high;
	int			step = 1;
	bool		range = take(p, '*');

	if (range)
		high = field->high == 7 ? 6 : field->high;
	else
	{
		if (!read_value(p, field, &low))
			return false;
		high = low;
		range = take(p, '-');
		if (range && (!read_value(p, field, &high) || high < low))
			return false;
	}
	if (take(p, '/') && (!range || !read_number(p, &step) || step == 0))
		return false;
	for (int i = low; i <= high; i += step)
		*bits |= (uint64_t) 1 << i;
	return true;
}

static bool
read_field(Place *p, const Field *field, uint64_t *bits)
{
	*bits = 0;
	do
		if (!read_part(p, field, bits))
			return false;
	while (take(p, ','));
	return true;
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* The expression that a name stands for, or NULL */
static const char *
meant_by(const char *text, size_t len)
{
	static const char *const names[][2] = {
		{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"},
		{"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"}
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_word(text, len, names[i][0]))
			return names[i][1];
	return NULL;
}

const char *
paysafe_cron_read(const char *text, size_t len, Cron *out)
{
	Place		p = {text, text + len};
	uint64_t	bits[5];
	bool		any[5];			/* an asterisk, and nothing else */
	bool		starred[5];		/* an asterisk somewhere */
	const char *meant = meant_by(text, len);

	if (meant != NULL)
		p = (Place) {meant, meant + strlen(meant)};
	else if (len > CRON_MAX)
		return "it is too long";
	else if (len > 0 && *text == '@')
		return "it is no name of a schedule that is known here";
	for (int i = 0; i < 5; i++)
	{
		const char *from;

		while (p.at < p.end && is_blank(*p.at))
			p.at++;
		if (p.at == p.end)
			return "it has fewer than five fields";
		from = p.at;
		if (!read_field(&p, &fields[i], &bits[i]) || (p.at < p.end && !is_blank(*p.at)))
			return fields[i].fault;
		starred[i] = memchr(from, '*', (size_t) (p.at - from)) != NULL;
		any[i] = starred[i] && p.at - from == 1;
	}
	while (p.at < p.end && is_blank(*p.at))
		p.at++;
	if (p.at < p.end)
		return "it has more than five fields";
	if (!any[2] && !any[4] && (starred[2] || starred[4]))
		return "of days of both kinds, one has an asterisk: programs differ in whether both or either must be met";
	out->minutes = bits[0];
	out->hours = (uint32_t) bits[1];
	out->days = (uint32_t) bits[2];
	out->months = (uint32_t) bits[3];
	/* 7 is Sunday, too */
	out->weekdays = (uint32_t) ((bits[4] | bits[4] >> 7) & 0x7F);
	out->either = !any[2] && !any[4];
	return NULL;
}

/* Times of a day */

/* The first and the last one, and the least distance of two of them, 0: there is one only */
static void
times_of_day(const Cron *cron, int *first, int *last, int *distance)
{
	*first = *last = -1;
	*distance = 0;
	for (int i = 0; i < MINUTES_OF_DAY; i++)
	{
		if (!(cron->hours & (uint32_t) 1 << i / 60) || !(cron->minutes & (uint64_t) 1 << i % 60))
			continue;
		if (*first < 0)
			*first = i;
		else if (*distance == 0 || i - *last < *distance)
			*distance = i - *last;
		*last = i;
	}
}

/* Days */

/* From day to day */
typedef struct Calendar
{
	int			year;
	int			month;
	int			day;
	int			weekday;
} Calendar;

static int
days_of_month(const Calendar *c)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

	return days[c->month - 1] + (leap && c->month == 2);
}

static void
next_day(Calendar *c)
{
	c->weekday = (c->weekday + 1) % 7;
	if (c->day++ < days_of_month(c))
		return;
	c->day = 1;
	if (c->month++ < 12)
		return;
	c->month = 1;
	c->year++;
}

static bool
is_day(const Cron *cron, const Calendar *c)
{
	bool		day = cron->days & (uint32_t) 1 << c->day;
	bool		weekday = cron->weekdays & (uint32_t) 1 << c->weekday;

	return (cron->months & (uint32_t) 1 << c->month) && (cron->either ? day || weekday : day && weekday);
}

/* The least number of days from one that is meant to the next one; 0: there is none */
static int
days_between(const Cron *cron)
{
	/* 1 January 2000, a Saturday; as long as the calendar, and once more up to the first */
	Calendar	c = {2000, 1, 1, 6};
	int			least = 0;
	int			last = -1;

	for (int i = 0; i < 2 * DAYS_OF_400_YEARS && least != 1; i++, next_day(&c))
	{
		if (!is_day(cron, &c))
			continue;
		if (last >= 0 && (least == 0 || i - last < least))
			least = i - last;
		if (i >= DAYS_OF_400_YEARS)
			break;
		last = i;
	}
	return least;
}

int64_t
paysafe_cron_least(const Cron *cron)
{
	int			first;
	int			last;
	int			within;
	int64_t		across;
	int			days = days_between(cron);

	times_of_day(cron, &first, &last, &within);
	if (days == 0 || first < 0)
		return 0;
	across = (int64_t) days * MINUTES_OF_DAY - last + first;
	return within > 0 && within < across ? within : across;
}
