/*-------------------------------------------------------------------------
 *
 * row_lock_plan.c
 *	  What a planned statement does to a column.
 *
 * A plan says whether a column's new value is computed from the one that the row
 * has, and what the row is compared with.
 *
 * Optimistic locks: "... WHERE id = 1 AND version = 7".  At READ COMMITTED, a row that
 * somebody else has changed since is compared again as it is now, before it is
 * changed (EvalPlanQual), so whatever the row is compared with holds for the version that is
 * changed.  Only what all rows must pass counts: conditions joined by AND, and not
 * those of outer joins, which let rows pass that do not meet them.  Only equality
 * with a value that came with the statement counts: what the statement itself has
 * looked up says nothing about what its sender had read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "engine/assigned.h"
#include "rules/row_lock/row_lock_batch.h"
#include "rules/row_lock/row_lock_compare.h"
#include "rules/row_lock/row_lock_plan.h"
#include "rules/row_lock/row_lock_value.h"

/*
 * Comparing
 */

/* The columns that a list of conditions, all of which hold, compares; and facts (row_lock_batch.h). */
static List *
compared_by(const ValuePlace *place, List *conditions)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		Node	   *condition = paysafe_row_lock_value_fold(place, lfirst(lc));
		Comparison	comparison;
		Node	   *fact;

		if (condition != NULL && IsA(condition, BoolExpr) && ((BoolExpr *) condition)->boolop == OR_EXPR)
			result = list_concat(result, paysafe_row_lock_batch_or(place, (BoolExpr *) condition));
		if (condition == NULL || !paysafe_row_lock_compare(place, condition, &comparison))
			continue;
		if (paysafe_row_lock_compare_is_given(place, &comparison))
			result = lappend(result, makeString(comparison.column));
		else if ((fact = paysafe_row_lock_batch_fact(place, &comparison)) != NULL)
			result = lappend(result, fact);
	}
	return result;
}

static List *compared_below(const ValuePlace *place, Plan *child);

/* What a join compares, and those of its sides that it hands over no more of. */
static List *
compared_by_join(const ValuePlace *place)
{
	Join	   *join = (Join *) place->plan;
	List	   *result = NIL;
	ValuePlace	inner;

	if (join->jointype == JOIN_INNER || join->jointype == JOIN_SEMI)
	{
		result = compared_by(place, join->joinqual);
		if (IsA(join, HashJoin))
			result = list_concat(result, compared_by(place, ((HashJoin *) join)->hashclauses));
		if (IsA(join, MergeJoin))
			result = list_concat(result, compared_by(place, ((MergeJoin *) join)->mergeclauses));
	}
	if (join->jointype == JOIN_INNER || join->jointype == JOIN_SEMI ||
		join->jointype == JOIN_LEFT || join->jointype == JOIN_ANTI)
		result = list_concat(result, compared_below(place, outerPlan(join)));
	if (join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT)
	{
		paysafe_row_lock_value_inner(place, &inner);
		result = list_concat(result, compared_below(&inner, inner.plan));
	}
	return result;
}

/* What a scan of a table has looked up by an index. */
static List *
compared_by_index(const ValuePlace *place)
{
	switch (nodeTag(place->plan))
	{
		case T_IndexScan:
			return compared_by(place, ((IndexScan *) place->plan)->indexqualorig);
		case T_BitmapHeapScan:
			return compared_by(place, ((BitmapHeapScan *) place->plan)->bitmapqualorig);
		default:
			return NIL;
	}
}

/* The columns that every row of the plan has been compared by. */
static List *
compared_in(const ValuePlace *place)
{
	Plan	   *plan = place->plan;
	List	   *branches = paysafe_row_lock_value_branches(plan);
	List	   *result;
	ListCell   *lc;

	if (branches != NIL)
	{
		result = compared_below(place, linitial(branches));
		for_each_from(lc, branches, 1)
			result = list_intersection(result, compared_below(place, lfirst(lc)));
		return result;
	}
	result = compared_by(place, plan->qual);
	if (IsA(plan, NestLoop) || IsA(plan, HashJoin) || IsA(plan, MergeJoin))
		return list_concat(result, compared_by_join(place));
	if (IsA(plan, SubqueryScan))
		return result;			/* no row of the target comes from there */
	result = list_concat(result, compared_by_index(place));
	return list_concat(result, compared_below(place, outerPlan(plan)));
}

static List *
compared_below(const ValuePlace *place, Plan *child)
{
	ValuePlace	below;

	if (child == NULL)
		return NIL;
	paysafe_row_lock_value_outer(place, child, &below);
	return compared_in(&below);
}

/*
 * Assigning
 */

PlanVerdict
paysafe_row_lock_plan_worse(PlanVerdict a, PlanVerdict b)
{
	if (a.assignment == ASSIGN_ABSOLUTE && b.assignment == ASSIGN_ABSOLUTE)
		a.compared = list_intersection(a.compared, b.compared);
	if (a.assignment < b.assignment)
	{
		b.null_branch |= a.null_branch;
		return b;
	}
	a.null_branch |= b.null_branch;
	return a;
}

