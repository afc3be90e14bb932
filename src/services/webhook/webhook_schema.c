/*-------------------------------------------------------------------------
 *
 * webhook_schema.c
 *	  What webhooks must look like: a schema for each type of events.
 *
 * A schema where none was checked before refuses more than before, and is declared at
 * once; any other change may let more through, which nothing here proves of two schemas,
 * and takes two persons.  So does what decides which of them an event must fit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/loosening.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "services/webhook/webhook.h"
#include "store/own_table.h"
#include "values/spec.h"
#include "vault/signing_key.h"

#define MAX_SCHEMAS		200		/* of an endpoint */

/* Columns of paysafe.webhook_schema_record. */
enum
{
	SCHEMA_ENDPOINT, SCHEMA_TYPE, SCHEMA_VERSION, SCHEMA_TEXT, SCHEMA_REMOVED, SCHEMA_REASON, SCHEMA_ACTOR,
	SCHEMA_SESSION_USER, SCHEMA_AT,
	SCHEMA_NCOLUMNS
};

/* Reading */

/* Versions of a type follow each other, the newest last. */
static bool
visit_schema(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **schemas = arg;
	Datum		values[SCHEMA_NCOLUMNS];
	bool		nulls[SCHEMA_NCOLUMNS];
	WebhookSchema *schema = palloc0(sizeof(WebhookSchema));

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	schema->event_type = TextDatumGetCString(values[SCHEMA_TYPE]);
	schema->version = DatumGetInt32(values[SCHEMA_VERSION]);
	schema->removed = DatumGetBool(values[SCHEMA_REMOVED]);
	schema->text = TextDatumGetCString(values[SCHEMA_TEXT]);
	if (*schemas != NIL && strcmp(((WebhookSchema *) llast(*schemas))->event_type, schema->event_type) == 0)
		llast(*schemas) = schema;
	else
		*schemas = lappend(*schemas, schema);
	return true;
}

List *
paysafe_webhook_schema_read(const char *endpoint)
{
	Datum		key = CStringGetTextDatum(endpoint);
	List	   *schemas = NIL;

	paysafe_store_seek(PAYSAFE_WEBHOOK_SCHEMA_RECORD, "webhook_schema_record_pkey", 1, &key, InvalidStrategy, (Datum) 0,
					   false, NULL, visit_schema, &schemas);
	return schemas;
}

bool
paysafe_webhook_has_schema(const char *endpoint)
{
	ListCell   *lc;

	foreach(lc, paysafe_webhook_schema_read(endpoint))
		if (!((WebhookSchema *) lfirst(lc))->removed)
			return true;
	return false;
}

static WebhookSchema *
find(List *schemas, const char *event_type)
{
	ListCell   *lc;

	foreach(lc, schemas)
	{
		WebhookSchema *schema = lfirst(lc);

		if (strcmp(schema->event_type, event_type) == 0)
			return schema;
	}
	return NULL;
}

char *
paysafe_webhook_unfit(const WebhookRequest *request)
{
	const WebhookEndpoint *endpoint = request->endpoint;
	const WebhookSchema *schema = find(endpoint->schemas, request->type);

	if (schema == NULL && request->type[0] != '\0')
		schema = find(endpoint->schemas, "");
	if (schema == NULL)
		return NULL;
	/* a payload of a token, or text that the endpoint alone allows, has not been checked so */
	if (endpoint->any_text || !endpoint->scheme->json || request->event != request->body)
		return paysafe_payload_fault(schema->compiled, request->event, request->eventlen);
	return paysafe_payload_unfit(schema->compiled, request->event, request->eventlen);
}

/* Declaring */

/* A schema as it is to be declared. */
typedef struct Declaration
{
	char	   *endpoint;
	char	   *event_type;		/* or "" */
	char	   *reason;
	char	   *text;			/* NULL: there is to be none */
	WebhookSchema *old;			/* the newest version; or NULL */
	bool		judged;			/* events of it have been judged so far */
} Declaration;

static char *
type_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *type = paysafe_argument_optional(fcinfo, n, "event_type", WEBHOOK_MAX_ID);

	return type != NULL ? type : "";
}

static Declaration
read_declaration(FunctionCallInfo fcinfo, char *text, int reason, int type)
{
	Declaration declaration = {
		.endpoint = paysafe_argument_name(fcinfo, 0, "endpoint"),
		.event_type = type_argument(fcinfo, type),
		.reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, reason, "reason", "a change of a schema")),
		.text = text
	};
	const WebhookEndpoint *endpoint;
	WebhookSchema *fallback;
	List	   *schemas;

	paysafe_signing_key_lock(PAYSAFE_WEBHOOK_ENDPOINT, declaration.endpoint);
	endpoint = paysafe_webhook_endpoint(declaration.endpoint);
	if (endpoint->version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no webhook endpoint \"%s\"", paysafe_redact_string(declaration.endpoint)),
				 errhint("Set it up with paysafe.set_webhook_endpoint and paysafe.add_webhook_key.")));
	if (text != NULL && !endpoint->scheme->json)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bodies of webhook endpoint \"%s\" are no JSON", paysafe_redact_string(declaration.endpoint))));
	schemas = paysafe_webhook_schema_read(declaration.endpoint);
	if (text != NULL && list_length(schemas) >= MAX_SCHEMAS && find(schemas, declaration.event_type) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a webhook endpoint has at most %d schemas", MAX_SCHEMAS)));
	declaration.old = find(schemas, declaration.event_type);
	fallback = find(schemas, "");
	declaration.judged = (declaration.old != NULL && !declaration.old->removed) || (fallback != NULL && !fallback->removed);
	return declaration;
}

