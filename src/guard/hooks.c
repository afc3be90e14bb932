/*-------------------------------------------------------------------------
 *
 * hooks.c
 *	  Where paysafe hooks into PostgreSQL: the only file that touches a hook
 *	  pointer.
 *
 * Two kinds.  What helps the triggers (ExecutorStart, ExecutorFinish) is set whenever the
 * library is loaded, which happens when a session first meets a protected
 * table, unless it is preloaded; the triggers must do without it for the
 * statement that loads the library.  What guards the triggers is set by the
 * postmaster only, so that it is the same for every session of the server:
 * shared_preload_libraries.
 *
 * No hook sees everything.  Object access tells what DDL does to which object,
 * through whatever statement, cascade or nesting, but is silent about some
 * statements; those ProcessUtility tells.  Rows of catalogs that are written by
 * SQL are seen where privileges are checked and where the executor starts and ends.
 * Settings have hooks of their own: setting.c.  Each hook only describes what it
 * sees as a GuardEvent; guard.c decides.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

#include "abuse/counter.h"
#include "abuse/meter.h"
#include "abuse/outcome.h"
#include "abuse/recent.h"
#include "abuse/tally.h"
#include "base/statement.h"
#include "engine/assigned.h"
#include "engine/enforce.h"
#include "evidence/refusal_queue.h"
#include "evidence/seal/seal_shared.h"
#include "guard/guard.h"
#include "guard/hooks.h"
#include "guard/lockdown.h"
#include "guard/native.h"
#include "guard/nesting.h"
#include "guard/restate.h"
#include "guard/setting.h"
#include "guard/statements.h"
#include "guard/subscription.h"
#include "guard/system_catalog.h"
#include "guard/window.h"
#include "rules/row_lock/row_lock_statement.h"
#include "store/catalog.h"
#include "store/replica.h"
#include "store/run_as_owner.h"

static ExecutorStart_hook_type previous_executor_start = NULL;
static ExecutorFinish_hook_type previous_executor_finish = NULL;
static ExecutorCheckPerms_hook_type previous_check_perms = NULL;
static ProcessUtility_hook_type previous_process_utility = NULL;
static object_access_hook_type previous_object_access = NULL;
static needs_fmgr_hook_type previous_needs_fmgr = NULL;
static fmgr_hook_type previous_fmgr = NULL;
static shmem_request_hook_type previous_shmem_request = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;
static emit_log_hook_type previous_emit_log = NULL;

static bool guarding = false;	/* the second kind is set */
static GuardFrame *frames = NULL;	/* statements under way, innermost first */

/* Calls of each hook, for whoever wants to see that they are in place. */
enum
{
	SEEN_EXECUTOR_START, SEEN_CHECK_PERMS, SEEN_UTILITY, SEEN_OBJECT_ACCESS,
	SEEN_HOOKS
};
static int	seen[SEEN_HOOKS];

/* pg_upgrade moves everything as it is; it runs nobody's statements. */
static bool
is_off(void)
{
	return IsBinaryUpgrade || !OidIsValid(MyDatabaseId);
}

/* Rows of catalogs, whatever the query calls them: children are not asked for privileges. */
static void
judge_catalogs(const QueryDesc *query)
{
	int			position = 0;
	Oid			relid;

	while (OidIsValid(relid = paysafe_system_catalog_next(query, &position)))
	{
		GuardEvent	event = {
			.action = GUARD_WRITE,
			.class_id = RelationRelationId,
			.object_id = relid,
			.relation = relid,
			.frame = frames,
			.write = "UPDATE"
		};

		paysafe_lockdown(&event);
		paysafe_guard(&event);
	}
}

static void
executor_start(QueryDesc *query, int eflags)
{
	QueryDesc  *before = paysafe_native_starting(query);

	seen[SEEN_EXECUTOR_START] = 1;
	PG_TRY();
	{
		if (previous_executor_start != NULL)
			previous_executor_start(query, eflags);
		else
			standard_ExecutorStart(query, eflags);
	}
	PG_FINALLY();
	{
		(void) paysafe_native_starting(before);
	}
	PG_END_TRY();
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	if (guarding && query->plannedstmt->resultRelations != NIL && !is_off())
		judge_catalogs(query);
	if (paysafe_catalog_present())
	{
		paysafe_row_lock_statement_started(query);
		paysafe_assigned_statement_started(query);
		paysafe_replica_statement_started(query);
	}
}

static void
finish(QueryDesc *query)
{
	if (previous_executor_finish != NULL)
		previous_executor_finish(query);
	else
		standard_ExecutorFinish(query);
}

