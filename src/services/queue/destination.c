/*-------------------------------------------------------------------------
 *
 * destination.c
 *	  Where webhooks go, and what signs them (Standard Webhooks 1.0.0).
 *
 * Destinations are versions in an insert-only table, the newest one of each in
 * force, as their keys are (signing_key.c).  URLs are sealed for their destination,
 * as secrets are.
 *
 * A destination that has had a key keeps one without an end: adding a key gives
 * those before it an end, and the last one cannot be retired.  So an event that
 * could be added can be signed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/encode.h"
#include "base/statement.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "services/net/url_parse.h"
#include "services/queue/destination.h"
#include "services/queue/queue.h"
#include "store/own_table.h"
#include "vault/keyring.h"
#include "vault/signing_key.h"

#define KIND_SYMMETRIC	"v1"	/* HMAC-SHA-256 */
#define KIND_ASYMMETRIC	"v1a"	/* Ed25519 */
#define PREFIX_SECRET	"whsec_"
#define PREFIX_PRIVATE	"whsk_"
#define PREFIX_PUBLIC	"whpk_"
#define SCHEME_SYMMETRIC	"standard"
#define SCHEME_ASYMMETRIC	"standard-asymmetric"

#define SECRET_MIN		24		/* bytes, as Standard Webhooks has it */
#define SECRET_MAX		64
#define SECRET_LEN		32		/* of those that are made here */
#define SECRET_TEXT_MAX	128

#define URL_PURPOSE		"webhook destination url"

/* Columns of paysafe.webhook_destination. */
enum
{
	DESTINATION_NAME, DESTINATION_VERSION, DESTINATION_URL, DESTINATION_MASKED,
	DESTINATION_SCHEME, DESTINATION_ENCRYPT, DESTINATION_AT, DESTINATION_ACTOR,
	DESTINATION_NCOLUMNS
};

/* Columns of add_destination_key's result. */
enum
{
	ADDED_KEY_ID, ADDED_SECRET, ADDED_PUBLIC,
	ADDED_NCOLUMNS
};

typedef struct Destination
{
	int			version;		/* 0: there is none */
	char	   *scheme;
	bytea	   *url;			/* sealed */
	bool		encrypt;
} Destination;

/* Destinations */

static bool
visit_destination(Relation rel, HeapTuple tuple, void *arg)
{
	Destination *found = arg;
	Datum		values[DESTINATION_NCOLUMNS];
	bool		nulls[DESTINATION_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	found->version = DatumGetInt32(values[DESTINATION_VERSION]);
	found->scheme = TextDatumGetCString(values[DESTINATION_SCHEME]);
	found->url = DatumGetByteaPCopy(values[DESTINATION_URL]);
	found->encrypt = DatumGetBool(values[DESTINATION_ENCRYPT]);
	return false;
}

/* The newest version. */
static void
read_destination(const char *name, Destination *found)
{
	Datum		key = CStringGetTextDatum(name);

	memset(found, 0, sizeof(*found));
	paysafe_store_seek(PAYSAFE_WEBHOOK_DESTINATION, "webhook_destination_pkey", 1, &key,
					   InvalidStrategy, (Datum) 0, true, NULL, visit_destination, found);
}

static void
require_destination(const char *name, Destination *found)
{
	read_destination(name, found);
	if (found->version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no webhook destination \"%s\"", paysafe_redact_string(name)),
				 errhint("Set it up with paysafe.set_webhook_destination and paysafe.add_destination_key.")));
}

char *
paysafe_destination_url(const char *destination)
{
	Destination found;
	bytea	   *url;

	require_destination(destination, &found);
	url = paysafe_keyring_open(URL_PURPOSE, destination, strlen(destination),
							   VARDATA_ANY(found.url), VARSIZE_ANY_EXHDR(found.url));
	return pnstrdup(VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url));
}

/* Keys */

static List *
read_keys(const char *destination)
{
	return paysafe_signing_key_read(PAYSAFE_DESTINATION_KEY, destination);
}

static bool
is_live(const SigningKey *key, TimestampTz now)
{
	return key->not_after > now;
}

