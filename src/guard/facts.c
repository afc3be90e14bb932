/*-------------------------------------------------------------------------
 *
 * facts.c
 *	  What the catalogs say, before and after a statement.
 *
 * The old row is still what catalog snapshots see while SnapshotSelf sees the
 * new one.  A table counts as protected when rules are in force for it and the
 * trigger that enforces them is there and ALWAYS: while pg_restore brings a
 * database back, it is not yet, and everything may be created in any order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/scan.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "guard/facts.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/own_trigger.h"
#include "values/row_key.h"

/* A copy of an object's row; a NULL snapshot shows it as it was before. */
HeapTuple
paysafe_facts_fetch(Oid class_id, Oid object_id, Snapshot snapshot)
{
	Relation	rel = table_open(class_id, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, get_object_attnum_oid(class_id), BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object_id));
	scan = systable_beginscan(rel, get_object_oid_index(class_id), true, snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tuple;
}

/* The row as the statement leaves it: NULL if it is gone. */
HeapTuple
paysafe_facts_fetch_new(const GuardEvent *event)
{
	return paysafe_facts_fetch(event->class_id, event->object_id, SnapshotSelf);
}

HeapTuple
paysafe_facts_fetch_any(const GuardEvent *event)
{
	HeapTuple	tuple = paysafe_facts_fetch_new(event);

	return tuple ? tuple : paysafe_facts_fetch(event->class_id, event->object_id, NULL);
}

/* The table that the object is, or belongs to, or none. */
Oid
paysafe_facts_relation_of(const GuardEvent *event)
{
	HeapTuple	tuple;

	switch (event->class_id)
	{
		case RelationRelationId:
		case InheritsRelationId:
			return event->object_id;
		case TriggerRelationId:
			tuple = paysafe_facts_fetch_any(event);
			return tuple ? ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid : InvalidOid;
		case RewriteRelationId:
			tuple = paysafe_facts_fetch_any(event);
			return tuple ? ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class : InvalidOid;
		case PolicyRelationId:
			tuple = paysafe_facts_fetch_any(event);
			return tuple ? ((Form_pg_policy) GETSTRUCT(tuple))->polrelid : InvalidOid;
		case ConstraintRelationId:
			tuple = paysafe_facts_fetch_any(event);
			return tuple ? ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid : InvalidOid;
	}
	return InvalidOid;
}

bool
paysafe_facts_trigger(const GuardEvent *event, Snapshot snapshot, Trigger *trigger)
{
	HeapTuple	tuple = paysafe_facts_fetch(TriggerRelationId, event->object_id, snapshot);

	if (tuple != NULL)
		paysafe_own_trigger_read(tuple, trigger);
	return tuple != NULL;
}

/* Has the table such a trigger? */
static bool
has_trigger(Oid relid, bool (*test) (const Trigger *trigger))
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Trigger		trigger;

		paysafe_own_trigger_read(tuple, &trigger);
		found = test(&trigger);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

bool
paysafe_facts_tree_has_trigger(Oid relid, bool (*test) (const Trigger *trigger))
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (has_trigger(lfirst_oid(lc), test))
			return true;
	return false;
}

bool
paysafe_facts_tree_has_rule(Oid relid)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		ScanKeyData key;
		SysScanDesc scan;

		ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(lfirst_oid(lc)));
		scan = systable_beginscan(rel, RewriteRelRulenameIndexId, true, NULL, 1, &key);
		found |= HeapTupleIsValid(systable_getnext(scan));
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	return found;
}

static bool
enforces(const Trigger *trigger)
{
	return paysafe_own_trigger_is(OWN_ROW_TRIGGER, trigger);
}

bool
paysafe_facts_is_protected(Oid relid)
{
	return relid >= FirstNormalObjectId && has_trigger(relid, enforces) &&
		paysafe_rule_sources(relid) != NIL;
}

bool
paysafe_facts_in_own_schema(Oid namespace_id)
{
	return OidIsValid(namespace_id) && namespace_id == paysafe_catalog_schema();
}

