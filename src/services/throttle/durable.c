/*-------------------------------------------------------------------------
 *
 * durable.c
 *	  Counters of limits that are kept in a table.
 *
 * Times are those of the time of day.  Where that was set back, a key waits as long as
 * it had to when it was counted last, counted from when it is asked about next: it is
 * neither forgiven nor stuck.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "services/throttle/durable.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define INDEX_NAME	"throttle_counter_pkey"

/* Columns of paysafe.throttle_counter. */
enum
{
	COUNTER_DIGEST, COUNTER_FULL_AT, COUNTER_TOKEN_INTERVAL, COUNTER_AT,
	COUNTER_NCOLUMNS
};

void
paysafe_durable_key(const void *data, size_t len, uint8 *digest)
{
	paysafe_keyring_mac("throttle key", data, len, digest);
}

static uint64
hash_of(const DurableUse *use)
{
	uint64		hash;

	memcpy(&hash, use->digest, sizeof(hash));
	return hash;
}

/* What is kept of the key, as times of now. */
static void
read_counter(DurableUse *use, HeapTuple tuple, TupleDesc desc, TimestampTz now)
{
	Datum		values[COUNTER_NCOLUMNS];
	bool		nulls[COUNTER_NCOLUMNS];
	TimestampTz at;

	heap_deform_tuple(tuple, desc, values, nulls);
	at = DatumGetTimestampTz(values[COUNTER_AT]);
	use->set_back = at > now;
	use->before.full_at = DatumGetTimestampTz(values[COUNTER_FULL_AT]) - Max(at - now, 0);
	use->before.interval = DatumGetInt64(values[COUNTER_TOKEN_INTERVAL]);
}

/* Without a lock */

typedef struct Look
{
	DurableUse *use;
	TimestampTz now;
} Look;

static bool
visit_counter(Relation rel, HeapTuple tuple, void *arg)
{
	Look	   *look = arg;

	read_counter(look->use, tuple, RelationGetDescr(rel), look->now);
	return false;
}

static void
look_at(DurableUse *use, TimestampTz now)
{
	Datum		key = paysafe_argument_bytea(use->digest, PAYSAFE_SHA256_LEN);
	Look		look = {use, now};

	paysafe_store_scan(PAYSAFE_THROTTLE_COUNTER, INDEX_NAME, 1, &key, visit_counter, &look);
}

/* With one */

static bool
visit_place(Relation rel, HeapTuple tuple, void *arg)
{
	*(ItemPointer) arg = tuple->t_self;
	return false;
}

/* Until the transaction ends nobody else counts the key. */
static void
lock_counter(DurableUse *use)
{
	Datum		key = paysafe_argument_bytea(use->digest, PAYSAFE_SHA256_LEN);

	for (;;)
	{
		ItemPointerData tid;
		bool		found;

		ItemPointerSetInvalid(&tid);
		(void) paysafe_store_lock_key(PAYSAFE_THROTTLE_COUNTER, INDEX_NAME, 1, &key, hash_of(use), false, false, &found);
		if (!found)
		{
			use->value_locked = true;
			return;
		}
		paysafe_store_unlock_value(PAYSAFE_THROTTLE_COUNTER, hash_of(use));
		paysafe_store_scan(PAYSAFE_THROTTLE_COUNTER, INDEX_NAME, 1, &key, visit_place, &tid);
		use->row = ItemPointerIsValid(&tid) ? paysafe_store_lock(PAYSAFE_THROTTLE_COUNTER, &tid, LockWaitBlock) : NULL;
		/* a key that has all its tokens may lose its row meanwhile */
		if (use->row != NULL)
			return;
	}
}

static int
compare_uses(const void *a, const void *b)
{
	return memcmp((*(DurableUse *const *) a)->digest, (*(DurableUse *const *) b)->digest, PAYSAFE_SHA256_LEN);
}

static void
lock_counters(DurableUse *uses, int n)
{
	DurableUse **order = palloc(n * sizeof(DurableUse *));

	for (int i = 0; i < n; i++)
		order[i] = &uses[i];
	qsort(order, n, sizeof(DurableUse *), compare_uses);
	for (int i = 0; i < n; i++)
		lock_counter(order[i]);
	pfree(order);
}

