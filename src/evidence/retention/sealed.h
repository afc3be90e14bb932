/*-------------------------------------------------------------------------
 *
 * sealed.h
 *	  What the tree has, and so may leave.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEALED_H
#define PAYSAFE_SEALED_H

/* What is sealed now; palloc'd. */
typedef struct Sealed Sealed;
extern Sealed *paysafe_sealed_now(void);

/* Are the rows of a transaction, by its number in the log, sealed? */
extern bool paysafe_sealed_has(const Sealed *sealed, uint64 xid);

#endif							/* PAYSAFE_SEALED_H */
