/*-------------------------------------------------------------------------
 *
 * refusal_queue.c
 *	  Refusals in shared memory, on their way to paysafe.refusal_record.
 *
 * The queue has a fixed number of slots, shared by all databases; each database
 * has a list of its own.  What finds no slot is counted: per database, rule,
 * table, actor and SQLSTATE while there are counters, otherwise per database.
 * Counts are written like refusals.  So nothing is lost silently, whatever the
 * flood.
 *
 * Refusals that somebody outside can cause, who has shown no credentials, are
 * queued once; repeats of the same rule, endpoint, actor, SQLSTATE and message (which
 * says where from) are counted, and the count is written when a window is over or no
 * more come.  Windows grow from two seconds to ten minutes while a flood lasts, and of
 * too many messages only the number is kept: so its rows grow with the time that it
 * takes, not with what it sends.
 *
 * When the server ends in order, the postmaster writes what still waits to a file
 * (of which refusal_file.c knows the form), and the next start reads it; what
 * waits for long is written there too.  A crash loses the last moments.
 *
 * What rules that are only observed would have refused stops nobody, so it may come with
 * every request.  Of each rule, table, column and SQLSTATE some in a window are queued, as
 * samples, and the others counted.
 *
 * One lock guards all of it, held for the time it takes to copy an entry.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "evidence/refusal_file.h"
#include "evidence/refusal_queue.h"

#define NDATABASES		64
#define NCOUNTERS		256
#define NORIGINS		128		/* counters of messages from outside */
#define RETRY_AFTER		1000	/* milliseconds, when a writer did not come up or failed */
#define LATE			10		/* seconds after which waiting is reported */
#define KEEP_AFTER		60		/* seconds after which what waits goes to the file */
#define FIRST_WINDOW	2		/* seconds */
#define LAST_WINDOW		600
#define SAMPLES			20		/* of what is observed, in a window */

typedef struct Slot
{
	int			next;			/* of the database's list, or the free list; -1 */
	RefusalEntry entry;
} Slot;

typedef struct DatabaseQueue
{
	Oid			database;		/* or InvalidOid: not used */
	int			head;			/* slots, -1: none */
	int			tail;
	Latch	   *writer;			/* of the process that writes, or NULL */
	TimestampTz asked_at;		/* when a writer was asked for */
	bool		blocked;		/* the last one found the record locked */
	int			failures;		/* in a row */
	RefusalEntry others[ENTRY_NKINDS];	/* what found no counter; count 0: nothing */
} DatabaseQueue;

typedef struct Counter
{
	Oid			database;		/* or InvalidOid: not used */
	uint32		hash;
	TimestampTz since;			/* start of the window; of those from outside */
	int			window;			/* its seconds; 0: counts are written at once */
	bool		any_message;	/* of those that found no counter of their own */
	int			samples;		/* observed: queued in this window */
	RefusalEntry entry;			/* count 0: nothing to write */
} Counter;

typedef struct Queue
{
	LWLock	   *lock;
	Latch	   *launcher;		/* or NULL */
	int			free;			/* first free slot, or -1 */
	uint64		unqueued;		/* of databases that found no place */
	int			saved;			/* slots whose entries are in the file */
	bool		file;			/* it may exist */
	TimestampTz kept_at;		/* when it was written last */
	DatabaseQueue databases[NDATABASES];
	Counter		counters[NCOUNTERS];
	Slot		slots[FLEXIBLE_ARRAY_MEMBER];
} Queue;

static int	queue_size = 4096;	/* setting paysafe.refusal_queue_size */
static Queue *queue = NULL;

/* Queue; the lock is held */

static DatabaseQueue *
find_database(Oid database, bool create)
{
	DatabaseQueue *unused = NULL;

	for (int i = 0; i < NDATABASES; i++)
	{
		if (queue->databases[i].database == database)
			return &queue->databases[i];
		if (unused == NULL && !OidIsValid(queue->databases[i].database))
			unused = &queue->databases[i];
	}
	if (!create || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(*unused));
	unused->database = database;
	unused->head = unused->tail = -1;
	return unused;
}

