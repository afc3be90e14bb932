/*-------------------------------------------------------------------------
 *
 * loosening.h
 *	  Changes of rules that take a second person.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LOOSENING_H
#define PAYSAFE_LOOSENING_H

#include "engine/proposal.h"
#include "engine/rule.h"
#include "people/approval.h"

/*
 * Does this change of a rule loosen it, or another rule that reads it?  Then
 * fill in *change, all but its version and approved_as.  old_rule is NULL if
 * none is in force.
 */
extern bool paysafe_loosening_of_rule(const RuleSource *old_rule, const RuleSource *new_rule,
									  ProposedChange *change);

/*
 * A change that takes a second person: use an approval of exactly this and
 * return true, or raise 42501 with the way to get one.  False in a transaction
 * that proposes: the change is stored and must not be made.  If content is
 * NULL, it is made of the rest.
 */
extern bool paysafe_loosening_authorize(ProposedChange *change);

/*
 * The same for a change that lets more in and is of no rule: of token issuers, request clients, limits, schemas of
 * webhooks.  Name, version, before, after, difference, comes_to and message are filled in; reason may be NULL.
 */
extern bool paysafe_loosening_authorize_setting(ProposedChange *change, const char *reason);

/*
 * The subject of an approval for the change of this key; raises 22023 if there
 * is none.
 */
extern void paysafe_loosening_subject(Oid approved_as, const char *key, ApprovalSubject *out);

/*
 * What the change that is proposed under this key comes to, for a rejection: the same of a later version of
 * the rule, or for another reason, is no other one.  NULL: none is proposed.
 */
extern char *paysafe_loosening_scope(Oid approved_as, const char *key);

/* Are approvals of this own table such of changes, and not of rows? */
extern bool paysafe_loosening_is_approved_as(Oid relation);

/* Has the rule that an approval was of another version by now, so that it is of no use? */
extern bool paysafe_loosening_is_outdated(Oid approved_as, const char *key);

#endif							/* PAYSAFE_LOOSENING_H */
