/*-------------------------------------------------------------------------
 *
 * hooks.c
 *	  Where paysafe hooks into PostgreSQL: the only file that touches a hook
 *	  pointer.
 *
 * The library is loaded when a session first meets a protected table, unless
 * it is preloaded.  What a hook sees is therefore a help to the triggers, which
 * must do without it for the statement that loads the library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"

#include "guard/hooks.h"
#include "rules/rowlock.h"

static ExecutorStart_hook_type previous_executor_start = NULL;

static void
executor_start(QueryDesc *query, int eflags)
{
	if (previous_executor_start != NULL)
		previous_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		paysafe_rowlock_statement_started(query);
}

void
paysafe_hooks_init(void)
{
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
}
