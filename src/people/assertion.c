/*-------------------------------------------------------------------------
 *
 * assertion.c
 *	  Is it an assertion of this passkey, over this challenge?
 *
 * Web Authentication, Level 3, section 7.2, without what concerns the user agent.  What
 * is compared and what is refused beyond that is in doc/passkeys.md.
 *
 * Keys are kept once they have been read: making one costs as much as a third of a
 * verification.  A key is a matter of its bytes alone, so that nothing has to be forgotten.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/signature.h"
#include "people/passkey.h"
#include "token/cose.h"

#define NKEPT	32				/* keys */

/* The key of some bytes, or none: then why it is none. */
typedef struct KeptKey
{
	SignatureKey *key;
	size_t		len;
	uint8		bytes[TOKEN_COSE_MAX];
} KeptKey;

static KeptKey *kept[NKEPT];

/* Keys */

static SignatureKey *
make_key(const TokenCoseKey *cose, const char **why)
{
	switch (cose->algorithm)
	{
		case TOKEN_COSE_ES256:
			return paysafe_signature_key_point(SIGNATURE_ES256, cose->x, cose->x_len, cose->y, cose->y_len, why);
		case TOKEN_COSE_ES384:
			return paysafe_signature_key_point(SIGNATURE_ES384, cose->x, cose->x_len, cose->y, cose->y_len, why);
		case TOKEN_COSE_ES512:
			return paysafe_signature_key_point(SIGNATURE_ES512, cose->x, cose->x_len, cose->y, cose->y_len, why);
		case TOKEN_COSE_EDDSA:
			return paysafe_signature_key_raw(SIGNATURE_ED25519, cose->x, cose->x_len, why);
		case TOKEN_COSE_ED448:
			return paysafe_signature_key_raw(SIGNATURE_ED448, cose->x, cose->x_len, why);
		case TOKEN_COSE_RS256:
			return paysafe_signature_key_rsa(SIGNATURE_RS256, cose->x, cose->x_len, cose->y, cose->y_len, why);
	}
	*why = "a COSE key of an unknown algorithm";
	return NULL;
}

