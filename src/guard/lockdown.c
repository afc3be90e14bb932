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
 * code and to the server's files: foreign libraries, untrusted languages, COPY
 * with programs and files, and settings that name commands or libraries.
 * Libraries are allowed by name: those of PostgreSQL's own functions, the
 * preloaded ones, PL/pgSQL, and the setting paysafe.allowed_libraries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "evidence/refusal_log.h"
#include "guard/guard.h"
#include "guard/lockdown.h"
#include "guard/statements.h"
#include "store/catalog.h"

static bool superuser_lockdown = false;
static char *allowed_libraries = NULL;
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

/* The name of a library without $libdir and ending; NULL with another folder. */
static char *
library_name(const char *path)
{
	char	   *name;
	size_t		len;

	if (strncmp(path, "$libdir/", strlen("$libdir/")) == 0)
		path += strlen("$libdir/");
	else if (strncmp(path, pkglib_path, strlen(pkglib_path)) == 0 &&
			 path[strlen(pkglib_path)] == '/')
		path += strlen(pkglib_path) + 1;
	if (strchr(path, '/') != NULL)
		return NULL;
	name = pstrdup(path);
	len = strlen(name);
	if (len > strlen(DLSUFFIX) && strcmp(name + len - strlen(DLSUFFIX), DLSUFFIX) == 0)
		name[len - strlen(DLSUFFIX)] = '\0';
	return name;
}

/* Is the library in a setting that lists libraries by path? */
static bool
is_in_libraries(const char *setting, const char *library)
{
	List	   *paths = NIL;
	ListCell   *lc;

	if (setting == NULL || !SplitDirectoriesString(pstrdup(setting), ',', &paths))
		return false;
	foreach(lc, paths)
	{
		char	   *name = library_name(lfirst(lc));

		if (name != NULL && strcmp(name, library) == 0)
			return true;
	}
	return false;
}

static bool
is_allowed_library(const char *path)
{
	char	   *name = library_name(path);

	return name != NULL &&
		(strcmp(name, "paysafe") == 0 || strcmp(name, "plpgsql") == 0 ||
		 is_in_libraries(shared_preload_libraries_string, name) ||
		 is_listed(allowed_libraries, name));
}

static bool
is_trusted_language(Oid language)
{
	HeapTuple	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	bool		result = HeapTupleIsValid(tuple) &&
		((Form_pg_language) GETSTRUCT(tuple))->lanpltrusted;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
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
	return value == NULL || !is_in_libraries(value, "paysafe");
}

static GuardFinding
refuses_unloading(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && IsA(event->statement, AlterSystemStmt) &&
					 (paysafe_guard_any_setting(event->statement, takes_out_of_force) ||
					  paysafe_guard_weakens_setting(event->statement)));
}

static GuardFinding
refuses_database(const GuardEvent *event)
{
	const char *name = NULL;

	if (event->action != GUARD_STATEMENT)
		return GUARD_PASS;
	switch (nodeTag(event->statement))
	{
		case T_DropdbStmt:
			name = ((DropdbStmt *) event->statement)->dbname;
			break;
		case T_RenameStmt:
			if (((RenameStmt *) event->statement)->renameType == OBJECT_DATABASE)
				name = ((RenameStmt *) event->statement)->subname;
			break;
		case T_AlterOwnerStmt:
			if (((AlterOwnerStmt *) event->statement)->objectType == OBJECT_DATABASE)
				name = strVal(((AlterOwnerStmt *) event->statement)->object);
			break;
		default:
			break;
	}
	return refuse_if(name != NULL && paysafe_lockdown_lists_database(name));
}

/* The classes of the lockdown */

static GuardFinding
refuses_load(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && IsA(event->statement, LoadStmt) &&
					 !is_allowed_library(((LoadStmt *) event->statement)->filename));
}

