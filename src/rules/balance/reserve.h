/*-------------------------------------------------------------------------
 *
 * reserve.h
 *	  Reservations: amounts that are set aside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RESERVE_H
#define PAYSAFE_RESERVE_H

#include "rules/balance/account.h"

/*
 * What is reserved of an account; it is locked.  No more than that; and exactly
 * that if it is more than what is there to spare.
 */
extern Numeric paysafe_reserve_sum(Oid accounts, const char *key, Numeric spare);

/* Has the account ever had a reservation? */
extern bool paysafe_reserve_exists(Oid accounts, const char *key);

/* Note what the entries of a statement take from a locked account. */
extern void paysafe_reserve_taken(const Account *account, Oid accounts, Numeric amount);

/* Remove the reservations of all accounts, in a test database. */
extern void paysafe_reserve_remove(Oid accounts);

/* Before COMMIT: what is posted must have been taken. */
extern void paysafe_reserve_pre_commit(void);

/* The subtransactions from this level on have ended, or all. */
extern void paysafe_reserve_forget(bool committed, bool all, int level);

#endif							/* PAYSAFE_RESERVE_H */
