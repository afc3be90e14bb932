/*-------------------------------------------------------------------------
 *
 * evidence.c
 *	  Who gets the evidence of a row.
 *
 * The file has the whole life of one row, and of nothing else: so whoever may read all
 * of its table may have it, if they may execute the function, or whoever may read the
 * whole log.  Where policies show a role only some rows, they do not say which of the
 * past: there it takes the log.  What is read is read as the owner of the extension.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "store/catalog.h"
#include "values/row_key.h"

/* Raises 42501 for whoever may read neither the table nor the log. */
static void
check_reader(Oid relation)
{
	Oid			user = GetUserId();
	Oid			log = get_relname_relid("audit_log", paysafe_catalog_schema());
	AclResult	allowed;

	if (pg_class_aclcheck(log, user, ACL_SELECT) == ACLCHECK_OK)
		return;
	/* own tables are the log's matter */
	if (paysafe_catalog_is_own(relation))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_VIEW, "audit_log");
	allowed = pg_class_aclcheck(relation, user, ACL_SELECT);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
	if (check_enable_rls(relation, user, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("policies show \"%s\" only some rows of \"%s\"", GetUserNameFromId(user, false), get_rel_name(relation)),
				 errdetail("Nobody can say which rows of the past they would have shown."),
				 errhint("Whoever has SELECT on paysafe.audit_log gets the evidence of any row.")));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_evidence);

/*
 * evidence(relation regclass, key text) returns text
 */
Datum
paysafe_evidence(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID, TEXTOID};
	Oid			relation = PG_GETARG_OID(0);
	char	   *key;
	FmgrInfo	function;
	Datum		file;

	LOCAL_FCINFO(call, 2);

	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	check_reader(relation);
	fmgr_info(LookupFuncName(list_make2(makeString("paysafe"), makeString("evidence_file")), 2, types, false), &function);
	InitFunctionCallInfoData(*call, &function, 2, DEFAULT_COLLATION_OID, NULL, NULL);
	call->args[0] = (NullableDatum) {ObjectIdGetDatum(relation), false};
	key = paysafe_row_key_logged(relation, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	call->args[1] = (NullableDatum) {CStringGetTextDatum(key), false};
	file = FunctionCallInvoke(call);
	if (call->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(file);
}
