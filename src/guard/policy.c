/*-------------------------------------------------------------------------
 *
 * policy.c
 *	  The policy: what weakens a rule is refused, everything else is allowed.
 *
 * A list of classes, each a plain predicate with its reason.  A predicate looks
 * at facts wherever there are any: an ALTER is judged by what it changes in the
 * catalog, whatever statement, cascade or function led to it, because the old
 * row is still what catalog snapshots see while SnapshotSelf sees the new one.
 * Where the catalog cannot tell (USING expressions, DETACH CONCURRENTLY, enum
 * labels), the statements under way are looked at.
 *
 * Rows of protected tables are not the guard's business: the triggers judge
 * them, also those that arrive where no hook sees them (logical replication).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
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
#include "commands/tablecmds.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "engine/enforce.h"
#include "engine/triggers.h"
#include "guard/facts.h"
#include "guard/nesting.h"
#include "guard/policy.h"
#include "guard/standing.h"
#include "guard/statements.h"
#include "guard/tenant.h"
#include "guard/types.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/own_trigger.h"

/* The schema of an object, of whatever kind, whose row it is, or none. */
static Oid
schema_of(Oid class_id, HeapTuple tuple)
{
	Relation	rel;
	bool		isnull = true;
	Datum		schema = (Datum) 0;

	if (tuple == NULL)
		return InvalidOid;
	rel = table_open(class_id, AccessShareLock);
	schema = heap_getattr(tuple, get_object_attnum_namespace(class_id), RelationGetDescr(rel), &isnull);
	table_close(rel, AccessShareLock);
	return isnull ? InvalidOid : DatumGetObjectId(schema);
}

static bool
lies_in_own_schema(Oid class_id, HeapTuple tuple)
{
	Oid			schema = schema_of(class_id, tuple);

	return OidIsValid(schema) && paysafe_facts_in_own_schema(schema);
}

/* As it is, or as it would be: what leaves the schema is no less paysafe's than what enters it. */
static bool
is_own_object(const GuardEvent *event)
{
	return is_objectclass_supported(event->class_id) &&
		get_object_attnum_namespace(event->class_id) != InvalidAttrNumber &&
		(lies_in_own_schema(event->class_id, paysafe_facts_fetch(event->class_id, event->object_id, NULL)) ||
		 lies_in_own_schema(event->class_id, paysafe_facts_fetch_new(event)));
}

/* The extension's own objects, whoever wants to touch them. */
static GuardFinding
refuses_own_object(const GuardEvent *event)
{
	/* their own triggers look after rows; upkeep changes nothing */
	if (event->action == GUARD_WRITE || event->action == GUARD_TRUNCATE ||
		paysafe_guard_frame_is_upkeep(event->frame))
		return GUARD_PASS;
	if (OidIsValid(event->relation))
		return refuse_if((paysafe_facts_is_own_relation(event->relation) ||
						  (event->class_id == InheritsRelationId && paysafe_facts_is_own_relation(event->auxiliary)) ||
						  (event->class_id == RelationRelationId && is_own_object(event))) &&
						 !paysafe_facts_is_being_restored(RelationRelationId, event->relation));
	switch (event->class_id)
	{
		case NamespaceRelationId:
			return refuse_if(paysafe_facts_in_own_schema(event->object_id));
		case ExtensionRelationId:
			return refuse_if(event->object_id == paysafe_catalog_extension());
		case TypeRelationId:
			return refuse_if(is_own_object(event) &&
							 !paysafe_facts_is_being_restored(TypeRelationId, event->object_id));
		default:
			return refuse_if(is_own_object(event));
	}
}

/*
 * Is it made in PostgreSQL's own schema, or moved there?  One of the very types of a call
 * is found before PostgreSQL's own, which takes others as well.
 */
