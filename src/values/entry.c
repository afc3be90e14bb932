/*-------------------------------------------------------------------------
 *
 * entry.c
 *	  Entries of a ledger: what a row says about money.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "errors.h"
#include "store/catalog.h"
#include "values/entry.h"
#include "values/row_key.h"
#include "values/spec.h"

void
paysafe_entry_exact_columns(Relation rel, List *names, KeyColumns *out)
{
	AttrNumber	inexact;

	paysafe_key_columns_find(rel, names, out);
	inexact = paysafe_key_columns_inexact(rel, out);
	if (inexact != InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" has type %s, which cannot name transactions or accounts",
						NameStr(TupleDescAttr(RelationGetDescr(rel), inexact - 1)->attname),
						format_type_be(getBaseType(TupleDescAttr(RelationGetDescr(rel), inexact - 1)->atttypid))),
				 errhint("Use an integer type, numeric, text, varchar, char(n), uuid, bytea, bool, date or a timestamp, with a deterministic collation.")));
}

/* Where a reversal says what it reverses. */
static void
find_reverses(Relation leaf, EntryColumns *out)
{
	paysafe_entry_exact_columns(leaf, out->reverses_names, &out->reverses);
	if (paysafe_strings_minus(out->reverses_names, out->transaction_names) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot say both what a transaction is and what it reverses",
						paysafe_key_columns_words(out->reverses_names))));
	out->reverses_name = linitial(paysafe_strings_minus(out->reverses_names, out->transaction_names));
	out->reverses_own = palloc(sizeof(bool) * out->reverses.key.n);
	if (out->reverses.key.n != out->transaction.key.n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns %s and %s are not as many",
						paysafe_key_columns_words(out->transaction_names),
						paysafe_key_columns_words(out->reverses_names))));
	for (int i = 0; i < out->reverses.key.n; i++)
	{
		if (out->reverses.types[i] != out->transaction.types[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" and \"%s\" have different types",
							(char *) list_nth(out->transaction_names, i),
							(char *) list_nth(out->reverses_names, i))));
		out->reverses_own[i] = !paysafe_strings_contain(out->transaction_names,
														list_nth(out->reverses_names, i));
	}
}

/* The account that is credited, where the amount has been taken from it in the same row. */
static void
find_credited(Relation leaf, EntryColumns *out)
{
	paysafe_entry_exact_columns(leaf, out->credited_names, &out->credited);
	if (out->credited.key.n != out->account.key.n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns %s and %s are not as many",
						paysafe_key_columns_words(out->account_names),
						paysafe_key_columns_words(out->credited_names))));
	for (int i = 0; i < out->credited.key.n; i++)
		if (out->credited.types[i] != out->account.types[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" and \"%s\" have different types",
							(char *) list_nth(out->account_names, i),
							(char *) list_nth(out->credited_names, i)),
					 errdetail("One is %s, the other one %s.",
							   format_type_be(out->account.types[i]), format_type_be(out->credited.types[i])),
					 errhint("Both name accounts of one table: give them the type of its key.")));
	if (paysafe_strings_minus(out->credited_names, out->account_names) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be both the account that is debited and the one that is credited",
						paysafe_key_columns_words(out->credited_names))));
}

/* One column with a sign or a direction, or two: debits and credits. */
static void
find_amount(Relation leaf, const Jsonb *spec, EntryColumns *out)
{
	char	   *credit = paysafe_spec_optional_text(spec, "credit_column");
	char	   *decimals = paysafe_spec_optional_text(spec, "decimals");

	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &out->amount);
	/* where entries are in minor units, it says only that currencies need not be known */
	if (paysafe_money_is_minor(&out->amount))
		decimals = NULL;
	paysafe_money_decimals(&out->amount, decimals);
	if (credit != NULL)
	{
		paysafe_money_column(leaf, credit, &out->credit);
		if (paysafe_money_is_minor(&out->amount) != paysafe_money_is_minor(&out->credit))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
							out->amount.name, out->credit.name)));
		paysafe_money_decimals(&out->credit, decimals);
	}
	out->zeros = paysafe_spec_bool(spec, "zero_amounts");
}

/* Where an entry says its side, and in which words. */
static void
find_direction(Relation leaf, const Jsonb *spec, const char *name, EntryColumns *out)
{
	List	   *debits = paysafe_spec_set(spec, "debits");
	List	   *credits = paysafe_spec_set(spec, "credits");

	out->has_direction = true;
	if (debits == NIL)
	{
		paysafe_status_value_column(leaf, name, &out->direction);
		return;
	}
	paysafe_status_value_state_column(leaf, name, &out->direction);
	paysafe_status_value_set(&out->direction, debits, &out->debits);
	paysafe_status_value_set(&out->direction, credits, &out->credits);
}

