/*-------------------------------------------------------------------------
 *
 * balance.h
 *	  What the files of the balance rule share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_BALANCE_H
#define PAYSAFE_BALANCE_H

#include "utils/hsearch.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "engine/rule.h"
#include "values/entry.h"

/* Where an account's columns are, in one leaf of the accounts table. */
typedef struct AccountColumns
{
	AttrNumber	key;
	Oid			key_type;		/* base type */
	char		key_name[NAMEDATALEN];
	AmountColumn balance;
	bool		has_minimum;
	AmountColumn minimum;
	bool		has_currency;
	StatusColumn currency;
	bool		has_side;
	StatusColumn side;
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
	const char *key_name;		/* of the accounts */
	AccountColumns account;		/* unless is_ledger */
	EntryColumns entry;			/* if is_ledger */
	HTAB	   *unstored;		/* unless is_ledger: see balance_rows.c */
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
	char	   *currency;		/* NULL: the rule has no such column */
	int			sign;			/* of a debit: 1, or -1 on the credit side */
	bool		own;			/* found: as this transaction has written it */
} Account;

/* What a transaction moves on an account. */
typedef struct Movement
{
	const Rule *rule;			/* of the ledger's leaf */
	Datum		account;
	char	   *account_text;
	char	   *currency;
	Numeric		amount;			/* debits positive */
} Movement;

/*
 * balance.c: the rule in force for an accounts table, 22023 if there is none;
 * and the account with this key text, which must exist: 22023 otherwise.
 */
extern void paysafe_balance_rule(Oid accounts, RuleSource *out);
extern void paysafe_balance_account(const RuleSource *rule, char *key, Snapshot snapshot,
									Account *out);

/*
 * balance_rows.c: accounts as rows.
 */

/* Find the account columns that the specification names.  Raises 42703 or 22023. */
extern void paysafe_account_columns(Relation leaf, const Jsonb *spec, AccountColumns *out);

/* Read an account's row.  False: why is in *fault. */
extern bool paysafe_account_read(const AccountColumns *columns, TupleTableSlot *row,
								 Account *out, EntryFault *fault);

/* May the current user know balances? */
extern bool paysafe_account_visible(Oid accounts);

/*
 * Find the account with this key, of which there must be exactly one; the
 * number found otherwise.  With a snapshot, as it sees it; NULL: the newest.
 */
extern int	paysafe_account_find(Oid accounts, const char *key_name, Datum key, Oid key_type,
								 Snapshot snapshot, Account *out);

/*
 * Lock the row of a stored account (FOR NO KEY UPDATE, until the end of the
 * transaction) and read it again.  The snapshot is the one that found it; the slot,
 * of the leaf's kind, gets the row.
 * False: it has changed so that it must be looked for again.  Raises 40001 where
 * the isolation level does not allow what others have committed meanwhile.
 */
extern bool paysafe_account_lock(Relation leaf, Account *account, Snapshot snapshot,
								 TupleTableSlot *slot);

/* Move the balances; sorts the movements. */
extern void paysafe_account_move(Movement *movements, int n);

/* The rule's update of a balance: is this change it? */
extern bool paysafe_account_expected(const AccountColumns *columns, const RowChange *change);

/*
 * balance_history.c: what moved accounts.
 */

#define STORED_STRIPE	0		/* of accounts whose row has the balance */

/* A part of an account that no other transaction moves now, and its balance. */
typedef struct Stripe
{
	int64		id;
	TimestampTz at;				/* when it moved last; 0: never */
	Numeric		balance;
	bool		newer;			/* moved by one whom our snapshot does not see */
	struct KnownStripe *known;	/* if nobody else can move it; not for long */
} Stripe;

/*
 * A number of stripes that is ours until the transaction ends, or longer: no other
 * works on stripes of these accounts with this number.  Above the given one, unless
 * that is 0.  Never waits.
 */
extern int32 paysafe_history_take(Oid accounts, int32 above);

/*
 * The stripe of an account, which is locked or whose number is ours; it is added
 * if it is not there.  The stored stripe is the only one of its account: if there
 * is one in another currency, the result is that and *out is not set, otherwise
 * it is NULL.
 */
extern char *paysafe_history_open(Oid accounts, const char *key, const char *currency,
								  int32 number, Stripe *out);

/* Note that the stripe moves by the amount to this balance. */
extern void paysafe_history_add(const Stripe *stripe, Numeric amount, Numeric balance);

/* A currency in which the account has ever moved, or NULL. */
extern char *paysafe_history_currency(Oid accounts, const char *key);

/*
 * Make the account's balance in the currency this one, if it is not; stored: in
 * the stripe of accounts whose row has it.
 */
extern void paysafe_history_adjust(Oid accounts, const char *key, const char *currency,
								   bool stored, Numeric balance);

/*
 * The balance at a time, as the snapshot shows it (NULL: the newest), in this
 * currency; NULL: of all together.  *currencies gets the list of all that there
 * are.
 */
extern Numeric paysafe_history_balance(Oid accounts, const char *key, const char *currency,
									   TimestampTz at, Snapshot snapshot,
									   List **currencies);

/* Remove the history of all accounts, in a test database. */
extern void paysafe_history_remove(Oid accounts);

/* PREPARE TRANSACTION: what is ours becomes the transaction's. */
extern void paysafe_history_prepare(void);

/* A subtransaction has aborted, or the transaction has ended. */
extern void paysafe_history_forget(bool end_of_transaction, bool aborted);

/*
 * balance_pending.c: what a statement has moved, until it ends.
 */
extern void paysafe_balance_add(const Rule *rule, const Entry *entry);
extern void paysafe_balance_apply(void);
extern void paysafe_balance_forget(bool all, int level);

/*
 * balance_reserve.c
 */

/* What is reserved of an account, now; the account is locked. */
extern Numeric paysafe_reserved(Oid accounts, const char *key);

/* Has the account ever had a reservation? */
extern bool paysafe_reservation_exists(Oid accounts, const char *key);

/* Note that a locked account has moved by its balance's amount. */
extern void paysafe_reservation_moved(const Account *account, Oid accounts, Numeric amount);

/* Remove the reservations of all accounts, in a test database. */
extern void paysafe_reservation_remove(Oid accounts);

extern void paysafe_reservation_pre_commit(void);
extern void paysafe_reservation_forget(bool committed, bool all, int level);

#endif							/* PAYSAFE_BALANCE_H */
