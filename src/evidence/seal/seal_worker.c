/*-------------------------------------------------------------------------
 *
 * seal_worker.c
 *	  The background workers that seal, one for each database that is written to.
 *
 * The launcher (refusal_writer.c), which runs as long as the server accepts writes,
 * starts a sealer for each database with something to seal.  It seals what is there,
 * waits for paysafe.seal_interval, in which more comes, and so on.  With nothing to seal
 * it sleeps until a writer wakes it, and leaves after some seconds.  Nobody has to wait
 * for it who wants to drop, rename or copy the database: it looks whether somebody does.
 *
 * While a transaction that is in progress holds sealing back, it looks again, less often
 * the longer it lasts.  Somebody in paysafe.wait_sealed makes it look more often.
 *
 * An error ends the sealer and is in the server's log; the launcher starts another one, a
 * second later, and later and later while it fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/worker.h"
#include "compat.h"
#include "evidence/publish/publish_worker.h"
#include "evidence/reading/index.h"
#include "evidence/seal/seal.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_shared.h"
#include "evidence/seal/seal_worker.h"
#include "store/catalog.h"

#define LINGER			5000	/* milliseconds without work before a sealer leaves */
#define SUMMARIZE		2000	/* milliseconds */
#define LOOK_SHARE		20		/* looking for stray rows takes one part of so many */
#define LOOK			500		/* how often it looks whether somebody wants the database */
#define FIRST_LOOK		10		/* while something holds it back, and somebody waits */
#define LAST_LOOK		1000

PGDLLEXPORT void paysafe_seal_worker_main(Datum arg);

static int	interval = 500;		/* setting paysafe.seal_interval, milliseconds */
static char *origin = NULL;		/* setting paysafe.seal_origin */
static volatile sig_atomic_t in_pass = false;

static void
request_end(SIGNAL_ARGS)
{
	int			save_errno = errno;

	ShutdownRequestPending = true;
	/* a long pass is given up: nothing of it stays */
	if (in_pass)
	{
		InterruptPending = true;
		QueryCancelPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
sealer_gone(int code, Datum arg)
{
	(void) paysafe_seal_shared_detach(false);
}

/* From time to time, so that what is sealed is not read by each pass until VACUUM comes. */
static void
summarize(uint64 sealed)
{
	static TimestampTz last = 0;

	if (!TimestampDifferenceExceeds(last, GetCurrentTimestamp(), SUMMARIZE))
		return;
	SetCurrentStatementStartTimestamp();
	in_pass = true;
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "summarizing the audit log");
	if (paysafe_catalog_present())
		paysafe_seal_rows_summarize(sealed);
	PopActiveSnapshot();
	CommitTransactionCommand();
	in_pass = false;
	QueryCancelPending = false;
	pgstat_report_activity(STATE_IDLE, NULL);
	last = GetCurrentTimestamp();
}

/* One pass; *leaves: how many were sealed; *more can be at once.  False: there is no extension in this database. */
static bool
seal(uint64 *leaves, bool *more)
{
	static TimestampTz look_at = 0; /* not before: it shall cost little */
	SealPass	pass = {.in_pieces = true, .look = GetCurrentTimestamp() >= look_at};
	bool		present;

	SetCurrentStatementStartTimestamp();
	in_pass = true;
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "sealing the audit log");
	present = paysafe_catalog_present();
	if (present)
		paysafe_seal_pass(true, &pass);
	PopActiveSnapshot();
	CommitTransactionCommand();
	in_pass = false;
	QueryCancelPending = false;
	if (pass.look)
		look_at = GetCurrentTimestamp() + LOOK_SHARE * pass.looked_for;
	if (pass.done)
		paysafe_seal_shared_sealed(pass.below);
	pgstat_report_stat(pass.leaves > 0);
	pgstat_report_activity(STATE_IDLE, NULL);
	*leaves = pass.leaves;
	*more = pass.more;
	if (pass.leaves > 0)
		summarize(pass.below);
	return present;
}

/* What is in the log is found by its index.  Of very many rows, some at a time. */
static void
index_log(void)
{
	int64		rows;

	do
	{
		SetCurrentStatementStartTimestamp();
		in_pass = true;
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		pgstat_report_activity(STATE_RUNNING, "indexing the audit log");
		rows = paysafe_audit_index_step(false);
		PopActiveSnapshot();
		CommitTransactionCommand();
		in_pass = false;
		QueryCancelPending = false;
		pgstat_report_stat(rows > 0);
		pgstat_report_activity(STATE_IDLE, NULL);
	} while (rows > 100000 && !ShutdownRequestPending);
}

