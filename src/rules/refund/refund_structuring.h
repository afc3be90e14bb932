/*-------------------------------------------------------------------------
 *
 * refund_structuring.h
 *	  Refunds just below a threshold are signals.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_STRUCTURING_H
#define PAYSAFE_REFUND_STRUCTURING_H

#include "rules/refund/refund.h"

/* A refund that passes the gate without anybody's approval. */
typedef struct UnapprovedRefund
{
	const RefundState *state;
	const FoundPayment *payment;
	const char *key;			/* of its row */
	const char *currency;
	Numeric		amount;
	const Person *requester;
} UnapprovedRefund;

/*
 * Is its amount no more than a threshold, and four fifths of it at least? Then it is a signal, with how
 * many there were of the same requester, and of the same payment (or payee), in a day. Nothing is refused.
 */
extern void paysafe_refund_note_structuring(const UnapprovedRefund *refund);

#endif							/* PAYSAFE_REFUND_STRUCTURING_H */
