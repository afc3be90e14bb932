/*-------------------------------------------------------------------------
 *
 * types.h
 *	  Types under columns, and what a change of type does to values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TYPES_H
#define PAYSAFE_TYPES_H

#include "catalog/pg_attribute.h"
#include "nodes/pg_list.h"

#include "guard/statements.h"

/*
 * The protected tables that have a column made of this type: of it, an array, a
 * range or a domain of it, a composite type or row type with an attribute of
 * it, however deep.  With ruled, only those with such a column behind a rule.
 */
extern List *paysafe_types_tables(Oid type, bool ruled);

/*
 * Would each value be the same after such a change of its column, whatever is
 * set; and even stored the same?
 */
extern bool paysafe_types_keep_values(Form_pg_attribute before, Form_pg_attribute after, Retyping how);
extern bool paysafe_types_keep_bytes(Form_pg_attribute before, Form_pg_attribute after, Retyping how);

/*
 * Does a column of text have values from whose end a varchar of so many characters would
 * take blanks?  Reads the table, as it is before the statement.
 */
extern bool paysafe_types_cut_values(Oid relid, const char *column, int length);

/*
 * Would rules at least read each value as before: a label as the text that it was, a
 * number with more decimals, a text without the padding of char(n)?
 */
extern bool paysafe_types_keep_meaning(Form_pg_attribute before, Form_pg_attribute after, Retyping how);

#endif							/* PAYSAFE_TYPES_H */
