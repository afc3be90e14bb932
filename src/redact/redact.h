/*-------------------------------------------------------------------------
 *
 * redact.h
 *	  Card numbers and secrets taken out of text.
 *
 * doc/redaction.md says what is one.  The scanners (redact.c, card.c,
 * secret_text.c) read nothing but their arguments, allocate nothing, and are
 * also compiled outside the server by the fuzzer.  They take time in proportion
 * to the text, whatever is in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REDACT_H
#define PAYSAFE_REDACT_H

#define REDACT_MARK		"[redacted]"	/* what stands for a secret */
#define REDACT_MARK_LEN	10

/* How the bytes above 127 are to be read. */
typedef enum RedactEncoding
{
	REDACT_UTF8,				/* also SQL_ASCII: what is not UTF-8 is passed over */
	REDACT_LATIN,				/* one byte a character, 0xA0 a blank */
	REDACT_EUC,					/* EUC_JP, EUC_CN, EUC_KR: full-width digits in row 3 */
	REDACT_OTHER				/* only ASCII is understood */
} RedactEncoding;

typedef struct RedactText
{
	const char *data;			/* need not end with a zero byte */
	size_t		len;
	RedactEncoding encoding;
} RedactText;

/*
 * Where a scanner writes to.  What does not fit is left out and noted.
 */
typedef struct RedactOutput
{
	char	   *data;
	size_t		size;
	size_t		len;
	bool		overflow;
} RedactOutput;

/* Bytes that each of the two buffers of paysafe_redact_run needs. */
#define REDACT_BUFFER_SIZE(len)	(3 * (len) + 64)

/*
 * Redact a text with the help of two buffers of this size.  Returns its data if
 * there is nothing to redact, otherwise the result, in one of the buffers; *len
 * is its length.  The result contains no card number, and redacting it changes
 * nothing.  A result that would not fit or not settle is REDACT_MARK as a whole.
 */
extern const char *paysafe_redact_run(const RedactText *text, char *buffer1, char *buffer2,
									  size_t size, size_t *len);

/* A quick look: is there anything in the text that a longer look is for? */
extern bool paysafe_redact_is_suspicious(const RedactText *text);

/* Does the text contain a card number? */
extern bool paysafe_redact_has_card(const RedactText *text);

/*
 * Is this the name of something secret: password, cvv, api_key, ...?  Compared
 * without case, separators and a number at its end.
 */
extern bool paysafe_redact_is_secret_name(const char *name, size_t len);

/* The parts of paysafe_redact_run; for redact*.c only */

/* Ways to read a text, beside the plain one. */
#define REDACT_FOLD_DIGITS		1	/* all of Unicode's decimal digits are digits */
#define REDACT_FOLD_INVISIBLE	2	/* invisible characters are not there */
#define REDACT_FOLD_ESCAPES		4	/* %34 and \u0034 are the digit 4 */

/*
 * Copy the text to out, its card numbers truncated, or with wipe all of their
 * digits replaced; returns whether there was one.  With out NULL only looks.
 */
extern bool paysafe_redact_cards(const RedactText *text, int fold, bool wipe,
								 RedactOutput *out);

/* Copy the text to out without its secrets; returns whether there was one. */
extern bool paysafe_redact_secrets(const RedactText *text, RedactOutput *out);

/* A number of n decimal digits: a card's, by issuer, length and check digit? */
extern bool paysafe_redact_is_card(const uint8 *digits, int n);

extern void paysafe_redact_put(RedactOutput *out, const char *data, size_t len);

/* Steps of work, counted for the fuzzer. */
#ifdef REDACT_COUNT_WORK
extern uint64 paysafe_redact_work;
extern int	paysafe_redact_rounds;	/* of the last run */
#define REDACT_WORK(n)	(paysafe_redact_work += (n))
#define REDACT_ROUNDS(n)	(paysafe_redact_rounds = (n))
#else
#define REDACT_WORK(n)	((void) (n))
#define REDACT_ROUNDS(n)	((void) (n))
#endif

#ifndef FRONTEND

/*
 * The same for a string in the database's encoding: returns the string itself if
 * there is nothing to redact, otherwise a new one.  NULL stays NULL.  Raises
 * nothing but out of memory.
 */
extern char *paysafe_redact_string(const char *string);

/* Does it contain a card number? */
extern bool paysafe_redact_string_has_card(const char *string);

#endif							/* FRONTEND */

#endif							/* PAYSAFE_REDACT_H */
