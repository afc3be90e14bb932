/*-------------------------------------------------------------------------
 *
 * seal_stray.h
 *	  Rows of the audit log that no leaf stands for, though all of their time are sealed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_STRAY_H
#define PAYSAFE_SEAL_STRAY_H

#include "access/xlogdefs.h"
#include "utils/snapshot.h"

/* seq 0: of several transactions from xid on, as a whole; the words are palloc'd. */
typedef void (*SealStrayVisitor) (void *arg, uint64 xid, int32 seq, const char *finding);

/*
 * Of transactions from <= xid < to, all sealed: rows that are no leaf, of whatever
 * incarnation, or are one twice; and how many leaves have no row.
 */
extern void paysafe_seal_stray_find(uint64 from, uint64 to, Snapshot snapshot,
									SealStrayVisitor visitor, void *arg);

/*
 * The same for what was written after the server's log had come to "since", by
 * transactions from "below" on, about transactions before "sealed".  Costs a look at
 * each block that VACUUM has not been at.  False: a transaction that has written such a
 * row may still be in progress, so that this has to be looked at again.
 */
extern bool paysafe_seal_stray_look(XLogRecPtr since, uint64 below, uint64 sealed, Snapshot snapshot,
									SealStrayVisitor visitor, void *arg);

#endif							/* PAYSAFE_SEAL_STRAY_H */
