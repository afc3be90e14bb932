/*-------------------------------------------------------------------------
 *
 * account_status.h
 *	  Accounts that are frozen, in one direction or both, or closed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACCOUNT_STATUS_H
#define PAYSAFE_ACCOUNT_STATUS_H

#include "engine/rule.h"
#include "rules/balance/account.h"

/* Why an account of this mark cannot lose money (or gain some), or NULL: it can. */
extern const char *paysafe_account_status_fault(const Account *account, bool loses, bool gains);

/* Refuse what an account loses and gains, neither of them negative, if its status is against it. */
extern void paysafe_account_status_check_move(const Account *account, Numeric takes, Numeric adds);

/*
 * Accounts whose balance is not in their row have no lock that who moves them waits
 * for.  Where they can be frozen, who moves one takes this lock, and so does, for
 * itself alone, who changes its status: until the end of the transaction.  Several
 * accounts share one.
 */
extern void paysafe_account_status_lock(Oid accounts, const char *key, bool alone);

/*
 * A change of the account's row.  Refused: closing it with money on it or reserved,
 * and what an approval of another person is missing for, opening it again.
 */
extern void paysafe_account_status_check_change(const Rule *rule, const RowChange *change,
												const Account *before, const Account *after);

/* For the rule kind: see RuleKind. */
extern bool paysafe_account_status_approval_subject(const Rule *rule, const char *key, bool missing_ok, bool hidden_too,
													struct ApprovalSubject *out);

#endif							/* PAYSAFE_ACCOUNT_STATUS_H */