bool
paysafe_facts_is_own_relation(Oid relid)
{
	Oid			schema;

	if (relid < FirstNormalObjectId)
		return false;
	schema = get_rel_namespace(relid);
	if (!OidIsValid(schema))
	{
		HeapTuple	tuple = paysafe_facts_fetch(RelationRelationId, relid, SnapshotSelf);

		if (tuple != NULL)
			schema = ((Form_pg_class) GETSTRUCT(tuple))->relnamespace;
	}
	return paysafe_facts_in_own_schema(schema);
}

static char *
column_name(const GuardEvent *event)
{
	return get_attname(event->object_id, event->sub_id, true);
}

/*
 * Is the column behind a rule of its table?  Where all columns are, one that no
 * rule names counts for nothing before there are rows.
 */
bool
paysafe_facts_is_ruled_column(const GuardEvent *event)
{
	char	   *name = column_name(event);
	List	   *sources = paysafe_rule_sources(event->object_id);

	return name != NULL && paysafe_spec_field_uses_column(sources, event->object_id, name) &&
		(paysafe_spec_field_names_column(sources, event->object_id, name) ||
		 paysafe_facts_has_rows(event->object_id));
}

bool
paysafe_facts_is_judged_column(Oid relid, const char *name)
{
	return paysafe_spec_field_judges_column(paysafe_rule_sources(relid), relid, name);
}

/* Are all these columns behind rules?  Zero stands for an expression. */
bool
paysafe_facts_are_ruled_columns(Oid relid, const int16 *attnums, int n)
{
	List	   *sources = paysafe_rule_sources(relid);

	for (int i = 0; i < n; i++)
	{
		char	   *name = attnums[i] > 0 ? get_attname(relid, attnums[i], true) : NULL;

		if (name == NULL || !paysafe_spec_field_uses_column(sources, relid, name))
			return false;
	}
	return n > 0;
}

/* A copy of a column's row, before or after. */
HeapTuple
paysafe_facts_fetch_column(const GuardEvent *event, Snapshot snapshot)
{
	Relation	rel = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(event->object_id));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ,
				Int16GetDatum(event->sub_id));
	scan = systable_beginscan(rel, AttributeRelidNumIndexId, true, snapshot, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tuple;
}

/* Is each key column of a, a unique index without conditions, among those of b? */
static bool
implies_key(HeapTuple tuple, Form_pg_index b)
{
	Form_pg_index a = (Form_pg_index) GETSTRUCT(tuple);

	if (a->indexrelid == b->indexrelid || !a->indisunique || !a->indisvalid || !a->indislive ||
		!a->indimmediate || (b->indnullsnotdistinct && !a->indisprimary) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL))
		return false;
	for (int i = 0; i < a->indnkeyatts; i++)
	{
		bool		found = false;

		for (int j = 0; j < b->indnkeyatts; j++)
			found |= a->indkey.values[i] == b->indkey.values[j];
		if (!found)
			return false;
	}
	return true;
}

bool
paysafe_facts_is_wider_key(Form_pg_index index)
{
	Relation	rel = table_open(index->indrelid, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		found |= implies_key(tuple, index);
		ReleaseSysCache(tuple);
	}
	table_close(rel, AccessShareLock);
	return found;
}

/* Have both rows of pg_index the same in a column of OIDs? */
static bool
same_oids(HeapTuple a, HeapTuple b, AttrNumber attnum)
{
	bool		isnull;
	oidvector  *oids_a = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, a, attnum, &isnull));
	oidvector  *oids_b = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, b, attnum, &isnull));

	return oids_a->dim1 == oids_b->dim1 &&
		memcmp(oids_a->values, oids_b->values, sizeof(Oid) * oids_a->dim1) == 0;
}

