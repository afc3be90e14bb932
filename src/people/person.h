/*-------------------------------------------------------------------------
 *
 * person.h
 *	  Who did something, and who is somebody else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PERSON_H
#define PAYSAFE_PERSON_H

#include "people/identity.h"

/* Who did something, as far as the database knows. */
typedef struct Person
{
	char	   *actor;			/* as claimed by act_as; NULL if nothing was */
	char	   *login;			/* role that authenticated */
	char	   *session_user_name;
	IdentityLevel identity;		/* how well the actor is known; of who acts or approves now only */
} Person;

/* The person acting now; palloc'd. */
extern Person *paysafe_person_current(void);

/*
 * Why the approver may be the same person as the requester, or NULL if the
 * two are different.  An approver has always claimed an actor.
 */
extern char *paysafe_person_conflict(const Person *approver, const Person *requester);

/* Over a login that may act for others, without saying for whom: it may be anybody. */
extern bool paysafe_person_is_unknown(const Person *person);

/*
 * Do two names stand for one person?  In every spelling (people/name.h); a name that
 * cannot be read is everybody's.
 */
extern bool paysafe_person_same_name(const char *a, const char *b);

#endif							/* PAYSAFE_PERSON_H */
