/*-------------------------------------------------------------------------
 *
 * maintenance.c
 *	  Maintenance windows: the one way past the guard.
 *
 * One person opens a window for named tables and a limited time, once a second
 * person has approved exactly that.  In it, sessions of the same login may run
 * the DDL that the guard otherwise refuses on these tables, or drop a rule.
 * Rows are judged and recorded as always, and the triggers and paysafe's own
 * tables stay out of reach.  Each statement that changes a definition is
 * recorded with the definition before and after.  Closing the window completes
 * the triggers and shows all rows to all rules again.
 *
 * A window ends by itself when its time is over; then it still wants to be
 * closed, and paysafe.check() says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "engine/triggers.h"
#include "guard/maintenance.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/run_as_owner.h"
#include "values/spec.h"

#define LONGEST_WINDOW	(24 * USECS_PER_HOUR)

/* Columns of paysafe.maintenance_record, _end and _change. */
enum
{
	WINDOW_ID, WINDOW_TABLES, WINDOW_REASON, WINDOW_TICKET, WINDOW_ACTOR, WINDOW_LOGIN,
	WINDOW_SESSION_USER, WINDOW_CLIENT, WINDOW_AT, WINDOW_UNTIL,
	WINDOW_NCOLUMNS
};
enum
{
	END_WINDOW, END_ACTOR, END_SESSION_USER, END_AT,
	END_NCOLUMNS
};
enum
{
	CHANGE_ID, CHANGE_WINDOW, CHANGE_AT, CHANGE_STATEMENT, CHANGE_RELATION, CHANGE_NAME,
	CHANGE_BEFORE, CHANGE_AFTER, CHANGE_ACTOR, CHANGE_SESSION_USER,
	CHANGE_NCOLUMNS
};

typedef struct Window
{
	int64		id;
	char	   *login;
	TimestampTz until;
	List	   *tables;			/* of Oid */
} Window;

/* A table of an open window, before a statement. */
typedef struct Definition
{
	int64		window;
	Oid			relid;
	char	   *name;
	Jsonb	   *before;
} Definition;

struct MaintenanceStatement
{
	MemoryContext context;
	const char *name;
	List	   *definitions;
};

/* Reading windows */

static bool
note_found(Relation rel, HeapTuple tuple, void *arg)
{
	*(bool *) arg = true;
	return false;
}

static bool
is_closed(int64 id)
{
	Datum		key = Int64GetDatum(id);
	bool		found = false;

	paysafe_store_scan(PAYSAFE_MAINTENANCE_END, "maintenance_end_pkey", 1, &key,
					   note_found, &found);
	return found;
}

static bool
collect_window(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **windows = arg;
	Datum		values[WINDOW_NCOLUMNS];
	bool		nulls[WINDOW_NCOLUMNS];
	Window	   *window;
	Datum	   *elements;
	int			n;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (is_closed(DatumGetInt64(values[WINDOW_ID])))
		return true;
	window = palloc0(sizeof(Window));
	window->id = DatumGetInt64(values[WINDOW_ID]);
	window->login = TextDatumGetCString(values[WINDOW_LOGIN]);
	window->until = DatumGetTimestampTz(values[WINDOW_UNTIL]);
	deconstruct_array(DatumGetArrayTypeP(values[WINDOW_TABLES]), REGCLASSOID,
					  sizeof(Oid), true, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		window->tables = lappend_oid(window->tables, DatumGetObjectId(elements[i]));
	*windows = lappend(*windows, window);
	return true;
}

/* Windows that nobody has closed: those open here now, or all. */
static List *
windows_not_closed(bool open_here)
{
	List	   *windows = NIL;
	char	   *login = paysafe_actor_login();
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_MAINTENANCE_RECORD, NULL, 0, NULL, collect_window, &windows);
	foreach(lc, windows)
	{
		Window	   *window = lfirst(lc);

		if (open_here && (window->until <= now || strcmp(window->login, login) != 0))
			windows = foreach_delete_current(windows, lc);
	}
	return windows;
}

bool
paysafe_maintenance_covers(Oid relid)
{
	List	   *windows;
	List	   *ancestors;
	ListCell   *lc;

	if (paysafe_store_is_empty(PAYSAFE_MAINTENANCE_RECORD))
		return false;
	windows = windows_not_closed(true);
	if (windows == NIL)
		return false;
	ancestors = paysafe_catalog_ancestors(relid);
	foreach(lc, windows)
	{
		ListCell   *table;

		foreach(table, ((Window *) lfirst(lc))->tables)
			if (list_member_oid(ancestors, lfirst_oid(table)))
				return true;
	}
	return false;
}

/* Recording what happens in them */

