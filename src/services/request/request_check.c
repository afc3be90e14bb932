/*-------------------------------------------------------------------------
 *
 * request_check.c
 *	  Is a request what a client signed?
 *
 * What is signed is made anew from what came, by the client's profile: the HMAC of method,
 * path, query, time, nonce, key and body, or what a message signature names (RFC 9421) and
 * its client must have it cover.  A key has one algorithm; what a message says of it can
 * only be wrong.  Of several signatures one must fit wholly; whatever else would do without
 * it is found, too, to be used up with it.  Nothing raises an error for what is in a request;
 * each fault has a reason.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "identity/token_use.h"
#include "services/request/request.h"
#include "token/base64url.h"

#define HMAC_KEY		"x-request-key"
#define HMAC_TIME		"x-request-time"
#define HMAC_NONCE		"x-request-nonce"
#define HMAC_SIGNATURE	"x-request-signature"

#define MAX_SIGNATURES	8		/* of a request */
#define MAX_SIGNATURE	1024	/* bytes of one */
#define UNIX_EPOCH_SECONDS ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY)

static bool
fault(RequestCheck *check, const char *reason)
{
	check->reason = reason;
	return false;
}

static inline TokenText
text_of(const char *string)
{
	return (TokenText) {(const uint8 *) string, strlen(string)};
}

static inline char *
string_of(TokenText text)
{
	return pnstrdup((const char *) text.at, text.len);
}

/* A field, joined, palloc'd with a zero behind it; false and a reason if there is none that can be. */
static bool
read_field(const RequestCheck *check, const char *name, TokenText *out, const char **why)
{
	TokenWriter writer = {palloc(TOKEN_FIELD_MAX + 1), TOKEN_FIELD_MAX, 0, false};

	if (!token_message_field(&check->request, text_of(name), &writer, why))
		return false;
	writer.at[writer.len] = '\0';
	*out = (TokenText) {writer.at, writer.len};
	return true;
}

static bool
read_dictionary(const RequestCheck *check, const char *name, TokenField **out, const char **why)
{
	TokenText	text;
	const char *detail;

	*out = palloc(sizeof(TokenField));
	if (!read_field(check, name, &text, why))
		return false;
	*why = "header_malformed";
	return token_structured_dictionary(text, *out, &detail);
}

/* What both profiles look at */

static const RequestKey *
find_key(const RequestCheck *check, TokenText keyid)
{
	for (int i = 0; i < check->client->nkeys; i++)
	{
		const RequestKey *key = &check->client->keys[i];

		if (token_text_is(keyid, key->keyid))
			return key->not_after > check->at ? key : NULL;
	}
	return NULL;
}

/* Both sides of the window; until: from then on it is too old. */
static bool
check_time(RequestCheck *check, int64 seconds)
{
	const RequestTerms *terms = &check->client->terms;
	int64		tolerance;

	check->signed_at = (seconds - UNIX_EPOCH_SECONDS) * USECS_PER_SEC;
	tolerance = check->signed_at < terms->wider_from ? terms->earlier_tolerance : terms->tolerance;
	check->until = check->signed_at + tolerance;
	if (check->at > check->until)
		return fault(check, "timestamp_old");
	if (check->at < check->signed_at - tolerance)
		return fault(check, "timestamp_future");
	return true;
}

/* What it is known by: its nonce, or what is signed */
static void
set_id(RequestCheck *check, TokenText nonce, const void *base, size_t len)
{
	uint8		sha256[PAYSAFE_SHA256_LEN];
	char		hex[2 * PAYSAFE_SHA256_LEN + 1] = {0};

	if (nonce.len > 0)
	{
		check->id = psprintf("nonce %s", string_of(nonce));
		return;
	}
	paysafe_crypto_sha256(base, len, sha256);
	(void) paysafe_encode_hex(sha256, sizeof(sha256), hex);
	check->id = psprintf("signed %s", hex);
}

