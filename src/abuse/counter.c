/*-------------------------------------------------------------------------
 *
 * counter.c
 *	  Counters of limits, in shared memory.
 *
 * A key has two buckets of eight slots in its partition, and is put where more is free
 * (Azar, Broder, Karlin and Upfal, "Balanced allocations", 1994): with a fifth more slots
 * than keys, next to none finds both full.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "abuse/counter.h"
#include "abuse/counter_file.h"
#include "abuse/counter_table.h"
#include "base/crypto.h"
#include "base/ensure.h"

#ifdef CLOCK_BOOTTIME
#define STEADY_CLOCK	CLOCK_BOOTTIME	/* goes on while the machine sleeps */
#else
#define STEADY_CLOCK	CLOCK_MONOTONIC
#endif

#define TRANCHE		"paysafe_counters"

static int	throttle_keys = 100000; /* setting paysafe.throttle_keys */

CounterTable *paysafe_counter_table = NULL;
#define table paysafe_counter_table

bool
paysafe_counter_ready(void)
{
	return table != NULL;
}

/* Clock */

int64
paysafe_counter_monotonic(void)
{
	struct timespec at;

	clock_gettime(STEADY_CLOCK, &at);
	return (int64) at.tv_sec * USECS_PER_SEC + at.tv_nsec / 1000;
}

int64
paysafe_counter_now(void)
{
	return paysafe_counter_monotonic() + table->clock_offset;
}

/* Places */

static int
partition_of(const CounterKey *key)
{
	return key->hash[0] % NPARTITIONS;
}

LWLock *
paysafe_counter_lock_of(int block)
{
	return &table->locks[block / (table->blocks / NPARTITIONS)].lock;
}

/* The first slot of one of the two buckets. */
static CounterSlot *
bucket_of(const CounterKey *key, int which)
{
	uint64		buckets = (uint64) (table->blocks / NPARTITIONS) * BLOCK_BUCKETS;
	uint64		bucket = which == 0 ? key->hash[0] / NPARTITIONS % buckets : key->hash[1] % buckets;

	return table->slots + (partition_of(key) * buckets + bucket) * BUCKET_SLOTS;
}

static CounterSlot *
find(const CounterKey *key)
{
	for (int which = 0; which < 2; which++)
	{
		CounterSlot *bucket = bucket_of(key, which);

		for (int i = 0; i < BUCKET_SLOTS; i++)
			if (bucket[i].key.hash[0] == key->hash[0] && bucket[i].key.hash[1] == key->hash[1])
				return &bucket[i];
	}
	return NULL;
}

/* Slots that the same call uses for its other keys. */
typedef struct Taken
{
	CounterSlot *slots[PAYSAFE_COUNTER_USES_MAX];
	int			n;
} Taken;

static bool
is_taken(const Taken *taken, const CounterSlot *slot)
{
	for (int i = 0; i < taken->n; i++)
		if (taken->slots[i] == slot)
			return true;
	return false;
}

/*
 * A slot for a new key: a free one, or that of the key that is nearest to having all its
 * tokens and has one at least.  NULL, and *token_at is when there will be one.
 */
static CounterSlot *
place(const CounterKey *key, const Taken *taken, int64 now, int64 *token_at)
{
	CounterSlot *free[2] = {NULL, NULL};
	CounterSlot *nearest = NULL;
	int			nfree[2] = {0, 0};

	*token_at = PG_INT64_MAX;
	for (int which = 0; which < 2; which++)
	{
		CounterSlot *bucket = bucket_of(key, which);

		for (int i = 0; i < BUCKET_SLOTS; i++)
		{
			CounterSlot *slot = &bucket[i];

			*token_at = Min(*token_at, slot->token_at);
			if (is_taken(taken, slot))
				continue;
			if (slot->counter.full_at <= now)
			{
				free[which] = slot;
				nfree[which]++;
			}
			else if (slot->token_at <= now && (nearest == NULL || slot->counter.full_at < nearest->counter.full_at))
				nearest = slot;
		}
	}
	if (nfree[0] + nfree[1] > 0)
		return nfree[0] >= nfree[1] ? free[0] : free[1];
	return nearest;
}

