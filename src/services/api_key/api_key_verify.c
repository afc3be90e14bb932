/*-------------------------------------------------------------------------
 *
 * api_key_verify.c
 *	  Judging API keys.
 *
 * Every text takes the same way: its hash is computed, its keyed hash looked for.
 * One that is no key at all, one whose checksum is wrong and one that was never
 * issued get the same answer; what is different for an expired or a revoked key is
 * told to those who have it.
 *
 * All is read with the newest snapshot: a revocation counts from its commit on, in
 * transactions too that began before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/statement.h"
#include "services/api_key/api_key.h"
#include "services/api_key/api_key_format.h"
#include "services/throttle/failed.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "vault/keyring.h"
#include "vault/master_key.h"

#define USE_INTERVAL	USECS_PER_HOUR	/* between two notes of a key's use */
#define NREMEMBERED		256

typedef enum Verdict
{
	VALID,
	UNKNOWN,
	EXPIRED,
	REVOKED,
	FORBIDDEN
} Verdict;

static const char *const verdicts[] = {
	[VALID] = "valid",
	[UNKNOWN] = "unknown",
	[EXPIRED] = "expired",
	[REVOKED] = "revoked",
	[FORBIDDEN] = "forbidden",
};

/* What is asked. */
typedef struct Question
{
	const void *sha256;			/* of the key; any bytes */
	size_t		len;
	bool		well_formed;	/* for the record only */
	char	   *scope;			/* or NULL */
	char	   *origin;			/* or NULL */
	bool		locked_out;		/* it has failed too often: whatever the key is worth */
} Question;

/* The key, as issued. */
typedef struct Found
{
	bool		found;
	int64		id;
	char	   *client;
	ArrayType  *scopes;
	bool		expires;
	TimestampTz expires_at;
} Found;

static bool
note_key(Relation rel, HeapTuple tuple, void *arg)
{
	Found	   *key = arg;
	Datum		values[API_KEY_NCOLUMNS];
	bool		nulls[API_KEY_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	key->found = true;
	key->id = DatumGetInt64(values[API_KEY_ID]);
	key->client = TextDatumGetCString(values[API_KEY_CLIENT]);
	key->scopes = DatumGetArrayTypePCopy(values[API_KEY_SCOPES]);
	key->expires = !nulls[API_KEY_EXPIRES_AT];
	if (key->expires)
		key->expires_at = DatumGetTimestampTz(values[API_KEY_EXPIRES_AT]);
	return false;
}

/* Is it that scope, or does it end in ":*" and the other one begin like it? */
static bool
grants(const char *granted, size_t len, const char *asked)
{
	if (len == strlen(asked) && memcmp(granted, asked, len) == 0)
		return true;
	return len > 2 && memcmp(granted + len - 2, ":*", 2) == 0 &&
		strlen(asked) > len - 1 && memcmp(granted, asked, len - 1) == 0;
}

static bool
has_scope(ArrayType *scopes, const char *asked)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(scopes, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		text	   *scope = DatumGetTextPP(elements[i]);

		if (grants(VARDATA_ANY(scope), VARSIZE_ANY_EXHDR(scope), asked))
			return true;
	}
	return false;
}

static Verdict
judge(const Question *question, Found *key)
{
	bytea	   *digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	Datum		searched = PointerGetDatum(digest);

	/* a database that never issued one need not have a key to hash with */
	if (paysafe_master_key_ready() && paysafe_store_is_empty(PAYSAFE_API_KEY_RECORD))
		return UNKNOWN;
	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	paysafe_api_key_digest(question->sha256, question->len, (uint8 *) VARDATA(digest));
	paysafe_store_seek(PAYSAFE_API_KEY_RECORD, "api_key_record_digest_key", 1, &searched,
					   InvalidStrategy, (Datum) 0, false, NULL, note_key, key);
	if (!key->found)
		return UNKNOWN;
	if (paysafe_api_key_is_revoked(key->client, key->id))
		return REVOKED;
	if (key->expires && key->expires_at <= GetCurrentTimestamp())
		return EXPIRED;
	if (question->scope != NULL && !has_scope(key->scopes, question->scope))
		return FORBIDDEN;
	return VALID;
}

/* When keys were used */

