/*-------------------------------------------------------------------------
 *
 * account.h
 *	  Accounts as rows: finding, reading and locking them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACCOUNT_H
#define PAYSAFE_ACCOUNT_H

#include "utils/hsearch.h"
#include "utils/snapshot.h"

#include "engine/rule.h"
#include "values/entry.h"

/* What the status of an account lets move on it. */
typedef enum AccountMark
{
	ACCOUNT_OPEN,
	ACCOUNT_IN_ONLY,
	ACCOUNT_OUT_ONLY,
	ACCOUNT_FROZEN,
	ACCOUNT_CLOSED
} AccountMark;

/* Where an account's columns are, in one leaf of the accounts table. */
typedef struct AccountColumns
{
	KeyColumns	key;
	AmountColumn balance;
	AmountColumn credit;		/* balance has the debits only; attnum 0: no such column */
	bool		written;		/* by the application (balance_written.h) */
	bool		has_minimum;
	AmountColumn minimum;
	bool		has_maximum;
	AmountColumn maximum;
	bool		has_currency;
	StatusColumn currency;
	bool		has_side;
	StatusColumn side;
	bool		has_status;
	StatusSet	statuses;		/* that are no open ones ... */
	AccountMark *marks;			/* ... and what each stands for */
} AccountColumns;

/*
 * A balance rule, compiled for a leaf of the accounts table or, as the
 * reference, of the ledger.
 */
typedef struct BalanceState
{
	bool		is_ledger;
	Oid			accounts;		/* the table it is declared on */
	Oid			ledger;
	List	   *key_names;		/* of the accounts, in the order of the ledger's account columns */
	AccountColumns account;		/* unless is_ledger */
	EntryColumns entry;			/* if is_ledger */
	HTAB	   *unstored;		/* unless is_ledger: accounts that are known */
} BalanceState;

/* An account, found and read; texts and numerics in the current context. */
typedef struct Account
{
	Oid			relid;			/* leaf */
	const Rule *rule;			/* of the leaf */
	const AccountColumns *columns;
	ItemPointerData tid;
	char	   *key;
	bool		stored;			/* the row has the balance, and is locked for it */
	Numeric		balance;		/* if stored; NULL stands for zero */
	Numeric		minimum;		/* NULL: none */
	Numeric		maximum;		/* NULL: none */
	AccountMark mark;
	char	   *currency;		/* NULL: the rule has no such column */
	int			sign;			/* of a debit: 1, or -1 on the credit side */
	bool		own;			/* found: as this transaction has written it */
} Account;

/* Find the account columns that the specification names.  Raises 42703 or 22023. */
extern void paysafe_account_columns(Relation leaf, const Jsonb *spec, AccountColumns *out);

/* Read an account's row.  False: why is in *fault. */
extern bool paysafe_account_read(const AccountColumns *columns, TupleTableSlot *row,
								 Account *out, EntryFault *fault);

/* The same; a row that is no account is refused. */
extern void paysafe_account_read_row(const Rule *rule, TupleTableSlot *row, Account *out);

/* Has this transaction written this version of the row? */
extern bool paysafe_account_is_own(TupleTableSlot *row);

/* May the current user know balances? */
extern bool paysafe_account_visible(Oid accounts);

/* The rule in force for an accounts table; 22023 if there is none. */
extern void paysafe_account_rule(Oid accounts, RuleSource *out);

/* The rule of a ledger, as declared, 22023 if it is none; false: the table is gone. */
extern bool paysafe_account_ledger(Oid ledger, Jsonb **spec);

/* Is the table a ledger? */
extern bool paysafe_account_is_ledger(Oid relid);

/* How many tables but one have the accounts of a ledger (InvalidOid: of any), and one of them. */
extern int	paysafe_account_tables(Oid ledger, Oid except, Oid *found);

/*
 * Find the account with this key, of which there must be exactly one; the
 * number found otherwise, at most two.  With a snapshot, as it sees it; NULL: the
 * newest.  all: also where the transaction may not know of it (engine/shown.h).
 */
extern int	paysafe_account_find(Oid accounts, List *key_names, const KeyValues *key,
								 Snapshot snapshot, bool all, Account *out);

/* The same with this key text. */
extern int	paysafe_account_count(const RuleSource *rule, char *key, Snapshot snapshot, bool all,
								  Account *out);

/* The account with this key text, which must exist: 22023 otherwise. */
extern void paysafe_account_named(const RuleSource *rule, char *key, Snapshot snapshot, bool all,
								  Account *out);

/*
 * Lock the row of a stored account (FOR NO KEY UPDATE, until the end of the
 * transaction) and read it again.  The snapshot is the one that found it; the slot,
 * of the leaf's kind, gets the row.
 * False: it has changed so that it must be looked for again.  Raises 40001 where
 * the isolation level does not allow what others have committed meanwhile.
 */
extern bool paysafe_account_lock(Relation leaf, Account *account, Snapshot snapshot,
								 TupleTableSlot *slot);

/*
 * Accounts without a balance in the row that need not be found again: is this one known?  It
 * was found just now.
 */
extern bool paysafe_account_is_known(Oid accounts, const char *key, Account *out);
extern void paysafe_account_remember(Oid accounts, const Account *account);

#endif							/* PAYSAFE_ACCOUNT_H */
