/*-------------------------------------------------------------------------
 *
 * claims.h
 *	  What a token says: RFC 7519, read strictly.
 *
 * "iss", "sub" and "exp" must be there.  Times are whole seconds since 1970; a fraction
 * is refused.  Claims that are not known here are not looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_CLAIMS_H
#define TOKEN_CLAIMS_H

#include "token/json.h"

#define TOKEN_CLAIM_MAX		200	/* bytes of issuer, subject, audience and id */
#define TOKEN_NO_TIME		INT64_MIN

typedef struct TokenClaims
{
	char		issuer[TOKEN_CLAIM_MAX + 1];	/* in UTF-8, as is what follows */
	char		subject[TOKEN_CLAIM_MAX + 1];
	char		id[TOKEN_CLAIM_MAX + 1];	/* "jti"; empty: none */
	int64_t		expires;
	int64_t		not_before;		/* TOKEN_NO_TIME: none */
	int64_t		issued;			/* the same */
	TokenMember audience;		/* in the payload */
	bool		has_audience;
} TokenClaims;

/* false, and *why: the payload has not what it must have, or not as it must be. */
extern bool token_claims_read(TokenText payload, TokenClaims *out, const char **why);

/* Is the token for this audience, among others perhaps? */
extern bool token_claims_is_for(const TokenClaims *claims, const char *audience);

/*
 * Why the token is of no use now, or NULL.  now and all others in seconds.  A token is
 * good from "nbf" to "exp", without the second of "exp"; leeway is what clocks may differ,
 * and max_age how long before its end, and after "iat", a token is taken at all.
 */
extern const char *token_claims_untimely(const TokenClaims *claims, int64_t now, int64_t leeway,
										 int64_t max_age);

#endif							/* TOKEN_CLAIMS_H */
