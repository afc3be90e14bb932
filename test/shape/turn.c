/*-------------------------------------------------------------------------
 *
 * turn.c
 *	  A turn of whoever judges outcomes (src/evidence/alarm/alarm.c): which minutes, and how much of each.
 *
 * What is around it is here in a few lines, so that the clock can be set and what it says looked at.
 * Prints the number of checks; ends with 1 if one fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/wait.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/argument.h"
#include "evidence/alarm/alarm.h"
#include "evidence/alarm/alarm_event.h"
#include "evidence/signal.h"
#include "store/own_table.h"
#include "is.h"

#define MINUTE	INT64CONST(14000000)	/* of the clock, at first: it has not ended */
#define EVENT	1000			/* so many bad ones in a minute open an alarm */

/* Beside the turn: a series, what is kept of it, and what was judged. */
static OutcomeTaken series = {.series = "a", .segment = "x"};
static Shape known;
static int64 clock_minute, judged_to, since, looked;
static bool active = true;
static bool sent = true;
static bool in_recovery = false;

/* What the turn did. */
static int	steps, rows_minute, rows_state, rows_record, forgotten, dropped, judged, signals;
static int64 first_step, good, bad, most;
static char last_event[16];

/* What lies in the tables. */
static Datum state_values[4];
static Datum record_values[6];

long		checks = 0;
long		failures = 0;

/* PostgreSQL's part; text is a string here */

MemoryContext CurrentMemoryContext, TopMemoryContext;

/* What lies in it may look like a state. */
void *
palloc(Size size)
{
	uint32	   *result = malloc(size + sizeof(uint32));

	for (Size i = 0; i < size / sizeof(uint32); i++)
		result[i] = SHAPE_VERSION;
	return result;
}

void *
palloc0(Size size)
{
	return calloc(1, size);
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size min, Size init, Size max)
{
	return NULL;
}

void
MemoryContextReset(MemoryContext context)
{
}

List *
lappend(List *list, void *datum)
{
	if (list == NULL)
	{
		list = calloc(1, sizeof(List));
		list->elements = calloc(64, sizeof(ListCell));
	}
	lfirst(&list->elements[list->length++]) = datum;
	return list;
}

void
initStringInfo(StringInfo string)
{
	string->data = "";
}

char *
psprintf(const char *format,...)
{
	static char result[1000];
	va_list		args;

	va_start(args, format);
	vsnprintf(result, sizeof(result), format, args);
	va_end(args);
	return result;
}

text *
cstring_to_text(const char *string)
{
	return (text *) string;
}

char *
text_to_cstring(const text *string)
{
	return (char *) string;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	return datum;
}

Datum
DirectFunctionCall1Coll(PGFunction function, Oid collation, Datum argument)
{
	return argument;
}

Datum
jsonb_in(PG_FUNCTION_ARGS)
{
	return 0;
}

void
heap_deform_tuple(HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	memcpy(values, tuple->t_data, tuple->t_len);
}

void
DefineCustomIntVariable(const char *name, const char *short_desc, const char *long_desc, int *address, int boot, int min, int max,
						GucContext context, int flags, GucIntCheckHook check, GucIntAssignHook assign, GucShowHook show)
{
}

bool
RecoveryInProgress(void)
{
	return in_recovery;
}

TimestampTz
GetCurrentTimestamp(void)
{
	return paysafe_alarm_minute_at(clock_minute);
}

/* paysafe's part */

Datum
paysafe_argument_bytea(const void *data, size_t len)
{
	return PointerGetDatum(data);
}

bool
paysafe_store_is_active(void)
{
	return active;
}

void
paysafe_store_append(PaysafeTable table, Datum *values, bool *nulls)
{
	rows_minute += table == PAYSAFE_OUTCOME_MINUTE;
	rows_state += table == PAYSAFE_ALARM_STATE;
	rows_record += table == PAYSAFE_ALARM_RECORD;
	if (table == PAYSAFE_ALARM_RECORD)
		strlcpy(last_event, TextDatumGetCString(values[4]), sizeof(last_event));
}

/* One state, and of one kind of alarms an event. */
void
paysafe_store_scan(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys, StoreVisitor visitor, void *arg)
{
	RelationData rel = {0};
	HeapTupleData tuple = {0};

	if (table == PAYSAFE_ALARM_STATE && nkeys == 0 && state_values[0] != 0)
	{
		tuple.t_data = (HeapTupleHeader) state_values;
		tuple.t_len = sizeof(state_values);
		(void) visitor(&rel, &tuple, arg);
	}
	if (table == PAYSAFE_ALARM_RECORD && record_values[3] != 0 && strcmp(TextDatumGetCString(keys[2]), TextDatumGetCString(record_values[3])) == 0)
	{
		tuple.t_data = (HeapTupleHeader) record_values;
		tuple.t_len = sizeof(record_values);
		(void) visitor(&rel, &tuple, arg);
	}
}

