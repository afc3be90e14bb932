/*-------------------------------------------------------------------------
 *
 * ledger_kept.h
 *	  What the entries of an account sum to, from one transaction to the next.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_KEPT_H
#define PAYSAFE_LEDGER_KEPT_H

#include "engine/kept.h"
#include "rules/ledger/ledger_rows.h"

/* Whose entries are summed: of one account in one currency. */
typedef struct KeptAccount
{
	Oid			root;			/* the table of entries */
	const char *account;
	const char *currency;
} KeptAccount;

/* What is kept of it. */
typedef struct KeptEntries
{
	int64		id;				/* 0: nothing */
	bool		own;			/* this transaction has written the sum */
	bool		ended;			/* they are to be added up */
	uint64		stamp;			/* the tables', as they are now; 0: nothing can be kept */
	Numeric		sum;			/* at most the exact one; NULL: it does not hold */
} KeptEntries;

/* The stamp of a leaf as its compiled rule has it; 0: nothing is kept. */
extern uint64 paysafe_ledger_kept_stamp(const LedgerState *state, const CompileInput *input);

/* That of the table; to be asked before entries are read. */
extern uint64 paysafe_ledger_kept_stamp_of(const LedgerState *state);

/* For who holds the account's lock. */
extern void paysafe_ledger_kept_find(const LedgerState *state, const KeptAccount *account,
									 KeptEntries *out);
extern void paysafe_ledger_kept_set(const KeptAccount *account, uint64 stamp, Numeric sum);

/* For who holds none: others have kept a sum, to which an entry has been added. */
extern bool paysafe_ledger_kept_is_others(const KeptAccount *account);
extern void paysafe_ledger_kept_more(const KeptAccount *account, Numeric amount);

/* What the account's entries in the currency come to now, and how many entries it has. */
extern Numeric paysafe_ledger_kept_add_up(const LedgerState *state, const KeyValues *account,
										  const char *currency, int64 *n);

/* Tell of sums that are more than what the entries of the table come to. */
extern void paysafe_ledger_kept_check(Oid root, KeptFault fault, void *arg);

#endif							/* PAYSAFE_LEDGER_KEPT_H */
