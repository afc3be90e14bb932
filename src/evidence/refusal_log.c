/*-------------------------------------------------------------------------
 *
 * refusal_log.c
 *	  Refusals on record although their transaction rolls back.
 *
 * A refusal becomes one line of JSON in the server's log and, when the library
 * is preloaded, an entry of a queue in shared memory, from which a background
 * worker (refusal_writer.c) writes it to paysafe.refusal_record in a transaction
 * of its own.
 *
 * The queue has a fixed number of slots, shared by all databases; each database
 * has a list of its own.  What finds no slot is counted: per database, rule,
 * table, actor and SQLSTATE while there are counters, otherwise per database.
 * Counts are written like refusals.  So nothing is lost silently, whatever the
 * flood; what is pending when the server crashes is: at most about a second's.
 *
 * One lock guards all of it, held for the time it takes to copy an entry.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "commands/dbcommands.h"
#include "base/refusal.h"
#include "engine/rule.h"
#include "evidence/audit_shape.h"
#include "evidence/refusal_log.h"
#include "evidence/refusal_writer.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

#define NDATABASES		64
#define NCOUNTERS		256
#define RETRY_AFTER		1000	/* milliseconds, when a writer did not come up or failed */

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
	RefusalEntry others;		/* what found no counter; count 0: nothing */
} DatabaseQueue;

typedef struct Counter
{
	Oid			database;		/* or InvalidOid: not used */
	uint32		hash;
	RefusalEntry entry;
} Counter;

typedef struct Queue
{
	LWLock	   *lock;
	Latch	   *launcher;		/* or NULL */
	int			free;			/* first free slot, or -1 */
	uint64		unqueued;		/* of databases that found no place */
	DatabaseQueue databases[NDATABASES];
	Counter		counters[NCOUNTERS];
	Slot		slots[FLEXIBLE_ARRAY_MEMBER];
} Queue;

static int	queue_size = 4096;	/* setting paysafe.refusal_queue_size */
static Queue *queue = NULL;
static RefusalWitnesses witnesses = NULL;

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

static uint32
counter_hash(const RefusalEntry *entry)
{
	uint32		hash = hash_bytes((const unsigned char *) entry->rule, strlen(entry->rule));

	hash = hash_combine(hash, hash_bytes((const unsigned char *) entry->table_name, strlen(entry->table_name)));
	hash = hash_combine(hash, hash_bytes((const unsigned char *) entry->actor, strlen(entry->actor)));
	return hash_combine(hash, hash_bytes((const unsigned char *) entry->sqlstate, 5));
}

static Counter *
find_counter(Oid database, const RefusalEntry *entry, bool create)
{
	uint32		hash = counter_hash(entry);
	Counter    *unused = NULL;

	for (int i = 0; i < NCOUNTERS; i++)
	{
		Counter    *counter = &queue->counters[i];

		if (counter->database == database && counter->hash == hash &&
			strcmp(counter->entry.rule, entry->rule) == 0 &&
			strcmp(counter->entry.table_name, entry->table_name) == 0 &&
			strcmp(counter->entry.actor, entry->actor) == 0 &&
			strcmp(counter->entry.sqlstate, entry->sqlstate) == 0)
			return counter;
		if (unused == NULL && !OidIsValid(counter->database))
			unused = counter;
	}
	if (!create || unused == NULL)
		return NULL;
	unused->database = database;
	unused->hash = hash;
	unused->entry = *entry;
	unused->entry.count = 0;
	/* it stands for many: what is different in each is left out */
	unused->entry.key[0] = unused->entry.request_id[0] = unused->entry.message[0] = '\0';
	unused->entry.has_row_hash = false;
	unused->entry.pid = 0;
	return unused;
}

static void
count_entry(DatabaseQueue *db, const RefusalEntry *entry)
{
	Counter    *counter = find_counter(db->database, entry, true);

	if (counter != NULL)
		counter->entry.count++;
	else if (db->others.count++ == 0)
	{
		RefusalEntry others = {.at = entry->at, .count = 1};

		strlcpy(others.rule, "(any)", sizeof(others.rule));
		strlcpy(others.sqlstate, entry->sqlstate, sizeof(others.sqlstate));
		strlcpy(others.actor, "(any)", sizeof(others.actor));
		strlcpy(others.session_user_name, "(any)", sizeof(others.session_user_name));
		db->others = others;
	}
}

static bool
is_pending(const DatabaseQueue *db)
{
	if (db->head >= 0 || db->others.count > 0)
		return true;
	for (int i = 0; i < NCOUNTERS; i++)
		if (queue->counters[i].database == db->database)
			return true;
	return false;
}

static void
enqueue(Oid database, const RefusalEntry *entry)
{
	DatabaseQueue *db;
	Latch	   *wake;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, true);
	if (db == NULL)
		queue->unqueued++;
	else if (queue->free < 0)
		count_entry(db, entry);
	else
	{
		int			i = queue->free;

		queue->free = queue->slots[i].next;
		queue->slots[i].entry = *entry;
		queue->slots[i].next = -1;
		if (db->head < 0)
			db->head = i;
		else
			queue->slots[db->tail].next = i;
		db->tail = i;
	}
	wake = db != NULL && db->writer != NULL ? db->writer : queue->launcher;
	if (wake != NULL)
		SetLatch(wake);
	LWLockRelease(queue->lock);
}

