/*-------------------------------------------------------------------------
 *
 * issuer_change.c
 *	  Declaring who may say who acts.
 *
 * Whatever lets more tokens in takes two persons, as loosening a rule does: a new issuer,
 * an audience more, a longer time, a new key.  Whatever lets fewer in is at once.  A key
 * stays under its name for ever: what is revoked does not come back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/statement.h"
#include "engine/loosening.h"
#include "identity/issuer.h"
#include "identity/key_text.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "store/own_table.h"
#include "token/jws.h"
#include "values/spec.h"
#include "vault/keyring.h"

#define MAX_MAX_AGE		SECS_PER_DAY
#define MAX_LEEWAY		(5 * SECS_PER_MINUTE)
#define MAX_AUDIENCES	16
#define MAX_KEY_TEXT	4096
#define MAX_SECRET_TEXT	700		/* 512 bytes in base64url */

/* Of an issuer, or of an audience: it is compared byte by byte. */
static void
check_name(const char *name, const char *argument)
{
	size_t		len = strlen(name);

	if (len == 0 || len > PAYSAFE_ISSUER_MAX || name[0] == ' ' || name[len - 1] == ' ')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d bytes, and no blanks around it", argument, PAYSAFE_ISSUER_MAX)));
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) name[i] < ' ' || name[i] == 0x7f || name[i] == '"' || name[i] == '\\')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain control characters, quotation marks or backslashes", argument)));
}

static char *
issuer_argument(FunctionCallInfo fcinfo)
{
	char	   *issuer = paysafe_argument_text(fcinfo, 0, "issuer", PAYSAFE_ISSUER_MAX);

	check_name(issuer, "issuer");
	return issuer;
}

static char *
kid_argument(FunctionCallInfo fcinfo)
{
	char	   *kid = paysafe_argument_text(fcinfo, 1, "kid", TOKEN_KID_MAX);

	if (!token_jws_is_kid(kid, strlen(kid)) || strchr(kid, '"') != NULL || strchr(kid, '\\') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be printable ASCII without blanks, quotation marks and backslashes", "kid")));
	return kid;
}

static char *
reason_argument(FunctionCallInfo fcinfo, int n)
{
	return paysafe_redact_string(paysafe_argument_reason(fcinfo, n, "reason", "a change of who may say who acts"));
}

static void
lock_issuer(const char *issuer)
{
	uint8		sha256[PAYSAFE_SHA256_LEN];
	uint64		hash;

	paysafe_crypto_sha256(issuer, strlen(issuer), sha256);
	memcpy(&hash, sha256, sizeof(hash));
	(void) paysafe_store_lock_value(PAYSAFE_TOKEN_ISSUER_RECORD, hash, false);
}

/* Whole seconds of an interval that may be zero. */
static int
seconds_argument(FunctionCallInfo fcinfo, int n, const char *argument, int min, int max)
{
	Interval   *interval;
	int64		length;

	paysafe_argument_required(fcinfo, n, argument);
	interval = PG_GETARG_INTERVAL_P(n);
	length = interval->time == 0 && interval->day == 0 && interval->month == 0 ? 0 :
		paysafe_argument_microseconds(interval, argument);
	if (length % USECS_PER_SEC != 0 || length < min * USECS_PER_SEC || length > max * USECS_PER_SEC)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be %d to %d whole seconds", argument, min, max)));
	return (int) (length / USECS_PER_SEC);
}

/* A change that lets more in: may it be made?  False: it is proposed only. */
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
		.message = "letting more tokens say who acts needs the approval of a second person"
	};

	return paysafe_loosening_authorize_setting(&change, reason);
}

/* Issuers */

static Jsonb *
terms_spec(const IssuerTerms *terms)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "audience", terms->audience);
	paysafe_spec_add_text(&spec, "max_age", psprintf("%d s", terms->max_age));
	paysafe_spec_add_text(&spec, "leeway", psprintf("%d s", terms->leeway));
	paysafe_spec_add_bool(&spec, "single_use", terms->single_use);
	paysafe_spec_add_bool(&spec, "shared_secrets", terms->shared_secrets);
	return paysafe_spec_end(&spec);
}

