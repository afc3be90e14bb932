/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  What background workers of a database have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WORKER_H
#define PAYSAFE_WORKER_H

/* Has somebody locked the database to drop, rename or copy it, and waits for us to leave? */
extern bool paysafe_worker_is_in_the_way(void);

#endif							/* PAYSAFE_WORKER_H */
