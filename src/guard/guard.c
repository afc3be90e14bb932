/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  The policy: what weakens a rule is refused, everything else is allowed.
 *
 * A list of classes, each a plain predicate with its reason.  A predicate looks
 * at facts wherever there are any: an ALTER is judged by what it changes in the
 * catalog, whatever statement, cascade or function led to it, because the old
 * row is still what catalog snapshots see while SnapshotSelf sees the new one.
 * Where the catalog cannot tell (USING expressions, DETACH CONCURRENTLY, enum
 * labels), the statements under way are looked at.
 *
 * A table counts as protected when rules are in force for it and the trigger
 * that enforces them is there and ALWAYS: while pg_restore brings a database
 * back, it is not yet, and everything may be created in any order.
 *
 * Rows of protected tables are not the guard's business: the triggers judge
 * them, also those that arrive where no hook sees them (logical replication).
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
#include "catalog/pg_cast.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "engine/enforce.h"
#include "engine/rule.h"
#include "engine/triggers.h"
#include "guard/guard.h"
#include "guard/maintenance.h"
#include "guard/statements.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Facts */

/* A copy of an object's row; a NULL snapshot shows it as it was before. */
static HeapTuple
fetch(Oid class_id, Oid object_id, Snapshot snapshot)
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
static HeapTuple
fetch_new(const GuardEvent *event)
{
	return fetch(event->class_id, event->object_id, SnapshotSelf);
}

static HeapTuple
fetch_any(const GuardEvent *event)
{
	HeapTuple	tuple = fetch_new(event);

	return tuple ? tuple : fetch(event->class_id, event->object_id, NULL);
}

/* The table that the object is, or belongs to, or none. */
static Oid
relation_of(const GuardEvent *event)
{
	HeapTuple	tuple;

	switch (event->class_id)
	{
		case RelationRelationId:
		case InheritsRelationId:
			return event->object_id;
		case TriggerRelationId:
			tuple = fetch_any(event);
			return tuple ? ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid : InvalidOid;
		case RewriteRelationId:
			tuple = fetch_any(event);
			return tuple ? ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class : InvalidOid;
		case PolicyRelationId:
			tuple = fetch_any(event);
			return tuple ? ((Form_pg_policy) GETSTRUCT(tuple))->polrelid : InvalidOid;
		case ConstraintRelationId:
			tuple = fetch_any(event);
			return tuple ? ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid : InvalidOid;
	}
	return InvalidOid;
}

/* Does the table carry our row trigger, enabled for whatever writes? */
static bool
is_enforced(Oid relid)
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
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		found = form->tgfoid == paysafe_catalog_enforce_function() &&
			form->tgenabled == TRIGGER_FIRES_ALWAYS;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

bool
paysafe_guard_is_protected(Oid relid)
{
	return relid >= FirstNormalObjectId && is_enforced(relid) &&
		paysafe_rule_sources(relid) != NIL;
}

static bool
in_own_schema(Oid namespace_id)
{
	return OidIsValid(namespace_id) && namespace_id == paysafe_catalog_schema();
}

static bool
is_own_relation(Oid relid)
{
	Oid			schema;

	if (relid < FirstNormalObjectId)
		return false;
	schema = get_rel_namespace(relid);
	if (!OidIsValid(schema))
	{
		HeapTuple	tuple = fetch(RelationRelationId, relid, SnapshotSelf);

		if (tuple != NULL)
			schema = ((Form_pg_class) GETSTRUCT(tuple))->relnamespace;
	}
	return in_own_schema(schema);
}

/* Does the trigger call a function of ours? */
static bool
is_own_trigger(HeapTuple trigger)
{
	Oid			function = ((Form_pg_trigger) GETSTRUCT(trigger))->tgfoid;

	return function == paysafe_catalog_enforce_function() ||
		function == paysafe_catalog_statement_function();
}

