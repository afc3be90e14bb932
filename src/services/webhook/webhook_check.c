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
#include "utils/pg_crc.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "compat.h"
#include "services/webhook/json_check.h"
#include "services/webhook/webhook.h"

#define MAX_SIGNATURE_TEXT	2048

static void
fault(WebhookRequest *request, const char *reason)
{
	if (request->reason == NULL)
		request->reason = reason;
}

static bool
is_visible(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

/* Headers */

/*
 * A header's value, which must be there once and be printable ASCII without blanks
 * around it; palloc'd.  NULL and a fault otherwise.
 */
static char *
header(WebhookRequest *request, const char *wanted)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *found = NULL;
	size_t		len;
	int			n = 0;
	bool		taken = false;	/* what comes is the header's */

	if (request->headers == NULL || !JB_ROOT_IS_OBJECT(request->headers))
	{
		fault(request, "headers_malformed");
		return NULL;
	}
	it = JsonbIteratorInit((JsonbContainer *) &request->headers->root);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			taken = value.val.string.len == (int) strlen(wanted) &&
				pg_strncasecmp(value.val.string.val, wanted, value.val.string.len) == 0;
		else if ((token == WJB_VALUE || token == WJB_ELEM) && taken)
		{
			n++;
			found = value.type == jbvString && value.val.string.len <= WEBHOOK_MAX_HEADER ?
				pnstrdup(value.val.string.val, value.val.string.len) : "";
		}
		else if (token == WJB_BEGIN_OBJECT && taken)
			n = 2;				/* no header has parts with names */
	}
	if (n != 1)
	{
		fault(request, n == 0 ? "header_missing" : "header_duplicate");
		return NULL;
	}
	len = strlen(found);
	for (size_t i = 0; i < len; i++)
		if (found[i] < ' ' || found[i] > '~')
			len = 0;
	if (len == 0 || found[0] == ' ' || found[len - 1] == ' ')
	{
		fault(request, "header_malformed");
		return NULL;
	}
	return found;
}

/* The event's id and time, where they stand in headers, before what is signed. */
static void
read_headers(WebhookRequest *request, WebhookSignatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	const char *trouble;
	char	   *value;

	if (scheme->id_header != NULL && (value = header(request, scheme->id_header)) != NULL)
	{
		/* the characters that join what is signed must not be in it */
		if (strlen(value) > WEBHOOK_MAX_ID || !is_visible(value) ||
			(scheme->id_signed && strpbrk(value, scheme->joiners) != NULL))
			fault(request, "event_id_malformed");
		strlcpy(request->id, value, sizeof(request->id));
	}
	if (scheme->timestamp_header != NULL && (value = header(request, scheme->timestamp_header)) != NULL)
	{
		if (strlen(value) >= WEBHOOK_MAX_TIMESTAMP)
			fault(request, "timestamp_malformed");
		strlcpy(request->timestamp, value, sizeof(request->timestamp));
	}
	if (scheme->signature_header != NULL && (value = header(request, scheme->signature_header)) != NULL)
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
	int64		seconds;

	if (scheme->timestamp_header == NULL && scheme->signature.timestamp_param == NULL)
		return;
	if (!paysafe_webhook_parse_time(request->timestamp, scheme->rfc3339, &seconds))
	{
		fault(request, "timestamp_malformed");
		return;
	}
	signed_at = time_t_to_timestamptz((pg_time_t) seconds);
	if (request->at > signed_at + request->endpoint->tolerance)
		fault(request, "timestamp_old");
	else if (request->at < signed_at - request->endpoint->tolerance)
		fault(request, "timestamp_future");
}

/* Signatures */

/* The CRC-32 that zlib has, as decimal digits. */
static void
append_crc32(StringInfo out, const char *data, size_t len)
{
	pg_crc32	crc;

	INIT_TRADITIONAL_CRC32(crc);
	COMP_TRADITIONAL_CRC32(crc, data, len);
	FIN_TRADITIONAL_CRC32(crc);
	appendStringInfo(out, "%u", crc);
}

/*
 * A value of the item, as part of what is signed; one that is not there, or null, is
 * empty.  False if it could be joined with its neighbours otherwise: it contains
 * what joins them, and is not the only one that may (PATH*).
 */
static bool
append_value(StringInfo out, const WebhookScheme *scheme, const char *item, size_t itemlen,
			 char *path)
{
	char		part[WEBHOOK_MAX_ID + 1];
	size_t		len = strlen(path);
	bool		any = path[len - 1] == '*';
	int			n;

	if (any)
		path[len - 1] = '\0';
	n = paysafe_json_find(item, itemlen, path, part, sizeof(part), NULL);
	if (n < 0)
		return paysafe_json_is_absent(item, itemlen, path);
	appendBinaryStringInfo(out, part, n);
	return any || strpbrk(part, scheme->joiners) == NULL;
}

