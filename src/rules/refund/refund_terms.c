/*-------------------------------------------------------------------------
 *
 * refund_terms.c
 *	  What the gate asks of a refund: the demands of all bands that it is above.
 *
 * A currency may have several thresholds, each of them a band from its amount upwards.
 * Whether a refund is above one is a matter of the sum within that one's period.  What
 * they ask for holds together, of each the strictest: the most approvers, known best,
 * members of all the groups, whose approvals live shortest.  So one more band never
 * asks for less.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "rules/refund/refund_terms.h"
#include "values/money.h"
#include "values/spec.h"

/* Where several bands ask for one group, others may only where all of them let the same, and as late as the latest. */
static void
add_group(GateTerms *terms, const Threshold *band)
{
	GroupDemand *demand;
	ListCell   *lc;

	foreach(lc, terms->demands)
	{
		demand = lfirst(lc);
		if (strcmp(demand->group, band->group) != 0)
			continue;
		if (demand->escalation_group != NULL &&
			(band->escalation_group == NULL || strcmp(demand->escalation_group, band->escalation_group) != 0))
			demand->escalation_group = NULL;
		demand->escalation_after = Max(demand->escalation_after, band->escalation_after);
		return;
	}
	demand = palloc(sizeof(GroupDemand));
	*demand = (GroupDemand) {band->group, band->escalation_group, band->escalation_after};
	terms->demands = lappend(terms->demands, demand);
	terms->groups = lappend(terms->groups, band->group);
}

static void
add_people(GateTerms *terms, const Threshold *band)
{
	terms->identity = Max(terms->identity, band->identity);
	terms->requester = Max(terms->requester, band->requester);
	if (band->group != NULL)
		add_group(terms, band);
	if (band->hours != NULL && !paysafe_strings_contain(terms->hours, band->hours))
		terms->hours = lappend(terms->hours, band->hours);
}

static void
add_band(GateTerms *terms, const Threshold *band, Numeric total)
{
	terms->approvers = Max(terms->approvers, band->approvers);
	terms->valid_for = terms->bands == NIL ? band->valid_for : Min(terms->valid_for, band->valid_for);
	terms->bands = lappend(terms->bands, band->name);
	terms->band = band;
	terms->total = total;
	add_people(terms, band);
}

void
paysafe_refund_terms(List *thresholds, const char *currency, TermsTotal total, void *arg, GateTerms *out)
{
	ListCell   *lc;

	*out = (GateTerms) {.valid_for = PAYSAFE_DEFAULT_VALID_FOR};
	foreach(lc, thresholds)
	{
		const Threshold *band = lfirst(lc);
		Numeric		sum;

		if (!paysafe_refund_threshold_is_in(band, currency))
			continue;
		sum = total != NULL ? total(band, arg) : NULL;
		if (sum != NULL && paysafe_money_compare(sum, band->amount) > 0)
			add_band(out, band, sum);
		else if (out->band == NULL)
		{
			out->band = band;
			out->total = sum;
		}
	}
	if (out->band == NULL)
	{
		out->approvers = 1;
		out->total = total != NULL ? total(NULL, arg) : NULL;
		foreach(lc, thresholds)
			add_people(out, lfirst(lc));
	}
	else if (out->bands == NIL)
	{
		/* nobody is asked; an approval that is given all the same is one of the lowest */
		out->valid_for = out->band->valid_for;
		add_people(out, out->band);
	}
}

/*
 * Refunds as they stand
 */

/* What passed the gate of a payment's refunds, for one period. */
typedef struct PaymentSum
{
	char	   *payment;		/* hash key: identity and period */
	TimestampTz gate_from;
	Numeric		passed;
} PaymentSum;

struct StandingSums
{
	HTAB	   *sums;			/* of PaymentSum */
	MemoryContext context;		/* for these */
};

