/*-------------------------------------------------------------------------
 *
 * alarm_event.c
 *	  What an alarm says: its figures, and its signal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "evidence/alarm/alarm_event.h"
#include "evidence/signal.h"

static const SignalSeverity severities[SHAPE_NKINDS] = {
	[SHAPE_RATIO_UP] = SIGNAL_CRITICAL, [SHAPE_RATIO_DOWN] = SIGNAL_CRITICAL,
	[SHAPE_VOLUME_DOWN] = SIGNAL_WARNING, [SHAPE_VOLUME_UP] = SIGNAL_WARNING,
	[SHAPE_SILENCE] = SIGNAL_CRITICAL,
	[SHAPE_RATIO_DRIFT] = SIGNAL_INFO, [SHAPE_VOLUME_DRIFT] = SIGNAL_INFO
};

void
paysafe_alarm_figures(StringInfo figures, const ShapeEvent *event)
{
	paysafe_signal_number(figures, "minutes", event->minute - event->since + 1);
	paysafe_signal_number(figures, "good", event->good);
	paysafe_signal_number(figures, "bad", event->bad);
	if (event->expected_ratio >= 0)
		appendStringInfo(figures, ",\"usual_bad_share\":%.6f", event->expected_ratio);
	if (event->expected_volume >= 0)
		appendStringInfo(figures, ",\"usual_volume\":%.1f", event->expected_volume);
}

const char *
paysafe_alarm_event_name(const ShapeEvent *event)
{
	return event->opened ? "opened" : event->learned ? "learned" : "closed";
}

void
paysafe_alarm_signal(const char *series, const char *segment, const ShapeEvent *event, const char *figures)
{
	StringInfoData all;

	initStringInfo(&all);
	paysafe_signal_text(&all, "series", series);
	paysafe_signal_text(&all, "alarm", paysafe_shape_name(event->kind));
	paysafe_signal_text(&all, "event", paysafe_alarm_event_name(event));
	appendStringInfo(&all, ",%s", figures + 1);
	paysafe_signal_raise(&(Signal)
						 {
							 .kind = event->opened ? "alarm_opened" : "alarm_closed",
							 .severity = event->opened ? severities[event->kind] : SIGNAL_INFO,
							 .segment = segment, .figures = all.data
						 });
}
