/*-------------------------------------------------------------------------
 *
 * api_key.c
 *	  Issuing and revoking API keys.
 *
 * The key itself is in the answer of api_key_issue and nowhere else: what is
 * stored is a keyed hash.  178 random bits need no slow one.  A revocation is a
 * row, which nothing takes back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "compat.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "services/api_key/api_key.h"
#include "services/api_key/api_key_format.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define MAX_REASON_LEN	1000	/* bytes */
#define MAX_SCOPES		64		/* of one key */
#define SHOWN_LEN		4		/* random characters that are stored as they are */

void
paysafe_api_key_digest(const void *sha256, size_t len, uint8 *out)
{
	paysafe_keyring_mac("api key", sha256, len, out);
}

/* Revocations */

typedef struct EndSearch
{
	int64		above;			/* rows with a lower or equal number do not count */
	bool		found;
} EndSearch;

static bool
note_end(Relation rel, HeapTuple tuple, void *arg)
{
	EndSearch  *search = arg;
	bool		isnull;

	search->found = DatumGetInt64(heap_getattr(tuple, API_KEY_END_ID + 1, RelationGetDescr(rel),
											   &isnull)) > search->above;
	/* the highest number comes first */
	return false;
}

static bool
has_end(const char *client, int64 key, int64 above)
{
	Datum		keys[] = {CStringGetTextDatum(client), Int64GetDatum(key)};
	EndSearch	search = {.above = above};

	paysafe_store_seek(PAYSAFE_API_KEY_END, "api_key_end_target", lengthof(keys), keys,
					   InvalidStrategy, (Datum) 0, true, NULL, note_end, &search);
	return search.found;
}

bool
paysafe_api_key_is_revoked(const char *client, int64 id)
{
	if (paysafe_store_is_empty(PAYSAFE_API_KEY_END))
		return false;
	return has_end(client, id, 0) || has_end(client, API_KEY_EVERY, id) ||
		has_end(API_KEY_EVERYBODY, API_KEY_EVERY, id);
}

/* Arguments */

/* A name, or the beginning of names with ":*" behind it. */
static bool
is_scope(const char *scope)
{
	size_t		len = strlen(scope);
	size_t		name = strspn(scope, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
							  "0123456789_.:/-");

	return len > 0 && len <= PAYSAFE_API_SCOPE_MAX &&
		(name == len || (name == len - 1 && name >= 2 && strcmp(scope + name - 1, ":*") == 0));
}

/* The scopes as a list from 1 on, each of them checked. */
static ArrayType *
scopes_argument(FunctionCallInfo fcinfo, int n)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;

	paysafe_argument_required(fcinfo, n, "scopes");
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must have one dimension", "scopes")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &nelements);
	if (nelements > MAX_SCOPES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an API key has at most %d scopes", MAX_SCOPES)));
	for (int i = 0; i < nelements; i++)
		if (nulls[i] || !is_scope(TextDatumGetCString(elements[i])))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element %d of argument \"%s\" is no scope", i + 1, "scopes"),
					 errdetail("A scope is 1 to %d of the characters A-Z, a-z, 0-9, \"_\", \".\", \":\", \"/\" and \"-\"; \":*\" at its end stands for every scope that begins like it.",
							   PAYSAFE_API_SCOPE_MAX)));
	return construct_array(elements, nelements, TEXTOID, -1, false, TYPALIGN_INT);
}

/* SQL-callable functions */

static bool
note_number(Relation rel, HeapTuple tuple, void *arg)
{
	int64	   *highest = arg;
	bool		isnull;

	/* both tables begin with it */
	*highest = Max(*highest, DatumGetInt64(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)));
	return false;
}

/*
 * A revocation ends the keys whose numbers are lower, so a sequence that was set back,
 * or not restored with its tables, would leave keys alive.  What is there is looked at
 * first: what others number meanwhile is higher.
 */
