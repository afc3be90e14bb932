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

/* When this transaction has committed: start or wake it, for it has something to publish. */
extern void paysafe_publish_worker_look_after_commit(void);

/* For _PG_init. */
extern void paysafe_publish_worker_init(void);

#endif							/* PAYSAFE_PUBLISH_WORKER_H */
