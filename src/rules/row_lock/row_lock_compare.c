/*-------------------------------------------------------------------------
 *
 * row_lock_compare.c
 *	  What a condition compares a column of the changed row with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "rules/row_lock/row_lock_compare.h"

Node *
paysafe_row_lock_compare_strip(Node *expr)
{
	for (;;)
	{
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, FuncExpr) &&
				 ((FuncExpr *) expr)->funcid < FirstNormalObjectId &&
				 list_length(((FuncExpr *) expr)->args) == 1 &&
				 (((FuncExpr *) expr)->funcformat == COERCE_IMPLICIT_CAST ||
				  ((FuncExpr *) expr)->funcformat == COERCE_EXPLICIT_CAST))
		{
			Node	   *arg = linitial(((FuncExpr *) expr)->args);
			Oid			from = exprType(arg);
			Oid			to = exprType(expr);

			if (!((from == INT2OID && (to == INT4OID || to == INT8OID || to == NUMERICOID)) ||
				  (from == INT4OID && (to == INT8OID || to == NUMERICOID)) ||
				  (from == INT8OID && to == NUMERICOID)))
				return expr;
			expr = arg;
		}
		else if (IsA(expr, CoerceViaIO))
		{
			/* xmin::text::bigint */
			Node	   *arg = paysafe_row_lock_compare_strip((Node *) ((CoerceViaIO *) expr)->arg);

			return exprType(arg) == XIDOID ? arg : expr;
		}
		else
			return expr;
	}
}

/* Is it PostgreSQL's own equality, of values and not of sizes or letters alike? */
static bool
is_equality(const OpExpr *expr)
{
	RegProcedure function = get_opcode(expr->opno);

	if (function == F_XIDEQ || function == F_XIDEQINT4)
		return true;
	/* none but equality can be used for merging */
	return expr->opno < FirstNormalObjectId &&
		op_mergejoinable(expr->opno, exprType(linitial(expr->args))) &&
		(!OidIsValid(expr->inputcollid) || get_collation_isdeterministic(expr->inputcollid));
}

static bool
compare_operator(const ValuePlace *place, OpExpr *expr, Comparison *out)
{
	if (list_length(expr->args) != 2 || !is_equality(expr))
		return false;
	for (int i = 0; i < 2; i++)
	{
		Var		   *var = paysafe_row_lock_value_target(place, paysafe_row_lock_compare_strip(list_nth(expr->args, i)));
		Node	   *value = list_nth(expr->args, 1 - i);

		if (var == NULL || var->varattno == 0 ||
			paysafe_row_lock_value_target(place, paysafe_row_lock_compare_strip(value)) != NULL)
			continue;
		*out = (Comparison) {.column = paysafe_row_lock_value_name(place, var), .value = value};
		return true;
	}
	return false;
}

bool
paysafe_row_lock_compare(const ValuePlace *place, Node *condition, Comparison *out)
{
	if (IsA(condition, OpExpr))
		return compare_operator(place, (OpExpr *) condition, out);
	/* IS NOT DISTINCT FROM */
	if (IsA(condition, BoolExpr) && ((BoolExpr *) condition)->boolop == NOT_EXPR &&
		IsA(linitial(((BoolExpr *) condition)->args), DistinctExpr))
		return compare_operator(place, linitial(((BoolExpr *) condition)->args), out);
	if (IsA(condition, NullTest) && ((NullTest *) condition)->nulltesttype == IS_NULL)
	{
		Var		   *var = paysafe_row_lock_value_target(place, (Node *) ((NullTest *) condition)->arg);

		if (var == NULL || var->varattno <= 0)
			return false;
		*out = (Comparison) {.column = paysafe_row_lock_value_name(place, var)};
		return true;
	}
	return false;
}

bool
paysafe_row_lock_compare_is_given(const ValuePlace *place, const Comparison *comparison)
{
	return comparison->value == NULL || paysafe_row_lock_value_is_given(place, comparison->value);
}
