/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  SQL functions of the outbox: webhooks to be sent.
 *
 * An event is added in the transaction whose outcome it tells.  Workers claim it,
 * send it and say what came of it; it is signed when it is claimed, so that each
 * attempt has the time at which it is made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/refusal.h"
#include "services/queue/destination.h"
#include "services/queue/queue.h"
#include "store/own_table.h"

#define TYPE_MAX		200
#define REASON_MAX		10000	/* what is kept of it is less */
#define LIMIT_MAX		1000
#define CONTENT_TYPE	"application/json"

/* Columns of outbox_claim's result. */
enum
{
	CLAIM_ID, CLAIM_WEBHOOK_ID, CLAIM_DESTINATION, CLAIM_URL, CLAIM_HEADERS, CLAIM_BODY,
	CLAIM_ATTEMPT,
	CLAIM_NCOLUMNS
};

/* Columns of paysafe.outbox_attempt. */
enum
{
	ATTEMPT_EVENT, ATTEMPT_NUMBER, ATTEMPT_AT, ATTEMPT_STATUS, ATTEMPT_REASON,
	ATTEMPT_NCOLUMNS
};

/* "msg_" and 26 letters (48 bits of time, 80 random ones), in the order of time. */
static char *
make_id(void)
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	const int64 epoch = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY * 1000;
	uint64		ms = (uint64) (GetCurrentTimestamp() / 1000 + epoch);
	uint8		random[16];
	char	   *id = palloc(4 + 26 + 1);

	paysafe_crypto_random(random, sizeof(random));
	strcpy(id, "msg_");
	for (int i = 0; i < 10; i++)
		id[4 + i] = letters[ms >> (45 - 5 * i) & 31];
	for (int i = 0; i < 16; i++)
		id[14 + i] = letters[random[i] & 31];
	id[30] = '\0';
	return id;
}

/* One transaction at a time adds an event of this id, until it is there. */
static uint64
lock_id(const char *destination, const char *id)
{
	StringInfoData both;
	uint8		sha256[PAYSAFE_SHA256_LEN];
	uint64		hash;
	Datum		keys[2] = {CStringGetTextDatum(destination), CStringGetTextDatum(id)};

	initStringInfo(&both);
	paysafe_argument_append(&both, destination);
	paysafe_argument_append(&both, id);
	paysafe_crypto_sha256(both.data, both.len, sha256);
	memcpy(&hash, sha256, sizeof(hash));
	(void) paysafe_store_lock_key(PAYSAFE_OUTBOX_EVENT, "outbox_event_webhook", 2, keys, hash,
								  false, false, NULL);
	return hash;
}

/* Is the event there already?  Another one under its id is refused. */
static bool
is_added(const QueueItem *item)
{
	char	   *event_type;
	bytea	   *body;

	if (!paysafe_queue_find(PAYSAFE_OUTBOX_EVENT, item->source, item->event_id, &event_type, &body))
		return false;
	if (body != NULL && VARSIZE_ANY_EXHDR(body) == item->bodylen &&
		memcmp(VARDATA_ANY(body), item->body, item->bodylen) == 0 &&
		strcmp(event_type ? event_type : "", item->event_type ? item->event_type : "") == 0)
		return true;
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_UNIQUE_VIOLATION,
					   .rule = "outbox_webhook_id",
					   .key = item->source,
					   .statement = "CALL",
					   .message = "the webhook id stands for another event",
					   .detail = psprintf("Key (destination, id)=(%s, %s) already exists.",
										  item->source, item->event_id),
					   .hint = body != NULL ? "Each event has an id of its own." :
					   "Its body is not kept any more, so nobody can tell whether it is the same."
				   });
	return true;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_outbox_add);

/*
 * outbox_add(destination text, event_type text, body bytea, id text) returns text
 */
Datum
paysafe_outbox_add(PG_FUNCTION_ARGS)
{
	char	   *given = paysafe_argument_optional(fcinfo, 3, "id", PAYSAFE_WEBHOOK_ID_MAX);
	bytea	   *body;
	uint64		hash = 0;
	QueueItem	item = {
		.source = paysafe_argument_name(fcinfo, 0, "destination"),
		.event_type = paysafe_argument_optional(fcinfo, 1, "event_type", TYPE_MAX)
	};

	paysafe_argument_required(fcinfo, 2, "body");
	body = PG_GETARG_BYTEA_PP(2);
	item.body = VARDATA_ANY(body);
	item.bodylen = VARSIZE_ANY_EXHDR(body);
	if (given != NULL)
		paysafe_destination_check_id(given);
	item.encrypt = paysafe_destination_require(item.source);
	item.event_id = given ? given : make_id();
	if (given != NULL)
		hash = lock_id(item.source, item.event_id);
	if (given == NULL || !is_added(&item))
		(void) paysafe_queue_add(PAYSAFE_OUTBOX_EVENT, &item);
	if (given != NULL)
		paysafe_store_unlock_value(PAYSAFE_OUTBOX_EVENT, hash);
	PG_RETURN_TEXT_P(cstring_to_text(item.event_id));
}

/* The headers of a webhook that is sent now. */
static Datum
make_headers(const QueueClaim *claim)
{
	int64		seconds = paysafe_destination_seconds(GetCurrentTimestamp());
	char	   *signature = paysafe_destination_sign(claim->source, claim->event_id, seconds,
													 VARDATA_ANY(claim->body),
													 VARSIZE_ANY_EXHDR(claim->body));
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"content-type\": \"" CONTENT_TYPE "\", \"webhook-id\": ");
	escape_json(&json, claim->event_id);
	appendStringInfo(&json, ", \"webhook-timestamp\": \"" INT64_FORMAT "\", ", seconds);
	appendStringInfoString(&json, "\"webhook-signature\": ");
	escape_json(&json, signature);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

