/*-------------------------------------------------------------------------
 *
 * webhook_endpoint.c
 *	  Where webhooks come in: schemes, endpoints and their keys as declared.
 *
 * All three are versions in insert-only tables, the newest one of each in force.  A
 * session keeps endpoints compiled, with their keys in clear, until one of the
 * tables changes; keys are overwritten then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "base/crypto.h"
#include "base/invalidation.h"
#include "base/statement.h"
#include "compat.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "services/queue/queue.h"
#include "services/webhook/webhook.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"
#include "vault/signing_key.h"

#define MAX_BODY		(64 * 1024 * 1024)
#define MAX_DEPTH		1000
#define MAX_TEXT		2048
#define MAX_TYPES		1000
#define SECRET_MAX		8192

/* Columns of paysafe.webhook_scheme and paysafe.webhook_endpoint. */
enum
{
	SCHEME_NAME, SCHEME_VERSION, SCHEME_DEFINITION, SCHEME_BUILTIN, SCHEME_AT, SCHEME_ACTOR,
	SCHEME_NCOLUMNS
};
enum
{
	ENDPOINT_NAME, ENDPOINT_VERSION, ENDPOINT_SCHEME, ENDPOINT_TOLERANCE, ENDPOINT_TYPES,
	ENDPOINT_MAX_BYTES, ENDPOINT_MAX_DEPTH, ENDPOINT_BINDING, ENDPOINT_OBJECT,
	ENDPOINT_SEQUENCE, ENDPOINT_INBOX, ENDPOINT_ENCRYPT, ENDPOINT_ANY_TEXT, ENDPOINT_AT,
	ENDPOINT_ACTOR,
	ENDPOINT_NCOLUMNS
};

/* The newest version of a row. */
typedef struct Newest
{
	HeapTuple	tuple;			/* NULL: there is none */
	Datum		values[ENDPOINT_NCOLUMNS];
	bool		nulls[ENDPOINT_NCOLUMNS];
} Newest;

/* An endpoint that is kept. */
typedef struct Kept
{
	char		name[PAYSAFE_ARGUMENT_NAME_MAX + 1];	/* key */
	MemoryContext context;
	WebhookEndpoint *endpoint;
} Kept;

static HTAB *kept = NULL;		/* CacheMemoryContext */
static Oid	tables[4];			/* that it depends on */
static bool stale = false;		/* what is kept is not in force any more */

static bool
visit_newest(Relation rel, HeapTuple tuple, void *arg)
{
	Newest	   *newest = arg;

	newest->tuple = heap_copytuple(tuple);
	heap_deform_tuple(newest->tuple, RelationGetDescr(rel), newest->values, newest->nulls);
	return false;
}

static bool
read_newest(PaysafeTable table, const char *index_name, const char *name, Newest *newest)
{
	Datum		key = CStringGetTextDatum(name);

	newest->tuple = NULL;
	paysafe_store_seek(table, index_name, 1, &key, InvalidStrategy, (Datum) 0, true, NULL,
					   visit_newest, newest);
	return newest->tuple != NULL;
}

/* Its version; 0 if there is no such scheme. */
static int
read_scheme(const char *name, Jsonb **definition, bool *builtin)
{
	Newest		newest;

	if (!read_newest(PAYSAFE_WEBHOOK_SCHEME, "webhook_scheme_pkey", name, &newest))
		return 0;
	*definition = DatumGetJsonbP(newest.values[SCHEME_DEFINITION]);
	*builtin = DatumGetBool(newest.values[SCHEME_BUILTIN]);
	return DatumGetInt32(newest.values[SCHEME_VERSION]);
}

static WebhookScheme *
require_scheme(const char *name)
{
	Jsonb	   *definition;
	bool		builtin;

	if (read_scheme(name, &definition, &builtin) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no webhook scheme \"%s\"", paysafe_redact_string(name)),
				 errhint("paysafe.webhook_schemes shows those that are there.")));
	return paysafe_webhook_scheme_compile(definition, builtin);
}

/* Keys */

