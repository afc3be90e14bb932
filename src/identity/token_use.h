/*-------------------------------------------------------------------------
 *
 * token_use.h
 *	  Tokens and signed requests that may be used once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TOKEN_USE_H
#define PAYSAFE_TOKEN_USE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* Made by whom, and known by what. */
typedef enum TokenUseOf
{
	TOKEN_USE_TOKEN,			/* issuer, "jti" */
	TOKEN_USE_REQUEST			/* client, nonce */
} TokenUseOf;

/* One of them */
typedef struct TokenUse
{
	const char *owner;
	const char *id;
	TimestampTz until;
} TokenUse;

/*
 * Use up the id of what the owner has made, an issuer's token or a client's request; false:
 * somebody has.  Waits for a transaction that is using it.  A use is rolled back with what was
 * done on it: then it can be used still.  It is known until the given time, that moment
 * included.  command is for the message in a transaction that is read-only.
 */
extern bool paysafe_token_use_once(TokenUseOf what, const char *owner, const char *id, TimestampTz until,
								   const char *command);

/*
 * The same for several, of TokenUse *: all or, if somebody has used one of them, none.
 * They are taken in one order, whatever theirs is; one that is there twice is one, and
 * known until the later time.
 */
extern bool paysafe_token_use_all(TokenUseOf what, List *uses, const char *command);

/* Remove what is of no use any more; returns how many. */
extern int64 paysafe_token_use_expire(void);

#endif							/* PAYSAFE_TOKEN_USE_H */
