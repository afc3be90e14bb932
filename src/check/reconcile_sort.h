/*-------------------------------------------------------------------------
 *
 * reconcile_sort.h
 *	  What the log says of rows, and the rows, in the order of their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RECONCILE_SORT_H
#define PAYSAFE_RECONCILE_SORT_H

#include "datatype/timestamp.h"
#include "storage/itemptr.h"

/* A recorded change of a row, or the row itself. */
typedef struct ReconcileItem
{
	const char *key;			/* not terminated */
	int			keylen;
	bool		logged;			/* a change; false: the row */
	/* of a change */
	bool		here;			/* recorded in this database, with its redaction key */
	bool		present;		/* the row exists after it */
	bool		arrives;		/* ... and was not under this key before */
	TimestampTz at;
	uint64		xid;
	int32		command;
	int32		seq;
	int64		shape;
	/* the image after it, or of the row; NULL: none, or too long to be sorted */
	const char *image;
	int			imagelen;
	/* where it stands */
	Oid			relid;
	ItemPointerData tid;
} ReconcileItem;

/* Longer images are not sorted, but fetched when they are needed. */
#define RECONCILE_INLINE	2048

typedef struct ReconcileSort ReconcileSort;

/*
 * Sorted by key, of one key changes before rows, the changes of one transaction
 * together and in their order.  Memory: maintenance_work_mem; the rest is on disk.
 */
extern ReconcileSort *paysafe_reconcile_sort_begin(void);
extern void paysafe_reconcile_sort_put(ReconcileSort *sort, const ReconcileItem *item);
extern void paysafe_reconcile_sort_perform(ReconcileSort *sort);

/* The next one, good until the call after; false at the end. */
extern bool paysafe_reconcile_sort_next(ReconcileSort *sort, ReconcileItem *item);
extern void paysafe_reconcile_sort_end(ReconcileSort *sort);

#endif							/* PAYSAFE_RECONCILE_SORT_H */
