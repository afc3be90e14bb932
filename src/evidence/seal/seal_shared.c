/*-------------------------------------------------------------------------
 *
 * seal_shared.c
 *	  What writers, sealers and those who wait know of each other, in shared memory.
 *
 * Each database has a slot.  A writer, when its transaction has ended, puts its number
 * there if it is the largest one; if nobody is looking, it wakes the sealer, or the
 * launcher if there is none.  So sealers sleep for as long as nothing is written, and
 * writers that follow each other wake nobody.
 *
 * A slot stays with its database until that is gone, so a session finds its slot once.
 *
 * Sealers take a quarter of max_worker_processes at most: who writes refusals, and others,
 * must find a process.  Where more databases have something to seal, they take turns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "evidence/seal/seal_shared.h"

#define NDATABASES		256
#define RETRY_AFTER		1000	/* milliseconds, when a sealer did not come up */
#define LAST_RETRY		60000	/* at most, when it fails again and again */

typedef struct Slot
{
	Oid			database;		/* or InvalidOid: not used */
	Latch	   *sealer;			/* or NULL */
	TimestampTz asked_at;
	bool		starting;		/* asked for, and not attached yet */
	int			failures;		/* in a row */
	pg_atomic_uint32 armed;		/* the next writer wakes somebody */
	pg_atomic_uint32 waiters;
	pg_atomic_uint64 noted;		/* the newest transaction with rows */
	pg_atomic_uint64 below;		/* older ones are sealed */
	ConditionVariable sealed;
} Slot;

typedef struct Shared
{
	LWLock	   *lock;			/* of what is no atomic */
	Latch	   *launcher;		/* or NULL */
	bool		crowded;		/* a database waits until another one's sealer leaves */
	Slot		slots[NDATABASES];
} Shared;

static Shared *shared = NULL;
static Slot *my_slot = NULL;	/* of this session's database */

void
paysafe_seal_shared_request(void)
{
	RequestAddinShmemSpace(sizeof(Shared));
	RequestNamedLWLockTranche("paysafe seal", 1);
}

void
paysafe_seal_shared_startup(void)
{
	bool		found;

	shared = ShmemInitStruct("paysafe seal", sizeof(Shared), &found);
	if (found)
		return;
	memset(shared, 0, sizeof(Shared));
	shared->lock = &GetNamedLWLockTranche("paysafe seal")->lock;
	for (int i = 0; i < NDATABASES; i++)
	{
		pg_atomic_init_u32(&shared->slots[i].armed, 1);
		pg_atomic_init_u32(&shared->slots[i].waiters, 0);
		pg_atomic_init_u64(&shared->slots[i].noted, 0);
		pg_atomic_init_u64(&shared->slots[i].below, 0);
		ConditionVariableInit(&shared->slots[i].sealed);
	}
}

bool
paysafe_seal_shared_present(void)
{
	return shared != NULL;
}

/* The database's slot; with make a new one if there is room.  The lock is held exclusively. */
static Slot *
find_slot(Oid database, bool make)
{
	Slot	   *free = NULL;

	for (int i = 0; i < NDATABASES; i++)
		if (shared->slots[i].database == database)
			return &shared->slots[i];
		else if (free == NULL && !OidIsValid(shared->slots[i].database))
			free = &shared->slots[i];
	if (!make || free == NULL)
		return NULL;
	free->database = database;
	free->sealer = NULL;
	free->asked_at = 0;
	free->starting = false;
	free->failures = 0;
	pg_atomic_write_u32(&free->armed, 1);
	/* what has been written before is not known */
	pg_atomic_write_u64(&free->noted, U64FromFullTransactionId(ReadNextFullTransactionId()) - 1);
	pg_atomic_write_u64(&free->below, 0);
	return free;
}

static Slot *
slot_of_session(void)
{
	if (shared != NULL && my_slot == NULL)
	{
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		my_slot = find_slot(MyDatabaseId, true);
		LWLockRelease(shared->lock);
	}
	return my_slot;
}

static void
raise_to(pg_atomic_uint64 *number, uint64 to)
{
	uint64		old = pg_atomic_read_u64(number);

	while (old < to && !pg_atomic_compare_exchange_u64(number, &old, to))
		;
}

static void
wake(Slot *slot)
{
	Latch	   *latch;

	LWLockAcquire(shared->lock, LW_SHARED);
	latch = slot->sealer != NULL ? slot->sealer : shared->launcher;
	LWLockRelease(shared->lock);
	if (latch != NULL)
		SetLatch(latch);
}

void
paysafe_seal_shared_note(uint64 xid)
{
	Slot	   *slot = slot_of_session();

	if (slot == NULL)
		return;
	raise_to(&slot->noted, xid);
	pg_memory_barrier();
	if (pg_atomic_read_u32(&slot->armed) != 0 && pg_atomic_exchange_u32(&slot->armed, 0) != 0)
		wake(slot);
}

/* Launcher */

static void
launcher_gone(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = NULL;
	LWLockRelease(shared->lock);
}

void
paysafe_seal_shared_announce_launcher(void)
{
	before_shmem_exit(launcher_gone, (Datum) 0);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = MyLatch;
	LWLockRelease(shared->lock);
}

void
paysafe_seal_shared_suspect(Oid database)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	(void) find_slot(database, true);
	LWLockRelease(shared->lock);
}

void
paysafe_seal_shared_forget(Oid database)
{
	Slot	   *slot;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database, false);
	if (slot != NULL && slot->sealer == NULL)
		slot->database = InvalidOid;
	LWLockRelease(shared->lock);
}

