/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  What background workers of a database have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WORKER_H
#define PAYSAFE_WORKER_H

#include "postmaster/bgworker.h"

/* Has somebody locked the database to drop, rename or copy it, and waits for us to leave? */
extern bool paysafe_worker_is_in_the_way(void);

/*
 * Called when it is connected: what somebody has set for the server, the database or a
 * role is not for it.  Its transactions are durable here, and it waits for a lock so long.
 */
extern void paysafe_worker_settle(const char *lock_timeout);

/*
 * Begin one that works in a database and is not started again by the postmaster; name is
 * also its type.  handle: to wait for its end, palloc'd, or NULL.  False: no process is free.
 */
extern bool paysafe_worker_start(const char *name, const char *function, Oid database,
								 BackgroundWorkerHandle **handle);

/* Has the database been dropped?  For a process that has no transaction. */
extern bool paysafe_worker_database_is_gone(Oid database);

#endif							/* PAYSAFE_WORKER_H */
