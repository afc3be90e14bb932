/*-------------------------------------------------------------------------
 *
 * redact_fuzz.c
 *	  libFuzzer's view of redaction: whatever the bytes, what comes out keeps
 *	  what redact.h promises.
 *
 * src/core/redact*.c are compiled beside this file with FRONTEND.  The first byte
 * of an input chooses the encoding.  What a card number is, is judged here once
 * more, slowly and by itself, for the forms that leave no doubt.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "redact/redact.h"
#include "redact/secret_text.h"
#include "fuzz.h"

/* Steps for each byte: reading takes 30 in the worst case, in up to 8 ways. */
#define WORK_PER_BYTE	500

/* The oracle: symbols are digits, ' ' and '-', 'h' for a to f, and other characters */

static size_t
read_symbols(const uint8_t *s, size_t len, bool utf8, char *symbols)
{
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (utf8 && i + 2 < len && s[i] == 0xEF && s[i + 1] == 0xBC &&
			s[i + 2] >= 0x90 && s[i + 2] <= 0x99)
		{
			symbols[n++] = (char) ('0' + s[i + 2] - 0x90);
			i += 2;
		}
		else if (utf8 && i + 1 < len && s[i] == 0xD9 && s[i + 1] >= 0xA0 && s[i + 1] <= 0xA9)
		{
			symbols[n++] = (char) ('0' + s[i + 1] - 0xA0);
			i++;
		}
		else if ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f')
			symbols[n++] = 'h';
		else if (s[i] == 0 || s[i] >= 0x80)
			symbols[n++] = '?';
		else
			symbols[n++] = (char) s[i];
	}
	symbols[n] = '\0';
	return n;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Issuers that are in no doubt. */
static bool
is_card(const char *number)
{
	int			n = strlen(number);
	int			sum = 0;

	for (int i = n - 1, twice = 0; i >= 0; i--, twice = !twice)
	{
		int			product = (number[i] - '0') * (twice ? 2 : 1);

		sum += product / 10 + product % 10;
	}
	if (sum % 10 != 0)
		return false;
	switch (number[0])
	{
		case '3':
			return (n == 15 && (number[1] == '4' || number[1] == '7')) ||
				(n == 14 && number[1] == '6');
		case '4':
			return n == 13 || n == 16 || n == 19;
		case '5':
			return n == 16 && number[1] >= '1' && number[1] <= '5';
		case '6':
			return (n == 16 && (number[1] == '5' || strncmp(number, "6011", 4) == 0)) ||
				(n >= 16 && n <= 19 && number[1] == '2');
		default:
			return false;
	}
}

/*
 * Is there a card number at this place, in one of these forms?  With doubt, it
 * must not be next to characters that could be digits.
 */
static bool
card_at(const char *s, size_t at, bool doubt)
{
	static const char *const forms[] = {
		"dddddddddddddd", "ddddddddddddddd", "dddddddddddddddd", "ddddddddddddddddd",
		"dddddddddddddddddd", "ddddddddddddddddddd", "dddd dddd dddd dddd", "dddd dddddd ddddd",
		"dddd dddddd dddd", "dddd dddd dddd dddd ddd"
	};

	/* not part of a longer number, id, or what is computed with */
	if (!digit(s[at]) ||
		(at > 0 && (digit(s[at - 1]) || strchr("h-.+%\\", s[at - 1]))) ||
		(at > 0 && doubt && s[at - 1] == '?') ||
		(at > 1 && s[at - 1] == 'u' && s[at - 2] == '\\'))
		return false;
	for (int f = 0; f < lengthof(forms); f++)
	{
		char		number[20];
		int			n = 0;
		size_t		i;

		for (i = 0; forms[f][i] != '\0'; i++)
		{
			char		c = s[at + i];

			if (forms[f][i] == 'd' ? !digit(c) : c != ' ' && c != '-')
				break;
			if (forms[f][i] == 'd')
				number[n++] = c;
		}
		number[n] = '\0';
		if (forms[f][i] == '\0' && !digit(s[at + i]) && s[at + i] != 'h' && s[at + i] != '-' &&
			!(doubt && s[at + i] == '?') && is_card(number))
			return true;
	}
	return false;
}

static bool
oracle(const char *data, size_t len, RedactEncoding encoding)
{
	char	   *symbols = malloc(len + 1);
	size_t		n;
	bool		found = false;

	/* as somebody reads it who knows ASCII only, and as one who knows some more digits */
	n = read_symbols((const uint8_t *) data, len, false, symbols);
	for (size_t i = 0; i < n && !found; i++)
		found = card_at(symbols, i, false);
	n = read_symbols((const uint8_t *) data, len, encoding == REDACT_UTF8, symbols);
	for (size_t i = 0; i < n && !found; i++)
		found = card_at(symbols, i, true);
	free(symbols);
	return found;
}

static bool
valid_utf8(const uint8_t *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		int			more = s[i] < 0x80 ? 0 : s[i] < 0xE0 ? 1 : s[i] < 0xF0 ? 2 : 3;

		if ((s[i] >= 0x80 && s[i] < 0xC2) || s[i] > 0xF4 || i + more >= len)
			return false;
		for (; more > 0; more--)
			if ((s[++i] & 0xC0) != 0x80)
				return false;
	}
	return true;
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RedactEncoding encoding = size == 0 || data[0] >= 4 ? REDACT_UTF8 : (RedactEncoding) data[0];
	size_t		len = size > 0 ? size - 1 : 0;
	char	   *copy = malloc(len + 1);
	size_t		room = REDACT_BUFFER_SIZE(len);
	char	   *buffers[4];
	RedactText	text = {.data = copy, .len = len, .encoding = encoding};
	RedactText	result = {.encoding = encoding};
	const char *again;
	size_t		again_len;
	bool		had_card;

	/* each its own allocation, so that nothing is read beyond the end */
	copy = realloc(copy, Max(len, 1));
	text.data = copy;
	if (len > 0)
		memcpy(copy, data + 1, len);
	for (int i = 0; i < lengthof(buffers); i++)
		buffers[i] = malloc(room * (i < 2 ? 1 : 3) + 64);

	paysafe_redact_work = 0;
	had_card = paysafe_redact_has_card(&text);
	result.data = paysafe_redact_run(&text, buffers[0], buffers[1], room, &result.len);
	require(paysafe_redact_work <= WORK_PER_BYTE * (uint64) (len + 64));
	require(paysafe_redact_rounds <= 5);
	require(result.len <= room);
	require(had_card || !oracle(copy, len, encoding));
	require(!had_card || result.data != text.data);
	require(!paysafe_redact_has_card(&result));
	require(!oracle(result.data, result.len, encoding));
	require(paysafe_redact_is_suspicious(&text) || result.data == text.data);

	again = paysafe_redact_run(&result, buffers[2], buffers[3],
							   REDACT_BUFFER_SIZE(result.len), &again_len);
	require(again_len == result.len && memcmp(again, result.data, result.len) == 0);
	if (encoding == REDACT_UTF8 && valid_utf8((uint8_t *) copy, len))
		require(valid_utf8((const uint8_t *) result.data, result.len));
	(void) paysafe_secret_text_is_name(copy, len);

	for (int i = 0; i < lengthof(buffers); i++)
		free(buffers[i]);
	free(copy);
	return 0;
}
