/*-------------------------------------------------------------------------
 *
 * partition.h
 *	  Own tables whose rows are partitioned by time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PARTITION_H
#define PAYSAFE_PARTITION_H

#include "datatype/timestamp.h"

#include "store/catalog.h"

/*
 * How a table is partitioned; one constant for each.  Its first column is the
 * partition key, a timestamptz.  Partitions are called PREFIX_YYYY_MM or
 * PREFIX_YYYY_MM_DD after their first day in UTC; PREFIX_default takes what no
 * period covers.
 */
typedef struct OwnPartitions
{
	PaysafeTable parent;
	const char *prefix;
	int			days;			/* length of a period; 0: calendar months */
	const char *options;		/* storage parameters, or NULL */
	const char *const *statements;	/* run for each new one, its name for %s; NULL ends */
} OwnPartitions;

/*
 * The partition for a time.  Remembered: cheap as long as times stay in one
 * period.  Raises 55000 if there is none, not even a default one.
 */
extern Oid	paysafe_partition_for(const OwnPartitions *how, TimestampTz at);

/* When the period of a partition begins that was found last for its table; false: the default one. */
extern bool paysafe_partition_lower(PaysafeTable parent, Oid relid, TimestampTz *lower);

/* All partitions, the default one too; AccessShareLock on the parent. */
extern List *paysafe_partition_all(const OwnPartitions *how);

/* One of them: [lower, upper); the default one has no bounds. */
typedef struct OwnPartition
{
	Oid			relid;
	bool		is_default;
	TimestampTz lower;
	TimestampTz upper;
} OwnPartition;

/* The same with their bounds, the default one first, then by time: of OwnPartition. */
extern List *paysafe_partition_list(const OwnPartitions *how);

/* The end of the period that has the time. */
extern TimestampTz paysafe_partition_period_end(const OwnPartitions *how, TimestampTz at);

/*
 * Make what is missing of the default partition and of so many periods from the
 * current one on; returns how many were made.  Readers and writers go on.
 */
extern int	paysafe_partition_extend(const OwnPartitions *how, int periods);

/*
 * Remove what lies before the time: partitions whose period ended before it are
 * dropped, unless something in it is needed; returns how many.  Rows of the default
 * partition go one by one by the same measure, so that they do not stay for ever.
 * Takes AccessExclusiveLock on the parent for as long as the transaction lasts if
 * something is dropped, and ShareUpdateExclusiveLock on the default partition.
 */
typedef bool (*PartitionNeeded) (TimestampTz lower, TimestampTz upper, void *arg);
extern int	paysafe_partition_expire(const OwnPartitions *how, TimestampTz before,
									 PartitionNeeded needed, void *arg);

extern void paysafe_partition_init(void);

#endif							/* PAYSAFE_PARTITION_H */
