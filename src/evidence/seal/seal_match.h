/*-------------------------------------------------------------------------
 *
 * seal_match.h
 *	  Rows of the audit log against leaves of any incarnation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_MATCH_H
#define PAYSAFE_SEAL_MATCH_H

#include "evidence/seal/seal_transaction.h"
#include "tlog/merkle.h"

typedef enum SealPlace
{
	SEAL_NOWHERE,				/* no leaf is this row */
	SEAL_THERE,					/* a leaf is */
	SEAL_TWICE					/* a leaf is, and another row was it before */
} SealPlace;

typedef struct SealMatcher SealMatcher;

extern SealMatcher *paysafe_seal_match_begin(void);

/*
 * Is the row a leaf?  Each leaf is one row only.  Rows must come in the order of their
 * transactions and numbers; but: a transaction whose leaves do not count, or NULL.
 */
extern SealPlace paysafe_seal_match_row(SealMatcher *matcher, uint64 xid, int32 seq,
										const TlogHash *hash, const SealTransaction *but);

/* Has a leaf of this place, or any of its transaction if numbers are missing there, the check? */
extern bool paysafe_seal_match_check(SealMatcher *matcher, uint64 xid, int32 seq, int32 check);

extern void paysafe_seal_match_end(SealMatcher *matcher);

#endif							/* PAYSAFE_SEAL_MATCH_H */