/*
 * Has the flood ended, and is all of it on record?  Of what is observed each kind has a
 * counter, mostly without a flood: it makes room for others as soon as its window has
 * passed, after which it would begin anew.
 */
static bool
is_over(const Counter *counter, TimestampTz now)
{
	if (counter->entry.count > 0)
		return false;
	if (counter->entry.observed)
		return TimestampDifferenceExceeds(counter->since, now, counter->window * 1000);
	return TimestampDifferenceExceeds(counter->entry.last_at, now, LAST_WINDOW * 1000);
}

static Counter *
find_counter(Oid database, const RefusalEntry *entry, bool create)
{
	uint32		hash = paysafe_refusal_entry_hash(entry);
	Counter    *unused = NULL;

	for (int i = 0; i < NCOUNTERS; i++)
	{
		Counter    *counter = &queue->counters[i];

		if (OidIsValid(counter->database) && create && is_over(counter, entry->at))
			counter->database = InvalidOid;
		if (counter->database == database && counter->hash == hash &&
			paysafe_refusal_entry_is_same(&counter->entry, entry))
			return counter;
		if (unused == NULL && !OidIsValid(counter->database))
			unused = counter;
	}
	if (!create || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(*unused));
	unused->database = database;
	unused->hash = hash;
	unused->since = entry->at;
	unused->window = entry->outside || entry->observed ? FIRST_WINDOW : 0;
	unused->entry = *entry;
	unused->entry.count = 0;
	return unused;
}

/* Is it one more of what is observed, to be counted, or a sample? */
static bool
is_no_sample(DatabaseQueue *db, const RefusalEntry *entry)
{
	Counter    *counter = find_counter(db->database, entry, true);

	if (counter == NULL || entry->count > 1)
		return true;
	if (counter->entry.count == 0)
	{
		/* it is no flood where the last window had room for all */
		if (TimestampDifferenceExceeds(counter->since, entry->at, counter->window * 1000))
		{
			counter->since = entry->at;
			counter->window = FIRST_WINDOW;
			counter->samples = 0;
		}
		counter->entry.last_at = entry->at;
	}
	return counter->samples++ >= SAMPLES;
}

/*
 * The counter of an entry from outside: of its message, or, if there are too many of
 * them, of any.  NULL: there is none, or with create, no room.
 */
static Counter *
find_origin(Oid database, const RefusalEntry *entry, bool create)
{
	Counter    *counter = find_counter(database, entry, false);
	RefusalEntry any;
	int			n = 0;

	if (counter != NULL && !is_over(counter, entry->at))
		return counter;
	for (int i = 0; i < NCOUNTERS; i++)
		n += OidIsValid(queue->counters[i].database) && queue->counters[i].entry.outside &&
			!queue->counters[i].any_message && !is_over(&queue->counters[i], entry->at);
	if (n < NORIGINS)
		return create ? find_counter(database, entry, true) : NULL;
	any = *entry;
	any.message[0] = '\0';
	counter = find_counter(database, &any, create);
	if (counter != NULL)
		counter->any_message = true;
	return counter;
}

static void
count_entry(DatabaseQueue *db, const RefusalEntry *entry)
{
	Counter    *counter = entry->outside ? find_origin(db->database, entry, true) :
		find_counter(db->database, entry, true);
	RefusalEntry *sum = &db->others[entry->kind];
	RefusalEntry others = {
		.kind = entry->kind, .at = entry->at, .last_at = entry->last_at, .count = entry->count, .rule = "(any)",
		.actor = "(any)", .session_user_name = "(any)", .encoding = entry->encoding,
		.outside = entry->outside, .observed = entry->observed
	};

	if (counter != NULL)
	{
		paysafe_refusal_entry_count_in(&counter->entry, entry);
		if (counter->any_message)
			counter->entry.message[0] = '\0';
		return;
	}
	if (entry->kind == ENTRY_REFUSAL)
		strlcpy(others.sqlstate, entry->sqlstate, sizeof(others.sqlstate));
	else
		strlcpy(others.outcome, "(any)", sizeof(others.outcome));
	/* of several kinds it is what counts most: a refusal that nobody could cause from outside */
	others.outside &= sum->count == 0 || sum->outside;
	others.observed &= sum->count == 0 || sum->observed;
	paysafe_refusal_entry_count_in(sum, &others);
	sum->outside = others.outside;
	sum->observed = others.observed;
}

