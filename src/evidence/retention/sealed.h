/*-------------------------------------------------------------------------
 *
 * sealed.h
 *	  What the tree has, and so may leave.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEALED_H
#define PAYSAFE_SEALED_H

/* What is looked up in the tree; palloc'd, good for one transaction. */
typedef struct Sealed Sealed;
extern Sealed *paysafe_sealed_begin(void);

typedef enum SealedAnswer
{
	SEALED_NOT_YET,
	SEALED_OTHERWISE,			/* the tree has another leaf in its place, or none */
	SEALED_SO
} SealedAnswer;

/* Where the tree has it; false: nowhere. */
extern bool paysafe_sealed_find(Sealed *sealed, uint64 xid, int32 seq, const uint8 *leaf_hash,
								int32 *incarnation, uint64 *index);

/* Does the tree have the row with that number of a transaction, with this leaf hash? */
extern SealedAnswer paysafe_sealed_has(Sealed *sealed, uint64 xid, int32 seq, const uint8 *leaf_hash);

#endif							/* PAYSAFE_SEALED_H */