HeapTuple
paysafe_store_lock(PaysafeTable table, ItemPointer tid, LockWaitPolicy wait)
{
	return NULL;
}

void
paysafe_store_update(PaysafeTable table, HeapTuple locked, Datum *values, bool *nulls)
{
}

void
paysafe_store_forget(PaysafeTable table, const char *index_name, int nkeys, const Datum *keys)
{
	forgotten++;
}

int
paysafe_outcome_look(OutcomeTaken **taken)
{
	*taken = malloc(sizeof(OutcomeTaken));
	**taken = series;
	return 1;
}

Shape *
paysafe_outcome_shape(const OutcomeTaken *taken)
{
	return &known;
}

void
paysafe_outcome_judged(const OutcomeTaken *taken)
{
	judged++;
}

void
paysafe_outcome_drop(const OutcomeTaken *taken)
{
	dropped++;
}

void
paysafe_outcome_restore(const char *name, const char *segment, const Shape *shape)
{
	known = *shape;
	series.known = true;
}

TimestampTz
paysafe_outcome_since(void)
{
	return paysafe_alarm_minute_at(since);
}

int64
paysafe_outcome_judged_to(void)
{
	return judged_to;
}

void
paysafe_outcome_set_judged_to(int64 minute)
{
	judged_to = minute;
}

TimestampTz
paysafe_outcome_looked(bool *could)
{
	*could = sent;
	return paysafe_alarm_minute_at(looked);
}

void
paysafe_outcome_settle(void)
{
}

int
paysafe_outcome_series(int64 *lost)
{
	*lost = 0;
	return 1;
}

void
paysafe_alarm_figures(StringInfo figures, const ShapeEvent *event)
{
}

const char *
paysafe_alarm_event_name(const ShapeEvent *event)
{
	return event->opened ? "opened" : "closed";
}

void
paysafe_alarm_signal(const char *name, const char *segment, const ShapeEvent *event, const char *figures)
{
	signals++;
}

const char *
paysafe_shape_name(ShapeKind kind)
{
	return kind == SHAPE_SILENCE ? "silence" : "another one";
}

double
paysafe_shape_threshold(int n)
{
	return n;
}

void
paysafe_shape_begin(Shape *shape, int64_t minute)
{
	memset(shape, 0, sizeof(Shape));
	shape->version = SHAPE_VERSION;
	shape->first = minute;
	shape->now = minute - 1;
}

int
paysafe_shape_step(Shape *shape, int64_t minute, int64_t good_now, int64_t bad_now, double threshold, ShapeEvent *events)
{
	if (steps++ == 0)
		first_step = minute;
	good += good_now;
	bad += bad_now;
	most = Max(most, good_now);
	shape->now = minute;
	if (bad_now < EVENT)
		return 0;
	shape->alarms[SHAPE_RATIO_UP].open = true;
	events[0] = (ShapeEvent) {.kind = SHAPE_RATIO_UP, .opened = true, .minute = minute};
	return 1;
}

#if !HAVE_DECL_STRLCPY
size_t
strlcpy(char *to, const char *from, size_t size)
{
	strncpy(to, from, size - 1);
	to[size - 1] = 0;
	return strlen(from);
}
#endif

/* Checks */

/* The clock is at a minute, and so much has come. */
static void
turn_at(int64 minute, int64 good_count, int64 bad_count)
{
	clock_minute = minute;
	series.good = good_count;
	series.bad = bad_count;
	steps = rows_minute = rows_state = rows_record = forgotten = dropped = judged = signals = 0;
	first_step = good = bad = most = 0;
	paysafe_alarm_judge();
}

/* Known, up to so many minutes ago, and judged, too. */
static void
know(int64 ago)
{
	paysafe_shape_begin(&known, MINUTE - ago - 10);
	known.now = MINUTE - 1 - ago;
	series.known = true;
	judged_to = MINUTE - 1 - ago;
	since = MINUTE - 100000;
}

static void
check_late(void)
{
	know(120);
	turn_at(MINUTE, 240, 120);
	is("of two hours that nobody judged the last one is", steps, 60);
	is("from its first minute on", first_step, MINUTE - 60);
	is("each has its part", most, 2);
	is("and no more", good, 120);
	is("of the bad ones, too", bad, 60);
	is("they are written as they came", rows_minute, 1);
}

