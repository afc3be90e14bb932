/*-------------------------------------------------------------------------
 *
 * row_lock_value.c
 *	  Where the values of expressions in plans come from.
 *
 * Expressions are followed down through joins, appends, subselects, VALUES and
 * WITH parts.  A value depends on a column of the row that is changed if each
 * branch that may yield it does: all results of CASE, all arguments of GREATEST,
 * COALESCE and so on.  An operator or function depends on it if one argument does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/heap.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "rules/row_lock/row_lock_value.h"

/*
 * Folding
 */

static Node *
put_parameters_in(Node *node, void *arg)
{
	ParamListInfo params = arg;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Param	   *param = (Param *) node;
		ParamExternData fetched;
		ParamExternData *value = NULL;
		int16		typlen;
		bool		typbyval;

		if (param->paramid > 0 && param->paramid <= params->numParams)
			value = params->paramFetch != NULL ?
				params->paramFetch(params, param->paramid, true, &fetched) :
				&params->params[param->paramid - 1];
		if (value == NULL || value->ptype != param->paramtype)
			return copyObject(node);
		get_typlenbyval(param->paramtype, &typlen, &typbyval);
		return (Node *) makeConst(param->paramtype, param->paramtypmod, param->paramcollid, typlen,
								  value->isnull ? (Datum) 0 : datumCopy(value->value, typbyval, typlen),
								  value->isnull, typbyval);
	}
	return expression_tree_mutator(node, put_parameters_in, arg);
}

Node *
paysafe_row_lock_value_fold(const ValuePlace *place, Node *expr)
{
	return eval_const_expressions(NULL, place->params != NULL ?
								  put_parameters_in(expr, place->params) : expr);
}

/*
 * Following
 */

List *
paysafe_row_lock_value_branches(Plan *plan)
{
	if (plan != NULL && IsA(plan, Append))
		return ((Append *) plan)->appendplans;
	if (plan != NULL && IsA(plan, MergeAppend))
		return ((MergeAppend *) plan)->mergeplans;
	return NIL;
}

void
paysafe_row_lock_value_outer(const ValuePlace *place, Plan *child, ValuePlace *out)
{
	*out = *place;
	out->targetlist = NIL;
	out->plan = child;
}

void
paysafe_row_lock_value_inner(const ValuePlace *place, ValuePlace *out)
{
	ListCell   *lc;

	paysafe_row_lock_value_outer(place, innerPlan(place->plan), out);
	if (!IsA(place->plan, NestLoop))
		return;
	foreach(lc, ((NestLoop *) place->plan)->nestParams)
	{
		NestLoopParam *param = lfirst(lc);
		ValueBinding *binding = palloc(sizeof(ValueBinding));

		binding->paramid = param->paramno;
		binding->value = (Node *) param->paramval;
		binding->place = place;
		binding->outer = out->bindings;
		out->bindings = binding;
	}
}

/* A judgement of an expression. */
typedef struct Judgement
{
	bool		(*judge) (Node *node, struct Judgement *judgement);
	const ValuePlace *place;	/* of the expression */
	bool		single;			/* one value for all rows, or false */
	const char *column;
	bool	   *null_branch;
} Judgement;

/* The same judgement of another expression, at another place. */
static bool
judge_at(const Judgement *judgement, const ValuePlace *place, Node *expr)
{
	Judgement	below = *judgement;

	check_stack_depth();
	below.place = place;
	return expr != NULL &&
		judgement->judge(paysafe_row_lock_value_fold(place, expr), &below);
}

/* Of a column of a plan: of each branch that hands it over. */
static bool
judge_column(const Judgement *judgement, const ValuePlace *place, AttrNumber attno)
{
	List	   *branches = paysafe_row_lock_value_branches(place->plan);
	ValuePlace	below = *place;
	ListCell   *lc;

	foreach(lc, branches)
	{
		below.plan = lfirst(lc);
		if (!judge_column(judgement, &below, attno))
			return false;
	}
	if (branches != NIL)
		return !judgement->single;
	if (place->plan == NULL || attno <= 0 || attno > list_length(place->plan->targetlist))
		return false;
	below.targetlist = place->plan->targetlist;
	return judge_at(judgement, &below,
					(Node *) ((TargetEntry *) list_nth(below.targetlist, attno - 1))->expr);
}

/* Of a column of VALUES: of each row. */
static bool
judge_values(const Judgement *judgement, const ValuesScan *scan, AttrNumber attno)
{
	ListCell   *lc;

	if (judgement->single && list_length(scan->values_lists) > 1)
		return false;
	foreach(lc, scan->values_lists)
		if (attno <= 0 || attno > list_length(lfirst(lc)) ||
			!judge_at(judgement, judgement->place, list_nth(lfirst(lc), attno - 1)))
			return false;
	return true;
}

