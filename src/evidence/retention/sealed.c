/*-------------------------------------------------------------------------
 *
 * sealed.c
 *	  What the tree has, and so may leave.
 *
 * Who seals the log keeps how far it is in paysafe.seal_state: the rows of every
 * transaction before the watermark are leaves.  Rows that came from elsewhere may have
 * larger numbers; for those the tree has a row in paysafe.seal_transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "evidence/retention/sealed.h"
#include "store/catalog.h"

struct Sealed
{
	uint64		watermark;		/* 0: nothing is sealed */
	HTAB	   *others;			/* sealed transactions from the watermark on; NULL: none */
};

/* A table of the tree, or an invalid OID. */
static Oid
tree_table(const char *name)
{
	Oid			relid = get_relname_relid(name, paysafe_catalog_schema());

	return OidIsValid(relid) &&
		getExtensionOfObject(RelationRelationId, relid) == paysafe_catalog_extension() ? relid : InvalidOid;
}

static uint64
xid_column(TupleTableSlot *slot, Relation rel, const char *name, bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
	Datum		value;

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "\"%s\" has no column \"%s\"", RelationGetRelationName(rel), name);
	value = slot_getattr(slot, attnum, isnull);
	return *isnull ? 0 : U64FromFullTransactionId(DatumGetFullTransactionId(value));
}

static bool
visit_state(Relation rel, TupleTableSlot *slot, void *arg)
{
	Sealed	   *sealed = arg;
	AttrNumber	database = get_attnum(RelationGetRelid(rel), "database");
	bool		isnull;

	/* the state of the database that this one is a copy of says nothing here */
	if (database != InvalidAttrNumber &&
		DatumGetObjectId(slot_getattr(slot, database, &isnull)) != MyDatabaseId)
		return true;
	sealed->watermark = Max(sealed->watermark, xid_column(slot, rel, "watermark", &isnull));
	return true;
}

static bool
visit_transaction(Relation rel, TupleTableSlot *slot, void *arg)
{
	Sealed	   *sealed = arg;
	bool		isnull;
	uint64		xid = xid_column(slot, rel, "xid", &isnull);

	CHECK_FOR_INTERRUPTS();
	if (xid >= sealed->watermark)
		(void) hash_search(sealed->others, &xid, HASH_ENTER, NULL);
	return true;
}

static void
visit_all(Oid relid, ScanVisitor visitor, Sealed *sealed)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot = paysafe_scan_snapshot();

	paysafe_scan(rel, NULL, 0, NULL, snapshot, visitor, sealed);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}

Sealed *
paysafe_sealed_now(void)
{
	Sealed	   *sealed = palloc0(sizeof(Sealed));
	HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(uint64), .hcxt = CurrentMemoryContext};
	Oid			state = tree_table("seal_state");
	Oid			transactions = tree_table("seal_transaction");

	if (!OidIsValid(state))
		return sealed;
	visit_all(state, visit_state, sealed);
	if (sealed->watermark == 0 || !OidIsValid(transactions))
		return sealed;
	sealed->others = hash_create("paysafe sealed transactions", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	visit_all(transactions, visit_transaction, sealed);
	return sealed;
}

bool
paysafe_sealed_has(const Sealed *sealed, uint64 xid)
{
	return xid < sealed->watermark ||
		(sealed->others != NULL && hash_search(sealed->others, &xid, HASH_FIND, NULL) != NULL);
}
