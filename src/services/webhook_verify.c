/*-------------------------------------------------------------------------
 *
 * webhook_verify.c
 *	  Is a request what its sender signed?
 *
 * Schemes are data: where the signature, the time and the ids stand, what is
 * signed, in which form.  The grammar is strict: what two readers might read
 * differently is refused, and what is signed is exactly the bytes that came.
 * Nothing raises an error for what is in a request; each fault has a reason.
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

#include "core/encode.h"
#include "core/spec.h"
#include "services/json_check.h"
#include "services/webhook.h"

#define MIN_SECRET		16		/* bytes; 24 are the standard's, some providers' are shorter */
#define MAX_SECRET		8192
#define MAX_ITEMS		1000
#define MAX_SIGNATURE	1024	/* bytes; RSA of 8192 bits */

/* Schemes */

static WebhookEncoding
encoding_of(const Jsonb *definition, const char *field)
{
	char	   *name = paysafe_spec_text(definition, field);

	if (strcmp(name, "utf8") == 0 && strcmp(field, "key_encoding") == 0)
		return WEBHOOK_UTF8;
	if (strcmp(name, "hex") == 0)
		return WEBHOOK_HEX;
	if (strcmp(name, "base64") == 0)
		return WEBHOOK_BASE64;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no value of \"%s\" in a webhook scheme", name, field)));
	return WEBHOOK_UTF8;
}

static char *
path_of(const Jsonb *definition, const char *field)
{
	char	   *path = paysafe_spec_optional_text(definition, field);

	if (path != NULL && path[0] != '/')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a webhook scheme must be a path such as \"/data/id\"", field)));
	return path;
}

/* The words that may stand between braces in "signed". */
static bool
is_placeholder(const char *name, size_t len)
{
	static const char *const words[] = {"id", "timestamp", "body", "url", "crc32", "webhook_id"};

	for (int i = 0; i < lengthof(words); i++)
		if (strlen(words[i]) == len && strncmp(words[i], name, len) == 0)
			return true;
	return len > 1 && name[0] == '/';
}

static void
check_template(const char *template)
{
	for (const char *c = template; *c != '\0'; c++)
	{
		const char *end = *c == '{' ? strchr(c, '}') : NULL;

		if (*c == '{' && (end == NULL || !is_placeholder(c + 1, end - c - 1)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"signed\" in a webhook scheme has an unknown placeholder"),
					 errhint("Known are {id}, {timestamp}, {body}, {url}, {crc32}, {webhook_id} and paths such as {/data/id}.")));
	}
}

