/*-------------------------------------------------------------------------
 *
 * refund_several.c
 *	  Several rules of refunds on one table, and their names.
 *
 * A table may have refunds of payments and refunds of orders, or money that one row takes from both:
 * each is a rule with its own "rows", and by each the row has a life, a gate and a sum of its own.  What is
 * remembered of refunds is under the table and the rule's name, so rules share nothing but the row.
 *
 * Where two rules have the same payments, a row must be of at most one of them: it would be added
 * up twice, and be asked about twice.  "rows" is values of columns, so that can be told.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/spec.h"

/* What the names of gates end in, and those of rules do not. */
#define GATE	"_approval"

/* Is it the rule that has no name of its own? */
static bool
is_plain(const char *name)
{
	return strcmp(name, paysafe_refund_kind.name) == 0;
}

char *
paysafe_refund_several_name(FunctionCallInfo fcinfo, int n)
{
	char	   *name;
	size_t		len;

	if (PG_ARGISNULL(n))
		return pstrdup(paysafe_refund_kind.name);
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	len = strlen(name);
	if (!is_plain(name) &&
		(strncmp(name, "refund_", 7) != 0 || len == 7 || len >= NAMEDATALEN ||
		 strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len ||
		 strcmp(name + len - Min(len, strlen(GATE)), GATE) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"refund\", or begin with \"refund_\"", "rule"),
				 errdetail("\"%s\" is no such name of small letters, digits and underscores, or ends in \"%s\".",
						   paysafe_redact_string(name), GATE),
				 errhint("For instance: rule => 'refund_deposit'.")));
	return name;
}

char *
paysafe_refund_several_meant(Oid refund, const char *name)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (get_rel_relkind(refund) == '\0')
		return NULL;
	foreach(lc, paysafe_rule_sources(refund))
	{
		const RuleSource *source = lfirst(lc);

		if (source->kind == &paysafe_refund_kind && source->relation == refund)
			names = lappend(names, source->name);
	}
	if (names == NIL)
		return NULL;
	if (name == NULL && paysafe_strings_contain(names, paysafe_refund_kind.name))
		return pstrdup(paysafe_refund_kind.name);
	if (name == NULL && list_length(names) == 1)
		return linitial(names);
	if (name != NULL && paysafe_strings_contain(names, name))
		return pstrdup(name);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name == NULL ? errmsg("table \"%s\" has several rules of refunds", get_rel_name(refund)) :
			 errmsg("table \"%s\" has no rule of refunds \"%s\"", get_rel_name(refund), paysafe_redact_string(name)),
			 errdetail("It has %s.", paysafe_strings_join(names)),
			 errhint("Say which one is meant: rule => %s.", quote_literal_cstr(linitial(names)))));
}

const char *
paysafe_refund_several_argument(const char *name)
{
	return is_plain(name) ? "" : psprintf(", rule => %s", quote_literal_cstr(name));
}

const char *
paysafe_refund_several_gate(const char *name)
{
	return is_plain(name) ? "approval" : psprintf("%s" GATE, name);
}

/* Is it of payments that no table has, as paysafe.protect_movements declares it? */
static bool
is_of_groups(const RuleSource *rule)
{
	return !OidIsValid(rule->reference) && !paysafe_spec_bool(rule->spec, "payout");
}

static bool
is_running(const RuleSource *rule)
{
	const char *amounts = paysafe_spec_optional_text(rule->spec, "amounts");

	return amounts != NULL && strcmp(amounts, REFUND_RUNNING) == 0;
}

static void
check_other(const CompileInput *input, const RuleSource *other, const RowFilter *rows)
{
	const RuleSource *source = input->source;
	const char *table = get_rel_name(source->relation);
	RowFilter	others;

	if (is_running(source) || is_running(other) || is_of_groups(source) || is_of_groups(other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" cannot have both rules, \"%s\" and \"%s\"", table, source->name, other->name),
				 errdetail(is_running(source) || is_running(other) ?
						   "One of them is about a column that says what has been refunded so far: it is of all rows." :
						   "One of them is about payments that no table has: its sums are of all rows."),
				 errhint("What has rules of several kinds of refunds is a table whose rows are refunds of rows in other tables, or payouts.")));
	if (!OidIsValid(source->reference) || source->reference != other->reference)
		return;
	if (list_member_oid(paysafe_catalog_ancestors(RelationGetRelid(input->leaf)), source->reference) &&
		paysafe_refund_source_payment(input->sources, RelationGetRelid(input->leaf)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing says which rows of table \"%s\" are payments", table),
				 errdetail("Rules \"%s\" and \"%s\" say which are refunds of its own rows.", source->name, other->name),
				 errhint("Declare paysafe.protect_payment, with \"rows\".")));
	paysafe_row_filter_compile(input->leaf, other->spec, &others);
	if (!paysafe_row_filter_excludes(rows, &others))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of table \"%s\" can be refunds by both rules, \"%s\" and \"%s\"", table, source->name, other->name),
				 errdetail("Both are of payments in \"%s\", and would count such a row twice.", get_rel_name(source->reference)),
				 errhint("Let \"rows\" of the two declarations name different values of one column: rows => '{\"kind\": [\"order\"]}'.")));
}

void
paysafe_refund_several_check(const CompileInput *input, const RowFilter *rows)
{
	ListCell   *lc;

	foreach(lc, input->sources)
	{
		const RuleSource *other = lfirst(lc);

		/* one that is only observed keeps no other from being in force */
		if (other->kind == &paysafe_refund_kind && other->relation == input->source->relation &&
			strcmp(other->name, input->source->name) != 0 && (!other->observed || input->source->observed))
			check_other(input, other, rows);
	}
}
