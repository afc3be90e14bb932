/*-------------------------------------------------------------------------
 *
 * canon_json.c
 *	  Which json documents jsonb can hold.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "evidence/canon_json.h"

/* A JSON string from its opening quote; *pos moves behind the closing one. */
static bool
string_fits_jsonb(const char **pos)
{
	const char *c = *pos + 1;
	bool		high = false;	/* half a surrogate pair stands before */

	while (*c != '"')
	{
		char		digits[5];
		unsigned long unit;

		if (*c == '\0')
			return false;
		if (c[0] != '\\' || c[1] != 'u')
		{
			if (high || (c[0] == '\\' && c[1] == '\0'))
				return false;
			c += c[0] == '\\' ? 2 : 1;
			continue;
		}
		strlcpy(digits, c + 2, sizeof(digits));
		if (strspn(digits, "0123456789abcdefABCDEF") != 4)
			return false;
		unit = strtoul(digits, NULL, 16);
		if (unit == 0 || high != (unit >= 0xDC00 && unit <= 0xDFFF))
			return false;
		high = unit >= 0xD800 && unit <= 0xDBFF;
		/* other encodings lack most characters */
		if (unit > 0x7F && GetDatabaseEncoding() != PG_UTF8)
			return false;
		c += 6;
	}
	*pos = c + 1;
	return !high;
}

/*
 * A JSON number; *pos moves behind it.  The limits are a little narrower than
 * numeric's, 131072 digits before the point and 16383 after it.
 */
static bool
number_fits_jsonb(const char **pos)
{
	static const char digits[] = "0123456789";
	const char *c = *pos + (**pos == '-');
	size_t		integer = strspn(c, digits);
	size_t		fraction = 0;
	long		exponent = 0;

	c += integer;
	if (*c == '.')
	{
		fraction = strspn(c + 1, digits);
		c += 1 + fraction;
	}
	if (*c == 'e' || *c == 'E')
	{
		size_t		len;

		c++;
		len = strspn(c + (*c == '+' || *c == '-'), digits);
		if (len > 6)
			return false;
		exponent = strtol(c, NULL, 10);
		c += (*c == '+' || *c == '-') + len;
	}
	*pos = c;
	return integer <= 100000 && fraction <= 16000 &&
		(long) integer + exponent <= 100000 && (long) fraction - exponent <= 16000;
}

bool
paysafe_canon_fits_jsonb(const char *text)
{
	/* an element takes up to eight times its text, all together 256 MB */
	if (strlen(text) >= 32 * 1024 * 1024)
		return false;
	for (const char *c = text; *c;)
	{
		if (*c == '"')
		{
			if (!string_fits_jsonb(&c))
				return false;
		}
		else if (*c == '-' || isdigit((unsigned char) *c))
		{
			if (!number_fits_jsonb(&c))
				return false;
		}
		else
			c++;
	}
	return true;
}
