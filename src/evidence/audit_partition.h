/*-------------------------------------------------------------------------
 *
 * audit_partition.h
 *	  The monthly partitions of the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_PARTITION_H
#define PAYSAFE_AUDIT_PARTITION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* The partition for a time; raises 55000 if there is none. */
extern Oid	paysafe_audit_partition_for(TimestampTz at);

/* All of them, the default one too; AccessShareLock on the parent. */
extern List *paysafe_audit_partition_all(void);

/* The same with their bounds: of OwnPartition, see store/partition.h. */
extern List *paysafe_audit_partition_list(void);

/* When the month ends that has the time, whether or not it has a partition of its own. */
extern TimestampTz paysafe_audit_partition_month_end(TimestampTz at);

/* Does logical replication write into the log? */
extern bool paysafe_audit_partition_is_replicated(void);

/* Make what is missing of the coming months; see paysafe.extend_audit. */
extern void paysafe_audit_partition_ensure(void);

#endif							/* PAYSAFE_AUDIT_PARTITION_H */
