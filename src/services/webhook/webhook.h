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
#include "services/webhook/webhook_template.h"
#include "values/payload.h"

#define WEBHOOK_MAX_KEYS		8	/* live ones of an endpoint */
#define WEBHOOK_MAX_HEADER		8192
#define WEBHOOK_MAX_ID			255

/*
 * A scheme as compiled from its definition; strings may be NULL.  The name of a header
 * may be several, separated by |: providers have aliases.
 */
typedef struct WebhookScheme
{
	WebhookForm signature;
	char	   *signature_header;
	char	   *signature_path;	/* in the body, or in its item, instead of a header */
	char	   *signature_field;	/* of a body that is a form, instead of a header */
	bool		signature_body; /* the body is a JSON web token */
	WebhookEncoding key_encoding;
	char	   *key_prefix;
	int			min_key_bytes;
	char	   *timestamp_header;
	char	   *timestamp_path; /* in a JSON web token */
	WebhookTimeForm time_form;
	char	   *id_header;
	char	   *id_path;
	bool		id_optional;
	bool		id_uuid;		/* it has 36 characters */
	bool		id_signed;		/* follows from what is signed */
	char	   *type_header;
	char	   *type_path;
	bool		topic_apart;	/* id and type stand in headers that are not signed */
	char	   *items_path;		/* of a list with one item, whose parts are signed */
	char	   *hash_path;		/* of the body's SHA-256 in a JSON web token */
	WebhookTemplate template;	/* what is signed; of no token */
	bool		binding;		/* it contains what the endpoint is bound to */
	bool		json;			/* the body must be */
} WebhookScheme;

/* What events of a type must fit. */
typedef struct WebhookSchema
{
	char	   *event_type;		/* "": each type that has none of its own */
	int			version;
	bool		removed;
	char	   *text;
	PayloadSchema *compiled;	/* NULL: it is removed */
} WebhookSchema;

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
	bool		encrypt;		/* bodies in the inbox are sealed */
	bool		any_text;		/* JSON may have zero characters and lone surrogates */
	List	   *schemas;		/* of WebhookSchema, those in force */
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
	const char *event;			/* JSON that paths lead into: the body, or a token's payload */
	size_t		eventlen;
	const char *reason;			/* NULL: it is genuine */
	bool		wanted;			/* its type is one of those that are */
	int			key;			/* number of the key that fits; 0: none */
	char		timestamp[WEBHOOK_MAX_TIMESTAMP];	/* or "" */
	char		id[WEBHOOK_MAX_ID + 1]; /* the event's, or "" */
	char		type[WEBHOOK_MAX_ID + 1];	/* or "" */
	StringInfoData signed_bytes;
} WebhookRequest;

/*
 * Compile a definition, one of paysafe's own or not; raises 22023 if it is none.
 * Allocated in the current memory context.
 */
extern WebhookScheme *paysafe_webhook_scheme_compile(const Jsonb *definition, bool builtin);

/* "hmac-sha256", "ed25519" or the like. */
extern const char *paysafe_webhook_algorithm(const WebhookScheme *scheme);

/* Is the key a secret, or a public key? */
extern bool paysafe_webhook_key_is_secret(const WebhookScheme *scheme);

/*
 * Decode a secret as the scheme has it; raises 22023 if it is malformed or too
 * short.  palloc'd.  The times are a certificate's.
 */
extern uint8 *paysafe_webhook_key_decode(const WebhookScheme *scheme, const char *secret,
										 size_t *len, TimestampTz *not_before,
										 TimestampTz *not_after);

/* From and until when a key of the scheme, as stored, is valid; false if it is none. */
extern bool paysafe_webhook_key_period(const WebhookScheme *scheme, const uint8 *key, size_t len,
									   TimestampTz *not_before, TimestampTz *not_after);

/* Note what is wrong with it, unless something was before. */
extern void paysafe_webhook_fault(WebhookRequest *request, const char *reason);

/* Is this the name of the header, or of one of its aliases? */
extern bool paysafe_webhook_header_is(const char *name, size_t len, const char *wanted);

/*
 * A header's value, which must be there once and be printable ASCII without blanks
 * around it; palloc'd.  NULL and a fault otherwise.
 */
extern char *paysafe_webhook_header(WebhookRequest *request, const char *wanted);

/*
 * Put together the bytes that are signed, by the scheme's template.  Paths are looked
 * up in the item.  False if they cannot be, or could be put together otherwise.
 */
extern bool paysafe_webhook_signed_bytes(WebhookRequest *request, const char *item, size_t itemlen);

/*
 * Read a JSON web token, whose header must name the scheme's algorithm: its signature,
 * what it signs, its payload.  Nothing has been verified.  False if it is malformed.
 */
extern bool paysafe_webhook_jwt_read(WebhookRequest *request, const char *token, size_t len,
									 WebhookSignatures *all, char **payload, size_t *payloadlen);

/*
 * Look at the request: fills the rest of it.  Raises nothing, whatever is in it.  All
 * keys and all signatures are tried, whichever fits.
 */
extern void paysafe_webhook_check(WebhookRequest *request);

/*
 * What a genuine event does not fit of its type's schema, in words that have nothing of
 * it, palloc'd; NULL if it fits, or there is none.
 */
extern char *paysafe_webhook_unfit(const WebhookRequest *request);

/* The newest versions of an endpoint's schemas, removed ones too, none compiled; palloc'd. */
extern List *paysafe_webhook_schema_read(const char *endpoint);

/* Has the endpoint a schema in force? */
extern bool paysafe_webhook_has_schema(const char *endpoint);

/*
 * Endpoints with schemas are to have another scheme, which decides of what type an event is, and so
 * which schema it must fit.  May it be?  False: it is proposed only.
 */
extern bool paysafe_webhook_scheme_authorize(const char *name, int version, Jsonb *before, Jsonb *after,
											 const char *difference);

/* Every session compiles endpoints anew from the end of this transaction on. */
extern void paysafe_webhook_changed(void);

/*
 * The endpoint as it is in force, good until the next call; its version is 0 if
 * there is none.  Keys that had ended by the time it was read are left out.
 */
extern const WebhookEndpoint *paysafe_webhook_endpoint(const char *name);

extern void paysafe_webhook_init(void);

#endif							/* PAYSAFE_WEBHOOK_H */
