/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  Events that wait for somebody to work on them: the inbox and the outbox.
 *
 * An event is one row that says how far work on it has got; its headers and body
 * lie apart, in partitions by the time at which it came, because the row changes
 * three times and they do not, and because they can be dropped when it is done.
 *
 * Whoever claims an event gets a lease and the number of the attempt.  When the
 * lease is over, the next one may claim it; the number is then another one, and
 * who was taken over can neither finish the event nor commit what was done in the
 * same transaction (40001).  Nothing has to notice that a worker has died.
 *
 * A claim looks for the first rows in an index by state, source and time, and
 * takes those whose row nobody else has locked or changed; finished events lie in
 * another part of the index, so their number does not matter.
 *
 * What is there is what is committed, at every isolation level: rows are read
 * with the newest snapshot and changed under their lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "errors.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "services/queue/queue.h"
#include "services/queue/queue_payload.h"
#include "services/queue/queue_setting.h"
#include "store/own_table.h"
#include "store/partition.h"
#include "values/machine.h"
#include "vault/keyring.h"

#define REASON_MAX		200		/* bytes */
#define PAYLOAD_DAYS	7		/* length of a partition */
#define PERIODS_AHEAD	26

static const char STATE_READY[] = "ready";
static const char STATE_LEASED[] = "leased";
static const char STATE_DONE[] = "done";
static const char STATE_DEAD[] = "dead";
static const char STATE_DISMISSED[] = "dismissed";

/* The life of an event; doc/queues.md shows it. */
static const char life[] =
"stateDiagram-v2\n"
"    [*] --> ready\n"
"    [*] --> dead : refused\n"
"    ready --> leased : claim\n"
"    leased --> leased : claim, the lease being over\n"
"    leased --> done\n"
"    leased --> ready : retry\n"
"    leased --> dead : the last attempt\n"
"    dead --> ready : revive\n"
"    dead --> dismissed : dismiss\n"
"    done --> [*]\n"
"    dismissed --> [*]\n";

/* Columns of paysafe.inbox_event and paysafe.outbox_event. */
enum
{
	EVENT_ID, EVENT_SOURCE, EVENT_EVENT_ID, EVENT_TYPE, EVENT_STATE, EVENT_ATTEMPT,
	EVENT_OLD_ATTEMPTS, EVENT_NEXT, EVENT_CREATED, EVENT_ENDED, EVENT_ERROR,
	EVENT_BUSINESS_ID,
	EVENT_NCOLUMNS
};

/* Columns of paysafe.queue_note. */
enum
{
	NOTE_ID, NOTE_QUEUE, NOTE_EVENT, NOTE_AT, NOTE_WHAT, NOTE_ATTEMPT, NOTE_REASON,
	NOTE_ACTOR, NOTE_SESSION_USER,
	NOTE_NCOLUMNS
};

static const char *const payload_statements[] = {
	"CREATE INDEX %s_event ON paysafe.%s (event)",
	NULL
};

/* What the inbox and the outbox differ in. */
typedef struct Queue
{
	PaysafeTable table;
	const char *name;
	const char *sequence;
	const char *pkey;			/* indexes: by id; */
	const char *due;			/* by state, source and time; */
	const char *next;			/* by state and time, or NULL; */
	const char *unique;			/* by source and event_id, or NULL */
	const char *fenced;			/* rule of the refusal */
	OwnPartitions payloads;
} Queue;

static const Queue queues[] = {
	{
		.table = PAYSAFE_INBOX_EVENT,
		.name = "inbox",
		.sequence = "inbox_event_id_seq",
		.pkey = "inbox_event_pkey",
		.due = "inbox_event_due",
		.fenced = "inbox_fenced",
		.payloads = {.parent = PAYSAFE_INBOX_PAYLOAD, .prefix = "inbox_payload", .days = PAYLOAD_DAYS, .statements = payload_statements}
	},
	{
		.table = PAYSAFE_OUTBOX_EVENT,
		.name = "outbox",
		.sequence = "outbox_event_id_seq",
		.pkey = "outbox_event_pkey",
		.due = "outbox_event_due",
		.next = "outbox_event_next",
		.unique = "outbox_event_webhook",
		.fenced = "outbox_fenced",
		.payloads = {.parent = PAYSAFE_OUTBOX_PAYLOAD, .prefix = "outbox_payload", .days = PAYLOAD_DAYS, .statements = payload_statements}
	}
};

