/*-------------------------------------------------------------------------
 *
 * refund_threshold.c
 *	  Refund thresholds: from which rolling sum on refunds need approval.
 *
 * A currency may have several: the bands of refund_terms.c.  Every change is a new row; the newest one
 * of a band counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "base/hours.h"
#include "engine/declare.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "engine/unused.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/registry.h"
#include "redact/redact.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_source.h"
#include "rules/refund/refund_threshold.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/spec.h"

/* Columns of paysafe.threshold. */
enum
{
	THRESHOLD_RELATION, THRESHOLD_CURRENCY, THRESHOLD_VERSION, THRESHOLD_AMOUNT,
	THRESHOLD_APPROVERS, THRESHOLD_WITHIN, THRESHOLD_VALID_FOR, THRESHOLD_SINCE,
	THRESHOLD_ACTOR, THRESHOLD_SESSION_USER, THRESHOLD_REASON, THRESHOLD_TICKET, THRESHOLD_RULE,
	THRESHOLD_APPROVER_IDENTITY, THRESHOLD_REQUESTER_IDENTITY, THRESHOLD_APPROVER_GROUP, THRESHOLD_BAND, THRESHOLD_PER,
	THRESHOLD_APPROVED_DURING, THRESHOLD_ESCALATION_AFTER, THRESHOLD_ESCALATION_GROUP,
	THRESHOLD_NCOLUMNS
};

/* A level that only a later version knows is not less than any of ours. */
static IdentityLevel
read_level(HeapTuple tuple, TupleDesc desc, int column)
{
	char	   *name = paysafe_store_text(tuple, desc, column);
	IdentityLevel level = paysafe_identity_parse(name);

	return name != NULL && level == IDENTITY_NONE ? IDENTITY_PASSKEY : level;
}

static const char *const per_names[SUM_KINDS] = {
	[SUM_PAYMENT] = "payment", [SUM_BENEFICIARY] = "beneficiary", [SUM_REQUESTER] = "requester"
};

const char *
paysafe_refund_threshold_per_name(SumKind per)
{
	return per_names[per];
}

/* SUM_KINDS: it is none of them. */
static SumKind
parse_per(const char *name)
{
	for (int per = 0; per < SUM_KINDS; per++)
		if (strcmp(per_names[per], name) == 0)
			return per;
	return SUM_KINDS;
}

/* Keep the newest version of each band. */
static bool
collect_threshold(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Threshold  *t = palloc0(sizeof(Threshold));
	Datum		amount = heap_getattr(tuple, THRESHOLD_AMOUNT + 1, desc, &isnull);
	ListCell   *lc;

	t->amount = isnull ? NULL : DatumGetNumericCopy(amount);
	t->currency = paysafe_store_text(tuple, desc, THRESHOLD_CURRENCY);
	t->version = DatumGetInt32(heap_getattr(tuple, THRESHOLD_VERSION + 1, desc, &isnull));
	t->approvers = DatumGetInt32(heap_getattr(tuple, THRESHOLD_APPROVERS + 1, desc, &isnull));
	t->within = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_WITHIN + 1,
																	   desc, &isnull)), "within");
	t->valid_for = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_VALID_FOR + 1,
																		  desc, &isnull)), "valid_for");
	t->identity = read_level(tuple, desc, THRESHOLD_APPROVER_IDENTITY);
	t->requester = read_level(tuple, desc, THRESHOLD_REQUESTER_IDENTITY);
	t->group = paysafe_store_text(tuple, desc, THRESHOLD_APPROVER_GROUP);
	t->name = paysafe_store_text(tuple, desc, THRESHOLD_BAND);
	t->hours = paysafe_store_text(tuple, desc, THRESHOLD_APPROVED_DURING);
	t->escalation_group = paysafe_store_text(tuple, desc, THRESHOLD_ESCALATION_GROUP);
	if (t->escalation_group != NULL)
		t->escalation_after = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_ESCALATION_AFTER + 1,
																						   desc, &isnull)), "escalation_after");
	t->per = parse_per(paysafe_store_text(tuple, desc, THRESHOLD_PER));
	if (t->per == SUM_KINDS)
		elog(ERROR, "a threshold is judged over a sum that this version does not know");
	foreach(lc, *list)
	{
		Threshold  *other = lfirst(lc);

		if (paysafe_refund_threshold_is_in(other, t->currency) && strcmp(other->name, t->name) == 0)
		{
			if (other->version < t->version)
				lfirst(lc) = t;
			return true;
		}
	}
	*list = lappend(*list, t);
	return true;
}

