/*-------------------------------------------------------------------------
 *
 * captures_kept.h
 *	  What the captures of a payment come to, from one transaction to the next.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CAPTURES_KEPT_H
#define PAYSAFE_CAPTURES_KEPT_H

#include "engine/kept.h"
#include "rules/refund/captures.h"

/* What is kept of a payment's captures in one table. */
typedef struct KeptCaptures
{
	int64		id;				/* of the newest sum; 0: none is kept */
	bool		own;			/* this transaction has written it */
	bool		ended;			/* it says that nothing is kept any more */
	bool		holds;
	CaptureSum	sum;			/* only if it holds */
	uint64		stamp;			/* as of now, if one is kept; 0: none can be */
} KeptCaptures;

/* To be asked before the captures are read. */
extern uint64 paysafe_captures_kept_stamp_of(const RefundTable *table);

/* The payment's row is locked, unless one only looks. */
extern void paysafe_captures_kept_find(const RefundTable *table, KeptCaptures *out);

/* The captures of a locked payment come to this from now on; NULL: nobody knows. */
extern void paysafe_captures_kept_set(const RefundTable *table, uint64 stamp, const CaptureSum *sum);

/* Call back for each sum that is not what the captures are. */
extern void paysafe_captures_kept_check(Oid captures, KeptFault fault, void *arg);

#endif							/* PAYSAFE_CAPTURES_KEPT_H */
