/*-------------------------------------------------------------------------
 *
 * publish_worker.h
 *	  The background worker that signs and publishes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PUBLISH_WORKER_H
#define PAYSAFE_PUBLISH_WORKER_H

/*
 * Called by whoever has sealed something, again and again: start the worker, if the
 * configuration wants one and none is there.
 */
extern void paysafe_publish_worker_ensure(void);

/*
 * Somebody waits: start or wake it, and have what is sealed signed now, whatever the
 * interval.
 */
extern void paysafe_publish_worker_hurry(void);

#endif							/* PAYSAFE_PUBLISH_WORKER_H */