/* The AFTER triggers of a query fire in here. */
static void
finish_enforced(QueryDesc *query)
{
	EnforceQuery enforced;

	if ((query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE) ||
		!paysafe_catalog_present())
	{
		finish(query);
		return;
	}
	paysafe_enforce_query_begin(&enforced, query->plannedstmt->hasModifyingCTE);
	PG_TRY();
	{
		finish(query);
	}
	PG_FINALLY();
	{
		paysafe_enforce_query_forget(&enforced);
	}
	PG_END_TRY();
	paysafe_enforce_query_end();
}

static void
executor_finish(QueryDesc *query)
{
	finish_enforced(query);
	if (guarding && query->plannedstmt->resultRelations != NIL && !is_off())
		paysafe_system_catalog_written(query, frames);
}

static bool
check_perms(CHECK_PERMS_PARAMS_COMPAT)
{
	ListCell   *lc;

	seen[SEEN_CHECK_PERMS] = 1;
	foreach(lc, range_table)
	{
		RangeTblEntry *rte = lfirst(lc);
		AclMode		needed = REQUIRED_PERMS_COMPAT(rte);

		/* tables of users have triggers; rows that are only locked need UPDATE too, but a lesser lock */
		if (rte->rtekind == RTE_RELATION &&
			(needed & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)) != 0 &&
			rte->rellockmode >= RowExclusiveLock && rte->relid < FirstNormalObjectId && !is_off())
		{
			GuardEvent	event = {
				.action = GUARD_WRITE,
				.class_id = RelationRelationId,
				.object_id = rte->relid,
				.relation = rte->relid,
				.frame = frames,
				.write = needed & ACL_UPDATE ? "UPDATE" : needed & ACL_DELETE ? "DELETE" : "INSERT"
			};

			paysafe_lockdown(&event);
			paysafe_guard(&event);
		}
	}
	return previous_check_perms == NULL || previous_check_perms(CHECK_PERMS_ARGS_COMPAT);
}

static void
object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	GuardAction action;

	seen[SEEN_OBJECT_ACCESS] = 1;
	if (previous_object_access != NULL)
		previous_object_access(access, class_id, object_id, sub_id, arg);
	switch (access)
	{
		case OAT_FUNCTION_EXECUTE:
			paysafe_nesting_looked_up(object_id);
			action = GUARD_EXECUTE;
			break;
		case OAT_POST_CREATE:
			action = GUARD_CREATE;
			break;
		case OAT_POST_ALTER:
			action = GUARD_ALTER;
			break;
		case OAT_DROP:
			action = GUARD_DROP;
			break;
		case OAT_TRUNCATE:
			action = GUARD_TRUNCATE;
			break;
		default:
			return;
	}
	if (!is_off())
	{
		GuardEvent	event = {
			.action = action,
			.class_id = class_id,
			.object_id = object_id,
			.sub_id = sub_id,
			.auxiliary = action == GUARD_ALTER ? ((ObjectAccessPostAlter *) arg)->auxiliary_id : InvalidOid,
			.frame = frames
		};

		paysafe_lockdown(&event);
		if (action != GUARD_EXECUTE)
			paysafe_guard(&event);
	}
}

static void
process_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	GuardFrame	frame = {
		.outer = frames,
		.statement = planned->utilityStmt,
		.name = CreateCommandName(planned->utilityStmt),
		.subcommand = context == PROCESS_UTILITY_SUBCOMMAND,
		.own = paysafe_run_as_owner_take_own_work()
	};
	/* in a failed transaction nothing can be looked up, and little be done */
	bool		guarded = !is_off() && !frame.own && IsTransactionState();
	WindowStatement *maintenance = NULL;

	seen[SEEN_UTILITY] = 1;
	PG_TRY();
	{
		PlannedStmt *executed;

		frames = &frame;
		if (guarded)
		{
			GuardEvent	event = {
				.action = GUARD_STATEMENT,
				.statement = frame.statement,
				.frame = &frame
			};

			paysafe_guard_enter(&frame);
			if (!paysafe_guard_is_plain(frame.statement))
			{
				paysafe_lockdown(&event);
				paysafe_guard(&event);
			}
			paysafe_subscription_before(frame.statement);
			if (!frame.own)
				maintenance = paysafe_window_before(&frame);
		}
		executed = guarded ? paysafe_guard_spare_own_triggers(planned) : planned;
		if (previous_process_utility != NULL)
			previous_process_utility(executed, query, read_only_tree, context, params,
									 environment, dest, completion);
		else
			standard_ProcessUtility(executed, query, read_only_tree, context, params,
									environment, dest, completion);
		if (guarded && !frame.own)
			paysafe_guard_executed(&frame);
		if (frame.joined != NIL)
			paysafe_guard_after(&frame);
		if (maintenance != NULL)
			paysafe_window_after(maintenance);
		if (guarded)
			paysafe_subscription_after(frame.statement);
		if (guarded && !frame.own)
			paysafe_restate(&frame);
	}
	PG_FINALLY();
	{
		frames = frame.outer;
	}
	PG_END_TRY();
}

