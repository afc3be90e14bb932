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

AttrNumber
paysafe_entry_exact_column(Relation rel, const char *name, char *name_out, Oid *type)
{
	AttrNumber	attnum = paysafe_catalog_column(rel, name);

	*type = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	strlcpy(name_out, name, NAMEDATALEN);
	if (!paysafe_row_key_is_exact(*type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" has type %s, which cannot name transactions or accounts",
						name, format_type_be(*type)),
				 errhint("Use an integer type, numeric, text, varchar, char(n), uuid or bytea.")));
	return attnum;
}

void
paysafe_entry_columns(Relation leaf, const Jsonb *spec, EntryColumns *out)
{
	char	   *name;

	memset(out, 0, sizeof(*out));
	out->transaction = paysafe_entry_exact_column(leaf, paysafe_spec_text(spec, "transaction_column"),
												  out->transaction_name, &out->transaction_type);
	out->account = paysafe_entry_exact_column(leaf, paysafe_spec_text(spec, "account_column"),
											  out->account_name, &out->account_type);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &out->amount);
	paysafe_status_value_column(leaf, paysafe_spec_text(spec, "currency_column"), &out->currency);
	name = paysafe_spec_optional_text(spec, "direction_column");
	if (name != NULL)
	{
		out->has_direction = true;
		paysafe_status_value_column(leaf, name, &out->direction);
	}
	name = paysafe_spec_optional_text(spec, "reverses_column");
	if (name != NULL)
	{
		Oid			type;

		out->reverses = paysafe_entry_exact_column(leaf, name, out->reverses_name, &type);
		if (type != out->transaction_type)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" and \"%s\" have different types",
							out->transaction_name, name)));
	}
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

bool
paysafe_entry_read(const EntryColumns *columns, TupleTableSlot *row,
				   Entry *entry, EntryFault *fault)
{
	bool		isnull;
	char	   *reason = NULL;
	int			sign;

	entry->transaction = slot_getattr(row, columns->transaction, &isnull);
	if (isnull)
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->transaction_name, pstrdup("the transaction is missing"));
	entry->transaction_text = paysafe_row_key_value_text(columns->transaction_type, entry->transaction);
	entry->account = slot_getattr(row, columns->account, &isnull);
	if (isnull)
		return fault_of(fault, ERRCODE_23L03_ENTRY, columns->account_name, pstrdup("the account is missing"));
	entry->account_text = paysafe_row_key_value_text(columns->account_type, entry->account);
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
						psprintf("amount %s: %s", paysafe_money_text(entry->amount), reason));
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
	if (columns->reverses != 0)
	{
		entry->reverses = slot_getattr(row, columns->reverses, &isnull);
		if (!isnull)
		{
			entry->reversal = true;
			entry->reverses_text = paysafe_row_key_value_text(columns->transaction_type, entry->reverses);
			if (strcmp(entry->reverses_text, entry->transaction_text) == 0)
				return fault_of(fault, ERRCODE_23L05_REVERSAL, columns->reverses_name,
								pstrdup("a transaction cannot reverse itself"));
		}
	}
	return true;
}