static bool
joins_builtin(const GuardEvent *event)
{
	Oid			class_id = event->class_id;

	if ((class_id != ProcedureRelationId && class_id != OperatorRelationId && class_id != TypeRelationId) ||
		schema_of(class_id, paysafe_facts_fetch_new(event)) != PG_CATALOG_NAMESPACE)
		return false;
	return event->action == GUARD_CREATE ||
		(event->action == GUARD_ALTER &&
		 schema_of(class_id, paysafe_facts_fetch(class_id, event->object_id, NULL)) != PG_CATALOG_NAMESPACE);
}

/* Functions, types and tables that come with PostgreSQL. */
static GuardFinding
refuses_builtin(const GuardEvent *event)
{
	if (event->object_id >= FirstNormalObjectId &&
		(event->action == GUARD_CREATE || event->action == GUARD_ALTER) &&
		!paysafe_guard_frame_is_script(event->frame) && joins_builtin(event))
		return refuse_if(true);
	if (event->object_id >= FirstNormalObjectId || paysafe_guard_frame_is_script(event->frame))
		return refuse_if(OidIsValid(event->relation) && event->relation < FirstNormalObjectId &&
						 event->action == GUARD_CREATE &&
						 (event->class_id == TriggerRelationId || event->class_id == RewriteRelationId ||
						  event->class_id == PolicyRelationId));
	switch (event->class_id)
	{
		case ProcedureRelationId:
		case OperatorRelationId:
		case CastRelationId:
		case TypeRelationId:
			return refuse_if(true);
		case RelationRelationId:
			if (event->action == GUARD_DROP)
				return refuse_if(true);
			return refuse_if(event->action == GUARD_ALTER && event->sub_id != 0);
	}
	return GUARD_PASS;
}

