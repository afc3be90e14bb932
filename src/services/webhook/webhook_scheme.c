/*-------------------------------------------------------------------------
 *
 * webhook_scheme.c
 *	  How a provider signs its webhooks, as data.
 *
 * A scheme says where the signature, the time, the id and the type stand, what is
 * signed, and in which forms.  Definitions that would not protect anything, a time
 * that is not signed or a body that is not, are refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "compat.h"
#include "base/json_check.h"
#include "services/webhook/webhook.h"
#include "values/spec.h"
#include "vault/signing_key.h"

#define MIN_SECRET		16		/* bytes; 24 are the standard's, some providers' are shorter */
#define MAX_SECRET		8192

static const char *const algorithms[] = {
	[WEBHOOK_HMAC_SHA256] = "hmac-sha256",
	[WEBHOOK_ED25519] = "ed25519",
	[WEBHOOK_RSA_SHA256] = "rsa-sha256",
	[WEBHOOK_HMAC_SHA1] = "hmac-sha1",
	[WEBHOOK_HMAC_SHA512] = "hmac-sha512",
	[WEBHOOK_ECDSA_SHA256] = "ecdsa-sha256",
	[WEBHOOK_JWT_HS256] = "jwt-hs256",
	[WEBHOOK_JWT_RS256] = "jwt-rs256",
	[WEBHOOK_JWT_ES256] = "jwt-es256",
	[WEBHOOK_TOKEN] = "token",
};

static const char *const encodings[] = {
	[WEBHOOK_UTF8] = "utf8",
	[WEBHOOK_HEX] = "hex",
	[WEBHOOK_BASE64] = "base64",
	[WEBHOOK_BASE64URL] = "base64url",
	[WEBHOOK_SHA1_OF_UTF8] = "sha1-of-utf8",
};

static const char *const time_forms[] = {
	[WEBHOOK_SECONDS] = "seconds",
	[WEBHOOK_MILLISECONDS] = "milliseconds",
	[WEBHOOK_UNIX] = "seconds-or-milliseconds",
	[WEBHOOK_FRACTIONAL] = "fractional",
	[WEBHOOK_RFC3339] = "rfc3339",
};

static const char *const fields[] = {
	"algorithm", "key_encoding", "key_prefix", "min_key_bytes",
	"signature_header", "signature_path", "signature_field", "signature_body",
	"signature_param", "signature_list", "signature_separator", "signature_equals",
	"signature_prefix", "signature_encoding",
	"timestamp_header", "timestamp_param", "timestamp_path", "timestamp_format",
	"id_header", "id_path", "id_optional", "id_format", "type_header", "type_path",
	"items_path", "body_hash_path", "signed", "manifest", "json"
};

static bool
is_one_of(const char *const *words, int nwords, const char *word, size_t len)
{
	for (int i = 0; i < nwords; i++)
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return true;
	return false;
}

static PAYSAFE_NORETURN void
no_scheme(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the definition makes no webhook scheme"),
			 errdetail("%s", detail),
			 errhint("paysafe.webhook_schemes shows those that are there.")));
	pg_unreachable();
}

/* The place of a field's word in a list; otherwise, if it is not there. */
static int
choice_of(const Jsonb *definition, const char *field, const char *const *list, int nwords,
		  int otherwise)
{
	char	   *word = paysafe_spec_optional_text(definition, field);

	if (word == NULL)
		return otherwise;
	for (int i = 0; i < nwords; i++)
		if (strcmp(word, list[i]) == 0)
			return i;
	no_scheme(psprintf("\"%s\" is no value of \"%s\".", word, field));
}

static WebhookEncoding
encoding_of(const Jsonb *definition, const char *field)
{
	int			encoding = choice_of(definition, field, encodings, lengthof(encodings), -1);
	bool		of_key = strcmp(field, "key_encoding") == 0;

	if (encoding < 0)
		(void) paysafe_spec_text(definition, field);	/* says that it is missing */
	if (!of_key && (encoding == WEBHOOK_UTF8 || encoding == WEBHOOK_SHA1_OF_UTF8))
		no_scheme(psprintf("\"%s\" is no value of \"%s\".", encodings[encoding], field));
	return (WebhookEncoding) encoding;
}

/* A character, or 0. */
static char
character_of(const Jsonb *definition, const char *field)
{
	char	   *text = paysafe_spec_optional_text(definition, field);

	if (text != NULL && (strlen(text) != 1 || text[0] <= ' ' || text[0] > '~'))
		no_scheme(psprintf("\"%s\" must be one character.", field));
	return text ? text[0] : '\0';
}

