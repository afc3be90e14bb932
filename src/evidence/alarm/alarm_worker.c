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
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
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
	/* what did not commit comes again in the next turn, and would be told twice */
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	paysafe_alarm_tell();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	proc_exit(0);
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
		bool		started;

		if (paysafe_worker_database_is_gone(database))
		{
			paysafe_outcome_forget(database);
			continue;
		}
		old = MemoryContextSwitchTo(TopMemoryContext);
		started = paysafe_worker_start("paysafe alarm worker", "paysafe_alarm_worker_main", database, &handle);
		MemoryContextSwitchTo(old);
		paysafe_outcome_sent(database, started);
		/* who finds no place now has none for the others either */
		if (!started)
		{
			handle = NULL;
			return;
		}
	}
}
