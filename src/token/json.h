/*-------------------------------------------------------------------------
 *
 * json.h
 *	  JSON that two readers cannot read as two things: RFC 8259, strictly.
 *
 * Valid UTF-8 without a byte order mark, no zero characters, no surrogates that are
 * alone, no member twice in one object at any depth (names are compared as they read,
 * escapes or not), nothing after the value.  No tree is built: members are spans.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_JSON_H
#define TOKEN_JSON_H

#include "token/text.h"

#define TOKEN_JSON_MAX		16384	/* bytes of a text */
#define TOKEN_JSON_DEPTH	8		/* values in each other, the outermost one counts */
#define TOKEN_JSON_NAMES	128		/* members of the objects that are open at one place */

typedef enum TokenKind
{
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_OBJECT,
	TOKEN_ARRAY,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NULL
} TokenKind;

/* A member of an object, or an element of an array, which has no name. */
typedef struct TokenMember
{
	TokenText	name;			/* between its quotation marks, escapes as they are */
	TokenKind	kind;
	TokenText	value;			/* with its quotation marks, braces or brackets */
} TokenMember;

/*
 * Read an object whose text is all of it: its members, in their order.  false, and
 * *why in words of ours: it is none, or has more than max.
 */
extern bool token_json_object(TokenText text, TokenMember *members, int max, int *n,
							  const char **why);

/* The same of an array's elements. */
extern bool token_json_array(TokenText text, TokenMember *elements, int max, int *n,
							 const char **why);

/* The member of this name (in plain ASCII), or NULL. */
extern const TokenMember *token_json_find(const TokenMember *members, int n, const char *name);

/*
 * A string's characters in UTF-8, and a byte of zero after them, which is not counted
 * in *len; false: it is no string, or too long for so much room.
 */
extern bool token_json_string(const TokenMember *member, char *out, size_t room, size_t *len);

/* Does it read so, as a string? */
extern bool token_json_string_is(const TokenMember *member, const char *word);

/* An integer, written as one: no fraction, no exponent, no minus zero. */
extern bool token_json_int64(const TokenMember *member, int64_t *value);

#endif							/* TOKEN_JSON_H */
