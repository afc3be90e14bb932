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

#include "values/machine.h"

/*
 * Refuse names in a list (argument) that the status column's machine, if the
 * sources have one for this column, does not know.  A misspelt name would
 * never match, so the check it stands for would never run.
 */
extern void paysafe_status_machine_check_names(List *sources, const char *column,
									  List *names, const char *argument);

/* The machine declared for the column in these sources, or NULL. */
extern Machine *paysafe_status_machine_of(List *sources, const char *column);

#endif							/* PAYSAFE_STATUS_MACHINE_H */
