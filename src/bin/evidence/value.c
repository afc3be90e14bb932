/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Values of audit rows as text, from their canonical bytes alone.
 *
 * The codes are those of src/evidence/canon.h, which never change their meaning.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <string.h>

#include "bin/evidence/value.h"

#define MICROSECONDS	INT64_C(1000000)
#define DAY				(INT64_C(86400) * MICROSECONDS)
#define NUMERIC_BASE_DIGITS 4
#define MAX_SHOWN		2000	/* bytes of one value */

bool		value_html = false;

uint64_t
bytes_number(Bytes *bytes, int n)
{
	uint64_t	value = 0;

	if (bytes->failed || bytes->end - bytes->at < n)
	{
		bytes->failed = true;
		return 0;
	}
	for (int i = 0; i < n; i++)
		value = value << 8 | *bytes->at++;
	return value;
}

uint64_t
bytes_length(Bytes *bytes)
{
	uint64_t	value = 0;

	for (int shift = 0; shift < 35; shift += 7)
	{
		uint64_t	byte = bytes_number(bytes, 1);

		value |= (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	bytes->failed = true;
	return 0;
}

bool
bytes_field(Bytes *bytes, TlogText *field)
{
	uint64_t	length = bytes_length(bytes);

	*field = (TlogText) {NULL, 0};
	if (bytes->failed || length == 0)
		return false;
	if ((uint64_t) (bytes->end - bytes->at) < length - 1)
	{
		bytes->failed = true;
		return false;
	}
	*field = (TlogText) {(const char *) bytes->at, length - 1};
	bytes->at += length - 1;
	return true;
}

/* C0, DEL, and C1, which is 0xC2 and one of 0x80 to 0x9F in UTF-8 */
static bool
is_control(TlogText text, size_t i)
{
	unsigned char c = text.at[i];

	return c < ' ' || c == 0x7f ||
		(c == 0xc2 && i + 1 < text.len && (unsigned char) text.at[i + 1] >= 0x80 &&
		 (unsigned char) text.at[i + 1] < 0xa0);
}

/*
 * What ends lines for some readers, or has what follows read in another direction: how many
 * bytes it takes in UTF-8, or 0.
 */
static size_t
unseen_length(TlogText text, size_t i)
{
	const unsigned char *c = (const unsigned char *) text.at + i;
	size_t		left = text.len - i;

	if (left >= 2 && c[0] == 0xd8 && c[1] == 0x9c)	/* U+061C */
		return 2;
	if (left < 3 || c[0] != 0xe2)
		return 0;
	/* U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069 */
	return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
		(c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9) ? 3 : 0;
}

/*
 * line_end: what stands for the end of a line within the text; quoted: it stands between
 * quotes, which it cannot end
 */
static void
print(FILE *out, TlogText text, const char *line_end, bool quoted)
{
	for (size_t i = 0; i < text.len && i < MAX_SHOWN; i++)
	{
		unsigned char c = text.at[i];
		size_t		unseen = unseen_length(text, i);

		if (quoted && (c == '"' || c == '\\'))
			putc('\\', out);
		if (unseen > 0)
		{
			fputs("\xEF\xBF\xBD", out);
			i += unseen - 1;
		}
		else if (value_html && strchr("&<>\"'", c) != NULL && c != '\0')
			fprintf(out, "&#%d;", c);
		else if (c == '\n')
			fputs(line_end, out);
		else if (is_control(text, i))
		{
			fputs("\xEF\xBF\xBD", out);
			i += c == 0xc2;
		}
		else
			putc(c, out);
	}
	if (text.len > MAX_SHOWN)
		fprintf(out, "... (%zu bytes)", text.len);
}

void
text_print(FILE *out, TlogText text)
{
	print(out, text, "\xEF\xBF\xBD", false);
}

void
text_print_quoted(FILE *out, TlogText text)
{
	const char *quote = value_html ? "&#34;" : "\"";

	fputs(quote, out);
	print(out, text, "\xEF\xBF\xBD", true);
	fputs(quote, out);
}

/* Of letters, digits and what keys are mostly made of: it needs no quotes. */
static bool
is_word(TlogText text)
{
	for (size_t i = 0; i < text.len; i++)
	{
		unsigned char c = text.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80) &&
			(c == '\0' || strchr("-_.:/@#+", c) == NULL))
			return false;
	}
	return text.len > 0;
}

void
text_print_key(FILE *out, TlogText text)
{
	if (is_word(text))
		text_print(out, text);
	else
		text_print_quoted(out, text);
}

void
text_print_lines(FILE *out, TlogText text)
{
	print(out, text, value_html ? "\n" : "\n        | ", false);
}

/* The day that is so many days after 2000-01-01 */
static void
date_print(FILE *out, int64_t days)
{
	/* days since 0000-03-01, in eras of 400 years */
	int64_t		shifted = days + 730425;
	int64_t		era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t		day = shifted - era * 146097;
	int64_t		year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t		rest = day - (365 * year + year / 4 - year / 100);
	int64_t		month = (5 * rest + 2) / 153;

	fprintf(out, "%04" PRId64 "-%02" PRId64 "-%02" PRId64, year + era * 400 + (month >= 10),
			month < 10 ? month + 3 : month - 9, rest - (153 * month + 2) / 5 + 1);
}

