/*-------------------------------------------------------------------------
 *
 * status_machine.h
 *	  The machine that a table's rules declare for a status column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATUS_MACHINE_H
#define PAYSAFE_STATUS_MACHINE_H

#include "nodes/pg_list.h"

#include "engine/rule.h"
#include "values/machine.h"

/*
 * Refuse names in a list (argument) that the status column's machine, if the
 * sources have one for this column, does not know.  A misspelt name would
 * never match, so the check it stands for would never run.
 */
extern void paysafe_status_machine_check_names(List *sources, const char *column,
									  List *names, const char *argument);

/* The status rule of the column in these sources, and its machine, or NULL. */
extern const RuleSource *paysafe_status_machine_source(List *sources, const char *column);
extern Machine *paysafe_status_machine_of(List *sources, const char *column);

/*
 * The machines that the column has had since the status rule was declared anew,
 * oldest first, the one in force last; NULL where another column had one then.
 * NIL without a status rule.
 */
extern List *paysafe_status_machine_history(List *sources, const char *column);

/*
 * The initial states (stored values) that no machine of this history knows as
 * anything else: a row in one of them was added there or came back, and then has
 * a mark (engine/row_mark.h).
 */
extern List *paysafe_status_machine_initial(List *sources, const char *column);

#endif							/* PAYSAFE_STATUS_MACHINE_H */
