/*-------------------------------------------------------------------------
 *
 * alarm_event.h
 *	  What an alarm says: its figures, and its signal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ALARM_EVENT_H
#define PAYSAFE_ALARM_EVENT_H

#include "lib/stringinfo.h"

#include "abuse/shape.h"

/* A JSON object without its end. */
extern void paysafe_alarm_figures(StringInfo figures, const ShapeEvent *event);

/* opened, closed or learned */
extern const char *paysafe_alarm_event_name(const ShapeEvent *event);

/* Raise its signal, of figures as above. */
extern void paysafe_alarm_signal(const char *series, const char *segment, const ShapeEvent *event, const char *figures);

#endif							/* PAYSAFE_ALARM_EVENT_H */
