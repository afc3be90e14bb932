/*-------------------------------------------------------------------------
 *
 * webhook.h
 *	  Webhooks in: schemes, endpoints, verification.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WEBHOOK_H
#define PAYSAFE_WEBHOOK_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "services/webhook/webhook_parse.h"

#define WEBHOOK_MAX_KEYS		8	/* live ones of an endpoint */
#define WEBHOOK_MAX_HEADER		8192
#define WEBHOOK_MAX_ID			255

/* A scheme as compiled from its definition; strings may be NULL. */
typedef struct WebhookScheme
{
	WebhookForm signature;
	char	   *signature_header;
	char	   *signature_path;	/* in the body, or in its item, instead of a header */
	WebhookEncoding key_encoding;
	char	   *key_prefix;
	int			min_key_bytes;
	char	   *timestamp_header;
	bool		rfc3339;		/* how the time is written */
	char	   *id_header;
	char	   *id_path;
	bool		id_optional;
	bool		id_signed;		/* follows from what is signed */
	char	   *type_header;
	char	   *type_path;
	char	   *items_path;		/* of a list with one item, whose parts are signed */
	char	   *signed_bytes;	/* a template */
	char	   *joiners;		/* the characters between its placeholders */
	bool		binding;		/* which contains what the endpoint is bound to */
	bool		json;			/* the body must be */
} WebhookScheme;

typedef struct WebhookKey
{
	int			number;
	TimestampTz not_before;		/* of a certificate; -infinity otherwise */
	TimestampTz not_after;
	uint8	   *secret;			/* or a public key, or a certificate in PEM */
	size_t		len;
} WebhookKey;

/* An endpoint with what belongs to it, compiled. */
typedef struct WebhookEndpoint
{
	char	   *name;
	int			version;		/* 0: there is none */
	WebhookScheme *scheme;
	int64		tolerance;		/* microseconds */
	char	  **event_types;	/* NULL: all */
	int			nevent_types;
	int			max_bytes;
	int			max_depth;
	char	   *binding;		/* or NULL */
	char	   *object_path;	/* of the guard against older events; or NULL, */
	char	   *sequence_path;	/* as this one */
	bool		inbox;
	int			nkeys;
	WebhookKey	keys[WEBHOOK_MAX_KEYS];
} WebhookEndpoint;

/* What a request says of itself, and what came of it. */
typedef struct WebhookRequest
{
	const WebhookEndpoint *endpoint;
	const Jsonb *headers;
	const char *body;
	size_t		bodylen;
	TimestampTz at;
	/* filled */
	const char *reason;			/* NULL: it is genuine */
	bool		wanted;			/* its type is one of those that are */
	int			key;			/* number of the key that fits; 0: none */
	char		timestamp[WEBHOOK_MAX_TIMESTAMP];
	char		id[WEBHOOK_MAX_ID + 1]; /* the event's, or "" */
	char		type[WEBHOOK_MAX_ID + 1];	/* or "" */
	StringInfoData signed_bytes;
} WebhookRequest;

/*
 * Compile a definition; raises 22023 if it is none.  Allocated in the current
 * memory context.
 */
extern WebhookScheme *paysafe_webhook_scheme_compile(const Jsonb *definition);

/* "hmac-sha256", "ed25519" or "rsa-sha256". */
extern const char *paysafe_webhook_algorithm(const WebhookScheme *scheme);

/*
 * Decode a secret as the scheme has it; raises 22023 if it is malformed or too
 * short.  palloc'd.  The times are a certificate's.
 */
extern uint8 *paysafe_webhook_key_decode(const WebhookScheme *scheme, const char *secret,
										 size_t *len, TimestampTz *not_before,
										 TimestampTz *not_after);

/*
 * Look at the request: fills the rest of it.  Raises nothing, whatever is in it.  All
 * keys and all signatures are tried, whichever fits.
 */
extern void paysafe_webhook_check(WebhookRequest *request);

/*
 * The endpoint as it is in force, good until the next call; its version is 0 if
 * there is none.  Keys that had ended by the time it was read are left out.
 */
extern const WebhookEndpoint *paysafe_webhook_endpoint(const char *name);

extern void paysafe_webhook_init(void);

#endif							/* PAYSAFE_WEBHOOK_H */
