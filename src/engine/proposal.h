/*-------------------------------------------------------------------------
 *
 * proposal.h
 *	  Changes of rules that are put before a second person.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PROPOSAL_H
#define PAYSAFE_PROPOSAL_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "base/crypto.h"
#include "people/identity.h"
#include "store/catalog.h"

/* A change that needs the approval of a second person, whole. */
typedef struct ProposedChange
{
	PaysafeTable approved_as;	/* PAYSAFE_RULE, PAYSAFE_MAINTENANCE_RECORD, ... */
	Oid			relation;		/* InvalidOid: more than one */
	const char *name;			/* of the rule, "threshold for EUR", "maintenance" */
	int			version;		/* that it would be */
	Oid			old_reference;
	Oid			new_reference;
	Jsonb	   *before;			/* what is in force; NULL if nothing is */
	Jsonb	   *after;
	const char *difference;		/* between the two, in words, one line each */
	const char *loosens;		/* the part of it that needs approval, in words */
	const char *content;		/* all of it: two changes never have the same */
	const char *comes_to;		/* what it makes of the relation, the same however it is asked for; NULL: name and after say it */
	const char *message;		/* of its refusal, if it is no loosening of a rule; or NULL */
	IdentityLevel identity;		/* how well who approves it must be known */
	const char *beneficiary;	/* for whom it is: no approval of theirs counts; or NULL */
	List	   *involved;		/* of Person: the same of these */
	bool		recovers;		/* of what is asked for here, nobody can give it: identity counts alone */
	int			approvers;		/* so many; 0: one */
} ProposedChange;

/* The name of a change that closes a period of a ledger. */
#define PAYSAFE_CLOSED_PERIOD_CHANGE	"period"

/* The name of one that lets one person alone let a refund pass, and what it begins with for one of several rules. */
#define PAYSAFE_BREAK_GLASS_CHANGE	"break-glass"

/*
 * The digest of everything, which an approval binds, and the key under which the
 * change is approved: the content itself where it is short and means what it
 * looks like, so that who writes it out has seen it; otherwise the digest, which
 * is worth something only with the stored change.
 */
extern void paysafe_proposal_digest(const char *content, uint8 *digest);
extern char *paysafe_proposal_key(const char *content);

/* The table that is stored with a change under a key, or InvalidOid. */
extern Oid	paysafe_proposal_table(Oid approved_as, const char *key);

/*
 * What is asked for, with the number of the row that it follows, 0 if there is none: so that an approval is worth
 * nothing any more once what it gives was given, or taken away, after it.
 */
extern char *paysafe_proposal_after(const char *what, int64 last);

/*
 * What the change makes of its table, whatever that is instead of, and why: a digest as text.  The same of those
 * that are stored under a key, or NULL.
 */
extern char *paysafe_proposal_comes_to(const ProposedChange *change);
extern char *paysafe_proposal_stored_comes_to(Oid approved_as, const char *key);

/* Is it the key of a change that need not be stored? */
extern bool paysafe_proposal_is_content(const char *key);

/* Does this transaction propose, that is: has it called paysafe.propose? */
extern bool paysafe_proposal_is_open(void);

/* How another person approves it, in words that end with a semicolon. */
extern char *paysafe_proposal_how(const ProposedChange *change, const char *key);

/* Store the change and tell how it is approved. */
extern void paysafe_proposal_store(const ProposedChange *change);

/* What is stored under a key: who proposed it (of Person); false if nothing is. */
extern bool paysafe_proposal_find(Oid approved_as, const char *key, uint8 *digest,
								  List **persons);

/* How well who approves what is stored under a key must be known. */
extern IdentityLevel paysafe_proposal_needs(Oid approved_as, const char *key);

/* What is stored under a key, in words, or NULL if nothing is. */
extern char *paysafe_proposal_words(Oid approved_as, const char *key);

/* The rule that a stored change of this key is of; false if none is stored. */
extern bool paysafe_proposal_of(Oid approved_as, const char *key, Oid *relation, char **name,
								int *version);

extern void paysafe_proposal_init(void);

#endif							/* PAYSAFE_PROPOSAL_H */
