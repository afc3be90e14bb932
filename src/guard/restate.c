/*-------------------------------------------------------------------------
 *
 * restate.c
 *	  Rows that a statement has given other values, without a trigger.
 *
 * ALTER COLUMN ... TYPE ... USING changes rows without a trigger, and so does ALTER
 * TYPE of a composite type that columns are made of.  Each row is
 * recorded as an update that changes nothing: the audit log then has what it
 * said before, in its last image, and what it says now, which is what reconcile
 * compares the table with.  A column that is added with a default gives every row a
 * value: that, too, is on record, in one row of the log where PostgreSQL stores it once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "engine/rule.h"
#include "evidence/audit_log.h"
#include "guard/facts.h"
#include "guard/restate.h"
#include "guard/statements.h"
#include "guard/types.h"
#include "rules/audit.h"
#include "rules/kinds.h"
#include "store/catalog.h"

static void
record_rows(Relation rel, const RelationRules *rules, const Rule *audit)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe restate",
												  ALLOCSET_DEFAULT_SIZES);
	Snapshot	snapshot = paysafe_scan_snapshot();
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	RowChange	change = {
		.rel = rel, .rules = rules, .op = 'U', .before = slot, .after = slot,
		.command = GetCurrentCommandId(false)
	};

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		audit->kind->check_row(audit, &change);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	MemoryContextDelete(context);
}

/* Is this one of the columns that were added to the table? */
static bool
is_added(List *added, Oid relid, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, added)
		if (((AddedColumn *) lfirst(lc))->relid == relid && ((AddedColumn *) lfirst(lc))->attnum == attnum)
			return true;
	return false;
}

/* The row as it was without the added columns; false: they say nothing in it. */
static bool
take_away(Relation rel, TupleTableSlot *row, List *added, TupleTableSlot *before)
{
	int			natts = RelationGetDescr(rel)->natts;
	bool		filled = false;

	slot_getallattrs(row);
	ExecClearTuple(before);
	memcpy(before->tts_values, row->tts_values, sizeof(Datum) * natts);
	memcpy(before->tts_isnull, row->tts_isnull, sizeof(bool) * natts);
	for (int i = 0; i < natts; i++)
		if (is_added(added, RelationGetRelid(rel), i + 1))
		{
			filled |= !row->tts_isnull[i];
			before->tts_isnull[i] = true;
		}
	ExecStoreVirtualTuple(before);
	return filled;
}

/* The rows were written anew, each with a value of its own: each is recorded as an update. */
static void
record_filled(Relation rel, const RelationRules *rules, const Rule *audit, List *added)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe added column",
												  ALLOCSET_DEFAULT_SIZES);
	Snapshot	snapshot = paysafe_scan_snapshot();
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TupleTableSlot *before = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	RowChange	change = {
		.rel = rel, .rules = rules, .op = 'U', .before = before, .after = slot,
		.command = GetCurrentCommandId(false)
	};

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		if (take_away(rel, slot, added, before))
			paysafe_audit_record(audit, &change);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(before);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	MemoryContextDelete(context);
}

/* The rows are as they were, and read as if they had the value: it is recorded once, as it is stored. */
static void
record_default(Relation rel, const Rule *audit, List *added)
{
	TupleDesc	desc = RelationGetDescr(rel);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool		any = false;

	ExecStoreAllNullTuple(slot);
	for (int i = 0; i < desc->natts; i++)
		if (is_added(added, RelationGetRelid(rel), i + 1) && TupleDescAttr(desc, i)->atthasmissing)
		{
			slot->tts_values[i] = getmissingattr(desc, i + 1, &slot->tts_isnull[i]);
			any |= !slot->tts_isnull[i];
		}
	if (any && paysafe_facts_has_rows(audit->declared_on))
		paysafe_audit_record_columns(audit, slot);
	ExecDropSingleTupleTableSlot(slot);
}

static const Rule *
audit_of(const RelationRules *rules)
{
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_audit_kind)
			return &rules->rules[i];
	return NULL;
}

/* What a statement's new columns gave to rows that were there. */
static void
record_added(List *added)
{
	List	   *done = NIL;		/* tables that have been looked at, and trees whose default is recorded */
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, added)
	{
		const AddedColumn *column = lfirst(lc);
		const RelationRules *rules;
		const Rule *audit;
		Relation	rel;

		if (get_rel_relkind(column->relid) != RELKIND_RELATION || list_member_oid(done, column->relid))
			continue;
		rel = table_open(column->relid, AccessShareLock);
		rules = paysafe_rules_of(rel);
		audit = audit_of(rules);
		if (audit != NULL && column->file != paysafe_facts_file(column->relid))
			record_filled(rel, rules, audit, added);
		else if (audit != NULL && !(rel->rd_rel->relispartition && list_member_oid(done, audit->declared_on)))
		{
			record_default(rel, audit, added);
			done = lappend_oid(done, audit->declared_on);
		}
		done = lappend_oid(done, column->relid);
		table_close(rel, NoLock);
	}
	paysafe_audit_log_flush();
}

/* Record the rows of the table and what is below it, as far as they are audited. */
static void
restate_tree(Oid relid)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(relid))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		const RelationRules *rules = paysafe_rules_of(rel);

		for (int i = 0; rules != NULL && i < rules->nrules; i++)
			if (strcmp(rules->rules[i].kind->name, "audit") == 0)
				record_rows(rel, rules, &rules->rules[i]);
		table_close(rel, NoLock);
	}
}

void
paysafe_restate(const GuardFrame *frame)
{
	RangeVar   *range = NULL;
	Oid			relid;
	List	   *tables;
	ListCell   *lc;

	if (frame->added != NIL)
		record_added(frame->added);
	if (IsA(frame->statement, AlterTableStmt))
		range = ((AlterTableStmt *) frame->statement)->relation;
	else if (IsA(frame->statement, RenameStmt))
		range = ((RenameStmt *) frame->statement)->relation;
	if (range == NULL || !paysafe_catalog_present() ||
		!OidIsValid(relid = RangeVarGetRelid(range, NoLock, true)))
		return;
	CommandCounterIncrement();
	/* what is made of its row type is not told that the type has changed */
	tables = paysafe_types_tables(get_rel_type_id(relid), false);
	foreach(lc, tables)
		paysafe_rule_invalidate(lfirst_oid(lc));
	if (!OidIsValid(frame->permitted))
		return;
	CommandCounterIncrement();
	if (paysafe_guard_retypes(frame->statement))
		tables = list_append_unique_oid(tables, relid);
	foreach(lc, tables)
		restate_tree(lfirst_oid(lc));
}
