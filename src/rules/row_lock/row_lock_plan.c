/*-------------------------------------------------------------------------
 *
 * row_lock_plan.c
 *	  What a statement does to a column, and which rows it finds locked.
 *
 * A plan says whether a column's new value is computed from the column itself:
 * the expression, followed down through joins and appends, has a Var of it on
 * the row that is changed.
 *
 * FOR NO KEY UPDATE leaves no trace in a row that is updated afterwards, because
 * an UPDATE takes the same lock.  So the rows that a statement is about to change
 * are looked at when its plan hands them over, before it has touched them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "storage/bufmgr.h"
#include "tcop/pquery.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "rules/kinds.h"
#include "rules/row_lock/row_lock.h"
#include "store/catalog.h"
#include "store/own_trigger.h"

const RowLockState *
paysafe_row_lock_state(Relation leaf)
{
	const RelationRules *rules;

	/* most tables of most databases: nothing of paysafe's to look up */
	if (paysafe_own_trigger_of(leaf, OWN_ROW_TRIGGER) == NULL)
		return NULL;
	rules = paysafe_rules_of(leaf);
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_row_lock_kind)
			return rules->rules[i].compiled;
	return NULL;
}

/*
 * Plans
 */

typedef struct ColumnSearch
{
	PlannedStmt *statement;
	ModifyTable *modify;
	const char *column;
	Plan	   *plan;			/* whose target list the expression is from */
} ColumnSearch;

static bool reads_column(Node *node, ColumnSearch *search);

/* The same in an expression of a plan below. */
static bool
reads_below(Plan *plan, AttrNumber attno, const ColumnSearch *search)
{
	ColumnSearch below = *search;
	TargetEntry *entry;

	if (plan == NULL || attno <= 0 || attno > list_length(plan->targetlist))
		return false;
	below.plan = plan;
	entry = list_nth(plan->targetlist, attno - 1);
	return reads_column((Node *) entry->expr, &below);
}

static Plan *
outer_plan(Plan *plan)
{
	if (IsA(plan, Append))
		return linitial(((Append *) plan)->appendplans);
	if (IsA(plan, MergeAppend))
		return linitial(((MergeAppend *) plan)->mergeplans);
	return outerPlan(plan);
}

/* Does the expression read the column of the row that is changed? */
static bool
reads_column(Node *node, ColumnSearch *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		Oid			relid;

		if (var->varno == OUTER_VAR)
			return search->plan != NULL && reads_below(outer_plan(search->plan), var->varattno, search);
		if (var->varno == INNER_VAR)
			return search->plan != NULL && reads_below(innerPlan(search->plan), var->varattno, search);
		if (search->plan != NULL && IsA(search->plan, SubqueryScan) &&
			var->varno == ((SubqueryScan *) search->plan)->scan.scanrelid)
			return reads_below(((SubqueryScan *) search->plan)->subplan, var->varattno, search);
		if (IS_SPECIAL_VARNO(var->varno) || var->varlevelsup > 0 ||
			!(list_member_int(search->modify->resultRelations, var->varno) ||
			  var->varno == search->modify->rootRelation ||
			  var->varno == search->modify->nominalRelation))
			return false;
		if (var->varattno == 0)
			return true;		/* the whole row */
		relid = rt_fetch(var->varno, search->statement->rtable)->relid;
		return var->varattno > 0 &&
			strcmp(get_attname(relid, var->varattno, false), search->column) == 0;
	}
	return expression_tree_walker(node, reads_column, search);
}

/* The worse of two: what one part of a statement does counts for all of it. */
static Assignment
worse(Assignment a, Assignment b)
{
	return a > b ? a : b;
}

/* What a target list does; columns are those that its entries are for. */
static Assignment
assignment_of_list(List *targetlist, List *columns, AttrNumber attnum, ColumnSearch *search)
{
	Assignment	result = ASSIGN_NONE;
	ListCell   *entry;
	ListCell   *column;

	forboth(entry, targetlist, column, columns)
	{
		TargetEntry *target = lfirst(entry);

		if (lfirst_int(column) == attnum)
			result = worse(result, reads_column((Node *) target->expr, search) ?
						   ASSIGN_COMPUTED : ASSIGN_ABSOLUTE);
	}
	return result;
}

