/*-------------------------------------------------------------------------
 *
 * check.c
 *	  Is every promise in force?  paysafe.check() and what it cannot read from
 *	  catalogs.
 *
 * check() asks its parts, functions in SQL, and compares the rows of each table,
 * one after the other in a subtransaction of its own.  An error in one is a row that
 * says so: it hides nothing of the others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "abuse/counter.h"
#include "base/attempt.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "compat.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "engine/status_names.h"
#include "evidence/alarm/alarm.h"
#include "evidence/refusal_queue.h"
#include "guard/hooks.h"
#include "guard/lockdown.h"
#include "guard/native.h"
#include "rules/ledger/ledger_kept.h"
#include "rules/refund/captures_kept.h"
#include "rules/refund/refund_kept.h"
#include "store/catalog.h"
#include "store/own_trigger.h"
#include "values/key_columns.h"
#include "values/money.h"
#include "values/spec.h"
#include "vault/keyring.h"

static void
put(ReturnSetInfo *result, const char *name, bool ok, const char *detail)
{
	Datum		values[3] = {CStringGetTextDatum(name), BoolGetDatum(ok), (Datum) 0};
	bool		nulls[3] = {false, false, detail == NULL};

	if (detail != NULL)
		values[2] = CStringGetTextDatum(detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_library_state);

/*
 * library_state() returns table (check_name text, ok boolean, detail text)
 */
Datum
paysafe_library_state(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *database = get_database_name(MyDatabaseId);
	char	   *missing;
	char	   *trouble;
	bool		bad;

	InitMaterializedSRF(fcinfo, 0);
	put(result, "library_version", true, PAYSAFE_VERSION);
	put(result, "library_preloaded", paysafe_hooks_guarding(),
		paysafe_hooks_guarding() ? NULL : "paysafe is not in shared_preload_libraries: nothing guards the triggers");
	missing = paysafe_hooks_missing();
	put(result, "hooks", missing == NULL, missing);
	trouble = paysafe_refusal_queue_trouble();
	put(result, "refusals_recorded", trouble == NULL, trouble);
	if (paysafe_counter_ready())
	{
		trouble = paysafe_counter_trouble();
		put(result, "limits_counted", trouble == NULL, trouble);
	}
	trouble = paysafe_alarm_trouble(&bad);
	put(result, "outcomes_judged", !bad, trouble);
	trouble = paysafe_alarm_worker_trouble();
	put(result, "alarm_worker", trouble == NULL, trouble);
	put(result, "superuser_lockdown", true,
		paysafe_lockdown_is_on() ? "on" : "off: superusers can load native code and reach the server's files");
	if (paysafe_lockdown_is_on())
		put(result, "lockdown_limits", true, paysafe_native_limits());
	put(result, "database_protected", true,
		paysafe_lockdown_lists_database(database) ? "it can be neither dropped nor renamed, closed nor given away" :
		"not in paysafe.protected_databases: its owner can drop or rename it");
	PG_RETURN_NULL();
}

/* Does PostgreSQL look for triggers of the table at all? */
static bool
has_triggers(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	result = ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Is it there?  The catalog is asked, not what this session remembers of the table:
 * whoever has written pg_trigger by SQL has told no session.
 */
static bool
has_own_trigger(Oid relid, OwnTrigger which)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (!has_triggers(relid))
		return false;
	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Trigger		trigger;

		paysafe_own_trigger_read(tuple, &trigger);
		found = paysafe_own_trigger_is(which, &trigger);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

PG_FUNCTION_INFO_V1(paysafe_trigger_trouble);

/*
 * trigger_trouble(relation, statement boolean) returns text: why our row trigger, or
 * our statement trigger, does not do its work; NULL if it does
 */
Datum
paysafe_trigger_trouble(PG_FUNCTION_ARGS)
{
	OwnTrigger	which = PG_GETARG_BOOL(1) ? OWN_STATEMENT_TRIGGER : OWN_ROW_TRIGGER;

	if (has_own_trigger(PG_GETARG_OID(0), which))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("the trigger \"%s\" is missing, altered or not ENABLE ALWAYS",
											  paysafe_own_trigger_name(which))));
}

