/*-------------------------------------------------------------------------
 *
 * cbor.h
 *	  CBOR (RFC 8949) as passkeys have it, read strictly.
 *
 * What is read here is written in one way only but for the order of a map's
 * members: definite lengths, the shortest form of each number, no member twice, no tags, no
 * floating point numbers, nothing that is not defined.  Nothing is copied.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_CBOR_H
#define TOKEN_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_CBOR_MAX			65536	/* bytes of an item */
#define TOKEN_CBOR_MAX_DEPTH	8	/* of what contains the innermost item, and it */
#define TOKEN_CBOR_MAX_MEMBERS	64	/* of one map, and items of one array */

typedef enum TokenCborKind
{
	TOKEN_CBOR_UNSIGNED,
	TOKEN_CBOR_NEGATIVE,
	TOKEN_CBOR_BYTES,
	TOKEN_CBOR_TEXT,
	TOKEN_CBOR_ARRAY,
	TOKEN_CBOR_MAP,
	TOKEN_CBOR_FALSE,
	TOKEN_CBOR_TRUE,
	TOKEN_CBOR_NULL
} TokenCborKind;

typedef struct TokenCbor
{
	TokenCborKind kind;
	uint64_t	number;			/* of NEGATIVE: it is -1 less this; of ARRAY and MAP: how many */
	const uint8_t *at;			/* contents: of BYTES and TEXT, or the items one after the other */
	size_t		len;
	const uint8_t *whole;		/* with the head */
	size_t		whole_len;
} TokenCbor;

/*
 * The item that the bytes begin with, checked to its end; NULL, or what is wrong.
 * What follows it begins at item->whole + item->whole_len.
 */
extern const char *token_cbor_read(const uint8_t *data, size_t len, TokenCbor *item);

/* The same, and nothing may follow. */
extern const char *token_cbor_read_all(const uint8_t *data, size_t len, TokenCbor *item);

/*
 * The next item of an array or map that has been read: before the first, *rest is
 * item->at.  False: there is none left.  Keys and values take turns.
 */
extern bool token_cbor_next(const TokenCbor *container, const uint8_t **rest, TokenCbor *item);

/* Is it a number that fits, and which? */
extern bool token_cbor_int64(const TokenCbor *item, int64_t *value);

#endif							/* TOKEN_CBOR_H */
