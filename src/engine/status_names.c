/*-------------------------------------------------------------------------
 *
 * status_names.c
 *	  Statuses that are rows of another table, by their names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "engine/declare.h"
#include "engine/status_names.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/status_value.h"

#define MAX_NAMES	1000

typedef struct Names
{
	StatusColumn key;
	StatusColumn name;
	List	   *pairs;			/* "key=name" */
	List	   *names;
} Names;

Oid
paysafe_status_names_table(Oid relation, AttrNumber attnum, AttrNumber *key)
{
	Relation	rel = table_open(relation, AccessShareLock);
	Oid			table = InvalidOid;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->nkeys == 1 && fk->conkey[0] == attnum)
		{
			table = fk->confrelid;
			*key = fk->confkey[0];
		}
	}
	table_close(rel, AccessShareLock);
	return table;
}

static bool
read_row(Relation rel, TupleTableSlot *row, void *arg)
{
	Names	   *names = arg;
	char	   *key = paysafe_status_value_text(&names->key, row);
	char	   *name = paysafe_status_value_text(&names->name, row);

	if (paysafe_status_value_is_null(&names->name, row))
		return true;
	if (list_length(names->pairs) == MAX_NAMES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has more than %d statuses", RelationGetRelationName(rel), MAX_NAMES)));
	if (strchr(key, '=') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("status \"%s\" of table \"%s\" has \"=\" in its key", paysafe_redact_string(name), RelationGetRelationName(rel))));
	names->pairs = lappend(names->pairs, psprintf("%s=%s", key, name));
	names->names = lappend(names->names, name);
	return true;
}

static void
read_table(Oid table, AttrNumber key, const char *column, Names *names)
{
	Relation	rel = table_open(table, AccessShareLock);
	Snapshot	snapshot;

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has partitions, which statuses cannot be read from", RelationGetRelationName(rel))));
	paysafe_status_value_state_column(rel, NameStr(TupleDescAttr(RelationGetDescr(rel), key - 1)->attname), &names->key);
	paysafe_status_value_state_column(rel, column, &names->name);
	snapshot = paysafe_scan_snapshot();
	paysafe_scan(rel, NULL, 0, NULL, snapshot, read_row, names);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
}

static void
check_used(const Names *names, Oid table, const char *column, List *used)
{
	ListCell   *lc;

	foreach(lc, used)
		if (lfirst(lc) != NULL && !paysafe_strings_contain(names->names, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("no row of table \"%s\" has \"%s\" = \"%s\"", get_rel_name(table), column, paysafe_redact_string((char *) lfirst(lc))),
					 errhint("Statuses are called as they are in the table that \"status_path\" leads to; a row that is new there is known to rules that are declared after it.")));
}

void
paysafe_status_names_add(SpecBuilder *spec, Oid relation, const char *column, List *path, List *used)
{
	Relation	rel;
	AttrNumber	attnum;
	AttrNumber	key = InvalidAttrNumber;
	Oid			table;
	Oid			typid;
	Names		names = {0};

	paysafe_spec_add_columns(spec, "status_path", path);
	if (path == NIL)
		return;
	paysafe_declare_check_owner(relation);
	rel = table_open(relation, AccessShareLock);
	attnum = paysafe_catalog_column(rel, column);
	typid = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	table_close(rel, NoLock);
	if (typid == JSONBOID)
		return;
	table = paysafe_status_names_table(relation, attnum, &key);
	if (!OidIsValid(table) || list_length(path) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing stands at the end of a path from column \"%s\"", column),
				 errhint("A path leads into a column of type jsonb; or it is one column of the table that the status refers to, by a foreign key of one column.")));
	paysafe_declare_check_owner(table);
	read_table(table, key, linitial(path), &names);
	check_used(&names, table, linitial(path), used);
	paysafe_spec_add_set(spec, "status_names", names.pairs);
}

char *
paysafe_status_names_trouble(const RuleSource *rule)
{
	List	   *then = paysafe_spec_set(rule->spec, "status_names");
	AttrNumber	key = InvalidAttrNumber;
	Oid			table;
	Names		now = {0};
	List	   *added;
	List	   *gone;

	if (then == NIL)
		return NULL;
	table = paysafe_status_names_table(rule->relation,
									   get_attnum(rule->relation, paysafe_spec_text(rule->spec, "status_column")), &key);
	if (!OidIsValid(table))
		return pstrdup("the status column refers to no table any more");
	read_table(table, key, linitial(paysafe_spec_columns(rule->spec, "status_path")), &now);
	added = paysafe_strings_minus(now.pairs, then);
	gone = paysafe_strings_minus(then, now.pairs);
	if (added == NIL && gone == NIL)
		return NULL;
	return psprintf("statuses of table %s are called otherwise than when rule %s was declared, which goes on to know them by their names of then:%s%s%s%s",
					paysafe_catalog_table_name(table), rule->name,
					gone ? " no longer " : "", gone ? paysafe_strings_join(gone) : "",
					added ? " new " : "", added ? paysafe_strings_join(added) : "");
}