static void
compile_rules(void *arg)
{
	Oid			relid = *(Oid *) arg;
	Relation	rel;
	RelationRules *rules;

	/* whoever has it locked may have it for long, and changes what is asked */
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another session has locked the table: it was not looked at")));
	rel = table_open(relid, NoLock);
	rules = paysafe_rules_of(rel);
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].trouble != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rule \"%s\", which is only observed, watches nothing: %s",
							rules->rules[i].name, rules->rules[i].trouble)));
	table_close(rel, NoLock);
}

static Datum
text_or_null(FunctionCallInfo fcinfo, const char *text)
{
	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

PG_FUNCTION_INFO_V1(paysafe_rule_trouble);

/*
 * rule_trouble(relation) returns text: why the rules of a table do not fit it
 * any more, so that every change is refused; NULL if they do
 */
Datum
paysafe_rule_trouble(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	return text_or_null(fcinfo, paysafe_attempt(compile_rules, &relid));
}

/* A rule whose statuses have names of another table. */
typedef struct Named
{
	Oid			relid;
	char	   *rule;
	char	   *trouble;
} Named;

static void
compare_names(void *arg)
{
	Named	   *named = arg;
	RuleSource	rule;
	bool		removed;

	if (paysafe_rule_newest(named->relid, named->rule, &rule, &removed) && !removed)
		named->trouble = paysafe_status_names_trouble(&rule);
}

PG_FUNCTION_INFO_V1(paysafe_status_trouble);

/*
 * status_trouble(relation, rule) returns text: how statuses are called otherwise by now than the
 * rule says; NULL if they are not
 */
Datum
paysafe_status_trouble(PG_FUNCTION_ARGS)
{
	Named		named = {.relid = PG_GETARG_OID(0), .rule = text_to_cstring(PG_GETARG_TEXT_PP(1))};
	char	   *error = paysafe_attempt(compare_names, &named);

	return text_or_null(fcinfo, error ? error : named.trouble);
}

/* Searching a table's rows for the rules of others. */
typedef struct Searched
{
	Oid			relid;
	StringInfoData words;		/* which indexes are missing, if any */
} Searched;

static void
find_unindexed(void *arg)
{
	Searched   *searched = arg;
	List	   *known = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, paysafe_rule_sources(searched->relid))
	{
		const RuleSource *rule = lfirst(lc);
		List	   *columns = rule->relation == searched->relid ? paysafe_spec_field_searched(rule, false) : NIL;

		if (rule->reference == searched->relid)
			columns = list_concat(columns, paysafe_spec_field_searched(rule, true));
		foreach(lc2, columns)
		{
			char	   *index = paysafe_key_columns_unindexed(searched->relid, lfirst(lc2));

			if (index == NULL || paysafe_strings_contain(known, index))
				continue;
			known = lappend(known, index);
			appendStringInfo(&searched->words, "%s%s", searched->words.len > 0 ? " " : "", index);
		}
	}
}

PG_FUNCTION_INFO_V1(paysafe_index_trouble);

/*
 * index_trouble(relation) returns text: indexes that a table lacks whose rows rules look
 * up; NULL if it has them all, or does not fit its rules, which rule_trouble says
 */
Datum
paysafe_index_trouble(PG_FUNCTION_ARGS)
{
	Searched	searched = {.relid = PG_GETARG_OID(0)};

	initStringInfo(&searched.words);
	(void) paysafe_attempt(find_unindexed, &searched);
	return text_or_null(fcinfo, searched.words.len > 0 ? searched.words.data : NULL);
}

/* Looking for sums that are not what is there. */
typedef struct Sums
{
	Oid			relid;
	const char *rule;			/* of refunds, of which a table may have several */
	void		(*check) (Oid relid, KeptFault fault, void *arg);
	const char *words;			/* of what they are */
	const char *whose;
	const char *verb;
	StringInfoData found;
} Sums;

