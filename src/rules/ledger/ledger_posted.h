/*-------------------------------------------------------------------------
 *
 * ledger_posted.h
 *	  Whether an id is posted or reversed already.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_POSTED_H
#define PAYSAFE_LEDGER_POSTED_H

#include "engine/rule.h"
#include "values/entry.h"

/*
 * Refuse an entry whose transaction id another database transaction has posted, or
 * a reversal of what another transaction reverses.  The row must be in the table.
 * Locks the id, or waits for others that are adding entries of it.
 */
extern void paysafe_ledger_posted_check(const Rule *rule, const Entry *entry);
extern void paysafe_ledger_posted_check_reversed(const Rule *rule, const Entry *entry);

/* What is locked may no longer be: a subtransaction, or all, has ended. */
extern void paysafe_ledger_posted_forget(bool end_of_transaction);

#endif							/* PAYSAFE_LEDGER_POSTED_H */
