/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  What the files of the ledger rule share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_H
#define PAYSAFE_LEDGER_H

#include "utils/date.h"
#include "utils/numeric.h"

#include "core/money.h"
#include "core/rule.h"
#include "core/state.h"

/* A ledger rule, compiled for one leaf. */
typedef struct LedgerState
{
	Oid			root;			/* the table it is declared on */
	AttrNumber	transaction;
	Oid			transaction_type;	/* base type */
	AttrNumber	account;
	Oid			account_type;	/* base type */
	AmountColumn amount;
	StateColumn currency;
	bool		has_direction;	/* otherwise amounts have a sign */
	StateColumn direction;
	AttrNumber	reverses;		/* 0: none */
	AttrNumber	date;			/* 0: none */
	Oid			date_type;		/* base type */
	char		transaction_name[NAMEDATALEN];
	char		account_name[NAMEDATALEN];
	char		reverses_name[NAMEDATALEN];
	char		date_name[NAMEDATALEN];
	DateADT		closed_until;	/* DATEVAL_NOBEGIN: nothing is closed */
} LedgerState;

/* What a row says; texts and amount in the current context or in the row. */
typedef struct LedgerEntry
{
	Datum		transaction;
	char	   *transaction_text;
	char	   *account;
	char	   *currency;
	Numeric		amount;			/* debits positive, credits negative */
	bool		reversal;
	Datum		reverses;		/* if reversal */
	char	   *reverses_text;
} LedgerEntry;

/* Why a row is no entry; a NULL reason: it is one. */
typedef struct LedgerFault
{
	int			sqlstate;
	const char *column;
	char	   *reason;
} LedgerFault;

/* Read an entry; false with the fault filled in if it is none. */
extern bool paysafe_ledger_read(const LedgerState *state, TupleTableSlot *row,
								LedgerEntry *entry, LedgerFault *fault);

/* The ledger rule of a leaf, or NULL. */
extern const LedgerState *paysafe_ledger_state(Relation leaf);

/*
 * Call the visitor for the rows of the ledger whose column (by its number in the
 * state's leaf: transaction or reverses) has this value, in all leaves, with the
 * newest snapshot and what the current command wrote.
 */
typedef bool (*LedgerVisitor) (Relation leaf, TupleTableSlot *row, void *arg);
extern void paysafe_ledger_scan(const LedgerState *state, const char *column, Datum value,
								LedgerVisitor visitor, void *arg);

/*
 * ledger_sums.c: what the database transaction has posted.  Kept by
 * subtransaction, in memory, for as long as it does not balance.
 */

/* Is there an unbalanced posting of this transaction id?  Then it is ours. */
extern bool paysafe_ledger_is_open(Oid root, const char *transaction);

/* Add an entry to the sums. */
extern void paysafe_ledger_add(const Rule *rule, const LedgerEntry *entry);

/* Has the reversal been noted?  Note it. */
extern bool paysafe_ledger_note_reversal(const Rule *rule, const LedgerEntry *entry);

/*
 * Keep others from posting, or reversing (what), this transaction id until the
 * database transaction ends.  Above some ids, all others from posting at all.
 */
extern void paysafe_ledger_lock(Oid root, char what, const char *transaction);

/* For the rule kind. */
extern void paysafe_ledger_pre_commit(bool prepare);
extern void paysafe_ledger_end_transaction(void);
extern void paysafe_ledger_end_subtransaction(bool committed, int level);

#endif							/* PAYSAFE_LEDGER_H */
