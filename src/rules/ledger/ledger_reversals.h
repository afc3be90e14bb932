/*-------------------------------------------------------------------------
 *
 * ledger_reversals.h
 *	  Reversals: transactions that are the opposite of others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_REVERSALS_H
#define PAYSAFE_LEDGER_REVERSALS_H

#include "rules/ledger/ledger_rows.h"

/* Has the reversal of this database transaction been noted?  Note it. */
extern bool paysafe_ledger_reversals_note(const Rule *rule, const Entry *entry);

/* Why a transaction is no reversal of the other, or NULL. */
extern char *paysafe_ledger_reversals_fault(const LedgerState *state, const KeyValues *transaction,
											const KeyValues *reverses, const char *reverses_text);

/*
 * Who reverses whom, to see whether that goes round in circles.  In the current
 * context.
 */
typedef struct ReversalChain ReversalChain;
extern ReversalChain *paysafe_ledger_reversals_chain(void);
extern void paysafe_ledger_reversals_link(ReversalChain *chain, Oid root, const char *transaction,
										  const char *reverses);

/* Does who is reversed by the transaction reverse it, directly or by others? */
extern bool paysafe_ledger_reversals_are_circular(ReversalChain *chain, Oid root, const char *transaction);

/* For the rule kind. */
extern void paysafe_ledger_reversals_pre_commit(void);
extern void paysafe_ledger_reversals_end_transaction(void);
extern void paysafe_ledger_reversals_end_subtransaction(bool committed, int level);

#endif							/* PAYSAFE_LEDGER_REVERSALS_H */
