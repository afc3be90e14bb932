/*-------------------------------------------------------------------------
 *
 * balance_query.c
 *	  Balances at any time, and what is available.
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
#include "utils/tuplestore.h"

#include "base/argument.h"
#include "compat.h"
#include "engine/rule.h"
#include "engine/shown.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/balance/account.h"
#include "rules/balance/balance_query.h"
#include "rules/balance/history.h"
#include "rules/balance/history_read.h"
#include "rules/balance/reserve_record.h"
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

bool
paysafe_balance_query_is_settled(TimestampTz *at)
{
	static TimestampTz settled = 0; /* what was settled once stays so */

	/* from now on: all that there is to see */
	if (*at >= GetCurrentTransactionStartTimestamp())
	{
		TIMESTAMP_NOEND(*at);
		return false;
	}
	/* a standby sees no locks: there it is what has been replayed */
	if (RecoveryInProgress())
		return false;
	if (*at >= settled)
		settled = Max(settled, paysafe_history_settled());
	if (*at >= settled)
		refuse_unsettled(psprintf("Transactions that are open may count from %s on.",
								  timestamptz_to_str(settled)));
	return true;
}

void
paysafe_balance_query_check_visible(Oid relation)
{
	if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(relation));
	if (!paysafe_account_visible(relation))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of table \"%s\" hides rows from you", get_rel_name(relation)),
				 errhint("Read its column, or ask in a SECURITY DEFINER function of a role that row security does not hold for.")));
}

bool
paysafe_balance_query_shows(const RuleSource *rule, const char *key)
{
	Account		account;

	return paysafe_shown_is_everything(rule->relation) ||
		paysafe_account_count(rule, pstrdup(key), GetActiveSnapshot(), false, &account) > 0;
}

void
paysafe_balance_query_rule(FunctionCallInfo fcinfo, int n, RuleSource *out)
{
	Oid			accounts;
	int			count;

	if (!PG_ARGISNULL(n))
		accounts = PG_GETARG_OID(n);
	else
	{
		count = paysafe_account_tables(InvalidOid, InvalidOid, &accounts);
		if (count != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg(count == 0 ? "no table has a balance rule" : "several tables have accounts"),
					 errhint(count == 0 ? "Declare the table of accounts with paysafe.protect_balance.  Where there is none, paysafe.trial_balance_on says what the entries of a ledger come to, by posting date." :
							 "Name the table in the argument \"accounts\".")));
	}
	paysafe_account_rule(accounts, out);
	paysafe_balance_query_check_visible(out->relation);
}

void
paysafe_balance_query_rule_of(Oid relation, RuleSource *out)
{
	Oid			accounts;

	if (paysafe_account_tables(relation, InvalidOid, &accounts) != 1)
		accounts = relation;
	paysafe_account_rule(accounts, out);
	paysafe_balance_query_check_visible(out->relation);
}

char *
paysafe_balance_query_currency(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : paysafe_money_code(text_to_cstring(PG_GETARG_TEXT_PP(n)));
}

Numeric
paysafe_balance_query_at(Oid accounts, const Account *account, const char *currency, TimestampTz at,
						 bool settled, List **currencies)
{
	Numeric		balance = paysafe_history_read_balance(accounts, account->key, currency, at,
													   GetActiveSnapshot(), currencies);
	List	   *newest;

	if (settled &&
		paysafe_money_compare(balance, paysafe_history_read_balance(accounts, account->key, currency, at,
																	NULL, &newest)) != 0)
		refuse_unsettled("The snapshot is older than a transaction that has been committed since and counts from an earlier time.");
	return balance;
}

void
paysafe_balance_query_check_one(const Account *account, const char *currency, List *currencies)
{
	if (currency == NULL && list_length(currencies) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("account \"%s\" has balances in several currencies: %s",
						paysafe_redact_string(account->key), paysafe_redact_string(paysafe_strings_join(currencies))),
				 errhint("Name one in the argument \"currency\".")));
}

int
paysafe_balance_query_sign(const RuleSource *rule, const char *key)
{
	Account		account;

	if (!OidIsValid(rule->relation) || paysafe_spec_optional_text(rule->spec, "side_column") == NULL)
		return 1;
	paysafe_account_named(rule, pstrdup(key), GetActiveSnapshot(), true, &account);
	return account.sign;
}

void
paysafe_balance_query_put(ReturnSetInfo *result, const RuleSource *rule, const char *key,
						  const char *currency, Numeric balance, bool settled)
{
	bool		credit = paysafe_money_sign(balance) < 0;
	Numeric		other = paysafe_money_negate(balance);
	Datum		values[6];
	bool		nulls[6] = {0};

	values[0] = CStringGetTextDatum(key);
	values[1] = CStringGetTextDatum(currency);
	values[2] = NumericGetDatum(credit ? paysafe_money_zero() : balance);
	values[3] = NumericGetDatum(credit ? other : paysafe_money_zero());
	values[4] = NumericGetDatum(paysafe_balance_query_sign(rule, key) < 0 ? other : balance);
	values[5] = BoolGetDatum(settled);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
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
	TimestampTz at;
	RuleSource	rule;
	Account		account;
	List	   *currencies;
	char	   *currency = paysafe_balance_query_currency(fcinfo, 3);
	Numeric		balance;
	bool		settled;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	at = PG_GETARG_TIMESTAMPTZ(1);
	paysafe_balance_query_rule(fcinfo, 2, &rule);
	paysafe_account_named(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), GetActiveSnapshot(),
						  paysafe_shown_is_everything(rule.relation), &account);
	if (at < rule.since && at < GetCurrentTransactionStartTimestamp())
		PG_RETURN_NULL();		/* not known */
	settled = paysafe_balance_query_is_settled(&at);
	balance = paysafe_balance_query_at(rule.relation, &account, currency, at, settled, &currencies);
	paysafe_balance_query_check_one(&account, currency, currencies);
	PG_RETURN_NUMERIC(balance);
}

PG_FUNCTION_INFO_V1(paysafe_available_balance);

/*
 * available_balance(account text, accounts regclass, currency text) returns record:
 * posted, pending_in, pending_out, available
 */
Datum
paysafe_available_balance(PG_FUNCTION_ARGS)
{
	RuleSource	rule;
	Account		account;
	List	   *currencies;
	char	   *currency = paysafe_balance_query_currency(fcinfo, 2);
	Numeric		posted;
	Numeric		out;
	Datum		values[4];
	bool		nulls[4] = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	paysafe_balance_query_rule(fcinfo, 1, &rule);
	paysafe_account_named(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), GetActiveSnapshot(),
						  paysafe_shown_is_everything(rule.relation), &account);
	posted = paysafe_balance_query_at(rule.relation, &account, currency, DT_NOEND, false, &currencies);
	paysafe_balance_query_check_one(&account, currency, currencies);
	/* of one currency are those who pay in, if this account has several */
	if (currency == NULL || list_length(currencies) <= 1)
		currency = NULL;
	/* only an account with a minimum has anything set aside, and it has one currency */
	out = account.minimum == NULL ? paysafe_money_zero() :
		paysafe_reserve_record_out(rule.relation, account.key, GetActiveSnapshot());
	values[0] = NumericGetDatum(posted);
	values[1] = NumericGetDatum(paysafe_reserve_record_in(rule.relation, account.key, currency,
														  GetActiveSnapshot()));
	values[2] = NumericGetDatum(out);
	values[3] = NumericGetDatum(paysafe_money_add(posted, paysafe_money_negate(out)));
	return paysafe_argument_row(fcinfo, values, nulls);
}