/* HMAC */

/* One line, printable and without blanks */
static bool
read_word(RequestCheck *check, const char *name, size_t max, TokenText *out)
{
	const char *why;
	int			n = 0;

	for (int i = 0; i < check->request.nheaders; i++)
		n += check->request.headers[i].name.len == strlen(name) &&
			pg_strncasecmp((const char *) check->request.headers[i].name.at, name, strlen(name)) == 0;
	if (n > 1)
		return fault(check, "header_duplicate");
	if (!read_field(check, name, out, &why))
		return fault(check, why);
	for (size_t i = 0; i < out->len; i++)
		if (out->at[i] <= ' ')
			return fault(check, "header_malformed");
	return (out->len > 0 && out->len <= max) || fault(check, "header_malformed");
}

/* Ten digits */
static bool
read_seconds(TokenText text, int64 *seconds)
{
	*seconds = 0;
	if (text.len != 10 || text.at[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++)
	{
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*seconds = *seconds * 10 + (text.at[i] - '0');
	}
	return true;
}

/* None of the parts has an end of a line in it: they cannot be cut otherwise. */
static void
hmac_base(const RequestCheck *check, TokenText key, TokenText time, TokenText nonce, StringInfo out)
{
	const TokenRequest *request = &check->request;
	const TokenText parts[] = {request->method, request->path, request->query, time, nonce, key};
	uint8		sha256[PAYSAFE_SHA256_LEN];
	char		hex[2 * PAYSAFE_SHA256_LEN + 1] = {0};

	initStringInfo(out);
	appendStringInfoString(out, "request-hmac-v1\n");
	for (int i = 0; i < lengthof(parts); i++)
	{
		appendBinaryStringInfo(out, (const char *) parts[i].at, (int) parts[i].len);
		appendStringInfoChar(out, '\n');
	}
	paysafe_crypto_sha256(check->body, check->bodylen, sha256);
	(void) paysafe_encode_hex(sha256, sizeof(sha256), hex);
	appendStringInfoString(out, hex);
}

static bool
check_hmac(RequestCheck *check)
{
	TokenText	keyid;
	TokenText	time;
	TokenText	nonce;
	TokenText	signature;
	uint8		mac[PAYSAFE_SHA256_LEN];
	StringInfoData base;
	int64		seconds;

	if (!read_word(check, HMAC_KEY, TOKEN_MESSAGE_TEXT_MAX, &keyid) ||
		!read_word(check, HMAC_TIME, TOKEN_MESSAGE_TEXT_MAX, &time) ||
		!read_word(check, HMAC_NONCE, TOKEN_MESSAGE_TEXT_MAX, &nonce) ||
		!read_word(check, HMAC_SIGNATURE, 2 * PAYSAFE_SHA256_LEN, &signature))
		return false;
	if (!read_seconds(time, &seconds))
		return fault(check, "timestamp_malformed");
	/* in small letters: one text for each signature */
	if (signature.len != 2 * PAYSAFE_SHA256_LEN ||
		strspn((const char *) signature.at, "0123456789abcdef") != signature.len ||
		paysafe_decode_hex((const char *) signature.at, signature.len, mac) != PAYSAFE_SHA256_LEN)
		return fault(check, "signature_malformed");
	check->key = find_key(check, keyid);
	hmac_base(check, keyid, time, nonce, &base);
	if (check->key == NULL || paysafe_signature_key_algorithm(check->key->key) != SIGNATURE_HS256)
		return fault(check, "key_unknown");
	if (!paysafe_signature_verify(check->key->key, base.data, base.len, mac, sizeof(mac), SIGNATURE_RAW))
		return fault(check, "signature_wrong");
	set_id(check, nonce, base.data, base.len);
	return check_time(check, seconds);
}

/* RFC 9421 */

/* The digests of the body (RFC 9530): those that are known must be right, and one must be. */
static bool
check_digest(RequestCheck *check)
{
	TokenField *field;
	const char *why;
	int			n = 0;

	if (!read_dictionary(check, "content-digest", &field, &why))
		return fault(check, "digest_malformed");
	for (int i = 0; i < field->nmembers; i++)
	{
		const TokenFieldMember *member = &field->members[i];
		const TokenItem *item = &field->items[member->items.first];
		bool		is_512 = token_text_is(member->key, "sha-512");
		uint8		said[PAYSAFE_HASH_MAX];
		uint8		digest[PAYSAFE_HASH_MAX];
		size_t		len = paysafe_crypto_hash_len(is_512 ? PAYSAFE_SHA512 : PAYSAFE_SHA256);

		if (!is_512 && !token_text_is(member->key, "sha-256"))
			continue;
		if (member->is_list || item->value.type != TOKEN_BARE_BYTES ||
			token_base64_read(item->value.text, said, sizeof(said)) != (long) len)
			return fault(check, "digest_malformed");
		paysafe_crypto_hash(is_512 ? PAYSAFE_SHA512 : PAYSAFE_SHA256, check->body, check->bodylen, digest);
		if (!paysafe_crypto_equal(said, digest, len))
			return fault(check, "digest_wrong");
		n++;
	}
	return n > 0 || fault(check, "digest_malformed");
}

/* Does the signature say and cover what the client's must? */
static bool
check_input(RequestCheck *check, const TokenSignatureInput *input)
{
	const RequestTerms *terms = &check->client->terms;
	ListCell   *lc;

	if (terms->tag != NULL && !token_text_is(input->tag, terms->tag))
		return fault(check, "tag_wrong");
	if (input->created == TOKEN_MESSAGE_NO_TIME || input->keyid.len == 0 || (terms->nonce && input->nonce.len == 0))
		return fault(check, "parameter_missing");
	if (input->expires != TOKEN_MESSAGE_NO_TIME && input->expires < input->created)
		return fault(check, "parameter_malformed");
	foreach(lc, terms->components)
	{
		const char *component = lfirst(lc);

		if (strcmp(component, "content-digest") == 0 && check->bodylen == 0)
			continue;
		if (!token_message_covers(input, component))
			return fault(check, "component_missing");
	}
	check->key = find_key(check, input->keyid);
	if (check->key == NULL)
		return fault(check, "key_unknown");
	if (input->algorithm.at != NULL && !token_text_is(input->algorithm, check->key->algorithm))
		return fault(check, "algorithm_wrong");
	return true;
}

static bool
check_one(RequestCheck *check, const TokenField *inputs, const TokenFieldMember *member, const TokenField *signatures)
{
	const TokenFieldMember *signature = token_structured_find(signatures, member->key);
	const TokenItem *item = signature ? &signatures->items[signature->items.first] : NULL;
	TokenSignatureInput input;
	TokenWriter base = {palloc(TOKEN_MESSAGE_BASE_MAX), TOKEN_MESSAGE_BASE_MAX, 0, false};
	uint8		bytes[MAX_SIGNATURE];
	long		len;
	const char *why;

	if (signature == NULL)
		return fault(check, "signature_missing");
	if (signature->is_list || item->value.type != TOKEN_BARE_BYTES || item->parameters.n > 0 ||
		(len = token_base64_read(item->value.text, bytes, sizeof(bytes))) <= 0)
		return fault(check, "signature_malformed");
	if (!token_message_input(inputs, member, &input, &why))
		return fault(check, why);
	if (!check_input(check, &input))
		return false;
	if (!token_message_base(&input, &check->request, &base, &why))
		return fault(check, why);
	if (!paysafe_signature_verify(check->key->key, base.at, base.len, bytes, (size_t) len, SIGNATURE_RAW))
		return fault(check, "signature_wrong");
	if (token_message_covers(&input, "content-digest") && !check_digest(check))
		return false;
	set_id(check, input.nonce, base.at, base.len);
	check->label = string_of(member->key);
	if (!check_time(check, input.created))
		return false;
	if (input.expires != TOKEN_MESSAGE_NO_TIME &&
		check->at >= (input.expires - UNIX_EPOCH_SECONDS) * USECS_PER_SEC)
		return fault(check, "expired");
	return true;
}

/* What is signed is used up, whether that counts here or not: it could come without the rest. */
static void
add_use(RequestCheck *check, const RequestCheck *one)
{
	TokenUse   *use;

	if (one->id == NULL || one->until < one->at)
		return;
	use = palloc(sizeof(TokenUse));
	*use = (TokenUse) {one->owner, one->id, one->until};
	check->uses = lappend(check->uses, use);
}

/*
 * The first signature that fits wholly; otherwise the reason of the last one.  What is signed
 * does not have its label: one that has another could come under this one.
 */
static bool
check_message(RequestCheck *check)
{
	const char *label = check->client->terms.label;
	TokenField *inputs;
	TokenField *signatures;
	RequestCheck fresh;
	const char *why;

	if (!read_dictionary(check, "signature-input", &inputs, &why) ||
		!read_dictionary(check, "signature", &signatures, &why))
		return fault(check, why);
	if (inputs->nmembers > MAX_SIGNATURES)
		return fault(check, "too_many_signatures");
	fresh = *check;
	check->reason = label ? "label_missing" : "signature_missing";
	for (int i = 0; i < inputs->nmembers; i++)
	{
		RequestCheck one = fresh;
		List	   *uses;

		(void) check_one(&one, inputs, &inputs->members[i], signatures);
		add_use(check, &one);
		if (check->reason == NULL || (label != NULL && !token_text_is(inputs->members[i].key, label)))
			continue;
		uses = check->uses;
		*check = one;
		check->uses = uses;
	}
	return check->reason == NULL;
}

List *
paysafe_request_keyids(const RequestCheck *check)
{
	TokenField *inputs;
	TokenText	text;
	const char *why;
	List	   *keyids = NIL;

	if (read_field(check, HMAC_KEY, &text, &why))
		keyids = lappend(keyids, string_of(text));
	if (!read_dictionary(check, "signature-input", &inputs, &why) || inputs->nmembers > MAX_SIGNATURES)
		return keyids;
	for (int i = 0; i < inputs->nmembers; i++)
	{
		TokenSignatureInput input;

		if (token_message_input(inputs, &inputs->members[i], &input, &why) && input.keyid.len > 0)
			keyids = lappend(keyids, string_of(input.keyid));
	}
	return keyids;
}

/* As much work as for a signature that is wrong. */
static void
spend(const RequestCheck *check)
{
	uint8		mac[PAYSAFE_SHA256_LEN];

	paysafe_crypto_hmac_sha256((const uint8 *) "none", 4, check->body, Min(check->bodylen, 1024 * 1024), mac);
}

void
paysafe_request_check(RequestCheck *check)
{
	const char *why;

	check->reason = NULL;
	check->key = NULL;
	check->owner = check->client ? pstrdup(check->client->name) : NULL;
	check->label = check->id = check->keyid = NULL;
	check->uses = NIL;
	if (check->malformed != NULL)
		(void) fault(check, check->malformed);
	else if (check->client == NULL)
	{
		spend(check);
		(void) fault(check, "client_unknown");
	}
	else if (check->client->terms.revoked)
		(void) fault(check, "client_revoked");
	else if (check->bodylen > (size_t) check->client->terms.max_bytes)
		(void) fault(check, "body_too_large");
	else if (!token_message_check(&check->request, &why))
		(void) fault(check, why);
	else if (check->client->terms.is_message)
		(void) check_message(check);
	else
	{
		(void) check_hmac(check);
		add_use(check, check);
	}
	if (check->reason == NULL)
		check->keyid = pstrdup(check->key->keyid);
}
