/*-------------------------------------------------------------------------
 *
 * cose.h
 *	  Public keys of passkeys, as COSE has them (RFC 9052, RFC 9053, RFC 8230).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_COSE_H
#define TOKEN_COSE_H

#include <stddef.h>
#include <stdint.h>

#define TOKEN_COSE_MAX		1200	/* bytes of a key: RSA of 8192 bits */

/* As IANA numbers them. */
typedef enum TokenCoseAlgorithm
{
	TOKEN_COSE_ES256 = -7,		/* on P-256, and so on: each curve has its hash */
	TOKEN_COSE_EDDSA = -8,		/* Ed25519 only */
	TOKEN_COSE_ES384 = -35,
	TOKEN_COSE_ES512 = -36,
	TOKEN_COSE_ED448 = -53,
	TOKEN_COSE_RS256 = -257
} TokenCoseAlgorithm;

/*
 * What a key says.  Of elliptic curves: the point, a coordinate or two of the curve's
 * length; of RSA: modulus and exponent, without zeros in front.  Whether the
 * point is on the curve, and whether the modulus is good, is not looked at here.
 */
typedef struct TokenCoseKey
{
	TokenCoseAlgorithm algorithm;
	const uint8_t *x;			/* of RSA: the modulus */
	size_t		x_len;
	const uint8_t *y;			/* of RSA: the exponent; of Edwards curves NULL */
	size_t		y_len;
} TokenCoseKey;

/* All of the bytes; NULL, or what is wrong. */
extern const char *token_cose_read(const uint8_t *data, size_t len, TokenCoseKey *key);

/* The name of a number: ES256, EdDSA, ...; NULL if it is none of these. */
extern const char *token_cose_name(int64_t algorithm);

#endif							/* TOKEN_COSE_H */
