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

#include "redact/text.h"

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

#ifndef FRONTEND

/*
 * The same for a string in the database's encoding: returns the string itself if
 * there is nothing to redact, otherwise a new one.  NULL stays NULL.  Raises
 * nothing but out of memory.
 */
extern char *paysafe_redact_string(const char *string);

/* Does it contain a card number? */
extern bool paysafe_redact_string_has_card(const char *string);

/* The same for a value of type jsonb: names, strings and numbers. */
extern Datum paysafe_redact_jsonb(Datum value);

#endif							/* FRONTEND */

#endif							/* PAYSAFE_REDACT_H */
