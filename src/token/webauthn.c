/*-------------------------------------------------------------------------
 *
 * webauthn.c
 *	  What a passkey's assertion is made of (Web Authentication, Level 3).
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "token/base64url.h"
#include "token/cbor.h"
#include "token/cose.h"
#include "token/json.h"
#include "token/webauthn.h"

#define RP_ID_HASH_LEN	32
#define HEAD_LEN		37		/* hash, flags, counter */
#define AAGUID_LEN		16
#define MAX_MEMBERS		32

/* Authenticator data */

static TokenText
rest_after(TokenText text, size_t len)
{
	return (TokenText) {text.at + len, text.len - len};
}

/* AAGUID, length and bytes of the id, key. */
static const char *
read_credential(TokenText *rest, TokenAuthenticatorData *out)
{
	TokenCbor	item;
	TokenCoseKey key;
	const char *why;
	size_t		len;

	if (rest->len < AAGUID_LEN + 2)
		return "authenticator data that ends before the id of its key";
	len = (size_t) rest->at[AAGUID_LEN] << 8 | rest->at[AAGUID_LEN + 1];
	*rest = rest_after(*rest, AAGUID_LEN + 2);
	if (len == 0 || len > TOKEN_CREDENTIAL_ID_MAX || len > rest->len)
		return "authenticator data with an id of no possible length";
	out->credential_id = (TokenText) {rest->at, len};
	*rest = rest_after(*rest, len);
	why = token_cbor_read(rest->at, rest->len, &item);
	if (why == NULL)
		why = token_cose_read(item.whole, item.whole_len, &key);
	if (why != NULL)
		return why;
	out->cose_key = (TokenText) {item.whole, item.whole_len};
	*rest = rest_after(*rest, item.whole_len);
	return NULL;
}

/* Their names are texts; what they say is theirs. */
static const char *
read_extensions(TokenText *rest, TokenAuthenticatorData *out)
{
	TokenCbor	map;
	TokenCbor	item;
	const uint8_t *at;
	const char *why = token_cbor_read(rest->at, rest->len, &map);

	if (why != NULL)
		return why;
	if (map.kind != TOKEN_CBOR_MAP || map.number == 0)
		return "authenticator data whose extensions are no map, or none";
	at = map.at;
	while (token_cbor_next(&map, &at, &item))
	{
		if (item.kind != TOKEN_CBOR_TEXT)
			return "authenticator data with an extension that has no name";
		(void) token_cbor_next(&map, &at, &item);
	}
	out->extensions = (TokenText) {map.whole, map.whole_len};
	*rest = rest_after(*rest, map.whole_len);
	return NULL;
}

const char *
token_webauthn_authenticator_data(TokenText data, TokenAuthenticatorData *out)
{
	const char *why = NULL;
	TokenText	rest;

	memset(out, 0, sizeof(*out));
	if (data.len < HEAD_LEN || data.len > TOKEN_AUTHENTICATOR_DATA_MAX)
		return "authenticator data of no possible length";
	out->rp_id_hash = data.at;
	out->flags = data.at[RP_ID_HASH_LEN];
	for (int i = RP_ID_HASH_LEN + 1; i < HEAD_LEN; i++)
		out->counter = out->counter << 8 | data.at[i];
	rest = rest_after(data, HEAD_LEN);
	if (out->flags & TOKEN_FLAG_AT)
		why = read_credential(&rest, out);
	if (why == NULL && (out->flags & TOKEN_FLAG_ED))
		why = read_extensions(&rest, out);
	if (why != NULL)
		return why;
	if (rest.len > 0)
		return "bytes after the end of authenticator data";
	if ((out->flags & TOKEN_FLAG_BS) && !(out->flags & TOKEN_FLAG_BE))
		return "authenticator data of a key that has copies and may have none";
	return NULL;
}

/* Client data */

/* An origin, which is never empty. */
static bool
read_origin(const TokenMember *member, char *out)
{
	size_t		len;

	return token_json_string(member, out, TOKEN_ORIGIN_MAX + 1, &len) && len > 0;
}

