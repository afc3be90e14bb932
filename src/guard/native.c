/*-------------------------------------------------------------------------
 *
 * native.c
 *	  Native code and the server's files, as the lockdown sees them.
 *
 * Code of a library comes into a process by LOAD, by a C function, by a language
 * whose handler is one, or as an output plugin.  C functions are judged when they are
 * made and each time that one is looked up to be called: as a type's input function, a
 * wrapper's handler, a trigger or an operator class it never passes through an
 * expression.  Libraries are allowed by name: those of PostgreSQL's own functions, the
 * preloaded ones, PL/pgSQL, and the setting paysafe.allowed_libraries.
 *
 * Definitions that PostgreSQL leaves to superusers because a wrong one mistakes bytes
 * for pointers are made by scripts of extensions only, which come with the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/proclang.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "nodes/value.h"
#include "parser/parse_type.h"
#include "replication/slot.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "guard/facts.h"
#include "guard/native.h"
#include "guard/statements.h"

static char *allowed_libraries = NULL;
static QueryDesc *starting = NULL;	/* the query that the executor starts now */

/* Libraries */

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

bool
paysafe_native_lists_library(const char *setting, const char *library)
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
		 paysafe_native_lists_library(shared_preload_libraries_string, name) ||
		 paysafe_native_lists_library(allowed_libraries, name));
}

/* An output plugin is a library; pgoutput comes with PostgreSQL. */
static bool
is_allowed_plugin(const char *name)
{
	return strcmp(name, "pgoutput") == 0 || is_allowed_library(name);
}

/* Functions */

/* Is the function, whose row it is, code of a library that is not allowed? */
static bool
is_foreign_code(HeapTuple function)
{
	bool		isnull;
	Datum		library;

	if (((Form_pg_proc) GETSTRUCT(function))->prolang != ClanguageId ||
		((Form_pg_proc) GETSTRUCT(function))->oid < FirstNormalObjectId)
		return false;
	library = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_probin, &isnull);
	return isnull || !is_allowed_library(TextDatumGetCString(library));
}

/* A language that is trusted, and whose handler is. */
static bool
is_trusted_language(Oid oid)
{
	HeapTuple	language = SearchSysCache1(LANGOID, ObjectIdGetDatum(oid));
	HeapTuple	handler;
	bool		result;

	if (!HeapTupleIsValid(language))
		return false;
	handler = SearchSysCache1(PROCOID, ObjectIdGetDatum(((Form_pg_language) GETSTRUCT(language))->lanplcallfoid));
	result = ((Form_pg_language) GETSTRUCT(language))->lanpltrusted &&
		HeapTupleIsValid(handler) && !is_foreign_code(handler);
	if (HeapTupleIsValid(handler))
		ReleaseSysCache(handler);
	ReleaseSysCache(language);
	return result;
}

/* Functions that come with PostgreSQL and reach the server's files or load a plugin. */
enum
{
	FILE_FUNCTION, NEW_SLOT_FUNCTION, SLOT_FUNCTION
};

static const struct
{
	const char *name;
	int			kind;
}			builtin_names[] = {
	{"lo_export", FILE_FUNCTION}, {"lo_import", FILE_FUNCTION},
	{"pg_read_file", FILE_FUNCTION}, {"pg_read_file_old", FILE_FUNCTION},
	{"pg_read_binary_file", FILE_FUNCTION}, {"pg_ls_dir", FILE_FUNCTION},
	{"pg_stat_file", FILE_FUNCTION},
	{"pg_create_logical_replication_slot", NEW_SLOT_FUNCTION},
	{"pg_copy_logical_replication_slot", NEW_SLOT_FUNCTION},
	{"pg_logical_slot_get_changes", SLOT_FUNCTION}, {"pg_logical_slot_peek_changes", SLOT_FUNCTION},
	{"pg_logical_slot_get_binary_changes", SLOT_FUNCTION},
	{"pg_logical_slot_peek_binary_changes", SLOT_FUNCTION}
};

#define MAX_BUILTINS	48

static struct
{
	Oid			oid;
	int			kind;
}			builtins[MAX_BUILTINS];
static int	nbuiltins = 0;

/* Look the names up, once a session: their OIDs differ between versions. */
static void
find_builtins(void)
{
	for (int i = 0; i < lengthof(builtin_names); i++)
	{
		CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(builtin_names[i].name));

		for (int j = 0; j < list->n_members; j++)
		{
			Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[j]->tuple);

			if (form->oid >= FirstNormalObjectId || form->pronamespace != PG_CATALOG_NAMESPACE)
				continue;
			if (nbuiltins == MAX_BUILTINS)
				elog(ERROR, "too many functions called \"%s\"", builtin_names[i].name);
			builtins[nbuiltins].oid = form->oid;
			builtins[nbuiltins++].kind = builtin_names[i].kind;
		}
		ReleaseSysCacheList(list);
	}
}