bool
paysafe_destination_require(const char *destination)
{
	TimestampTz now = GetCurrentTimestamp();
	Destination found;
	ListCell   *lc;

	require_destination(destination, &found);
	foreach(lc, read_keys(destination))
		if (is_live(lfirst(lc), now))
			return found.encrypt;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("webhook destination \"%s\" has no key to sign with", paysafe_redact_string(destination)),
			 errhint("Make one with paysafe.add_destination_key.")));
	return false;
}

/* Signing */

void
paysafe_destination_check_id(const char *id)
{
	size_t		len = strlen(id);
	bool		good = len > 0 && len <= PAYSAFE_WEBHOOK_ID_MAX;

	for (const char *c = id; good && *c != '\0'; c++)
		good = *c > ' ' && *c < 127 && strchr(".\"\\", *c) == NULL;
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a webhook id has 1 to %d visible ASCII characters, none of them '.', '\"' or '\\'",
						PAYSAFE_WEBHOOK_ID_MAX)));
}

int64
paysafe_destination_seconds(int64 at)
{
	int64		seconds = at / USECS_PER_SEC +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY;

	if (at % USECS_PER_SEC < 0)
		seconds--;
	if (TIMESTAMP_NOT_FINITE(at) || seconds < 1 || seconds > INT64CONST(9999999999))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a webhook cannot have been sent at this time")));
	return seconds;
}

/* Append the entry of one key; signed are the bytes id.timestamp.body. */
static void
append_signature(StringInfo out, const char *destination, const SigningKey *key,
				 const StringInfoData *signed_bytes)
{
	bytea	   *secret = paysafe_signing_key_open(PAYSAFE_DESTINATION_KEY, destination, key);
	uint8		signature[PAYSAFE_ED25519_SIGNATURE_LEN];
	size_t		len;
	char		text[PAYSAFE_BASE64_LEN(PAYSAFE_ED25519_SIGNATURE_LEN)];

	if (strcmp(key->kind, KIND_ASYMMETRIC) == 0)
	{
		len = PAYSAFE_ED25519_SIGNATURE_LEN;
		paysafe_crypto_ed25519_sign((uint8 *) VARDATA_ANY(secret), signed_bytes->data,
									signed_bytes->len, signature);
	}
	else
	{
		len = PAYSAFE_SHA256_LEN;
		paysafe_crypto_hmac_sha256((uint8 *) VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret),
								   signed_bytes->data, signed_bytes->len, signature);
	}
	paysafe_crypto_cleanse(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret));
	appendStringInfo(out, "%s%s,", out->len > 0 ? " " : "", key->kind);
	appendBinaryStringInfo(out, text,
						   (int) paysafe_encode_base64(signature, len, PAYSAFE_BASE64, text));
}

char *
paysafe_destination_sign(const char *destination, const char *id, int64 seconds,
						 const void *body, size_t len)
{
	TimestampTz now = GetCurrentTimestamp();
	StringInfoData signed_bytes;
	StringInfoData out;
	ListCell   *lc;

	initStringInfo(&signed_bytes);
	appendStringInfo(&signed_bytes, "%s." INT64_FORMAT ".", id, seconds);
	appendBinaryStringInfo(&signed_bytes, body, (int) len);
	initStringInfo(&out);
	foreach(lc, read_keys(destination))
		if (is_live(lfirst(lc), now))
			append_signature(&out, destination, lfirst(lc), &signed_bytes);
	pfree(signed_bytes.data);
	/* says which of the two it lacks */
	if (out.len == 0)
		(void) paysafe_destination_require(destination);
	return out.data;
}

/* Secrets as text */

/* A secret as Standard Webhooks writes it: prefix and padded base64. */
static char *
secret_text(const char *prefix, const uint8 *secret, size_t len)
{
	char	   *text = palloc0(strlen(prefix) + PAYSAFE_BASE64_LEN(len) + 1);

	strcpy(text, prefix);
	(void) paysafe_encode_base64(secret, len, PAYSAFE_BASE64, text + strlen(prefix));
	return text;
}

