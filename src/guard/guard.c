/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  What follows from what the policy finds: refusals, and the triggers of
 *	  tables that join protected trees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/enforce.h"
#include "engine/existing.h"
#include "engine/triggers.h"
#include "guard/facts.h"
#include "guard/guard.h"
#include "guard/judge.h"
#include "guard/policy.h"
#include "guard/standing.h"
#include "guard/system_catalog.h"
#include "guard/window.h"
#include "store/catalog.h"
#include "store/own_trigger.h"
#include "store/run_as_owner.h"

/* Is it CREATE or ALTER EXTENSION paysafe, running its script? */
static bool
runs_script(const GuardFrame *frame)
{
	return frame != NULL &&
		(IsA(frame->statement, CreateExtensionStmt) || IsA(frame->statement, AlterExtensionStmt)) &&
		paysafe_catalog_in_script();
}

/* Does it want a lock that keeps rows out, of an own table or what may stand for one? */
static bool
may_close(Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, LockStmt) || ((LockStmt *) statement)->mode < ShareLock || !paysafe_catalog_present())
		return false;
	foreach(lc, ((LockStmt *) statement)->relations)
	{
		Oid			relid = RangeVarGetRelid(lfirst(lc), NoLock, true);

		if (OidIsValid(relid) &&
			(get_rel_relkind(relid) == RELKIND_VIEW || paysafe_facts_is_own_relation(relid)))
			return true;
	}
	return false;
}

void
paysafe_guard_enter(GuardFrame *frame)
{
	const GuardFrame *outer = frame->outer;

	if (may_close(frame->statement))
		frame->closed = paysafe_standing_locked_tables();
	frame->own |= runs_script(outer) || (frame->subcommand && outer != NULL && outer->own);
}

/*
 * Is the event part of paysafe's own work?  What triggers, defaults and event
 * triggers do within it are statements of their own, or rows of catalogs, which
 * no work of ours writes by SQL.
 */
static bool
is_own_work(const GuardEvent *event)
{
	return event->action != GUARD_WRITE &&
		(paysafe_run_as_owner_is_working() ||
		 (event->frame != NULL && (event->frame->own || runs_script(event->frame))));
}

/* What it gives to rows that are there is recorded when the statement has ended. */
static void
note_column(const GuardEvent *event)
{
	MemoryContext old;
	AddedColumn *added;

	if (event->action != GUARD_CREATE || event->class_id != RelationRelationId || event->sub_id <= 0 ||
		event->frame == NULL || !paysafe_facts_is_protected(event->object_id))
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	added = palloc(sizeof(AddedColumn));
	added->relid = event->object_id;
	added->attnum = event->sub_id;
	added->file = paysafe_facts_file(event->object_id);
	event->frame->added = lappend(event->frame->added, added);
	MemoryContextSwitchTo(old);
}

void
paysafe_guard(GuardEvent *event)
{
	if (!paysafe_catalog_present() || is_own_work(event))
		return;
	if (event->action != GUARD_STATEMENT && event->action != GUARD_WRITE)
		event->relation = paysafe_facts_relation_of(event);
	paysafe_judge(paysafe_system_catalog, event);
	paysafe_judge(paysafe_policy, event);
	note_column(event);
}

static GuardFinding
refuses_locking(const GuardEvent *event)
{
	List	   *closed = list_difference_oid(paysafe_standing_locked_tables(), event->frame->closed);

	return refuse_for(closed == NIL ? InvalidOid : linitial_oid(closed), closed != NIL);
}

/*
 * LOCK TABLE, when it has what it wants: a view may stand for other tables.  What
 * paysafe had locked before is its own business.
 */
static const GuardClass locking[] = {
	{"guard_own_table", refuses_locking, false,
	"The lock would keep paysafe from writing its evidence.", "LOCK TABLE in ACCESS SHARE, ROW SHARE or ROW EXCLUSIVE MODE does not."},
	{NULL}
};

void
paysafe_guard_executed(GuardFrame *frame)
{
	GuardEvent	event = {.action = GUARD_STATEMENT, .statement = frame->statement, .frame = frame};

	if (may_close(frame->statement))
		paysafe_judge(locking, &event);
	else if (IsA(frame->statement, CreateSubscriptionStmt) || IsA(frame->statement, AlterSubscriptionStmt))
		paysafe_judge(paysafe_system_catalog_subscribed, &event);
}