/*
 * Is it one more of a flood from outside, to be counted?  The first one begins a
 * window, if there is a counter to be had.
 */
static bool
is_repeated(DatabaseQueue *db, const RefusalEntry *entry)
{
	Counter    *counter;

	if (entry->observed)
		return is_no_sample(db, entry);
	if (!entry->outside)
		return false;
	counter = find_origin(db->database, entry, false);
	if (counter != NULL && !is_over(counter, entry->at))
		return true;
	return find_origin(db->database, entry, true) == NULL;
}

/* Is the count to be written now? */
static bool
is_due(const Counter *counter, TimestampTz now)
{
	int			quiet = Max(counter->window * 1000 / 8, 1000);

	return counter->entry.count > 0 &&
		(counter->window == 0 ||
		 TimestampDifferenceExceeds(counter->since, now, counter->window * 1000) ||
		 TimestampDifferenceExceeds(counter->entry.last_at, now, quiet));
}

/* How many found no counter. */
static int64
count_others(const DatabaseQueue *db)
{
	int64		count = 0;

	for (int kind = 0; kind < ENTRY_NKINDS; kind++)
		count += db->others[kind].count;
	return count;
}

/* Is there anything to write, now or, with later, ever? */
static bool
is_pending(const DatabaseQueue *db, bool later)
{
	TimestampTz now = GetCurrentTimestamp();

	if (db->head >= 0 || count_others(db) > 0)
		return true;
	for (int i = 0; i < NCOUNTERS; i++)
		if (queue->counters[i].database == db->database &&
			(later ? queue->counters[i].entry.count > 0 : is_due(&queue->counters[i], now)))
			return true;
	return false;
}

static void
take_slot(DatabaseQueue *db, const RefusalEntry *entry)
{
	int			i = queue->free;

	queue->free = queue->slots[i].next;
	queue->slots[i].entry = *entry;
	queue->slots[i].entry.counted = false;
	queue->slots[i].next = -1;
	if (db->head < 0)
		db->head = i;
	else
		queue->slots[db->tail].next = i;
	db->tail = i;
}

bool
paysafe_refusal_queue_ready(void)
{
	return queue != NULL && !RecoveryInProgress();
}

void
paysafe_refusal_queue_add(Oid database, const RefusalEntry *entry)
{
	DatabaseQueue *db;
	Latch	   *wake = NULL;

	if (queue == NULL)
		return;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, true);
	if (db == NULL)
		queue->unqueued++;
	else if (is_repeated(db, entry))
		count_entry(db, entry);
	else
	{
		if (queue->free < 0)
			count_entry(db, entry);
		else
			take_slot(db, entry);
		wake = db->writer != NULL ? db->writer : queue->launcher;
	}
	if (wake != NULL)
		SetLatch(wake);
	LWLockRelease(queue->lock);
}

/* For the writers */

Oid
paysafe_refusal_queue_next(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Oid			result = InvalidOid;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < NDATABASES && !OidIsValid(result); i++)
	{
		DatabaseQueue *db = &queue->databases[i];

		if (OidIsValid(db->database) && db->writer == NULL && is_pending(db, false) &&
			TimestampDifferenceExceeds(db->asked_at, now, RETRY_AFTER))
		{
			db->asked_at = now;
			result = db->database;
		}
	}
	LWLockRelease(queue->lock);
	return result;
}

bool
paysafe_refusal_queue_attach(Oid database)
{
	DatabaseQueue *db;
	bool		result;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, true);
	result = db != NULL && db->writer == NULL;
	if (result)
		db->writer = MyLatch;
	LWLockRelease(queue->lock);
	return result;
}