static bool
judge_functions(const Judgement *judgement, const FunctionScan *scan)
{
	ListCell   *lc;

	if (judgement->single)
		return false;
	foreach(lc, scan->functions)
		if (!judge_at(judgement, judgement->place, ((RangeTblFunction *) lfirst(lc))->funcexpr))
			return false;
	return true;
}

/* Of a variable that is no column of a table: of what it stands for. */
static bool
judge_var(const Judgement *judgement, const Var *var)
{
	const ValuePlace *place = judgement->place;
	Plan	   *plan = place->plan;
	ValuePlace	below;

	if (plan == NULL || var->varlevelsup > 0)
		return false;
	if (var->varno == OUTER_VAR || (var->varno == INNER_VAR && IsA(plan, ModifyTable)))
	{
		/* INNER_VAR: EXCLUDED, which is what the plan of the INSERT hands over */
		paysafe_row_lock_value_outer(place, outerPlan(plan), &below);
		return judge_column(judgement, &below, var->varattno);
	}
	if (var->varno == INNER_VAR)
	{
		paysafe_row_lock_value_inner(place, &below);
		return judge_column(judgement, &below, var->varattno);
	}
	if (IS_SPECIAL_VARNO(var->varno))
		return false;
	switch (nodeTag(plan))
	{
		case T_SubqueryScan:
			paysafe_row_lock_value_outer(place, ((SubqueryScan *) plan)->subplan, &below);
			return var->varno == ((Scan *) plan)->scanrelid &&
				judge_column(judgement, &below, var->varattno);
		case T_CteScan:
			paysafe_row_lock_value_outer(place, list_nth(place->statement->subplans,
														 ((CteScan *) plan)->ctePlanId - 1), &below);
			return var->varno == ((Scan *) plan)->scanrelid &&
				judge_column(judgement, &below, var->varattno);
		case T_ValuesScan:
			return var->varno == ((Scan *) plan)->scanrelid &&
				judge_values(judgement, (ValuesScan *) plan, var->varattno);
		case T_FunctionScan:
			return var->varno == ((Scan *) plan)->scanrelid &&
				judge_functions(judgement, (FunctionScan *) plan);
		default:
			return false;
	}
}

/* Of the n-th column of a subselect. */
static bool
judge_subselect(const Judgement *judgement, const SubPlan *subplan, int n)
{
	const ValuePlace *place = judgement->place;
	ValuePlace	below;
	ListCell   *param;
	ListCell   *value;

	paysafe_row_lock_value_outer(place, list_nth(place->statement->subplans, subplan->plan_id - 1),
								 &below);
	forboth(param, subplan->parParam, value, subplan->args)
	{
		ValueBinding *binding = palloc(sizeof(ValueBinding));

		binding->paramid = lfirst_int(param);
		binding->value = lfirst(value);
		binding->place = place;
		binding->outer = below.bindings;
		below.bindings = binding;
	}
	return judge_column(judgement, &below, n);
}

/* Of a parameter of the executor. */
static bool
judge_param(const Judgement *judgement, const Param *param)
{
	ListCell   *lc;

	if (param->paramkind != PARAM_EXEC)
		return false;
	for (const ValueBinding *b = judgement->place->bindings; b != NULL; b = b->outer)
		if (b->paramid == param->paramid)
			return judge_at(judgement, b->place, b->value);
	/* SET (a, b) = (SELECT ...) */
	foreach(lc, judgement->place->targetlist)
	{
		SubPlan    *subplan = (SubPlan *) ((TargetEntry *) lfirst(lc))->expr;
		int			n = 0;
		ListCell   *lc2;

		if (subplan == NULL || !IsA(subplan, SubPlan) || subplan->subLinkType != MULTIEXPR_SUBLINK)
			continue;
		foreach(lc2, subplan->setParam)
		{
			n++;
			if (lfirst_int(lc2) == param->paramid)
				return judge_subselect(judgement, subplan, n);
		}
	}
	return false;
}

