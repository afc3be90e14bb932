/*-------------------------------------------------------------------------
 *
 * passkey_challenge.h
 *	  Approvals that are signed by a passkey.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PASSKEY_CHALLENGE_H
#define PAYSAFE_PASSKEY_CHALLENGE_H

#include "fmgr.h"
#include "nodes/pg_list.h"

#include "base/crypto.h"
#include "people/person.h"

/*
 * What the browser asks the actor's passkey to sign, to approve these (of ApprovalSubject): jsonb.  The caller
 * has seen to it that the actor may read what they are about.  rp_id NULL: the only one.  key NULL: of a
 * refund before its row is there, whose money is all that is known.
 */
extern Datum paysafe_passkey_ask(Oid relid, const char *key, List *subjects, const char *rp_id);

/* What a passkey has signed. */
typedef struct SignedApproval
{
	struct PasskeyChallenge *challenge;
	struct Passkey *passkey;
	struct TokenAssertion *assertion;
	uint8		hash[PAYSAFE_SHA256_LEN];	/* the challenge */
	Person	   *approver;		/* the passkey's owner */
	char	   *content;		/* set by paysafe_passkey_compare */
} SignedApproval;

/*
 * Three steps: take the assertion, which is the n-th argument, of a challenge that was made for this table
 * and key; see that it is of what the subjects are now, and that the approver may; keep it with the
 * approvals that were given, of int64 *.  The first two refuse what is not so.
 */
extern SignedApproval *paysafe_passkey_take(FunctionCallInfo fcinfo, int n, Oid relid, const char *key);
extern void paysafe_passkey_compare(SignedApproval *taken, List *subjects);
extern void paysafe_passkey_keep(const SignedApproval *taken, List *ids);

/* End the approvals that were given by a passkey and not used yet: it is revoked. */
extern void paysafe_passkey_void_approvals(int64 passkey);

/* Remove challenges that have expired; how many. */
extern int64 paysafe_passkey_expire_challenges(void);

#endif							/* PAYSAFE_PASSKEY_CHALLENGE_H */