/* All bands, those too that were taken away. */
static List *
read_all(Oid relation, const char *rule)
{
	List	   *thresholds = NIL;
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(rule)};

	paysafe_store_scan(PAYSAFE_THRESHOLD, "threshold_pkey", 2, keys, collect_threshold, &thresholds);
	return thresholds;
}

static int
compare_bands(const ListCell *a, const ListCell *b)
{
	const Threshold *x = lfirst(a);
	const Threshold *y = lfirst(b);
	int			result = paysafe_money_compare(x->amount, y->amount);

	return result != 0 ? result : strcmp(x->name, y->name);
}

static List *
in_force(List *all)
{
	List	   *thresholds = NIL;
	ListCell   *lc;

	foreach(lc, all)
		if (((Threshold *) lfirst(lc))->amount != NULL)
			thresholds = lappend(thresholds, lfirst(lc));
	list_sort(thresholds, compare_bands);
	return thresholds;
}

List *
paysafe_refund_threshold_read(Oid relation, const char *rule)
{
	return in_force(read_all(relation, rule));
}

bool
paysafe_refund_threshold_is_in(const Threshold *threshold, const char *currency)
{
	return pg_strcasecmp(threshold->currency, currency) == 0;
}

/* A period in words: hours and minutes, or seconds. */
char *
paysafe_refund_threshold_period_text(int64 period)
{
	Interval	interval = {.time = period};

	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&interval)));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_set_refund_threshold);

/* How the people who approve, or request, may be others than before. */
static void
append_people(StringInfo words, const Threshold *old_threshold, const Threshold *new_threshold)
{
	if (new_threshold->identity < old_threshold->identity)
		appendStringInfo(words, "lets approvals count that are not %s; ",
						 old_threshold->identity == IDENTITY_PASSKEY ? "signed by a passkey" : "given by a proven person");
	if (old_threshold->group != NULL &&
		(new_threshold->group == NULL || strcmp(new_threshold->group, old_threshold->group) != 0))
		appendStringInfo(words, "lets approvals count of who is not in the group %s; ", old_threshold->group);
	if (new_threshold->requester < old_threshold->requester)
		appendStringInfo(words, "lets refunds pass whose requesters are not known by %s; ",
						 old_threshold->requester == IDENTITY_SESSION ? "a login of their own" : "a token");
}

/* When, and by whom else, may approvals be given that were not before? */
static void
append_times(StringInfo words, const Threshold *old_threshold, const Threshold *new_threshold)
{
	if (old_threshold->hours != NULL &&
		(new_threshold->hours == NULL || !paysafe_hours_is_within(new_threshold->hours, old_threshold->hours)))
		appendStringInfo(words, "lets approvals count that are given %s instead of %s; ",
						 new_threshold->hours ? new_threshold->hours : "at any time", old_threshold->hours);
	if (new_threshold->escalation_group != NULL &&
		(old_threshold->escalation_group == NULL ||
		 strcmp(new_threshold->escalation_group, old_threshold->escalation_group) != 0 ||
		 new_threshold->escalation_after < old_threshold->escalation_after))
		appendStringInfo(words, "lets the group %s approve what has waited %s; ", new_threshold->escalation_group,
						 paysafe_refund_threshold_period_text(new_threshold->escalation_after));
}

