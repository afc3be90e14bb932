/*-------------------------------------------------------------------------
 *
 * tally.c
 *	  How often something has been seen in a window, in shared memory.
 *
 * Keys are hashes under a key of the server's memory: what is forgotten cannot be chosen
 * from outside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "abuse/tally.h"
#include "base/crypto.h"

#define TRANCHE		"paysafe_tally"
#define BUCKETS		1024
#define PLACES		8			/* of a bucket */
#define SECRET_LEN	32

typedef struct Place
{
	uint64		key;
	TimestampTz since;			/* when its window began; 0: not used */
	int64		count;
} Place;

typedef struct TallyTable
{
	LWLock	   *lock;
	uint8		secret[SECRET_LEN];
	Place		places[BUCKETS][PLACES];
} TallyTable;

static TallyTable *table = NULL;

/* The key's place, or that of the key that is to be forgotten for it. */
static Place *
place_of(uint64 hash, uint64 key)
{
	Place	   *bucket = table->places[hash % BUCKETS];
	Place	   *oldest = bucket;

	for (int i = 0; i < PLACES; i++)
	{
		if (bucket[i].key == key && bucket[i].since != 0)
			return &bucket[i];
		if (bucket[i].since < oldest->since)
			oldest = &bucket[i];
	}
	*oldest = (Place) {.key = key};
	return oldest;
}

Tally
paysafe_tally_count(const void *data, size_t len, int64 window)
{
	Tally		tally = {.count = 1};
	TimestampTz now = GetCurrentTimestamp();
	uint8		mac[PAYSAFE_SHA256_LEN];
	uint64		hash[2];
	Place	   *place;

	if (table == NULL)
		return tally;
	paysafe_crypto_hmac_sha256(table->secret, SECRET_LEN, data, len, mac);
	memcpy(hash, mac, sizeof(hash));
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	place = place_of(hash[0], hash[1]);
	/* a clock that was set back does not keep a window open */
	if (place->since == 0 || place->since + window <= now || place->since > now)
	{
		tally.before = place->count;
		place->since = now;
		place->count = 0;
	}
	tally.count = ++place->count;
	LWLockRelease(table->lock);
	return tally;
}

void
paysafe_tally_request(void)
{
	RequestAddinShmemSpace(sizeof(TallyTable));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

void
paysafe_tally_startup(void)
{
	bool		found;

	table = ShmemInitStruct("paysafe tally", sizeof(TallyTable), &found);
	if (found)
		return;
	memset(table, 0, sizeof(TallyTable));
	table->lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	if (!pg_strong_random(table->secret, SECRET_LEN))
		ereport(FATAL, (errmsg("could not generate a random key")));
}