static GuardFinding
refuses_drop(const GuardEvent *event)
{
	char		relkind;

	if (event->action != GUARD_DROP)
		return GUARD_PASS;
	/* its triggers are dropped before it, and then it would not look protected */
	if (event->class_id == TriggerRelationId && paysafe_guard_frame_removes_table(event->frame))
	{
		Trigger		trigger;

		return refuse_if(paysafe_facts_trigger(event, NULL, &trigger) &&
						 paysafe_own_trigger_calls(&trigger) &&
						 paysafe_facts_is_protected(event->relation));
	}
	if (event->class_id != RelationRelationId || event->sub_id != 0)
		return GUARD_PASS;
	relkind = get_rel_relkind(event->object_id);
	return refuse_if((relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
					 paysafe_facts_is_protected(event->object_id));
}

/* What a table is: its name, schema, owner, persistence, storage. */
static GuardFinding
refuses_identity(const GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_class before;
	Form_pg_class after;

	if (event->action != GUARD_ALTER || event->class_id != RelationRelationId ||
		event->sub_id != 0 || !paysafe_facts_is_protected(event->object_id))
		return GUARD_PASS;
	old_tuple = paysafe_facts_fetch(RelationRelationId, event->object_id, NULL);
	new_tuple = paysafe_facts_fetch_new(event);
	if (old_tuple == NULL || new_tuple == NULL)
		return refuse_if(true);
	before = (Form_pg_class) GETSTRUCT(old_tuple);
	after = (Form_pg_class) GETSTRUCT(new_tuple);
	return refuse_if(strcmp(NameStr(before->relname), NameStr(after->relname)) != 0 ||
					 before->relnamespace != after->relnamespace ||
					 before->relowner != after->relowner ||
					 before->relpersistence != after->relpersistence ||
					 before->relkind != after->relkind ||
					 before->relam != after->relam ||
					 before->reloftype != after->reloftype);
}

/* Columns behind rules, and values of others where each change is recorded. */
static GuardFinding
refuses_column(const GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_attribute before;
	Form_pg_attribute after;
	Retyping	how;
	bool		named;
	bool		retyped;
	bool		computed;

	if (event->class_id != RelationRelationId || event->sub_id <= 0 ||
		(event->action != GUARD_ALTER && event->action != GUARD_DROP) ||
		!paysafe_facts_is_protected(event->object_id))
		return GUARD_PASS;
	if (event->action == GUARD_DROP)
		return refuse_if(paysafe_facts_is_ruled_column(event));
	old_tuple = paysafe_facts_fetch_column(event, NULL);
	new_tuple = paysafe_facts_fetch_column(event, SnapshotSelf);
	if (old_tuple == NULL || new_tuple == NULL)
		return refuse_if(old_tuple != NULL);	/* a new column is nobody's */
	before = (Form_pg_attribute) GETSTRUCT(old_tuple);
	after = (Form_pg_attribute) GETSTRUCT(new_tuple);
	how = paysafe_guard_frame_retypes(event->frame, NameStr(before->attname));
	named = strcmp(NameStr(before->attname), NameStr(after->attname)) != 0;
	retyped = how != RETYPED_NOT || before->atttypid != after->atttypid ||
		before->atttypmod != after->atttypmod || before->attcollation != after->attcollation;
	computed = before->attgenerated != after->attgenerated;
	if ((named || computed || (retyped && !paysafe_types_keep_bytes(before, after, how))) &&
		paysafe_facts_is_ruled_column(event))
		return refuse_if(true);
	/* DROP EXPRESSION leaves the values where they are */
	if (computed && after->attgenerated != '\0')
		return refuse_if(true);
	return refuse_if(retyped && !paysafe_types_keep_values(before, after, how) && paysafe_facts_has_rows(event->object_id));
}

/*
 * Values that lose the blanks at their end in a shorter varchar: told by the rows, before
 * the statement has changed anything, under the lock that it will take.
 */
static GuardFinding
refuses_cut(const GuardEvent *event)
{
	AlterTableStmt *alter = (AlterTableStmt *) event->statement;
	Oid			relid;
	ListCell   *lc;

	if (event->action != GUARD_STATEMENT || !IsA(alter, AlterTableStmt))
		return GUARD_PASS;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);
		int			length = paysafe_guard_shortens(cmd);
		ListCell   *child;

		if (length < 0)
			continue;
		relid = RangeVarGetRelid(alter->relation, NoLock, true);
		if (!OidIsValid(relid) || !paysafe_facts_is_protected(relid))
			return GUARD_PASS;
		relid = RangeVarGetRelidExtended(alter->relation, AccessExclusiveLock, RVR_MISSING_OK,
										 RangeVarCallbackOwnsRelation, NULL);
		if (!OidIsValid(relid))
			return GUARD_PASS;
		foreach(child, find_all_inheritors(relid, AccessExclusiveLock, NULL))
			if (paysafe_types_cut_values(lfirst_oid(child), cmd->name, length))
				return refuse_for(relid, true);
	}
	return GUARD_PASS;
}

/*
 * What a rule judges changes by INSERT and UPDATE, which it sees.  ALTER TABLE may
 * write nothing else into such a column, nor put another one into its place.
 */
static GuardFinding
refuses_judged_values(const GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_attribute before;
	Form_pg_attribute after;
	Retyping	how;

	if (event->class_id != RelationRelationId || event->sub_id <= 0 ||
		(event->action != GUARD_ALTER && event->action != GUARD_CREATE) ||
		!paysafe_facts_is_protected(event->object_id))
		return GUARD_PASS;
	old_tuple = paysafe_facts_fetch_column(event, NULL);
	new_tuple = paysafe_facts_fetch_column(event, SnapshotSelf);
	if (new_tuple == NULL)
		return GUARD_PASS;
	before = old_tuple ? (Form_pg_attribute) GETSTRUCT(old_tuple) : NULL;
	after = (Form_pg_attribute) GETSTRUCT(new_tuple);
	if (before != NULL && strcmp(NameStr(before->attname), NameStr(after->attname)) == 0)
	{
		how = paysafe_guard_frame_retypes(event->frame, NameStr(before->attname));
		if (before->atttypid == after->atttypid && before->atttypmod == after->atttypmod &&
			how == RETYPED_NOT)
			return GUARD_PASS;
		if (paysafe_types_keep_meaning(before, after, how))
			return GUARD_PASS;
	}
	return refuse_if(paysafe_facts_is_judged_column(event->object_id, NameStr(after->attname)) &&
					 paysafe_facts_has_rows(event->object_id));
}

