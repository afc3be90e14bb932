/*-------------------------------------------------------------------------
 *
 * webhook_parse.h
 *	  What a webhook's headers say: signatures, times, sequence numbers.
 *
 * Reads nothing but its arguments, allocates nothing, raises nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WEBHOOK_PARSE_H
#define PAYSAFE_WEBHOOK_PARSE_H

#define WEBHOOK_MAX_SIGNATURES	16	/* of one request */
#define WEBHOOK_MAX_SIGNATURE	1024	/* bytes; RSA of 8192 bits */
#define WEBHOOK_MAX_TIMESTAMP	32

typedef enum WebhookAlgorithm
{
	WEBHOOK_HMAC_SHA256,
	WEBHOOK_ED25519,
	WEBHOOK_RSA_SHA256,
	WEBHOOK_HMAC_SHA1,
	WEBHOOK_HMAC_SHA512,
	WEBHOOK_ECDSA_SHA256,		/* P-256, the signature in DER */
	WEBHOOK_JWT_HS256,			/* a JSON web token (RFC 7519) */
	WEBHOOK_JWT_RS256,
	WEBHOOK_JWT_ES256,
	WEBHOOK_TOKEN				/* no signature: the secret itself */
} WebhookAlgorithm;

/* How a time is written. */
typedef enum WebhookTimeForm
{
	WEBHOOK_SECONDS,			/* since 1970: 1 to 10 digits, the first not 0 */
	WEBHOOK_MILLISECONDS,		/* 13 digits */
	WEBHOOK_UNIX,				/* either of both */
	WEBHOOK_FRACTIONAL,			/* seconds, with up to 9 digits after a point */
	WEBHOOK_RFC3339				/* 2024-02-29T12:00:00.5Z, or with an offset such as +01:00 */
} WebhookTimeForm;

typedef enum WebhookEncoding
{
	WEBHOOK_UTF8,				/* of keys only */
	WEBHOOK_HEX,
	WEBHOOK_BASE64,
	WEBHOOK_BASE64URL,			/* padded or not */
	WEBHOOK_SHA1_OF_UTF8		/* of keys only: the hash of the text is the key */
} WebhookEncoding;

/* How a signature is written. */
typedef struct WebhookForm
{
	WebhookAlgorithm algorithm;
	WebhookEncoding encoding;
	const char *prefix;			/* or NULL */
	const char *param;			/* the header is a list NAME=VALUE,...; this one, "*": any; or NULL */
	const char *timestamp_param;	/* of the same list; or NULL */
	bool		list;			/* separated by blanks */
	char		separator;		/* of the list of parameters; 0: a comma */
	char		equals;			/* 0: = */
} WebhookForm;

/* A signature as it came. */
typedef struct WebhookSignature
{
	size_t		len;
	uint8		bytes[WEBHOOK_MAX_SIGNATURE];
} WebhookSignature;

typedef struct WebhookSignatures
{
	int			n;
	WebhookSignature list[WEBHOOK_MAX_SIGNATURES];
} WebhookSignatures;

/*
 * Read a header's value; n is set first.  timestamp, of WEBHOOK_MAX_TIMESTAMP bytes,
 * is filled if the form has it here.  Returns NULL or the reason: what two readers
 * might read differently is malformed.  Entries of other versions are skipped.
 */
extern const char *paysafe_webhook_parse_signatures(const WebhookForm *form, const char *value,
													WebhookSignatures *all, char *timestamp);

/* Add a single one; false if it is not in the form. */
extern bool paysafe_webhook_parse_signature(const WebhookForm *form, const char *text, size_t len,
											WebhookSignatures *all);

/* A time of this form, in microseconds since 1970. */
extern bool paysafe_webhook_parse_time(const char *text, WebhookTimeForm form,
									   int64 *microseconds);

/*
 * A number that grows with time: a decimal number of up to 18 digits, or a time as
 * in RFC 3339 with up to 9 digits after the second and any offset, then nanoseconds
 * since 1970.
 */
extern bool paysafe_webhook_parse_sequence(const char *text, int64 *sequence);

#endif							/* PAYSAFE_WEBHOOK_PARSE_H */
