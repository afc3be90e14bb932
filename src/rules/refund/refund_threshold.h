/*-------------------------------------------------------------------------
 *
 * refund_threshold.h
 *	  Refund thresholds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_THRESHOLD_H
#define PAYSAFE_REFUND_THRESHOLD_H

#include "nodes/pg_list.h"
#include "utils/numeric.h"

#include "people/identity.h"

typedef struct Threshold
{
	char	   *currency;
	int			version;
	Numeric		amount;
	int			approvers;
	int64		within;			/* microseconds */
	int64		valid_for;		/* microseconds */
	IdentityLevel identity;		/* approvals of persons known less well do not count */
} Threshold;

/* How long an approval lives where no threshold says otherwise: one hour. */
#define PAYSAFE_DEFAULT_VALID_FOR	(INT64CONST(3600) * USECS_PER_SEC)

/* The newest version of each currency's threshold; in the current context. */
extern List *paysafe_refund_threshold_read(Oid relation, const char *rule);

/* The threshold of a currency, compared without case, or NULL. */
extern Threshold *paysafe_refund_threshold_find(List *thresholds, const char *currency);

/* How many approvals a refund needs when the rolling sum reaches the total. */
extern int	paysafe_refund_threshold_approvals(const Threshold *threshold, Numeric total);

/*
 * How well approvers must be known.  Where there is no threshold, as well as for any other currency of the
 * rule: a new currency is no way around.
 */
extern IdentityLevel paysafe_refund_threshold_identity(const Threshold *threshold, List *thresholds);

/* A period in microseconds, as hours, minutes and seconds. */
extern char *paysafe_refund_threshold_period_text(int64 period);

#endif							/* PAYSAFE_REFUND_THRESHOLD_H */
