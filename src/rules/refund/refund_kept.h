/*-------------------------------------------------------------------------
 *
 * refund_kept.h
 *	  What the refunds of a payment total, from one transaction to the next.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_KEPT_H
#define PAYSAFE_REFUND_KEPT_H

#include "utils/numeric.h"
#include "utils/rel.h"

#include "engine/kept.h"
#include "engine/rule.h"
#include "rules/refund/refund.h"

/* What is kept of a payment's refunds in one table. */
typedef struct KeptTotal
{
	int64		id;				/* of the newest total; 0: none is kept */
	bool		own;			/* this transaction has written it */
	bool		ended;			/* it says that nothing is kept any more */
	Numeric		total;			/* less what was voided since; NULL: it does not hold */
	uint64		stamp;			/* as of now, if one is kept; 0: none can be */
} KeptTotal;

/*
 * By what a total of the leaf's refunds is known to hold still: whatever changes rows
 * or what they mean without a check makes another one.  0: none is kept.
 */
extern uint64 paysafe_refund_kept_stamp(const RefundState *state, const CompileInput *input);

/*
 * The payment's row is locked, unless one only looks.  A total is at least the exact one:
 * what is voided while somebody else adds up is not taken off.
 */
extern void paysafe_refund_kept_find(const RefundTable *table, KeptTotal *out);

/* To be asked before the refunds are read. */
extern uint64 paysafe_refund_kept_stamp_of(const RefundTable *table);

/* The refunds of a locked payment total this from now on; NULL: nobody knows. */
extern void paysafe_refund_kept_set(const RefundTable *table, uint64 stamp, Numeric total);

/*
 * What the refunds of a locked payment in these tables total, at most; NULL: that is not kept.
 * Those that are yet to be checked are not in it.
 */
extern Numeric paysafe_refund_kept_bound(List *tables);

/* Is a total kept that another transaction has written? */
extern bool paysafe_refund_kept_is_others(const RefundTable *table);

/* One that is in the newest total counts no longer; nothing need be locked. */
extern void paysafe_refund_kept_less(const RefundTable *table, Numeric amount);

/* Call back for each total that is less than the refunds are: they would exceed what is captured. */
extern void paysafe_refund_kept_check(Oid refund, const char *rule, KeptFault fault, void *arg);

#endif							/* PAYSAFE_REFUND_KEPT_H */
