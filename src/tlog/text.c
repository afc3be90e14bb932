/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Parts of a text: lines, numbers, base64.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlog/text.h"

bool
tlog_text_is(TlogText text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

bool
tlog_text_begins(TlogText text, const char *word)
{
	size_t		len = strlen(word);

	return text.len >= len && memcmp(text.at, word, len) == 0;
}

bool
tlog_text_line(TlogText *rest, TlogText *line)
{
	const char *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;

	if (end == NULL)
		return false;
	line->at = rest->at;
	line->len = end - rest->at;
	rest->at = end + 1;
	rest->len -= line->len + 1;
	return true;
}

bool
tlog_text_word(TlogText *line, TlogText *word)
{
	const char *end;

	if (line->len == 0)
		return false;
	word->at = line->at;
	end = memchr(line->at, ' ', line->len);
	word->len = end == NULL ? line->len : (size_t) (end - line->at);
	line->at += word->len + (end != NULL);
	line->len -= word->len + (end != NULL);
	/* a blank has a word on both sides */
	return word->len > 0 && (end == NULL || line->len > 0);
}

/* The length of the character that text begins with, or 0: it is none */
static size_t
character(const uint8_t *text, size_t len)
{
	uint32_t	code = text[0];
	size_t		n = code < 0x80 ? 1 : code < 0xC2 ? 0 : code < 0xE0 ? 2 : code < 0xF0 ? 3 : code < 0xF5 ? 4 : 0;

	if (n < 2 || n > len)
		return n > len ? 0 : n;
	code &= 0xFF >> (n + 1);
	for (size_t i = 1; i < n; i++)
	{
		if ((text[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3F);
	}
	if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10FFFF)) ||
		(code >= 0xD800 && code <= 0xDFFF))
		return 0;
	return n;
}

bool
tlog_text_clean(TlogText text)
{
	size_t		n;

	for (size_t i = 0; i < text.len; i += n)
	{
		n = character((const uint8_t *) text.at + i, text.len - i);
		if (n == 0 || ((uint8_t) text.at[i] < ' ' && text.at[i] != '\n'))
			return false;
	}
	return true;
}

bool
tlog_text_number(TlogText text, uint64_t *number)
{
	uint64_t	n = 0;

	if (text.len == 0 || text.len > 19 || (text.at[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++)
	{
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (text.at[i] - '0');
	}
	*number = n;
	return n <= INT64_MAX;
}

/* Base64 of RFC 4648, section 4 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
tlog_base64_write(const void *data, size_t len, char *out)
{
	const uint8_t *in = data;
	size_t		n = 0;

	for (size_t i = 0; i < len; i += 3)
	{
		uint32_t	three = in[i] << 16;

		if (i + 1 < len)
			three |= in[i + 1] << 8;
		if (i + 2 < len)
			three |= in[i + 2];
		out[n++] = digits[three >> 18];
		out[n++] = digits[three >> 12 & 63];
		out[n++] = i + 1 < len ? digits[three >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? digits[three & 63] : '=';
	}
	out[n] = '\0';
	return n;
}

static int
digit_value(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A'
		: c >= 'a' && c <= 'z' ? c - 'a' + 26
		: c >= '0' && c <= '9' ? c - '0' + 52
		: c == '+' ? 62 : c == '/' ? 63 : -1;
}

long
tlog_base64_read(TlogText text, void *out, size_t room)
{
	uint8_t    *bytes = out;
	size_t		n = 0;
	size_t		len = text.len;
	size_t		padding = 0;
	uint32_t	value = 0;

	if (len % 4 != 0)
		return -1;
	while (padding < 2 && padding < len && text.at[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len - padding; i++)
	{
		int			digit = digit_value(text.at[i]);

		if (digit < 0)
			return -1;
		value = value << 6 | digit;
		if (i % 4 == 0)
			continue;
		if (n >= room)
			return -1;
		bytes[n++] = value >> (6 - i % 4 * 2);
	}
	/* the bits of the last digit that belong to no byte */
	if (padding > 0 && (value & ((1 << padding * 2) - 1)) != 0)
		return -1;
	return (long) n;
}

bool
tlog_base64_hash(TlogText text, TlogHash *out)
{
	return tlog_base64_read(text, out->bytes, TLOG_HASH_LEN) == TLOG_HASH_LEN;
}

/* Writing */

void
tlog_write_begin(TlogWriter *w, char *out, size_t room)
{
	w->out = out;
	w->room = room;
	w->len = 0;
	w->failed = room == 0;
	if (room > 0)
		out[0] = '\0';
}

void
tlog_write(TlogWriter *w, const char *text, size_t len)
{
	if (w->failed || len >= w->room - w->len)
	{
		w->failed = true;
		return;
	}
	if (len > 0)
		memcpy(w->out + w->len, text, len);
	w->len += len;
	w->out[w->len] = '\0';
}

void
tlog_write_word(TlogWriter *w, const char *word)
{
	tlog_write(w, word, strlen(word));
}

void
tlog_write_number(TlogWriter *w, uint64_t number)
{
	char		text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	tlog_write_word(w, text);
}

void
tlog_write_base64(TlogWriter *w, const void *data, size_t len)
{
	if (w->failed || TLOG_BASE64_LEN(len) >= w->room - w->len)
		w->failed = true;
	else
		w->len += tlog_base64_write(data, len, w->out + w->len);
}

long
tlog_write_end(TlogWriter *w)
{
	return w->failed ? -1 : (long) w->len;
}
