/*-------------------------------------------------------------------------
 *
 * idempotency.c
 *	  A request is executed once, however often it arrives.
 *
 * One row for each key, for ever: the first writer wins by its primary key, and
 * after its retention the row is the tombstone that refuses the key.  The row has
 * keyed hashes of scope, endpoint, key and request, nothing of them in clear.
 *
 * Two modes.  atomic: key, business rows and response are one transaction; whoever
 * comes meanwhile waits for its end; a rollback leaves no trace.  A transaction
 * that has begun a request so and neither finished nor failed it does not
 * commit.  claimed: the claim is committed before something outside the database
 * is asked for, with a lease and the number of the attempt; an attempt whose lease
 * is over may be taken over, and who is taken over cannot finish (40001).
 *
 * Locks: begin takes the key's (paysafe_store_lock_key) until the key's row is
 * written, then the row itself keeps others waiting: a transaction that begins ten
 * thousand requests holds no ten thousand locks.  What is there is read with the
 * newest snapshot under these locks, at every isolation level.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "errors.h"
#include "people/actor.h"
#include "services/idempotency/idempotency.h"
#include "services/idempotency/idempotency_endpoint.h"
#include "services/idempotency/idempotency_key.h"
#include "services/idempotency/idempotency_response.h"
#include "services/queue/queue.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define SCOPE_MAX		1000
#define STEP_MAX		100
#define MEMO_MAX		(1024 * 1024)
#define HEADERS_MAX		(1024 * 1024)
#define REASON_MAX		10000	/* what is kept of it is less */

#define STATE_OPEN		"open"
#define STATE_DONE		"done"
#define STATE_RELEASED	"released"
#define MODE_ATOMIC		"atomic"
#define MODE_CLAIMED	"claimed"

/* Columns of paysafe.idempotency_key, and of what begin returns. */
enum
{
	KEY_DIGEST, KEY_ENDPOINT, KEY_FINGERPRINT, KEY_STATE, KEY_MODE, KEY_ATTEMPT, KEY_LEASE,
	KEY_STEP, KEY_MEMO, KEY_CREATED, KEY_EXPIRES, KEY_ERROR,
	KEY_NCOLUMNS
};
enum
{
	BEGIN_OUTCOME, BEGIN_ATTEMPT, BEGIN_STEP, BEGIN_MEMO, BEGIN_STATUS, BEGIN_HEADERS,
	BEGIN_BODY, BEGIN_SHA256,
	BEGIN_NCOLUMNS
};

/* Requests begun in atomic mode by this transaction; TopTransactionContext. */
static List *begun = NIL;		/* of uint8[32] */

/* Keys */

static char *
read_key(FunctionCallInfo fcinfo, int n)
{
	char		key[PAYSAFE_IDEMPOTENCY_KEY_MAX];
	text	   *given;
	size_t		len;

	paysafe_argument_required(fcinfo, n, "key");
	given = PG_GETARG_TEXT_PP(n);
	len = paysafe_idempotency_key_parse(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), key);
	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an idempotency key has 1 to %d visible ASCII characters",
						PAYSAFE_IDEMPOTENCY_KEY_MAX),
				 errhint("It may stand in double quotes, as in the header Idempotency-Key."),
				 err_generic_string(PG_DIAG_CONSTRAINT_NAME, "paysafe_idempotency_key")));
	return pnstrdup(key, len);
}

/* What the row of a request is found by. */
static void
request_digest(FunctionCallInfo fcinfo, int scope_argument, const char *endpoint, uint8 *digest)
{
	char	   *scope = paysafe_argument_optional(fcinfo, scope_argument, "scope", SCOPE_MAX);
	StringInfoData all;

	initStringInfo(&all);
	paysafe_argument_append(&all, scope ? "scope" : "actor");
	paysafe_argument_append(&all, scope ? scope : paysafe_actor_name());
	paysafe_argument_append(&all, endpoint);
	paysafe_argument_append(&all, read_key(fcinfo, 1));
	paysafe_keyring_mac("idempotency key", all.data, all.len, digest);
	paysafe_crypto_cleanse(all.data, all.len);
	pfree(all.data);
}

static bool
visit_key(Relation rel, HeapTuple tuple, void *arg)
{
	*(ItemPointerData *) arg = tuple->t_self;
	return false;
}

