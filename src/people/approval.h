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

#include "compat.h"
#include "people/approval_subject.h"
#include "people/person.h"

/*
 * Use up approvals of (relation, key, digest), and then such of the money: as many
 * as needed, each by another person who is none of the requesters, none expired,
 * withdrawn or used.  Returns how many fit; if fewer than needed, none is used.
 * Locks the approvals it looks at until the end of the transaction.
 */
extern int	paysafe_approval_use(Oid relation, const char *key,
								 const ApprovalSubject *subject, int needed);

/* How many approvals would fit now; uses none. */
extern int	paysafe_approval_count(Oid relation, const char *key,
								   const ApprovalSubject *subject);

/*
 * Record an approval, reason and ticket redacted; returns its id.  The caller has
 * checked that the approver may.  Key NULL: one in advance, of subject->money.
 */
extern int64 paysafe_approval_add(Oid relid, const char *key, const ApprovalSubject *subject,
								  const Person *approver, const char *reason,
								  const char *ticket, TimestampTz valid_until);

/*
 * What is approved is gone, or another thing now: end what is open for this key; with a rule, what is
 * under that one.
 */
extern void paysafe_approval_end_open(Oid relation, const char *rule, const char *key);

/* The digest of an approval in advance of this amount. */
extern void paysafe_approval_money_digest(const ApprovalMoney *money, Numeric amount, uint8 *digest);

/* The payment is gone: end what was approved of it in advance. */
extern void paysafe_approval_end_in_advance(Oid relation, const char *rule, const char *payment);

/* An approval in advance that a refund has used; when it was given. */
typedef struct ApprovalUse
{
	ApprovalMoney money;		/* without bound */
	TimestampTz at;
} ApprovalUse;

/* Those of a payment, or of all (NULL), that were given since then: of ApprovalUse. */
extern List *paysafe_approval_used_in_advance(Oid relation, const char *rule, const char *payment,
											  TimestampTz since);

/* What is approved in advance and has not ended, by id: of ApprovalMoney, without bound. */
extern List *paysafe_approval_in_advance(Oid relation, const char *rule);

/* End one that nobody has used, if it has not ended, because it is worth nothing any more. */
extern void paysafe_approval_void(int64 id, const char *reason);

/* End an approval that nobody has used; 22023 if there is none, 42501 if it has ended. */
extern void paysafe_approval_withdraw(int64 id, const char *reason);

/* The person is disabled: end what is open and theirs; returns how many. */
extern int	paysafe_approval_end_of_person(int64 person);

/* Refuse on behalf of approvals as such. */
extern PAYSAFE_NORETURN void paysafe_approval_refuse(int sqlstate, const char *message,
													 const char *detail, const char *hint);

/*
 * What code, of a role that is no superuser, runs now in somebody else's name, in a
 * sentence; or NULL.  Set by the guard, which people/ does not know.
 */
typedef char *(*ApprovalForeignCode) (void);
extern void paysafe_approval_set_foreign_code(ApprovalForeignCode foreign_code);

/* Refuse (42501) what makes two persons of one, if it is such code that asks for it. */
extern void paysafe_approval_check_own_code(const char *what);

extern void paysafe_approval_init(void);

#endif							/* PAYSAFE_APPROVAL_H */