/* Read a secret; returns its length and kind, or -1. */
static int
read_secret(const char *text, uint8 *secret, const char **kind)
{
	uint8		public_key[PAYSAFE_ED25519_KEY_LEN];
	bool		private = strncmp(text, PREFIX_PRIVATE, strlen(PREFIX_PRIVATE)) == 0;
	int			len;

	if (private)
		text += strlen(PREFIX_PRIVATE);
	else if (strncmp(text, PREFIX_SECRET, strlen(PREFIX_SECRET)) == 0)
		text += strlen(PREFIX_SECRET);
	*kind = private ? KIND_ASYMMETRIC : KIND_SYMMETRIC;
	len = paysafe_signing_key_decode(text, secret);
	if (!private)
		return len >= SECRET_MIN && len <= SECRET_MAX ? len : -1;
	/* the seed, or the seed and the public key that it makes */
	if (len != PAYSAFE_ED25519_KEY_LEN && len != 2 * PAYSAFE_ED25519_KEY_LEN)
		return -1;
	paysafe_crypto_ed25519_public(secret, public_key);
	if (len == 2 * PAYSAFE_ED25519_KEY_LEN &&
		!paysafe_crypto_equal(public_key, secret + PAYSAFE_ED25519_KEY_LEN,
							  PAYSAFE_ED25519_KEY_LEN))
		return -1;
	return PAYSAFE_ED25519_KEY_LEN;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_set_webhook_destination);

/*
 * set_webhook_destination(destination text, url paysafe.webhook_url, scheme text,
 *						   encrypt boolean) returns void
 */
Datum
paysafe_set_webhook_destination(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "destination");
	char	   *url = paysafe_argument_text(fcinfo, 1, "url", PAYSAFE_URL_MAX);
	char	   *scheme = paysafe_argument_text(fcinfo, 2, "scheme", 100);
	char		canonical[PAYSAFE_URL_MAX + 2];
	char		masked[PAYSAFE_URL_MASKED_MAX];
	const char *trouble = paysafe_url_parse(url, strlen(url), canonical);
	Destination old;
	Datum		values[DESTINATION_NCOLUMNS];
	bool		nulls[DESTINATION_NCOLUMNS] = {0};

	/* the domain has looked already; nothing depends on it */
	if (trouble != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no webhook can be sent to this URL: %s", trouble)));
	if (strcmp(scheme, SCHEME_SYMMETRIC) != 0 && strcmp(scheme, SCHEME_ASYMMETRIC) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be '%s' or '%s'", "scheme", SCHEME_SYMMETRIC,
						SCHEME_ASYMMETRIC)));
	paysafe_argument_required(fcinfo, 3, "encrypt");
	paysafe_url_parse_mask(canonical, strlen(canonical), masked);
	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_DESTINATION, name);
	read_destination(name, &old);
	paysafe_queue_prepare(PAYSAFE_OUTBOX_EVENT);
	values[DESTINATION_NAME] = CStringGetTextDatum(name);
	values[DESTINATION_VERSION] = Int32GetDatum(old.version + 1);
	values[DESTINATION_URL] = PointerGetDatum(paysafe_keyring_seal(URL_PURPOSE, name, strlen(name),
																   canonical, strlen(canonical)));
	values[DESTINATION_MASKED] = CStringGetTextDatum(masked);
	values[DESTINATION_SCHEME] = CStringGetTextDatum(scheme);
	values[DESTINATION_ENCRYPT] = PG_GETARG_DATUM(3);
	values[DESTINATION_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[DESTINATION_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(PAYSAFE_WEBHOOK_DESTINATION, values, nulls);
	CommandCounterIncrement();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_add_destination_key);

/*
 * add_destination_key(destination text, secret text, overlap interval) returns
 * (key_id int, secret text, public_key text)
 */
Datum
paysafe_add_destination_key(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *given;
	TimestampTz overlap_end;
	Destination destination;
	const char *kind;
	uint8		secret[SECRET_TEXT_MAX];
	int			len;
	char	   *public_text = NULL;
	Datum		values[ADDED_NCOLUMNS];
	bool		nulls[ADDED_NCOLUMNS] = {false, true, true};

	/* before anything can fail */
	if (!PG_ARGISNULL(1))
		paysafe_statement_forbid_literal(text_to_cstring(PG_GETARG_TEXT_PP(1)), "secret");
	name = paysafe_argument_name(fcinfo, 0, "destination");
	given = paysafe_argument_optional(fcinfo, 1, "secret", SECRET_TEXT_MAX);
	overlap_end = GetCurrentTimestamp() + paysafe_argument_period(fcinfo, 2, "overlap");
	if (given != NULL)
	{
		len = read_secret(given, secret, &kind);
		paysafe_crypto_cleanse(given, strlen(given));
		if (len < 0)
		{
			paysafe_crypto_cleanse(secret, sizeof(secret));
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" is no secret of Standard Webhooks", "secret"),
					 errdetail("It is whsec_ and %d to %d bytes in base64, or whsk_ and a private key of Ed25519.",
							   SECRET_MIN, SECRET_MAX)));
		}
	}
	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_DESTINATION, name);
	require_destination(name, &destination);
	if (given == NULL)
	{
		kind = strcmp(destination.scheme, SCHEME_ASYMMETRIC) == 0 ?
			KIND_ASYMMETRIC : KIND_SYMMETRIC;
		len = SECRET_LEN;
		paysafe_crypto_random(secret, len);
	}
	if (strcmp(kind, KIND_ASYMMETRIC) == 0)
	{
		uint8		public_key[PAYSAFE_ED25519_KEY_LEN];

		paysafe_crypto_ed25519_public(secret, public_key);
		public_text = secret_text(PREFIX_PUBLIC, public_key, sizeof(public_key));
		values[ADDED_PUBLIC] = CStringGetTextDatum(public_text);
		nulls[ADDED_PUBLIC] = false;
	}
	else if (given == NULL)
	{
		/* shown once; a private key not at all */
		values[ADDED_SECRET] = CStringGetTextDatum(secret_text(PREFIX_SECRET, secret, len));
		nulls[ADDED_SECRET] = false;
	}
	values[ADDED_KEY_ID] =
		Int32GetDatum(paysafe_signing_key_add(PAYSAFE_DESTINATION_KEY, name, read_keys(name), kind,
											  secret, len, public_text, overlap_end));
	paysafe_crypto_cleanse(secret, sizeof(secret));
	CommandCounterIncrement();

	return paysafe_argument_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_retire_destination_key);