static char *
terms_words(const char *issuer, const IssuerTerms *terms)
{
	StringInfoData words;
	ListCell   *lc;

	initStringInfo(&words);
	/* no name has a quotation mark: two lists never read the same */
	appendStringInfo(&words, "tokens of \"%s\" for", issuer);
	foreach(lc, terms->audience)
		appendStringInfo(&words, "%s \"%s\"", lc == list_head(terms->audience) ? "" : ",", (char *) lfirst(lc));
	appendStringInfo(&words, " say who acts; good for %d s at most, leeway %d s, %s%s", terms->max_age, terms->leeway,
					 terms->single_use ? "each once" : "any number of times",
					 terms->shared_secrets ? ", shared secrets too" : "");
	return words.data;
}

/* Does it let in what was not let in before? */
static bool
is_wider(const IssuerTerms *old, const IssuerTerms *new_terms)
{
	ListCell   *lc;

	if (old->version == 0 || new_terms->max_age > old->max_age || new_terms->leeway > old->leeway ||
		(old->single_use && !new_terms->single_use) || (!old->shared_secrets && new_terms->shared_secrets))
		return true;
	foreach(lc, new_terms->audience)
		if (!paysafe_strings_contain(old->audience, lfirst(lc)))
			return true;
	return false;
}

static void
write_issuer(const char *issuer, const IssuerTerms *terms, int version, const char *reason)
{
	Datum		audience[MAX_AUDIENCES];
	int			n = 0;
	Datum		values[ISSUER_NCOLUMNS];
	bool		nulls[ISSUER_NCOLUMNS] = {0};
	ListCell   *lc;

	foreach(lc, terms->audience)
		audience[n++] = CStringGetTextDatum(lfirst(lc));
	paysafe_store_complete();
	values[ISSUER_ISSUER] = CStringGetTextDatum(issuer);
	values[ISSUER_VERSION] = Int32GetDatum(version);
	values[ISSUER_AUDIENCE] = PointerGetDatum(construct_array(audience, n, TEXTOID, -1, false, TYPALIGN_INT));
	values[ISSUER_MAX_AGE] = Int32GetDatum(terms->max_age);
	values[ISSUER_LEEWAY] = Int32GetDatum(terms->leeway);
	values[ISSUER_SINGLE_USE] = BoolGetDatum(terms->single_use);
	values[ISSUER_SHARED_SECRETS] = BoolGetDatum(terms->shared_secrets);
	values[ISSUER_REASON] = CStringGetTextDatum(reason);
	values[ISSUER_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[ISSUER_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[ISSUER_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_TOKEN_ISSUER_RECORD, values, nulls);
	paysafe_issuer_changed();
}

PG_FUNCTION_INFO_V1(paysafe_set_token_issuer);

/*
 * set_token_issuer(issuer text, audience text[], reason text, max_age interval,
 *					leeway interval, single_use boolean, shared_secrets boolean)
 *	  returns integer: its version, or NULL if it is only proposed
 */
Datum
paysafe_set_token_issuer(PG_FUNCTION_ARGS)
{
	char	   *issuer = issuer_argument(fcinfo);
	char	   *reason = reason_argument(fcinfo, 2);
	IssuerTerms terms = {0};
	IssuerTerms old;
	ListCell   *lc;

	paysafe_argument_required(fcinfo, 1, "audience");
	terms.audience = paysafe_strings_sorted(paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(1), "audience"));
	if (terms.audience == NIL || list_length(terms.audience) > MAX_AUDIENCES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d names", "audience", MAX_AUDIENCES)));
	foreach(lc, terms.audience)
		check_name(lfirst(lc), "audience");
	terms.max_age = seconds_argument(fcinfo, 3, "max_age", 1, MAX_MAX_AGE);
	terms.leeway = seconds_argument(fcinfo, 4, "leeway", 0, MAX_LEEWAY);
	paysafe_argument_required(fcinfo, 5, "single_use");
	paysafe_argument_required(fcinfo, 6, "shared_secrets");
	terms.single_use = PG_GETARG_BOOL(5);
	terms.shared_secrets = PG_GETARG_BOOL(6);
	lock_issuer(issuer);
	old = paysafe_issuer_terms(issuer);
	if (is_wider(&old, &terms) &&
		!authorize(psprintf("token issuer \"%s\"", issuer), old.version + 1,
				   old.version > 0 ? terms_spec(&old) : NULL, terms_spec(&terms),
				   terms_words(issuer, &terms), NULL, reason))
		PG_RETURN_NULL();
	write_issuer(issuer, &terms, old.version + 1, reason);
	PG_RETURN_INT32(old.version + 1);
}

static IssuerTerms
require_issuer(const char *issuer)
{
	IssuerTerms terms = paysafe_issuer_terms(issuer);

	if (terms.version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no token issuer \"%s\"", paysafe_redact_string(issuer)),
				 errhint("paysafe.token_issuer has those that are there.")));
	return terms;
}

