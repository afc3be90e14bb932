/*-------------------------------------------------------------------------
 *
 * refusal_writer.c
 *	  The background workers that write refusals to the log.
 *
 * A worker can connect to one database.  The launcher, which runs as long as
 * the server accepts writes (not on a standby), starts a writer for each
 * database with something to write; the writer stays while refusals come in and
 * leaves when none did for a moment, so that nobody has to wait for it who wants
 * to drop or to copy the database.
 *
 * A batch stays in the queue until it is committed: after an error it is written
 * again by the next writer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "evidence/refusal_log.h"
#include "evidence/refusal_writer.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define BATCH			500		/* entries in one transaction */
#define LINGER			300		/* milliseconds without work before a writer leaves */
#define LOOK_AGAIN		1000	/* milliseconds, in case a writer failed */

/* Columns of paysafe.refusal_record. */
enum
{
	REFUSAL_AT, REFUSAL_COUNT, REFUSAL_STATEMENT, REFUSAL_RULE, REFUSAL_SQLSTATE,
	REFUSAL_SCHEMA, REFUSAL_TABLE, REFUSAL_COLUMN, REFUSAL_KEY, REFUSAL_ROW_HASH,
	REFUSAL_ACTOR, REFUSAL_SESSION_USER, REFUSAL_LOGIN, REFUSAL_CLIENT, REFUSAL_PID,
	REFUSAL_REQUEST_ID, REFUSAL_MESSAGE, REFUSAL_DATABASE, REFUSAL_NCOLUMNS
};

PGDLLEXPORT void paysafe_refusal_launcher_main(Datum arg);
PGDLLEXPORT void paysafe_refusal_writer_main(Datum arg);

static void
set_text(Datum *values, bool *nulls, int column, const char *string)
{
	nulls[column] = string[0] == '\0';
	values[column] = nulls[column] ? (Datum) 0 : CStringGetTextDatum(string);
}

static void
write_entry(const RefusalEntry *entry)
{
	Datum		values[REFUSAL_NCOLUMNS];
	bool		nulls[REFUSAL_NCOLUMNS] = {0};
	bytea	   *hash = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);

	SET_VARSIZE(hash, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(hash), entry->row_hash, PAYSAFE_SHA256_LEN);
	values[REFUSAL_AT] = TimestampTzGetDatum(entry->at);
	values[REFUSAL_COUNT] = Int64GetDatum(entry->count);
	set_text(values, nulls, REFUSAL_STATEMENT, entry->statement);
	values[REFUSAL_RULE] = CStringGetTextDatum(entry->rule);
	values[REFUSAL_SQLSTATE] = CStringGetTextDatum(entry->sqlstate);
	set_text(values, nulls, REFUSAL_SCHEMA, entry->schema_name);
	set_text(values, nulls, REFUSAL_TABLE, entry->table_name);
	set_text(values, nulls, REFUSAL_COLUMN, entry->column_name);
	set_text(values, nulls, REFUSAL_KEY, entry->key);
	nulls[REFUSAL_ROW_HASH] = !entry->has_row_hash;
	values[REFUSAL_ROW_HASH] = PointerGetDatum(hash);
	values[REFUSAL_ACTOR] = CStringGetTextDatum(entry->actor);
	values[REFUSAL_SESSION_USER] = CStringGetTextDatum(entry->session_user_name);
	set_text(values, nulls, REFUSAL_LOGIN, entry->login);
	set_text(values, nulls, REFUSAL_CLIENT, entry->client_addr);
	nulls[REFUSAL_PID] = entry->pid == 0;
	values[REFUSAL_PID] = Int32GetDatum(entry->pid);
	set_text(values, nulls, REFUSAL_REQUEST_ID, entry->request_id);
	set_text(values, nulls, REFUSAL_MESSAGE, entry->message);
	set_text(values, nulls, REFUSAL_DATABASE, entry->database_name);
	paysafe_store_append(PAYSAFE_REFUSAL_RECORD, values, nulls);
}

/* Write what waits; false if there was nothing. */
static bool
write_batch(RefusalEntry *entries)
{
	int			n = paysafe_refusal_peek(MyDatabaseId, entries, BATCH);

	if (n == 0)
		return false;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "writing refusals");
	/* without the extension nobody reads them: they are in the server's log */
	if (paysafe_catalog_present())
		for (int i = 0; i < n; i++)
			write_entry(&entries[i]);
	PopActiveSnapshot();
	HOLD_INTERRUPTS();
	CommitTransactionCommand();
	paysafe_refusal_written(MyDatabaseId, entries, n);
	RESUME_INTERRUPTS();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return true;
}

static void
writer_gone(int code, Datum arg)
{
	(void) paysafe_refusal_detach(DatumGetObjectId(arg), false);
}

void
paysafe_refusal_writer_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);
	RefusalEntry *entries;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	if (!paysafe_refusal_attach(database))
		proc_exit(0);
	before_shmem_exit(writer_gone, arg);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	/* an answer to the client is no promise about these rows, but soon enough is */
	SetConfigOption("synchronous_commit", "on", PGC_USERSET, PGC_S_OVERRIDE);
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
		else if (paysafe_refusal_detach(database, true))
			break;
	}
	proc_exit(0);
}

static void
start_writer(Oid database)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_main_arg = ObjectIdGetDatum(database)
	};

	strlcpy(worker.bgw_name, "paysafe refusal writer", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "paysafe refusal writer", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "paysafe", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "paysafe_refusal_writer_main", BGW_MAXLEN);
	if (!RegisterDynamicBackgroundWorker(&worker, NULL))
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free to write paysafe's refusals"),
				 errhint("Raise max_worker_processes.")));
}

/* Has the database been dropped while refusals waited? */
static bool
is_gone(Oid database)
{
	bool		result;

	StartTransactionCommand();
	result = !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
	CommitTransactionCommand();
	return result;
}

static void
discard(Oid database)
{
	RefusalEntry *entries;
	int			n;

	if (!paysafe_refusal_attach(database))
		return;
	entries = palloc(BATCH * sizeof(RefusalEntry));
	while ((n = paysafe_refusal_peek(database, entries, BATCH)) > 0)
		paysafe_refusal_written(database, entries, n);
	(void) paysafe_refusal_detach(database, false);
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
	paysafe_refusal_announce_launcher();
	while (!ShutdownRequestPending)
	{
		Oid			database;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		while (OidIsValid(database = paysafe_refusal_next_database()))
		{
			if (is_gone(database))
				discard(database);
			else
				start_writer(database);
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOOK_AGAIN, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(0);
}

void
paysafe_refusal_launcher_register(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 1
	};

	strlcpy(worker.bgw_name, "paysafe refusal launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "paysafe refusal launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "paysafe", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "paysafe_refusal_launcher_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
