/*-------------------------------------------------------------------------
 *
 * status_value.h
 *	  Status columns: their types, exact comparison with named states.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATUS_VALUE_H
#define PAYSAFE_STATUS_VALUE_H

#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "values/machine.h"

typedef enum StateType
{
	STATE_TEXT,					/* text, varchar: compared byte by byte */
	STATE_BPCHAR,				/* char(n): without trailing blanks */
	STATE_INTEGER,				/* smallint, integer, bigint */
	STATE_ENUM					/* by label */
} StateType;

typedef struct StateColumn
{
	AttrNumber	attnum;
	StateType	type;
	Oid			typid;			/* base type */
	char		name[NAMEDATALEN];
} StateColumn;

typedef struct StateValue
{
	bool		isnull;
	int64		number;			/* STATE_INTEGER, and the OID for STATE_ENUM */
	const char *bytes;			/* STATE_TEXT, STATE_BPCHAR */
	int			len;
	const char *text;			/* as declared, for messages; NULL for NULL */
} StateValue;

typedef struct StateSet
{
	StateColumn column;
	int			n;
	StateValue *values;
} StateSet;

/*
 * Find the column by name and check that a status can be stored in it: text,
 * varchar, char(n), smallint, integer, bigint, an enum, or a domain over one.
 * Raises 42703 or 22023.
 */
extern void paysafe_state_column(Relation rel, const char *column, StateColumn *out);

/*
 * Compile stored values (NULL in the list: SQL NULL).  Raises 22023 for a
 * value that the column cannot hold, such as an unknown enum label.
 */
extern void paysafe_state_set(const StateColumn *column, List *values, StateSet *out);

/* Position of the row's value in the set, or -1.  Never allocates much. */
extern int	paysafe_state_find(const StateSet *set, TupleTableSlot *slot);

/* The row's value as text; NULL gives NULL. */
extern char *paysafe_state_text(const StateColumn *column, TupleTableSlot *slot);

/* The same in double quotes, for a message; NULL without. */
extern char *paysafe_state_quoted(const StateColumn *column, TupleTableSlot *slot);

/* Do both rows hold exactly the same value? */
extern bool paysafe_state_same(const StateColumn *column, TupleTableSlot *a,
							   TupleTableSlot *b);

/* The stored values of a machine's states, in the machine's order. */
extern List *paysafe_state_machine_values(const Machine *machine);

/*
 * Refuse names in a list (argument) that the status column's machine, if the
 * sources have one for this column, does not know.  A misspelt name would
 * never match, so the check it stands for would never run.
 */
extern void paysafe_state_check_names(List *sources, const char *column,
									  List *names, const char *argument);

/* The machine declared for the column in these sources, or NULL. */
extern Machine *paysafe_state_machine_of(List *sources, const char *column);

#endif							/* PAYSAFE_STATUS_VALUE_H */
