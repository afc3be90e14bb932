/*-------------------------------------------------------------------------
 *
 * status_names.h
 *	  Statuses that are rows of another table, by their names.
 *
 * A status column may refer to a table of statuses by keys that say nothing, or that are
 * others in each database (a uuid).  A declaration then speaks of them by a column of that
 * table.  Which keys have which name is read once, when the rule is declared, and belongs to
 * its specification: whoever renames a status later changes no rule.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATUS_NAMES_H
#define PAYSAFE_STATUS_NAMES_H

#include "engine/rule.h"
#include "values/spec.h"

/*
 * Add "status_path" to a specification and, if the column is no jsonb, "status_names": the
 * rows of the table that it refers to.  used: statuses that the declaration speaks of (NULL:
 * SQL NULL); each must be the name of a row.  The caller owns the relation, and must own that
 * table.  Raises 22023, 42501.
 */
extern void paysafe_status_names_add(SpecBuilder *spec, Oid relation, const char *column,
									 List *path, List *used);

/* What is called otherwise by now than the rule says; NULL: nothing. */
extern char *paysafe_status_names_trouble(const RuleSource *rule);

/* The table of statuses that a column refers to, and its key; InvalidOid: there is none. */
extern Oid	paysafe_status_names_table(Oid relation, AttrNumber attnum, AttrNumber *key);

#endif							/* PAYSAFE_STATUS_NAMES_H */
