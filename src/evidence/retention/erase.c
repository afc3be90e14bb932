/*-------------------------------------------------------------------------
 *
 * erase.c
 *	  What the audit log says of one row leaves, because the law wants it.
 *
 * The key itself may be somebody's name, so it stands in no approval and in no record:
 * a proposed erasure has a number, paysafe.erasure_request has its key, and that row
 * goes when it is done.
 *
 * Rows are replaced one by one, beside readers and writers.  The old ones are dead
 * when this commits, and in the files until VACUUM: autovacuum is told to come for a
 * single one.  The block range index forgets what it knew of their keys, and so do the
 * index of the log (reading/forget.c) and the key that nonces are derived from (audit_key.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/proposal.h"
#include "evidence/audit_leaf.h"
#include "evidence/reading/forget.h"
#include "evidence/retention/payload.h"
#include "evidence/retention/retention.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/run_as_owner.h"
#include "values/row_key.h"

/* Columns of paysafe.erasure_request. */
enum
{
	REQUEST_ID, REQUEST_SUBJECT, REQUEST_TABLE, REQUEST_KEY, REQUEST_REASON, REQUEST_BY, REQUEST_AT,
	REQUEST_NCOLUMNS
};

/* An erasure. */
typedef struct Erasure
{
	PayloadJudge *judge;
	IndexForget *forget;
	int64		request;		/* 0: none is stored */
	const char *subject;
	const char *table;
	const char *key;
	const char *reason;
	int64		id;				/* of its record */
	int64		rows;
	TimestampTz lower;
	TimestampTz upper;
	/* where the rows are */
	MemoryContext context;
	int			n;
	Oid		   *relids;
	ItemPointerData *tids;
} Erasure;

/* Requests */

static bool
is_of(const Erasure *erasure, HeapTuple tuple, TupleDesc desc)
{
	return strcmp(paysafe_store_text(tuple, desc, REQUEST_SUBJECT), erasure->subject) == 0 &&
		strcmp(paysafe_store_text(tuple, desc, REQUEST_KEY), erasure->key) == 0;
}

static bool
visit_request(Relation rel, HeapTuple tuple, void *arg)
{
	Erasure    *erasure = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	if (is_of(erasure, tuple, desc) &&
		strcmp(paysafe_store_text(tuple, desc, REQUEST_REASON), erasure->reason) == 0)
		erasure->request = Max(erasure->request,
							   DatumGetInt64(heap_getattr(tuple, REQUEST_ID + 1, desc, &isnull)));
	return true;
}

static bool
is_done(Relation rel, HeapTuple tuple, void *arg)
{
	return is_of(arg, tuple, RelationGetDescr(rel));
}

static void
store_request(Erasure *erasure)
{
	Datum		values[REQUEST_NCOLUMNS];
	bool		nulls[REQUEST_NCOLUMNS] = {0};

	erasure->request = paysafe_retention_next_id();
	values[REQUEST_ID] = Int64GetDatum(erasure->request);
	values[REQUEST_SUBJECT] = CStringGetTextDatum(erasure->subject);
	values[REQUEST_TABLE] = CStringGetTextDatum(erasure->table);
	values[REQUEST_KEY] = CStringGetTextDatum(erasure->key);
	values[REQUEST_REASON] = CStringGetTextDatum(erasure->reason);
	values[REQUEST_BY] = CStringGetTextDatum(paysafe_actor_name());
	values[REQUEST_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_ERASURE_REQUEST, values, nulls);
}

