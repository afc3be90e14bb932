/*-------------------------------------------------------------------------
 *
 * leaf.c
 *	  What paysafe's leaves say, and whether they follow one another as they must.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bin/verify/leaf.h"
#include "bin/verify/report.h"

#define ROW_LEN				90
#define TRANSACTION_LEN		45
#define OPENING_FIELDS		7	/* origin, system, database, time, by, reason, last checkpoint */

static uint64_t
number(const uint8_t *bytes, int n)
{
	uint64_t	value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* A row's number within its transaction */
static uint64_t
row_seq(const uint8_t *leaf)
{
	return number(leaf + 13, 4);
}

/* n fields with 4 bytes of length each, and nothing after them; n < 0: however many */
static bool
fields_good(const uint8_t *bytes, size_t len, int n)
{
	int			found = 0;

	while (len >= 4)
	{
		uint64_t	field = number(bytes, 4);

		if (field > len - 4)
			return false;
		bytes += 4 + field;
		len -= 4 + field;
		found++;
	}
	return len == 0 && (n < 0 ? found > 0 : found == n);
}

static bool
form_good(const uint8_t *leaf, size_t len)
{
	switch (len > 0 ? leaf[0] : 0)
	{
		case LEAF_ROW:
			return len == ROW_LEN;
		case LEAF_TRANSACTION:
			return len == TRANSACTION_LEN;
		case LEAF_OPENING:
			return fields_good(leaf + 1, len - 1, OPENING_FIELDS);
		case LEAF_REMOVAL:
			return fields_good(leaf + 1, len - 1, -1);
		default:
			return false;
	}
}

void
leaf_text(const uint8_t *leaf, size_t len, char out[LEAF_TEXT_MAX])
{
	if (!form_good(leaf, len))
		snprintf(out, LEAF_TEXT_MAX, "%zu bytes that are no leaf of paysafe's", len);
	else if (leaf[0] == LEAF_ROW)
		snprintf(out, LEAF_TEXT_MAX, "row %" PRIu64 " of transaction %" PRIu64, row_seq(leaf), number(leaf + 1, 8));
	else if (leaf[0] == LEAF_TRANSACTION)
		snprintf(out, LEAF_TEXT_MAX, "transaction %" PRIu64 " with its %" PRIu64 " rows", number(leaf + 1, 8),
				 number(leaf + 9, 4));
	else
		snprintf(out, LEAF_TEXT_MAX, "%s", leaf[0] == LEAF_OPENING ? "the opening of a log" : "a removal of payloads");
}

bool
leaf_has_payload(const uint8_t *leaf, size_t len, const uint8_t *payload, size_t payload_len)
{
	TlogHash	hash;

	if (len != ROW_LEN || leaf[0] != LEAF_ROW)
		return false;
	tlog_hash_bytes(payload, payload_len, &hash);
	return memcmp(hash.bytes, leaf + ROW_LEN - TLOG_HASH_LEN, TLOG_HASH_LEN) == 0;
}

bool
leaf_origin(const uint8_t *leaf, size_t len, TlogText *origin)
{
	if (len == 0 || leaf[0] != LEAF_OPENING || !form_good(leaf, len))
		return false;
	origin->at = (const char *) leaf + 5;
	origin->len = number(leaf + 1, 4);
	return true;
}

/* Order */

void
leaf_order_begin(LeafOrder *order, uint64_t first)
{
	memset(order, 0, sizeof(*order));
	order->partial = first > 0;
}

/* Said once for each transaction */
static void
wrong(LeafOrder *order, uint64_t index, const char *what)
{
	if (!order->bad)
		finding_at(index, "transaction %" PRIu64 " (leaves from %" PRIu64 " on): %s", order->xid, order->first, what);
	order->bad = true;
}

static void
row(LeafOrder *order, uint64_t index, const uint8_t *leaf, const TlogHash *hash)
{
	uint64_t	xid = number(leaf + 1, 8);

	order->nrows++;
	if (order->open && xid != order->xid)
	{
		wrong(order, index, "a row of another transaction follows before its own end");
		order->open = false;
	}
	if (!order->open)
	{
		order->open = true;
		order->bad = false;
		order->xid = xid;
		order->first = index;
		order->expected = 1;
		tlog_frontier_init(&order->rows);
		/* who begins in the middle of the log may begin in the middle of a transaction */
		order->partial = order->partial && row_seq(leaf) != 1;
	}
	if (row_seq(leaf) != order->expected && !order->partial)
	{
		char		text[100];

		snprintf(text, sizeof(text), "its row %" PRIu64 " stands where row %" PRIu64 " must", row_seq(leaf),
				 order->expected);
		wrong(order, index, text);
	}
	order->expected = row_seq(leaf) + 1;
	tlog_frontier_add(&order->rows, hash);
}

static void
transaction(LeafOrder *order, uint64_t index, const uint8_t *leaf)
{
	TlogHash	root;

	order->ntransactions++;
	if (!order->open)
	{
		if (!order->partial)
			finding_at(index, "transaction %" PRIu64 " ends without a row", number(leaf + 1, 8));
		order->partial = false;
		return;
	}
	tlog_frontier_root(&order->rows, &root);
	if (number(leaf + 1, 8) != order->xid)
		wrong(order, index, "another transaction's end follows its rows");
	else if (order->partial)
		;
	else if (number(leaf + 9, 4) != order->rows.size)
		wrong(order, index, "its end counts another number of rows");
	else if (memcmp(root.bytes, leaf + 13, TLOG_HASH_LEN) != 0)
		wrong(order, index, "one of its rows is not the one that was sealed");
	order->open = order->partial = false;
}

static void
opening(LeafOrder *order, uint64_t index, const uint8_t *leaf, size_t len)
{
	TlogText	origin;

	if (index != 0)
		finding_at(index, "a log is opened in the middle of one");
	else if (leaf_origin(leaf, len, &origin) && origin.len > 0 && origin.len < sizeof(order->origin) &&
			 memchr(origin.at, '\0', origin.len) == NULL)
	{
		memcpy(order->origin, origin.at, origin.len);
		order->origin[origin.len] = '\0';
		order->has_origin = true;
	}
}

void
leaf_order_next(LeafOrder *order, uint64_t index, const uint8_t *leaf, size_t len, const TlogHash *hash)
{
	if (!form_good(leaf, len))
	{
		finding_at(index, "%zu bytes that are no leaf of paysafe's", len);
		return;
	}
	if (index == 0 && leaf[0] != LEAF_OPENING)
		finding_at(0, "the log does not begin with its opening");
	if (leaf[0] == LEAF_ROW)
		row(order, index, leaf, hash);
	else if (leaf[0] == LEAF_TRANSACTION)
		transaction(order, index, leaf);
	else
	{
		if (order->open)
			wrong(order, index, "something else follows before its own end");
		order->open = order->partial = false;
		if (leaf[0] == LEAF_OPENING)
			opening(order, index, leaf, len);
	}
}

void
leaf_order_missing(LeafOrder *order)
{
	order->partial = true;
}

void
leaf_order_end(LeafOrder *order, uint64_t size)
{
	if (order->open)
		wrong(order, size - 1, "the log ends before it does");
}
