/*-------------------------------------------------------------------------
 *
 * check.c
 *	  What paysafe.check() cannot read from catalogs: the state of the library,
 *	  and whether the rules of a table still fit it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "engine/rule.h"
#include "evidence/refusal_log.h"
#include "guard/hooks.h"
#include "guard/lockdown.h"
#include "guard/native.h"
#include "store/catalog.h"
#include "store/own_trigger.h"

static void
put(ReturnSetInfo *result, const char *name, bool ok, const char *detail)
{
	Datum		values[3] = {CStringGetTextDatum(name), BoolGetDatum(ok), (Datum) 0};
	bool		nulls[3] = {false, false, detail == NULL};

	if (detail != NULL)
		values[2] = CStringGetTextDatum(detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_library_state);

/*
 * library_state() returns table (check_name text, ok boolean, detail text)
 */
Datum
paysafe_library_state(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *database = get_database_name(MyDatabaseId);
	char	   *missing;
	const char *trouble;

	InitMaterializedSRF(fcinfo, 0);
	put(result, "library_version", true, PAYSAFE_VERSION);
	put(result, "library_preloaded", paysafe_hooks_guarding(),
		paysafe_hooks_guarding() ? NULL : "paysafe is not in shared_preload_libraries: nothing guards the triggers");
	missing = paysafe_hooks_missing();
	put(result, "hooks", missing == NULL, missing);
	trouble = paysafe_refusal_log_trouble();
	put(result, "refusals_recorded", trouble == NULL, trouble);
	put(result, "superuser_lockdown", true,
		paysafe_lockdown_is_on() ? "on" : "off: superusers can load native code and reach the server's files");
	if (paysafe_lockdown_is_on())
		put(result, "lockdown_limits", true, paysafe_native_limits());
	put(result, "database_protected", true,
		paysafe_lockdown_lists_database(database) ? "it can be neither dropped nor renamed, closed nor given away" :
		"not in paysafe.protected_databases: its owner can drop or rename it");
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(paysafe_trigger_trouble);

/*
 * trigger_trouble(relation, statement boolean) returns text: why our row trigger, or
 * our statement trigger, does not do its work; NULL if it does
 */
Datum
paysafe_trigger_trouble(PG_FUNCTION_ARGS)
{
	Relation	rel = relation_open(PG_GETARG_OID(0), AccessShareLock);
	OwnTrigger	which = PG_GETARG_BOOL(1) ? OWN_STATEMENT_TRIGGER : OWN_ROW_TRIGGER;
	char	   *trouble = NULL;

	if (paysafe_own_trigger_of(rel, which) == NULL)
		trouble = psprintf("the trigger \"%s\" is missing, altered or not ENABLE ALWAYS",
						   paysafe_own_trigger_name(which));
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers && trouble == NULL; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgfoid == paysafe_own_trigger_function(which) &&
			!paysafe_own_trigger_has_shape(which, trigger))
			trouble = psprintf("the trigger \"%s\" calls paysafe too, which stops changes: drop it",
							   trigger->tgname);
	}
	relation_close(rel, AccessShareLock);
	if (trouble == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(trouble));
}

PG_FUNCTION_INFO_V1(paysafe_rule_trouble);

/*
 * rule_trouble(relation) returns text: why the rules of a table do not fit it
 * any more, so that every change is refused; NULL if they do
 */
Datum
paysafe_rule_trouble(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile result = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		Relation	rel = table_open(relid, AccessShareLock);

		(void) paysafe_rules_of(rel);
		table_close(rel, NoLock);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		result = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(result));
}