static List *
enable_one_by_one(Oid relid, bool internal)
{
	Relation	rel = table_open(relid, AccessShareLock);
	List	   *commands = NIL;

	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];
		AlterTableCmd *command;

		if (paysafe_own_trigger_calls(trigger) || (trigger->tgisinternal && !internal))
			continue;
		command = makeNode(AlterTableCmd);
		command->subtype = AT_EnableTrig;
		command->name = pstrdup(trigger->tgname);
		commands = lappend(commands, command);
	}
	table_close(rel, AccessShareLock);
	return commands;
}

static bool
enables_many(const AlterTableCmd *command)
{
	return command->subtype == AT_EnableTrigUser || command->subtype == AT_EnableTrigAll;
}

PlannedStmt *
paysafe_guard_spare_own_triggers(PlannedStmt *planned)
{
	AlterTableStmt *alter = (AlterTableStmt *) planned->utilityStmt;
	bool		found = false;
	List	   *commands = NIL;
	Oid			relid;
	ListCell   *lc;

	if (!IsA(alter, AlterTableStmt))
		return planned;
	foreach(lc, alter->cmds)
		found |= enables_many(lfirst(lc));
	if (!found || !paysafe_catalog_present())
		return planned;
	relid = RangeVarGetRelid(alter->relation, NoLock, true);
	if (!OidIsValid(relid) || !paysafe_facts_is_protected(relid))
		return planned;
	planned = copyObject(planned);
	alter = (AlterTableStmt *) planned->utilityStmt;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst(lc);

		if (enables_many(command))
			commands = list_concat(commands, enable_one_by_one(relid, command->subtype == AT_EnableTrigAll));
		else
			commands = lappend(commands, command);
	}
	alter->cmds = commands;
	return planned;
}

/* Rules say what they miss in a table; the table's owner has to know how to give it. */
static void
join_error_context(void *arg)
{
	errhint("Give \"%s\" what the rules ask for as it is made, a primary key for instance: CREATE TABLE ... (PRIMARY KEY (...)) INHERITS (...).",
			get_rel_name(*(Oid *) arg));
}

/* Rules that do not fit it would stop the rows of the whole tree. */
static void
check_rules_fit(Oid relid)
{
	ErrorContextCallback context = {
		.previous = error_context_stack,
		.callback = join_error_context,
		.arg = &relid
	};

	error_context_stack = &context;
	paysafe_existing_validate(relid, NULL);
	error_context_stack = context.previous;
}

static GuardFinding
refuses_other_key(const GuardEvent *event)
{
	return refuse_for(event->auxiliary, paysafe_facts_changes_key(event->object_id, event->auxiliary));
}

/* What joined, when all of it can be seen. */
static const GuardClass joined_tables[] = {
	{"guard_key", refuses_other_key, true,
	"It is partitioned by a column of the primary key that no other partition is partitioned by: all rows of the table would be known by another key.",
	"Partition it by another column, or as the other partitions are; or open a maintenance window that names the table: paysafe.open_maintenance."},
	{NULL}
};

void
paysafe_guard_after(GuardFrame *frame)
{
	List	   *joined = frame->joined;

	frame->joined = NIL;
	CommandCounterIncrement();
	/* once more, now that all of it can be seen, and before they look protected */
	for (int i = 0; i < list_length(joined); i += 2)
	{
		GuardEvent	event = {
			.action = GUARD_ALTER,
			.class_id = InheritsRelationId,
			.object_id = list_nth_oid(joined, i),
			.auxiliary = list_nth_oid(joined, i + 1),
			.relation = list_nth_oid(joined, i),
			.frame = frame
		};

		if (paysafe_facts_joins(&event))
			paysafe_judge(paysafe_policy, &event);
		if (get_rel_relkind(event.object_id) != '\0')
			paysafe_judge(joined_tables, &event);
	}
	frame->joined = NIL;
	for (int i = 0; i < list_length(joined); i += 2)
		if (get_rel_relkind(list_nth_oid(joined, i)) != '\0')
		{
			paysafe_triggers_join(list_nth_oid(joined, i));
			check_rules_fit(list_nth_oid(joined, i));
		}
}
