/*-------------------------------------------------------------------------
 *
 * webhook.c
 *	  Webhooks in: verified, and accepted once.
 *
 * One call verifies a request, looks whether it has been here before and adds its
 * event to the inbox, in the transaction of whoever calls: either all of it is
 * committed or nothing is, and then the sender tries again.
 *
 * What has been here before is known for ever, by a keyed hash: of the event's id if
 * the id is signed, of what is signed otherwise.  An id that is not signed says
 * nothing, as whoever replays would set it anew.
 *
 * Locks, in this order: the event's (paysafe_store_lock_key), the object's, the
 * object's row.  The first two are held until the rows are there, which from then on
 * keep others waiting.  Between the first two, where another event may have the same
 * body (topics in headers), a lock of the body until the end of the transaction.  What
 * is there is read with the newest snapshot under these locks, at every isolation level.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/argument.h"
#include "base/encode.h"
#include "base/json_check.h"
#include "base/refusal.h"
#include "compat.h"
#include "services/queue/queue.h"
#include "services/throttle/failed.h"
#include "services/webhook/webhook.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define NO_SEQUENCE		PG_INT64_MIN

/* Columns of paysafe.webhook_seen and paysafe.webhook_latest. */
enum
{
	SEEN_DIGEST, SEEN_AT, SEEN_INBOX,
	SEEN_NCOLUMNS
};
enum
{
	LATEST_DIGEST, LATEST_SEQUENCE, LATEST_AT,
	LATEST_NCOLUMNS
};

/* Columns of the results. */
enum
{
	ACCEPT_VERDICT, ACCEPT_REASON, ACCEPT_EVENT_ID, ACCEPT_TYPE, ACCEPT_INBOX, ACCEPT_KEY,
	ACCEPT_NCOLUMNS
};
enum
{
	VERIFY_OK, VERIFY_REASON, VERIFY_KEY,
	VERIFY_NCOLUMNS
};

/* What was seen of an event. */
typedef struct Seen
{
	bool		found;
	TimestampTz at;
	int64		inbox_id;		/* 0: none */
} Seen;

/* The newest of an object. */
typedef struct Latest
{
	bool		found;
	ItemPointerData tid;
} Latest;

/* Arguments; NULL for those that make no request. */
static void
read_request(FunctionCallInfo fcinfo, WebhookRequest *request)
{
	char	   *name = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));

	request->endpoint = paysafe_webhook_endpoint(name);
	request->headers = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	request->body = "";
	request->bodylen = 0;
	if (!PG_ARGISNULL(2))
	{
		bytea	   *body = PG_GETARG_BYTEA_PP(2);

		request->body = VARDATA_ANY(body);
		request->bodylen = VARSIZE_ANY_EXHDR(body);
	}
	request->at = GetCurrentTimestamp();
}

/* One session at a time deals with what has this hash, until it has its row, if not *found. */
static uint64
lock_digest(PaysafeTable table, const char *index, const uint8 *digest, Datum key, bool *found)
{
	uint64		hash;

	memcpy(&hash, digest, sizeof(hash));
	(void) paysafe_store_lock_key(table, index, 1, &key, hash, false, false, found);
	return hash;
}

/* Seen before? */

/* The hash of an endpoint's event; what: which sort of hash, more: or NULL. */
static void
digest_of(const WebhookRequest *request, const char *what, const char *more, uint8 *digest)
{
	StringInfoData all;

	initStringInfo(&all);
	paysafe_argument_append(&all, request->endpoint->name);
	paysafe_argument_append(&all, what);
	if (more != NULL)
		paysafe_argument_append(&all, more);
	if (strcmp(what, "id") == 0)
		appendStringInfoString(&all, request->id);
	else
		appendBinaryStringInfo(&all, request->signed_bytes.data, request->signed_bytes.len);
	paysafe_keyring_mac("webhook seen", all.data, all.len, digest);
	pfree(all.data);
}

static void
event_digest(const WebhookRequest *request, uint8 *digest)
{
	bool		by_id = request->endpoint->scheme->id_signed && request->id[0] != '\0';

	digest_of(request, by_id ? "id" : "signed", NULL, digest);
}

