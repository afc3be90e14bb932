/*-------------------------------------------------------------------------
 *
 * ledger_declare.c
 *	  Declaring ledgers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "engine/currency.h"
#include "engine/declare.h"
#include "redact/redact.h"
#include "rules/ledger/ledger_rows.h"
#include "values/key_columns.h"
#include "values/money.h"
#include "values/row_filter.h"
#include "values/spec.h"

/* "amount by side in currency", "debit less credit in EUR". */
static char *
amount_words(const Jsonb *spec)
{
	char	   *direction = paysafe_spec_optional_text(spec, "direction_column");
	char	   *credit = paysafe_spec_optional_text(spec, "credit_column");
	List	   *debits = paysafe_spec_set(spec, "debits");

	return psprintf("%s%s%s%s%s%s in %s", paysafe_spec_text(spec, "amount_column"),
					credit ? " less " : "", credit ? credit : "",
					direction ? " by " : "", direction ? direction : "",
					debits == NIL ? "" :
					psprintf(" (debit %s, credit %s)", paysafe_strings_join(debits),
							 paysafe_strings_join(paysafe_spec_set(spec, "credits"))),
					paysafe_currency_words(spec));
}

char *
paysafe_ledger_describe(const char *name, Oid reference, Jsonb *spec)
{
	List	   *transaction = paysafe_spec_optional_columns(spec, "transaction_column");
	List	   *reverses = paysafe_spec_optional_columns(spec, "reverses_column");
	List	   *credited = paysafe_spec_optional_columns(spec, "credit_account_column");
	List	   *mutable = paysafe_spec_set(spec, "mutable_columns");
	char	   *date = paysafe_spec_optional_text(spec, "posting_date_column");
	char	   *decimals = paysafe_spec_optional_text(spec, "decimals");
	char	   *minimum = paysafe_spec_optional_text(spec, "minimum");
	char	   *rows = paysafe_row_filter_words(spec);

	return psprintf("%s%s%s; accounts in %s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s",
					amount_words(spec),
					transaction ? " sums to zero per " : credited ? " from one account to another" : " by itself",
					transaction ? paysafe_key_columns_words(transaction) : "",
					paysafe_key_columns_words(paysafe_spec_columns(spec, "account_column")),
					credited ? ", from " : "", credited ? paysafe_key_columns_words(credited) : "",
					minimum ? ", not below " : "", minimum ? minimum : "",
					reverses ? "; reversals in " : "", reverses ? paysafe_key_columns_words(reverses) : "",
					date ? "; posting date in " : "", date ? date : "",
					decimals ? psprintf("; %s decimals", decimals) : "",
					paysafe_spec_bool(spec, "zero_amounts") ? "; zero is an amount" : "",
					paysafe_spec_bool(spec, "open") ? "; not closed once posted" : "",
					mutable ? "; may change: " : "", mutable ? paysafe_strings_join(mutable) : "",
					rows ? "; rows with " : "", rows ? rows : "");
}

/*
 * Arguments that both functions have, from the n-th on: credit_column, debits, credits,
 * currency, decimals, zero_amounts, mutable_columns.
 */
static void
add_shape(FunctionCallInfo fcinfo, int n, SpecBuilder *spec, const char *direction)
{
	List	   *debits = paysafe_declare_optional_set(fcinfo, n + 1, "debits");
	List	   *credits = paysafe_declare_optional_set(fcinfo, n + 2, "credits");
	char	   *credit_column = paysafe_declare_optional_name(fcinfo, n);
	ListCell   *lc;

	if (credit_column != NULL && direction != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only one of \"credit_column\" and \"direction_column\" can be given"),
				 errhint("Either two columns have the amounts, or one has them and another says on which side.")));
	if ((debits == NIL) != (credits == NIL) || (debits != NIL && direction == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the words of both sides and \"direction_column\" must be given together")));
	foreach(lc, debits)
		if (paysafe_strings_contain(credits, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" cannot be the word of both sides", paysafe_redact_string((char *) lfirst(lc)))));
	paysafe_spec_add_text(spec, "credit_column", credit_column);
	if (debits != NIL)
	{
		paysafe_spec_add_set(spec, "debits", debits);
		paysafe_spec_add_set(spec, "credits", credits);
	}
	paysafe_spec_add_text(spec, "decimals", paysafe_declare_decimals_argument(fcinfo, n + 4));
	if (!PG_ARGISNULL(n + 5) && PG_GETARG_BOOL(n + 5))
		paysafe_spec_add_bool(spec, "zero_amounts", true);
	if (!PG_ARGISNULL(n + 6))
	{
		List	   *mutable = paysafe_declare_optional_set(fcinfo, n + 6, "mutable_columns");

		if (mutable != NIL)
			paysafe_spec_add_set(spec, "mutable_columns", mutable);
	}
}

/* What the entries of an account sum to at least; NULL: nobody looks. */
static void
add_minimum(FunctionCallInfo fcinfo, int n, SpecBuilder *spec)
{
	Numeric		minimum;

	if (PG_ARGISNULL(n))
		return;
	minimum = PG_GETARG_NUMERIC(n);
	/* an account begins with nothing */
	if (numeric_is_nan(minimum) || numeric_is_inf(minimum) || paysafe_money_sign(minimum) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be zero or less", "minimum"),
				 errhint("Zero, unless accounts may be overdrawn.")));
	paysafe_spec_add_text(spec, "minimum", paysafe_money_text(paysafe_money_trim(minimum)));
}

