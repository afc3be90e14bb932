/*-------------------------------------------------------------------------
 *
 * balance_written.h
 *	  Balances that the application writes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_BALANCE_WRITTEN_H
#define PAYSAFE_BALANCE_WRITTEN_H

#include "rules/balance/account.h"

/*
 * The application has written so much more into the balance of an account, whose leaf has the
 * rule, or entries say so much less: at COMMIT that is nothing.
 */
extern void paysafe_balance_written_add(const Rule *rule, const Account *account, Numeric amount);

/* What it is so far. */
extern Numeric paysafe_balance_written_open(Oid accounts, const char *key);

/* The row has changed from one balance to another; NULL: it is new, or gone. */
extern void paysafe_balance_written_note(const Rule *rule, const RowChange *change,
										 const Account *before, const Account *after);

/* What the entries say the account has, in the place of what the row says meanwhile. */
extern void paysafe_balance_written_settle(const Rule *rule, Account *account);

/* Forget what it is, of all accounts: they are gone, or each has been looked at as it is now. */
extern void paysafe_balance_written_forget(Oid accounts);

/* For the rule kind. */
extern void paysafe_balance_written_pre_commit(void);
extern void paysafe_balance_written_end_transaction(void);
extern void paysafe_balance_written_end_subtransaction(bool committed, int level);

#endif							/* PAYSAFE_BALANCE_WRITTEN_H */
