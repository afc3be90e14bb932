/*-------------------------------------------------------------------------
 *
 * history.h
 *	  What moved accounts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_HISTORY_H
#define PAYSAFE_HISTORY_H

#include "access/xact.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/numeric.h"
#include "utils/snapshot.h"

#include "values/money.h"

#define STORED_STRIPE	0		/* of accounts whose row has the balance */

/* A part of an account that no other transaction moves now, and its balance. */
typedef struct Stripe
{
	int64		id;
	TimestampTz at;				/* when it moved last; 0: never */
	int32		number;			/* of its moves at that time */
	Numeric		balance;
	bool		own;			/* moved last by this transaction */
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
 * An amount of the column's as people say it, in this currency or, if it is NULL, the one
 * in which the account has moved.
 */
extern char *paysafe_history_money(Oid accounts, const char *key, const char *currency,
								   const AmountColumn *column, Numeric amount);

/*
 * Make the account's balance in the currency this one, if it is not; stored: in
 * the stripe of accounts whose row has it.
 */
extern void paysafe_history_adjust(Oid accounts, const char *key, const char *currency,
								   bool stored, Numeric balance);

/*
 * What had been moved by any time before this one is known for ever: no transaction
 * that is open, or will come, adds to it.  Looks at all locks of the server.
 */
extern TimestampTz paysafe_history_settled(void);

/* Has anything moved an account of the table? */
extern bool paysafe_history_has_any(Oid accounts);

/* Remove the history of all accounts, in a test database. */
extern void paysafe_history_remove(Oid accounts);

/* Before COMMIT or PREPARE TRANSACTION (then what is ours becomes the transaction's). */
extern void paysafe_history_pre_commit(bool prepare);

/* A subtransaction has ended, or the transaction. */
extern void paysafe_history_end_subtransaction(bool committed, int level);
extern void paysafe_history_end_transaction(bool aborted);

#endif							/* PAYSAFE_HISTORY_H */
