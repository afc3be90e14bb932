/*-------------------------------------------------------------------------
 *
 * row_twin.h
 *	  Keys that no index of PostgreSQL's keeps unique: of a tree of tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_TWIN_H
#define PAYSAFE_ROW_TWIN_H

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "values/row_key.h"

/* Does an index of the table keep these columns of it unique, at once and in all its rows? */
extern bool paysafe_row_twin_is_unique(Relation rel, const AttrNumber *attnums, int n);

/*
 * Does one index of the tree's root see that no two rows have the same values in
 * these columns of the leaf?  False also if the root has children by inheritance.
 */
extern bool paysafe_row_twin_is_excluded(Oid root, Relation leaf, const RowKey *row_key);

/*
 * Is there another row in the tree with the same values in the columns of the key?
 * Tables that lack one of them do not count.  Locks the key to the end of the
 * transaction and waits for whoever is adding such a row; unless nobody else can
 * write, since the caller has the tree locked.
 */
extern bool paysafe_row_twin_exists(Oid root, Relation leaf, TupleTableSlot *row,
									const RowKey *row_key, bool locked);

#endif							/* PAYSAFE_ROW_TWIN_H */
