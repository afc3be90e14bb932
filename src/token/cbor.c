/*-------------------------------------------------------------------------
 *
 * cbor.c
 *	  CBOR (RFC 8949) as passkeys have it, read strictly.
 *
 * Each value has one form, so that two keys of a map are the same if their
 * bytes are.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "token/cbor.h"
#include "token/utf8.h"

/* Bytes that are left. */
typedef struct Input
{
	const uint8_t *at;
	size_t		len;
} Input;

static void
take(Input *input, size_t len)
{
	input->at += len;
	input->len -= len;
}

/* The number in the head of an item, in its shortest form. */
static const char *
read_number(Input *input, uint8_t form, uint64_t *number)
{
	static const uint64_t least[] = {24, 0x100, 0x10000, UINT64_C(0x100000000)};
	size_t		bytes;

	if (form < 24)
	{
		*number = form;
		return NULL;
	}
	if (form > 27)
		return form == 31 ? "an indefinite length in CBOR" : "a form of numbers in CBOR that is not defined";
	bytes = (size_t) 1 << (form - 24);
	if (input->len < bytes)
		return "CBOR that ends in the middle of a number";
	*number = 0;
	for (size_t i = 0; i < bytes; i++)
		*number = *number << 8 | input->at[i];
	take(input, bytes);
	if (*number < least[form - 24])
		return "a number in CBOR that is not in its shortest form";
	return NULL;
}

/* The head, and the contents of what contains no other item. */
static const char *
read_head(Input *input, TokenCbor *item)
{
	static const TokenCborKind kinds[] = {
		TOKEN_CBOR_UNSIGNED, TOKEN_CBOR_NEGATIVE, TOKEN_CBOR_BYTES, TOKEN_CBOR_TEXT,
		TOKEN_CBOR_ARRAY, TOKEN_CBOR_MAP
	};
	const char *why;
	uint8_t		head;

	if (input->len == 0)
		return "CBOR that ends too soon";
	head = *input->at;
	item->whole = input->at;
	take(input, 1);
	if (head >> 5 == 7)
	{
		if (head < 0xf4 || head > 0xf6)
			return "a value in CBOR other than true, false and null";
		item->kind = head == 0xf4 ? TOKEN_CBOR_FALSE : head == 0xf5 ? TOKEN_CBOR_TRUE : TOKEN_CBOR_NULL;
		item->number = 0;
	}
	else if (head >> 5 == 6)
		return "a tag in CBOR";
	else
	{
		item->kind = kinds[head >> 5];
		why = read_number(input, head & 31, &item->number);
		if (why != NULL)
			return why;
	}
	item->at = input->at;
	item->len = 0;
	if (item->kind == TOKEN_CBOR_BYTES || item->kind == TOKEN_CBOR_TEXT)
	{
		if (item->number > input->len)
			return "CBOR that ends in the middle of a string";
		item->len = (size_t) item->number;
		take(input, item->len);
		if (item->kind == TOKEN_CBOR_TEXT && !token_utf8_valid(item->at, item->len))
			return "a text in CBOR that is not UTF-8";
	}
	item->whole_len = (size_t) (input->at - item->whole);
	return NULL;
}

static const char *read_item(Input *input, TokenCbor *item, int depth);

static bool
is_among(const TokenCbor *key, const TokenCbor *keys, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (keys[i].whole_len == key->whole_len && memcmp(keys[i].whole, key->whole, key->whole_len) == 0)
			return true;
	return false;
}

/* The items of an array, or the keys and values of a map. */
static const char *
read_contents(Input *input, TokenCbor *item, int depth)
{
	TokenCbor	keys[TOKEN_CBOR_MAX_MEMBERS];
	TokenCbor	value;
	const char *why;

	if (item->number > TOKEN_CBOR_MAX_MEMBERS)
		return "more in one array or map of CBOR than is taken";
	if (depth >= TOKEN_CBOR_MAX_DEPTH)
		return "CBOR that is nested too deep";
	for (uint64_t i = 0; i < item->number; i++)
	{
		if (item->kind == TOKEN_CBOR_MAP)
		{
			why = read_head(input, &keys[i]);
			if (why != NULL)
				return why;
			if (keys[i].kind > TOKEN_CBOR_TEXT)
				return "a key in CBOR that is neither number nor string";
			if (is_among(&keys[i], keys, i))
				return "a member that is in one map of CBOR twice";
		}
		why = read_item(input, &value, depth + 1);
		if (why != NULL)
			return why;
	}
	item->len = (size_t) (input->at - item->at);
	item->whole_len = (size_t) (input->at - item->whole);
	return NULL;
}

static const char *
read_item(Input *input, TokenCbor *item, int depth)
{
	const char *why = read_head(input, item);

	if (why == NULL && (item->kind == TOKEN_CBOR_ARRAY || item->kind == TOKEN_CBOR_MAP))
		why = read_contents(input, item, depth);
	return why;
}

const char *
token_cbor_read(const uint8_t *data, size_t len, TokenCbor *item)
{
	Input		input = {data, len > TOKEN_CBOR_MAX ? TOKEN_CBOR_MAX : len};

	return read_item(&input, item, 1);
}

const char *
token_cbor_read_all(const uint8_t *data, size_t len, TokenCbor *item)
{
	const char *why;

	if (len > TOKEN_CBOR_MAX)
		return "more CBOR than is taken";
	why = token_cbor_read(data, len, item);
	if (why == NULL && item->whole_len != len)
		return "bytes after the end of CBOR";
	return why;
}

bool
token_cbor_next(const TokenCbor *container, const uint8_t **rest, TokenCbor *item)
{
	size_t		left = (size_t) (container->at + container->len - *rest);
	Input		input = {*rest, left};

	/* it has been read before: nothing is wrong with it */
	if (left == 0 || read_item(&input, item, 1) != NULL)
		return false;
	*rest = input.at;
	return true;
}

bool
token_cbor_int64(const TokenCbor *item, int64_t *value)
{
	if ((item->kind != TOKEN_CBOR_UNSIGNED && item->kind != TOKEN_CBOR_NEGATIVE) || item->number > INT64_MAX)
		return false;
	*value = item->kind == TOKEN_CBOR_UNSIGNED ? (int64_t) item->number : -1 - (int64_t) item->number;
	return true;
}
