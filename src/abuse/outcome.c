/*-------------------------------------------------------------------------
 *
 * outcome.c
 *	  How often something came out well or badly, in shared memory, until a minute is over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "redact/redact.h"

#define TRANCHE		"paysafe_outcome"
#define SLOTS		PAYSAFE_OUTCOME_SERIES_MAX
#define BUCKETS		1024
#define DATABASES	256

typedef struct OutcomeSlot
{
	pg_atomic_uint32 generation;	/* counts who has had the slot */
	pg_atomic_uint64 good;
	pg_atomic_uint64 bad;
	Oid			database;		/* InvalidOid: free */
	int			next;			/* of the bucket; -1 ends */
	char		series[NAMEDATALEN];
	char		segment[NAMEDATALEN];
	/* the judge's */
	bool		known;
	uint64		judged_good;
	uint64		judged_bad;
	Shape		shape;
} OutcomeSlot;

typedef struct OutcomeDatabase
{
	Oid			database;
	TimestampTz since;			/* it is counted */
	int64		asked;			/* the minute for which a judge was to be sent last */
	bool		unsent;			/* it could not be */
	int64		judged_to;
	int			series;
} OutcomeDatabase;

typedef struct OutcomeTable
{
	LWLock	   *lock;
	TimestampTz looked;			/* somebody did, for databases to be judged */
	int			used;			/* slots */
	pg_atomic_uint64 lost;
	pg_atomic_uint32 freed;		/* how often a slot was, and 1 */
	OutcomeDatabase databases[DATABASES];
	int			buckets[BUCKETS];
	OutcomeSlot slots[SLOTS];
} OutcomeTable;

static OutcomeTable *table = NULL;

#define NAME_OF(series, name) [series] = name,

static const char *const own_names[OUTCOME_NSERIES] = {PAYSAFE_OUTCOME_OWN(NAME_OF)};

const char *
paysafe_outcome_name(OutcomeSeries series)
{
	return own_names[series];
}

bool
paysafe_outcome_is_own(const char *name)
{
	for (int i = 0; i < OUTCOME_NSERIES; i++)
		if (strcmp(name, own_names[i]) == 0)
			return true;
	return false;
}

static void
set_name(char *to, const char *name)
{
	size_t		len;

	name = paysafe_redact_string(name);
	len = strlen(name);
	if (len >= NAMEDATALEN)
		len = pg_mbcliplen(name, len, NAMEDATALEN - 1);
	memset(to, 0, NAMEDATALEN);
	memcpy(to, name, len);
}

static int *
bucket_of(Oid database, const char *series, const char *segment)
{
	uint32		hash = hash_combine(hash_combine(hash_bytes((const unsigned char *) series, strlen(series)),
												 hash_bytes((const unsigned char *) segment, strlen(segment))),
									database);

	return &table->buckets[hash % BUCKETS];
}

/* The lock is held; -1: it is not there. */
static int
find_slot(const char *series, const char *segment)
{
	int			i = *bucket_of(MyDatabaseId, series, segment);

	while (i >= 0 && (table->slots[i].database != MyDatabaseId || strcmp(table->slots[i].series, series) != 0 ||
					  strcmp(table->slots[i].segment, segment) != 0))
		i = table->slots[i].next;
	return i;
}

/* The lock is held, for writing if it is to be added. */
static OutcomeDatabase *
find_database(Oid database, bool add)
{
	OutcomeDatabase *free = NULL;

	for (int i = 0; i < DATABASES; i++)
	{
		if (table->databases[i].database == database)
			return &table->databases[i];
		if (free == NULL && !OidIsValid(table->databases[i].database))
			free = &table->databases[i];
	}
	if (!add || free == NULL)
		return NULL;
	*free = (OutcomeDatabase) {.database = database, .since = GetCurrentTimestamp()};
	return free;
}

static int
add_slot(const char *series, const char *segment)
{
	OutcomeDatabase *database = table->used < SLOTS ? find_database(MyDatabaseId, true) : NULL;
	int		   *bucket = bucket_of(MyDatabaseId, series, segment);
	int			i = 0;
	OutcomeSlot *slot;

	if (database == NULL)
		return -1;
	while (OidIsValid(table->slots[i].database))
		i++;
	slot = &table->slots[i];
	table->used++;
	slot->known = false;
	slot->judged_good = pg_atomic_read_u64(&slot->good);
	slot->judged_bad = pg_atomic_read_u64(&slot->bad);
	strlcpy(slot->series, series, NAMEDATALEN);
	strlcpy(slot->segment, segment, NAMEDATALEN);
	slot->database = MyDatabaseId;
	slot->next = *bucket;
	*bucket = i;
	database->series++;
	return i;
}

