/*-------------------------------------------------------------------------
 *
 * encode.c
 *	  Strict text forms of bytes and numbers.
 *
 * No branch and no table index depends on the value of a digit of base64 or hex:
 * secrets come in these forms.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>

#include "base/encode.h"

/* All bits set if low <= c <= high, otherwise none; the arguments are bytes. */
static inline int
between(int c, int low, int high)
{
	return ((low - 1 - c) & (c - high - 1)) >> 8;
}

static inline bool
is_padded(PaysafeBase64 form)
{
	return form == PAYSAFE_BASE64 || form == PAYSAFE_BASE64_URL;
}

static inline bool
is_url(PaysafeBase64 form)
{
	return form == PAYSAFE_BASE64_URL || form == PAYSAFE_BASE64_URL_UNPADDED;
}

/* The value of a base64 digit, or -1. */
static int
base64_value(unsigned char digit, bool url)
{
	int			c = digit;
	int			c62 = url ? '-' : '+';
	int			c63 = url ? '_' : '/';

	return -1 +
		(between(c, 'A', 'Z') & (c - 'A' + 1)) +
		(between(c, 'a', 'z') & (c - 'a' + 27)) +
		(between(c, '0', '9') & (c - '0' + 53)) +
		(between(c, c62, c62) & 63) +
		(between(c, c63, c63) & 64);
}

int
paysafe_decode_base64(const char *in, size_t inlen, PaysafeBase64 form, uint8 *out)
{
	bool		url = is_url(form);
	uint32		bits = 0;
	int			nbits = 0;
	int			wrong = 0;
	int			n = 0;

	if (inlen > INT_MAX)
		return -1;
	if (is_padded(form))
	{
		if (inlen % 4 != 0)
			return -1;
		for (int i = 0; i < 2 && inlen > 0 && in[inlen - 1] == '='; i++)
			inlen--;
	}
	if (inlen % 4 == 1)
		return -1;
	for (size_t i = 0; i < inlen; i++)
	{
		int			value = base64_value((unsigned char) in[i], url);

		wrong |= value;			/* negative if one of them is */
		bits = bits << 6 | (value & 63);
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			out[n++] = (uint8) (bits >> nbits);
			bits &= (1 << nbits) - 1;
		}
	}
	return wrong < 0 || bits != 0 ? -1 : n;
}

int
paysafe_decode_hex(const char *in, size_t inlen, uint8 *out)
{
	int			wrong = 0;

	if (inlen % 2 != 0 || inlen > INT_MAX)
		return -1;
	for (size_t i = 0; i < inlen; i++)
	{
		int			c = (unsigned char) in[i];
		int			value = -1 +
			(between(c, '0', '9') & (c - '0' + 1)) +
			(between(c, 'a', 'f') & (c - 'a' + 11)) +
			(between(c, 'A', 'F') & (c - 'A' + 11));

		wrong |= value;
		out[i / 2] = (uint8) (i % 2 == 0 ? (value & 15) << 4 : out[i / 2] | (value & 15));
	}
	return wrong < 0 ? -1 : (int) (inlen / 2);
}

/* The base64 digit of a value below 64. */
static char
base64_digit(int v, bool url)
{
	return (char) ((between(v, 0, 25) & (v + 'A')) |
				   (between(v, 26, 51) & (v - 26 + 'a')) |
				   (between(v, 52, 61) & (v - 52 + '0')) |
				   (between(v, 62, 62) & (url ? '-' : '+')) |
				   (between(v, 63, 63) & (url ? '_' : '/')));
}

size_t
paysafe_encode_base64(const uint8 *in, size_t inlen, PaysafeBase64 form, char *out)
{
	bool		url = is_url(form);
	size_t		n = 0;

	for (size_t i = 0; i < inlen; i += 3)
	{
		size_t		left = inlen - i;
		uint32		bits = in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);

		out[n++] = base64_digit(bits >> 18, url);
		out[n++] = base64_digit(bits >> 12 & 63, url);
		if (left > 1)
			out[n++] = base64_digit(bits >> 6 & 63, url);
		else if (is_padded(form))
			out[n++] = '=';
		if (left > 2)
			out[n++] = base64_digit(bits & 63, url);
		else if (is_padded(form))
			out[n++] = '=';
	}
	return n;
}

size_t
paysafe_encode_hex(const uint8 *in, size_t inlen, char *out)
{
	for (size_t i = 0; i < inlen; i++)
		for (int half = 0; half < 2; half++)
		{
			int			v = half == 0 ? in[i] >> 4 : in[i] & 15;

			out[2 * i + half] = (char) (v + '0' + (between(v, 10, 15) & ('a' - '0' - 10)));
		}
	return 2 * inlen;
}

bool
paysafe_decode_decimal(const char *in, size_t inlen, int64 *out)
{
	int64		value = 0;

	if (inlen == 0 || inlen > 18 || (in[0] == '0' && inlen > 1))
		return false;
	for (size_t i = 0; i < inlen; i++)
	{
		if (in[i] < '0' || in[i] > '9')
			return false;
		value = value * 10 + (in[i] - '0');
	}
	*out = value;
	return true;
}
