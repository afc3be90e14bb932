/*-------------------------------------------------------------------------
 *
 * token_use.h
 *	  Tokens that may be used once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TOKEN_USE_H
#define PAYSAFE_TOKEN_USE_H

#include "datatype/timestamp.h"

/*
 * Use the issuer's token of this id up; false: somebody has.  Waits for a transaction
 * that is using it.  A use is rolled back with what was done on it: then the token can
 * be used still.  The row is of no use any more from until on.
 */
extern bool paysafe_token_use_once(const char *issuer, const char *id, TimestampTz until);

/* Remove what is of no use any more; returns how many. */
extern int64 paysafe_token_use_expire(void);

#endif							/* PAYSAFE_TOKEN_USE_H */