/* Wait so long, or until somebody sets the latch; true: to leave. */
static bool
pause_for(long milliseconds, bool *woken)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	long		left = milliseconds;

	*woken = false;
	while (left > 0 && !*woken && !ShutdownRequestPending)
	{
		*woken = (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							Min(left, LOOK), PG_WAIT_EXTENSION) & WL_LATCH_SET) != 0;
		ResetLatch(MyLatch);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (paysafe_seal_shared_make_room())
			return true;
		if (!*woken && paysafe_worker_is_in_the_way())
			return true;
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
	}
	return ShutdownRequestPending;
}

/* How long until the next pass, when there is something to seal, or something holds it back? */
static long
pause_before_next(uint64 leaves, long last)
{
	bool		waited_for = paysafe_seal_shared_waiters() > 0;

	if (leaves > 0)
		return waited_for ? FIRST_LOOK : interval;
	/* nothing could be sealed */
	return Min(Max(2 * last, waited_for ? FIRST_LOOK : interval / 2), waited_for ? 100 : Max(LAST_LOOK, interval));
}

void
paysafe_seal_worker_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);
	uint64		leaves;
	bool		more;
	uint64		all = 0;
	bool		looked = false;	/* for what a server that was stopped has left to publish */
	long		pause = 0;
	bool		woken;

	pqsignal(SIGTERM, request_end);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	if (!paysafe_seal_shared_attach(database))
		proc_exit(0);
	before_shmem_exit(sealer_gone, arg);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	paysafe_worker_settle("10s");
	while (!ShutdownRequestPending)
	{
		if (!seal(&leaves, &more))
		{
			/* no extension; whoever creates it here, and writes, wakes another one */
			paysafe_seal_shared_sealed(U64FromFullTransactionId(ReadNextFullTransactionId()));
			(void) paysafe_seal_shared_detach(true);
			break;
		}
		all += leaves;
		if (!ShutdownRequestPending && !more)
			index_log();
		if (leaves > 0 || !looked)
			paysafe_publish_worker_ensure();
		looked = true;
		if (paysafe_seal_shared_pending(true))
		{
			pause = more ? 1 : pause_before_next(leaves, pause);
			if (pause_for(pause, &woken))
				break;
			continue;
		}
		pause = 0;
		/* one that found nothing has nothing to wait for */
		woken = false;
		if (all > 0 && pause_for(LINGER, &woken))
			break;
		if (!woken && paysafe_seal_shared_detach(true))
			break;
	}
	proc_exit(0);
}

/* Launcher */

static void
start_sealer(Oid database)
{
	static TimestampTz warned_at = 0;
	if (!paysafe_worker_start("paysafe sealer", "paysafe_seal_worker_main", database, NULL) &&
		TimestampDifferenceExceeds(warned_at, GetCurrentTimestamp(), 60000))
	{
		warned_at = GetCurrentTimestamp();
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free to seal paysafe's audit log"),
				 errhint("Raise max_worker_processes.")));
	}
}

void
paysafe_seal_worker_begin(void)
{
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	paysafe_seal_shared_announce_launcher();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datallowconn && !form->datistemplate)
			paysafe_seal_shared_suspect(form->oid);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
}

void
paysafe_seal_worker_launch(void)
{
	Oid			database;

	while (OidIsValid(database = paysafe_seal_shared_next()))
	{
		if (paysafe_worker_database_is_gone(database))
			paysafe_seal_shared_forget(database);
		else
			start_sealer(database);
	}
}

void
paysafe_seal_worker_preload(void)
{
	DefineCustomIntVariable("paysafe.seal_interval",
							"How long sealing waits for more rows; paysafe.wait_sealed does not wait for it.",
							NULL, &interval, 500, 10, 60000, PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomStringVariable("paysafe.seal_origin",
							   "Name of the sealed log in its checkpoints; empty: made of server and database. The incarnation's number is added.",
							   NULL, &origin, "", PGC_SIGHUP, 0,
							   NULL, NULL, NULL);
}
