/*-------------------------------------------------------------------------
 *
 * cose.c
 *	  Public keys of passkeys, as COSE has them (RFC 9052, RFC 9053, RFC 8230).
 *
 * WebAuthn lets a key have the algorithm and what that needs, nothing else; so do
 * we.  The curve is the algorithm's: what COSE leaves open, WebAuthn does not.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "token/cbor.h"
#include "token/cose.h"

/* Labels of members, and values of the first. */
enum
{
	LABEL_TYPE = 1, LABEL_ALGORITHM = 3,
	LABEL_CURVE = -1, LABEL_X = -2, LABEL_Y = -3,
	LABEL_N = -1, LABEL_E = -2
};
enum
{
	TYPE_OKP = 1, TYPE_EC2 = 2, TYPE_RSA = 3
};

typedef struct Algorithm
{
	TokenCoseAlgorithm number;
	const char *name;
	int			type;
	int			curve;			/* 0: RSA */
	size_t		length;			/* bytes of a coordinate */
} Algorithm;

static const Algorithm algorithms[] = {
	{TOKEN_COSE_ES256, "ES256", TYPE_EC2, 1, 32},
	{TOKEN_COSE_ES384, "ES384", TYPE_EC2, 2, 48},
	{TOKEN_COSE_ES512, "ES512", TYPE_EC2, 3, 66},
	{TOKEN_COSE_EDDSA, "EdDSA", TYPE_OKP, 6, 32},
	{TOKEN_COSE_ED448, "Ed448", TYPE_OKP, 7, 57},
	{TOKEN_COSE_RS256, "RS256", TYPE_RSA, 0, 0},
};

static const Algorithm *
find_algorithm(int64_t number)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if ((int64_t) algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

const char *
token_cose_name(int64_t algorithm)
{
	const Algorithm *found = find_algorithm(algorithm);

	return found ? found->name : NULL;
}

/* The member of a label; false: there is none. */
static bool
member(const TokenCbor *map, int64_t label, TokenCbor *value)
{
	const uint8_t *rest = map->at;
	TokenCbor	key;
	int64_t		number;

	while (token_cbor_next(map, &rest, &key) && token_cbor_next(map, &rest, value))
		if (token_cbor_int64(&key, &number) && number == label)
			return true;
	return false;
}

static bool
int_member(const TokenCbor *map, int64_t label, int64_t *number)
{
	TokenCbor	value;

	return member(map, label, &value) && token_cbor_int64(&value, number);
}

static bool
bytes_member(const TokenCbor *map, int64_t label, const uint8_t **at, size_t *len)
{
	TokenCbor	value;

	if (!member(map, label, &value) || value.kind != TOKEN_CBOR_BYTES)
		return false;
	*at = value.at;
	*len = value.len;
	return true;
}

static const char *
read_point(const TokenCbor *map, const Algorithm *algorithm, TokenCoseKey *key)
{
	int64_t		curve;

	if (!int_member(map, LABEL_CURVE, &curve) || curve != algorithm->curve)
		return "a COSE key whose curve is not that of its algorithm";
	if (!bytes_member(map, LABEL_X, &key->x, &key->x_len) || key->x_len != algorithm->length)
		return "a COSE key whose x is not of its curve's length";
	if (algorithm->type == TYPE_EC2 &&
		(!bytes_member(map, LABEL_Y, &key->y, &key->y_len) || key->y_len != algorithm->length))
		return "a COSE key whose y is not of its curve's length";
	return NULL;
}

static const char *
read_rsa(const TokenCbor *map, TokenCoseKey *key)
{
	if (!bytes_member(map, LABEL_N, &key->x, &key->x_len) || key->x_len == 0 || key->x[0] == 0)
		return "a COSE key whose modulus is missing or begins with zero";
	if (!bytes_member(map, LABEL_E, &key->y, &key->y_len) || key->y_len == 0 || key->y[0] == 0)
		return "a COSE key whose exponent is missing or begins with zero";
	return NULL;
}

const char *
token_cose_read(const uint8_t *data, size_t len, TokenCoseKey *key)
{
	const Algorithm *algorithm;
	const char *why;
	TokenCbor	map;
	int64_t		number;

	memset(key, 0, sizeof(*key));
	if (len > TOKEN_COSE_MAX)
		return "a COSE key longer than any is";
	why = token_cbor_read_all(data, len, &map);
	if (why != NULL)
		return why;
	if (map.kind != TOKEN_CBOR_MAP)
		return "a COSE key that is no map";
	if (!int_member(&map, LABEL_ALGORITHM, &number))
		return "a COSE key that does not say its algorithm";
	algorithm = find_algorithm(number);
	if (algorithm == NULL)
		return "a COSE key of another algorithm than ES256, ES384, ES512, EdDSA, Ed448 and RS256";
	if (!int_member(&map, LABEL_TYPE, &number) || number != algorithm->type)
		return "a COSE key whose type is not that of its algorithm";
	/* type and algorithm; curve and x, or modulus and exponent; y */
	if (map.number != (algorithm->type == TYPE_EC2 ? 5 : 4))
		return "a COSE key with other members than WebAuthn lets it have";
	key->algorithm = algorithm->number;
	return algorithm->type == TYPE_RSA ? read_rsa(&map, key) : read_point(&map, algorithm, key);
}
