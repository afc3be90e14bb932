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
 * Called again and again by the worker that seals this database: start the one that
 * publishes, if the configuration wants one and it is not there.  Cheap if it is.
 */
extern void paysafe_publish_worker_ensure(void);

/*
 * Somebody waits for a checkpoint: have it signed now.  False: nobody publishes in this
 * database.
 */
extern bool paysafe_publish_worker_hurry(void);

#endif							/* PAYSAFE_PUBLISH_WORKER_H */