WebhookScheme *
paysafe_webhook_scheme_compile(const Jsonb *definition)
{
	static const char *const fields[] = {
		"algorithm", "key_encoding", "key_prefix", "signature_header", "signature_path",
		"signature_param", "signature_list", "signature_prefix", "signature_encoding",
		"timestamp_header", "timestamp_param", "id_header", "id_path", "id_signed",
		"type_header", "type_path", "items_path", "signed", "json"
	};
	WebhookScheme *scheme = palloc0(sizeof(WebhookScheme));
	char	   *algorithm;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(definition))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a webhook scheme is an object")));
	it = JsonbIteratorInit(&((Jsonb *) definition)->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < lengthof(fields); i++)
			known = known || (strlen(fields[i]) == value.val.string.len &&
							  strncmp(fields[i], value.val.string.val, value.val.string.len) == 0);
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is no part of a webhook scheme",
							pnstrdup(value.val.string.val, value.val.string.len))));
	}
	algorithm = paysafe_spec_text(definition, "algorithm");
	if (strcmp(algorithm, "hmac-sha256") == 0)
		scheme->algorithm = WEBHOOK_HMAC_SHA256;
	else if (strcmp(algorithm, "ed25519") == 0)
		scheme->algorithm = WEBHOOK_ED25519;
	else if (strcmp(algorithm, "rsa-sha256") == 0)
		scheme->algorithm = WEBHOOK_RSA_SHA256;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no value of \"%s\" in a webhook scheme", algorithm, "algorithm")));
	if (scheme->algorithm != WEBHOOK_RSA_SHA256)
		scheme->key_encoding = encoding_of(definition, "key_encoding");
	scheme->signature_encoding = encoding_of(definition, "signature_encoding");
	scheme->key_prefix = paysafe_spec_optional_text(definition, "key_prefix");
	scheme->signature_header = paysafe_spec_optional_text(definition, "signature_header");
	scheme->signature_path = path_of(definition, "signature_path");
	scheme->signature_param = paysafe_spec_optional_text(definition, "signature_param");
	scheme->signature_list = paysafe_spec_bool(definition, "signature_list");
	scheme->signature_prefix = paysafe_spec_optional_text(definition, "signature_prefix");
	scheme->timestamp_header = paysafe_spec_optional_text(definition, "timestamp_header");
	scheme->timestamp_param = paysafe_spec_optional_text(definition, "timestamp_param");
	scheme->id_header = paysafe_spec_optional_text(definition, "id_header");
	scheme->id_path = path_of(definition, "id_path");
	scheme->id_signed = paysafe_spec_bool(definition, "id_signed");
	scheme->type_header = paysafe_spec_optional_text(definition, "type_header");
	scheme->type_path = path_of(definition, "type_path");
	scheme->items_path = path_of(definition, "items_path");
	scheme->signed_bytes = paysafe_spec_text(definition, "signed");
	scheme->json = paysafe_spec_bool(definition, "json");
	check_template(scheme->signed_bytes);
	if ((scheme->signature_header == NULL) == (scheme->signature_path == NULL) ||
		(scheme->timestamp_param != NULL && scheme->signature_param == NULL) ||
		((scheme->id_path || scheme->type_path || scheme->items_path || scheme->signature_path) &&
		 !scheme->json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the webhook scheme contradicts itself"),
				 errdetail("The signature stands in a header or at a path; paths need \"json\"; a parameter for the time needs one for the signature.")));
	/* a time that is not signed is no time: whoever replays would set it anew */
	if ((scheme->timestamp_header || scheme->timestamp_param) &&
		strstr(scheme->signed_bytes, "{timestamp}") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the webhook scheme reads a time that it does not sign"),
				 errhint("\"signed\" must contain {timestamp}.")));
	if (strstr(scheme->signed_bytes, "{body}") == NULL && scheme->items_path == NULL &&
		strstr(scheme->signed_bytes, "{crc32}") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the webhook scheme does not sign the body")));
	if (scheme->id_signed && strstr(scheme->signed_bytes, "{id}") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the webhook scheme says that the id is signed, and does not sign it")));
	return scheme;
}

uint8 *
paysafe_webhook_key_decode(const WebhookScheme *scheme, const char *secret, size_t *len,
						   TimestampTz *not_before, TimestampTz *not_after)
{
	uint8	   *key = palloc(MAX_SECRET);
	const char *text = secret;
	int			n = -1;

	*not_before = DT_NOBEGIN;
	*not_after = DT_NOEND;
	if (strlen(secret) > MAX_SECRET)
		n = -1;
	else if (scheme->algorithm == WEBHOOK_RSA_SHA256)
	{
		int64		from;
		int64		until;

		if (!paysafe_crypto_certificate_read(secret, strlen(secret), &from, &until))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the key of this webhook scheme is a certificate in PEM, with an RSA key of at least 2048 bits")));
		*not_before = time_t_to_timestamptz(from);
		*not_after = time_t_to_timestamptz(until);
		n = (int) strlen(secret);
		memcpy(key, secret, n);
	}
	else
	{
		if (scheme->key_prefix != NULL &&
			strncmp(text, scheme->key_prefix, strlen(scheme->key_prefix)) == 0)
			text += strlen(scheme->key_prefix);
		switch (scheme->key_encoding)
		{
			case WEBHOOK_UTF8:
				/* a prefix is part of such a key */
				n = (int) strlen(secret);
				memcpy(key, secret, n);
				break;
			case WEBHOOK_HEX:
				n = paysafe_decode_hex(text, strlen(text), key);
				break;
			case WEBHOOK_BASE64:
				n = paysafe_decode_base64(text, strlen(text), PAYSAFE_BASE64, key);
				if (n < 0)
					n = paysafe_decode_base64(text, strlen(text), PAYSAFE_BASE64_UNPADDED, key);
				break;
		}
		if (scheme->algorithm == WEBHOOK_ED25519 && n != PAYSAFE_ED25519_KEY_LEN)
			n = -1;
	}
	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key does not have the form that its webhook scheme asks for")));
	if (n < MIN_SECRET)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is too short: a webhook's secret has at least %d bytes", MIN_SECRET)));
	*len = n;
	return key;
}

/* Requests */

static void
fault(WebhookRequest *request, const char *reason)
{
	if (request->reason == NULL)
		request->reason = reason;
}

static bool
same_name(const char *name, int len, const char *wanted)
{
	return (int) strlen(wanted) == len && pg_strncasecmp(name, wanted, len) == 0;
}

/*
 * A header's value, which must be there once and be visible ASCII and blanks
 * inside; palloc'd.  NULL and a fault otherwise.
 */
static char *
header(WebhookRequest *request, const char *wanted)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *found = NULL;
	int			n = 0;
	bool		taken = false;	/* the value that comes is the header's */

	if (!JB_ROOT_IS_OBJECT(request->headers))
	{
		fault(request, "headers");
		return NULL;
	}
	it = JsonbIteratorInit(&request->headers->root);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			taken = same_name(value.val.string.val, value.val.string.len, wanted);
		else if ((token == WJB_VALUE || token == WJB_ELEM) && taken)
		{
			n++;
			if (value.type == jbvString && value.val.string.len <= WEBHOOK_MAX_HEADER)
				found = pnstrdup(value.val.string.val, value.val.string.len);
			else
				found = "";
		}
		else if (token == WJB_BEGIN_OBJECT && taken)
			n = 2;				/* no header has parts with names */
	}
	if (n == 0)
		fault(request, "header_missing");
	else if (n > 1)
		fault(request, "header_duplicate");
	else
	{
		size_t		len = strlen(found);
		bool		good = len > 0 && found[0] != ' ' && found[len - 1] != ' ';

		for (size_t i = 0; i < len; i++)
			good = good && found[i] >= ' ' && found[i] < 127;
		if (good)
			return found;
		fault(request, "header_malformed");
	}
	return NULL;
}

