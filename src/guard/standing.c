/*-------------------------------------------------------------------------
 *
 * standing.c
 *	  What protected tables stand on.
 *
 * pg_depend is walked from the object to what depends on it, until a protected table
 * is met.  Defaults, constraints, triggers, policies, rules and indexes are parts of
 * their tables: whatever they need, the table needs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "guard/facts.h"
#include "guard/standing.h"
#include "store/catalog.h"

/* An object, as the key of a hash table and in the list of those to look at. */
typedef struct Thing
{
	Oid			class_id;
	Oid			object_id;
} Thing;

typedef struct Walk
{
	HTAB	   *seen;
	List	   *waiting;		/* of Thing * */
} Walk;

static void
visit(Walk *walk, Oid class_id, Oid object_id)
{
	Thing		thing = {class_id, object_id};
	bool		found;
	Thing	   *entry = hash_search(walk->seen, &thing, HASH_ENTER, &found);

	if (!found)
		walk->waiting = lappend(walk->waiting, entry);
}

/* Call visit for what depends on the thing, or, upwards, for what it is part of. */
static void
visit_neighbours(Walk *walk, const Thing *thing, bool upwards)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], upwards ? Anum_pg_depend_classid : Anum_pg_depend_refclassid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(thing->class_id));
	ScanKeyInit(&keys[1], upwards ? Anum_pg_depend_objid : Anum_pg_depend_refobjid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(thing->object_id));
	scan = systable_beginscan(rel, upwards ? DependDependerIndexId : DependReferenceIndexId,
							  true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (!upwards)
			visit(walk, form->classid, form->objid);
		else if (form->refclassid == RelationRelationId &&
				 (form->deptype == DEPENDENCY_AUTO || form->deptype == DEPENDENCY_INTERNAL))
			visit(walk, form->refclassid, form->refobjid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Is it a part of a table, with which the table needs what it needs? */
static bool
is_part(const Thing *thing)
{
	char		relkind;

	switch (thing->class_id)
	{
		case AttrDefaultRelationId:
		case ConstraintRelationId:
		case TriggerRelationId:
		case PolicyRelationId:
		case RewriteRelationId:
			return true;
		case RelationRelationId:
			relkind = get_rel_relkind(thing->object_id);
			return relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX ||
				relkind == RELKIND_SEQUENCE;
	}
	return false;
}

Oid
paysafe_standing_table(const ObjectAddress *object)
{
	HASHCTL		ctl = {.keysize = sizeof(Thing), .entrysize = sizeof(Thing), .hcxt = CurrentMemoryContext};
	Walk		walk = {
		.seen = hash_create("paysafe objects", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT)
	};
	Oid			result = InvalidOid;

	visit(&walk, object->classId, object->objectId);
	/* the list grows while it is walked */
	for (int i = 0; i < list_length(walk.waiting) && !OidIsValid(result); i++)
	{
		Thing	   *thing = list_nth(walk.waiting, i);

		CHECK_FOR_INTERRUPTS();
		if (thing->class_id == RelationRelationId && paysafe_facts_is_protected(thing->object_id))
			result = thing->object_id;
		visit_neighbours(&walk, thing, false);
		if (is_part(thing))
			visit_neighbours(&walk, thing, true);
	}
	hash_destroy(walk.seen);
	return result;
}

/* Locks */

static bool
keeps_rows_out(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		result = CheckRelationLockedByMe(rel, ShareLock, true);

	table_close(rel, AccessShareLock);
	return result;
}

Oid
paysafe_standing_locked_record(void)
{
	Oid			record = paysafe_catalog_table(PAYSAFE_REFUSAL_RECORD);

	return keeps_rows_out(record) ? record : InvalidOid;
}

List *
paysafe_standing_locked_tables(void)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(paysafe_catalog_schema()));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if ((form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) &&
			keeps_rows_out(form->oid))
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}