static int64
next_id(void)
{
	int64		highest = 0;
	int64		id;

	paysafe_store_seek(PAYSAFE_API_KEY_RECORD, "api_key_record_pkey", 0, NULL, InvalidStrategy,
					   (Datum) 0, true, NULL, note_number, &highest);
	paysafe_store_seek(PAYSAFE_API_KEY_END, "api_key_end_pkey", 0, NULL, InvalidStrategy,
					   (Datum) 0, true, NULL, note_number, &highest);
	id = nextval_internal(get_relname_relid("api_key_id_seq", paysafe_catalog_schema()), false);
	if (id <= highest)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the sequence \"%s\" is behind what it has numbered", "paysafe.api_key_id_seq"),
				 errdetail("Its next number is " INT64_FORMAT ", and there is " INT64_FORMAT ". Revocations would leave keys out.",
						   id, highest),
				 errhint("As a superuser: SELECT setval('paysafe.api_key_id_seq', " INT64_FORMAT ");", highest)));
	return id;
}

/* Draw the random part of a key. */
static void
draw(char *characters)
{
	size_t		n = 0;

	while (n < PAYSAFE_API_KEY_RANDOM_LEN)
	{
		uint8		bytes[PAYSAFE_API_KEY_RANDOM_LEN];

		paysafe_crypto_random(bytes, sizeof(bytes));
		n += paysafe_api_key_format_characters(bytes, sizeof(bytes), characters + n,
											   PAYSAFE_API_KEY_RANDOM_LEN - n);
		paysafe_crypto_cleanse(bytes, sizeof(bytes));
	}
}

PG_FUNCTION_INFO_V1(paysafe_api_key_issue);

/*
 * api_key_issue(client, scopes text[], expires timestamptz, prefix) returns text
 */
