/*-------------------------------------------------------------------------
 *
 * actor.h
 *	  Who acts, and why.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACTOR_H
#define PAYSAFE_ACTOR_H

typedef struct ActorClaim
{
	const char *name;			/* any of these may be NULL; the name: nobody is named */
	const char *reason;
	const char *ticket;
	const char *request_id;
	const char *business_id;
} ActorClaim;

/*
 * What act_as declared in this transaction, or NULL.  Valid until
 * the next act_as, rollback to a savepoint, or end of the transaction.
 */
extern const ActorClaim *paysafe_actor_current(void);

/* Changes whenever paysafe_actor_current may answer differently. */
extern uint64 paysafe_actor_generation(void);

/* Has act_as named somebody? */
extern bool paysafe_actor_is_named(void);

/* The declared actor's name, or else the session user's. */
extern const char *paysafe_actor_name(void);

/* Names of the role that logged in and of the session user; palloc'd. */
extern char *paysafe_actor_login(void);
extern char *paysafe_actor_session_user(void);

/* The role that logged in; SET SESSION AUTHORIZATION leaves it alone. */
extern Oid	paysafe_actor_login_role(void);

/* Address of the client, "[local]" for a socket, NULL without a client. */
extern const char *paysafe_actor_client(void);

/* Distinguished name of the client's TLS certificate, or NULL. */
extern const char *paysafe_actor_certificate(void);

/*
 * Who judges a claim as soon as it is made, and raises if it may not be.  Set by what
 * knows the registry of people.
 */
typedef void (*ActorJudge) (void);
extern void paysafe_actor_set_judge(ActorJudge judge);

extern void paysafe_actor_init(void);

#endif							/* PAYSAFE_ACTOR_H */
