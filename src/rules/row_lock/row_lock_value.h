/*-------------------------------------------------------------------------
 *
 * row_lock_value.h
 *	  Where the values of expressions in plans come from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_LOCK_VALUE_H
#define PAYSAFE_ROW_LOCK_VALUE_H

#include "nodes/params.h"
#include "nodes/plannodes.h"

/* What a parameter of the executor stands for. */
typedef struct ValueBinding
{
	int			paramid;
	Node	   *value;
	const struct ValuePlace *place; /* of the value */
	const struct ValueBinding *outer;
} ValueBinding;

/* Where an expression stands. */
typedef struct ValuePlace
{
	PlannedStmt *statement;
	ParamListInfo params;		/* of the statement, or NULL */
	ModifyTable *modify;
	List	   *targetlist;		/* the expression is part of, or NIL */
	Plan	   *plan;			/* whose columns OUTER_VAR and such are */
	const ValueBinding *bindings;
	List	   *key;			/* columns of the target's primary key, by name */
	List	  **scans;			/* VALUES that the statement compares with (row_lock_batch.h) */
} ValuePlace;

/* The places below. */
extern void paysafe_row_lock_value_outer(const ValuePlace *place, Plan *child, ValuePlace *out);
extern void paysafe_row_lock_value_inner(const ValuePlace *place, ValuePlace *out);

/* The children of a node that hands over its children's rows one after the other, or NIL. */
extern List *paysafe_row_lock_value_branches(Plan *plan);

/*
 * With the values of parameters put in and constants computed: what is not taken
 * whatever the row is not there any more, in custom and generic plans alike.
 */
extern Node *paysafe_row_lock_value_fold(const ValuePlace *place, Node *expr);

/*
 * Does every value that the (folded) expression may have depend on that of the
 * column in the row that is changed?  *null_branch is set if all but a NULL do.
 */
extern bool paysafe_row_lock_value_depends(const ValuePlace *place, Node *expr,
										   const char *column, bool *null_branch);

/*
 * Has who sent the statement given the value of the (folded) expression, the same for
 * all rows?
 */
extern bool paysafe_row_lock_value_is_given(const ValuePlace *place, Node *expr);

/*
 * The VALUES whose column the (folded) expression is, in the row that the one which is
 * changed was joined with, or NULL.
 */
extern ValuesScan *paysafe_row_lock_value_of_values(const ValuePlace *place, Node *expr,
													AttrNumber *attno);

/* The variable of the row that is changed which the expression is, or NULL. */
extern Var *paysafe_row_lock_value_target(const ValuePlace *place, Node *expr);

/* Its name; of a system column, too. */
extern char *paysafe_row_lock_value_name(const ValuePlace *place, const Var *var);

#endif							/* PAYSAFE_ROW_LOCK_VALUE_H */
