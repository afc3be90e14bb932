/*-------------------------------------------------------------------------
 *
 * issuer.h
 *	  Who may say who acts: issuers of tokens, and their keys.
 *
 * Versions in insert-only tables, the newest one in force.  A session keeps issuers with
 * their keys parsed, and forgets them as soon as one of the tables changes, in the
 * middle of a transaction too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ISSUER_H
#define PAYSAFE_ISSUER_H

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/signature.h"
#include "store/catalog.h"

/* Columns of paysafe.token_issuer_record. */
enum
{
	ISSUER_ISSUER, ISSUER_VERSION, ISSUER_AUDIENCE, ISSUER_MAX_AGE, ISSUER_LEEWAY,
	ISSUER_SINGLE_USE, ISSUER_SHARED_SECRETS, ISSUER_REASON, ISSUER_ACTOR, ISSUER_SESSION_USER,
	ISSUER_AT,
	ISSUER_NCOLUMNS
};

/* Columns of paysafe.token_key_record. */
enum
{
	TOKEN_KEY_ISSUER, TOKEN_KEY_KID, TOKEN_KEY_VERSION, TOKEN_KEY_ALGORITHM, TOKEN_KEY_PUBLIC,
	TOKEN_KEY_SECRET, TOKEN_KEY_NOT_BEFORE, TOKEN_KEY_NOT_AFTER, TOKEN_KEY_REVOKED,
	TOKEN_KEY_REASON, TOKEN_KEY_ACTOR, TOKEN_KEY_SESSION_USER, TOKEN_KEY_AT,
	TOKEN_KEY_NCOLUMNS
};

#define PAYSAFE_ISSUER_MAX	200 /* bytes of an issuer or audience */

/* An issuer as declared.  Seconds. */
typedef struct IssuerTerms
{
	int			version;		/* 0: there is none */
	List	   *audience;		/* of char *; NIL: revoked */
	int			max_age;
	int			leeway;
	bool		single_use;
	bool		shared_secrets; /* HS256 is taken */
} IssuerTerms;

typedef struct TokenKey
{
	char	   *kid;
	const char *algorithm;		/* as "alg" has it */
	SignatureKey *key;			/* of what is kept; otherwise NULL */
	TimestampTz not_before;
	TimestampTz not_after;
	bool		revoked;
	int			version;
	HeapTuple	row;			/* of what is not kept */
} TokenKey;

typedef struct Issuer
{
	char	   *name;
	IssuerTerms terms;
	List	   *keys;			/* of TokenKey, those that are revoked or over too */
} Issuer;

/* "EdDSA" and the like; the curve is what the key has.  -1: no such algorithm. */
extern int	paysafe_issuer_algorithm(const char *name, bool ed448);

/* The newest versions, palloc'd; version 0, or NULL: there is none. */
extern IssuerTerms paysafe_issuer_terms(const char *issuer);
extern TokenKey *paysafe_issuer_key(const char *issuer, const char *kid);

/*
 * The issuer with its keys, or NULL; good until the next call.  Sees what is committed
 * now.
 */
extern const Issuer *paysafe_issuer_find(const char *issuer);

/* What the secret of a key is sealed for; palloc'd. */
#define PAYSAFE_TOKEN_SECRET	"token secret"
extern char *paysafe_issuer_secret_place(const char *issuer, const char *kid, int *len);

/* The tables have changed: every session reads them anew. */
extern void paysafe_issuer_changed(void);

extern void paysafe_issuer_init(void);

#endif							/* PAYSAFE_ISSUER_H */
