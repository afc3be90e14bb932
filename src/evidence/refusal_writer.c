/*-------------------------------------------------------------------------
 *
 * refusal_writer.c
 *	  The background workers that write refusals to the log, and signals and decisions of
 *	  transactions that rolled back.
 *
 * A worker can connect to one database.  The launcher, which runs as long as
 * the server accepts writes (not on a standby), starts a writer for each
 * database with something to write; the writer stays while refusals come in and
 * leaves when none did for a moment, so that nobody has to wait for it who wants
 * to drop or to copy the database.
 *
 * A batch stays in the queue until it is committed: after an error it is written
 * again by the next writer.  Nothing may keep it for long: it does not wait for a
 * lock on the record that somebody holds (the next one tries again a second later,
 * and check() says so meanwhile), nor for a standby, nor for what a setting of the
 * database asks.  Workers that are told to end by anybody but the postmaster come
 * back.
 *
 * The launcher also starts those who seal the audit log (seal/seal_worker.c).
 *
 * Entries that were in the queue's file may be on record already, if a crash came
 * between: those are looked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/any_text.h"
#include "base/worker.h"
#include "compat.h"
#include "evidence/audit_partition.h"
#include "evidence/outliving.h"
#include "evidence/refusal_queue.h"
#include "evidence/refusal_record.h"
#include "evidence/refusal_writer.h"
#include "evidence/seal/seal_worker.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define BATCH			500		/* entries in one transaction */
#define LINGER			300		/* milliseconds without work before a writer leaves */
#define LOOK_AGAIN		1000	/* milliseconds, in case a writer failed */

PGDLLEXPORT void paysafe_refusal_launcher_main(Datum arg);
PGDLLEXPORT void paysafe_refusal_writer_main(Datum arg);

/* A string of an entry, which may come from a database of another encoding. */
static Datum
text_of(const RefusalEntry *entry, const char *string)
{
	return CStringGetTextDatum(paysafe_any_text(string, strlen(string), entry->encoding));
}

static void
set_text(Datum *values, bool *nulls, int column, const RefusalEntry *entry, const char *string)
{
	nulls[column] = string[0] == '\0';
	values[column] = nulls[column] ? (Datum) 0 : text_of(entry, string);
}

static void
write_refusal(const RefusalEntry *entry, bool recorded)
{
	Datum		values[REFUSAL_NCOLUMNS];
	bool		nulls[REFUSAL_NCOLUMNS] = {0};
	bytea	   *hash = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);

	SET_VARSIZE(hash, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(hash), entry->row_hash, PAYSAFE_SHA256_LEN);
	values[REFUSAL_AT] = TimestampTzGetDatum(entry->at);
	values[REFUSAL_COUNT] = Int64GetDatum(entry->count);
	set_text(values, nulls, REFUSAL_STATEMENT, entry, entry->statement);
	values[REFUSAL_RULE] = text_of(entry, entry->rule);
	values[REFUSAL_SQLSTATE] = text_of(entry, entry->sqlstate);
	set_text(values, nulls, REFUSAL_SCHEMA, entry, entry->schema_name);
	set_text(values, nulls, REFUSAL_TABLE, entry, entry->table_name);
	set_text(values, nulls, REFUSAL_COLUMN, entry, entry->column_name);
	set_text(values, nulls, REFUSAL_KEY, entry, entry->key);
	nulls[REFUSAL_ROW_HASH] = !entry->has_row_hash;
	values[REFUSAL_ROW_HASH] = PointerGetDatum(hash);
	values[REFUSAL_ACTOR] = text_of(entry, entry->actor);
	values[REFUSAL_SESSION_USER] = text_of(entry, entry->session_user_name);
	set_text(values, nulls, REFUSAL_LOGIN, entry, entry->login);
	set_text(values, nulls, REFUSAL_CLIENT, entry, entry->client_addr);
	nulls[REFUSAL_PID] = entry->pid == 0;
	values[REFUSAL_PID] = Int32GetDatum(entry->pid);
	set_text(values, nulls, REFUSAL_REQUEST_ID, entry, entry->request_id);
	set_text(values, nulls, REFUSAL_MESSAGE, entry, entry->message);
	set_text(values, nulls, REFUSAL_DATABASE, entry, entry->database_name);
	nulls[REFUSAL_LAST_AT] = entry->count == 1;
	values[REFUSAL_LAST_AT] = TimestampTzGetDatum(entry->last_at);
	values[REFUSAL_OUTSIDE] = BoolGetDatum(entry->outside);
	set_text(values, nulls, REFUSAL_INCOMPLETE, entry, entry->incomplete);
	values[REFUSAL_OBSERVED] = BoolGetDatum(entry->observed);
	set_text(values, nulls, REFUSAL_IDENTITY, entry, entry->identity);
	set_text(values, nulls, REFUSAL_CERTIFICATE, entry, entry->client_cert_sha256);
	set_text(values, nulls, REFUSAL_PROOF, entry, entry->proof);
	set_text(values, nulls, REFUSAL_BUSINESS_ID, entry, entry->business_id);
	if (recorded)
		paysafe_store_append_recorded(PAYSAFE_REFUSAL_RECORD, values, nulls);
	else
		paysafe_store_append(PAYSAFE_REFUSAL_RECORD, values, nulls);
}

/* Entries that may be on record already. */
typedef struct Saved
{
	int			n;
	const RefusalEntry *entries;
	bool	   *recorded;		/* one for each */
} Saved;

