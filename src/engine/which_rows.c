/*-------------------------------------------------------------------------
 *
 * which_rows.c
 *	  Rules that hold for some rows of their table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/refusal.h"
#include "engine/which_rows.h"
#include "errors.h"

bool
paysafe_which_rows(const Rule *rule, const RowFilter *rows, const RowChange *change, RowChange *seen)
{
	const char *column;
	bool		was;
	bool		is;

	*seen = *change;
	if (rows->n == 0)
		return true;
	was = change->before != NULL && paysafe_row_filter_has(rows, change->before, NULL);
	is = change->after != NULL && paysafe_row_filter_has(rows, change->after, &column);
	if (was && change->after != NULL && !is)
		paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
							psprintf("column \"%s\" of table \"%s\" cannot change here",
									 column, rule->table_name),
							psprintf("Rule \"%s\" would not hold for row \"%s\" any more.", rule->name,
									 paysafe_refusal_value(paysafe_row_key_text(&change->rules->key,
																				RelationGetDescr(change->rel),
																				change->before))),
							"A row that the rule holds for stays one of those that \"rows\" names.");
	if (is && !was)
	{
		seen->op = 'I';
		seen->before = NULL;
	}
	return was || is;
}
