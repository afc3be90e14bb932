/*-------------------------------------------------------------------------
 *
 * validate.h
 *	  Looking at the rows of a table beside those who write to it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_VALIDATE_H
#define PAYSAFE_VALIDATE_H

#include "engine/existing.h"
#include "engine/rule.h"

/*
 * Check that the caller owns the table, and lock it, until the end of the transaction,
 * against declarations (ShareUpdateExclusiveLock on the tree): who writes goes on.
 */
extern void paysafe_validate_lock(Oid relid);

/*
 * Look at all rows by the rule, which is one of a table that is locked so; one that keeps
 * books takes the lock of a declaration.  Raises 55000 if it does not fit its table.
 */
extern void paysafe_validate_look(const RuleSource *rule, ExistingReport *report);

#endif							/* PAYSAFE_VALIDATE_H */