static char *
path_of(const Jsonb *definition, const char *field)
{
	char	   *path = paysafe_spec_optional_text(definition, field);

	if (path != NULL && path[0] != '/')
		no_scheme(psprintf("\"%s\" must be a path such as \"/data/id\".", field));
	return path;
}

static int
number_of(const Jsonb *definition, const char *field, int otherwise)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer((JsonbContainer *) &definition->root, field, strlen(field),
									 &value) == NULL)
		return otherwise;
	if (value.type != jbvNumeric)
		no_scheme(psprintf("\"%s\" must be a number.", field));
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
}

/* Only fields that there are: a misspelt one would not be in force. */
static void
check_fields(const Jsonb *definition)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(definition))
		no_scheme("It must be an object.");
	it = JsonbIteratorInit((JsonbContainer *) &definition->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY &&
			!is_one_of(fields, lengthof(fields), value.val.string.val, value.val.string.len))
			no_scheme(psprintf("There is no field \"%s\".",
							   pnstrdup(value.val.string.val, value.val.string.len)));
}

static bool
signs(const WebhookScheme *scheme, WebhookPartKind kind)
{
	return paysafe_webhook_template_has(&scheme->template, kind);
}

static bool
is_jwt(const WebhookScheme *scheme)
{
	return scheme->signature.algorithm == WEBHOOK_JWT_HS256 ||
		scheme->signature.algorithm == WEBHOOK_JWT_RS256 ||
		scheme->signature.algorithm == WEBHOOK_JWT_ES256;
}

/* Is a value of this path, or of this header, part of what is signed? */
static bool
signs_part(const WebhookScheme *scheme, WebhookPartKind kind, const char *text)
{
	for (int i = 0; text != NULL && i < scheme->template.nparts; i++)
		if (scheme->template.parts[i].kind == kind &&
			strcmp(scheme->template.parts[i].text, text) == 0)
			return true;
	return false;
}

static void
check_signed(const WebhookScheme *scheme, bool manifest)
{
	bool		body = signs(scheme, WEBHOOK_BODY) || signs(scheme, WEBHOOK_CRC32) ||
		signs(scheme, WEBHOOK_SHA256) || signs(scheme, WEBHOOK_FORM) ||
		signs(scheme, WEBHOOK_FIELD);

	/* whoever replays would set it anew */
	if ((scheme->timestamp_header || scheme->signature.timestamp_param) && !signs(scheme, WEBHOOK_TIMESTAMP))
		no_scheme("It reads a time that it does not sign.");
	if (signs(scheme, WEBHOOK_TIMESTAMP) && !scheme->timestamp_header && !scheme->signature.timestamp_param)
		no_scheme("It signs a time that it does not read.");
	if (signs(scheme, WEBHOOK_ID) && !scheme->id_header)
		no_scheme("It signs an id that it does not read in a header.");
	if (scheme->items_path != NULL && !signs(scheme, WEBHOOK_PATH))
		no_scheme("It does not sign the item.");
	if (scheme->items_path == NULL && !body && !(manifest && signs(scheme, WEBHOOK_PATH)))
		no_scheme("It does not sign the body.");
	if (manifest && (body || scheme->items_path != NULL))
		no_scheme("\"manifest\" is for values of the body that are signed instead of it.");
	if (manifest && scheme->id_path != NULL && !signs_part(scheme, WEBHOOK_PATH, scheme->id_path))
		no_scheme("It reads an id that it does not sign.");
	if (signs(scheme, WEBHOOK_PATH) && !scheme->json)
		no_scheme("Paths need \"json\".");
}

/* Where the signature stands: in one place. */
static void
check_place(const WebhookScheme *scheme)
{
	int			places = (scheme->signature_header != NULL) + (scheme->signature_path != NULL) +
		(scheme->signature_field != NULL) + scheme->signature_body;

	if (places != 1)
		no_scheme("The signature stands either in a header or at a path.");
	if (is_jwt(scheme))
	{
		if (scheme->signature_field != NULL || scheme->items_path != NULL)
			no_scheme("A JSON web token stands in a header, at a path of the body, or is the body.");
		if ((scheme->signature_header != NULL) != (scheme->hash_path != NULL))
			no_scheme("\"body_hash_path\" is for a JSON web token in a header, which must have the body's hash.");
		if (scheme->signature_path != NULL && !scheme->json)
			no_scheme("Paths need \"json\".");
		return;
	}
	if (scheme->signature_body || scheme->hash_path != NULL || scheme->timestamp_path != NULL)
		no_scheme("\"signature_body\", \"body_hash_path\" and \"timestamp_path\" are for JSON web tokens.");
	if (scheme->signature.algorithm == WEBHOOK_TOKEN && scheme->signature_header == NULL)
		no_scheme("A token stands in a header.");
	if ((scheme->signature_path == NULL) != (scheme->items_path == NULL))
		no_scheme("\"signature_path\" and \"items_path\" belong together.");
}