bool
paysafe_refusal_queue_detach(Oid database, RefusalLeave why)
{
	DatabaseQueue *db;
	bool		result = true;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, false);
	if (db != NULL && db->writer == MyLatch)
	{
		if (why == REFUSAL_IDLE && is_pending(db, false))
			result = false;
		else
		{
			db->writer = NULL;
			db->asked_at = why == REFUSAL_IDLE ? 0 : GetCurrentTimestamp();
			db->blocked = why == REFUSAL_BLOCKED;
			if (why == REFUSAL_FAILED)
				db->failures++;
			if (!is_pending(db, true))
				db->database = InvalidOid;
		}
	}
	LWLockRelease(queue->lock);
	return result;
}

int
paysafe_refusal_queue_peek(Oid database, RefusalEntry *entries, int max)
{
	TimestampTz now = GetCurrentTimestamp();
	DatabaseQueue *db;
	int			n = 0;

	LWLockAcquire(queue->lock, LW_SHARED);
	db = find_database(database, false);
	if (db != NULL)
	{
		for (int i = db->head; i >= 0 && n < max; i = queue->slots[i].next)
			entries[n++] = queue->slots[i].entry;
		for (int i = 0; i < NCOUNTERS && n < max; i++)
			if (queue->counters[i].database == database && is_due(&queue->counters[i], now))
				entries[n++] = queue->counters[i].entry;
		for (int kind = 0; kind < ENTRY_NKINDS && n < max; kind++)
			if (db->others[kind].count > 0)
				entries[n++] = db->others[kind];
	}
	LWLockRelease(queue->lock);
	return n;
}

/* The count has been written: the next window is twice as long. */
static void
count_written(Counter *counter, const RefusalEntry *entry)
{
	counter->entry.count -= entry->count;
	counter->entry.at = entry->last_at;
	if (counter->window == 0 && counter->entry.count == 0)
		counter->database = InvalidOid;
	counter->since = GetCurrentTimestamp();
	counter->window = Min(2 * counter->window, LAST_WINDOW);
	counter->samples = 0;
}

static void
slot_written(DatabaseQueue *db)
{
	int			i = db->head;

	if (queue->slots[i].entry.saved)
		queue->saved--;
	db->head = queue->slots[i].next;
	if (db->head < 0)
		db->tail = -1;
	queue->slots[i].next = queue->free;
	queue->free = i;
}

void
paysafe_refusal_queue_written(Oid database, const RefusalEntry *entries, int n)
{
	DatabaseQueue *db;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, false);
	if (db != NULL)
	{
		db->blocked = false;
		db->failures = 0;
	}
	for (int e = 0; db != NULL && e < n; e++)
	{
		Counter    *counter;

		/* those of slots come from the list's head */
		if (!entries[e].counted)
			slot_written(db);
		else if ((counter = find_counter(database, &entries[e], false)) != NULL)
			count_written(counter, &entries[e]);
		else
			db->others[entries[e].kind].count -= entries[e].count;
	}
	LWLockRelease(queue->lock);
}

static void
launcher_gone(int code, Datum arg)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->launcher = NULL;
	LWLockRelease(queue->lock);
}

void
paysafe_refusal_queue_announce_launcher(void)
{
	before_shmem_exit(launcher_gone, (Datum) 0);
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->launcher = MyLatch;
	LWLockRelease(queue->lock);
}

/* What waits of the databases, the oldest first of all. */
typedef struct Waiting
{
	int64		count;
	TimestampTz oldest;
	bool		blocked;
	bool		failing;
} Waiting;

static void
look_at_database(const DatabaseQueue *db, Waiting *waiting)
{
	waiting->blocked |= db->blocked;
	waiting->failing |= db->failures > 1;
	for (int i = db->head; i >= 0; i = queue->slots[i].next)
	{
		waiting->count += queue->slots[i].entry.count;
		waiting->oldest = Min(waiting->oldest, queue->slots[i].entry.at);
	}
	for (int i = 0; i < NCOUNTERS; i++)
		/* those that are not due wait by intent */
		if (queue->counters[i].database == db->database && queue->counters[i].window == 0)
			waiting->count += queue->counters[i].entry.count;
	waiting->count += count_others(db);
}

