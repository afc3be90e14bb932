/*-------------------------------------------------------------------------
 *
 * account_key.h
 *	  The keys of accounts, each of which is one account's.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACCOUNT_KEY_H
#define PAYSAFE_ACCOUNT_KEY_H

#include "rules/balance/account.h"

/*
 * Refuse an account whose key another one has: in another partition or child, whose
 * indexes do not see each other.  The row must be in the table.  Locks the key, or
 * waits for others that are opening accounts of it.
 */
extern void paysafe_account_key_check(const Rule *rule, const RowChange *change,
									  const Account *account);

/*
 * Accounts from before the rule, or of a partition that came with them, may share
 * a key.  Is there another one, so that an account without a balance can go?
 */
extern bool paysafe_account_key_is_spare(const Rule *rule, const RowChange *change,
										 const Account *account);

#endif							/* PAYSAFE_ACCOUNT_KEY_H */
