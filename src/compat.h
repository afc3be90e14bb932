/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between the supported PostgreSQL versions (15 to 18).
 *
 * The only file that tests PG_VERSION_NUM.  Each wrapper is a typed inline
 * function named after the newest API with the suffix _compat.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_COMPAT_H
#define PAYSAFE_COMPAT_H

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "nodes/tidbitmap.h"
#include "parser/parse_relation.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/guc_tables.h"
#include "utils/rel.h"

#if PG_VERSION_NUM < 150000
#error "paysafe needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* PostgreSQL 18 replaced pg_attribute_noreturn() by a prefix */
#if PG_VERSION_NUM >= 180000
#define PAYSAFE_NORETURN pg_noreturn
#else
#define PAYSAFE_NORETURN __attribute__((noreturn))
#endif

/* Which of this backend's transactions is under way? */
static inline LocalTransactionId
local_transaction_compat(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

/* Does the role own the relation?  Superusers own everything. */
static inline bool
relation_ownercheck_compat(Oid relid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, roleid);
#else
	return pg_class_ownercheck(relid, roleid);
#endif
}

/* May the role execute the function? */
static inline AclResult
function_aclcheck_compat(Oid function, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, roleid, ACL_EXECUTE);
#else
	return pg_proc_aclcheck(function, roleid, ACL_EXECUTE);
#endif
}

/*
 * Does the membership lead to the other role's rights, by itself, by SET ROLE, or by being able to grant
 * either?  PostgreSQL 16 can grant one that does not.
 */
static inline bool
membership_counts_compat(Form_pg_auth_members membership)
{
#if PG_VERSION_NUM >= 160000
	return membership->inherit_option || membership->set_option || membership->admin_option;
#else
	(void) membership;
	return true;
#endif
}

/* Start an index scan; PostgreSQL 18 added instrumentation. */
static inline IndexScanDesc
index_beginscan_compat(Relation heap, Relation index, Snapshot snapshot,
					   int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

/* Start an index scan that gives a bitmap; PostgreSQL 18 added instrumentation. */
static inline IndexScanDesc
index_beginscan_bitmap_compat(Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan_bitmap(index, snapshot, NULL, nkeys);
#else
	return index_beginscan_bitmap(index, snapshot, nkeys);
#endif
}

/* The blocks of a bitmap in order; PostgreSQL 18 has another iterator. */
typedef struct BitmapBlocks
{
#if PG_VERSION_NUM >= 180000
	TBMPrivateIterator *iterator;
#else
	TBMIterator *iterator;
#endif
} BitmapBlocks;

static inline void
bitmap_blocks_begin_compat(TIDBitmap *bitmap, BitmapBlocks *blocks)
{
#if PG_VERSION_NUM >= 180000
	blocks->iterator = tbm_begin_private_iterate(bitmap);
#else
	blocks->iterator = tbm_begin_iterate(bitmap);
#endif
}

/* The next one, or InvalidBlockNumber. */
static inline BlockNumber
bitmap_blocks_next_compat(BitmapBlocks *blocks)
{
#if PG_VERSION_NUM >= 180000
	TBMIterateResult result;

	return tbm_private_iterate(blocks->iterator, &result) ? result.blockno : InvalidBlockNumber;
#else
	TBMIterateResult *result = tbm_iterate(blocks->iterator);

	return result != NULL ? result->blockno : InvalidBlockNumber;
#endif
}

static inline void
bitmap_blocks_end_compat(BitmapBlocks *blocks)
{
#if PG_VERSION_NUM >= 180000
	tbm_end_private_iterate(blocks->iterator);
#else
	tbm_end_iterate(blocks->iterator);
#endif
}

/* Is the column computed when it is read?  New in PostgreSQL 18. */
static inline bool
is_virtual_column_compat(Form_pg_attribute att)
{
#if PG_VERSION_NUM >= 180000
	return att->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
	(void) att;
	return false;
#endif
}

/* Release what an index keeps between inserts; new in PostgreSQL 17. */
static inline void
index_insert_cleanup_compat(Relation index, IndexInfo *info)
{
#if PG_VERSION_NUM >= 170000
	index_insert_cleanup(index, info);
#else
	(void) index;
	(void) info;
#endif
}

/* Add a new row's index entries; PostgreSQL 16 added summarizing indexes. */
static inline List *
insert_index_tuples_compat(ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false);
#else
	return ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL);
