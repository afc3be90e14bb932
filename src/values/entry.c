/*-------------------------------------------------------------------------
 *
 * entry.c
 *	  Entries of a ledger: what a row says about money.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
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

void
paysafe_entry_columns(Relation leaf, const Jsonb *spec, EntryColumns *out)
{
	char	   *name;

	memset(out, 0, sizeof(*out));
	out->transaction_names = paysafe_spec_columns(spec, "transaction_column");
	out->account_names = paysafe_spec_columns(spec, "account_column");
	out->reverses_names = paysafe_spec_optional_columns(spec, "reverses_column");
	paysafe_entry_exact_columns(leaf, out->transaction_names, &out->transaction);
	paysafe_entry_exact_columns(leaf, out->account_names, &out->account);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &out->amount);
	paysafe_status_value_column(leaf, paysafe_spec_text(spec, "currency_column"), &out->currency);
	name = paysafe_spec_optional_text(spec, "direction_column");
	if (name != NULL)
	{
		out->has_direction = true;
		paysafe_status_value_column(leaf, name, &out->direction);
	}
	if (out->reverses_names != NIL)
		find_reverses(leaf, out);
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

bool
paysafe_entry_read(const EntryColumns *columns, TupleTableSlot *row,
				   Entry *entry, EntryFault *fault)
{
	bool		isnull;
	AttrNumber	missing;
	char	   *reason = NULL;
	int			sign;

	entry->columns = columns;
	entry->row = row;
	entry->transaction_text = paysafe_key_columns_row_text(&columns->transaction, row, &missing);
	if (entry->transaction_text == NULL)
		return fault_of(fault, ERRCODE_23L03_ENTRY, column_name(row, missing), pstrdup("the transaction is missing"));
	entry->account_text = paysafe_key_columns_row_text(&columns->account, row, &missing);
	if (entry->account_text == NULL)
		return fault_of(fault, ERRCODE_23L03_ENTRY, column_name(row, missing), pstrdup("the account is missing"));
	(void) slot_getattr(row, columns->currency.attnum, &isnull);
	if (isnull)
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->currency.name, pstrdup("the currency is missing"));
	entry->currency = paysafe_money_code(paysafe_status_value_text(&columns->currency, row));
	if (!paysafe_money_value(&columns->amount, row, &entry->amount))
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->amount.name, pstrdup("the amount is missing"));

	if (numeric_is_nan(entry->amount) || numeric_is_inf(entry->amount))
		sign = 1;				/* whatever: it is a fault */
	else
		sign = paysafe_money_sign(entry->amount);
	if (fault != NULL)
		reason = paysafe_money_fault(&columns->amount,
									 sign < 0 && !columns->has_direction ? paysafe_money_negate(entry->amount) : entry->amount,
									 entry->currency, false);
	if (reason != NULL)
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->amount.name,
						psprintf("amount %s: %s", paysafe_money_spoken(&columns->amount, entry->amount, entry->currency), reason));
	if (columns->has_direction)
	{
		char	   *direction;

		(void) slot_getattr(row, columns->direction.attnum, &isnull);
		direction = isnull ? NULL : paysafe_status_value_text(&columns->direction, row);
		sign = paysafe_entry_side(direction);
		if (sign == 0)
			return fault_of(fault, ERRCODE_23L03_ENTRY, columns->direction.name,
							direction ? psprintf("direction \"%s\" is neither debit nor credit", direction) :
							pstrdup("the direction is missing"));
		if (sign < 0)
			entry->amount = paysafe_money_negate(entry->amount);
	}

	entry->reversal = false;
	return columns->reverses.key.n == 0 || read_reverses(columns, row, entry, fault);
}
