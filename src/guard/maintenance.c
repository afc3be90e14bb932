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
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
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
#include "guard/facts.h"
#include "guard/hooks.h"
#include "guard/maintenance.h"
#include "guard/nesting.h"
#include "guard/window.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

#define LONGEST_WINDOW	(24 * USECS_PER_HOUR)

/* Columns of paysafe.maintenance_end. */
enum
{
	END_WINDOW, END_ACTOR, END_SESSION_USER, END_AT,
	END_NCOLUMNS
};

/*
 * The guard knows whose functions run.  Without it a trigger can be told, unless
 * SECURITY DEFINER code runs in it, which answers for itself; expressions of tables,
 * policies and views cannot.
 */
static char *
foreign_code(void)
{
	Oid			owner;
	Oid			user;
	int			security_context;

	if (paysafe_hooks_guarding())
	{
		owner = paysafe_nesting_foreign_owner();
		if (OidIsValid(owner))
			return psprintf("A function of role \"%s\" calls it in the name of whoever reads or writes.",
							GetUserNameFromId(owner, true));
		return !paysafe_nesting_is_stored() ? NULL :
			pstrdup("An expression of a table, policy, view or type calls it in the name of whoever reads or writes, or may: a text was run in this transaction (query_to_xml and its like).");
	}
	GetUserIdAndSecContext(&user, &security_context);
	return (security_context & SECURITY_LOCAL_USERID_CHANGE) != 0 ||
		DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) == 0 ? NULL :
		pstrdup("A trigger calls it in the name of whoever writes, and without preloading nobody knows whose it is.");
}

void
paysafe_maintenance_init(void)
{
	paysafe_declare_set_window(paysafe_window_covers);
	paysafe_approval_set_foreign_code(foreign_code);
}

/* SQL-callable functions */

static char *
required_text(FunctionCallInfo fcinfo, int n, const char *argument)
{
	return paysafe_redact_string(paysafe_argument_reason(fcinfo, n, argument, "a maintenance window"));
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

	if (statement == NULL || OidIsValid(paysafe_nesting_foreign_owner()) || paysafe_nesting_is_stored() ||
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

/* A window as it is asked for, and the last one that was opened with the same words. */
typedef struct SameWindow
{
	const Datum *tables;
	int			ntables;
	const char *reason;
	const char *ticket;
	const char *login;
	int64		length;
	int64		id;				/* 0: there was none */
} SameWindow;

static bool
visit_same(Relation rel, HeapTuple tuple, void *arg)
{
	SameWindow *same = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	int64		id = DatumGetInt64(heap_getattr(tuple, WINDOW_ID + 1, desc, &isnull));
	Datum	   *tables;
	int			n;

	if (id <= same->id || strcmp(paysafe_store_text(tuple, desc, WINDOW_REASON), same->reason) != 0 ||
		strcmp(paysafe_store_text(tuple, desc, WINDOW_TICKET), same->ticket) != 0 ||
		strcmp(paysafe_store_text(tuple, desc, WINDOW_LOGIN), same->login) != 0 ||
		DatumGetTimestampTz(heap_getattr(tuple, WINDOW_UNTIL + 1, desc, &isnull)) !=
		DatumGetTimestampTz(heap_getattr(tuple, WINDOW_AT + 1, desc, &isnull)) + same->length)
		return true;
	deconstruct_array(DatumGetArrayTypeP(heap_getattr(tuple, WINDOW_TABLES + 1, desc, &isnull)), REGCLASSOID, sizeof(Oid),
					  true, TYPALIGN_INT, &tables, NULL, &n);
	if (n == same->ntables && memcmp(tables, same->tables, n * sizeof(Datum)) == 0)
		same->id = id;
	return true;
}

/* May the window open?  False: it is proposed only. */
static bool
authorize(char *content, const char *comes_to, const Person *person, List *tables, int64 seconds, char *ticket,
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
	change.comes_to = comes_to;
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
	SameWindow	same = {0};

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

	same.tables = tables;
	same.ntables = ntables;
	same.reason = reason;
	same.ticket = ticket;
	same.login = person->login;
	same.length = length;
	paysafe_store_scan(PAYSAFE_MAINTENANCE_RECORD, NULL, 0, NULL, visit_same, &same);
	content = psprintf("maintenance of %s: %s, %s",
					   paysafe_proposal_after(psprintf("%s by %s for " INT64_FORMAT " s", names.data, quote_literal_cstr(person->login),
													   length / USECS_PER_SEC), same.id),
					   ticket_words(ticket), reason);
	if (!authorize(content, psprintf("window of %s by %s for " INT64_FORMAT,
											 paysafe_strings_join(paysafe_strings_sorted(table_names)),
											 quote_literal_cstr(person->login), length),
				   person, table_names, length / USECS_PER_SEC, ticket, reason))
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
	WindowStatement *statement;
	ListCell   *lc;

	PushActiveSnapshot(GetTransactionSnapshot());
	statement = paysafe_window_remember("close_maintenance", list_make1(&whole), false);
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
	paysafe_window_compare(statement);
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

	foreach(lc, paysafe_window_not_closed(false))
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
