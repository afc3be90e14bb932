/*-------------------------------------------------------------------------
 *
 * account_move.h
 *	  Moving the balances of accounts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACCOUNT_MOVE_H
#define PAYSAFE_ACCOUNT_MOVE_H

#include "rules/balance/account.h"

/* What a statement moves on an account. */
typedef struct Movement
{
	const Rule *rule;			/* of the ledger's leaf */
	KeyValues	account;
	char	   *account_text;
	char	   *currency;
	Numeric		debits;			/* not negative */
	Numeric		credits;		/* not positive */
} Movement;

/* Move the balances; sorts the movements. */
extern void paysafe_account_move_all(Movement *movements, int n);

/* The rule's update of a balance: is this change it? */
extern bool paysafe_account_move_is_expected(const AccountColumns *columns, const RowChange *change);

#endif							/* PAYSAFE_ACCOUNT_MOVE_H */
