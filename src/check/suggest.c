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

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "compat.h"
#include "engine/rule.h"
#include "engine/status_names.h"
#include "engine/triggers.h"
#include "store/catalog.h"
#include "values/row_key.h"
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

/* How the values of a status are said. */
typedef struct Words
{
	bool		is_point;		/* whether there is one */
	char	   *called;			/* what a value is called in another table, with a place for it; or NULL */
} Words;

/* A value as text. */
static char *
words_of(const char *value, const Words *words)
{
	if (words->is_point)
		return psprintf("CASE WHEN %s IS NULL THEN 'unset' ELSE 'set' END", value);
	if (words->called != NULL)
		value = psprintf("coalesce((%s %s), %s)", words->called, value, value);
	return psprintf("coalesce(%s, 'NULL')", value);
}

/* The name of a status in the table that the column refers to, by its key as text. */
static char *
called_in(Oid relid, const char *column, const char *name)
{
	AttrNumber	key = InvalidAttrNumber;
	Oid			table = paysafe_status_names_table(relid, get_attnum(relid, column), &key);
	Relation	rel;

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" refers to no table of statuses", column)));
	rel = open_table(table);
	(void) paysafe_catalog_column(rel, name);
	table_close(rel, AccessShareLock);
	return psprintf("SELECT c.%s::pg_catalog.text FROM %s c WHERE c.%s::pg_catalog.text OPERATOR(pg_catalog.=)",
					quote_identifier(name), paysafe_catalog_table_name(table),
					quote_identifier(get_attname(table, key, false)));
}

static char *
column_words(Oid relid, const char *column, const Words *words)
{
	Relation	rel = open_table(relid);

	(void) paysafe_catalog_column(rel, column);
	table_close(rel, AccessShareLock);
	return words_of(psprintf("h.%s::pg_catalog.text", quote_identifier(column)), words);
}

/* The rows as they are: the same status twice. */
static void
add_present(ReturnSetInfo *result, Oid relid, const char *column, const Words *words)
{
	add_query(result, psprintf("SELECT m.s, m.s, pg_catalog.count(*) FROM (SELECT %s AS s FROM %s h) m"
							   " GROUP BY m.s ORDER BY 3 DESC, 1 LIMIT %d",
							   column_words(relid, column, words), paysafe_catalog_table_name(relid), MAX_STATUSES));
}

/* What the audit log has of the table, if it is audited and the caller may read it. */
static void
add_audited(ReturnSetInfo *result, Oid relid, const char *column, const Words *words)
{
	RuleSource	audit;
	bool		removed;
	Oid			log = get_relname_relid("audit_log", get_rel_namespace(paysafe_catalog_table(PAYSAFE_RULE)));
	char	   *status = quote_literal_cstr(column);

	if (!paysafe_rule_newest(relid, "audit", &audit, &removed) ||
		pg_class_aclcheck(log, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return;
	add_query(result, psprintf("SELECT m.f, m.t, pg_catalog.count(*) FROM ("
							   "SELECT CASE l.op WHEN 'UPDATE' THEN %s END AS f, %s AS t FROM paysafe.audit_log l"
							   " WHERE l.subject = %s AND l.op IN ('INSERT', 'UPDATE') AND l.after ? %s) m"
							   " WHERE m.f IS DISTINCT FROM m.t GROUP BY m.f, m.t LIMIT %d",
							   words_of(psprintf("(l.before ->> %s)", status), words),
							   words_of(psprintf("(l.after ->> %s)", status), words),
							   quote_literal_cstr(paysafe_spec_text(audit.spec, "subject")), status,
							   MAX_STATUSES * MAX_STATUSES));
}

/* A table of the application's with one row for each status that a row got, in an order. */
static void
add_history(ReturnSetInfo *result, Oid history, const char *key, const char *status, const char *order,
			const Words *words)
{
	add_query(result, psprintf("SELECT m.f, m.t, pg_catalog.count(*) FROM ("
							   "SELECT pg_catalog.lag(x.t) OVER (PARTITION BY x.k ORDER BY x.o) AS f, x.t FROM ("
							   "SELECT %s AS k, %s AS t, h.%s AS o FROM %s h) x) m"
							   " WHERE m.f IS DISTINCT FROM m.t GROUP BY m.f, m.t LIMIT %d",
							   column_words(history, key, &(Words) {0}), column_words(history, status, words), quote_identifier(order),
							   paysafe_catalog_table_name(history), MAX_STATUSES * MAX_STATUSES));
}

/* A history may say "set" and "unset" itself, as text. */
static bool
is_text(Oid relid, const char *column)
{
	char		category;
	bool		preferred;
	Relation	rel = open_table(relid);
	Oid			typid = TupleDescAttr(RelationGetDescr(rel), paysafe_catalog_column(rel, column) - 1)->atttypid;

	table_close(rel, AccessShareLock);
	get_type_category_preferred(typid, &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

/* What each declaration asks of a table, whatever its kind. */
static void
check_table(void *arg)
{
	Oid			relid = *(Oid *) arg;
	Relation	rel = relation_open(relid, AccessShareLock);
	ListCell   *lc;

	paysafe_triggers_check_table(rel, true);
	relation_close(rel, NoLock);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		rel = relation_open(lfirst_oid(lc), NoLock);
		paysafe_triggers_check_table(rel, lfirst_oid(lc) == relid);
		paysafe_triggers_check_rewrites(rel);
		paysafe_row_key_check(rel);
		relation_close(rel, NoLock);
	}
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_check_suggestible);

/*
 * check_suggestible(relation) returns boolean: false, with a notice, if no rule at all can
 * be declared on it
 */
Datum
paysafe_check_suggestible(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ErrorData  *error;

	if (get_rel_relkind(relid) == '\0')
		PG_RETURN_BOOL(false);
	error = paysafe_attempt_error(check_table, &relid);
	if (error == NULL)
		PG_RETURN_BOOL(true);
	ereport(NOTICE,
			(errmsg("nothing is suggested: %s", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0));
	PG_RETURN_BOOL(false);
}

PG_FUNCTION_INFO_V1(paysafe_seen_statuses);

/*
 * seen_statuses(relation, status_column, history, history_key, history_status,
 *				 history_order, status_path) returns table (from_status text, to_status text, n bigint)
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
	Words		words = {0};
	Words		history_words;

	for (int i = 0; i < (has_history ? 6 : 2); i++)
	{
		paysafe_argument_required(fcinfo, i, names[i]);
		columns[i] = i == 0 || i == 2 ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(i)));
	}
	rel = open_table(PG_GETARG_OID(0));
	paysafe_status_value_state_column(rel, columns[1], &status);
	table_close(rel, AccessShareLock);
	words.is_point = status.type == STATUS_PRESENCE;
	if (!PG_ARGISNULL(6) && !words.is_point)
		words.called = called_in(PG_GETARG_OID(0), columns[1], NameStr(*PG_GETARG_NAME(6)));
	InitMaterializedSRF(fcinfo, 0);
	add_present(result, PG_GETARG_OID(0), columns[1], &words);
	history_words = words;
	if (has_history)
	{
		/* which may say the words itself */
		history_words.is_point &= !is_text(PG_GETARG_OID(2), columns[4]);
		add_history(result, PG_GETARG_OID(2), columns[3], columns[4], columns[5], &history_words);
	}
	else
		add_audited(result, PG_GETARG_OID(0), columns[1], &words);
	PG_RETURN_NULL();
}