#endif
}

/*
 * Update a tuple that the transaction has locked.  Does the new version need index
 * entries?  Of BRIN alone (PostgreSQL 16) it would: no table that is updated this
 * way has one.
 */
static inline bool
update_tuple_compat(Relation rel, ItemPointer tid, TupleTableSlot *slot, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes needed;

	simple_table_tuple_update(rel, tid, slot, snapshot, &needed);
	if (needed == TU_Summarizing)
		elog(ERROR, "\"%s\" must not have a summarizing index", RelationGetRelationName(rel));
	return needed == TU_All;
#else
	bool		needed;

	simple_table_tuple_update(rel, tid, slot, snapshot, &needed);
	return needed;
#endif
}

/* Has the transaction ended?  Without waiting; PostgreSQL 18 may log that it has not. */
static inline bool
conditional_xact_wait_compat(TransactionId xid)
{
#if PG_VERSION_NUM >= 180000
	return ConditionalXactLockTableWait(xid, false);
#else
	return ConditionalXactLockTableWait(xid);
#endif
}

/* Give the executor one table to update, and the columns that change. */
static inline void
init_update_range_table_compat(EState *estate, Relation rel, Bitmapset *columns)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
#if PG_VERSION_NUM >= 160000
	List	   *permissions = NIL;
#endif

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
	addRTEPermissionInfo(&permissions, rte)->updatedCols = columns;
#else
	rte->updatedCols = columns;
#endif
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(rte), permissions, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(estate, list_make1(rte), permissions);
#else
	ExecInitRangeTable(estate, list_make1(rte));
#endif
}

/*
 * What the hook on privileges is given, and the privileges that a range table
 * entry needs: PostgreSQL 16 moved them to a list of their own.
 */
#if PG_VERSION_NUM >= 160000
#define CHECK_PERMS_PARAMS_COMPAT List *range_table, List *permissions, bool raise
#define CHECK_PERMS_ARGS_COMPAT range_table, permissions, raise
#define REQUIRED_PERMS_COMPAT(rte) \
	((rte)->perminfoindex == 0 ? 0 : getRTEPermissionInfo(permissions, rte)->requiredPerms)
#else
#define CHECK_PERMS_PARAMS_COMPAT List *range_table, bool raise
#define CHECK_PERMS_ARGS_COMPAT range_table, raise
#define REQUIRED_PERMS_COMPAT(rte) ((rte)->requiredPerms)
#endif

/* ALTER TABLE ... ALTER COLUMN ... SET EXPRESSION: new in PostgreSQL 17 */
static inline bool
sets_expression_compat(const AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 170000
	return cmd->subtype == AT_SetExpression;
#else
	(void) cmd;
	return false;
#endif
}

/* The actions of a MERGE that may update rows of the target; PostgreSQL 17 sorts them. */
static inline List *
merge_actions_compat(ResultRelInfo *target)
{
#if PG_VERSION_NUM >= 170000
	return list_concat_copy(target->ri_MergeActions[MERGE_WHEN_MATCHED],
							target->ri_MergeActions[MERGE_WHEN_NOT_MATCHED_BY_SOURCE]);
#else
	return target->ri_matchedMergeAction;
#endif
}

/* All settings that are known now; PostgreSQL 16 keeps them in a hash table. */
static inline struct config_generic **
guc_variables_compat(int *n)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(n);
#else
	*n = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* The n-th session, counted from 1, as of this transaction; PostgreSQL 16 renamed it. */
static inline LocalPgBackendStatus *
local_beentry_compat(int n)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(n);
#else
	return pgstat_fetch_stat_local_beentry(n);
#endif
}

/* An EvalPlanQual that has nothing to evaluate; PostgreSQL 16 added a list. */
static inline void
init_evalplanqual_compat(EPQState *epqstate, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1);
#endif
}

#endif							/* PAYSAFE_COMPAT_H */
