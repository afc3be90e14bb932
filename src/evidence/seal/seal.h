/*-------------------------------------------------------------------------
 *
 * seal.h
 *	  Sealing: rows of the audit log become leaves of the tree.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_H
#define PAYSAFE_SEAL_H

#include "utils/snapshot.h"

typedef struct SealPass
{
	bool		done;			/* false: somebody else is at it */
	uint64		leaves;			/* new ones */
	uint64		below;			/* every row of an older transaction is sealed when this one commits */
	bool		in_pieces;		/* given: if much waits, only a part of it */
	bool		more;			/* so there is more that can be sealed at once */
	bool		look;			/* given: look for rows that were written among those that are sealed, too */
	int64		looked_for;		/* microseconds that this took */
} SealPass;

/*
 * Seal every row that can be sealed now (in_pieces: some hundred thousand at most, unless
 * one transaction has more), in this transaction, which must be committed
 * with synchronous_commit at least "local".  Nothing in a database that paysafe has
 * never worked in: pg_restore may still be filling it.  Raises XX001 if the tree is
 * damaged.
 */
extern void paysafe_seal_pass(bool nowait, SealPass *pass);

/* The oldest transaction that the snapshot does not know to have ended. */
extern uint64 paysafe_seal_oldest(Snapshot snapshot);

#endif							/* PAYSAFE_SEAL_H */
