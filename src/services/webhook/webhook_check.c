/*-------------------------------------------------------------------------
 *
 * webhook_check.c
 *	  Is a request what its sender signed?
 *
 * The grammar is strict: what two readers might read differently is refused, and
 * what is signed is exactly the bytes that came.  Nothing raises an error for what
 * is in a request; each fault has a reason.
 *
 * Every live key is tried with every signature, in constant time, so that the time
 * it takes says nothing about which one fits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "compat.h"
#include "base/json_check.h"
#include "services/webhook/webhook.h"
#include "services/webhook/webhook_form.h"

#define MAX_SIGNATURE_TEXT	2048

/* short for what is said so often */
#define fault paysafe_webhook_fault

static bool
is_visible(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

/* Headers */

static bool
is_id(const WebhookScheme *scheme, const char *id)
{
	size_t		len = strlen(id);

	/* the characters that join what is signed must not be in it */
	for (int i = 0; i < scheme->template.nparts; i++)
		if (scheme->template.parts[i].kind == WEBHOOK_ID && scheme->template.parts[i].stop != '\0' &&
			strchr(id, scheme->template.parts[i].stop) != NULL)
			return false;
	return len <= WEBHOOK_MAX_ID && is_visible(id) &&
		(!scheme->id_uuid || (len == 36 && strspn(id, "0123456789abcdefABCDEF-") == 36));
}

/* The event's id and time, where they stand in headers, before what is signed. */
static void
read_headers(WebhookRequest *request, WebhookSignatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	const char *trouble;
	char	   *value;

	if (scheme->id_header != NULL && (value = paysafe_webhook_header(request, scheme->id_header)) != NULL)
	{
		if (!is_id(scheme, value))
			fault(request, "event_id_malformed");
		strlcpy(request->id, value, sizeof(request->id));
	}
	if (scheme->timestamp_header != NULL && (value = paysafe_webhook_header(request, scheme->timestamp_header)) != NULL)
	{
		if (strlen(value) >= WEBHOOK_MAX_TIMESTAMP)
			fault(request, "timestamp_malformed");
		strlcpy(request->timestamp, value, sizeof(request->timestamp));
	}
	/* of a token there is nothing to read yet */
	if (scheme->signature_header != NULL && scheme->template.nparts > 0 &&
		(value = paysafe_webhook_header(request, scheme->signature_header)) != NULL)
	{
		trouble = paysafe_webhook_parse_signatures(&scheme->signature, value, all, request->timestamp);
		if (trouble != NULL)
			fault(request, trouble);
	}
}

/* Both sides of the window. */
static void
check_time(WebhookRequest *request)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	TimestampTz signed_at;
	int64		microseconds;

	if (scheme->timestamp_header == NULL && scheme->timestamp_path == NULL &&
		scheme->signature.timestamp_param == NULL)
		return;
	if (!paysafe_webhook_parse_time(request->timestamp, scheme->time_form, &microseconds) ||
		(scheme->template.exact_time && strlen(request->timestamp) != 10))
	{
		fault(request, "timestamp_malformed");
		return;
	}
	signed_at = microseconds -
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) USECS_PER_DAY;
	if (request->at > signed_at + request->endpoint->tolerance)
		fault(request, "timestamp_old");
	else if (request->at < signed_at - request->endpoint->tolerance)
		fault(request, "timestamp_future");
}

/* Signatures */

/* The HMAC that one of the signatures must be; false if the scheme has none. */
static bool
make_mac(const WebhookScheme *scheme, const WebhookKey *key, const StringInfoData *bytes, uint8 *mac)
{
	PaysafeHash hash = PAYSAFE_SHA256;

	switch (scheme->signature.algorithm)
	{
		case WEBHOOK_HMAC_SHA1:
			hash = PAYSAFE_SHA1;
			break;
		case WEBHOOK_HMAC_SHA512:
			hash = PAYSAFE_SHA512;
			break;
		case WEBHOOK_HMAC_SHA256:
		case WEBHOOK_JWT_HS256:
			break;
		default:
			return false;
	}
	paysafe_crypto_hmac(hash, key->secret, key->len, bytes->data, bytes->len, mac);
	return true;
}

static bool
fits(const WebhookScheme *scheme, const WebhookKey *key, const StringInfoData *bytes,
	 const WebhookSignature *signature)
{
	switch (scheme->signature.algorithm)
	{
		case WEBHOOK_ED25519:
			return paysafe_crypto_ed25519_verify(key->secret, bytes->data, bytes->len,
												 signature->bytes);
		case WEBHOOK_RSA_SHA256:
		case WEBHOOK_JWT_RS256:
			return paysafe_crypto_rsa_verify((const char *) key->secret, key->len,
											 bytes->data, bytes->len,
											 signature->bytes, signature->len);
		case WEBHOOK_ECDSA_SHA256:
		case WEBHOOK_JWT_ES256:
			return paysafe_crypto_p256_verify(key->secret, bytes->data, bytes->len,
											  signature->bytes, signature->len,
											  scheme->signature.algorithm == WEBHOOK_JWT_ES256);
		default:
			return false;
	}
}

