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
#include "store/catalog.h"

const RowLockState *
paysafe_row_lock_state_of(Relation leaf)
{
	const RelationRules *rules;
	TriggerDesc *triggers = leaf->trigdesc;
	bool		found = false;

	/* most tables of most databases: nothing of paysafe's to look up */
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		found |= strcmp(triggers->triggers[i].tgname, PAYSAFE_ROW_TRIGGER) == 0;
	if (!found || paysafe_catalog_find_trigger(leaf, PAYSAFE_ROW_TRIGGER,
											   paysafe_catalog_enforce_function()) < 0)
		return NULL;
	rules = paysafe_rules_of(leaf);
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_row_lock_kind)
			return rules->rules[i].compiled;
	return NULL;
}
