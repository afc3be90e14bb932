/*-------------------------------------------------------------------------
 *
 * reconcile_log.h
 *	  What the audit log says of the rows of one table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RECONCILE_LOG_H
#define PAYSAFE_RECONCILE_LOG_H

#include "utils/snapshot.h"

#include "check/reconcile_sort.h"
#include "evidence/canon.h"

/* One of the shapes in which the table's rows were recorded. */
typedef struct LoggedShape
{
	int64		id;				/* hash key */
	int			encoding;
	CanonShape *shape;
	bool		as_logged;		/* the key that was logged is the one of today */
	int			nkeys;
	int		   *keys;			/* positions of the key's columns in it */
	CanonBytes *columns;		/* room for an image's */
	bool	   *keyed;			/* of which columns the redaction key is known */
	Oid			layout;			/* for which table of today, and for images from */
	bool		here;			/* where, the map is */
	int		   *map;			/* for each column the one of today, -1: none */
} LoggedShape;

typedef struct ReconcileLog ReconcileLog;

/*
 * The log of a table, by its subject; in the current context.  Its changes are
 * sorted by these columns of the layout, whatever their keys were when they were logged;
 * those of the tables left_out (OIDs) are not read.
 */
extern ReconcileLog *paysafe_reconcile_log_open(const char *subject, Snapshot snapshot,
												Relation layout, List *key_columns,
												List *left_out);

/* Put each of its changes into the sort. */
extern void paysafe_reconcile_log_read(ReconcileLog *log, ReconcileSort *sort);

/*
 * Has it all images since then, and can be found by the key of today: none was purged or
 * erased, none stayed behind where the database came from?  After read.
 */
extern bool paysafe_reconcile_log_is_whole(const ReconcileLog *log, TimestampTz since);

/* The shape of an item. */
extern LoggedShape *paysafe_reconcile_log_shape(ReconcileLog *log, int64 id);

/*
 * The image of an item that is not in it, palloc'd; false: there is none any more.
 */
extern bool paysafe_reconcile_log_fetch(ReconcileLog *log, const ReconcileItem *item,
										const char **image, int *len);

/*
 * The columns of the row before or after the change of an item; they and what they
 * refer to are palloc'd.  NULL: there are none any more.
 */
extern CanonBytes *paysafe_reconcile_log_columns(ReconcileLog *log, const ReconcileItem *item,
												 bool before);

/* A value of an image as text that no setting changes, as a key has it; palloc'd, "" for NULL. */
extern char *paysafe_reconcile_log_text(const CanonType *type, int encoding, const CanonBytes *bytes);

#endif							/* PAYSAFE_RECONCILE_LOG_H */