Var *
paysafe_row_lock_value_target(const ValuePlace *place, Node *expr)
{
	Var		   *var = (Var *) expr;
	ValuePlace	below;
	List	   *branches;

	if (expr == NULL || !IsA(expr, Var) || var->varlevelsup > 0)
		return NULL;
	if (IS_SPECIAL_VARNO(var->varno))
	{
		if (place->plan == NULL || IsA(place->plan, ModifyTable) ||
			(var->varno != OUTER_VAR && var->varno != INNER_VAR))
			return NULL;
		if (var->varno == OUTER_VAR)
			paysafe_row_lock_value_outer(place, outerPlan(place->plan), &below);
		else
			paysafe_row_lock_value_inner(place, &below);
		while ((branches = paysafe_row_lock_value_branches(below.plan)) != NIL)
			below.plan = linitial(branches);	/* they scan the same table's parts */
		if (below.plan == NULL || var->varattno <= 0 ||
			var->varattno > list_length(below.plan->targetlist))
			return NULL;
		return paysafe_row_lock_value_target(&below,
											 (Node *) ((TargetEntry *) list_nth(below.plan->targetlist, var->varattno - 1))->expr);
	}
	return list_member_int(place->modify->resultRelations, var->varno) ||
		var->varno == place->modify->rootRelation ||
		var->varno == place->modify->nominalRelation ? var : NULL;
}

/* The same of a column of a plan. */
static ValuesScan *
values_below(const ValuePlace *place, AttrNumber attno, AttrNumber *found)
{
	Plan	   *plan = place->plan;

	if (plan == NULL || attno <= 0 || attno > list_length(plan->targetlist) ||
		paysafe_row_lock_value_branches(plan) != NIL)
		return NULL;
	return paysafe_row_lock_value_of_values(place, (Node *) ((TargetEntry *) list_nth(plan->targetlist, attno - 1))->expr,
											found);
}

/*
 * Not through WITH parts, which the statement may read twice: two columns of one
 * VALUES would not be of one row.
 */
ValuesScan *
paysafe_row_lock_value_of_values(const ValuePlace *place, Node *expr, AttrNumber *attno)
{
	Var		   *var = (Var *) expr;
	Plan	   *plan = place->plan;
	ValuePlace	below;

	check_stack_depth();
	if (expr != NULL && IsA(expr, Param) && ((Param *) expr)->paramkind == PARAM_EXEC)
	{
		for (const ValueBinding *b = place->bindings; b != NULL; b = b->outer)
			if (b->paramid == ((Param *) expr)->paramid)
				return paysafe_row_lock_value_of_values(b->place, b->value, attno);
		return NULL;
	}
	if (expr == NULL || !IsA(expr, Var) || var->varlevelsup > 0 || plan == NULL)
		return NULL;
	if (var->varno == OUTER_VAR && !IsA(plan, ModifyTable))
	{
		paysafe_row_lock_value_outer(place, outerPlan(plan), &below);
		return values_below(&below, var->varattno, attno);
	}
	if (var->varno == INNER_VAR && !IsA(plan, ModifyTable))
	{
		paysafe_row_lock_value_inner(place, &below);
		return values_below(&below, var->varattno, attno);
	}
	if (IsA(plan, SubqueryScan) && var->varno == ((Scan *) plan)->scanrelid)
	{
		paysafe_row_lock_value_outer(place, ((SubqueryScan *) plan)->subplan, &below);
		return values_below(&below, var->varattno, attno);
	}
	if (!IsA(plan, ValuesScan) || var->varno != ((Scan *) plan)->scanrelid)
		return NULL;
	*attno = var->varattno;
	return (ValuesScan *) plan;
}

char *
paysafe_row_lock_value_name(const ValuePlace *place, const Var *var)
{
	if (var->varattno < 0)
		return pstrdup(NameStr(SystemAttributeDefinition(var->varattno)->attname));
	return get_attname(rt_fetch(var->varno, place->statement->rtable)->relid, var->varattno, false);
}

/*
 * Dependence
 */

static bool depends(Node *node, Judgement *judgement);

static bool
all_depend(List *nodes, Judgement *judgement)
{
	ListCell   *lc;

	foreach(lc, nodes)
		if (!depends(lfirst(lc), judgement))
			return false;
	return nodes != NIL;
}

/* A result of CASE: NULL is one that is told when it is taken. */
static bool
result_depends(Expr *result, Judgement *judgement)
{
	if (result == NULL || (IsA(result, Const) && ((Const *) result)->constisnull))
	{
		*judgement->null_branch = true;
		return true;
	}
	return depends((Node *) result, judgement);
}

static bool
case_depends(const CaseExpr *expr, Judgement *judgement)
{
	bool		all_null = expr->defresult == NULL || IsA(expr->defresult, Const);
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		Expr	   *result = ((CaseWhen *) lfirst(lc))->result;

		all_null &= IsA(result, Const);
		if (!result_depends(result, judgement))
			return false;
	}
	return result_depends(expr->defresult, judgement) && !all_null;
}

