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

#include "values/money.h"
#include "values/status_value.h"

/* Where the parts of an entry are, in one leaf of the ledger. */
typedef struct EntryColumns
{
	AttrNumber	transaction;
	Oid			transaction_type;	/* base type */
	AttrNumber	account;
	Oid			account_type;	/* base type */
	AmountColumn amount;
	StatusColumn currency;
	bool		has_direction;	/* otherwise amounts have a sign */
	StatusColumn direction;
	AttrNumber	reverses;		/* 0: none */
	char		transaction_name[NAMEDATALEN];
	char		account_name[NAMEDATALEN];
	char		reverses_name[NAMEDATALEN];
} EntryColumns;

/* What a row says; texts and amount in the current context or in the row. */
typedef struct Entry
{
	Datum		transaction;
	char	   *transaction_text;
	Datum		account;
	char	   *account_text;
	char	   *currency;		/* in its one spelling, see paysafe_money_code */
	Numeric		amount;			/* debits positive, credits negative */
	bool		reversal;
	Datum		reverses;		/* if reversal */
	char	   *reverses_text;
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
 * A column whose values name transactions or accounts, and compare exactly:
 * its number, name and base type.  Raises 42703 or 22023.
 */
extern AttrNumber paysafe_entry_exact_column(Relation rel, const char *name,
											 char *name_out, Oid *type);

/* Which side a word means: 1 for debit, -1 for credit, 0 for neither. */
extern int	paysafe_entry_side(const char *text);

#endif							/* PAYSAFE_ENTRY_H */
