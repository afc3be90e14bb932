/*-------------------------------------------------------------------------
 *
 * captured.c
 *	  What of a payment is captured.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "redact/redact.h"
#include "values/captured.h"
#include "values/spec.h"

bool
paysafe_captured_changes(const char *word, CapturedChanges *out)
{
	static const struct
	{
		const char *word;
		CapturedChanges changes;
	}			words[] = {
		{"once", CAPTURED_ONCE}, {"rising", CAPTURED_RISING}, {"net", CAPTURED_NET}, {"any", CAPTURED_ANY}
	};

	for (int i = 0; i < (int) lengthof(words); i++)
		if (strcmp(words[i].word, word) == 0)
		{
			*out = words[i].changes;
			return true;
		}
	return false;
}

/* A column of the payment's in the units, and with the decimals, that its rule declares. */
static void
find_column(Relation leaf, const Jsonb *spec, const char *name, AmountColumn *out)
{
	paysafe_money_column(leaf, name, out);
	paysafe_money_declared(out, paysafe_spec_optional_text(spec, "units"), NULL);
	paysafe_money_decimals(out, paysafe_spec_optional_text(spec, "decimals"));
}

/* All amounts of a payment count in one unit. */
static void
find_other(Relation leaf, const Jsonb *spec, const char *name, const AmountColumn *amount, AmountColumn *other)
{
	find_column(leaf, spec, name, other);
	if (paysafe_money_is_minor(amount) != paysafe_money_is_minor(other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						amount->name, other->name)));
}

static Numeric
numeric_of(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void
paysafe_captured_compile(Relation leaf, const Jsonb *spec, Captured *out)
{
	const char *column = paysafe_spec_optional_text(spec, "captured_column");
	const char *limit = paysafe_spec_optional_text(spec, "limit_column");
	const char *over = paysafe_spec_optional_text(spec, "over_percent");
	const char *changes = paysafe_spec_optional_text(spec, "changes");
	StatusColumn status;

	*out = (Captured) {.changes = CAPTURED_ONCE};
	find_column(leaf, spec, paysafe_spec_text(spec, "amount_column"), &out->amount);
	if (column != NULL)
		find_other(leaf, spec, column, &out->amount, &out->column);
	if (limit != NULL)
		find_other(leaf, spec, limit, &out->amount, &out->limit);
	if (over != NULL)
		out->over = numeric_of(over);
	if (changes != NULL && !paysafe_captured_changes(changes, &out->changes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no way in which captured amounts change", paysafe_redact_string(changes))));
	paysafe_status_value_spec_column(leaf, spec, &status);
	paysafe_status_value_set(&status, paysafe_spec_set(spec, "captured"), &out->statuses);
	paysafe_row_filter_compile(leaf, spec, &out->rows);
}

void
paysafe_captured_plain(Relation leaf, const char *column, const Jsonb *spec, Captured *out)
{
	*out = (Captured) {.plain = true};
	paysafe_money_column(leaf, column, &out->column);
	if (spec != NULL)
		paysafe_money_declared(&out->column, paysafe_spec_optional_text(spec, "units"), NULL);
	out->amount = out->column;
}

bool
paysafe_captured_is(const Captured *captured, TupleTableSlot *row)
{
	return paysafe_row_filter_has(&captured->rows, row, NULL) &&
		paysafe_status_value_find(&captured->statuses, row) >= 0;
}

bool
paysafe_captured_value(const Captured *captured, TupleTableSlot *row, Numeric *out)
{
	if (captured->column.attnum != 0 &&
		(captured->plain || paysafe_row_filter_has(&captured->rows, row, NULL)))
		return paysafe_money_value(&captured->column, row, out);
	if (captured->column.attnum == 0 && paysafe_captured_is(captured, row))
		return paysafe_money_value(&captured->amount, row, out);
	*out = paysafe_money_zero();
	return true;
}

Numeric
paysafe_captured_or_zero(const Captured *captured, TupleTableSlot *row)
{
	Numeric		value;

	return paysafe_captured_value(captured, row, &value) ? value : paysafe_money_zero();
}

bool
paysafe_captured_same(const Captured *captured, TupleTableSlot *a, TupleTableSlot *b)
{
	Numeric		av;
	Numeric		bv;
	bool		ahas = paysafe_captured_value(captured, a, &av);
	bool		bhas = paysafe_captured_value(captured, b, &bv);

	if (!ahas || !bhas)
		return ahas == bhas;
	return paysafe_money_compare(av, bv) == 0;
}

const char *
paysafe_captured_name(const Captured *captured)
{
	return captured->column.attnum != 0 ? captured->column.name : captured->amount.name;
}

char *
paysafe_captured_excess(const Captured *captured, TupleTableSlot *row, const char *currency)
{
	Numeric		value = paysafe_captured_or_zero(captured, row);
	Numeric		most;
	Numeric		hundred;
	bool		limited = captured->limit.attnum != 0 &&
		paysafe_money_value(&captured->limit, row, &most);

	if (!limited && !paysafe_money_value(&captured->amount, row, &most))
		return NULL;
	if (captured->over == NULL)
		return paysafe_money_compare(value, most) <= 0 ? NULL :
			psprintf("captured amount %s is more than the %s %s",
					 paysafe_money_spoken(&captured->amount, value, currency), limited ? "limit" : "amount",
					 paysafe_money_spoken(&captured->amount, most, currency));
	hundred = int64_to_numeric(100);
	if (paysafe_money_compare(paysafe_money_multiply(value, hundred),
							  paysafe_money_multiply(most, paysafe_money_add(hundred, captured->over))) <= 0)
		return NULL;
	return psprintf("captured amount %s is more than %s per cent above the %s %s",
					paysafe_money_spoken(&captured->amount, value, currency), paysafe_money_text(captured->over),
					limited ? "limit" : "amount", paysafe_money_spoken(&captured->amount, most, currency));
}

bool
paysafe_captured_ceiling(const Captured *captured, TupleTableSlot *row, Numeric *out)
{
	if ((captured->limit.attnum == 0 || !paysafe_money_value(&captured->limit, row, out)) &&
		(paysafe_money_same_column(&captured->amount, &captured->column) ||
		 !paysafe_money_value(&captured->amount, row, out)))
		return false;
	if (captured->over != NULL)
		*out = paysafe_money_multiply(paysafe_money_multiply(*out, numeric_of("0.01")),
									  paysafe_money_add(int64_to_numeric(100), captured->over));
	return true;
}

char *
paysafe_captured_words(const Jsonb *spec)
{
	const char *column = paysafe_spec_optional_text(spec, "captured_column");
	const char *amount = paysafe_spec_text(spec, "amount_column");
	const char *limit = paysafe_spec_optional_text(spec, "limit_column");
	const char *over = paysafe_spec_optional_text(spec, "over_percent");

	if (column == NULL && limit == NULL)
		return psprintf("%s is captured", amount);
	return psprintf("%s <= %s%s", column ? column : amount, limit ? limit : amount,
					over ? psprintf(" + %s %%", over) : "");
}
