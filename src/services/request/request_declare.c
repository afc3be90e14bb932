/*-------------------------------------------------------------------------
 *
 * request_declare.c
 *	  Declaring whose signed requests are taken.
 *
 * Whatever lets more in takes two persons, as loosening a rule does: a key; a client whose
 * signatures need not cover what is usual, or not any more what they had to; a longer
 * time.  Whatever lets less in is at once.  A key stays under its name for ever.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/statement.h"
#include "engine/loosening.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "services/request/request.h"
#include "store/own_table.h"
#include "token/jws.h"
#include "values/spec.h"
#include "vault/keyring.h"
#include "vault/signing_key.h"

#define MAX_COMPONENTS	32
#define MAX_BODY		(64 * 1024 * 1024)
#define MAX_TOLERANCE	USECS_PER_DAY
#define MAX_KEY_TEXT	4096
#define HMAC_BLOCK		64		/* bytes, of HMAC-SHA-256 */
#define MAX_WORD		64		/* of a label or a tag */
#define USUAL_TOLERANCE	(5 * USECS_PER_MINUTE)
#define USUAL_BYTES		1048576

/*
 * How long a transaction that declares a longer tolerance may take, so that no request
 * that was accepted before its commit counts by it: such a request would be forgotten
 * while it could come again.
 */
#define COMMIT_TIME		USECS_PER_HOUR

static PAYSAFE_NORETURN void
bad_argument(const char *argument, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be %s", argument, what)));
	pg_unreachable();
}

static char *
reason_argument(FunctionCallInfo fcinfo, int n)
{
	return paysafe_redact_string(paysafe_argument_reason(fcinfo, n, "reason", "a change of who may send signed requests"));
}

/* What a key of a dictionary, or a tag, may be; NULL: any. */
static char *
word_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *word = paysafe_argument_optional(fcinfo, n, argument, MAX_WORD);

	if (word != NULL && !token_structured_is_key((TokenText) {(uint8 *) word, strlen(word)}))
		bad_argument(argument, "of small letters, digits and \"_\", \"-\", \".\", \"*\", a letter first");
	return word;
}

static char *
url_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *url = paysafe_argument_optional(fcinfo, n, "base_url", TOKEN_MESSAGE_TEXT_MAX);
	const char *host = url == NULL ? NULL : strncmp(url, "https://", 8) == 0 ? url + 8 :
		strncmp(url, "http://", 7) == 0 ? url + 7 : "";

	if (host != NULL && (*host == '\0' || strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]") != strlen(host)))
		bad_argument("base_url", "https://HOST or https://HOST:PORT, in small letters and without a path");
	return url;
}

static List *
components_argument(FunctionCallInfo fcinfo, int n)
{
	List	   *components;
	ListCell   *lc;

	paysafe_argument_required(fcinfo, n, "components");
	components = paysafe_strings_sorted(paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(n), "components"));
	foreach(lc, components)
	{
		const char *name = lfirst(lc);

		if (!token_message_is_component((TokenText) {(uint8 *) name, strlen(name)}) ||
			strcmp(name, "@query-param") == 0)
			bad_argument("components", "of components of requests that RFC 9421 knows, or names of fields in small letters");
	}
	if (list_length(components) > MAX_COMPONENTS)
		bad_argument("components", psprintf("of at most %d names", MAX_COMPONENTS));
	return components;
}

static RequestTerms
read_terms(FunctionCallInfo fcinfo)
{
	RequestTerms terms = {.wider_from = DT_NOBEGIN};
	char	   *profile = paysafe_argument_text(fcinfo, 2, "profile", MAX_WORD);

	terms.is_message = strcmp(profile, "rfc9421") == 0;
	if (!terms.is_message && strcmp(profile, "hmac") != 0)
		bad_argument("profile", "rfc9421 or hmac");
	terms.components = components_argument(fcinfo, 3);
	paysafe_argument_required(fcinfo, 4, "nonce");
	terms.nonce = PG_GETARG_BOOL(4);
	terms.tolerance = terms.earlier_tolerance = paysafe_argument_period(fcinfo, 5, "tolerance");
	terms.base_url = url_argument(fcinfo, 6);
	terms.label = word_argument(fcinfo, 7, "label");
	terms.tag = word_argument(fcinfo, 8, "tag");
	terms.max_bytes = paysafe_argument_int(fcinfo, 9, "max_bytes", 1, MAX_BODY);
	if (terms.tolerance > MAX_TOLERANCE)
		bad_argument("tolerance", "at most a day");
	if (!terms.is_message)
	{
		/* all of a request, always */
		terms.components = NIL;
		if (!terms.nonce || terms.base_url != NULL || terms.label != NULL || terms.tag != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("profile hmac has a nonce, and neither base_url nor label nor tag")));
	}
	return terms;
}

