/*-------------------------------------------------------------------------
 *
 * row_key.h
 *	  The identity of a row: its key as text, and finding rows by value.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_KEY_H
#define PAYSAFE_ROW_KEY_H

#include "access/attnum.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "base/scan.h"

/*
 * The columns that identify a row for as long as it lives: the primary key
 * without the partition keys of the tree, because a row that moves between
 * partitions stays the same row.  All leaves of a tree have the same, however
 * deep they lie; a level of partitions without whose keys nothing would be left,
 * such as one by hash of the id, takes nothing away.  Returns the number (0: no
 * primary key), *attnums allocated in the current context.
 */
typedef struct RowKey
{
	int			n;				/* 0: no primary key */
	AttrNumber *attnums;
} RowKey;

extern int	paysafe_row_key_columns(Relation rel, AttrNumber **attnums);

/* The partitioned tables of the table's tree, on which that depends. */
extern List *paysafe_row_key_tree(Relation rel);

/*
 * Has the tree of the partitioned table parent other identifying columns with this
 * child than without it?
 */
extern bool paysafe_row_key_changes_with(Oid parent, Oid child);

/* All columns of the primary key, deferrable or not; otherwise the same. */
extern int	paysafe_row_key_primary(Relation rel, AttrNumber **attnums);

/*
 * Is the table's key, if it has one, a name that rules can hold to?  Raises 22023 if
 * equal keys can have several texts (citext, a nondeterministic collation, a float) or
 * the key holds for one partition only.  Every kind of rule asks this, when it is
 * declared, when a table joins the tree, and when the rule is compiled again.
 */
extern void paysafe_row_key_check(Relation rel);

/* Raises 22023 if there is no primary key; why says what it is needed for. */
extern void paysafe_row_key_require(Relation rel, const char *why);

/*
 * The whole primary key, partition key included: names one row of the tree, but not
 * for as long as it lives.
 */
extern void paysafe_row_key_whole(Relation rel, RowKey *out);

/*
 * The key as text: the value's output for one column; for several, joined by
 * commas, with commas and backslashes escaped by a backslash.  Independent of
 * DateStyle and such.  Empty without a primary key.
 */
extern char *paysafe_row_key_text(const RowKey *row_key, TupleDesc desc,
							  TupleTableSlot *slot);

/* The names of the key's columns, for a message. */
extern char *paysafe_row_key_names(const RowKey *row_key, TupleDesc desc);

/* One more part of such a text, the i-th; NULL: it is empty. */
extern void paysafe_row_key_append(StringInfo buf, int i, const char *part);

/* Such a text of values of base types, of which some may be NULL if nulls is given. */
extern char *paysafe_row_key_values_text(int n, const Oid *types, const Datum *values,
										 const bool *nulls);

/* Of the text of a whole primary key the part that is the row's key. */
extern char *paysafe_row_key_shorten(const RowKey *whole, const RowKey *row_key, const char *text);

/*
 * A value of a base type as text that no setting of the session changes: ISO
 * dates, UTC, hexadecimal bytes, shortest exact floats, numerics without
 * trailing zeros, so that equal ones have one text.
 */
extern char *paysafe_row_key_value_text(Oid typid, Datum value);

/*
 * Does the type name things exactly: do equal values have one text and one
 * meaning, whatever the session's settings?  Integers, numeric, text, varchar,
 * char(n), uuid, bytea.
 */
extern bool paysafe_row_key_is_exact(Oid typid);

/*
 * Can a column of the type be part of what refers to another row?  Those, and besides
 * bool, date and timestamps, which have one text as it is written here.
 */
extern bool paysafe_row_key_can_refer(Oid typid);

/* Has any identifying column changed? */
extern bool paysafe_row_key_changed(const RowKey *row_key, TupleDesc desc,
								TupleTableSlot *before, TupleTableSlot *after);

/*
 * Are two rows of one leaf versions of the same row?  By the whole primary key,
 * partition key included.
 */
extern bool paysafe_row_key_same_row(Relation rel, TupleTableSlot *a, TupleTableSlot *b);

/*
 * Are two values of one column the same?  By bytes, whatever the type; numeric
 * by value, so that 1.0 is 1.00.
 */
extern bool paysafe_row_key_same_value(Form_pg_attribute att, Datum a, bool anull,
							   Datum b, bool bnull);

/* The same for the column of two rows of one layout. */
extern bool paysafe_row_key_same_column(TupleDesc desc, AttrNumber attnum,
								TupleTableSlot *a, TupleTableSlot *b);

