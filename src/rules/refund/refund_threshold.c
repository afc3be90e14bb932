/*-------------------------------------------------------------------------
 *
 * refund_threshold.c
 *	  Refund thresholds: from which rolling sum on refunds need approval.
 *
 * Every change is a new row; the newest one of a currency counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "engine/declare.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "engine/unused.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
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
	THRESHOLD_APPROVER_IDENTITY,
	THRESHOLD_NCOLUMNS
};

typedef struct ThresholdList
{
	Oid			relation;
	List	   *thresholds;
} ThresholdList;

/* Keep the newest version of each currency, compared without case. */
static bool
collect_threshold(Relation rel, HeapTuple tuple, void *arg)
{
	ThresholdList *list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Threshold  *t = palloc0(sizeof(Threshold));
	char	   *identity = paysafe_store_text(tuple, desc, THRESHOLD_APPROVER_IDENTITY);
	ListCell   *lc;

	t->currency = paysafe_store_text(tuple, desc, THRESHOLD_CURRENCY);
	t->version = DatumGetInt32(heap_getattr(tuple, THRESHOLD_VERSION + 1, desc, &isnull));
	t->amount = DatumGetNumericCopy(heap_getattr(tuple, THRESHOLD_AMOUNT + 1, desc, &isnull));
	t->approvers = DatumGetInt32(heap_getattr(tuple, THRESHOLD_APPROVERS + 1, desc, &isnull));
	t->within = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_WITHIN + 1,
																	   desc, &isnull)), "within");
	t->valid_for = paysafe_argument_microseconds(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_VALID_FOR + 1,
																		  desc, &isnull)), "valid_for");
	/* a level that only a later version knows is not less than any of ours */
	t->identity = paysafe_identity_parse(identity);
	if (identity != NULL && t->identity == IDENTITY_NONE)
		t->identity = IDENTITY_PASSKEY;
	foreach(lc, list->thresholds)
	{
		Threshold  *other = lfirst(lc);

		if (pg_strcasecmp(other->currency, t->currency) == 0)
		{
			if (other->version < t->version)
				lfirst(lc) = t;
			return true;
		}
	}
	list->thresholds = lappend(list->thresholds, t);
	return true;
}

List *
paysafe_refund_threshold_read(Oid relation, const char *rule)
{
	ThresholdList list = {.relation = relation};
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(rule)};

	paysafe_store_scan(PAYSAFE_THRESHOLD, "threshold_pkey", 2, keys, collect_threshold, &list);
	return list.thresholds;
}

Threshold *
paysafe_refund_threshold_find(List *thresholds, const char *currency)
{
	ListCell   *lc;

	foreach(lc, thresholds)
		if (pg_strcasecmp(((Threshold *) lfirst(lc))->currency, currency) == 0)
			return lfirst(lc);
	return NULL;
}

/* How many approvals the refund needs to pass the gate now. */
int
paysafe_refund_threshold_approvals(const Threshold *threshold, Numeric gate_total)
{
	if (threshold == NULL)
		return 1;
	return paysafe_money_compare(gate_total, threshold->amount) > 0 ? threshold->approvers : 0;
}

