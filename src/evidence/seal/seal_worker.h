/*-------------------------------------------------------------------------
 *
 * seal_worker.h
 *	  The background workers that seal, one for each database that is written to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_WORKER_H
#define PAYSAFE_SEAL_WORKER_H

/* At the server's start: the settings. */
extern void paysafe_seal_worker_preload(void);

/* For the launcher: every database may have rows that are not sealed. */
extern void paysafe_seal_worker_begin(void);

/* For the launcher, whenever it wakes: start what has to be started. */
extern void paysafe_seal_worker_launch(void);

#endif							/* PAYSAFE_SEAL_WORKER_H */
