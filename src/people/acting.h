/*-------------------------------------------------------------------------
 *
 * acting.h
 *	  Whom the registry of people lets act and approve.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACTING_H
#define PAYSAFE_ACTING_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "people/person.h"

struct ApprovalSubject;

/*
 * Refuse (42501) whoever acts now and may not: somebody who is disabled or, where it is
 * required, not registered; who claims to be another one than whose login it is; a
 * login that is another one than was registered.  Cheap while nothing changes.
 */
extern void paysafe_acting_check(void);

/*
 * The same for who is about to approve: what waits in this table.  Approvals of an own
 * table are of changes, and of the registry itself only for those in it.
 */
extern void paysafe_acting_check_approver(const Person *approver, Oid relation);

/*
 * The same for who may also approve in somebody's place: whether that is so for what is
 * approved, paysafe_acting_may_approve says, which the caller asks next.
 */
extern void paysafe_acting_check_voice(const Person *approver, Oid relation);

/* The same for who is about to settle a breach, whatever group they are in. */
extern void paysafe_acting_check_settler(const Person *settler);

/*
 * Does an approval of exactly this that was given then still count?  Who gave it acts, is registered and in all the groups that it takes, was already
 * then, without having left one since (a group that nobody is in lets nobody approve), or approves in the
 * place of somebody who is (people/delegation.h), whose it could be, and who is none of those who have requested it.
 * *stands_for: who that is, or 0; *missing (or NULL): the first group that lacks.
 */
extern bool paysafe_acting_may_approve(const Person *approver, TimestampTz at, Oid relation,
									   const struct ApprovalSubject *subject, int64 *stands_for, const char **missing);

/*
 * Is this one registered, in all of these groups (of char *), and was already then, without having left
 * one since?  A group that nobody is in has nobody.  *missing (or NULL): the first that lacks.
 */
extern bool paysafe_acting_in_groups(const Person *person, TimestampTz at, const List *groups, const char **missing);

extern void paysafe_acting_init(void);

#endif							/* PAYSAFE_ACTING_H */
