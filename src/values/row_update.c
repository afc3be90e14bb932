/*-------------------------------------------------------------------------
 *
 * row_update.c
 *	  Changing a row of a user's table on behalf of a rule.
 *
 * The executor's functions for logical replication do what is needed: a row
 * that is known, no plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "values/row_update.h"

struct RowUpdater
{
	EState	   *estate;
	ResultRelInfo *result;
	EPQState	epqstate;
	AttrNumber	attnum;
	TupleTableSlot *row;		/* the new version */
};

static Oid	running = InvalidOid;

RowUpdater *
paysafe_row_update_begin(Relation leaf, AttrNumber attnum)
{
	RowUpdater *updater = palloc0(sizeof(RowUpdater));
	EState	   *estate = CreateExecutorState();
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);

	updater->estate = estate;
	updater->attnum = attnum;
	init_update_range_table_compat(estate, leaf,
								   bms_make_singleton(attnum - FirstLowInvalidHeapAttributeNumber));
	updater->result = makeNode(ResultRelInfo);
	InitResultRelInfo(updater->result, leaf, 1, NULL, 0);
	ExecOpenIndices(updater->result, false);
	/* AFTER triggers find it here */
	estate->es_opened_result_relations = list_make1(updater->result);
	init_evalplanqual_compat(&updater->epqstate, estate);
	updater->row = ExecInitExtraTupleSlot(estate, RelationGetDescr(leaf), &TTSOpsVirtual);
	MemoryContextSwitchTo(old);
	return updater;
}

void
paysafe_row_update_row(RowUpdater *updater, TupleTableSlot *locked, Datum value)
{
	EState	   *estate = updater->estate;
	TupleTableSlot *row = updater->row;
	Oid			outer = running;
	int			natts = row->tts_tupleDescriptor->natts;
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	slot_getallattrs(locked);
	ExecClearTuple(row);
	memcpy(row->tts_values, locked->tts_values, natts * sizeof(Datum));
	memcpy(row->tts_isnull, locked->tts_isnull, natts * sizeof(bool));
	row->tts_values[updater->attnum - 1] = value;
	row->tts_isnull[updater->attnum - 1] = false;
	ExecStoreVirtualTuple(row);

	PushActiveSnapshot(GetTransactionSnapshot());
	estate->es_snapshot = GetActiveSnapshot();
	estate->es_output_cid = GetCurrentCommandId(true);
	PG_TRY();
	{
		running = RelationGetRelid(updater->result->ri_RelationDesc);
		AfterTriggerBeginQuery();
		ExecSimpleRelationUpdate(updater->result, estate, &updater->epqstate, locked, row);
		AfterTriggerEndQuery(estate);
	}
	PG_FINALLY();
	{
		running = outer;
	}
	PG_END_TRY();
	PopActiveSnapshot();

	MemoryContextSwitchTo(old);
	ExecClearTuple(row);
	ResetPerTupleExprContext(estate);
}

bool
paysafe_row_update_is_running(Oid leaf)
{
	return OidIsValid(running) && running == leaf;
}

void
paysafe_row_update_end(RowUpdater *updater)
{
	EState	   *estate = updater->estate;

	EvalPlanQualEnd(&updater->epqstate);
	ExecCloseIndices(updater->result);
	/* the table is the caller's; this closes what triggers needed */
	estate->es_opened_result_relations = NIL;
	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	pfree(updater);
}
