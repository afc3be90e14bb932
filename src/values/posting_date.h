/*-------------------------------------------------------------------------
 *
 * posting_date.h
 *	  The day on which an entry counts, beside the clock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_POSTING_DATE_H
#define PAYSAFE_POSTING_DATE_H

#include "executor/tuptable.h"
#include "utils/date.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

typedef struct PostingDate
{
	AttrNumber	attnum;			/* 0: there is none */
	Oid			typid;			/* base type: date, timestamp or timestamptz */
	char		name[NAMEDATALEN];
} PostingDate;

/* The end of a day: by the calendar, and for points in time in some zone. */
typedef struct PostingDay
{
	DateADT		day;			/* DATEVAL_NOBEGIN: before all */
	TimestampTz before;			/* when it ends, and the next one begins */
} PostingDay;

/* Find the column; name NULL: there is none.  Raises 42703 or 22023. */
extern void paysafe_posting_date_column(Relation leaf, const char *name, PostingDate *out);

/* The row's day, that of a point in time in UTC; false if it has none. */
extern bool paysafe_posting_date_read(const PostingDate *column, TupleTableSlot *row, DateADT *out);

/* The same, that of a point in time in a time zone, which is known. */
extern bool paysafe_posting_date_read_in(const PostingDate *column, TupleTableSlot *row,
										 const char *time_zone, DateADT *out);

/* Does the row count by the end of that day?  It has a date. */
extern bool paysafe_posting_date_is_by(const PostingDate *column, TupleTableSlot *row,
									   const PostingDay *until);

/* Is the first not later than the second, for dates of the column's type? */
extern bool paysafe_posting_date_covers(const PostingDate *column, const PostingDay *second,
										const PostingDay *first);

/* The day's end in a time zone.  Raises 22023 for an unknown zone or an infinite day. */
extern void paysafe_posting_date_end(DateADT day, const char *time_zone, PostingDay *out);

#endif							/* PAYSAFE_POSTING_DATE_H */