/*
 * What a change of the threshold loosens, or NULL.  Without one each refund takes an approval:
 * the first one loosens where other currencies' say of whom, and once refunds have been judged
 * without it.  One more band of a currency never does.
 */
static char *
threshold_loosens(const AmountColumn *column, const Threshold *old_threshold, const Threshold *new_threshold,
				  bool is_first, const char *currency)
{
	StringInfoData words;

	if (old_threshold == NULL)
		return !is_first ? NULL : psprintf("lets refunds pass up to %s",
										   paysafe_money_words(column, new_threshold->amount, currency));
	initStringInfo(&words);
	if (new_threshold->amount == NULL)
		return psprintf("takes away what is asked above %s",
						paysafe_money_words(column, old_threshold->amount, currency));
	if (paysafe_money_compare(new_threshold->amount, old_threshold->amount) > 0)
		appendStringInfo(&words, "raises the threshold from %s to %s; ",
						 paysafe_money_words(column, old_threshold->amount, currency),
						 paysafe_money_words(column, new_threshold->amount, currency));
	if (new_threshold->approvers < old_threshold->approvers)
		appendStringInfo(&words, "lowers the approvers from %d to %d; ",
						 old_threshold->approvers, new_threshold->approvers);
	if (new_threshold->within < old_threshold->within)
		appendStringInfo(&words, "shortens the period from %s to %s; ",
						 paysafe_refund_threshold_period_text(old_threshold->within), paysafe_refund_threshold_period_text(new_threshold->within));
	if (new_threshold->valid_for > old_threshold->valid_for)
		appendStringInfo(&words, "lets approvals live %s instead of %s; ",
						 paysafe_refund_threshold_period_text(new_threshold->valid_for), paysafe_refund_threshold_period_text(old_threshold->valid_for));
	if (new_threshold->per != old_threshold->per)
		appendStringInfo(&words, "judges sums per %s instead of per %s; ",
						 per_names[new_threshold->per], per_names[old_threshold->per]);
	append_people(&words, old_threshold, new_threshold);
	append_times(&words, old_threshold, new_threshold);
	if (words.len == 0)
		return NULL;
	words.data[words.len - 2] = '\0';
	return words.data;
}

/* The same in every session: no setting has a say. */
static char *
exact_period(int64 period)
{
	return period % USECS_PER_SEC == 0 ? psprintf(INT64_FORMAT " s", period / USECS_PER_SEC) :
		psprintf(INT64_FORMAT " us", period);
}

/* A threshold as what is proposed and approved; NULL: there is none. */
static Jsonb *
threshold_spec(const char *rule, const Threshold *threshold, const char *currency)
{
	SpecBuilder spec;

	if (threshold == NULL || (threshold->amount == NULL && currency == NULL))
		return NULL;
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "currency", currency ? currency : threshold->currency);
	if (threshold->amount != NULL)
	{
		paysafe_spec_add_text(&spec, "amount", paysafe_money_text(threshold->amount));
		paysafe_spec_add_text(&spec, "approvers", psprintf("%d", threshold->approvers));
		paysafe_spec_add_text(&spec, "within", exact_period(threshold->within));
		paysafe_spec_add_text(&spec, "valid_for", exact_period(threshold->valid_for));
		if (threshold->identity > IDENTITY_NONE)
			paysafe_spec_add_text(&spec, "approver_identity", paysafe_identity_name(threshold->identity));
		if (threshold->group != NULL)
			paysafe_spec_add_text(&spec, "approver_group", threshold->group);
		if (threshold->requester > IDENTITY_NONE)
			paysafe_spec_add_text(&spec, "requester_identity", paysafe_identity_name(threshold->requester));
	}
	if (threshold->amount != NULL && threshold->hours != NULL)
		paysafe_spec_add_text(&spec, "approved_during", threshold->hours);
	if (threshold->amount != NULL && threshold->escalation_group != NULL)
	{
		paysafe_spec_add_text(&spec, "escalation_after", exact_period(threshold->escalation_after));
		paysafe_spec_add_text(&spec, "escalation_group", threshold->escalation_group);
	}
	if (threshold->amount != NULL && threshold->per != SUM_PAYMENT)
		paysafe_spec_add_text(&spec, "per", per_names[threshold->per]);
	if (threshold->name[0] != '\0')
		paysafe_spec_add_text(&spec, "band", threshold->name);
	/* the one that has no name of its own is meant without */
	if (paysafe_refund_several_argument(rule)[0] != '\0')
		paysafe_spec_add_text(&spec, "rule", rule);
	return paysafe_spec_end(&spec);
}

