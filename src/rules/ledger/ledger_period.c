/*-------------------------------------------------------------------------
 *
 * ledger_period.c
 *	  Closing periods of ledgers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "engine/closed_period.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "engine/unused.h"
#include "store/catalog.h"
#include "values/posting_date.h"
#include "values/row_key.h"
#include "values/spec.h"

/* The ledger's rule and its posting dates; raises 22023 if it has none. */
static void
find_ledger(Oid ledger, RuleSource *rule, PostingDate *date)
{
	bool		removed;
	char	   *name = NULL;
	Relation	rel;

	if (paysafe_rule_newest(ledger, "ledger", rule, &removed) && !removed)
		name = paysafe_spec_optional_text(rule->spec, "posting_date_column");
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is no ledger with posting dates", get_rel_name(ledger)),
				 errhint("Declare it with paysafe.protect_ledger and a posting_date_column.")));
	rel = table_open(ledger, AccessShareLock);
	paysafe_posting_date_column(rel, name, date);
	table_close(rel, NoLock);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_close_period);

/*
 * close_period(ledger, until date, time_zone text) returns void
 */
Datum
paysafe_close_period(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"ledger", "until", "time_zone"};
	Oid			ledger;
	char	   *time_zone;
	PostingDay	until;
	PostingDate date;
	ClosedPeriod before;
	RuleSource	rule;

	paysafe_argument_all_required(fcinfo, arguments, lengthof(arguments));
	ledger = PG_GETARG_OID(0);
	time_zone = text_to_cstring(PG_GETARG_TEXT_PP(2));
	/* postings under way end first */
	paysafe_declare_lock(ledger);
	find_ledger(ledger, &rule, &date);
	paysafe_posting_date_end(PG_GETARG_DATEADT(1), time_zone, &until);
	if (until.before > GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only a period that has ended, in %s, can be closed", time_zone)));
	paysafe_closed_period_find(ledger, &before);
	if (before.n > 0 && paysafe_posting_date_covers(&date, &before.until, &until))
	{
		if (until.day == before.until.day)
			PG_RETURN_VOID();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is closed until %s already, and what is closed stays closed",
						get_rel_name(ledger), paysafe_row_key_value_text(DATEOID, DateADTGetDatum(before.until.day)))));
	}
	if (before.n > 0 && until.day <= before.until.day)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is closed until %s already, in %s",
						get_rel_name(ledger), paysafe_row_key_value_text(DATEOID, DateADTGetDatum(before.until.day)),
						before.time_zone),
				 errhint("Close a later day.")));
	if (paysafe_closed_period_add(ledger, &before, &until, time_zone, rule.observed || paysafe_unused_frees(ledger)))
		paysafe_rule_invalidate(ledger);
	PG_RETURN_VOID();
}