/* Would a signature that covers these cover it? */
static bool
asks_for(List *components, const char *component)
{
	bool		in_target = strcmp(component, "@path") == 0 || strcmp(component, "@query") == 0 ||
		strcmp(component, "@request-target") == 0;
	bool		in_uri = in_target || strcmp(component, "@authority") == 0 || strcmp(component, "@scheme") == 0;

	return paysafe_strings_contain(components, component) ||
		(in_target && paysafe_strings_contain(components, "@request-target")) ||
		(in_uri && paysafe_strings_contain(components, "@target-uri"));
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What a client is compared with that is new. */
static RequestTerms
usual_terms(const RequestTerms *new_terms)
{
	RequestTerms usual = *new_terms;

	usual.components = new_terms->is_message ? list_make4("@method", "@path", "@query", "content-digest") : NIL;
	usual.nonce = true;
	usual.tolerance = USUAL_TOLERANCE;
	usual.max_bytes = USUAL_BYTES;
	return usual;
}

/* Does it let in what was not let in before? */
static bool
is_wider(const RequestTerms *declared, const RequestTerms *new_terms)
{
	RequestTerms usual = usual_terms(new_terms);
	const RequestTerms *old = declared->version > 0 ? declared : &usual;
	ListCell   *lc;

	if (old->revoked || old->is_message != new_terms->is_message || new_terms->tolerance > old->tolerance ||
		new_terms->max_bytes > old->max_bytes || (old->nonce && !new_terms->nonce) ||
		!same(old->base_url, new_terms->base_url) ||
		(old->label != NULL && !same(old->label, new_terms->label)) ||
		(old->tag != NULL && !same(old->tag, new_terms->tag)))
		return true;
	foreach(lc, old->components)
		if (!asks_for(new_terms->components, lfirst(lc)))
			return true;
	return false;
}

static Jsonb *
terms_spec(const RequestTerms *terms)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "profile", terms->is_message ? "rfc9421" : "hmac");
	paysafe_spec_add_set(&spec, "components", terms->components);
	paysafe_spec_add_bool(&spec, "nonce", terms->nonce);
	paysafe_spec_add_text(&spec, "tolerance", psprintf(INT64_FORMAT " us", terms->tolerance));
	paysafe_spec_add_text(&spec, "base_url", terms->base_url ? terms->base_url : "");
	paysafe_spec_add_text(&spec, "label", terms->label ? terms->label : "");
	paysafe_spec_add_text(&spec, "tag", terms->tag ? terms->tag : "");
	paysafe_spec_add_text(&spec, "max_bytes", psprintf("%d", terms->max_bytes));
	paysafe_spec_add_bool(&spec, "revoked", terms->revoked);
	return paysafe_spec_end(&spec);
}

static char *
terms_words(const RequestTerms *terms)
{
	if (!terms->is_message)
		return psprintf("its requests are signed by HMAC, %.6g s before or after at most, %d bytes",
						(double) terms->tolerance / USECS_PER_SEC, terms->max_bytes);
	return psprintf("its signatures cover %s, %s, %.6g s before or after at most, %d bytes%s%s%s%s%s%s",
					terms->components == NIL ? "nothing" : paysafe_strings_join(terms->components),
					terms->nonce ? "with a nonce" : "with or without a nonce",
					(double) terms->tolerance / USECS_PER_SEC, terms->max_bytes,
					terms->base_url ? ", to " : "", terms->base_url ? terms->base_url : "",
					terms->label ? ", under label " : "", terms->label ? terms->label : "",
					terms->tag ? ", with tag " : "", terms->tag ? terms->tag : "");
}

/* What they come to: the same whether components are named that others cover anyway. */
static char *
terms_come_to(const char *client, const RequestTerms *terms)
{
	RequestTerms least = *terms;
	Jsonb	   *spec;
	ListCell   *lc;

	foreach(lc, terms->components)
	{
		List	   *others = list_delete_ptr(list_copy(least.components), lfirst(lc));

		if (asks_for(others, lfirst(lc)))
			least.components = others;
	}
	spec = terms_spec(&least);
	return psprintf("request client \"%s\": %s", client, JsonbToCString(NULL, &spec->root, VARSIZE(spec)));
}

/*
 * A change that lets more in: may it be made?  False: it is proposed only.  comes_to: what it
 * makes, the same however it is asked for.
 */