/* Functions that are code of a library, or stand for one of PostgreSQL's. */
static GuardFinding
refuses_native(const GuardEvent *event)
{
	Relation	rel;
	HeapTuple	tuple;
	bool		result = false;
	Datum		library;
	bool		isnull;

	if ((event->action != GUARD_CREATE && event->action != GUARD_EXECUTE) ||
		event->class_id != ProcedureRelationId)
		return GUARD_PASS;
	if (event->object_id < FirstNormalObjectId)
		return refuse_if(event->action == GUARD_EXECUTE &&
						 (event->object_id == F_LO_EXPORT || event->object_id == F_LO_IMPORT_TEXT ||
						  event->object_id == F_LO_IMPORT_TEXT_OID));
	if (event->action == GUARD_EXECUTE)
		tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(event->object_id));
	else
	{
		ScanKeyData key;
		SysScanDesc scan;

		rel = table_open(ProcedureRelationId, AccessShareLock);
		ScanKeyInit(&key, Anum_pg_proc_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(event->object_id));
		scan = systable_beginscan(rel, ProcedureOidIndexId, true, SnapshotSelf, 1, &key);
		tuple = systable_getnext(scan);
		if (HeapTupleIsValid(tuple))
			tuple = heap_copytuple(tuple);
		systable_endscan(scan);
		table_close(rel, AccessShareLock);
	}
	if (!HeapTupleIsValid(tuple))
		return GUARD_PASS;
	switch (((Form_pg_proc) GETSTRUCT(tuple))->prolang)
	{
		case ClanguageId:
			library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
			result = isnull || !is_allowed_library(TextDatumGetCString(library));
			break;
		case INTERNALlanguageId:
			result = event->action == GUARD_EXECUTE || !creating_extension;
			break;
		case SQLlanguageId:
			break;
		default:
			result = !is_trusted_language(((Form_pg_proc) GETSTRUCT(tuple))->prolang);
			break;
	}
	heap_freetuple(tuple);
	return refuse_if(result);
}

static GuardFinding
refuses_untrusted(const GuardEvent *event)
{
	const char *language = NULL;
	Oid			oid;
	ListCell   *lc;

	if (event->action != GUARD_STATEMENT || !IsA(event->statement, DoStmt))
		return GUARD_PASS;
	foreach(lc, ((DoStmt *) event->statement)->args)
		if (strcmp(((DefElem *) lfirst(lc))->defname, "language") == 0)
			language = strVal(((DefElem *) lfirst(lc))->arg);
	oid = language ? get_language_oid(language, true) : InvalidOid;
	return refuse_if(OidIsValid(oid) && !is_trusted_language(oid));
}

static GuardFinding
refuses_file(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && IsA(event->statement, CopyStmt) &&
					 (((CopyStmt *) event->statement)->is_program ||
					  ((CopyStmt *) event->statement)->filename != NULL));
}

/* Settings whose value is run, loaded or read by the server. */
static bool
leads_out(const char *name, VariableSetStmt *set)
{
	static const char *const endings[] = {
		"_command", "_library", "_libraries", "_provider", "_path", "_file", "_directory",
		"_directories", "_program", NULL
	};

	if (pg_strcasecmp(name, "search_path") == 0)
		return false;
	for (int i = 0; endings[i] != NULL; i++)
		if (strlen(name) >= strlen(endings[i]) &&
			pg_strcasecmp(name + strlen(name) - strlen(endings[i]), endings[i]) == 0)
			return set == NULL || paysafe_guard_setting_value(set) != NULL;
	return false;
}

static GuardFinding
refuses_command(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT &&
					 paysafe_guard_any_setting(event->statement, leads_out));
}

static const char in_the_file[] = "It can be changed in the configuration files of the server.";
static const char lockdown_hint[] = "The setting paysafe.superuser_lockdown is on; paysafe.allowed_libraries names the libraries that may be used.";
static const char lockdown_only[] = "The setting paysafe.superuser_lockdown is on: this has to be done on the server's host.";

static const GuardClass everywhere[] = {
	{"guard_server_setting", refuses_unloading, false,
	"The setting decides whether paysafe guards this server.", in_the_file},
	{"guard_database", refuses_database, false,
	"The database is in paysafe.protected_databases.", in_the_file},
	{NULL}
};

static const GuardClass locked_down[] = {
	{"lockdown_load", refuses_load, false,
	"Code of the library could do anything in this process.", lockdown_hint},
	{"lockdown_native", refuses_native, false,
	"The function is native code of a library that is not allowed, or reaches the server's files.", lockdown_hint},
	{"lockdown_untrusted", refuses_untrusted, false,
	"The language is not trusted: its code leaves the database.", lockdown_only},
	{"lockdown_file", refuses_file, false,
	"COPY would read or write a file of the server, or run a program on it.", "Use COPY with STDIN or STDOUT: \\copy in psql."},
	{"lockdown_setting", refuses_command, false,
	"The server runs, loads or reads what the setting names.", in_the_file},
	{NULL}
};

void
paysafe_lockdown(GuardEvent *event)
{
	if (event->action == GUARD_STATEMENT)
		paysafe_guard_by(everywhere, event);
	if (superuser_lockdown)
		paysafe_guard_by(locked_down, event);
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
	DefineCustomStringVariable("paysafe.allowed_libraries",
							   "Libraries that may be loaded in spite of the lockdown.",
							   "Names without folder and ending, separated by commas.",
							   &allowed_libraries, "", PGC_POSTMASTER, GUC_LIST_INPUT,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("paysafe.protected_databases",
							   "Databases that can be neither dropped nor renamed nor given to another owner.",
							   NULL, &protected_databases, "", PGC_POSTMASTER, GUC_LIST_INPUT,
							   NULL, NULL, NULL);
}
