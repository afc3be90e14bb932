/*-------------------------------------------------------------------------
 *
 * retention.c
 *	  How long what the audit log says is kept, and what became of it.
 *
 * paysafe.retention_record has a row for each period that was declared (the newest
 * of a table counts), for each table of which payloads were removed, and for each
 * month that was moved.  Its rows are recorded in the audit log like those of all
 * own tables.  Shortening a period, and everything that removes or moves something,
 * takes two people, as a loosened rule does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "evidence/retention/retention.h"
#include "people/actor.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

#define LEAST_DAYS	30

int64
paysafe_retention_next_id(void)
{
	return nextval_internal(get_relname_relid("retention_id_seq", paysafe_catalog_schema()), false);
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
set_time(Datum *values, bool *nulls, int column, TimestampTz at)
{
	nulls[column] = TIMESTAMP_NOT_FINITE(at);
	values[column] = TimestampTzGetDatum(at);
}

void
paysafe_retention_add(const RetentionRecord *record)
{
	Person	   *person = paysafe_person_current();
	Datum		values[RETENTION_NCOLUMNS];
	bool		nulls[RETENTION_NCOLUMNS] = {0};

	paysafe_store_complete();
	values[RETENTION_ID] = Int64GetDatum(record->id);
	set_text(values, nulls, RETENTION_ACTION, record->action);
	set_text(values, nulls, RETENTION_SUBJECT, record->subject);
	set_text(values, nulls, RETENTION_TABLE, record->table);
	set_time(values, nulls, RETENTION_LOWER, record->lower);
	set_time(values, nulls, RETENTION_UPPER, record->upper);
	nulls[RETENTION_KEEP] = record->keep == NULL;
	values[RETENTION_KEEP] = PointerGetDatum(record->keep);
	set_text(values, nulls, RETENTION_TABLESPACE, record->tablespace);
	nulls[RETENTION_ROWS] = record->rows < 0;
	values[RETENTION_ROWS] = Int64GetDatum(record->rows);
	set_text(values, nulls, RETENTION_REASON, record->reason);
	set_text(values, nulls, RETENTION_ACTOR, paysafe_actor_name());
	set_text(values, nulls, RETENTION_LOGIN, person->login);
	set_text(values, nulls, RETENTION_SESSION_USER, person->session_user_name);
	values[RETENTION_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_RETENTION_RECORD, values, nulls);
}

static bool
authorize(const char *what, const char *comes_to, const char *reason, const char *message)
{
	SpecBuilder spec;
	const char *content = psprintf("retention: %s: %s", what, reason);
	ProposedChange change = {
		.approved_as = PAYSAFE_RETENTION_RECORD,
		.name = "retention",
		.version = 1,
		.difference = content,
		.loosens = content,
		.content = content,
		.comes_to = comes_to,
		.message = message
	};

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "change", content);
	change.after = paysafe_spec_end(&spec);
	return paysafe_loosening_authorize(&change);
}

bool
paysafe_retention_authorize(const char *what, const char *reason, const char *message)
{
	return authorize(what, what, reason, message);
}

char *
paysafe_retention_subject(Oid relation)
{
	RuleSource	rule;
	bool		removed;

	if (!paysafe_rule_newest(relation, "audit", &rule, &removed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s is not in the audit log", paysafe_catalog_table_name(relation)),
				 errhint("Name the table that was declared with paysafe.audit.")));
	return paysafe_spec_text(rule.spec, "subject");
}

/* Periods */

/* The newest of each, while the table is read. */
static bool
visit_period(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **newest = arg;	/* of HeapTuple */
	TupleDesc	desc = RelationGetDescr(rel);
	char	   *subject = paysafe_store_text(tuple, desc, RETENTION_SUBJECT);
	bool		isnull;
	ListCell   *lc;

	if (strcmp(paysafe_store_text(tuple, desc, RETENTION_ACTION), "keep") != 0)
		return true;
	foreach(lc, *newest)
	{
		char	   *other = paysafe_store_text(lfirst(lc), desc, RETENTION_SUBJECT);

		if (subject == NULL || other == NULL ? subject != other : strcmp(subject, other) != 0)
			continue;
		if (DatumGetInt64(heap_getattr(lfirst(lc), RETENTION_ID + 1, desc, &isnull)) <
			DatumGetInt64(heap_getattr(tuple, RETENTION_ID + 1, desc, &isnull)))
			lfirst(lc) = heap_copytuple(tuple);
		return true;
	}
	*newest = lappend(*newest, heap_copytuple(tuple));
	return true;
}

