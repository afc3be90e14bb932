/*-------------------------------------------------------------------------
 *
 * ledger_sums.h
 *	  What the database transaction has posted, for as long as it does not balance.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_SUMS_H
#define PAYSAFE_LEDGER_SUMS_H

#include "engine/rule.h"
#include "values/entry.h"

/* Is there an unbalanced posting of this transaction id?  Then it is ours. */
extern bool paysafe_ledger_sums_is_open(Oid root, const char *transaction);

/* Add an entry to the sums. */
extern void paysafe_ledger_sums_add(const Rule *rule, const Entry *entry);

/* For the rule kind; forget: the table is empty. */
extern void paysafe_ledger_sums_forget(const Rule *rule);
extern void paysafe_ledger_sums_pre_commit(void);
extern void paysafe_ledger_sums_end_transaction(void);
extern void paysafe_ledger_sums_end_subtransaction(bool committed, int level);

#endif							/* PAYSAFE_LEDGER_SUMS_H */