static void
read_key_form(WebhookScheme *scheme, const Jsonb *definition)
{
	int			algorithm = choice_of(definition, "algorithm", algorithms, lengthof(algorithms), -1);

	if (algorithm < 0)
		(void) paysafe_spec_text(definition, "algorithm");
	scheme->signature.algorithm = (WebhookAlgorithm) algorithm;
	scheme->key_encoding = WEBHOOK_UTF8;
	if (paysafe_webhook_key_is_secret(scheme) || scheme->signature.algorithm == WEBHOOK_ED25519)
		scheme->key_encoding = encoding_of(definition, "key_encoding");
	scheme->key_prefix = paysafe_spec_optional_text(definition, "key_prefix");
	scheme->min_key_bytes = number_of(definition, "min_key_bytes", MIN_SECRET);
	if (scheme->min_key_bytes < 1 || scheme->min_key_bytes > 64)
		no_scheme("\"min_key_bytes\" must be between 1 and 64.");
}

static void
read_signature_form(WebhookScheme *scheme, const Jsonb *definition)
{
	scheme->signature_header = paysafe_spec_optional_text(definition, "signature_header");
	scheme->signature_path = path_of(definition, "signature_path");
	scheme->signature_field = paysafe_spec_optional_text(definition, "signature_field");
	scheme->signature_body = paysafe_spec_bool(definition, "signature_body");
	scheme->signature.param = paysafe_spec_optional_text(definition, "signature_param");
	scheme->signature.list = paysafe_spec_bool(definition, "signature_list");
	scheme->signature.prefix = paysafe_spec_optional_text(definition, "signature_prefix");
	scheme->signature.separator = character_of(definition, "signature_separator");
	scheme->signature.equals = character_of(definition, "signature_equals");
	if (is_jwt(scheme))
		scheme->signature.encoding = WEBHOOK_BASE64URL;
	else if (scheme->signature.algorithm != WEBHOOK_TOKEN)
		scheme->signature.encoding = encoding_of(definition, "signature_encoding");
	scheme->timestamp_header = paysafe_spec_optional_text(definition, "timestamp_header");
	scheme->timestamp_path = path_of(definition, "timestamp_path");
	scheme->signature.timestamp_param = paysafe_spec_optional_text(definition, "timestamp_param");
	scheme->time_form = (WebhookTimeForm)
		choice_of(definition, "timestamp_format", time_forms, lengthof(time_forms), WEBHOOK_SECONDS);
	scheme->items_path = path_of(definition, "items_path");
	scheme->hash_path = path_of(definition, "body_hash_path");
}

static void
read_event_form(WebhookScheme *scheme, const Jsonb *definition)
{
	static const char *const id_forms[] = {"text", "uuid"};

	scheme->id_header = paysafe_spec_optional_text(definition, "id_header");
	scheme->id_path = path_of(definition, "id_path");
	scheme->id_optional = paysafe_spec_bool(definition, "id_optional");
	scheme->id_uuid = choice_of(definition, "id_format", id_forms, lengthof(id_forms), 0) == 1;
	scheme->type_header = paysafe_spec_optional_text(definition, "type_header");
	scheme->type_path = path_of(definition, "type_path");
	scheme->json = paysafe_spec_bool(definition, "json");
}

static void
check_forms(const WebhookScheme *scheme)
{
	check_place(scheme);
	if (scheme->signature.timestamp_param != NULL && scheme->signature.param == NULL)
		no_scheme("\"timestamp_param\" needs \"signature_param\".");
	if ((scheme->signature.timestamp_param != NULL) + (scheme->timestamp_header != NULL) +
		(scheme->timestamp_path != NULL) > 1)
		no_scheme("The time stands either in a header or in a parameter.");
	if (scheme->id_header != NULL && scheme->id_path != NULL)
		no_scheme("The id stands either in a header or at a path.");
	if ((scheme->id_path || scheme->type_path || scheme->items_path) && !scheme->json &&
		!scheme->signature_body)
		no_scheme("Paths need \"json\".");
}

