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
 * recorded with the definition before and after, of the tables below, too; one that
 * writes to a catalog that a window names, with the rows.  Closing the window completes
 * the triggers, which is recorded, and shows all rows to all rules again.
 *
 * A window ends by itself when its time is over; then it still wants to be
 * closed, and paysafe.check() says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "engine/triggers.h"
#include "guard/facts.h"
#include "guard/maintenance.h"
#include "guard/nesting.h"
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

/* A table of an open window, or one below it, before a statement. */
typedef struct DefinitionKey
{
	int64		window;
	Oid			relid;
	Oid			unused;			/* no padding in a hash key */
} DefinitionKey;

typedef struct Definition
{
	DefinitionKey key;
	char	   *name;
	Jsonb	   *before;
	int64		rows;			/* if the statement empties tables */
	bool		seen;			/* is below the window's tables afterwards, too */
} Definition;

struct MaintenanceStatement
{
	MemoryContext context;
	const char *name;
	const GuardFrame *frame;	/* or NULL: close_maintenance */
	List	   *windows;
	bool		empties;		/* TRUNCATE */
	HTAB	   *definitions;
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

/* May a statement of one's own be run by this one: in code that one calls, or a script? */
static bool
runs_own_code(const GuardFrame *frame)
{
	switch (nodeTag(frame->statement))
	{
		case T_DoStmt:
		case T_CallStmt:
		case T_ExecuteStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
			return true;
		default:
			return false;
	}
}

/* What passes is recorded, although no definition may change: ALTER ... USING. */
static void
note_permission(GuardFrame *frame, Oid relid)
{
	for (; frame != NULL; frame = frame->outer)
	{
		frame->permitted = relid;
		if (!frame->subcommand)
			break;
	}
}

bool
paysafe_maintenance_permits(const GuardEvent *event, Oid relid)
{
	const GuardFrame *frame = event->frame;

	if (!paysafe_maintenance_covers(relid))
		return false;
	/* rows of catalogs are written in a frame, all else is what it does */
	if (event->action != GUARD_WRITE)
	{
		while (frame != NULL && frame->subcommand)
			frame = frame->outer;
		if (frame != NULL)
			frame = frame->outer;
	}
	for (; frame != NULL; frame = frame->outer)
		if (!runs_own_code(frame) && !(event->action == GUARD_WRITE && IsA(frame->statement, CopyStmt)))
			return false;
	if (DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) != 0 ||
		OidIsValid(paysafe_nesting_foreign_owner()))
		return false;
	note_permission(event->frame, relid);
	return true;
}

/* Recording what happens in them */

/* A window's tables and what lies below them; each once. */
static List *
tables_of(const Window *window)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, window->tables)
		if (get_rel_relkind(lfirst_oid(lc)) != '\0')
			result = list_concat(result, find_all_inheritors(lfirst_oid(lc), NoLock, NULL));
	list_sort(result, list_oid_cmp);
	list_deduplicate_oid(result);
	return result;
}

static int64
count_rows(Oid relid)
{
	Relation	rel;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int64		n = 0;

	if (get_rel_relkind(relid) != RELKIND_RELATION)
		return 0;
	rel = table_open(relid, AccessShareLock);
	snapshot = paysafe_scan_snapshot();
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		n++;
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return n;
}

