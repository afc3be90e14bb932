/*-------------------------------------------------------------------------
 *
 * nesting.c
 *	  Whose functions are being executed.
 *
 * Whoever owns a table decides what runs when others write to it: triggers,
 * CHECK, DEFAULT, generated columns, expressions of indexes, policies.  It runs
 * in the name of who writes.  The hook around function calls tells which
 * functions those are, whatever calls them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "guard/nesting.h"
#include "store/catalog.h"

/* The functions under way, outermost first. */
typedef struct Call
{
	Oid			function;
	Oid			owner;
	bool		definer;		/* SECURITY DEFINER: runs in the name of its owner */
	bool		disguised;		/* its SET clause changes the role that it runs as */
	bool		own;			/* paysafe's */
	bool		atomic;			/* its body is kept as a tree */
	bool		stored;			/* paysafe's, and an expression of the catalogs calls it */
} Call;

static Call *calls = NULL;
static int	depth = 0;
static int	allocated = 0;

/* One of paysafe's own functions that do something, other than triggers. */
static bool
is_own(Form_pg_proc form)
{
	return form->pronamespace == paysafe_catalog_schema() && form->prolang == ClanguageId &&
		form->provolatile == PROVOLATILE_VOLATILE && form->prorettype != TRIGGEROID;
}

/* Can a call of a function of this name be one of those, or of one that runs a text or sets the role? */
static bool
may_act(const char *name)
{
	static const char *const running[] = {
		"set_config", "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema",
		"cursor_to_xml", "cursor_to_xmlschema", "ts_stat", "ts_rewrite", NULL
	};
	CatCList   *list;
	bool		result = false;

	for (int i = 0; running[i] != NULL; i++)
		if (strcmp(name, running[i]) == 0)
			return true;
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members && !result; i++)
		result = is_own((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple));
	ReleaseSysCacheList(list);
	return result;
}

static bool
acts(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && may_act(strVal(llast(((FuncCall *) node)->funcname))))
		return true;
	/* a function may be called as if it were an attribute */
	if (IsA(node, A_Indirection))
	{
		ListCell   *lc;

		foreach(lc, ((A_Indirection *) node)->indirection)
			if (IsA(lfirst(lc), String) && may_act(strVal(lfirst(lc))))
				return true;
	}
	return raw_expression_tree_walker(node, acts, context);
}

/*
 * Is the text of an SQL function one SELECT, and so maybe a part of another query, that
 * only reads and computes?
 */
static bool
only_reads(HeapTuple tuple)
{
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	List	   *statements;
	Node	   *statement;

	if (isnull)
		return false;
	statements = raw_parser(TextDatumGetCString(source), RAW_PARSE_DEFAULT);
	if (list_length(statements) != 1)
		return false;
	statement = linitial_node(RawStmt, statements)->stmt;
	return IsA(statement, SelectStmt) && !acts(statement, NULL);
}

/*
 * Does the body of BEGIN ATOMIC, which has no place for commands, call this function, or, of
 * InvalidOid, any that is paysafe's?
 */
static bool
names(Oid function, Oid named)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(function));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, lengthof(keys), keys);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		HeapTuple	found;

		if (form->refclassid != ProcedureRelationId)
			continue;
		if (OidIsValid(named))
		{
			result = form->refobjid == named;
			continue;
		}
		found = SearchSysCache1(PROCOID, ObjectIdGetDatum(form->refobjid));
		if (!HeapTupleIsValid(found))
			continue;
		result = is_own((Form_pg_proc) GETSTRUCT(found));
		ReleaseSysCache(found);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return result;
}

bool
paysafe_nesting_counts(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->prolang == INTERNALlanguageId || form->prolang == ClanguageId)
		result = is_own(form);
	else if (!heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL))
		result = names(function, InvalidOid);
	else
		result = !superuser_arg(form->proowner) &&
			!(form->prolang == SQLlanguageId && only_reads(tuple));
	ReleaseSysCache(tuple);
	return result;
}