/* Output plugins */

/* Does a slot of this server have a plugin that is not allowed? */
static bool
has_foreign_slot(void)
{
	bool		found = false;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots && !found; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		found = slot->in_use && SlotIsLogical(slot) && !is_allowed_plugin(NameStr(slot->data.plugin));
	}
	LWLockRelease(ReplicationSlotControlLock);
	return found;
}

/* Are all arguments constants, and those that can name a plugin allowed? */
static bool
names_allowed_plugin(FuncExpr *call, Oid function)
{
	ListCell   *lc;
	bool		copies = strncmp(get_func_name(function), "pg_copy", strlen("pg_copy")) == 0;
	int			plugin = copies ? 3 : 1;

	if (!IsA(call, FuncExpr) || call->funcid != function)
		return false;
	foreach(lc, call->args)
		if (!IsA(lfirst(lc), Const) || ((Const *) lfirst(lc))->constisnull)
			return false;
	if (list_length(call->args) <= plugin)
		return copies && !has_foreign_slot();
	return is_allowed_plugin(NameStr(*DatumGetName(((Const *) list_nth(call->args, plugin))->constvalue)));
}

/*
 * Is the query that starts a call with an allowed plugin, and nothing else?  What
 * a hook sees is the function, not its arguments.
 */
static bool
creates_slot_only(Oid function)
{
	PlannedStmt *statement = starting ? starting->plannedstmt : NULL;
	Plan	   *plan = statement ? statement->planTree : NULL;
	ListCell   *lc;

	if (plan == NULL || statement->subplans != NIL || plan->qual != NIL ||
		plan->lefttree != NULL || plan->righttree != NULL || plan->initPlan != NIL)
		return false;
	if (IsA(plan, Result))
		return ((Result *) plan)->resconstantqual == NULL && list_length(plan->targetlist) == 1 &&
			names_allowed_plugin((FuncExpr *) linitial_node(TargetEntry, plan->targetlist)->expr, function);
	if (!IsA(plan, FunctionScan) || list_length(((FunctionScan *) plan)->functions) != 1)
		return false;
	foreach(lc, plan->targetlist)
	{
		Expr	   *expr = lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(expr, Var) && !IsA(expr, Const))
			return false;
	}
	return names_allowed_plugin((FuncExpr *)
								linitial_node(RangeTblFunction, ((FunctionScan *) plan)->functions)->funcexpr,
								function);
}

QueryDesc *
paysafe_native_starting(QueryDesc *query)
{
	QueryDesc  *before = starting;

	starting = query;
	return before;
}

/* The classes */

static bool
is_builtin_way_out(Oid function)
{
	if (nbuiltins == 0)
		find_builtins();
	for (int i = 0; i < nbuiltins; i++)
		if (builtins[i].oid == function)
			switch (builtins[i].kind)
			{
				case FILE_FUNCTION:
					return true;
				case NEW_SLOT_FUNCTION:
					return !creates_slot_only(function);
				case SLOT_FUNCTION:
					return has_foreign_slot();
			}
	return false;
}

static GuardFinding
refuses_load(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && IsA(event->statement, LoadStmt) &&
					 !is_allowed_library(((LoadStmt *) event->statement)->filename));
}

/*
 * Functions that are code of a library, or stand for one of PostgreSQL's.  Those
 * of the second sort belong to an extension, or are nobody's.
 */
static GuardFinding
refuses_native(const GuardEvent *event)
{
	HeapTuple	tuple;
	bool		result = false;

	if (event->class_id != ProcedureRelationId ||
		(event->action != GUARD_CREATE && event->action != GUARD_ALTER && event->action != GUARD_EXECUTE))
		return GUARD_PASS;
	if (event->object_id < FirstNormalObjectId)
		return refuse_if(event->action == GUARD_EXECUTE && is_builtin_way_out(event->object_id));
	if (event->action == GUARD_EXECUTE)
		tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(event->object_id));
	else
		tuple = paysafe_facts_fetch(ProcedureRelationId, event->object_id, SnapshotSelf);
	if (!HeapTupleIsValid(tuple))
		return GUARD_PASS;
	switch (((Form_pg_proc) GETSTRUCT(tuple))->prolang)
	{
		case ClanguageId:
			result = is_foreign_code(tuple);
			break;
		case INTERNALlanguageId:
			/* an aggregate is no code: its functions are judged for themselves */
			if (((Form_pg_proc) GETSTRUCT(tuple))->prokind != PROKIND_AGGREGATE)
				result = event->action == GUARD_CREATE ? !paysafe_guard_frame_is_script(event->frame) :
					!OidIsValid(getExtensionOfObject(ProcedureRelationId, event->object_id));
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

	if (event->action != GUARD_STATEMENT)
		return GUARD_PASS;
	if (IsA(event->statement, CreatePLangStmt))
		return refuse_if(!paysafe_guard_frame_is_script(event->frame));
	if (!IsA(event->statement, DoStmt))
		return GUARD_PASS;
	foreach(lc, ((DoStmt *) event->statement)->args)
		if (strcmp(((DefElem *) lfirst(lc))->defname, "language") == 0)
			language = strVal(((DefElem *) lfirst(lc))->arg);
	oid = language ? get_language_oid(language, true) : InvalidOid;
	return refuse_if(OidIsValid(oid) && !is_trusted_language(oid));
}

