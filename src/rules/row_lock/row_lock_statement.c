/*-------------------------------------------------------------------------
 *
 * row_lock_statement.c
 *	  The statements under way: what they do to columns, and which rows they find
 *	  locked.
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
#include "storage/bufmgr.h"
#include "tcop/pquery.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "rules/row_lock/row_lock_state.h"
#include "rules/row_lock/row_lock_statement.h"

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

/* What the statement does to a column of a leaf. */
typedef struct JudgedColumn
{
	Oid			leaf;			/* hash key, with the next */
	AttrNumber	attnum;
	PlanVerdict verdict;
} JudgedColumn;

typedef struct Statement
{
	QueryDesc  *query;
	List	   *watches;
	HTAB	   *judged;			/* JudgedColumn; NULL: none */
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

/* Plans are walked once for a column, not for each row. */
static PlanVerdict
verdict_of_statement(Statement *statement, Relation leaf, AttrNumber attnum, const char *column)
{
	struct
	{
		Oid			leaf;
		AttrNumber	attnum;
	}			key;
	MemoryContext query_context = statement->query->estate->es_query_cxt;
	JudgedColumn *judged;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.leaf = RelationGetRelid(leaf);
	key.attnum = attnum;
	if (statement->judged == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(key), .entrysize = sizeof(JudgedColumn), .hcxt = query_context
		};

		statement->judged = hash_create("paysafe judged columns", 16, &ctl,
										HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	judged = hash_search(statement->judged, &key, HASH_FIND, &found);
	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(query_context);
		PlanVerdict verdict = paysafe_row_lock_plan_verdict(statement->query->plannedstmt,
															statement->query->params, leaf, column);

		MemoryContextSwitchTo(old);
		judged = hash_search(statement->judged, &key, HASH_ENTER, NULL);
		judged->verdict = verdict;
	}
	return judged->verdict;
}

PlanVerdict
paysafe_row_lock_statement_verdict(Relation leaf, AttrNumber attnum, const char *column, bool *watched)
{
	PlanVerdict result = {.assignment = ASSIGN_UNKNOWN};
	ListCell   *lc;

	*watched = true;
	for (Statement *s = statements; s != NULL; s = s->outer)
	{
		result = verdict_of_statement(s, leaf, attnum, column);
		if (result.assignment != ASSIGN_UNKNOWN)
			return result;
	}
	/* the library was loaded by this statement, and no hook saw it start */
	*watched = false;
	if (ActivePortal != NULL)
		foreach(lc, ActivePortal->stmts)
			result = paysafe_row_lock_plan_worse(result,
												 paysafe_row_lock_plan_verdict(lfirst(lc), ActivePortal->portalParams,
																			   leaf, column));
	return result;
}

bool
paysafe_row_lock_statement_found_locked(Oid leaf, ItemPointer tid)
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
sets_guarded_column(Statement *statement, ModifyTableState *state)
{
	ModifyTable *modify = (ModifyTable *) state->ps.plan;

	for (int i = 0; i < state->mt_nrels && i < list_length(modify->resultRelations); i++)
	{
		Relation	leaf = state->resultRelInfo[i].ri_RelationDesc;
		const RowLockState *rule = paysafe_row_lock_state_of(leaf);

		for (int j = 0; rule != NULL && j < rule->n; j++)
			if (verdict_of_statement(statement, leaf, rule->attnums[j],
									 rule->names[j]).assignment == ASSIGN_ABSOLUTE)
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
			sets_guarded_column(statement, modify))
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
