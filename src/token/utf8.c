/*-------------------------------------------------------------------------
 *
 * utf8.c
 *	  Is it UTF-8?
 *
 *-------------------------------------------------------------------------
 */
#include "token/utf8.h"

/* How many bytes follow the first one; -1: it begins nothing. */
static int
following(uint8_t first)
{
	return first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
}

bool
token_utf8_valid(const uint8_t *text, size_t len)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

	while (len > 0)
	{
		int			n = following(*text);
		uint32_t	code = n <= 0 ? *text : *text & (0x3f >> n);

		if (n < 0 || (size_t) n >= len)
			return false;
		for (int i = 1; i <= n; i++)
		{
			if ((text[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (text[i] & 0x3f);
		}
		if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
		text += n + 1;
		len -= (size_t) n + 1;
	}
	return true;
}
