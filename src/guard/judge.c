/*-------------------------------------------------------------------------
 *
 * judge.c
 *	  An event by a list of classes: what is found is refused, or noted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/enforce.h"
#include "guard/judge.h"
#include "guard/statements.h"
#include "guard/window.h"
#include "store/own_table.h"

static char *
describe(const GuardEvent *event)
{
	static const char *const verbs[] = {
		[GUARD_CREATE] = "creating", [GUARD_ALTER] = "altering", [GUARD_DROP] = "dropping",
		[GUARD_TRUNCATE] = "truncating", [GUARD_EXECUTE] = "calling", [GUARD_WRITE] = "writing to"
	};
	ObjectAddress address = {
		event->class_id == InheritsRelationId ? RelationRelationId : event->class_id,
		event->object_id, event->sub_id
	};
	char	   *object = NULL;
	/* one that the statement is only making has no name yet */
	char	   *table = OidIsValid(event->relation) ? get_rel_name(event->relation) : NULL;

	if (event->action == GUARD_STATEMENT || !OidIsValid(event->class_id))
		return psprintf("%s", event->frame->name);
	/* a table that is dropped loses its triggers first; what was asked for is the table */
	if (event->action == GUARD_DROP && event->class_id == TriggerRelationId &&
		paysafe_guard_frame_removes_table(event->frame))
		ObjectAddressSet(address, RelationRelationId, event->relation);
	object = getObjectDescription(&address, true);
	if (object != NULL)
		return psprintf("%s %s", verbs[event->action], object);
	return psprintf("%s%s%s", event->frame ? event->frame->name : verbs[event->action],
					table ? " on table " : "", table ? table : "");
}

static PAYSAFE_NORETURN void
refuse(const GuardClass *class, const GuardEvent *event)
{
	Oid			relid = event->relation;
	bool		named = OidIsValid(relid) && get_rel_relkind(relid) != '\0';

	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = class->name,
					   .schema_name = named ? get_namespace_name(get_rel_namespace(relid)) : NULL,
					   .table_name = named ? get_rel_name(relid) : NULL,
					   .statement = event->action == GUARD_WRITE ? event->write :
					   event->frame ? event->frame->name : NULL,
					   .message = psprintf("%s is refused by paysafe", describe(event)),
					   .detail = class->reason,
					   .hint = class->hint ? class->hint :
					   "Open a maintenance window that names the table, with a second person: paysafe.open_maintenance."
				   });
}

static void
note_joining(const GuardEvent *event)
{
	MemoryContext old;

	if (event->frame == NULL)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	event->frame->joined = lappend_oid(event->frame->joined, event->object_id);
	event->frame->joined = lappend_oid(event->frame->joined, event->auxiliary);
	MemoryContextSwitchTo(old);
}

static void
refuse_truncate(const GuardEvent *event)
{
	Relation	rel = table_open(event->relation, NoLock);

	paysafe_enforce_truncate(rel);
	table_close(rel, NoLock);
}

static bool
is_refusal(GuardVerdict verdict)
{
	return verdict == GUARD_REFUSED || verdict == GUARD_REFUSED_BY_RULES ||
		verdict == GUARD_JOINS_WITH_ROWS;
}

/*
 * A table that the finding is about, and no window permits it; or none.  In a test
 * database nobody depends on what windows are for: migrations run there as they are.
 */
static bool
outside_windows(const GuardClass *class, const GuardFinding *finding, GuardEvent *about)
{
	bool		window = class->window;
	ListCell   *lc;

	if (window && paysafe_store_is_test_database())
		return false;
	if (finding->tables == NIL)
		return !(window && OidIsValid(about->relation) &&
				 paysafe_window_permits(about, about->relation));
	foreach(lc, finding->tables)
		if (!window || !paysafe_window_permits(about, lfirst_oid(lc)))
		{
			about->relation = lfirst_oid(lc);
			return true;
		}
	return false;
}

void
paysafe_judge(const GuardClass *classes, const GuardEvent *event)
{
	for (const GuardClass *class = classes; class->name != NULL; class++)
	{
		GuardFinding finding = class->judge(event);
		GuardEvent	about;

		if (likely(finding.verdict == GUARD_PASSES))
			continue;
		about = *event;
		if (OidIsValid(finding.relation))
			about.relation = finding.relation;
		if (is_refusal(finding.verdict) && outside_windows(class, &finding, &about))
		{
			if (finding.verdict == GUARD_REFUSED_BY_RULES)
				refuse_truncate(&about);
			refuse(class, &about);
		}
		if (finding.verdict == GUARD_JOINS || finding.verdict == GUARD_JOINS_WITH_ROWS)
			note_joining(&about);
		if (finding.verdict == GUARD_IS_OWN)
			about.frame->own = true;
	}
}
