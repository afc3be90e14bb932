/*-------------------------------------------------------------------------
 *
 * tenant_policy.c
 *	  Row security of tables that belong to tenants.
 *
 * A restrictive policy shows a transaction the rows of its tenant: other policies of the
 * table can only take more away.  It lies on every table of a tree, because whoever
 * reads a partition by its own name meets the partition's policies alone.  It checks
 * nothing that is written: the row trigger does, with a better word for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "engine/declare.h"
#include "engine/rule.h"
#include "rules/tenant/tenant_policy.h"
#include "store/catalog.h"
#include "store/run_as_owner.h"
#include "values/spec.h"

/* What there is on a table. */
typedef struct Found
{
	bool		ours;			/* TENANT_POLICY, whatever it says */
	bool		right;			/* and it says what it must */
	bool		rows;			/* TENANT_ROWS_POLICY */
	bool		others;			/* permissive ones of somebody's own */
	bool		any;			/* other policies of any kind */
	bool		enabled;		/* row security */
	bool		forced;			/* for the owner, too */
} Found;

/* The nearest enforced rule of the table, or NULL. */
static const RuleSource *
rule_of(Oid relid)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relid))
	{
		const RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "tenant") == 0 && !source->observed &&
			list_member_oid(ancestors, source->relation))
			return source;
	}
	return NULL;
}

/*
 * Did the table ever have a tenant rule that is known?  Where rules were not restored with
 * their tables, row security stays until they are declared again.
 */
static bool
had_rule(Oid relid)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_ancestors(relid))
	{
		RuleSource	rule;
		bool		removed;

		if (paysafe_rule_newest(lfirst_oid(lc), "tenant", &rule, &removed))
			return true;
	}
	return false;
}

bool
paysafe_tenant_policy_needed(Oid relid)
{
	return rule_of(relid) != NULL;
}

/* What the policy must say of the column. */
static char *
condition(Relation rel, const char *column)
{
	AttrNumber	attnum = paysafe_catalog_column(rel, column);
	Oid			type = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);

	return psprintf("paysafe.of_tenant(%s, (SELECT paysafe.current_tenant_%s()), (SELECT paysafe.acts_across_tenants()))",
					quote_identifier(column),
					type == INT2OID ? "int2" : type == INT4OID ? "int4" : type == INT8OID ? "int8" :
					type == UUIDOID ? "uuid" : "text");
}

/* The same as CREATE POLICY would make of it. */
static Node *
parsed(Relation rel, const char *expression)
{
	RawStmt    *raw = linitial(raw_parser(psprintf("SELECT %s", expression), RAW_PARSE_DEFAULT));
	ResTarget  *target = linitial(((SelectStmt *) raw->stmt)->targetList);
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL, false, false);
	Node	   *result;

	addNSItemToQuery(pstate, item, false, true, true);
	result = transformWhereClause(pstate, target->val, EXPR_KIND_POLICY, "POLICY");
	assign_expr_collations(pstate, result);
	free_parsestate(pstate);
	return result;
}

/* For everybody: the array of roles has PUBLIC, and nobody else. */
static bool
is_for_all(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	ArrayType  *roles = DatumGetArrayTypeP(heap_getattr(tuple, Anum_pg_policy_polroles, desc, &isnull));

	return ARR_NDIM(roles) == 1 && ARR_DIMS(roles)[0] == 1 && ((Oid *) ARR_DATA_PTR(roles))[0] == InvalidOid;
}

/* Does the policy say what it must? */
static bool
is_right(Relation rel, const char *column, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
	bool		isnull;
	Datum		qual = heap_getattr(tuple, Anum_pg_policy_polqual, desc, &isnull);

	if (isnull || form->polpermissive || form->polcmd != '*' || !is_for_all(tuple, desc))
		return false;
	return equal(stringToNode(TextDatumGetCString(qual)), parsed(rel, condition(rel, column)));
}

static void
look(Relation rel, const char *column, Found *found)
{
	Relation	catalog = table_open(PolicyRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(found, 0, sizeof(*found));
	found->enabled = rel->rd_rel->relrowsecurity;
	found->forced = rel->rd_rel->relforcerowsecurity;
	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(rel)));
	scan = systable_beginscan(catalog, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);

		if (strcmp(NameStr(form->polname), TENANT_POLICY) == 0)
		{
			found->ours = true;
			found->right = column != NULL && is_right(rel, column, tuple, RelationGetDescr(catalog));
		}
		else if (strcmp(NameStr(form->polname), TENANT_ROWS_POLICY) == 0)
			found->rows = true;
		else
		{
			found->any = true;
			found->others |= form->polpermissive;
		}
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* Look at a table by its own rule; NULL: it has none. */
static const RuleSource *
look_at(Oid relid, Found *found)
{
	const RuleSource *rule = rule_of(relid);
	Relation	rel = table_open(relid, AccessShareLock);

	look(rel, rule ? paysafe_spec_text(rule->spec, "tenant_column") : NULL, found);
	table_close(rel, NoLock);
	return rule;
}

