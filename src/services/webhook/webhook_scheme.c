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
#include "services/webhook/webhook.h"
#include "values/spec.h"
#include "vault/signing_key.h"

#define MIN_SECRET		16		/* bytes; 24 are the standard's, some providers' are shorter */
#define MAX_SECRET		8192

static const char *const algorithms[] = {
	[WEBHOOK_HMAC_SHA256] = "hmac-sha256",
	[WEBHOOK_ED25519] = "ed25519",
	[WEBHOOK_RSA_SHA256] = "rsa-sha256",
};

static const char *const fields[] = {
	"algorithm", "key_encoding", "key_prefix", "min_key_bytes",
	"signature_header", "signature_path", "signature_param", "signature_list",
	"signature_prefix", "signature_encoding",
	"timestamp_header", "timestamp_param", "timestamp_format",
	"id_header", "id_path", "id_optional", "type_header", "type_path",
	"items_path", "signed", "json"
};

/* The words that may stand between braces in "signed". */
static const char *const placeholders[] = {"id", "timestamp", "body", "binding", "crc32"};

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

static WebhookEncoding
encoding_of(const Jsonb *definition, const char *field)
{
	char	   *name = paysafe_spec_text(definition, field);

	if (strcmp(name, "utf8") == 0 && strcmp(field, "key_encoding") == 0)
		return WEBHOOK_UTF8;
	if (strcmp(name, "hex") == 0)
		return WEBHOOK_HEX;
	if (strcmp(name, "base64") != 0)
		no_scheme(psprintf("\"%s\" is no value of \"%s\".", name, field));
	return WEBHOOK_BASE64;
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
signs(const WebhookScheme *scheme, const char *placeholder)
{
	return strstr(scheme->signed_bytes, placeholder) != NULL;
}

/*
 * What joins the parts must not be in them, or they could be joined otherwise; one
 * part may contain it, marked by an asterisk, when no other one does.
 */
static void
read_template(WebhookScheme *scheme)
{
	StringInfoData joiners;
	int			marked = 0;

	initStringInfo(&joiners);
	for (const char *c = scheme->signed_bytes; *c != '\0'; c++)
	{
		const char *end = strchr(c, '}');

		if (*c != '{')
		{
			appendStringInfoChar(&joiners, *c);
			continue;
		}
		if (end == NULL || end - c > 100 || end - c < 3 ||
			!(c[1] == '/' || is_one_of(placeholders, lengthof(placeholders), c + 1, end - c - 1)))
			no_scheme("\"signed\" has a placeholder other than {id}, {timestamp}, {body}, {binding}, {crc32} and paths such as {/data/id}.");
		if (end[-1] == '*' && ++marked > 1)
			no_scheme("\"signed\" marks more than one part with an asterisk.");
		c = end;
	}
	scheme->joiners = joiners.data;
}

static void
check_signed(const WebhookScheme *scheme)
{
	/* whoever replays would set it anew */
	if ((scheme->timestamp_header || scheme->signature.timestamp_param) && !signs(scheme, "{timestamp}"))
		no_scheme("It reads a time that it does not sign.");
	if (signs(scheme, "{timestamp}") && !scheme->timestamp_header && !scheme->signature.timestamp_param)
		no_scheme("It signs a time that it does not read.");
	if (signs(scheme, "{id}") && !scheme->id_header)
		no_scheme("It signs an id that it does not read in a header.");
	if (!signs(scheme, "{body}") && !signs(scheme, "{crc32}") && !scheme->items_path)
		no_scheme("It does not sign the body.");
}

WebhookScheme *
paysafe_webhook_scheme_compile(const Jsonb *definition)
{
	WebhookScheme *scheme = palloc0(sizeof(WebhookScheme));
	char	   *word;
	int			algorithm;

	check_fields(definition);
	word = paysafe_spec_text(definition, "algorithm");
	for (algorithm = 0; algorithm < lengthof(algorithms); algorithm++)
		if (strcmp(word, algorithms[algorithm]) == 0)
			break;
	if (algorithm == lengthof(algorithms))
		no_scheme(psprintf("\"%s\" is no value of \"%s\".", word, "algorithm"));
	scheme->signature.algorithm = (WebhookAlgorithm) algorithm;
	scheme->key_encoding = WEBHOOK_UTF8;
	if (scheme->signature.algorithm != WEBHOOK_RSA_SHA256)
		scheme->key_encoding = encoding_of(definition, "key_encoding");
	scheme->key_prefix = paysafe_spec_optional_text(definition, "key_prefix");
	scheme->min_key_bytes = number_of(definition, "min_key_bytes", MIN_SECRET);
	if (scheme->min_key_bytes < 1 || scheme->min_key_bytes > 64)
		no_scheme("\"min_key_bytes\" must be between 1 and 64.");

	scheme->signature_header = paysafe_spec_optional_text(definition, "signature_header");
	scheme->signature_path = path_of(definition, "signature_path");
	scheme->signature.param = paysafe_spec_optional_text(definition, "signature_param");
	scheme->signature.list = paysafe_spec_bool(definition, "signature_list");
	scheme->signature.prefix = paysafe_spec_optional_text(definition, "signature_prefix");
	scheme->signature.encoding = encoding_of(definition, "signature_encoding");
	scheme->timestamp_header = paysafe_spec_optional_text(definition, "timestamp_header");
	scheme->signature.timestamp_param = paysafe_spec_optional_text(definition, "timestamp_param");
	word = paysafe_spec_optional_text(definition, "timestamp_format");
	scheme->rfc3339 = word != NULL && strcmp(word, "rfc3339") == 0;
	if (word != NULL && !scheme->rfc3339 && strcmp(word, "seconds") != 0)
		no_scheme(psprintf("\"%s\" is no value of \"%s\".", word, "timestamp_format"));
	scheme->id_header = paysafe_spec_optional_text(definition, "id_header");
	scheme->id_path = path_of(definition, "id_path");
	scheme->id_optional = paysafe_spec_bool(definition, "id_optional");
	scheme->type_header = paysafe_spec_optional_text(definition, "type_header");
	scheme->type_path = path_of(definition, "type_path");
	scheme->items_path = path_of(definition, "items_path");
	scheme->signed_bytes = paysafe_spec_text(definition, "signed");
	scheme->json = paysafe_spec_bool(definition, "json");

	if ((scheme->signature_header == NULL) == (scheme->signature_path == NULL))
		no_scheme("The signature stands either in a header or at a path.");
	if ((scheme->signature_path == NULL) != (scheme->items_path == NULL))
		no_scheme("\"signature_path\" and \"items_path\" belong together.");
	if (scheme->signature.timestamp_param != NULL && scheme->signature.param == NULL)
		no_scheme("\"timestamp_param\" needs \"signature_param\".");
	if (scheme->signature.timestamp_param != NULL && scheme->timestamp_header != NULL)
		no_scheme("The time stands either in a header or in a parameter.");
	if (scheme->id_header != NULL && scheme->id_path != NULL)
		no_scheme("The id stands either in a header or at a path.");
	if ((scheme->id_path || scheme->type_path || scheme->items_path) && !scheme->json)
		no_scheme("Paths need \"json\".");
	read_template(scheme);
	check_signed(scheme);
	scheme->id_signed = (scheme->id_header && signs(scheme, "{id}")) ||
		(scheme->id_path && signs(scheme, "{body}"));
	scheme->binding = signs(scheme, "{binding}");
	return scheme;
}

const char *
paysafe_webhook_algorithm(const WebhookScheme *scheme)
{
	return algorithms[scheme->signature.algorithm];
}

uint8 *
paysafe_webhook_key_decode(const WebhookScheme *scheme, const char *secret, size_t *len,
						   TimestampTz *not_before, TimestampTz *not_after)
{
	size_t		given = strlen(secret);
	uint8	   *key = palloc(given + 4);
	const char *text = secret;
	int64		from;
	int64		until;
	int			n = -1;

	*not_before = DT_NOBEGIN;
	*not_after = DT_NOEND;
	if (given > MAX_SECRET)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is longer than %d bytes", MAX_SECRET)));
	if (scheme->signature.algorithm == WEBHOOK_RSA_SHA256)
	{
		if (!paysafe_crypto_certificate_read(secret, given, &from, &until))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the key of this webhook scheme is one certificate in PEM, with an RSA key of at least 2048 bits")));
		*not_before = time_t_to_timestamptz(from);
		*not_after = time_t_to_timestamptz(until);
		memcpy(key, secret, given);
		*len = given;
		return key;
	}
	if (scheme->key_prefix != NULL && strncmp(text, scheme->key_prefix, strlen(scheme->key_prefix)) == 0)
		text += strlen(scheme->key_prefix);
	if (scheme->key_encoding == WEBHOOK_HEX)
		n = paysafe_decode_hex(text, strlen(text), key);
	else if (scheme->key_encoding == WEBHOOK_BASE64)
		n = paysafe_signing_key_decode(text, key);
	else
	{
		/* a prefix is part of such a key */
		n = (int) given;
		memcpy(key, secret, given);
	}
	if (n < 0 || (scheme->signature.algorithm == WEBHOOK_ED25519 && n != PAYSAFE_ED25519_KEY_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key does not have the form that its webhook scheme asks for")));
	if (n < scheme->min_key_bytes)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is too short: with this webhook scheme it has at least %d bytes",
						scheme->min_key_bytes)));
	*len = n;
	return key;
}
