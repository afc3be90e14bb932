/*-------------------------------------------------------------------------
 *
 * encode_fuzz.c
 *	  libFuzzer: strict text forms and Fernet tokens.  What is read is what would be written,
 *	  and what is written is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "fuzz.h"
#include "vault/fernet.h"

static const PaysafeBase64 forms[] = {
	PAYSAFE_BASE64, PAYSAFE_BASE64_UNPADDED, PAYSAFE_BASE64_URL, PAYSAFE_BASE64_URL_UNPADDED
};

static void
check_read(const char *text, size_t len)
{
	uint8	   *bytes = palloc(len);
	char	   *again = palloc(2 * len + 4);
	int			n;
	int64		number;

	for (int i = 0; i < lengthof(forms); i++)
	{
		n = paysafe_decode_base64(text, len, forms[i], bytes);
		require(n >= -1 && n <= (int) (len * 3 / 4));
		if (n >= 0)
			require(paysafe_encode_base64(bytes, n, forms[i], again) == len &&
					memcmp(text, again, len) == 0);
	}
	n = paysafe_decode_hex(text, len, bytes);
	require(n == -1 || n * 2 == (int) len);
	if (n >= 0)
	{
		require(paysafe_encode_hex(bytes, n, again) == len);
		for (size_t i = 0; i < len; i++)
			require(again[i] == pg_tolower((unsigned char) text[i]));
	}
	if (paysafe_decode_decimal(text, len, &number))
	{
		snprintf(again, 2 * len + 4, INT64_FORMAT, number);
		require(strlen(again) == len && memcmp(text, again, len) == 0);
	}
}

static void
check_write(const uint8 *data, size_t size)
{
	char	   *text = palloc(2 * size + 4);
	uint8	   *bytes = palloc(size + 3);
	size_t		len;

	for (int i = 0; i < lengthof(forms); i++)
	{
		len = paysafe_encode_base64(data, size, forms[i], text);
		require(len <= PAYSAFE_BASE64_LEN(size));
		require(paysafe_decode_base64(text, len, forms[i], bytes) == (int) size &&
				memcmp(bytes, data, size) == 0);
	}
	len = paysafe_encode_hex(data, size, text);
	require(paysafe_decode_hex(text, len, bytes) == (int) size && memcmp(bytes, data, size) == 0);
}

/* The text, and the bytes as a token's. */
static void
check_fernet(const uint8 *data, size_t size)
{
	char	   *text = palloc(2 * size + 4);
	uint8	   *bytes = palloc(2 * size + 4);
	FernetToken token;
	size_t		len;

	(void) paysafe_fernet_parse((const char *) data, size, bytes, &token);
	len = paysafe_encode_base64(data, size, PAYSAFE_BASE64_URL, text);
	if (paysafe_fernet_parse(text, len, bytes, &token))
	{
		require(bytes[0] == 0x80 && token.cipherlen > 0 && token.cipherlen % 16 == 0);
		require(token.iv == bytes + 9 && token.cipher == bytes + 25);
		require((size_t) (token.hmac - bytes) + PAYSAFE_SHA256_LEN == size);
	}
	else
		require(size < 73 || data[0] != 0x80 || (size - 57) % 16 != 0);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *text = palloc(size);

	memcpy(text, data, size);
	check_read(text, size);
	check_write(data, size);
	check_fernet(data, size);
	fuzz_free();
	return 0;
}
