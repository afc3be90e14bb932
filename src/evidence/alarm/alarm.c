/*-------------------------------------------------------------------------
 *
 * alarm.c
 *	  Alarms: outcomes whose shape is not what it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/argument.h"
#include "evidence/alarm/alarm.h"
#include "evidence/alarm/alarm_event.h"
#include "evidence/signal.h"
#include "store/own_table.h"

#define MONDAY			(5 * 1440)	/* PostgreSQL's time begins on a Saturday */
#define CATCH_UP		60		/* minutes that are judged one by one when a turn comes late */
#define HOUR			60
#define LATE			10		/* minutes that nobody has judged, until check() says so */
#define STATE_KEY		"alarm_state_pkey"
#define RECORD_KEY		"alarm_record_series"

/* Columns of paysafe.alarm_state, paysafe.outcome_minute and paysafe.alarm_record. */
enum
{
	STATE_SERIES, STATE_SEGMENT, STATE_AT, STATE_STATE, STATE_NCOLUMNS
};
enum
{
	MINUTE_AT, MINUTE_SERIES, MINUTE_SEGMENT, MINUTE_GOOD, MINUTE_BAD, MINUTE_NCOLUMNS
};
enum
{
	ALARM_AT, ALARM_SERIES, ALARM_SEGMENT, ALARM_KIND, ALARM_EVENT, ALARM_FIGURES, ALARM_NCOLUMNS
};

static int	interval = 60;		/* setting paysafe.outcome_interval, seconds */

/* What has opened or closed. */
typedef struct TurnEvent
{
	int			series;
	ShapeEvent	event;
} TurnEvent;

/* What the turn has judged, until it has committed; in TopMemoryContext. */
typedef struct Turn
{
	int64		first;			/* minutes that are judged */
	int64		minute;
	int64		span;			/* minutes in which what is judged has come: as many, or more */
	int			n;
	OutcomeTaken *taken;
	Shape	   *shapes;
	bool	   *dropped;
	List	   *events;
} Turn;

static Turn turn = {0};

int64
paysafe_alarm_minute(TimestampTz at)
{
	return at / (interval * USECS_PER_SEC) + MONDAY;
}

TimestampTz
paysafe_alarm_minute_at(int64 minute)
{
	return (minute - MONDAY) * interval * USECS_PER_SEC;
}

/* What is known of series */

static bool
visit_event(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[ALARM_NCOLUMNS];
	bool		nulls[ALARM_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	/* the last one says it */
	*(bool *) arg = strcmp(TextDatumGetCString(values[ALARM_EVENT]), "opened") == 0;
	return true;
}

/* Of a state that cannot be read: nothing but what is open. Of no time that is: so it is closed, and begins anew. */
static void
take_open(Shape *shape, const Datum *series)
{
	paysafe_shape_begin(shape, PG_INT64_MAX);
	for (int kind = 0; kind < SHAPE_NKINDS; kind++)
	{
		Datum		keys[3] = {series[STATE_SERIES], series[STATE_SEGMENT], CStringGetTextDatum(paysafe_shape_name(kind))};

		paysafe_store_scan(PAYSAFE_ALARM_RECORD, RECORD_KEY, 3, keys, visit_event, &shape->alarms[kind].open);
	}
}

static bool
visit_state(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS];
	bytea	   *state;
	Shape	   *shape = arg;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	state = DatumGetByteaPP(values[STATE_STATE]);
	if (VARSIZE_ANY_EXHDR(state) == sizeof(Shape))
		memcpy(shape, VARDATA_ANY(state), sizeof(Shape));
	if (VARSIZE_ANY_EXHDR(state) != sizeof(Shape) || shape->version != SHAPE_VERSION)
		take_open(shape, values);
	paysafe_outcome_restore(TextDatumGetCString(values[STATE_SERIES]), TextDatumGetCString(values[STATE_SEGMENT]), shape);
	return true;
}

static bool
visit_place(Relation rel, HeapTuple tuple, void *arg)
{
	*(ItemPointer) arg = tuple->t_self;
	return false;
}

static void
save(const OutcomeTaken *taken, const Shape *shape)
{
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS] = {0};
	ItemPointerData tid;
	HeapTuple	row = NULL;

	values[STATE_SERIES] = CStringGetTextDatum(taken->series);
	values[STATE_SEGMENT] = CStringGetTextDatum(taken->segment);
	values[STATE_AT] = TimestampTzGetDatum(paysafe_alarm_minute_at(shape->now + 1));
	values[STATE_STATE] = paysafe_argument_bytea(shape, sizeof(Shape));
	ItemPointerSetInvalid(&tid);
	paysafe_store_scan(PAYSAFE_ALARM_STATE, STATE_KEY, 2, values, visit_place, &tid);
	if (ItemPointerIsValid(&tid))
		row = paysafe_store_lock(PAYSAFE_ALARM_STATE, &tid, LockWaitBlock);
	if (row != NULL)
		paysafe_store_update(PAYSAFE_ALARM_STATE, row, values, nulls);
	else
		paysafe_store_append(PAYSAFE_ALARM_STATE, values, nulls);
}

