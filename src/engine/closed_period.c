/*-------------------------------------------------------------------------
 *
 * closed_period.c
 *	  Periods of ledgers that take no more entries.
 *
 * A day ends somewhere: when it did is stored with it, so that what is closed stays
 * what it was when the rules of a time zone change.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "engine/closed_period.h"
#include "engine/loosening.h"
#include "people/actor.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.closed_period. */
enum
{
	PERIOD_RELATION, PERIOD_UNTIL, PERIOD_AT, PERIOD_ACTOR, PERIOD_SESSION_USER,
	PERIOD_REASON, PERIOD_TICKET, PERIOD_TIME_ZONE, PERIOD_ENDED_AT,
	PERIOD_NCOLUMNS
};

static bool
visit_period(Relation rel, HeapTuple tuple, void *arg)
{
	ClosedPeriod *period = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	DateADT		day = DatumGetDateADT(heap_getattr(tuple, PERIOD_UNTIL + 1, desc, &isnull));
	TimestampTz before = DatumGetTimestampTz(heap_getattr(tuple, PERIOD_ENDED_AT + 1, desc, &isnull));

	/* one from before there were time zones */
	if (isnull)
		before = (TimestampTz) (day + 1) * USECS_PER_DAY;
	period->n++;
	if (DATE_IS_NOBEGIN(period->until.day) || day > period->until.day)
	{
		period->until.day = day;
		period->time_zone = paysafe_store_text(tuple, desc, PERIOD_TIME_ZONE);
	}
	period->until.before = Max(period->until.before, before);
	return true;
}

void
paysafe_closed_period_find(Oid ledger, ClosedPeriod *out)
{
	Datum		key = ObjectIdGetDatum(ledger);

	memset(out, 0, sizeof(*out));
	DATE_NOBEGIN(out->until.day);
	out->until.before = DT_NOBEGIN;
	paysafe_store_scan(PAYSAFE_CLOSED_PERIOD, "closed_period_pkey", 1, &key, visit_period, out);
}

static char *
day_text(DateADT day)
{
	return paysafe_row_key_value_text(DATEOID, DateADTGetDatum(day));
}

static Jsonb *
period_spec(DateADT day, const char *time_zone)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "until", day_text(day));
	paysafe_spec_add_text(&spec, "time_zone", time_zone);
	return paysafe_spec_end(&spec);
}

/* May it be closed?  False: it is proposed only. */
static bool
authorize(Oid ledger, const ClosedPeriod *before, const PostingDay *until, const char *time_zone)
{
	DateADT		day = until->day;
	ProposedChange change = {
		.approved_as = PAYSAFE_RULE,
		.relation = ledger,
		.name = PAYSAFE_CLOSED_PERIOD_CHANGE,
		.version = before->n + 1,
		.before = before->n > 0 ? period_spec(before->until.day, before->time_zone) : NULL,
		.after = period_spec(day, time_zone),
		/* zones have several names */
		.comes_to = psprintf("period until %d, " INT64_FORMAT, day, until->before),
		.message = psprintf("closing a period of table \"%s\" needs the approval of a second person",
							get_rel_name(ledger))
	};

	change.difference = change.loosens =
		psprintf("closes posting dates until %s in %s, for ever", day_text(day), time_zone);
	return paysafe_loosening_authorize(&change);
}

bool
paysafe_closed_period_add(Oid ledger, const ClosedPeriod *before, const PostingDay *until,
						  const char *time_zone, bool alone)
{
	const ActorClaim *actor = paysafe_actor_current();
	const char *texts[] = {actor ? actor->reason : NULL, actor ? actor->ticket : NULL};
	Datum		values[PERIOD_NCOLUMNS];
	bool		nulls[PERIOD_NCOLUMNS] = {0};

	if (!alone && !authorize(ledger, before, until, time_zone))
		return false;
	paysafe_store_complete();
	values[PERIOD_RELATION] = ObjectIdGetDatum(ledger);
	values[PERIOD_UNTIL] = DateADTGetDatum(until->day);
	values[PERIOD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[PERIOD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[PERIOD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	for (int i = 0; i < 2; i++)
	{
		nulls[PERIOD_REASON + i] = texts[i] == NULL;
		values[PERIOD_REASON + i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	values[PERIOD_TIME_ZONE] = CStringGetTextDatum(time_zone);
	values[PERIOD_ENDED_AT] = TimestampTzGetDatum(until->before);
	paysafe_store_insert(PAYSAFE_CLOSED_PERIOD, values, nulls);
	return true;
}
