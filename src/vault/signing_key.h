/*-------------------------------------------------------------------------
 *
 * signing_key.h
 *	  Keys that sign or verify, of a destination, an endpoint or a client.
 *
 * Versions in insert-only tables of one shape, the newest version of each key in
 * force.  table is PAYSAFE_DESTINATION_KEY, PAYSAFE_WEBHOOK_KEY or PAYSAFE_REQUEST_KEY
 * everywhere.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SIGNING_KEY_H
#define PAYSAFE_SIGNING_KEY_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "store/catalog.h"

/* Columns of these tables; what is shown: a destination's public key, a client's name for the key. */
enum
{
	SIGNING_KEY_OWNER, SIGNING_KEY_NUMBER, SIGNING_KEY_VERSION, SIGNING_KEY_KIND,
	SIGNING_KEY_SECRET, SIGNING_KEY_SHOWN, SIGNING_KEY_CREATED, SIGNING_KEY_NOT_AFTER,
	SIGNING_KEY_AT, SIGNING_KEY_ACTOR,
	SIGNING_KEY_NCOLUMNS
};

/* The newest version of a key. */
typedef struct SigningKey
{
	Datum		values[SIGNING_KEY_NCOLUMNS];
	bool		nulls[SIGNING_KEY_NCOLUMNS];
	int			number;
	int			version;
	const char *kind;
	const char *shown;			/* or NULL */
	TimestampTz not_after;		/* DT_NOEND: no end */
} SigningKey;

/*
 * The newest version of each key of the owner, the newest key first; SigningKeys,
 * palloc'd.
 */
extern List *paysafe_signing_key_read(PaysafeTable table, const char *owner);

/* Its secret; palloc'd, for the caller to cleanse. */
extern bytea *paysafe_signing_key_open(PaysafeTable table, const char *owner,
									   const SigningKey *key);

/*
 * Add a key after those that are there; returns its number.  Their end is no later
 * than overlap_end from now on.  shown may be NULL.  The caller holds a lock on
 * the owner, and increments the command counter.
 */
extern int	paysafe_signing_key_add(PaysafeTable table, const char *owner, List *keys,
									const char *kind, const uint8 *secret, size_t len,
									const char *shown, TimestampTz overlap_end);

/*
 * Give a live key its end: not before now, nor after the one it has.  Under the
 * same lock.
 */
extern void paysafe_signing_key_retire(PaysafeTable table, SigningKey *key, TimestampTz not_after);

/*
 * The key of this number if it is live; raises 22023 otherwise.  what and owner are
 * for the message.
 */
extern SigningKey *paysafe_signing_key_live(List *keys, int number, const char *what,
											const char *owner);

/*
 * base64 as secrets are written: padded or not; bits left over in the last digit do
 * not matter, as to the libraries that made some of the secrets in use.  out has
 * room for the text's length.  -1 if it is none.
 */
extern int	paysafe_signing_key_decode(const char *text, uint8 *out);

/* One session at a time changes an owner and its keys; until the end of the transaction. */
extern void paysafe_signing_key_lock(PaysafeTable table, const char *owner);

#endif							/* PAYSAFE_SIGNING_KEY_H */
