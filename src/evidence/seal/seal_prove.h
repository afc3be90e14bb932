/*-------------------------------------------------------------------------
 *
 * seal_prove.h
 *	  Proofs from the sealed log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_PROVE_H
#define PAYSAFE_SEAL_PROVE_H

#include "tlog/merkle.h"

/* That a leaf is in the tree of that size. */
typedef struct SealProof
{
	int32		incarnation;
	uint64		index;
	uint64		size;
	TlogHash	leaf_hash;
	TlogHash	root;
	int			n;
	TlogHash	path[TLOG_PATH_MAX];
} SealProof;

/*
 * The proof for incarnation, index and size as they stand there; size 0: all leaves.
 * Raises 22023 if there is no such leaf or tree, XX001 if tiles are missing.
 */
extern void paysafe_seal_prove_inclusion(SealProof *proof);

/*
 * Which leaf is row seq of the transaction; seq 0: the transaction's own.  Raises 22023
 * if it is not sealed.
 */
extern void paysafe_seal_prove_find(uint64 xid, int32 seq, int32 *incarnation, uint64 *index);

/* How many leaves an incarnation has; 0: there is no such one. */
extern uint64 paysafe_seal_prove_size(int32 incarnation);

#endif							/* PAYSAFE_SEAL_PROVE_H */
