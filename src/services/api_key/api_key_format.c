/*-------------------------------------------------------------------------
 *
 * api_key_format.c
 *	  What an API key looks like.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "services/api_key/api_key_format.h"

#define BASE	62
#define TAIL	(PAYSAFE_API_KEY_RANDOM_LEN + PAYSAFE_API_KEY_CHECKSUM_LEN)

/* the order of GitHub's checksums */
static const char digits[BASE + 1] =
"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
paysafe_api_key_format_is_prefix(const char *prefix, size_t len)
{
	if (len == 0 || len > PAYSAFE_API_KEY_PREFIX_MAX || !is_lower(prefix[0]) || prefix[len - 1] == '_')
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_lower(prefix[i]) && !is_digit(prefix[i]) &&
			(prefix[i] != '_' || prefix[i - 1] == '_'))
			return false;
	return true;
}

size_t
paysafe_api_key_format_characters(const uint8 *bytes, size_t nbytes, char *out, size_t max)
{
	size_t		n = 0;

	for (size_t i = 0; i < nbytes && n < max; i++)
		if (bytes[i] < 256 / BASE * BASE)
			out[n++] = digits[bytes[i] % BASE];
	return n;
}

/* CRC-32 of IEEE 802.3: polynomial 04C11DB7, bits reflected. */
static uint32
crc32(const char *data, size_t len)
{
	uint32		crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++)
	{
		crc ^= (uint8) data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
	}
	return crc ^ 0xFFFFFFFF;
}

static void
write_checksum(const char *characters, char *out)
{
	uint32		crc = crc32(characters, PAYSAFE_API_KEY_RANDOM_LEN);

	for (int i = PAYSAFE_API_KEY_CHECKSUM_LEN - 1; i >= 0; i--, crc /= BASE)
		out[i] = digits[crc % BASE];
}

size_t
paysafe_api_key_format_key(const char *prefix, size_t prefixlen, const char *characters, char *out)
{
	memcpy(out, prefix, prefixlen);
	out[prefixlen] = '_';
	memcpy(out + prefixlen + 1, characters, PAYSAFE_API_KEY_RANDOM_LEN);
	write_checksum(characters, out + prefixlen + 1 + PAYSAFE_API_KEY_RANDOM_LEN);
	return prefixlen + 1 + TAIL;
}

size_t
paysafe_api_key_format_parse(const char *text, size_t len)
{
	size_t		prefixlen;
	const char *characters;
	char		checksum[PAYSAFE_API_KEY_CHECKSUM_LEN];

	if (len < 1 + 1 + TAIL || len > PAYSAFE_API_KEY_MAX)
		return 0;
	prefixlen = len - TAIL - 1;
	characters = text + prefixlen + 1;
	if (text[prefixlen] != '_' || !paysafe_api_key_format_is_prefix(text, prefixlen))
		return 0;
	for (size_t i = 0; i < PAYSAFE_API_KEY_RANDOM_LEN; i++)
		if (!is_lower(characters[i]) && !is_digit(characters[i]) &&
			!(characters[i] >= 'A' && characters[i] <= 'Z'))
			return 0;
	write_checksum(characters, checksum);
	if (memcmp(checksum, characters + PAYSAFE_API_KEY_RANDOM_LEN, sizeof(checksum)) != 0)
		return 0;
	return prefixlen;
}