static void
add_wrong(const char *payment, Numeric kept, Numeric exact, void *arg)
{
	Sums	   *sums = arg;

	if (sums->found.len > 0)
		appendStringInfoString(&sums->found, "; ");
	appendStringInfo(&sums->found, "%s of %s \"%s\" %s %s, and %s is kept", sums->words, sums->whose,
					 paysafe_refusal_value(payment), sums->verb,
					 paysafe_money_text(exact), paysafe_money_text(kept));
}

static void
find_wrong(void *arg)
{
	Sums	   *sums = arg;

	if (sums->rule != NULL)
		paysafe_refund_kept_check(sums->relid, sums->rule, add_wrong, sums);
	else
		sums->check(sums->relid, add_wrong, sums);
}

static Datum
sums_trouble(FunctionCallInfo fcinfo, Sums *sums)
{
	char	   *error;

	sums->relid = PG_GETARG_OID(0);
	initStringInfo(&sums->found);
	error = paysafe_attempt(find_wrong, sums);
	if (error != NULL)
		appendStringInfo(&sums->found, "%scannot be looked at: %s", sums->found.len > 0 ? "; " : "", error);
	return text_or_null(fcinfo, sums->found.len > 0 ? sums->found.data : NULL);
}

PG_FUNCTION_INFO_V1(paysafe_refund_trouble);

/*
 * refund_trouble(relation, rule) returns text: totals of refunds, kept so that they need not be
 * added up, that are less than what is there; NULL if there are none
 */
Datum
paysafe_refund_trouble(PG_FUNCTION_ARGS)
{
	return sums_trouble(fcinfo, &(Sums) {.rule = text_to_cstring(PG_GETARG_TEXT_PP(1)), .words = "refunds", .whose = "payment", .verb = "total"});
}

PG_FUNCTION_INFO_V1(paysafe_capture_trouble);

/*
 * capture_trouble(relation) returns text: the same of captures, whose sums are exact
 */
Datum
paysafe_capture_trouble(PG_FUNCTION_ARGS)
{
	return sums_trouble(fcinfo, &(Sums) {.check = paysafe_captures_kept_check, .words = "captures", .whose = "payment", .verb = "come to"});
}

PG_FUNCTION_INFO_V1(paysafe_entry_trouble);

/*
 * entry_trouble(relation) returns text: the same of entries, whose sums are at most what is there
 */
Datum
paysafe_entry_trouble(PG_FUNCTION_ARGS)
{
	return sums_trouble(fcinfo, &(Sums) {.check = paysafe_ledger_kept_check, .words = "entries", .whose = "account", .verb = "sum to"});
}

