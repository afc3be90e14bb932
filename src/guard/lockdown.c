/*-------------------------------------------------------------------------
 *
 * lockdown.c
 *	  The server as a whole: its settings, its files, code that runs in it.
 *
 * Some things are refused in every database of a server that preloads paysafe:
 * taking it out of shared_preload_libraries by SQL, and dropping or renaming a
 * database that the setting paysafe.protected_databases lists.
 *
 * With paysafe.superuser_lockdown, which only the configuration of the server
 * can turn on and off, superusers lose the ways that lead from SQL to native
 * code and to the server's files: native code is native.c's, here are COPY with
 * programs and files, and settings that name commands, libraries or files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "evidence/refusal_log.h"
#include "guard/facts.h"
#include "guard/guard.h"
#include "guard/judge.h"
#include "guard/lockdown.h"
#include "guard/native.h"
#include "guard/statements.h"
#include "guard/system_catalog.h"

static bool superuser_lockdown = false;
static char *protected_databases = NULL;

/* Is the name in a list of names separated by commas? */
static bool
is_listed(const char *list, const char *name)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (list == NULL || !SplitGUCList(pstrdup(list), ',', &names))
		return false;
	foreach(lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

/* The classes for every server */

static bool
takes_out_of_force(const char *name, VariableSetStmt *set)
{
	char	   *value;

	if (pg_strncasecmp(name, "paysafe.", strlen("paysafe.")) == 0 ||
		pg_strcasecmp(name, "all") == 0)
		return true;
	if (pg_strcasecmp(name, "shared_preload_libraries") != 0)
		return false;
	value = set ? paysafe_guard_setting_value(set) : NULL;
	return value == NULL || !paysafe_native_lists_library(value, "paysafe");
}

static GuardFinding
refuses_unloading(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && IsA(event->statement, AlterSystemStmt) &&
					 (paysafe_guard_any_setting(event->statement, takes_out_of_force) ||
					  paysafe_guard_weakens_setting(event->statement)));
}

/* Would a listed database be another one, somebody else's, or out of reach? */
static bool
is_taken_away(Oid database)
{
	HeapTuple	old_tuple = paysafe_facts_fetch(DatabaseRelationId, database, NULL);
	HeapTuple	new_tuple = paysafe_facts_fetch(DatabaseRelationId, database, SnapshotSelf);
	Form_pg_database before;
	Form_pg_database after;

	if (old_tuple == NULL)
		return false;
	before = (Form_pg_database) GETSTRUCT(old_tuple);
	if (!paysafe_lockdown_lists_database(NameStr(before->datname)))
		return false;
	if (new_tuple == NULL)
		return true;
	after = (Form_pg_database) GETSTRUCT(new_tuple);
	return strcmp(NameStr(before->datname), NameStr(after->datname)) != 0 ||
		before->datdba != after->datdba ||
		before->dattablespace != after->dattablespace ||
		(before->datallowconn && !after->datallowconn) ||
		(!before->datistemplate && after->datistemplate) ||
		(before->datconnlimit != 0 && after->datconnlimit == 0);
}

/* By command, where it has a name, or by whatever changes its row. */
static GuardFinding
refuses_database(const GuardEvent *event)
{
	const char *name = NULL;

	if (event->class_id == DatabaseRelationId &&
		(event->action == GUARD_ALTER || event->action == GUARD_DROP))
		return refuse_if(is_taken_away(event->object_id));
	if (event->action != GUARD_STATEMENT)
		return GUARD_PASS;
	if (IsA(event->statement, DropdbStmt))
		name = ((DropdbStmt *) event->statement)->dbname;
	else if (IsA(event->statement, RenameStmt) &&
			 ((RenameStmt *) event->statement)->renameType == OBJECT_DATABASE)
		name = ((RenameStmt *) event->statement)->subname;
	return refuse_if(name != NULL && paysafe_lockdown_lists_database(name));
}

