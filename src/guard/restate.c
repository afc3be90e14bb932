/*-------------------------------------------------------------------------
 *
 * restate.c
 *	  Rows that a statement in a maintenance window has rewritten.
 *
 * ALTER COLUMN ... TYPE ... USING changes rows without a trigger, and so does ALTER
 * TYPE of a composite type that columns are made of.  Each row is
 * recorded as an update that changes nothing: the audit log then has what it
 * said before, in its last image, and what it says now, which is what reconcile
 * compares the table with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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
#include "guard/restate.h"
#include "guard/statements.h"
#include "guard/types.h"
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