static char *
column_name(const GuardEvent *event)
{
	return get_attname(event->object_id, event->sub_id, true);
}

/* Is the column behind a rule of its table? */
static bool
is_ruled_column(const GuardEvent *event)
{
	char	   *name = column_name(event);

	return name != NULL &&
		paysafe_rule_uses_column(paysafe_rule_sources(event->object_id), event->object_id, name);
}

/* Are all these columns behind rules?  Zero stands for an expression. */
static bool
are_ruled_columns(Oid relid, const int16 *attnums, int n)
{
	List	   *sources = paysafe_rule_sources(relid);

	for (int i = 0; i < n; i++)
	{
		char	   *name = attnums[i] > 0 ? get_attname(relid, attnums[i], true) : NULL;

		if (name == NULL || !paysafe_rule_uses_column(sources, relid, name))
			return false;
	}
	return n > 0;
}

/* A copy of a column's row, before or after. */
static HeapTuple
fetch_column(const GuardEvent *event, Snapshot snapshot)
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

/*
 * Would each value be the same after a change to this type?  Only types that
 * come with PostgreSQL: whose casts nobody can replace.
 */
static bool
is_widening(Form_pg_attribute before, Form_pg_attribute after, Retyping how)
{
	Oid			from = before->atttypid;
	Oid			to = after->atttypid;

	if (from >= FirstNormalObjectId || to >= FirstNormalObjectId ||
		!can_coerce_type(1, &from, &to, COERCION_IMPLICIT))
		return false;
	if (after->atttypmod < 0 || (from == to && before->atttypmod == after->atttypmod))
		return true;
	switch (to)
	{
		case VARCHAROID:		/* too long: an assignment fails, a cast cuts */
			return how != RETYPED_CAST ||
				(from == VARCHAROID && before->atttypmod >= 0 &&
				 before->atttypmod <= after->atttypmod);
		case NUMERICOID:
			return from == NUMERICOID && before->atttypmod >= 0 &&
				((after->atttypmod - VARHDRSZ) & 0x7ff) >= ((before->atttypmod - VARHDRSZ) & 0x7ff);
	}
	return false;
}

static bool
has_rows(Oid relid)
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
static bool
inherits_now(Oid child, Oid parent)
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

/* Does a rule depend on a column of this type, or of a domain over it? */
static bool
is_ruled_type(Oid type)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_relations())
	{
		Oid			relid = lfirst_oid(lc);
		List	   *sources;
		Relation	rel;
		bool		found = false;

		if (get_rel_relkind(relid) == '\0' || !paysafe_guard_is_protected(relid))
			continue;
		sources = paysafe_rule_sources(relid);
		rel = table_open(relid, AccessShareLock);
		for (int i = 0; i < RelationGetDescr(rel)->natts && !found; i++)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

			found = !att->attisdropped && getBaseType(att->atttypid) == type &&
				paysafe_rule_uses_column(sources, relid, NameStr(att->attname));
		}
		table_close(rel, AccessShareLock);
		if (found)
			return true;
	}
	return false;
}

/* Does a protected table, or a part of one, lie in the schema? */
static bool
has_protected_table(Oid namespace_id)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_relations())
	{
		ListCell   *child;

		if (get_rel_relkind(lfirst_oid(lc)) == '\0')
			continue;
		foreach(child, find_all_inheritors(lfirst_oid(lc), NoLock, NULL))
			if (get_rel_namespace(lfirst_oid(child)) == namespace_id &&
				paysafe_guard_is_protected(lfirst_oid(child)))
				return true;
	}
	return false;
}

/* The classes */

/*
 * A table of ours that is no member of the extension, or its row type: a
 * partition of the audit log.  Until paysafe works in this database, pg_restore may bring it back.
 */
static bool
is_being_restored(Oid class_id, Oid object_id)
{
	return paysafe_store_is_empty(PAYSAFE_ACTIVATION) &&
		getExtensionOfObject(class_id, object_id) != paysafe_catalog_extension();
}

