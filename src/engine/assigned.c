/*-------------------------------------------------------------------------
 *
 * assigned.c
 *	  Which columns the statement under way assigns.
 *
 * An AFTER trigger is told the columns of an UPDATE, but none for a row that moved to
 * another partition, and those of all branches for MERGE.  The plan knows them.  Which
 * branch of a MERGE a row met is seen when the branch computes the new row, and
 * remembered for rows that changed under the statement: for the others nobody asks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "engine/assigned.h"
#include "store/catalog.h"

/* A branch of a MERGE that updates rows of one leaf. */
typedef struct Branch
{
	Oid			leaf;
	List	   *columns;		/* attribute numbers that it assigns */
	ExprState  *projection;		/* computes the new row */
	ExprStateEvalFunc evaluate; /* of the projection, when it is not watched */
} Branch;

/* A row that changed under the statement, and the branch that it met last. */
typedef struct MergedRow
{
	struct
	{
		Oid			leaf;
		ItemPointerData tid;
	}			key;
	const Branch *branch;
} MergedRow;

typedef struct Statement
{
	QueryDesc  *query;
	List	   *branches;
	HTAB	   *merged;			/* of MergedRow; NULL: none */
	struct Statement *outer;
} Statement;

static Statement *statements = NULL;	/* innermost first; each in its query's context */

static void
forget_statement(void *arg)
{
	for (Statement **s = &statements; *s != NULL; s = &(*s)->outer)
		if (*s == arg)
		{
			*s = (*s)->outer;
			return;
		}
}

/*
 * Plans
 */

int
paysafe_assigned_target(PlannedStmt *statement, ModifyTable *modify, Relation leaf)
{
	List	   *ancestors;

	for (int i = 0; i < list_length(modify->resultRelations); i++)
		if (rt_fetch(list_nth_int(modify->resultRelations, i), statement->rtable)->relid == RelationGetRelid(leaf))
			return i;
	/* rows find their partition while the statement runs */
	ancestors = paysafe_catalog_ancestors(RelationGetRelid(leaf));
	for (int i = 0; i < list_length(modify->resultRelations); i++)
		if (list_member_oid(ancestors, rt_fetch(list_nth_int(modify->resultRelations, i), statement->rtable)->relid))
			return i;
	if (modify->rootRelation != 0 &&
		list_member_oid(ancestors, rt_fetch(modify->rootRelation, statement->rtable)->relid))
		return 0;
	return -1;
}

static bool
node_assigns(PlannedStmt *statement, ModifyTable *modify, int target, const char *column)
{
	Oid			relid = rt_fetch(list_nth_int(modify->resultRelations, target), statement->rtable)->relid;
	AttrNumber	attnum = get_attnum(relid, column);
	ListCell   *lc;

	if (modify->operation == CMD_UPDATE)
		return list_member_int(list_nth(modify->updateColnosLists, target), attnum);
	if (modify->operation == CMD_MERGE && modify->mergeActionLists != NIL)
		foreach(lc, list_nth(modify->mergeActionLists, target))
		{
			MergeAction *action = lfirst(lc);

			if (action->commandType == CMD_UPDATE && list_member_int(action->updateColnos, attnum))
				return true;
		}
	return list_member_int(modify->onConflictCols, attnum);
}

/* Does the statement change rows of the leaf?  *assigns: this column, in some branch. */
static bool
statement_changes(PlannedStmt *statement, Relation leaf, const char *column, bool *assigns)
{
	List	   *plans = lcons(statement->planTree, list_copy(statement->subplans));
	bool		result = false;
	ListCell   *lc;

	*assigns = false;
	if (statement->commandType == CMD_UTILITY)
		return false;
	foreach(lc, plans)
	{
		ModifyTable *modify = lfirst(lc);
		int			target;

		if (modify == NULL || !IsA(modify, ModifyTable) || modify->operation == CMD_DELETE)
			continue;
		target = paysafe_assigned_target(statement, modify, leaf);
		if (target < 0)
			continue;
		result = true;
		*assigns |= node_assigns(statement, modify, target, column);
	}
	return result;
}

bool
paysafe_assigned_column(Relation leaf, ItemPointer tid, const char *column)
{
	MergedRow	row;
	bool		assigns;
	ListCell   *lc;

	memset(&row, 0, sizeof(row));
	row.key.leaf = RelationGetRelid(leaf);
	row.key.tid = *tid;
	for (Statement *s = statements; s != NULL; s = s->outer)
	{
		MergedRow  *merged = s->merged ? hash_search(s->merged, &row.key, HASH_FIND, NULL) : NULL;

		if (merged != NULL)
			return list_member_int(merged->branch->columns, get_attnum(row.key.leaf, column));
		if (statement_changes(s->query->plannedstmt, leaf, column, &assigns))
			return assigns;
	}
	/* the library was loaded by this statement, and no hook saw it start */
	if (ActivePortal != NULL)
		foreach(lc, ActivePortal->stmts)
			if (statement_changes(lfirst(lc), leaf, column, &assigns))
				return assigns;
	return true;
}

