/*-------------------------------------------------------------------------
 *
 * row_lock_state.c
 *	  The row lock rule of a table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/reltrigger.h"

#include "engine/rule.h"
#include "rules/kinds.h"
#include "rules/row_lock/row_lock_state.h"
#include "store/own_trigger.h"

const RowLockState *
paysafe_row_lock_state_of(Relation leaf)
{
	const RelationRules *rules;

	/* most tables of most databases: nothing of paysafe's to look up */
	if (paysafe_own_trigger_of(leaf, OWN_ROW_TRIGGER) == NULL)
		return NULL;
	rules = paysafe_rules_of(leaf);
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_row_lock_kind)
			return rules->rules[i].compiled;
	return NULL;
}
