/*-------------------------------------------------------------------------
 *
 * tenant_read.c
 *	  Which rows a query sees: what the policy "paysafe_tenant" is made of.
 *
 *		paysafe.of_tenant(COLUMN, (SELECT paysafe.current_tenant_TYPE()),
 *						  (SELECT paysafe.acts_across_tenants()))
 *
 * says what it says, and cannot use an index.  Its support function tells the planner
 * a shorter form: across tenants, the third argument; for one tenant, COLUMN = the
 * second.  Each implies the long form, so a plan that was made for one
 * context and is executed in another shows no row too many: it shows none.
 * tenant.c has such plans made again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "people/tenant.h"

/* SQL-callable functions */

/* The context whose rows are about to be read. */
static const TenantContext *
reading(void)
{
	/* the context is not here, and nobody must take that for none */
	if (IsParallelWorker())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("rows of tenants cannot be read by a function that a parallel worker calls"),
				 errhint("Declare the function PARALLEL RESTRICTED.")));
	return paysafe_tenant_use();
}

/* The context's tenant as an integer of this range; false: there is none. */
static bool
tenant_integer(int64 min, int64 max, int64 *result)
{
	const TenantContext *context = reading();

	if (context == NULL || !context->is_integer || context->integer < min || context->integer > max)
		return false;
	*result = context->integer;
	return true;
}

PG_FUNCTION_INFO_V1(paysafe_current_tenant_int2);
PG_FUNCTION_INFO_V1(paysafe_current_tenant_int4);
PG_FUNCTION_INFO_V1(paysafe_current_tenant_int8);
PG_FUNCTION_INFO_V1(paysafe_current_tenant_uuid);
PG_FUNCTION_INFO_V1(paysafe_current_tenant_text);
PG_FUNCTION_INFO_V1(paysafe_acts_across_tenants);

/*
 * current_tenant_TYPE() returns TYPE: the transaction's tenant; NULL if it has none, works
 * across tenants, or the tenant is no value of the type
 */
Datum
paysafe_current_tenant_int2(PG_FUNCTION_ARGS)
{
	int64		result;

	if (!tenant_integer(PG_INT16_MIN, PG_INT16_MAX, &result))
		PG_RETURN_NULL();
	PG_RETURN_INT16((int16) result);
}

Datum
paysafe_current_tenant_int4(PG_FUNCTION_ARGS)
{
	int64		result;

	if (!tenant_integer(PG_INT32_MIN, PG_INT32_MAX, &result))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) result);
}

Datum
paysafe_current_tenant_int8(PG_FUNCTION_ARGS)
{
	int64		result;

	if (!tenant_integer(PG_INT64_MIN, PG_INT64_MAX, &result))
		PG_RETURN_NULL();
	PG_RETURN_INT64(result);
}

Datum
paysafe_current_tenant_uuid(PG_FUNCTION_ARGS)
{
	const TenantContext *context = reading();
	pg_uuid_t  *result;

	if (context == NULL || !context->is_uuid)
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = context->uuid;
	PG_RETURN_UUID_P(result);
}

Datum
paysafe_current_tenant_text(PG_FUNCTION_ARGS)
{
	const TenantContext *context = reading();

	if (context == NULL || context->tenant == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(context->tenant, context->len));
}

/*
 * acts_across_tenants() returns boolean
 */
Datum
paysafe_acts_across_tenants(PG_FUNCTION_ARGS)
{
	const TenantContext *context = reading();

	PG_RETURN_BOOL(context != NULL && context->tenant == NULL);
}

PG_FUNCTION_INFO_V1(paysafe_of_tenant);

/*
 * of_tenant(value, tenant, across) returns boolean: across, or value = tenant
 */
Datum
paysafe_of_tenant(PG_FUNCTION_ARGS)
{
	static const struct
	{
		Oid			type;
		PGFunction	equal;
	}			types[] = {
		{INT2OID, int2eq}, {INT4OID, int4eq}, {INT8OID, int8eq}, {UUIDOID, uuid_eq}, {TEXTOID, texteq}
	};
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);

	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
		PG_RETURN_BOOL(true);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	for (int i = 0; i < (int) lengthof(types); i++)
		if (types[i].type == type)
			PG_RETURN_DATUM(DirectFunctionCall2Coll(types[i].equal, C_COLLATION_OID,
													PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("tenants are not told by values of type %s", format_type_be(type))));
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(paysafe_of_tenant_support);

/*
 * of_tenant_support(internal) returns internal: support function of of_tenant
 */
Datum
paysafe_of_tenant_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;
	const TenantContext *context = paysafe_tenant_current();
	List	   *args;
	Oid			type;
	OpExpr	   *result;

	if (!IsA(request, SupportRequestSimplify) || list_length(simplify->fcall->args) != 3)
		PG_RETURN_POINTER(NULL);
	args = simplify->fcall->args;
	/* in the policy alone do the arguments say what the context does */
	if (!IsA(lsecond(args), SubLink) || !IsA(lthird(args), SubLink))
		PG_RETURN_POINTER(NULL);
	if (context != NULL && context->tenant == NULL)
		PG_RETURN_POINTER(copyObject(lthird(args)));
	type = exprType(lsecond(args));
	if (type != INT2OID && type != INT4OID && type != INT8OID && type != UUIDOID && type != TEXTOID)
		PG_RETURN_POINTER(NULL);
	result = (OpExpr *) make_opclause(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr, BOOLOID, false,
									  copyObject(linitial(args)), copyObject(lsecond(args)),
									  InvalidOid, simplify->fcall->inputcollid);
	set_opfuncid(result);
	PG_RETURN_POINTER(result);
}
