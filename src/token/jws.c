/*-------------------------------------------------------------------------
 *
 * jws.c
 *	  Signed tokens as they are sent: RFC 7515, compact serialisation, read strictly.
 *
 *-------------------------------------------------------------------------
 */
#include "token/base64url.h"
#include "token/json.h"
#include "token/jws.h"

#define MAX_HEADER_MEMBERS 8

bool
token_jws_is_kid(const char *kid, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (kid[i] <= ' ' || kid[i] > '~')
			return false;
	return len > 0 && len <= TOKEN_KID_MAX;
}

static bool
read_member(const TokenMember *member, TokenJws *out, const char **why)
{
	size_t		len;

	if (token_text_is(member->name, "alg"))
	{
		*why = "\"alg\" is no algorithm's name";
		return token_json_string(member, out->algorithm, sizeof(out->algorithm), &len) && len > 0 &&
			token_jws_is_kid(out->algorithm, len);
	}
	if (token_text_is(member->name, "kid"))
	{
		*why = "\"kid\" is no key's name";
		return token_json_string(member, out->kid, sizeof(out->kid), &len) &&
			token_jws_is_kid(out->kid, len);
	}
	if (token_text_is(member->name, "typ"))
	{
		*why = "\"typ\" is neither JWT nor at+jwt";
		return token_json_string_is(member, "JWT") || token_json_string_is(member, "at+jwt");
	}
	*why = "the header has a member that is not \"alg\", \"kid\" or \"typ\"";
	return false;
}

/* Names written with escapes are none of the three. */
static bool
read_header(TokenText header, TokenJws *out, const char **why)
{
	TokenMember	members[MAX_HEADER_MEMBERS];
	int			n;

	if (!token_json_object(header, members, MAX_HEADER_MEMBERS, &n, why))
	{
		*why = "the header is no JSON object, or not one that can be read in one way only";
		return false;
	}
	for (int i = 0; i < n; i++)
		if (!read_member(&members[i], out, why))
			return false;
	*why = "the header has no \"alg\"";
	return out->algorithm[0] != '\0';
}

/* The next part, up to a dot or the end, decoded at *buffer, which is moved on */
static bool
read_part(TokenText part, uint8_t **buffer, size_t *room, TokenText *out)
{
	long		len = token_base64url_read(part, *buffer, *room);

	if (len <= 0)
		return false;
	out->at = *buffer;
	out->len = (size_t) len;
	*buffer += len;
	*room -= (size_t) len;
	return true;
}

bool
token_jws_read(TokenText token, uint8_t *buffer, TokenJws *out, const char **why)
{
	TokenText	parts[3];
	TokenText	header;
	size_t		room = TOKEN_JWS_MAX;
	const uint8_t *at = token.at;
	const uint8_t *end = token.at + token.len;

	memset(out, 0, sizeof(*out));
	*why = "it is empty or too long";
	if (token.len == 0 || token.len > TOKEN_JWS_MAX)
		return false;
	*why = "it does not have three parts";
	for (int i = 0; i < 3; i++)
	{
		const uint8_t *dot = i < 2 ? memchr(at, '.', (size_t) (end - at)) : end;

		if (dot == NULL || dot == at)
			return false;
		parts[i] = (TokenText) {at, (size_t) (dot - at)};
		/* the dot: behind the last part there is none */
		at = i < 2 ? dot + 1 : end;
	}
	out->signed_part = (TokenText) {token.at, (size_t) (parts[1].at + parts[1].len - token.at)};
	*why = "a part is no base64url without padding";
	return read_part(parts[0], &buffer, &room, &header) &&
		read_part(parts[1], &buffer, &room, &out->payload) &&
		read_part(parts[2], &buffer, &room, &out->signature) &&
		read_header(header, out, why);
}
