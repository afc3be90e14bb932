/*-------------------------------------------------------------------------
 *
 * seal_status.c
 *	  How far sealing is behind, waiting for it, and whether it works at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "base/scan.h"
#include "compat.h"
#include "evidence/audit_log.h"
#include "evidence/seal/seal.h"
#include "evidence/seal/seal_rows.h"
#include "evidence/seal/seal_shared.h"
#include "evidence/seal/seal_state.h"
#include "evidence/seal/seal_tile.h"
#include "evidence/seal/seal_transaction.h"
#include "store/own_table.h"

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_seal_progress);

/*
 * seal_progress() returns record (incarnation, size, sealed_at, watermark, oldest,
 * waiting, since): what is sealed, and how many rows are not
 */
Datum
paysafe_seal_progress(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[7];
	bool		nulls[7] = {0};
	SealState	state;
	Snapshot	snapshot = paysafe_scan_snapshot();
	TimestampTz first_at;
	uint64		waiting;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	paysafe_seal_state_read(&state);
	waiting = paysafe_seal_rows_count(state.found && state.here ? state.watermark : 0, snapshot, &first_at);
	values[0] = Int32GetDatum(state.incarnation);
	values[1] = Int64GetDatum(state.size);
	values[2] = TimestampTzGetDatum(state.sealed_at);
	values[3] = FullTransactionIdGetDatum(FullTransactionIdFromU64(state.watermark));
	for (int i = 0; i <= 3; i++)
		nulls[i] = !state.found;
	values[4] = FullTransactionIdGetDatum(FullTransactionIdFromU64(paysafe_seal_oldest(snapshot)));
	values[5] = Int64GetDatum(waiting);
	values[6] = TimestampTzGetDatum(first_at);
	nulls[6] = waiting == 0;
	UnregisterSnapshot(snapshot);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* Which transaction has to be sealed: this session's last one, or what it can see. */
static uint64
last_transaction(void)
{
	bool		now;
	uint64		xid = paysafe_audit_log_last(&now);
	Snapshot	snapshot;

	if (now)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("this transaction has changes that are sealed when it has ended"),
				 errhint("Call paysafe.wait_sealed after COMMIT.")));
	if (xid != 0)
		return xid;
	snapshot = GetActiveSnapshot();
	xid = U64FromFullTransactionId(ReadNextFullTransactionId());
	return xid - (uint32) ((TransactionId) xid - snapshot->xmax) - 1;
}

PG_FUNCTION_INFO_V1(paysafe_wait_sealed);

/*
 * wait_sealed(timeout interval) returns boolean: is what this session has committed
 * last sealed?
 */
Datum
paysafe_wait_sealed(PG_FUNCTION_ARGS)
{
	Interval   *timeout;
	double		milliseconds;
	uint64		xid;
	SealState	state;
	bool		sealer;

	paysafe_argument_required(fcinfo, 0, "timeout");
	timeout = PG_GETARG_INTERVAL_P(0);
	milliseconds = timeout->time / 1000.0 + (timeout->day + timeout->month * 30.0) * 24 * 3600 * 1000;
	xid = last_transaction();
	if (milliseconds < 0 || milliseconds > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 0 and 24 days", "timeout")));
	paysafe_seal_state_read(&state);
	if (state.found && state.here && state.watermark > xid)
		PG_RETURN_BOOL(true);
	if (paysafe_seal_shared_wait(xid, (long) milliseconds, &sealer))
		PG_RETURN_BOOL(true);
	if (!sealer)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nobody seals the audit log"),
				 errdetail("That is done by a background worker, where paysafe is in shared_preload_libraries and the server is no standby."),
				 errhint("Call paysafe.seal(), or let somebody call it regularly.")));
	PG_RETURN_BOOL(false);
}

/* What check() looks at: the last tiles, the state, and the last transactions. */
static void
look_at_tree(void *arg)
{
	SealState  *state = arg;
	SealTree   *tree = palloc(sizeof(SealTree));
	SealTransaction last = {0};
	SealTransaction before;
	uint64		end;

	paysafe_seal_state_read(state);
	if (!state->found || !state->here)
		return;
	paysafe_seal_state_tree(state, tree);
	if (state->size == 1)
		return;
	if (!paysafe_seal_transaction_last(state->incarnation, &last))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the state says " UINT64_FORMAT " leaves, and there is no transaction", state->size)));
	end = last.first + last.rows + 1;
	if (end != state->size)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the state says " UINT64_FORMAT " leaves, the transactions " UINT64_FORMAT, state->size, end)));
	if (last.first > 1 &&
		(!paysafe_seal_transaction_at(state->incarnation, last.first - 1, &before) ||
		 before.first + before.rows + 1 != last.first))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the leaves before leaf " UINT64_FORMAT " belong to no transaction", last.first)));
}

PG_FUNCTION_INFO_V1(paysafe_seal_trouble);

/*
 * seal_trouble() returns text: what is wrong with the end of the tree, to which leaves
 * are added; NULL if it is good
 */
Datum
paysafe_seal_trouble(PG_FUNCTION_ARGS)
{
	SealState	state;
	ErrorData  *error = paysafe_attempt_error(look_at_tree, &state);

	if (error == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(error->detail ? psprintf("%s: %s", error->message, error->detail) :
									 error->message));
}

PG_FUNCTION_INFO_V1(paysafe_sealer_trouble);

/*
 * sealer_trouble() returns text: why no background worker seals this database; NULL if
 * one does, or will when there is something to seal
 */
Datum
paysafe_sealer_trouble(PG_FUNCTION_ARGS)
{
	int			failures;

	/* without it there is none, which check() says of the library */
	if (RecoveryInProgress() || !paysafe_seal_shared_present())
		PG_RETURN_NULL();
	failures = paysafe_seal_shared_failures();
	if (failures > 1)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("the background worker \"paysafe sealer\" has failed %d times in a row: why is in the server's log", failures)));
	PG_RETURN_NULL();
}