static bool
visit_recorded(Relation rel, HeapTuple tuple, void *arg)
{
	Saved	   *saved = arg;
	Datum		values[REFUSAL_NCOLUMNS];
	bool		nulls[REFUSAL_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	for (int i = 0; i < saved->n; i++)
	{
		const RefusalEntry *entry = &saved->entries[i];

		saved->recorded[i] |= entry->saved && entry->kind == ENTRY_REFUSAL &&
			DatumGetTimestampTz(values[REFUSAL_AT]) == entry->at &&
			DatumGetInt64(values[REFUSAL_COUNT]) == entry->count &&
			(nulls[REFUSAL_PID] ? 0 : DatumGetInt32(values[REFUSAL_PID])) == entry->pid &&
			strcmp(TextDatumGetCString(values[REFUSAL_RULE]), entry->rule) == 0;
	}
	return true;
}

/* Which of the entries are on record?  One array of flags. */
static bool *
find_recorded(const RefusalEntry *entries, int n)
{
	Saved		saved = {.n = n, .entries = entries, .recorded = palloc0(sizeof(bool) * n)};
	bool		any = false;

	for (int i = 0; i < n; i++)
		any |= entries[i].saved;
	if (any)
	{
		paysafe_store_scan(PAYSAFE_REFUSAL_RECORD, NULL, 0, NULL, visit_recorded, &saved);
		paysafe_outliving_find_recorded(entries, n, saved.recorded);
	}
	return saved.recorded;
}

/* Write what waits; false if there was nothing.  Ends the process if it is locked out. */
static bool
write_batch(RefusalEntry *entries)
{
	int			n = paysafe_refusal_queue_peek(MyDatabaseId, entries, BATCH);

	if (n == 0)
		return false;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "writing refusals");
	/* without the extension nobody reads them: they are in the server's log */
	if (paysafe_catalog_present())
	{
		bool	   *recorded;
		bool		audited;

		if (!ConditionalLockRelationOid(paysafe_catalog_table(PAYSAFE_REFUSAL_RECORD), RowExclusiveLock) ||
			!ConditionalLockRelationOid(paysafe_catalog_table(PAYSAFE_SIGNAL_RECORD), RowExclusiveLock) ||
			!ConditionalLockRelationOid(paysafe_catalog_table(PAYSAFE_DECISION_RECORD), RowExclusiveLock))
		{
			(void) paysafe_refusal_queue_detach(MyDatabaseId, REFUSAL_BLOCKED);
			proc_exit(0);
		}
		recorded = find_recorded(entries, n);
		/* in the audit log too, so that refusals are sealed; not while a dump is restored */
		audited = paysafe_store_is_active() && paysafe_audit_partition_all() != NIL;
		for (int i = 0; i < n; i++)
		{
			if (recorded[i])
				continue;
			if (entries[i].kind == ENTRY_REFUSAL)
				write_refusal(&entries[i], audited);
			else
				paysafe_outliving_write(&entries[i], audited);
		}
	}
	PopActiveSnapshot();
	HOLD_INTERRUPTS();
	CommitTransactionCommand();
	paysafe_refusal_queue_written(MyDatabaseId, entries, n);
	RESUME_INTERRUPTS();
	/* not before: what keeps a NOTIFY must not keep them */
	paysafe_outliving_tell(entries, n);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return true;
}

static void
writer_gone(int code, Datum arg)
{
	(void) paysafe_refusal_queue_detach(DatumGetObjectId(arg), REFUSAL_FAILED);
}

void
paysafe_refusal_writer_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);
	RefusalEntry *entries;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	if (!paysafe_refusal_queue_attach(database))
		proc_exit(0);
	before_shmem_exit(writer_gone, arg);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	paysafe_worker_settle("2s");
	entries = MemoryContextAlloc(TopMemoryContext, BATCH * sizeof(RefusalEntry));
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (write_batch(entries))
			continue;
		if (ShutdownRequestPending)
			break;
		if ((WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					   LINGER, PG_WAIT_EXTENSION) & WL_LATCH_SET) != 0)
			ResetLatch(MyLatch);
		else if (paysafe_refusal_queue_detach(database, REFUSAL_IDLE))
			break;
	}
	proc_exit(0);
}

static void
start_writer(Oid database)
{
	if (!paysafe_worker_start("paysafe refusal writer", "paysafe_refusal_writer_main", database, NULL))
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free to write paysafe's refusals"),
				 errhint("Raise max_worker_processes.")));
}

static void
discard(Oid database)
{
	RefusalEntry *entries;
	int			n;

	if (!paysafe_refusal_queue_attach(database))
		return;
	entries = palloc(BATCH * sizeof(RefusalEntry));
	while ((n = paysafe_refusal_queue_peek(database, entries, BATCH)) > 0)
		paysafe_refusal_queue_written(database, entries, n);
	(void) paysafe_refusal_queue_detach(database, REFUSAL_FAILED);
	pfree(entries);
}

void
paysafe_refusal_launcher_main(Datum arg)
{
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	/* shared catalogs only */
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	paysafe_refusal_queue_announce_launcher();
	paysafe_seal_worker_begin();
	while (!ShutdownRequestPending)
	{
		Oid			database;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		while (OidIsValid(database = paysafe_refusal_queue_next()))
		{
			if (paysafe_worker_database_is_gone(database))
				discard(database);
			else
				start_writer(database);
		}
		paysafe_refusal_queue_keep();
		paysafe_seal_worker_launch();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOOK_AGAIN, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	/* zero would take it off the postmaster's list, for whoever can end a process */
	proc_exit(1);
}

void
paysafe_refusal_writer_preload(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 1
	};

	if (IsBinaryUpgrade)
		return;
	strlcpy(worker.bgw_name, "paysafe refusal launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "paysafe refusal launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "paysafe", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "paysafe_refusal_launcher_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