static bool
is_furnished(const RuleSource *rule, const Found *found)
{
	return rule == NULL ? !found->ours && !found->rows :
		found->right && found->enabled && found->forced;
}

static void
run(const char *format, const char *table, const char *condition)
{
	paysafe_run_as_owner(condition ? psprintf(format, table, condition) : psprintf(format, table));
}

static void
take_away(Oid relid, const Found *found)
{
	char	   *table = paysafe_catalog_table_name(relid);

	if (found->ours)
		run("DROP POLICY " TENANT_POLICY " ON %s", table, NULL);
	if (!found->rows)
		return;					/* row security was somebody's before */
	run("DROP POLICY " TENANT_ROWS_POLICY " ON %s", table, NULL);
	if (!found->any)
		run("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY", table, NULL);
}

static void
make(Oid relid, const char *column, const Found *found)
{
	char	   *table = paysafe_catalog_table_name(relid);
	Relation	rel = table_open(relid, AccessShareLock);
	char	   *says = condition(rel, column);

	table_close(rel, NoLock);
	if (!found->enabled && found->any && !found->rows)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has policies that are not in force", get_rel_name(relid)),
				 errdetail("They would be with row security, which a tenant's rows need."),
				 errhint("Enable row security of the table, or drop the policies.")));
	if (found->ours && !found->right)
		run("DROP POLICY " TENANT_POLICY " ON %s", table, NULL);
	if (!found->right)
		run("CREATE POLICY " TENANT_POLICY " ON %s AS RESTRICTIVE USING (%s) WITH CHECK (true)", table, says);
	/* who had row security had said who sees rows at all */
	if (!found->enabled && !found->rows)
		run("CREATE POLICY " TENANT_ROWS_POLICY " ON %s USING (true) WITH CHECK (true)", table, NULL);
	if (!found->enabled || !found->forced)
		run("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", table, NULL);
}

void
paysafe_tenant_policy_furnish(Oid relid)
{
	Found		found;
	const RuleSource *rule = look_at(relid, &found);

	if (is_furnished(rule, &found) || (rule == NULL && !had_rule(relid)))
		return;
	if (rule == NULL)
		take_away(relid, &found);
	else
		make(relid, paysafe_spec_text(rule->spec, "tenant_column"), &found);
	CommandCounterIncrement();
	if (!is_furnished(look_at(relid, &found), &found))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row security of table \"%s\" is not what paysafe made", get_rel_name(relid)),
				 errhint("Look for an event trigger that changes it.")));
}

void
paysafe_tenant_policy_lock(Oid relid)
{
	ListCell   *lc;
	bool		furnished = true;

	paysafe_declare_check_owner(relid);
	if (get_rel_relkind(relid) != RELKIND_RELATION && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;					/* the declaration says why not */
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Found		found;

		furnished &= look_at(lfirst_oid(lc), &found) != NULL && found.right && found.enabled && found.forced;
	}
	if (furnished)
		return;
	LockRelationOid(relid, AccessExclusiveLock);
	(void) find_all_inheritors(relid, AccessExclusiveLock, NULL);
}

bool
paysafe_tenant_policy_is_alone(Oid relid)
{
	Found		found;

	return look_at(relid, &found) != NULL && found.right && found.rows && !found.any;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_tenant_trouble);

/*
 * tenant_trouble(relation) returns text: what is wrong with the row security of a table
 * that belongs to tenants, or NULL
 */
Datum
paysafe_tenant_trouble(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Found		found;

	if (get_rel_relkind(relid) == '\0' || look_at(relid, &found) == NULL)
		PG_RETURN_NULL();
	if (!found.ours)
		PG_RETURN_TEXT_P(cstring_to_text("it has no policy \"" TENANT_POLICY "\": everybody reads every tenant's rows"));
	if (!found.right)
		PG_RETURN_TEXT_P(cstring_to_text("its policy \"" TENANT_POLICY "\" is not what paysafe made"));
	if (!found.enabled)
		PG_RETURN_TEXT_P(cstring_to_text("row security is disabled: everybody reads every tenant's rows"));
	if (!found.forced)
		PG_RETURN_TEXT_P(cstring_to_text("row security is not forced: its owner reads every tenant's rows"));
	PG_RETURN_NULL();
}