/* A signature as it came. */
typedef struct Signature
{
	uint8		bytes[MAX_SIGNATURE];
	size_t		len;
} Signature;

typedef struct Signatures
{
	int			n;
	Signature	list[WEBHOOK_MAX_SIGNATURES];
} Signatures;

/* Add one; false if it is not in the scheme's form. */
static bool
add_signature(const WebhookScheme *scheme, Signatures *all, const char *text, size_t len)
{
	Signature  *signature = &all->list[all->n];
	size_t		prefix = scheme->signature_prefix ? strlen(scheme->signature_prefix) : 0;
	int			n;

	if (len < prefix || (prefix > 0 && strncmp(text, scheme->signature_prefix, prefix) != 0) ||
		all->n == WEBHOOK_MAX_SIGNATURES || (len - prefix) / 4 * 3 > MAX_SIGNATURE - 3)
		return false;
	text += prefix;
	len -= prefix;
	n = scheme->signature_encoding == WEBHOOK_HEX ?
		paysafe_decode_hex(text, len, signature->bytes) :
		paysafe_decode_base64(text, len, PAYSAFE_BASE64, signature->bytes);
	if (n <= 0 || (scheme->algorithm == WEBHOOK_HMAC_SHA256 && n != PAYSAFE_SHA256_LEN) ||
		(scheme->algorithm == WEBHOOK_ED25519 && n != PAYSAFE_ED25519_SIGNATURE_LEN))
		return false;
	signature->len = n;
	all->n++;
	return true;
}