static bool
authorize(const char *name, int version, Jsonb *before, Jsonb *after, const char *what, const char *comes_to,
		  const char *reason)
{
	ProposedChange change = {
		.name = name,
		.version = version,
		.before = before,
		.after = after,
		.difference = what,
		.comes_to = comes_to,
		.message = "letting more signed requests in needs the approval of a second person"
	};

	return paysafe_loosening_authorize_setting(&change, reason);
}

/* One or NULL */
static void
put_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static int
write_client(const char *client, const RequestTerms *terms, int version, const char *reason)
{
	Datum		values[CLIENT_NCOLUMNS];
	bool		nulls[CLIENT_NCOLUMNS] = {0};

	paysafe_store_complete();
	values[CLIENT_CLIENT] = CStringGetTextDatum(client);
	values[CLIENT_VERSION] = Int32GetDatum(version);
	values[CLIENT_PROFILE] = CStringGetTextDatum(terms->is_message ? "rfc9421" : "hmac");
	values[CLIENT_COMPONENTS] = PointerGetDatum(paysafe_strings_array(terms->components));
	values[CLIENT_NONCE] = BoolGetDatum(terms->nonce);
	put_text(values, nulls, CLIENT_LABEL, terms->label);
	put_text(values, nulls, CLIENT_TAG, terms->tag);
	put_text(values, nulls, CLIENT_BASE_URL, terms->base_url);
	values[CLIENT_TOLERANCE] = Int64GetDatum(terms->tolerance);
	values[CLIENT_EARLIER_TOLERANCE] = Int64GetDatum(terms->earlier_tolerance);
	values[CLIENT_WIDER_FROM] = TimestampTzGetDatum(terms->wider_from);
	values[CLIENT_MAX_BYTES] = Int32GetDatum(terms->max_bytes);
	values[CLIENT_REVOKED] = BoolGetDatum(terms->revoked);
	values[CLIENT_REASON] = CStringGetTextDatum(reason);
	values[CLIENT_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[CLIENT_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[CLIENT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_REQUEST_CLIENT_RECORD, values, nulls);
	paysafe_request_changed();
	return version;
}

/*
 * What has been accepted is known for the tolerance of its time.  A longer one counts
 * only for what is signed later than anything that was accepted by the shorter one.
 */
static void
keep_earlier(const RequestTerms *old, RequestTerms *new_terms)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		narrowed = old->wider_from > now;

	if (old->version == 0 || (!narrowed && new_terms->tolerance <= old->tolerance))
		return;
	new_terms->earlier_tolerance = Min(new_terms->tolerance,
									   narrowed ? Min(old->earlier_tolerance, old->tolerance) : old->tolerance);
	new_terms->wider_from = Max(narrowed ? old->wider_from : DT_NOBEGIN, now + old->tolerance + COMMIT_TIME);
}

PG_FUNCTION_INFO_V1(paysafe_set_request_client);

/*
 * set_request_client(client text, reason text, profile text, components text[], nonce
 *					  boolean, tolerance interval, base_url text, label text, tag text,
 *					  max_bytes int)
 *	  returns integer: its version, or NULL if it is only proposed
 */
Datum
paysafe_set_request_client(PG_FUNCTION_ARGS)
{
	char	   *client = paysafe_argument_name(fcinfo, 0, "client");
	char	   *reason = reason_argument(fcinfo, 1);
	RequestTerms terms = read_terms(fcinfo);
	RequestTerms old;

	paysafe_signing_key_lock(PAYSAFE_REQUEST_CLIENT_RECORD, client);
	old = paysafe_request_terms(client);
	if (is_wider(&old, &terms) &&
		!authorize(psprintf("request client \"%s\"", client), old.version + 1,
				   old.version > 0 ? terms_spec(&old) : NULL, terms_spec(&terms), terms_words(&terms), terms_come_to(client, &terms),
				   reason))
		PG_RETURN_NULL();
	keep_earlier(&old, &terms);
	PG_RETURN_INT32(write_client(client, &terms, old.version + 1, reason));
}

static RequestTerms
require_client(const char *client)
{
	RequestTerms terms = paysafe_request_terms(client);

	if (terms.version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no request client \"%s\"", client),
				 errhint("paysafe.request_client has those that are there.")));
	return terms;
}

PG_FUNCTION_INFO_V1(paysafe_revoke_request_client);

/*
 * revoke_request_client(client text, reason text) returns integer: its version
 */
Datum
paysafe_revoke_request_client(PG_FUNCTION_ARGS)
{
	char	   *client = paysafe_argument_name(fcinfo, 0, "client");
	char	   *reason = reason_argument(fcinfo, 1);
	RequestTerms terms;

	paysafe_approval_check_own_code("paysafe.revoke_request_client");
	paysafe_signing_key_lock(PAYSAFE_REQUEST_CLIENT_RECORD, client);
	terms = require_client(client);
	terms.revoked = true;
	PG_RETURN_INT32(write_client(client, &terms, terms.version + 1, reason));
}