static bool
has_option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
		if (strcmp(((DefElem *) lfirst(lc))->defname, name) == 0)
			return true;
	return false;
}

/* Is it an aggregate whose state is a pointer? */
static bool
has_internal_state(List *definition)
{
	ListCell   *lc;

	foreach(lc, definition)
	{
		DefElem    *option = lfirst(lc);

		if ((strcmp(option->defname, "stype") == 0 || strcmp(option->defname, "mstype") == 0) &&
			typenameTypeId(NULL, defGetTypeName(option)) == INTERNALOID)
			return true;
	}
	return false;
}

/* Definitions that PostgreSQL believes, and that crash it, or worse, if they are wrong. */
static GuardFinding
refuses_definition(const GuardEvent *event)
{
	Node	   *statement = event->statement;

	if (event->action != GUARD_STATEMENT || paysafe_guard_frame_is_script(event->frame))
		return GUARD_PASS;
	switch (nodeTag(statement))
	{
		case T_CreateOpClassStmt:
		case T_AlterOpFamilyStmt:
		case T_CreateTransformStmt:
		case T_CreateConversionStmt:
		case T_CreateAmStmt:
			return refuse_if(true);
		case T_CreateCastStmt:
			return refuse_if(((CreateCastStmt *) statement)->func == NULL && !((CreateCastStmt *) statement)->inout);
		case T_CreateFdwStmt:
			return refuse_if(((CreateFdwStmt *) statement)->func_options != NIL);
		case T_AlterFdwStmt:
			return refuse_if(((AlterFdwStmt *) statement)->func_options != NIL);
		case T_CreateFunctionStmt:
			return refuse_if(has_option(((CreateFunctionStmt *) statement)->options, "support"));
		case T_AlterFunctionStmt:
			return refuse_if(has_option(((AlterFunctionStmt *) statement)->actions, "support"));
		case T_DefineStmt:
			switch (((DefineStmt *) statement)->kind)
			{
				case OBJECT_TYPE:
					return refuse_if(((DefineStmt *) statement)->definition != NIL);
				case OBJECT_TSPARSER:
				case OBJECT_TSTEMPLATE:
					return refuse_if(true);
				case OBJECT_AGGREGATE:
					return refuse_if(has_internal_state(((DefineStmt *) statement)->definition));
				default:
					return GUARD_PASS;
			}
		default:
			return GUARD_PASS;
	}
}

static const char lockdown_hint[] = "The setting paysafe.superuser_lockdown is on; paysafe.allowed_libraries names the libraries that may be used.";
static const char lockdown_only[] = "The setting paysafe.superuser_lockdown is on: this has to be done on the server's host.";
static const char lockdown_script[] = "The setting paysafe.superuser_lockdown is on: install an extension whose script defines it.";

const GuardClass paysafe_native[] = {
	{"lockdown_load", refuses_load, false,
	"Code of the library could do anything in this process.", lockdown_hint},
	{"lockdown_native", refuses_native, false,
	"The function is native code of a library that is not allowed, loads one, or reaches the server's files.", lockdown_hint},
	{"lockdown_untrusted", refuses_untrusted, false,
	"The language is not trusted: its code leaves the database.", lockdown_only},
	{"lockdown_definition", refuses_definition, false,
	"PostgreSQL believes such a definition; a wrong one takes data for code.", lockdown_script},
	{NULL}
};

char *
paysafe_native_limits(void)
{
	return psprintf("not seen: replication connections, which copy the server and load output plugins; input and output functions with SECURITY DEFINER that were there before. Allowed, with all that they do: %s",
					allowed_libraries != NULL && allowed_libraries[0] != '\0' ? allowed_libraries : "no other libraries");
}

void
paysafe_native_init(void)
{
	DefineCustomStringVariable("paysafe.allowed_libraries",
							   "Libraries that may be loaded in spite of the lockdown.",
							   "Names without folder and ending, separated by commas.",
							   &allowed_libraries, "", PGC_POSTMASTER, GUC_LIST_INPUT,
							   NULL, NULL, NULL);
}
