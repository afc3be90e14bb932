/*-------------------------------------------------------------------------
 *
 * person.h
 *	  Who did something, and who is somebody else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PERSON_H
#define PAYSAFE_PERSON_H

#include "datatype/timestamp.h"

#include "people/identity.h"

/* Who did something, as far as the database knows. */
typedef struct Person
{
	char	   *actor;			/* as claimed by act_as, or whose login it is; or NULL */
	char	   *login;			/* role that authenticated */
	char	   *session_user_name;
	IdentityLevel level;		/* of the one acting now; of others it is on record */
	TimestampTz at;				/* of who has changed something: the first time; otherwise 0 */
} Person;

/* The person acting now; palloc'd. */
extern Person *paysafe_person_current(void);

/*
 * Who is registered as the one that is named now: by the token that shows it, otherwise
 * by name; or NULL.  Raises if the token's person and the name's are two.
 */
extern struct RegisteredPerson *paysafe_person_claimed(void);

/* Whose certificate the client has shown, or NULL. */
extern struct RegisteredPerson *paysafe_person_of_certificate(void);

/*
 * Why the approver may be the same person as the requester, or NULL if the
 * two are different: by their names, and by the registry of people, where all that
 * one person was ever known under is one.  An approver always has a name.
 */
extern char *paysafe_person_conflict(const Person *approver, const Person *requester);

/* Over a login that may act for others, without saying for whom: it may be anybody. */
extern bool paysafe_person_is_unknown(const Person *person);

/* May it be the registered person of this id? */
extern bool paysafe_person_may_be(const Person *person, int64 id);

/* Are two people who approve one?  Could be, by any name that ever was theirs: for refusing only. */
extern bool paysafe_person_is_same(const Person *a, const Person *b);

/*
 * Is who acts now the one who acted then, and can nobody else have been?  For what only the same person may: a name
 * that has come to somebody since, or has changed hands, is no proof.
 */
extern bool paysafe_person_is_surely(const Person *now, const Person *then, TimestampTz at);

/*
 * Do two names stand for one person?  In every spelling (people/name.h); a name that
 * cannot be read is everybody's.
 */
extern bool paysafe_person_same_name(const char *a, const char *b);

#endif							/* PAYSAFE_PERSON_H */
