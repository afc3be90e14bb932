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

/* Note what the entries of a statement take from a locked account. */
extern void paysafe_reserve_taken(const Account *account, Oid accounts, Numeric amount);

/* Before COMMIT: what is posted must have been taken. */
extern void paysafe_reserve_pre_commit(void);

/* The subtransactions from this level on have ended, or all. */
extern void paysafe_reserve_forget(bool committed, bool all, int level);

#endif							/* PAYSAFE_RESERVE_H */