/* The same however the currency, the amount and the periods are written. */
static char *
threshold_comes_to(const char *rule, const Threshold *threshold, const char *currency)
{
	char	   *code = paysafe_money_code(pstrdup(currency));
	Threshold	same = *threshold;
	Jsonb	   *spec;

	if (same.amount != NULL)
		same.amount = paysafe_money_trim(same.amount);
	spec = threshold_spec(rule, &same, asc_tolower(code, strlen(code)));
	return psprintf("threshold %s", JsonbToCString(NULL, &spec->root, VARSIZE(spec)));
}

/* A change of a threshold, and what it meets. */
typedef struct ThresholdChange
{
	RuleSource	rule;
	AmountColumn column;
	const char *currency;
	List	   *others;			/* of the rule, in force */
	const Threshold *newest;	/* version of the band, or NULL */
	const Threshold *old_threshold; /* the same, if it is in force */
	Threshold	new_threshold;
} ThresholdChange;

static bool
is_first(const ThresholdChange *change)
{
	ListCell   *lc;

	foreach(lc, change->others)
		if (paysafe_refund_threshold_is_in(lfirst(lc), change->currency))
			return false;
	return true;
}

/*
 * Of whom approvals of the change are, and whether it is for a second person at all if it is the first of its
 * currency: what asks for more is not taken back by less.
 */
static bool
asks_who(const ThresholdChange *change, IdentityLevel *identity)
{
	bool		asks = change->old_threshold != NULL;
	ListCell   *lc;

	*identity = asks ? change->old_threshold->identity : IDENTITY_NONE;
	foreach(lc, asks ? NIL : change->others)
	{
		const Threshold *other = lfirst(lc);

		*identity = Max(*identity, other->identity);
		asks |= other->identity > IDENTITY_NONE || other->requester > IDENTITY_NONE || other->group != NULL;
	}
	return asks;
}

/* Has a refund been judged by the rule? Until then somebody sets it up. */
static bool
is_in_use(const RuleSource *rule)
{
	Datum		keys[2] = {ObjectIdGetDatum(rule->relation), CStringGetTextDatum(rule->name)};

	return paysafe_store_has(PAYSAFE_REFUND_EVENT, "refund_event_payment", 2, keys);
}

/* May this threshold replace the old one?  False: it is proposed only. */
static bool
authorize(const ThresholdChange *change)
{
	const char *rule = change->rule.name;
	const Threshold *threshold = &change->new_threshold;
	bool		is_sole = paysafe_refund_several_argument(rule)[0] == '\0';
	IdentityLevel identity;
	char	   *words = threshold_loosens(&change->column, change->old_threshold, threshold, is_first(change),
										  change->currency);
	ProposedChange proposed = {
		.approved_as = PAYSAFE_RULE,
		.relation = change->rule.relation,
		.name = psprintf("threshold for %s%s%s%s%s", change->currency,
						 threshold->name[0] == '\0' ? "" : " band ", threshold->name,
						 is_sole ? "" : " of ", is_sole ? "" : rule),
		.version = change->newest ? change->newest->version + 1 : 1,
		.before = threshold_spec(rule, change->old_threshold, NULL),
		.after = threshold_spec(rule, threshold, change->currency),
		.comes_to = threshold_comes_to(rule, threshold, change->currency),
		.loosens = words,
		.difference = words
	};

	if (words == NULL || (!asks_who(change, &identity) && !is_in_use(&change->rule)))
		return true;
	proposed.identity = identity;
	return paysafe_loosening_authorize(&proposed);
}