/* What a turn costs grows with the minutes that it is late, and no further. */
static void
check_growth(void)
{
	know(59);
	turn_at(MINUTE, 59 * 7, 0);
	is("of so many minutes that nobody judged each is judged", steps, 59);
	is("with all that came", good, 59 * 7);
	is("evenly", most, 7);
}

static void
check_long_ago(void)
{
	know(100000);
	turn_at(MINUTE, 0, 0);
	is("of months it is an hour", steps, 60);
	paysafe_alarm_judged();
	is("and all is judged", judged_to, MINUTE - 1);
}

static void
check_in_time(void)
{
	know(3);
	turn_at(MINUTE, 10, 0);
	is("of three minutes each is judged", steps, 3);
	is("nothing is lost", good, 10);
	is("evenly", most, 4);
	paysafe_alarm_judged();
	is("it is judged", judged, 1);
	is("up to the minute that has ended", judged_to, MINUTE - 1);
}

static void
check_none(void)
{
	know(0);
	turn_at(MINUTE, 10, 0);
	is("no minute has ended", steps, 0);
	paysafe_alarm_judged();
	is("so nothing is judged", judged, 0);
	is("nor said", judged_to, MINUTE - 1);
}

static void
check_recovered(void)
{
	know(30);
	judged_to = 0;
	since = MINUTE - 5;
	turn_at(MINUTE, 8, 0);
	is("before the server was there nothing is known", first_step, MINUTE - 4);
	is("what has come since counts", good, 8);
}

static void
check_new(void)
{
	know(30);
	series.known = false;
	turn_at(MINUTE, 9, 0);
	is("one that is new has a minute", steps, 1);
	is("with all that came", good, 9);
	is("and is kept", rows_state, 1);
}

static void
check_restored(void)
{
	active = false;
	know(3);
	turn_at(MINUTE, 9, 0);
	is("while a dump is restored nothing is judged", steps, 0);
	paysafe_alarm_judged();
	is("nor said to be", judged_to, MINUTE - 4);
}

static void
check_event(void)
{
	know(1);
	turn_at(MINUTE, 0, EVENT);
	is("what opens is a row", rows_record, 1);
	is("and kept at once", rows_state, 1);
	is("no signal while it may fail", signals, 0);
	paysafe_alarm_judged();
	is("nor by having judged", signals, 0);
	paysafe_alarm_tell();
	is("one when it is told", signals, 1);
}

static void
check_hour(void)
{
	/* 14,000,000 is in the 20th minute of an hour */
	know(10);
	turn_at(MINUTE, 1, 0);
	is("within an hour nothing is kept", rows_state, 0);
}

static void
check_next_hour(void)
{
	know(40);
	turn_at(MINUTE, 0, 0);
	is("with the hour it is", rows_state, 1);
	is("a minute without any has no row", rows_minute, 0);
}

static void
check_set_back(void)
{
	know(0);
	known.now = MINUTE - 1 + 61;
	judged_to = known.now;
	known.alarms[SHAPE_SILENCE].open = true;
	turn_at(MINUTE, 7, 0);
	is("a clock that was set back: one minute", steps, 1);
	is("with what came", good, 7);
	is("what is open is over", rows_record, 1);
	is("recorded as closed", strcmp(last_event, "closed"), 0);
	is("and it begins anew", rows_state, 1);
	paysafe_alarm_judged();
	is("from now on", known.first, MINUTE - 1);
	is("nothing is open", known.alarms[SHAPE_SILENCE].open, false);
	is("it is judged so far", judged_to, MINUTE - 1);
	paysafe_alarm_tell();
	is("and a signal", signals, 1);
}

static void
check_set_back_little(void)
{
	know(0);
	known.now = MINUTE - 1 + 60;
	judged_to = known.now;
	known.alarms[SHAPE_SILENCE].open = true;
	turn_at(MINUTE, 7, 0);
	is("set back by less: nothing is closed", rows_record, 0);
}

static void
check_over(void)
{
	know(1);
	known.first = MINUTE - 40 * 1440;
	turn_at(MINUTE, 0, 0);
	is("of which nothing is known any more goes", forgotten, 1);
	paysafe_alarm_judged();
	is("its place, too", dropped, 1);
	is("unjudged", judged, 0);
}

static void
check_not_over(void)
{
	know(1);
	turn_at(MINUTE, 0, 0);
	is("one that is young stays", forgotten, 0);
}

static void
check_known_day(void)
{
	know(1);
	known.first = MINUTE - 40 * 1440;
	known.days[5].bad = 1;
	turn_at(MINUTE, 0, 0);
	is("one of which a day is known stays", forgotten, 0);
}

