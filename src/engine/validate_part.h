/*-------------------------------------------------------------------------
 *
 * validate_part.h
 *	  Which parts of a table have been looked at by a rule, and which are left.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_VALIDATE_PART_H
#define PAYSAFE_VALIDATE_PART_H

#include "engine/existing.h"
#include "engine/rule.h"

/* What is left of the tables of a rule. */
typedef struct PartsLeft
{
	List	   *parts;			/* of ExistingPart: to be looked at next */
	bool		last;			/* that is all, with what must be looked at again */
	List	   *accepted;		/* bytea *, digests of accepted faults that were met so far */
} PartsLeft;

/* Can its tables be looked at in parts?  They are locked. */
extern bool paysafe_validate_part_is_possible(const RuleSource *rule);

/*
 * What is left: so many blocks of one table, or (0) all.  To be asked after the snapshot was
 * taken that it is read with.
 */
extern void paysafe_validate_part_left(const RuleSource *rule, int64 blocks, PartsLeft *out);

/* This part has been looked at, and what of it was accepted: digests. */
extern void paysafe_validate_part_done(const RuleSource *rule, const ExistingPart *part, List *accepted);

/* All of it has been. */
extern void paysafe_validate_part_forget(Oid relation, const char *rule);

/*
 * A row has changed: where it breaks a rule still that is looked at in parts, it may have come
 * to a part that was looked at before.  Costs nothing where no rule is.
 */
extern void paysafe_validate_part_follow(const RowChange *change);

#endif							/* PAYSAFE_VALIDATE_PART_H */