/* The live keys of the endpoint's algorithm, the newest first. */
static void
read_keys(WebhookEndpoint *endpoint)
{
	const char *kind = paysafe_webhook_algorithm(endpoint->scheme);
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	endpoint->nkeys = 0;
	foreach(lc, paysafe_signing_key_read(PAYSAFE_WEBHOOK_KEY, endpoint->name))
	{
		SigningKey *key = lfirst(lc);
		WebhookKey *out = &endpoint->keys[endpoint->nkeys];
		bytea	   *secret;
		TimestampTz until;

		if (strcmp(key->kind, kind) != 0 || key->not_after <= now ||
			endpoint->nkeys == WEBHOOK_MAX_KEYS)
			continue;
		secret = paysafe_signing_key_open(PAYSAFE_WEBHOOK_KEY, endpoint->name, key);
		out->number = key->number;
		out->not_after = key->not_after;
		out->secret = (uint8 *) VARDATA_ANY(secret);
		out->len = VARSIZE_ANY_EXHDR(secret);
		if (!paysafe_webhook_key_period(endpoint->scheme, out->secret, out->len, &out->not_before,
										&until))
			continue;
		out->not_after = Min(out->not_after, until);
		endpoint->nkeys++;
	}
}

static void
compile_schemas(WebhookEndpoint *endpoint)
{
	ListCell   *lc;

	foreach(lc, paysafe_webhook_schema_read(endpoint->name))
	{
		WebhookSchema *schema = lfirst(lc);

		if (schema->removed)
			continue;
		schema->compiled = paysafe_payload_compile(schema->text);
		endpoint->schemas = lappend(endpoint->schemas, schema);
	}
}

/* The endpoint as declared; NULL if there is none.  palloc'd. */
static WebhookEndpoint *
compile(const char *name)
{
	WebhookEndpoint *endpoint = palloc0(sizeof(WebhookEndpoint));
	Newest		row;
	Datum	   *types;

	if (!read_newest(PAYSAFE_WEBHOOK_ENDPOINT, "webhook_endpoint_pkey", name, &row))
		return NULL;
	endpoint->name = pstrdup(name);
	endpoint->version = DatumGetInt32(row.values[ENDPOINT_VERSION]);
	endpoint->scheme = require_scheme(TextDatumGetCString(row.values[ENDPOINT_SCHEME]));
	endpoint->tolerance = paysafe_argument_microseconds(DatumGetIntervalP(row.values[ENDPOINT_TOLERANCE]),
												  "tolerance");
	if (!row.nulls[ENDPOINT_TYPES])
	{
		deconstruct_array(DatumGetArrayTypeP(row.values[ENDPOINT_TYPES]), TEXTOID, -1, false,
						  TYPALIGN_INT, &types, NULL, &endpoint->nevent_types);
		endpoint->event_types = palloc(sizeof(char *) * endpoint->nevent_types);
		for (int i = 0; i < endpoint->nevent_types; i++)
			endpoint->event_types[i] = TextDatumGetCString(types[i]);
	}
	endpoint->max_bytes = DatumGetInt32(row.values[ENDPOINT_MAX_BYTES]);
	endpoint->max_depth = DatumGetInt32(row.values[ENDPOINT_MAX_DEPTH]);
	if (!row.nulls[ENDPOINT_BINDING])
		endpoint->binding = TextDatumGetCString(row.values[ENDPOINT_BINDING]);
	if (!row.nulls[ENDPOINT_OBJECT])
		endpoint->object_path = TextDatumGetCString(row.values[ENDPOINT_OBJECT]);
	if (!row.nulls[ENDPOINT_SEQUENCE])
		endpoint->sequence_path = TextDatumGetCString(row.values[ENDPOINT_SEQUENCE]);
	endpoint->inbox = DatumGetBool(row.values[ENDPOINT_INBOX]);
	endpoint->encrypt = DatumGetBool(row.values[ENDPOINT_ENCRYPT]);
	endpoint->any_text = DatumGetBool(row.values[ENDPOINT_ANY_TEXT]);
	compile_schemas(endpoint);
	read_keys(endpoint);
	return endpoint;
}