static bool
is_one_of_ours(const Trigger *trigger)
{
	return paysafe_own_trigger_has_shape(OWN_ROW_TRIGGER, trigger) ||
		paysafe_own_trigger_has_shape(OWN_STATEMENT_TRIGGER, trigger);
}

/* It passes for ours, by its name or its function, and enforces nothing, or stops all. */
static bool
is_planted(const Trigger *trigger)
{
	return paysafe_own_trigger_claims(trigger) && !is_one_of_ours(trigger);
}

/* The triggers that enforce, and those that only look like them. */
static GuardFinding
refuses_trigger(const GuardEvent *event)
{
	Trigger		before;
	Trigger		after;
	OwnTrigger	which = OWN_ROW_TRIGGER;
	bool		was_there;
	bool		is_there;

	if (paysafe_facts_joins(event))
		return refuse_for(event->object_id,
						  paysafe_facts_tree_has_trigger(event->object_id, is_planted));
	if (event->class_id != TriggerRelationId)
		return GUARD_PASS;
	was_there = paysafe_facts_trigger(event, NULL, &before);
	is_there = event->action != GUARD_DROP && paysafe_facts_trigger(event, SnapshotSelf, &after);
	/* a table's first trigger is already seen as if it had been there */
	if (is_there && is_planted(&after))
		return refuse_if(event->action == GUARD_CREATE || !was_there || !is_planted(&before));
	if (!was_there || !is_one_of_ours(&before) || !paysafe_facts_is_protected(event->relation))
		return GUARD_PASS;
	if (!is_there)
		return refuse_if(!paysafe_guard_frame_removes_table(event->frame));
	if (paysafe_own_trigger_has_shape(OWN_STATEMENT_TRIGGER, &before))
		which = OWN_STATEMENT_TRIGGER;
	return refuse_if(!paysafe_own_trigger_is(which, &after));
}

/* Triggers that could keep rows out where each row must arrive. */
static GuardFinding
refuses_swallowing(const GuardEvent *event)
{
	Trigger		before;
	Trigger		after;

	if (paysafe_facts_joins(event))
		return refuse_for(event->object_id, paysafe_triggers_each_row_counts(event->auxiliary) &&
						  paysafe_facts_tree_has_trigger(event->object_id, paysafe_triggers_may_swallow));
	if (event->class_id != TriggerRelationId ||
		(event->action != GUARD_CREATE && event->action != GUARD_ALTER) ||
		!OidIsValid(event->relation) || !paysafe_facts_is_protected(event->relation) ||
		!paysafe_facts_trigger(event, SnapshotSelf, &after) || !paysafe_triggers_may_swallow(&after))
		return GUARD_PASS;
	/* ENABLE, but not renaming what is there; OR REPLACE may bring another function */
	if (event->action == GUARD_ALTER && paysafe_facts_trigger(event, NULL, &before) &&
		paysafe_triggers_may_swallow(&before))
		return GUARD_PASS;
	return refuse_if(paysafe_triggers_each_row_counts(event->relation));
}

/* Rules that rewrite statements. */
static GuardFinding
refuses_rewrite(const GuardEvent *event)
{
	if (paysafe_facts_joins(event))
		return refuse_for(event->object_id, paysafe_facts_tree_has_rule(event->object_id));
	return refuse_if(event->class_id == RewriteRelationId && event->action != GUARD_DROP &&
					 OidIsValid(event->relation) && paysafe_facts_is_protected(event->relation));
}