/* It counts at the time of the request. */
static bool
is_live(const WebhookRequest *request, const WebhookKey *key)
{
	return key->not_after > request->at && key->not_before <= request->at;
}

static void
judge(WebhookRequest *request)
{
	if (request->key == 0)
		fault(request, request->endpoint->nkeys == 0 ? "no_key" : "signature_wrong");
}

/* Does one of the signatures fit one of the live keys? */
static void
try_keys(WebhookRequest *request, const WebhookSignatures *all)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const WebhookScheme *scheme = endpoint->scheme;

	for (int k = 0; k < endpoint->nkeys; k++)
	{
		const WebhookKey *key = &endpoint->keys[k];
		uint8		mac[PAYSAFE_HASH_MAX] = {0};
		bool		is_mac;
		bool		one = false;

		if (!is_live(request, key))
			continue;
		is_mac = make_mac(scheme, key, &request->signed_bytes, mac);
		for (int s = 0; s < all->n; s++)
			one |= is_mac ? paysafe_crypto_equal(mac, all->list[s].bytes, all->list[s].len) :
				fits(scheme, key, &request->signed_bytes, &all->list[s]);
		/* the newest of those that fit: they come in this order */
		if (one && request->key == 0)
			request->key = key->number;
	}
	judge(request);
}

/* Is the header the secret itself?  Hashes are compared: neither content nor length shows. */
static void
verify_token(WebhookRequest *request)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	char	   *given = paysafe_webhook_header(request, endpoint->scheme->signature_header);
	size_t		prefix = endpoint->scheme->signature.prefix ? strlen(endpoint->scheme->signature.prefix) : 0;
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (given == NULL)
		return;
	if (strlen(given) <= prefix || (prefix > 0 && strncmp(given, endpoint->scheme->signature.prefix, prefix) != 0))
	{
		fault(request, "signature_malformed");
		return;
	}
	paysafe_crypto_sha256(given + prefix, strlen(given + prefix), digest);
	for (int k = 0; k < endpoint->nkeys; k++)
	{
		const WebhookKey *key = &endpoint->keys[k];
		uint8		wanted[PAYSAFE_SHA256_LEN];

		if (!is_live(request, key))
			continue;
		paysafe_crypto_sha256(key->secret, key->len, wanted);
		if (paysafe_crypto_equal(wanted, digest, sizeof(wanted)) && request->key == 0)
			request->key = key->number;
	}
	judge(request);
	/* what the event is known by */
	appendBinaryStringInfo(&request->signed_bytes, request->body, (int) request->bodylen);
}

/* Where the token stands: in a header, in the body, or it is the body; NULL if nowhere. */
static const char *
find_jwt(WebhookRequest *request, size_t *len)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	const char *token;

	if (scheme->signature_body)
	{
		*len = request->bodylen;
		return request->body;
	}
	if (scheme->signature_header != NULL)
	{
		token = paysafe_webhook_header(request, scheme->signature_header);
		*len = token ? strlen(token) : 0;
		return token;
	}
	/* a string without escapes: it has none of the characters that need them */
	if (!paysafe_json_locate(request->body, request->bodylen, scheme->signature_path, &token, len) ||
		*len < 2 || token[0] != '"')
		return NULL;
	*len -= 2;
	return token + 1;
}

/* The payload has the hash of the body: 64 hexadecimal digits. */
static bool
has_hash(const WebhookRequest *request, const char *payload, size_t len, const char *path)
{
	char		text[2 * PAYSAFE_SHA256_LEN + 1];
	uint8		said[PAYSAFE_SHA256_LEN];
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (paysafe_json_find(payload, len, path, text, sizeof(text), NULL) != 2 * PAYSAFE_SHA256_LEN ||
		paysafe_decode_hex(text, 2 * PAYSAFE_SHA256_LEN, said) != PAYSAFE_SHA256_LEN)
		return false;
	paysafe_crypto_sha256(request->body, request->bodylen, digest);
	return paysafe_crypto_equal(said, digest, sizeof(digest));
}

static void
verify_jwt(WebhookRequest *request, WebhookSignatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	char	   *payload;
	size_t		len;
	const char *token = find_jwt(request, &len);

	if (token == NULL || !paysafe_webhook_jwt_read(request, token, len, all, &payload, &len))
	{
		fault(request, "signature_malformed");
		return;
	}
	try_keys(request, all);
	if (scheme->hash_path != NULL && !has_hash(request, payload, len, scheme->hash_path))
		fault(request, "signature_wrong");
	if (scheme->timestamp_path != NULL &&
		paysafe_json_find(payload, len, scheme->timestamp_path, request->timestamp,
						  sizeof(request->timestamp), NULL) < 0)
		fault(request, "timestamp_malformed");
	/* without a hash the payload is the event */
	if (scheme->hash_path == NULL)
	{
		request->event = payload;
		request->eventlen = len;
	}
}

