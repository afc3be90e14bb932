/*-------------------------------------------------------------------------
 *
 * audit_partition.c
 *	  The monthly partitions of the audit log.
 *
 * Writers go straight to the partition for the current time, found once and
 * remembered with its bounds.  Partitions are made two years ahead whenever a
 * rule is declared, and by paysafe.extend_audit; a default partition takes
 * what no month covers, so that nothing is lost.  They are no members of the
 * extension: pg_dump dumps them, their rows, indexes and triggers as ordinary
 * tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/partition.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/catalog.h"
#include "core/compat.h"
#include "core/declare.h"
#include "core/key.h"
#include "evidence/audit_partition.h"

/* The partition written last, with its bounds [lower, upper). */
static struct
{
	Oid			parent;
	Oid			relid;
	TimestampTz lower;
	TimestampTz upper;
}			partition;

static void
forget_partition(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == partition.relid || relid == partition.parent)
		partition.relid = InvalidOid;
}

Oid
paysafe_audit_partition_for(TimestampTz at)
{
	Relation	rel;
	PartitionDesc desc;
	PartitionKey key;
	PartitionBoundInfo bounds;
	Datum		value = TimestampTzGetDatum(at);
	bool		equal;
	int			offset;
	int			index;

	if (likely(OidIsValid(partition.relid) && at >= partition.lower && at < partition.upper))
		return partition.relid;

	partition.parent = paysafe_catalog_table(PAYSAFE_AUDIT_ROW);
	rel = table_open(partition.parent, AccessShareLock);
	key = RelationGetPartitionKey(rel);
	desc = RelationGetPartitionDesc(rel, true);
	bounds = desc->boundinfo;
	if (bounds == NULL)
		index = -1;
	else
	{
		offset = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
											   bounds, 1, &value, &equal);
		index = bounds->indexes[offset + 1];
		partition.lower = PG_INT64_MAX;
		partition.upper = PG_INT64_MIN;
		if (index >= 0 && offset >= 0 && offset + 1 < bounds->ndatums &&
			bounds->kind[offset][0] == PARTITION_RANGE_DATUM_VALUE &&
			bounds->kind[offset + 1][0] == PARTITION_RANGE_DATUM_VALUE)
		{
			partition.lower = DatumGetTimestampTz(bounds->datums[offset][0]);
			partition.upper = DatumGetTimestampTz(bounds->datums[offset + 1][0]);
		}
		if (index < 0)
			index = bounds->default_index;
	}
	if (index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log has no partition for the current time"),
				 errdetail("A change that cannot be recorded is refused."),
				 errhint("Run SELECT paysafe.extend_audit();")));
	partition.relid = desc->oids[index];
	table_close(rel, AccessShareLock);
	return partition.relid;
}

#define AUDIT_MONTHS_AHEAD 24

static char *
month_name(int year, int month)
{
	return psprintf("audit_%04d_%02d", year, month);
}

static void
current_month(TimestampTz at, int *year, int *month)
{
	struct pg_tm tm;
	fsec_t		fsec;

	/* the months are those of UTC */
	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	*year = tm.tm_year;
	*month = tm.tm_mon;
}

static void
protect_own_table(const char *table)
{
	paysafe_declare_run(psprintf("CREATE TRIGGER paysafe_own BEFORE INSERT OR UPDATE OR DELETE ON paysafe.%s FOR EACH ROW EXECUTE FUNCTION paysafe.own_table()", table));
	paysafe_declare_run(psprintf("ALTER TABLE paysafe.%s ENABLE ALWAYS TRIGGER paysafe_own", table));
	paysafe_declare_run(psprintf("CREATE TRIGGER paysafe_own_truncate BEFORE TRUNCATE ON paysafe.%s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.own_table()", table));
	paysafe_declare_run(psprintf("ALTER TABLE paysafe.%s ENABLE ALWAYS TRIGGER paysafe_own_truncate", table));
}

