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
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/scan.h"
#include "engine/accepted.h"
#include "engine/declare.h"
#include "engine/validate.h"
#include "engine/validate_part.h"
#include "redact/redact.h"
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
	report->in_force = true;
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

/*
 * Look at what is left of the rule's tables, or (blocks > 0) at the next so many blocks.
 * *more: something is left after that.
 */
static int64
validate_rule(const RuleSource *rule, int64 blocks, bool *more)
{
	ExistingReport report = {0};
	PartsLeft	left = {.last = true};
	bool		in_parts = paysafe_validate_part_is_possible(rule);

	*more = false;
	if (in_parts)
	{
		report.snapshot = paysafe_scan_snapshot();
		paysafe_validate_part_left(rule, blocks, &left);
		report.parts = left.parts;
	}
	/* where nothing is left, there is nothing to look at */
	if (!in_parts || left.parts != NIL)
		paysafe_validate_look(rule, &report);
	if (in_parts)
		UnregisterSnapshot(report.snapshot);
	paysafe_existing_tell(&report, ERROR);
	if (report.faults > 0)
		return report.rows;		/* of a rule that is only observed */
	*more = !left.last;
	if (*more)
	{
		paysafe_validate_part_done(rule, linitial(left.parts), report.accepted);
		return report.rows;
	}
	paysafe_accepted_end_others(rule->relation, rule->name, list_concat(report.accepted, left.accepted));
	if (rule->unvalidated)
		paysafe_declare_validated(rule);
	if (in_parts)
		paysafe_validate_part_forget(rule->relation, rule->name);
	return report.rows;
}

/*
 * The table has no such rule.  Where those of another one hold for it, nothing is looked at,
 * which must not look like rows that are right; where there is none at all, none is wrong.
 */
static void
no_rule(Oid relid, const char *name)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	const char *declared_on = NULL;
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relid))
	{
		const RuleSource *rule = lfirst(lc);

		if (list_member_oid(ancestors, rule->relation) && (name == NULL || strcmp(name, rule->name) == 0))
			declared_on = paysafe_catalog_table_name(rule->relation);
	}
	if (name == NULL && declared_on == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(name == NULL ? "table \"%s\" has no rule" : "table \"%s\" has no rule \"%s\"",
					get_rel_name(relid), paysafe_redact_string(name)),
			 declared_on != NULL ? errhint("It has those of \"%s\": call it for that.", declared_on) :
			 errhint("The view paysafe.protection lists the rules in force.")));
}

/* The rules of the table, or the one of this name; raises 22023 if it has none. */
static int64
validate_table(Oid relid, const char *name, int64 blocks, bool *more)
{
	bool		found = false;
	int64		rows = 0;
	ListCell   *lc;

	*more = false;
	paysafe_validate_lock(relid);
	foreach(lc, paysafe_rule_sources(relid))
	{
		const RuleSource *rule = lfirst(lc);

		if (rule->relation != relid || (name != NULL && strcmp(name, rule->name) != 0))
			continue;
		found = true;
		/* in parts, what has been looked at need not be again */
		if (blocks > 0 && !rule->unvalidated)
			continue;
		rows += validate_rule(rule, blocks, more);
		if (*more)
			return rows;
	}
	if (!found)
		no_rule(relid, name);
	return rows;
}

PG_FUNCTION_INFO_V1(paysafe_validate_rows);

/*
 * validate_rows(relation, rule) returns bigint: how many rows were looked at
 */
Datum
paysafe_validate_rows(PG_FUNCTION_ARGS)
{
	bool		more;

	paysafe_argument_required(fcinfo, 0, "relation");
	PG_RETURN_INT64(validate_table(PG_GETARG_OID(0),
								   PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)), 0, &more));
}

PG_FUNCTION_INFO_V1(paysafe_validate_in_parts);

/*
 * validate_in_parts(relation, rule, blocks): the same, each part in a transaction of its own
 */
Datum
paysafe_validate_in_parts(PG_FUNCTION_ARGS)
{
	const CallContext *call = (const CallContext *) fcinfo->context;
	char	   *name;
	Oid			relid;
	int64		blocks;
	bool		more = true;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 2, "blocks");
	relid = PG_GETARG_OID(0);
	blocks = PG_GETARG_INT64(2);
	if (blocks < 1 || blocks > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and %u", "blocks", MaxBlockNumber)));
	if (call == NULL || !IsA(call, CallContext) || call->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("paysafe.validate_in_parts commits each part"),
				 errhint("Call it as a statement of its own, outside of a transaction block; within one, call paysafe.validate_rows.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	name = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	while (more)
	{
		CHECK_FOR_INTERRUPTS();
		(void) validate_table(relid, name, blocks, &more);
		if (more)
			SPI_commit();
		/* the next transaction has none yet */
		EnsurePortalSnapshotExists();
	}
	SPI_finish();
	PG_RETURN_VOID();
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