/* Keys that rules find rows by. */
static GuardFinding
refuses_key(const GuardEvent *event)
{
	Oid			relid = event->relation;
	Oid			index = InvalidOid;
	HeapTuple	tuple;
	Form_pg_index form;
	const Constraint *instead = paysafe_guard_frame_replaces_key(event->frame);
	bool		result;

	if (event->action != GUARD_DROP || paysafe_guard_frame_is_upkeep(event->frame))
		return GUARD_PASS;
	if (event->class_id == ConstraintRelationId)
	{
		tuple = paysafe_facts_fetch(ConstraintRelationId, event->object_id, NULL);
		if (tuple != NULL)
			index = ((Form_pg_constraint) GETSTRUCT(tuple))->conindid;
		if (OidIsValid(index) && ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN)
			return GUARD_PASS;
	}
	else if (event->class_id == RelationRelationId && event->sub_id == 0)
		index = event->object_id;
	if (!OidIsValid(index))
		return GUARD_PASS;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return GUARD_PASS;
	form = (Form_pg_index) GETSTRUCT(tuple);
	relid = form->indrelid;
	result = form->indisunique && form->indisvalid && form->indislive &&
		paysafe_facts_is_protected(relid) &&
		(form->indisprimary ?
		 instead == NULL || !paysafe_facts_is_same_key(tuple, instead) :
		 (paysafe_facts_are_ruled_columns(relid, form->indkey.values, form->indnkeyatts) &&
		  !paysafe_facts_is_wider_key(form)));
	ReleaseSysCache(tuple);
	return refuse_for(relid, result);
}

/* Trees of tables: who joins brings no rows, and nobody leaves. */
static GuardFinding
refuses_tree(const GuardEvent *event)
{
	Oid			child = event->object_id;
	Oid			parent = event->auxiliary;

	if (event->action == GUARD_STATEMENT)
	{
		/* its first transaction commits before any object is touched */
		parent = paysafe_guard_detached_concurrently(event->statement);
		return refuse_for(parent, OidIsValid(parent) && paysafe_facts_is_protected(parent));
	}
	if (paysafe_facts_joins(event))
	{
		/* a table that is just being created is not yet visible, and empty */
		if (get_rel_relkind(child) != '\0' && paysafe_facts_has_rows(child))
			return (GuardFinding) {GUARD_JOINS_WITH_ROWS, parent};
		return (GuardFinding) {GUARD_JOINS};
	}
	if (event->action != GUARD_ALTER || event->class_id != InheritsRelationId ||
		get_rel_relkind(parent) == '\0' || get_rel_relkind(parent) == RELKIND_INDEX ||
		get_rel_relkind(parent) == RELKIND_PARTITIONED_INDEX)
		return GUARD_PASS;
	if (paysafe_facts_is_protected(child))
		return refuse_if(true);
	return refuse_for(parent, !paysafe_facts_inherits_now(child, parent) &&
					  paysafe_facts_is_protected(parent));
}

/* The schema that a protected table is known by. */
static GuardFinding
refuses_schema(const GuardEvent *event)
{
	HeapTuple	old_tuple;
	HeapTuple	new_tuple;
	Form_pg_namespace before;
	Form_pg_namespace after;

	if (event->class_id != NamespaceRelationId || event->action != GUARD_ALTER)
		return GUARD_PASS;
	old_tuple = paysafe_facts_fetch(NamespaceRelationId, event->object_id, NULL);
	new_tuple = paysafe_facts_fetch_new(event);
	if (old_tuple == NULL || new_tuple == NULL)
		return GUARD_PASS;
	before = (Form_pg_namespace) GETSTRUCT(old_tuple);
	after = (Form_pg_namespace) GETSTRUCT(new_tuple);
	return refuse_if((strcmp(NameStr(before->nspname), NameStr(after->nspname)) != 0 ||
						 before->nspowner != after->nspowner) &&
					 paysafe_facts_has_protected_table(event->object_id));
}

/* Labels of an enum that statuses are made of. */
static GuardFinding
refuses_label(const GuardEvent *event)
{
	if (event->class_id != TypeRelationId || event->action != GUARD_ALTER ||
		!paysafe_guard_frame_renames_label(event->frame))
		return GUARD_PASS;
	return refuse_for_tables(paysafe_types_tables(event->object_id, true));
}