MaintenanceStatement *
paysafe_maintenance_before(GuardFrame *frame)
{
	MaintenanceStatement *result;
	MemoryContext context;
	MemoryContext old;
	List	   *windows;
	ListCell   *lc;

	if (GetCommandLogLevel(frame->statement) != LOGSTMT_DDL)
		return NULL;
	/* a statement within another one is part of that one's changes */
	for (const GuardFrame *outer = frame->outer; outer != NULL; outer = outer->outer)
		if (outer->recorded)
			return NULL;
	if (!paysafe_catalog_present() || paysafe_catalog_in_script() ||
		paysafe_store_is_empty(PAYSAFE_MAINTENANCE_RECORD))
		return NULL;
	windows = windows_not_closed(true);
	if (windows == NIL)
		return NULL;

	/* statements that commit on their way must not take it along */
	context = AllocSetContextCreate(TopMemoryContext, "paysafe maintenance", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	result = palloc0(sizeof(MaintenanceStatement));
	result->context = context;
	result->name = frame->name;
	frame->recorded = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, windows)
	{
		Window	   *window = lfirst(lc);
		ListCell   *table;

		foreach(table, window->tables)
		{
			Definition *definition;

			if (get_rel_relkind(lfirst_oid(table)) == '\0')
				continue;
			definition = palloc0(sizeof(Definition));
			definition->window = window->id;
			definition->relid = lfirst_oid(table);
			definition->name = paysafe_catalog_table_name(lfirst_oid(table));
			definition->before = paysafe_run_as_owner_definition(lfirst_oid(table));
			result->definitions = lappend(result->definitions, definition);
		}
	}
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	return result;
}

static void
record_change(const char *statement, const Definition *definition, Jsonb *after)
{
	Datum		values[CHANGE_NCOLUMNS];
	bool		nulls[CHANGE_NCOLUMNS] = {0};

	values[CHANGE_ID] = Int64GetDatum(nextval_internal(get_relname_relid("maintenance_id_seq",
																		 paysafe_catalog_schema()), false));
	values[CHANGE_WINDOW] = Int64GetDatum(definition->window);
	values[CHANGE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[CHANGE_STATEMENT] = CStringGetTextDatum(statement);
	values[CHANGE_RELATION] = ObjectIdGetDatum(definition->relid);
	values[CHANGE_NAME] = CStringGetTextDatum(definition->name);
	nulls[CHANGE_BEFORE] = definition->before == NULL;
	values[CHANGE_BEFORE] = definition->before ? JsonbPGetDatum(definition->before) : (Datum) 0;
	nulls[CHANGE_AFTER] = after == NULL;
	values[CHANGE_AFTER] = after ? JsonbPGetDatum(after) : (Datum) 0;
	values[CHANGE_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[CHANGE_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	paysafe_store_insert(PAYSAFE_MAINTENANCE_CHANGE, values, nulls);
}

void
paysafe_maintenance_after(MaintenanceStatement *statement)
{
	ListCell   *lc;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, statement->definitions)
	{
		Definition *definition = lfirst(lc);
		Jsonb	   *after = NULL;

		if (get_rel_relkind(definition->relid) != '\0')
			after = paysafe_run_as_owner_definition(definition->relid);
		if (after == NULL || definition->before == NULL ||
			!paysafe_spec_equal(definition->before, after))
			record_change(statement->name, definition, after);
	}
	PopActiveSnapshot();
	MemoryContextDelete(statement->context);
}

void
paysafe_maintenance_init(void)
{
	paysafe_declare_set_window(paysafe_maintenance_covers);
}

/* SQL-callable functions */

static char *
required_text(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *value;

	value = paysafe_argument_reason(fcinfo, n, argument, "a maintenance window");
	return paysafe_redact_string(value);
}

/* A ticket in a list with a reason after it: quoted if it could be taken for more. */
static char *
ticket_words(char *ticket)
{
	return strstr(ticket, ", ") != NULL || ticket[0] == '\'' ? quote_literal_cstr(ticket) : ticket;
}

/* May the window open?  False: it is proposed only. */
static bool
authorize(char *content, const Person *person, List *tables, int64 seconds, char *ticket,
		  char *reason)
{
	SpecBuilder spec;
	ProposedChange change = {
		.approved_as = PAYSAFE_MAINTENANCE_RECORD,
		.name = "maintenance",
		.version = 1,
		.difference = content,
		.loosens = content,
		.content = content
	};

	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "tables", tables);
	paysafe_spec_add_text(&spec, "login", person->login);
	paysafe_spec_add_text(&spec, "for", psprintf(INT64_FORMAT " s", seconds));
	paysafe_spec_add_text(&spec, "ticket", ticket);
	paysafe_spec_add_text(&spec, "reason", reason);
	change.after = paysafe_spec_end(&spec);
	return paysafe_loosening_authorize(&change);
}

PG_FUNCTION_INFO_V1(paysafe_open_maintenance);

/*
 * open_maintenance(reason, ticket, for interval, tables regclass[]) returns bigint
 */
Datum
paysafe_open_maintenance(PG_FUNCTION_ARGS)
{
	char	   *reason = required_text(fcinfo, 0, "reason");
	char	   *ticket = required_text(fcinfo, 1, "ticket");
	Person	   *person = paysafe_person_current();
	List	   *table_names = NIL;
	StringInfoData names;
	Datum	   *tables;
	bool	   *table_nulls;
	int			ntables;
	int64		length;
	int64		id;
	char	   *content;
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[WINDOW_NCOLUMNS];
	bool		nulls[WINDOW_NCOLUMNS] = {0};

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", PG_ARGISNULL(2) ? "for" : "tables")));
	length = paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(2), "for");
	if (length > LONGEST_WINDOW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a maintenance window lasts at most 24 hours")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &tables, &table_nulls, &ntables);
	if (ntables == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a maintenance window names its tables"),
				 errhint("For example: paysafe.open_maintenance('why', 'ticket', '1 hour', '{shop.payment}').")));
	initStringInfo(&names);
	for (int i = 0; i < ntables; i++)
	{
		if (table_nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", "tables")));
		paysafe_declare_check_owner(DatumGetObjectId(tables[i]));
		if (paysafe_catalog_is_own(DatumGetObjectId(tables[i])))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("there is no maintenance of paysafe's own tables")));
		table_names = lappend(table_names, paysafe_catalog_table_name(DatumGetObjectId(tables[i])));
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", (char *) llast(table_names));
	}

	content = psprintf("maintenance of %s by %s for " INT64_FORMAT " s: %s, %s",
					   names.data, quote_literal_cstr(person->login),
					   length / USECS_PER_SEC, ticket_words(ticket), reason);
	if (!authorize(content, person, table_names, length / USECS_PER_SEC, ticket, reason))
		PG_RETURN_NULL();

	paysafe_store_complete();
	id = nextval_internal(get_relname_relid("maintenance_id_seq", paysafe_catalog_schema()), false);
	values[WINDOW_ID] = Int64GetDatum(id);
	values[WINDOW_TABLES] = PointerGetDatum(construct_array(tables, ntables, REGCLASSOID,
															sizeof(Oid), true, TYPALIGN_INT));
	values[WINDOW_REASON] = CStringGetTextDatum(reason);
	values[WINDOW_TICKET] = CStringGetTextDatum(ticket);
	values[WINDOW_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[WINDOW_LOGIN] = CStringGetTextDatum(person->login);
	values[WINDOW_SESSION_USER] = CStringGetTextDatum(person->session_user_name);
	nulls[WINDOW_CLIENT] = paysafe_actor_client() == NULL;
	values[WINDOW_CLIENT] = nulls[WINDOW_CLIENT] ? (Datum) 0 : CStringGetTextDatum(paysafe_actor_client());
	values[WINDOW_AT] = TimestampTzGetDatum(now);
	values[WINDOW_UNTIL] = TimestampTzGetDatum(now + length);
	paysafe_store_insert(PAYSAFE_MAINTENANCE_RECORD, values, nulls);
	ereport(LOG,
			(errmsg("maintenance window " INT64_FORMAT " is open: %s", id,
					paysafe_redact_string(content))));
	PG_RETURN_INT64(id);
}