/* The classes of the lockdown */

static GuardFinding
refuses_file(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && IsA(event->statement, CopyStmt) &&
					 (((CopyStmt *) event->statement)->is_program ||
					  ((CopyStmt *) event->statement)->filename != NULL));
}

bool
paysafe_lockdown_leads_out(const char *name)
{
	static const char *const endings[] = {
		"command", "library", "libraries", "provider", "path", "file", "filename", "directory",
		"directories", "program", "_source", "conninfo", "_init", "start_proc", "location",
		"vmoptions", NULL
	};

	if (pg_strcasecmp(name, "search_path") == 0)
		return false;
	for (int i = 0; endings[i] != NULL; i++)
		if (strlen(name) >= strlen(endings[i]) &&
			pg_strcasecmp(name + strlen(name) - strlen(endings[i]), endings[i]) == 0)
			return true;
	return false;
}

/* Settings whose value is run, loaded or read by the server. */
static bool
leads_out(const char *name, VariableSetStmt *set)
{
	return paysafe_lockdown_leads_out(name) &&
		(set == NULL || paysafe_guard_setting_value(set) != NULL);
}

static GuardFinding
refuses_command(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT &&
					 paysafe_guard_any_setting(event->statement, leads_out));
}

static const char in_the_file[] = "It can be changed in the configuration files of the server.";

static const GuardClass everywhere[] = {
	{"guard_server_setting", refuses_unloading, false,
	"The setting decides whether paysafe guards this server.", in_the_file},
	{"guard_database", refuses_database, false,
	"The database is in paysafe.protected_databases.", in_the_file},
	{NULL}
};

static const GuardClass locked_down[] = {
	{"lockdown_file", refuses_file, false,
	"COPY would read or write a file of the server, or run a program on it.", "Use COPY with STDIN or STDOUT: \\copy in psql."},
	{"lockdown_setting", refuses_command, false,
	"The server runs, loads or reads what the setting names.", in_the_file},
	{NULL}
};

void
paysafe_lockdown(const GuardEvent *event)
{
	if (event->action != GUARD_EXECUTE)
	{
		paysafe_judge(everywhere, event);
		paysafe_judge(paysafe_system_catalog_shared, event);
	}
	if (superuser_lockdown)
	{
		paysafe_judge(locked_down, event);
		paysafe_judge(paysafe_native, event);
		paysafe_judge(paysafe_system_catalog_locked, event);
	}
}

bool
paysafe_lockdown_is_on(void)
{
	return superuser_lockdown;
}

bool
paysafe_lockdown_lists_database(const char *name)
{
	return is_listed(protected_databases, name);
}

/*
 * What is refused in a database without the extension concerns the server, and
 * so those databases that it must not lose.
 */
static List *
listed_databases(void)
{
	List	   *names = NIL;
	List	   *oids = NIL;
	ListCell   *lc;

	if (!SplitGUCList(pstrdup(protected_databases), ',', &names))
		return NIL;
	foreach(lc, names)
	{
		Oid			oid = get_database_oid(lfirst(lc), true);

		if (OidIsValid(oid))
			oids = list_append_unique_oid(oids, oid);
	}
	return oids;
}

void
paysafe_lockdown_init(void)
{
	paysafe_refusal_log_set_witnesses(listed_databases);
	DefineCustomBoolVariable("paysafe.superuser_lockdown",
							 "Refuses superusers what leads from SQL to native code and files of the server.",
							 NULL, &superuser_lockdown, false, PGC_POSTMASTER, 0,
							 NULL, NULL, NULL);
	paysafe_native_init();
	DefineCustomStringVariable("paysafe.protected_databases",
							   "Databases that can be neither dropped nor renamed, closed nor given to another owner.",
							   NULL, &protected_databases, "", PGC_POSTMASTER, GUC_LIST_INPUT,
							   NULL, NULL, NULL);
}
