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
#include "base/crypto.h"
#include "engine/accepted.h"
#include "engine/loosening.h"
#include "engine/proposal.h"
#include "engine/validate.h"
#include "redact/redact.h"
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
				 errmsg("table \"%s\" has no rule \"%s\"", get_rel_name(relid), paysafe_redact_string(name)),
				 errhint("Declare it first: observed, or with paysafe.defer_validation in force for what comes.")));
	if (rule->kind == NULL || rule->kind->keeps_books)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows that break rule \"%s\" cannot be accepted", paysafe_redact_string(name)),
				 errdetail("It computes from the rows that are there."),
				 errhint("Correct them: by entries, if it is about balances.")));
}

static int
compare_words(const ListCell *a, const ListCell *b)
{
	return strcmp(((AcceptedFault *) lfirst(a))->words, ((AcceptedFault *) lfirst(b))->words);
}

/* All of it, so that it is approved as a whole: the words, and the rows as they are. */
static void
describe_change(const RuleSource *rule, List *faults, ProposedChange *change)
{
	SpecBuilder spec;
	StringInfoData difference;
	StringInfoData words;
	List	   *lines = NIL;
	StringInfoData digests;
	uint8		digest[PAYSAFE_SHA256_LEN];
	ListCell   *lc;

	initStringInfo(&difference);
	initStringInfo(&words);
	initStringInfo(&digests);
	foreach(lc, faults)
	{
		const AcceptedFault *fault = lfirst(lc);

		appendStringInfo(&difference, "%saccepts %s", difference.len > 0 ? "\n" : "", fault->words);
		/* in one sentence, without its full stop */
		appendStringInfo(&words, "%s%.*s", words.len > 0 ? "; " : "accepts ", (int) strlen(fault->words) - 1, fault->words);
		lines = lappend(lines, fault->words);
		appendBinaryStringInfo(&digests, VARDATA(fault->digest), PAYSAFE_SHA256_LEN);
	}
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "accepted", lines);
	paysafe_crypto_sha256(digests.data, digests.len, digest);
	paysafe_spec_add_text(&spec, "as_they_are", paysafe_accepted_hex(digest));
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
 * accept_rows(relation, rule, reason, ticket) returns bigint: how many faults are accepted now
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
				 errmsg("rows of \"%s\" break rule \"%s\" in " INT64_FORMAT " ways", get_rel_name(relid), name, report.faults),
				 errdetail("At most %d are accepted, since they are approved one by one.", MAX_AT_ONCE),
				 errhint("Correct what can be corrected, or let the rule say what these rows are.")));
	list_sort(report.found, compare_words);
	describe_change(&rule, report.found, &change);
	if (!paysafe_loosening_authorize(&change))
		PG_RETURN_INT64(0);
	paysafe_store_complete();
	key = paysafe_proposal_key(change.content);
	foreach(lc, report.found)
		paysafe_accepted_add(relid, name, lfirst(lc), key, reason, ticket);
	paysafe_rule_invalidate(relid);
	PG_RETURN_INT64(report.faults);
}
