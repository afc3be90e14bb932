/*-------------------------------------------------------------------------
 *
 * webhook.h
 *	  Webhooks: schemes, endpoints, verification.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WEBHOOK_H
#define PAYSAFE_WEBHOOK_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

#include "core/crypto.h"

#define WEBHOOK_MAX_KEYS		8	/* live ones of an endpoint */
#define WEBHOOK_MAX_SIGNATURES	16	/* of one request */
#define WEBHOOK_MAX_HEADER		8192
#define WEBHOOK_MAX_ID			255

typedef enum WebhookAlgorithm
{
	WEBHOOK_HMAC_SHA256,
	WEBHOOK_ED25519,
	WEBHOOK_RSA_SHA256
} WebhookAlgorithm;

typedef enum WebhookEncoding
{
	WEBHOOK_UTF8,				/* of keys only */
	WEBHOOK_HEX,
	WEBHOOK_BASE64
} WebhookEncoding;

/* A scheme as compiled from its definition; strings may be NULL. */
typedef struct WebhookScheme
{
	WebhookAlgorithm algorithm;
	WebhookEncoding key_encoding;
	char	   *key_prefix;
	char	   *signature_header;
	char	   *signature_path;	/* in the body, or in each item, instead of a header */
	char	   *signature_param;	/* header is a list NAME=VALUE,...; this one */
	bool		signature_list;	/* header is a list separated by blanks */
	char	   *signature_prefix;
	WebhookEncoding signature_encoding;
	char	   *timestamp_header;
	char	   *timestamp_param;	/* in the signature's header */
	char	   *id_header;
	char	   *id_path;
	bool		id_signed;
	char	   *type_header;
	char	   *type_path;
	char	   *items_path;		/* of a batch whose items are signed one by one */
	char	   *signed_bytes;	/* a template */
	bool		json;			/* the body must be */
} WebhookScheme;

typedef struct WebhookKey
{
	int			number;
	TimestampTz not_after;
	uint8	   *secret;			/* decoded, or a certificate in PEM */
	size_t		len;
	TimestampTz not_before;		/* of the certificate; -infinity otherwise */
} WebhookKey;

/* An endpoint with what belongs to it, compiled; NULL scheme: there is none. */
typedef struct WebhookEndpoint
{
	char	   *name;
	int			version;
	WebhookScheme *scheme;
	int64		tolerance;		/* microseconds */
	char	  **event_types;	/* NULL: all */
	int			nevent_types;
	int			max_bytes;
	int			max_depth;
	char	   *url;			/* where the signed bytes contain it */
	char	   *object_path;	/* of the guard against older events; or NULL */
	char	   *sequence_path;
	int			nkeys;
	WebhookKey	keys[WEBHOOK_MAX_KEYS];
} WebhookEndpoint;

/* What a request says of itself, and what came of it. */
typedef struct WebhookRequest
{
	const WebhookEndpoint *endpoint;
	Jsonb	   *headers;
	const char *body;
	size_t		bodylen;
	TimestampTz at;
	/* filled */
	const char *reason;			/* NULL: it is genuine */
	int			key;			/* number of the key that fits; 0: none */
	char		timestamp[32];
	char		id[WEBHOOK_MAX_ID + 1]; /* the event's, or "" */
	char		type[WEBHOOK_MAX_ID + 1];	/* or "" */
} WebhookRequest;

/*
 * Compile a definition; raises 22023 if it is none.  Allocated in the current
 * memory context.
 */
extern WebhookScheme *paysafe_webhook_scheme_compile(const Jsonb *definition);

/*
 * Decode a secret as the scheme has it; raises 22023 if it is malformed or too
 * short.  palloc'd.
 */
extern uint8 *paysafe_webhook_key_decode(const WebhookScheme *scheme, const char *secret,
										 size_t *len, TimestampTz *not_before,
										 TimestampTz *not_after);

/*
 * Look at the request: fills the rest of it.  Raises nothing, whatever is in it.  All
 * keys and all signatures are tried, whichever fits.
 */
extern void paysafe_webhook_verify(WebhookRequest *request);

#endif							/* PAYSAFE_WEBHOOK_H */