/* All but its keys */
static void
compile_without_keys(void *arg)
{
	WebhookEndpoint endpoint = {.name = arg};
	Newest		row;

	if (!read_newest(PAYSAFE_WEBHOOK_ENDPOINT, "webhook_endpoint_pkey", endpoint.name, &row))
		return;
	(void) require_scheme(TextDatumGetCString(row.values[ENDPOINT_SCHEME]));
	compile_schemas(&endpoint);
}

PG_FUNCTION_INFO_V1(paysafe_webhook_trouble);

/*
 * webhook_trouble(endpoint text) returns text: why its scheme or a schema of its cannot be used, so
 * that each webhook fails; NULL if they can.  Both have been declared by another version, say.
 */
Datum
paysafe_webhook_trouble(PG_FUNCTION_ARGS)
{
	char	   *trouble = paysafe_attempt(compile_without_keys, text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (trouble == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(trouble));
}

/* What is kept */

static void
tables_changed(Datum arg, Oid relid)
{
	for (int i = 0; i < lengthof(tables); i++)
		if (!OidIsValid(relid) || relid == tables[i])
			stale = true;
}

/* Overwrite what was secret. */
static void
forget_all(void)
{
	HASH_SEQ_STATUS status;
	Kept	   *entry;

	if (kept == NULL)
		return;
	hash_seq_init(&status, kept);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		for (int i = 0; i < entry->endpoint->nkeys; i++)
			paysafe_crypto_cleanse(entry->endpoint->keys[i].secret, entry->endpoint->keys[i].len);
		MemoryContextDelete(entry->context);
	}
	hash_destroy(kept);
	kept = NULL;
}

const WebhookEndpoint *
paysafe_webhook_endpoint(const char *name)
{
	static const WebhookEndpoint none = {0};
	char		key[PAYSAFE_ARGUMENT_NAME_MAX + 1] = {0};
	MemoryContext context;
	MemoryContext old;
	WebhookEndpoint *endpoint;
	Kept	   *entry;

	if (strlen(name) > PAYSAFE_ARGUMENT_NAME_MAX)
		return &none;
	strlcpy(key, name, sizeof(key));
	/* a key that was retired fits no more, in transactions too that began before */
	AcceptInvalidationMessages();
	if (stale)
		forget_all();
	if (kept != NULL && (entry = hash_search(kept, key, HASH_FIND, NULL)) != NULL)
		return entry->endpoint;

	stale = false;
	tables[0] = paysafe_catalog_table(PAYSAFE_WEBHOOK_SCHEME);
	tables[1] = paysafe_catalog_table(PAYSAFE_WEBHOOK_ENDPOINT);
	tables[2] = paysafe_catalog_table(PAYSAFE_WEBHOOK_KEY);
	tables[3] = paysafe_catalog_table(PAYSAFE_WEBHOOK_SCHEMA_RECORD);
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe webhook endpoint",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	endpoint = compile(name);
	MemoryContextSwitchTo(old);
	if (endpoint == NULL)
		return &none;
	/* something changed meanwhile: not kept.  A rollback of own changes tells, too. */
	if (stale)
		return endpoint;
	if (kept == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(key), .entrysize = sizeof(Kept), .hcxt = CacheMemoryContext
		};

		kept = hash_create("paysafe webhook endpoints", 32, &ctl,
						   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	MemoryContextSetParent(context, CacheMemoryContext);
	entry = hash_search(kept, key, HASH_ENTER, NULL);
	entry->context = context;
	entry->endpoint = endpoint;
	return endpoint;
}

void
paysafe_webhook_init(void)
{
	paysafe_invalidation_register(tables_changed);
}

void
paysafe_webhook_changed(void)
{
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_WEBHOOK_ENDPOINT));
	CommandCounterIncrement();
	stale = true;
}

/* Schemes of endpoints with schemas */

typedef struct Users
{
	const char *scheme;
	List	   *endpoints;		/* that have had it */
} Users;

