/*-------------------------------------------------------------------------
 *
 * replica.c
 *	  Rows that logical replication brings.
 *
 * A worker of logical replication stores rows below the executor's entry, so it is
 * known by three things that no SQL can set: what process it is, that no statement
 * runs in it, and that the trigger is not fired from within another one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "replication/logicalworker.h"
#include "replication/worker_internal.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "store/own_table.h"
#include "store/replica.h"

static int	statements = 0;		/* under way in this worker */

static void
statement_ended(void *arg)
{
	statements--;
}

void
paysafe_replica_statement_started(QueryDesc *query)
{
	MemoryContextCallback *callback;

	if (likely(!IsLogicalWorker()))
		return;
	callback = MemoryContextAlloc(query->estate->es_query_cxt, sizeof(MemoryContextCallback));
	callback->func = statement_ended;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(query->estate->es_query_cxt, callback);
	statements++;
}

Oid
paysafe_replica_subscription(void)
{
	if (likely(!IsLogicalWorker()))
		return InvalidOid;
	/* the first statement may have been what loaded the library; SPI knows of it */
	if (statements > 0 || SPI_unregister_relation("") != SPI_ERROR_UNCONNECTED ||
		DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) != 1)
		return InvalidOid;
	return MyLogicalRepWorker->subid;
}

bool
paysafe_replica_brings(PaysafeTable table)
{
	List	   *tree;
	bool		found = false;
	ListCell   *lc;

	if (!IsLogicalWorker())
		return false;
	tree = find_all_inheritors(paysafe_catalog_table(table), NoLock, NULL);
	foreach(lc, tree)
		found |= SearchSysCacheExists2(SUBSCRIPTIONRELMAP, ObjectIdGetDatum(lfirst_oid(lc)),
									   ObjectIdGetDatum(MyLogicalRepWorker->subid));
	list_free(tree);
	return found;
}

bool
paysafe_replica_is_filling(void)
{
	return OidIsValid(paysafe_replica_subscription()) && !paysafe_store_is_active();
}