/* Their definitions now, in the order of the list. */
static Jsonb **
define_all(List *relations)
{
	Oid		   *relids = palloc(sizeof(Oid) * Max(list_length(relations), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, relations)
		relids[n++] = lfirst_oid(lc);
	return paysafe_run_as_owner_definitions(relids, n);
}

static void
remember(MaintenanceStatement *statement, const Window *window)
{
	List	   *relations = tables_of(window);
	Jsonb	  **definitions = define_all(relations);
	ListCell   *lc;

	foreach(lc, relations)
	{
		DefinitionKey key = {window->id, lfirst_oid(lc)};
		Definition *definition = hash_search(statement->definitions, &key, HASH_ENTER, NULL);

		definition->name = paysafe_catalog_table_name(key.relid);
		definition->before = definitions[foreach_current_index(lc)];
		definition->rows = statement->empties ? count_rows(key.relid) : 0;
		definition->seen = false;
	}
}

/* To be called with an active snapshot, in a context of its own. */
static MaintenanceStatement *
remember_all(const char *name, List *windows, bool empties)
{
	MaintenanceStatement *result = palloc0(sizeof(MaintenanceStatement));
	HASHCTL		ctl = {
		.keysize = sizeof(DefinitionKey), .entrysize = sizeof(Definition), .hcxt = CurrentMemoryContext
	};
	ListCell   *lc;

	result->context = CurrentMemoryContext;
	result->name = name;
	result->windows = windows;
	result->empties = empties;
	result->definitions = hash_create("paysafe maintenance", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, windows)
		remember(result, lfirst(lc));
	return result;
}

MaintenanceStatement *
paysafe_maintenance_before(GuardFrame *frame)
{
	MaintenanceStatement *result;
	MemoryContext old;
	List	   *windows;
	bool		empties = IsA(frame->statement, TruncateStmt);

	if (GetCommandLogLevel(frame->statement) != LOGSTMT_DDL && !empties)
		return NULL;
	/* a statement within another one is part of that one's changes */
	for (const GuardFrame *outer = frame->outer; outer != NULL; outer = outer->outer)
		if (outer->recorded)
			return NULL;
	if (!paysafe_catalog_present() || paysafe_catalog_in_script() ||
		paysafe_store_is_empty(PAYSAFE_MAINTENANCE_RECORD))
		return NULL;

	/* statements that commit on their way must not take it along */
	old = MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "paysafe maintenance",
													  ALLOCSET_DEFAULT_SIZES));
	windows = windows_not_closed(true);
	if (windows == NIL)
	{
		MemoryContextDelete(MemoryContextSwitchTo(old));
		return NULL;
	}
	frame->recorded = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	result = remember_all(frame->name, windows, empties);
	result->frame = frame;
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	return result;
}

static void
record_change(const char *statement, int64 window, Oid relid, const char *name,
			  Jsonb *before, Jsonb *after)
{
	Datum		values[CHANGE_NCOLUMNS];
	bool		nulls[CHANGE_NCOLUMNS] = {0};

	values[CHANGE_ID] = Int64GetDatum(nextval_internal(get_relname_relid("maintenance_id_seq",
																		 paysafe_catalog_schema()), false));
	values[CHANGE_WINDOW] = Int64GetDatum(window);
	values[CHANGE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[CHANGE_STATEMENT] = CStringGetTextDatum(statement);
	values[CHANGE_RELATION] = ObjectIdGetDatum(relid);
	values[CHANGE_NAME] = CStringGetTextDatum(name);
	nulls[CHANGE_BEFORE] = before == NULL;
	values[CHANGE_BEFORE] = before ? JsonbPGetDatum(before) : (Datum) 0;
	nulls[CHANGE_AFTER] = after == NULL;
	values[CHANGE_AFTER] = after ? JsonbPGetDatum(after) : (Datum) 0;
	values[CHANGE_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[CHANGE_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	paysafe_store_insert(PAYSAFE_MAINTENANCE_CHANGE, values, nulls);
}

static Jsonb *
number_of_rows(int64 n)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(psprintf("{\"rows\": " INT64_FORMAT "}", n))));
}

/* Record what has become of a table; the definition before is NULL if it was not there. */
static void
compare(MaintenanceStatement *statement, int64 window, Oid relid,
		const Definition *before, Jsonb *after)
{
	const char *name = before ? before->name : paysafe_catalog_table_name(relid);
	int64		rows;

	if (before == NULL || after == NULL || before->before == NULL ||
		!paysafe_spec_equal(before->before, after) ||
		(statement->frame != NULL && !statement->empties && statement->frame->permitted == relid))
		record_change(statement->name, window, relid, name, before ? before->before : NULL, after);
	if (!statement->empties || before == NULL || after == NULL)
		return;
	rows = count_rows(relid);
	if (rows != before->rows)
		record_change(statement->name, window, relid, name, number_of_rows(before->rows), number_of_rows(rows));
}