static bool
visit_seen(Relation rel, HeapTuple tuple, void *arg)
{
	Seen	   *seen = arg;
	Datum		values[SEEN_NCOLUMNS];
	bool		nulls[SEEN_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	seen->found = true;
	seen->at = DatumGetTimestampTz(values[SEEN_AT]);
	seen->inbox_id = nulls[SEEN_INBOX] ? 0 : DatumGetInt64(values[SEEN_INBOX]);
	return false;
}

static Seen
look_up(Datum digest)
{
	Seen		seen = {0};

	paysafe_store_scan(PAYSAFE_WEBHOOK_SEEN, "webhook_seen_pkey", 1, &digest, visit_seen, &seen);
	return seen;
}

static void
note_seen(Datum digest, int64 inbox_id)
{
	Datum		values[SEEN_NCOLUMNS];
	bool		nulls[SEEN_NCOLUMNS] = {0};

	values[SEEN_DIGEST] = digest;
	values[SEEN_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[SEEN_INBOX] = inbox_id == 0;
	values[SEEN_INBOX] = Int64GetDatum(inbox_id);
	paysafe_store_append(PAYSAFE_WEBHOOK_SEEN, values, nulls);
	CommandCounterIncrement();
}

/*
 * Where topic and id stand in headers that are not signed, two events about one thing
 * can have the same body, and be signed alike (Shopify: orders/create and orders/paid).
 * Another event of this body has another topic and another id than each of those before
 * it, and comes soon after the first: providers try again for some hours.  Whoever
 * replays a delivery under another topic, or under another id, or later, has seen it.
 */
#define SAME_BODY_TIME	(4 * USECS_PER_HOUR)

static bool
is_other_event(const WebhookRequest *request, const uint8 *body_digest, Seen *seen)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	uint64		hash;
	Seen		by_id;
	Seen		by_topic;

	if (!request->endpoint->scheme->topic_apart || request->id[0] == '\0' || request->type[0] == '\0')
		return false;
	/* the body has its row: those that come after it wait for each other here */
	memcpy(&hash, body_digest, sizeof(hash));
	(void) paysafe_store_lock_value(PAYSAFE_WEBHOOK_SEEN, ~hash, false);
	digest_of(request, "signed, id", request->id, digest);
	by_id = look_up(paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN));
	digest_of(request, "signed, topic", request->type, digest);
	by_topic = look_up(paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN));
	if (!by_id.found && !by_topic.found)
		return GetCurrentTimestamp() - seen->at < SAME_BODY_TIME;
	/* the one that it is a copy of */
	*seen = by_id.found ? by_id : by_topic;
	return false;
}

/* Note the event as seen; again: another one of its body is there already. */
static void
note_event(const WebhookRequest *request, Datum key, bool again, int64 inbox_id)
{
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (!again)
		note_seen(key, inbox_id);
	if (!request->endpoint->scheme->topic_apart)
		return;
	digest_of(request, "signed, id", request->id, digest);
	note_seen(paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN), inbox_id);
	digest_of(request, "signed, topic", request->type, digest);
	note_seen(paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN), inbox_id);
}

/* Older than what is known of its object? */

/*
 * The object and the number that says how new the event is; NO_SEQUENCE if the event
 * is about none.  False if it is about one and has no such number, or names it in a way
 * that is of no use.
 */
static bool
read_sequence(const WebhookRequest *request, char *object, int64 *sequence)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	char		text[64];

	*sequence = NO_SEQUENCE;
	if (endpoint->object_path == NULL ||
		paysafe_json_is_absent(request->event, request->eventlen, endpoint->object_path))
		return true;
	return paysafe_json_find(request->event, request->eventlen, endpoint->object_path,
							 object, WEBHOOK_MAX_ID + 1, NULL) >= 0 &&
		paysafe_json_find(request->event, request->eventlen, endpoint->sequence_path,
						  text, sizeof(text), NULL) > 0 &&
		paysafe_webhook_parse_sequence(text, sequence);
}

static bool
visit_latest(Relation rel, HeapTuple tuple, void *arg)
{
	Latest	   *latest = arg;

	latest->found = true;
	latest->tid = tuple->t_self;
	return false;
}