/* Is the index of this name over the same columns, and compares them alike? */
static bool
is_same_index(HeapTuple primary, const char *name)
{
	Form_pg_index now = (Form_pg_index) GETSTRUCT(primary);
	Oid			index = get_relname_relid(name, get_rel_namespace(now->indrelid));
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index then;
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;
	then = (Form_pg_index) GETSTRUCT(tuple);
	same = then->indrelid == now->indrelid && then->indisunique && then->indisvalid &&
		then->indisready && then->indislive && then->indnkeyatts == now->indnkeyatts &&
		memcmp(then->indkey.values, now->indkey.values, sizeof(int16) * now->indnkeyatts) == 0 &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
		same_oids(tuple, primary, Anum_pg_index_indclass) &&
		same_oids(tuple, primary, Anum_pg_index_indcollation);
	ReleaseSysCache(tuple);
	return same;
}

bool
paysafe_facts_is_same_key(HeapTuple primary, const Constraint *instead)
{
	Form_pg_index now = (Form_pg_index) GETSTRUCT(primary);
	ListCell   *lc;

	if (instead->deferrable && now->indimmediate)
		return false;
	if (instead->indexname != NULL)
		return is_same_index(primary, instead->indexname);
	if (list_length(instead->keys) != now->indnkeyatts)
		return false;
	foreach(lc, instead->keys)
		if (get_attnum(now->indrelid, strVal(lfirst(lc))) != now->indkey.values[foreach_current_index(lc)])
			return false;
	return true;
}

List *
paysafe_facts_shadowed(const char *name)
{
	bool		after_temporary = false;
	ListCell   *lc;

	foreach(lc, fetch_search_path(true))
	{
		Oid			relid;

		if (isTempNamespace(lfirst_oid(lc)))
		{
			after_temporary = true;
			continue;
		}
		relid = get_relname_relid(name, lfirst_oid(lc));
		if (OidIsValid(relid))
			return after_temporary && paysafe_facts_is_protected(relid) ? list_make1_oid(relid) : NIL;
	}
	return NIL;
}

bool
paysafe_facts_has_rows(Oid relid)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	bool		found = false;
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(relid))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

		found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		table_close(rel, NoLock);
		if (found)
			break;
	}
	UnregisterSnapshot(snapshot);
	return found;
}

/* Is the child's inheritance from the parent there after the statement? */
bool
paysafe_facts_inherits_now(Oid child, Oid parent)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(child));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, SnapshotSelf, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent == parent;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

bool
paysafe_facts_joins(const GuardEvent *event)
{
	char		relkind;

	if (event->action != GUARD_ALTER || event->class_id != InheritsRelationId)
		return false;
	relkind = get_rel_relkind(event->auxiliary);
	return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		paysafe_facts_inherits_now(event->object_id, event->auxiliary) &&
		paysafe_facts_is_protected(event->auxiliary) &&
		!paysafe_facts_is_protected(event->object_id);
}

/* The file that the table's rows are in: another one after it is rewritten. */
Oid
paysafe_facts_file(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			result = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* Would its joining the parent change by which columns the tree's rows are known? */
bool
paysafe_facts_changes_key(Oid child, Oid parent)
{
	return get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE &&
		paysafe_row_key_changes_with(parent, child);
}

/* Does a protected table, or a part of one, lie in the schema? */
bool
paysafe_facts_has_protected_table(Oid namespace_id)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_relations())
	{
		ListCell   *child;

		if (get_rel_relkind(lfirst_oid(lc)) == '\0')
			continue;
		foreach(child, find_all_inheritors(lfirst_oid(lc), NoLock, NULL))
			if (get_rel_namespace(lfirst_oid(child)) == namespace_id &&
				paysafe_facts_is_protected(lfirst_oid(child)))
				return true;
	}
	return false;
}

/*
 * A table of ours that is no member of the extension, or its row type: a
 * partition of the audit log.  Until paysafe works in this database, pg_restore may bring it back.
 */
bool
paysafe_facts_is_being_restored(Oid class_id, Oid object_id)
{
	return paysafe_store_is_empty(PAYSAFE_ACTIVATION) &&
		getExtensionOfObject(class_id, object_id) != paysafe_catalog_extension();
}
