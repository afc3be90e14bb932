/*-------------------------------------------------------------------------
 *
 * triggers.c
 *	  Which tables can be protected, and the triggers on them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "engine/rule.h"
#include "engine/triggers.h"
#include "store/catalog.h"
#include "store/own_trigger.h"
#include "store/run_as_owner.h"
#include "values/row_key.h"

void
paysafe_triggers_check_table(Relation rel, bool is_root)
{
	const char *name = RelationGetRelationName(rel);
	char		relkind = rel->rd_rel->relkind;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("Only tables that store their rows here can be: no view, materialized view, foreign table or sequence.")));
	/* initdb's tables are dumped by nobody */
	if (RelationGetRelid(rel) < FirstNormalObjectId ||
		paysafe_catalog_is_own(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("It belongs to PostgreSQL or to paysafe.")));
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("A temporary or unlogged table loses its rows in a crash."),
				 rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED ?
				 errhint("Make it permanent first: ALTER TABLE ... SET LOGGED.") : 0));
	if (relkind == RELKIND_RELATION && rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("Its table access method is not heap.")));
	if (is_root && rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", name),
				 errhint("Declare the rule on \"%s\", the partitioned table; it then holds for all partitions.",
						 get_rel_name(llast_oid(paysafe_catalog_ancestors(RelationGetRelid(rel)))))));
}

/*
 * A trigger that says it is ours and is not, or would be made anew from above.
 * One of another function is somebody's own, which only its owner may take away.
 */
static bool
is_in_the_way(Relation rel, const Trigger *trigger)
{
	if (!paysafe_own_trigger_claims(trigger))
		return false;
	if (!paysafe_own_trigger_calls(trigger))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" has a trigger \"%s\" that is not paysafe's",
						RelationGetRelationName(rel), trigger->tgname),
				 errhint("Give it another name: ALTER TRIGGER ... RENAME TO ...")));
	if (trigger->tgisclone)
		return false;
	/* a partition's row trigger is the clone of its parent's */
	if (paysafe_own_trigger_has_shape(OWN_ROW_TRIGGER, trigger))
		return rel->rd_rel->relispartition;
	return !paysafe_own_trigger_has_shape(OWN_STATEMENT_TRIGGER, trigger);
}

/* Drop what only looks like our triggers, so that ours can be made. */
static void
clear_way(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *names = NIL;
	char	   *table = paysafe_catalog_table_name(relid);
	ListCell   *lc;

	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
		if (is_in_the_way(rel, &rel->trigdesc->triggers[i]))
			names = lappend(names, pstrdup(rel->trigdesc->triggers[i].tgname));
	table_close(rel, NoLock);
	foreach(lc, names)
	{
		ereport(WARNING,
				(errmsg("trigger \"%s\" of table %s is not what paysafe makes, and is dropped",
						(char *) lfirst(lc), table)));
		paysafe_run_as_owner(psprintf("DROP TRIGGER %s ON %s", quote_identifier(lfirst(lc)), table));
	}
}

static bool
is_in_force(Oid relid, OwnTrigger which)
{
	Relation	rel = table_open(relid, NoLock);
	bool		result = paysafe_own_trigger_of(rel, which) != NULL;

	table_close(rel, NoLock);
	return result;
}

static bool
is_made(Oid relid, OwnTrigger which)
{
	Relation	rel = table_open(relid, NoLock);
	bool		result = false;

	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
		result |= paysafe_own_trigger_has_shape(which, &rel->trigdesc->triggers[i]);
	table_close(rel, NoLock);
	return result;
}

/* Create one of our triggers on the relation unless it is there; enable it.  Was it missing? */
static bool
ensure_trigger(Oid relid, OwnTrigger which)
{
	const char *name = paysafe_own_trigger_name(which);
	char	   *table = paysafe_catalog_table_name(relid);

	if (is_in_force(relid, which))
		return false;
	if (!is_made(relid, which))
		paysafe_run_as_owner(psprintf(which == OWN_ROW_TRIGGER ?
									 "CREATE TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()" :
									 "CREATE TRIGGER %s AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement()",
									 name, table));
	if (!is_in_force(relid, which))
		paysafe_run_as_owner(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, name));
	if (!is_in_force(relid, which))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table %s is not what paysafe made", name, table),
				 errhint("Look for an event trigger that changes it.")));
	return true;
}

