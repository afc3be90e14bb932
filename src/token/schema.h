/*-------------------------------------------------------------------------
 *
 * schema.h
 *	  JSON Schema (2020-12), as far as one pass over a text can say whether it fits.
 *
 * Each value is judged by one schema: what tries several on the same value (allOf, anyOf,
 * oneOf, not, if) is not there, and neither is what reads differently to different
 * readers (format), or names schemas of elsewhere.  A schema that uses a word that is not
 * known here is refused, so that none says what nobody checks.
 *
 * Schema and texts must have passed a check of JSON that finds members that are there
 * twice, invalid strings, and too much depth.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_SCHEMA_H
#define TOKEN_SCHEMA_H

#include "token/pattern.h"
#include "token/text.h"

#define TOKEN_SCHEMA_MAX	65536	/* bytes of a schema */
#define TOKEN_SCHEMA_DEPTH	32		/* schemas in each other, and so the values that they have words for */
#define TOKEN_SCHEMA_ROOM	(4 * 1024 * 1024)	/* is enough for any schema that is accepted */
#define TOKEN_SCHEMA_UNIQUE 65536	/* items that are compared with each other at a time */
#define TOKEN_SCHEMA_DEEPEST 1024	/* values in each other */
#define TOKEN_SCHEMA_AT		256		/* bytes of a place */

typedef struct TokenSchema TokenSchema;

/*
 * What is wrong, and where: a JSON pointer (RFC 6901) whose names are those of the schema; a
 * member that it does not name is "*".  So nothing of a text is in it.
 */
typedef struct TokenSchemaFault
{
	const char *why;			/* of a text: the word of the schema that it does not fit */
	char		at[TOKEN_SCHEMA_AT];
} TokenSchemaFault;

/*
 * Compile a schema into the room; *used of it are needed.  The text must stay where it
 * is.  NULL, and why: it is none, uses what is not supported, or is too large.  In a room
 * of TOKEN_SCHEMA_ROOM nothing else is said of any; in one that is smaller, it may be
 * too large.  rest, unless NULL, is called now and then, and need not return.
 */
extern const TokenSchema *token_schema_compile(TokenText text, void *room, size_t size,
											   size_t *used, void (*rest) (void), TokenSchemaFault *fault);

/* How many pairs of numbers does checking a text of this length need? 0, unless it compares items. */
extern size_t token_schema_scratch(const TokenSchema *schema, size_t len);

/*
 * Does the text fit?  The key must not be known to who wrote the text.  The time is
 * the product of both lengths at most, and a logarithm where items are compared;
 * rest, unless NULL, is called now and then, and need not return.
 */
extern bool token_schema_check(const TokenSchema *schema, TokenText text, const uint64_t key[2],
							   uint64_t (*scratch)[2], void (*rest) (void), TokenSchemaFault *fault);

#endif							/* TOKEN_SCHEMA_H */
