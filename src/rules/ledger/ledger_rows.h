/*-------------------------------------------------------------------------
 *
 * ledger_rows.h
 *	  Ledgers as tables of entries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LEDGER_ROWS_H
#define PAYSAFE_LEDGER_ROWS_H

#include "utils/date.h"
#include "utils/snapshot.h"

#include "engine/currency.h"
#include "engine/rule.h"
#include "engine/closed_period.h"
#include "values/entry.h"
#include "values/posting_date.h"

/* A ledger rule, compiled for one leaf. */
typedef struct LedgerState
{
	bool		is_parent;		/* of a table that entries have their currency from: nothing else */
	CurrencyParent parent;
	Oid			root;			/* the table it is declared on */
	EntryColumns columns;
	bool		open;			/* a posted transaction takes more entries, which balance by themselves */
	Numeric		minimum;		/* of what the entries of an account sum to, or NULL */
	uint64		kept_stamp;		/* by which such sums are kept (ledger_kept.h); 0: they are not */
	int			nfrozen;		/* columns of an entry that stay */
	AttrNumber *frozen;
	PostingDate date;
	ClosedPeriod closed;
} LedgerState;

/* The rule in words (ledger_declare.c). */
extern char *paysafe_ledger_describe(const char *name, Oid reference, Jsonb *spec);

/* The ledger rule of a leaf, or NULL. */
extern const LedgerState *paysafe_ledger_rows_state(Relation leaf);

/*
 * Call the visitor for the rows of the ledger whose columns (those of the state: transaction,
 * reverses or account) have these values and that the snapshot shows, in all leaves.
 */
typedef bool (*LedgerVisitor) (Relation leaf, TupleTableSlot *row, void *arg);
extern void paysafe_ledger_rows_scan(const LedgerState *state, const KeyColumns *columns,
									 const KeyValues *values, Snapshot snapshot, LedgerVisitor visitor, void *arg);

#endif							/* PAYSAFE_LEDGER_ROWS_H */