/* The extension's own objects, whoever wants to touch them. */
static bool
refuses_own_object(GuardEvent *event)
{
	HeapTuple	tuple;

	/* their own triggers look after rows; upkeep changes nothing */
	if (event->action == GUARD_WRITE || event->action == GUARD_TRUNCATE ||
		paysafe_guard_frame_is_upkeep(event->frame))
		return false;
	if (OidIsValid(event->relation) &&
		(is_own_relation(event->relation) ||
		 (event->class_id == InheritsRelationId && is_own_relation(event->auxiliary))))
		return !is_being_restored(RelationRelationId, event->relation);
	switch (event->class_id)
	{
		case NamespaceRelationId:
			return in_own_schema(event->object_id);
		case ExtensionRelationId:
			return event->object_id == paysafe_catalog_extension();
		case ProcedureRelationId:
			tuple = fetch_any(event);
			return tuple && in_own_schema(((Form_pg_proc) GETSTRUCT(tuple))->pronamespace);
		case TypeRelationId:
			tuple = fetch_any(event);
			return tuple && in_own_schema(((Form_pg_type) GETSTRUCT(tuple))->typnamespace) &&
				!is_being_restored(TypeRelationId, event->object_id);
	}
	return false;
}

/* Rows of catalogs, written by SQL. */
static bool
refuses_catalog_write(GuardEvent *event)
{
	return event->action == GUARD_WRITE && IsCatalogRelationOid(event->relation);
}

/* Functions, types and tables that come with PostgreSQL. */
static bool
refuses_builtin(GuardEvent *event)
{
	if (event->object_id >= FirstNormalObjectId || creating_extension)
		return OidIsValid(event->relation) && event->relation < FirstNormalObjectId &&
			event->action == GUARD_CREATE &&
			(event->class_id == TriggerRelationId || event->class_id == RewriteRelationId ||
			 event->class_id == PolicyRelationId);
	switch (event->class_id)
	{
		case ProcedureRelationId:
		case OperatorRelationId:
		case CastRelationId:
		case TypeRelationId:
			return true;
		case RelationRelationId:
			if (event->action == GUARD_DROP)
				return true;
			return event->action == GUARD_ALTER && event->sub_id != 0;
	}
	return false;
}

static bool
refuses_drop(GuardEvent *event)
{
	char		relkind;

	if (event->action != GUARD_DROP)
		return false;
	/* its triggers are dropped before it, and then it would not look protected */
	if (event->class_id == TriggerRelationId && paysafe_guard_frame_removes_table(event->frame))
	{
		HeapTuple	tuple = fetch(TriggerRelationId, event->object_id, NULL);

		return tuple != NULL && is_own_trigger(tuple) &&
			paysafe_guard_is_protected(event->relation);
	}
	if (event->class_id != RelationRelationId || event->sub_id != 0)
		return false;
	relkind = get_rel_relkind(event->object_id);
	return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		paysafe_guard_is_protected(event->object_id);
}

/* What a table is: its name, schema, owner, persistence, storage. */
static bool
refuses_identity(GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_class before;
	Form_pg_class after;

	if (event->action != GUARD_ALTER || event->class_id != RelationRelationId ||
		event->sub_id != 0 || !paysafe_guard_is_protected(event->object_id))
		return false;
	old_tuple = fetch(RelationRelationId, event->object_id, NULL);
	new_tuple = fetch_new(event);
	if (old_tuple == NULL || new_tuple == NULL)
		return true;
	before = (Form_pg_class) GETSTRUCT(old_tuple);
	after = (Form_pg_class) GETSTRUCT(new_tuple);
	return strcmp(NameStr(before->relname), NameStr(after->relname)) != 0 ||
		before->relnamespace != after->relnamespace ||
		before->relowner != after->relowner ||
		before->relpersistence != after->relpersistence ||
		before->relkind != after->relkind ||
		before->relam != after->relam ||
		before->reloftype != after->reloftype;
}

