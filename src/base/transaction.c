/*-------------------------------------------------------------------------
 *
 * transaction.c
 *	  One callback of PostgreSQL's for all that ends with a transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "tcop/pquery.h"
#include "utils/portal.h"

#include "base/ensure.h"
#include "base/transaction.h"

#define NHANDLERS	12

static struct
{
	XactCallback transaction;
	SubXactCallback subtransaction;
}			handlers[NHANDLERS];
static int	nhandlers = 0;
static bool watching = false;

static void
transaction_event(XactEvent event, void *arg)
{
	for (int i = nhandlers - 1; i >= 0; i--)
		if (handlers[i].transaction != NULL)
			handlers[i].transaction(event, NULL);
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	for (int i = nhandlers - 1; i >= 0; i--)
		if (handlers[i].subtransaction != NULL)
			handlers[i].subtransaction(event, mine, parent, NULL);
}

void
paysafe_transaction_register(XactCallback transaction, SubXactCallback subtransaction)
{
	Ensure(nhandlers < NHANDLERS);
	handlers[nhandlers].transaction = transaction;
	handlers[nhandlers].subtransaction = subtransaction;
	nhandlers++;
}

void
paysafe_transaction_watch(void)
{
	if (likely(watching))
		return;
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);
	watching = true;
}

static bool
is_call(const Node *expression, Oid function)
{
	return expression != NULL && IsA(expression, FuncExpr) &&
		((const FuncExpr *) expression)->funcid == function;
}

/* Does the plan call the function once, and nothing else: SELECT f(...), SELECT * FROM f(...)? */
static bool
is_only_call(const PlannedStmt *statement, Oid function)
{
	const Plan *plan = statement->planTree;

	if (statement->subplans != NIL || list_length(plan->targetlist) != 1)
		return false;
	if (IsA(plan, FunctionScan))
	{
		List	   *functions = ((const FunctionScan *) plan)->functions;

		return list_length(functions) == 1 &&
			is_call(((RangeTblFunction *) linitial(functions))->funcexpr, function);
	}
	return IsA(plan, Result) && plan->lefttree == NULL &&
		is_call((Node *) ((TargetEntry *) linitial(plan->targetlist))->expr, function);
}

/* Functions, blocks and triggers say in their errors where they are; statements do not. */
static bool
is_in_code(void)
{
	for (ErrorContextCallback *context = error_context_stack; context != NULL; context = context->previous)
		if (context->callback != ParamsErrorCallback)
			return true;
	return false;
}

void
paysafe_transaction_warn(FunctionCallInfo fcinfo, const char *name)
{
	/* that of several statements sent at once is one, too */
	if (IsTransactionBlock() || IsSubTransaction() || is_in_code())
		return;
	if (ActivePortal == NULL || ActivePortal->queryDesc == NULL ||
		!is_only_call(ActivePortal->queryDesc->plannedstmt, fcinfo->flinfo->fn_oid))
		return;
	ereport(WARNING,
			(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
			 errmsg("%s can only be used in transaction blocks", name)));
}
