/*-------------------------------------------------------------------------
 *
 * validate.c
 *	  Looking at the rows of a table beside those who write to it.
 *
 * Once a declaration has committed, every change meets the rule: what breaks it was there
 * before, and can be looked for under a lock that keeps only other declarations away.  A row
 * that is changed meanwhile may look wrong, because what it was is compared with what is
 * known of it now; such rows are looked at again at the end, while nobody writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/accepted.h"
#include "engine/declare.h"
#include "engine/validate.h"
#include "store/catalog.h"

#define SAMPLE_MS	50			/* how long an estimate reads, at most, of each table */

void
paysafe_validate_lock(Oid relid)
{
	paysafe_declare_check_owner(relid);
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	(void) find_all_inheritors(relid, ShareUpdateExclusiveLock, NULL);
	paysafe_declare_check_owner(relid);
}

void
paysafe_validate_look(const RuleSource *rule, ExistingReport *report)
{
	report->beside_writers = !rule->kind->keeps_books;
	if (!report->beside_writers)
		paysafe_declare_lock(rule->relation);
	if (OidIsValid(rule->reference) && report->beside_writers)
	{
		LockRelationOid(rule->reference, AccessShareLock);
		(void) find_all_inheritors(rule->reference, AccessShareLock, NULL);
	}
	else if (OidIsValid(rule->reference))
		paysafe_declare_lock(rule->reference);
	paysafe_existing_look(rule->relation, rule->name, report);
	if (report->misfit)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rule \"%s\" does not fit table \"%s\" any more", rule->name, get_rel_name(rule->relation)),
				 errhint("paysafe.check() says why.")));
}

/* SQL-callable functions */

static int64
validate_rule(const RuleSource *rule)
{
	ExistingReport report = {0};

	paysafe_validate_look(rule, &report);
	paysafe_existing_tell(&report, ERROR);
	if (report.faults > 0)
		return report.rows;		/* of a rule that is only observed */
	paysafe_accepted_end_others(rule->relation, rule->name, report.accepted);
	if (rule->unvalidated)
		paysafe_declare_validated(rule);
	return report.rows;
}

PG_FUNCTION_INFO_V1(paysafe_validate_rows);

/*
 * validate_rows(relation, rule) returns bigint: how many rows were looked at
 */
Datum
paysafe_validate_rows(PG_FUNCTION_ARGS)
{
	Oid			relid;
	char	   *name = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		found = name == NULL;
	int64		rows = 0;
	ListCell   *lc;

	paysafe_argument_required(fcinfo, 0, "relation");
	relid = PG_GETARG_OID(0);
	paysafe_validate_lock(relid);
	foreach(lc, paysafe_rule_sources(relid))
	{
		const RuleSource *rule = lfirst(lc);

		if (rule->relation != relid || (name != NULL && strcmp(name, rule->name) != 0))
			continue;
		found = true;
		rows += validate_rule(rule);
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no rule \"%s\"", get_rel_name(relid), name),
				 errhint("The view paysafe.protection lists the rules in force.")));
	PG_RETURN_INT64(rows);
}

PG_FUNCTION_INFO_V1(paysafe_declaration_cost);

/* Reading some of the table: microseconds a page, and rows a page. */
static void
sample_table(Relation rel, double *us, double *rows)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	BlockNumber block = InvalidBlockNumber;
	instr_time	start;
	instr_time	now;
	int64		nrows = 0;
	int64		nblocks = 0;
	double		spent = 0;

	INSTR_TIME_SET_CURRENT(start);
	while (spent < SAMPLE_MS && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		nrows++;
		if (block == ItemPointerGetBlockNumber(&slot->tts_tid))
			continue;
		block = ItemPointerGetBlockNumber(&slot->tts_tid);
		nblocks++;
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, start);
		spent = INSTR_TIME_GET_MILLISEC(now);
	}
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	*us = INSTR_TIME_GET_MILLISEC(now) * 1000 / Max(nblocks, 1);
	*rows = (double) nrows / Max(nblocks, 1);
}

static void
put_table(ReturnSetInfo *rsinfo, Relation rel)
{
	double		blocks = RelationGetNumberOfBlocks(rel);
	double		us;
	double		rows;
	Interval   *about = palloc0(sizeof(Interval));
	Datum		values[5];
	bool		nulls[5] = {0};

	sample_table(rel, &us, &rows);
	about->time = (TimeOffset) (blocks * us);
	values[0] = ObjectIdGetDatum(RelationGetRelid(rel));
	values[1] = CStringGetTextDatum("ShareRowExclusiveLock");
	values[2] = Int64GetDatum((int64) (blocks * rows));
	values[3] = Int64GetDatum((int64) blocks * BLCKSZ);
	values[4] = IntervalPGetDatum(about);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * declaration_cost(relation) returns setof record: what a declaration locks, and about how
 * long reading it takes
 */
Datum
paysafe_declaration_cost(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ListCell   *lc;

	paysafe_declare_check_owner(relid);
	LockRelationOid(relid, AccessShareLock);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
			put_table((ReturnSetInfo *) fcinfo->resultinfo, rel);
		table_close(rel, NoLock);
	}
	return (Datum) 0;
}
