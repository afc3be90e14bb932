/*-------------------------------------------------------------------------
 *
 * archive.c
 *	  A month of the audit log moves to another tablespace.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_tablespace_d.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "evidence/audit_partition.h"
#include "evidence/retention/payload.h"
#include "evidence/retention/retention.h"
#include "evidence/retention/rewrite.h"
#include "redact/redact.h"
#include "store/partition.h"
#include "store/run_as_owner.h"

/* The month, which has ended; 22023 if there is none. */
static const OwnPartition *
month_of(DateADT day)
{
	TimestampTz lower = DATE_NOT_FINITE(day) ? DT_NOEND : (TimestampTz) day * USECS_PER_DAY;
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_list())
	{
		const OwnPartition *partition = lfirst(lc);

		if (!partition->is_default && partition->lower == lower &&
			partition->upper <= GetCurrentTimestamp())
			return partition;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no month of the audit log that has ended begins on that day"),
			 errhint("Name the first day of the month.")));
	return NULL;
}

/* The tablespace, in which the caller may create. */
static Oid
tablespace_of(const char *name)
{
	Oid			oid = get_tablespace_oid(name, false);

	if (oid == GLOBALTABLESPACE_OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only shared relations can be placed in pg_global tablespace")));
	if (!DatumGetBool(OidFunctionCall2(F_HAS_TABLESPACE_PRIVILEGE_OID_TEXT, ObjectIdGetDatum(oid),
									   CStringGetTextDatum("CREATE"))))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLESPACE, name);
	return oid;
}

static void
judge_row(Datum *values, bool *nulls, void *arg)
{
	PayloadJudge *judge = arg;

	paysafe_payload_check(judge, paysafe_payload_table(judge, values), values, nulls);
}

static void
keep_row(Datum *values, bool *nulls, void *arg)
{
}

static void
move_indexes(Oid relid, const char *tablespace)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *indexes = list_copy(RelationGetIndexList(rel));
	ListCell   *lc;

	table_close(rel, NoLock);
	foreach(lc, indexes)
		paysafe_run_as_owner(psprintf("ALTER INDEX paysafe.%s SET TABLESPACE %s",
									  quote_identifier(get_rel_name(lfirst_oid(lc))),
									  quote_identifier(tablespace)));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_archive);

/*
 * archive(month date, tablespace name, reason text) returns boolean: false if it is
 * proposed only
 */
Datum
paysafe_archive(PG_FUNCTION_ARGS)
{
	const OwnPartition *month;
	char	   *tablespace;
	char	   *reason;
	char	   *name;
	Oid			oid;
	Oid			copy;

	paysafe_argument_required(fcinfo, 0, "month");
	paysafe_argument_required(fcinfo, 1, "tablespace");
	reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 2, "reason", "moving a month of the audit log"));
	tablespace = pstrdup(NameStr(*PG_GETARG_NAME(1)));
	month = month_of(PG_GETARG_DATEADT(0));
	oid = tablespace_of(tablespace);
	name = get_rel_name(month->relid);
	if (!paysafe_retention_authorize(psprintf("move %s to tablespace %s", name, quote_identifier(tablespace)), reason,
									 "moving a month of the audit log needs the approval of a second person"))
		PG_RETURN_BOOL(false);
	paysafe_retention_lock();
	paysafe_rewrite_lock(month->relid);
	paysafe_rewrite_visit(month->relid, judge_row, paysafe_payload_judge());
	copy = paysafe_rewrite_copy(month->relid, oid, keep_row, NULL);
	paysafe_rewrite_swap(month->relid, copy);
	move_indexes(month->relid, tablespace);
	paysafe_retention_add(&(RetentionRecord)
						  {
							  .id = paysafe_retention_next_id(), .action = "archive", .table = psprintf("paysafe.%s", name),
							  .lower = month->lower, .upper = month->upper, .tablespace = tablespace,
							  .rows = -1, .reason = reason
						  });
	PG_RETURN_BOOL(true);
}