static void
compare_window(MaintenanceStatement *statement, const Window *window)
{
	List	   *relations = tables_of(window);
	Jsonb	  **definitions = define_all(relations);
	ListCell   *lc;

	foreach(lc, relations)
	{
		DefinitionKey key = {window->id, lfirst_oid(lc)};
		Definition *before = hash_search(statement->definitions, &key, HASH_FIND, NULL);

		if (before != NULL)
			before->seen = true;
		compare(statement, window->id, key.relid, before, definitions[foreach_current_index(lc)]);
	}
}

/* Everything that has changed since; what left the trees, too. */
static void
compare_all(MaintenanceStatement *statement)
{
	HASH_SEQ_STATUS status;
	Definition *definition;
	ListCell   *lc;

	foreach(lc, statement->windows)
		compare_window(statement, lfirst(lc));
	hash_seq_init(&status, statement->definitions);
	while ((definition = hash_seq_search(&status)) != NULL)
		if (!definition->seen)
			compare(statement, definition->key.window, definition->key.relid, definition,
					get_rel_relkind(definition->key.relid) != '\0' ?
					paysafe_run_as_owner_definition(definition->key.relid) : NULL);
}

void
paysafe_maintenance_after(MaintenanceStatement *statement)
{
	MemoryContext old = MemoryContextSwitchTo(statement->context);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	compare_all(statement);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(statement->context);
}

bool
paysafe_maintenance_record_rows(Oid relid, const char *statement, Jsonb *before, Jsonb *after)
{
	ListCell   *lc;
	bool		covered = false;

	if (paysafe_store_is_empty(PAYSAFE_MAINTENANCE_RECORD))
		return false;
	foreach(lc, windows_not_closed(true))
		if (list_member_oid(((Window *) lfirst(lc))->tables, relid))
		{
			record_change(statement, ((Window *) lfirst(lc))->id, relid,
						  paysafe_catalog_table_name(relid), before, after);
			covered = true;
		}
	return covered;
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

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument)));
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (strspn(value, " \t\r\n") == strlen(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a maintenance window needs a %s", argument)));
	return paysafe_redact_string(value);
}

/* The time a window is open, in microseconds. */
static int64
window_length(Interval *argument)
{
	int64		length = paysafe_argument_microseconds(argument, "for");

	if (length > LONGEST_WINDOW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a maintenance window lasts at most 24 hours")));
	return length;
}

/* Tables that the caller owns, none of paysafe's; their names, also separated by commas. */
static List *
check_tables(const Datum *tables, const bool *nulls, int n, StringInfo names)
{
	List	   *table_names = NIL;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a maintenance window names its tables"),
				 errhint("For example: paysafe.open_maintenance('why', 'ticket', '1 hour', '{shop.payment}').")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", "tables")));
		paysafe_declare_check_owner(DatumGetObjectId(tables[i]));
		if (paysafe_catalog_is_own(DatumGetObjectId(tables[i])))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("there is no maintenance of paysafe's own tables")));
		table_names = lappend(table_names, paysafe_catalog_table_name(DatumGetObjectId(tables[i])));
		appendStringInfo(names, "%s%s", i > 0 ? ", " : "", (char *) llast(table_names));
	}
	return table_names;
}

/* Is it asked for by the person: in a statement that does not write, in code of one's own? */
static void
check_asked_for(void)
{
	PlannedStmt *statement = ActivePortal != NULL && ActivePortal->stmts != NIL ?
		linitial_node(PlannedStmt, ActivePortal->stmts) : NULL;

	if (statement == NULL || OidIsValid(paysafe_nesting_foreign_owner()) ||
		DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) > 0 ||
		!((statement->commandType == CMD_SELECT && !statement->hasModifyingCTE) ||
		  (statement->commandType == CMD_UTILITY &&
		   (IsA(statement->utilityStmt, DoStmt) || IsA(statement->utilityStmt, CallStmt) ||
			IsA(statement->utilityStmt, ExecuteStmt)))))
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = "maintenance",
						   .message = "a maintenance window is opened by a statement of its own",
						   .detail = "A trigger, an expression of a table or another role's function could open it in your name.",
						   .hint = "Run: SELECT paysafe.open_maintenance(...);"
					   });
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

