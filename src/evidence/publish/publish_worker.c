/*-------------------------------------------------------------------------
 *
 * publish_worker.c
 *	  The background worker that signs and publishes.
 *
 * Beside the one that seals, since it waits: for disks elsewhere, for commands, for
 * standbys.  It is the only process of the server that has the keys.  It leaves when all is
 * published, so that nobody has to wait for it who wants to drop or to copy the database,
 * or when it has failed for a while, and whoever seals starts it again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xlog.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "base/transaction.h"
#include "base/worker.h"
#include "compat.h"
#include "evidence/publish/publish_worker.h"
#include "evidence/publish/publisher.h"
#include "store/catalog.h"

#define WORKER_TYPE		"paysafe publisher"
#define IDLE_REST		1000	/* milliseconds until it looks for something new */
#define IDLE_LOOKS		5		/* that found nothing, before leaving */
#define LOOK			500		/* the same, between looks whether somebody wants the database */
#define START_AGAIN		200		/* the same, before it is started again */

PGDLLEXPORT void paysafe_publish_worker_main(Datum arg);

static volatile sig_atomic_t hurried = false;

static TimestampTz started_at = 0;	/* by this process */

static bool look_after_commit = false;

static void
note_hurry(SIGNAL_ARGS)
{
	int			saved = errno;

	hurried = true;
	SetLatch(MyLatch);
	errno = saved;
}

/* One of them in each database: the lock goes with the process. */
static bool
is_the_only_one(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x70617973, 0x7075626C, 3);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* Wait so long, or until somebody sets the latch; false: to leave. */
static bool
pause_for(long milliseconds)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	long		left = milliseconds;
	int			events = 0;

	while (left > 0 && (events & WL_LATCH_SET) == 0)
	{
		events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Min(left, LOOK), PG_WAIT_EXTENSION);
		if (paysafe_worker_is_in_the_way())
			return false;
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
	}
	ResetLatch(MyLatch);
	return true;
}

void
paysafe_publish_worker_main(Datum arg)
{
	int			idle = 0;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGUSR2, note_hurry);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	paysafe_worker_settle("5s");
	if (!is_the_only_one())
		proc_exit(0);
	while (!ShutdownRequestPending && paysafe_publisher_wanted())
	{
		bool		at_once = hurried;
		long		rest;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			paysafe_publisher_reload();
			continue;
		}
		hurried = false;
		rest = paysafe_publisher_turn(at_once);
		if (ShutdownRequestPending)
			break;
		if (rest < 0 && !at_once && ++idle > IDLE_LOOKS)
			break;
		if (rest >= 0)
			idle = 0;
		if (!pause_for(rest >= 0 ? rest : IDLE_REST))
			break;
	}
	proc_exit(0);
}

/* The one of this database, or 0, and where its latch is. */
static pid_t
find_worker(PGPROC **at)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		pid_t		pid = proc->pid;
		const char *type;

		if (pid == 0 || proc->databaseId != MyDatabaseId)
			continue;
		type = GetBackgroundWorkerTypeByPid(pid);
		if (type != NULL && strcmp(type, WORKER_TYPE) == 0)
		{
			*at = proc;
			return pid;
		}
	}
	return 0;
}

static void
start(void)
{
	started_at = GetCurrentTimestamp();
	if (!paysafe_worker_start(WORKER_TYPE, "paysafe_publish_worker_main", MyDatabaseId, NULL))
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free to publish paysafe's sealed log"),
				 errhint("Raise max_worker_processes.")));
}

void
paysafe_publish_worker_ensure(void)
{
	PGPROC	   *proc;

	if (paysafe_publisher_wanted() && !RecoveryInProgress() &&
		(started_at == 0 || TimestampDifferenceExceeds(started_at, GetCurrentTimestamp(), START_AGAIN)) &&
		find_worker(&proc) == 0)
		start();
}

void
paysafe_publish_worker_hurry(void)
{
	PGPROC	   *proc;
	pid_t		pid = find_worker(&proc);

	if (pid != 0)
		(void) kill(pid, SIGUSR2);
	else if (paysafe_publisher_wanted() && !RecoveryInProgress())
		start();
}

static void
transaction_event(XactEvent event, void *arg)
{
	PGPROC	   *proc;

	if (!look_after_commit || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	look_after_commit = false;
	if (event != XACT_EVENT_COMMIT || !paysafe_publisher_wanted() || RecoveryInProgress())
		return;
	if (find_worker(&proc) != 0)
		SetLatch(&proc->procLatch);
	else
		start();
}

void
paysafe_publish_worker_look_after_commit(void)
{
	paysafe_transaction_watch();
	look_after_commit = true;
}

void
paysafe_publish_worker_init(void)
{
	paysafe_transaction_register(transaction_event, NULL);
}
