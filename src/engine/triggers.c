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
#include "utils/lsyscache.h"

#include "compat.h"
#include "engine/rule.h"
#include "engine/triggers.h"
#include "store/catalog.h"
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

/* Create one of our triggers on the relation unless it is there; enable it. */
static void
ensure_trigger(Oid relid, const char *name, Oid function, const char *events)
{
	Relation	rel = table_open(relid, NoLock);
	int			pos = paysafe_catalog_find_trigger(rel, name, function);
	bool		exists = pos >= 0;
	bool		always = exists &&
		rel->trigdesc->triggers[pos].tgenabled == TRIGGER_FIRES_ALWAYS;
	char	   *table = paysafe_catalog_table_name(relid);

	table_close(rel, NoLock);
	if (!exists)
		paysafe_run_as_owner(psprintf("CREATE TRIGGER %s AFTER %s ON %s %s",
									 name, events, table,
									 function == paysafe_catalog_enforce_function() ?
									 "FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()" :
									 "FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement()"));
	if (!always)
		paysafe_run_as_owner(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, name));
}

void
paysafe_triggers_ensure(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		ensure_trigger(lfirst_oid(lc), PAYSAFE_ROW_TRIGGER,
					   paysafe_catalog_enforce_function(),
					   "INSERT OR UPDATE OR DELETE");
		ensure_trigger(lfirst_oid(lc), PAYSAFE_STATEMENT_TRIGGER,
					   paysafe_catalog_statement_function(),
					   "INSERT OR UPDATE OR DELETE OR TRUNCATE");
	}
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
	paysafe_triggers_ensure(relid);
}

void
paysafe_triggers_drop(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel;
		bool		row;
		bool		cloned;
		bool		statement;
		char	   *table;

		if (paysafe_rule_sources(lfirst_oid(lc)) != NIL)
			continue;
		rel = table_open(lfirst_oid(lc), NoLock);
		row = paysafe_catalog_find_trigger(rel, PAYSAFE_ROW_TRIGGER,
										   paysafe_catalog_enforce_function()) >= 0;
		cloned = rel->rd_rel->relispartition;
		statement = paysafe_catalog_find_trigger(rel, PAYSAFE_STATEMENT_TRIGGER,
												 paysafe_catalog_statement_function()) >= 0;
		table = paysafe_catalog_table_name(lfirst_oid(lc));
		table_close(rel, NoLock);
		if (row && !cloned)
			paysafe_run_as_owner(psprintf("DROP TRIGGER %s ON %s", PAYSAFE_ROW_TRIGGER, table));
		if (statement)
			paysafe_run_as_owner(psprintf("DROP TRIGGER %s ON %s", PAYSAFE_STATEMENT_TRIGGER, table));
	}
}
