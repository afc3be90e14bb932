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
} Suspicion;

static Suspicion
suspect(const RedactText *text)
{
	size_t		digits = 0;
	size_t		high = 0;
	bool		marker = false;
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
			marker |= c == 0xEF;
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
	result.secrets = marker || digits > 0;
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
		/* secrets first: -1 */
		for (int fold = -1; fold <= suspicion.folds; fold++)
		{
			bool		changed;

			if (fold < 0 ? !suspicion.secrets : !suspicion.cards || (fold & ~suspicion.folds) != 0)
				continue;
			out.len = 0;
			if (fold < 0)
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
