/*-------------------------------------------------------------------------
 *
 * text.h
 *	  A part of somebody else's bytes.
 *
 * What is read here was written by whoever wants to be let in.  Nothing of this room
 * allocates, keeps anything, or knows PostgreSQL: buffers are the caller's, what is
 * wrong is an answer, and its words have none of the input in them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_TEXT_H
#define TOKEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bytes must outlive it; no byte of zero ends it. */
typedef struct TokenText
{
	const uint8_t *at;
	size_t		len;
} TokenText;

static inline bool
token_text_is(TokenText text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

#endif							/* TOKEN_TEXT_H */