/* Keys */

/* A key as it is given: what is stored of it, and what it is known by. */
typedef struct NewKey
{
	uint8		bytes[MAX_KEY_TEXT];
	size_t		len;
	char		fingerprint[2 * PAYSAFE_SHA256_LEN + 1];
	char		same[2 * PAYSAFE_SHA256_LEN + 1];	/* of all texts that are one key */
} NewKey;

static void
check_parsed(SignatureKey *parsed, const char *why)
{
	if (parsed == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is no key of this algorithm", "key"),
				 errdetail("As it stands, %s.", why),
				 errhint("It is a public key in PEM (\"BEGIN PUBLIC KEY\"), or for hmac-sha256 a secret in base64.")));
}

/* HMAC takes a long secret's hash, and puts zeros behind a short one: what it signs with */
static void
set_same(NewKey *key)
{
	uint8		effective[MAX_KEY_TEXT];
	uint8		mac[PAYSAFE_SHA256_LEN];
	size_t		len = key->len;

	if (len > HMAC_BLOCK)
	{
		paysafe_crypto_sha256(key->bytes, len, effective);
		len = PAYSAFE_SHA256_LEN;
	}
	else
		memcpy(effective, key->bytes, len);
	while (len > 0 && effective[len - 1] == 0)
		len--;
	paysafe_keyring_mac("request key", effective, len, mac);
	paysafe_crypto_cleanse(effective, sizeof(effective));
	key->same[paysafe_encode_hex(mac, sizeof(mac), key->same)] = '\0';
}

static void
read_key(SignatureAlgorithm algorithm, char *given, NewKey *key)
{
	uint8		mac[PAYSAFE_SHA256_LEN];
	const char *why = "it is no base64";
	SignatureKey *parsed = NULL;

	if (algorithm == SIGNATURE_HS256)
	{
		int			len = paysafe_signing_key_decode(given, key->bytes);

		paysafe_crypto_cleanse(given, strlen(given));
		key->len = Max(len, 0);
		if (len >= 0)
			parsed = paysafe_signature_key_raw(algorithm, key->bytes, key->len, &why);
		check_parsed(parsed, why);
		paysafe_keyring_mac("request key", key->bytes, key->len, mac);
	}
	else
	{
		parsed = paysafe_signature_key_spki(algorithm, given, strlen(given), &why);
		check_parsed(parsed, why);
		key->len = paysafe_signature_key_write(parsed, key->bytes);
		paysafe_crypto_sha256(key->bytes, key->len, mac);
	}
	paysafe_signature_key_free(parsed);
	key->fingerprint[paysafe_encode_hex(mac, sizeof(mac), key->fingerprint)] = '\0';
	if (algorithm == SIGNATURE_HS256)
		set_same(key);
	else
		strcpy(key->same, key->fingerprint);
}

static char *
keyid_argument(FunctionCallInfo fcinfo)
{
	char	   *keyid = paysafe_argument_text(fcinfo, 1, "keyid", TOKEN_KID_MAX);

	if (!token_jws_is_kid(keyid, strlen(keyid)) || strchr(keyid, '"') != NULL || strchr(keyid, '\\') != NULL)
		bad_argument("keyid", "printable ASCII without blanks, quotation marks and backslashes");
	return keyid;
}

/* Room for one more, and nobody has a key of this name. */
static List *
check_room(const char *client, const char *keyid)
{
	Datum		key = CStringGetTextDatum(keyid);
	List	   *keys = paysafe_signing_key_read(PAYSAFE_REQUEST_KEY, client);
	TimestampTz now = GetCurrentTimestamp();
	int			live = 0;
	ListCell   *lc;

	/* a message names its key: it must be one client's */
	paysafe_signing_key_lock(PAYSAFE_REQUEST_KEY, keyid);
	if (paysafe_store_has(PAYSAFE_REQUEST_KEY, "request_key_keyid", 1, &key))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a request key \"%s\" already", keyid),
				 errhint("A name is one key for ever: give the new one another.")));
	foreach(lc, keys)
		live += ((SigningKey *) lfirst(lc))->not_after > now;
	if (live >= REQUEST_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request client \"%s\" has %d live keys already", client, REQUEST_MAX_KEYS),
				 errhint("Retire one with paysafe.retire_request_key.")));
	return keys;
}