static const Queue *
queue_of(PaysafeTable table)
{
	for (int i = 0; i < lengthof(queues); i++)
		if (queues[i].table == table)
			return &queues[i];
	elog(ERROR, "table %d is no queue", table);
	return NULL;
}

static int64
next_number(const char *sequence)
{
	return nextval_internal(get_relname_relid(sequence, paysafe_catalog_schema()), false);
}

/* Payloads */

void
paysafe_queue_prepare(PaysafeTable table)
{
	/* what becomes of events is on record in the audit log */
	paysafe_store_complete();
	paysafe_keyring_prepare();
	(void) paysafe_partition_extend(&queue_of(table)->payloads, PERIODS_AHEAD);
}

static bool
find_payload(const Queue *queue, const Datum *event, QueuePayload *payload)
{
	return paysafe_queue_payload_find(&queue->payloads, queue->name, DatumGetInt64(event[EVENT_ID]),
									  DatumGetTimestampTz(event[EVENT_CREATED]), payload);
}

/* States */

const char *
paysafe_queue_state(int i)
{
	static const char *const states[QUEUE_NSTATES] = {
		STATE_READY, STATE_LEASED, STATE_DONE, STATE_DEAD, STATE_DISMISSED
	};

	return states[i];
}

static const Machine *
machine(void)
{
	static Machine *compiled = NULL;

	if (compiled == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		MachineError error;

		compiled = paysafe_machine_parse(life, &error);
		MemoryContextSwitchTo(old);
		if (compiled == NULL)
			elog(ERROR, "life of events: %s", error.message);
	}
	return compiled;
}

static PAYSAFE_NORETURN void
refuse(const Queue *queue, int sqlstate, const char *rule, int64 id,
	   const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = sqlstate,
					   .rule = rule,
					   .key = psprintf("%s " INT64_FORMAT, queue->name, id),
					   .statement = "CALL",
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}

/* Write a locked event in its new state, if the machine lets it go there. */
static void
change_state(const Queue *queue, HeapTuple locked, Datum *values, bool *nulls, const char *state)
{
	const Machine *m = machine();
	char	   *old = TextDatumGetCString(values[EVENT_STATE]);
	int			from = paysafe_machine_find(m, old);

	if (from < 0 || !paysafe_machine_allows(m, from, paysafe_machine_find(m, state)))
		refuse(queue, ERRCODE_23T01_TRANSITION, psprintf("%s_state", queue->name),
			   DatumGetInt64(values[EVENT_ID]),
			   psprintf("%s event " INT64_FORMAT " cannot change from \"%s\" to \"%s\"",
						queue->name, DatumGetInt64(values[EVENT_ID]), old, state),
			   NULL, NULL);
	values[EVENT_STATE] = CStringGetTextDatum(state);
	paysafe_store_update(queue->table, locked, values, nulls);
}

static void
read_event(const Queue *queue, HeapTuple tuple, Datum *values, bool *nulls)
{
	Relation	rel = paysafe_store_open(queue->table);

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	paysafe_store_close(rel);
}

static bool
visit_id(Relation rel, HeapTuple tuple, void *arg)
{
	*(ItemPointerData *) arg = tuple->t_self;
	return false;
}