/* What is signed; of a JSON web token and of a mere token that follows from themselves. */
static void
read_template(WebhookScheme *scheme, const Jsonb *definition, bool builtin)
{
	WebhookTemplateForm form = {
		.uuid = scheme->id_uuid,
		.fixed_time = scheme->time_form == WEBHOOK_MILLISECONDS || scheme->time_form == WEBHOOK_RFC3339,
		.digit_time = scheme->time_form == WEBHOOK_SECONDS,
		.fraction = scheme->time_form == WEBHOOK_FRACTIONAL,
		.builtin = builtin
	};
	const char *trouble;

	if (is_jwt(scheme) || scheme->signature.algorithm == WEBHOOK_TOKEN)
	{
		if (paysafe_spec_optional_text(definition, "signed") != NULL ||
			scheme->timestamp_header != NULL || scheme->signature.timestamp_param != NULL)
			no_scheme("Of a token, \"signed\" and the time are its own.");
		return;
	}
	trouble = paysafe_webhook_template_read(paysafe_spec_text(definition, "signed"), &form,
											&scheme->template);
	if (trouble != NULL)
		no_scheme(trouble);
	check_signed(scheme, paysafe_spec_bool(definition, "manifest"));
}

WebhookScheme *
paysafe_webhook_scheme_compile(const Jsonb *definition, bool builtin)
{
	WebhookScheme *scheme = palloc0(sizeof(WebhookScheme));
	bool		token;

	check_fields(definition);
	read_key_form(scheme, definition);
	read_signature_form(scheme, definition);
	read_event_form(scheme, definition);
	check_forms(scheme);
	read_template(scheme, definition, builtin);
	/* whoever has the token says what he likes */
	token = scheme->signature.algorithm == WEBHOOK_TOKEN;
	scheme->id_signed = token || is_jwt(scheme) || signs(scheme, WEBHOOK_ID) ||
		signs_part(scheme, WEBHOOK_HEADER, scheme->id_header) ||
		signs_part(scheme, WEBHOOK_PATH, scheme->id_path) ||
		(scheme->id_path && (signs(scheme, WEBHOOK_BODY) || signs(scheme, WEBHOOK_SHA256)));
	if (is_jwt(scheme) && scheme->id_header != NULL)
		scheme->id_signed = false;
	scheme->topic_apart = !scheme->id_signed && scheme->id_header != NULL &&
		scheme->type_header != NULL && !signs_part(scheme, WEBHOOK_HEADER, scheme->type_header);
	scheme->binding = signs(scheme, WEBHOOK_BINDING);
	return scheme;
}

const char *
paysafe_webhook_algorithm(const WebhookScheme *scheme)
{
	return algorithms[scheme->signature.algorithm];
}

bool
paysafe_webhook_key_is_secret(const WebhookScheme *scheme)
{
	switch (scheme->signature.algorithm)
	{
		case WEBHOOK_ED25519:
		case WEBHOOK_RSA_SHA256:
		case WEBHOOK_ECDSA_SHA256:
		case WEBHOOK_JWT_RS256:
		case WEBHOOK_JWT_ES256:
			return false;
		default:
			return true;
	}
}

static bool
is_rsa(const WebhookScheme *scheme)
{
	return scheme->signature.algorithm == WEBHOOK_RSA_SHA256 ||
		scheme->signature.algorithm == WEBHOOK_JWT_RS256;
}

bool
paysafe_webhook_key_period(const WebhookScheme *scheme, const uint8 *key, size_t len,
						   TimestampTz *not_before, TimestampTz *not_after)
{
	int64		from;
	int64		until;

	*not_before = DT_NOBEGIN;
	*not_after = DT_NOEND;
	if (!is_rsa(scheme))
		return true;
	if (!paysafe_crypto_rsa_read((const char *) key, len, &from, &until))
		return false;
	/* a certificate has a time, a public key has none */
	if (until != PG_INT64_MAX)
	{
		*not_before = time_t_to_timestamptz(from);
		*not_after = time_t_to_timestamptz(until);
	}
	return true;
}

static PAYSAFE_NORETURN void
no_key(const char *form)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the key does not have the form that its webhook scheme asks for"),
			 form ? errdetail("%s", form) : 0));
	pg_unreachable();
}

