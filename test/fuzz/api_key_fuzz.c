/*-------------------------------------------------------------------------
 *
 * api_key_fuzz.c
 *	  libFuzzer: the format of API keys.
 *
 * The input is a text to parse, and beside that random bytes to make a key of: what
 * was made parses, any other text in its place does not, unless it is a key as
 * well, which comes out again when it is put together from its parts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "fuzz.h"
#include "services/api_key/api_key_format.h"

#define TAIL	(PAYSAFE_API_KEY_RANDOM_LEN + PAYSAFE_API_KEY_CHECKSUM_LEN)

/* Parse a copy that ends where the text ends. */
static size_t
parse(const char *text, size_t len)
{
	char	   *copy = palloc(len);
	size_t		result;

	memcpy(copy, text, len);
	result = paysafe_api_key_format_parse(copy, len);
	fuzz_free();
	return result;
}

/* What is taken for a key is what would be written for its parts. */
static void
check(const char *text, size_t len)
{
	size_t		prefixlen = parse(text, len);
	char	   *again;

	if (prefixlen == 0)
		return;
	require(len <= PAYSAFE_API_KEY_MAX && prefixlen == len - 1 - TAIL);
	require(paysafe_api_key_format_is_prefix(text, prefixlen));
	again = palloc(len);
	require(paysafe_api_key_format_key(text, prefixlen, text + prefixlen + 1, again) == len);
	require(memcmp(again, text, len) == 0);
	fuzz_free();
	for (size_t i = 0; i < len; i++)
		require((unsigned char) text[i] > ' ' && (unsigned char) text[i] < 0x7f);
}

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char		characters[PAYSAFE_API_KEY_RANDOM_LEN];
	char		key[PAYSAFE_API_KEY_MAX];
	char		prefix[PAYSAFE_API_KEY_PREFIX_MAX];
	size_t		prefixlen = size == 0 ? 0 : data[0] % (PAYSAFE_API_KEY_PREFIX_MAX + 1);
	size_t		n;
	size_t		len;
	size_t		place;
	char		was;

	check((const char *) data, size);

	/* a prefix of the first bytes, characters of the rest */
	prefixlen = Min(prefixlen, size);
	for (size_t i = 0; i < prefixlen; i++)
		prefix[i] = "abcz019_"[data[i] % 8];
	n = paysafe_api_key_format_characters(data + prefixlen, size - prefixlen, characters, sizeof(characters));
	require(n <= sizeof(characters));
	memset(characters + n, 'A', sizeof(characters) - n);
	len = paysafe_api_key_format_key(prefix, prefixlen, characters, key);
	require(len == prefixlen + 1 + TAIL);
	require(parse(key, len) == (paysafe_api_key_format_is_prefix(prefix, prefixlen) ? prefixlen : 0));
	if (parse(key, len) == 0 || size < 2)
		return 0;

	/* one character of the random part or the checksum changed, one lost, one more */
	place = prefixlen + 1 + data[size - 1] % TAIL;
	was = key[place];
	key[place] = (char) data[size - 2];
	require(key[place] == was || parse(key, len) == 0);
	key[place] = was;
	require(parse(key, len - 1) == 0);
	return 0;
}
