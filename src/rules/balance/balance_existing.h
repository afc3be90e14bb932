/*-------------------------------------------------------------------------
 *
 * balance_existing.h
 *	  Rows that are there when balances are declared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_BALANCE_EXISTING_H
#define PAYSAFE_BALANCE_EXISTING_H

#include "engine/existing.h"
#include "engine/rule.h"

/* For the rule kind: see RuleKind. */
extern void paysafe_balance_existing_check(const Rule *rule, Relation rel, TupleTableSlot *row,
										   ExistingReport *report);
extern void paysafe_balance_existing_check_end(const Rule *rule, ExistingReport *report);

/*
 * Start the history, or bring it up to the entries that came while no rule was
 * in force.  Both tables are locked.
 */
extern void paysafe_balance_existing_start(Oid accounts);

#endif							/* PAYSAFE_BALANCE_EXISTING_H */
