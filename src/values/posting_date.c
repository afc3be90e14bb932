/*-------------------------------------------------------------------------
 *
 * posting_date.c
 *	  The day on which an entry counts, beside the clock.
 *
 * A date, and a timestamp without a time zone, is of the calendar that people read.
 * A point in time is on one day here and on another one there: where that matters, the
 * end of the day comes with a time zone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"

#include "redact/redact.h"
#include "store/catalog.h"
#include "values/posting_date.h"

void
paysafe_posting_date_column(Relation leaf, const char *name, PostingDate *out)
{
	memset(out, 0, sizeof(*out));
	if (name == NULL)
		return;
	out->attnum = paysafe_catalog_column(leaf, name);
	out->typid = getBaseType(TupleDescAttr(RelationGetDescr(leaf), out->attnum - 1)->atttypid);
	strlcpy(out->name, name, NAMEDATALEN);
	if (out->typid != DATEOID && out->typid != TIMESTAMPOID && out->typid != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" has type %s, not a date or a timestamp",
						name, format_type_be(out->typid))));
}

bool
paysafe_posting_date_read(const PostingDate *column, TupleTableSlot *row, DateADT *out)
{
	bool		isnull;
	Datum		value = slot_getattr(row, column->attnum, &isnull);

	if (isnull)
		return false;
	if (column->typid == DATEOID)
		*out = DatumGetDateADT(value);
	else
	{
		Timestamp	timestamp = DatumGetTimestamp(value);
		int64		day = timestamp / USECS_PER_DAY;

		if (TIMESTAMP_NOT_FINITE(timestamp))
			return false;
		/* towards the past also before 2000 */
		if (timestamp < 0 && timestamp % USECS_PER_DAY != 0)
			day--;
		*out = (DateADT) day;
	}
	return !DATE_NOT_FINITE(*out);
}

bool
paysafe_posting_date_read_in(const PostingDate *column, TupleTableSlot *row, const char *time_zone,
							 DateADT *out)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	bool		isnull;

	if (!paysafe_posting_date_read(column, row, out))
		return false;
	if (column->typid == TIMESTAMPTZOID &&
		timestamp2tm(DatumGetTimestampTz(slot_getattr(row, column->attnum, &isnull)), &offset, &tm, &fsec,
					 NULL, pg_tzset(time_zone)) == 0)
		*out = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	return true;
}

bool
paysafe_posting_date_is_by(const PostingDate *column, TupleTableSlot *row, const PostingDay *until)
{
	bool		isnull;
	DateADT		day;

	if (DATE_IS_NOBEGIN(until->day))
		return false;
	if (column->typid == TIMESTAMPTZOID)
		return DatumGetTimestampTz(slot_getattr(row, column->attnum, &isnull)) < until->before;
	return paysafe_posting_date_read(column, row, &day) && day <= until->day;
}

bool
paysafe_posting_date_covers(const PostingDate *column, const PostingDay *second, const PostingDay *first)
{
	return column->typid == TIMESTAMPTZOID ? first->before <= second->before : first->day <= second->day;
}

void
paysafe_posting_date_end(DateADT day, const char *time_zone, PostingDay *out)
{
	pg_tz	   *zone = pg_tzset(time_zone);
	struct pg_tm tm = {0};
	int			offset;
	Timestamp	result;

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is not known", paysafe_redact_string(time_zone))));
	if (DATE_NOT_FINITE(day) || !IS_VALID_DATE(day + 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the day must be a finite date")));
	j2date(day + 1 + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	offset = DetermineTimeZoneOffset(&tm, zone);
	if (tm2timestamp(&tm, 0, &offset, &result) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the day must be a finite date")));
	out->day = day;
	out->before = (TimestampTz) result;
}
