/*-------------------------------------------------------------------------
 *
 * alarm_worker.h
 *	  The background workers that judge outcomes, one at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ALARM_WORKER_H
#define PAYSAFE_ALARM_WORKER_H

/* For the launcher, each second: start one if a minute is over somewhere, and none is at it. */
extern void paysafe_alarm_worker_launch(void);

#endif							/* PAYSAFE_ALARM_WORKER_H */