static void
clock_print(FILE *out, int64_t microseconds)
{
	int64_t		seconds = microseconds / MICROSECONDS;

	fprintf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600, seconds / 60 % 60, seconds % 60);
	if (microseconds % MICROSECONDS != 0)
		fprintf(out, ".%06" PRId64, microseconds % MICROSECONDS);
}

void
time_print(FILE *out, int64_t microseconds)
{
	int64_t		days = microseconds / DAY;

	if (microseconds % DAY < 0)
		days--;
	if (microseconds == INT64_MAX || microseconds == INT64_MIN)
	{
		fputs(microseconds > 0 ? "infinity" : "-infinity", out);
		return;
	}
	date_print(out, days);
	putc(' ', out);
	clock_print(out, microseconds - days * DAY);
}

/* The wire format of numeric: digits, weight, sign, scale, and digits of base 10,000 */
static void
numeric_print(FILE *out, Bytes *bytes)
{
	int			ndigits = (int) bytes_number(bytes, 2);
	int			weight = (int16_t) bytes_number(bytes, 2);
	uint64_t	sign = bytes_number(bytes, 2);
	int			scale = (int) bytes_number(bytes, 2);

	if (bytes->failed || (sign != 0 && sign != 0x4000))
	{
		fputs(sign == 0xD000 ? "infinity" : sign == 0xF000 ? "-infinity" : "NaN", out);
		return;
	}
	if (sign == 0x4000)
		putc('-', out);
	if (weight < 0)
		putc('0', out);
	for (int i = 0; i <= weight; i++)
		fprintf(out, i == 0 ? "%d" : "%04d", i < ndigits ? (int) bytes_number(bytes, 2) : 0);
	if (scale > 0)
		putc('.', out);
	for (int i = weight + 1; scale > 0; i++)
	{
		char		digits[16];

		snprintf(digits, sizeof(digits), "%04d", i >= 0 && i < ndigits ? (int) bytes_number(bytes, 2) % 10000 : 0);
		fprintf(out, "%.*s", scale < NUMERIC_BASE_DIGITS ? scale : NUMERIC_BASE_DIGITS, digits);
		scale -= NUMERIC_BASE_DIGITS;
	}
}

static void
hex_print(FILE *out, TlogText value)
{
	fputs("\\x", out);
	for (size_t i = 0; i < value.len && i < MAX_SHOWN; i++)
		fprintf(out, "%02x", (unsigned char) value.at[i]);
	if (value.len > MAX_SHOWN)
		fprintf(out, "... (%zu bytes)", value.len);
}

void
value_print(FILE *out, char code, TlogText value)
{
	Bytes		bytes = {(const uint8_t *) value.at, (const uint8_t *) value.at + value.len, false};

	switch (code)
	{
		case 'b':
			fputs(bytes_number(&bytes, 1) ? "true" : "false", out);
			break;
		case '2':
			fprintf(out, "%d", (int16_t) bytes_number(&bytes, 2));
			break;
		case '4':
			fprintf(out, "%d", (int32_t) bytes_number(&bytes, 4));
			break;
		case '8':
			fprintf(out, "%" PRId64, (int64_t) bytes_number(&bytes, 8));
			break;
		case 'n':
			numeric_print(out, &bytes);
			break;
		case 't':
		case 'j':
		case 'e':
		case 'x':
			text_print_lines(out, value);
			break;
		case 'D':
			date_print(out, (int32_t) bytes_number(&bytes, 4));
			break;
		case 'T':
			clock_print(out, (int64_t) bytes_number(&bytes, 8));
			break;
		case 'S':
		case 'W':
			time_print(out, (int64_t) bytes_number(&bytes, 8));
			if (code == 'W')
				fputs(" UTC", out);
			break;
		case 'r':
			fputs("(redacted)", out);
			break;
		default:
			hex_print(out, value);
	}
}

bool
array_begin(TlogText value, Bytes *bytes, uint64_t *n)
{
	uint64_t	ndim;

	*bytes = (Bytes) {(const uint8_t *) value.at, (const uint8_t *) value.at + value.len, false};
	ndim = bytes_number(bytes, 1);
	*n = ndim == 0 ? 0 : bytes_number(bytes, 4);
	if (ndim > 0)
		(void) bytes_number(bytes, 4);	/* its lower bound */
	return ndim <= 1 && !bytes->failed;
}

void
array_print(FILE *out, char of, TlogText value)
{
	Bytes		bytes;
	uint64_t	n;

	if (!array_begin(value, &bytes, &n))
	{
		hex_print(out, value);
		return;
	}
	putc('{', out);
	for (uint64_t i = 0; i < n && !bytes.failed; i++)
	{
		TlogText	element;
		bool		there = bytes_field(&bytes, &element);

		if (bytes.failed)
			break;
		fputs(i == 0 ? "" : ", ", out);
		if (there)
			value_print(out, of, element);
		else
			fputs("NULL", out);
	}
	putc('}', out);
}
