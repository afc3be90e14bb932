/*-------------------------------------------------------------------------
 *
 * outliving.c
 *	  Signals and decisions: rows that stay when their transaction rolls back.
 *
 * What a transaction has added is kept in memory until it ends. Of very many the first
 * thousand are kept each, of the others a number for each kind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/async.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/any_text.h"
#include "base/argument.h"
#include "base/transaction.h"
#include "compat.h"
#include "evidence/audit_partition.h"
#include "evidence/outliving.h"
#include "evidence/refusal_queue.h"
#include "people/actor.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

#define CHANNEL		"paysafe_signal"
#define MAX_KEPT	1000
#define QUEUE_LONG	0.5			/* of the queue of NOTIFY */
#define TELL_WAITS	"200ms"

/* A row of this transaction, or how many more of its kind there are. */
typedef struct Kept
{
	RefusalEntry entry;
	SubTransactionId subid;
	struct Kept *next;
} Kept;

/* In TopTransactionContext. Those of the innermost subtransaction come first. */
static Kept *kept = NULL;
static Kept *sums = NULL;
static int	nkept = 0;
static List *notices = NIL;		/* of char *; kinds of signals to tell of; TopTransactionContext */

static PaysafeTable
table_of(EntryKind kind)
{
	return kind == ENTRY_SIGNAL ? PAYSAFE_SIGNAL_RECORD : PAYSAFE_DECISION_RECORD;
}

void
paysafe_outliving_begin(RefusalEntry *entry, EntryKind kind)
{
	const ActorClaim *actor = paysafe_actor_current();

	memset(entry, 0, sizeof(RefusalEntry));
	entry->kind = kind;
	entry->at = entry->last_at = GetCurrentTimestamp();
	entry->count = 1;
	entry->pid = MyProcPid;
	entry->encoding = GetDatabaseEncoding();
	paysafe_refusal_entry_text(entry->actor, sizeof(entry->actor), paysafe_actor_name());
	paysafe_refusal_entry_text(entry->session_user_name, sizeof(entry->session_user_name), paysafe_actor_session_user());
	paysafe_refusal_entry_text(entry->login, sizeof(entry->login), paysafe_actor_login());
	paysafe_refusal_entry_text(entry->client_addr, sizeof(entry->client_addr), paysafe_actor_client());
	paysafe_refusal_entry_text(entry->request_id, sizeof(entry->request_id), actor ? actor->request_id : NULL);
	paysafe_refusal_entry_text(entry->business_id, sizeof(entry->business_id), actor ? actor->business_id : NULL);
}

/* Rows */

static void
set_text(Datum *values, bool *nulls, int column, const RefusalEntry *entry, const char *string)
{
	nulls[column] = string[0] == '\0';
	values[column] = nulls[column] ? (Datum) 0 :
		CStringGetTextDatum(paysafe_any_text(string, strlen(string), entry->encoding));
}

/* Where the row is added, and its place among the rows of its transaction. */
static void
set_place(Datum *values)
{
	static FullTransactionId last = {0};
	static int32 seq = 0;
	FullTransactionId xid = GetTopFullTransactionId();

	seq = FullTransactionIdEquals(xid, last) ? seq + 1 : 0;
	last = xid;
	values[EVENT_SYSTEM] = Int64GetDatum((int64) GetSystemIdentifier());
	values[EVENT_DATABASE] = ObjectIdGetDatum(MyDatabaseId);
	values[EVENT_TIMELINE] = Int32GetDatum((int32) GetWALInsertionTimeLine());
	values[EVENT_XID] = FullTransactionIdGetDatum(xid);
	values[EVENT_SEQ] = Int32GetDatum(seq);
}