/* The row of the digest, locked, as values; false if there is none. */
static bool
lock_key(const uint8 *digest, HeapTuple *tuple, Datum *values, bool *nulls)
{
	Datum		key = paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN);
	ItemPointerData tid;
	Relation	rel;

	ItemPointerSetInvalid(&tid);
	paysafe_store_scan(PAYSAFE_IDEMPOTENCY_KEY, "idempotency_key_pkey", 1, &key, visit_key, &tid);
	if (!ItemPointerIsValid(&tid))
		return false;
	*tuple = paysafe_store_lock(PAYSAFE_IDEMPOTENCY_KEY, &tid, LockWaitBlock);
	if (*tuple == NULL)
		return false;
	rel = paysafe_store_open(PAYSAFE_IDEMPOTENCY_KEY);
	heap_deform_tuple(*tuple, RelationGetDescr(rel), values, nulls);
	paysafe_store_close(rel);
	return true;
}

static bool
text_is(Datum value, const char *string)
{
	text	   *t = DatumGetTextPP(value);

	return VARSIZE_ANY_EXHDR(t) == strlen(string) &&
		memcmp(VARDATA_ANY(t), string, strlen(string)) == 0;
}

static void
note_begun(const uint8 *digest)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	uint8	   *copy = palloc(PAYSAFE_SHA256_LEN);

	memcpy(copy, digest, PAYSAFE_SHA256_LEN);
	begun = lappend(begun, copy);
	MemoryContextSwitchTo(old);
}

static PAYSAFE_NORETURN void
refuse(int sqlstate, const char *rule, const char *endpoint, const char *message,
	   const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = sqlstate,
					   .rule = rule,
					   .key = endpoint,
					   .statement = "CALL",
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}

static PAYSAFE_NORETURN void
in_progress(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("a request with this idempotency key is in progress"),
			 errdetail("%s", detail),
			 errhint("Answer 409; the client tries again later, with the same key."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, "paysafe_idempotency_in_progress")));
	pg_unreachable();
}

/* The ends of transactions */

static bool
visit_unfinished(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (text_is(values[KEY_STATE], STATE_OPEN) && text_is(values[KEY_MODE], MODE_ATOMIC))
		*(char **) arg = TextDatumGetCString(values[KEY_ENDPOINT]);
	return false;
}

/*
 * What was begun in atomic mode is finished or failed, or rolled back to a
 * savepoint: the row says so.  Nobody else can change it before this transaction
 * ends, which has written it.
 */
static void
check_begun(void)
{
	ListCell   *lc;

	foreach(lc, begun)
	{
		Datum		key = paysafe_argument_bytea(lfirst(lc), PAYSAFE_SHA256_LEN);
		char	   *endpoint = NULL;

		paysafe_store_scan(PAYSAFE_IDEMPOTENCY_KEY, "idempotency_key_pkey", 1, &key,
						   visit_unfinished, &endpoint);
		if (endpoint != NULL)
			refuse(ERRCODE_23I03_UNFINISHED, "idempotency_unfinished", endpoint,
				   "a request that was begun in this transaction is not finished",
				   "Committed so, it could neither be repeated nor answered.",
				   "Call paysafe.idempotency_finish with the response, or idempotency_fail, "
				   "before COMMIT.");
	}
}

static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (begun != NIL)
				check_begun();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			begun = NIL;
			break;
		default:
			break;
	}
}

int
paysafe_idempotency_expire_responses(void)
{
	int64		longest = paysafe_idempotency_endpoint_longest();
	int			dropped;

	if (longest == 0)
		return 0;				/* it has never been used */
	dropped = paysafe_idempotency_response_expire();
	paysafe_idempotency_response_extend(longest);
	return dropped;
}

void
paysafe_idempotency_extend_responses(void)
{
	int64		longest = paysafe_idempotency_endpoint_longest();

	if (longest > 0)
		paysafe_idempotency_response_extend(longest);
}

void
paysafe_idempotency_init(void)
{
	paysafe_transaction_register(transaction_event, NULL);
	paysafe_idempotency_endpoint_init();
}

/* SQL-callable functions */

/* What a call of begin is about. */
typedef struct Request
{
	const char *endpoint_name;
	IdempotencyEndpoint endpoint;
	uint8		digest[PAYSAFE_SHA256_LEN];
	uint8		fingerprint[PAYSAFE_SHA256_LEN];
	bool		claimed;
	TimestampTz now;
	Datum	   *result;
	bool	   *nulls;
} Request;

