/*-------------------------------------------------------------------------
 *
 * suggest.c
 *	  What has happened to a status column, for whoever is to declare its machine.
 *
 * Runs with the caller's privileges and a search_path of its own (sql/check_suggest.sql),
 * and reads what the caller may read: the table as it is now, the audit log, or a history
 * that the application keeps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "compat.h"
#include "engine/rule.h"
#include "store/catalog.h"
#include "values/spec.h"
#include "values/status_value.h"

#define MAX_STATUSES	200		/* a column with more is none of a status */

/* The rows of a query of two texts and a number are added to the result. */
static void
add_query(ReturnSetInfo *result, const char *sql)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", sql);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[3];
		bool		nulls[3];

		for (int column = 0; column < 3; column++)
			values[column] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
										   column + 1, &nulls[column]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
}

static Relation
open_table(Oid relid)
{
	Relation	rel = try_table_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	return rel;
}

static char *
column_words(Oid relid, const char *column)
{
	Relation	rel = open_table(relid);

	(void) paysafe_catalog_column(rel, column);
	table_close(rel, AccessShareLock);
	return psprintf("coalesce(h.%s::pg_catalog.text, 'NULL')", quote_identifier(column));
}

/* The rows as they are: the same status twice. */
static void
add_present(ReturnSetInfo *result, Oid relid, const char *column)
{
	add_query(result, psprintf("SELECT m.s, m.s, pg_catalog.count(*) FROM (SELECT %s AS s FROM %s h) m"
							   " GROUP BY m.s ORDER BY 3 DESC, 1 LIMIT %d",
							   column_words(relid, column), paysafe_catalog_table_name(relid), MAX_STATUSES));
}

/* What the audit log has of the table, if it is audited and the caller may read it. */
static void
add_audited(ReturnSetInfo *result, Oid relid, const char *column)
{
	RuleSource	audit;
	bool		removed;
	Oid			log = get_relname_relid("audit_log", get_rel_namespace(paysafe_catalog_table(PAYSAFE_RULE)));
	char	   *status = quote_literal_cstr(column);

	if (!paysafe_rule_newest(relid, "audit", &audit, &removed) ||
		pg_class_aclcheck(log, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return;
	add_query(result, psprintf("SELECT m.f, m.t, pg_catalog.count(*) FROM ("
							   "SELECT CASE l.op WHEN 'UPDATE' THEN coalesce(l.before ->> %s, 'NULL') END AS f,"
							   " coalesce(l.after ->> %s, 'NULL') AS t FROM paysafe.audit_log l"
							   " WHERE l.subject = %s AND l.op IN ('INSERT', 'UPDATE') AND l.after ? %s) m"
							   " WHERE m.f IS DISTINCT FROM m.t GROUP BY m.f, m.t LIMIT %d",
							   status, status,
							   quote_literal_cstr(paysafe_spec_text(audit.spec, "subject")), status,
							   MAX_STATUSES * MAX_STATUSES));
}

/* A table of the application's with one row for each status that a row got, in an order. */
static void
add_history(ReturnSetInfo *result, Oid history, const char *key, const char *status, const char *order)
{
	add_query(result, psprintf("SELECT m.f, m.t, pg_catalog.count(*) FROM ("
							   "SELECT pg_catalog.lag(x.t) OVER (PARTITION BY x.k ORDER BY x.o) AS f, x.t FROM ("
							   "SELECT %s AS k, %s AS t, h.%s AS o FROM %s h) x) m"
							   " WHERE m.f IS DISTINCT FROM m.t GROUP BY m.f, m.t LIMIT %d",
							   column_words(history, key), column_words(history, status), quote_identifier(order),
							   paysafe_catalog_table_name(history), MAX_STATUSES * MAX_STATUSES));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_seen_statuses);

/*
 * seen_statuses(relation, status_column, history, history_key, history_status,
 *				 history_order) returns table (from_status text, to_status text, n bigint)
 */
Datum
paysafe_seen_statuses(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"relation", "status_column", "history", "history_key", "history_status", "history_order"
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		has_history = !PG_ARGISNULL(2);
	char	   *columns[6];
	Relation	rel;
	StatusColumn status;

	for (int i = 0; i < (has_history ? 6 : 2); i++)
	{
		paysafe_argument_required(fcinfo, i, names[i]);
		columns[i] = i == 0 || i == 2 ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(i)));
	}
	rel = open_table(PG_GETARG_OID(0));
	paysafe_status_value_column(rel, columns[1], &status);
	table_close(rel, AccessShareLock);
	InitMaterializedSRF(fcinfo, 0);
	add_present(result, PG_GETARG_OID(0), columns[1]);
	if (has_history)
		add_history(result, PG_GETARG_OID(2), columns[3], columns[4], columns[5]);
	else
		add_audited(result, PG_GETARG_OID(0), columns[1]);
	PG_RETURN_NULL();
}
