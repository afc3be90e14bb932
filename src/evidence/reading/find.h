/*-------------------------------------------------------------------------
 *
 * find.h
 *	  Finding rows of the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FIND_H
#define PAYSAFE_FIND_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "evidence/reading/run.h"

/*
 * Call the visitor for rows that the snapshot sees, recorded from one time on and
 * before another: all that have one of the terms, each once, and some that have none.
 * In the order of their months (the default partition first) and blocks.
 */
typedef void (*AuditVisitor) (Relation partition, TupleTableSlot *row, void *arg);
extern void paysafe_audit_find(Snapshot snapshot, const AuditTerm *terms, int nterms,
							   TimestampTz from, TimestampTz before,
							   AuditVisitor visitor, void *arg);

/* Blocks of the log that the index does not know, so that each search looks into them. */
extern int64 paysafe_audit_find_unindexed(Snapshot snapshot);

#endif							/* PAYSAFE_FIND_H */
