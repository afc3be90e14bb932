/*-------------------------------------------------------------------------
 *
 * accept.c
 *	  Accepting rows that break a rule, as they are.
 *
 * What has happened cannot always be put right: money that was paid back twice, years
 * ago, is gone.  Two people accept such rows, one by one, under their names; a rule that
 * is declared then passes them over, and no other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "engine/accepted.h"
#include "engine/loosening.h"
#include "engine/proposal.h"
#include "engine/validate.h"
#include "store/own_table.h"
#include "values/spec.h"

#define MAX_AT_ONCE		1000	/* what two people can have read */

static void
find_rule(Oid relid, const char *name, RuleSource *rule)
{
	bool		removed;

	if (!paysafe_rule_newest(relid, name, rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no rule \"%s\"", get_rel_name(relid), name),
				 errhint("Declare it first: observed, or with paysafe.defer_validation in force for what comes.")));
	if (rule->kind == NULL || rule->kind->keeps_books)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows that break rule \"%s\" cannot be accepted", name),
				 errdetail("It computes from the rows that are there."),
				 errhint("Correct them: by entries, if it is about balances.")));
}

/* All of it, so that it is approved as a whole. */
static void
describe_change(const RuleSource *rule, List *lines, ProposedChange *change)
{
	SpecBuilder spec;
	StringInfoData difference;
	StringInfoData words;
	ListCell   *lc;

	initStringInfo(&difference);
	initStringInfo(&words);
	foreach(lc, lines)
	{
		const char *line = lfirst(lc);

		appendStringInfo(&difference, "%saccepts %s", difference.len > 0 ? "\n" : "", line);
		/* in one sentence, without its full stop */
		appendStringInfo(&words, "%s%.*s", words.len > 0 ? "; " : "accepts ", (int) strlen(line) - 1, line);
	}
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "accepted", lines);
	*change = (ProposedChange)
	{
		.approved_as = PAYSAFE_RULE,
		.relation = rule->relation,
		.name = rule->name,
		.version = rule->version + 1,
		.after = paysafe_spec_end(&spec),
		.difference = difference.data,
		.loosens = words.data
	};
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_accept_rows);

/*
 * accept_rows(relation, rule, reason, ticket) returns bigint: how many are accepted now
 */
Datum
paysafe_accept_rows(PG_FUNCTION_ARGS)
{
	Oid			relid;
	char	   *name;
	char	   *reason = paysafe_argument_reason(fcinfo, 2, "reason", "accepting rows");
	char	   *ticket = PG_ARGISNULL(3) ? NULL : paysafe_argument_reason(fcinfo, 3, "ticket", "accepting rows");
	RuleSource	rule;
	ExistingReport report = {.collect = true};
	ProposedChange change;
	char	   *key;
	ListCell   *lc;

	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : "rule");
	relid = PG_GETARG_OID(0);
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	paysafe_validate_lock(relid);
	find_rule(relid, name, &rule);
	paysafe_validate_look(&rule, &report);
	if (report.faults == 0)
		PG_RETURN_INT64(0);
	if (report.faults > MAX_AT_ONCE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(INT64_FORMAT " rows of \"%s\" break rule \"%s\"", report.faults, get_rel_name(relid), name),
				 errdetail("At most %d are accepted, since they are approved one by one.", MAX_AT_ONCE),
				 errhint("Correct what can be corrected, or let the rule say what these rows are.")));
	describe_change(&rule, paysafe_strings_sorted(report.lines), &change);
	if (!paysafe_loosening_authorize(&change))
		PG_RETURN_INT64(0);
	paysafe_store_complete();
	key = paysafe_proposal_key(change.content);
	foreach(lc, paysafe_strings_sorted(report.lines))
		paysafe_accepted_add(relid, name, lfirst(lc), key, reason, ticket);
	PG_RETURN_INT64(report.faults);
}