void
paysafe_entry_columns(Relation leaf, const Jsonb *spec, EntryColumns *out)
{
	char	   *name;

	memset(out, 0, sizeof(*out));
	out->transaction_names = paysafe_spec_optional_columns(spec, "transaction_column");
	out->account_names = paysafe_spec_columns(spec, "account_column");
	out->credited_names = paysafe_spec_optional_columns(spec, "credit_account_column");
	out->reverses_names = paysafe_spec_optional_columns(spec, "reverses_column");
	if (out->transaction_names != NIL)
		paysafe_entry_exact_columns(leaf, out->transaction_names, &out->transaction);
	paysafe_entry_exact_columns(leaf, out->account_names, &out->account);
	if (out->credited_names != NIL)
		find_credited(leaf, out);
	find_amount(leaf, spec, out);
	out->constant = paysafe_spec_optional_text(spec, "currency");
	if (out->constant != NULL)
		out->constant = paysafe_money_code(out->constant);
	else if (paysafe_spec_optional_text(spec, "currency_via") == NULL)
		paysafe_status_value_column(leaf, paysafe_spec_text(spec, "currency_column"), &out->currency);
	name = paysafe_spec_optional_text(spec, "direction_column");
	if (name != NULL)
		find_direction(leaf, spec, name, out);
	if (out->reverses_names != NIL)
		find_reverses(leaf, out);
	paysafe_row_filter_compile(leaf, spec, &out->rows);
	out->updated = paysafe_spec_set(spec, "mutable_columns") != NIL;
}

int
paysafe_entry_side(const char *text)
{
	static const struct
	{
		const char *text;
		int			sign;
	}			words[] = {
		{"debit", 1}, {"credit", -1}, {"dr", 1}, {"cr", -1}, {"d", 1}, {"c", -1}, {"1", 1}, {"-1", -1}
	};

	for (int i = 0; text != NULL && i < lengthof(words); i++)
		if (pg_strcasecmp(text, words[i].text) == 0)
			return words[i].sign;
	return 0;
}

static bool
fault_of(EntryFault *fault, int sqlstate, const char *column, char *reason)
{
	if (fault != NULL)
		*fault = (EntryFault) {sqlstate, column, reason};
	return false;
}

static const char *
column_name(TupleTableSlot *row, AttrNumber attnum)
{
	return NameStr(TupleDescAttr(row->tts_tupleDescriptor, attnum - 1)->attname);
}

/*
 * What the entry reverses, if anything: columns that are the transaction's, too, say
 * nothing of that; the others say all of it or nothing.
 */
static bool
read_reverses(const EntryColumns *columns, TupleTableSlot *row, Entry *entry, EntryFault *fault)
{
	AttrNumber	missing;
	bool		isnull;

	entry->reverses_text = paysafe_key_columns_row_text(&columns->reverses, row, &missing);
	if (entry->reverses_text != NULL)
	{
		entry->reversal = true;
		if (strcmp(entry->reverses_text, entry->transaction_text) == 0)
			return fault_of(fault, ERRCODE_23L05_REVERSAL, columns->reverses_name,
							pstrdup("a transaction cannot reverse itself"));
		return true;
	}
	for (int i = 0; columns->reverses.key.n > 1 && i < columns->reverses.key.n; i++)
	{
		(void) slot_getattr(row, columns->reverses.key.attnums[i], &isnull);
		if (!isnull && columns->reverses_own[i])
			return fault_of(fault, ERRCODE_23L05_REVERSAL, column_name(row, missing),
							pstrdup("it names half of what it reverses"));
	}
	return true;
}

/* Debits and credits in two columns, of which one is NULL or zero. */
static bool
read_two_amounts(const EntryColumns *columns, TupleTableSlot *row, Entry *entry, EntryFault *fault)
{
	const AmountColumn *sides[] = {&columns->amount, &columns->credit};
	Numeric		values[2];
	int			used = 0;

	for (int i = 0; i < 2; i++)
	{
		char	   *reason;

		if (!paysafe_money_value(sides[i], row, &values[i]))
			values[i] = paysafe_money_zero();
		reason = fault == NULL ? NULL :
			paysafe_money_fault(sides[i], values[i], entry->currency, true);
		if (reason != NULL)
			return fault_of(fault, ERRCODE_23L03_ENTRY, sides[i]->name,
							psprintf("amount %s: %s", paysafe_money_text(values[i]), reason));
		used += paysafe_money_sign(values[i]) != 0;
	}
	if (fault != NULL && (used == 2 || (used == 0 && !columns->zeros)))
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->amount.name,
						pstrdup(used == 2 ? "it is both a debit and a credit" :
								"it is neither a debit nor a credit"));
	entry->amount = paysafe_money_add(values[0], paysafe_money_negate(values[1]));
	return true;
}

/* On which side the entry is: 1, -1, or 0 for neither. */
static int
read_side(const EntryColumns *columns, TupleTableSlot *row, char **direction)
{
	*direction = paysafe_status_value_is_null(&columns->direction, row) ? NULL :
		paysafe_status_value_text(&columns->direction, row);
	if (columns->debits.n == 0)
		return paysafe_entry_side(*direction);
	if (paysafe_status_value_find(&columns->debits, row) >= 0)
		return 1;
	return paysafe_status_value_find(&columns->credits, row) >= 0 ? -1 : 0;
}