static bool
is_users_function(Oid function, void *arg)
{
	return function >= FirstNormalObjectId;
}

/* Can anything but the column make it NULL, or a range of the column's values? */
static bool
reads_other(Node *node, Judgement *judgement)
{
	if (node == NULL)
		return false;
	if (IsA(node, CaseExpr) || IsA(node, SubscriptingRef) || IsA(node, FieldSelect) ||
		check_functions_in_node(node, is_users_function, NULL))
		return true;
	if (IsA(node, Var))
	{
		Var		   *var = paysafe_row_lock_value_target(judgement->place, node);

		return var == NULL || var->varattno <= 0 ||
			strcmp(paysafe_row_lock_value_name(judgement->place, var), judgement->column) != 0;
	}
	if (IsA(node, Param) || IsA(node, SubPlan))
		return true;
	return expression_tree_walker(node, reads_other, judgement);
}

/*
 * COALESCE: where nothing but the row's own value makes an argument NULL, what comes
 * after it does depend on that.
 */
static bool
coalesce_depends(List *args, Judgement *judgement)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		if (!depends(lfirst(lc), judgement))
			return false;
		if (!reads_other(lfirst(lc), judgement) && !contain_volatile_functions(lfirst(lc)))
			return true;
	}
	return args != NIL;
}

static bool
var_depends(Var *var, Judgement *judgement)
{
	const ValuePlace *place = judgement->place;

	if (!IS_SPECIAL_VARNO(var->varno) && paysafe_row_lock_value_target(place, (Node *) var) != NULL)
		return var->varattno == 0 ||	/* the whole row */
			(var->varattno > 0 &&
			 strcmp(paysafe_row_lock_value_name(place, var), judgement->column) == 0);
	return judge_var(judgement, var);
}

static bool
depends(Node *node, Judgement *judgement)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return var_depends((Var *) node, judgement);
		case T_Const:
			return false;
		case T_Param:
			return judge_param(judgement, (Param *) node);
		case T_CaseExpr:
			return case_depends((CaseExpr *) node, judgement);
		case T_CoalesceExpr:
			return coalesce_depends(((CoalesceExpr *) node)->args, judgement);
		case T_MinMaxExpr:
			return all_depend(((MinMaxExpr *) node)->args, judgement);
		case T_ArrayExpr:
			return all_depend(((ArrayExpr *) node)->elements, judgement);
		case T_RowExpr:
			return all_depend(((RowExpr *) node)->args, judgement);
		case T_NullIfExpr:
			return depends(linitial(((NullIfExpr *) node)->args), judgement);
		case T_FieldStore:
			/* the rest of the value stays; what is put into it is judged */
			return all_depend(((FieldStore *) node)->newvals, judgement);
		case T_SubscriptingRef:
			if (((SubscriptingRef *) node)->refassgnexpr != NULL)
				return depends((Node *) ((SubscriptingRef *) node)->refassgnexpr, judgement);
			return expression_tree_walker(node, depends, judgement);
		case T_SubPlan:
			return (((SubPlan *) node)->subLinkType == EXPR_SUBLINK ||
					((SubPlan *) node)->subLinkType == ARRAY_SUBLINK) &&
				judge_subselect(judgement, (SubPlan *) node, 1);
		default:
			return expression_tree_walker(node, depends, judgement);
	}
}

bool
paysafe_row_lock_value_depends(const ValuePlace *place, Node *expr, const char *column,
							   bool *null_branch)
{
	Judgement	judgement = {
		.judge = depends, .place = place, .column = column, .null_branch = null_branch
	};

	return depends(expr, &judgement);
}

/*
 * Given values
 */

static bool given(Node *node, Judgement *judgement);

static bool
not_given(Node *node, Judgement *judgement)
{
	return node != NULL && !given(node, judgement);
}

static bool
given(Node *node, Judgement *judgement)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return paysafe_row_lock_value_target(judgement->place, node) == NULL &&
				judge_var(judgement, (Var *) node);
		case T_Const:
			return true;
		case T_Param:
			return ((Param *) node)->paramkind == PARAM_EXTERN || judge_param(judgement, (Param *) node);
		case T_SubPlan:
			return false;
		default:
			/* a function of somebody's may look it up, unless it was folded */
			return !contain_volatile_functions(node) &&
				!check_functions_in_node(node, is_users_function, NULL) &&
				!expression_tree_walker(node, not_given, judgement);
	}
}

bool
paysafe_row_lock_value_is_given(const ValuePlace *place, Node *expr)
{
	Judgement	judgement = {.judge = given, .place = place, .single = true};

	return given(expr, &judgement);
}
