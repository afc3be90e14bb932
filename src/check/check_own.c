/*-------------------------------------------------------------------------
 *
 * check_own.c
 *	  Own tables and the audit log: what check() and verify() say of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "base/attempt.h"
#include "check/check_own.h"
#include "check/reconcile_own.h"
#include "evidence/reading/find.h"
#include "evidence/seal/seal_verify.h"
#include "guard/hooks.h"

/* What is not in the log's index is read as a whole up to here (128 MB), unless all is asked for. */
#define UNINDEXED_BLOCKS	16384

static void
put_check(ReturnSetInfo *result, const char *subject, bool ok, const char *detail)
{
	Datum		values[4] = {
		CStringGetTextDatum(subject), CStringGetTextDatum("own_rows"), BoolGetDatum(ok), (Datum) 0
	};
	bool		nulls[4] = {false, false, false, detail == NULL};

	if (detail != NULL)
		values[3] = CStringGetTextDatum(detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_table(const OwnTable *table, const char *words, void *arg)
{
	put_check(arg, table->subject, words == NULL,
			  words != NULL ? words :
			  table->expires ? "its rows of the last 28 days were compared: older ones may have been removed" :
			  table->large ? "it is large: its rows of the last 28 days were compared; paysafe.check(true) compares all" : NULL);
}

/* For verify(): each table of which something was found. */
typedef struct Comparison
{
	SealFound	found;
	void	   *arg;
} Comparison;

static void
tell_table(const OwnTable *table, const char *words, void *arg)
{
	Comparison *comparison = arg;

	if (words != NULL)
		comparison->found(psprintf("%s: %s", table->subject, words), comparison->arg);
}

static void
compare_all(void *arg)
{
	paysafe_reconcile_own_all(true, tell_table, arg);
}

/* An error, a log that cannot be read for example, is a finding. */
static void
compare(SealFound found, void *arg)
{
	Comparison	comparison = {found, arg};
	char	   *error = paysafe_attempt(compare_all, &comparison);

	if (error != NULL)
		found(psprintf("own tables cannot be compared with the audit log: %s", error), arg);
}

void
paysafe_check_own_init(void)
{
	paysafe_seal_verify_set_compare(compare);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_check_own);

/*
 * check_own(whole boolean) returns table (subject, check_name, ok, detail)
 */
Datum
paysafe_check_own(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		whole = PG_GETARG_BOOL(0);

	InitMaterializedSRF(fcinfo, 0);
	if (!whole && paysafe_audit_find_unindexed(GetActiveSnapshot()) > UNINDEXED_BLOCKS)
		put_check(result, "own tables", !paysafe_hooks_guarding(),
				  "their rows are not compared with the audit log, of which too much is not in its index: SELECT paysafe.index_audit(), or paysafe.check(true)");
	else
		paysafe_reconcile_own_all(whole, put_table, result);
	PG_RETURN_NULL();
}
