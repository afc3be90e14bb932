/*-------------------------------------------------------------------------
 *
 * inbox.c
 *	  SQL functions of the inbox: events that came in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "redact/redact.h"
#include "services/queue/queue.h"
#include "services/queue/queue_source.h"

#define EVENT_ID_MAX	1000
#define TYPE_MAX		200
#define REASON_MAX		10000	/* what is kept of it is less */
#define LIMIT_MAX		1000

/* Columns of inbox_claim's result. */
enum
{
	CLAIM_ID, CLAIM_ENDPOINT, CLAIM_EVENT_ID, CLAIM_TYPE, CLAIM_HEADERS, CLAIM_BODY,
	CLAIM_ATTEMPT,
	CLAIM_NCOLUMNS
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_inbox_add);

/*
 * inbox_add(endpoint text, event_id text, event_type text, headers jsonb,
 *			 body bytea) returns bigint
 */
Datum
paysafe_inbox_add(PG_FUNCTION_ARGS)
{
	bytea	   *body;
	QueueItem	item = {
		.source = paysafe_argument_name(fcinfo, 0, "endpoint"),
		.event_id = paysafe_argument_text(fcinfo, 1, "event_id", EVENT_ID_MAX),
		.event_type = paysafe_argument_optional(fcinfo, 2, "event_type", TYPE_MAX),
		.headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3)
	};

	paysafe_argument_required(fcinfo, 4, "body");
	body = PG_GETARG_BYTEA_PP(4);
	item.body = VARDATA_ANY(body);
	item.bodylen = VARSIZE_ANY_EXHDR(body);
	item.encrypt = paysafe_queue_source_encrypts(item.source);
	PG_RETURN_INT64(paysafe_queue_add(PAYSAFE_INBOX_EVENT, &item));
}

PG_FUNCTION_INFO_V1(paysafe_inbox_claim);

/*
 * inbox_claim(endpoint text, "limit" int, lease interval) returns setof (id, endpoint,
 *			   event_id, event_type, headers, body, attempt)
 */
Datum
paysafe_inbox_claim(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *endpoint = paysafe_argument_name(fcinfo, 0, "endpoint");
	int			limit = paysafe_argument_int(fcinfo, 1, "limit", 1, LIMIT_MAX);
	int64		lease = paysafe_argument_period(fcinfo, 2, "lease");
	List	   *claims = paysafe_queue_claim(PAYSAFE_INBOX_EVENT, endpoint, limit, lease);
	ListCell   *lc;

	/* a misspelt name would wait for ever */
	if (claims == NIL && !paysafe_queue_source_exists(endpoint))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no inbox of endpoint \"%s\"", paysafe_redact_string(endpoint)),
				 errhint("Webhooks come in where paysafe.set_webhook_endpoint says; for events that are added otherwise, declare it with paysafe.set_queue('inbox', %s).",
						 quote_literal_cstr(paysafe_redact_string(endpoint)))));
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, claims)
	{
		QueueClaim *claim = lfirst(lc);
		Datum		values[CLAIM_NCOLUMNS];
		bool		nulls[CLAIM_NCOLUMNS] = {0};

		values[CLAIM_ID] = Int64GetDatum(claim->id);
		values[CLAIM_ENDPOINT] = CStringGetTextDatum(claim->source);
		values[CLAIM_EVENT_ID] = CStringGetTextDatum(claim->event_id);
		nulls[CLAIM_TYPE] = claim->event_type == NULL;
		values[CLAIM_TYPE] = claim->event_type ? CStringGetTextDatum(claim->event_type) : (Datum) 0;
		nulls[CLAIM_HEADERS] = claim->headers == NULL;
		values[CLAIM_HEADERS] = PointerGetDatum(claim->headers);
		values[CLAIM_BODY] = PointerGetDatum(claim->body);
		values[CLAIM_ATTEMPT] = Int32GetDatum(claim->attempt);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static int64
event_argument(FunctionCallInfo fcinfo)
{
	paysafe_argument_required(fcinfo, 0, "id");
	return PG_GETARG_INT64(0);
}

static int
attempt_argument(FunctionCallInfo fcinfo)
{
	paysafe_argument_required(fcinfo, 1, "attempt");
	return PG_GETARG_INT32(1);
}

PG_FUNCTION_INFO_V1(paysafe_inbox_done);

/*
 * inbox_done(id bigint, attempt int) returns void
 */
Datum
paysafe_inbox_done(PG_FUNCTION_ARGS)
{
	paysafe_queue_done(PAYSAFE_INBOX_EVENT, event_argument(fcinfo), attempt_argument(fcinfo));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_inbox_retry);

/*
 * inbox_retry(id bigint, attempt int, reason text, final boolean) returns timestamptz
 */
Datum
paysafe_inbox_retry(PG_FUNCTION_ARGS)
{
	TimestampTz next = paysafe_queue_retry(PAYSAFE_INBOX_EVENT, event_argument(fcinfo),
										   attempt_argument(fcinfo),
										   paysafe_argument_readable(fcinfo, 2, "reason", REASON_MAX),
										   !PG_ARGISNULL(3) && PG_GETARG_BOOL(3));

	if (next == DT_NOEND)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(next);
}

PG_FUNCTION_INFO_V1(paysafe_inbox_revive);

/*
 * inbox_revive(id bigint, reason text) returns void
 */
Datum
paysafe_inbox_revive(PG_FUNCTION_ARGS)
{
	paysafe_queue_revive(PAYSAFE_INBOX_EVENT, event_argument(fcinfo),
						 paysafe_argument_readable(fcinfo, 1, "reason", REASON_MAX));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_inbox_dismiss);

/*
 * inbox_dismiss(id bigint, reason text) returns void
 */
Datum
paysafe_inbox_dismiss(PG_FUNCTION_ARGS)
{
	paysafe_queue_dismiss(PAYSAFE_INBOX_EVENT, event_argument(fcinfo),
						  paysafe_argument_readable(fcinfo, 1, "reason", REASON_MAX));
	PG_RETURN_VOID();
}
