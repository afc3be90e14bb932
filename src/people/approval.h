/*-------------------------------------------------------------------------
 *
 * approval.h
 *	  Approvals by a second person.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_APPROVAL_H
#define PAYSAFE_APPROVAL_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/crypto.h"

/* Who did something, as far as the database knows. */
typedef struct Person
{
	char	   *actor;			/* as claimed by act_as; NULL if nothing was */
	char	   *login;			/* role that authenticated */
	char	   *session_user_name;
} Person;

/* What an approval stands for. */
typedef struct ApprovalSubject
{
	const char *key;			/* as it is written everywhere; of approval_subject only */
	uint8		digest[PAYSAFE_SHA256_LEN]; /* of exactly what is approved */
	List	   *requesters;		/* of Person; none of them may approve */
	int64		valid_for;		/* microseconds after the approval was given */
} ApprovalSubject;

/*
 * A period in microseconds: days of 24 hours, months of 30 days, so that no
 * time zone setting stretches it.  Raises 22023 unless it is positive and at
 * most ten years.
 */
extern int64 paysafe_argument_microseconds(const Interval *interval, const char *argument);

/* The person acting now; palloc'd. */
extern Person *paysafe_person_current(void);

/*
 * Why the approver may be the same person as the requester, or NULL if the
 * two are different.  An approver has always claimed an actor.
 */
extern char *paysafe_person_conflict(const Person *approver, const Person *requester);

/*
 * Use up approvals of (relation, key, digest): as many as needed, each by
 * another person who is none of the requesters, none expired, withdrawn or
 * used.  Returns how many fit; if fewer than needed, none is used.  Locks the
 * approvals it looks at until the end of the transaction.
 */
extern int	paysafe_approval_use(Oid relation, const char *key,
								 const ApprovalSubject *subject, int needed);

/* How many approvals would fit now; uses none. */
extern int	paysafe_approval_count(Oid relation, const char *key,
								   const ApprovalSubject *subject);

extern void paysafe_approval_init(void);

#endif							/* PAYSAFE_APPROVAL_H */