/* Where the currency stands, by the arguments of these positions; and the rule. */
static void
declare(FunctionCallInfo fcinfo, Oid ledger, SpecBuilder *spec, int column, int constant, int path)
{
	bool		observed = paysafe_declare_add_mode(fcinfo, spec);
	Oid			reference;

	reference = paysafe_currency_declare_from(spec, ledger, "ledger", NULL,
											  paysafe_declare_optional_name(fcinfo, column),
											  paysafe_declare_optional_text(fcinfo, constant),
											  paysafe_declare_optional_set(fcinfo, path, "currency_path"), NIL, observed);
	paysafe_declare(ledger, "ledger", reference, paysafe_spec_end(spec));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_ledger);

/*
 * protect_ledger(relation, transaction_column, account_column, amount_column,
 *				  currency_column, direction_column, reverses_column,
 *				  posting_date_column, credit_column, debits text[], credits text[],
 *				  currency, decimals, zero_amounts, mutable_columns name[], closed,
 *				  rows jsonb, currency_path name[]) returns void
 *
 * transaction_column, account_column and reverses_column: all text or all name[].
 */
Datum
paysafe_protect_ledger(PG_FUNCTION_ARGS)
{
	Oid			ledger;
	char	   *direction = paysafe_declare_optional_name(fcinfo, 5);
	List	   *transaction;
	List	   *reverses;
	bool		closed = PG_ARGISNULL(15) || PG_GETARG_BOOL(15);
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, 0, "relation");
	ledger = PG_GETARG_OID(0);
	paysafe_declare_check_owner(ledger);
	paysafe_argument_required(fcinfo, 1, "transaction_column");
	paysafe_argument_required(fcinfo, 2, "account_column");
	transaction = paysafe_declare_columns_argument(fcinfo, 1, "transaction_column", ledger);
	reverses = paysafe_declare_columns_argument(fcinfo, 6, "reverses_column", ledger);
	if (reverses != NIL && !closed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transactions that stay open cannot be reversed by a column"),
				 errdetail("What is reversed has to be the whole transaction, and more entries may come.")));

	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "transaction_column", transaction);
	paysafe_spec_add_columns(&spec, "account_column",
							 paysafe_declare_columns_argument(fcinfo, 2, "account_column", ledger));
	paysafe_spec_add_columns(&spec, "reverses_column", reverses);
	paysafe_spec_add_text(&spec, "amount_column", paysafe_declare_name_argument(fcinfo, 3, "amount_column"));
	paysafe_spec_add_text(&spec, "direction_column", direction);
	paysafe_spec_add_text(&spec, "posting_date_column", paysafe_declare_optional_name(fcinfo, 7));
	add_shape(fcinfo, 8, &spec, direction);
	paysafe_spec_add_bool(&spec, "open", !closed);
	paysafe_row_filter_add(&spec, PG_ARGISNULL(16) ? NULL : PG_GETARG_JSONB_P(16));
	declare(fcinfo, ledger, &spec, 4, 11, 17);

	/* each posting looks its id up */
	if (closed)
		paysafe_key_columns_warn(ledger, transaction, "Each posting or reversal");
	if (reverses != NIL)
		paysafe_key_columns_warn(ledger, reverses, "Each posting or reversal");
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_protect_entries);

/*
 * protect_entries(relation, account_column, amount_column, currency_column,
 *				   direction_column, posting_date_column, credit_column, debits text[],
 *				   credits text[], currency, decimals, zero_amounts,
 *				   mutable_columns name[], rows jsonb, minimum numeric,
 *				   currency_path name[], credit_account_column) returns void
 *
 * A ledger without transactions: each entry is one by itself, or each row the two of
 * a transfer.
 */
Datum
paysafe_protect_entries(PG_FUNCTION_ARGS)
{
	Oid			ledger;
	char	   *direction = paysafe_declare_optional_name(fcinfo, 4);
	List	   *accounts;
	List	   *credited;
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, 0, "relation");
	ledger = PG_GETARG_OID(0);
	paysafe_declare_check_owner(ledger);
	paysafe_argument_required(fcinfo, 1, "account_column");
	accounts = paysafe_declare_columns_argument(fcinfo, 1, "account_column", ledger);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "account_column", accounts);
	credited = paysafe_declare_columns_argument(fcinfo, 16, "credit_account_column", ledger);
	if (credited != NIL && (direction != NULL || !PG_ARGISNULL(6)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only one of \"%s\" and \"%s\" can be given", "credit_account_column",
						direction != NULL ? "direction_column" : "credit_column"),
				 errhint("A row that names both accounts is a debit of one and a credit of the other.")));
	paysafe_spec_add_columns(&spec, "credit_account_column", credited);
	paysafe_spec_add_text(&spec, "amount_column", paysafe_declare_name_argument(fcinfo, 2, "amount_column"));
	paysafe_spec_add_text(&spec, "direction_column", direction);
	paysafe_spec_add_text(&spec, "posting_date_column", paysafe_declare_optional_name(fcinfo, 5));
	add_shape(fcinfo, 6, &spec, direction);
	paysafe_row_filter_add(&spec, PG_ARGISNULL(13) ? NULL : PG_GETARG_JSONB_P(13));
	add_minimum(fcinfo, 14, &spec);
	declare(fcinfo, ledger, &spec, 3, 9, 15);
	if (!PG_ARGISNULL(14))
	{
		paysafe_key_columns_warn(ledger, accounts, "Each entry that takes something");
		if (credited != NIL)
			paysafe_key_columns_warn(ledger, credited, "Each entry that takes something");
	}
	PG_RETURN_VOID();
}
