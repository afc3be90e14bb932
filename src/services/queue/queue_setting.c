/*-------------------------------------------------------------------------
 *
 * queue_setting.c
 *	  How often, and when, events are tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "people/actor.h"
#include "people/approval.h"
#include "services/queue/queue.h"
#include "services/queue/queue_setting.h"
#include "store/own_table.h"

#define MAX_ATTEMPTS	12		/* unless set otherwise */
#define BACKOFF			(10 * USECS_PER_SEC)
#define MAX_BACKOFF		(6 * USECS_PER_HOUR)
#define JITTER			20		/* percent, up and down */

/* Columns of paysafe.queue_setting. */
enum
{
	SETTING_QUEUE, SETTING_SOURCE, SETTING_VERSION, SETTING_MAX_ATTEMPTS, SETTING_BACKOFF,
	SETTING_MAX_BACKOFF, SETTING_AT, SETTING_ACTOR,
	SETTING_NCOLUMNS
};

static bool
visit_setting(Relation rel, HeapTuple tuple, void *arg)
{
	QueueSetting *setting = arg;
	Datum		values[SETTING_NCOLUMNS];
	bool		nulls[SETTING_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (DatumGetInt32(values[SETTING_VERSION]) <= setting->version)
		return true;
	setting->version = DatumGetInt32(values[SETTING_VERSION]);
	setting->max_attempts = DatumGetInt32(values[SETTING_MAX_ATTEMPTS]);
	setting->backoff = paysafe_argument_microseconds(DatumGetIntervalP(values[SETTING_BACKOFF]),
											   "backoff");
	setting->max_backoff = paysafe_argument_microseconds(DatumGetIntervalP(values[SETTING_MAX_BACKOFF]),
												   "max_backoff");
	return true;
}

/* The newest version for exactly this source; "" stands for all others. */
static void
read_setting(const char *queue, const char *source, QueueSetting *setting)
{
	Datum		keys[2] = {CStringGetTextDatum(queue), CStringGetTextDatum(source)};

	memset(setting, 0, sizeof(*setting));
	paysafe_store_scan(PAYSAFE_QUEUE_SETTING, "queue_setting_pkey", 2, keys,
					   visit_setting, setting);
}

/* Asked for when an attempt has failed: not remembered. */
void
paysafe_queue_setting_read(const char *queue, const char *source, QueueSetting *setting)
{
	read_setting(queue, source, setting);
	if (setting->version == 0)
		read_setting(queue, "", setting);
	if (setting->version == 0)
	{
		setting->max_attempts = MAX_ATTEMPTS;
		setting->backoff = BACKOFF;
		setting->max_backoff = MAX_BACKOFF;
	}
}

/* What failed together must not come back together: hence the jitter. */
int64
paysafe_queue_setting_backoff(const QueueSetting *setting, int failures)
{
	int64		pause = setting->backoff;
	uint32		random;

	for (int i = 1; i < failures && pause < setting->max_backoff; i++)
		pause *= 2;
	pause = Min(pause, setting->max_backoff);
	paysafe_crypto_random((uint8 *) &random, sizeof(random));
	return (int64) (pause * (1 + JITTER / 100.0 * (2.0 * random / PG_UINT32_MAX - 1)));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_set_queue);

/*
 * set_queue(queue text, source text, max_attempts int, backoff interval,
 *			 max_backoff interval) returns void
 */
Datum
paysafe_set_queue(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "queue");
	const char *source = PG_ARGISNULL(1) ? "" : paysafe_argument_name(fcinfo, 1, "source");
	bool		inbox = strcmp(name, "inbox") == 0;
	QueueSetting setting;
	Datum		values[SETTING_NCOLUMNS];
	bool		nulls[SETTING_NCOLUMNS] = {0};

	if (!inbox && strcmp(name, "outbox") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be 'inbox' or 'outbox'", "queue")));
	values[SETTING_MAX_ATTEMPTS] = Int32GetDatum(paysafe_argument_int(fcinfo, 2, "max_attempts",
																	   1, 1000));
	if (paysafe_argument_period(fcinfo, 3, "backoff") >
		paysafe_argument_period(fcinfo, 4, "max_backoff"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be shorter than \"%s\"",
						"max_backoff", "backoff")));
	/* one session at a time */
	(void) paysafe_store_lock_value(PAYSAFE_QUEUE_SETTING, 0, false);
	read_setting(name, source, &setting);
	paysafe_queue_prepare(inbox ? PAYSAFE_INBOX_EVENT : PAYSAFE_OUTBOX_EVENT);
	values[SETTING_QUEUE] = CStringGetTextDatum(name);
	values[SETTING_SOURCE] = CStringGetTextDatum(source);
	values[SETTING_VERSION] = Int32GetDatum(setting.version + 1);
	values[SETTING_BACKOFF] = PG_GETARG_DATUM(3);
	values[SETTING_MAX_BACKOFF] = PG_GETARG_DATUM(4);
	values[SETTING_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SETTING_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(PAYSAFE_QUEUE_SETTING, values, nulls);
	PG_RETURN_VOID();
}