/* Is an attribute of a composite type, or a column of a table, added, renamed, retyped? */
static bool
attribute_changes(const GuardEvent *event)
{
	HeapTuple	old_tuple = paysafe_facts_fetch_column(event, NULL);
	HeapTuple	new_tuple = paysafe_facts_fetch_column(event, SnapshotSelf);
	Form_pg_attribute before;
	Form_pg_attribute after;

	if (old_tuple == NULL || new_tuple == NULL || event->action == GUARD_CREATE)
		return true;
	before = (Form_pg_attribute) GETSTRUCT(old_tuple);
	after = (Form_pg_attribute) GETSTRUCT(new_tuple);
	return strcmp(NameStr(before->attname), NameStr(after->attname)) != 0 ||
		before->attisdropped != after->attisdropped ||
		before->atttypid != after->atttypid || before->atttypmod != after->atttypmod ||
		before->attcollation != after->attcollation;
}

/* What a type is known by, and a domain's NOT NULL. */
static bool
type_changes(const GuardEvent *event)
{
	HeapTuple	old_tuple = paysafe_facts_fetch(TypeRelationId, event->object_id, NULL);
	HeapTuple	new_tuple = paysafe_facts_fetch_new(event);
	Form_pg_type before;
	Form_pg_type after;

	if (old_tuple == NULL || new_tuple == NULL)
		return false;
	before = (Form_pg_type) GETSTRUCT(old_tuple);
	after = (Form_pg_type) GETSTRUCT(new_tuple);
	return strcmp(NameStr(before->typname), NameStr(after->typname)) != 0 ||
		before->typnamespace != after->typnamespace ||
		(before->typnotnull && !after->typnotnull);
}

/* Types that columns are made of: what changes in them changes in every row. */
static GuardFinding
refuses_type(const GuardEvent *event)
{
	HeapTuple	tuple;
	Oid			type = InvalidOid;

	switch (event->class_id)
	{
		case RelationRelationId:
			if (event->sub_id > 0)
				type = get_rel_type_id(event->object_id);
			if (type < FirstNormalObjectId || event->action > GUARD_DROP ||
				(event->action != GUARD_DROP && !attribute_changes(event)))
				return GUARD_PASS;
			/* a table gets a column; its rows elsewhere say no less than before */
			if (event->action == GUARD_CREATE &&
				get_rel_relkind(event->object_id) != RELKIND_COMPOSITE_TYPE)
				return GUARD_PASS;
			return refuse_for_tables(paysafe_types_tables(type, false));
		case TypeRelationId:
			if (event->action != GUARD_ALTER || !type_changes(event))
				return GUARD_PASS;
			return refuse_for_tables(paysafe_types_tables(event->object_id, true));
		case ConstraintRelationId:
			tuple = event->action == GUARD_DROP ? paysafe_facts_fetch(ConstraintRelationId, event->object_id, NULL) : NULL;
			if (tuple != NULL)
				type = ((Form_pg_constraint) GETSTRUCT(tuple))->contypid;
			return refuse_for_tables(OidIsValid(type) ? paysafe_types_tables(type, true) : NIL);
	}
	return GUARD_PASS;
}

/* Only partitions younger than the declaration lack the trigger for it. */
static GuardFinding
refuses_truncate(const GuardEvent *event)
{
	if (event->action != GUARD_TRUNCATE || !paysafe_facts_is_protected(event->relation) ||
		paysafe_store_is_test_database() || paysafe_enforce_is_observed(event->relation))
		return GUARD_PASS;
	return (GuardFinding) {GUARD_REFUSED_BY_RULES};
}