static bool
visit_user(Relation rel, HeapTuple tuple, void *arg)
{
	Users	   *users = arg;
	char	   *endpoint = paysafe_store_text(tuple, RelationGetDescr(rel), ENDPOINT_NAME);

	if (strcmp(paysafe_store_text(tuple, RelationGetDescr(rel), ENDPOINT_SCHEME), users->scheme) == 0 &&
		!paysafe_strings_contain(users->endpoints, endpoint))
		users->endpoints = lappend(users->endpoints, endpoint);
	return true;
}

/* Does an endpoint that has it now have schemas? */
static bool
is_judged(const char *scheme)
{
	Users		users = {.scheme = scheme};
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_WEBHOOK_ENDPOINT, NULL, 0, NULL, visit_user, &users);
	foreach(lc, users.endpoints)
	{
		Newest		row;

		if (read_newest(PAYSAFE_WEBHOOK_ENDPOINT, "webhook_endpoint_pkey", lfirst(lc), &row) &&
			strcmp(TextDatumGetCString(row.values[ENDPOINT_SCHEME]), scheme) == 0 && paysafe_webhook_has_schema(lfirst(lc)))
			return true;
	}
	return false;
}

static Jsonb *
spec_of(const char *scheme)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "scheme", scheme);
	return paysafe_spec_end(&spec);
}

static char *
definition_text(Jsonb *definition)
{
	return JsonbToCString(NULL, &definition->root, VARSIZE(definition));
}

/*
 * May the endpoint have this scheme?  False: it is proposed only.  The definition is
 * part of what is approved, and stays as it is until the endpoint has it.
 */
static bool
may_have(const char *endpoint, const Newest *old, const char *scheme)
{
	char	   *before = old->tuple != NULL ? TextDatumGetCString(old->values[ENDPOINT_SCHEME]) : NULL;
	Jsonb	   *definition;
	bool		builtin;

	if (before == NULL || strcmp(before, scheme) == 0 || !paysafe_webhook_has_schema(endpoint))
		return true;
	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_SCHEME, scheme);
	if (read_scheme(scheme, &definition, &builtin) == 0)
		elog(ERROR, "webhook scheme \"%s\" is gone", paysafe_redact_string(scheme));
	return paysafe_webhook_scheme_authorize(psprintf("scheme of webhooks \"%s\"", endpoint), DatumGetInt32(old->values[ENDPOINT_VERSION]) + 1,
											spec_of(before), spec_of(scheme),
											psprintf("it is \"%s\": %s", scheme, definition_text(definition)));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_set_webhook_scheme);

/*
 * set_webhook_scheme(scheme text, definition jsonb) returns void
 */
Datum
paysafe_set_webhook_scheme(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "scheme");
	Jsonb	   *old;
	bool		builtin = false;
	int			version;
	Datum		values[SCHEME_NCOLUMNS];
	bool		nulls[SCHEME_NCOLUMNS] = {0};

	paysafe_argument_required(fcinfo, 1, "definition");
	(void) paysafe_webhook_scheme_compile(PG_GETARG_JSONB_P(1), false);
	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_SCHEME, name);
	version = read_scheme(name, &old, &builtin);
	if (builtin)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("webhook scheme \"%s\" is one of paysafe's own", paysafe_redact_string(name)),
				 errhint("Give the definition another name.")));
	if (version > 0 && compareJsonbContainers(&old->root, &PG_GETARG_JSONB_P(1)->root) != 0 && is_judged(name) &&
		!paysafe_webhook_scheme_authorize(psprintf("webhook scheme \"%s\"", name), version + 1, old, PG_GETARG_JSONB_P(1),
										  psprintf("it is %s", definition_text(PG_GETARG_JSONB_P(1)))))
		PG_RETURN_VOID();
	values[SCHEME_NAME] = CStringGetTextDatum(name);
	values[SCHEME_VERSION] = Int32GetDatum(version + 1);
	values[SCHEME_DEFINITION] = PG_GETARG_DATUM(1);
	values[SCHEME_BUILTIN] = BoolGetDatum(false);
	values[SCHEME_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SCHEME_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(PAYSAFE_WEBHOOK_SCHEME, values, nulls);
	paysafe_webhook_changed();
	PG_RETURN_VOID();
}