/* Where there is a row, it is locked. */
static void
read_locked(DurableUse *uses, int n, TimestampTz now)
{
	Relation	rel = paysafe_store_open(PAYSAFE_THROTTLE_COUNTER);

	for (int i = 0; i < n; i++)
		if (uses[i].row != NULL)
			read_counter(&uses[i], uses[i].row, RelationGetDescr(rel), now);
	paysafe_store_close(rel);
}

static void
write_counter(DurableUse *use, TimestampTz now)
{
	Datum		values[COUNTER_NCOLUMNS];
	bool		nulls[COUNTER_NCOLUMNS] = {0};

	values[COUNTER_DIGEST] = paysafe_argument_bytea(use->digest, PAYSAFE_SHA256_LEN);
	values[COUNTER_FULL_AT] = TimestampTzGetDatum(use->after.full_at);
	values[COUNTER_TOKEN_INTERVAL] = Int64GetDatum(use->after.interval);
	values[COUNTER_AT] = TimestampTzGetDatum(now);
	if (use->row != NULL)
		paysafe_store_update(PAYSAFE_THROTTLE_COUNTER, use->row, values, nulls);
	else
	{
		paysafe_store_insert(PAYSAFE_THROTTLE_COUNTER, values, nulls);
		CommandCounterIncrement();
	}
}

static void
unlock_values(DurableUse *uses, int n)
{
	for (int i = 0; i < n; i++)
		if (uses[i].value_locked)
			paysafe_store_unlock_value(PAYSAFE_THROTTLE_COUNTER, hash_of(&uses[i]));
}

bool
paysafe_durable_ask(DurableUse *uses, int n, int64 cost)
{
	bool		allowed = true;
	TimestampTz now;

	/* most limits are in memory, whose answers wait for no table to be opened */
	if (n == 0)
		return true;
	if (cost > 0)
	{
		PreventCommandIfReadOnly("paysafe.throttle() of a durable limit");
		lock_counters(uses, n);
	}
	now = GetCurrentTimestamp();
	if (cost > 0)
		read_locked(uses, n, now);
	for (int i = 0; i < n; i++)
	{
		if (cost == 0)
			look_at(&uses[i], now);
		uses[i].answer = paysafe_gcra_take(&uses[i].limit, &uses[i].before, now, cost, &uses[i].after);
		allowed &= uses[i].answer.allowed;
	}
	return allowed;
}

void
paysafe_durable_finish(DurableUse *uses, int n, bool take)
{
	TimestampTz now;

	if (n == 0)
		return;
	now = GetCurrentTimestamp();
	for (int i = 0; i < n; i++)
	{
		/* what is refused leaves the other limits as they were: say what they have */
		if (!take && uses[i].answer.allowed)
			uses[i].answer = paysafe_gcra_take(&uses[i].limit, &uses[i].before, now, 0, &uses[i].after);
		if (take || (uses[i].row != NULL && uses[i].set_back))
			write_counter(&uses[i], now);
	}
	unlock_values(uses, n);
}

void
paysafe_durable_give_back(DurableUse *uses, int n, int64 cost)
{
	TimestampTz now;

	if (n == 0)
		return;
	PreventCommandIfReadOnly("paysafe.throttle_return() of a durable limit");
	lock_counters(uses, n);
	now = GetCurrentTimestamp();
	read_locked(uses, n, now);
	for (int i = 0; i < n; i++)
		if (uses[i].row != NULL)
		{
			uses[i].after = paysafe_gcra_give_back(&uses[i].before, now, cost);
			write_counter(&uses[i], now);
		}
	unlock_values(uses, n);
}

static bool
is_full(Relation rel, HeapTuple tuple, void *arg)
{
	Look		look = {palloc0(sizeof(DurableUse)), *(TimestampTz *) arg};
	bool		full;

	read_counter(look.use, tuple, RelationGetDescr(rel), look.now);
	full = look.use->before.full_at <= look.now;
	pfree(look.use);
	return full;
}

int64
paysafe_durable_expire(void)
{
	TimestampTz now = GetCurrentTimestamp();

	return paysafe_store_expire(PAYSAFE_THROTTLE_COUNTER, is_full, &now);
}
