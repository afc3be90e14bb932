/*-------------------------------------------------------------------------
 *
 * refund_flow.h
 *	  What has passed to one beneficiary, or was requested by one person, of whatever payments.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_FLOW_H
#define PAYSAFE_REFUND_FLOW_H

#include "rules/refund/refund.h"
#include "rules/refund/refund_threshold.h"

/* The sums that a refund, or a rise, is a part of: those that bands of its currency are judged over. */
typedef struct RefundFlow
{
	const RefundState *state;
	const char *currency;
	const char *whole_key;		/* NULL: it has no row that may come again */
	List	   *keys[SUM_KINDS];	/* of what is summed up; NIL: nobody knows, or asks */
	bool		busy;			/* somebody else has the lock: it is not counted */
} RefundFlow;

/*
 * Which they are.  row NULL: it is not there yet, and its beneficiary is unknown; requesters (of Person) NIL: so is
 * who asks for it; life NULL: it has none.
 */
extern void paysafe_refund_flow_read(const RefundState *state, const char *currency, TupleTableSlot *row,
									 const List *requesters, const RefundLife *life, RefundFlow *out);

/*
 * Lock them until the end of the transaction, all of them before any is read.  Lock order: see refund.c.  A rule that is
 * only observed waits for nobody: of what two let pass at the same time, it counts one.
 */
extern void paysafe_refund_flow_lock(RefundFlow *flow);

/* What has passed within the period of the band, with the amount: exact if they are locked.  flow NULL: nothing has. */
extern Numeric paysafe_refund_flow_total(const RefundFlow *flow, const Threshold *band, Numeric amount);

/* It has passed, too. */
extern void paysafe_refund_flow_add(const RefundFlow *flow, Numeric amount);

/*
 * Is the sum of more than the transaction may know of?  The refund is somebody's (paysafe_refund_owner), and the
 * sum that of others' as well.
 */
extern bool paysafe_refund_flow_is_hidden(const Threshold *band, const char *owner);

/* What the sum of a band is of, as the beginning of a sentence; the payment's own in the caller's words. */
extern const char *paysafe_refund_flow_words(const Threshold *band, bool payout, const char *payment_words);

#endif							/* PAYSAFE_REFUND_FLOW_H */