int64
paysafe_refusal_queue_waiting(int64 *seconds)
{
	Waiting		waiting = {.oldest = PG_INT64_MAX};
	TimestampTz now = GetCurrentTimestamp();

	*seconds = 0;
	if (queue == NULL)
		return 0;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < NDATABASES; i++)
		if (OidIsValid(queue->databases[i].database))
			look_at_database(&queue->databases[i], &waiting);
	LWLockRelease(queue->lock);
	if (waiting.oldest < now)
		*seconds = (now - waiting.oldest) / USECS_PER_SEC;
	return waiting.count;
}

char *
paysafe_refusal_queue_trouble(void)
{
	Waiting		waiting = {.oldest = PG_INT64_MAX};
	TimestampTz now = GetCurrentTimestamp();
	bool		launcher;
	bool		full;
	bool		unqueued;

	if (queue == NULL)
		return pstrdup("paysafe is not in shared_preload_libraries: refusals are only in the server's log");
	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < NDATABASES; i++)
		if (OidIsValid(queue->databases[i].database))
			look_at_database(&queue->databases[i], &waiting);
	launcher = queue->launcher != NULL;
	full = queue->free < 0;
	unqueued = queue->unqueued > 0;
	LWLockRelease(queue->lock);
	if (waiting.count > 0 && waiting.oldest == PG_INT64_MAX)
		waiting.oldest = now;
	if (waiting.count > 0 &&
		TimestampDifferenceExceeds(waiting.oldest, now,
								   waiting.blocked || waiting.failing || !launcher ? 1000 : LATE * 1000))
		return psprintf(INT64_FORMAT " refusals wait for the record, the oldest for " INT64_FORMAT " s: %s",
						waiting.count, (int64) Max(now - waiting.oldest, 0) / USECS_PER_SEC,
						waiting.blocked ? "paysafe.refusal_record is locked, see pg_locks and pg_prepared_xacts" :
						!launcher ? "the background worker \"paysafe refusal launcher\" is not running" :
						"what keeps the background worker \"paysafe refusal writer\" is in the server's log");
	/* ended by somebody, it is back within a second */
	if (!launcher)
		return pstrdup("the background worker \"paysafe refusal launcher\" is not running");
	if (full)
		return pstrdup("the queue is full: refusals are only counted; paysafe.refusal_queue_size is its size");
	if (unqueued)
		return pstrdup("refusals of some database found no place in the queue: see the server's log");
	return NULL;
}

/* The file */

/* Is there something in the queue that waits for long, and not in the file lately? */
static bool
is_to_be_kept(TimestampTz now)
{
	bool		result = false;

	LWLockAcquire(queue->lock, LW_SHARED);
	for (int d = 0; d < NDATABASES; d++)
	{
		DatabaseQueue *db = &queue->databases[d];

		result |= OidIsValid(db->database) && db->head >= 0 &&
			TimestampDifferenceExceeds(queue->slots[db->head].entry.at, now, KEEP_AFTER * 1000);
	}
	result &= TimestampDifferenceExceeds(queue->kept_at, now, KEEP_AFTER * 1000);
	LWLockRelease(queue->lock);
	return result;
}

void
paysafe_refusal_queue_keep(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Oid		   *databases;
	RefusalEntry *entries;
	int			n = 0;

	if (!is_to_be_kept(now))
	{
		if (queue->file && queue->saved == 0 && paysafe_refusal_file_remove())
			queue->file = false;
		return;
	}
	databases = palloc(sizeof(Oid) * queue_size);
	entries = palloc_extended(sizeof(RefusalEntry) * queue_size, MCXT_ALLOC_HUGE);
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->saved = 0;
	for (int d = 0; d < NDATABASES; d++)
		for (int i = OidIsValid(queue->databases[d].database) ? queue->databases[d].head : -1;
			 i >= 0; i = queue->slots[i].next)
		{
			/* also if the file cannot be written: then the record is looked at once more */
			queue->slots[i].entry.saved = true;
			queue->saved++;
			databases[n] = queue->databases[d].database;
			entries[n++] = queue->slots[i].entry;
		}
	queue->file = true;
	queue->kept_at = now;
	LWLockRelease(queue->lock);
	(void) paysafe_refusal_file_write(databases, entries, n, LOG);
	pfree(databases);
	pfree(entries);
}