static uint32
hash_payment(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_payment(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

struct StandingSums *
paysafe_refund_standing_sums(void)
{
	struct StandingSums *sums = palloc(sizeof(struct StandingSums));
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(PaymentSum),
		.hash = hash_payment, .match = match_payment, .hcxt = CurrentMemoryContext
	};

	sums->context = CurrentMemoryContext;
	sums->sums = hash_create("paysafe refunds that stand", 256, &ctl,
							 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	return sums;
}

/* Refunds of one payment are added up once, not for each that waits. */
static PaymentSum
passed_within(const StandingRefund *refund, int64 within)
{
	const FoundPayment *payment = refund->payment;
	RefundSum	refunds = {
		.minor = payment->minor, .currency = payment->currency,
		.gate = true, .gate_from = GetCurrentTimestamp() - within
	};
	char	   *key = psprintf("%s " INT64_FORMAT, payment->identity ? payment->identity : "", within);
	PaymentSum *sum = refund->sums ? hash_search(refund->sums->sums, &key, HASH_FIND, NULL) : NULL;
	MemoryContext old;

	if (sum != NULL)
		return *sum;
	paysafe_refund_sum(payment->tables, &refunds);
	if (refund->sums == NULL)
		return (PaymentSum) {.gate_from = refunds.gate_from, .passed = refunds.gate_total};
	old = MemoryContextSwitchTo(refund->sums->context);
	key = pstrdup(key);
	sum = hash_search(refund->sums->sums, &key, HASH_ENTER, NULL);
	sum->gate_from = refunds.gate_from;
	sum->passed = DatumGetNumericCopy(NumericGetDatum(refunds.gate_total));
	MemoryContextSwitchTo(old);
	return *sum;
}

Numeric
paysafe_refund_standing_total(const Threshold *band, void *arg)
{
	const StandingRefund *refund = arg;
	const RefundLife *life = refund->life;
	PaymentSum	sum;
	int			steps;

	if (band != NULL && band->per != SUM_PAYMENT)
		return paysafe_refund_flow_total(&refund->flow, band, refund->amount);
	if (refund->state->refund.running)
		return paysafe_money_add(paysafe_refund_risen_within(refund->state, refund->payment->key, refund->payment->currency,
															 band ? band->within : 0, false, &steps), refund->amount);
	sum = passed_within(refund, band ? band->within : 0);
	/* one that passed as something else is in the sum already */
	if (life != NULL && (life->altered || life->stage == REFUND_FACT) && life->passed > sum.gate_from)
		return sum.passed;
	return paysafe_money_add(sum.passed, refund->amount);
}

void
paysafe_refund_standing_terms(StandingRefund *refund, const char *currency, GateTerms *out)
{
	List	   *thresholds = refund->state->refund.thresholds;
	bool		matters = false;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, thresholds)
	{
		const Threshold *band = lfirst(lc);

		if (paysafe_refund_threshold_is_in(band, currency))
			matters |= ++n > 1 || band->requester > IDENTITY_NONE;
	}
	paysafe_refund_terms(thresholds, currency, matters ? paysafe_refund_standing_total : NULL, refund, out);
}

/*
 * What that means for approvals
 */

List *
paysafe_refund_escalations(const GateTerms *terms, const RefundLife *life)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, life->requested != 0 ? terms->demands : NIL)
	{
		const GroupDemand *demand = lfirst(lc);
		GroupEscalation *escalation = palloc(sizeof(GroupEscalation));

		*escalation = (GroupEscalation) {demand->group, demand->escalation_group,
			Max(life->requested, life->changed) + demand->escalation_after};
		if (demand->escalation_group != NULL)
			result = lappend(result, escalation);
	}
	return result;
}

void
paysafe_refund_terms_of_subject(const GateTerms *terms, const RefundLife *life, ApprovalSubject *subject)
{
	subject->valid_for = terms->valid_for;
	subject->identity = terms->identity;
	subject->groups = terms->groups;
	subject->hours = terms->hours;
	if (life == NULL)
		return;
	subject->requesters = life->requesters;
	subject->writers = life->writers;
	subject->escalations = paysafe_refund_escalations(terms, life);
	if (terms->approvers > 0)
		subject->futile = paysafe_refund_unknown_writer(life->requesters, life->writers, terms->requester);
}

char *
paysafe_refund_terms_words(const ApprovalSubject *subject)
{
	StringInfoData words;
	ListCell   *lc;

	initStringInfo(&words);
	if (subject->identity > IDENTITY_NONE)
		appendStringInfo(&words, " of identity \"%s\"", paysafe_identity_name(subject->identity));
	foreach(lc, subject->groups)
		appendStringInfo(&words, "%s%s", lc == list_head(subject->groups) ? " by members of " : " and ", (char *) lfirst(lc));
	foreach(lc, subject->escalations)
	{
		const GroupEscalation *escalation = lfirst(lc);

		if (escalation->from <= GetCurrentTimestamp())
			appendStringInfo(&words, " (or %s, for %s)", escalation->to, escalation->group);
	}
	foreach(lc, subject->hours)
		appendStringInfo(&words, "%s%s", lc == list_head(subject->hours) ? " given " : " and ", (char *) lfirst(lc));
	return words.data;
}

const char *
paysafe_refund_band_words(const Threshold *band)
{
	return band->name[0] != '\0' ? psprintf(" of band %s", band->name) : "";
}
