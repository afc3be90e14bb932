/*-------------------------------------------------------------------------
 *
 * seal_verify.h
 *	  The sealed log computed again, from the rows to the root.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_VERIFY_H
#define PAYSAFE_SEAL_VERIFY_H

/*
 * What is compared with the log besides, when all of it is verified: set once by the
 * layer above.  It calls found with each thing that it finds.
 */
typedef void (*SealFound) (const char *finding, void *arg);
typedef void (*SealCompare) (SealFound found, void *arg);
extern void paysafe_seal_verify_set_compare(SealCompare compare);

#endif							/* PAYSAFE_SEAL_VERIFY_H */