IdentityLevel
paysafe_refund_threshold_identity(const Threshold *threshold, List *thresholds)
{
	IdentityLevel level = IDENTITY_NONE;
	ListCell   *lc;

	if (threshold != NULL)
		return threshold->identity;
	foreach(lc, thresholds)
		level = Max(level, ((Threshold *) lfirst(lc))->identity);
	return level;
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

/*
 * What a change of the threshold loosens, or NULL.  Without one each refund takes an approval:
 * the first one loosens where other currencies' say how well approvers must be known.
 */
static char *
threshold_loosens(const AmountColumn *column, const Threshold *old_threshold, const Threshold *new_threshold,
				  const char *currency)
{
	StringInfoData words;

	if (old_threshold == NULL)
		return psprintf("lets refunds pass up to %s",
						paysafe_money_words(column, new_threshold->amount, currency));
	initStringInfo(&words);
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
	if (new_threshold->identity < old_threshold->identity)
		appendStringInfo(&words, "lets approvals count that are not %s; ",
						 old_threshold->identity == IDENTITY_PASSKEY ? "signed by a passkey" : "given by a proven person");
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

/* A threshold as what is proposed and approved. */
static Jsonb *
threshold_spec(const char *rule, const Threshold *threshold, const char *currency)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "currency", currency);
	paysafe_spec_add_text(&spec, "amount", paysafe_money_text(threshold->amount));
	paysafe_spec_add_text(&spec, "approvers", psprintf("%d", threshold->approvers));
	paysafe_spec_add_text(&spec, "within", exact_period(threshold->within));
	paysafe_spec_add_text(&spec, "valid_for", exact_period(threshold->valid_for));
	if (threshold->identity > IDENTITY_NONE)
		paysafe_spec_add_text(&spec, "approver_identity", paysafe_identity_name(threshold->identity));
	/* the one that has no name of its own is meant without */
	if (paysafe_refund_several_argument(rule)[0] != '\0')
		paysafe_spec_add_text(&spec, "rule", rule);
	return paysafe_spec_end(&spec);
}

/* May this threshold replace the old one?  False: it is proposed only. */
static bool
authorize(const RuleSource *rule, const AmountColumn *column, const Threshold *old_threshold,
		  const Threshold *new_threshold, IdentityLevel identity, const char *currency)
{
	bool		is_sole = paysafe_refund_several_argument(rule->name)[0] == '\0';
	char	   *words = threshold_loosens(column, old_threshold, new_threshold, currency);
	ProposedChange change = {
		.approved_as = PAYSAFE_RULE,
		.relation = rule->relation,
		.name = psprintf("threshold for %s%s%s", currency, is_sole ? "" : " of ", is_sole ? "" : rule->name),
		.version = old_threshold ? old_threshold->version + 1 : 1,
		.before = old_threshold ? threshold_spec(rule->name, old_threshold, old_threshold->currency) : NULL,
		.after = threshold_spec(rule->name, new_threshold, currency),
		.loosens = words,
		.difference = words,
		/* what asks for more is not taken back by less */
		.identity = identity
	};

	return words == NULL || paysafe_loosening_authorize(&change);
}

static bool
same_threshold(const Threshold *a, const Threshold *b)
{
	return paysafe_money_compare(a->amount, b->amount) == 0 && a->approvers == b->approvers &&
		a->within == b->within && a->identity == b->identity && a->valid_for == b->valid_for;
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
				 errmsg("currency \"%s\" is not known", currency),
				 decimals ? errdetail("The rule says how many decimals amounts have, not which currencies there are: a misspelt one would have a threshold.") : 0,
				 decimals ? errhint("Declare it: SELECT paysafe.set_currency(%s, %s);", quote_literal_cstr(currency), decimals) :
				 errhint("Declare it with paysafe.set_currency.")));
	only = only_currency(rule);
	if (only == NULL || strcmp(paysafe_money_code(pstrdup(only)), paysafe_money_code(pstrdup(currency))) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no refund in table \"%s\" is in %s", get_rel_name(rule->relation), currency),
			 errdetail("By its rules all are in %s.", only),
			 errhint("Set the threshold for %s.", only)));
}

/* How well approvers must be known: NULL, however they are. */
static IdentityLevel
identity_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *name = PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
	IdentityLevel level = paysafe_identity_parse(name);

	if (name != NULL && level < IDENTITY_PROVEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be NULL, \"proven\" or \"passkey\"", "approver_identity")));
	return level;
}

/*
 * set_refund_threshold(refund, currency, amount, approvers, within, valid_for, rule, approver_identity)
 * returns void
 */