/* Membership in extensions: what is dropped with one, and dumped with none. */
static GuardFinding
refuses_membership(const GuardEvent *event)
{
	ObjectAddress object;
	GuardEvent	inner = *event;

	if (event->action != GUARD_STATEMENT || paysafe_catalog_in_script() ||
		!paysafe_guard_membership(event->statement, &object))
		return GUARD_PASS;
	if (object.classId == ExtensionRelationId)
		return refuse_if(object.objectId == paysafe_catalog_extension());
	inner.class_id = object.classId;
	inner.object_id = object.objectId;
	inner.relation = paysafe_facts_relation_of(&inner);
	if (refuses_own_object(&inner).verdict != GUARD_PASSES)
		return refuse_for(inner.relation, true);
	if (paysafe_guard_joins_extension(event->statement))
		return refuse_for(inner.relation, OidIsValid(paysafe_standing_table(&object)));
	if (!OidIsValid(inner.relation) || !paysafe_facts_is_protected(inner.relation))
		return GUARD_PASS;
	/* the table itself, or its trigger of ours; its other parts may follow another extension */
	if (inner.class_id == TriggerRelationId)
	{
		Trigger		trigger;

		return refuse_for(inner.relation, paysafe_facts_trigger(&inner, SnapshotSelf, &trigger) &&
						  paysafe_own_trigger_calls(&trigger));
	}
	return refuse_for(inner.relation, inner.class_id == RelationRelationId);
}

/*
 * ALTER TABLE of own tables that no object access tells of; and a parked transaction
 * that would keep the writer from the record of refusals.
 */
static GuardFinding
refuses_own_table(const GuardEvent *event)
{
	Oid			relid;

	if (event->action != GUARD_STATEMENT)
		return GUARD_PASS;
	if (IsA(event->statement, TransactionStmt) &&
		((TransactionStmt *) event->statement)->kind == TRANS_STMT_PREPARE)
	{
		relid = paysafe_standing_locked_record();
		return refuse_for(relid, OidIsValid(relid));
	}
	relid = paysafe_guard_altered_table(event->statement);
	return refuse_for(relid, OidIsValid(relid) && paysafe_facts_is_own_relation(relid) &&
					  !paysafe_facts_is_being_restored(RelationRelationId, relid));
}

/* Dropping the extension: only before it was ever used, or in a test database. */
static GuardFinding
refuses_drop_extension(const GuardEvent *event)
{
	if (event->action != GUARD_STATEMENT ||
		!paysafe_guard_drops_extension(event->statement, "paysafe"))
		return GUARD_PASS;
	if (!paysafe_store_is_test_database() && !paysafe_store_is_empty(PAYSAFE_ACTIVATION))
		return refuse_if(true);
	return (GuardFinding) {GUARD_IS_OWN};
}

/* Settings that take triggers or catalogs out of force. */
static GuardFinding
refuses_setting(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT && paysafe_guard_weakens_setting(event->statement));
}

/*
 * Code of whoever owns a table runs in the name of whoever writes to it: what
 * makes somebody more powerful is not for it to do.
 */
static GuardFinding
refuses_privilege(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_STATEMENT &&
					 OidIsValid(paysafe_nesting_foreign_owner()) &&
					 paysafe_guard_gives_power(event->statement));
}

/* A temporary table of the name that this session reads a protected table by. */
static GuardFinding
refuses_shadow(const GuardEvent *event)
{
	HeapTuple	tuple;
	Form_pg_class form;

	if (event->class_id != RelationRelationId || event->sub_id != 0 ||
		(event->action != GUARD_CREATE && event->action != GUARD_ALTER))
		return GUARD_PASS;
	tuple = paysafe_facts_fetch_new(event);
	if (tuple == NULL)
		return GUARD_PASS;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relpersistence != RELPERSISTENCE_TEMP || form->relkind == RELKIND_INDEX ||
		form->relkind == RELKIND_PARTITIONED_INDEX || form->relkind == RELKIND_TOASTVALUE)
		return GUARD_PASS;
	return refuse_for_tables(paysafe_facts_shadowed(NameStr(form->relname)));
}

static const char no_way[] = "There is no other way: rules are changed with the functions of schema paysafe.";
static const char as_it_is[] = "Leave it as it is.";