PG_FUNCTION_INFO_V1(paysafe_revoke_token_issuer);

/*
 * revoke_token_issuer(issuer text, reason text) returns integer: its version
 */
Datum
paysafe_revoke_token_issuer(PG_FUNCTION_ARGS)
{
	char	   *issuer = issuer_argument(fcinfo);
	char	   *reason = reason_argument(fcinfo, 1);
	IssuerTerms terms;

	paysafe_approval_check_own_code("paysafe.revoke_token_issuer");
	lock_issuer(issuer);
	terms = require_issuer(issuer);
	/* for nobody from now on */
	terms.audience = NIL;
	write_issuer(issuer, &terms, terms.version + 1, reason);
	PG_RETURN_INT32(terms.version + 1);
}

/* Keys */

typedef struct NewKey
{
	char	   *issuer;
	char	   *kid;
	char	   *algorithm;
	char	   *reason;
	bool		from_now;
	TimestampTz not_before;
	TimestampTz not_after;
	Datum		public_key;		/* bytea, or 0 */
	Datum		secret;			/* the same, sealed */
	char		fingerprint[2 * PAYSAFE_SHA256_LEN + 1];
} NewKey;

/* A time in one form, whatever the settings. */
static char *
time_words(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_IS_NOEND(at))
		return pstrdup("for ever");
	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		return pstrdup("never");
	return psprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d UTC", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, fsec);
}

/* The arguments from n on: reason, not_before, not_after */
static void
read_times(FunctionCallInfo fcinfo, int n, NewKey *key)
{
	TimestampTz now = GetCurrentTimestamp();

	key->reason = reason_argument(fcinfo, n);
	key->from_now = PG_ARGISNULL(n + 1);
	key->not_before = key->from_now ? now : PG_GETARG_TIMESTAMPTZ(n + 1);
	key->not_after = PG_ARGISNULL(n + 2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(n + 2);
	if (TIMESTAMP_NOT_FINITE(key->not_before) || TIMESTAMP_IS_NOBEGIN(key->not_after) ||
		key->not_after <= now || key->not_after <= key->not_before)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a time after now and after \"not_before\"", "not_after")));
}