/* Nothing has come for so long that nothing is known of it any more. */
static bool
is_over(const Shape *shape)
{
	if (shape->now - shape->first < SHAPE_DAYS * 1440)
		return false;
	for (int i = 0; i < SHAPE_DAYS; i++)
		if (shape->days[i].good + shape->days[i].bad > 0)
			return false;
	for (int kind = 0; kind < SHAPE_NKINDS; kind++)
		if (shape->alarms[kind].open)
			return false;
	return true;
}

/* What opens and closes */

/* It becomes a signal when the turn has committed. */
static void
record(int i, const ShapeEvent *event)
{
	const OutcomeTaken *taken = &turn.taken[i];
	Datum		values[ALARM_NCOLUMNS];
	bool		nulls[ALARM_NCOLUMNS] = {0};
	StringInfoData figures;
	MemoryContext old;
	TurnEvent  *kept;

	initStringInfo(&figures);
	paysafe_alarm_figures(&figures, event);
	values[ALARM_AT] = TimestampTzGetDatum(paysafe_alarm_minute_at(event->minute + 1));
	values[ALARM_SERIES] = CStringGetTextDatum(taken->series);
	values[ALARM_SEGMENT] = CStringGetTextDatum(taken->segment);
	values[ALARM_KIND] = CStringGetTextDatum(paysafe_shape_name(event->kind));
	values[ALARM_EVENT] = CStringGetTextDatum(paysafe_alarm_event_name(event));
	values[ALARM_FIGURES] = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%s}", figures.data)));
	paysafe_store_append(PAYSAFE_ALARM_RECORD, values, nulls);
	old = MemoryContextSwitchTo(TopMemoryContext);
	kept = palloc(sizeof(TurnEvent));
	*kept = (TurnEvent) {.series = i, .event = *event};
	turn.events = lappend(turn.events, kept);
	MemoryContextSwitchTo(old);
}

/* What is open is not known any more. */
static void
close_all(int i, const Shape *shape)
{
	for (int kind = 0; kind < SHAPE_NKINDS; kind++)
		if (shape->alarms[kind].open)
			record(i, &(ShapeEvent)
				   {
					   .kind = kind, .minute = turn.minute, .since = turn.minute, .expected_ratio = -1, .expected_volume = -1
				   });
}

/* Minutes */

static void
write_minute(const OutcomeTaken *taken, int64 minute)
{
	Datum		values[MINUTE_NCOLUMNS];
	bool		nulls[MINUTE_NCOLUMNS] = {0};

	values[MINUTE_AT] = TimestampTzGetDatum(paysafe_alarm_minute_at(minute));
	values[MINUTE_SERIES] = CStringGetTextDatum(taken->series);
	values[MINUTE_SEGMENT] = CStringGetTextDatum(taken->segment);
	values[MINUTE_GOOD] = Int64GetDatum(taken->good);
	values[MINUTE_BAD] = Int64GetDatum(taken->bad);
	paysafe_store_append(PAYSAFE_OUTCOME_MINUTE, values, nulls);
}

/* The minutes from first on; if there are several, each had as much. True: something has opened or closed. */
static bool
judge_minutes(int i, Shape *shape, int64 first, double threshold)
{
	const OutcomeTaken *taken = &turn.taken[i];
	int64		n = turn.minute - first + 1;
	int64		span = first == turn.first ? turn.span : n;
	bool		any = false;

	for (int64 m = 0; m < n; m++)
	{
		ShapeEvent	events[SHAPE_NKINDS];
		int			nevents = paysafe_shape_step(shape, first + m, taken->good * (m + 1) / span - taken->good * m / span,
												 taken->bad * (m + 1) / span - taken->bad * m / span, threshold, events);

		for (int e = 0; e < nevents; e++)
			record(i, &events[e]);
		any |= nevents > 0;
	}
	return any;
}

static void
judge_series(int i, double threshold)
{
	const OutcomeTaken *taken = &turn.taken[i];
	Shape	   *shape = &turn.shapes[i];
	int64		first = turn.first;
	int64		saved_hour;
	bool		anew = !taken->known;
	bool		any;

	if (taken->known)
		*shape = *paysafe_outcome_shape(taken);
	/* one that is new: since when it comes is not known */
	else
		first = turn.minute;
	/* of a time that the clock had not come to yet */
	if (taken->known && shape->now > turn.minute + CATCH_UP)
	{
		close_all(i, shape);
		anew = true;
	}
	if (anew)
		paysafe_shape_begin(shape, first);
	saved_hour = shape->now / HOUR;
	any = judge_minutes(i, shape, first, threshold);
	if (taken->good + taken->bad > 0)
		write_minute(taken, turn.minute);
	else if (is_over(shape))
	{
		Datum		keys[2] = {CStringGetTextDatum(taken->series), CStringGetTextDatum(taken->segment)};

		paysafe_store_forget(PAYSAFE_ALARM_STATE, STATE_KEY, 2, keys);
		turn.dropped[i] = true;
		return;
	}
	if (any || anew || shape->now / HOUR != saved_hour)
		save(taken, shape);
}

