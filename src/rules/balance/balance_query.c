/*-------------------------------------------------------------------------
 *
 * balance_query.c
 *	  Balances at any time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/balance/account.h"
#include "rules/balance/history.h"
#include "values/money.h"
#include "values/spec.h"

static PAYSAFE_NORETURN void
refuse_unsettled(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("what had been posted by that time can still change"),
			 errdetail_internal("%s", detail),
			 errhint("Ask for an earlier time, or again, in a new transaction, when the open ones have ended.")));
	pg_unreachable();
}

/*
 * Refuse a time by which not all that counts is known.  A standby sees no locks: there
 * it is what has been replayed, false.
 */
static bool
check_settled(TimestampTz at)
{
	static TimestampTz settled = 0; /* what was settled once stays so */

	if (RecoveryInProgress())
		return false;
	if (at >= settled)
		settled = Max(settled, paysafe_history_settled());
	if (at >= settled)
		refuse_unsettled(psprintf("Transactions that are open may count from %s on.",
								  timestamptz_to_str(settled)));
	return true;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_balance);

/*
 * balance(account text, at timestamptz, accounts regclass, currency text)
 * returns numeric
 */
Datum
paysafe_balance(PG_FUNCTION_ARGS)
{
	Oid			accounts;
	int			count;
	TimestampTz at;
	RuleSource	rule;
	Account		account;
	List	   *currencies;
	char	   *currency = PG_ARGISNULL(3) ? NULL : paysafe_money_code(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	Numeric		balance;
	bool		settled = false;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	at = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2))
		accounts = PG_GETARG_OID(2);
	else
	{
		count = paysafe_account_tables(InvalidOid, InvalidOid, &accounts);
		if (count != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg(count == 0 ? "no table has a balance rule" : "several tables have accounts"),
					 errhint(count == 0 ? "Declare it with paysafe.protect_balance." :
							 "Name the table in the argument \"accounts\".")));
	}
	paysafe_account_rule(accounts, &rule);
	if (pg_class_aclcheck(rule.relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(rule.relation));
	if (!paysafe_account_visible(rule.relation))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of table \"%s\" hides accounts from you", get_rel_name(rule.relation)),
				 errhint("Read its column, or call paysafe.balance in a function of the owner's.")));
	paysafe_account_named(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), GetActiveSnapshot(), &account);

	/* from now on: all that there is to see */
	if (at >= GetCurrentTransactionStartTimestamp())
		TIMESTAMP_NOEND(at);
	else if (at < rule.since)
		PG_RETURN_NULL();		/* not known */
	else
		settled = check_settled(at);
	balance = paysafe_history_balance(rule.relation, account.key, currency, at,
									  GetActiveSnapshot(), &currencies);
	if (settled &&
		paysafe_money_compare(balance, paysafe_history_balance(rule.relation, account.key, currency,
															   at, NULL, &currencies)) != 0)
		refuse_unsettled("The snapshot is older than a transaction that has been committed since and counts from an earlier time.");
	if (currency == NULL && list_length(currencies) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("account \"%s\" has balances in several currencies: %s",
						account.key, paysafe_strings_join(currencies)),
				 errhint("Name one in the argument \"currency\".")));
	PG_RETURN_NUMERIC(balance);
}
