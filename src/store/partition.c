/*-------------------------------------------------------------------------
 *
 * partition.c
 *	  Own tables whose rows are partitioned by time.
 *
 * Writers go straight to the partition for a time, found once and remembered with
 * its bounds.  Partitions are made ahead; a default partition takes what no period
 * covers, so that nothing is lost.  They are no members of the extension: pg_dump
 * dumps them, their rows, indexes and triggers as ordinary tables.  The parent has
 * neither index nor trigger, or a restored partition would get them twice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/partition.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/invalidation.h"
#include "base/scan.h"
#include "store/catalog.h"
#include "store/partition.h"
#include "store/run_as_owner.h"

/* The partition of a table found last, with its bounds [lower, upper). */
typedef struct Found
{
	Oid			parent;
	Oid			relid;
	TimestampTz lower;
	TimestampTz upper;
} Found;

static Found found[PAYSAFE_NTABLES];

static void
forget_partitions(Datum arg, Oid relid)
{
	for (int i = 0; i < PAYSAFE_NTABLES; i++)
		if (!OidIsValid(relid) || relid == found[i].relid || relid == found[i].parent)
			found[i].relid = InvalidOid;
}

/* The bounds of the range between two datums of the parent's; false if not both are finite. */
static bool
range_bounds(PartitionBoundInfo bounds, int offset, TimestampTz *lower, TimestampTz *upper)
{
	if (offset < 0 || offset + 1 >= bounds->ndatums ||
		bounds->kind[offset][0] != PARTITION_RANGE_DATUM_VALUE ||
		bounds->kind[offset + 1][0] != PARTITION_RANGE_DATUM_VALUE)
		return false;
	*lower = DatumGetTimestampTz(bounds->datums[offset][0]);
	*upper = DatumGetTimestampTz(bounds->datums[offset + 1][0]);
	return true;
}

Oid
paysafe_partition_for(const OwnPartitions *how, TimestampTz at)
{
	Found	   *last = &found[how->parent];
	Relation	rel;
	PartitionDesc desc;
	PartitionKey key;
	PartitionBoundInfo bounds;
	Datum		value = TimestampTzGetDatum(at);
	bool		equal;
	int			index = -1;

	if (likely(OidIsValid(last->relid) && at >= last->lower && at < last->upper))
		return last->relid;

	last->parent = paysafe_catalog_table(how->parent);
	last->lower = PG_INT64_MAX;
	last->upper = PG_INT64_MIN;
	rel = table_open(last->parent, AccessShareLock);
	key = RelationGetPartitionKey(rel);
	desc = RelationGetPartitionDesc(rel, true);
	bounds = desc->boundinfo;
	if (bounds != NULL)
	{
		int			offset = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
														   bounds, 1, &value, &equal);

		index = bounds->indexes[offset + 1];
		if (index >= 0)
			(void) range_bounds(bounds, offset, &last->lower, &last->upper);
		else
			index = bounds->default_index;
	}
	if (index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("paysafe.%s has no partition for the current time", RelationGetRelationName(rel)),
				 errdetail("A change that cannot be recorded is refused."),
				 how->parent == PAYSAFE_AUDIT_ROW ? errhint("Run SELECT paysafe.extend_audit();") : 0));
	last->relid = desc->oids[index];
	table_close(rel, AccessShareLock);
	return last->relid;
}

bool
paysafe_partition_lower(PaysafeTable parent, Oid relid, TimestampTz *lower)
{
	*lower = found[parent].lower;
	return found[parent].relid == relid && found[parent].lower < found[parent].upper;
}

List *
paysafe_partition_all(const OwnPartitions *how)
{
	Relation	rel = table_open(paysafe_catalog_table(how->parent), AccessShareLock);
	PartitionDesc desc = RelationGetPartitionDesc(rel, true);
	List	   *partitions = NIL;

	for (int i = 0; i < desc->nparts; i++)
		partitions = lappend_oid(partitions, desc->oids[i]);
	/* locked until commit, so that none of them is dropped meanwhile */
	table_close(rel, NoLock);
	return partitions;
}

static void
add_partition(List **list, Oid relid, bool is_default, TimestampTz lower, TimestampTz upper)
{
	OwnPartition *partition = palloc(sizeof(OwnPartition));

	*partition = (OwnPartition) {relid, is_default, lower, upper};
	*list = lappend(*list, partition);
}

