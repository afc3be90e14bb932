/*-------------------------------------------------------------------------
 *
 * retention.h
 *	  How long what the audit log says is kept, and what became of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RETENTION_H
#define PAYSAFE_RETENTION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* Columns of paysafe.retention_record. */
enum
{
	RETENTION_ID, RETENTION_ACTION, RETENTION_SUBJECT, RETENTION_TABLE, RETENTION_LOWER,
	RETENTION_UPPER, RETENTION_KEEP, RETENTION_TABLESPACE, RETENTION_ROWS, RETENTION_REASON,
	RETENTION_ACTOR, RETENTION_LOGIN, RETENTION_SESSION_USER, RETENTION_AT,
	RETENTION_NCOLUMNS
};

/* What was done; fields that do not concern it are NULL, DT_NOBEGIN or negative. */
typedef struct RetentionRecord
{
	int64		id;
	const char *action;			/* "keep", "purge", "erase", "archive" */
	const char *subject;		/* of the log; NULL: the whole log */
	const char *table;
	TimestampTz lower;
	TimestampTz upper;
	const Interval *keep;		/* of "keep"; NULL: for ever */
	const char *tablespace;
	int64		rows;
	const char *reason;
} RetentionRecord;

/* One of our numbers: of records, holds and requests. */
extern int64 paysafe_retention_next_id(void);

/* Put it on record, by whoever acts now, and in the audit log. */
extern void paysafe_retention_add(const RetentionRecord *record);

/*
 * Two people have to want it: use an approval of exactly these words, and for this reason, and return
 * true, or raise 42501 with message and the way to get one.  False in a
 * transaction that proposes: then it must not be done.
 */
extern bool paysafe_retention_authorize(const char *what, const char *reason, const char *message);

/* The name in the log of an audited table; 22023 if it never was one. */
extern char *paysafe_retention_subject(Oid relation);

/* The periods in force. */
typedef struct RetentionPeriods
{
	Interval   *of_log;			/* NULL: for ever */
	List	   *subjects;		/* of those with a period of their own: char * */
	List	   *keeps;			/* these, in the same order: Interval *, NULL: for ever */
} RetentionPeriods;

extern RetentionPeriods *paysafe_retention_periods(void);

/* The period of a subject (NULL: of the log); NULL: for ever. */
extern const Interval *paysafe_retention_period_of(const RetentionPeriods *periods, const char *subject);

/* Has the period after this time passed? */
extern bool paysafe_retention_is_over(const Interval *keep, TimestampTz since);

/*
 * One session at a time removes or moves what the log says; until the end of the
 * transaction.  Raises 55P03 if another one does.
 */
extern void paysafe_retention_lock(void);

#endif							/* PAYSAFE_RETENTION_H */