/* May it be done?  False: it is proposed only. */
static bool
authorize(Erasure *erasure)
{
	static const char message[] = "erasing what the audit log says of a row needs the approval of a second person";

	if (paysafe_proposal_is_open())
		store_request(erasure);
	else
	{
		paysafe_store_scan(PAYSAFE_ERASURE_REQUEST, NULL, 0, NULL, visit_request, erasure);
		if (erasure->request == 0 && !paysafe_store_is_test_database())
			paysafe_refuse(&(Refusal)
						   {
							   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
							   .rule = "retention",
							   .schema_name = "paysafe",
							   .table_name = "erasure_request",
							   .message = message,
							   .detail = "No erasure of this row for this reason is proposed.",
							   .hint = "Propose it first: run it again in a transaction after SELECT paysafe.propose('why'). Who approves it finds the key in paysafe.pending_erasure."
						   });
	}
	return paysafe_retention_authorize(psprintf("erasure " INT64_FORMAT " of %s", erasure->request, erasure->table),
									   erasure->reason, message);
}

/* Rows */

/* The numbers of the ways in which the table's rows look. */
static ArrayType *
shapes_of(const Erasure *erasure)
{
	HASH_SEQ_STATUS status;
	LoggedTable *table;
	Datum	   *ids = palloc(sizeof(Datum) * Max(hash_get_num_entries(erasure->judge->tables), 1));
	int			n = 0;

	hash_seq_init(&status, erasure->judge->tables);
	while ((table = hash_seq_search(&status)) != NULL)
		if (strcmp(table->subject, erasure->subject) == 0)
			ids[n++] = Int64GetDatum(table->id);
	return construct_array(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/* By the index on keys, with the newest snapshot. */
static void
find_rows(void *arg)
{
	Erasure    *erasure = arg;
	Oid			types[] = {TEXTOID, INT8ARRAYOID};
	Datum		values[] = {CStringGetTextDatum(erasure->key), PointerGetDatum(shapes_of(erasure))};

	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args("SELECT r.tableoid, r.ctid FROM paysafe.audit_row r"
							  " WHERE r.key OPERATOR(pg_catalog.=) $1 AND r.shape OPERATOR(pg_catalog.=) ANY ($2)",
							  2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the audit log");
	erasure->n = (int) SPI_processed;
	erasure->relids = MemoryContextAllocHuge(erasure->context, sizeof(Oid) * Max(erasure->n, 1));
	erasure->tids = MemoryContextAllocHuge(erasure->context, sizeof(ItemPointerData) * Max(erasure->n, 1));
	for (int i = 0; i < erasure->n; i++)
	{
		bool		isnull;

		erasure->relids[i] = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		erasure->tids[i] = *(ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
	}
	SPI_finish();
	PopActiveSnapshot();
}

/* Put a row without its payload in place of one. */
static void
replace_row(Erasure *erasure, Relation rel, ItemPointer tid, Snapshot snapshot)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TupleTableSlot *bare = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
	Datum		values[ROW_NCOLUMNS];
	bool		nulls[ROW_NCOLUMNS];
	LoggedTable *table;
	const Hold *hold;
	bytea	   *stored;
	TimestampTz at;

	if (!table_tuple_fetch_row_version(rel, tid, snapshot, slot))
		elog(ERROR, "a row of \"%s\" is not there any more", RelationGetRelationName(rel));
	heap_deform_tuple(ExecFetchSlotHeapTuple(slot, false, NULL), RelationGetDescr(rel), values, nulls);
	table = paysafe_payload_table(erasure->judge, values);
	hold = paysafe_payload_hold(erasure->judge, table, values, nulls);
	if (hold != NULL)
		paysafe_hold_refuse(hold);
	paysafe_payload_check(erasure->judge, table, values, nulls);
	paysafe_index_forget_row(erasure->forget, rel, tid, values, nulls);
	stored = nulls[ROW_NONCE] ? NULL : DatumGetByteaPP(values[ROW_NONCE]);
	paysafe_payload_remove(erasure->judge, values, nulls, erasure->id);
	if (stored != NULL)
		paysafe_audit_key_forget((uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored),
								 U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
								 DatumGetInt32(values[ROW_SEQ]));
	ExecStoreHeapTuple(heap_form_tuple(RelationGetDescr(rel), values, nulls), bare, true);
	bare->tts_tableOid = RelationGetRelid(rel);
	simple_table_tuple_delete(rel, tid, snapshot);
	table_tuple_insert(rel, bare, GetCurrentCommandId(true), 0, NULL);
	paysafe_store_index(rel, &bare, 1);
	at = DatumGetTimestampTz(values[ROW_AT]);
	erasure->lower = erasure->rows == 0 ? at : Min(erasure->lower, at);
	erasure->upper = erasure->rows == 0 ? at : Max(erasure->upper, at);
	erasure->rows++;
	ExecDropSingleTupleTableSlot(bare);
	ExecDropSingleTupleTableSlot(slot);
}

/* A place that a block range index knows keys of. */
typedef struct Summary
{
	Oid			index;
	BlockNumber block;
} Summary;

static void
forget_summary(void *arg)
{
	const Summary *summary = arg;

	OidFunctionCall2(F_BRIN_DESUMMARIZE_RANGE, ObjectIdGetDatum(summary->index),
					 Int64GetDatum((int64) summary->block));
}

static bool
is_brin(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	bool		result = HeapTupleIsValid(tuple) && ((Form_pg_class) GETSTRUCT(tuple))->relam == BRIN_AM_OID;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

static void
forget_keys(Oid relid, const ItemPointerData *tids, int n)
{
	Relation	rel = table_open(relid, ShareUpdateExclusiveLock);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
		if (is_brin(lfirst_oid(lc)))
			for (int i = 0; i < n; i++)
			{
				Summary		summary = {lfirst_oid(lc), ItemPointerGetBlockNumber(&tids[i])};

				paysafe_run_as_owner_call(forget_summary, &summary);
			}
	table_close(rel, NoLock);
	paysafe_run_as_owner(psprintf("ALTER TABLE paysafe.%s SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,"
								  " toast.autovacuum_vacuum_threshold = 0, toast.autovacuum_vacuum_scale_factor = 0)",
								  quote_identifier(get_rel_name(relid))));
}

/* The n rows from first on, all of one partition. */
static void
erase_in(Erasure *erasure, int first, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe erasure",
												  ALLOCSET_DEFAULT_SIZES);
	Relation	rel = table_open(erasure->relids[first], RowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	for (int i = first; i < first + n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		replace_row(erasure, rel, &erasure->tids[i], snapshot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	MemoryContextDelete(context);
	CommandCounterIncrement();
	forget_keys(erasure->relids[first], &erasure->tids[first], n);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_erase);

/*
 * erase(relation regclass, key text, reason text) returns bigint: of how many
 * changes; NULL if it is proposed only
 */
Datum
paysafe_erase(PG_FUNCTION_ARGS)
{
	Erasure		erasure = {.context = CurrentMemoryContext};

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "key");
	erasure.subject = paysafe_retention_subject(PG_GETARG_OID(0));
	erasure.table = paysafe_catalog_table_name(PG_GETARG_OID(0));
	erasure.key = paysafe_row_key_logged(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	erasure.reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 2, "reason", "an erasure"));
	if (!authorize(&erasure))
		PG_RETURN_NULL();
	paysafe_retention_lock();
	paysafe_hold_lock();
	erasure.judge = paysafe_payload_judge();
	erasure.forget = paysafe_index_forget_begin();
	erasure.id = paysafe_retention_next_id();
	paysafe_run_as_owner_call(find_rows, &erasure);
	for (int i = 0, n; i < erasure.n; i += n)
	{
		for (n = 1; i + n < erasure.n && erasure.relids[i + n] == erasure.relids[i];)
			n++;
		erase_in(&erasure, i, n);
	}
	paysafe_index_forget_end(erasure.forget);
	(void) paysafe_store_expire(PAYSAFE_ERASURE_REQUEST, is_done, &erasure);
	if (erasure.rows > 0)
		paysafe_retention_add(&(RetentionRecord)
							  {
								  .id = erasure.id, .action = "erase", .subject = erasure.subject,
								  .table = erasure.table, .lower = erasure.lower, .upper = erasure.upper,
								  .rows = erasure.rows, .reason = erasure.reason
							  });
	PG_RETURN_INT64(erasure.rows);
}