static Jsonb *
spec_of(const char *text)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	if (text != NULL)
		paysafe_spec_add_text(&spec, "schema", text);
	return paysafe_spec_end(&spec);
}

/* May the change be made?  False: it is proposed only. */
static bool
authorize(const Declaration *declaration)
{
	const WebhookSchema *old = declaration->old;
	int			version = old != NULL ? old->version + 1 : 1;
	char	   *name = declaration->event_type[0] == '\0' ?
		psprintf("schema of webhooks \"%s\"", declaration->endpoint) :
		psprintf("schema of webhooks \"%s\", type \"%s\"", declaration->endpoint, declaration->event_type);
	char	   *what = declaration->text == NULL ? "there is no such schema any more" : psprintf("they fit %s", declaration->text);
	ProposedChange change = {
		.name = name,
		.version = version,
		.before = old != NULL && !old->removed ? spec_of(old->text) : NULL,
		.after = spec_of(declaration->text),
		.difference = what,
		.comes_to = psprintf("%s: %s", name, what),
		.message = "another schema for webhooks needs the approval of a second person"
	};

	return paysafe_loosening_authorize_setting(&change, declaration->reason);
}

bool
paysafe_webhook_scheme_authorize(const char *name, int version, Jsonb *before, Jsonb *after, const char *difference)
{
	ProposedChange change = {
		.name = name,
		.version = version,
		.before = before,
		.after = after,
		.difference = difference,
		.comes_to = psprintf("%s: %s", name, difference),
		.message = "another scheme of webhooks that must fit a schema needs the approval of a second person"
	};

	return paysafe_loosening_authorize_setting(&change, NULL);
}

static int
write_schema(const Declaration *declaration)
{
	Datum		values[SCHEMA_NCOLUMNS];
	bool		nulls[SCHEMA_NCOLUMNS] = {0};
	int			version = declaration->old != NULL ? declaration->old->version + 1 : 1;

	paysafe_store_complete();
	values[SCHEMA_ENDPOINT] = CStringGetTextDatum(declaration->endpoint);
	values[SCHEMA_TYPE] = CStringGetTextDatum(declaration->event_type);
	values[SCHEMA_VERSION] = Int32GetDatum(version);
	values[SCHEMA_TEXT] = CStringGetTextDatum(declaration->text != NULL ? declaration->text : "");
	values[SCHEMA_REMOVED] = BoolGetDatum(declaration->text == NULL);
	values[SCHEMA_REASON] = CStringGetTextDatum(declaration->reason);
	values[SCHEMA_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[SCHEMA_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[SCHEMA_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_WEBHOOK_SCHEMA_RECORD, values, nulls);
	paysafe_webhook_changed();
	return version;
}

PG_FUNCTION_INFO_V1(paysafe_set_payload_schema);

/*
 * set_payload_schema(endpoint text, schema payload, reason text, event_type text)
 *	  returns integer: its version, or NULL if it is only proposed
 */
Datum
paysafe_set_payload_schema(PG_FUNCTION_ARGS)
{
	char	   *text = paysafe_payload_argument(fcinfo, 1, "schema");
	Declaration declaration;

	(void) paysafe_payload_compile(text);
	declaration = read_declaration(fcinfo, text, 2, 3);
	if (declaration.old != NULL && !declaration.old->removed && strcmp(declaration.old->text, text) == 0)
		PG_RETURN_INT32(declaration.old->version);
	if (declaration.judged && !authorize(&declaration))
		PG_RETURN_NULL();
	PG_RETURN_INT32(write_schema(&declaration));
}

PG_FUNCTION_INFO_V1(paysafe_remove_payload_schema);

/*
 * remove_payload_schema(endpoint text, reason text, event_type text)
 *	  returns integer: its last version, or NULL if it is only proposed
 */
Datum
paysafe_remove_payload_schema(PG_FUNCTION_ARGS)
{
	Declaration declaration = read_declaration(fcinfo, NULL, 1, 2);

	if (declaration.old == NULL || declaration.old->removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no such schema of webhook endpoint \"%s\"", paysafe_redact_string(declaration.endpoint)),
				 errhint("paysafe.payload_schema has those that are there.")));
	if (!authorize(&declaration))
		PG_RETURN_NULL();
	PG_RETURN_INT32(write_schema(&declaration));
}