/* Complete the triggers of a table and show its rows to its rules. */
static void
restore_order(Oid relid)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) == '\0' || relid < FirstNormalObjectId)
		return;
	foreach(lc, paysafe_rule_sources(relid))
	{
		Oid			declared_on = ((RuleSource *) lfirst(lc))->relation;

		if (get_rel_relkind(declared_on) == '\0')
			continue;
		(void) find_all_inheritors(declared_on, ShareRowExclusiveLock, NULL);
		paysafe_triggers_join(declared_on);
		paysafe_existing_validate_all(declared_on);
	}
}

PG_FUNCTION_INFO_V1(paysafe_close_maintenance);

/*
 * close_maintenance() returns integer: how many windows are closed
 */
Datum
paysafe_close_maintenance(PG_FUNCTION_ARGS)
{
	char	   *login = paysafe_actor_login();
	TimestampTz now = GetCurrentTimestamp();
	int			closed = 0;
	ListCell   *lc;

	foreach(lc, windows_not_closed(false))
	{
		Window	   *window = lfirst(lc);
		ListCell   *table;
		Datum		values[END_NCOLUMNS];
		bool		nulls[END_NCOLUMNS] = {0};

		if (strcmp(window->login, login) != 0 && window->until > now)
			continue;
		foreach(table, window->tables)
			restore_order(lfirst_oid(table));
		values[END_WINDOW] = Int64GetDatum(window->id);
		values[END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
		values[END_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
		values[END_AT] = TimestampTzGetDatum(now);
		paysafe_store_insert(PAYSAFE_MAINTENANCE_END, values, nulls);
		ereport(LOG,
				(errmsg("maintenance window " INT64_FORMAT " is closed", window->id)));
		closed++;
	}
	if (closed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no maintenance window of yours is open")));
	PG_RETURN_INT32(closed);
}
