/*-------------------------------------------------------------------------
 *
 * schema_node.h
 *	  A compiled schema, and reading JSON that has been checked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_SCHEMA_NODE_H
#define TOKEN_SCHEMA_NODE_H

#include "token/decimal.h"
#include "token/json_text.h"
#include "token/pattern.h"
#include "token/rest.h"
#include "token/schema.h"

#define SCHEMA_NO_LIMIT	UINT32_MAX

/* Types, as bits */
enum
{
	SCHEMA_NULL = 1,
	SCHEMA_BOOLEAN = 2,
	SCHEMA_OBJECT = 4,
	SCHEMA_ARRAY = 8,
	SCHEMA_STRING = 16,
	SCHEMA_INTEGER = 32,
	SCHEMA_NUMBER = 64,
	SCHEMA_ANY = 127
};

/* A member that a schema names. */
typedef struct SchemaMember
{
	TokenText	name;
	bool		named;			/* by "properties", not only as required */
	bool		required;
	const TokenSchema *schema;
} SchemaMember;

/* What numbers are compared with. */
typedef enum SchemaBound
{
	SCHEMA_MINIMUM, SCHEMA_MAXIMUM, SCHEMA_ABOVE, SCHEMA_BELOW, SCHEMA_MULTIPLE,
	SCHEMA_NBOUNDS
} SchemaBound;

struct TokenSchema
{
	bool		none;			/* the schema false */
	bool		unique;
	bool		compares;		/* it or one within it is unique; of the outermost one */
	uint8_t		types;
	uint8_t		bounds;			/* which of them there are, as bits */
	uint32_t	least_length,
				most_length,
				least_items,
				most_items,
				least_members,
				most_members;
	TokenDecimal bound[SCHEMA_NBOUNDS];
	TokenText	constant;		/* or no bytes */
	TokenText	values;			/* an array; or no bytes */
	const TokenPattern *pattern;	/* or NULL */
	int			nmembers;
	int			nrequired;
	SchemaMember *members;		/* by name */
	const TokenSchema *additional;	/* of other members; NULL: anything */
	int			nfirst;
	const TokenSchema **first;	/* of the first items */
	const TokenSchema *items;	/* of the others; NULL: anything */
};

/* Where one is: from the outermost value inwards. */
typedef struct SchemaPlace
{
	const struct SchemaPlace *outer;
	TokenText	name;			/* as it stands in the schema; at NULL: a number, */
	int64_t		number;			/* or, negative, a member that the schema does not name */
} SchemaPlace;

/* Write it as a JSON pointer, cut off where it is too long. */
extern void token_schema_place(const SchemaPlace *place, char *out);

/* JSON that has been checked; of other bytes, none beyond the end are read. */
typedef struct JsonCursor
{
	const uint8_t *at;
	const uint8_t *end;
} JsonCursor;

extern void token_cursor_blanks(JsonCursor *c);

/* The value that stands here, taken; blanks before it are no part of it. */
extern TokenText token_cursor_value(JsonCursor *c);

/* A string, taken: what is between its quotation marks. */
extern TokenText token_cursor_string(JsonCursor *c);

/* Begin an object or array; false: there is nothing in it, and it is taken. */
extern bool token_cursor_enter(JsonCursor *c);

/* After something in it: is there more?  Otherwise its end is taken. */
extern bool token_cursor_more(JsonCursor *c);

/* A member's name and colon, taken. */
extern TokenText token_cursor_name(JsonCursor *c);

/* Are both values the same?  Objects are, whatever the order of their members. */
extern bool token_value_same(TokenText a, TokenText b, TokenRest *rest);

/* The member of that name, or NULL. */
extern const SchemaMember *token_schema_member(const SchemaMember *members, int n, TokenText name);

#endif							/* TOKEN_SCHEMA_NODE_H */