/* "t=1,v1=ab,v1=cd,v0=..": the time and the signatures of our version. */
static void
read_params(WebhookRequest *request, const char *value, Signatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	int			times = 0;

	for (const char *part = value; part != NULL;)
	{
		size_t		len = strcspn(part, ",");
		const char *equals = memchr(part, '=', len);
		size_t		name = equals ? equals - part : 0;

		if (name == 0)
		{
			fault(request, "signature_malformed");
			return;
		}
		if (scheme->timestamp_param != NULL && same_name(part, (int) name, scheme->timestamp_param))
		{
			if (len - name - 1 >= sizeof(request->timestamp) || times++ > 0)
			{
				fault(request, "timestamp_malformed");
				return;
			}
			memcpy(request->timestamp, equals + 1, len - name - 1);
			request->timestamp[len - name - 1] = '\0';
		}
		else if (same_name(part, (int) name, scheme->signature_param) &&
				 !add_signature(scheme, all, equals + 1, len - name - 1))
		{
			fault(request, "signature_malformed");
			return;
		}
		part = part[len] == ',' ? part + len + 1 : NULL;
	}
	if (scheme->timestamp_param != NULL && times == 0)
		fault(request, "timestamp_malformed");
}

static void
read_signatures(WebhookRequest *request, const char *value, Signatures *all)
{
	const WebhookScheme *scheme = request->endpoint->scheme;

	if (scheme->signature_param != NULL)
		read_params(request, value, all);
	else if (scheme->signature_list)
		for (const char *part = value; part != NULL;)
		{
			size_t		len = strcspn(part, " ");
			size_t		prefix = strlen(scheme->signature_prefix ? scheme->signature_prefix : "");

			/* entries of other versions are none of ours */
			if (len == 0 || (len >= prefix && strncmp(part, scheme->signature_prefix ? scheme->signature_prefix : "", prefix) == 0 &&
							 !add_signature(scheme, all, part, len)))
			{
				fault(request, "signature_malformed");
				return;
			}
			part = part[len] == ' ' ? part + len + 1 : NULL;
		}
	else if (!add_signature(scheme, all, value, strlen(value)))
		fault(request, "signature_malformed");
	if (all->n == 0)
		fault(request, "signature_malformed");
}

/* Seconds since 1970, in the one form that a number has; both sides of the window. */
static void
check_time(WebhookRequest *request)
{
	const char *text = request->timestamp;
	int64		seconds;
	TimestampTz signed_at;

	if (strlen(text) > 10 || text[0] == '0' || !paysafe_decode_decimal(text, strlen(text), &seconds))
	{
		fault(request, "timestamp_malformed");
		return;
	}
	signed_at = time_t_to_timestamptz((pg_time_t) seconds);
	if (request->at - signed_at > request->endpoint->tolerance)
		fault(request, "timestamp_old");
	else if (signed_at - request->at > request->endpoint->tolerance)
		fault(request, "timestamp_future");
}

/* The CRC-32 that zlib has, as decimal digits. */
static char *
crc32_text(const char *data, size_t len)
{
	pg_crc32	crc;

	INIT_TRADITIONAL_CRC32(crc);
	COMP_TRADITIONAL_CRC32(crc, data, len);
	FIN_TRADITIONAL_CRC32(crc);
	return psprintf("%u", crc);
}

/*
 * The bytes that are signed.  Paths are looked up in the item.  False if the parts
 * that it joins could be joined otherwise, or are not there.
 */
