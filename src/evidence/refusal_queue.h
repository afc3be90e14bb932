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

#include "datatype/timestamp.h"

#include "base/crypto.h"

/*
 * One refusal as it waits for the writer: strings cut at whole characters, in the
 * encoding of the database where it happened.  Empty strings stand for NULL.
 */
typedef struct RefusalEntry
{
	TimestampTz at;				/* of the first */
	TimestampTz last_at;		/* of the last */
	int64		count;			/* of refusals that it stands for */
	int			pid;			/* 0: of several */
	int			encoding;		/* of the strings */
	bool		outside;		/* by whoever can reach a service: repeats are counted */
	bool		counted;		/* not one of the queue's slots: a count */
	bool		saved;			/* is in the file too */
	char		sqlstate[6];
	bool		has_row_hash;
	uint8		row_hash[PAYSAFE_SHA256_LEN];
	char		incomplete[128];	/* what could not be found out, and why */
	char		statement[32];
	char		rule[64];
	char		schema_name[NAMEDATALEN];
	char		table_name[NAMEDATALEN];
	char		column_name[NAMEDATALEN];
	char		key[128];
	char		actor[NAMEDATALEN];
	char		session_user_name[NAMEDATALEN];
	char		login[NAMEDATALEN];
	char		client_addr[64];
	char		request_id[64];
	char		message[200];
	char		database_name[NAMEDATALEN]; /* if it is another one */
} RefusalEntry;

/* For the postmaster only: the setting; memory; its contents, from the file too. */
extern void paysafe_refusal_queue_preload(void);
extern void paysafe_refusal_queue_request(void);
extern void paysafe_refusal_queue_startup(void);

/* Add an entry to a database's queue; nothing without the library preloaded. */
extern void paysafe_refusal_queue_add(Oid database, const RefusalEntry *entry);

/* Why refusals are not on record now, in words, palloc'd; NULL if they are. */
extern char *paysafe_refusal_queue_trouble(void);

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