/* Bytes in base64url */
static bool
read_bytes(const TokenMember *member, void *out, size_t room, size_t *len)
{
	TokenText	text;
	long		n;

	if (member == NULL || member->kind != TOKEN_STRING)
		return false;
	/* between its quotation marks; an escape is no base64url */
	text = (TokenText) {member->value.at + 1, member->value.len - 2};
	n = token_base64url_read(text, out, room);
	*len = n < 0 ? 0 : (size_t) n;
	return n > 0;
}

const char *
token_webauthn_client_data(TokenText json, TokenClientData *out)
{
	TokenMember members[MAX_MEMBERS];
	const TokenMember *member;
	const char *why;
	int			n;

	memset(out, 0, sizeof(*out));
	if (json.len > TOKEN_CLIENT_DATA_MAX)
		return "client data longer than any is";
	if (!token_json_object(json, members, MAX_MEMBERS, &n, &why))
		return why;
	member = token_json_find(members, n, "type");
	if (member == NULL || !token_json_string_is(member, "webauthn.get"))
		return "client data whose type is not webauthn.get";
	member = token_json_find(members, n, "challenge");
	if (!read_bytes(member, out->challenge, sizeof(out->challenge), &out->challenge_len) ||
		out->challenge_len < TOKEN_CHALLENGE_MIN)
		return "client data without a challenge in base64url";
	member = token_json_find(members, n, "origin");
	if (member == NULL || !read_origin(member, out->origin))
		return "client data without its origin";
	member = token_json_find(members, n, "crossOrigin");
	if (member != NULL && member->kind != TOKEN_TRUE && member->kind != TOKEN_FALSE)
		return "client data whose crossOrigin is neither true nor false";
	out->cross_origin = member != NULL && member->kind == TOKEN_TRUE;
	member = token_json_find(members, n, "topOrigin");
	if (member != NULL && (!out->cross_origin || !read_origin(member, out->top_origin)))
		return "client data with a topOrigin that is none";
	return NULL;
}

/* Assertions */

static const char *
read_response(TokenText json, TokenAssertion *out)
{
	TokenMember members[MAX_MEMBERS];
	const TokenMember *handle;
	const char *why;
	int			n;

	if (!token_json_object(json, members, MAX_MEMBERS, &n, &why))
		return why;
	if (!read_bytes(token_json_find(members, n, "clientDataJSON"), out->client_data,
					sizeof(out->client_data), &out->client_data_len))
		return "an assertion without clientDataJSON in base64url";
	if (!read_bytes(token_json_find(members, n, "authenticatorData"), out->authenticator_data,
					sizeof(out->authenticator_data), &out->authenticator_data_len))
		return "an assertion without authenticatorData in base64url";
	if (!read_bytes(token_json_find(members, n, "signature"), out->signature,
					sizeof(out->signature), &out->signature_len))
		return "an assertion without signature in base64url";
	handle = token_json_find(members, n, "userHandle");
	if (handle != NULL && handle->kind != TOKEN_NULL &&
		!read_bytes(handle, out->user_handle, sizeof(out->user_handle), &out->user_handle_len))
		return "an assertion whose userHandle is none";
	return NULL;
}

const char *
token_webauthn_assertion(TokenText json, TokenAssertion *out)
{
	TokenMember members[MAX_MEMBERS];
	uint8_t		raw_id[TOKEN_CREDENTIAL_ID_MAX];
	const TokenMember *member;
	const char *why;
	size_t		raw_id_len;
	int			n;

	memset(out, 0, sizeof(*out));
	if (!token_json_object(json, members, MAX_MEMBERS, &n, &why))
		return why;
	if (!read_bytes(token_json_find(members, n, "id"), out->credential_id,
					sizeof(out->credential_id), &out->credential_id_len))
		return "an assertion without id in base64url";
	member = token_json_find(members, n, "rawId");
	if (member != NULL &&
		(!read_bytes(member, raw_id, sizeof(raw_id), &raw_id_len) ||
		 raw_id_len != out->credential_id_len || memcmp(raw_id, out->credential_id, raw_id_len) != 0))
		return "an assertion whose rawId is not its id";
	member = token_json_find(members, n, "type");
	if (member == NULL || !token_json_string_is(member, "public-key"))
		return "an assertion whose type is not public-key";
	member = token_json_find(members, n, "response");
	if (member == NULL || member->kind != TOKEN_OBJECT)
		return "an assertion without response";
	return read_response(member->value, out);
}
