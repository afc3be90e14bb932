/*-------------------------------------------------------------------------
 *
 * balance_query.h
 *	  Asking for balances: who may, of which table, and up to when all is known.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_BALANCE_QUERY_H
#define PAYSAFE_BALANCE_QUERY_H

#include "fmgr.h"
#include "nodes/execnodes.h"

#include "rules/balance/account.h"

/*
 * The rule of the table that an argument names, or of the only one if it is NULL.
 * Raises 22023 if there is none, 42501 if the user may not know all of its accounts.
 */
extern void paysafe_balance_query_rule(FunctionCallInfo fcinfo, int n, RuleSource *out);

/* The same of a table of accounts, or of the ledger of one. */
extern void paysafe_balance_query_rule_of(Oid relation, RuleSource *out);

/* Raises 42501 if the user may not know all of the table's rows. */
extern void paysafe_balance_query_check_visible(Oid relation);

/* May the user, in this transaction, know of the account of this key? */
extern bool paysafe_balance_query_shows(const RuleSource *rule, const char *key);

/*
 * Can what had been posted by a time still change?  From the beginning of the
 * transaction on it can, *at becomes the end of time, and all that there is to see is
 * meant.  True if not; raises 55P03 for a time in between.  On a standby nobody knows:
 * false.
 */
extern bool paysafe_balance_query_is_settled(TimestampTz *at);

/*
 * The balance of an account by then, as the query's snapshot shows it; raises 55P03 if
 * that is settled and the snapshot is too old to show it.  Currency NULL: the only one.
 */
extern Numeric paysafe_balance_query_at(Oid accounts, const Account *account, const char *currency,
										TimestampTz at, bool settled, List **currencies);

/* Raises 22023 if none of several currencies is named. */
extern void paysafe_balance_query_check_one(const Account *account, const char *currency,
											List *currencies);

/* A currency that an argument names, in its one spelling; or NULL. */
extern char *paysafe_balance_query_currency(FunctionCallInfo fcinfo, int n);

/* 1 if a debit adds to the account's balance, otherwise -1; of a ledger without accounts 1. */
extern int	paysafe_balance_query_sign(const RuleSource *rule, const char *key);

/*
 * A row of a trial balance: account, currency, debit, credit, balance on its own side,
 * and whether it is settled; the balance that is given is positive for debits.
 */
extern void paysafe_balance_query_put(ReturnSetInfo *result, const RuleSource *rule, const char *key,
									  const char *currency, Numeric balance, bool settled);

#endif							/* PAYSAFE_BALANCE_QUERY_H */
