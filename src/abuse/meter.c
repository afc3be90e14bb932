/*-------------------------------------------------------------------------
 *
 * meter.c
 *	  What has happened since the server started, counted in shared memory for paysafe.metrics.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "abuse/meter.h"
#include "redact/redact.h"

#define TRANCHE	"paysafe_meter"
#define SLOTS	2048			/* one in eight stays free */
#define FULL	(SLOTS / 8 * 7)
#define OTHER	"(other)"

typedef struct Meter
{
	bool		used;
	MeterSeries series;
	Oid			database;		/* or InvalidOid: of all */
	char		labels[2][NAMEDATALEN];
	pg_atomic_uint64 n;
} Meter;

typedef struct MeterTable
{
	LWLock	   *lock;
	int			used;
	pg_atomic_uint64 others[METER_NSERIES];
	Meter		meters[SLOTS];
} MeterTable;

static MeterTable *table = NULL;

static bool
is_of(const Meter *meter, const Meter *wanted)
{
	return meter->database == wanted->database && meter->series == wanted->series &&
		strcmp(meter->labels[0], wanted->labels[0]) == 0 && strcmp(meter->labels[1], wanted->labels[1]) == 0;
}

/* Its place, or the free one where it is to stand; the lock is held. */
static Meter *
place_of(const Meter *wanted)
{
	uint32		hash = hash_combine(hash_combine(hash_bytes((const unsigned char *) wanted->labels[0], strlen(wanted->labels[0])),
												 hash_bytes((const unsigned char *) wanted->labels[1], strlen(wanted->labels[1]))),
									wanted->database + wanted->series);

	while (table->meters[hash % SLOTS].used && !is_of(&table->meters[hash % SLOTS], wanted))
		hash++;
	return &table->meters[hash % SLOTS];
}

static pg_atomic_uint64 *
add_meter(const Meter *wanted)
{
	Meter	   *meter = place_of(wanted);

	if (meter->used)
		return &meter->n;
	if (table->used >= FULL)
		return &table->others[wanted->series];
	*meter = *wanted;
	pg_atomic_init_u64(&meter->n, 0);
	meter->used = true;
	table->used++;
	return &meter->n;
}

static void
set_label(char *to, const char *label)
{
	size_t		len;

	label = paysafe_redact_string(label);
	len = strlen(label);
	if (len >= NAMEDATALEN)
		len = pg_mbcliplen(label, len, NAMEDATALEN - 1);
	memcpy(to, label, len);
	to[len] = '\0';
}

void
paysafe_meter_count(Oid database, MeterSeries series, const char *label1, const char *label2, int64 n)
{
	Meter		wanted = {.series = series, .database = database};
	Meter	   *meter;
	bool		found;

	if (table == NULL)
		return;
	set_label(wanted.labels[0], label1);
	set_label(wanted.labels[1], label2);
	LWLockAcquire(table->lock, LW_SHARED);
	meter = place_of(&wanted);
	found = meter->used;
	if (found)
		pg_atomic_fetch_add_u64(&meter->n, n);
	LWLockRelease(table->lock);
	if (found)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	pg_atomic_fetch_add_u64(add_meter(&wanted), n);
	LWLockRelease(table->lock);
}

void
paysafe_meter_read(Oid database, MeterVisitor visitor, void *arg)
{
	if (table == NULL)
		return;
	/* meters do not go away: the lock is for the time of one look */
	for (int i = 0; i < SLOTS; i++)
	{
		Meter		meter;

		LWLockAcquire(table->lock, LW_SHARED);
		meter = table->meters[i];
		LWLockRelease(table->lock);
		if (meter.used && meter.database == database)
			visitor(meter.series, meter.labels[0], meter.labels[1], (int64) pg_atomic_read_u64(&meter.n), arg);
	}
	for (int i = 0; i < METER_NSERIES; i++)
		if (pg_atomic_read_u64(&table->others[i]) > 0)
			visitor(i, OTHER, OTHER, (int64) pg_atomic_read_u64(&table->others[i]), arg);
}

void
paysafe_meter_request(void)
{
	RequestAddinShmemSpace(sizeof(MeterTable));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

void
paysafe_meter_startup(void)
{
	bool		found;

	table = ShmemInitStruct("paysafe meters", sizeof(MeterTable), &found);
	if (found)
		return;
	memset(table, 0, sizeof(MeterTable));
	table->lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	for (int i = 0; i < METER_NSERIES; i++)
		pg_atomic_init_u64(&table->others[i], 0);
}
