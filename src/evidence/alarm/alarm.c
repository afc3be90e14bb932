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
#define STATE_KEY		"alarm_state_pkey"

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

/* What the turn has judged, until it has committed; in TopMemoryContext. */
typedef struct Turn
{
	int64		minute;
	int			n;
	OutcomeTaken *taken;
	Shape	   *shapes;
	bool	   *dropped;
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
visit_state(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS];
	bytea	   *state;
	Shape	   *shape = arg;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	state = DatumGetByteaPP(values[STATE_STATE]);
	/* of another version: begin anew */
	if (VARSIZE_ANY_EXHDR(state) != sizeof(Shape))
		return true;
	memcpy(shape, VARDATA_ANY(state), sizeof(Shape));
	if (shape->version == SHAPE_VERSION)
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

static void
record(const OutcomeTaken *taken, const ShapeEvent *event)
{
	Datum		values[ALARM_NCOLUMNS];
	bool		nulls[ALARM_NCOLUMNS] = {0};
	StringInfoData figures;

	initStringInfo(&figures);
	paysafe_alarm_figures(&figures, event);
	values[ALARM_AT] = TimestampTzGetDatum(paysafe_alarm_minute_at(event->minute + 1));
	values[ALARM_SERIES] = CStringGetTextDatum(taken->series);
	values[ALARM_SEGMENT] = CStringGetTextDatum(taken->segment);
	values[ALARM_KIND] = CStringGetTextDatum(paysafe_shape_name(event->kind));
	values[ALARM_EVENT] = CStringGetTextDatum(paysafe_alarm_event_name(event));
	values[ALARM_FIGURES] = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%s}", figures.data)));
	paysafe_store_append(PAYSAFE_ALARM_RECORD, values, nulls);
	paysafe_alarm_signal(taken->series, taken->segment, event, figures.data);
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
judge_minutes(const OutcomeTaken *taken, Shape *shape, int64 first, double threshold)
{
	int64		n = turn.minute - first + 1;
	bool		any = false;

	for (int64 i = 0; i < n; i++)
	{
		ShapeEvent	events[SHAPE_NKINDS];
		int			nevents = paysafe_shape_step(shape, first + i, taken->good * (i + 1) / n - taken->good * i / n,
												 taken->bad * (i + 1) / n - taken->bad * i / n, threshold, events);

		for (int e = 0; e < nevents; e++)
			record(taken, &events[e]);
		any |= nevents > 0;
	}
	return any;
}

static void
judge_series(int i, int64 first, double threshold)
{
	const OutcomeTaken *taken = &turn.taken[i];
	Shape	   *shape = &turn.shapes[i];
	int64		saved_hour;
	bool		any;

	if (taken->known)
		*shape = *paysafe_outcome_shape(taken);
	/* of a time that the clock had not come to yet */
	if (!taken->known || shape->now > turn.minute + CATCH_UP)
		paysafe_shape_begin(shape, first);
	saved_hour = shape->now / HOUR;
	any = judge_minutes(taken, shape, first, threshold);
	if (taken->good + taken->bad > 0)
		write_minute(taken, turn.minute);
	else if (is_over(shape))
	{
		Datum		keys[2] = {CStringGetTextDatum(taken->series), CStringGetTextDatum(taken->segment)};

		paysafe_store_forget(PAYSAFE_ALARM_STATE, STATE_KEY, 2, keys);
		turn.dropped[i] = true;
		return;
	}
	if (any || !taken->known || shape->now / HOUR != saved_hour)
		save(taken, shape);
}

void
paysafe_alarm_judge(void)
{
	int64		judged_to = paysafe_outcome_judged_to();
	int64		started = paysafe_alarm_minute(PgStartTime);
	int64		first;
	MemoryContext old;
	MemoryContext row;

	/* a dump may be on its way, and bring rows that would be there already */
	if (!paysafe_store_is_active())
		return;
	if (judged_to == 0)
	{
		Shape	   *shape = palloc(sizeof(Shape));

		paysafe_store_scan(PAYSAFE_ALARM_STATE, NULL, 0, NULL, visit_state, shape);
	}
	turn.minute = paysafe_alarm_minute(GetCurrentTimestamp()) - 1;
	/* before the server's start, and in a time that is skipped, it is not known that nothing came */
	first = Max(Max(judged_to, started) + 1, turn.minute - CATCH_UP + 1);
	/* a clock that was set back */
	if (judged_to > turn.minute)
		first = turn.minute;
	if (first > turn.minute)
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	turn.n = paysafe_outcome_look(&turn.taken);
	turn.shapes = palloc(Max(turn.n, 1) * sizeof(Shape));
	turn.dropped = palloc0(Max(turn.n, 1) * sizeof(bool));
	row = AllocSetContextCreate(old, "paysafe outcome", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(row);
	for (int i = 0; i < turn.n; i++)
	{
		judge_series(i, first, paysafe_shape_threshold(turn.n));
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
}

void
paysafe_alarm_judged(void)
{
	if (turn.taken == NULL)
		return;
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
	paysafe_outcome_set_judged_to(turn.minute);
}

char *
paysafe_alarm_trouble(bool *bad)
{
	int64		lost;
	int64		minute = paysafe_alarm_minute(GetCurrentTimestamp());
	int			n = paysafe_outcome_series(&lost);

	/* a standby counts, and nobody judges */
	*bad = n > 0 && !RecoveryInProgress() && paysafe_store_is_active() && minute - Max(paysafe_outcome_judged_to(), paysafe_alarm_minute(PgStartTime)) > 10;
	if (*bad)
		return "outcomes have not been judged for ten minutes; the server's log may say why";
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