static bool
signed_bytes(WebhookRequest *request, const char *item, size_t itemlen, StringInfo out)
{
	const WebhookScheme *scheme = request->endpoint->scheme;

	resetStringInfo(out);
	for (const char *c = scheme->signed_bytes; *c != '\0'; c++)
	{
		const char *end;
		char		name[128];
		char		part[WEBHOOK_MAX_ID + 1];
		int			n;

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
		else if (strcmp(name, "url") == 0 || strcmp(name, "webhook_id") == 0)
			appendStringInfoString(out, request->endpoint->url ? request->endpoint->url : "");
		else if (strcmp(name, "crc32") == 0)
			appendStringInfoString(out, crc32_text(request->body, request->bodylen));
		else
		{
			const char *located;
			size_t		locatedlen;

			n = paysafe_json_find(item, itemlen, name, part, sizeof(part), NULL);
			/* a value that is not there, or null, is empty */
			if (n < 0 && paysafe_json_locate(item, itemlen, name, &located, &locatedlen) &&
				!(locatedlen == 4 && strncmp(located, "null", 4) == 0))
				return false;
			if (n > 0 && memchr(part, ':', n) != NULL)
				return false;
			if (n > 0)
				appendBinaryStringInfo(out, part, n);
		}
	}
	return true;
}

/* Does one of the signatures fit one of the live keys? */
static void
try_keys(WebhookRequest *request, const Signatures *all, const StringInfoData *bytes)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	int			fits = 0;

	for (int k = 0; k < endpoint->nkeys; k++)
	{
		const WebhookKey *key = &endpoint->keys[k];
		uint8		mac[PAYSAFE_SHA256_LEN];
		bool		one = false;

		if (key->not_after <= request->at || key->not_before > request->at)
			continue;
		if (endpoint->scheme->algorithm == WEBHOOK_HMAC_SHA256)
			paysafe_crypto_hmac_sha256(key->secret, key->len, bytes->data, bytes->len, mac);
		for (int s = 0; s < all->n; s++)
		{
			const Signature *signature = &all->list[s];
			bool		same = false;

			switch (endpoint->scheme->algorithm)
			{
				case WEBHOOK_HMAC_SHA256:
					same = paysafe_crypto_equal(mac, signature->bytes, sizeof(mac));
					break;
				case WEBHOOK_ED25519:
					same = paysafe_crypto_ed25519_verify(key->secret, bytes->data, bytes->len,
														 signature->bytes);
					break;
				case WEBHOOK_RSA_SHA256:
					same = paysafe_crypto_certificate_verify((const char *) key->secret, key->len,
															 bytes->data, bytes->len,
															 signature->bytes, signature->len);
					break;
			}
			one |= same;
		}
		if (one)
			fits = key->number;
	}
	/* items of a batch: all of them by one key */
	if (fits == 0 || (request->key != 0 && request->key != fits))
		fault(request, endpoint->nkeys == 0 ? "no_key" : "signature_wrong");
	request->key = fits;
}

/* A batch whose items are signed one by one: none may be without. */
static void
verify_items(WebhookRequest *request, StringInfo bytes)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	const char *items;
	size_t		itemslen;
	int			n;

	if (!paysafe_json_locate(request->body, request->bodylen, scheme->items_path, &items, &itemslen))
	{
		fault(request, "signature_malformed");
		return;
	}
	for (n = 0; request->reason == NULL; n++)
	{
		Signatures	all = {0};
		const char *item;
		size_t		itemlen;
		char		text[512];

		if (!paysafe_json_locate(items, itemslen, psprintf("/%d", n), &item, &itemlen))
			break;
		if (n == MAX_ITEMS)
			fault(request, "too_many_items");
		else if (paysafe_json_find(item, itemlen, scheme->signature_path, text, sizeof(text), NULL) <= 0 ||
				 !add_signature(scheme, &all, text, strlen(text)) ||
				 !signed_bytes(request, item, itemlen, bytes))
			fault(request, "signature_malformed");
		else
			try_keys(request, &all, bytes);
	}
	if (n == 0)
		fault(request, "signature_malformed");
}