static void
read_request(FunctionCallInfo fcinfo, Request *request)
{
	char	   *mode = paysafe_argument_text(fcinfo, 4, "mode", 10);
	bytea	   *bytes;

	request->endpoint_name = paysafe_argument_name(fcinfo, 0, "endpoint");
	request->claimed = strcmp(mode, MODE_CLAIMED) == 0;
	if (!request->claimed && strcmp(mode, MODE_ATOMIC) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be 'atomic' or 'claimed'", "mode")));
	paysafe_argument_required(fcinfo, 2, "request");
	PreventCommandIfReadOnly("beginning a request");
	bytes = PG_GETARG_BYTEA_PP(2);
	paysafe_idempotency_endpoint_get(request->endpoint_name, &request->endpoint);
	request_digest(fcinfo, 3, request->endpoint_name, request->digest);
	paysafe_keyring_mac("idempotency request", VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
						request->fingerprint);
}

/* What the row of every attempt says. */
static void
open_row(const Request *request, Datum *row)
{
	row[KEY_STATE] = CStringGetTextDatum(STATE_OPEN);
	row[KEY_MODE] = CStringGetTextDatum(request->claimed ? MODE_CLAIMED : MODE_ATOMIC);
	row[KEY_LEASE] = TimestampTzGetDatum(request->claimed ?
										 request->now + request->endpoint.lease : request->now);
}

static void
begin_first(const Request *request)
{
	Datum		row[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS] = {0};

	row[KEY_DIGEST] = paysafe_argument_bytea(request->digest, PAYSAFE_SHA256_LEN);
	row[KEY_ENDPOINT] = CStringGetTextDatum(request->endpoint_name);
	row[KEY_FINGERPRINT] = paysafe_argument_bytea(request->fingerprint, PAYSAFE_SHA256_LEN);
	open_row(request, row);
	row[KEY_ATTEMPT] = Int32GetDatum(1);
	nulls[KEY_STEP] = nulls[KEY_MEMO] = nulls[KEY_ERROR] = true;
	row[KEY_CREATED] = TimestampTzGetDatum(request->now);
	row[KEY_EXPIRES] = TimestampTzGetDatum(request->now + request->endpoint.retention);
	paysafe_store_activate();
	paysafe_store_append(PAYSAFE_IDEMPOTENCY_KEY, row, nulls);
	CommandCounterIncrement();
	request->result[BEGIN_OUTCOME] = CStringGetTextDatum("run");
	request->result[BEGIN_ATTEMPT] = Int32GetDatum(1);
}

/* The key has a row: is it this request's, and not too old? */
static void
check_same(const Request *request, Datum *row)
{
	if (!paysafe_crypto_equal(VARDATA_ANY(DatumGetByteaPP(row[KEY_FINGERPRINT])),
							  request->fingerprint, PAYSAFE_SHA256_LEN))
		refuse(ERRCODE_23I01_KEY_REUSED, "idempotency_mismatch", request->endpoint_name,
			   "the idempotency key was used for another request",
			   "Nothing was done. What is compared is the request's bytes.",
			   "Answer 422; the client takes a new key for a new request.");
	if (DatumGetTimestampTz(row[KEY_EXPIRES]) <= request->now)
		refuse(ERRCODE_23I02_KEY_EXPIRED, "idempotency_expired", request->endpoint_name,
			   "the idempotency key is too old",
			   psprintf("It was first used on %s; what was answered then is not kept any more.",
						timestamptz_to_str(DatumGetTimestampTz(row[KEY_CREATED]))),
			   "Answer 422; find out what became of the first request before trying with a "
			   "new key.");
}

static void
replay(const Request *request, Datum *row)
{
	IdempotencyResponse response;

	paysafe_idempotency_response_read(request->digest, DatumGetTimestampTz(row[KEY_EXPIRES]),
									  &response);
	request->result[BEGIN_OUTCOME] = CStringGetTextDatum("replay");
	request->result[BEGIN_STATUS] = Int32GetDatum(response.status);
	/* json is text, kept as it came */
	request->result[BEGIN_HEADERS] = PointerGetDatum(response.headers);
	request->result[BEGIN_BODY] = PointerGetDatum(response.body);
	request->result[BEGIN_SHA256] = paysafe_argument_bytea(response.sha256, PAYSAFE_SHA256_LEN);
	request->nulls[BEGIN_STATUS] = request->nulls[BEGIN_BODY] = request->nulls[BEGIN_SHA256] = false;
	request->nulls[BEGIN_HEADERS] = VARSIZE_ANY_EXHDR(response.headers) == 0;
}

/* The row of a request that was begun before, locked: answer it, or try again. */
static void
begin_again(const Request *request, HeapTuple tuple, Datum *row, bool *row_nulls)
{
	int			attempt = DatumGetInt32(row[KEY_ATTEMPT]);

	check_same(request, row);
	request->result[BEGIN_ATTEMPT] = Int32GetDatum(attempt);
	if (text_is(row[KEY_STATE], STATE_DONE))
	{
		replay(request, row);
		return;
	}
	if (text_is(row[KEY_STATE], STATE_OPEN))
	{
		if (text_is(row[KEY_MODE], MODE_ATOMIC))
			in_progress("It was begun earlier in this transaction.");
		if (DatumGetTimestampTz(row[KEY_LEASE]) > request->now)
			in_progress("Whoever works on it has a lease that is not over.");
	}
	request->result[BEGIN_OUTCOME] = CStringGetTextDatum("run");
	request->result[BEGIN_ATTEMPT] = row[KEY_ATTEMPT] = Int32GetDatum(attempt + 1);
	request->result[BEGIN_STEP] = row[KEY_STEP];
	request->nulls[BEGIN_STEP] = row_nulls[KEY_STEP];
	request->nulls[BEGIN_MEMO] = row_nulls[KEY_MEMO];
	if (!row_nulls[KEY_MEMO])
		request->result[BEGIN_MEMO] =
			PointerGetDatum(paysafe_idempotency_response_open(request->digest, "memo",
															  DatumGetByteaPP(row[KEY_MEMO])));
	open_row(request, row);
	paysafe_store_update(PAYSAFE_IDEMPOTENCY_KEY, tuple, row, row_nulls);
}

PG_FUNCTION_INFO_V1(paysafe_idempotency_begin);

/*
 * idempotency_begin(endpoint text, key text, request bytea, scope text, mode text,
 *					 "nowait" boolean) returns (outcome, attempt, recovery_point,
 *					 memo, status, headers, body, body_sha256)
 */
Datum
paysafe_idempotency_begin(PG_FUNCTION_ARGS)
{
	bool		nowait = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	Datum		result[BEGIN_NCOLUMNS];
	bool		nulls[BEGIN_NCOLUMNS];
	Request		request = {.result = result, .nulls = nulls};
	Datum		key;
	uint64		hash;
	HeapTuple	tuple;
	Datum		row[KEY_NCOLUMNS];
	bool		row_nulls[KEY_NCOLUMNS];
	bool		known;

	read_request(fcinfo, &request);
	key = paysafe_argument_bytea(request.digest, PAYSAFE_SHA256_LEN);
	memcpy(&hash, request.digest, sizeof(hash));
	if (!paysafe_store_lock_key(PAYSAFE_IDEMPOTENCY_KEY, "idempotency_key_pkey", 1, &key, hash,
								true, nowait, &known))
		in_progress("Its transaction has not ended.");
	request.now = GetCurrentTimestamp();
	memset(nulls, true, sizeof(nulls));
	nulls[BEGIN_OUTCOME] = nulls[BEGIN_ATTEMPT] = false;
	if (known && lock_key(request.digest, &tuple, row, row_nulls))
		begin_again(&request, tuple, row, row_nulls);
	else
		begin_first(&request);
	paysafe_store_unlock_value(PAYSAFE_IDEMPOTENCY_KEY, hash);
	if (!request.claimed && text_is(result[BEGIN_OUTCOME], "run"))
		note_begun(request.digest);
	return paysafe_argument_row(fcinfo, result, nulls);
}

/* The open row of this attempt, locked, or an error. */
static HeapTuple
lock_attempt(FunctionCallInfo fcinfo, int scope_argument, const char *name, uint8 *digest,
			 Datum *row, bool *nulls)
{
	int			attempt = paysafe_argument_int(fcinfo, 2, "attempt", 1, PG_INT32_MAX);
	HeapTuple	tuple;

	PreventCommandIfReadOnly("working on a request");
	request_digest(fcinfo, scope_argument, name, digest);
	if (!lock_key(digest, &tuple, row, nulls))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no request with this idempotency key has begun"),
				 errhint("Endpoint, key and scope must be those of idempotency_begin; "
						 "without a scope, the actor is part of the key.")));
	if (!text_is(row[KEY_STATE], STATE_OPEN) || DatumGetInt32(row[KEY_ATTEMPT]) != attempt)
		refuse(ERRCODE_T_R_SERIALIZATION_FAILURE, "idempotency_fenced", name,
			   psprintf("attempt %d at this request is over", attempt),
			   text_is(row[KEY_STATE], STATE_OPEN) ?
			   "Its lease ended, and somebody else has taken over." :
			   "It has been finished or failed.",
			   "Do nothing more for it. Begin again with the same key to learn what became of it.");
	return tuple;
}