/* The newest version of the event, locked; waits for whoever is changing it. */
static HeapTuple
lock_event(const Queue *queue, int64 id, Datum *values, bool *nulls)
{
	Datum		key = Int64GetDatum(id);
	ItemPointerData tid;
	HeapTuple	tuple = NULL;

	ItemPointerSetInvalid(&tid);
	paysafe_store_scan(queue->table, queue->pkey, 1, &key, visit_id, &tid);
	if (ItemPointerIsValid(&tid))
		tuple = paysafe_store_lock(queue->table, &tid, LockWaitBlock);
	if (tuple == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s event " INT64_FORMAT " does not exist", queue->name, id)));
	read_event(queue, tuple, values, nulls);
	return tuple;
}

static bool
is_state(const Datum *values, const char *state)
{
	text	   *value = DatumGetTextPP(values[EVENT_STATE]);

	return VARSIZE_ANY_EXHDR(value) == strlen(state) &&
		memcmp(VARDATA_ANY(value), state, strlen(state)) == 0;
}

/* The event, locked, if this attempt still has it. */
static HeapTuple
lock_attempt(const Queue *queue, int64 id, int attempt, Datum *values, bool *nulls)
{
	HeapTuple	tuple = lock_event(queue, id, values, nulls);

	if (!is_state(values, STATE_LEASED) || DatumGetInt32(values[EVENT_ATTEMPT]) != attempt)
		refuse(queue, ERRCODE_T_R_SERIALIZATION_FAILURE, queue->fenced, id,
			   psprintf("attempt %d does not have the %s event any more", attempt, queue->name),
			   is_state(values, STATE_LEASED) ?
			   psprintf("Attempt %d has event " INT64_FORMAT ".",
						DatumGetInt32(values[EVENT_ATTEMPT]), id) :
			   psprintf("Event " INT64_FORMAT " is %s.",
						id, TextDatumGetCString(values[EVENT_STATE])),
			   "Roll back what was done for it and claim the next one.");
	return tuple;
}

/* For the record: given up, or revived. */
static void
note(const Queue *queue, const Datum *event, const char *what, const char *reason)
{
	Datum		values[NOTE_NCOLUMNS];
	bool		nulls[NOTE_NCOLUMNS] = {0};

	values[NOTE_ID] = Int64GetDatum(next_number("queue_note_id_seq"));
	values[NOTE_QUEUE] = CStringGetTextDatum(queue->name);
	values[NOTE_EVENT] = event[EVENT_ID];
	values[NOTE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[NOTE_WHAT] = CStringGetTextDatum(what);
	values[NOTE_ATTEMPT] = event[EVENT_ATTEMPT];
	values[NOTE_REASON] = CStringGetTextDatum(reason);
	values[NOTE_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[NOTE_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	paysafe_store_insert(PAYSAFE_QUEUE_NOTE, values, nulls);
}

char *
paysafe_queue_cut_reason(const char *reason)
{
	char	   *whole = paysafe_redact_string(reason);

	/* of a longer number a cut could make a card's */
	return paysafe_redact_string(pnstrdup(whole, pg_mbcliplen(whole, (int) strlen(whole), REASON_MAX)));
}

static void
bury(const Queue *queue, HeapTuple locked, Datum *values, bool *nulls, const char *reason)
{
	values[EVENT_ENDED] = values[EVENT_NEXT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[EVENT_ERROR] = CStringGetTextDatum(reason);
	nulls[EVENT_ENDED] = nulls[EVENT_ERROR] = false;
	change_state(queue, locked, values, nulls, STATE_DEAD);
	note(queue, values, STATE_DEAD, reason);
}

/* The attempt under way is the last one that the settings allow. */
static bool
is_last(const Queue *queue, const Datum *values, QueueSetting *setting)
{
	paysafe_queue_setting_read(queue->name, TextDatumGetCString(values[EVENT_SOURCE]), setting);
	return DatumGetInt32(values[EVENT_ATTEMPT]) - DatumGetInt32(values[EVENT_OLD_ATTEMPTS]) >=
		setting->max_attempts;
}

/* Whose business it is: of whoever adds it, or works on it first, under a business id. */
static void
set_business_id(Datum *values, bool *nulls)
{
	const ActorClaim *actor = paysafe_actor_current();

	if (!nulls[EVENT_BUSINESS_ID] || actor == NULL || actor->business_id == NULL)
		return;
	nulls[EVENT_BUSINESS_ID] = false;
	values[EVENT_BUSINESS_ID] = CStringGetTextDatum(pnstrdup(actor->business_id,
															 pg_mbcliplen(actor->business_id, strlen(actor->business_id),
																		  PAYSAFE_ACTOR_MAX)));
}

/* Adding */

int64
paysafe_queue_add(PaysafeTable table, const QueueItem *item)
{
	const Queue *queue = queue_of(table);
	TimestampTz now = GetCurrentTimestamp();
	int64		id;
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS] = {0};

	PreventCommandIfReadOnly("adding an event");
	id = next_number(queue->sequence);
	if (paysafe_partition_all(&queue->payloads) == NIL)
		paysafe_queue_prepare(table);
	paysafe_queue_payload_store(&queue->payloads, queue->name, id, now, item);
	values[EVENT_ID] = Int64GetDatum(id);
	values[EVENT_SOURCE] = CStringGetTextDatum(item->source);
	values[EVENT_EVENT_ID] = CStringGetTextDatum(item->event_id);
	nulls[EVENT_TYPE] = item->event_type == NULL;
	values[EVENT_TYPE] = item->event_type ? CStringGetTextDatum(item->event_type) : (Datum) 0;
	values[EVENT_STATE] = CStringGetTextDatum(item->dead ? STATE_DEAD : STATE_READY);
	values[EVENT_ATTEMPT] = Int32GetDatum(0);
	values[EVENT_OLD_ATTEMPTS] = Int32GetDatum(0);
	values[EVENT_NEXT] = TimestampTzGetDatum(now);
	values[EVENT_CREATED] = TimestampTzGetDatum(now);
	nulls[EVENT_ENDED] = nulls[EVENT_ERROR] = item->dead == NULL;
	values[EVENT_ENDED] = TimestampTzGetDatum(now);
	values[EVENT_ERROR] = item->dead ? CStringGetTextDatum(item->dead) : (Datum) 0;
	nulls[EVENT_BUSINESS_ID] = true;
	set_business_id(values, nulls);
	paysafe_store_append(table, values, nulls);
	if (item->dead != NULL)
		note(queue, values, STATE_DEAD, item->dead);
	/* so that this very command can go on with it */
	CommandCounterIncrement();
	return id;
}

typedef struct EventSearch
{
	const Queue *queue;
	Datum		values[EVENT_NCOLUMNS];
	char	   *event_type;
	bytea	   *body;
	bool		found;
} EventSearch;

static bool
visit_event(Relation rel, HeapTuple tuple, void *arg)
{
	EventSearch *search = arg;
	bool		nulls[EVENT_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), search->values, nulls);
	search->event_type = nulls[EVENT_TYPE] ? NULL : TextDatumGetCString(search->values[EVENT_TYPE]);
	search->found = true;
	return false;
}

bool
paysafe_queue_find(PaysafeTable table, const char *source, const char *event_id,
				   char **event_type, bytea **body)
{
	EventSearch search = {.queue = queue_of(table)};
	QueuePayload payload;
	Datum		keys[2] = {CStringGetTextDatum(source), CStringGetTextDatum(event_id)};

	paysafe_store_scan(table, search.queue->unique, 2, keys, visit_event, &search);
	if (!search.found)
		return false;
	(void) find_payload(search.queue, search.values, &payload);
	*event_type = search.event_type;
	*body = payload.body;
	return true;
}

/* Claiming */

/*
 * Where the first event was when this session looked last.  Index entries of
 * events that have moved on are passed over one by one as long as some old
 * transaction might still see them; those before this time need not be passed
 * over again.  An event that was added by a long transaction may come to lie
 * there: they are looked for when nothing else is found, and every second.
 */
typedef struct Hint
{
	PaysafeTable table;
	const char *state;			/* one of the constants */
	char		source[PAYSAFE_ARGUMENT_NAME_MAX + 1];	/* "": any */
	TimestampTz from;
	TimestampTz checked;		/* when all of them were looked at */
} Hint;

#define MAX_HINTS		16
#define CHECK_AGAIN		USECS_PER_SEC

static Hint hints[MAX_HINTS];
static int	nhints = 0;			/* used ever; the oldest one makes room */

static Hint *
hint_of(const Queue *queue, const char *state, const char *source)
{
	Hint	   *hint;

	for (int i = 0; i < Min(nhints, MAX_HINTS); i++)
		if (hints[i].table == queue->table && hints[i].state == state &&
			strcmp(hints[i].source, source ? source : "") == 0)
			return &hints[i];
	hint = &hints[nhints % MAX_HINTS];
	nhints = nhints == 2 * MAX_HINTS - 1 ? MAX_HINTS : nhints + 1;
	hint->table = queue->table;
	hint->state = state;
	strlcpy(hint->source, source ? source : "", sizeof(hint->source));
	hint->checked = 0;
	return hint;
}

typedef struct DueSearch
{
	const Queue *queue;
	TimestampTz first;			/* of all that were seen, or now */
	int			limit;
	List	   *locked;			/* of HeapTuple */
} DueSearch;

static bool
visit_due(Relation rel, HeapTuple tuple, void *arg)
{
	DueSearch  *search = arg;
	bool		isnull;
	TimestampTz next = DatumGetTimestampTz(heap_getattr(tuple, EVENT_NEXT + 1,
														RelationGetDescr(rel), &isnull));
	HeapTuple	locked;

	search->first = Min(search->first, next);
	locked = paysafe_store_lock(search->queue->table, &tuple->t_self, LockWaitSkip);
	if (locked != NULL)
		search->locked = lappend(search->locked, locked);
	return list_length(search->locked) < search->limit;
}

/*
 * Lock up to so many events in this state that are due; those of others are passed
 * over.  state is one of the constants.
 */
static List *
lock_due(const Queue *queue, const char *state, const char *source, TimestampTz now, int limit)
{
	DueSearch	search = {.queue = queue, .first = now, .limit = limit};
	Datum		keys[2] = {CStringGetTextDatum(state), CStringGetTextDatum(source ? source : "")};
	const char *index = source ? queue->due : queue->next;
	int			nkeys = source ? 2 : 1;
	Hint	   *hint = NULL;
	bool		all = true;

	/* what this transaction has claimed may come back when it rolls back */
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
	{
		hint = hint_of(queue, state, source);
		all = now < hint->checked || now - hint->checked > CHECK_AGAIN;
	}
	paysafe_store_seek_between(queue->table, index, nkeys, keys, all ? DT_NOBEGIN : hint->from, now,
							   NULL, visit_due, &search);
	/* leases that have ended can wait for a second */
	if (!all && state == STATE_READY && list_length(search.locked) < limit)
		paysafe_store_seek_between(queue->table, index, nkeys, keys, DT_NOBEGIN, hint->from - 1,
								   NULL, visit_due, &search);
	if (hint != NULL)
	{
		hint->from = search.first;
		if (all)
			hint->checked = now;
	}
	return search.locked;
}

/* Lease a locked event; NULL if it has to be given up instead. */
static QueueClaim *
lease_event(const Queue *queue, HeapTuple locked, TimestampTz until)
{
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	QueueSetting setting;
	QueuePayload payload;
	QueueClaim *claim;

	read_event(queue, locked, values, nulls);
	if (is_state(values, STATE_LEASED) && is_last(queue, values, &setting))
	{
		bury(queue, locked, values, nulls, "the lease of the last attempt is over");
		return NULL;
	}
	values[EVENT_ATTEMPT] = Int32GetDatum(DatumGetInt32(values[EVENT_ATTEMPT]) + 1);
	values[EVENT_NEXT] = TimestampTzGetDatum(until);
	change_state(queue, locked, values, nulls, STATE_LEASED);
	if (!find_payload(queue, values, &payload))
	{
		bury(queue, locked, values, nulls, "its payload is missing");
		return NULL;
	}
	claim = palloc0(sizeof(QueueClaim));
	claim->id = DatumGetInt64(values[EVENT_ID]);
	claim->attempt = DatumGetInt32(values[EVENT_ATTEMPT]);
	claim->source = TextDatumGetCString(values[EVENT_SOURCE]);
	claim->event_id = TextDatumGetCString(values[EVENT_EVENT_ID]);
	claim->event_type = nulls[EVENT_TYPE] ? NULL : TextDatumGetCString(values[EVENT_TYPE]);
	claim->headers = payload.headers;
	claim->body = payload.body;
	return claim;
}

List *
paysafe_queue_claim(PaysafeTable table, const char *source, int limit, int64 lease)
{
	const char *states[] = {STATE_LEASED, STATE_READY};
	const Queue *queue = queue_of(table);
	TimestampTz now = GetCurrentTimestamp();
	List	   *claims = NIL;

	PreventCommandIfReadOnly("claiming events");
	for (int i = 0; i < lengthof(states); i++)
	{
		int			wanted;
		List	   *locked;
		ListCell   *lc;

		/* those that are given up make room for others */
		do
		{
			wanted = limit - list_length(claims);
			locked = wanted > 0 ? lock_due(queue, states[i], source, now, wanted) : NIL;
			foreach(lc, locked)
			{
				QueueClaim *claim = lease_event(queue, lfirst(lc), now + lease);

				if (claim != NULL)
					claims = lappend(claims, claim);
			}
		} while (wanted > 0 && list_length(locked) == wanted);
	}
	return claims;
}

/* Ends of attempts */

void
paysafe_queue_done(PaysafeTable table, int64 id, int attempt)
{
	const Queue *queue = queue_of(table);
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	HeapTuple	locked;

	PreventCommandIfReadOnly("finishing an event");
	locked = lock_attempt(queue, id, attempt, values, nulls);
	values[EVENT_ENDED] = values[EVENT_NEXT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[EVENT_ENDED] = false;
	set_business_id(values, nulls);
	change_state(queue, locked, values, nulls, STATE_DONE);
}

TimestampTz
paysafe_queue_retry(PaysafeTable table, int64 id, int attempt, const char *reason, bool final)
{
	const Queue *queue = queue_of(table);
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	HeapTuple	locked;
	QueueSetting setting;
	char	   *cut = paysafe_queue_cut_reason(reason);
	int			failures;
	TimestampTz next;

	PreventCommandIfReadOnly("retrying an event");
	locked = lock_attempt(queue, id, attempt, values, nulls);
	set_business_id(values, nulls);
	if (is_last(queue, values, &setting) || final)
	{
		bury(queue, locked, values, nulls, cut);
		return DT_NOEND;
	}
	failures = attempt - DatumGetInt32(values[EVENT_OLD_ATTEMPTS]);
	next = GetCurrentTimestamp() + paysafe_queue_setting_backoff(&setting, failures);
	values[EVENT_NEXT] = TimestampTzGetDatum(next);
	values[EVENT_ERROR] = CStringGetTextDatum(cut);
	nulls[EVENT_ERROR] = false;
	change_state(queue, locked, values, nulls, STATE_READY);
	return next;
}

/* A dead event, locked. */
static HeapTuple
lock_dead(const Queue *queue, int64 id, Datum *values, bool *nulls)
{
	HeapTuple	locked;

	PreventCommandIfReadOnly("changing a dead event");
	locked = lock_event(queue, id, values, nulls);
	if (!is_state(values, STATE_DEAD))
		refuse(queue, ERRCODE_23T01_TRANSITION, psprintf("%s_state", queue->name), id,
			   psprintf("%s event " INT64_FORMAT " is not dead", queue->name, id),
			   psprintf("It is %s.", TextDatumGetCString(values[EVENT_STATE])), NULL);
	return locked;
}

void
paysafe_queue_revive(PaysafeTable table, int64 id, const char *reason)
{
	const Queue *queue = queue_of(table);
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	HeapTuple	locked = lock_dead(queue, id, values, nulls);

	values[EVENT_NEXT] = TimestampTzGetDatum(GetCurrentTimestamp());
	/* the numbers go on: an attempt of its first life must not look like a new one */
	values[EVENT_OLD_ATTEMPTS] = values[EVENT_ATTEMPT];
	nulls[EVENT_ENDED] = true;
	change_state(queue, locked, values, nulls, STATE_READY);
	note(queue, values, "revived", paysafe_queue_cut_reason(reason));
}

void
paysafe_queue_dismiss(PaysafeTable table, int64 id, const char *reason)
{
	const Queue *queue = queue_of(table);
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	HeapTuple	locked = lock_dead(queue, id, values, nulls);

	change_state(queue, locked, values, nulls, STATE_DISMISSED);
	note(queue, values, STATE_DISMISSED, paysafe_queue_cut_reason(reason));
}

/* When the events were added that still need what they say. */
typedef struct Needed
{
	TimestampTz *at;
	int			n;
	int			size;
} Needed;

static bool
visit_needed(Relation rel, HeapTuple tuple, void *arg)
{
	Needed	   *needed = arg;
	bool		isnull;
	Datum		created = heap_getattr(tuple, EVENT_CREATED + 1, RelationGetDescr(rel), &isnull);

	if (needed->n == needed->size)
	{
		needed->size *= 2;
		needed->at = repalloc_huge(needed->at, sizeof(TimestampTz) * needed->size);
	}
	needed->at[needed->n++] = DatumGetTimestampTz(created);
	return true;
}

static int
compare_times(const void *a, const void *b)
{
	TimestampTz ta = *(const TimestampTz *) a;
	TimestampTz tb = *(const TimestampTz *) b;

	return ta < tb ? -1 : ta > tb;
}

/* Is one of them in [lower, upper)? */
static bool
is_needed(TimestampTz lower, TimestampTz upper, void *arg)
{
	const Needed *needed = arg;
	int			first = 0;
	int			n = needed->n;

	while (n > 0)
	{
		if (needed->at[first + n / 2] < lower)
		{
			first += n / 2 + 1;
			n -= n / 2 + 1;
		}
		else
			n /= 2;
	}
	return first < needed->n && needed->at[first] < upper;
}

int
paysafe_queue_expire_payloads(int64 keep)
{
	const char *unfinished[] = {STATE_READY, STATE_LEASED, STATE_DEAD};
	int			dropped = 0;

	for (int i = 0; i < lengthof(queues); i++)
	{
		Needed		needed = {.size = 1024};

		if (paysafe_partition_all(&queues[i].payloads) == NIL)
			continue;			/* it has never been used */
		needed.at = palloc(sizeof(TimestampTz) * needed.size);
		for (int j = 0; j < lengthof(unfinished); j++)
		{
			Datum		key = CStringGetTextDatum(unfinished[j]);

			paysafe_store_scan(queues[i].table, queues[i].due, 1, &key, visit_needed, &needed);
		}
		qsort(needed.at, needed.n, sizeof(TimestampTz), compare_times);
		dropped += paysafe_partition_expire(&queues[i].payloads, GetCurrentTimestamp() - keep,
											is_needed, &needed);
		pfree(needed.at);
		paysafe_queue_prepare(queues[i].table);
	}
	return dropped;
}

void
paysafe_queue_extend_payloads(void)
{
	for (int i = 0; i < lengthof(queues); i++)
		if (paysafe_partition_all(&queues[i].payloads) != NIL)
			paysafe_queue_prepare(queues[i].table);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_queue_expire);

/*
 * queue_expire(keep interval) returns int: how many partitions were dropped
 */
Datum
paysafe_queue_expire(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(paysafe_queue_expire_payloads(paysafe_argument_period(fcinfo, 0, "keep")));
}