/* What a statement does to the column of its n-th target. */
static Assignment
assignment_of_target(PlannedStmt *statement, ModifyTable *modify, int n, const char *column)
{
	Index		rti = list_nth_int(modify->resultRelations, n);
	AttrNumber	attnum = get_attnum(rt_fetch(rti, statement->rtable)->relid, column);
	ColumnSearch search = {.statement = statement, .modify = modify, .column = column};
	Assignment	result = ASSIGN_NONE;
	ListCell   *lc;

	if (modify->operation == CMD_UPDATE)
	{
		/* the plan below computes the new values, after it those of no column */
		search.plan = outerPlan(modify);
		result = assignment_of_list(search.plan->targetlist, list_nth(modify->updateColnosLists, n),
									attnum, &search);
	}
	/* these are expressions of the node itself */
	search.plan = NULL;
	if (modify->onConflictSet != NIL)
		result = worse(result, assignment_of_list(modify->onConflictSet, modify->onConflictCols,
												  attnum, &search));
	if (modify->mergeActionLists != NIL)
		foreach(lc, list_nth(modify->mergeActionLists, n))
		{
			MergeAction *action = lfirst(lc);

			if (action->commandType == CMD_UPDATE)
				result = worse(result, assignment_of_list(action->targetList, action->updateColnos,
														  attnum, &search));
		}
	return result;
}