static void
check_open(void)
{
	know(1);
	known.first = MINUTE - 40 * 1440;
	known.alarms[SHAPE_SILENCE].open = true;
	turn_at(MINUTE, 0, 0);
	is("and one with an alarm", forgotten, 0);
}

/* A state in the table, and the last event of a kind. */
static void
keep(void *state, size_t len, const char *event)
{
	char	   *bytes = malloc(len + MAXIMUM_ALIGNOF + VARHDRSZ);

	SET_VARSIZE(bytes, len + VARHDRSZ);
	memcpy(bytes + VARHDRSZ, state, len);
	state_values[0] = CStringGetTextDatum("a");
	state_values[1] = CStringGetTextDatum("x");
	state_values[3] = PointerGetDatum(bytes);
	record_values[3] = CStringGetTextDatum("silence");
	record_values[4] = CStringGetTextDatum(event);
	series.known = false;
	judged_to = 0;
	since = MINUTE - 5;
}

static void
check_state(void)
{
	Shape		shape;

	know(3);
	shape = known;
	shape.ratio = 0.5;
	keep(&shape, sizeof(shape), "opened");
	turn_at(MINUTE, 1, 0);
	is("what was kept is known", series.known && known.ratio > 0, true);
	is("and judged from the start on", steps, 4);
}

static void
check_other_version(void)
{
	Shape		shape;

	know(3);
	shape = known;
	shape.version++;
	keep(&shape, sizeof(shape), "opened");
	turn_at(MINUTE, 1, 0);
	is("of a state of another version: what is open is over", rows_record, 1);
	is("recorded as closed", strcmp(last_event, "closed"), 0);
	is("and it begins anew", rows_state, 1);
	paysafe_alarm_judged();
	is("from the start on", known.first, MINUTE - 4);
}

static void
check_other_size(void)
{
	know(3);
	keep("", 1, "closed");
	turn_at(MINUTE, 1, 0);
	is("of one of another size nothing that is over", rows_record, 0);
	is("it begins anew", rows_state, 1);
}

static void
check_trouble(void)
{
	bool		bad_news;

	know(0);
	clock_minute = MINUTE + 9;
	(void) paysafe_alarm_trouble(&bad_news);
	is("ten minutes are no trouble", bad_news, false);
	clock_minute++;
	is("more are", paysafe_alarm_trouble(&bad_news) != NULL && bad_news, true);
	is("of a standby they are not", (in_recovery = true, paysafe_alarm_trouble(&bad_news) == NULL), true);
	in_recovery = false;
	is("nor while a dump is restored", (active = false, paysafe_alarm_trouble(&bad_news) == NULL), true);
	active = true;
	since = clock_minute;
	is("but not before it was counted", paysafe_alarm_trouble(&bad_news) == NULL, true);
}

static bool
says(const char *what)
{
	const char *trouble = paysafe_alarm_worker_trouble();

	return trouble != NULL && strstr(trouble, what) != NULL;
}

static void
check_worker_trouble(void)
{
	know(20);
	clock_minute = MINUTE;
	looked = MINUTE - 10;
	is("who is sent is no trouble, however late it is", paysafe_alarm_worker_trouble() == NULL, true);
	sent = false;
	is("if he could be", says("raise max_worker_processes"), true);
	judged_to = MINUTE - 10;
	is("some minutes without are none", paysafe_alarm_worker_trouble() == NULL, true);
	judged_to = 0;
	since = MINUTE - 10;
	is("nor before it was counted", paysafe_alarm_worker_trouble() == NULL, true);
	looked = MINUTE - 11;
	is("nobody looks", says("for 11 minutes"), true);
	in_recovery = true;
	is("in recovery nobody has to", paysafe_alarm_worker_trouble() == NULL, true);
}

int
main(void)
{
	void		(*const parts[]) (void) = {
		check_late, check_growth, check_long_ago, check_in_time, check_none, check_recovered, check_new, check_restored, check_event, check_hour, check_next_hour,
		check_set_back, check_set_back_little, check_over, check_not_over, check_known_day, check_open,
		check_state, check_other_version, check_other_size, check_trouble, check_worker_trouble
	};
	int			all = 0;

	/* a worker has one turn: each part is a process of its own, which ends with the number of its checks */
	for (int i = 0; i < (int) lengthof(parts); i++)
	{
		int			status;
		pid_t		child = fork();

		if (child == 0)
		{
			parts[i] ();
			fflush(stdout);
			_exit(failures > 0 ? 0 : checks);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) == 0)
		{
			printf("part %d of a turn failed\n", i + 1);
			return 1;
		}
		all += WEXITSTATUS(status);
	}
	printf("%d\n", all);
	return 0;
}