/*
 * Until when nothing is to be noted for a key.  From what has been seen
 * in the table only: what this transaction notes may be rolled back.
 */
static struct
{
	Oid			table;
	int64		key;
	TimestampTz until;
}			remembered[NREMEMBERED];

typedef struct UseSearch
{
	bool		found;
	ItemPointerData tid;
	bool		used;
	TimestampTz at;
	bool		committed;
} UseSearch;

static void
read_use(TupleDesc desc, HeapTuple tuple, UseSearch *use)
{
	bool		isnull;
	Datum		at = heap_getattr(tuple, API_KEY_USE_AT + 1, desc, &isnull);

	use->used = !isnull;
	use->at = isnull ? 0 : DatumGetTimestampTz(at);
	use->tid = tuple->t_self;
	use->committed = !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

static bool
note_use(Relation rel, HeapTuple tuple, void *arg)
{
	UseSearch  *use = arg;

	use->found = true;
	read_use(RelationGetDescr(rel), tuple, use);
	return false;
}

static bool
is_recent(const UseSearch *use, TimestampTz now)
{
	return use->used && use->at > now - USE_INTERVAL;
}

/*
 * Note that the key is being used, if the last note is older than an hour, and if
 * nobody else is doing so: a valid key is not to wait for anything.
 */
static void
note_used(int64 id)
{
	Oid			table = paysafe_catalog_table(PAYSAFE_API_KEY_USE);
	int			i = (uint64) id % NREMEMBERED;
	TimestampTz now = GetCurrentTimestamp();
	Datum		key = Int64GetDatum(id);
	UseSearch	use = {0};
	HeapTuple	locked;
	Datum		values[API_KEY_USE_NCOLUMNS];
	bool		nulls[API_KEY_USE_NCOLUMNS] = {0};

	if (XactReadOnly ||
		(remembered[i].table == table && remembered[i].key == id && now < remembered[i].until))
		return;
	paysafe_store_seek(PAYSAFE_API_KEY_USE, "api_key_use_pkey", 1, &key,
					   InvalidStrategy, (Datum) 0, false, NULL, note_use, &use);
	if (use.found && is_recent(&use, now) && use.committed)
	{
		remembered[i].table = table;
		remembered[i].key = id;
		remembered[i].until = use.at + USE_INTERVAL;
	}
	if (!use.found || is_recent(&use, now))
		return;
	locked = paysafe_store_lock(PAYSAFE_API_KEY_USE, &use.tid, LockWaitSkip);
	if (locked == NULL)
		return;
	values[API_KEY_USE_KEY] = key;
	values[API_KEY_USE_AT] = TimestampTzGetDatum(now);
	paysafe_store_update(PAYSAFE_API_KEY_USE, locked, values, nulls);
	heap_freetuple(locked);
}

/* The record of failed checks */

static bool
is_printable(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

/* No part of what was presented gets into it. */
static void
record(Verdict verdict, const Question *question, const Found *key)
{
	char	   *origin = paysafe_argument_origin(question->origin);
	const char *scope = question->scope;
	const char *words = question->well_formed ? "an API key is not known" : "this is no API key";

	if (question->locked_out)
		words = "too many API keys were wrong";
	if (verdict == EXPIRED)
		words = "an API key has expired";
	else if (verdict == REVOKED)
		words = "an API key is revoked";
	else if (verdict == FORBIDDEN)
		words = strlen(scope) <= PAYSAFE_API_SCOPE_MAX && is_printable(scope) ?
			psprintf("an API key does not have scope %s", scope) :
			"an API key does not have the scope";
	paysafe_refusal_record(&(Refusal)
						   {
							   .sqlstate = verdict == FORBIDDEN ? ERRCODE_INSUFFICIENT_PRIVILEGE :
							   ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
							   .rule = psprintf("api_key_%s", question->locked_out ? "locked_out" : verdicts[verdict]),
							   .schema_name = "paysafe",
							   .table_name = "api_key",
							   .key = key->found ? psprintf(INT64_FORMAT, key->id) : NULL,
							   .statement = "api_key_verify",
							   .outside = true,
							   .message = origin ? psprintf("%s; from %s", words, origin) : words
						   });
}

/* SQL-callable functions */

/* (verdict, client, key_id, scopes); whose it is only where it is valid. */
static Datum
answer(FunctionCallInfo fcinfo, Question *question)
{
	Found		key = {0};
	Verdict		verdict;
	Datum		values[4];
	bool		nulls[4] = {false, true, true, true};

	if (!PG_ARGISNULL(1))
		question->scope = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!PG_ARGISNULL(2))
		question->origin = text_to_cstring(PG_GETARG_TEXT_PP(2));
	verdict = judge(question, &key);
	question->locked_out = paysafe_failed_attempt("api_key", key.found ? key.client : NULL, paysafe_argument_origin(question->origin),
												  verdict != VALID && verdict != FORBIDDEN);
	if (question->locked_out)
	{
		/* nor does the answer say whether it would have been right */
		verdict = UNKNOWN;
		key = (Found) {0};
	}
	values[0] = CStringGetTextDatum(verdicts[verdict]);
	if (key.found)
	{
		nulls[2] = false;
		values[2] = Int64GetDatum(key.id);
	}
	if (verdict == VALID)
	{
		nulls[1] = nulls[3] = false;
		values[1] = CStringGetTextDatum(key.client);
		values[3] = PointerGetDatum(key.scopes);
		note_used(key.id);
	}
	else
		record(verdict, question, &key);
	return paysafe_argument_row(fcinfo, values, nulls);
}

/*
 * A key in the text of the statement gets into logs.  A client that puts
 * parameters there does so for every request: it is told once per session.
 */
static void
hide_literal(const char *key, size_t len)
{
	static bool told = false;
	char		text[PAYSAFE_API_KEY_MAX + 1];

	memcpy(text, key, len);
	text[len] = '\0';
	if (paysafe_statement_hide(text, "SELECT paysafe.api_key_verify(...)") && !told)
	{
		told = true;
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("an API key is written into the statement"),
				 errdetail("log_statement and log_min_duration_statement would write it to the server's log."),
				 errhint("Pass its SHA-256 to paysafe.api_key_verify_digest."),
				 errhidestmt(true)));
	}
	paysafe_crypto_cleanse(text, sizeof(text));
}