/* The target of the node that rows of the leaf belong to, or -1. */
static int
target_of(PlannedStmt *statement, ModifyTable *modify, Relation leaf)
{
	List	   *ancestors = NIL;

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

/* What a planned statement, its WITH parts included, does to the leaf's column. */
static Assignment
assignment_of_statement(PlannedStmt *statement, Relation leaf, const char *column)
{
	List	   *plans = lcons(statement->planTree, list_copy(statement->subplans));
	Assignment	result = ASSIGN_UNKNOWN;
	ListCell   *lc;

	if (statement->commandType == CMD_UTILITY)
		return ASSIGN_UNKNOWN;
	foreach(lc, plans)
	{
		ModifyTable *modify = lfirst(lc);
		int			target;

		if (modify == NULL || !IsA(modify, ModifyTable))
			continue;
		target = target_of(statement, modify, leaf);
		if (target >= 0)
			result = worse(result, assignment_of_target(statement, modify, target, column));
	}
	return result;
}

/*
 * Statements under way
 */

typedef struct LockedRow
{
	Oid			leaf;
	ItemPointerData tid;
} LockedRow;

/* A ModifyTable whose rows are watched. */
typedef struct Watch
{
	ModifyTableState *modify;
	PlanState  *source;			/* hands over its rows */
	ExecProcNodeMtd next_row;	/* of the source, when it is not watched */
} Watch;

typedef struct Statement
{
	QueryDesc  *query;
	List	   *watches;
	HTAB	   *locked;			/* rows that were locked; NULL: none */
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

Assignment
paysafe_row_lock_assignment(Relation leaf, const char *column, bool *watched)
{
	Assignment	result = ASSIGN_UNKNOWN;
	ListCell   *lc;

	*watched = true;
	for (Statement *s = statements; s != NULL; s = s->outer)
	{
		result = assignment_of_statement(s->query->plannedstmt, leaf, column);
		if (result != ASSIGN_UNKNOWN)
			return result;
	}
	/* the library was loaded by this statement, and no hook saw it start */
	*watched = false;
	if (ActivePortal != NULL)
		foreach(lc, ActivePortal->stmts)
			result = worse(result, assignment_of_statement(lfirst(lc), leaf, column));
	return result;
}

bool
paysafe_row_lock_was_locked(Oid leaf, ItemPointer tid)
{
	LockedRow	row;

	memset(&row, 0, sizeof(row));
	row.leaf = leaf;
	row.tid = *tid;
	for (Statement *s = statements; s != NULL; s = s->outer)
		if (s->locked != NULL && hash_search(s->locked, &row, HASH_FIND, NULL) != NULL)
			return true;
	return false;
}

/* Does this transaction hold a lock on the row version that keeps writers out? */
static bool
is_locked(Relation leaf, ItemPointer tid)
{
	Buffer		buffer = ReadBuffer(leaf, ItemPointerGetBlockNumber(tid));
	HeapTupleHeaderData header;
	ItemId		item;
	bool		normal;
	bool		result = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	item = PageGetItemId(BufferGetPage(buffer), ItemPointerGetOffsetNumber(tid));
	normal = ItemIdIsNormal(item);
	if (normal)
		memcpy(&header, PageGetItem(BufferGetPage(buffer), item), SizeofHeapTupleHeader);
	UnlockReleaseBuffer(buffer);
	if (!normal || (header.t_infomask & HEAP_XMAX_INVALID) != 0)
		return false;
	if ((header.t_infomask & HEAP_XMAX_IS_MULTI) != 0)
	{
		MultiXactMember *members;
		int			n = GetMultiXactIdMembers(HeapTupleHeaderGetRawXmax(&header), &members, false,
											  HEAP_XMAX_IS_LOCKED_ONLY(header.t_infomask));

		for (int i = 0; i < n; i++)
			result |= (members[i].status == MultiXactStatusForNoKeyUpdate ||
					   members[i].status == MultiXactStatusForUpdate) &&
				TransactionIdIsCurrentTransactionId(members[i].xid);
		return result;
	}
	return HEAP_XMAX_IS_LOCKED_ONLY(header.t_infomask) &&
		HEAP_XMAX_IS_EXCL_LOCKED(header.t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(&header));
}

static void
note_row(Statement *statement, const Watch *watch, TupleTableSlot *slot)
{
	ModifyTableState *modify = watch->modify;
	ResultRelInfo *target = modify->resultRelInfo;
	LockedRow	row;
	bool		isnull;
	Datum		value;

	if (AttributeNumberIsValid(modify->mt_resultOidAttno))
	{
		value = ExecGetJunkAttribute(slot, modify->mt_resultOidAttno, &isnull);
		if (isnull)
			return;
		target = ExecLookupResultRelByOid(modify, DatumGetObjectId(value), true, false);
	}
	if (target == NULL || !AttributeNumberIsValid(target->ri_RowIdAttNo))
		return;
	value = ExecGetJunkAttribute(slot, target->ri_RowIdAttNo, &isnull);
	if (isnull)
		return;					/* MERGE: no such row */
	memset(&row, 0, sizeof(row));
	row.leaf = RelationGetRelid(target->ri_RelationDesc);
	row.tid = *(ItemPointer) DatumGetPointer(value);
	if (!is_locked(target->ri_RelationDesc, &row.tid))
		return;
	if (statement->locked == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(LockedRow), .entrysize = sizeof(LockedRow),
			.hcxt = statement->query->estate->es_query_cxt
		};

		statement->locked = hash_create("paysafe locked rows", 16, &ctl,
										HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(statement->locked, &row, HASH_ENTER, NULL);
}

/* Takes the place of a plan node's ExecProcNode. */
static TupleTableSlot *
next_watched_row(PlanState *source)
{
	for (Statement *s = statements; s != NULL; s = s->outer)
	{
		ListCell   *lc;

		foreach(lc, s->watches)
		{
			Watch	   *watch = lfirst(lc);
			TupleTableSlot *slot;

			if (watch->source != source)
				continue;
			/* the first call replaces itself by another function */
			source->ExecProcNode = watch->next_row;
			slot = source->ExecProcNode(source);
			watch->next_row = source->ExecProcNode;
			source->ExecProcNode = next_watched_row;
			if (!TupIsNull(slot))
				note_row(s, watch, slot);
			return slot;
		}
	}
	elog(ERROR, "plan node is not watched");
	return NULL;
}

/* Does the node set a guarded column of one of its targets absolutely? */
static bool
sets_guarded_column(const QueryDesc *query, ModifyTableState *state)
{
	ModifyTable *modify = (ModifyTable *) state->ps.plan;

	for (int i = 0; i < state->mt_nrels && i < list_length(modify->resultRelations); i++)
	{
		const RowLockState *rule = paysafe_row_lock_state(state->resultRelInfo[i].ri_RelationDesc);

		for (int j = 0; rule != NULL && j < rule->n; j++)
			if (assignment_of_statement(query->plannedstmt, state->resultRelInfo[i].ri_RelationDesc,
										rule->names[j]) == ASSIGN_ABSOLUTE)
				return true;
	}
	return false;
}

void
paysafe_row_lock_statement_started(QueryDesc *query)
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

		if (modify == NULL || !IsA(modify, ModifyTableState) || modify->operation == CMD_DELETE ||
			(modify->operation == CMD_INSERT &&
			 ((ModifyTable *) modify->ps.plan)->onConflictAction != ONCONFLICT_UPDATE))
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
		if ((modify->operation == CMD_UPDATE || modify->operation == CMD_MERGE) &&
			sets_guarded_column(query, modify))
		{
			Watch	   *watch = palloc(sizeof(Watch));

			watch->modify = modify;
			watch->source = outerPlanState(modify);
			watch->next_row = watch->source->ExecProcNode;
			watch->source->ExecProcNode = next_watched_row;
			statement->watches = lappend(statement->watches, watch);
		}
	}
	MemoryContextSwitchTo(old);
}