/* A coordinate of a point in a JSON web key. */
static bool
coordinate(const char *jwk, size_t len, const char *path, uint8 *out)
{
	char		text[64];
	int			n = paysafe_json_find(jwk, len, path, text, sizeof(text), NULL);

	return n == 43 && paysafe_decode_base64(text, n, PAYSAFE_BASE64_URL_UNPADDED, out) == 32;
}

/* A key of P-256: JSON web key, PEM, or DER in base64. */
static bool
read_p256(const char *text, uint8 *point)
{
	size_t		len = strlen(text);
	char		word[16];
	uint8	   *der;
	int			n;

	point[0] = 4;
	if (text[0] == '{')
		return paysafe_json_check(text, len, 8, false, 0) == NULL &&
			paysafe_json_find(text, len, "/kty", word, sizeof(word), NULL) > 0 && strcmp(word, "EC") == 0 &&
			paysafe_json_find(text, len, "/crv", word, sizeof(word), NULL) > 0 && strcmp(word, "P-256") == 0 &&
			coordinate(text, len, "/x", point + 1) && coordinate(text, len, "/y", point + 33) &&
			paysafe_crypto_p256_is_point(point);
	if (paysafe_crypto_p256_read(text, len, point))
		return true;
	der = palloc(len + 4);
	n = paysafe_signing_key_decode(text, der);
	return n > 0 && paysafe_crypto_p256_read((char *) der, n, point);
}

/* A public key; its length. */
static size_t
read_public(const WebhookScheme *scheme, const char *text, uint8 *key, TimestampTz *not_before,
			TimestampTz *not_after)
{
	size_t		len = strlen(text);

	if (is_rsa(scheme))
	{
		if (!paysafe_webhook_key_period(scheme, (const uint8 *) text, len, not_before, not_after))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the key of this webhook scheme is one certificate or public key in PEM, with an RSA key of at least 2048 bits")));
		memcpy(key, text, len);
		return len;
	}
	if (!read_p256(text, key))
		no_key("It is a public key of P-256: in PEM, in DER and base64, or a JSON web key.");
	return PAYSAFE_P256_KEY_LEN;
}

uint8 *
paysafe_webhook_key_decode(const WebhookScheme *scheme, const char *secret, size_t *len,
						   TimestampTz *not_before, TimestampTz *not_after)
{
	size_t		given = strlen(secret);
	uint8	   *key = palloc(given + PAYSAFE_P256_KEY_LEN);
	const char *text = secret;
	int			n = -1;

	*not_before = DT_NOBEGIN;
	*not_after = DT_NOEND;
	if (given > MAX_SECRET)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is longer than %d bytes", MAX_SECRET)));
	if (!paysafe_webhook_key_is_secret(scheme) && scheme->signature.algorithm != WEBHOOK_ED25519)
	{
		*len = read_public(scheme, secret, key, not_before, not_after);
		return key;
	}
	if (scheme->key_prefix != NULL && strncmp(text, scheme->key_prefix, strlen(scheme->key_prefix)) == 0)
		text += strlen(scheme->key_prefix);
	switch (scheme->key_encoding)
	{
		case WEBHOOK_HEX:
			n = paysafe_decode_hex(text, strlen(text), key);
			break;
		case WEBHOOK_BASE64:
			n = paysafe_signing_key_decode(text, key);
			break;
		case WEBHOOK_BASE64URL:
			n = paysafe_decode_base64(text, strlen(text), text[0] && text[strlen(text) - 1] == '=' ?
									  PAYSAFE_BASE64_URL : PAYSAFE_BASE64_URL_UNPADDED, key);
			break;
		case WEBHOOK_UTF8:
		case WEBHOOK_SHA1_OF_UTF8:
			/* a prefix is part of such a key */
			n = (int) given;
			memcpy(key, secret, given);
			break;
	}
	if (n < 0 || (scheme->signature.algorithm == WEBHOOK_ED25519 && n != PAYSAFE_ED25519_KEY_LEN))
		no_key(NULL);
	if (n < scheme->min_key_bytes)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is too short: with this webhook scheme it has at least %d bytes",
						scheme->min_key_bytes)));
	if (scheme->key_encoding == WEBHOOK_SHA1_OF_UTF8)
	{
		n = (int) paysafe_crypto_hash_len(PAYSAFE_SHA1);
		paysafe_crypto_hash(PAYSAFE_SHA1, secret, given, key);
		if (given > n)
			paysafe_crypto_cleanse(key + n, given - n);
	}
	*len = n;
	return key;
}
