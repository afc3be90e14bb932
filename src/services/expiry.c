/*-------------------------------------------------------------------------
 *
 * expiry.c
 *	  What expires goes by itself, where the library is preloaded.
 *
 * A launcher, which runs as long as the server accepts writes (not on a standby),
 * goes through the databases once in paysafe.expiry_interval and starts a worker in
 * one after the other.  The worker makes the partitions of the audit log, of inbox,
 * outbox and responses ahead, and does what queue_expire, idempotency_expire,
 * refusal_expire and index_audit do, removes tokens that were used and are over and counters of limits that have all again, and what is in no window of a rule of velocity, each in
 * a transaction of its own, and leaves: nobody who wants to
 * drop or copy the database waits for it.  An error is in the server's log and ends that
 * step only, so that nothing that cannot expire keeps partitions from being made; the
 * next round tries again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/worker.h"
#include "engine/passkey_challenge.h"
#include "evidence/alarm/alarm.h"
#include "evidence/first_seen.h"
#include "evidence/reading/index.h"
#include "evidence/refusal_expire.h"
#include "evidence/signal.h"
#include "identity/token_use.h"
#include "rules/velocity/velocity.h"
#include "services/expiry.h"
#include "services/idempotency/idempotency.h"
#include "services/queue/queue.h"
#include "services/throttle/durable.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define FIRST_ROUND		60		/* seconds after the start */

static int	interval = 3600;	/* setting paysafe.expiry_interval, seconds */
static int	queue_keep = 90;	/* setting paysafe.queue_keep, days */

PGDLLEXPORT void paysafe_expiry_launcher_main(Datum arg);
PGDLLEXPORT void paysafe_expiry_worker_main(Datum arg);

static void
expire_payloads(void)
{
	if (queue_keep >= 0)
		(void) paysafe_queue_expire_payloads(queue_keep * USECS_PER_DAY);
}

static void
expire_responses(void)
{
	(void) paysafe_idempotency_expire_responses();
}

static void
expire_refusals(void)
{
	(void) paysafe_refusal_expire_before(GetCurrentTimestamp() -
										 PAYSAFE_REFUSAL_DAYS * USECS_PER_DAY);
}

static void
expire_signals(void)
{
	(void) paysafe_signal_expire_before(GetCurrentTimestamp() - PAYSAFE_SIGNAL_DAYS * USECS_PER_DAY);
}

static void
expire_outcomes(void)
{
	TimestampTz now = GetCurrentTimestamp();

	paysafe_alarm_expire(now - PAYSAFE_OUTCOME_DAYS * USECS_PER_DAY, now - PAYSAFE_SIGNAL_DAYS * USECS_PER_DAY);
}

static void
expire_first_seen(void)
{
	(void) paysafe_first_seen_expire_before(GetCurrentTimestamp() - PAYSAFE_SIGNAL_DAYS * USECS_PER_DAY);
}

static void
expire_challenges(void)
{
	(void) paysafe_passkey_expire_challenges();
}

static void
expire_tokens(void)
{
	(void) paysafe_token_use_expire();
}

static void
expire_counters(void)
{
	(void) paysafe_durable_expire();
}

static void
expire_velocity(void)
{
	(void) paysafe_velocity_expire_rows();
}

/* What the sealer has not, or where there is none. */
static void
index_log(void)
{
	(void) paysafe_audit_index_step(true);
}

static void
run_step(void (*step) (void), const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, activity);
	/* a database that paysafe has never worked in has nothing that expires */
	if (paysafe_catalog_present() && !paysafe_store_is_empty(PAYSAFE_ACTIVATION))
		step();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
run(void (*step) (void), const char *activity)
{
	MemoryContext old = CurrentMemoryContext;

	PG_TRY();
	{
		run_step(step, activity);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(old);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	CHECK_FOR_INTERRUPTS();
}

void
paysafe_expiry_worker_main(Datum arg)
{
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	/* who waits for a lock keeps others waiting behind it: the next round is soon enough */
	paysafe_worker_settle("1s");
	/* first what nobody can do without */
	run(paysafe_store_complete, "making partitions of the audit log");
	run(paysafe_queue_extend_payloads, "making partitions of inbox and outbox");
	run(paysafe_idempotency_extend_responses, "making partitions of responses");
	run(expire_payloads, "removing what events said");
	run(expire_responses, "removing responses");
	run(expire_refusals, "removing refusals from outside");
	run(expire_signals, "removing signals and decisions");
	run(expire_outcomes, "removing outcomes and alarms");
	run(expire_first_seen, "forgetting what was seen long ago");
	run(expire_tokens, "removing used tokens");
	run(expire_challenges, "removing challenges of passkeys");
	run(expire_counters, "removing counters of limits");
	run(expire_velocity, "removing what is in no window of a rule of velocity");
	run(index_log, "indexing the audit log");
	proc_exit(0);
}

/* The databases that can be connected to; the list in context. */
static List *
databases(MemoryContext context)
{
	List	   *result = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && !database->datistemplate)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			result = lappend_oid(result, database->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return result;
}

/* Run a worker in the database and wait until it has gone. */
static void
run_in(Oid database)
{
	BackgroundWorkerHandle *handle;

	if (!paysafe_worker_start("paysafe expiry worker", "paysafe_expiry_worker_main", database, &handle))
	{
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free to remove what has expired in paysafe"),
				 errhint("Raise max_worker_processes.")));
		return;
	}
	if (WaitForBackgroundWorkerShutdown(handle) == BGWH_POSTMASTER_DIED)
		proc_exit(1);
	pfree(handle);
}

void
paysafe_expiry_launcher_main(Datum arg)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "paysafe expiry",
												  ALLOCSET_DEFAULT_SIZES);
	int			seconds = FIRST_ROUND;
	TimestampTz last = GetCurrentTimestamp();

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	/* shared catalogs only */
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	while (!ShutdownRequestPending)
	{
		TimestampTz now = GetCurrentTimestamp();
		ListCell   *lc;
		long		left;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		/* from the last one on: whoever reloads settings more often does not put it off, nor does a clock that is set back */
		last = Min(last, now);
		left = TimestampDifferenceMilliseconds(now, TimestampTzPlusMilliseconds(last, Min(interval, seconds) * INT64CONST(1000)));
		if (left > 0)
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			continue;
		}
		seconds = interval;
		foreach(lc, databases(context))
			if (!ShutdownRequestPending)
				run_in(lfirst_oid(lc));
		last = GetCurrentTimestamp();
		MemoryContextReset(context);
	}
	/* not 0, which would take it off the list of workers if somebody else stopped it */
	proc_exit(1);
}

void
paysafe_expiry_preload(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 10
	};

	DefineCustomIntVariable("paysafe.expiry_interval",
							"How often what has expired is removed.",
							NULL, &interval, 3600, 1, 86400, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("paysafe.queue_keep",
							"Days after which what finished events of inbox and outbox said is removed; -1: never.",
							NULL, &queue_keep, 90, -1, 3650, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	if (IsBinaryUpgrade)
		return;
	strlcpy(worker.bgw_name, "paysafe expiry launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "paysafe expiry launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "paysafe", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "paysafe_expiry_launcher_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