/* Which minutes are over that nobody has judged? False: none. */
static bool
find_minutes(void)
{
	int64		judged_to = paysafe_outcome_judged_to();
	/* before that, and in a time that is skipped, it is not known that nothing came */
	int64		known_to = Max(judged_to, paysafe_alarm_minute(paysafe_outcome_since()));

	turn.minute = paysafe_alarm_minute(GetCurrentTimestamp()) - 1;
	turn.first = Max(known_to + 1, turn.minute - CATCH_UP + 1);
	turn.span = turn.minute - known_to;
	/* a clock that was set back */
	if (judged_to > turn.minute)
	{
		turn.first = turn.minute;
		turn.span = 1;
	}
	return turn.first <= turn.minute;
}

void
paysafe_alarm_judge(void)
{
	MemoryContext old;
	MemoryContext row;

	/* a dump may be on its way, and bring rows that would be there already */
	if (!paysafe_store_is_active())
		return;
	if (paysafe_outcome_judged_to() == 0)
	{
		Shape	   *shape = palloc(sizeof(Shape));

		paysafe_store_scan(PAYSAFE_ALARM_STATE, NULL, 0, NULL, visit_state, shape);
	}
	if (!find_minutes())
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	turn.n = paysafe_outcome_look(&turn.taken);
	turn.shapes = palloc(Max(turn.n, 1) * sizeof(Shape));
	turn.dropped = palloc0(Max(turn.n, 1) * sizeof(bool));
	row = AllocSetContextCreate(old, "paysafe outcome", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(row);
	for (int i = 0; i < turn.n; i++)
	{
		judge_series(i, paysafe_shape_threshold(turn.n));
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
}

void
paysafe_alarm_judged(void)
{
	for (int i = 0; i < turn.n; i++)
	{
		if (turn.dropped[i])
		{
			paysafe_outcome_drop(&turn.taken[i]);
			continue;
		}
		*paysafe_outcome_shape(&turn.taken[i]) = turn.shapes[i];
		paysafe_outcome_judged(&turn.taken[i]);
	}
	if (turn.taken != NULL)
		paysafe_outcome_set_judged_to(turn.minute);
	paysafe_outcome_settle();
}

void
paysafe_alarm_tell(void)
{
	ListCell   *lc;

	foreach(lc, turn.events)
	{
		const TurnEvent *told = lfirst(lc);
		const OutcomeTaken *taken = &turn.taken[told->series];
		StringInfoData figures;

		initStringInfo(&figures);
		paysafe_alarm_figures(&figures, &told->event);
		paysafe_alarm_signal(taken->series, taken->segment, &told->event, figures.data);
	}
}

/* 0: nothing is to be judged here. */
static int64
minutes_since(int64 minute)
{
	if (RecoveryInProgress() || !paysafe_store_is_active())
		return 0;
	return paysafe_alarm_minute(GetCurrentTimestamp()) - minute;
}

/* That nobody has judged. */
static int64
minutes_late(void)
{
	return minutes_since(Max(paysafe_outcome_judged_to(), paysafe_alarm_minute(paysafe_outcome_since())));
}

char *
paysafe_alarm_worker_trouble(void)
{
	bool		sent;
	int64		looked = paysafe_alarm_minute(paysafe_outcome_looked(&sent));

	if (minutes_since(looked) > LATE)
		return psprintf("nobody has looked for outcomes to judge for " INT64_FORMAT " minutes: \"paysafe refusal launcher\" does not run, or an \"alarm worker\" is stuck",
						minutes_since(looked));
	if (!sent && minutes_late() > LATE)
		return "no background worker is free to judge outcomes: raise max_worker_processes";
	return NULL;
}

char *
paysafe_alarm_trouble(bool *bad)
{
	int64		lost;
	int64		late = minutes_late();

	(void) paysafe_outcome_series(&lost);
	*bad = late > LATE;
	if (*bad)
		return psprintf("outcomes have not been judged for " INT64_FORMAT " minutes; check alarm_worker or the server's log may say why", late);
	if (lost > 0)
		return psprintf("outcomes found no place " INT64_FORMAT " times since the server started: there is room for %d series of all databases",
						lost, PAYSAFE_OUTCOME_SERIES_MAX);
	return NULL;
}

void
paysafe_alarm_preload(void)
{
	DefineCustomIntVariable("paysafe.outcome_interval",
							"Seconds that a minute of outcomes has; less than 60 for tests only.",
							NULL, &interval, 60, 1, 60, PGC_POSTMASTER, GUC_UNIT_S,
							NULL, NULL, NULL);
}
