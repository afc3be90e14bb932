/*-------------------------------------------------------------------------
 *
 * test_database.c
 *	  Databases in which tests empty protected tables.
 *
 * Test frameworks empty all tables between tests (Django's flush, for
 * TransactionTestCase).  A superuser may declare a database to be one for that,
 * as long as no protected table has a row: one in production cannot become one.
 * There rules change without a second person, and fixtures add rows in the middle of
 * their lives, within a transaction that says so.
 * The declaration names the database by OID and is not dumped, so that neither a
 * copy nor a restored dump inherits it; it is on record in the audit log and the
 * server's log, and cannot be taken back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/scan.h"
#include "base/transaction.h"
#include "engine/observe.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Columns of paysafe.test_database. */
enum
{
	TEST_DATABASE, TEST_NAME, TEST_AT, TEST_ACTOR, TEST_SESSION_USER,
	TEST_NCOLUMNS
};

/* Columns of paysafe.fixture_block. */
enum
{
	FIXTURE_AT, FIXTURE_ACTOR, FIXTURE_SESSION_USER, FIXTURE_REASON,
	FIXTURE_NCOLUMNS
};

static bool
has_row(Relation rel, TupleTableSlot *row, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* A rule, whatever its state: does its table have rows? */
static bool
check_empty(Relation rules, HeapTuple tuple, void *arg)
{
	bool		isnull;
	Oid			relid = DatumGetObjectId(heap_getattr(tuple, 1, RelationGetDescr(rules), &isnull));
	Snapshot	snapshot;
	ListCell   *lc;
	bool		found = false;

	if (get_rel_relkind(relid) == '\0')
		return true;
	snapshot = paysafe_scan_snapshot();
	foreach(lc, paysafe_catalog_leaves(relid))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		paysafe_scan(leaf, NULL, 0, NULL, snapshot, has_row, &found);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
	if (found)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("protected table \"%s\" has rows", get_rel_name(relid)),
				 errdetail("Only a database whose protected tables are empty can become a test database.")));
	return true;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_declare_test_database);

/*
 * declare_test_database() returns void
 */
Datum
paysafe_declare_test_database(PG_FUNCTION_ARGS)
{
	Datum		values[TEST_NCOLUMNS];
	bool		nulls[TEST_NCOLUMNS] = {0};

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser can declare a test database")));
	if (paysafe_store_is_test_database())
		PG_RETURN_VOID();
	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, check_empty, NULL);
	paysafe_store_complete();
	values[TEST_DATABASE] = ObjectIdGetDatum(MyDatabaseId);
	values[TEST_NAME] = CStringGetTextDatum(get_database_name(MyDatabaseId));
	values[TEST_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[TEST_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[TEST_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	paysafe_store_insert(PAYSAFE_TEST_DATABASE, values, nulls);
	ereport(WARNING,
			(errmsg("database \"%s\" is a test database from now on", get_database_name(MyDatabaseId)),
			 errdetail("TRUNCATE empties its protected tables, rules change without a second person, and fixtures break them. This cannot be taken back.")));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_begin_fixtures);

/*
 * begin_fixtures(reason) returns void
 */
Datum
paysafe_begin_fixtures(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_argument_reason(fcinfo, 0, "reason", "a block of fixtures");
	Datum		values[FIXTURE_NCOLUMNS];
	bool		nulls[FIXTURE_NCOLUMNS] = {0};

	if (!paysafe_store_is_test_database())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("database \"%s\" is no test database", get_database_name(MyDatabaseId)),
				 errhint("A superuser declares one with paysafe.declare_test_database() before there are rows.")));
	paysafe_transaction_warn(fcinfo, "paysafe.begin_fixtures");
	paysafe_store_complete();
	values[FIXTURE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[FIXTURE_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[FIXTURE_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[FIXTURE_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	paysafe_store_insert(PAYSAFE_FIXTURE_BLOCK, values, nulls);
	paysafe_observe_begin_fixtures();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_end_fixtures);

/*
 * end_fixtures() returns void
 *
 * What a test does after its fixtures is judged, in the same transaction.  A rollback
 * does not bring the block back.
 */
Datum
paysafe_end_fixtures(PG_FUNCTION_ARGS)
{
	paysafe_observe_end_fixtures(0, false);
	PG_RETURN_VOID();
}
