/*-------------------------------------------------------------------------
 *
 * api_key.h
 *	  The tables of API keys.
 *
 * paysafe.api_key_record has a row for each key that was issued, api_key_end one
 * for each revocation, and api_key_use when a key was used last: the only one whose
 * rows change.  Keys and revocations are numbered by one sequence.  A number, once
 * drawn, is lower than all that are drawn later, whenever their transactions
 * commit: so a revocation of "all that there are" is one row, misses no key that
 * is being issued just then, and waits for nobody.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_API_KEY_H
#define PAYSAFE_API_KEY_H

#include "base/crypto.h"

/* Columns of paysafe.api_key_record, _end and _use. */
enum
{
	API_KEY_ID, API_KEY_DIGEST, API_KEY_CLIENT, API_KEY_SCOPES, API_KEY_SHOWN,
	API_KEY_EXPIRES_AT, API_KEY_CREATED_AT, API_KEY_ACTOR, API_KEY_SESSION_USER,
	API_KEY_NCOLUMNS
};
enum
{
	API_KEY_END_ID, API_KEY_END_CLIENT, API_KEY_END_KEY, API_KEY_END_REASON, API_KEY_END_AT,
	API_KEY_END_ACTOR, API_KEY_END_SESSION_USER,
	API_KEY_END_NCOLUMNS
};
enum
{
	API_KEY_USE_KEY, API_KEY_USE_AT,
	API_KEY_USE_NCOLUMNS
};

#define API_KEY_EVERYBODY	""	/* as the client of a revocation */
#define API_KEY_EVERY		0	/* as its key */

#define PAYSAFE_API_SCOPE_MAX	64	/* bytes of a scope */

/*
 * What is stored of a key, and looked for: the keyed hash of its SHA-256.  Of a
 * digest that is none, too: it takes the same time and is never found.
 */
extern void paysafe_api_key_digest(const void *sha256, size_t len, uint8 *out);

/*
 * Is the key revoked, as of now: by a revocation that has committed, or of this
 * transaction, whatever the transaction's snapshot sees?
 */
extern bool paysafe_api_key_is_revoked(const char *client, int64 id);

#endif							/* PAYSAFE_API_KEY_H */