static int
slot_of(const char *series_name, const char *segment_name)
{
	char		series[NAMEDATALEN];
	char		segment[NAMEDATALEN];
	int			slot;
	bool		full;

	set_name(series, series_name);
	set_name(segment, segment_name);
	LWLockAcquire(table->lock, LW_SHARED);
	slot = find_slot(series, segment);
	full = table->used == SLOTS;
	LWLockRelease(table->lock);
	if (slot >= 0)
		return slot;
	/* those that find no place come again and again: they keep nobody waiting */
	if (!full)
	{
		LWLockAcquire(table->lock, LW_EXCLUSIVE);
		slot = find_slot(series, segment);
		if (slot < 0)
			slot = add_slot(series, segment);
		LWLockRelease(table->lock);
	}
	if (slot < 0)
		pg_atomic_fetch_add_u64(&table->lost, 1);
	return slot;
}

OutcomePlace
paysafe_outcome_place(const char *series, const char *segment)
{
	uint32		freed;
	int			slot;

	if (table == NULL || RecoveryInProgress())
		return (OutcomePlace) {0};
	freed = pg_atomic_read_u32(&table->freed);
	slot = slot_of(series, segment);
	if (slot < 0)
		return (OutcomePlace) {0, freed};
	return (OutcomePlace) {slot + 1, pg_atomic_read_u32(&table->slots[slot].generation)};
}

bool
paysafe_outcome_count_at(const OutcomePlace *place, int64 good, int64 bad)
{
	OutcomeSlot *slot;

	if (table == NULL || RecoveryInProgress())
		return true;
	/* where there was no place, there is none until one is freed */
	if (place->slot == 0)
		return place->generation != 0 && pg_atomic_read_u32(&table->freed) == place->generation;
	slot = &table->slots[place->slot - 1];
	if (pg_atomic_read_u32(&slot->generation) != place->generation)
		return false;
	if (good > 0)
		pg_atomic_fetch_add_u64(&slot->good, good);
	if (bad > 0)
		pg_atomic_fetch_add_u64(&slot->bad, bad);
	return true;
}

void
paysafe_outcome_count(const char *series, const char *segment, int64 good, int64 bad)
{
	OutcomePlace place = paysafe_outcome_place(series, segment);

	(void) paysafe_outcome_count_at(&place, good, bad);
}

/* The judge */

int
paysafe_outcome_look(OutcomeTaken **taken)
{
	int			n = 0;

	*taken = palloc0(SLOTS * sizeof(OutcomeTaken));
	if (table == NULL)
		return 0;
	LWLockAcquire(table->lock, LW_SHARED);
	for (int i = 0; i < SLOTS; i++)
	{
		OutcomeSlot *slot = &table->slots[i];
		OutcomeTaken *one = &(*taken)[n];

		if (slot->database != MyDatabaseId)
			continue;
		one->slot = i;
		memcpy(one->series, slot->series, NAMEDATALEN);
		memcpy(one->segment, slot->segment, NAMEDATALEN);
		one->good = pg_atomic_read_u64(&slot->good) - slot->judged_good;
		one->bad = pg_atomic_read_u64(&slot->bad) - slot->judged_bad;
		one->known = slot->known;
		n++;
	}
	LWLockRelease(table->lock);
	return n;
}

Shape *
paysafe_outcome_shape(const OutcomeTaken *taken)
{
	return &table->slots[taken->slot].shape;
}

void
paysafe_outcome_judged(const OutcomeTaken *taken)
{
	OutcomeSlot *slot = &table->slots[taken->slot];

	slot->judged_good += taken->good;
	slot->judged_bad += taken->bad;
	slot->known = true;
}

void
paysafe_outcome_restore(const char *series, const char *segment, const Shape *shape)
{
	int			i = table != NULL ? slot_of(series, segment) : -1;

	if (i < 0 || table->slots[i].known)
		return;
	table->slots[i].shape = *shape;
	table->slots[i].known = true;
}

TimestampTz
paysafe_outcome_since(void)
{
	OutcomeDatabase *database;
	TimestampTz since;

	if (table == NULL)
		return GetCurrentTimestamp();
	LWLockAcquire(table->lock, LW_SHARED);
	database = find_database(MyDatabaseId, false);
	since = database ? database->since : GetCurrentTimestamp();
	LWLockRelease(table->lock);
	return since;
}

int64
paysafe_outcome_judged_to(void)
{
	OutcomeDatabase *database;
	int64		minute;

	if (table == NULL)
		return 0;
	LWLockAcquire(table->lock, LW_SHARED);
	database = find_database(MyDatabaseId, false);
	minute = database ? database->judged_to : 0;
	LWLockRelease(table->lock);
	return minute;
}