static void
put(CounterSlot *slot, const CounterKey *key, const GcraLimit *limit, const GcraCounter *counter)
{
	slot->key = *key;
	slot->counter = *counter;
	slot->token_at = paysafe_gcra_token_at(counter, limit->burst);
	table->dirty[(slot - table->slots) / BLOCK_SLOTS] = true;
}

/* Locks */

/* Those of all keys, in ascending order; returns how many.  Nothing may be raised under them. */
static int
lock_all(const CounterUse *uses, int n, int *partitions)
{
	int			locked = 0;

	for (int i = 0; i < n; i++)
	{
		int			partition = partition_of(&uses[i].key);
		int			at = locked;

		while (at > 0 && partitions[at - 1] > partition)
			at--;
		if (at > 0 && partitions[at - 1] == partition)
			continue;
		memmove(&partitions[at + 1], &partitions[at], sizeof(int) * (locked - at));
		partitions[at] = partition;
		locked++;
	}
	for (int i = 0; i < locked; i++)
		LWLockAcquire(&table->locks[partitions[i]].lock, LW_EXCLUSIVE);
	return locked;
}

static void
unlock_all(const int *partitions, int n)
{
	while (n > 0)
		LWLockRelease(&table->locks[partitions[--n]].lock);
}

/* The file is behind: wake who writes it, if nobody has. */
static void
wake_writer(void)
{
	if (pg_atomic_read_u32(&table->armed) == 0 || pg_atomic_exchange_u32(&table->armed, 0) == 0)
		return;
	LWLockAcquire(COUNTER_HEADER_LOCK, LW_SHARED);
	if (table->writer != NULL)
		SetLatch(table->writer);
	LWLockRelease(COUNTER_HEADER_LOCK);
}

/* Counting */

CounterKey
paysafe_counter_key(const void *data, size_t len)
{
	uint8		mac[PAYSAFE_SHA256_LEN];
	CounterKey	key;

	paysafe_crypto_hmac_sha256(table->secret, sizeof(table->secret), data, len, mac);
	memcpy(key.hash, mac, sizeof(key.hash));
	return key;
}

static GcraCounter
counter_of(const CounterSlot *slot)
{
	return slot != NULL ? slot->counter : (GcraCounter) {0, 0};
}

/*
 * Judge one limit.  *taken has what was found for each key of the call, and gets the place
 * of a new one.
 */
static void
judge(CounterUse *use, int64 cost, int64 now, Taken *taken, int which, GcraCounter *after, bool *evicts)
{
	CounterSlot *slot = taken->slots[which];
	GcraCounter before = counter_of(slot);
	int64		token_at;

	*evicts = false;
	use->uncounted = false;
	use->answer = paysafe_gcra_take(&use->limit, &before, now, cost, after);
	if (slot != NULL || cost == 0 || !use->answer.allowed)
		return;
	slot = place(&use->key, taken, now, &token_at);
	taken->slots[which] = slot;
	*evicts = slot != NULL && slot->counter.full_at > now;
	if (slot != NULL)
		return;
	use->uncounted = true;
	use->answer.allowed = use->let_through;
	use->answer.retry_after = use->let_through ? 0 : Max(token_at - now, 1);
	use->answer.remaining = 0;
}

static void
note_full(const CounterUse *uses, int n, int evicted)
{
	pg_atomic_fetch_add_u64(&table->forgotten, evicted);
	for (int i = 0; i < n; i++)
	{
		if (!uses[i].uncounted)
			continue;
		pg_atomic_fetch_add_u64(uses[i].let_through ? &table->let_through : &table->refused, 1);
		pg_atomic_write_u64(&table->full_at, GetCurrentTimestamp());
	}
}