/* The key, which stays ours; NULL, and why. */
static SignatureKey *
read_key(const bytea *cose_key, const char **why)
{
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(cose_key);
	size_t		len = VARSIZE_ANY_EXHDR(cose_key);
	TokenCoseKey cose;
	SignatureKey *key;
	KeptKey   **place;

	*why = token_cose_read(bytes, len, &cose);
	if (*why != NULL)
		return NULL;
	/* one of the two is as good as random */
	place = &kept[(bytes[len - 1] ^ bytes[len / 2]) % NKEPT];
	if (*place != NULL && (*place)->key != NULL && (*place)->len == len && memcmp((*place)->bytes, bytes, len) == 0)
		return (*place)->key;
	key = make_key(&cose, why);
	if (key == NULL)
		return NULL;
	if (*place == NULL)
	{
		*place = MemoryContextAllocExtended(TopMemoryContext, sizeof(KeptKey), MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
		if (*place == NULL)
		{
			paysafe_signature_key_free(key);
			*why = "there is no memory for a key";
			return NULL;
		}
	}
	paysafe_signature_key_free((*place)->key);
	(*place)->key = key;
	(*place)->len = len;
	memcpy((*place)->bytes, bytes, len);
	return key;
}

const char *
paysafe_passkey_key_fault(const bytea *cose_key)
{
	const char *why;

	return read_key(cose_key, &why) != NULL ? NULL : why;
}

bool
paysafe_passkey_same_key(const bytea *a, const bytea *b)
{
	uint8		spki[2][PAYSAFE_SPKI_MAX];
	const bytea *keys[] = {a, b};
	size_t		len[2];
	const char *why;

	for (int i = 0; i < 2; i++)
	{
		/* the next one may take its place */
		SignatureKey *key = read_key(keys[i], &why);

		if (key == NULL)
			return false;
		len[i] = paysafe_signature_key_write(key, spki[i]);
	}
	return len[0] == len[1] && memcmp(spki[0], spki[1], len[0]) == 0;
}

/* Terms */

static bool
is_among(List *strings, const char *string)
{
	ListCell   *lc;

	foreach(lc, strings)
		if (strcmp(lfirst(lc), string) == 0)
			return true;
	return false;
}

static const char *
check_client_data(const PasskeyTerms *terms, TokenText challenge, TokenText text)
{
	TokenClientData client;
	const char *why = token_webauthn_client_data(text, &client);

	if (why != NULL)
		return why;
	if (client.challenge_len != challenge.len || !paysafe_crypto_equal(client.challenge, challenge.at, challenge.len))
		return "an assertion over another challenge";
	if (!is_among(terms->origins, client.origin))
		return "an assertion from an origin that is not the passkey's";
	if (client.cross_origin && !is_among(terms->top_origins, client.top_origin))
		return "an assertion from within a page of an origin that is not the passkey's";
	return NULL;
}

static const char *
check_authenticator_data(const PasskeyTerms *terms, TokenText text, TokenAuthenticatorData *data)
{
	uint8		rp_id_hash[PAYSAFE_SHA256_LEN];
	const char *why = token_webauthn_authenticator_data(text, data);

	if (why != NULL)
		return why;
	paysafe_crypto_sha256(terms->rp_id, strlen(terms->rp_id), rp_id_hash);
	if (memcmp(data->rp_id_hash, rp_id_hash, PAYSAFE_SHA256_LEN) != 0)
		return "an assertion for another relying party";
	if (data->flags & TOKEN_FLAG_AT)
		return "an assertion with a new key in it";
	if (!(data->flags & TOKEN_FLAG_UP))
		return "an assertion without anybody present";
	if (terms->user_verification && !(data->flags & TOKEN_FLAG_UV))
		return "an assertion of somebody whom the authenticator has not recognised";
	return NULL;
}

static const char *
check_signature(const PasskeyTerms *terms, TokenText client_data, TokenText authenticator_data,
				TokenText signature)
{
	const char *why;
	SignatureKey *key = read_key(terms->cose_key, &why);
	uint8	   *signed_bytes;
	bool		valid;

	if (key == NULL)
		return why;
	signed_bytes = palloc(authenticator_data.len + PAYSAFE_SHA256_LEN);
	memcpy(signed_bytes, authenticator_data.at, authenticator_data.len);
	paysafe_crypto_sha256(client_data.at, client_data.len, signed_bytes + authenticator_data.len);
	valid = paysafe_signature_verify(key, signed_bytes, authenticator_data.len + PAYSAFE_SHA256_LEN,
									 signature.at, signature.len, SIGNATURE_DER);
	pfree(signed_bytes);
	return valid ? NULL : "an assertion with another signature";
}

const char *
paysafe_passkey_verify(const PasskeyTerms *terms, TokenText challenge, TokenText client_data,
					   TokenText authenticator_data, TokenText signature, TokenAuthenticatorData *data)
{
	const char *why = check_client_data(terms, challenge, client_data);

	if (why == NULL)
		why = check_authenticator_data(terms, authenticator_data, data);
	if (why == NULL)
		why = check_signature(terms, client_data, authenticator_data, signature);
	return why;
}

/* SQL-callable functions */

List *
paysafe_passkey_texts(ArrayType *array)
{
	List	   *result = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			result = lappend(result, TextDatumGetCString(elements[i]));
	return result;
}

static TokenText
bytes_argument(FunctionCallInfo fcinfo, int n)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(n);

	return (TokenText) {(const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

PG_FUNCTION_INFO_V1(paysafe_verify_assertion);

/*
 * verify_assertion(cose_key, challenge, client_data, authenticator_data, signature bytea,
 * rp_id text, origins text[], user_verification boolean, top_origins text[]) returns boolean
 */
Datum
paysafe_verify_assertion(PG_FUNCTION_ARGS)
{
	PasskeyTerms terms = {
		.cose_key = PG_GETARG_BYTEA_PP(0),
		.rp_id = text_to_cstring(PG_GETARG_TEXT_PP(5)),
		.origins = paysafe_passkey_texts(PG_GETARG_ARRAYTYPE_P(6)),
		.user_verification = PG_GETARG_BOOL(7),
		.top_origins = paysafe_passkey_texts(PG_GETARG_ARRAYTYPE_P(8))
	};
	TokenAuthenticatorData data;

	PG_RETURN_BOOL(paysafe_passkey_verify(&terms, bytes_argument(fcinfo, 1), bytes_argument(fcinfo, 2),
										  bytes_argument(fcinfo, 3), bytes_argument(fcinfo, 4), &data) == NULL);
}