Oid
paysafe_refusal_next_database(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Oid			result = InvalidOid;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < NDATABASES && !OidIsValid(result); i++)
	{
		DatabaseQueue *db = &queue->databases[i];

		if (OidIsValid(db->database) && db->writer == NULL && is_pending(db) &&
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
paysafe_refusal_attach(Oid database)
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
paysafe_refusal_detach(Oid database, bool if_idle)
{
	DatabaseQueue *db;
	bool		result = true;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, false);
	if (db != NULL && db->writer == MyLatch)
	{
		bool		pending = is_pending(db);

		if (if_idle && pending)
			result = false;
		else
		{
			db->writer = NULL;
			db->asked_at = if_idle ? 0 : GetCurrentTimestamp();
			if (!pending)
				db->database = InvalidOid;
		}
	}
	LWLockRelease(queue->lock);
	return result;
}

int
paysafe_refusal_peek(Oid database, RefusalEntry *entries, int max)
{
	DatabaseQueue *db;
	int			n = 0;

	LWLockAcquire(queue->lock, LW_SHARED);
	db = find_database(database, false);
	if (db != NULL)
	{
		for (int i = db->head; i >= 0 && n < max; i = queue->slots[i].next)
			entries[n++] = queue->slots[i].entry;
		for (int i = 0; i < NCOUNTERS && n < max; i++)
			if (queue->counters[i].database == database)
				entries[n++] = queue->counters[i].entry;
		if (db->others.count > 0 && n < max)
			entries[n++] = db->others;
	}
	LWLockRelease(queue->lock);
	return n;
}

void
paysafe_refusal_written(Oid database, const RefusalEntry *entries, int n)
{
	DatabaseQueue *db;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	db = find_database(database, false);
	for (int e = 0; db != NULL && e < n; e++)
	{
		/* those with a process come from slots, and from the list's head */
		if (entries[e].pid != 0)
		{
			int			i = db->head;

			db->head = queue->slots[i].next;
			if (db->head < 0)
				db->tail = -1;
			queue->slots[i].next = queue->free;
			queue->free = i;
		}
		else
		{
			Counter    *counter = find_counter(database, &entries[e], false);

			if (counter == NULL)
				db->others.count -= entries[e].count;
			else if ((counter->entry.count -= entries[e].count) == 0)
				counter->database = InvalidOid;
		}
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
paysafe_refusal_announce_launcher(void)
{
	before_shmem_exit(launcher_gone, (Datum) 0);
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->launcher = MyLatch;
	LWLockRelease(queue->lock);
}

const char *
paysafe_refusal_log_trouble(void)
{
	const char *result = NULL;

	if (queue == NULL)
		return "paysafe is not in shared_preload_libraries: refusals are only in the server's log";
	LWLockAcquire(queue->lock, LW_SHARED);
	if (queue->launcher == NULL)
		result = "the background worker \"paysafe refusal launcher\" is not running";
	else if (queue->free < 0)
		result = "the queue is full: refusals are only counted";
	else if (queue->unqueued > 0)
		result = "refusals of some database found no place in the queue: see the server's log";
	LWLockRelease(queue->lock);
	return result;
}

/* Recording */

/*
 * Copy a string, redacted, and cut at a whole character.  What a cut leaves of a
 * longer number could be a card's: then it is redacted once more.
 */
static void
set_string(char *to, size_t size, const char *from)
{
	const char *clean = from ? paysafe_redact_string(from) : "";

	for (int cuts = 0; cuts < 3; cuts++)
	{
		size_t		len = strlen(clean);
		bool		cut = len >= size;

		if (cut)
			len = pg_mbcliplen(clean, len, size - 1);
		memcpy(to, clean, len);
		to[len] = '\0';
		if (!cut || !paysafe_redact_string_has_card(to))
			return;
		clean = paysafe_redact_string(to);
	}
	to[0] = '\0';
}

#define SET(field, value) set_string(entry->field, sizeof(entry->field), value)

/* SHA-256 of the row's canonical bytes, redacted columns hashed by key. */
static void
hash_row(const RowChange *change, RefusalEntry *entry)
{
	TupleTableSlot *row = change->after ? change->after : change->before;
	List	   *redacted = NIL;
	char	   *subject = "";
	AuditShape *shape;
	StringInfoData bytes;
	ListCell   *lc;

	foreach(lc, change->rules->sources)
	{
		RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "audit") == 0)
		{
			subject = paysafe_spec_text(source->spec, "subject");
			redacted = paysafe_spec_set(source->spec, "redact");
		}
	}
	shape = paysafe_audit_shape(change->rel, RelationGetRelid(change->rel), subject,
								redacted, change->rules->key.attnums, change->rules->key.n);
	initStringInfo(&bytes);
	paysafe_canon_row(&shape->shape, row, &bytes);
	paysafe_crypto_sha256(bytes.data, bytes.len, entry->row_hash);
	entry->has_row_hash = true;
}

static void
describe(const Refusal *refusal, const RefusalScope *scope, RefusalEntry *entry)
{
	const ActorClaim *actor = paysafe_actor_current();
	const RowChange *change = scope ? scope->change : NULL;

	entry->at = GetCurrentTimestamp();
	entry->pid = MyProcPid;
	entry->count = 1;
	strlcpy(entry->sqlstate, unpack_sql_state(refusal->sqlstate), sizeof(entry->sqlstate));
	SET(statement, refusal->statement ? refusal->statement : scope ? scope->statement : NULL);
	SET(rule, refusal->rule);
	SET(schema_name, refusal->schema_name);
	SET(table_name, refusal->table_name);
	SET(column_name, refusal->column);
	SET(message, refusal->message);
	SET(actor, paysafe_actor_name());
	SET(session_user_name, paysafe_actor_session_user());
	SET(login, paysafe_actor_login());
	SET(client_addr, paysafe_actor_client());
	SET(request_id, actor ? actor->request_id : NULL);
	SET(key, refusal->key);
	if (change != NULL)
	{
		if (refusal->key == NULL)
			SET(key, paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
									  change->after ? change->after : change->before));
		hash_row(change, entry);
	}
}