/*
 * A function is looked up to be called: by an expression, or as part of a type, an
 * index, a foreign table, which object access does not tell.
 */
static bool
needs_fmgr(Oid function)
{
	if (paysafe_lockdown_is_on() && !is_off())
	{
		GuardEvent	event = {
			.action = GUARD_EXECUTE,
			.class_id = ProcedureRelationId,
			.object_id = function,
			.frame = frames
		};

		paysafe_lockdown(&event);
	}
	return (previous_needs_fmgr != NULL && previous_needs_fmgr(function)) ||
		(function >= FirstNormalObjectId && !is_off() && IsTransactionState() &&
		 paysafe_catalog_present() && !paysafe_catalog_is_trigger_function(function) &&
		 paysafe_nesting_counts(function));
}

/* Called for each function with a SET clause, SECURITY DEFINER, or that needs it. */
static void
around_function(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	/* an error of another one must not leave a function behind that never began */
	if (event == FHET_START && previous_fmgr != NULL)
		previous_fmgr(event, function, private);
	if (event == FHET_START)
		paysafe_nesting_enter(function, previous_fmgr == NULL ? private : NULL);
	else
		paysafe_nesting_leave();
	if (event != FHET_START && previous_fmgr != NULL)
		previous_fmgr(event, function, private);
}

static void
shmem_request(void)
{
	if (previous_shmem_request != NULL)
		previous_shmem_request();
	paysafe_refusal_queue_request();
	paysafe_seal_shared_request();
	paysafe_counter_request();
	paysafe_tally_request();
	paysafe_recent_request();
	paysafe_meter_request();
	paysafe_outcome_request();
}

static void
shmem_startup(void)
{
	if (previous_shmem_startup != NULL)
		previous_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	paysafe_refusal_queue_startup();
	paysafe_seal_shared_startup();
	paysafe_counter_startup();
	paysafe_tally_startup();
	paysafe_recent_startup();
	paysafe_meter_startup();
	paysafe_outcome_startup();
	LWLockRelease(AddinShmemInitLock);
	/* all libraries are there, and none has the settings' last word */
	paysafe_setting_watch(paysafe_lockdown_is_on() ? paysafe_lockdown_leads_out : NULL);
}

/* Has each hook been called since? */
static void
probe(int *calls)
{
	memset(seen, 0, sizeof(seen));
	paysafe_run_as_owner("SHOW server_version");
	paysafe_run_as_owner("SELECT pg_catalog.pg_backend_pid() FROM pg_catalog.pg_class LIMIT 0");
	memcpy(calls, seen, sizeof(seen));
}

char *
paysafe_hooks_missing(void)
{
	static const char *const names[SEEN_HOOKS] = {
		[SEEN_EXECUTOR_START] = "ExecutorStart",
		[SEEN_CHECK_PERMS] = "ExecutorCheckPerms",
		[SEEN_UTILITY] = "ProcessUtility",
		[SEEN_OBJECT_ACCESS] = "object access"
	};
	int			calls[SEEN_HOOKS];
	StringInfoData missing;

	if (!guarding)
		return pstrdup("paysafe is not in shared_preload_libraries: nothing guards the triggers");
	probe(calls);
	initStringInfo(&missing);
	if (!paysafe_setting_watched())
		appendStringInfoString(&missing, "not called: settings");
	for (int i = 0; i < SEEN_HOOKS; i++)
		if (calls[i] == 0)
			appendStringInfo(&missing, "%s%s", missing.len > 0 ? ", " : "not called: ", names[i]);
	return missing.len > 0 ? missing.data : NULL;
}

bool
paysafe_hooks_guarding(void)
{
	return guarding;
}

/* Secrets do not get into the log. */
static void
emit_log(ErrorData *error)
{
	paysafe_statement_clean_log(error);
	if (previous_emit_log)
		previous_emit_log(error);
}

void
paysafe_hooks_init(void)
{
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	previous_executor_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = executor_finish;
	if (!process_shared_preload_libraries_in_progress)
		return;

	guarding = true;
	previous_check_perms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_perms;
	previous_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	previous_object_access = object_access_hook;
	object_access_hook = object_access;
	previous_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = needs_fmgr;
	previous_fmgr = fmgr_hook;
	fmgr_hook = around_function;
	previous_shmem_request = shmem_request_hook;
	shmem_request_hook = shmem_request;
	previous_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
	previous_emit_log = emit_log_hook;
	emit_log_hook = emit_log;
}