/* Columns behind rules, and values of others where each change is recorded. */
static bool
refuses_column(GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_attribute before;
	Form_pg_attribute after;
	Retyping	how;
	bool		retyped;

	if (event->class_id != RelationRelationId || event->sub_id <= 0 ||
		(event->action != GUARD_ALTER && event->action != GUARD_DROP) ||
		!paysafe_guard_is_protected(event->object_id))
		return false;
	if (event->action == GUARD_DROP)
		return is_ruled_column(event);
	old_tuple = fetch_column(event, NULL);
	new_tuple = fetch_column(event, SnapshotSelf);
	if (old_tuple == NULL || new_tuple == NULL)
		return old_tuple != NULL;	/* a new column is nobody's */
	before = (Form_pg_attribute) GETSTRUCT(old_tuple);
	after = (Form_pg_attribute) GETSTRUCT(new_tuple);
	how = paysafe_guard_frame_retypes(event->frame, NameStr(before->attname));
	if (before->attgenerated != after->attgenerated)
		how = RETYPED_COMPUTED;
	retyped = how != RETYPED_NOT || before->atttypid != after->atttypid ||
		before->atttypmod != after->atttypmod || before->attcollation != after->attcollation;
	if ((retyped ||
		 strcmp(NameStr(before->attname), NameStr(after->attname)) != 0) &&
		is_ruled_column(event))
		return true;
	return how == RETYPED_COMPUTED || (retyped && !is_widening(before, after, how));
}

/* The triggers that enforce. */
static bool
refuses_trigger(GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_trigger before;
	Form_pg_trigger after;

	if (event->class_id != TriggerRelationId)
		return false;
	old_tuple = fetch(TriggerRelationId, event->object_id, NULL);
	if (old_tuple == NULL || !is_own_trigger(old_tuple) ||
		!paysafe_guard_is_protected(event->relation))
		return false;
	new_tuple = fetch_new(event);
	if (event->action == GUARD_DROP || new_tuple == NULL)
		return !paysafe_guard_frame_removes_table(event->frame);
	before = (Form_pg_trigger) GETSTRUCT(old_tuple);
	after = (Form_pg_trigger) GETSTRUCT(new_tuple);
	return after->tgenabled != TRIGGER_FIRES_ALWAYS ||
		after->tgfoid != before->tgfoid ||
		after->tgtype != before->tgtype ||
		after->tgattr.dim1 != 0 ||
		strcmp(NameStr(after->tgname), NameStr(before->tgname)) != 0 ||
		!heap_attisnull(new_tuple, Anum_pg_trigger_tgqual, NULL);
}

/* Triggers that could keep rows out where each row must arrive. */
static bool
refuses_swallowing(GuardEvent *event)
{
	HeapTuple	tuple;
	int16		type;
	ListCell   *lc;

	if (event->class_id != TriggerRelationId || event->action != GUARD_CREATE ||
		!OidIsValid(event->relation) || !paysafe_guard_is_protected(event->relation))
		return false;
	tuple = fetch_new(event);
	if (tuple == NULL || is_own_trigger(tuple))
		return false;
	type = ((Form_pg_trigger) GETSTRUCT(tuple))->tgtype;
	if (!TRIGGER_FOR_ROW(type) || TRIGGER_FOR_AFTER(type))
		return false;
	foreach(lc, paysafe_rule_sources(event->relation))
		if (((RuleSource *) lfirst(lc))->kind->all_columns)
			return true;
	return false;
}

/* Rules that rewrite statements. */
static bool
refuses_rewrite(GuardEvent *event)
{
	return event->class_id == RewriteRelationId && event->action != GUARD_DROP &&
		OidIsValid(event->relation) && paysafe_guard_is_protected(event->relation);
}

