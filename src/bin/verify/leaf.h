/*-------------------------------------------------------------------------
 *
 * leaf.h
 *	  What paysafe's leaves say, and whether they follow one another as they must.
 *
 * The first leaf opens the log.  A transaction is its rows, numbered from 1, and
 * after them a leaf with their number and the root over their hashes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_LEAF_H
#define VERIFY_LEAF_H

#include "tlog/merkle.h"
#include "tlog/text.h"

#define LEAF_ROW			0x01
#define LEAF_TRANSACTION	0x02
#define LEAF_OPENING		0x03
#define LEAF_REMOVAL		0x04

#define LEAF_TEXT_MAX		160

/* "row 3 of transaction 742": what a leaf is, for people */
extern void leaf_text(const uint8_t *leaf, size_t len, char out[LEAF_TEXT_MAX]);

/* The payload of a row's leaf is the one that the leaf was made of. */
extern bool leaf_has_payload(const uint8_t *leaf, size_t len, const uint8_t *payload, size_t payload_len);

/* The origin that an opening leaf names */
extern bool leaf_origin(const uint8_t *leaf, size_t len, TlogText *origin);

/* Reading them in order */
typedef struct LeafOrder
{
	bool		open;			/* within a transaction */
	bool		partial;		/* whose beginning was not read */
	bool		bad;			/* of which something has been said already */
	uint64_t	xid;
	uint64_t	first;			/* index of its first row */
	uint64_t	expected;		/* number of the next row */
	TlogFrontier rows;
	uint64_t	nrows;			/* in all */
	uint64_t	ntransactions;
	bool		has_origin;
	char		origin[256];
} LeafOrder;

/* From the leaf number first on */
extern void leaf_order_begin(LeafOrder *order, uint64_t first);
extern void leaf_order_next(LeafOrder *order, uint64_t index, const uint8_t *leaf, size_t len,
							const TlogHash *hash);

/* One that cannot be had: of the transaction that it may be of, nothing more is said. */
extern void leaf_order_missing(LeafOrder *order);
extern void leaf_order_end(LeafOrder *order, uint64_t size);

#endif							/* VERIFY_LEAF_H */
