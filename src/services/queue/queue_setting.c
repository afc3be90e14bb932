/*-------------------------------------------------------------------------
 *
 * queue_setting.c
 *	  How often, and when, events are tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "people/actor.h"
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

bool
paysafe_queue_setting_own(const char *queue, const char *source, QueueSetting *setting)
{
	read_setting(queue, source, setting);
	return setting->version > 0;
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

void
paysafe_queue_setting_write(const char *queue, const char *source, int max_attempts,
							Datum backoff, Datum max_backoff)
{
	QueueSetting setting;
	Datum		values[SETTING_NCOLUMNS];
	bool		nulls[SETTING_NCOLUMNS] = {0};

	/* one session at a time */
	(void) paysafe_store_lock_value(PAYSAFE_QUEUE_SETTING, 0, false);
	read_setting(queue, source, &setting);
	values[SETTING_QUEUE] = CStringGetTextDatum(queue);
	values[SETTING_SOURCE] = CStringGetTextDatum(source);
	values[SETTING_VERSION] = Int32GetDatum(setting.version + 1);
	values[SETTING_MAX_ATTEMPTS] = Int32GetDatum(max_attempts);
	values[SETTING_BACKOFF] = backoff;
	values[SETTING_MAX_BACKOFF] = max_backoff;
	values[SETTING_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SETTING_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(PAYSAFE_QUEUE_SETTING, values, nulls);
}
