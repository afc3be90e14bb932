/*-------------------------------------------------------------------------
 *
 * cbor_fuzz.c
 *	  libFuzzer: CBOR and COSE keys.
 *
 * What is read as an item is written again from what was read, which gives the same bytes:
 * there is one way to write it.  Nothing of it lies outside of the input.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "fuzz.h"
#include "token/cbor.h"
#include "token/cose.h"

static uint8 *
write_head(uint8 *out, int major, uint64 number)
{
	int			bytes = number < 24 ? 0 : number < 0x100 ? 1 : number < 0x10000 ? 2 :
		number < UINT64CONST(0x100000000) ? 4 : 8;

	*out++ = (uint8) (major << 5 | (bytes == 0 ? (int) number : bytes == 1 ? 24 : bytes == 2 ? 25 : bytes == 4 ? 26 : 27));
	for (int i = bytes - 1; i >= 0; i--)
		*out++ = (uint8) (number >> (8 * i));
	return out;
}

/* Write the item, which is as long as it was. */
static uint8 *
write_item(const TokenCbor *item, uint8 *out, int depth)
{
	static const int majors[] = {0, 1, 2, 3, 4, 5};
	const uint8_t *rest = item->at;
	TokenCbor	inner;
	uint64		n = 0;

	require(depth <= TOKEN_CBOR_MAX_DEPTH);
	if (item->kind >= TOKEN_CBOR_FALSE)
	{
		*out++ = (uint8) (0xf4 + (item->kind - TOKEN_CBOR_FALSE));
		return out;
	}
	out = write_head(out, majors[item->kind], item->number);
	if (item->kind == TOKEN_CBOR_BYTES || item->kind == TOKEN_CBOR_TEXT)
	{
		require(item->len == item->number);
		memcpy(out, item->at, item->len);
		return out + item->len;
	}
	if (item->kind < TOKEN_CBOR_BYTES)
		return out;
	while (token_cbor_next(item, &rest, &inner))
	{
		out = write_item(&inner, out, depth + 1);
		n++;
	}
	require(rest == item->at + item->len);
	require(n == item->number * (item->kind == TOKEN_CBOR_MAP ? 2 : 1));
	return out;
}

static void
check_key(const uint8 *data, size_t size)
{
	TokenCoseKey key;

	if (token_cose_read(data, size, &key) != NULL)
		return;
	require(token_cose_name(key.algorithm) != NULL);
	require(key.x >= data && key.x + key.x_len <= data + size && key.x_len > 0);
	if (key.algorithm == TOKEN_COSE_EDDSA || key.algorithm == TOKEN_COSE_ED448)
		require(key.y == NULL);
	else
		require(key.y >= data && key.y + key.y_len <= data + size && key.y_len > 0);
	/* one byte less, and one more, is none */
	require(token_cose_read(data, size - 1, &key) != NULL);
}

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *copy = palloc(size);
	uint8	   *again;
	TokenCbor	item;

	memcpy(copy, data, size);
	if (token_cbor_read(copy, size, &item) == NULL)
	{
		require(item.whole == copy && item.whole_len <= size && item.whole_len > 0);
		again = palloc(item.whole_len);
		require(write_item(&item, again, 1) == again + item.whole_len);
		require(memcmp(again, copy, item.whole_len) == 0);
		require((token_cbor_read_all(copy, size, &item) == NULL) == (item.whole_len == size));
	}
	check_key(copy, size);
	fuzz_free();
	return 0;
}
