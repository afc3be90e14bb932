/*-------------------------------------------------------------------------
 *
 * audit_partition.c
 *	  The monthly partitions of the audit log.
 *
 * They are made two years ahead whenever a rule is declared, by
 * paysafe.extend_audit, and by the worker of services/expiry.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_subscription_rel.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "evidence/audit_key.h"
#include "evidence/audit_partition.h"
#include "store/catalog.h"
#include "store/partition.h"

#define AUDIT_MONTHS_AHEAD 24

/*
 * For queries of paysafe.audit_log by key or time; history has an index of its own
 * (reading/index.c).  Adding to a btree would cost a writer as much as hashing
 * the row; a range of blocks and what keys may be in it costs next to nothing, as
 * long as the range is not summarized before it is full: so not by the writers
 * (autosummarize), and not the first range, which CREATE INDEX does.  0.12 of what
 * fits into a block in theory is more than do: no row is that small.
 *
 * The one on xid is for whoever seals the log (seal/seal_rows.c).
 *
 * ANALYZE takes no values of what may have to be forgotten: they would stay in its statistics
 * when the rows' payloads have left.
 */
static const char *const statements[] = {
	"ALTER TABLE paysafe.%s ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN context SET STATISTICS 0,"
	" ALTER COLUMN after SET STATISTICS 0, ALTER COLUMN before SET STATISTICS 0",
	"CREATE INDEX %s_key ON paysafe.%s"
	" USING brin (key text_bloom_ops (n_distinct_per_range = -0.12, false_positive_rate = 0.001),"
	" at timestamptz_minmax_ops)"
	" WITH (pages_per_range = 64)",
	"SELECT brin_desummarize_range('paysafe.%s_key', 0)",
	"CREATE INDEX %s_xid ON paysafe.%s"
	" USING brin (xid paysafe.xid8_minmax_ops) WITH (pages_per_range = 64)",
	"SELECT brin_desummarize_range('paysafe.%s_xid', 0)",
	NULL
};

/*
 * VACUUM comes after so many rows however large the table is: it has little to do,
 * freezes them once and for all, and fills the index in.  It does not give blocks at the
 * end back, whose numbers the index of reading/index.c has.
 */
static const OwnPartitions months = {
	.parent = PAYSAFE_AUDIT_ROW,
	.prefix = "audit",
	.options = "vacuum_truncate = off, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, autovacuum_freeze_min_age = 0",
	.statements = statements
};

Oid
paysafe_audit_partition_for(TimestampTz at)
{
	return paysafe_partition_for(&months, at);
}

void
paysafe_audit_partition_ensure(void)
{
	(void) paysafe_partition_extend(&months, AUDIT_MONTHS_AHEAD);
	paysafe_audit_key_ensure(paysafe_partition_list(&months));
}

List *
paysafe_audit_partition_all(void)
{
	return paysafe_partition_all(&months);
}

List *
paysafe_audit_partition_list(void)
{
	return paysafe_partition_list(&months);
}

TimestampTz
paysafe_audit_partition_month_end(TimestampTz at)
{
	return paysafe_partition_period_end(&months, at);
}

bool
paysafe_audit_partition_is_replicated(void)
{
	Relation	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	List	   *partitions = paysafe_audit_partition_all();
	Oid			parent = paysafe_catalog_table(PAYSAFE_AUDIT_ROW);
	bool		result = false;
	HeapTuple	tuple;

	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			relid = ((Form_pg_subscription_rel) GETSTRUCT(tuple))->srrelid;

		result = relid == parent || list_member_oid(partitions, relid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_extend_audit);

/*
 * extend_audit(months int) returns int: how many partitions were made
 */
Datum
paysafe_extend_audit(PG_FUNCTION_ARGS)
{
	int32		n = PG_GETARG_INT32(0);
	int			made;

	if (n < 1 || n > 1200)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and 1200", "months")));
	made = paysafe_partition_extend(&months, n);
	paysafe_audit_key_ensure(paysafe_partition_list(&months));
	PG_RETURN_INT32(made);
}