static void
write_key(const NewKey *key, int version, bool revoked)
{
	Datum		values[TOKEN_KEY_NCOLUMNS];
	bool		nulls[TOKEN_KEY_NCOLUMNS] = {0};

	paysafe_store_complete();
	values[TOKEN_KEY_ISSUER] = CStringGetTextDatum(key->issuer);
	values[TOKEN_KEY_KID] = CStringGetTextDatum(key->kid);
	values[TOKEN_KEY_VERSION] = Int32GetDatum(version);
	values[TOKEN_KEY_ALGORITHM] = CStringGetTextDatum(key->algorithm);
	values[TOKEN_KEY_PUBLIC] = key->public_key;
	nulls[TOKEN_KEY_PUBLIC] = key->public_key == (Datum) 0;
	values[TOKEN_KEY_SECRET] = key->secret;
	nulls[TOKEN_KEY_SECRET] = key->secret == (Datum) 0;
	values[TOKEN_KEY_NOT_BEFORE] = TimestampTzGetDatum(key->not_before);
	values[TOKEN_KEY_NOT_AFTER] = TimestampTzGetDatum(key->not_after);
	values[TOKEN_KEY_REVOKED] = BoolGetDatum(revoked);
	values[TOKEN_KEY_REASON] = CStringGetTextDatum(key->reason);
	values[TOKEN_KEY_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[TOKEN_KEY_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[TOKEN_KEY_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_TOKEN_KEY_RECORD, values, nulls);
	paysafe_issuer_changed();
}

/* Add it, once two persons have said so; false: it is proposed only. */
static bool
add_key(NewKey *key)
{
	SpecBuilder spec;
	char	   *what = psprintf("key \"%s\" of \"%s\" (%s, %s) signs tokens that say who acts, from %s to %s",
								key->kid, key->issuer, key->algorithm, key->fingerprint,
								key->from_now ? "now" : time_words(key->not_before), time_words(key->not_after));

	if (paysafe_issuer_key(key->issuer, key->kid) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("token issuer \"%s\" has a key \"%s\" already", paysafe_redact_string(key->issuer), paysafe_redact_string(key->kid)),
				 errhint("A name is one key for ever: give the new one another.")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "issuer", key->issuer);
	paysafe_spec_add_text(&spec, "kid", key->kid);
	paysafe_spec_add_text(&spec, "algorithm", key->algorithm);
	paysafe_spec_add_text(&spec, "fingerprint", key->fingerprint);
	paysafe_spec_add_text(&spec, "not_before", key->from_now ? "now" : time_words(key->not_before));
	paysafe_spec_add_text(&spec, "not_after", time_words(key->not_after));
	if (!authorize(psprintf("token key \"%s\" of \"%s\"", key->kid, key->issuer), 1, NULL, paysafe_spec_end(&spec),
				   what, psprintf("key of \"%s\": %s", key->issuer, key->fingerprint), key->reason))
		return false;
	write_key(key, 1, false);
	return true;
}

PG_FUNCTION_INFO_V1(paysafe_set_token_key);

/*
 * set_token_key(issuer text, kid text, algorithm text, public_key text, reason text,
 *				 not_before timestamptz, not_after timestamptz)
 *	  returns text: the key's fingerprint, or NULL if it is only proposed
 */
Datum
paysafe_set_token_key(PG_FUNCTION_ARGS)
{
	NewKey		key = {.issuer = issuer_argument(fcinfo), .kid = kid_argument(fcinfo)};
	char	   *text = paysafe_argument_text(fcinfo, 3, "public_key", MAX_KEY_TEXT);
	SignatureKey *parsed;
	uint8		spki[PAYSAFE_SPKI_MAX];
	uint8		sha256[PAYSAFE_SHA256_LEN];
	size_t		len;

	key.algorithm = paysafe_argument_text(fcinfo, 2, "algorithm", TOKEN_ALGORITHM_MAX);
	read_times(fcinfo, 4, &key);
	if (paysafe_issuer_algorithm(key.algorithm, false) < 0 || strcmp(key.algorithm, "HS256") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be EdDSA, ES256, ES384, ES512, RS256 or PS256", "algorithm"),
				 errhint("paysafe.set_token_secret is for HS256.")));
	parsed = paysafe_key_text_read(key.algorithm, text);
	len = paysafe_signature_key_write(parsed, spki);
	paysafe_signature_key_free(parsed);
	key.public_key = paysafe_argument_bytea(spki, len);
	paysafe_crypto_sha256(spki, len, sha256);
	key.fingerprint[paysafe_encode_hex(sha256, sizeof(sha256), key.fingerprint)] = '\0';
	lock_issuer(key.issuer);
	(void) require_issuer(key.issuer);
	if (!add_key(&key))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key.fingerprint));
}

PG_FUNCTION_INFO_V1(paysafe_set_token_secret);