RetentionPeriods *
paysafe_retention_periods(void)
{
	RetentionPeriods *periods = palloc0(sizeof(RetentionPeriods));
	List	   *newest = NIL;
	Relation	rel;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_RETENTION_RECORD, NULL, 0, NULL, visit_period, &newest);
	rel = paysafe_store_open(PAYSAFE_RETENTION_RECORD);
	foreach(lc, newest)
	{
		char	   *subject = paysafe_store_text(lfirst(lc), RelationGetDescr(rel), RETENTION_SUBJECT);
		bool		isnull;
		Datum		value = heap_getattr(lfirst(lc), RETENTION_KEEP + 1, RelationGetDescr(rel), &isnull);
		Interval   *keep = isnull ? NULL : DatumGetIntervalP(value);

		if (subject == NULL)
			periods->of_log = keep;
		else
		{
			periods->subjects = lappend(periods->subjects, subject);
			periods->keeps = lappend(periods->keeps, keep);
		}
	}
	paysafe_store_close(rel);
	return periods;
}

const Interval *
paysafe_retention_period_of(const RetentionPeriods *periods, const char *subject)
{
	for (int i = 0; subject != NULL && i < list_length(periods->subjects); i++)
		if (strcmp(list_nth(periods->subjects, i), subject) == 0)
			return list_nth(periods->keeps, i);
	return periods->of_log;
}

bool
paysafe_retention_is_over(const Interval *keep, TimestampTz since)
{
	TimestampTz end;

	if (keep == NULL)
		return false;
	/* by the calendar of UTC, whatever the session's time zone */
	end = DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(since),
												IntervalPGetDatum(keep)));
	return end <= GetCurrentTimestamp();
}

void
paysafe_retention_lock(void)
{
	if (!paysafe_store_lock_value(PAYSAFE_RETENTION_RECORD, 0, true))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another session is removing or moving payloads of the audit log"),
				 errhint("Try again when it has ended.")));
}

/* The last period that was declared for a subject, or for the log. */
typedef struct LastKeep
{
	const char *subject;		/* or NULL */
	int64		id;				/* 0: there was none */
} LastKeep;

static bool
visit_keep(Relation rel, HeapTuple tuple, void *arg)
{
	LastKeep   *last = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	char	   *subject = paysafe_store_text(tuple, desc, RETENTION_SUBJECT);
	bool		isnull;

	if (strcmp(paysafe_store_text(tuple, desc, RETENTION_ACTION), "keep") == 0 &&
		(subject == NULL || last->subject == NULL ? subject == last->subject : strcmp(subject, last->subject) == 0))
		last->id = Max(last->id, DatumGetInt64(heap_getattr(tuple, RETENTION_ID + 1, desc, &isnull)));
	return true;
}

/* SQL-callable functions */

static char *
period_words(const Interval *keep)
{
	return keep == NULL ? "for ever" :
		DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(keep)));
}

/* A shorter period, in words that are no longer the same once another one was declared. */
static char *
keep_words(const RetentionRecord *record, const Interval *before)
{
	LastKeep	last = {.subject = record->subject};

	paysafe_store_scan(PAYSAFE_RETENTION_RECORD, NULL, 0, NULL, visit_keep, &last);
	return paysafe_proposal_after(psprintf("keep payloads of %s %s%s instead of %s%s",
										   record->table ? record->table : "the audit log",
										   record->keep ? "for " : "", period_words(record->keep),
										   before ? "for " : "", period_words(before)), last.id);
}

/* The same however the period is written; there is one, since it is shorter than another. */
static char *
keep_comes_to(const RetentionRecord *record)
{
	return psprintf("keep payloads of %s for " INT64_FORMAT " us", record->table ? record->table : "the audit log",
					paysafe_argument_microseconds(record->keep, "keep"));
}

static bool
is_shorter(const Interval *keep, const Interval *than)
{
	if (keep == NULL || than == NULL)
		return keep != NULL && than == NULL;
	return DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(keep), IntervalPGetDatum(than)));
}

PG_FUNCTION_INFO_V1(paysafe_set_retention);

/*
 * set_retention(keep interval, reason text, relation regclass) returns void
 */
Datum
paysafe_set_retention(PG_FUNCTION_ARGS)
{
	const Interval *keep = PG_ARGISNULL(0) ? NULL : PG_GETARG_INTERVAL_P(0);
	char	   *reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 1, "reason", "a retention period"));
	RetentionRecord record = {.action = "keep", .lower = DT_NOBEGIN, .upper = DT_NOBEGIN, .keep = keep, .rows = -1, .reason = reason};
	const Interval *before;

	if (!PG_ARGISNULL(2))
	{
		record.subject = paysafe_retention_subject(PG_GETARG_OID(2));
		record.table = paysafe_catalog_table_name(PG_GETARG_OID(2));
	}
	if (keep != NULL && paysafe_argument_microseconds(keep, "keep") < LEAST_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the audit log is kept for at least %d days", LEAST_DAYS)));
	paysafe_retention_lock();
	before = paysafe_retention_period_of(paysafe_retention_periods(), record.subject);
	if (is_shorter(keep, before) &&
		!authorize(keep_words(&record, before), keep_comes_to(&record), reason,
				   "a shorter retention needs the approval of a second person"))
		PG_RETURN_VOID();
	record.id = paysafe_retention_next_id();
	paysafe_retention_add(&record);
	PG_RETURN_VOID();
}
