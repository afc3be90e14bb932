/*-------------------------------------------------------------------------
 *
 * rejection.h
 *	  What somebody has said no to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REJECTION_H
#define PAYSAFE_REJECTION_H

#include "datatype/timestamp.h"

#include "nodes/pg_list.h"

#include "people/approval.h"
#include "people/person.h"

/* What is asked for, as a rejection meets it. */
typedef struct RejectionSubject
{
	Oid			relation;
	const char *rule;			/* of refunds; or NULL */
	const char *scope;			/* the payment; of others the key; of changes, what they come to */
	Oid			about;			/* of changes: the table, whatever it is called; or InvalidOid */
	const char *key;			/* of the row; NULL: it has none */
	const ApprovalMoney *money; /* of refunds; or NULL */
	TimestampTz requested;		/* when it was asked for; 0: nobody knows */
	const List *requesters;		/* of Person: who asks for it */
} RejectionSubject;

typedef struct Rejection
{
	int64		id;
	Oid			relation;
	char	   *rule;			/* or NULL */
	char	   *scope;
	Oid			about;			/* or InvalidOid */
	char	   *key;			/* or NULL */
	ApprovalMoney money;		/* payment NULL: of no refund; without bound */
	Person		person;			/* who said no */
	IdentityLevel needs;		/* how well who takes it back must be known */
	char	   *reason;
	TimestampTz at;
	bool		own;			/* who asked for it has: of nothing that others ask for */
	List	   *requesters;		/* of Person: who had asked by then */
} Rejection;

/*
 * The first rejection that stands over this, or NULL; palloc'd.  Over its own row it
 * stands for as much or more; so it does over what was asked for later, of the same
 * payment.  With lock, nobody rejects it before the end of the transaction.  In *other (or NULL),
 * the last one that stands over something else of the same scope: less of it, or what was waiting
 * already, takes an approval that was given after that.  It is left alone if there is none.
 */
extern Rejection *paysafe_rejection_standing(const RejectionSubject *subject, bool lock, Rejection **other);

/* Until the end of the transaction, nothing of this scope passes, nor is rejected, or taken back. */
extern void paysafe_rejection_lock(Oid relation, const char *scope);

/*
 * Record one, reason and ticket redacted; returns its id.  The caller has it locked.  own: said by who asked for it.
 * requesters: of Person, who takes back nothing.
 */
extern int64 paysafe_rejection_add(const RejectionSubject *subject, const Person *person, bool own, List *requesters,
								   IdentityLevel needs, const char *reason, const char *ticket);

/* Find one, locked, that nobody has taken back: 22023 if there is none, 42501 if it was taken back. */
extern Rejection *paysafe_rejection_find(int64 id);

/* The same without looking whether it was, and without a lock; NULL if there is none. */
extern Rejection *paysafe_rejection_read(int64 id);

extern void paysafe_rejection_end(int64 id, const char *reason);

/* What it says, for the detail of a refusal; and the way out. */
extern char *paysafe_rejection_words(const Rejection *rejection);

/* The same of something else of the payment. */
extern char *paysafe_rejection_other_words(const Rejection *rejection);
extern char *paysafe_rejection_hint(const Rejection *rejection);

/* In a test database: the rows of the table are gone. */
extern void paysafe_rejection_forget(Oid relation);

#endif							/* PAYSAFE_REJECTION_H */
