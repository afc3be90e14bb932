/*-------------------------------------------------------------------------
 *
 * balance_declare.c
 *	  Declaring balances.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/argument.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "redact/redact.h"
#include "rules/balance/account.h"
#include "rules/balance/balance_existing.h"
#include "rules/balance/balance_written.h"
#include "store/catalog.h"
#include "values/reference.h"
#include "values/row_twin.h"
#include "values/spec.h"

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_balance);

/* Two accounts of one key could not be told apart. */
static void
check_unique(Oid accounts, List *key_column)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(accounts))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyColumns	key;

		paysafe_key_columns_find(leaf, key_column, &key);
		if (!paysafe_row_twin_is_unique(leaf, key.key.attnums, key.key.n))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 key.key.n == 1 ?
					 errmsg("column \"%s\" of table \"%s\" is not unique",
							(char *) linitial(key_column), RelationGetRelationName(leaf)) :
					 errmsg("columns %s of table \"%s\" are not unique",
							paysafe_key_columns_words(key_column), RelationGetRelationName(leaf)),
					 errhint("Make it the primary key, or give it a unique constraint that is not deferrable.")));
		table_close(leaf, NoLock);
	}
}

/*
 * The columns of the key in the order of the ledger's account columns: as a foreign key
 * between them says, as equal names say, or as they come.
 */
static List *
in_order_of_ledger(Oid accounts, List *key_column, Oid ledger, const Jsonb *ledger_rule)
{
	List	   *account_column = paysafe_spec_columns(ledger_rule, "account_column");

	if (list_length(account_column) != list_length(key_column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ledger \"%s\" names accounts by %s: the key needs as many columns",
						get_rel_name(ledger), paysafe_key_columns_words(account_column))));
	return paysafe_reference_align(ledger, account_column, accounts, key_column);
}

/* An account of a ledger is in one table: two could have one of the same key. */
static void
check_alone(Oid accounts, Oid ledger)
{
	Oid			other;

	if (paysafe_account_tables(ledger, accounts, &other) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ledger \"%s\" has its accounts in table \"%s\"",
						get_rel_name(ledger), get_rel_name(other))));
}

/* Which statuses stand for what. */
static void
add_statuses(FunctionCallInfo fcinfo, SpecBuilder *spec)
{
	static const char *const sets[] = {"frozen", "in_only", "out_only", "closed"};
	char	   *column = paysafe_declare_optional_name(fcinfo, 8);
	List	   *all = NIL;

	paysafe_spec_add_text(spec, "status_column", column);
	for (int i = 0; i < (int) lengthof(sets); i++)
	{
		List	   *statuses = paysafe_declare_optional_set(fcinfo, 9 + i, sets[i]);
		ListCell   *lc;

		foreach(lc, statuses)
			if (paysafe_strings_contain(all, lfirst(lc)))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("status \"%s\" stands for two things", paysafe_redact_string(lfirst(lc))),
						 errhint("Name it in one of frozen, in_only, out_only and closed.")));
		all = list_concat(all, statuses);
		if (statuses != NIL)
			paysafe_spec_add_set(spec, sets[i], statuses);
	}
	if ((column == NULL) != (all == NIL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 column == NULL ? errmsg("statuses need a status_column") :
				 errmsg("a status_column needs statuses that are frozen, in_only, out_only or closed")));
}

/* Who writes the column: paysafe, as entries come, or the application. */
static void
add_written(FunctionCallInfo fcinfo, SpecBuilder *spec)
{
	char	   *kept_by = paysafe_declare_optional_text(fcinfo, 13);
	char	   *credit = paysafe_declare_optional_name(fcinfo, 14);
	bool		written = kept_by != NULL && strcmp(kept_by, "application") == 0;

	if (kept_by == NULL || (!written && strcmp(kept_by, "entries") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"kept_by\" must be \"entries\" or \"application\""),
				 errhint("Entries move balances, and nobody else writes them; or the application writes them, and entries must say the same by COMMIT.")));
	if (credit != NULL && !written)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a balance of two columns cannot be moved by entries"),
				 errhint("Name one column, or say kept_by => 'application'.")));
	paysafe_spec_add_bool(spec, "written", written);
	paysafe_spec_add_text(spec, "credit_column", credit);
}

/*
 * protect_balance(accounts, key_column, balance_column, ledger, minimum_column,
 *				   currency_column, side_column, maximum_column, status_column,
 *				   frozen, in_only, out_only, closed, kept_by, credit_column, mode) returns void
 */
Datum
paysafe_protect_balance(PG_FUNCTION_ARGS)
{
	Oid			accounts;
	Oid			ledger;
	List	   *key_column;
	SpecBuilder spec;
	RuleSource	before;
	RuleSource	after;
	bool		was_removed;
	bool		was_known;
	bool		removed;
	Jsonb	   *ledger_rule;

	for (int i = 0; i < 4; i += 3)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL", i == 0 ? "accounts" : "ledger")));
	accounts = PG_GETARG_OID(0);
	ledger = PG_GETARG_OID(3);
	paysafe_argument_required(fcinfo, 1, "key_column");

	/* in the order of those who post */
	paysafe_declare_lock(ledger);
	paysafe_declare_lock(accounts);
	if (accounts == ledger)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a ledger cannot be its own table of accounts")));
	(void) paysafe_account_ledger(ledger, &ledger_rule);
	key_column = paysafe_declare_columns_argument(fcinfo, 1, "key_column", accounts);
	check_unique(accounts, key_column);
	key_column = in_order_of_ledger(accounts, key_column, ledger, ledger_rule);
	check_alone(accounts, ledger);

	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "key_column", key_column);
	paysafe_spec_add_text(&spec, "balance_column", paysafe_declare_name_argument(fcinfo, 2, "balance_column"));
	paysafe_spec_add_text(&spec, "minimum_column",
						  paysafe_declare_optional_name(fcinfo, 4));
	paysafe_spec_add_text(&spec, "currency_column",
						  paysafe_declare_optional_name(fcinfo, 5));
	paysafe_spec_add_text(&spec, "side_column",
						  paysafe_declare_optional_name(fcinfo, 6));
	paysafe_spec_add_text(&spec, "maximum_column", paysafe_declare_optional_name(fcinfo, 7));
	add_statuses(fcinfo, &spec);
	add_written(fcinfo, &spec);
	was_known = paysafe_rule_newest(accounts, "balance", &before, &was_removed);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(accounts, "balance", ledger, paysafe_spec_end(&spec));
	/* what was posted while one only looked has moved nothing */
	if (paysafe_rule_newest(accounts, "balance", &after, &removed) && !after.observed &&
		(!was_known || before.version != after.version))
	{
		/* every row is right, by this rule: what it would have been by an earlier one is over */
		paysafe_balance_written_forget(accounts);
		paysafe_balance_existing_start(accounts);
	}
	PG_RETURN_VOID();
}

