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

/*
 * Until the end of the transaction, or the rollback of this subtransaction, rules refuse
 * nothing: in a test database (test_database.c).
 */
extern void paysafe_observe_begin_fixtures(void);
extern bool paysafe_observe_is_fixture(void);

/* The subtransactions from this level on have ended; 0: the transaction. */
extern void paysafe_observe_end_fixtures(int level, bool committed);

/* For paysafe_rule_refuse: is such a check under way? */
extern bool paysafe_observe_is_watching(void);

/* End the check: what it would have refused happens. */
extern PAYSAFE_NORETURN void paysafe_observe_end(void);

#endif							/* PAYSAFE_OBSERVE_H */
