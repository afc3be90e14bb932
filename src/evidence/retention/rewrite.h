/*-------------------------------------------------------------------------
 *
 * rewrite.h
 *	  A partition of the audit log in new files.
 *
 * Copied first, swapped then, as ALTER TABLE does that rewrites a table: the
 * partition stays the same to everybody, its old files go at commit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REWRITE_H
#define PAYSAFE_REWRITE_H

#include "utils/rel.h"

/*
 * Lock the partition until the end of the transaction: readers go on, nobody
 * writes.  Raises 55P03 if a transaction that has written to it is still open.
 */
extern void paysafe_rewrite_lock(Oid partition);

/*
 * Call visit for each row, with its values in the order of its columns, in a context
 * that does not outlive the call.
 */
typedef void (*RewriteVisitor) (Datum *values, bool *nulls, void *arg);
extern void paysafe_rewrite_visit(Oid partition, RewriteVisitor visit, void *arg);

/*
 * Copy the rows into new files, in that tablespace (InvalidOid: the same one); visit
 * may change them.  Returns what paysafe_rewrite_swap wants.  Raises 55000 if a snapshot
 * is open that is older than a row: it would see the row in the copy, where all are frozen.
 */
extern Oid	paysafe_rewrite_copy(Oid partition, Oid tablespace, RewriteVisitor visit, void *arg);

/*
 * Put the copy in place: AccessExclusiveLock on the partition until commit, for which
 * nobody queues behind this session.  Raises 55P03 if readers do not let it have it.
 */
extern void paysafe_rewrite_swap(Oid partition, Oid copy);

#endif							/* PAYSAFE_REWRITE_H */
