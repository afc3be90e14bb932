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

/*
 * Called when it is connected: what somebody has set for the server, the database or a
 * role is not for it.  Its transactions are durable here, and it waits for a lock so long.
 */
extern void paysafe_worker_settle(const char *lock_timeout);

#endif							/* PAYSAFE_WORKER_H */