/* Does its SET clause change the role? */
static bool
sets_role(HeapTuple tuple)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			n;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (pg_strncasecmp(setting, "role=", strlen("role=")) == 0 ||
			pg_strncasecmp(setting, "session_authorization=", strlen("session_authorization=")) == 0)
			return true;
	}
	return false;
}

static Call
describe_call(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Call		call = {0};

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		call.owner = form->proowner;
		call.definer = form->prosecdef;
		call.disguised = sets_role(tuple);
		call.own = is_own(form);
		call.atomic = !heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL);
		ReleaseSysCache(tuple);
	}
	return call;
}

/* What is known of a function, as a number; the lowest bit says that the others are there. */
static uint64
pack(const Call *call)
{
	return ((uint64) call->owner << 5) | (call->definer << 4) | (call->disguised << 3) |
		(call->own << 2) | (call->atomic << 1) | 1;
}

static Call
unpack(uint64 bits)
{
	return (Call)
	{
		.owner = (Oid) (bits >> 5), .definer = (bits & 16) != 0, .disguised = (bits & 8) != 0,
		.own = (bits & 4) != 0, .atomic = (bits & 2) != 0
	};
}

/*
 * Is the call one that no text has where it is?  Expressions that were read from a catalog
 * have lost their places, and an operator or a cast may stand for anything.  Without any
 * expression it is the client's, by the protocol.
 */
static bool
is_stored(Node *expression)
{
	return expression != NULL &&
		!(IsA(expression, FuncExpr) && ((FuncExpr *) expression)->funcformat == COERCE_EXPLICIT_CALL &&
		  ((FuncExpr *) expression)->location >= 0);
}

void
paysafe_nesting_enter(FmgrInfo *function, Datum *known)
{
	uint64		bits = known != NULL ? (uint64) *known : 0;
	Call		call;

	if (bits != 0)
		call = unpack(bits);
	else
	{
		call = describe_call(function->fn_oid);
		if (known != NULL && sizeof(Datum) == sizeof(uint64))
			*known = (Datum) pack(&call);
	}
	call.function = function->fn_oid;
	call.stored = call.own && is_stored(function->fn_expr);
	if (depth == allocated)
	{
		int			n = Max(16, allocated * 2);

		calls = calls == NULL ? MemoryContextAlloc(TopMemoryContext, n * sizeof(Call)) :
			repalloc(calls, n * sizeof(Call));
		allocated = n;
	}
	calls[depth++] = call;
}

void
paysafe_nesting_leave(void)
{
	Assert(depth > 0);
	depth--;
}

Oid
paysafe_nesting_foreign_owner(void)
{
	for (int i = depth - 1; i >= 0; i--)
	{
		if ((calls[i].owner != GetUserId() || calls[i].disguised) && !superuser_arg(calls[i].owner))
			return calls[i].owner;
		/* its owner answers for it, whoever calls it */
		if (calls[i].definer)
			break;
	}
	return InvalidOid;
}

/*
 * Functions that run a text are PostgreSQL's own, whose calls no hook surrounds; and what
 * their text calls has its place in it.  So it is the transaction that remembers one.
 */
static LocalTransactionId text_run_in = InvalidLocalTransactionId;

void
paysafe_nesting_looked_up(Oid function)
{
	switch (function)
	{
		case F_QUERY_TO_XML:
		case F_QUERY_TO_XMLSCHEMA:
		case F_QUERY_TO_XML_AND_XMLSCHEMA:
		case F_CURSOR_TO_XML:
		case F_CURSOR_TO_XMLSCHEMA:
		case F_TS_STAT_TEXT:
		case F_TS_STAT_TEXT_TEXT:
		case F_TS_REWRITE_TSQUERY_TEXT:
			text_run_in = local_transaction_compat();
			break;
		default:
			break;
	}
}

bool
paysafe_nesting_is_stored(void)
{
	if (text_run_in != InvalidLocalTransactionId && text_run_in == local_transaction_compat())
		return true;
	for (int i = depth - 1; i >= 0; i--)
	{
		if (calls[i].stored &&
			(i == 0 || !calls[i - 1].atomic || !names(calls[i - 1].function, calls[i].function)))
			return true;
		if (calls[i].definer)
			break;
	}
	return false;
}