/* Why an attempt failed: what an operator sees. */
static void
note_error(Datum *row, bool *nulls, const char *reason)
{
	nulls[KEY_ERROR] = reason == NULL;
	row[KEY_ERROR] = reason ? CStringGetTextDatum(paysafe_queue_cut_reason(reason)) : (Datum) 0;
}

PG_FUNCTION_INFO_V1(paysafe_idempotency_step);

/*
 * idempotency_step(endpoint text, key text, attempt int, step text, memo bytea,
 *					scope text) returns void
 */
Datum
paysafe_idempotency_step(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	char	   *step = paysafe_argument_text(fcinfo, 3, "step", STEP_MAX);
	IdempotencyEndpoint endpoint;
	uint8		digest[PAYSAFE_SHA256_LEN];
	Datum		row[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	HeapTuple	tuple;

	paysafe_idempotency_endpoint_get(name, &endpoint);
	tuple = lock_attempt(fcinfo, 5, name, digest, row, nulls);
	row[KEY_STEP] = CStringGetTextDatum(step);
	nulls[KEY_STEP] = false;
	nulls[KEY_MEMO] = PG_ARGISNULL(4);
	if (!nulls[KEY_MEMO])
	{
		bytea	   *memo = PG_GETARG_BYTEA_PP(4);

		if (VARSIZE_ANY_EXHDR(memo) > MEMO_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must have at most %d bytes", "memo", MEMO_MAX)));
		row[KEY_MEMO] = paysafe_idempotency_response_seal(digest, "memo", VARDATA_ANY(memo),
														  VARSIZE_ANY_EXHDR(memo));
	}
	/* whoever gets somewhere may go on */
	if (text_is(row[KEY_MODE], MODE_CLAIMED))
		row[KEY_LEASE] = TimestampTzGetDatum(GetCurrentTimestamp() + endpoint.lease);
	paysafe_store_update(PAYSAFE_IDEMPOTENCY_KEY, tuple, row, nulls);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_idempotency_finish);

/*
 * idempotency_finish(endpoint text, key text, attempt int, status int, headers json,
 *					  body bytea, scope text) returns boolean: is it final?
 */
Datum
paysafe_idempotency_finish(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	int			status = paysafe_argument_int(fcinfo, 3, "status", 100, 599);
	IdempotencyEndpoint endpoint;
	text	   *headers = PG_ARGISNULL(4) ? cstring_to_text("") : PG_GETARG_TEXT_PP(4);
	uint8		digest[PAYSAFE_SHA256_LEN];
	Datum		row[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	HeapTuple	tuple;
	bool		final;

	paysafe_argument_required(fcinfo, 5, "body");
	if (VARSIZE_ANY_EXHDR(headers) > HEADERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have at most %d bytes", "headers", HEADERS_MAX)));
	paysafe_idempotency_endpoint_get(name, &endpoint);
	final = paysafe_idempotency_endpoint_is_final(&endpoint, status);
	tuple = lock_attempt(fcinfo, 6, name, digest, row, nulls);
	if (final)
		paysafe_idempotency_response_store(digest, DatumGetTimestampTz(row[KEY_EXPIRES]),
										   endpoint.encrypt, status, headers,
										   PG_GETARG_BYTEA_PP(5));
	row[KEY_STATE] = CStringGetTextDatum(final ? STATE_DONE : STATE_RELEASED);
	if (final)
		nulls[KEY_MEMO] = true;	/* nobody will need it */
	else
		note_error(row, nulls, psprintf("status %d", status));
	paysafe_store_update(PAYSAFE_IDEMPOTENCY_KEY, tuple, row, nulls);
	PG_RETURN_BOOL(final);
}

PG_FUNCTION_INFO_V1(paysafe_idempotency_fail);

/*
 * idempotency_fail(endpoint text, key text, attempt int, reason text, scope text)
 * returns void: the next one may try
 */
Datum
paysafe_idempotency_fail(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	char	   *reason = paysafe_argument_optional(fcinfo, 3, "reason", REASON_MAX);
	uint8		digest[PAYSAFE_SHA256_LEN];
	Datum		row[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	HeapTuple	tuple;

	tuple = lock_attempt(fcinfo, 4, name, digest, row, nulls);
	row[KEY_STATE] = CStringGetTextDatum(STATE_RELEASED);
	note_error(row, nulls, reason);
	paysafe_store_update(PAYSAFE_IDEMPOTENCY_KEY, tuple, row, nulls);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_idempotency_expire);

/*
 * idempotency_expire() returns int: how many partitions of responses were dropped
 */
Datum
paysafe_idempotency_expire(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(paysafe_idempotency_expire_responses());
}