/*
 * What a target list does; columns are those that its entries are for, and the
 * conditions hold for what it is done to.
 */
static PlanVerdict
verdict_of_list(const ValuePlace *place, List *columns, AttrNumber attnum, const char *column,
				List *compared)
{
	PlanVerdict result = {.assignment = ASSIGN_NONE};
	ListCell   *entry;
	ListCell   *number;

	forboth(entry, place->targetlist, number, columns)
	{
		PlanVerdict one = {.assignment = ASSIGN_ABSOLUTE};
		Node	   *expr = (Node *) ((TargetEntry *) lfirst(entry))->expr;

		if (lfirst_int(number) != attnum)
			continue;
		expr = paysafe_row_lock_value_fold(place, expr);
		if (paysafe_row_lock_value_depends(place, expr, column, &one.null_branch))
			one.assignment = ASSIGN_COMPUTED;
		else
			one.compared = paysafe_row_lock_batch_names(place, compared);
		result = paysafe_row_lock_plan_worse(result, one);
	}
	return result;
}

/* The same of a plan that hands over the rows of an UPDATE. */
static PlanVerdict
verdict_of_plan(ValuePlace place, List *columns, AttrNumber attnum, const char *column,
				List *compared)
{
	List	   *branches = paysafe_row_lock_value_branches(place.plan);
	PlanVerdict result = {.assignment = ASSIGN_UNKNOWN};
	ListCell   *lc;

	foreach(lc, branches)
	{
		place.plan = lfirst(lc);
		result = paysafe_row_lock_plan_worse(result,
											 verdict_of_plan(place, columns, attnum, column, compared));
	}
	if (branches != NIL)
		return result;
	place.targetlist = place.plan->targetlist;
	return verdict_of_list(&place, columns, attnum, column, compared);
}

/* What a statement does to the column of its n-th target. */
static PlanVerdict
verdict_of_target(PlannedStmt *statement, ParamListInfo params, ModifyTable *modify, int n,
				  List *key, const char *column)
{
	Index		rti = list_nth_int(modify->resultRelations, n);
	AttrNumber	attnum = get_attnum(rt_fetch(rti, statement->rtable)->relid, column);
	List	   *scans = NIL;
	ValuePlace	place = {
		.statement = statement, .params = params, .modify = modify, .plan = (Plan *) modify,
		.key = key, .scans = &scans
	};
	List	   *compared = modify->operation == CMD_INSERT ? NIL : compared_below(&place, outerPlan(modify));
	PlanVerdict result = {.assignment = ASSIGN_NONE};
	ListCell   *lc;

	if (modify->operation == CMD_UPDATE)
	{
		ValuePlace	below;

		/* the plan below computes the new values, after it those of no column */
		paysafe_row_lock_value_outer(&place, outerPlan(modify), &below);
		result = verdict_of_plan(below, list_nth(modify->updateColnosLists, n), attnum, column, compared);
	}
	/* these are expressions of the node itself */
	if (modify->onConflictSet != NIL)
	{
		place.targetlist = modify->onConflictSet;
		result = paysafe_row_lock_plan_worse(result,
											 verdict_of_list(&place, modify->onConflictCols, attnum, column,
															 compared_by(&place, (List *) modify->onConflictWhere)));
	}
	if (modify->mergeActionLists != NIL)
		foreach(lc, list_nth(modify->mergeActionLists, n))
		{
			MergeAction *action = lfirst(lc);

			if (action->commandType != CMD_UPDATE)
				continue;
			place.targetlist = action->targetList;
			result = paysafe_row_lock_plan_worse(result,
												 verdict_of_list(&place, action->updateColnos, attnum, column,
																 list_concat_copy(compared, compared_by(&place, (List *) action->qual))));
		}
	return result;
}

/* The columns of the primary key, by name. */
static List *
key_columns(Relation leaf)
{
	Bitmapset  *attrs = RelationGetIndexAttrBitmap(leaf, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	List	   *result = NIL;
	int			bit = -1;

	while ((bit = bms_next_member(attrs, bit)) >= 0)
		result = lappend(result, makeString(get_attname(RelationGetRelid(leaf),
														bit + FirstLowInvalidHeapAttributeNumber, false)));
	bms_free(attrs);
	return result;
}

PlanVerdict
paysafe_row_lock_plan_verdict(PlannedStmt *statement, ParamListInfo params, Relation leaf,
							  const char *column)
{
	List	   *plans = lcons(statement->planTree, list_copy(statement->subplans));
	List	   *key = key_columns(leaf);
	PlanVerdict result = {.assignment = ASSIGN_UNKNOWN};
	ListCell   *lc;

	if (statement->commandType == CMD_UTILITY)
		return result;
	foreach(lc, plans)
	{
		ModifyTable *modify = lfirst(lc);
		int			target;

		if (modify == NULL || !IsA(modify, ModifyTable))
			continue;
		target = paysafe_assigned_target(statement, modify, leaf);
		if (target >= 0)
			result = paysafe_row_lock_plan_worse(result, verdict_of_target(statement, params, modify,
																		   target, key, column));
	}
	return result;
}
