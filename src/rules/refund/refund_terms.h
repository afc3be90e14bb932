/*-------------------------------------------------------------------------
 *
 * refund_terms.h
 *	  What the gate asks of a refund: the demands of all bands that it is above.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_TERMS_H
#define PAYSAFE_REFUND_TERMS_H

#include "rules/refund/refund.h"
#include "rules/refund/refund_flow.h"
#include "rules/refund/refund_threshold.h"

/* A group that who approves is in. */
typedef struct GroupDemand
{
	const char *group;
	const char *escalation_group;	/* others who may, too; NULL: nobody, or not all bands say so */
	int64		escalation_after;	/* ... once it has waited for so long: microseconds */
} GroupDemand;

/* Of each the strictest. */
typedef struct GateTerms
{
	int			approvers;		/* 0: nobody is asked */
	int64		valid_for;		/* microseconds that an approval lives */
	IdentityLevel identity;		/* of who approves */
	IdentityLevel requester;	/* of who has written it */
	List	   *groups;			/* of char *: who approves is in all of them */
	List	   *demands;		/* of GroupDemand: the same */
	List	   *hours;			/* of char *: approvals are given within all of them */
	const Threshold *band;		/* the highest that it is above, or the lowest there is; NULL: there is none */
	Numeric		total;			/* in the period of that band */
	List	   *bands;			/* of char *: names of those that it is above */
} GateTerms;

/*
 * What would have passed within the period of a band, of that what it is judged over (NULL: nothing else), with this
 * refund: exact if it is above the band's amount, otherwise at least that.
 */
typedef Numeric (*TermsTotal) (const Threshold *band, void *arg);

/*
 * What is asked in this currency.  Where it has no threshold one approval is, of whom the strictest of
 * any other currency asks for: a new currency is no way around.  total NULL: as below all bands.
 */
extern void paysafe_refund_terms(List *thresholds, const char *currency, TermsTotal total, void *arg,
								 GateTerms *out);

/* A refund as it stands, or one without a row yet (life NULL), of a payment that need not be locked. */
typedef struct StandingRefund
{
	const RefundState *state;
	const FoundPayment *payment;
	const RefundLife *life;
	Numeric		amount;
	RefundFlow	flow;			/* other sums that it is a part of; may be empty */
	struct StandingSums *sums;	/* of payments that were asked for before, or NULL */
} StandingRefund;

/* Sums that are made once for all refunds of a payment; in the current context. */
extern struct StandingSums *paysafe_refund_standing_sums(void);

/* A TermsTotal of a StandingRefund. */
extern Numeric paysafe_refund_standing_total(const Threshold *band, void *refund);

/* What an approval that is given now is asked for; what has passed is looked at only where that matters. */
extern void paysafe_refund_standing_terms(StandingRefund *refund, const char *currency, GateTerms *out);

/* Fill in what the terms say of approvals. */
extern void paysafe_refund_terms_of_subject(const GateTerms *terms, const RefundLife *life, ApprovalSubject *subject);

/* From when on which others may approve: it has waited since it was requested, or changed.  Of GroupEscalation. */
extern List *paysafe_refund_escalations(const GateTerms *terms, const RefundLife *life);

/* Of whom approvals count, after "approvals"; empty if it does not matter. */
extern char *paysafe_refund_terms_words(const ApprovalSubject *subject);

/* ", band "large"", or nothing for one without a name. */
extern const char *paysafe_refund_band_words(const Threshold *band);

#endif							/* PAYSAFE_REFUND_TERMS_H */