static bool
ask(CounterUse *uses, int n, int64 cost, bool take)
{
	int			partitions[PAYSAFE_COUNTER_USES_MAX];
	GcraCounter before[PAYSAFE_COUNTER_USES_MAX];
	GcraCounter after[PAYSAFE_COUNTER_USES_MAX];
	bool		evicts[PAYSAFE_COUNTER_USES_MAX];
	Taken		taken = {.n = n};
	bool		allowed = true;
	int			evicted = 0;
	int			locked;
	int64		now;

	Ensure(table != NULL && n <= PAYSAFE_COUNTER_USES_MAX);
	locked = lock_all(uses, n, partitions);
	now = paysafe_counter_now();
	/* all of them first: no new key takes the place of another of the call */
	for (int i = 0; i < n; i++)
	{
		taken.slots[i] = find(&uses[i].key);
		before[i] = counter_of(taken.slots[i]);
	}
	for (int i = 0; i < n; i++)
	{
		judge(&uses[i], cost, now, &taken, i, &after[i], &evicts[i]);
		allowed &= uses[i].answer.allowed;
	}
	take &= allowed;
	for (int i = 0; i < n && take && cost > 0; i++)
		if (!uses[i].uncounted)
		{
			put(taken.slots[i], &uses[i].key, &uses[i].limit, &after[i]);
			evicted += evicts[i];
		}
	unlock_all(partitions, locked);
	if (take || !allowed)
		note_full(uses, n, evicted);
	/* what is refused leaves the other limits as they were: say what they have */
	for (int i = 0; i < n && !take; i++)
		if (uses[i].answer.allowed && !uses[i].uncounted)
			uses[i].answer = paysafe_gcra_take(&uses[i].limit, &before[i], now, 0, &after[i]);
	if (take && cost > 0)
		wake_writer();
	return allowed;
}

bool
paysafe_counter_take(CounterUse *uses, int n, int64 cost)
{
	return ask(uses, n, cost, true);
}

bool
paysafe_counter_ask(CounterUse *uses, int n, int64 cost)
{
	return ask(uses, n, cost, false);
}

void
paysafe_counter_give_back(CounterUse *uses, int n, int64 cost)
{
	int			partitions[PAYSAFE_COUNTER_USES_MAX];
	int			locked;
	int64		now;

	Ensure(table != NULL && n <= PAYSAFE_COUNTER_USES_MAX);
	locked = lock_all(uses, n, partitions);
	now = paysafe_counter_now();
	for (int i = 0; i < n; i++)
	{
		CounterSlot *slot = find(&uses[i].key);

		if (slot != NULL)
		{
			GcraCounter after = paysafe_gcra_give_back(&slot->counter, now, cost);

			put(slot, &uses[i].key, &uses[i].limit, &after);
		}
	}
	unlock_all(partitions, locked);
	wake_writer();
}

CounterState
paysafe_counter_state(void)
{
	CounterState state = {.capacity = table->keys};
	int64		now = paysafe_counter_now();

	for (int block = 0; block < table->blocks; block++)
	{
		LWLock	   *lock = paysafe_counter_lock_of(block);
		CounterSlot *slot = table->slots + (Size) block * BLOCK_SLOTS;

		CHECK_FOR_INTERRUPTS();
		LWLockAcquire(lock, LW_SHARED);
		for (int i = 0; i < BLOCK_SLOTS; i++)
		{
			state.keys += slot[i].counter.full_at > now;
			state.out += slot[i].counter.full_at > now && slot[i].token_at > now;
		}
		LWLockRelease(lock);
	}
	state.forgotten = pg_atomic_read_u64(&table->forgotten);
	state.refused = pg_atomic_read_u64(&table->refused);
	state.let_through = pg_atomic_read_u64(&table->let_through);
	state.full_at = pg_atomic_read_u64(&table->full_at);
	state.saved_at = pg_atomic_read_u64(&table->saved_at);
	return state;
}