/*
 * set_token_secret(issuer text, kid text, secret text, reason text,
 *					not_before timestamptz, not_after timestamptz)
 *	  returns text: a fingerprint that only this database can make, or NULL if it is only
 *	  proposed.  The secret in base64url, as a JWK has it
 */
Datum
paysafe_set_token_secret(PG_FUNCTION_ARGS)
{
	NewKey		key = {.algorithm = pstrdup("HS256")};
	char	   *given = PG_ARGISNULL(2) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(2));
	uint8		secret[MAX_SECRET_TEXT];
	uint8		mac[PAYSAFE_SHA256_LEN];
	int			len;
	int			placelen;
	char	   *place;

	/* before anything that can fail */
	paysafe_statement_forbid_literal(given, "secret");
	paysafe_argument_required(fcinfo, 2, "secret");
	key.issuer = issuer_argument(fcinfo);
	key.kid = kid_argument(fcinfo);
	len = strlen(given) <= MAX_SECRET_TEXT ?
		paysafe_decode_base64(given, strlen(given), PAYSAFE_BASE64_URL_UNPADDED, secret) : -1;
	paysafe_crypto_cleanse(given, strlen(given));
	if (len < PAYSAFE_SHA256_LEN || len > 512)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be 32 to 512 bytes in base64url without padding", "secret")));
	read_times(fcinfo, 3, &key);
	lock_issuer(key.issuer);
	if (!require_issuer(key.issuer).shared_secrets)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token issuer \"%s\" may not sign with a shared secret", paysafe_redact_string(key.issuer)),
				 errdetail("Whoever verifies such a token can make one."),
				 errhint("Use EdDSA; or set shared_secrets in paysafe.set_token_issuer.")));
	place = paysafe_issuer_secret_place(key.issuer, key.kid, &placelen);
	key.secret = PointerGetDatum(paysafe_keyring_seal(PAYSAFE_TOKEN_SECRET, place, placelen, secret, len));
	paysafe_keyring_mac(PAYSAFE_TOKEN_SECRET, secret, len, mac);
	paysafe_crypto_cleanse(secret, sizeof(secret));
	key.fingerprint[paysafe_encode_hex(mac, sizeof(mac), key.fingerprint)] = '\0';
	if (!add_key(&key))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key.fingerprint));
}

PG_FUNCTION_INFO_V1(paysafe_revoke_token_key);

/*
 * revoke_token_key(issuer text, kid text, reason text) returns void
 */
Datum
paysafe_revoke_token_key(PG_FUNCTION_ARGS)
{
	NewKey		key = {.issuer = issuer_argument(fcinfo), .kid = kid_argument(fcinfo)};
	TokenKey   *old;
	Relation	rel;
	Datum		values[TOKEN_KEY_NCOLUMNS];
	bool		nulls[TOKEN_KEY_NCOLUMNS];

	key.reason = reason_argument(fcinfo, 2);
	paysafe_approval_check_own_code("paysafe.revoke_token_key");
	lock_issuer(key.issuer);
	old = paysafe_issuer_key(key.issuer, key.kid);
	if (old == NULL || old->revoked)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token issuer \"%s\" has no key \"%s\" that is not revoked", paysafe_redact_string(key.issuer), paysafe_redact_string(key.kid)),
				 errhint("paysafe.token_key has those that are there.")));
	rel = paysafe_store_open(PAYSAFE_TOKEN_KEY_RECORD);
	heap_deform_tuple(old->row, RelationGetDescr(rel), values, nulls);
	paysafe_store_close(rel);
	key.algorithm = pstrdup(old->algorithm);
	key.not_before = old->not_before;
	key.not_after = old->not_after;
	key.public_key = nulls[TOKEN_KEY_PUBLIC] ? (Datum) 0 : values[TOKEN_KEY_PUBLIC];
	key.secret = nulls[TOKEN_KEY_SECRET] ? (Datum) 0 : values[TOKEN_KEY_SECRET];
	write_key(&key, old->version + 1, true);
	PG_RETURN_VOID();
}