List *
paysafe_partition_list(const OwnPartitions *how)
{
	Relation	rel = table_open(paysafe_catalog_table(how->parent), AccessShareLock);
	PartitionDesc desc = RelationGetPartitionDesc(rel, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	List	   *list = NIL;

	if (bounds != NULL && bounds->default_index >= 0)
		add_partition(&list, desc->oids[bounds->default_index], true, DT_NOBEGIN, DT_NOEND);
	for (int i = 0; bounds != NULL && i < bounds->ndatums; i++)
	{
		TimestampTz lower = DT_NOBEGIN;
		TimestampTz upper = DT_NOEND;

		if (bounds->indexes[i + 1] < 0)
			continue;
		(void) range_bounds(bounds, i, &lower, &upper);
		add_partition(&list, desc->oids[bounds->indexes[i + 1]], false, lower, upper);
	}
	/* locked until commit, so that none of them is dropped meanwhile */
	table_close(rel, NoLock);
	return list;
}

/* Periods, as days since 2000-01-01 in UTC */

static int
day_of(TimestampTz at)
{
	int64		day = at / USECS_PER_DAY;

	return (int) (at % USECS_PER_DAY < 0 ? day - 1 : day);
}

static void
date_of(int day, int *year, int *month, int *mday)
{
	j2date(day + POSTGRES_EPOCH_JDATE, year, month, mday);
}

/* The first day of the period that has this day, or of the next one. */
static int
period_start(const OwnPartitions *how, int day, bool next)
{
	int			year;
	int			month;
	int			mday;

	if (how->days > 0)
	{
		int			rest = day % how->days;

		return day - (rest < 0 ? rest + how->days : rest) + (next ? how->days : 0);
	}
	date_of(day, &year, &month, &mday);
	if (next && ++month > 12)
	{
		month = 1;
		year++;
	}
	return date2j(year, month, 1) - POSTGRES_EPOCH_JDATE;
}

TimestampTz
paysafe_partition_period_end(const OwnPartitions *how, TimestampTz at)
{
	return (TimestampTz) period_start(how, day_of(at), true) * USECS_PER_DAY;
}

static char *
date_text(int day)
{
	int			year;
	int			month;
	int			mday;

	date_of(day, &year, &month, &mday);
	return psprintf("%04d-%02d-%02d", year, month, mday);
}

static char *
partition_name(const OwnPartitions *how, int day)
{
	int			year;
	int			month;
	int			mday;

	date_of(day, &year, &month, &mday);
	return how->days > 0 ?
		psprintf("%s_%04d_%02d_%02d", how->prefix, year, month, mday) :
		psprintf("%s_%04d_%02d", how->prefix, year, month);
}

static void
protect_own_table(const char *table)
{
	paysafe_run_as_owner(psprintf("CREATE TRIGGER paysafe_own BEFORE INSERT OR UPDATE OR DELETE ON paysafe.%s FOR EACH ROW EXECUTE FUNCTION paysafe.own_table()", table));
	paysafe_run_as_owner(psprintf("ALTER TABLE paysafe.%s ENABLE ALWAYS TRIGGER paysafe_own", table));
	paysafe_run_as_owner(psprintf("CREATE TRIGGER paysafe_own_truncate BEFORE TRUNCATE ON paysafe.%s FOR EACH STATEMENT EXECUTE FUNCTION paysafe.own_table()", table));
	paysafe_run_as_owner(psprintf("ALTER TABLE paysafe.%s ENABLE ALWAYS TRIGGER paysafe_own_truncate", table));
}

/* The statement with each %s in it replaced by the partition's name. */
static char *
statement_for(const char *statement, const char *name)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *c = statement; *c != '\0'; c++)
		if (c[0] == '%' && c[1] == 's')
		{
			appendStringInfoString(&sql, name);
			c++;
		}
		else
			appendStringInfoChar(&sql, *c);
	return sql.data;
}

static void
create_partition(const OwnPartitions *how, const char *name, const char *bounds)
{
	const char *parent = get_rel_name(paysafe_catalog_table(how->parent));

	/*
	 * Made first and attached then, because CREATE TABLE ... PARTITION OF
	 * would lock readers out until the transaction ends.
	 */
	paysafe_run_as_owner(psprintf("CREATE TABLE paysafe.%s (LIKE paysafe.%s INCLUDING ALL)%s%s%s",
								 name, parent, how->options ? " WITH (" : "",
								 how->options ? how->options : "", how->options ? ")" : ""));
	for (int i = 0; how->statements != NULL && how->statements[i] != NULL; i++)
		paysafe_run_as_owner(statement_for(how->statements[i], name));
	protect_own_table(name);
	paysafe_run_as_owner(psprintf("ALTER TABLE paysafe.%s ATTACH PARTITION paysafe.%s %s",
								 parent, name, bounds));
}

