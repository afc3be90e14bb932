/*-------------------------------------------------------------------------
 *
 * test_rows.c
 *	  Rows that are only a test.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/test_rows.h"
#include "values/spec.h"

bool
paysafe_test_rows_says(const TestRows *rule, TupleTableSlot *row, bool depend, bool *nowhere)
{
	char	   *value;
	CurrencyFound found = paysafe_currency_of(&rule->place, row, depend, &value);

	if (nowhere != NULL)
		*nowhere = found == CURRENCY_NOWHERE;
	/* who refers to nothing, or to what is gone, is none */
	return found == CURRENCY_KNOWN && paysafe_strings_contain(rule->values, value);
}

bool
paysafe_test_row(const RelationRules *rules, TupleTableSlot *row)
{
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
	{
		const Rule *rule = &rules->rules[i];

		if (strcmp(rule->kind->name, TEST_ROWS_RULE) == 0 && !rule->observed &&
			!((TestRows *) rule->compiled)->is_parent)
			return paysafe_test_rows_says(rule->compiled, row, false, NULL);
	}
	return false;
}

char *
paysafe_test_rows_loosens(const RuleSource *before, const RuleSource *after)
{
	/* what is only observed lets nothing go */
	if (strcmp(after->name, TEST_ROWS_RULE) != 0 || after->observed ||
		(before != NULL && before->reference == after->reference &&
		 paysafe_spec_equal(before->spec, after->spec)))
		return NULL;
	return psprintf("lets rows go where %s is %s", paysafe_currency_words(after->spec),
					paysafe_strings_join(paysafe_spec_set(after->spec, "test_values")));
}
