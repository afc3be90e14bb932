/*-------------------------------------------------------------------------
 *
 * json_text.h
 *	  Strings of JSON, character by character.
 *
 * A string is what stands between its quotation marks, escapes as they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_JSON_TEXT_H
#define TOKEN_JSON_TEXT_H

#include "token/text.h"

/* The next character of a string, which is not at its end; 0: none that is valid */
extern uint32_t token_json_character(const uint8_t **at, const uint8_t *end);

/* Do two strings read the same? */
extern bool token_json_same(TokenText a, TokenText b);

/* Which of two comes first, by their characters: negative, zero or positive */
extern int	token_json_compare(TokenText a, TokenText b);

#endif							/* TOKEN_JSON_TEXT_H */