/* Keys that rules find rows by. */
static bool
refuses_key(GuardEvent *event)
{
	Oid			relid = event->relation;
	Oid			index = InvalidOid;
	HeapTuple	tuple;
	Form_pg_index form;
	bool		result;

	if (event->action != GUARD_DROP || paysafe_guard_frame_is_upkeep(event->frame))
		return false;
	if (event->class_id == ConstraintRelationId)
	{
		tuple = fetch(ConstraintRelationId, event->object_id, NULL);
		if (tuple != NULL)
			index = ((Form_pg_constraint) GETSTRUCT(tuple))->conindid;
		if (OidIsValid(index) && ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN)
			return false;
	}
	else if (event->class_id == RelationRelationId && event->sub_id == 0)
		index = event->object_id;
	if (!OidIsValid(index))
		return false;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	relid = form->indrelid;
	result = form->indisunique && form->indisvalid && form->indislive &&
		paysafe_guard_is_protected(relid) &&
		(form->indisprimary ||
		 are_ruled_columns(relid, form->indkey.values, form->indnkeyatts));
	ReleaseSysCache(tuple);
	if (result)
		event->relation = relid;
	return result;
}

/* Trees of tables: who joins brings no rows, and nobody leaves. */
static bool
refuses_tree(GuardEvent *event)
{
	Oid			child = event->object_id;
	Oid			parent = event->auxiliary;

	if (event->action == GUARD_STATEMENT)
	{
		/* its first transaction commits before any object is touched */
		event->relation = paysafe_guard_detached_concurrently(event->statement);
		return OidIsValid(event->relation) && paysafe_guard_is_protected(event->relation);
	}
	if (event->action != GUARD_ALTER || event->class_id != InheritsRelationId)
		return false;
	if (get_rel_relkind(parent) == '\0' || get_rel_relkind(parent) == RELKIND_INDEX ||
		get_rel_relkind(parent) == RELKIND_PARTITIONED_INDEX)
		return false;
	if (!inherits_now(child, parent))
	{
		if (paysafe_guard_is_protected(child))
			return true;
		event->relation = parent;
		return paysafe_guard_is_protected(parent);
	}
	if (paysafe_guard_is_protected(child))
		return true;
	if (!paysafe_guard_is_protected(parent))
		return false;
	event->relation = parent;
	/* a table that is just being created is not yet visible, and empty */
	if (get_rel_relkind(child) != '\0' && has_rows(child))
		return true;
	if (event->frame != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

		event->frame->joined = list_append_unique_oid(event->frame->joined, child);
		MemoryContextSwitchTo(old);
	}
	return false;
}

/* The schema that a protected table is known by. */
static bool
refuses_schema(GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_namespace before;
	Form_pg_namespace after;

	if (event->class_id != NamespaceRelationId || event->action != GUARD_ALTER)
		return false;
	old_tuple = fetch(NamespaceRelationId, event->object_id, NULL);
	new_tuple = fetch_new(event);
	if (old_tuple == NULL || new_tuple == NULL)
		return false;
	before = (Form_pg_namespace) GETSTRUCT(old_tuple);
	after = (Form_pg_namespace) GETSTRUCT(new_tuple);
	return (strcmp(NameStr(before->nspname), NameStr(after->nspname)) != 0 ||
			before->nspowner != after->nspowner) &&
		has_protected_table(event->object_id);
}

/* Labels of an enum that statuses are made of. */
static bool
refuses_label(GuardEvent *event)
{
	return event->class_id == TypeRelationId && event->action == GUARD_ALTER &&
		paysafe_guard_frame_renames_label(event->frame) && is_ruled_type(event->object_id);
}

/* Only partitions younger than the declaration lack the trigger for it. */
static bool
refuses_truncate(GuardEvent *event)
{
	Relation	rel;

	if (event->action != GUARD_TRUNCATE || !paysafe_guard_is_protected(event->relation) ||
		paysafe_store_is_test_database())
		return false;
	if (paysafe_maintenance_covers(event->relation))
		return false;
	rel = table_open(event->relation, NoLock);
	paysafe_enforce_refuse_truncate(rel);
}

