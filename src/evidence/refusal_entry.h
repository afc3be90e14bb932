/*-------------------------------------------------------------------------
 *
 * refusal_entry.h
 *	  A refusal, a signal or a decision on its way to its record.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_ENTRY_H
#define PAYSAFE_REFUSAL_ENTRY_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "base/crypto.h"
#include "people/actor.h"

/* What it is. */
typedef enum EntryKind
{
	ENTRY_REFUSAL,
	ENTRY_SIGNAL,				/* evidence/signal.h */
	ENTRY_DECISION,				/* evidence/decision.c */
	ENTRY_NKINDS
} EntryKind;

/*
 * One of them as it waits for the writer: strings cut at whole characters, in the
 * encoding of the database where it happened.  Empty strings stand for NULL.
 */
typedef struct RefusalEntry
{
	EntryKind	kind;
	TimestampTz at;				/* of the first */
	TimestampTz last_at;		/* of the last */
	int64		count;			/* of refusals that it stands for */
	int			pid;			/* 0: of several */
	int			encoding;		/* of the strings */
	bool		outside;		/* by whoever can reach a service: repeats are counted */
	bool		observed;		/* nothing was refused: the rule only watches */
	bool		counted;		/* not one of the queue's slots: a count */
	bool		saved;			/* is in the file too */
	bool		has_row_hash;
	uint8		row_hash[PAYSAFE_SHA256_LEN];	/* of a signal: its subject; of a decision: what went into it */
	char		rule[64];		/* of a signal: what it is of; of a decision: its name */
	char		actor[NAMEDATALEN];
	char		session_user_name[NAMEDATALEN];
	char		login[NAMEDATALEN];
	char		client_addr[64];
	char		request_id[64];
	char		business_id[PAYSAFE_ACTOR_MAX + 1];
	union
	{
		struct					/* of a refusal */
		{
			char		sqlstate[6];
			char		incomplete[128];	/* what could not be found out, and why */
			char		statement[32];
			char		schema_name[NAMEDATALEN];
			char		table_name[NAMEDATALEN];
			char		column_name[NAMEDATALEN];
			char		key[128];
			char		identity[8];	/* how well it was known who acted */
			char		client_cert_sha256[2 * PAYSAFE_SHA256_LEN + 1];
			char		proof[320]; /* of the actor, as JSON; cut, it is none */
			char		message[200];
			char		database_name[NAMEDATALEN]; /* if it is another one */
		};
		struct					/* of a signal, a decision */
		{
			char		outcome[64];	/* of a signal: how severe it is */
			char		part[64];	/* of a signal: the segment; of a decision: by which version */
			char		figures[1000];	/* as JSON, never cut */
		};
	};
} RefusalEntry;

/* Are they of one kind, so that the second may be counted with the first?  A hash of what is compared. */
extern bool paysafe_refusal_entry_is_same(const RefusalEntry *a, const RefusalEntry *b);
extern uint32 paysafe_refusal_entry_hash(const RefusalEntry *entry);

/* Count one more of the kind into a sum, whose count may be 0: it gets what all of them have in common. */
extern void paysafe_refusal_entry_count_in(RefusalEntry *sum, const RefusalEntry *entry);

/*
 * Copy a string into an entry, redacted, valid in the database's encoding, and cut at a whole
 * character.
 */
extern void paysafe_refusal_entry_text(char *to, size_t size, const char *from);

/* A field of the line that an entry is in the server's log: after others; null for an empty string. */
extern void paysafe_refusal_entry_field(StringInfo json, const char *name, const char *value);

#endif							/* PAYSAFE_REFUSAL_ENTRY_H */
