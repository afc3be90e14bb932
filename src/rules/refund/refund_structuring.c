/*-------------------------------------------------------------------------
 *
 * refund_structuring.c
 *	  Refunds just below a threshold are signals.
 *
 * Who knows the threshold and wants nobody to look stays below it. One such refund says little,
 * several of one person say something: a requester's first is a signal, and the third, tenth, hundredth
 * and so on, of a requester or of a payment, so that a batch is not a flood.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "abuse/tally.h"
#include "base/argument.h"
#include "evidence/signal.h"
#include "rules/refund/refund_structuring.h"
#include "rules/refund/refund_threshold.h"
#include "store/catalog.h"
#include "values/money.h"

#define WARN_FROM	3

/* Is it four fifths of the threshold at least, and no more than the threshold, above which somebody is asked? */
static bool
is_just_below(Numeric amount, Numeric threshold)
{
	return paysafe_money_compare(amount, threshold) <= 0 &&
		paysafe_money_compare(paysafe_money_multiply(amount, int64_to_numeric(5)),
							  paysafe_money_multiply(threshold, int64_to_numeric(4))) >= 0;
}

static const Threshold *
threshold_above(const UnapprovedRefund *refund)
{
	ListCell   *lc;

	foreach(lc, refund->state->refund.thresholds)
	{
		const Threshold *threshold = lfirst(lc);

		if (threshold->amount != NULL && paysafe_refund_threshold_is_in(threshold, refund->currency) &&
			is_just_below(refund->amount, threshold->amount))
			return threshold;
	}
	return NULL;
}

static int64
count(const UnapprovedRefund *refund, const char *of, const char *name, int64 window)
{
	StringInfoData key;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) &MyDatabaseId, sizeof(Oid));
	appendBinaryStringInfo(&key, (char *) &refund->state->refund_root, sizeof(Oid));
	paysafe_argument_append(&key, refund->state->rule);
	paysafe_argument_append(&key, refund->currency);
	paysafe_argument_append(&key, of);
	paysafe_argument_append(&key, name);
	return paysafe_tally_count(key.data, key.len, window).count;
}

/* 1, 3, 10, 30, 100, ... */
static bool
is_step(int64 n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1 || n == WARN_FROM;
}

static char *
number(Numeric value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));
}

void
paysafe_refund_note_structuring(const UnapprovedRefund *refund)
{
	const Threshold *threshold = threshold_above(refund);
	const char *requester = refund->requester->actor ? refund->requester->actor : refund->requester->session_user_name;
	int64		of_requester;
	int64		of_payment;
	int64		window;
	StringInfoData figures;

	if (threshold == NULL)
		return;
	window = Max(threshold->within, USECS_PER_DAY);
	of_requester = count(refund, "requester", requester, window);
	of_payment = count(refund, "payment", refund->payment->key, window);
	/* the first of a payment is one of many payments */
	if (!is_step(of_requester) && (of_payment == 1 || !is_step(of_payment)))
		return;
	initStringInfo(&figures);
	paysafe_signal_text(&figures, "rule", refund->state->rule);
	paysafe_signal_text(&figures, "refund", refund->key);
	paysafe_signal_text(&figures, "payment", refund->payment->key);
	paysafe_signal_text(&figures, "currency", refund->currency);
	paysafe_signal_text(&figures, "amount", number(refund->amount));
	paysafe_signal_text(&figures, "threshold", number(threshold->amount));
	paysafe_signal_number(&figures, "of_requester", of_requester);
	paysafe_signal_number(&figures, "of_payment", of_payment);
	paysafe_signal_raise(&(Signal)
						 {
							 .kind = "structuring",
							 .severity = of_requester >= WARN_FROM || of_payment >= WARN_FROM ? SIGNAL_WARNING : SIGNAL_INFO,
							 .subject = list_make1(unconstify(char *, requester)),
							 .segment = paysafe_catalog_table_name(refund->state->refund_root), .figures = figures.data
						 });
}
