/*-------------------------------------------------------------------------
 *
 * refusal_queue.h
 *	  Refusals in shared memory, on their way to paysafe.refusal_record.
 *
 * All functions but those for the postmaster take the queue's one lock, for the
 * time that copying an entry takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_QUEUE_H
#define PAYSAFE_REFUSAL_QUEUE_H

#include "evidence/refusal_entry.h"

/* For the postmaster only: the setting; memory; its contents, from the file too. */
extern void paysafe_refusal_queue_preload(void);
extern void paysafe_refusal_queue_request(void);
extern void paysafe_refusal_queue_startup(void);

/* Is there a queue, and somebody who will write what is in it? */
extern bool paysafe_refusal_queue_ready(void);

/* Add an entry to a database's queue; nothing without the library preloaded. */
extern void paysafe_refusal_queue_add(Oid database, const RefusalEntry *entry);

/* Why refusals are not on record now, in words, palloc'd; NULL if they are. */
extern char *paysafe_refusal_queue_trouble(void);

/* How many wait, of all databases, and for how many seconds the oldest has. */
extern int64 paysafe_refusal_queue_waiting(int64 *seconds);

/* For the writers */

/* A database with something to write and no writer; the first of several. */
extern Oid	paysafe_refusal_queue_next(void);

/* This process writes for the database from now on; false if another one does. */
extern bool paysafe_refusal_queue_attach(Oid database);

/* How a writer leaves. */
typedef enum RefusalLeave
{
	REFUSAL_IDLE,				/* only if nothing is left, otherwise it stays */
	REFUSAL_BLOCKED,			/* somebody has locked the record */
	REFUSAL_FAILED				/* anything else */
} RefusalLeave;

/* It stops to; false: it stays, since something is left. */
extern bool paysafe_refusal_queue_detach(Oid database, RefusalLeave why);

/*
 * Copy up to max entries of the database, oldest first, those that only count
 * others last.  They stay in the queue until paysafe_refusal_queue_written.
 */
extern int	paysafe_refusal_queue_peek(Oid database, RefusalEntry *entries, int max);

/* These, as they were copied, are committed, or never will be. */
extern void paysafe_refusal_queue_written(Oid database, const RefusalEntry *entries, int n);

/* The launcher announces itself, and waits on its latch. */
extern void paysafe_refusal_queue_announce_launcher(void);

/*
 * For the launcher: copy what waits for long into the file, which the next start
 * reads even if the server does not end in order, or remove the file, if all that
 * is in it is on record.
 */
extern void paysafe_refusal_queue_keep(void);

#endif							/* PAYSAFE_REFUSAL_QUEUE_H */