void
paysafe_outcome_set_judged_to(int64 minute)
{
	OutcomeDatabase *database;

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	database = find_database(MyDatabaseId, false);
	if (database != NULL)
		database->judged_to = minute;
	LWLockRelease(table->lock);
}

void
paysafe_outcome_settle(void)
{
	OutcomeDatabase *database;

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	database = find_database(MyDatabaseId, false);
	if (database != NULL && database->series == 0)
		database->database = InvalidOid;
	LWLockRelease(table->lock);
}

Oid
paysafe_outcome_next(int64 minute)
{
	Oid			result = InvalidOid;
	OutcomeDatabase *next = NULL;
	int64		next_asked = 0;
	TimestampTz now = GetCurrentTimestamp();

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	table->looked = now;
	for (int i = 0; i < DATABASES; i++)
	{
		OutcomeDatabase *database = &table->databases[i];
		int64		asked = database->asked > minute ? PG_INT64_MIN : database->asked;

		/* a clock that was set back does not keep it waiting */
		if (!OidIsValid(database->database) || database->asked == minute)
			continue;
		/* where there is room for some only, they take turns; those that the clock has gone behind come first */
		if (next == NULL || asked < next_asked)
		{
			next = database;
			next_asked = asked;
		}
	}
	if (next != NULL)
	{
		next->asked = minute;
		result = next->database;
	}
	LWLockRelease(table->lock);
	return result;
}

void
paysafe_outcome_sent(Oid oid, bool sent)
{
	OutcomeDatabase *database;

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	database = find_database(oid, false);
	if (database != NULL)
		database->unsent = !sent;
	LWLockRelease(table->lock);
}

TimestampTz
paysafe_outcome_looked(bool *sent)
{
	OutcomeDatabase *database;
	TimestampTz looked;

	*sent = true;
	if (table == NULL)
		return GetCurrentTimestamp();
	LWLockAcquire(table->lock, LW_SHARED);
	looked = table->looked;
	database = find_database(MyDatabaseId, false);
	*sent = database == NULL || !database->unsent;
	LWLockRelease(table->lock);
	return looked;
}

void
paysafe_outcome_suspect(Oid database)
{
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	(void) find_database(database, true);
	LWLockRelease(table->lock);
}

static void
unlink_slot(int i)
{
	OutcomeSlot *slot = &table->slots[i];
	int		   *link = bucket_of(slot->database, slot->series, slot->segment);

	while (*link != i)
		link = &table->slots[*link].next;
	*link = slot->next;
}

/* The lock is held. */
static void
free_slot(int i)
{
	OutcomeDatabase *database = find_database(table->slots[i].database, false);

	unlink_slot(i);
	table->slots[i].database = InvalidOid;
	table->used--;
	pg_atomic_fetch_add_u32(&table->slots[i].generation, 1);
	pg_atomic_fetch_add_u32(&table->freed, 1);
	if (database != NULL)
		database->series--;
}

void
paysafe_outcome_drop(const OutcomeTaken *taken)
{
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	free_slot(taken->slot);
	LWLockRelease(table->lock);
}

void
paysafe_outcome_forget(Oid oid)
{
	OutcomeDatabase *database;

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SLOTS; i++)
		if (table->slots[i].database == oid)
			free_slot(i);
	database = find_database(oid, false);
	if (database != NULL)
		database->database = InvalidOid;
	LWLockRelease(table->lock);
}

int
paysafe_outcome_series(int64 *lost)
{
	OutcomeDatabase *database;
	int			n;

	*lost = 0;
	if (table == NULL)
		return 0;
	*lost = pg_atomic_read_u64(&table->lost);
	LWLockAcquire(table->lock, LW_SHARED);
	database = find_database(MyDatabaseId, false);
	n = database ? database->series : 0;
	LWLockRelease(table->lock);
	return n;
}

void
paysafe_outcome_request(void)
{
	RequestAddinShmemSpace(sizeof(OutcomeTable));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

void
paysafe_outcome_startup(void)
{
	bool		found;

	table = ShmemInitStruct("paysafe outcomes", sizeof(OutcomeTable), &found);
	if (found)
		return;
	memset(table, 0, sizeof(OutcomeTable));
	table->looked = GetCurrentTimestamp();
	table->lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	pg_atomic_init_u64(&table->lost, 0);
	pg_atomic_init_u32(&table->freed, 1);
	for (int i = 0; i < BUCKETS; i++)
		table->buckets[i] = -1;
	for (int i = 0; i < SLOTS; i++)
	{
		pg_atomic_init_u32(&table->slots[i].generation, 1);
		pg_atomic_init_u64(&table->slots[i].good, 0);
		pg_atomic_init_u64(&table->slots[i].bad, 0);
	}
}