bool
paysafe_triggers_each_row_counts(Oid relid)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relid))
	{
		const RuleSource *source = lfirst(lc);

		if (source->kind->all_columns && list_member_oid(ancestors, source->relation))
			return true;
	}
	return false;
}

bool
paysafe_triggers_may_swallow(const Trigger *trigger)
{
	return TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
		trigger->tgenabled != TRIGGER_DISABLED && !trigger->tgisinternal;
}

void
paysafe_triggers_check_rewrites(Relation rel)
{
	for (int i = 0; rel->rd_rules != NULL && i < rel->rd_rules->numLocks; i++)
		if (rel->rd_rules->rules[i]->isInstead && rel->rd_rules->rules[i]->enabled != RULE_DISABLED)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" has a rule that replaces statements before any trigger sees a row",
							RelationGetRelationName(rel)),
					 errhint("Drop it (DROP RULE), or use a view with INSTEAD OF triggers.")));
}

/* Raises for what keeps rows, or whole statements, from our triggers. */
static void
check_rows_arrive(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	const char *name = RelationGetRelationName(rel);

	paysafe_triggers_check_rewrites(rel);
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
		if (paysafe_triggers_may_swallow(&rel->trigdesc->triggers[i]) &&
			paysafe_triggers_each_row_counts(relid))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("trigger \"%s\" can keep rows out of table \"%s\", in which each one counts",
							rel->trigdesc->triggers[i].tgname, name),
					 errhint("Drop or disable it, and use an AFTER trigger or a column default.")));
	table_close(rel, NoLock);
}

/*
 * Event triggers run within our commands: what they have made of the tree meanwhile must be
 * what was looked at before.
 */
static void
verify_tree(Oid relid)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessShareLock);

		paysafe_triggers_check_table(rel, false);
		paysafe_row_key_check(rel);
		for (OwnTrigger which = OWN_ROW_TRIGGER; which <= OWN_STATEMENT_TRIGGER; which++)
			if (paysafe_own_trigger_of(rel, which) == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("trigger \"%s\" of table \"%s\" is not what paysafe made",
								paysafe_own_trigger_name(which), RelationGetRelationName(rel)),
						 errhint("Look for an event trigger that changes it.")));
		relation_close(rel, NoLock);
		check_rows_arrive(lfirst_oid(lc));
	}
}

/* What kinds of rules need on the table. */
static void
furnish(Oid relid)
{
	for (int i = 0; paysafe_rule_kinds[i] != NULL; i++)
		if (paysafe_rule_kinds[i]->furnish != NULL)
			paysafe_rule_kinds[i]->furnish(relid);
}

bool
paysafe_triggers_ensure(Oid relid)
{
	List	   *tree = find_all_inheritors(relid, NoLock, NULL);
	bool		missing = false;
	ListCell   *lc;

	foreach(lc, tree)
	{
		check_rows_arrive(lfirst_oid(lc));
		clear_way(lfirst_oid(lc));
	}
	foreach(lc, tree)
	{
		missing |= ensure_trigger(lfirst_oid(lc), OWN_ROW_TRIGGER);
		(void) ensure_trigger(lfirst_oid(lc), OWN_STATEMENT_TRIGGER);
		furnish(lfirst_oid(lc));
	}
	verify_tree(relid);
	return missing;
}

void
paysafe_triggers_join(Oid relid)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessShareLock);

		paysafe_triggers_check_table(rel, false);
		paysafe_row_key_check(rel);
		relation_close(rel, NoLock);
	}
	(void) paysafe_triggers_ensure(relid);
}

void
paysafe_triggers_drop(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel;
		List	   *names = NIL;
		char	   *table;
		ListCell   *name;

		furnish(lfirst_oid(lc));
		if (paysafe_rule_sources(lfirst_oid(lc)) != NIL)
			continue;
		rel = table_open(lfirst_oid(lc), NoLock);
		for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
			if (paysafe_own_trigger_calls(&rel->trigdesc->triggers[i]) &&
				!rel->trigdesc->triggers[i].tgisclone)
				names = lappend(names, pstrdup(rel->trigdesc->triggers[i].tgname));
		table = paysafe_catalog_table_name(lfirst_oid(lc));
		table_close(rel, NoLock);
		foreach(name, names)
			paysafe_run_as_owner(psprintf("DROP TRIGGER %s ON %s", quote_identifier(lfirst(name)), table));
	}
}
