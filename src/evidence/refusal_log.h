/*-------------------------------------------------------------------------
 *
 * refusal_log.h
 *	  Refusals on record: the queue in shared memory and who empties it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_LOG_H
#define PAYSAFE_REFUSAL_LOG_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/crypto.h"

/*
 * One refusal as it waits for the writer: strings cut at whole characters.
 * Empty strings stand for NULL.
 */
typedef struct RefusalEntry
{
	TimestampTz at;
	int			pid;
	int			count;			/* of refusals that it stands for */
	char		sqlstate[6];
	bool		has_row_hash;
	uint8		row_hash[PAYSAFE_SHA256_LEN];
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

/* Record refusals, whenever the library is loaded. */
extern void paysafe_refusal_log_init(void);

/*
 * Where refusals go on record that happen in a database without the extension: OIDs
 * of other databases.  Set once by the layer above, which knows them.
 */
typedef List *(*RefusalWitnesses) (void);
extern void paysafe_refusal_log_set_witnesses(RefusalWitnesses witnesses);

/* For the postmaster only: settings and workers; memory; its contents. */
extern void paysafe_refusal_log_preload(void);
extern void paysafe_refusal_log_request(void);
extern void paysafe_refusal_log_startup(void);

/* The queue, for the writers (refusal_writer.c).  All take its lock. */

/* A database with something to write and no writer; the first of several. */
extern Oid	paysafe_refusal_next_database(void);

/* This process writes for the database from now on; false if another one does. */
extern bool paysafe_refusal_attach(Oid database);

/* It stops to; with if_idle only if nothing is left, otherwise returns false. */
extern bool paysafe_refusal_detach(Oid database, bool if_idle);

/*
 * Copy up to max entries of the database, oldest first, those that only count
 * what did not fit last.  They stay in the queue until paysafe_refusal_written.
 */
extern int	paysafe_refusal_peek(Oid database, RefusalEntry *entries, int max);

/* These, as they were copied, are committed, or never will be. */
extern void paysafe_refusal_written(Oid database, const RefusalEntry *entries, int n);

/* The launcher announces itself, and waits on its latch. */
extern void paysafe_refusal_announce_launcher(void);

/* Why refusals are not written to the log now, or NULL if they are. */
extern const char *paysafe_refusal_log_trouble(void);

#endif							/* PAYSAFE_REFUSAL_LOG_H */
