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
#include "utils/snapshot.h"

#include "engine/rule.h"
#include "values/entry.h"

/* A ledger rule, compiled for one leaf. */
typedef struct LedgerState
{
	Oid			root;			/* the table it is declared on */
	EntryColumns columns;
	AttrNumber	date;			/* 0: none */
	Oid			date_type;		/* base type */
	char		date_name[NAMEDATALEN];
	DateADT		closed_until;	/* DATEVAL_NOBEGIN: nothing is closed */
} LedgerState;

/* The ledger rule of a leaf, or NULL. */
extern const LedgerState *paysafe_ledger_state(Relation leaf);

/*
 * Call the visitor for the rows of the ledger whose column (transaction or
 * reverses) has this value and that the snapshot shows, in all leaves.
 */
typedef bool (*LedgerVisitor) (Relation leaf, TupleTableSlot *row, void *arg);
extern void paysafe_ledger_scan(const LedgerState *state, const char *column, Datum value,
								Snapshot snapshot, LedgerVisitor visitor, void *arg);

/*
 * ledger_posted.c: refuse an entry whose transaction id another database
 * transaction has posted, or a reversal of what another transaction reverses.
 * The row must be in the table.  Locks the id, or waits for others that are
 * adding entries of it.
 */
extern void paysafe_ledger_check_posted(const Rule *rule, const Entry *entry);
extern void paysafe_ledger_check_reversed(const Rule *rule, const Entry *entry);

/* Why a transaction is no reversal of the other, or NULL. */
extern char *paysafe_ledger_reversal_fault(const LedgerState *state, Datum transaction,
										   Datum reverses, const char *reverses_text);

/* What is locked may no longer be: a subtransaction, or all, has ended. */
extern void paysafe_ledger_forget_ids(bool end_of_transaction);

/*
 * ledger_sums.c: what the database transaction has posted.  Kept by
 * subtransaction, in memory, for as long as it does not balance.
 */

/* Is there an unbalanced posting of this transaction id?  Then it is ours. */
extern bool paysafe_ledger_is_open(Oid root, const char *transaction);

/* Add an entry to the sums. */
extern void paysafe_ledger_add(const Rule *rule, const Entry *entry);

/* Has the reversal been noted?  Note it. */
extern bool paysafe_ledger_note_reversal(const Rule *rule, const Entry *entry);

/* For the rule kind. */
extern void paysafe_ledger_pre_commit(bool prepare);
extern void paysafe_ledger_end_transaction(bool aborted);
extern void paysafe_ledger_end_subtransaction(bool committed, int level);

#endif							/* PAYSAFE_LEDGER_H */
