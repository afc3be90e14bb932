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

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "guard/nesting.h"

/* The functions under way, outermost first. */
typedef struct Call
{
	Oid			owner;
	bool		definer;		/* SECURITY DEFINER: runs in the name of its owner */
} Call;

static Call *calls = NULL;
static int	depth = 0;
static int	allocated = 0;

/* Is the text of an SQL function one SELECT, and so maybe a part of another query? */
static bool
is_one_select(HeapTuple tuple)
{
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	List	   *statements;

	/* BEGIN ATOMIC has no place for commands */
	if (!heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL))
		return true;
	if (isnull)
		return false;
	statements = raw_parser(TextDatumGetCString(source), RAW_PARSE_DEFAULT);
	return list_length(statements) == 1 &&
		IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt);
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
	result = form->prolang != INTERNALlanguageId && form->prolang != ClanguageId &&
		!superuser_arg(form->proowner) &&
		!(form->prolang == SQLlanguageId && is_one_select(tuple));
	ReleaseSysCache(tuple);
	return result;
}

static Call
describe_call(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Call		call = {0};

	if (HeapTupleIsValid(tuple))
	{
		call.owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
		call.definer = ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef;
		ReleaseSysCache(tuple);
	}
	return call;
}

void
paysafe_nesting_enter(Oid function, Datum *known)
{
	uint64		bits = known != NULL ? (uint64) *known : 0;
	Call		call;

	/* the lowest bit says that the others are there */
	if (bits != 0)
		call = (Call) {(Oid) (bits >> 2), (bits & 2) != 0};
	else
	{
		call = describe_call(function);
		if (known != NULL && sizeof(Datum) == sizeof(uint64))
			*known = (Datum) (((uint64) call.owner << 2) | (call.definer ? 2 : 0) | 1);
	}
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
		if (calls[i].owner != GetUserId() && !superuser_arg(calls[i].owner))
			return calls[i].owner;
		/* its owner answers for it, whoever calls it */
		if (calls[i].definer)
			break;
	}
	return InvalidOid;
}