static void
make_row(const RefusalEntry *entry, Datum *values, bool *nulls)
{
	memset(nulls, 0, sizeof(bool) * EVENT_NCOLUMNS);
	values[EVENT_AT] = TimestampTzGetDatum(entry->at);
	values[EVENT_LAST_AT] = TimestampTzGetDatum(entry->last_at);
	nulls[EVENT_LAST_AT] = entry->count == 1;
	values[EVENT_COUNT] = Int64GetDatum(entry->count);
	set_text(values, nulls, EVENT_NAME, entry, entry->rule);
	set_text(values, nulls, EVENT_OUTCOME, entry, entry->outcome);
	set_text(values, nulls, EVENT_PART, entry, entry->part);
	nulls[EVENT_DIGEST] = !entry->has_row_hash;
	values[EVENT_DIGEST] = paysafe_argument_bytea(entry->row_hash, PAYSAFE_SHA256_LEN);
	nulls[EVENT_FIGURES] = entry->figures[0] == '\0';
	if (!nulls[EVENT_FIGURES])
		values[EVENT_FIGURES] = DirectFunctionCall1(jsonb_in, CStringGetDatum(entry->figures));
	set_text(values, nulls, EVENT_REQUEST_ID, entry, entry->request_id);
	set_text(values, nulls, EVENT_BUSINESS_ID, entry, entry->business_id);
	set_text(values, nulls, EVENT_ACTOR, entry, entry->actor);
	set_text(values, nulls, EVENT_SESSION_USER, entry, entry->session_user_name);
	set_text(values, nulls, EVENT_LOGIN, entry, entry->login);
	set_text(values, nulls, EVENT_CLIENT, entry, entry->client_addr);
	values[EVENT_PID] = Int32GetDatum(entry->pid);
	nulls[EVENT_PID] = entry->pid == 0;
	if (entry->kind == ENTRY_SIGNAL)
		set_place(values);
}

/* Who listens */

static bool
is_queue_long(void)
{
	LOCAL_FCINFO(fcinfo, 0);

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	return DatumGetFloat8(pg_notification_queue_usage(fcinfo)) > QUEUE_LONG;
}

/* Somebody who listens and does not read lets the queue fill, and then no transaction with NOTIFY commits. */
static void
send_notices(void)
{
	ListCell   *lc;

	if (notices == NIL)
		return;
	if (is_queue_long())
	{
		ereport(LOG_SERVER_ONLY,
				(errmsg("the queue of NOTIFY is more than half full: nobody is told of signals")));
		return;
	}
	foreach(lc, notices)
		Async_Notify(CHANNEL, lfirst(lc));
}

/*
 * Who listens is told when the transaction commits, and not before that is certain: one that
 * has executed NOTIFY could not be prepared.  Of a prepared one nobody is told.
 */
static void
notify_at_commit(const RefusalEntry *entry)
{
	MemoryContext old;

	if (entry->kind != ENTRY_SIGNAL || paysafe_strings_contain(notices, entry->rule))
		return;
	paysafe_transaction_watch();
	old = MemoryContextSwitchTo(TopTransactionContext);
	notices = lappend(notices, pstrdup(entry->rule));
	MemoryContextSwitchTo(old);
}

static void
tell(const RefusalEntry *entries, int n)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* its lock is the whole server's, and others may hold it for long */
	(void) set_config_option("lock_timeout", TELL_WAITS, PGC_SUSET, PGC_S_OVERRIDE, GUC_ACTION_LOCAL, true, 0, false);
	for (int i = 0; i < n; i++)
		notify_at_commit(&entries[i]);
	CommitTransactionCommand();
}

void
paysafe_outliving_tell(const RefusalEntry *entries, int n)
{
	MemoryContext old = CurrentMemoryContext;
	bool		any = false;

	for (int i = 0; i < n; i++)
		any |= entries[i].kind == ENTRY_SIGNAL;
	if (!any)
		return;
	PG_TRY();
	{
		tell(entries, n);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(old);
		ereport(LOG, (errmsg("who listens is not told of signals: %s", error->message)));
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
}

void
paysafe_outliving_write(const RefusalEntry *entry, bool recorded)
{
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];

	make_row(entry, values, nulls);
	if (recorded)
		paysafe_store_append_recorded(table_of(entry->kind), values, nulls);
	else
		paysafe_store_append(table_of(entry->kind), values, nulls);
}

/* Of what was in the file */

typedef struct Saved
{
	EntryKind	kind;
	const RefusalEntry *entries;
	int			n;
	bool	   *recorded;
} Saved;

static bool
visit_recorded(Relation rel, HeapTuple tuple, void *arg)
{
	Saved	   *saved = arg;
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	for (int i = 0; i < saved->n; i++)
	{
		const RefusalEntry *entry = &saved->entries[i];

		saved->recorded[i] |= entry->saved && entry->kind == saved->kind &&
			DatumGetTimestampTz(values[EVENT_AT]) == entry->at &&
			DatumGetInt64(values[EVENT_COUNT]) == entry->count &&
			(nulls[EVENT_PID] ? 0 : DatumGetInt32(values[EVENT_PID])) == entry->pid &&
			strcmp(TextDatumGetCString(values[EVENT_NAME]), entry->rule) == 0;
	}
	return true;
}