static bool
authorize_key(const char *client, const char *keyid, const char *algorithm, const NewKey *key, const char *reason)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "client", client);
	paysafe_spec_add_text(&spec, "keyid", keyid);
	paysafe_spec_add_text(&spec, "algorithm", algorithm);
	paysafe_spec_add_text(&spec, "fingerprint", key->fingerprint);
	return authorize(psprintf("request key \"%s\" of \"%s\"", keyid, client), 1, NULL, paysafe_spec_end(&spec),
					 psprintf("key \"%s\" (%s, %s) signs requests of \"%s\"", keyid, algorithm, key->fingerprint, client),
					 /* the key, whatever it is called */
					 psprintf("request key of \"%s\": %s %s", client, algorithm, key->same), reason);
}

PG_FUNCTION_INFO_V1(paysafe_add_request_key);

/*
 * add_request_key(client text, keyid text, algorithm text, key text, reason text, overlap
 *				   interval)
 *	  returns text: the key's fingerprint, or NULL if it is only proposed
 */
Datum
paysafe_add_request_key(PG_FUNCTION_ARGS)
{
	/* before anything can fail; it is refused when it is clear that it is a secret */
	bool		literal = !PG_ARGISNULL(3) &&
		paysafe_statement_hide(text_to_cstring(PG_GETARG_TEXT_PP(3)), "SELECT paysafe.add_request_key(...)");
	char	   *client = paysafe_argument_name(fcinfo, 0, "client");
	char	   *keyid = keyid_argument(fcinfo);
	char	   *name = paysafe_argument_text(fcinfo, 2, "algorithm", MAX_WORD);
	char	   *given = paysafe_argument_text(fcinfo, 3, "key", MAX_KEY_TEXT - 1);
	char	   *reason = reason_argument(fcinfo, 4);
	NewKey	   *key = palloc0(sizeof(NewKey));
	TimestampTz overlap_end = DT_NOEND;
	SignatureAlgorithm algorithm;
	List	   *keys;

	if (!paysafe_request_algorithm(name, &algorithm))
		bad_argument("algorithm", "ed25519, ecdsa-p256-sha256, rsa-pss-sha512 or hmac-sha256");
	/* a public key is no secret */
	if (literal && algorithm == SIGNATURE_HS256)
		paysafe_statement_refuse_literal("key");
	if (!PG_ARGISNULL(5))
		overlap_end = GetCurrentTimestamp() + paysafe_argument_period(fcinfo, 5, "overlap");
	read_key(algorithm, given, key);
	paysafe_signing_key_lock(PAYSAFE_REQUEST_CLIENT_RECORD, client);
	if (!require_client(client).is_message && algorithm != SIGNATURE_HS256)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request client \"%s\" signs by HMAC: argument \"algorithm\" must be hmac-sha256", client)));
	keys = check_room(client, keyid);
	if (!authorize_key(client, keyid, name, key, reason))
	{
		paysafe_crypto_cleanse(key, sizeof(*key));
		PG_RETURN_NULL();
	}
	paysafe_store_complete();
	(void) paysafe_signing_key_add(PAYSAFE_REQUEST_KEY, client, keys, name, key->bytes, key->len, keyid, overlap_end);
	paysafe_crypto_cleanse(key->bytes, sizeof(key->bytes));
	paysafe_request_changed();
	PG_RETURN_TEXT_P(cstring_to_text(key->fingerprint));
}

PG_FUNCTION_INFO_V1(paysafe_retire_request_key);

/*
 * retire_request_key(client text, keyid text, not_after timestamptz) returns void
 */
Datum
paysafe_retire_request_key(PG_FUNCTION_ARGS)
{
	char	   *client = paysafe_argument_name(fcinfo, 0, "client");
	char	   *keyid = keyid_argument(fcinfo);
	TimestampTz not_after = PG_ARGISNULL(2) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(2);
	ListCell   *lc;

	paysafe_approval_check_own_code("paysafe.retire_request_key");
	paysafe_signing_key_lock(PAYSAFE_REQUEST_CLIENT_RECORD, client);
	foreach(lc, paysafe_signing_key_read(PAYSAFE_REQUEST_KEY, client))
	{
		SigningKey *key = lfirst(lc);

		if (strcmp(key->shown, keyid) != 0 || key->not_after <= GetCurrentTimestamp())
			continue;
		paysafe_store_complete();
		paysafe_signing_key_retire(PAYSAFE_REQUEST_KEY, key, not_after);
		paysafe_request_changed();
		PG_RETURN_VOID();
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("request client \"%s\" has no live key \"%s\"", client, keyid),
			 errhint("paysafe.request_keys has those that are there.")));
	PG_RETURN_VOID();
}
