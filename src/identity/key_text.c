/*-------------------------------------------------------------------------
 *
 * key_text.c
 *	  Public keys as people have them: PEM, or JWK (RFC 7517, 8037).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "identity/issuer.h"
#include "identity/key_text.h"
#include "token/base64url.h"
#include "token/json.h"

#define MAX_MEMBERS	16
#define MAX_NUMBER	1100		/* bytes of one of its numbers, in base64url more */

static PAYSAFE_NORETURN void
bad_key(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" is no key of this algorithm", "public_key"),
			 errdetail("As it stands, %s.", why),
			 errhint("It is a public key in PEM (\"BEGIN PUBLIC KEY\") or a JWK.")));
	pg_unreachable();
}

/* A number of a JWK, decoded; its length, 0 if it is not there */
static size_t
number_of(const TokenMember *members, int n, const char *name, uint8 *out)
{
	const TokenMember *member = token_json_find(members, n, name);
	char		digits[TOKEN_BASE64URL_LEN(MAX_NUMBER) + 1];
	size_t		ndigits;
	long		len = -1;

	if (member == NULL)
		return 0;
	if (token_json_string(member, digits, sizeof(digits), &ndigits))
		len = token_base64url_read((TokenText) {(uint8 *) digits, ndigits}, out, MAX_NUMBER);
	if (len <= 0)
		bad_key("a number of the JWK is no base64url");
	return len;
}

static bool
says(const TokenMember *members, int n, const char *name, const char *word)
{
	const TokenMember *member = token_json_find(members, n, name);

	return member != NULL && token_json_string_is(member, word);
}

static SignatureKey *
read_jwk(const char *algorithm, const char *text)
{
	TokenMember members[MAX_MEMBERS];
	uint8		a[MAX_NUMBER];
	uint8		b[MAX_NUMBER];
	size_t		alen;
	size_t		blen;
	int			n;
	const char *why;
	bool		ed448;
	int			which;
	SignatureKey *key;

	if (!token_json_object((TokenText) {(const uint8 *) text, strlen(text)}, members, MAX_MEMBERS, &n, &why))
		bad_key("the JWK is no JSON that can be read in one way only");
	if (token_json_find(members, n, "d") != NULL || token_json_find(members, n, "k") != NULL)
		bad_key("it is a private key, which is known to others from now on");
	if ((token_json_find(members, n, "alg") != NULL && !says(members, n, "alg", algorithm)) ||
		(token_json_find(members, n, "use") != NULL && !says(members, n, "use", "sig")))
		bad_key("the JWK is for something else");
	ed448 = says(members, n, "crv", "Ed448");
	which = paysafe_issuer_algorithm(algorithm, ed448);
	why = "the JWK is of another sort";
	if (which == SIGNATURE_RS256 || which == SIGNATURE_PS256)
	{
		alen = number_of(members, n, "n", a);
		blen = number_of(members, n, "e", b);
		key = says(members, n, "kty", "RSA") ? paysafe_signature_key_rsa(which, a, alen, b, blen, &why) : NULL;
	}
	else if (which == SIGNATURE_ED25519 || which == SIGNATURE_ED448)
	{
		alen = number_of(members, n, "x", a);
		key = says(members, n, "kty", "OKP") && (ed448 || says(members, n, "crv", "Ed25519")) ?
			paysafe_signature_key_raw(which, a, alen, &why) : NULL;
	}
	else
	{
		alen = number_of(members, n, "x", a);
		blen = number_of(members, n, "y", b);
		key = says(members, n, "kty", "EC") &&
			says(members, n, "crv", which == SIGNATURE_ES256 ? "P-256" : which == SIGNATURE_ES384 ? "P-384" : "P-521") ?
			paysafe_signature_key_point(which, a, alen, b, blen, &why) : NULL;
	}
	if (key == NULL)
		bad_key(why);
	return key;
}

SignatureKey *
paysafe_key_text_read(const char *algorithm, const char *text)
{
	const char *why = "";
	SignatureKey *key = NULL;

	if (text[strspn(text, " \t\r\n")] == '{')
		return read_jwk(algorithm, text);
	for (int ed448 = 0; ed448 < 2 && key == NULL; ed448++)
		key = paysafe_signature_key_spki(paysafe_issuer_algorithm(algorithm, ed448), text, strlen(text), &why);
	if (key == NULL)
		bad_key(why);
	return key;
}
