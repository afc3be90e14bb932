/*-------------------------------------------------------------------------
 *
 * card.h
 *	  Card numbers in text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CARD_H
#define PAYSAFE_CARD_H

#include "redact/text.h"

/* Ways to read a text, beside the plain one. */
#define REDACT_FOLD_DIGITS		1	/* all of Unicode's decimal digits are digits */
#define REDACT_FOLD_INVISIBLE	2	/* invisible characters are not there */
#define REDACT_FOLD_ESCAPES		4	/* %34, \u0034 and &#52; are the digit 4 */

/*
 * Copy the text to out, its card numbers truncated, or with wipe all of their
 * digits replaced; returns whether there was one.  With out NULL only looks.
 */
extern bool paysafe_card_redact(const RedactText *text, int fold, bool wipe,
								 RedactOutput *out);

/* The decimal digit that a character beyond ASCII is, or -1. */
extern int	paysafe_card_digit_of(uint32 c);

/* A number of n decimal digits: a card's, by issuer, length and check digit? */
extern bool paysafe_card_is_number(const uint8 *digits, int n);

#endif							/* PAYSAFE_CARD_H */
