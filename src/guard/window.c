/*-------------------------------------------------------------------------
 *
 * window.c
 *	  Open maintenance windows: what they permit, and what happens in them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
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

#include "base/scan.h"
#include "guard/nesting.h"
#include "guard/window.h"
#include "people/actor.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/run_as_owner.h"
#include "values/spec.h"

/* Columns of paysafe.maintenance_change. */
enum
{
	CHANGE_ID, CHANGE_WINDOW, CHANGE_AT, CHANGE_STATEMENT, CHANGE_RELATION, CHANGE_NAME,
	CHANGE_BEFORE, CHANGE_AFTER, CHANGE_ACTOR, CHANGE_SESSION_USER,
	CHANGE_NCOLUMNS
};

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

struct WindowStatement
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
is_closed(int64 id)
{
	Datum		key = Int64GetDatum(id);

	return paysafe_store_has(PAYSAFE_MAINTENANCE_END, "maintenance_end_pkey", 1, &key);
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
List *
paysafe_window_not_closed(bool open_here)
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
paysafe_window_covers(Oid relid)
{
	List	   *windows;
	List	   *ancestors;
	ListCell   *lc;

	if (paysafe_store_is_empty(PAYSAFE_MAINTENANCE_RECORD))
		return false;
	windows = paysafe_window_not_closed(true);
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
paysafe_window_permits(const GuardEvent *event, Oid relid)
{
	const GuardFrame *frame = event->frame;

	if (!paysafe_window_covers(relid))
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
remember(WindowStatement *statement, const Window *window)
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
WindowStatement *
paysafe_window_remember(const char *name, List *windows, bool empties)
{
	WindowStatement *result = palloc0(sizeof(WindowStatement));
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

WindowStatement *
paysafe_window_before(GuardFrame *frame)
{
	WindowStatement *result;
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
	windows = paysafe_window_not_closed(true);
	if (windows == NIL)
	{
		MemoryContextDelete(MemoryContextSwitchTo(old));
		return NULL;
	}
	frame->recorded = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	result = paysafe_window_remember(frame->name, windows, empties);
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
compare(WindowStatement *statement, int64 window, Oid relid,
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
compare_window(WindowStatement *statement, const Window *window)
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
void
paysafe_window_compare(WindowStatement *statement)
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
paysafe_window_after(WindowStatement *statement)
{
	MemoryContext old = MemoryContextSwitchTo(statement->context);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	paysafe_window_compare(statement);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(statement->context);
}

bool
paysafe_window_record_rows(Oid relid, const char *statement, Jsonb *before, Jsonb *after)
{
	ListCell   *lc;
	bool		covered = false;

	if (paysafe_store_is_empty(PAYSAFE_MAINTENANCE_RECORD))
		return false;
	foreach(lc, paysafe_window_not_closed(true))
		if (list_member_oid(((Window *) lfirst(lc))->tables, relid))
		{
			record_change(statement, ((Window *) lfirst(lc))->id, relid,
						  paysafe_catalog_table_name(relid), before, after);
			covered = true;
		}
	return covered;
}