/* Membership in extensions: what is dropped with one, and dumped with none. */
static bool
refuses_membership(GuardEvent *event)
{
	ObjectAddress object;

	if (event->action != GUARD_STATEMENT || paysafe_catalog_in_script() ||
		!paysafe_guard_membership(event->statement, &object))
		return false;
	if (object.classId == ExtensionRelationId)
		return object.objectId == paysafe_catalog_extension();
	event->class_id = object.classId;
	event->object_id = object.objectId;
	event->relation = relation_of(event);
	if (refuses_own_object(event))
		return true;
	if (!OidIsValid(event->relation) || !paysafe_guard_is_protected(event->relation))
		return false;
	/* the table itself, or its trigger of ours; its other parts may follow another extension */
	if (event->class_id == TriggerRelationId)
	{
		HeapTuple	tuple = fetch_any(event);

		return tuple != NULL && is_own_trigger(tuple);
	}
	return event->class_id == RelationRelationId;
}

/* ALTER TABLE of own tables that no object access tells of. */
static bool
refuses_own_table(GuardEvent *event)
{
	if (event->action != GUARD_STATEMENT)
		return false;
	event->relation = paysafe_guard_altered_table(event->statement);
	return OidIsValid(event->relation) && is_own_relation(event->relation) &&
		!is_being_restored(RelationRelationId, event->relation);
}

/* Dropping the extension: only before it was ever used, or in a test database. */
static bool
refuses_drop_extension(GuardEvent *event)
{
	if (event->action != GUARD_STATEMENT ||
		!paysafe_guard_drops_extension(event->statement, "paysafe"))
		return false;
	if (!paysafe_store_is_test_database() && !paysafe_store_is_empty(PAYSAFE_ACTIVATION))
		return true;
	event->frame->own = true;
	return false;
}

/* Settings that take triggers or catalogs out of force. */
static bool
refuses_setting(GuardEvent *event)
{
	return event->action == GUARD_STATEMENT && paysafe_guard_weakens_setting(event->statement);
}

static const char no_way[] = "There is no other way: rules are changed with the functions of schema paysafe.";
static const char as_it_is[] = "Leave it as it is.";

static const GuardClass policy[] = {
	{"guard_drop_extension", refuses_drop_extension, false,
	"With the extension go all rules and all evidence.", no_way},
	{"guard_own_table", refuses_own_table, false,
	"The table is evidence or configuration of paysafe.", no_way},
	{"guard_membership", refuses_membership, false,
	"What belongs to an extension is dropped with it and left out of dumps.", as_it_is},
	{"guard_setting", refuses_setting, false,
	"The setting takes triggers out of force or opens the catalogs.", as_it_is},
	{"guard_catalog", refuses_catalog_write, true,
	"Rows of system catalogs say what is protected; commands change them, not UPDATE.",
	"Use the command for it, or name the catalog in a maintenance window: paysafe.open_maintenance."},
	{"guard_own_object", refuses_own_object, false,
	"It belongs to paysafe.", no_way},
	{"guard_builtin", refuses_builtin, false,
	"What comes with PostgreSQL decides how rules compare and what they see.", as_it_is},
	{"guard_drop_table", refuses_drop, true,
	"Its rows would be gone, or out of the reach of its rules.", NULL},
	{"guard_identity", refuses_identity, true,
	"Another table could take its place, or its rows another way.", NULL},
	{"guard_column", refuses_column, true,
	"A rule depends on the column, or its values would change without a record.", NULL},
	{"guard_trigger", refuses_trigger, false,
	"The trigger enforces the rules.", no_way},
	{"guard_swallowing_trigger", refuses_swallowing, true,
	"A BEFORE ROW trigger can keep rows out of a table in which each one counts.",
	"Use an AFTER trigger or a column default."},
	{"guard_rewrite_rule", refuses_rewrite, true,
	"A rule can replace statements before any trigger sees a row.",
	"Use a trigger, or a view with INSTEAD OF triggers."},
	{"guard_key", refuses_key, true,
	"Rules find rows by this key.", NULL},
	{"guard_tree", refuses_tree, true,
	"Rows would enter or leave the table without being checked.",
	"Attach an empty table and INSERT its rows, or open a maintenance window that names the table: paysafe.open_maintenance."},
	{"guard_schema", refuses_schema, false,
	"It contains protected tables, and another could take its place.",
	"Leave it as it is, or move unprotected tables to a schema of their own."},
	{"guard_label", refuses_label, false,
	"A rule names its states by these labels.",
	"Add a label, and declare the rule with it."},
	{"guard_truncate", refuses_truncate, true, NULL, NULL},
	{NULL}
};

