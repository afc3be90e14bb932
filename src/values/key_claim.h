/*-------------------------------------------------------------------------
 *
 * key_claim.h
 *	  That a key is one row's in a whole tree, which no index sees.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KEY_CLAIM_H
#define PAYSAFE_KEY_CLAIM_H

#include "executor/tuptable.h"
#include "utils/rel.h"

/* Does an index of the table keep the column unique, at once and in all rows? */
extern bool paysafe_key_claim_is_unique(Relation rel, AttrNumber attnum);

/* Does one index do so for the table, its partitions and children? */
extern bool paysafe_key_claim_is_unique_in_tree(Oid root, const char *column);

/*
 * Has another row of the tree the row's value of the column?  The row must be in its
 * table, and every row whose key is new be asked about.  Exact under concurrency, at
 * every isolation level: locks the key until the end of the transaction, or waits for
 * others that add rows of it.  Equal keys must have one text.
 */
extern bool paysafe_key_claim_is_taken(Oid root, const char *column, Relation leaf,
									   TupleTableSlot *row);

#endif							/* PAYSAFE_KEY_CLAIM_H */
