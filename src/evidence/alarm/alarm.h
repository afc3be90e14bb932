/*-------------------------------------------------------------------------
 *
 * alarm.h
 *	  Alarms: outcomes whose shape is not what it was.
 *
 * Once a minute a worker of each database where something is counted takes what has come (outcome.h),
 * writes it to paysafe.outcome_minute, and judges it (shape.h). What opens or closes is a row of
 * paysafe.alarm_record and a signal. What is known of a series lies in shared memory, and once an
 * hour in paysafe.alarm_state.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ALARM_H
#define PAYSAFE_ALARM_H

#include "datatype/timestamp.h"

/* One turn, in a transaction; paysafe_alarm_judged when it has committed, and then, in another one, the signals. */
extern void paysafe_alarm_judge(void);
extern void paysafe_alarm_judged(void);
extern void paysafe_alarm_tell(void);

/* Minutes since a Monday; setting paysafe.outcome_interval says how long one is. */
extern int64 paysafe_alarm_minute(TimestampTz at);
extern TimestampTz paysafe_alarm_minute_at(int64 minute);

/* What check() says, or NULL; *bad: nothing is judged. */
extern char *paysafe_alarm_trouble(bool *bad);

/* Nobody is sent to judge, and why; NULL: somebody is. */
extern char *paysafe_alarm_worker_trouble(void);

/* For so many days minutes are kept as they are, and then as hours. */
#define PAYSAFE_OUTCOME_DAYS	7

/* Make hours of the minutes before that time, and remove hours and alarms before the other one. */
extern void paysafe_alarm_expire(TimestampTz minutes_before, TimestampTz before);

extern void paysafe_alarm_preload(void);

#endif							/* PAYSAFE_ALARM_H */
