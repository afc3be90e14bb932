/*-------------------------------------------------------------------------
 *
 * currency.c
 *	  Rows that are on the way to a currency.
 *
 * protect_payment declares this rule for the tables in the middle of a currency_path:
 * orders, say, whose event says it.  It checks nothing of its own rows: what of them
 * stays, as long as payments depend on it, is part of the payment rule, compiled for
 * its reference, and so on along the path.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "engine/currency.h"
#include "engine/rule.h"
#include "rules/kinds.h"
#include "values/spec.h"

static void *
compile(const CompileInput *input)
{
	CurrencyState *state = palloc0(sizeof(CurrencyState));

	state->is_parent = input->as_reference;
	if (state->is_parent)
		paysafe_currency_compile_parent(input, &state->parent);
	else
		paysafe_currency_compile(input->leaf, input->source, &state->currency);
	return state;
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const CurrencyState *state = rule->compiled;

	if (state->is_parent)
		paysafe_currency_check_parent(rule, &state->parent, change);
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("the currency of a row is %s, which stays while payments depend on it",
					paysafe_currency_words(spec));
}

const RuleKind paysafe_currency_kind = {
	.name = "currency",
	.fields = (const SpecField[])
	{
		CURRENCY_FIELDS,
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.describe = describe
};
