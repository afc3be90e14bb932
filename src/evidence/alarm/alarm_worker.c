/*-------------------------------------------------------------------------
 *
 * alarm_worker.c
 *	  The background workers that judge outcomes, one at a time.
 *
 * The launcher (refusal_writer.c) starts one for each database where something is counted, when a
 * minute is over. It takes some milliseconds, and leaves. If none can be started the next one has
 * more to judge.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/worker.h"
#include "evidence/alarm/alarm.h"
#include "evidence/alarm/alarm_worker.h"
#include "store/catalog.h"

PGDLLEXPORT void paysafe_alarm_worker_main(Datum arg);

void
paysafe_alarm_worker_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);

	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	paysafe_worker_settle("1s");
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "judging outcomes");
	if (paysafe_catalog_present())
		paysafe_alarm_judge();
	else
		paysafe_outcome_forget(database);
	PopActiveSnapshot();
	HOLD_INTERRUPTS();
	CommitTransactionCommand();
	paysafe_alarm_judged();
	RESUME_INTERRUPTS();
	pgstat_report_stat(true);
	proc_exit(0);
}

static bool
is_gone(Oid database)
{
	bool		result;

	StartTransactionCommand();
	result = !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
	CommitTransactionCommand();
	return result;
}

static BackgroundWorkerHandle *
start(Oid database)
{
	BackgroundWorkerHandle *handle;
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_main_arg = ObjectIdGetDatum(database),
		.bgw_notify_pid = MyProcPid
	};

	strlcpy(worker.bgw_name, "paysafe alarm worker", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "paysafe alarm worker", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "paysafe", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "paysafe_alarm_worker_main", BGW_MAXLEN);
	return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : NULL;
}

void
paysafe_alarm_worker_launch(void)
{
	static BackgroundWorkerHandle *handle = NULL;
	pid_t		pid;
	Oid			database;

	if (handle != NULL)
	{
		BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);

		if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
			return;
		pfree(handle);
		handle = NULL;
	}
	while (handle == NULL && OidIsValid(database = paysafe_outcome_next(paysafe_alarm_minute(GetCurrentTimestamp()))))
	{
		MemoryContext old;

		if (is_gone(database))
		{
			paysafe_outcome_forget(database);
			continue;
		}
		old = MemoryContextSwitchTo(TopMemoryContext);
		handle = start(database);
		MemoryContextSwitchTo(old);
		/* who finds no place now has none for the others either */
		if (handle == NULL)
			return;
	}
}