/*
 * retire_destination_key(destination text, key_id int, not_after timestamptz) returns void
 */
Datum
paysafe_retire_destination_key(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "destination");
	int			number = paysafe_argument_int(fcinfo, 1, "key_id", 1, PG_INT32_MAX);
	TimestampTz not_after = PG_ARGISNULL(2) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(2);
	bool		others = false;
	SigningKey *key;
	List	   *keys;
	ListCell   *lc;

	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_DESTINATION, name);
	keys = read_keys(name);
	key = paysafe_signing_key_live(keys, number, "webhook destination", name);
	foreach(lc, keys)
		others |= lfirst(lc) != key && ((SigningKey *) lfirst(lc))->not_after == DT_NOEND;
	if (!others && key->not_after == DT_NOEND)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key %d is the last one of webhook destination \"%s\"", number, paysafe_redact_string(name)),
				 errhint("Add another one first.")));
	paysafe_signing_key_retire(PAYSAFE_DESTINATION_KEY, key, not_after);
	CommandCounterIncrement();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_webhook_sign);

/*
 * webhook_sign(destination text, id text, at timestamptz, body bytea) returns text
 */
Datum
paysafe_webhook_sign(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "destination");
	char	   *id = paysafe_argument_text(fcinfo, 1, "id", PAYSAFE_WEBHOOK_ID_MAX);
	bytea	   *body;

	paysafe_argument_required(fcinfo, 2, "at");
	paysafe_argument_required(fcinfo, 3, "body");
	body = PG_GETARG_BYTEA_PP(3);
	paysafe_destination_check_id(id);
	PG_RETURN_TEXT_P(cstring_to_text(
		paysafe_destination_sign(name, id, paysafe_destination_seconds(PG_GETARG_TIMESTAMPTZ(2)),
								 VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body))));
}