static bool
same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_threshold(const Threshold *a, const Threshold *b)
{
	return a->amount != NULL && b->amount != NULL && paysafe_money_compare(a->amount, b->amount) == 0 &&
		a->approvers == b->approvers && a->within == b->within && a->identity == b->identity &&
		a->valid_for == b->valid_for && a->requester == b->requester && a->per == b->per &&
		same_name(a->hours, b->hours) && same_name(a->escalation_group, b->escalation_group) &&
		a->escalation_after == b->escalation_after && same_name(a->group, b->group);
}

/* No sum of refunds lies at an amount that is none, or that the currency does not have. */
static void
check_amount(const AmountColumn *column, Numeric amount, const char *currency)
{
	char	   *fault;

	if (numeric_is_nan(amount) || numeric_is_inf(amount) || paysafe_money_sign(amount) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a threshold must be a finite amount that is not negative")));
	fault = paysafe_money_fault(column, amount, currency, true);
	if (fault == NULL && paysafe_money_is_minor(column) &&
		DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) > 0)
		fault = psprintf("column \"%s\" has whole minor units", column->name);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a threshold must be an amount of its currency"),
				 errdetail("%s: %s.", paysafe_money_spoken(column, amount, currency), fault),
				 errhint("Give the largest total that needs no approval.")));
}

/* The currency that all refunds of the rule are in, or NULL if they may have several. */
static char *
only_currency(const RuleSource *rule)
{
	char	   *constant = paysafe_spec_optional_text(rule->spec, "currency");
	char	   *amounts = paysafe_spec_optional_text(rule->spec, "amounts");
	bool		running = amounts != NULL && strcmp(amounts, REFUND_RUNNING) == 0;
	Oid			payments = running ? rule->relation : rule->reference;
	List	   *sources;
	const RuleSource *payment;
	ListCell   *lc;

	/* refunds have their payment's */
	if (constant != NULL || !OidIsValid(payments) ||
		paysafe_spec_optional_text(rule->spec, running ? "currency_column" : "payment_currency_column") != NULL)
		return constant;
	sources = paysafe_rule_sources(payments);
	payment = paysafe_refund_source_payment(sources, payments);
	if (payment != NULL)
		return paysafe_spec_optional_text(payment->spec, "currency");
	foreach(lc, paysafe_refund_source_captures(sources, payments))
	{
		constant = paysafe_spec_optional_text(((RuleSource *) lfirst(lc))->spec, "currency");
		if (constant != NULL)
			return constant;
	}
	return NULL;
}

/* A threshold that no refund can have hides that the one is missing that counts. */
static void
check_currency(const RuleSource *rule, char *currency)
{
	char	   *decimals = paysafe_spec_optional_text(rule->spec, "decimals");
	char	   *only;

	/* where the rule says the decimals of its amounts, there may be refunds in it all the same */
	if (paysafe_money_scale(currency) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", paysafe_redact_string(currency)),
				 decimals ? errdetail("The rule says how many decimals amounts have, not which currencies there are: a misspelt one would have a threshold.") : 0,
				 decimals ? errhint("Declare it: SELECT paysafe.set_currency(%s, %s);", paysafe_redact_string(quote_literal_cstr(currency)), decimals) :
				 errhint("Declare it with paysafe.set_currency.")));
	only = only_currency(rule);
	if (only == NULL || strcmp(paysafe_money_code(pstrdup(only)), paysafe_money_code(pstrdup(currency))) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no refund in table \"%s\" is in %s", get_rel_name(rule->relation), paysafe_redact_string(currency)),
			 errdetail("By its rules all are in %s.", only),
			 errhint("Set the threshold for %s.", only)));
}

