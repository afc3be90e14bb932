/*-------------------------------------------------------------------------
 *
 * base64url.c
 *	  Bytes as URLs and signed tokens have them: RFC 4648, section 5; and section 4.
 *
 *-------------------------------------------------------------------------
 */
#include "token/base64url.h"

static int
value_of(uint8_t digit, char next_to_last, char last)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == next_to_last ? 62 : digit == last ? 63 : -1;
}

/* Digits without padding, of an alphabet that ends with these two. */
static long
read_digits(TokenText text, char next_to_last, char last, void *out, size_t room)
{
	uint8_t    *bytes = out;
	size_t		n = 0;
	uint32_t	bits = 0;
	int			nbits = 0;

	if (text.len % 4 == 1 || TOKEN_BASE64URL_BYTES(text.len) > room)
		return -1;
	for (size_t i = 0; i < text.len; i++)
	{
		int			value = value_of(text.at[i], next_to_last, last);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t) value;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			bytes[n++] = (uint8_t) (bits >> nbits);
			bits &= (1u << nbits) - 1;
		}
	}
	return bits == 0 ? (long) n : -1;
}

long
token_base64url_read(TokenText text, void *out, size_t room)
{
	return read_digits(text, '-', '_', out, room);
}

long
token_base64_read(TokenText text, void *out, size_t room)
{
	if (text.len % 4 != 0)
		return -1;
	/* as many as make the last four digits whole: a third one is no digit */
	for (int i = 0; i < 2 && text.len > 0 && text.at[text.len - 1] == '='; i++)
		text.len--;
	return read_digits(text, '+', '/', out, room);
}

size_t
token_base64url_write(const void *data, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t *in = data;
	size_t		n = 0;
	uint32_t	bits = 0;
	int			nbits = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 8 | in[i];
		for (nbits += 8; nbits >= 6; bits &= (1u << nbits) - 1)
		{
			nbits -= 6;
			out[n++] = digits[bits >> nbits];
		}
	}
	if (nbits > 0)
		out[n++] = digits[bits << (6 - nbits)];
	out[n] = '\0';
	return n;
}
