/*-------------------------------------------------------------------------
 *
 * row_lock_plan.h
 *	  What a planned statement does to a column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_PLAN_H
#define PAYSAFE_ROW_LOCK_PLAN_H

#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "utils/rel.h"

typedef enum Assignment
{
	ASSIGN_UNKNOWN,				/* no statement on the table is known */
	ASSIGN_NONE,				/* it does not set the column; a trigger may */
	ASSIGN_COMPUTED,			/* from the value that the row has */
	ASSIGN_ABSOLUTE
} Assignment;

typedef struct PlanVerdict
{
	Assignment	assignment;
	bool		null_branch;	/* ASSIGN_COMPUTED, unless it is set to NULL */

	/*
	 * ASSIGN_ABSOLUTE: columns of the row, by name, that have a value which was given
	 * with the statement, in each row that it changes, as the row is then.
	 */
	List	   *compared;
} PlanVerdict;

/*
 * What the statement, its WITH parts included, does to the leaf's column.  The
 * result lives in the current context, in which much else is left.
 */
extern PlanVerdict paysafe_row_lock_plan_verdict(PlannedStmt *statement, ParamListInfo params,
												 Relation leaf, const char *column);

/* The worse of two: what one part of a statement does counts for all of it. */
extern PlanVerdict paysafe_row_lock_plan_worse(PlanVerdict a, PlanVerdict b);

#endif							/* PAYSAFE_ROW_LOCK_PLAN_H */
