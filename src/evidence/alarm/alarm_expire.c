/*-------------------------------------------------------------------------
 *
 * alarm_expire.c
 *	  Minutes of outcomes become hours, and what is old goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "evidence/alarm/alarm.h"
#include "store/own_table.h"

/* Columns of paysafe.outcome_minute and paysafe.outcome_hour, which are the same; the first of paysafe.alarm_record. */
enum
{
	OUTCOME_AT, OUTCOME_SERIES, OUTCOME_SEGMENT, OUTCOME_GOOD, OUTCOME_BAD, OUTCOME_NCOLUMNS
};
#define ALARM_NCOLUMNS	6

typedef struct Hour
{
	/* key */
	TimestampTz at;
	char		series[NAMEDATALEN];
	char		segment[NAMEDATALEN];
	/* numbers */
	int64		good;
	int64		bad;
} Hour;

typedef struct Roll
{
	TimestampTz before;
	HTAB	   *hours;
} Roll;

/* Counted in its hour, and gone. */
static bool
roll_up(Relation rel, HeapTuple tuple, void *arg)
{
	Roll	   *roll = arg;
	Datum		values[OUTCOME_NCOLUMNS];
	bool		nulls[OUTCOME_NCOLUMNS];
	Hour		key;
	Hour	   *hour;
	bool		found;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	memset(&key, 0, sizeof(key));
	key.at = DatumGetTimestampTz(values[OUTCOME_AT]);
	if (key.at >= roll->before)
		return false;
	key.at -= key.at % USECS_PER_HOUR;
	strlcpy(key.series, TextDatumGetCString(values[OUTCOME_SERIES]), NAMEDATALEN);
	strlcpy(key.segment, TextDatumGetCString(values[OUTCOME_SEGMENT]), NAMEDATALEN);
	hour = hash_search(roll->hours, &key, HASH_ENTER, &found);
	if (!found)
		hour->good = hour->bad = 0;
	hour->good += DatumGetInt64(values[OUTCOME_GOOD]);
	hour->bad += DatumGetInt64(values[OUTCOME_BAD]);
	return true;
}

static bool
is_expired(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[ALARM_NCOLUMNS];
	bool		nulls[ALARM_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	return DatumGetTimestampTz(values[OUTCOME_AT]) < *(TimestampTz *) arg;
}

void
paysafe_alarm_expire(TimestampTz minutes_before, TimestampTz before)
{
	HASHCTL		control = {.keysize = offsetof(Hour, good), .entrysize = sizeof(Hour), .hcxt = CurrentMemoryContext};
	Roll		roll = {.before = minutes_before - minutes_before % USECS_PER_HOUR};
	HASH_SEQ_STATUS status;
	Hour	   *hour;

	roll.hours = hash_create("paysafe outcomes", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	(void) paysafe_store_expire(PAYSAFE_OUTCOME_MINUTE, roll_up, &roll);
	hash_seq_init(&status, roll.hours);
	while ((hour = hash_seq_search(&status)) != NULL)
	{
		Datum		values[OUTCOME_NCOLUMNS] = {
			TimestampTzGetDatum(hour->at), CStringGetTextDatum(hour->series), CStringGetTextDatum(hour->segment),
			Int64GetDatum(hour->good), Int64GetDatum(hour->bad)
		};
		bool		nulls[OUTCOME_NCOLUMNS] = {0};

		paysafe_store_append(PAYSAFE_OUTCOME_HOUR, values, nulls);
	}
	(void) paysafe_store_expire(PAYSAFE_OUTCOME_HOUR, is_expired, &before);
	(void) paysafe_store_expire(PAYSAFE_ALARM_RECORD, is_expired, &before);
}
