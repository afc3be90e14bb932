/*-------------------------------------------------------------------------
 *
 * json_text.c
 *	  Strings of JSON, character by character.
 *
 *-------------------------------------------------------------------------
 */
#include "token/json_text.h"

/* Four hexadecimal digits, or -1 */
static long
hex4(const uint8_t *at, const uint8_t *end)
{
	long		code = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int			c = at[i];
		int			digit = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

/* An escape, after its backslash; 0: none that is valid */
static uint32_t
escaped(const uint8_t **at, const uint8_t *end)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	long		code;
	long		low;

	if (*at == end || **at == '\0')
		return 0;
	letter = strchr(letters, **at);
	if (letter != NULL)
	{
		(*at)++;
		return (uint8_t) meant[letter - letters];
	}
	if (*(*at)++ != 'u' || (code = hex4(*at, end)) < 0 || (code >= 0xDC00 && code <= 0xDFFF))
		return 0;
	*at += 4;
	if (code < 0xD800 || code > 0xDBFF)
		return (uint32_t) code;
	/* the first half of a pair */
	if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0;
	low = hex4(*at + 2, end);
	if (low < 0xDC00 || low > 0xDFFF)
		return 0;
	*at += 6;
	return (uint32_t) (0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
}

uint32_t
token_json_character(const uint8_t **at, const uint8_t *end)
{
	uint32_t	code = *(*at)++;
	int			more = code < 0x80 ? 0 : code < 0xC2 ? -1 : code < 0xE0 ? 1 : code < 0xF0 ? 2 : code < 0xF5 ? 3 : -1;

	if (more == 0)
		return code == '\\' ? escaped(at, end) : code < ' ' ? 0 : code;
	if (more < 0 || end - *at < more)
		return 0;
	code &= 0x3F >> more;
	for (int i = 0; i < more; i++)
	{
		if ((**at & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (*(*at)++ & 0x3F);
	}
	if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10FFFF)) ||
		(code >= 0xD800 && code <= 0xDFFF))
		return 0;
	return code;
}

bool
token_json_same(TokenText a, TokenText b)
{
	const uint8_t *aend = a.at + a.len;
	const uint8_t *bend = b.at + b.len;

	while (a.at < aend && b.at < bend)
		if (token_json_character(&a.at, aend) != token_json_character(&b.at, bend))
			return false;
	return a.at == aend && b.at == bend;
}

int
token_json_compare(TokenText a, TokenText b)
{
	const uint8_t *aend = a.at + a.len;
	const uint8_t *bend = b.at + b.len;

	while (a.at < aend && b.at < bend)
	{
		uint32_t	x = token_json_character(&a.at, aend);
		uint32_t	y = token_json_character(&b.at, bend);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.at < aend) - (b.at < bend);
}