PG_FUNCTION_INFO_V1(paysafe_api_key_verify);

/*
 * api_key_verify(api_key text, scope text, origin text)
 *	  returns (verdict text, client text, key_id bigint, scopes text[])
 */
Datum
paysafe_api_key_verify(PG_FUNCTION_ARGS)
{
	text	   *api_key = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	const char *key = api_key ? VARDATA_ANY(api_key) : "";
	size_t		len = api_key ? VARSIZE_ANY_EXHDR(api_key) : 0;
	uint8		sha256[PAYSAFE_SHA256_LEN];
	Question	question = {.sha256 = sha256, .len = sizeof(sha256)};
	Datum		result;

	question.well_formed = paysafe_api_key_format_parse(key, len) > 0;
	/* what is no key may be any word of the statement */
	if (question.well_formed)
		hide_literal(key, len);
	paysafe_crypto_sha256(key, len, sha256);
	result = answer(fcinfo, &question);
	paysafe_crypto_cleanse(sha256, sizeof(sha256));
	PG_RETURN_DATUM(result);
}

PG_FUNCTION_INFO_V1(paysafe_api_key_verify_digest);

/*
 * api_key_verify_digest(digest bytea, scope text, origin text), the same
 */
Datum
paysafe_api_key_verify_digest(PG_FUNCTION_ARGS)
{
	bytea	   *digest = PG_ARGISNULL(0) ? NULL : PG_GETARG_BYTEA_PP(0);
	Question	question = {
		.sha256 = digest ? VARDATA_ANY(digest) : "",
		.len = digest ? VARSIZE_ANY_EXHDR(digest) : 0
	};

	question.well_formed = question.len == PAYSAFE_SHA256_LEN;
	PG_RETURN_DATUM(answer(fcinfo, &question));
}

PG_FUNCTION_INFO_V1(paysafe_api_key_is_well_formed);

/*
 * api_key_is_well_formed(text text) returns boolean
 */
Datum
paysafe_api_key_is_well_formed(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(paysafe_api_key_format_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) > 0);
}
