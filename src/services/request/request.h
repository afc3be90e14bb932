/*-------------------------------------------------------------------------
 *
 * request.h
 *	  Signed requests in: clients, their keys, verification.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REQUEST_H
#define PAYSAFE_REQUEST_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "base/signature.h"
#include "token/message.h"

#define REQUEST_MAX_KEYS	8	/* live ones of a client */

/* Columns of paysafe.request_client_record. */
enum
{
	CLIENT_CLIENT, CLIENT_VERSION, CLIENT_PROFILE, CLIENT_COMPONENTS, CLIENT_NONCE, CLIENT_LABEL,
	CLIENT_TAG, CLIENT_BASE_URL, CLIENT_TOLERANCE, CLIENT_EARLIER_TOLERANCE, CLIENT_WIDER_FROM,
	CLIENT_MAX_BYTES, CLIENT_REVOKED, CLIENT_REASON, CLIENT_ACTOR, CLIENT_SESSION_USER, CLIENT_AT,
	CLIENT_NCOLUMNS
};

/* What a client's requests must be, as declared.  Microseconds. */
typedef struct RequestTerms
{
	int			version;		/* 0: there is no such client */
	bool		is_message;		/* RFC 9421; otherwise the HMAC of method, path and the rest */
	List	   *components;		/* of char *, sorted: what a signature must cover */
	bool		nonce;			/* it must have one */
	char	   *label;			/* of the signature that counts; NULL: any */
	char	   *tag;			/* that it must have, or NULL */
	char	   *base_url;		/* "https://host": what @scheme and @authority are; NULL: https, and Host */
	int64		tolerance;
	int64		earlier_tolerance;	/* counts for what was signed before wider_from: */
	TimestampTz wider_from;		/* what was accepted then is not known for longer */
	int			max_bytes;
	bool		revoked;
} RequestTerms;

typedef struct RequestKey
{
	char	   *keyid;
	const char *algorithm;		/* RFC 9421's name */
	TimestampTz not_after;
	SignatureKey *key;
} RequestKey;

typedef struct RequestClient
{
	char	   *name;
	RequestTerms terms;
	int			nkeys;
	RequestKey	keys[REQUEST_MAX_KEYS];
} RequestClient;

/* What came, and what is to be said of it. */
typedef struct RequestCheck
{
	TokenRequest request;
	const char *malformed;		/* why it is no request, or NULL */
	const char *body;
	size_t		bodylen;
	TimestampTz at;
	const RequestClient *client;	/* NULL: not known */
	/* filled */
	const char *reason;			/* NULL: it is genuine */
	char	   *owner;			/* the client's name, palloc'd, or NULL */
	const RequestKey *key;		/* that fits; good as long as client */
	char	   *keyid;			/* its name, palloc'd */
	TimestampTz signed_at;
	TimestampTz until;			/* when it is too old, and known to have been here */
	char	   *label;			/* of the signature, or NULL */
	char	   *id;				/* what it is known by; NULL: no key has signed it */
	List	   *uses;			/* of TokenUse *: all signatures that it could be accepted by, now or later */
} RequestCheck;

/* The newest version, palloc'd; version 0: there is none. */
extern RequestTerms paysafe_request_terms(const char *client);

/*
 * The client with its keys, or NULL; good until the next call.  Sees what is committed
 * now.
 */
extern const RequestClient *paysafe_request_client(const char *name);

/* Whose key is called so; NULL: nobody's. */
extern char *paysafe_request_client_of_key(const char *keyid);

/* The algorithm of this name; false: there is none. */
extern bool paysafe_request_algorithm(const char *name, SignatureAlgorithm *algorithm);

/* The tables have changed: every session reads them anew. */
extern void paysafe_request_changed(void);

/* The names of the keys that a request is signed with, as it says; of char *, palloc'd. */
extern List *paysafe_request_keyids(const RequestCheck *check);

/* Look at the request: fills the rest of it.  Raises nothing, whatever is in it. */
extern void paysafe_request_check(RequestCheck *check);

extern void paysafe_request_init(void);

#endif							/* PAYSAFE_REQUEST_H */
