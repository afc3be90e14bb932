/*-------------------------------------------------------------------------
 *
 * outcome.h
 *	  How often something came out well or badly, in shared memory, until a minute is over.
 *
 * Numbers for each database, series and segment, and what is known of its shape (shape.h). Whoever
 * judges them takes what has come since the last time: one process at a time, which alone has to do
 * with shapes. ROLLBACK takes nothing back. Of more series than there are places, those are not
 * counted that came last.
 *
 * Lock: one, shared but for the first of a series; nothing is raised under it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OUTCOME_H
#define PAYSAFE_OUTCOME_H

#include "datatype/timestamp.h"

#include "abuse/shape.h"

#define PAYSAFE_OUTCOME_SERIES_MAX	512	/* of all databases */

/* paysafe's own series, which nobody else writes; doc/alarms.md says what their segments are. */
#define PAYSAFE_OUTCOME_OWN(SERIES) \
	SERIES(OUTCOME_WRITE, "write") \
	SERIES(OUTCOME_REFUSED, "refused") \
	SERIES(OUTCOME_THROTTLE, "throttle") \
	SERIES(OUTCOME_WEBHOOK, "webhook") \
	SERIES(OUTCOME_REQUEST, "request") \
	SERIES(OUTCOME_APPROVAL_GIVEN, "approval_given") \
	SERIES(OUTCOME_APPROVAL_USED, "approval_used") \
	SERIES(OUTCOME_DECISION, "decision")

#define PAYSAFE_OUTCOME_NUMBER(series, name) series,

typedef enum OutcomeSeries
{
	PAYSAFE_OUTCOME_OWN(PAYSAFE_OUTCOME_NUMBER)
	OUTCOME_NSERIES
} OutcomeSeries;

extern const char *paysafe_outcome_name(OutcomeSeries series);
extern bool paysafe_outcome_is_own(const char *name);

/* Where a session found a series. Zeros: nowhere yet. A generation without a slot: there was no place. */
typedef struct OutcomePlace
{
	uint32		slot;			/* and 1 */
	uint32		generation;
} OutcomePlace;

/* Does nothing without the library preloaded, and in recovery, when nobody judges. Names are redacted, and cut at 63 bytes. */
extern void paysafe_outcome_count(const char *series, const char *segment, int64 good, int64 bad);

/* Some nanoseconds, if the place is still that of the series; false: it is not. */
extern bool paysafe_outcome_count_at(const OutcomePlace *place, int64 good, int64 bad);

/* Where it is; nowhere, if there is no place. */
extern OutcomePlace paysafe_outcome_place(const char *series, const char *segment);

/* For whoever judges: a series of this database, and what has come since it was judged last. */
typedef struct OutcomeTaken
{
	int			slot;
	char		series[NAMEDATALEN];
	char		segment[NAMEDATALEN];
	int64		good;
	int64		bad;
	bool		known;			/* it has a shape */
} OutcomeTaken;

/* All of them, palloc'd; returns how many. */
extern int	paysafe_outcome_look(OutcomeTaken **taken);

/* The shape of one, or where it is to be put. */
extern Shape *paysafe_outcome_shape(const OutcomeTaken *taken);

/* Its shape is known, and what was seen has been judged. */
extern void paysafe_outcome_judged(const OutcomeTaken *taken);

/* It is over: its place is another one's. */
extern void paysafe_outcome_drop(const OutcomeTaken *taken);

/* A series that was known before the server started. */
extern void paysafe_outcome_restore(const char *series, const char *segment, const Shape *shape);

/*
 * Which database is to be judged now, of minutes that are over: one after the other. InvalidOid:
 * none. The caller says whether a judge could be sent.
 */
extern Oid	paysafe_outcome_next(int64 minute);
extern void paysafe_outcome_sent(Oid database, bool sent);
extern void paysafe_outcome_suspect(Oid database);	/* it may have series that were known before */
extern void paysafe_outcome_forget(Oid database);	/* it is gone, or the extension is */

/* For the judge: the minute up to which it was judged; 0: not since the server started. And set it. */
extern int64 paysafe_outcome_judged_to(void);
extern void paysafe_outcome_set_judged_to(int64 minute);

/* A database without series is not judged until it has one. */
extern void paysafe_outcome_settle(void);

/* Since when it is counted: the end of recovery, or later; now, if it is not. */
extern TimestampTz paysafe_outcome_since(void);

/* When somebody last looked who is to be judged (or the server started), and whether this database's judge could be sent then. */
extern TimestampTz paysafe_outcome_looked(bool *sent);

/* How many series there are of this database, and how often something found no place since the start. */
extern int	paysafe_outcome_series(int64 *lost);

extern void paysafe_outcome_request(void);
extern void paysafe_outcome_startup(void);

#endif							/* PAYSAFE_OUTCOME_H */