/* Note it as the newest; false if there is a newer one. */
static bool
note_latest(const WebhookRequest *request, const char *object, int64 sequence)
{
	StringInfoData all;
	uint8		digest[PAYSAFE_SHA256_LEN];
	Latest		latest = {0};
	HeapTuple	tuple = NULL;
	Datum		values[LATEST_NCOLUMNS];
	bool		nulls[LATEST_NCOLUMNS] = {0};
	Datum		key;
	uint64		hash;
	bool		known;
	bool		newest;

	initStringInfo(&all);
	paysafe_argument_append(&all, request->endpoint->name);
	appendStringInfoString(&all, object);
	paysafe_keyring_mac("webhook object", all.data, all.len, digest);
	pfree(all.data);
	key = paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN);
	hash = lock_digest(PAYSAFE_WEBHOOK_LATEST, "webhook_latest_pkey", digest, key, &known);
	if (known)
		paysafe_store_scan(PAYSAFE_WEBHOOK_LATEST, "webhook_latest_pkey", 1, &key, visit_latest, &latest);
	if (latest.found)
	{
		Relation	rel = paysafe_store_open(PAYSAFE_WEBHOOK_LATEST);

		tuple = paysafe_store_lock(PAYSAFE_WEBHOOK_LATEST, &latest.tid, LockWaitBlock);
		if (tuple == NULL)
			elog(ERROR, "row of webhook_latest is gone");
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		paysafe_store_close(rel);
	}
	/* as old as the newest is no older: some count in seconds */
	newest = tuple == NULL || DatumGetInt64(values[LATEST_SEQUENCE]) <= sequence;
	values[LATEST_DIGEST] = key;
	values[LATEST_SEQUENCE] = Int64GetDatum(sequence);
	values[LATEST_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	if (newest && tuple != NULL)
		paysafe_store_update(PAYSAFE_WEBHOOK_LATEST, tuple, values, nulls);
	else if (newest)
	{
		paysafe_store_append(PAYSAFE_WEBHOOK_LATEST, values, nulls);
		CommandCounterIncrement();
	}
	paysafe_store_unlock_value(PAYSAFE_WEBHOOK_LATEST, hash);
	return newest;
}

/* The inbox */

/* Headers that are of use to whoever works on the event; no credentials. */
static Jsonb *
useful_headers(const WebhookRequest *request)
{
	const WebhookScheme *scheme = request->endpoint->scheme;
	const char *const useful[] = {
		"content-type", "content-encoding", scheme->id_header, scheme->timestamp_header,
		scheme->type_header
	};
	JsonbParseState *state = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key = {0};
	JsonbValue	value;
	bool		taken = false;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	it = JsonbIteratorInit((JsonbContainer *) &request->headers->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			key = value;
			taken = false;
			for (int i = 0; i < lengthof(useful) && !taken; i++)
				taken = paysafe_webhook_header_is(key.val.string.val, key.val.string.len, useful[i]);
		}
		else if (token == WJB_VALUE && taken && value.type == jbvString)
		{
			(void) pushJsonbValue(&state, WJB_KEY, &key);
			(void) pushJsonbValue(&state, WJB_VALUE, &value);
		}
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* An event without an id of its own gets what it is known by. */
static int64
add_to_inbox(const WebhookRequest *request, const uint8 *digest, const char *dead)
{
	char		hex[2 * PAYSAFE_SHA256_LEN + 1] = {0};

	(void) paysafe_encode_hex(digest, PAYSAFE_SHA256_LEN, hex);
	return paysafe_queue_add(PAYSAFE_INBOX_EVENT, &(QueueItem)
							 {
								 .source = request->endpoint->name,
								 .event_id = request->id[0] != '\0' ? request->id : hex,
								 .event_type = request->type[0] != '\0' ? request->type : NULL,
								 .headers = useful_headers(request),
								 .body = request->body,
								 .bodylen = request->bodylen,
								 .encrypt = request->endpoint->encrypt,
								 .dead = dead
							 });
}

/* Nothing of the request itself gets into it. */
static void
record(const WebhookRequest *request, const char *origin, bool invalid)
{
	char	   *message = psprintf(invalid ? "a webhook does not fit its schema: %s" : "a webhook was refused: %s", request->reason);

	if (origin != NULL)
		message = psprintf("%s; from %s", message, origin);
	paysafe_refusal_record(&(Refusal)
						   {
							   .sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
							   .rule = invalid ? "webhook_payload_invalid" : psprintf("webhook_%s", request->reason),
							   .schema_name = "paysafe",
							   .table_name = "webhook",
							   .key = request->endpoint->name,
							   .statement = "webhook_accept",
							   .outside = true,
							   .message = message
						   });
}

/* What becomes of a genuine request that one session at a time deals with. */
static const char *
settle_once(const WebhookRequest *request, const char *object, int64 sequence, const char *unfit,
			const uint8 *digest, Datum key, bool known, int64 *inbox_id)
{
	Seen		seen = {0};

	if (known)
		seen = look_up(key);
	if (seen.found && !is_other_event(request, digest, &seen))
	{
		*inbox_id = seen.inbox_id;
		return "duplicate";
	}
	/* whether it is the newest of its object, it cannot say */
	if (unfit != NULL)
	{
		*inbox_id = add_to_inbox(request, digest, unfit);
		note_event(request, key, seen.found, *inbox_id);
		return "invalid";
	}
	if (sequence != NO_SEQUENCE && !note_latest(request, object, sequence))
	{
		note_event(request, key, seen.found, 0);
		return "outdated";
	}
	if (request->endpoint->inbox)
		*inbox_id = add_to_inbox(request, digest, NULL);
	note_event(request, key, seen.found, *inbox_id);
	return "accepted";
}

static const char *
settle(WebhookRequest *request, int64 *inbox_id)
{
	char		object[WEBHOOK_MAX_ID + 1];
	int64		sequence = NO_SEQUENCE;
	char	   *unfit;
	uint8		digest[PAYSAFE_SHA256_LEN];
	Datum		key;
	uint64		hash;
	bool		known;
	const char *verdict;

	*inbox_id = 0;
	if (!request->wanted)
		return "ignored";
	unfit = paysafe_webhook_unfit(request);
	if (unfit == NULL && !read_sequence(request, object, &sequence))
	{
		request->reason = "sequence_malformed";
		return "refused";
	}
	PreventCommandIfReadOnly("accepting a webhook");
	event_digest(request, digest);
	key = paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN);
	paysafe_store_activate();
	hash = lock_digest(PAYSAFE_WEBHOOK_SEEN, "webhook_seen_pkey", digest, key, &known);
	verdict = settle_once(request, object, sequence, unfit, digest, key, known, inbox_id);
	paysafe_store_unlock_value(PAYSAFE_WEBHOOK_SEEN, hash);
	if (strcmp(verdict, "invalid") == 0)
		request->reason = unfit;
	return verdict;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_webhook_accept);

