/*-------------------------------------------------------------------------
 *
 * ledger_minimum.h
 *	  Accounts whose entries never sum below a minimum, and that have no balance.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_MINIMUM_H
#define PAYSAFE_LEDGER_MINIMUM_H

#include "rules/ledger/ledger_rows.h"

/* The row has become an entry: do those of its account sum to as much as they must? */
extern void paysafe_ledger_minimum_check(const Rule *rule, const RowChange *change, const Entry *entry);

/* For the rule kind. */
extern void paysafe_ledger_minimum_end_transaction(void);
extern void paysafe_ledger_minimum_end_subtransaction(bool committed, int level);

#endif							/* PAYSAFE_LEDGER_MINIMUM_H */
