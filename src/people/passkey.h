/*-------------------------------------------------------------------------
 *
 * passkey.h
 *	  Passkeys: whose they are, and whether an assertion is theirs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PASSKEY_H
#define PAYSAFE_PASSKEY_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

#include "compat.h"
#include "token/webauthn.h"

#define PAYSAFE_PASSKEY_MAX_ORIGINS	16
#define PAYSAFE_PASSKEY_RP_ID_MAX	253 /* bytes: a domain name */

/* How one came to somebody when nobody was left who could sign that, and how long it signs nothing itself. */
#define PAYSAFE_PASSKEY_UNSIGNED	"unsigned recovery"
#define PAYSAFE_PASSKEY_WAIT		USECS_PER_DAY

/* What an assertion is measured by. */
typedef struct PasskeyTerms
{
	bytea	   *cose_key;
	char	   *rp_id;
	List	   *origins;		/* of char *: one of them, exactly */
	List	   *top_origins;	/* of pages that may have ours within; "": of what the browser does not tell */
	bool		user_verification;	/* who was there must have been recognised */
	bytea	   *user_handle;	/* or NULL: not known */
} PasskeyTerms;

typedef struct Passkey
{
	int64		id;
	bytea	   *credential_id;
	char	   *actor;			/* whose it is */
	PasskeyTerms terms;
	int			backup_eligible;	/* may it have copies: 0 or 1; -1: nobody has said */
	bool		revoked;
	TimestampTz signs_from;		/* nobody has signed that it is enrolled: until then it signs nothing; 0: at once */
} Passkey;

/* Why the bytes are no key that one can be verified with; NULL: they are one. */
extern const char *paysafe_passkey_key_fault(const bytea *cose_key);

/* The elements of an array of texts, without NULLs. */
extern List *paysafe_passkey_texts(ArrayType *array);

/* The one of this credential, revoked or not; NULL: there is none. */
extern Passkey *paysafe_passkey_find(const void *credential_id, size_t len);

/* Number of the one, revoked or not, that has this public key, in whatever form; 0: none has. */
extern int64 paysafe_passkey_of_key(const bytea *cose_key);

/* Have two keys in COSE's form, that are ones, the same public key? */
extern bool paysafe_passkey_same_key(const bytea *a, const bytea *b);

/*
 * Keep it from being revoked until the end of the transaction; *revoked says again whether it is.
 */
extern void paysafe_passkey_lock(Passkey *passkey);

/* The one of this number; NULL: there is none. */
extern Passkey *paysafe_passkey_numbered(int64 id);

/* Is it the passkey of the person of this name, in whatever spelling, or by another name of theirs? */
extern bool paysafe_passkey_is_of(const Passkey *passkey, const char *actor);

/* Those of a person that are not revoked: of Passkey. */
extern List *paysafe_passkey_of(const char *actor);

/* How many persons, other than this one (or NULL), have one that is not revoked, and how many ever had one. */
extern void paysafe_passkey_count(const char *but, int *active, int *ever);

/* How a passkey came to somebody. */
typedef struct PasskeyEnrolment
{
	const char *algorithm;		/* ES256, ... */
	int64		sign_count;
	const char *how;			/* "approved", "bootstrap", "recovery" or PAYSAFE_PASSKEY_UNSIGNED */
	const char *change;			/* the key under which it was approved, or NULL */
	const char *reason;
	const char *ticket;			/* or NULL */
} PasskeyEnrolment;

/* Add it for the person acting now, who may; the caller has looked. */
extern int64 paysafe_passkey_add(const Passkey *passkey, const PasskeyEnrolment *enrolment);

/* False: it was revoked before. */
extern bool paysafe_passkey_revoke(int64 id, const char *reason);

/*
 * Is it an assertion on these terms over the challenge?  NULL, or why not, in words
 * for the record.  *data is what the authenticator said.
 */
extern const char *paysafe_passkey_verify(const PasskeyTerms *terms, TokenText challenge,
										  TokenText client_data, TokenText authenticator_data,
										  TokenText signature, TokenAuthenticatorData *data);

/*
 * Take the counter of a verified assertion: locks it until the end of the transaction.  Refuses one that
 * has not risen, unless there is none (0).
 */
extern void paysafe_passkey_count_use(const Passkey *passkey, const TokenAuthenticatorData *data);

/*
 * Refuse.  The client learns the message, and of what was presented nothing; the
 * record has why.
 */
extern PAYSAFE_NORETURN void paysafe_passkey_refuse(const char *rule, const char *message,
													const char *recorded, const char *detail,
													const char *hint);

#endif							/* PAYSAFE_PASSKEY_H */
