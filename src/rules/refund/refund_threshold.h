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

/* What a band's sum is of. */
typedef enum SumKind
{
	SUM_PAYMENT,				/* the refunds of a payment */
	SUM_BENEFICIARY,			/* what goes to whom the rule's beneficiary column says */
	SUM_REQUESTER				/* what a person asks for */
} SumKind;

#define SUM_KINDS	3

/* A band: what is asked above an amount in a currency.  There may be several. */
typedef struct Threshold
{
	char	   *currency;
	char	   *name;			/* of the band; "": it has none */
	int			version;
	Numeric		amount;			/* NULL: the band was taken away */
	int			approvers;
	int64		within;			/* microseconds */
	int64		valid_for;		/* microseconds */
	IdentityLevel identity;		/* approvals of persons known less well do not count */
	IdentityLevel requester;	/* what persons known less well have written does not pass */
	char	   *group;			/* approvals of who is not in it do not count; or NULL */
	SumKind		per;
	char	   *hours;			/* approvals given at another time do not count (base/hours.h); or NULL */
	char	   *escalation_group;	/* its members may, too, instead of those of the group; or NULL */
	int64		escalation_after;	/* ... once it has waited for so long: microseconds */
} Threshold;

/* How long an approval lives where no threshold says otherwise: one hour. */
#define PAYSAFE_DEFAULT_VALID_FOR	(INT64CONST(3600) * USECS_PER_SEC)

/* The newest version of each band, lower amounts first; in the current context. */
extern List *paysafe_refund_threshold_read(Oid relation, const char *rule);

/* "payment", "beneficiary", "requester". */
extern const char *paysafe_refund_threshold_per_name(SumKind per);

/* Is it of this currency?  Compared without case. */
extern bool paysafe_refund_threshold_is_in(const Threshold *threshold, const char *currency);

/* A period in microseconds, as hours, minutes and seconds. */
extern char *paysafe_refund_threshold_period_text(int64 period);

#endif							/* PAYSAFE_REFUND_THRESHOLD_H */