/* How well people must be known: NULL, however they are. */
static IdentityLevel
identity_argument(FunctionCallInfo fcinfo, int n, const char *argument, IdentityLevel least, IdentityLevel most)
{
	char	   *name = PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
	IdentityLevel level = paysafe_identity_parse(name);

	if (name != NULL && (level < least || level > most))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be NULL, \"%s\" or \"%s\"", argument,
						paysafe_identity_name(least), paysafe_identity_name(most))));
	return level;
}

/* A name among other words, or NULL. */
static char *
word_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));

	if (name != NULL && !paysafe_argument_is_word(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a name of small letters, digits and underscores, a letter first", argument)));
	return name;
}

/* What its sum is of; NULL: of a payment. */
static SumKind
per_argument(FunctionCallInfo fcinfo, int n)
{
	SumKind		per = PG_ARGISNULL(n) ? SUM_PAYMENT : parse_per(text_to_cstring(PG_GETARG_TEXT_PP(n)));

	if (per == SUM_KINDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"per\" must be \"payment\", \"beneficiary\" or \"requester\"")));
	return per;
}

/* When approvals are given, and who may when nobody else has. */
static void
read_times(FunctionCallInfo fcinfo, Threshold *out)
{
	char	   *fault;

	out->hours = PG_ARGISNULL(12) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(12));
	fault = out->hours ? paysafe_hours_fault(out->hours) : NULL;
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"approved_during\" is no time of the week"),
				 errdetail("It takes: %s.", fault),
				 errhint("For example 'Mon-Fri 08:00-20:00 Europe/Berlin', with more days and times after a comma.")));
	out->escalation_group = word_argument(fcinfo, 14, "escalation_group");
	if (PG_ARGISNULL(13) != (out->escalation_group == NULL) || (out->escalation_group != NULL && out->group == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"escalation_after\" and \"escalation_group\" are given together, beside an \"approver_group\"")));
	if (out->escalation_group != NULL)
		out->escalation_after = paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(13), "escalation_after");
}

/* The arguments that do not depend on the table's rules. */
static void
read_arguments(FunctionCallInfo fcinfo, Threshold *out)
{
	static const char *const arguments[] = {"refund", "currency", "amount", "approvers", "within", "valid_for"};
	char	   *band;

	for (int i = 0; i < (int) lengthof(arguments); i++)
		if (i != 2 || PG_ARGISNULL(10))
			paysafe_argument_required(fcinfo, i, arguments[i]);
	out->amount = PG_ARGISNULL(2) ? NULL : PG_GETARG_NUMERIC(2);
	out->approvers = paysafe_argument_int(fcinfo, 3, "approvers", 1, 10);
	out->within = paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(4), "within");
	out->valid_for = paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(5), "valid_for");
	out->identity = identity_argument(fcinfo, 7, "approver_identity", IDENTITY_PROVEN, IDENTITY_PASSKEY);
	out->requester = identity_argument(fcinfo, 8, "requester_identity", IDENTITY_SESSION, IDENTITY_PROVEN);
	out->group = word_argument(fcinfo, 9, "approver_group");
	band = word_argument(fcinfo, 10, "band");
	out->name = band ? band : "";
	out->per = per_argument(fcinfo, 11);
	read_times(fcinfo, out);
}

/* A band that is taken away is there, and not the last one: then each refund would need an approval. */
static void
check_removal(const ThresholdChange *change)
{
	int			n = 0;
	ListCell   *lc;

	if (change->old_threshold == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has no band \"%s\" in table \"%s\"", paysafe_redact_string(change->currency), paysafe_redact_string(change->new_threshold.name),
						get_rel_name(change->rule.relation))));
	foreach(lc, change->others)
		n += paysafe_refund_threshold_is_in(lfirst(lc), change->currency);
	if (n == 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("band \"%s\" is the last threshold for %s in table \"%s\"", paysafe_redact_string(change->new_threshold.name),
						paysafe_redact_string(change->currency), get_rel_name(change->rule.relation)),
				 errhint("Give it another amount.")));
}

