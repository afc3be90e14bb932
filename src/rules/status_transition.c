/*-------------------------------------------------------------------------
 *
 * status_transition.c
 *	  The status machine of a table, and moving one row of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/argument.h"
#include "compat.h"
#include "engine/rule.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

/* how often transition() looks again at a row that was moved to another partition */
#define MAX_TRIES 10

/* The status rule of a table; raises 22023 if it has none. */
static void
status_rule(Oid relid, RuleSource *rule)
{
	bool		removed;

	if (paysafe_rule_newest(relid, "status", rule, &removed) && !removed)
		return;
	(void) paysafe_catalog_table_name(relid);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("table \"%s\" has no status machine", get_rel_name(relid)),
			 errhint("Declare one with paysafe.protect_status.")));
}

PG_FUNCTION_INFO_V1(paysafe_status_diagram);

/*
 * status_diagram(relation) returns text
 */
Datum
paysafe_status_diagram(PG_FUNCTION_ARGS)
{
	RuleSource	rule;

	status_rule(PG_GETARG_OID(0), &rule);
	PG_RETURN_TEXT_P(cstring_to_text(paysafe_spec_text(rule.spec, "machine")));
}

PG_FUNCTION_INFO_V1(paysafe_transition);

/*
 * An UPDATE and its values, which stand beside it: a statement's text gets into errors' contexts, and so into
 * the server's log.
 */
typedef struct Update
{
	StringInfoData sql;
	int			nvalues;
	Oid		   *types;
	Datum	   *values;
} Update;

/* A further value, for this column: its place in the statement. */
static char *
add_value(Update *update, Relation rel, AttrNumber column, char *text)
{
	update->types[update->nvalues] = TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid;
	update->values[update->nvalues] = paysafe_row_key_argument(rel, column, text);
	return psprintf("$%d", ++update->nvalues);
}

/* "column OPERATOR(pg_catalog.=) $2": the caller's search_path decides nothing. */
static void
append_equals(Update *update, Relation rel, AttrNumber column, char *text)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), column - 1);
	const char *cast = "";

	/* an enum's operators are polymorphic: they are not found for a domain over it */
	if (getBaseType(att->atttypid) != att->atttypid && type_is_enum(getBaseType(att->atttypid)))
		cast = psprintf("::%s", format_type_be_qualified(getBaseType(att->atttypid)));
	appendStringInfo(&update->sql, "%s%s OPERATOR(pg_catalog.=) %s%s", quote_identifier(NameStr(att->attname)), cast,
					 add_value(update, rel, column, text), cast);
}

/* The keys of a status that is called so; without names, the status. */
static List *
statuses_called(const RuleSource *rule, char *name, bool single)
{
	List	   *keys = paysafe_status_value_keys_of(rule->spec, name);

	if (keys == NIL || (single && list_length(keys) > 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(keys == NIL ? "no status is called \"%s\"" : "several statuses are called \"%s\"",
						paysafe_redact_string(name)),
				 keys == NIL ? errhint("Rules know the names that were there when they were declared.") :
				 errhint("Say which one in an UPDATE of your own; it is judged like this one.")));
	return keys;
}

/*
 * The UPDATE that moves the row from one status to the other, the key read in one of
 * the ways that it can be; false: there is no other.
 */
static bool
make_update(Oid relid, const char *column, const char *key, List *from, char *to, int attempt, Update *update)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber	status = paysafe_catalog_column(rel, column);
	AttrNumber *attnums;
	char	  **parts;
	int			nkeys = paysafe_row_key_written(rel, key, attempt, &attnums, &parts);
	ListCell   *lc;

	paysafe_row_key_check(rel);
	update->nvalues = 0;
	update->types = palloc((1 + list_length(from) + nkeys) * sizeof(Oid));
	update->values = palloc((1 + list_length(from) + nkeys) * sizeof(Datum));
	initStringInfo(&update->sql);
	appendStringInfo(&update->sql, "UPDATE %s SET %s = %s WHERE (",
					 paysafe_catalog_table_name(relid), quote_identifier(column), add_value(update, rel, status, to));
	foreach(lc, from)
	{
		appendStringInfoString(&update->sql, lc == list_head(from) ? "" : " OR ");
		append_equals(update, rel, status, lfirst(lc));
	}
	appendStringInfoChar(&update->sql, ')');
	for (int i = 0; i < nkeys; i++)
	{
		appendStringInfoString(&update->sql, " AND ");
		append_equals(update, rel, attnums[i], parts[i]);
	}
	table_close(rel, AccessShareLock);
	return nkeys > 0;
}

static uint64
execute_update(const Update *update)
{
	uint64		moved;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(update->sql.data, update->nvalues, update->types, update->values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not execute \"%s\"", update->sql.data);
	moved = SPI_processed;
	SPI_finish();
	return moved;
}

/*
 * The same in a subtransaction.  False: somebody moved the row to another partition,
 * which PostgreSQL reports as an error, where a row that stays is looked at again.
 * Raises that error if it is the last try.
 */
static bool
try_update(const Update *update, bool last, uint64 *moved)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		*moved = execute_update(update);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		RollbackAndReleaseCurrentSubTransaction();
		if (last || error->sqlerrcode != ERRCODE_T_R_SERIALIZATION_FAILURE)
			ReThrowError(error);
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

/*
 * transition(relation, key, from_status, to_status) returns boolean
 */
Datum
paysafe_transition(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"relation", "key", "from_status", "to_status"};
	Oid			relid;
	char	   *key;
	char	   *from;
	char	   *to;
	RuleSource	rule;
	char	   *column;
	Update		update;
	uint64		moved = 0;

	paysafe_argument_all_required(fcinfo, arguments, lengthof(arguments));
	relid = PG_GETARG_OID(0);
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	from = text_to_cstring(PG_GETARG_TEXT_PP(2));
	to = text_to_cstring(PG_GETARG_TEXT_PP(3));
	if (strcmp(from, to) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a transition needs two different statuses")));
	(void) paysafe_catalog_table_name(relid);	/* rules may outlive their table */
	status_rule(relid, &rule);
	column = paysafe_spec_text(rule.spec, "status_column");
	to = linitial(statuses_called(&rule, to, true));
	for (int attempt = 0; moved == 0; attempt++)
	{
		if (!make_update(relid, column, key, statuses_called(&rule, from, false), to, attempt, &update))
			break;
		if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE || IsolationUsesXactSnapshot())
			moved = execute_update(&update);
		else
			for (int tries = 1; !try_update(&update, tries == MAX_TRIES, &moved); tries++)
				CHECK_FOR_INTERRUPTS();
	}
	if (moved > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("key \"%s\" of table \"%s\" names more than one row",
						paysafe_redact_string(key), get_rel_name(relid)),
				 errhint("Name it by all columns of the primary key, separated by commas.")));
	PG_RETURN_BOOL(moved == 1);
}
