/*-------------------------------------------------------------------------
 *
 * redact.c
 *	  Card numbers and secrets taken out of text: the rounds.
 *
 * A round takes out secrets, then card numbers, in each way of reading the text.
 * What is left of a number may make one with its neighbours, so rounds are
 * repeated until one finds nothing: then the result holds no card number, and
 * redacting it again changes nothing, by construction.
 *
 * From the second round on, numbers are not truncated but wiped: no digits are
 * left that could meet others.  What has not settled after the last round (no
 * input is known that does not after three) is replaced as a whole.
 *
 * Pure: also compiled outside the server by the fuzzer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "redact/card.h"
#include "redact/redact.h"
#include "redact/secret_text.h"

#define MAX_ROUNDS	8
#define SHORTEST_CARD	12

/* What is looked for before card numbers are, whose ways of reading begin with 0. */
#define WIDE_SECRETS	(-2)
#define SECRETS			(-1)

#ifdef REDACT_COUNT_WORK
uint64		paysafe_redact_work = 0;
int			paysafe_redact_rounds = 0;
#endif

/* What a text could contain at all, from a look at its bytes. */
typedef struct Suspicion
{
	bool		cards;
	int			folds;			/* ways of reading that make a difference */
	bool		secrets;
	bool		wide;			/* written in wide letters */
} Suspicion;

static Suspicion
suspect(const RedactText *text)
{
	size_t		digits = 0;
	size_t		high = 0;
	bool		marker = false;
	bool		wide = false;
	bool		escape = false;
	Suspicion	result;

	REDACT_WORK(text->len);
	for (size_t i = 0; i < text->len; i++)
	{
		unsigned char c = (unsigned char) text->data[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if (c >= 0x80)
		{
			high++;
			/* wide colons and equals signs begin with it */
			wide |= c == 0xEF;
		}
		else
			switch (c)
			{
				case '%':
				case '\\':
				case '&':
				case '<':
					escape = true;
					break;
				case '=':
				case ':':
				case '>':
				case '/':
				case '"':
				case '\'':
				case '_':
				case '-':
				case '.':
					marker = true;
					break;
				default:
					break;
			}
	}
	/* every other digit of Unicode takes two bytes or more */
	result.cards = digits + high / 2 >= SHORTEST_CARD;
	result.folds = (high > 0 ? REDACT_FOLD_DIGITS | REDACT_FOLD_INVISIBLE : 0) |
		(escape ? REDACT_FOLD_ESCAPES : 0);
	/* what is recognized without a separator has a digit in it */
	result.secrets = marker || wide || digits > 0;
	result.wide = wide && text->encoding == REDACT_UTF8;
	return result;
}

bool
paysafe_redact_is_suspicious(const RedactText *text)
{
	Suspicion	suspicion = suspect(text);

	return suspicion.cards || suspicion.secrets;
}

bool
paysafe_redact_has_card(const RedactText *text)
{
	Suspicion	suspicion = suspect(text);

	for (int fold = 0; suspicion.cards && fold <= suspicion.folds; fold++)
		if ((fold & ~suspicion.folds) == 0 && paysafe_card_redact(text, fold, false, NULL))
			return true;
	return false;
}

/* Wide forms of ASCII as ASCII, in UTF-8; false if there is none of a letter or digit. */
static bool
fold_wide(const RedactText *text, RedactOutput *out)
{
	bool		found = false;

	out->len = 0;
	for (size_t i = 0; i < text->len;)
	{
		const unsigned char *s = (const unsigned char *) text->data + i;
		char		c;

		REDACT_WORK(1);
		if (text->len - i >= 3 && memcmp(s, "\xE3\x80\x80", 3) == 0)
		{
			paysafe_text_put(out, " ", 1);
			i += 3;
			continue;
		}
		if (text->len - i < 3 || s[0] != 0xEF || (s[1] != 0xBC && s[1] != 0xBD) ||
			s[2] < (s[1] == 0xBC ? 0x81 : 0x80) || s[2] > (s[1] == 0xBC ? 0xBF : 0x9E))
		{
			paysafe_text_put(out, text->data + i, 1);
			i++;
			continue;
		}
		c = (char) (s[2] - 0x80 + (s[1] == 0xBC ? 0x20 : 0x60));
		found |= (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		paysafe_text_put(out, &c, 1);
		i += 3;
	}
	return found;
}

/*
 * Secrets whose names or values are written in wide letters.  If there are any, all of the
 * text is in narrow ones then.  The text is folded into out's buffer; the result is in the
 * other one, which text may lie in: it is overwritten only when something is found.
 */
static bool
redact_wide(const RedactText *text, RedactOutput *out, char *buffer1, char *buffer2)
{
	char	   *folded = out->data;
	RedactText	narrow = {.data = folded, .encoding = text->encoding};
	bool		found;

	if (!fold_wide(text, out))
		return false;
	narrow.len = out->len;
	out->data = folded == buffer1 ? buffer2 : buffer1;
	out->len = 0;
	found = paysafe_secret_text_redact(&narrow, out);
	if (!found)
		out->data = folded;
	return found;
}

const char *
paysafe_redact_run(const RedactText *text, char *buffer1, char *buffer2, size_t size,
				   size_t *len)
{
	RedactText	current = *text;
	RedactOutput out = {.data = buffer1, .size = size};

	for (int round = 0; round < MAX_ROUNDS; round++)
	{
		Suspicion	suspicion = suspect(&current);
		bool		settled = true;

		REDACT_ROUNDS(round);
		/* secrets first */
		for (int fold = WIDE_SECRETS; fold <= suspicion.folds; fold++)
		{
			bool		changed;

			if (fold == WIDE_SECRETS ? !suspicion.wide :
				fold == SECRETS ? !suspicion.secrets :
				!suspicion.cards || (fold & ~suspicion.folds) != 0)
				continue;
			out.len = 0;
			if (fold == WIDE_SECRETS)
				changed = redact_wide(&current, &out, buffer1, buffer2);
			else if (fold == SECRETS)
				changed = paysafe_secret_text_redact(&current, &out);
			else
				changed = paysafe_card_redact(&current, fold, round > 0, NULL) &&
					paysafe_card_redact(&current, fold, round > 0, &out);
			if (out.overflow)
				goto whole;
			if (!changed)
				continue;
			settled = false;
			current.data = out.data;
			current.len = out.len;
			out.data = current.data == buffer1 ? buffer2 : buffer1;
		}
		if (settled)
		{
			*len = current.len;
			return current.data;
		}
	}

whole:
	memcpy(buffer1, REDACT_MARK, REDACT_MARK_LEN);
	*len = REDACT_MARK_LEN;
	return buffer1;
}
