/*-------------------------------------------------------------------------
 *
 * entry.h
 *	  Entries of a ledger: what a row says about money.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ENTRY_H
#define PAYSAFE_ENTRY_H

#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "values/key_columns.h"
#include "values/money.h"
#include "values/row_filter.h"
#include "values/status_value.h"

/* Where the parts of an entry are, in one leaf of the ledger. */
typedef struct EntryColumns
{
	KeyColumns	transaction;	/* none: each entry is one by itself */
	KeyColumns	account;
	KeyColumns	credited;		/* the account that the same amount leaves, or none */
	AmountColumn amount;
	AmountColumn credit;		/* amount has the debits only; attnum 0: no such column */
	StatusColumn currency;
	char	   *constant;		/* all are in this currency, and have no column; or NULL */
	char	   *(*currency_of) (const void *where, TupleTableSlot *row);	/* another row says it; or NULL */
	const void *currency_where;
	bool		zeros;			/* amounts may be zero */
	bool		has_direction;	/* otherwise amounts have a sign */
	StatusColumn direction;
	StatusSet	debits;			/* words of the direction; none: those of paysafe_entry_side */
	StatusSet	credits;
	RowFilter	rows;			/* which rows are entries */
	bool		updated;		/* some columns of entries may change */
	KeyColumns	reverses;		/* none, or as many as transaction */
	bool	   *reverses_own;	/* which of these are not the transaction's, too */
	const char *reverses_name;	/* the first of those */
	List	   *transaction_names;
	List	   *account_names;
	List	   *credited_names; /* NIL: none */
	List	   *reverses_names; /* NIL: none */
} EntryColumns;

/*
 * Which rows are entries says columns->rows.  What one says; texts and amount in the current context or in the row.
 * A row that says from which account to which the amount goes is two entries.
 */
typedef struct Entry
{
	const EntryColumns *columns;	/* to read values of keys by, from ... */
	const KeyColumns *account;
	TupleTableSlot *row;
	char	   *transaction_text;
	char	   *account_text;
	char	   *currency;		/* in its one spelling, see paysafe_money_code */
	Numeric		amount;			/* debits positive, credits negative */
	bool		reversal;
	char	   *reverses_text;	/* if reversal */
} Entry;

/* Why a row is no entry. */
typedef struct EntryFault
{
	int			sqlstate;
	const char *column;
	char	   *reason;
} EntryFault;

/*
 * Find the columns that the specification of a ledger rule names.  Raises 42703
 * or 22023.
 */
extern void paysafe_entry_columns(Relation leaf, const Jsonb *spec, EntryColumns *out);

/*
 * Read an entry; false with the fault filled in if the row is none.  Without a place for
 * a fault, whether the amount is possible is not looked at: the row has been read before.
 */
extern bool paysafe_entry_read(const EntryColumns *columns, TupleTableSlot *row,
							   Entry *entry, EntryFault *fault);

/*
 * The row's other entry, of the account that is credited, in the place of the first one;
 * false: there is no other.
 */
extern bool paysafe_entry_next(Entry *entry);

/*
 * Columns whose values name transactions or accounts, and compare exactly.  Raises
 * 42703 or 22023.
 */
extern void paysafe_entry_exact_columns(Relation rel, List *names, KeyColumns *out);

/* Which side a word means: 1 for debit, -1 for credit, 0 for neither. */
extern int	paysafe_entry_side(const char *text);

#endif							/* PAYSAFE_ENTRY_H */