Datum
paysafe_api_key_issue(PG_FUNCTION_ARGS)
{
	char	   *client = paysafe_argument_name(fcinfo, 0, "client");
	ArrayType  *scopes = scopes_argument(fcinfo, 1);
	char	   *prefix = paysafe_argument_name(fcinfo, 3, "prefix");
	TimestampTz now = GetCurrentTimestamp();
	char		characters[PAYSAFE_API_KEY_RANDOM_LEN];
	char		key[PAYSAFE_API_KEY_MAX];
	size_t		keylen;
	uint8		sha256[PAYSAFE_SHA256_LEN];
	bytea	   *digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	text	   *result;
	Datum		values[API_KEY_NCOLUMNS];
	bool		nulls[API_KEY_NCOLUMNS] = {0};
	Datum		use_values[API_KEY_USE_NCOLUMNS];
	bool		use_nulls[API_KEY_USE_NCOLUMNS] = {false, true};

	PreventCommandIfReadOnly("paysafe.api_key_issue()");
	if (!paysafe_api_key_format_is_prefix(prefix, strlen(prefix)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be the prefix of an API key", paysafe_redact_string(prefix)),
				 errdetail("A prefix is 1 to %d lower-case letters, digits and single underscores: a letter first, no underscore last.",
						   PAYSAFE_API_KEY_PREFIX_MAX)));
	if (!PG_ARGISNULL(2) && PG_GETARG_TIMESTAMPTZ(2) <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be in the future", "expires")));

	paysafe_store_complete();
	draw(characters);
	keylen = paysafe_api_key_format_key(prefix, strlen(prefix), characters, key);
	paysafe_crypto_sha256(key, keylen, sha256);
	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	paysafe_api_key_digest(sha256, sizeof(sha256), (uint8 *) VARDATA(digest));
	paysafe_crypto_cleanse(sha256, sizeof(sha256));

	values[API_KEY_ID] = Int64GetDatum(next_id());
	values[API_KEY_DIGEST] = PointerGetDatum(digest);
	values[API_KEY_CLIENT] = CStringGetTextDatum(client);
	values[API_KEY_SCOPES] = PointerGetDatum(scopes);
	values[API_KEY_SHOWN] = CStringGetTextDatum(psprintf("%s_%.*s", prefix, SHOWN_LEN, characters));
	nulls[API_KEY_EXPIRES_AT] = PG_ARGISNULL(2);
	values[API_KEY_EXPIRES_AT] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	values[API_KEY_CREATED_AT] = TimestampTzGetDatum(now);
	values[API_KEY_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[API_KEY_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	paysafe_store_insert(PAYSAFE_API_KEY_RECORD, values, nulls);
	use_values[API_KEY_USE_KEY] = values[API_KEY_ID];
	use_values[API_KEY_USE_AT] = (Datum) 0;
	paysafe_store_append(PAYSAFE_API_KEY_USE, use_values, use_nulls);
	/* the same command may verify it, and then changes the second row */
	CommandCounterIncrement();

	result = cstring_to_text_with_len(key, keylen);
	paysafe_crypto_cleanse(characters, sizeof(characters));
	paysafe_crypto_cleanse(key, sizeof(key));
	PG_RETURN_TEXT_P(result);
}

static void
add_end(const char *client, int64 key, const char *reason)
{
	Datum		values[API_KEY_END_NCOLUMNS];
	bool		nulls[API_KEY_END_NCOLUMNS] = {0};

	/* issuing has seen to it; a new partition could have to wait for somebody */
	if (paysafe_store_is_empty(PAYSAFE_API_KEY_RECORD))
		paysafe_store_complete();
	values[API_KEY_END_ID] = Int64GetDatum(next_id());
	values[API_KEY_END_CLIENT] = CStringGetTextDatum(client);
	values[API_KEY_END_KEY] = Int64GetDatum(key);
	values[API_KEY_END_REASON] = CStringGetTextDatum(reason);
	values[API_KEY_END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[API_KEY_END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[API_KEY_END_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	paysafe_store_insert(PAYSAFE_API_KEY_END, values, nulls);
}

static bool
note_client(Relation rel, HeapTuple tuple, void *arg)
{
	char	  **client = arg;

	*client = paysafe_store_text(tuple, RelationGetDescr(rel), API_KEY_CLIENT);
	return false;
}

PG_FUNCTION_INFO_V1(paysafe_api_key_revoke);

/*
 * api_key_revoke(key_id bigint, reason text) returns boolean
 */
Datum
paysafe_api_key_revoke(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_argument_readable(fcinfo, 1, "reason", MAX_REASON_LEN);
	char	   *client = NULL;
	Datum		id;

	PreventCommandIfReadOnly("paysafe.api_key_revoke()");
	paysafe_argument_required(fcinfo, 0, "key_id");
	id = PG_GETARG_DATUM(0);
	paysafe_store_scan(PAYSAFE_API_KEY_RECORD, "api_key_record_pkey", 1, &id, note_client, &client);
	if (client == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no API key " INT64_FORMAT, DatumGetInt64(id)),
				 errhint("paysafe.api_key has those that there are.")));
	if (paysafe_api_key_is_revoked(client, DatumGetInt64(id)))
		PG_RETURN_BOOL(false);
	add_end(client, DatumGetInt64(id), reason);
	PG_RETURN_BOOL(true);
}

static bool
count_active(Relation rel, HeapTuple tuple, void *arg)
{
	int		   *count = arg;
	Datum		values[API_KEY_NCOLUMNS];
	bool		nulls[API_KEY_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if ((nulls[API_KEY_EXPIRES_AT] ||
		 DatumGetTimestampTz(values[API_KEY_EXPIRES_AT]) > GetCurrentTimestamp()) &&
		!paysafe_api_key_is_revoked(TextDatumGetCString(values[API_KEY_CLIENT]),
									DatumGetInt64(values[API_KEY_ID])))
		(*count)++;
	return true;
}

PG_FUNCTION_INFO_V1(paysafe_api_key_revoke_all);

/*
 * api_key_revoke_all(client text, reason text) returns integer: how many were active
 */
Datum
paysafe_api_key_revoke_all(PG_FUNCTION_ARGS)
{
	char	   *client = paysafe_argument_name(fcinfo, 0, "client");
	char	   *reason = paysafe_argument_readable(fcinfo, 1, "reason", MAX_REASON_LEN);
	Datum		key = CStringGetTextDatum(client);
	int			count = 0;

	PreventCommandIfReadOnly("paysafe.api_key_revoke_all()");
	paysafe_store_scan(PAYSAFE_API_KEY_RECORD, "api_key_record_client", 1, &key,
					   count_active, &count);
	/* even if none is: one may be on its way */
	add_end(client, API_KEY_EVERY, reason);
	PG_RETURN_INT32(count);
}

PG_FUNCTION_INFO_V1(paysafe_api_key_revoke_everything);

/*
 * api_key_revoke_everything(reason text) returns void
 */
Datum
paysafe_api_key_revoke_everything(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_argument_readable(fcinfo, 0, "reason", MAX_REASON_LEN);

	PreventCommandIfReadOnly("paysafe.api_key_revoke_everything()");
	add_end(API_KEY_EVERYBODY, API_KEY_EVERY, reason);
	PG_RETURN_VOID();
}