static bool
read_amount(const EntryColumns *columns, TupleTableSlot *row, Entry *entry, EntryFault *fault)
{
	char	   *reason = NULL;
	int			sign;

	if (columns->credit.attnum != 0)
		return read_two_amounts(columns, row, entry, fault);
	if (!paysafe_money_value(&columns->amount, row, &entry->amount))
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->amount.name, pstrdup("the amount is missing"));
	if (numeric_is_nan(entry->amount) || numeric_is_inf(entry->amount))
		sign = 1;				/* whatever: it is a fault */
	else
		sign = paysafe_money_sign(entry->amount);
	if (fault != NULL)
		reason = paysafe_money_fault(&columns->amount,
									 sign < 0 && !columns->has_direction && columns->credited.key.n == 0 ? paysafe_money_negate(entry->amount) : entry->amount,
									 entry->currency, columns->zeros);
	if (reason != NULL)
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->amount.name,
						psprintf("amount %s: %s", paysafe_money_spoken(&columns->amount, entry->amount, entry->currency), reason));
	if (columns->has_direction)
	{
		char	   *direction;

		sign = read_side(columns, row, &direction);
		if (sign == 0)
			return fault_of(fault, ERRCODE_23L03_ENTRY, columns->direction.name,
							direction ? psprintf("direction \"%s\" is neither debit nor credit", direction) :
							pstrdup("the direction is missing"));
		if (sign < 0)
			entry->amount = paysafe_money_negate(entry->amount);
	}
	return true;
}

/* The account of the entry, and the other one if the row has two: that only to look for faults. */
static bool
read_accounts(const EntryColumns *columns, TupleTableSlot *row, Entry *entry, char **credited, EntryFault *fault)
{
	AttrNumber	missing;

	*credited = NULL;
	entry->account_text = paysafe_key_columns_row_text(&columns->account, row, &missing);
	if (entry->account_text == NULL)
		return fault_of(fault, ERRCODE_23L03_ENTRY, column_name(row, missing), pstrdup("the account is missing"));
	if (columns->credited.key.n == 0 || fault == NULL)
		return true;
	*credited = paysafe_key_columns_row_text(&columns->credited, row, &missing);
	if (*credited == NULL)
		return fault_of(fault, ERRCODE_23L03_ENTRY, column_name(row, missing), pstrdup("the account that is credited is missing"));
	return true;
}

bool
paysafe_entry_next(Entry *entry)
{
	const EntryColumns *columns = entry->columns;
	AttrNumber	missing;

	if (columns->credited.key.n == 0 || entry->account == &columns->credited)
		return false;
	entry->account = &columns->credited;
	entry->account_text = paysafe_key_columns_row_text(&columns->credited, entry->row, &missing);
	entry->amount = paysafe_money_negate(entry->amount);
	return entry->account_text != NULL;
}

bool
paysafe_entry_read(const EntryColumns *columns, TupleTableSlot *row,
				   Entry *entry, EntryFault *fault)
{
	bool		isnull;
	AttrNumber	missing;
	char	   *credited;

	entry->columns = columns;
	entry->account = &columns->account;
	entry->row = row;
	entry->reversal = false;
	entry->transaction_text = columns->transaction.key.n == 0 ? NULL :
		paysafe_key_columns_row_text(&columns->transaction, row, &missing);
	if (entry->transaction_text == NULL && columns->transaction.key.n > 0)
		return fault_of(fault, ERRCODE_23L03_ENTRY, column_name(row, missing), pstrdup("the transaction is missing"));
	if (!read_accounts(columns, row, entry, &credited, fault))
		return false;
	if (columns->constant != NULL)
		entry->currency = columns->constant;
	else if (columns->currency_of != NULL)
	{
		entry->currency = columns->currency_of(columns->currency_where, row);
		if (entry->currency == NULL)
			return fault_of(fault, ERRCODE_23L03_ENTRY, columns->currency.name, pstrdup("the currency is missing"));
		entry->currency = paysafe_money_code(entry->currency);
	}
	else
	{
		(void) slot_getattr(row, columns->currency.attnum, &isnull);
		if (isnull)
			return fault_of(fault, ERRCODE_23L03_ENTRY, columns->currency.name, pstrdup("the currency is missing"));
		entry->currency = paysafe_money_code(paysafe_status_value_text(&columns->currency, row));
	}
	if (entry->currency[0] == '\0')
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->currency.name, pstrdup("the currency is missing"));
	if (!read_amount(columns, row, entry, fault))
		return false;
	if (credited != NULL && paysafe_money_sign(entry->amount) != 0 && strcmp(credited, entry->account_text) == 0)
		return fault_of(fault, ERRCODE_23L03_ENTRY, linitial(columns->credited_names),
						pstrdup("the amount does not leave its account"));
	return columns->reverses.key.n == 0 || read_reverses(columns, row, entry, fault);
}
