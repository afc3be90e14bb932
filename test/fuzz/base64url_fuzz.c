/*-------------------------------------------------------------------------
 *
 * base64url_fuzz.c
 *	  libFuzzer's view of tokens' base64url: what is read is what would be written, and what
 *	  is written is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "token/base64url.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *bytes = palloc(TOKEN_BASE64URL_BYTES(size) + 1);
	char	   *again = palloc(TOKEN_BASE64URL_LEN(size) + 1);
	TokenText	text = {data, size};
	long		n = token_base64url_read(text, bytes, TOKEN_BASE64URL_BYTES(size));
	size_t		len;

	require(n >= -1 && n <= (long) TOKEN_BASE64URL_BYTES(size));
	if (n >= 0)
	{
		require(n == (long) TOKEN_BASE64URL_BYTES(size));
		require(token_base64url_write(bytes, n, again) == size && memcmp(again, data, size) == 0);
		if (n > 0)
			require(token_base64url_read(text, bytes, n - 1) == -1);
	}
	len = token_base64url_write(data, size, again);
	require(len == TOKEN_BASE64URL_LEN(size) && again[len] == '\0');
	bytes = palloc(size + 1);
	require(token_base64url_read((TokenText) {(uint8 *) again, len}, bytes, size) == (long) size &&
			memcmp(bytes, data, size) == 0);
	/* with padding: one form, which is the other one with its own last digits */
	bytes = palloc(size);
	n = token_base64_read(text, bytes, size);
	require(n == -1 || size % 4 == 0);
	if (n > 0)
	{
		len = token_base64url_write(bytes, n, again);
		for (size_t i = 0; i < len; i++)
			require((again[i] == '-' ? '+' : again[i] == '_' ? '/' : again[i]) == data[i]);
		for (size_t i = len; i < size; i++)
			require(data[i] == '=');
		require(size - len < 3);
	}
	fuzz_free();
	return 0;
}