static void
create_partition(const char *name, const char *bounds)
{
	/*
	 * Made first and attached then, because CREATE TABLE ... PARTITION OF
	 * would lock readers of the log out until the transaction ends.  VACUUM
	 * comes after so many rows however large the table is: it has little to
	 * do, freezes them once and for all, and fills the index in.
	 */
	paysafe_declare_run(psprintf("CREATE TABLE paysafe.%s (LIKE paysafe.audit_row INCLUDING ALL)"
								 " WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, autovacuum_freeze_min_age = 0)", name));

	/*
	 * For paysafe.history.  Adding to a btree would cost a writer as much as
	 * hashing the row; a range of blocks and what keys may be in it costs
	 * next to nothing, as long as the range is not summarized before it is
	 * full: so not by the writers (autosummarize), and not the first range,
	 * which CREATE INDEX does.  0.12 of what fits into a block in theory is
	 * more than do: no row is that small.
	 */
	paysafe_declare_run(psprintf("CREATE INDEX %s_key ON paysafe.%s"
								 " USING brin (key text_bloom_ops (n_distinct_per_range = -0.12, false_positive_rate = 0.001))"
								 " WITH (pages_per_range = 64)", name, name));
	paysafe_declare_run(psprintf("SELECT brin_desummarize_range('paysafe.%s_key', 0)", name));
	protect_own_table(name);
	paysafe_declare_run(psprintf("ALTER TABLE paysafe.audit_row ATTACH PARTITION paysafe.%s %s", name, bounds));
}

/* Rows of the default partition are newer than this, or -infinity if none. */
static TimestampTz
newest_in_default(void)
{
	TimestampTz newest = DT_NOBEGIN;
	Oid			relid = get_relname_relid("audit_default",
										  get_rel_namespace(paysafe_catalog_table(PAYSAFE_AUDIT_ROW)));
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot = paysafe_scan_snapshot();
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;

		newest = Max(newest, DatumGetTimestampTz(slot_getattr(slot, 1, &isnull)));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return newest;
}

/*
 * Make what is missing of the default partition and the monthly ones from the
 * current month on.  Returns how many were made.
 */
static int
extend_partitions(int months)
{
	Oid			schema = get_rel_namespace(paysafe_catalog_table(PAYSAFE_AUDIT_ROW));
	int			year;
	int			month;
	int			made = 0;
	int			occupied_year = 0;
	int			occupied_month = 0;
	bool		locked = false;

	if (creating_extension)
		elog(ERROR, "partitions of the audit log must not become members of the extension");
	current_month(GetCurrentTimestamp(), &year, &month);
	for (int i = -1; i <= months; i++)
	{
		char	   *name = i < 0 ? "audit_default" : month_name(year, month);
		int			next_year = month == 12 ? year + 1 : year;
		int			next_month = month == 12 ? 1 : month + 1;

		if (!OidIsValid(get_relname_relid(name, schema)))
		{
			if (!locked)
			{
				/* one session at a time; then look again */
				LockRelationOid(paysafe_catalog_table(PAYSAFE_AUDIT_ROW), ShareUpdateExclusiveLock);
				locked = true;
				if (i >= 0)
				{
					TimestampTz newest = newest_in_default();

					if (newest != DT_NOBEGIN)
						current_month(newest, &occupied_year, &occupied_month);
				}
			}
			if (!OidIsValid(get_relname_relid(name, schema)))
			{
				if (i < 0)
				{
					create_partition(name, "DEFAULT");
					made++;
				}
				else if (year * 12 + month > occupied_year * 12 + occupied_month)
				{
					create_partition(name,
									 psprintf("FOR VALUES FROM ('%04d-%02d-01 00:00:00+00') TO ('%04d-%02d-01 00:00:00+00')",
											  year, month, next_year, next_month));
					made++;
				}
			}
		}
		if (i >= 0)
		{
			year = next_year;
			month = next_month;
		}
	}
	return made;
}

void
paysafe_audit_partition_ensure(void)
{
	(void) extend_partitions(AUDIT_MONTHS_AHEAD);
}

void
paysafe_audit_partition_init(void)
{
	CacheRegisterRelcacheCallback(forget_partition, (Datum) 0);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_extend_audit);

/*
 * extend_audit(months int) returns int: how many partitions were made
 */
Datum
paysafe_extend_audit(PG_FUNCTION_ARGS)
{
	int32		months = PG_GETARG_INT32(0);

	if (months < 1 || months > 1200)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and 1200", "months")));
	PG_RETURN_INT32(extend_partitions(months));
}