void
paysafe_outliving_find_recorded(const RefusalEntry *entries, int n, bool *recorded)
{
	for (EntryKind kind = ENTRY_SIGNAL; kind < ENTRY_NKINDS; kind++)
	{
		Saved		saved = {.kind = kind, .entries = entries, .n = n, .recorded = recorded};
		bool		any = false;

		for (int i = 0; i < n; i++)
			any |= entries[i].saved && entries[i].kind == kind;
		if (any)
			paysafe_store_scan(table_of(kind), NULL, 0, NULL, visit_recorded, &saved);
	}
}

/* Of a transaction */

static void
push(Kept **list, const RefusalEntry *entry)
{
	Kept	   *one = MemoryContextAlloc(TopTransactionContext, sizeof(Kept));

	paysafe_transaction_watch();
	one->entry = *entry;
	one->subid = GetCurrentSubTransactionId();
	one->next = *list;
	*list = one;
}

/* The sum that it is counted in, of those of a subtransaction that begin here, or NULL. */
static Kept *
find_sum(Kept *one, SubTransactionId subid, const RefusalEntry *entry)
{
	while (one != NULL && one->subid == subid && !paysafe_refusal_entry_is_same(&one->entry, entry))
		one = one->next;
	return one != NULL && one->subid == subid ? one : NULL;
}

static void
keep(const RefusalEntry *entry)
{
	RefusalEntry first = {.count = 0};
	Kept	   *sum;

	if (nkept < MAX_KEPT)
	{
		push(&kept, entry);
		nkept++;
		return;
	}
	sum = find_sum(sums, GetCurrentSubTransactionId(), entry);
	paysafe_refusal_entry_count_in(sum ? &sum->entry : &first, entry);
	if (sum == NULL)
		push(&sums, &first);
}

void
paysafe_outliving_add(const RefusalEntry *entry)
{
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];

	if (XactReadOnly && paysafe_refusal_queue_ready())
	{
		paysafe_refusal_queue_add(MyDatabaseId, entry);
		return;
	}
	PreventCommandIfReadOnly(entry->kind == ENTRY_SIGNAL ? "paysafe.signal" : "paysafe.decide");
	/* nothing may have been declared here */
	if (paysafe_audit_partition_all() == NIL)
		paysafe_store_complete();
	make_row(entry, values, nulls);
	paysafe_store_insert(table_of(entry->kind), values, nulls);
	notify_at_commit(entry);
	if (paysafe_refusal_queue_ready())
		keep(entry);
}

void
paysafe_outliving_queue(const RefusalEntry *entry)
{
	if (paysafe_refusal_queue_ready())
		paysafe_refusal_queue_add(MyDatabaseId, entry);
	else if (!XactReadOnly)
		paysafe_outliving_add(entry);
}

/* Those of a subtransaction that begin here, or all; returns what comes after them. */
static Kept *
queue_all(Kept *one, SubTransactionId subid)
{
	for (; one != NULL && (subid == InvalidSubTransactionId || one->subid == subid); one = one->next)
		paysafe_refusal_queue_add(MyDatabaseId, &one->entry);
	return one;
}

/* Sums that the outer one has are counted in, the others become its own. */
static void
merge_sums(SubTransactionId subid, SubTransactionId parent)
{
	Kept	   *rest = sums;
	Kept	   *outer;
	Kept	   *next;

	while (rest != NULL && rest->subid == subid)
		rest = rest->next;
	outer = rest;
	for (Kept *one = sums; one != rest; one = next)
	{
		Kept	   *sum = find_sum(outer, parent, &one->entry);

		next = one->next;
		if (sum != NULL)
		{
			paysafe_refusal_entry_count_in(&sum->entry, &one->entry);
			pfree(one);
			continue;
		}
		one->subid = parent;
		one->next = outer;
		outer = one;
	}
	sums = outer;
}

static void
transaction_event(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT)
	{
		send_notices();
		return;
	}
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_ABORT)
	{
		(void) queue_all(kept, InvalidSubTransactionId);
		(void) queue_all(sums, InvalidSubTransactionId);
	}
	kept = sums = NULL;
	nkept = 0;
	notices = NIL;
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		for (Kept *one = kept; one != NULL && one->subid == subid; one = one->next)
			nkept--;
		kept = queue_all(kept, subid);
		sums = queue_all(sums, subid);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (Kept *one = kept; one != NULL && one->subid == subid; one = one->next)
			one->subid = parent;
		merge_sums(subid, parent);
	}
}

void
paysafe_outliving_init(void)
{
	paysafe_transaction_register(transaction_event, subtransaction_event);
}
