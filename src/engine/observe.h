/*-------------------------------------------------------------------------
 *
 * observe.h
 *	  Rules that are watched before they refuse.
 *
 * A rule in observe mode is checked like any other.  What it would refuse goes on
 * record and happens all the same.  Nobody waits because of it: it takes no lock on
 * rows or ids, so that what overlaps may escape it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OBSERVE_H
#define PAYSAFE_OBSERVE_H

#include "base/refusal.h"

struct Rule;					/* engine/rule.h */

/* A check of a rule: returns if it accepts, otherwise refuses. */
typedef void (*ObservedCheck) (const struct Rule *rule, const void *arg);

/*
 * Run the check.  False: it would have refused, which is on record.  Only
 * paysafe_rule_refuse ends a check early, and with nothing open; other errors pass.
 */
extern bool paysafe_observe(const struct Rule *rule, ObservedCheck check, const void *arg);

/* For paysafe_rule_refuse: is such a check under way? */
extern bool paysafe_observe_is_watching(void);

/* Record what would have been refused, and end the check. */
extern PAYSAFE_NORETURN void paysafe_observe_refused(const Refusal *refusal);

#endif							/* PAYSAFE_OBSERVE_H */