Datum
paysafe_set_refund_threshold(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"refund", "currency", "amount", "approvers", "within", "valid_for"};
	Oid			refund;
	char	   *currency;
	char	   *name;
	Threshold	threshold = {0};
	const ActorClaim *actor = paysafe_actor_current();
	RuleSource	rule;
	AmountColumn column;
	bool		removed;
	List	   *thresholds;
	Threshold  *old_threshold;
	IdentityLevel identity;
	Datum		values[THRESHOLD_NCOLUMNS];
	bool		nulls[THRESHOLD_NCOLUMNS] = {0};

	paysafe_argument_all_required(fcinfo, arguments, lengthof(arguments));
	refund = PG_GETARG_OID(0);
	currency = text_to_cstring(PG_GETARG_TEXT_PP(1));
	threshold.amount = PG_GETARG_NUMERIC(2);
	threshold.approvers = paysafe_argument_int(fcinfo, 3, "approvers", 1, 10);
	threshold.within = paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(4), "within");
	threshold.valid_for = paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(5), "valid_for");
	threshold.identity = identity_argument(fcinfo, 7);
	paysafe_declare_check_owner(refund);
	/* one at a time; writers of refunds are not kept waiting */
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_THRESHOLD), refund, 0, ExclusiveLock);
	name = paysafe_refund_several_meant(refund, PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6)));
	if (name == NULL || !paysafe_rule_newest(refund, name, &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no refund rule", get_rel_name(refund)),
				 errhint("Declare it with paysafe.protect_refund.")));
	check_currency(&rule, currency);
	paysafe_refund_source_amount(&rule, &column);
	check_amount(&column, threshold.amount, currency);
	thresholds = paysafe_refund_threshold_read(refund, name);
	old_threshold = paysafe_refund_threshold_find(thresholds, currency);
	identity = paysafe_refund_threshold_identity(old_threshold, thresholds);
	if (old_threshold != NULL && same_threshold(old_threshold, &threshold))
		PG_RETURN_VOID();
	if ((old_threshold != NULL || identity > IDENTITY_NONE) && !rule.observed &&
		(!paysafe_unused_frees(refund) || (OidIsValid(rule.reference) && !paysafe_unused_frees(rule.reference))) &&
		!authorize(&rule, &column, old_threshold, &threshold, identity, currency))
		PG_RETURN_VOID();
	values[THRESHOLD_RELATION] = ObjectIdGetDatum(refund);
	values[THRESHOLD_CURRENCY] = CStringGetTextDatum(currency);
	values[THRESHOLD_VERSION] = Int32GetDatum(old_threshold ? old_threshold->version + 1 : 1);
	values[THRESHOLD_AMOUNT] = NumericGetDatum(threshold.amount);
	values[THRESHOLD_APPROVERS] = Int32GetDatum(threshold.approvers);
	values[THRESHOLD_WITHIN] = PG_GETARG_DATUM(4);
	values[THRESHOLD_VALID_FOR] = PG_GETARG_DATUM(5);
	values[THRESHOLD_SINCE] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[THRESHOLD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[THRESHOLD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	nulls[THRESHOLD_REASON] = actor == NULL || actor->reason == NULL;
	values[THRESHOLD_REASON] = nulls[THRESHOLD_REASON] ? (Datum) 0 : CStringGetTextDatum(actor->reason);
	nulls[THRESHOLD_TICKET] = actor == NULL || actor->ticket == NULL;
	values[THRESHOLD_TICKET] = nulls[THRESHOLD_TICKET] ? (Datum) 0 : CStringGetTextDatum(actor->ticket);
	values[THRESHOLD_RULE] = CStringGetTextDatum(name);
	nulls[THRESHOLD_APPROVER_IDENTITY] = threshold.identity == IDENTITY_NONE;
	values[THRESHOLD_APPROVER_IDENTITY] = CStringGetTextDatum(paysafe_identity_name(threshold.identity));
	paysafe_store_insert(PAYSAFE_THRESHOLD, values, nulls);
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
