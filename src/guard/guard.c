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
#include "catalog/objectaddress.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/enforce.h"
#include "engine/triggers.h"
#include "guard/facts.h"
#include "guard/guard.h"
#include "guard/maintenance.h"
#include "guard/policy.h"
#include "guard/standing.h"
#include "guard/system_catalog.h"
#include "store/catalog.h"

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

	if (event->action == GUARD_STATEMENT || !OidIsValid(event->class_id))
		return psprintf("%s", event->frame->name);
	object = getObjectDescription(&address, true);
	if (object != NULL)
		return psprintf("%s %s", verbs[event->action], object);
	return psprintf("%s%s%s", event->frame ? event->frame->name : verbs[event->action],
					OidIsValid(event->relation) ? " on table " : "",
					OidIsValid(event->relation) ? get_rel_name(event->relation) : "");
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
follow(const GuardClass *class, const GuardEvent *event, GuardFinding finding)
{
	MemoryContext old;
	Relation	rel;

	switch (finding.verdict)
	{
		case GUARD_PASSES:
			break;
		case GUARD_REFUSED:
			refuse(class, event);
		case GUARD_REFUSED_BY_RULES:
			rel = table_open(event->relation, NoLock);
			paysafe_enforce_refuse_truncate(rel);
		case GUARD_IS_OWN:
			event->frame->own = true;
			break;
		case GUARD_JOINS:
			if (event->frame == NULL)
				break;
			old = MemoryContextSwitchTo(TopTransactionContext);
			event->frame->joined = list_append_unique_oid(event->frame->joined, event->object_id);
			MemoryContextSwitchTo(old);
			break;
	}
}

static bool
is_refusal(GuardVerdict verdict)
{
	return verdict == GUARD_REFUSED || verdict == GUARD_REFUSED_BY_RULES;
}

void
paysafe_guard_by(const GuardClass *classes, const GuardEvent *event)
{
	for (const GuardClass *class = classes; class->name != NULL; class++)
	{
		GuardFinding finding = class->judge(event);
		GuardEvent	about = *event;

		if (OidIsValid(finding.relation))
			about.relation = finding.relation;
		if (is_refusal(finding.verdict) && class->window && OidIsValid(about.relation) &&
			paysafe_maintenance_covers(about.relation))
			continue;
		follow(class, &about, finding);
	}
}

/* Is the statement, or one that it is part of, paysafe's own? */
static bool
is_own_work(const GuardFrame *frame)
{
	return frame != NULL && frame->own;
}

void
paysafe_guard(GuardEvent *event)
{
	/* the hot path: rows of ordinary tables */
	if (event->action == GUARD_WRITE && event->relation >= FirstNormalObjectId)
		return;
	if (!paysafe_catalog_present() || is_own_work(event->frame) || paysafe_catalog_in_script())
		return;
	if (event->action != GUARD_STATEMENT && event->action != GUARD_WRITE)
		event->relation = paysafe_facts_relation_of(event);
	paysafe_guard_by(paysafe_system_catalog, event);
	paysafe_guard_by(paysafe_policy, event);
}

static GuardFinding
refuses_locking(const GuardEvent *event)
{
	Oid			relid = paysafe_standing_locked_table();

	return refuse_for(relid, OidIsValid(relid));
}

/* LOCK TABLE, when it has what it wants: a view may stand for other tables. */
static const GuardClass locking[] = {
	{"guard_own_table", refuses_locking, false,
	"The lock would keep paysafe from writing its evidence.", "LOCK TABLE in ACCESS SHARE, ROW SHARE or ROW EXCLUSIVE MODE does not."},
	{NULL}
};

void
paysafe_guard_locked(GuardFrame *frame)
{
	GuardEvent	event = {.action = GUARD_STATEMENT, .statement = frame->statement, .frame = frame};

	if (paysafe_catalog_present() && !frame->own)
		paysafe_guard_by(locking, &event);
}

void
paysafe_guard_after(GuardFrame *frame)
{
	ListCell   *lc;

	foreach(lc, frame->joined)
		paysafe_triggers_join(lfirst_oid(lc));
	frame->joined = NIL;
}