static bool
is_pending(Slot *slot)
{
	return pg_atomic_read_u64(&slot->noted) >= pg_atomic_read_u64(&slot->below);
}

/* Is it time to ask for a sealer again? */
static bool
is_due(const Slot *slot, TimestampTz now)
{
	return TimestampDifferenceExceeds(slot->asked_at, now,
									  Min(RETRY_AFTER << Min(slot->failures, 8), LAST_RETRY));
}

/* How many processes seal, or are about to?  The lock is held. */
static int
count_sealers(TimestampTz now)
{
	int			n = 0;

	for (int i = 0; i < NDATABASES; i++)
	{
		Slot	   *slot = &shared->slots[i];

		if (OidIsValid(slot->database) &&
			(slot->sealer != NULL ||
			 (slot->starting && !TimestampDifferenceExceeds(slot->asked_at, now, RETRY_AFTER))))
			n++;
	}
	return n;
}

Oid
paysafe_seal_shared_next(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Slot	   *next = NULL;
	Oid			database = InvalidOid;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < NDATABASES; i++)
	{
		Slot	   *slot = &shared->slots[i];

		/* whoever has waited longest */
		if (OidIsValid(slot->database) && slot->sealer == NULL && is_pending(slot) && is_due(slot, now) &&
			(next == NULL || slot->asked_at < next->asked_at))
			next = slot;
	}
	shared->crowded = next != NULL && count_sealers(now) >= Max(1, max_worker_processes / 4);
	if (next != NULL && !shared->crowded)
	{
		database = next->database;
		next->asked_at = now;
		next->starting = true;
	}
	LWLockRelease(shared->lock);
	return database;
}

/* Sealer */

bool
paysafe_seal_shared_attach(Oid database)
{
	Slot	   *slot;
	bool		result;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database, true);
	result = slot != NULL && slot->sealer == NULL;
	if (result)
	{
		slot->sealer = MyLatch;
		slot->starting = false;
		my_slot = slot;
	}
	LWLockRelease(shared->lock);
	return result;
}

bool
paysafe_seal_shared_detach(bool idle)
{
	Slot	   *slot = my_slot;
	bool		result = true;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (slot->sealer == MyLatch)
	{
		/* whoever writes from now on wakes the launcher */
		pg_atomic_write_u32(&slot->armed, 1);
		pg_memory_barrier();
		if (idle && is_pending(slot))
			result = false;
		else
		{
			slot->sealer = NULL;
			slot->asked_at = idle ? 0 : GetCurrentTimestamp();
			slot->failures = idle ? 0 : slot->failures + 1;
		}
	}
	LWLockRelease(shared->lock);
	return result;
}

bool
paysafe_seal_shared_make_room(void)
{
	Slot	   *slot = my_slot;
	bool		result;
	Latch	   *launcher;

	if (!shared->crowded)
		return false;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	launcher = shared->launcher;
	result = shared->crowded && slot->sealer == MyLatch;
	if (result)
	{
		/* one that leaves is enough; what is left here has its turn when the others have had theirs */
		shared->crowded = false;
		pg_atomic_write_u32(&slot->armed, 1);
		slot->sealer = NULL;
		slot->asked_at = GetCurrentTimestamp();
		slot->failures = 0;
	}
	LWLockRelease(shared->lock);
	if (result && launcher != NULL)
		SetLatch(launcher);
	return result;
}

void
paysafe_seal_shared_sealed(uint64 below)
{
	raise_to(&my_slot->below, below);
	my_slot->failures = 0;
	ConditionVariableBroadcast(&my_slot->sealed);
}

bool
paysafe_seal_shared_pending(bool arm)
{
	if (!arm)
		return is_pending(my_slot);
	pg_atomic_write_u32(&my_slot->armed, 1);
	pg_memory_barrier();
	if (!is_pending(my_slot))
		return false;
	pg_atomic_write_u32(&my_slot->armed, 0);
	return true;
}

int
paysafe_seal_shared_waiters(void)
{
	return pg_atomic_read_u32(&my_slot->waiters);
}

/* Waiting */

static void
stop_waiting(int code, Datum arg)
{
	pg_atomic_fetch_sub_u32(&my_slot->waiters, 1);
}

bool
paysafe_seal_shared_wait(uint64 xid, long milliseconds, bool *sealer)
{
	Slot	   *slot = slot_of_session();
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	bool		result;

	*sealer = false;
	if (slot == NULL)
		return false;
	*sealer = shared->launcher != NULL;
	pg_atomic_fetch_add_u32(&slot->waiters, 1);
	PG_ENSURE_ERROR_CLEANUP(stop_waiting, (Datum) 0);
	{
		raise_to(&slot->noted, xid);
		ConditionVariablePrepareToSleep(&slot->sealed);
		wake(slot);
		while (!(result = pg_atomic_read_u64(&slot->below) > xid))
		{
			long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

			if (left <= 0)
				break;
			(void) ConditionVariableTimedSleep(&slot->sealed, Min(left, 60000), PG_WAIT_EXTENSION);
		}
		ConditionVariableCancelSleep();
	}
	PG_END_ENSURE_ERROR_CLEANUP(stop_waiting, (Datum) 0);
	stop_waiting(0, (Datum) 0);
	return result;
}

int
paysafe_seal_shared_failures(void)
{
	Slot	   *slot = slot_of_session();

	return slot == NULL ? 0 : slot->failures;
}
