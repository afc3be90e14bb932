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
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "values/machine.h"
#include "values/place.h"

typedef enum StatusType
{
	STATUS_TEXT,					/* text, varchar: compared byte by byte */
	STATUS_BPCHAR,				/* char(n): without trailing blanks */
	STATUS_INTEGER,				/* smallint, integer, bigint */
	STATUS_ENUM,				/* by label */
	STATUS_BYTES,				/* uuid, bytea: keys of a table of statuses */
	STATUS_BOOLEAN,				/* "true" and "false" */
	STATUS_PRESENCE,			/* a point in time: "set", or "unset" if it is NULL */
	STATUS_NUMERIC,				/* by value; of conditions only (row_filter.h) */
	STATUS_NONE					/* no column: all rows are in one status */
} StatusType;

typedef struct StatusColumn
{
	AttrNumber	attnum;
	StatusType	type;
	Oid			typid;			/* base type */
	Place		place;			/* where in the column it stands, if not the column itself */
	struct StatusNames *names;	/* what its values are called, or NULL */
	bool		plain;			/* what it has are called values, not statuses */
	char		name[NAMEDATALEN];
} StatusColumn;

typedef struct StatusValue
{
	bool		isnull;
	int64		number;			/* STATUS_INTEGER, and the OID for STATUS_ENUM; else 1 or 0 */
	const char *bytes;			/* STATUS_TEXT, STATUS_BPCHAR, STATUS_BYTES */
	int			len;
	Numeric		numeric;		/* STATUS_NUMERIC */
	const char *text;			/* as declared, for messages; NULL for NULL */
} StatusValue;

typedef struct StatusSet
{
	StatusColumn column;
	int			n;
	StatusValue *values;
} StatusSet;

/*
 * Where a column refers to a table of statuses: its keys, as they are stored, and the name that
 * each of them had when the rule was declared.  Several keys may have one name.
 */
typedef struct StatusNames
{
	StatusSet	keys;
	const char **names;
} StatusNames;

/*
 * Find the column by name and check that a status can be stored in it: text,
 * varchar, char(n), smallint, integer, bigint, an enum, or a domain over one; or a place
 * within a jsonb column (values/place.h), as text, or of a composite type.  Raises 42703 or 22023.
 */
extern void paysafe_status_value_column(Relation rel, const char *column, StatusColumn *out);

/*
 * The same for a column that says in which state a row is: a boolean, a point in
 * time, a uuid or a bytea, too.  Without a column (NULL) all rows are in the status STATUS_OF_ALL.
 */
extern void paysafe_status_value_state_column(Relation rel, const char *column, StatusColumn *out);

#define STATUS_OF_ALL "added"

/*
 * The same for the "status_column" of a specification.  With a "status_path" the status stands
 * within a jsonb column, under these keys of objects one within the other (as the operator ->>
 * shows it); or the column's values have the names in "status_names" (engine/status_names.h).
 */
extern void paysafe_status_value_spec_column(Relation rel, const Jsonb *spec, StatusColumn *out);

/* The keys of a specification's names that have this one, as text; the name, where there are no names. */
extern List *paysafe_status_value_keys_of(const Jsonb *spec, char *name);

/* The other way round: what a key, as text, is called; the key, where it has no name. */
extern char *paysafe_status_value_name_of(const Jsonb *spec, char *key);

/* A value of the column without the status, which stands within it. */
extern Datum paysafe_status_value_rest(const StatusColumn *column, Datum value);

/*
 * Compile stored values (NULL in the list: SQL NULL).  Raises 22023 for a
 * value that the column cannot hold, such as an unknown enum label.
 */
extern void paysafe_status_value_set(const StatusColumn *column, List *values, StatusSet *out);

/* Position of the row's value in the set, or -1.  Never allocates much. */
extern int	paysafe_status_value_find(const StatusSet *set, TupleTableSlot *slot);

/* Is the value, of a set of the same column, in this one too? */
extern bool paysafe_status_value_in(const StatusSet *set, const StatusValue *value);

/* The row's value as text; NULL gives NULL. */
extern char *paysafe_status_value_text(const StatusColumn *column, TupleTableSlot *slot);

/* Is the row in no status at all?  One that is unset is in that. */
extern bool paysafe_status_value_is_null(const StatusColumn *column, TupleTableSlot *slot);

/* The same in double quotes, for a message; NULL without. */
extern char *paysafe_status_value_quoted(const StatusColumn *column, TupleTableSlot *slot);

/* Do both rows hold exactly the same value? */
extern bool paysafe_status_value_same(const StatusColumn *column, TupleTableSlot *a,
							   TupleTableSlot *b);

/* The stored values of a machine's states, in the machine's order. */
extern List *paysafe_status_value_machine_values(const Machine *machine);

#endif							/* PAYSAFE_STATUS_VALUE_H */