/* Refusing */

static char *
describe(const GuardEvent *event)
{
	static const char *const verbs[] = {
		[GUARD_CREATE] = "creating", [GUARD_ALTER] = "altering", [GUARD_DROP] = "dropping",
		[GUARD_TRUNCATE] = "truncating", [GUARD_EXECUTE] = "calling", [GUARD_WRITE] = "writing to"
	};
	ObjectAddress address = {
		event->class_id == InheritsRelationId ? RelationRelationId : event->class_id,
		event->object_id, event->sub_id
	};
	char	   *object = NULL;

	if (event->action == GUARD_STATEMENT || !OidIsValid(event->class_id))
		return psprintf("%s", event->frame->name);
	object = getObjectDescription(&address, true);
	if (object != NULL)
		return psprintf("%s %s", verbs[event->action], object);
	return psprintf("%s%s%s", event->frame ? event->frame->name : verbs[event->action],
					OidIsValid(event->relation) ? " on table " : "",
					OidIsValid(event->relation) ? get_rel_name(event->relation) : "");
}

static PAYSAFE_NORETURN void
refuse(const GuardClass *class, const GuardEvent *event)
{
	Oid			relid = event->relation;
	bool		named = OidIsValid(relid) && get_rel_relkind(relid) != '\0';

	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = class->name,
					   .schema_name = named ? get_namespace_name(get_rel_namespace(relid)) : NULL,
					   .table_name = named ? get_rel_name(relid) : NULL,
					   .statement = event->action == GUARD_WRITE ? event->write :
					   event->frame ? event->frame->name : NULL,
					   .message = psprintf("%s is refused by paysafe", describe(event)),
					   .detail = class->reason,
					   .hint = class->hint ? class->hint :
					   "Open a maintenance window that names the table, with a second person: paysafe.open_maintenance."
				   });
}

void
paysafe_guard_by(const GuardClass *classes, GuardEvent *event)
{
	for (const GuardClass *class = classes; class->name != NULL; class++)
		if (class->refuses(event) &&
			!(class->window && OidIsValid(event->relation) &&
			  paysafe_maintenance_covers(event->relation)))
			refuse(class, event);
}

/* Is the statement, or one that it is part of, paysafe's own? */
static bool
is_own_work(const GuardFrame *frame)
{
	return frame != NULL && frame->own;
}

void
paysafe_guard(GuardEvent *event)
{
	/* the hot path: rows of ordinary tables */
	if (event->action == GUARD_WRITE && event->relation >= FirstNormalObjectId)
		return;
	if (!paysafe_catalog_present() || is_own_work(event->frame) || paysafe_catalog_in_script())
		return;
	if (event->action != GUARD_STATEMENT && event->action != GUARD_WRITE)
		event->relation = relation_of(event);
	paysafe_guard_by(policy, event);
}

void
paysafe_guard_after(GuardFrame *frame)
{
	ListCell   *lc;

	foreach(lc, frame->joined)
		paysafe_triggers_join(lfirst_oid(lc));
	frame->joined = NIL;
}