/* A group in which nobody is lets nothing pass: that is said, since people may come later. */
static void
warn_of_group(const Threshold *threshold)
{
	int			n = 0;
	ListCell   *lc;

	if (threshold->group == NULL)
		return;
	foreach(lc, paysafe_registry_members(threshold->group))
		n += !paysafe_registry_person(*(int64 *) lfirst(lc))->disabled;
	if (n < threshold->approvers)
		ereport(WARNING,
				(errmsg("group \"%s\" has %d of the %d people who have to approve", paysafe_redact_string(threshold->group), n, threshold->approvers),
				 errhint("Two people put others into it: paysafe.add_to_group.")));
}

/* Whoever splits what goes to one beneficiary is found only where a column says who that is. */
static void
check_beneficiary(const ThresholdChange *change)
{
	if (change->new_threshold.per == SUM_BENEFICIARY &&
		paysafe_spec_optional_text(change->rule.spec, "beneficiary_column") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the rule of table \"%s\" does not say to whom refunds go", get_rel_name(change->rule.relation)),
				 errhint("Name the column as \"beneficiary_column\" of paysafe.protect_refund.")));
}

/* The rule that is meant, and what is in force of it. */
static void
find_change(FunctionCallInfo fcinfo, ThresholdChange *change)
{
	Oid			refund = PG_GETARG_OID(0);
	char	   *name = paysafe_refund_several_meant(refund, PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6)));
	bool		removed;
	List	   *all;
	ListCell   *lc;

	if (name == NULL || !paysafe_rule_newest(refund, name, &change->rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no refund rule", get_rel_name(refund)),
				 errhint("Declare it with paysafe.protect_refund.")));
	change->rule.name = name;
	all = read_all(refund, name);
	foreach(lc, all)
	{
		const Threshold *t = lfirst(lc);

		if (paysafe_refund_threshold_is_in(t, change->currency) && strcmp(t->name, change->new_threshold.name) == 0)
			change->newest = t;
	}
	change->old_threshold = change->newest != NULL && change->newest->amount != NULL ? change->newest : NULL;
	change->others = in_force(all);
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
insert_threshold(FunctionCallInfo fcinfo, const ThresholdChange *change)
{
	const Threshold *threshold = &change->new_threshold;
	const ActorClaim *actor = paysafe_actor_current();
	Datum		values[THRESHOLD_NCOLUMNS];
	bool		nulls[THRESHOLD_NCOLUMNS] = {0};

	values[THRESHOLD_RELATION] = PG_GETARG_DATUM(0);
	values[THRESHOLD_CURRENCY] = CStringGetTextDatum(change->currency);
	values[THRESHOLD_VERSION] = Int32GetDatum(change->newest ? change->newest->version + 1 : 1);
	nulls[THRESHOLD_AMOUNT] = threshold->amount == NULL;
	values[THRESHOLD_AMOUNT] = NumericGetDatum(threshold->amount);
	values[THRESHOLD_APPROVERS] = Int32GetDatum(threshold->approvers);
	values[THRESHOLD_WITHIN] = PG_GETARG_DATUM(4);
	values[THRESHOLD_VALID_FOR] = PG_GETARG_DATUM(5);
	values[THRESHOLD_SINCE] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[THRESHOLD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[THRESHOLD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	set_text(values, nulls, THRESHOLD_REASON, actor ? actor->reason : NULL);
	set_text(values, nulls, THRESHOLD_TICKET, actor ? actor->ticket : NULL);
	values[THRESHOLD_RULE] = CStringGetTextDatum(change->rule.name);
	set_text(values, nulls, THRESHOLD_APPROVER_IDENTITY,
			 threshold->identity == IDENTITY_NONE ? NULL : paysafe_identity_name(threshold->identity));
	set_text(values, nulls, THRESHOLD_REQUESTER_IDENTITY,
			 threshold->requester == IDENTITY_NONE ? NULL : paysafe_identity_name(threshold->requester));
	set_text(values, nulls, THRESHOLD_APPROVER_GROUP, threshold->group);
	values[THRESHOLD_BAND] = CStringGetTextDatum(threshold->name);
	values[THRESHOLD_PER] = CStringGetTextDatum(per_names[threshold->per]);
	set_text(values, nulls, THRESHOLD_APPROVED_DURING, threshold->hours);
	set_text(values, nulls, THRESHOLD_ESCALATION_GROUP, threshold->escalation_group);
	nulls[THRESHOLD_ESCALATION_AFTER] = threshold->escalation_group == NULL;
	values[THRESHOLD_ESCALATION_AFTER] = PG_GETARG_DATUM(13);
	paysafe_store_insert(PAYSAFE_THRESHOLD, values, nulls);
}

/*
 * set_refund_threshold(refund, currency, amount, approvers, within, valid_for, rule, approver_identity,
 * requester_identity, approver_group, band, per, approved_during, escalation_after, escalation_group) returns void
 */
Datum
paysafe_set_refund_threshold(PG_FUNCTION_ARGS)
{
	ThresholdChange change = {0};
	Oid			refund;
	char	   *currency;

	read_arguments(fcinfo, &change.new_threshold);
	refund = PG_GETARG_OID(0);
	change.currency = currency = text_to_cstring(PG_GETARG_TEXT_PP(1));
	paysafe_declare_check_owner(refund);
	/* one at a time; writers of refunds are not kept waiting */
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_THRESHOLD), refund, 0, ExclusiveLock);
	find_change(fcinfo, &change);
	check_currency(&change.rule, currency);
	check_beneficiary(&change);
	paysafe_refund_source_amount(&change.rule, &change.column);
	if (change.new_threshold.amount != NULL)
		check_amount(&change.column, change.new_threshold.amount, currency);
	else
		check_removal(&change);
	if (change.old_threshold != NULL && same_threshold(change.old_threshold, &change.new_threshold))
		PG_RETURN_VOID();
	if (!change.rule.observed &&
		(!paysafe_unused_frees(refund) ||
		 (OidIsValid(change.rule.reference) && !paysafe_unused_frees(change.rule.reference))) &&
		!authorize(&change))
		PG_RETURN_VOID();
	warn_of_group(&change.new_threshold);
	insert_threshold(fcinfo, &change);
	paysafe_rule_invalidate(refund);
	PG_RETURN_VOID();
}

