/*-------------------------------------------------------------------------
 *
 * seal_shared.h
 *	  What writers, sealers and those who wait know of each other, in shared memory.
 *
 * Nothing of it must survive the server: a sealer looks at the tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_SHARED_H
#define PAYSAFE_SEAL_SHARED_H

#include "storage/latch.h"

/* For the postmaster only. */
extern void paysafe_seal_shared_request(void);
extern void paysafe_seal_shared_startup(void);

/* Is there such memory: is the library preloaded? */
extern bool paysafe_seal_shared_present(void);

/*
 * For writers: a transaction of this database with audit rows has committed, or was
 * prepared.  Wakes a sealer that has nothing to do; otherwise a compare and swap.
 */
extern void paysafe_seal_shared_note(uint64 xid);

/* For the launcher */

extern void paysafe_seal_shared_announce_launcher(void);

/* The database may have rows to be sealed. */
extern void paysafe_seal_shared_suspect(Oid database);

/*
 * A database with something to seal and no sealer, which counts as asked for now; or
 * InvalidOid, also while as many sealers are at work as there may be.
 */
extern Oid	paysafe_seal_shared_next(void);

/* The database is gone. */
extern void paysafe_seal_shared_forget(Oid database);

/* For the sealer */

/* This process seals the database from now on; false if another one does. */
extern bool paysafe_seal_shared_attach(Oid database);

/* It stops to.  idle: only if nothing is left, otherwise false, and it stays. */
extern bool paysafe_seal_shared_detach(bool idle);

/* Is another database waiting for a process?  Then this one is no sealer any more, and leaves. */
extern bool paysafe_seal_shared_make_room(void);

/* Every row of a transaction older than below is sealed, and that is on disk. */
extern void paysafe_seal_shared_sealed(uint64 below);

/* Is there a row that is not sealed?  With arm: otherwise the next writer sets the latch. */
extern bool paysafe_seal_shared_pending(bool arm);

/* How many wait for it? */
extern int	paysafe_seal_shared_waiters(void);

/* For those who wait */

/*
 * Wait until every row of transaction xid is sealed, for so many milliseconds; false:
 * not yet.  *sealer: is somebody at it?
 */
extern bool paysafe_seal_shared_wait(uint64 xid, long milliseconds, bool *sealer);

/* How often in a row has the sealer of this database failed? */
extern int	paysafe_seal_shared_failures(void);

#endif							/* PAYSAFE_SEAL_SHARED_H */
