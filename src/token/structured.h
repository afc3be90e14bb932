/*-------------------------------------------------------------------------
 *
 * structured.h
 *	  Dictionaries of structured fields of HTTP: RFC 8941 and 9651, read strictly.
 *
 * Stricter than the RFCs where two readers could read two things: a key stands in a
 * dictionary or among parameters once, bytes are in the one form of base64 that has
 * padding and no bits left over, and display strings (RFC 9651) are refused, for none of
 * the fields that are read here has one.  What was read can be written again in the one
 * form that RFC 8941 knows for it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_STRUCTURED_H
#define TOKEN_STRUCTURED_H

#include "token/text.h"

#define TOKEN_FIELD_MAX			8192	/* bytes of a field */
#define TOKEN_FIELD_MEMBERS		32
#define TOKEN_FIELD_ITEMS		96		/* of all members together */
#define TOKEN_FIELD_PARAMETERS	128 	/* the same */

typedef enum TokenBareType
{
	TOKEN_BARE_INTEGER,
	TOKEN_BARE_DECIMAL,			/* number: thousandths */
	TOKEN_BARE_STRING,			/* text: between the quotes, with its escapes */
	TOKEN_BARE_WORD,			/* text: what the RFCs call a token */
	TOKEN_BARE_BYTES,			/* text: base64 */
	TOKEN_BARE_BOOLEAN,			/* number: 0 or 1 */
	TOKEN_BARE_DATE				/* number: seconds since 1970 */
} TokenBareType;

typedef struct TokenBare
{
	TokenBareType type;
	int64_t		number;
	TokenText	text;
} TokenBare;

/* Of an item, an inner list or a member: that many from first on. */
typedef struct TokenSpan
{
	int			first;
	int			n;
} TokenSpan;

typedef struct TokenParameter
{
	TokenText	key;
	TokenBare	value;
} TokenParameter;

typedef struct TokenItem
{
	TokenBare	value;
	TokenSpan	parameters;
} TokenItem;

typedef struct TokenFieldMember
{
	TokenText	key;
	bool		is_list;		/* an inner list; otherwise there is one item */
	TokenSpan	items;
	TokenSpan	parameters;		/* of the list; an item's are its own */
} TokenFieldMember;

/* Texts are parts of what was read. */
typedef struct TokenField
{
	int			nmembers;
	int			nitems;
	int			nparameters;
	TokenFieldMember members[TOKEN_FIELD_MEMBERS];
	TokenItem	items[TOKEN_FIELD_ITEMS];
	TokenParameter parameters[TOKEN_FIELD_PARAMETERS];
} TokenField;

/* false, and *why: it is no dictionary, or more than there is room for. */
extern bool token_structured_dictionary(TokenText field, TokenField *out, const char **why);

/* The member of this key, or NULL. */
extern const TokenFieldMember *token_structured_find(const TokenField *field, TokenText key);

/* Is it the key of a dictionary or a parameter? */
extern bool token_structured_is_key(TokenText text);

/* Text that grows in a buffer of the caller's; full: there was no room, what is there is of no use. */
typedef struct TokenWriter
{
	uint8_t    *at;
	size_t		room;
	size_t		len;
	bool		full;
} TokenWriter;

extern void token_structured_put(TokenWriter *out, const void *bytes, size_t len);
extern void token_structured_put_word(TokenWriter *out, const char *word);

/* What the parts of a field are written as: their one form. */
extern void token_structured_write_item(TokenWriter *out, const TokenField *field, const TokenItem *item);
extern void token_structured_write_member(TokenWriter *out, const TokenField *field,
										  const TokenFieldMember *member);

#endif							/* TOKEN_STRUCTURED_H */
