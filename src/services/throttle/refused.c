/*-------------------------------------------------------------------------
 *
 * refused.c
 *	  A request beyond its limits is a signal: one for each key and window.
 *
 * The window is the limit's period, and a minute at least: who goes on asking is one signal a
 * minute, whatever he asks for. How often it was refused meanwhile stands in the next one. Of a
 * policy a hundred keys in a minute are signals each, and then one that says there are more.
 * Without the library preloaded nothing counts them, and nothing is a signal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/meter.h"
#include "abuse/outcome.h"
#include "abuse/tally.h"
#include "base/argument.h"
#include "evidence/refusal_queue.h"
#include "evidence/signal.h"
#include "services/throttle/refused.h"

#define KEYS_A_MINUTE	100

/* Of a policy as a whole, or of one key of a limit. */
static Tally
count(const ThrottleRefused *refused, const char *what, bool one, int64 window)
{
	StringInfoData key;
	ListCell   *lc;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) &MyDatabaseId, sizeof(Oid));
	paysafe_argument_append(&key, refused->policy);
	paysafe_argument_append(&key, what);
	if (one)
		paysafe_argument_append(&key, TextDatumGetCString(refused->limit->parts));
	foreach(lc, one ? refused->values : NIL)
		paysafe_argument_append(&key, lfirst(lc));
	return paysafe_tally_count(key.data, key.len, window);
}

/* Which signal it is; NULL: it has been raised in this window. */
static const char *
kind_of(const ThrottleRefused *refused, Tally *tally)
{
	int64		keys;

	if (!paysafe_refusal_queue_ready())
		return NULL;
	/* for want of a place every key is refused: that is one thing */
	*tally = refused->full ? count(refused, "full", false, USECS_PER_MINUTE) :
		count(refused, "key", true, Max(refused->limit->period, USECS_PER_MINUTE));
	if (tally->count > 1)
		return NULL;
	if (refused->full)
		return "throttle_full";
	keys = count(refused, "keys", false, USECS_PER_MINUTE).count;
	if (keys > KEYS_A_MINUTE)
		return keys == KEYS_A_MINUTE + 1 ? "throttled_many" : NULL;
	return refused->locked_out ? "locked_out" : "throttled";
}

void
paysafe_throttle_refused(const ThrottleRefused *refused)
{
	const ThrottleLimit *limit = refused->limit;
	Tally		tally = {.count = 0};
	const char *kind = kind_of(refused, &tally);
	bool		one = kind != NULL && (strcmp(kind, "throttled") == 0 || strcmp(kind, "locked_out") == 0);
	StringInfoData figures;

	paysafe_meter_count(MyDatabaseId, METER_THROTTLED, refused->policy, refused->tier, 1);
	paysafe_outcome_count(paysafe_outcome_name(OUTCOME_THROTTLE), refused->policy, 0, 1);
	if (kind == NULL)
		return;
	initStringInfo(&figures);
	paysafe_signal_text(&figures, "policy", refused->policy);
	paysafe_signal_text(&figures, "tier", refused->tier);
	paysafe_signal_text(&figures, "per", TextDatumGetCString(limit->parts));
	paysafe_signal_number(&figures, "count", limit->count);
	paysafe_signal_number(&figures, "period_seconds", limit->period / USECS_PER_SEC);
	paysafe_signal_number(&figures, "burst", limit->burst);
	paysafe_signal_number(&figures, "cost", refused->cost);
	if (refused->answer->retry_after != GCRA_NEVER)
		paysafe_signal_number(&figures, "retry_after_ms", (refused->answer->retry_after + 999) / 1000);
	if (tally.before > 0)
		paysafe_signal_number(&figures, "refused_before", tally.before);
	paysafe_signal_raise(&(Signal)
						 {
							 .kind = kind, .severity = one ? SIGNAL_WARNING : SIGNAL_CRITICAL,
							 .subject = one ? refused->values : NIL, .segment = refused->policy, .figures = figures.data
						 });
}
