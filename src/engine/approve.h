/*-------------------------------------------------------------------------
 *
 * approve.h
 *	  What an approval is of, and giving it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_APPROVE_H
#define PAYSAFE_APPROVE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "people/approval.h"
#include "people/person.h"
#include "people/rejection.h"

/*
 * What an approval of this key would be of now, of ApprovalSubject: one for each rule by which a row waits,
 * or a change of rules.  Raises 22023 if nothing waits, 42501 if the caller may not read the
 * table.
 */
extern List *paysafe_approve_subjects(Oid relid, const char *key);

/*
 * Refuse (42501) an approver who requested it, or who is not known well enough.  key NULL, here and below: of a
 * refund before its row is there.
 */
extern void paysafe_approve_check(Oid relid, const char *key, List *subjects, const Person *approver);

/*
 * Refuse (42501) whom the registry of people does not let approve, or reject: as above, and what else is asked of who says yes or
 * no.  Each is an attempt that can fail (people/tried.h).
 */
extern void paysafe_approve_check_voice(Oid relid, const Person *approver);
extern void paysafe_approve_try(const Person *person, void (*check) (void *), void *arg);

/* Who has ever asked, by name, for something of this scope by a rule of the table (NULL: any): of Person. */
extern List *paysafe_approve_askers(Oid relid, const char *rule, const char *scope);

/* Who had asked for what was rejected, or for something of the same scope since: of Person. */
extern List *paysafe_approve_askers_of(const Rejection *rejection);

/* The digest of letting it pass alone, which no approval has. */
extern void paysafe_approve_glass_digest(const uint8 *digest, uint8 *glass);

/* Give the approvals, none of which lives longer than expires_at (or DT_NOEND); their ids, of int64 *. */
extern List *paysafe_approve_record(Oid relid, const char *key, List *subjects, const Person *approver,
									const char *reason, const char *ticket, TimestampTz expires_at);

/* How well who approves what was rejected must be known now, as far as that can be said. */
extern IdentityLevel paysafe_approve_level_of(const Rejection *rejection);

#endif							/* PAYSAFE_APPROVE_H */
