/*-------------------------------------------------------------------------
 *
 * recent.c
 *	  What has been seen of a key within the last hours or days, in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "abuse/recent.h"
#include "base/crypto.h"

#define TRANCHE		"paysafe_recent"
#define NLOCKS		64
#define WAYS		8			/* places of a bucket */
#define SECRET_LEN	32

static int	velocity_keys = 10000;	/* setting paysafe.velocity_keys */

/* What came from then on, or the value that came then last. */
typedef struct Cell
{
	TimestampTz at;
	uint64		what;
} Cell;

typedef struct Place
{
	uint64		key;
	TimestampTz seen;			/* last; 0: not used */
	int			n;
	Cell		cells[RECENT_CELLS];	/* in order of time */
} Place;

typedef struct RecentTable
{
	LWLockPadded *locks;
	uint8		secret[SECRET_LEN];
	uint64		buckets;
	Place		places[FLEXIBLE_ARRAY_MEMBER];
} RecentTable;

static RecentTable *table = NULL;

bool
paysafe_recent_is_kept(void)
{
	return table != NULL;
}

void
paysafe_recent_hash(const void *data, size_t len, uint64 *out)
{
	uint8		mac[PAYSAFE_SHA256_LEN] = {0};

	if (table != NULL)
		paysafe_crypto_hmac_sha256(table->secret, SECRET_LEN, data, len, mac);
	memcpy(out, mac, 2 * sizeof(uint64));
}

static LWLock *
lock_of(uint64 bucket)
{
	return &table->locks[bucket % NLOCKS].lock;
}

/* The key's place, or that of the key that is to be forgotten for it. */
static Place *
place_of(uint64 bucket, uint64 key)
{
	Place	   *places = &table->places[bucket * WAYS];
	Place	   *oldest = places;

	for (int i = 0; i < WAYS; i++)
	{
		if (places[i].key == key && places[i].seen != 0)
			return &places[i];
		if (places[i].seen < oldest->seen)
			oldest = &places[i];
	}
	oldest->key = key;
	oldest->n = 0;
	oldest->seen = 0;
	return oldest;
}

/* Forget what is over, and what is of a time that has been taken back. */
static void
drop_old(Place *place, TimestampTz now, int64 window)
{
	int			kept = 0;

	for (int i = 0; i < place->n; i++)
		if (place->cells[i].at > now - window && place->cells[i].at <= now)
			place->cells[kept++] = place->cells[i];
	place->n = kept;
}

static void
remove_cell(Place *place, int i)
{
	place->n--;
	memmove(&place->cells[i], &place->cells[i + 1], (place->n - i) * sizeof(Cell));
}

/* One cell for the two neighbours that are closest to what follows them. */
static void
join_cells(Place *place, TimestampTz now)
{
	int			best = 0;
	int64		least = PG_INT64_MAX;

	for (int i = 0; i + 1 < place->n; i++)
	{
		int64		span = (i + 2 < place->n ? place->cells[i + 2].at : now) - place->cells[i].at;

		if (span < least)
		{
			least = span;
			best = i;
		}
	}
	place->cells[best].what = Min(place->cells[best].what + place->cells[best + 1].what, (uint64) PG_INT64_MAX);
	remove_cell(place, best + 1);
}

static void
append_cell(Place *place, TimestampTz now, uint64 what)
{
	place->cells[place->n++] = (Cell) {now, what};
	place->seen = now;
}

int64
paysafe_recent_add(const uint64 *key, int64 amount, int64 window)
{
	TimestampTz now;
	uint64		bucket;
	Place	   *place;
	uint64		sum = 0;

	if (table == NULL)
		return 0;
	bucket = key[0] % table->buckets;
	LWLockAcquire(lock_of(bucket), LW_EXCLUSIVE);
	now = GetCurrentTimestamp();	/* nobody else is later by now */
	place = place_of(bucket, key[1]);
	drop_old(place, now, window);
	if (place->n == RECENT_CELLS)
		join_cells(place, now);
	append_cell(place, now, (uint64) amount);
	for (int i = 0; i < place->n; i++)
		sum = Min(sum + place->cells[i].what, (uint64) PG_INT64_MAX);
	LWLockRelease(lock_of(bucket));
	return (int64) sum;
}

int64
paysafe_recent_value(const uint64 *key, uint64 value, int64 window)
{
	TimestampTz now;
	uint64		bucket;
	Place	   *place;
	int64		values;

	if (table == NULL)
		return 0;
	bucket = key[0] % table->buckets;
	LWLockAcquire(lock_of(bucket), LW_EXCLUSIVE);
	now = GetCurrentTimestamp();	/* nobody else is later by now */
	place = place_of(bucket, key[1]);
	drop_old(place, now, window);
	for (int i = 0; i < place->n; i++)
		if (place->cells[i].what == value)
		{
			remove_cell(place, i);
			break;
		}
	if (place->n == RECENT_CELLS)
		remove_cell(place, 0);
	append_cell(place, now, value);
	values = place->n;
	LWLockRelease(lock_of(bucket));
	return values;
}

static uint64
bucket_count(void)
{
	return (velocity_keys + WAYS - 1) / WAYS;
}

static Size
table_bytes(void)
{
	return add_size(offsetof(RecentTable, places), mul_size(bucket_count() * WAYS, sizeof(Place)));
}

void
paysafe_recent_preload(void)
{
	DefineCustomIntVariable("paysafe.velocity_keys",
							"Keys that rules of velocity, while they only observe, can count at a time; each takes 540 bytes of shared memory.",
							"0 switches it off: then they observe nothing.",
							&velocity_keys, 10000, 0, 10000000, PGC_POSTMASTER, 0,
							NULL, NULL, NULL);
}

void
paysafe_recent_request(void)
{
	if (velocity_keys == 0)
		return;
	RequestAddinShmemSpace(table_bytes());
	RequestNamedLWLockTranche(TRANCHE, NLOCKS);
}

void
paysafe_recent_startup(void)
{
	bool		found;

	if (velocity_keys == 0)
		return;
	table = ShmemInitStruct("paysafe recent", table_bytes(), &found);
	if (found)
		return;
	memset(table, 0, table_bytes());
	table->locks = GetNamedLWLockTranche(TRANCHE);
	table->buckets = bucket_count();
	if (!pg_strong_random(table->secret, SECRET_LEN))
		ereport(FATAL, (errmsg("could not generate a random key")));
}
