/*-------------------------------------------------------------------------
 *
 * approval_subject.h
 *	  What an approval is of, and who may give it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_APPROVAL_SUBJECT_H
#define PAYSAFE_APPROVAL_SUBJECT_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/numeric.h"

#include "base/crypto.h"
#include "people/identity.h"

/*
 * A refund whose row need not be there yet: so much of this payment.  An approval in
 * advance is one of the same payment and currency, of this amount or more, and of the
 * same bound.
 */
typedef struct ApprovalMoney
{
	const char *payment;		/* its key, as it is written everywhere */
	const char *currency;
	Numeric		amount;
	uint8		bound[PAYSAFE_SHA256_LEN];	/* of what else must stay the same */
} ApprovalMoney;

/* Who else may approve in the place of members of a group: members of another one, once it has waited long enough. */
typedef struct GroupEscalation
{
	const char *group;
	const char *to;
	TimestampTz from;
} GroupEscalation;

/* What an approval stands for. */
typedef struct ApprovalSubject
{
	const char *key;			/* as it is written everywhere; of approval_subject only */
	const char *rule;			/* of refunds: by which the row is one; or NULL */
	bool		is_other;		/* it is none by that rule; of approval_subject only */
	uint8		digest[PAYSAFE_SHA256_LEN]; /* of exactly what is approved */
	List	   *requesters;		/* of Person; none of them may approve */
	List	   *writers;		/* of Person: nor these, what was like that when they had changed it */
	int64		valid_for;		/* microseconds after the approval was given */
	const ApprovalMoney *money; /* what a refund comes to, of which approvals in advance count, too; or NULL */
	IdentityLevel identity;		/* approvals of persons known less well than that do not count */
	List	   *groups;			/* of char *: nor of those who are not in all of these */
	List	   *escalations;	/* of GroupEscalation: at most one of a group */
	List	   *hours;			/* of char * (base/hours.h): nor those that were given at another time than all of these */
	const char *futile;			/* why no approval would help, in a sentence, or NULL; of approval_subject only */
	const char *words;			/* what it is, for a person; of approval_subject only, or NULL */
	bool		alone;			/* nobody else approves it: the glass is broken */
	TimestampTz given_after;	/* approvals given until then do not count; 0: all do */
} ApprovalSubject;

#endif							/* PAYSAFE_APPROVAL_SUBJECT_H */
