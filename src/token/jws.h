/*-------------------------------------------------------------------------
 *
 * jws.h
 *	  Signed tokens as they are sent: RFC 7515, compact serialisation, read strictly.
 *
 * A header has "alg", "kid" and "typ", and nothing else.  What else RFC 7515 knows says
 * where a key is to be had, or that the token is to be read in another way: neither is
 * the token's to say (RFC 8725).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include "token/text.h"

#define TOKEN_JWS_MAX		8192	/* bytes of a token */
#define TOKEN_ALGORITHM_MAX	16
#define TOKEN_KID_MAX		128

typedef struct TokenJws
{
	TokenText	signed_part;	/* of the token: what the signature is of */
	TokenText	payload;		/* decoded, in the caller's buffer, as is the signature */
	TokenText	signature;
	char		algorithm[TOKEN_ALGORITHM_MAX + 1];
	char		kid[TOKEN_KID_MAX + 1];	/* empty: the token names no key */
} TokenJws;

/*
 * Take a token apart; buffer has TOKEN_JWS_MAX bytes.  Nothing of it is known to be true
 * until the signature was verified.  false, and *why: it is none.
 */
extern bool token_jws_read(TokenText token, uint8_t *buffer, TokenJws *out, const char **why);

/* Is it a name for a key: 1 to TOKEN_KID_MAX printable characters of ASCII, no blank? */
extern bool token_jws_is_kid(const char *kid, size_t len);

#endif							/* TOKEN_JWS_H */
