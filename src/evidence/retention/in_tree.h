/*-------------------------------------------------------------------------
 *
 * in_tree.h
 *	  What the tree has, and so may leave.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IN_TREE_H
#define PAYSAFE_IN_TREE_H

/* What is looked up in the tree; palloc'd, good for one transaction. */
typedef struct InTree InTree;
extern InTree *paysafe_in_tree_begin(void);

typedef enum InTreeAnswer
{
	SEALED_NOT_YET,
	SEALED_OTHERWISE,			/* the tree has another leaf in its place, or none */
	SEALED_SO
} InTreeAnswer;

/* Where the tree has it; false: nowhere. */
extern bool paysafe_in_tree_find(InTree *sealed, uint64 xid, int32 seq, const uint8 *leaf_hash,
								int32 *incarnation, uint64 *index);

/* Does the tree have the row with that number of a transaction, with this leaf hash? */
extern InTreeAnswer paysafe_in_tree_has(InTree *sealed, uint64 xid, int32 seq, const uint8 *leaf_hash);

#endif							/* PAYSAFE_IN_TREE_H */