/* The bytes that are signed.  Paths are looked up in the item. */
static bool
make_signed_bytes(WebhookRequest *request, const char *item, size_t itemlen)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	StringInfo	out = &request->signed_bytes;

	resetStringInfo(out);
	for (const char *c = scheme->signed_bytes; *c != '\0'; c++)
	{
		const char *end;
		char		name[128];

		if (*c != '{')
		{
			appendStringInfoChar(out, *c);
			continue;
		}
		end = strchr(c, '}');
		strlcpy(name, c + 1, Min((size_t) (end - c), sizeof(name)));
		c = end;
		if (strcmp(name, "body") == 0)
			appendBinaryStringInfo(out, request->body, (int) request->bodylen);
		else if (strcmp(name, "timestamp") == 0)
			appendStringInfoString(out, request->timestamp);
		else if (strcmp(name, "id") == 0)
			appendStringInfoString(out, request->id);
		else if (strcmp(name, "binding") == 0)
			appendStringInfoString(out, request->endpoint->binding);
		else if (strcmp(name, "crc32") == 0)
			append_crc32(out, request->body, request->bodylen);
		else if (!append_value(out, scheme, item, itemlen, name))
			return false;
	}
	return true;
}

static bool
fits(const WebhookEndpoint *endpoint, const WebhookKey *key, const uint8 *mac,
	 const StringInfoData *bytes, const WebhookSignature *signature)
{
	switch (endpoint->scheme->signature.algorithm)
	{
		case WEBHOOK_HMAC_SHA256:
			return paysafe_crypto_equal(mac, signature->bytes, PAYSAFE_SHA256_LEN);
		case WEBHOOK_ED25519:
			return paysafe_crypto_ed25519_verify(key->secret, bytes->data, bytes->len,
												 signature->bytes);
		case WEBHOOK_RSA_SHA256:
			return paysafe_crypto_certificate_verify((const char *) key->secret, key->len,
													 bytes->data, bytes->len,
													 signature->bytes, signature->len);
	}
	return false;
}

/* Does one of the signatures fit one of the live keys? */
static void
try_keys(WebhookRequest *request, const WebhookSignatures *all)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const StringInfoData *bytes = &request->signed_bytes;

	for (int k = 0; k < endpoint->nkeys; k++)
	{
		const WebhookKey *key = &endpoint->keys[k];
		uint8		mac[PAYSAFE_SHA256_LEN] = {0};
		bool		one = false;

		if (key->not_after <= request->at || key->not_before > request->at)
			continue;
		if (endpoint->scheme->signature.algorithm == WEBHOOK_HMAC_SHA256)
			paysafe_crypto_hmac_sha256(key->secret, key->len, bytes->data, bytes->len, mac);
		for (int s = 0; s < all->n; s++)
			one |= fits(endpoint, key, mac, bytes, &all->list[s]);
		/* the newest of those that fit: they come in this order */
		if (one && request->key == 0)
			request->key = key->number;
	}
	if (request->key == 0)
		fault(request, endpoint->nkeys == 0 ? "no_key" : "signature_wrong");
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
			 !make_signed_bytes(request, item, itemlen))
		fault(request, "signature_malformed");
	else
		try_keys(request, all);
}

/* Events */

/* A string or number of the body; false if it is there and of no use. */
static bool
read_value(WebhookRequest *request, const char *path, char *out)
{
	if (paysafe_json_find(request->body, request->bodylen, path, out, WEBHOOK_MAX_ID + 1, NULL) >= 0)
		return is_visible(out);
	out[0] = '\0';
	return paysafe_json_is_absent(request->body, request->bodylen, path);
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
	if (scheme->type_header != NULL && (type = header(request, scheme->type_header)) != NULL)
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
									  pg_prng_uint64(&pg_global_prng_state))) != NULL)
	{
		fault(request, trouble);
		return;
	}
	all.n = 0;
	read_headers(request, &all);
	if (request->reason != NULL)
		return;
	if (scheme->items_path != NULL)
		verify_item(request, &all);
	else if (!make_signed_bytes(request, request->body, request->bodylen))
		fault(request, "signature_malformed");
	else
		try_keys(request, &all);
	/* what is not genuine has neither a time nor an event */
	if (request->reason == NULL)
		check_time(request);
	if (request->reason == NULL)
		read_event(request);
}
