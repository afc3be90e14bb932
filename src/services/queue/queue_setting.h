/*-------------------------------------------------------------------------
 *
 * queue_setting.h
 *	  How often, and when, events are tried again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_QUEUE_SETTING_H
#define PAYSAFE_QUEUE_SETTING_H

typedef struct QueueSetting
{
	int			version;		/* 0: not set, the defaults */
	int			max_attempts;
	int64		backoff;		/* microseconds */
	int64		max_backoff;
} QueueSetting;

/* What was set for exactly this source; false if nothing was. */
extern bool paysafe_queue_setting_own(const char *queue, const char *source,
									  QueueSetting *setting);

/* Set it; the intervals are Datums of positive ones.  One session at a time. */
extern void paysafe_queue_setting_write(const char *queue, const char *source, int max_attempts,
										Datum backoff, Datum max_backoff);

/* What is in force for a source of a queue ("inbox", "outbox"). */
extern void paysafe_queue_setting_read(const char *queue, const char *source,
									   QueueSetting *setting);

/*
 * How long to wait after so many failures in a row, in microseconds: the first
 * pause doubles each time up to the longest one; then up to 20 percent more or
 * less.
 */
extern int64 paysafe_queue_setting_backoff(const QueueSetting *setting, int failures);

#endif							/* PAYSAFE_QUEUE_SETTING_H */
