/*-------------------------------------------------------------------------
 *
 * dumped.c
 *	  Rows of own tables as a dump has them: user's tables by name.
 *
 * pg_dump writes a regclass as a name, and one name that the restored database does
 * not know makes COPY fail for the whole table: without an archive table, all rules
 * were gone.  So what is about tables of users is dumped as rows of paysafe.dumped_row,
 * with names in jsonb, and each row finds its own way into its table.  A row that
 * cannot stays; check() names it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "store/catalog.h"
#include "store/dumped.h"
#include "store/own_table.h"

/* Columns of paysafe.dumped_row. */
enum
{
	DUMPED_TABLE, DUMPED_CONTENT
};

/* Tables whose rows are dumped that way. */
static const PaysafeTable tables[] = {
	PAYSAFE_RULE, PAYSAFE_THRESHOLD, PAYSAFE_REFUND_EVENT, PAYSAFE_CLOSED_PERIOD,
	PAYSAFE_BALANCE_STRIPE, PAYSAFE_RESERVATION_RECORD, PAYSAFE_APPROVAL_RECORD,
	PAYSAFE_MAINTENANCE_RECORD, PAYSAFE_PROPOSAL_RECORD, PAYSAFE_ROW_MARK,
	PAYSAFE_RESERVATION_TOTAL, PAYSAFE_BREACH_RECORD, PAYSAFE_REFUND_REQUEST, PAYSAFE_CAPTURED_TOTAL,
	PAYSAFE_ACCEPTED_ROW, PAYSAFE_REJECTION_RECORD, PAYSAFE_BREAK_GLASS_SETTING, PAYSAFE_BREAK_GLASS_RECORD,
	PAYSAFE_REFUND_FLOW
};

static SPIPlanPtr plans[lengthof(tables)];	/* from content to a row, if its tables are here */

/* Which table is meant; -1 if none that has such rows. */
static int
table_number(const char *name)
{
	for (int i = 0; i < (int) lengthof(tables); i++)
		if (strcmp(name, get_rel_name(paysafe_catalog_table(tables[i]))) == 0)
			return i;
	return -1;
}

bool
paysafe_dumped_by_name(PaysafeTable table)
{
	for (int i = 0; i < (int) lengthof(tables); i++)
		if (tables[i] == table)
			return true;
	return false;
}

/* The row from its content, if every table that it names is here. */
static SPIPlanPtr
prepare(PaysafeTable table)
{
	Relation	rel = paysafe_store_open(table);
	TupleDesc	desc = RelationGetDescr(rel);
	Oid			argtypes[] = {JSONBOID};
	StringInfoData sql;
	SPIPlanPtr	plan;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT (pg_catalog.jsonb_populate_record(NULL::%s, $1)).* WHERE true",
					 paysafe_catalog_table_name(RelationGetRelid(rel)));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		char	   *name = quote_literal_cstr(NameStr(att->attname));

		/* a table that was gone already is dumped as a number */
		if (att->atttypid == REGCLASSOID)
			appendStringInfo(&sql,
							 " AND CASE WHEN $1 OPERATOR(pg_catalog.->>) %1$s IS NULL THEN true"
							 " WHEN $1 OPERATOR(pg_catalog.->>) %1$s OPERATOR(pg_catalog.~) '^[0-9]' THEN false"
							 " ELSE pg_catalog.to_regclass($1 OPERATOR(pg_catalog.->>) %1$s) IS NOT NULL END", name);
		else if (att->atttypid == REGCLASSARRAYOID)
			appendStringInfo(&sql,
							 " AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_array_elements_text($1 OPERATOR(pg_catalog.->) %s) t (name)"
							 " WHERE CASE WHEN name OPERATOR(pg_catalog.~) '^[0-9]' THEN true"
							 " ELSE pg_catalog.to_regclass(name) IS NULL END)", name);
	}
	plan = SPI_prepare(sql.data, 1, argtypes);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\"", sql.data);
	paysafe_store_close(rel);
	return plan;
}

bool
paysafe_dumped_take(Relation rel, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(rel);
	char	   *name = paysafe_store_text(tuple, desc, DUMPED_TABLE);
	int			n = name ? table_number(name) : -1;
	bool		isnull;
	Datum		content = heap_getattr(tuple, DUMPED_CONTENT + 1, desc, &isnull);
	bool		found;

	if (n < 0 || isnull)
		return false;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (plans[n] == NULL)
		plans[n] = prepare(tables[n]);
	if (SPI_execute_plan(plans[n], &content, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read a row of \"%s\"", name);
	found = SPI_processed == 1;
	if (found)
		paysafe_store_restore(tables[n], SPI_tuptable->tupdesc, SPI_tuptable->vals[0]);
	SPI_finish();
	return found;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_adopt_dumped_rows);

static bool
take_row(Relation rel, TupleTableSlot *slot, void *arg)
{
	List	  **taken = arg;

	if (paysafe_dumped_take(rel, ExecFetchSlotHeapTuple(slot, false, NULL)))
	{
		ItemPointer tid = palloc(sizeof(ItemPointerData));

		*tid = slot->tts_tid;
		*taken = lappend(*taken, tid);
	}
	return true;
}

/*
 * adopt_dumped_rows() returns integer: rows that stayed behind because their table
 * was not there, and whose table has come since
 */
Datum
paysafe_adopt_dumped_rows(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(paysafe_catalog_table(PAYSAFE_DUMPED_ROW), ShareRowExclusiveLock);
	Snapshot	snapshot = paysafe_scan_snapshot();
	List	   *taken = NIL;
	ListCell   *lc;

	paysafe_scan(rel, NULL, 0, NULL, snapshot, take_row, &taken);
	foreach(lc, taken)
		simple_table_tuple_delete(rel, lfirst(lc), snapshot);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	PG_RETURN_INT32(list_length(taken));
}
