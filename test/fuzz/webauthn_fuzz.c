/*-------------------------------------------------------------------------
 *
 * webauthn_fuzz.c
 *	  libFuzzer: authenticator data, client data, assertions in JSON.
 *
 * The first byte says which of them the rest is.  What is taken has what it must
 * have, and nothing of it lies outside of the input.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "fuzz.h"
#include "token/webauthn.h"

static void
check_within(TokenText part, TokenText whole)
{
	require(part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void
check_authenticator_data(TokenText text)
{
	TokenAuthenticatorData data;
	size_t		len = 37;

	if (token_webauthn_authenticator_data(text, &data) != NULL)
		return;
	check_within(data.credential_id, text);
	check_within(data.cose_key, text);
	check_within(data.extensions, text);
	require((data.credential_id.len > 0) == ((data.flags & TOKEN_FLAG_AT) != 0));
	require((data.cose_key.len > 0) == ((data.flags & TOKEN_FLAG_AT) != 0));
	require((data.extensions.len > 0) == ((data.flags & TOKEN_FLAG_ED) != 0));
	/* each byte belongs to something */
	if (data.flags & TOKEN_FLAG_AT)
		len += 18 + data.credential_id.len + data.cose_key.len;
	require(len + data.extensions.len == text.len);
	require((data.flags & TOKEN_FLAG_BE) || !(data.flags & TOKEN_FLAG_BS));
	text.len--;
	require(token_webauthn_authenticator_data(text, &data) != NULL);
}

static void
check_client_data(TokenText text)
{
	TokenClientData data;

	if (token_webauthn_client_data(text, &data) != NULL)
		return;
	require(text.at[0] == '{' || strchr(" \t\r\n", text.at[0]) != NULL);
	require(strlen(data.origin) > 0 && strlen(data.origin) <= TOKEN_ORIGIN_MAX);
	require(data.cross_origin || data.top_origin[0] == '\0');
	require(strlen(data.top_origin) <= TOKEN_ORIGIN_MAX);
}

static void
check_assertion(TokenText text)
{
	static TokenAssertion a;

	if (token_webauthn_assertion(text, &a) != NULL)
		return;
	require(a.credential_id_len > 0 && a.credential_id_len <= TOKEN_CREDENTIAL_ID_MAX);
	require(a.client_data_len > 0 && a.client_data_len <= TOKEN_CLIENT_DATA_MAX);
	require(a.authenticator_data_len > 0 && a.authenticator_data_len <= TOKEN_AUTHENTICATOR_DATA_MAX);
	require(a.signature_len > 0 && a.signature_len <= TOKEN_SIGNATURE_MAX);
	require(a.user_handle_len <= TOKEN_USER_HANDLE_MAX);
}

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *copy;
	TokenText	text;

	if (size == 0)
		return 0;
	copy = palloc(size - 1);
	memcpy(copy, data + 1, size - 1);
	text = (TokenText) {copy, size - 1};
	if (data[0] % 3 == 0)
		check_authenticator_data(text);
	else if (data[0] % 3 == 1)
		check_client_data(text);
	else
		check_assertion(text);
	fuzz_free();
	return 0;
}