/* What is written to the file at the end. */
typedef struct Saving
{
	int			n;
	Oid		   *databases;
	RefusalEntry *entries;
} Saving;

static void
save_entry(Saving *saving, Oid database, const RefusalEntry *entry)
{
	if (entry->count == 0)
		return;
	saving->databases[saving->n] = database;
	saving->entries[saving->n++] = *entry;
}

static void
save_database(Saving *saving, const DatabaseQueue *db)
{
	for (int i = db->head; i >= 0; i = queue->slots[i].next)
		save_entry(saving, db->database, &queue->slots[i].entry);
	for (int i = 0; i < NCOUNTERS; i++)
		if (queue->counters[i].database == db->database)
			save_entry(saving, db->database, &queue->counters[i].entry);
	for (int kind = 0; kind < ENTRY_NKINDS; kind++)
		save_entry(saving, db->database, &db->others[kind]);
}

/* By the postmaster, when all other processes have ended: nobody else looks. */
static void
save_at_shutdown(int code, Datum arg)
{
	Size		most = queue_size + NCOUNTERS + NDATABASES * ENTRY_NKINDS;
	Saving		saving = {0};

	/* not after a crash: then memory is not to be trusted */
	if (code != 0 || queue == NULL)
		return;
	saving.databases = malloc(sizeof(Oid) * most);
	saving.entries = malloc(sizeof(RefusalEntry) * most);
	if (saving.databases == NULL || saving.entries == NULL)
	{
		elog(LOG, "out of memory: paysafe's refusals that wait are lost");
		return;
	}
	for (int d = 0; d < NDATABASES; d++)
		if (OidIsValid(queue->databases[d].database))
			save_database(&saving, &queue->databases[d]);
	if (saving.n > 0)
		(void) paysafe_refusal_file_write(saving.databases, saving.entries, saving.n, LOG);
	else if (queue->file)
		(void) paysafe_refusal_file_remove();
	free(saving.databases);
	free(saving.entries);
}

static void
restore_entry(Oid database, const RefusalEntry *entry)
{
	DatabaseQueue *db = find_database(database, true);

	queue->file = true;
	if (db == NULL)
		queue->unqueued++;
	else if (queue->free < 0)
		count_entry(db, entry);
	else
	{
		take_slot(db, entry);
		queue->slots[db->tail].entry.saved = true;
		queue->saved++;
	}
}

static Size
queue_bytes(void)
{
	return add_size(offsetof(Queue, slots), mul_size(queue_size, sizeof(Slot)));
}

void
paysafe_refusal_queue_preload(void)
{
	DefineCustomIntVariable("paysafe.refusal_queue_size",
							"Refusals that can wait for the background worker; more are only counted.",
							NULL, &queue_size, 4096, 64, 1000000, PGC_POSTMASTER, 0,
							NULL, NULL, NULL);
}

void
paysafe_refusal_queue_request(void)
{
	RequestAddinShmemSpace(queue_bytes());
	RequestNamedLWLockTranche("paysafe", 1);
}

void
paysafe_refusal_queue_startup(void)
{
	bool		found;

	queue = ShmemInitStruct("paysafe refusals", queue_bytes(), &found);
	if (found)
		return;
	memset(queue, 0, queue_bytes());
	queue->lock = &GetNamedLWLockTranche("paysafe")->lock;
	for (int i = 0; i < queue_size; i++)
		queue->slots[i].next = i + 1 < queue_size ? i + 1 : -1;
	queue->free = 0;
	paysafe_refusal_file_read(restore_entry);
	if (!IsUnderPostmaster)
		on_shmem_exit(save_at_shutdown, (Datum) 0);
}