/* A path into the body, or NULL. */
static char *
path_argument(FunctionCallInfo fcinfo, int n, const char *argument, const WebhookScheme *scheme)
{
	char	   *path = paysafe_argument_optional(fcinfo, n, argument, MAX_TEXT);

	if (path != NULL && (path[0] != '/' || !scheme->json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a path into a body of JSON, such as \"/data/id\"",
						argument)));
	return path;
}

PG_FUNCTION_INFO_V1(paysafe_set_webhook_endpoint);

/*
 * set_webhook_endpoint(endpoint text, scheme text, tolerance interval, event_types
 *						text[], max_bytes int, max_depth int, binding text,
 *						object_path text, sequence_path text, inbox boolean,
 *						encrypt boolean, any_text boolean) returns void
 */
Datum
paysafe_set_webhook_endpoint(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	char	   *scheme_name = paysafe_argument_name(fcinfo, 1, "scheme");
	char	   *binding = paysafe_argument_optional(fcinfo, 6, "binding", MAX_TEXT);
	WebhookScheme *scheme = require_scheme(scheme_name);
	char	   *object_path = path_argument(fcinfo, 7, "object_path", scheme);
	char	   *sequence_path = path_argument(fcinfo, 8, "sequence_path", scheme);
	Newest		old;
	Datum		values[ENDPOINT_NCOLUMNS];
	bool		nulls[ENDPOINT_NCOLUMNS] = {0};

	(void) paysafe_argument_period(fcinfo, 2, "tolerance");
	if (!PG_ARGISNULL(3))
	{
		int			n = list_length(paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(3), "event_types"));

		if (n == 0 || n > MAX_TYPES)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must have between 1 and %d elements", "event_types",
							MAX_TYPES),
					 errhint("NULL stands for all types.")));
	}
	paysafe_argument_required(fcinfo, 9, "inbox");
	paysafe_argument_required(fcinfo, 10, "encrypt");
	paysafe_argument_required(fcinfo, 11, "any_text");
	if ((binding != NULL) != scheme->binding)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(scheme->binding ? "webhook scheme \"%s\" signs a binding: argument \"binding\" must not be null" :
						"webhook scheme \"%s\" signs no binding: argument \"binding\" must be null", paysafe_redact_string(scheme_name)),
				 errhint("It is what the provider signs besides the request, such as the URL that it sends to.")));
	if ((object_path == NULL) != (sequence_path == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"object_path\" and \"sequence_path\" belong together")));
	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_ENDPOINT, name);
	(void) read_newest(PAYSAFE_WEBHOOK_ENDPOINT, "webhook_endpoint_pkey", name, &old);
	if (!may_have(name, &old, scheme_name))
		PG_RETURN_VOID();
	paysafe_queue_prepare(PAYSAFE_INBOX_EVENT);
	values[ENDPOINT_NAME] = CStringGetTextDatum(name);
	values[ENDPOINT_VERSION] = Int32GetDatum(old.tuple ? DatumGetInt32(old.values[ENDPOINT_VERSION]) + 1 : 1);
	values[ENDPOINT_SCHEME] = CStringGetTextDatum(scheme_name);
	values[ENDPOINT_TOLERANCE] = PG_GETARG_DATUM(2);
	nulls[ENDPOINT_TYPES] = PG_ARGISNULL(3);
	values[ENDPOINT_TYPES] = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	values[ENDPOINT_MAX_BYTES] = Int32GetDatum(paysafe_argument_int(fcinfo, 4, "max_bytes", 1, MAX_BODY));
	values[ENDPOINT_MAX_DEPTH] = Int32GetDatum(paysafe_argument_int(fcinfo, 5, "max_depth", 1, MAX_DEPTH));
	nulls[ENDPOINT_BINDING] = binding == NULL;
	nulls[ENDPOINT_OBJECT] = object_path == NULL;
	nulls[ENDPOINT_SEQUENCE] = sequence_path == NULL;
	for (int i = ENDPOINT_BINDING; i <= ENDPOINT_SEQUENCE; i++)
		values[i] = nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i - ENDPOINT_BINDING + 6);
	values[ENDPOINT_INBOX] = PG_GETARG_DATUM(9);
	values[ENDPOINT_ENCRYPT] = PG_GETARG_DATUM(10);
	values[ENDPOINT_ANY_TEXT] = PG_GETARG_DATUM(11);
	values[ENDPOINT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ENDPOINT_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(PAYSAFE_WEBHOOK_ENDPOINT, values, nulls);
	paysafe_webhook_changed();
	PG_RETURN_VOID();
}

