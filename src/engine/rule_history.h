/*-------------------------------------------------------------------------
 *
 * rule_history.h
 *	  The versions that a rule has had.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RULE_HISTORY_H
#define PAYSAFE_RULE_HISTORY_H

#include "nodes/pg_list.h"

#include "engine/rule.h"

/*
 * The versions of a rule since it was last declared anew, oldest first, and last
 * the one given, whether it is stored already or not.  RuleSource structs in the
 * current context.  A row that no event tells of may have met any of them.
 */
extern List *paysafe_rule_history(const RuleSource *current);

#endif							/* PAYSAFE_RULE_HISTORY_H */