static int64
add_window(const char *reason, const char *ticket, const Person *person, Datum tables, int64 length)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		id;
	Datum		values[WINDOW_NCOLUMNS];
	bool		nulls[WINDOW_NCOLUMNS] = {0};

	paysafe_store_complete();
	id = nextval_internal(get_relname_relid("maintenance_id_seq", paysafe_catalog_schema()), false);
	values[WINDOW_ID] = Int64GetDatum(id);
	values[WINDOW_TABLES] = tables;
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
	return id;
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
	List	   *table_names;
	StringInfoData names;
	Datum	   *tables;
	bool	   *table_nulls;
	int			ntables;
	int64		length;
	int64		id;
	char	   *content;

	check_asked_for();
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", PG_ARGISNULL(2) ? "for" : "tables")));
	length = window_length(PG_GETARG_INTERVAL_P(2));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &tables, &table_nulls, &ntables);
	initStringInfo(&names);
	table_names = check_tables(tables, table_nulls, ntables, &names);

	content = psprintf("maintenance of %s by %s for " INT64_FORMAT " s: %s, %s",
					   names.data, quote_literal_cstr(person->login),
					   length / USECS_PER_SEC, ticket_words(ticket), reason);
	if (!authorize(content, person, table_names, length / USECS_PER_SEC, ticket, reason))
		PG_RETURN_NULL();
	id = add_window(reason, ticket, person,
					PointerGetDatum(construct_array(tables, ntables, REGCLASSOID, sizeof(Oid),
													true, TYPALIGN_INT)),
					length);
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

/* Does pg_trigger have rows of the table, whatever pg_class says? */
static bool
has_trigger_rows(Oid relid)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		result;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	result = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * Is a table as its rules need it, whatever was done to the catalogs?  Triggers that
 * are missing or switched off are completed between a first look and the last one.
 */
static void
check_order(Oid relid, bool last)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) == '\0' || paysafe_rule_sources(relid) == NIL)
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		if (rel->rd_rules != NULL || (!rel->rd_rel->relhastriggers && has_trigger_rows(lfirst_oid(lc))) ||
			(last && !paysafe_facts_is_protected(lfirst_oid(lc))))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the maintenance window stays open: what protects table \"%s\" is not in force",
							RelationGetRelationName(rel)),
					 errhint("paysafe.check() says what is missing.")));
		if (last)
			(void) paysafe_rules_of(rel);
		table_close(rel, NoLock);
	}
}

/* A window that names a catalog may have changed any table. */
static bool
names_catalog(const Window *window)
{
	ListCell   *lc;

	foreach(lc, window->tables)
		if (lfirst_oid(lc) < FirstNormalObjectId)
			return true;
	return false;
}

/* Bring the window's tables in order, and record what that took. */
static void
close_window(Window *window)
{
	bool		everything = names_catalog(window);
	List	   *tables = everything ? list_concat_unique_oid(list_copy(window->tables), paysafe_rule_relations()) :
		window->tables;
	Window		whole = {window->id, window->login, window->until, tables};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe maintenance",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MaintenanceStatement *statement;
	ListCell   *lc;

	PushActiveSnapshot(GetTransactionSnapshot());
	statement = remember_all("close_maintenance", list_make1(&whole), false);
	PopActiveSnapshot();
	if (everything)
		foreach(lc, tables)
			check_order(lfirst_oid(lc), false);
	foreach(lc, tables)
		restore_order(lfirst_oid(lc));
	CommandCounterIncrement();
	if (everything)
		foreach(lc, tables)
			check_order(lfirst_oid(lc), true);
	PushActiveSnapshot(GetTransactionSnapshot());
	compare_all(statement);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
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
		Datum		values[END_NCOLUMNS];
		bool		nulls[END_NCOLUMNS] = {0};

		if (strcmp(window->login, login) != 0 && window->until > now)
			continue;
		close_window(window);
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