/*
 * Branches of MERGE
 */

/* The branch has computed a new row for the one that the context holds. */
static void
note_row(Statement *statement, const Branch *branch, TupleTableSlot *old_row)
{
	Snapshot	snapshot = statement->query->estate->es_snapshot;
	TransactionId xmin;
	MergedRow	row;
	MergedRow  *merged;

	if (!TTS_IS_BUFFERTUPLE(old_row) || TupIsNull(old_row))
		return;
	xmin = HeapTupleHeaderGetXmin(((HeapTupleTableSlot *) old_row)->tuple->t_data);
	if (!TransactionIdIsNormal(xmin) || TransactionIdIsCurrentTransactionId(xmin) ||
		!IsMVCCSnapshot(snapshot) || !XidInMVCCSnapshot(xmin, snapshot))
		return;
	memset(&row, 0, sizeof(row));
	row.key.leaf = branch->leaf;
	row.key.tid = old_row->tts_tid;
	if (statement->merged == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(row.key), .entrysize = sizeof(MergedRow),
			.hcxt = statement->query->estate->es_query_cxt
		};

		statement->merged = hash_create("paysafe merged rows", 16, &ctl,
										HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	merged = hash_search(statement->merged, &row.key, HASH_ENTER, NULL);
	merged->branch = branch;
}

/* Takes the place of a branch's projection. */
static Datum
watched_projection(ExprState *projection, ExprContext *context, bool *isnull)
{
	for (Statement *s = statements; s != NULL; s = s->outer)
	{
		ListCell   *lc;

		foreach(lc, s->branches)
		{
			Branch	   *branch = lfirst(lc);
			Datum		result;

			if (branch->projection != projection)
				continue;
			/* the first call replaces itself by another function */
			projection->evalfunc = branch->evaluate;
			result = projection->evalfunc(projection, context, isnull);
			branch->evaluate = projection->evalfunc;
			projection->evalfunc = watched_projection;
			note_row(s, branch, context->ecxt_scantuple);
			return result;
		}
	}
	elog(ERROR, "branch of MERGE is not watched");
	return (Datum) 0;
}

static void
watch_branches(Statement *statement, ResultRelInfo *target)
{
	ListCell   *lc;

	foreach(lc, merge_actions_compat(target))
	{
		MergeActionState *action = lfirst(lc);
		Branch	   *branch;

		if (action->mas_action->commandType != CMD_UPDATE)
			continue;
		branch = palloc(sizeof(Branch));
		branch->leaf = RelationGetRelid(target->ri_RelationDesc);
		branch->columns = action->mas_action->updateColnos;
		branch->projection = &action->mas_proj->pi_state;
		branch->evaluate = branch->projection->evalfunc;
		branch->projection->evalfunc = watched_projection;
		statement->branches = lappend(statement->branches, branch);
	}
}

/* Most tables of most databases carry nothing of paysafe's. */
static bool
is_protected(const ResultRelInfo *target)
{
	TriggerDesc *triggers = target->ri_RelationDesc->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, PAYSAFE_ROW_TRIGGER) == 0)
			return true;
	return false;
}

void
paysafe_assigned_statement_started(QueryDesc *query)
{
	Statement  *statement = NULL;
	List	   *states;
	ListCell   *lc;
	MemoryContext old;

	if (query->plannedstmt->commandType == CMD_UTILITY || query->planstate == NULL ||
		(query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE))
		return;
	old = MemoryContextSwitchTo(query->estate->es_query_cxt);
	states = lcons(query->planstate, list_copy(query->estate->es_subplanstates));
	foreach(lc, states)
	{
		ModifyTableState *modify = lfirst(lc);

		if (modify == NULL || !IsA(modify, ModifyTableState) || modify->mt_nrels == 0 ||
			(modify->operation != CMD_UPDATE && modify->operation != CMD_MERGE &&
			 ((ModifyTable *) modify->ps.plan)->onConflictAction != ONCONFLICT_UPDATE) ||
			!is_protected(&modify->resultRelInfo[0]))
			continue;
		if (statement == NULL)
		{
			MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

			statement = palloc0(sizeof(Statement));
			statement->query = query;
			statement->outer = statements;
			statements = statement;
			callback->func = forget_statement;
			callback->arg = statement;
			MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
		}
		if (modify->operation == CMD_MERGE)
			for (int i = 0; i < modify->mt_nrels; i++)
				watch_branches(statement, &modify->resultRelInfo[i]);
	}
	list_free(states);
	MemoryContextSwitchTo(old);
}
