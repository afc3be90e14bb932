/*-------------------------------------------------------------------------
 *
 * claims.c
 *	  What a token says: RFC 7519, read strictly.
 *
 *-------------------------------------------------------------------------
 */
#include "token/claims.h"

#define MAX_CLAIMS		64
#define MAX_AUDIENCES	16
#define LAST_TIME		INT64_C(253402300799)	/* the end of the year 9999 */

/* A text of 1 to TOKEN_CLAIM_MAX bytes */
static bool
read_text(const TokenMember *member, char *out)
{
	size_t		len;

	return token_json_string(member, out, TOKEN_CLAIM_MAX + 1, &len) && len > 0;
}

static bool
read_time(const TokenMember *member, int64_t *out)
{
	return token_json_int64(member, out) && *out >= 0 && *out <= LAST_TIME;
}

/* A text, or an array of 1 to MAX_AUDIENCES texts */
static bool
read_audience(const TokenMember *member, TokenClaims *out)
{
	TokenMember	elements[MAX_AUDIENCES];
	int			n;
	const char *why;

	out->audience = *member;
	out->has_audience = true;
	if (member->kind == TOKEN_STRING)
		return true;
	if (member->kind != TOKEN_ARRAY ||
		!token_json_array(member->value, elements, MAX_AUDIENCES, &n, &why) || n == 0)
		return false;
	for (int i = 0; i < n; i++)
		if (elements[i].kind != TOKEN_STRING)
			return false;
	return true;
}

bool
token_claims_read(TokenText payload, TokenClaims *out, const char **why)
{
	TokenMember	members[MAX_CLAIMS];
	const TokenMember *member;
	int			n;

	memset(out, 0, sizeof(*out));
	out->not_before = out->issued = TOKEN_NO_TIME;
	if (!token_json_object(payload, members, MAX_CLAIMS, &n, why))
	{
		*why = "the payload is no JSON object, or not one that can be read in one way only";
		return false;
	}
	*why = "\"iss\" is missing or no text of at most 200 bytes";
	member = token_json_find(members, n, "iss");
	if (member == NULL || !read_text(member, out->issuer))
		return false;
	*why = "\"sub\" is missing or no text of at most 200 bytes";
	member = token_json_find(members, n, "sub");
	if (member == NULL || !read_text(member, out->subject))
		return false;
	*why = "\"exp\" is missing or no time in whole seconds";
	member = token_json_find(members, n, "exp");
	if (member == NULL || !read_time(member, &out->expires))
		return false;
	*why = "\"nbf\" is no time in whole seconds";
	member = token_json_find(members, n, "nbf");
	if (member != NULL && !read_time(member, &out->not_before))
		return false;
	*why = "\"iat\" is no time in whole seconds";
	member = token_json_find(members, n, "iat");
	if (member != NULL && !read_time(member, &out->issued))
		return false;
	*why = "\"jti\" is no text of at most 200 bytes";
	member = token_json_find(members, n, "jti");
	if (member != NULL && !read_text(member, out->id))
		return false;
	*why = "\"aud\" is neither a text nor a list of 1 to 16 texts";
	member = token_json_find(members, n, "aud");
	return member == NULL || read_audience(member, out);
}

bool
token_claims_is_for(const TokenClaims *claims, const char *audience)
{
	TokenMember	elements[MAX_AUDIENCES];
	int			n;
	const char *why;

	if (!claims->has_audience)
		return false;
	if (claims->audience.kind == TOKEN_STRING)
		return token_json_string_is(&claims->audience, audience);
	if (!token_json_array(claims->audience.value, elements, MAX_AUDIENCES, &n, &why))
		return false;
	for (int i = 0; i < n; i++)
		if (token_json_string_is(&elements[i], audience))
			return true;
	return false;
}

const char *
token_claims_untimely(const TokenClaims *claims, int64_t now, int64_t leeway, int64_t max_age)
{
	if (now >= claims->expires + leeway)
		return "it has expired";
	if (claims->not_before != TOKEN_NO_TIME && now < claims->not_before - leeway)
		return "it is not valid yet";
	if (claims->issued != TOKEN_NO_TIME && now < claims->issued - leeway)
		return "it was issued in the future";
	if (claims->expires > now + max_age + leeway)
		return "it is good for longer than its issuer may say";
	if (claims->issued != TOKEN_NO_TIME && now > claims->issued + max_age + leeway)
		return "it was issued too long ago";
	return NULL;
}
