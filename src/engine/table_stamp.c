/*-------------------------------------------------------------------------
 *
 * table_stamp.c
 *	  By what a table is known to be as it was: nobody has changed rows of it unchecked.
 *
 * Triggers that were off, a table that was rewritten or attached, a column that was
 * altered: none of this goes without a new row of pg_class or of pg_trigger.  Which version of
 * such a row this is, its place and its transaction tell.  VACUUM and ANALYZE change rows of pg_class
 * in their place, and so leave the stamp as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

#include "engine/table_stamp.h"
#include "store/own_trigger.h"

uint64
paysafe_table_stamp_number(uint64 hash, uint64 number)
{
	return hash_combine64(hash, hash_bytes_extended((const unsigned char *) &number, sizeof(number), 0));
}

/* Which version of a catalog's row this is. */
static uint64
add_version(uint64 hash, HeapTuple tuple)
{
	hash = paysafe_table_stamp_number(hash, HeapTupleHeaderGetRawXmin(tuple->t_data));
	hash = paysafe_table_stamp_number(hash, ItemPointerGetBlockNumber(&tuple->t_self));
	return paysafe_table_stamp_number(hash, ItemPointerGetOffsetNumber(&tuple->t_self));
}

/* The relation as it is: its storage, what it belongs to, what was altered. */
static uint64
add_relation(uint64 hash, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	hash = paysafe_table_stamp_number(hash, relid);
	if (!HeapTupleIsValid(tuple))
		return hash;
	hash = add_version(hash, tuple);
	hash = paysafe_table_stamp_number(hash, ((Form_pg_class) GETSTRUCT(tuple))->relfilenode);
	ReleaseSysCache(tuple);
	return hash;
}

/* Our triggers: switching one off and on again leaves another row. */
static uint64
add_triggers(uint64 hash, Oid relid)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (form->tgfoid != paysafe_own_trigger_function(OWN_ROW_TRIGGER))
			continue;
		hash = paysafe_table_stamp_number(hash, form->oid);
		hash = add_version(hash, tuple);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return hash;
}

uint64
paysafe_table_stamp(uint64 hash, Oid relid)
{
	return add_triggers(add_relation(hash, relid), relid);
}