/*
 * webhook_accept(endpoint text, headers jsonb, body bytea, origin text) returns
 * (verdict, reason, event_id, event_type, inbox_id, key_id)
 */
Datum
paysafe_webhook_accept(PG_FUNCTION_ARGS)
{
	WebhookRequest *request = palloc(sizeof(WebhookRequest));
	const char *verdict = "refused";
	const char *origin = NULL;
	int64		inbox_id = 0;
	Datum		values[ACCEPT_NCOLUMNS];
	bool		nulls[ACCEPT_NCOLUMNS];

	read_request(fcinfo, request);
	if (!PG_ARGISNULL(3))
		origin = paysafe_argument_origin(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	paysafe_webhook_check(request);
	if (paysafe_failed_attempt("webhook", request->endpoint->name, origin, paysafe_failed_is_guess(request->reason)))
		request->reason = "locked_out";
	if (request->reason == NULL)
		verdict = settle(request, &inbox_id);
	/* whoever names an endpoint that is none has no series of his own */
	paysafe_outcome_count(paysafe_outcome_name(OUTCOME_WEBHOOK), request->endpoint->version > 0 ? request->endpoint->name : "(unknown)",
						  request->reason == NULL, request->reason != NULL);
	if (request->reason != NULL)
		record(request, origin, inbox_id != 0);

	memset(nulls, true, sizeof(nulls));
	nulls[ACCEPT_VERDICT] = false;
	values[ACCEPT_VERDICT] = CStringGetTextDatum(verdict);
	if (request->reason != NULL)
	{
		nulls[ACCEPT_REASON] = false;
		values[ACCEPT_REASON] = CStringGetTextDatum(request->reason);
		if (inbox_id == 0)
			return paysafe_argument_row(fcinfo, values, nulls);
	}
	nulls[ACCEPT_EVENT_ID] = request->id[0] == '\0';
	values[ACCEPT_EVENT_ID] = CStringGetTextDatum(request->id);
	nulls[ACCEPT_TYPE] = request->type[0] == '\0';
	values[ACCEPT_TYPE] = CStringGetTextDatum(request->type);
	nulls[ACCEPT_INBOX] = inbox_id == 0;
	values[ACCEPT_INBOX] = Int64GetDatum(inbox_id);
	nulls[ACCEPT_KEY] = false;
	values[ACCEPT_KEY] = Int32GetDatum(request->key);
	return paysafe_argument_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_webhook_verify);

/*
 * webhook_verify(endpoint text, headers jsonb, body bytea, at timestamptz) returns
 * (ok, reason, key_id)
 */
Datum
paysafe_webhook_verify(PG_FUNCTION_ARGS)
{
	WebhookRequest *request = palloc(sizeof(WebhookRequest));
	Datum		values[VERIFY_NCOLUMNS];
	bool		nulls[VERIFY_NCOLUMNS];

	read_request(fcinfo, request);
	if (!PG_ARGISNULL(3))
		request->at = PG_GETARG_TIMESTAMPTZ(3);
	paysafe_webhook_check(request);
	values[VERIFY_OK] = BoolGetDatum(request->reason == NULL);
	nulls[VERIFY_OK] = false;
	nulls[VERIFY_REASON] = request->reason == NULL;
	values[VERIFY_REASON] = request->reason ? CStringGetTextDatum(request->reason) : (Datum) 0;
	nulls[VERIFY_KEY] = request->reason != NULL;
	values[VERIFY_KEY] = Int32GetDatum(request->key);
	return paysafe_argument_row(fcinfo, values, nulls);
}
