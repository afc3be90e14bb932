/*-------------------------------------------------------------------------
 *
 * reference.h
 *	  Which columns of another table a table's columns mean.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFERENCE_H
#define PAYSAFE_REFERENCE_H

#include "nodes/pg_list.h"
#include "postgres_ext.h"

/*
 * The key of table referred that the columns of table referring mean, name by name:
 *	  - what a foreign key over exactly these columns says;
 *	  - otherwise what is named, which must be a key;
 *	  - otherwise columns of the same names, if they are a key;
 *	  - otherwise, of one column, the primary key, if no other key could be meant.
 * A key has each combination of values once: a primary key, also without the partition
 * keys of the tree, or a unique constraint or index that is neither partial nor deferrable.
 *
 * named: what the caller's argument, whose name is argument, says, or NIL.  Raises 22023
 * where none of that tells, or a foreign key and the argument say different things;
 * 42703 if there is no such column.
 */
extern List *paysafe_reference_resolve(Oid referring, List *columns, Oid referred,
									   List *named, const char *argument);

/*
 * Put both lists into the order in which the table's own key is written, so that a row
 * has one text, whichever table refers to it.
 */
extern void paysafe_reference_order(Oid referred, List **columns, List **key);

/*
 * The columns of a key, which are as many as the columns that refer to it, in the order
 * of these: as a foreign key says; otherwise as their names say, if they are the same;
 * otherwise as they are.  Raises 22023 if a foreign key over the columns says otherwise.
 */
extern List *paysafe_reference_align(Oid referring, List *columns, Oid referred, List *key);

#endif							/* PAYSAFE_REFERENCE_H */
