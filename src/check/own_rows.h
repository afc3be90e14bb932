/*-------------------------------------------------------------------------
 *
 * own_rows.h
 *	  Rows of paysafe's own tables, as they are and as the audit log has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OWN_ROWS_H
#define PAYSAFE_OWN_ROWS_H

#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "check/reconcile_sort.h"
#include "evidence/audit_shape.h"
#include "evidence/reading/shapes.h"
#include "store/catalog.h"

/* An own table whose rows the audit log has, opened. */
typedef struct OwnTable
{
	PaysafeTable id;
	Relation	rel;
	char	   *subject;		/* what the log calls it */
	AuditShape *shape;			/* of its rows now */
	int			ncolumns;		/* of the shape, like the next three */
	bool	   *compared;		/* no numbers that a restore changes, nothing that is set later */
	bool	   *in_key;			/* rows are sorted by these */
	bool	   *named;			/* a table: compared by its name, which may have changed */
	AttrNumber	at;				/* when the row was added */
	AttrNumber	local;			/* true: every database has such a row of its own; 0: no such column */
	bool		by_name;		/* dumped without what is about tables that are gone */
	bool		not_dumped;
	bool		emptied;		/* its rows can go in a test database */
	bool		expires;		/* its old rows go, and their images may: only what is new is looked at */
	bool		large;			/* only what is new of it is looked at */
	TupleTableSlot *slot;
} OwnTable;

/* A row of it: columns in the order of the table's shape. */
typedef struct OwnRow
{
	CanonBytes *bytes;
	const CanonType **types;	/* NULL: the image is older than the column */
	const char **type_names;
	int			encoding;
} OwnRow;

/* Does the log have images of its rows, to compare them with? */
extern bool paysafe_own_rows_compared(PaysafeTable id);

/* Opened with AccessShareLock, in the current context; NULL: the log has none of its rows. */
extern OwnTable *paysafe_own_rows_open(PaysafeTable id);
extern void paysafe_own_rows_close(OwnTable *table);

/* A stored row, or the image after a change as the log has it; in the current context. */
extern OwnRow *paysafe_own_rows_stored(const OwnTable *table, TupleTableSlot *slot);
extern OwnRow *paysafe_own_rows_logged(const OwnTable *table, const AuditShapeRead *shape,
									   const char *image, int len);

/* When the row was added, as it says itself; or else this time. */
extern TimestampTz paysafe_own_rows_at(const OwnTable *table, const OwnRow *row, TimestampTz other);

/* The text that it is sorted by. */
extern char *paysafe_own_rows_key(const OwnTable *table, const OwnRow *row);

/*
 * What is compared first: SHA-256 of the columns, and behind it the names of tables. Two
 * of the same digest say the same.
 */
#define OWN_DIGEST_LEN	32
extern void paysafe_own_rows_digest(const OwnTable *table, const OwnRow *row, StringInfo out);

/* The next of the names behind it, NULL for none; false: there are no more. */
extern bool paysafe_own_rows_next_name(const char **pos, const char *end, char **name);

/* The first column in which they differ, or NULL. */
extern const char *paysafe_own_rows_difference(const OwnTable *table, const OwnRow *logged,
											   const OwnRow *stored);

#endif							/* PAYSAFE_OWN_ROWS_H */
