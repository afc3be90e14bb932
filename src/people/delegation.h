/*-------------------------------------------------------------------------
 *
 * delegation.h
 *	  Who approves in whose place, for a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_DELEGATION_H
#define PAYSAFE_DELEGATION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "people/identity.h"

/* A delegation, as it is stored. */
typedef struct Delegation
{
	int64		id;
	int64		delegator;		/* persons of the registry */
	int64		delegate;
	TimestampTz at;
	TimestampTz until;
	IdentityLevel level;		/* how well the delegator was known */
} Delegation;

/*
 * All that are in force now (of Delegation), oldest first: not over, not ended, and neither of the two has been
 * disabled since.  With the newest snapshot.
 */
extern List *paysafe_delegation_in_force(void);

/* Of these, those to a person. */
extern List *paysafe_delegation_to(int64 delegate);

#endif							/* PAYSAFE_DELEGATION_H */