/* The event's id and type, and whether it is one of those that are wanted. */
static void
read_event(WebhookRequest *request)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const WebhookScheme *scheme = endpoint->scheme;
	bool		wanted = endpoint->event_types == NULL;

	if (scheme->id_path != NULL &&
		paysafe_json_find(request->body, request->bodylen, scheme->id_path,
						  request->id, sizeof(request->id), NULL) <= 0)
	{
		request->id[0] = '\0';
		fault(request, "event_id_missing");
	}
	if (scheme->type_header != NULL)
	{
		char	   *type = header(request, scheme->type_header);

		strlcpy(request->type, type ? type : "", sizeof(request->type));
	}
	else if (scheme->type_path != NULL &&
			 paysafe_json_find(request->body, request->bodylen, scheme->type_path,
							   request->type, sizeof(request->type), NULL) < 0)
		request->type[0] = '\0';
	for (int i = 0; i < endpoint->nevent_types && !wanted; i++)
		wanted = strcmp(endpoint->event_types[i], request->type) == 0;
	if (!wanted)
		fault(request, "event_type");
}

void
paysafe_webhook_verify(WebhookRequest *request)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const WebhookScheme *scheme = endpoint->scheme;
	Signatures *all = palloc0(sizeof(Signatures));
	StringInfoData bytes;
	char	   *value;

	initStringInfo(&bytes);
	request->reason = NULL;
	request->key = 0;
	request->timestamp[0] = request->id[0] = request->type[0] = '\0';
	if (scheme == NULL)
	{
		/* as much work as for a signature that is wrong */
		uint8		mac[PAYSAFE_SHA256_LEN];

		paysafe_crypto_hmac_sha256((const uint8 *) "none", 4, request->body,
								   Min(request->bodylen, 1024 * 1024), mac);
		fault(request, "unknown_endpoint");
		return;
	}
	if (request->bodylen > endpoint->max_bytes)
	{
		fault(request, "body_too_large");
		return;
	}
	if (scheme->json)
	{
		const char *trouble = paysafe_json_check(request->body, request->bodylen, endpoint->max_depth,
												 pg_prng_uint64(&pg_global_prng_state));

		if (trouble != NULL)
		{
			fault(request, trouble);
			return;
		}
	}
	if (scheme->id_header != NULL && (value = header(request, scheme->id_header)) != NULL)
	{
		strlcpy(request->id, value, sizeof(request->id));
		/* the character that joins what is signed must not be in it */
		if (strlen(value) > WEBHOOK_MAX_ID || strpbrk(value, ". |") != NULL)
			fault(request, "event_id_malformed");
	}
	if (scheme->timestamp_header != NULL && (value = header(request, scheme->timestamp_header)) != NULL)
	{
		if (strlen(value) >= sizeof(request->timestamp))
			fault(request, "timestamp_malformed");
		strlcpy(request->timestamp, value, sizeof(request->timestamp));
	}
	if (scheme->signature_header != NULL && (value = header(request, scheme->signature_header)) != NULL)
		read_signatures(request, value, all);
	if (request->reason != NULL)
		return;
	if (scheme->items_path != NULL)
		verify_items(request, &bytes);
	else if (scheme->signature_path != NULL)
		fault(request, "signature_malformed");
	else if (!signed_bytes(request, request->body, request->bodylen, &bytes))
		fault(request, "signature_malformed");
	else
		try_keys(request, all, &bytes);
	/* what is not genuine has no time */
	if (request->reason == NULL && (scheme->timestamp_param || scheme->timestamp_header) &&
		strstr(scheme->signed_bytes, "{crc32}") == NULL)
		check_time(request);
	if (request->reason == NULL)
		read_event(request);
}
