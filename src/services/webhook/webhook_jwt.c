/*-------------------------------------------------------------------------
 *
 * webhook_jwt.c
 *	  JSON web tokens and signatures (RFC 7515, RFC 7519) in compact form.
 *
 * The algorithm is the endpoint's, never the token's: one that names another is none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"

#include "base/encode.h"
#include "compat.h"
#include "base/json_check.h"
#include "services/webhook/webhook.h"

#define HEADER_DEPTH	8

/* A part of the token that is JSON, palloc'd; NULL if it is none. */
static char *
decode_json(const WebhookRequest *request, const char *part, size_t len, int max_depth,
			size_t *jsonlen)
{
	char	   *json = palloc(len + 1);
	int			n = paysafe_decode_base64(part, len, PAYSAFE_BASE64_URL_UNPADDED, (uint8 *) json);

	if (n <= 0 || paysafe_json_check(json, n, max_depth, request->endpoint->any_text,
									 pg_prng_uint64(&pg_global_prng_state)) != NULL)
		return NULL;
	*jsonlen = n;
	return json;
}

/* "hmac-sha256" and the like are ours; tokens have names of their own. */
static const char *
name_of(WebhookAlgorithm algorithm)
{
	return algorithm == WEBHOOK_JWT_HS256 ? "HS256" :
		algorithm == WEBHOOK_JWT_RS256 ? "RS256" : "ES256";
}

static bool
is_header(const WebhookRequest *request, const char *part, size_t len)
{
	size_t		jsonlen;
	char	   *json = decode_json(request, part, len, HEADER_DEPTH, &jsonlen);
	char		algorithm[16];

	/* extensions that must be understood are not */
	return json != NULL &&
		paysafe_json_find(json, jsonlen, "/alg", algorithm, sizeof(algorithm), NULL) > 0 &&
		strcmp(algorithm, name_of(request->endpoint->scheme->signature.algorithm)) == 0 &&
		paysafe_json_is_absent(json, jsonlen, "/crit") &&
		paysafe_json_is_absent(json, jsonlen, "/b64");
}

bool
paysafe_webhook_jwt_read(WebhookRequest *request, const char *token, size_t len,
						 WebhookSignatures *all, char **payload, size_t *payloadlen)
{
	const char *dot = memchr(token, '.', len);
	const char *second = dot ? memchr(dot + 1, '.', len - (dot + 1 - token)) : NULL;

	if (second == NULL || !is_header(request, token, dot - token))
		return false;
	*payload = decode_json(request, dot + 1, second - dot - 1, request->endpoint->max_depth,
						   payloadlen);
	if (*payload == NULL ||
		!paysafe_webhook_parse_signature(&request->endpoint->scheme->signature, second + 1,
										 len - (second + 1 - token), all))
		return false;
	resetStringInfo(&request->signed_bytes);
	appendBinaryStringInfo(&request->signed_bytes, token, (int) (second - token));
	return true;
}