const GuardClass paysafe_policy[] = {
	{"guard_drop_extension", refuses_drop_extension, false,
	"With the extension go all rules and all evidence.", "It goes with its database only."},
	{"guard_own_table", refuses_own_table, false,
	"The table is evidence or configuration of paysafe.", no_way},
	{"guard_membership", refuses_membership, false,
	"What belongs to an extension is dropped with it and left out of dumps.", as_it_is},
	{"guard_privilege", refuses_privilege, false,
	"It runs in the name of who called it, in a function of a role that is no superuser.",
	"Run it as a command of your own, or let a superuser own the function."},
	{"guard_shadow", refuses_shadow, false,
	"Statements of this session that name the protected table without its schema would mean the temporary one.",
	"Give the temporary table another name."},
	{"guard_setting", refuses_setting, false,
	"The setting takes triggers out of force or opens the catalogs.", as_it_is},
	{"guard_own_object", refuses_own_object, false,
	"It belongs to paysafe.", no_way},
	{"guard_builtin", refuses_builtin, false,
	"What comes with PostgreSQL decides how rules compare and what they see.", as_it_is},
	{"guard_drop_table", refuses_drop, true,
	"Its rows would be gone, or out of the reach of its rules.", NULL},
	{"guard_identity", refuses_identity, true,
	"Another table could take its place, or its rows another way.", NULL},
	{"guard_column", refuses_judged_values, false,
	"Values that a rule judges change by INSERT and UPDATE alone, in a maintenance window too.",
	"UPDATE them, and retype the column by a cast that keeps each value; or drop the rule first, which a maintenance window permits: paysafe.unprotect."},
	{"guard_column", refuses_column, true,
	"A rule depends on the column, or its values would change without a record.", NULL},
	{"guard_column", refuses_cut, true,
	"Values would lose the blanks at their end without a record.",
	"Take the blanks away with UPDATE first, or open a maintenance window that names the table: paysafe.open_maintenance."},
	{"guard_trigger", refuses_trigger, false,
	"The trigger enforces the rules.", no_way},
	{"guard_swallowing_trigger", refuses_swallowing, true,
	"A BEFORE ROW trigger can keep rows out of a table in which each one counts.",
	"Use an AFTER trigger or a column default."},
	{"guard_rewrite_rule", refuses_rewrite, true,
	"A rule can replace statements before any trigger sees a row.",
	"Use a trigger, or a view with INSTEAD OF triggers."},
	{"guard_key", refuses_key, true,
	"Rules find rows by this key.",
	"One ALTER TABLE ... DROP CONSTRAINT ..., ADD PRIMARY KEY USING INDEX ... replaces its index by another one of the same columns; for another key, open a maintenance window that names the table: paysafe.open_maintenance."},
	{"guard_tree", refuses_tree, true,
	"Rows would enter or leave the table without being checked.",
	"Attach an empty table and INSERT its rows, or open a maintenance window that names the table: paysafe.open_maintenance."},
	{"guard_schema", refuses_schema, false,
	"It contains protected tables, and another could take its place.",
	"Leave it as it is, or move unprotected tables to a schema of their own."},
	{"guard_label", refuses_label, false,
	"A rule names its states by these labels.",
	"Add a label, and declare the rule with it."},
	{"guard_type", refuses_type, true,
	"Columns of a protected table are made of the type: their values would change with it.",
	"Make a type of another name, or open a maintenance window that names the tables: paysafe.open_maintenance."},
	{"guard_tenant", paysafe_guard_refuses_row_security, true,
	"The table belongs to tenants: without it everybody reads every tenant's rows.", NULL},
	{"guard_tenant", paysafe_guard_refuses_bypass, true,
	"The role acts for tenants, and would read the rows of all of them.",
	"Give that to a role of its own, which may not call paysafe.act_for_tenant."},
	{"guard_truncate", refuses_truncate, true, NULL, NULL},
	{NULL}
};