char *
paysafe_counter_trouble(void)
{
	TimestampTz full_at = pg_atomic_read_u64(&table->full_at);
	bool		writing;

	if (full_at > GetCurrentTimestamp() - USECS_PER_HOUR)
		return psprintf("the table of %d keys was full within the last hour: " UINT64_FORMAT " requests were refused and "
						UINT64_FORMAT " let through since the server started",
						table->keys, pg_atomic_read_u64(&table->refused), pg_atomic_read_u64(&table->let_through));
	LWLockAcquire(COUNTER_HEADER_LOCK, LW_SHARED);
	writing = table->writer != NULL;
	LWLockRelease(COUNTER_HEADER_LOCK);
	return writing ? NULL : pstrdup("the background worker \"paysafe counter writer\" is not running");
}

/* Start */

bool
paysafe_counter_restore(const CounterSlot *slot, int64 now)
{
	const Taken none = {.n = 0};
	int64		token_at;
	CounterSlot *to = place(&slot->key, &none, now, &token_at);

	if (to == NULL || to->counter.full_at > now)
		return false;
	*to = *slot;
	table->dirty[(to - table->slots) / BLOCK_SLOTS] = true;
	return true;
}

/* A fifth more slots than keys, in whole blocks of each partition. */
static int
block_count(void)
{
	int64		slots = (int64) throttle_keys * 5 / 4;
	int64		per_partition = (slots + (int64) NPARTITIONS * BLOCK_SLOTS - 1) / (NPARTITIONS * BLOCK_SLOTS);

	return (int) (per_partition * NPARTITIONS);
}

static Size
table_bytes(void)
{
	Size		blocks = block_count();

	return MAXALIGN(sizeof(CounterTable)) + MAXALIGN(blocks * sizeof(uint64)) + MAXALIGN(blocks * sizeof(bool)) +
		PG_CACHE_LINE_SIZE + mul_size(blocks * BLOCK_SLOTS, sizeof(CounterSlot));
}

void
paysafe_counter_preload(void)
{
	DefineCustomIntVariable("paysafe.throttle_keys",
							"Keys that paysafe.throttle can count at a time; each takes 50 bytes of shared memory; the next larger table is made.",
							"0 switches it off: then paysafe.throttle raises an error.",
							&throttle_keys, 100000, 0, 50000000, PGC_POSTMASTER, 0,
							NULL, NULL, NULL);
	paysafe_counter_file_preload(&throttle_keys);
}

void
paysafe_counter_request(void)
{
	if (throttle_keys == 0)
		return;
	RequestAddinShmemSpace(table_bytes());
	RequestNamedLWLockTranche(TRANCHE, NPARTITIONS + 1);
}

void
paysafe_counter_startup(void)
{
	bool		found;
	char	   *at;

	if (throttle_keys == 0)
		return;
	table = ShmemInitStruct("paysafe counters", table_bytes(), &found);
	if (found)
		return;
	memset(table, 0, table_bytes());
	table->locks = GetNamedLWLockTranche(TRANCHE);
	table->blocks = block_count();
	table->keys = (int) ((int64) table->blocks * BLOCK_SLOTS * 4 / 5);
	pg_atomic_init_u32(&table->armed, 0);
	pg_atomic_init_u64(&table->forgotten, 0);
	pg_atomic_init_u64(&table->refused, 0);
	pg_atomic_init_u64(&table->let_through, 0);
	pg_atomic_init_u64(&table->full_at, 0);
	pg_atomic_init_u64(&table->saved_at, 0);
	at = (char *) table + MAXALIGN(sizeof(CounterTable));
	table->sequence = (uint64 *) at;
	at += MAXALIGN(table->blocks * sizeof(uint64));
	table->dirty = (bool *) at;
	at += MAXALIGN(table->blocks * sizeof(bool));
	table->slots = (CounterSlot *) TYPEALIGN(PG_CACHE_LINE_SIZE, at);
	paysafe_counter_file_read();
}