/* A list whose one item is signed, and carries the signature. */
static void
verify_item(WebhookRequest *request, WebhookSignatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	const char *items;
	const char *item;
	const char *second;
	size_t		itemslen;
	size_t		itemlen;
	size_t		len;
	char		text[MAX_SIGNATURE_TEXT];
	int			n;

	if (!paysafe_json_locate(request->body, request->bodylen, scheme->items_path, &items, &itemslen) ||
		!paysafe_json_locate(items, itemslen, "/0", &item, &itemlen))
		fault(request, "signature_malformed");
	else if (paysafe_json_locate(items, itemslen, "/1", &second, &len))
		fault(request, "too_many_items");
	else if ((n = paysafe_json_find(item, itemlen, scheme->signature_path, text, sizeof(text), NULL)) <= 0 ||
			 !paysafe_webhook_parse_signature(&scheme->signature, text, n, all) ||
			 !paysafe_webhook_signed_bytes(request, item, itemlen))
		fault(request, "signature_malformed");
	else
		try_keys(request, all);
}

/* A form that has the signature in one of its fields. */
static void
verify_form(WebhookRequest *request, WebhookSignatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	StringInfoData text;

	initStringInfo(&text);
	if (!paysafe_webhook_form_field(&text, request->body, request->bodylen, scheme->signature_field) ||
		strlen(text.data) != (size_t) text.len || text.len > WEBHOOK_MAX_HEADER ||
		paysafe_webhook_parse_signatures(&scheme->signature, text.data, all, request->timestamp) != NULL ||
		!paysafe_webhook_signed_bytes(request, request->body, request->bodylen))
		fault(request, "signature_malformed");
	else
		try_keys(request, all);
}

static void
verify(WebhookRequest *request, WebhookSignatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;

	if (scheme->signature.algorithm == WEBHOOK_TOKEN)
		verify_token(request);
	else if (scheme->template.nparts == 0)
		verify_jwt(request, all);
	else if (scheme->items_path != NULL)
		verify_item(request, all);
	else if (scheme->signature_field != NULL)
		verify_form(request, all);
	else if (!paysafe_webhook_signed_bytes(request, request->body, request->bodylen))
		fault(request, "signature_malformed");
	else
		try_keys(request, all);
}

/* Events */

/* A string or number of the body; false if it is there and of no use. */
static bool
read_value(WebhookRequest *request, const char *path, char *out)
{
	if (paysafe_json_find(request->event, request->eventlen, path, out, WEBHOOK_MAX_ID + 1, NULL) >= 0)
		return is_visible(out);
	out[0] = '\0';
	return paysafe_json_is_absent(request->event, request->eventlen, path);
}

/* The event's id and type, and whether it is one of those that are wanted. */
static void
read_event(WebhookRequest *request)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const WebhookScheme *scheme = endpoint->scheme;
	char	   *type;

	if (scheme->id_path != NULL && !read_value(request, scheme->id_path, request->id))
		fault(request, "event_id_malformed");
	if (scheme->id_path != NULL && request->id[0] == '\0' && !scheme->id_optional)
		fault(request, "event_id_missing");
	if (scheme->type_header != NULL && (type = paysafe_webhook_header(request, scheme->type_header)) != NULL)
	{
		if (strlen(type) > WEBHOOK_MAX_ID || !is_visible(type))
			fault(request, "event_type_malformed");
		strlcpy(request->type, type, sizeof(request->type));
	}
	if (scheme->type_path != NULL && !read_value(request, scheme->type_path, request->type))
		fault(request, "event_type_malformed");
	request->wanted = endpoint->event_types == NULL;
	for (int i = 0; i < endpoint->nevent_types && !request->wanted; i++)
		request->wanted = strcmp(endpoint->event_types[i], request->type) == 0;
}

/* As much work as for a signature that is wrong. */
static void
spend(const char *body, size_t len)
{
	uint8		mac[PAYSAFE_SHA256_LEN];

	paysafe_crypto_hmac_sha256((const uint8 *) "none", 4, body, len, mac);
}

void
paysafe_webhook_check(WebhookRequest *request)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const WebhookScheme *scheme = endpoint->scheme;
	static WebhookSignatures all;	/* large, and of no use after */
	const char *trouble;

	request->reason = NULL;
	request->key = 0;
	request->wanted = false;
	request->event = request->body;
	request->eventlen = request->bodylen;
	request->timestamp[0] = request->id[0] = request->type[0] = '\0';
	initStringInfo(&request->signed_bytes);
	if (endpoint->version == 0)
	{
		spend(request->body, Min(request->bodylen, 1024 * 1024));
		fault(request, "unknown_endpoint");
		return;
	}
	if (request->bodylen > (size_t) endpoint->max_bytes)
	{
		fault(request, "body_too_large");
		return;
	}
	if (scheme->json &&
		(trouble = paysafe_json_check(request->body, request->bodylen, endpoint->max_depth,
									  endpoint->any_text,
									  pg_prng_uint64(&pg_global_prng_state))) != NULL)
	{
		fault(request, trouble);
		return;
	}
	all.n = 0;
	read_headers(request, &all);
	if (request->reason == NULL)
		verify(request, &all);
	/* what is not genuine has neither a time nor an event */
	if (request->reason == NULL)
		check_time(request);
	if (request->reason == NULL)
		read_event(request);
}