PG_FUNCTION_INFO_V1(paysafe_outbox_claim);

/*
 * outbox_claim(destination text, "limit" int, lease interval) returns setof (id,
 *				webhook_id, destination, url, headers, body, attempt)
 */
Datum
paysafe_outbox_claim(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *destination = PG_ARGISNULL(0) ? NULL :
		paysafe_argument_name(fcinfo, 0, "destination");
	int			limit = paysafe_argument_int(fcinfo, 1, "limit", 1, LIMIT_MAX);
	int64		lease = paysafe_argument_period(fcinfo, 2, "lease");
	List	   *claims = paysafe_queue_claim(PAYSAFE_OUTBOX_EVENT, destination, limit, lease);
	ListCell   *lc;

	/* a misspelt name would wait for ever; the URL is not needed, but says so */
	if (claims == NIL && destination != NULL)
		(void) paysafe_destination_url(destination);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, claims)
	{
		QueueClaim *claim = lfirst(lc);
		Datum		values[CLAIM_NCOLUMNS];
		bool		nulls[CLAIM_NCOLUMNS] = {0};

		values[CLAIM_ID] = Int64GetDatum(claim->id);
		values[CLAIM_WEBHOOK_ID] = CStringGetTextDatum(claim->event_id);
		values[CLAIM_DESTINATION] = CStringGetTextDatum(claim->source);
		values[CLAIM_URL] = CStringGetTextDatum(paysafe_destination_url(claim->source));
		values[CLAIM_HEADERS] = make_headers(claim);
		values[CLAIM_BODY] = PointerGetDatum(claim->body);
		values[CLAIM_ATTEMPT] = Int32GetDatum(claim->attempt);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
note_attempt(int64 event, int attempt, int status, const char *reason)
{
	Datum		values[ATTEMPT_NCOLUMNS];
	bool		nulls[ATTEMPT_NCOLUMNS] = {0};

	values[ATTEMPT_EVENT] = Int64GetDatum(event);
	values[ATTEMPT_NUMBER] = Int32GetDatum(attempt);
	values[ATTEMPT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[ATTEMPT_STATUS] = status == 0;
	values[ATTEMPT_STATUS] = Int32GetDatum(status);
	nulls[ATTEMPT_REASON] = reason == NULL;
	values[ATTEMPT_REASON] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	paysafe_store_append(PAYSAFE_OUTBOX_ATTEMPT, values, nulls);
	CommandCounterIncrement();
}

PG_FUNCTION_INFO_V1(paysafe_outbox_done);

/*
 * outbox_done(id bigint, attempt int, status int) returns void
 */
Datum
paysafe_outbox_done(PG_FUNCTION_ARGS)
{
	int64		id;
	int			attempt = paysafe_argument_int(fcinfo, 1, "attempt", 1, PG_INT32_MAX);
	int			status;

	paysafe_argument_required(fcinfo, 0, "id");
	paysafe_argument_required(fcinfo, 2, "status");
	id = PG_GETARG_INT64(0);
	status = PG_GETARG_INT32(2);
	if (status < 200 || status > 299)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a webhook that was answered with status %d has not arrived", status),
				 errhint("Call paysafe.outbox_retry.")));
	paysafe_queue_done(PAYSAFE_OUTBOX_EVENT, id, attempt);
	note_attempt(id, attempt, status, NULL);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_outbox_retry);

/*
 * outbox_retry(id bigint, attempt int, reason text, status int, final boolean)
 * returns timestamptz
 */
Datum
paysafe_outbox_retry(PG_FUNCTION_ARGS)
{
	int64		id;
	int			attempt = paysafe_argument_int(fcinfo, 1, "attempt", 1, PG_INT32_MAX);
	char	   *reason = paysafe_argument_readable(fcinfo, 2, "reason", REASON_MAX);
	int			status = PG_ARGISNULL(3) ? 0 :
		paysafe_argument_int(fcinfo, 3, "status", 100, 599);
	TimestampTz next;

	paysafe_argument_required(fcinfo, 0, "id");
	id = PG_GETARG_INT64(0);
	next = paysafe_queue_retry(PAYSAFE_OUTBOX_EVENT, id, attempt, reason,
							   !PG_ARGISNULL(4) && PG_GETARG_BOOL(4));
	note_attempt(id, attempt, status, paysafe_queue_cut_reason(reason));
	if (next == DT_NOEND)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(next);
}

PG_FUNCTION_INFO_V1(paysafe_outbox_revive);

/*
 * outbox_revive(id bigint, reason text) returns void
 */
Datum
paysafe_outbox_revive(PG_FUNCTION_ARGS)
{
	paysafe_argument_required(fcinfo, 0, "id");
	paysafe_queue_revive(PAYSAFE_OUTBOX_EVENT, PG_GETARG_INT64(0),
						 paysafe_argument_readable(fcinfo, 1, "reason", REASON_MAX));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_outbox_dismiss);

/*
 * outbox_dismiss(id bigint, reason text) returns void
 */
Datum
paysafe_outbox_dismiss(PG_FUNCTION_ARGS)
{
	paysafe_argument_required(fcinfo, 0, "id");
	paysafe_queue_dismiss(PAYSAFE_OUTBOX_EVENT, PG_GETARG_INT64(0),
						  paysafe_argument_readable(fcinfo, 1, "reason", REASON_MAX));
	PG_RETURN_VOID();
}
