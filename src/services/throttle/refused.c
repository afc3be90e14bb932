/*-------------------------------------------------------------------------
 *
 * refused.c
 *	  A request beyond its limits is a signal: one for each key and window.
 *
 * The window is the limit's period, and a minute at least: who goes on asking is one signal a
 * minute, whatever he asks for. How often it was refused meanwhile stands in the next one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/meter.h"
#include "abuse/tally.h"
#include "evidence/signal.h"
#include "services/throttle/refused.h"

/* Of what the tally is: limits of different parts, and what finds no place, apart. */
static Tally
count(const ThrottleRefused *refused)
{
	char		key[sizeof(CounterKey) + 1];

	memcpy(key, &refused->use->key, sizeof(CounterKey));
	key[sizeof(CounterKey)] = refused->use->uncounted;
	return paysafe_tally_count(key, sizeof(key), Max(refused->limit->period, USECS_PER_MINUTE));
}

void
paysafe_throttle_refused(const ThrottleRefused *refused)
{
	const ThrottleLimit *limit = refused->limit;
	Tally		tally = count(refused);
	StringInfoData figures;

	paysafe_meter_count(MyDatabaseId, METER_THROTTLED, refused->policy, refused->tier, 1);
	if (tally.count > 1)
		return;
	initStringInfo(&figures);
	paysafe_signal_text(&figures, "policy", refused->policy);
	paysafe_signal_text(&figures, "tier", refused->tier);
	paysafe_signal_text(&figures, "per", TextDatumGetCString(limit->parts));
	paysafe_signal_number(&figures, "count", limit->count);
	paysafe_signal_number(&figures, "period_seconds", limit->period / USECS_PER_SEC);
	paysafe_signal_number(&figures, "burst", limit->burst);
	paysafe_signal_number(&figures, "cost", refused->cost);
	if (refused->use->answer.retry_after != GCRA_NEVER)
		paysafe_signal_number(&figures, "retry_after_ms", (refused->use->answer.retry_after + 999) / 1000);
	if (tally.before > 0)
		paysafe_signal_number(&figures, "refused_before", tally.before);
	paysafe_signal_raise(&(Signal)
						 {
							 .kind = refused->use->uncounted ? "throttle_full" : "throttled",
							 .severity = refused->use->uncounted ? SIGNAL_CRITICAL : SIGNAL_WARNING,
							 .subject = refused->values, .segment = refused->policy, .figures = figures.data
						 });
}
