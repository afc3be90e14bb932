/*-------------------------------------------------------------------------
 *
 * jws_fuzz.c
 *	  libFuzzer's view of signed tokens: what is taken apart is what would be put together
 *	  again; a payload that is taken has what it must have.  The first byte says whether
 *	  the rest is a token, or a header or payload that is made one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "token/base64url.h"
#include "token/claims.h"
#include "token/jws.h"

#include "fuzz.h"

#define LAST_TIME	INT64CONST(253402300799)

static void
check_claims(TokenText payload)
{
	TokenClaims claims;
	const char *why = NULL;

	if (!token_claims_read(payload, &claims, &why))
	{
		require(why != NULL);
		return;
	}
	require(claims.issuer[0] != '\0' && strlen(claims.issuer) <= TOKEN_CLAIM_MAX);
	require(claims.subject[0] != '\0' && strlen(claims.subject) <= TOKEN_CLAIM_MAX);
	require(strlen(claims.id) <= TOKEN_CLAIM_MAX);
	require(claims.expires >= 0 && claims.expires <= LAST_TIME);
	require(claims.not_before == TOKEN_NO_TIME || (claims.not_before >= 0 && claims.not_before <= LAST_TIME));
	(void) token_claims_is_for(&claims, "database");
	/* nothing is good from its end on */
	require(token_claims_untimely(&claims, claims.expires, 0, 3600) != NULL);
	if (token_claims_untimely(&claims, claims.expires - 1, 0, 3600) == NULL)
		require(claims.not_before < claims.expires);
}

static void
check_token(const uint8 *data, size_t size)
{
	uint8	   *copy = palloc(size);
	uint8	   *buffer = palloc(TOKEN_JWS_MAX);
	char	   *again = palloc(TOKEN_JWS_MAX + 8);
	TokenJws	jws;
	const char *why = NULL;
	size_t		len;

	memcpy(copy, data, size);
	if (!token_jws_read((TokenText) {copy, size}, buffer, &jws, &why))
	{
		require(why != NULL);
		return;
	}
	require(size <= TOKEN_JWS_MAX && jws.signed_part.at == copy && jws.signed_part.len < size);
	require(jws.algorithm[0] != '\0' && strlen(jws.algorithm) <= TOKEN_ALGORITHM_MAX);
	require(strlen(jws.kid) <= TOKEN_KID_MAX);
	require(jws.payload.at > buffer && jws.signature.at == jws.payload.at + jws.payload.len);
	/* the payload ends what is signed, the signature the token */
	len = token_base64url_write(jws.payload.at, jws.payload.len, again);
	require(jws.signed_part.len > len && memcmp(copy + jws.signed_part.len - len, again, len) == 0);
	len = token_base64url_write(jws.signature.at, jws.signature.len, again);
	require(jws.signed_part.len + 1 + len == size && memcmp(copy + size - len, again, len) == 0);
	check_claims(jws.payload);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char		token[2048];
	size_t		n;

	if (size == 0 || size > 1024)
		return 0;
	if (data[0] == 'H')			/* a header */
	{
		n = token_base64url_write(data + 1, size - 1, token);
		strcpy(token + n, ".e30.AAAA");
		check_token((uint8 *) token, n + 9);
	}
	else if (data[0] == 'P')	/* a payload */
		check_claims((TokenText) {data + 1, size - 1});
	else
		check_token(data, size);
	fuzz_free();
	return 0;
}
