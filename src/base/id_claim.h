/*-------------------------------------------------------------------------
 *
 * id_claim.h
 *	  That an id is used by one transaction only, without a unique index.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ID_CLAIM_H
#define PAYSAFE_ID_CLAIM_H

/*
 * Lock an id of the table, by its hash, until the end of the transaction; false:
 * there are too many, and the table's mark is taken instead.  May wait.  Two ids of
 * one hash wait for each other, nothing worse.
 */
extern bool paysafe_id_claim_lock(Oid table, uint64 hash);

/*
 * A row of the id has been found, whose inserter is in progress: is that one to be
 * waited for (XactLockTableWait), before looking again?  locked is what
 * paysafe_id_claim_lock returned.
 */
extern bool paysafe_id_claim_must_wait(Oid table, bool locked, TransactionId inserter);

/*
 * Lock a group of rows of the table, by the hash of its name, until the end of the
 * transaction.  May wait, also for another group: there are only so many locks.
 */
extern void paysafe_id_claim_lock_group(Oid table, uint64 hash);

/*
 * The same for groups of something, of which that is a hash: they do not wait for groups of something else.  A
 * transaction that has locked 256 of such groups, whatever of, locks all groups of something at a time from then on,
 * where nobody else has locked one of them.
 */
extern void paysafe_id_claim_lock_group_of(Oid table, uint32 of, uint64 hash);

/* The same as the first for n groups, in an order that all keep to.  False: nowait, and somebody else has one. */
extern bool paysafe_id_claim_lock_groups(Oid table, uint64 *hashes, int n, bool nowait);

/* The transaction has ended. */
extern void paysafe_id_claim_forget(void);

#endif							/* PAYSAFE_ID_CLAIM_H */
