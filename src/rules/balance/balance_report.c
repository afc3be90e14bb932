/*-------------------------------------------------------------------------
 *
 * balance_report.c
 *	  Trial balances, and statements of accounts.
 *
 * What was posted by a time that has passed is said once and for all: a time by which
 * something may still count is refused, as it is for one balance.  Up to now, it is
 * what the query sees, and "settled" says that it can change.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/argument.h"
#include "engine/shown.h"
#include "rules/balance/account.h"
#include "rules/balance/balance_query.h"
#include "rules/balance/history.h"
#include "rules/balance/history_read.h"
#include "values/money.h"
#include "values/spec.h"

/* What had been posted by a time before the rule is not known. */
static void
check_known(const RuleSource *rule, TimestampTz at)
{
	if (at < rule->since && at < GetCurrentTransactionStartTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what had been posted by %s is not known", timestamptz_to_str(at)),
				 errdetail("The balances have been protected since %s.",
						   timestamptz_to_str(rule->since))));
}

/*
 * Trial balance
 */

typedef struct Trial
{
	ReturnSetInfo *result;
	const RuleSource *rule;
	bool		settled;
} Trial;

static void
put_balance(const char *key, const char *currency, Numeric balance, void *arg)
{
	Trial	   *trial = arg;

	CHECK_FOR_INTERRUPTS();
	if (!paysafe_balance_query_shows(trial->rule, key))
		return;
	paysafe_balance_query_put(trial->result, trial->rule, key, currency,
							  paysafe_balance_query_sign(trial->rule, key) < 0 ? paysafe_money_negate(balance) : balance,
							  trial->settled);
}

PG_FUNCTION_INFO_V1(paysafe_trial_balance);

/*
 * trial_balance(relation regclass, at timestamptz)
 * returns table (account, currency, debit, credit, balance, settled)
 */
Datum
paysafe_trial_balance(PG_FUNCTION_ARGS)
{
	RuleSource	rule;
	TimestampTz at;
	Trial		trial = {.rule = &rule};

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "at");
	InitMaterializedSRF(fcinfo, 0);
	trial.result = (ReturnSetInfo *) fcinfo->resultinfo;
	paysafe_balance_query_rule_of(PG_GETARG_OID(0), &rule);
	at = PG_GETARG_TIMESTAMPTZ(1);
	check_known(&rule, at);
	trial.settled = paysafe_balance_query_is_settled(&at);
	/* of what is settled, the query's snapshot may be too old to show all */
	paysafe_history_read_all(rule.relation, at, trial.settled ? NULL : GetActiveSnapshot(),
							 put_balance, &trial);
	return (Datum) 0;
}

/*
 * Statements
 */

static void
put_line(ReturnSetInfo *result, const char *line, TimestampTz at, Numeric amount, Numeric balance,
		 bool settled)
{
	Datum		values[5];
	bool		nulls[5] = {false, false, amount == NULL, false, false};

	values[0] = CStringGetTextDatum(line);
	values[1] = TimestampTzGetDatum(at);
	values[2] = amount ? NumericGetDatum(amount) : (Datum) 0;
	values[3] = NumericGetDatum(balance);
	values[4] = BoolGetDatum(settled);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* The lines between two balances; what they come to. */
static Numeric
put_moves(ReturnSetInfo *result, const HistoryMove *moves, uint64 n, Numeric balance, TimestampTz settled)
{
	for (uint64 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		balance = paysafe_money_add(balance, moves[i].amount);
		put_line(result, "moved", moves[i].at, moves[i].amount, balance, moves[i].at < settled);
	}
	return balance;
}

/*
 * Up to when nothing of an account can change that the query sees.  None, if its snapshot
 * is older than somebody who has been committed since, and counts from earlier.
 */
static TimestampTz
horizon_of(Oid accounts, const Account *account)
{
	TimestampTz horizon = paysafe_history_settled();
	List	   *currencies;
	Numeric		seen = paysafe_history_read_balance(accounts, account->key, NULL, horizon - 1,
													GetActiveSnapshot(), &currencies);

	return paysafe_money_compare(seen, paysafe_history_read_balance(accounts, account->key, NULL, horizon - 1,
																	NULL, &currencies)) == 0 ? horizon : DT_NOBEGIN;
}

PG_FUNCTION_INFO_V1(paysafe_statement);

/*
 * statement(account text, starts_at timestamptz, ends_at timestamptz, accounts regclass,
 *			 currency text)
 * returns table (line, at, amount, balance, settled)
 */
Datum
paysafe_statement(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"account", "starts_at", "ends_at"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RuleSource	rule;
	Account		account;
	List	   *currencies;
	char	   *currency = paysafe_balance_query_currency(fcinfo, 4);
	TimestampTz from;
	TimestampTz at;
	TimestampTz until;
	Numeric		opening;
	Numeric		closing;
	HistoryMove *moves = NULL;
	uint64		n = 0;
	bool		from_settled;
	bool		settled;
	TimestampTz horizon;

	for (int i = 0; i < 3; i++)
		paysafe_argument_required(fcinfo, i, names[i]);
	InitMaterializedSRF(fcinfo, 0);
	from = PG_GETARG_TIMESTAMPTZ(1);
	at = until = PG_GETARG_TIMESTAMPTZ(2);
	if (from >= until || from >= GetCurrentTransactionStartTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a statement starts before it ends, and before this transaction began")));
	paysafe_balance_query_rule(fcinfo, 3, &rule);
	check_known(&rule, from);
	paysafe_account_named(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), GetActiveSnapshot(),
						  paysafe_shown_is_everything(rule.relation), &account);
	settled = paysafe_balance_query_is_settled(&until);
	from_settled = paysafe_balance_query_is_settled(&from);
	horizon = settled ? DT_NOEND : from_settled ? horizon_of(rule.relation, &account) : DT_NOBEGIN;
	closing = paysafe_balance_query_at(rule.relation, &account, currency, until, settled, &currencies);
	paysafe_balance_query_check_one(&account, currency, currencies);
	opening = paysafe_balance_query_at(rule.relation, &account, currency, from, from_settled, &currencies);
	put_line(result, "opening", from, NULL, opening, from_settled);
	if (currencies != NIL)
		n = paysafe_history_read_moves(rule.relation, account.key, currency ? currency : linitial(currencies),
									   from, until, GetActiveSnapshot(), &moves);
	if (paysafe_money_compare(put_moves(result, moves, n, opening, horizon), closing) != 0)
		elog(ERROR, "the moves of account \"%s\" are not between its balances", account.key);
	put_line(result, "closing", at, NULL, closing, settled);
	return (Datum) 0;
}
