/*-------------------------------------------------------------------------
 *
 * refusal_entry.h
 *	  A refusal on its way to the record.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_ENTRY_H
#define PAYSAFE_REFUSAL_ENTRY_H

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
	bool		observed;		/* nothing was refused: the rule only watches */
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
	char		identity[8];	/* how well it was known who acted */
	char		client_cert_sha256[2 * PAYSAFE_SHA256_LEN + 1];
	char		proof[320];		/* of the actor, as JSON; cut, it is none */
	char		client_addr[64];
	char		request_id[64];
	char		message[200];
	char		database_name[NAMEDATALEN]; /* if it is another one */
} RefusalEntry;

#endif							/* PAYSAFE_REFUSAL_ENTRY_H */