static WebhookEndpoint *
require_endpoint(const char *name)
{
	WebhookEndpoint *endpoint = compile(name);

	if (endpoint == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no webhook endpoint \"%s\"", paysafe_redact_string(name)),
				 errhint("Set it up with paysafe.set_webhook_endpoint and paysafe.add_webhook_key.")));
	return endpoint;
}

PG_FUNCTION_INFO_V1(paysafe_add_webhook_key);

/*
 * add_webhook_key(endpoint text, secret text, overlap interval) returns int
 */
Datum
paysafe_add_webhook_key(PG_FUNCTION_ARGS)
{
	/* before anything can fail; it is refused when it is clear that it is a secret */
	bool		literal = !PG_ARGISNULL(1) &&
		paysafe_statement_hide(text_to_cstring(PG_GETARG_TEXT_PP(1)), "SELECT paysafe.add_webhook_key(...)");
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	char	   *secret = paysafe_argument_text(fcinfo, 1, "secret", SECRET_MAX);
	TimestampTz overlap_end = DT_NOEND;
	WebhookEndpoint *endpoint;
	TimestampTz not_before;
	TimestampTz not_after;
	uint8	   *key;
	size_t		len;
	int			number;

	if (!PG_ARGISNULL(2))
		overlap_end = GetCurrentTimestamp() + paysafe_argument_period(fcinfo, 2, "overlap");
	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_ENDPOINT, name);
	endpoint = require_endpoint(name);
	/* a public key or a certificate is no secret */
	if (literal && paysafe_webhook_key_is_secret(endpoint->scheme))
		paysafe_statement_refuse_literal("secret");
	if (endpoint->nkeys == WEBHOOK_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("webhook endpoint \"%s\" has %d live keys already", paysafe_redact_string(name), WEBHOOK_MAX_KEYS),
				 errhint("Retire one with paysafe.retire_webhook_key.")));
	key = paysafe_webhook_key_decode(endpoint->scheme, secret, &len, &not_before, &not_after);
	paysafe_crypto_cleanse(secret, strlen(secret));
	number = paysafe_signing_key_add(PAYSAFE_WEBHOOK_KEY, name,
									 paysafe_signing_key_read(PAYSAFE_WEBHOOK_KEY, name),
									 paysafe_webhook_algorithm(endpoint->scheme), key, len,
									 NULL, overlap_end);
	paysafe_crypto_cleanse(key, len);
	paysafe_webhook_changed();
	PG_RETURN_INT32(number);
}

PG_FUNCTION_INFO_V1(paysafe_retire_webhook_key);

/*
 * retire_webhook_key(endpoint text, key_id int, not_after timestamptz) returns void
 */
Datum
paysafe_retire_webhook_key(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	int			number = paysafe_argument_int(fcinfo, 1, "key_id", 1, PG_INT32_MAX);
	TimestampTz not_after = PG_ARGISNULL(2) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(2);

	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_ENDPOINT, name);
	paysafe_signing_key_retire(PAYSAFE_WEBHOOK_KEY,
							   paysafe_signing_key_live(paysafe_signing_key_read(PAYSAFE_WEBHOOK_KEY, name),
														number, "webhook endpoint", name),
							   not_after);
	paysafe_webhook_changed();
	PG_RETURN_VOID();
}
