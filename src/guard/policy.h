/*-------------------------------------------------------------------------
 *
 * policy.h
 *	  The policy: what weakens a rule is refused, everything else is allowed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_POLICY_H
#define PAYSAFE_POLICY_H

#include "guard/event.h"

/* The classes of the policy, NULL-terminated by name. */
extern const GuardClass paysafe_policy[];

#endif							/* PAYSAFE_POLICY_H */