/* Rows of the default partition are not newer than this; -infinity if there are none. */
static TimestampTz
newest_in_default(Oid relid)
{
	TimestampTz newest = DT_NOBEGIN;
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

int
paysafe_partition_extend(const OwnPartitions *how, int periods)
{
	Oid			parent = paysafe_catalog_table(how->parent);
	Oid			schema = get_rel_namespace(parent);
	int			start = period_start(how, day_of(GetCurrentTimestamp()), false);
	char	   *fallback = psprintf("%s_default", how->prefix);
	TimestampTz occupied = DT_NOBEGIN;
	int			made = 0;
	bool		locked = false;

	if (creating_extension)
		elog(ERROR, "partitions of own tables must not become members of the extension");
	for (int i = -1; i <= periods; i++)
	{
		char	   *name = i < 0 ? fallback : partition_name(how, start);
		int			next = i < 0 ? start : period_start(how, start, true);

		if (!OidIsValid(get_relname_relid(name, schema)))
		{
			if (!locked)
			{
				/* one session at a time; then look again */
				LockRelationOid(parent, ShareUpdateExclusiveLock);
				locked = true;
				if (i >= 0)
					occupied = newest_in_default(get_relname_relid(fallback, schema));
			}
			if (OidIsValid(get_relname_relid(name, schema)))
				 /* somebody else made it */ ;
			else if (i < 0)
			{
				create_partition(how, name, "DEFAULT");
				made++;
			}
			/* what the default partition already has stays its own */
			else if ((TimestampTz) start * USECS_PER_DAY > occupied)
			{
				create_partition(how, name,
								 psprintf("FOR VALUES FROM ('%s 00:00:00+00') TO ('%s 00:00:00+00')",
										  date_text(start), date_text(next)));
				made++;
			}
		}
		start = next;
	}
	return made;
}

/*
 * Rows of the default partition.  Nothing is seen of rows that others add meanwhile:
 * those are new.
 */
static void
expire_default(Oid relid, TimestampTz before, PartitionNeeded needed, void *arg)
{
	/* one session at a time: a row that two delete is an error */
	Relation	rel = table_open(relid, ShareUpdateExclusiveLock);
	Snapshot	snapshot = paysafe_scan_snapshot();
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		TimestampTz at = DatumGetTimestampTz(slot_getattr(slot, 1, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (at < before && (needed == NULL || !needed(at, at + 1, arg)))
			simple_table_tuple_delete(rel, &slot->tts_tid, snapshot);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
}

int
paysafe_partition_expire(const OwnPartitions *how, TimestampTz before,
						 PartitionNeeded needed, void *arg)
{
	Oid			parent = paysafe_catalog_table(how->parent);
	Relation	rel = table_open(parent, AccessShareLock);
	PartitionDesc desc = RelationGetPartitionDesc(rel, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	Oid			fallback = InvalidOid;
	List	   *names = NIL;
	ListCell   *lc;

	for (int i = 0; bounds != NULL && i < bounds->ndatums; i++)
	{
		TimestampTz lower;
		TimestampTz upper;

		if (bounds->indexes[i + 1] >= 0 && range_bounds(bounds, i, &lower, &upper) &&
			upper <= before && (needed == NULL || !needed(lower, upper, arg)))
			names = lappend(names, get_rel_name(desc->oids[bounds->indexes[i + 1]]));
	}
	if (bounds != NULL && bounds->default_index >= 0)
		fallback = desc->oids[bounds->default_index];
	table_close(rel, NoLock);
	foreach(lc, names)
		paysafe_run_as_owner(psprintf("DROP TABLE paysafe.%s", quote_identifier(lfirst(lc))));
	if (OidIsValid(fallback))
		expire_default(fallback, before, needed, arg);
	/* what was in the way of new partitions is not seen any more */
	CommandCounterIncrement();
	return list_length(names);
}

void
paysafe_partition_init(void)
{
	paysafe_invalidation_register(forget_partitions);
}
