/*-------------------------------------------------------------------------
 *
 * key_columns.h
 *	  Columns whose values together name a row: of their own table or of another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KEY_COLUMNS_H
#define PAYSAFE_KEY_COLUMNS_H

#include "nodes/pg_list.h"

#include "values/row_key.h"

/* Such columns in one leaf, in the order in which the rule names them. */
typedef struct KeyColumns
{
	Oid			relid;			/* the leaf */
	List	   *names;			/* as the rule has them */
	RowKey		key;
	Oid		   *types;			/* base types */
} KeyColumns;

/* What they say in one row; the values may lie in it. */
typedef struct KeyValues
{
	int			n;
	const Oid  *types;
	Datum	   *values;
} KeyValues;

/* Find the columns, which are at least one; names lives as long as out.  Raises 42703. */
extern void paysafe_key_columns_find(Relation rel, List *names, KeyColumns *out);

/*
 * The first of them whose type cannot refer to a row (paysafe_row_key_can_refer), or
 * whose collation has several spellings of one value; 0: none.
 */
extern AttrNumber paysafe_key_columns_inexact(Relation rel, const KeyColumns *columns);

/*
 * Read them.  False: one says nothing, and so they refer to no row, whatever the others
 * say; *missing is the first such.  That is MATCH SIMPLE's NULL; MATCH FULL would
 * refuse the row if the others say something.
 */
extern bool paysafe_key_columns_read(const KeyColumns *columns, TupleTableSlot *row,
									 KeyValues *out, AttrNumber *missing);

/* The first of them that differs between two rows of one layout, or 0. */
extern AttrNumber paysafe_key_columns_changed(const KeyColumns *columns, TupleDesc desc,
											  TupleTableSlot *a, TupleTableSlot *b);

/* A copy in the current context. */
extern void paysafe_key_columns_copy(const KeyValues *from, KeyValues *out);

/* As text, in the form of paysafe_row_key_text. */
extern char *paysafe_key_columns_text(const KeyValues *values);

/* The same from the row; NULL if one of them says nothing, *missing, unless it is NULL. */
extern char *paysafe_key_columns_row_text(const KeyColumns *columns, TupleTableSlot *row,
										  AttrNumber *missing);

/* The values of a key of so many columns as somebody has written it; raises 22023. */
extern void paysafe_key_columns_written(Relation rel, const KeyColumns *columns, const char *key,
										KeyValues *out);

/* Search a leaf for the rows in which the columns of these names have the values. */
extern void paysafe_key_columns_scan(Relation leaf, List *names, const KeyValues *values,
									 Snapshot snapshot, KeyVisitor visitor, void *arg);

/* The same by the columns of one leaf, which may be another one of the tree. */
extern void paysafe_key_columns_scan_like(Relation leaf, const KeyColumns *columns,
										  const KeyValues *values, Snapshot snapshot,
										  KeyVisitor visitor, void *arg);

/* Has the row, of a leaf with these columns, these values? */
extern bool paysafe_key_columns_match(Relation leaf, const KeyColumns *columns,
									  TupleTableSlot *row, const KeyValues *values);

/* How to make the index that leads to the values of the columns, or NULL if each leaf of the tree has one. */
extern char *paysafe_key_columns_unindexed(Oid relid, List *names);

/*
 * Warn of the leaves of a tree in which no index leads to the values of the columns;
 * reader ("Each refund") says who will read more than it needs.
 */
extern void paysafe_key_columns_warn(Oid relid, List *names, const char *reader);

/* "a", or "(a, b)", for a message. */
extern char *paysafe_key_columns_words(List *names);

#endif							/* PAYSAFE_KEY_COLUMNS_H */
