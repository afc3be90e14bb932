/*-------------------------------------------------------------------------
 *
 * actor.h
 *	  Who acts, and why.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACTOR_H
#define PAYSAFE_ACTOR_H

#include "fmgr.h"

#include "people/identity.h"

#define PAYSAFE_ACTOR_MAX	200		/* bytes of a name */

/* What a token has proved, each of at most 200 bytes. */
typedef struct ActorProof
{
	const char *issuer;
	const char *subject;
	const char *token_id;		/* or NULL */
	const char *key_id;
} ActorProof;

typedef struct ActorClaim
{
	const char *name;			/* any of these may be NULL; the name: nobody is named */
	const char *reason;
	const char *ticket;
	const char *request_id;
	const char *business_id;
	const ActorProof *proof;	/* of act_as_token, otherwise NULL: it is a claim */
	const char *proof_text;		/* the same as JSON */
} ActorClaim;

/*
 * What act_as or act_as_token declared in this transaction, or NULL.  Valid until
 * the next of them, rollback to a savepoint, or end of the transaction.
 */
extern const ActorClaim *paysafe_actor_current(void);

/* Changes whenever paysafe_actor_current may answer differently. */
extern uint64 paysafe_actor_generation(void);

/* Has act_as named somebody? */
extern bool paysafe_actor_is_named(void);

/* Would act_as take the name? */
extern bool paysafe_actor_is_name(const char *name);

/* How well it is known who acts. */
extern IdentityLevel paysafe_actor_identity(void);

/*
 * Somebody acts from now on, until the end of the (sub)transaction, whatever was
 * declared before: with a name and its proof, and the reason, ticket, request id and
 * business id that are the function's arguments 1 to 4.  function: its name.
 */
extern void paysafe_actor_declare(FunctionCallInfo fcinfo, const char *function, const char *name,
								  const ActorProof *proof);

/* The declared actor's name, or else the session user's. */
extern const char *paysafe_actor_name(void);

/* Names of the role that logged in and of the session user; palloc'd. */
extern char *paysafe_actor_login(void);
extern char *paysafe_actor_session_user(void);

/* The role that logged in; SET SESSION AUTHORIZATION leaves it alone. */
extern Oid	paysafe_actor_login_role(void);

/* Address of the client, "[local]" for a socket, NULL without a client. */
extern const char *paysafe_actor_client(void);

/* Distinguished name of the client's TLS certificate, at most 63 bytes of it, or NULL: it has none. */
extern const char *paysafe_actor_certificate(void);

/* The SHA-256 of that certificate, in hexadecimal digits, or NULL: there is no certificate. */
extern const char *paysafe_actor_certificate_sha256(void);

/*
 * Who judges a claim as soon as it is made, and raises if it may not be.  Set by what
 * knows the registry of people.
 */
typedef void (*ActorJudge) (void);
extern void paysafe_actor_set_judge(ActorJudge judge);

extern void paysafe_actor_init(void);

#endif							/* PAYSAFE_ACTOR_H */
