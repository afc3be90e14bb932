/*-------------------------------------------------------------------------
 *
 * failed.h
 *	  Who fails too often is locked out for a while.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_THROTTLE_FAILED_H
#define PAYSAFE_THROTTLE_FAILED_H

#include "services/throttle/limit.h"

/*
 * Somebody has tried to show who he is, to a service ("webhook") from an address, as a client (NULL: none that is known).
 * A failure counts for the limits of policy "failed/SERVICE", if there are any.  True: there have been too many, and nothing
 * that was shown counts.  Without an address (NULL) nothing does, since all of those would be one.
 */
extern bool paysafe_failed_attempt(const char *service, const char *client, const char *address, bool failed);

/* Let tokens, passkeys and approvals, which do not know limits, be counted, too (people/tried.h). */
extern void paysafe_failed_init(void);

/* Is that a reason, other than a clock that goes wrong? */
extern bool paysafe_failed_is_guess(const char *reason);

/*
 * What an address counts as: an IPv4 one as itself, one of IPv6 as its network of 64 bits, without the port that may be
 * there; anything else as it is written.
 */
extern const char *paysafe_failed_address(const char *address);

/* The value of a part of a key of any policy, as it counts there. */
extern const char *paysafe_failed_part(const char *policy, const char *part, const char *value);

/* Raise 22023 if the policy is one of these and the limit is none that it can have. */
extern void paysafe_failed_check_limit(const char *policy, const char *tier, const ThrottleLimit *limit);

#endif							/* PAYSAFE_THROTTLE_FAILED_H */