/*
 * Equality of a column with a value of another type of the same btree family
 * (bigint key, integer reference).  Only families that come with PostgreSQL:
 * their functions cannot be replaced.
 */
typedef struct KeyEquality
{
	AttrNumber	attnum;			/* the column searched */
	Oid			argtype;		/* type of the value, for the scan key */
	Oid			collation;
	FmgrInfo	equal;			/* (column, value) */
	Oid			index;			/* to find it by, or InvalidOid */
} KeyEquality;

/*
 * Prepare a search of column attnum for values of type valuetype; for use while
 * the caller's lock on the table lasts.  Raises 22023 if the types are not
 * comparable that way.
 */
extern void paysafe_row_key_equality(Relation rel, AttrNumber attnum, Oid valuetype,
								 KeyEquality *out);

/*
 * Call the visitor with every row of the leaf table that the snapshot sees and
 * whose column equals the value, until it returns false.  Uses the index, whose
 * operator class comes with PostgreSQL, if there is one, otherwise reads the
 * table.  The caller holds a lock on the table.
 */
typedef ScanVisitor KeyVisitor;
extern void paysafe_row_key_scan(Relation leaf, const KeyEquality *equality, Datum value,
							 Snapshot snapshot, KeyVisitor visitor, void *arg);

/*
 * A search for the rows whose columns all equal a value each, prepared and used in the
 * same way.  The index is the one that leads to at most one row, otherwise the one that
 * has the most of the columns in front.
 */
typedef struct KeySearch
{
	int			n;
	KeyEquality equality[INDEX_MAX_KEYS];
	Oid			index;			/* or InvalidOid */
	int			nindexed;		/* so many of the columns are in front of it: */
	int16		position[INDEX_MAX_KEYS];
} KeySearch;

extern void paysafe_row_key_search(Relation rel, int n, const AttrNumber *attnums,
								   const Oid *valuetypes, KeySearch *out);
extern void paysafe_row_key_search_scan(Relation leaf, KeySearch *search, Datum *values,
										Snapshot snapshot, KeyVisitor visitor, void *arg);

/* Has the row these values? */
extern bool paysafe_row_key_search_matches(KeySearch *search, TupleTableSlot *row,
										   const Datum *values);

/*
 * How many of the columns such a search would find by an index: 0 if there is none, all
 * also if it leads to at most one row.
 */
extern int	paysafe_row_key_indexed(Relation leaf, int n, const AttrNumber *attnums);

/*
 * Have equal values of the two types one text?  Only such are compared: a type's own,
 * integers of any size, text and varchar.
 */
extern bool paysafe_row_key_compares(Oid a, Oid b);

/*
 * The value of an identifying column from its text form (single-column keys
 * and parts of longer ones).  Raises the type's input error.
 */
extern Datum paysafe_row_key_input(Form_pg_attribute att, char *text);

/* Split the text of a key into n parts; false if it has another number. */
extern bool paysafe_row_key_split(const char *key, int n, char **parts);

/*
 * The text that the key has in paysafe_row_key_text, however it is written: each part
 * is read as a value of its column, under the session's settings (2.0, TRUE, 03.01.2020).
 * Raises the type's input error, 22023 if the key has another number of parts, 55000
 * if there is no primary key.
 */
extern char *paysafe_row_key_normalize(Oid relid, const char *key);

/*
 * The same for what is looked up in the audit log, which may have rows from when the table
 * had another key, or be all that is left of it: a key that is no value of the table's
 * stays as it is.
 */
extern char *paysafe_row_key_logged(Oid relid, const char *key);

/*
 * The columns and parts of a key as somebody has written it: those that name the
 * row, or those of the whole primary key, which tells apart rows that differ in the
 * partition key alone.  Where a text can be both, the second is the next attempt.
 * Returns the number, 0 if there is no such attempt.  Raises 55000 if there is no
 * primary key, 22023 if the text has another number of parts.
 */
extern int	paysafe_row_key_written(Relation rel, const char *key, int attempt,
									AttrNumber **attnums, char ***parts);

/* The value of a column from an argument; raises 22023 for what is none. */
extern Datum paysafe_row_key_argument(Relation rel, AttrNumber attnum, char *text);

/*
 * Find the row of the tree rooted at relid that the key, as written, names; calls
 * the visitor for each match in each leaf.  Raises 55000 if there is no primary key,
 * 22023 if the key does not fit it.
 */
extern void paysafe_row_key_find(Oid relid, const char *key, Snapshot snapshot,
							 KeyVisitor visitor, void *arg);

#endif							/* PAYSAFE_ROW_KEY_H */