typedef struct AmountSearch
{
	Oid			refund;
	const char *name;			/* of the rule, or NULL */
	AmountColumn column;
} AmountSearch;

static void
find_amount_column(void *arg)
{
	AmountSearch *search = arg;
	RuleSource	rule;
	const char *name = paysafe_refund_several_meant(search->refund, search->name);
	bool		removed;

	if (name != NULL && paysafe_rule_newest(search->refund, name, &rule, &removed) && !removed)
		paysafe_refund_source_amount(&rule, &search->column);
}

PG_FUNCTION_INFO_V1(paysafe_spoken_amount);

/*
 * spoken_amount(refund, amount, currency, rule) returns text: an amount in the unit of the rule's
 * amount column, as people say it
 */
Datum
paysafe_spoken_amount(PG_FUNCTION_ARGS)
{
	AmountSearch search = {0};
	Numeric		amount;
	char	   *currency;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	search.refund = PG_GETARG_OID(0);
	search.name = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	amount = PG_GETARG_NUMERIC(1);
	currency = text_to_cstring(PG_GETARG_TEXT_PP(2));
	/* where the tables are not what the rule needs, the amount is all that is known */
	(void) paysafe_attempt(find_amount_column, &search);
	PG_RETURN_TEXT_P(cstring_to_text(paysafe_money_words(&search.column, amount, currency)));
}