static void
unwrap_key(void *arg)
{
	int			id = *(int *) arg;

	if (!paysafe_keyring_knows(id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no key of that name is known")));
}

PG_FUNCTION_INFO_V1(paysafe_key_trouble);

/*
 * key_trouble(id int) returns text: why a data key cannot be used; NULL if it can
 */
Datum
paysafe_key_trouble(PG_FUNCTION_ARGS)
{
	int			id = PG_GETARG_INT32(0);

	return text_or_null(fcinfo, paysafe_attempt(unwrap_key, &id));
}

PG_FUNCTION_INFO_V1(paysafe_has_rows);

/*
 * has_rows(relation) returns boolean: of paysafe's own tables only, none partitioned
 */
Datum
paysafe_has_rows(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Snapshot	snapshot;
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		found;

	if (!paysafe_catalog_is_own(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation %u is not a table of paysafe's", relid)));
	rel = table_open(relid, AccessShareLock);
	snapshot = paysafe_scan_snapshot();
	scan = table_beginscan(rel, snapshot, 0, NULL);
	slot = table_slot_create(rel, NULL);
	found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	PG_RETURN_BOOL(found);
}

/* check() */

/* A query whose rows are rows of the result. */
typedef struct Part
{
	ReturnSetInfo *result;
	const char *query;
	Oid			relation;		/* its argument, or InvalidOid */
} Part;

static void
run_part(void *arg)
{
	Part	   *part = arg;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(part->relation)};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(part->query, OidIsValid(part->relation) ? 1 : 0, types, values,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run a part of check()");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		row[4];
		bool		nulls[4];

		for (int j = 0; j < 4; j++)
			row[j] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, j + 1, &nulls[j]);
		tuplestore_putvalues(part->result->setResult, part->result->setDesc, row, nulls);
	}
	SPI_finish();
}

static void
put_trouble(ReturnSetInfo *result, const char *subject, const char *check_name, const char *trouble)
{
	Datum		values[4];
	bool		nulls[4] = {0};

	values[0] = CStringGetTextDatum(subject);
	values[1] = CStringGetTextDatum(check_name);
	values[2] = BoolGetDatum(false);
	values[3] = CStringGetTextDatum(psprintf("it could not be looked at: %s", trouble));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
add_part(ReturnSetInfo *result, const char *subject, const char *check_name, const char *query,
		 Oid relation)
{
	Part		part = {.result = result, .query = query, .relation = relation};
	char	   *trouble = paysafe_attempt(run_part, &part);

	if (trouble != NULL)
		put_trouble(result, subject, check_name, trouble);
}

/* The roots of audited trees. */
static void
list_audited(void *arg)
{
	List	  **relations = arg;
	MemoryContext context = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute("SELECT t.relation::oid FROM paysafe.protected_table t JOIN pg_class c ON c.oid = t.relation"
					" WHERE t.audited AND t.relation = t.root", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list audited tables");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
														   SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(context);

		*relations = lappend_oid(*relations, relid);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

static const char rows_query[] =
"SELECT $1::regclass::text, 'rows', r.n = 0, r.findings FROM ("
" SELECT count(f.key) AS n,"
"        string_agg(concat('row ' || quote_literal(f.key) || ' ', f.finding), '; ') FILTER (WHERE f.nth <= 5) AS findings"
"   FROM (SELECT g.key, g.finding, row_number() OVER () AS nth FROM paysafe.reconcile($1) g) f) r"
" WHERE NOT EXISTS (SELECT 1 FROM paysafe.protected_table l JOIN pg_class c ON c.oid = l.relation"
"	WHERE l.root = $1 AND c.relkind = 'r' AND (l.relation = $1 OR c.relispartition)"
"	  AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = l.relation AND i.indisprimary))"
" UNION ALL"
" SELECT $1::regclass::text, 'rows', true, 'not compared: without a primary key they are not found in the log'"
"  WHERE EXISTS (SELECT 1 FROM paysafe.protected_table l JOIN pg_class c ON c.oid = l.relation"
"	WHERE l.root = $1 AND c.relkind = 'r' AND (l.relation = $1 OR c.relispartition)"
"	  AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = l.relation AND i.indisprimary))";

PG_FUNCTION_INFO_V1(paysafe_check);

/*
 * check(reconcile boolean) returns table (subject, check_name, ok, detail)
 */
Datum
paysafe_check(PG_FUNCTION_ARGS)
{
	static const char *const parts[] = {
		"library", "extension", "tables", "rules", "names", "settings", "roles",
		"partitions", "work", "seal"
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *audited = NIL;
	char	   *trouble;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < (int) lengthof(parts); i++)
		add_part(result, parts[i], "check",
				 psprintf("SELECT subject, check_name, ok, detail FROM paysafe.check_%s()", parts[i]),
				 InvalidOid);
	add_part(result, "own tables", "own_rows",
			 psprintf("SELECT subject, check_name, ok, detail FROM paysafe.check_own(%s)",
					  PG_GETARG_BOOL(0) ? "true" : "false"), InvalidOid);
	if (!PG_GETARG_BOOL(0))
		PG_RETURN_NULL();
	add_part(result, "books", "books", "SELECT subject, check_name, ok, detail FROM paysafe.check_books()", InvalidOid);
	trouble = paysafe_attempt(list_audited, &audited);
	foreach(lc, audited)
	{
		char	   *name = get_rel_name(lfirst_oid(lc));

		/* the name as the rows of other parts have it, if it is not dropped meanwhile */
		add_part(result, name ? paysafe_catalog_table_name(lfirst_oid(lc)) : "a dropped table",
				 "rows", rows_query, lfirst_oid(lc));
	}
	if (trouble != NULL)
		put_trouble(result, "tables", "rows", trouble);
	PG_RETURN_NULL();
}