static void
json_field(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, ",\"%s\":", name);
	if (value == NULL || value[0] == '\0')
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

/* One line in the server's log; doc/reference.md names the fields. */
static void
log_entry(const RefusalEntry *entry)
{
	StringInfoData json;
	char		hash[2 * PAYSAFE_SHA256_LEN + 1];

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"v\":1,\"event\":\"refusal\"");
	json_field(&json, "at", timestamptz_to_str(entry->at));
	json_field(&json, "database", get_database_name(MyDatabaseId));
	json_field(&json, "actor", entry->actor);
	json_field(&json, "session_user", entry->session_user_name);
	json_field(&json, "login", entry->login);
	json_field(&json, "client", entry->client_addr);
	appendStringInfo(&json, ",\"pid\":%d", entry->pid);
	json_field(&json, "statement", entry->statement);
	json_field(&json, "rule", entry->rule);
	json_field(&json, "sqlstate", entry->sqlstate);
	json_field(&json, "schema", entry->schema_name);
	json_field(&json, "table", entry->table_name);
	json_field(&json, "column", entry->column_name);
	json_field(&json, "key", entry->key);
	hash[hex_encode((const char *) entry->row_hash, PAYSAFE_SHA256_LEN, hash)] = '\0';
	json_field(&json, "row_sha256", entry->has_row_hash ? hash : NULL);
	json_field(&json, "request_id", entry->request_id);
	json_field(&json, "message", entry->message);
	appendStringInfoChar(&json, '}');
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("paysafe refusal %s", json.data),
			 errhidestmt(true), errhidecontext(true)));
}

/*
 * The refusal stands whatever happens here: an error on the way to the record
 * leaves out what it could not find out, and the transaction ends anyway.
 */
static void
record_refusal(const Refusal *refusal, const RefusalScope *scope)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "paysafe refusal", ALLOCSET_SMALL_SIZES);
	RefusalEntry *entry;
	List	   *volatile databases = NIL;
	ListCell   *lc;

	MemoryContextSwitchTo(context);
	entry = palloc0(sizeof(RefusalEntry));
	PG_TRY();
	{
		describe(refusal, scope, entry);
		if (paysafe_catalog_present())
			databases = list_make1_oid(MyDatabaseId);
		else if (witnesses != NULL)
		{
			databases = witnesses();
			SET(database_name, get_database_name(MyDatabaseId));
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	log_entry(entry);
	foreach(lc, databases)
		if (queue != NULL)
			enqueue(lfirst_oid(lc), entry);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
paysafe_refusal_log_set_witnesses(RefusalWitnesses new_witnesses)
{
	witnesses = new_witnesses;
}

void
paysafe_refusal_log_init(void)
{
	paysafe_refusal_set_recorder(record_refusal);
}

static Size
queue_bytes(void)
{
	return add_size(offsetof(Queue, slots), mul_size(queue_size, sizeof(Slot)));
}

void
paysafe_refusal_log_preload(void)
{
	DefineCustomIntVariable("paysafe.refusal_queue_size",
							"Refusals that can wait for the background worker; more are only counted.",
							NULL, &queue_size, 4096, 64, 1000000, PGC_POSTMASTER, 0,
							NULL, NULL, NULL);
	if (!IsBinaryUpgrade)
		paysafe_refusal_launcher_register();
}

void
paysafe_refusal_log_request(void)
{
	RequestAddinShmemSpace(queue_bytes());
	RequestNamedLWLockTranche("paysafe", 1);
}

void
paysafe_refusal_log_startup(void)
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
}
