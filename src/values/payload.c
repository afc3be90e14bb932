/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  JSON that must fit a schema.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/json_check.h"
#include "compat.h"
#include "token/schema.h"
#include "values/payload.h"

#define WHOLE_SCHEMA	"the schema itself"
#define WHOLE_VALUE		"the value itself"

struct PayloadSchema
{
	const TokenSchema *compiled;
	char	   *text;			/* in UTF-8; the compiled one leads into it */
};

/* What json_valid has compiled, for the next row. */
typedef struct Kept
{
	bytea	   *argument;
	MemoryContext context;
	PayloadSchema *schema;
} Kept;

/* Not known to who writes a text; the session's own. */
static uint64 *
secret_key(void)
{
	static uint64 key[2] = {0, 0};

	while (key[0] == 0)
		for (int i = 0; i < 2; i++)
			key[i] = pg_prng_uint64(&pg_global_prng_state);
	return key;
}

/*
 * A place as text of the server; what its encoding may lack stands as JSON would escape it.
 * The whole is no pointer, which would have no characters.
 */
static char *
place_words(const TokenSchemaFault *fault, const char *whole)
{
	StringInfoData words;

	if (fault->at[0] == '\0')
		return pstrdup(whole);
	if (GetDatabaseEncoding() == PG_UTF8)
		return pstrdup(fault->at);
	initStringInfo(&words);
	for (const char *at = fault->at; *at != '\0'; at += pg_utf_mblen((const unsigned char *) at))
	{
		pg_wchar	c = utf8_to_unicode((const unsigned char *) at);

		if (c < 0x80)
			appendStringInfoChar(&words, *at);
		else if (c < 0x10000)
			appendStringInfo(&words, "\\u%04x", c);
		else
			appendStringInfo(&words, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
	}
	return words.data;
}

static PAYSAFE_NORETURN void
refuse_schema(const char *at, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the schema cannot be used: %s", why),
			 errdetail("At %s.", at),
			 errhint("doc/payloads.md has the words of JSON Schema that are checked; a schema with others would say what nobody checks.")));
	pg_unreachable();
}

static void
rest(void)
{
	CHECK_FOR_INTERRUPTS();
}

PayloadSchema *
paysafe_payload_compile(const char *schema)
{
	PayloadSchema *out = palloc(sizeof(PayloadSchema));
	char	   *utf8 = pg_server_to_any(schema, (int) strlen(schema), PG_UTF8);
	TokenText	text;
	void	   *room;
	size_t		used;
	size_t		needed;
	TokenSchemaFault fault;
	const char *trouble;

	out->text = pstrdup(utf8);
	text = (TokenText) {(const uint8 *) out->text, strlen(out->text)};
	if (text.len > TOKEN_SCHEMA_MAX)
		refuse_schema(WHOLE_SCHEMA, "it is too long");
	trouble = paysafe_json_check(out->text, text.len, 2 * TOKEN_SCHEMA_DEPTH, false, secret_key()[0]);
	if (trouble != NULL)
		refuse_schema(WHOLE_SCHEMA, psprintf("it is no JSON that every reader reads the same way (%s)", trouble));
	room = palloc(TOKEN_SCHEMA_ROOM);
	if (token_schema_compile(text, room, TOKEN_SCHEMA_ROOM, &needed, rest, &fault) == NULL)
		refuse_schema(place_words(&fault, WHOLE_SCHEMA), fault.why);
	pfree(room);
	out->compiled = token_schema_compile(text, palloc(Max(needed, 1)), needed, &used, rest, &fault);
	if (out->compiled == NULL)
		elog(ERROR, "a schema that can be compiled needs more than the %zu bytes that it took: %s", needed, fault.why);
	return out;
}

char *
paysafe_payload_unfit(const PayloadSchema *schema, const char *json, size_t len)
{
	size_t		pairs = token_schema_scratch(schema->compiled, len);
	uint64		(*scratch)[2] = pairs > 0 ? palloc(pairs * sizeof(*scratch)) : NULL;
	TokenSchemaFault fault;
	bool		fits = token_schema_check(schema->compiled, (TokenText) {(const uint8 *) json, len}, (const uint64_t *) secret_key(),
										  (uint64_t (*)[2]) scratch, rest, &fault);

	if (scratch != NULL)
		pfree(scratch);
	return fits ? NULL : psprintf("%s: %s", place_words(&fault, WHOLE_VALUE), fault.why);
}

char *
paysafe_payload_fault(const PayloadSchema *schema, const char *json, size_t len)
{
	const char *trouble = paysafe_json_check(json, len, PAYLOAD_DEPTH, false, secret_key()[1]);

	return trouble != NULL ? psprintf("%s: %s", WHOLE_VALUE, trouble) : paysafe_payload_unfit(schema, json, len);
}

char *
paysafe_payload_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	bytea	   *bytes;
	char	   *text;

	paysafe_argument_required(fcinfo, n, argument);
	bytes = PG_GETARG_BYTEA_PP(n);
	text = pnstrdup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	if (strlen(text) != VARSIZE_ANY_EXHDR(bytes) || !pg_verify_mbstr(PG_UTF8, text, (int) strlen(text), true))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be text in UTF-8", argument)));
	return pg_any_to_server(text, (int) strlen(text), PG_UTF8);
}

/* SQL-callable functions */

/* The first argument compiled, by this call or one before it */
static PayloadSchema *
kept_schema(FunctionCallInfo fcinfo)
{
	Kept	   *kept = fcinfo->flinfo->fn_extra;
	bytea	   *argument = PG_GETARG_BYTEA_PP(0);
	size_t		len = VARSIZE_ANY_EXHDR(argument);
	MemoryContext context;
	MemoryContext old;

	if (kept != NULL && VARSIZE_ANY_EXHDR(kept->argument) == len &&
		memcmp(VARDATA_ANY(kept->argument), VARDATA_ANY(argument), len) == 0)
		return kept->schema;
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe payload schema", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	if (kept != NULL)
		MemoryContextDelete(kept->context);
	fcinfo->flinfo->fn_extra = NULL;
	kept = palloc(sizeof(Kept));
	kept->context = context;
	kept->argument = palloc(VARHDRSZ + len);
	SET_VARSIZE(kept->argument, VARHDRSZ + len);
	memcpy(VARDATA(kept->argument), VARDATA_ANY(argument), len);
	kept->schema = paysafe_payload_compile(paysafe_payload_argument(fcinfo, 0, "schema"));
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	fcinfo->flinfo->fn_extra = kept;
	return kept->schema;
}

static char *
fault_of(FunctionCallInfo fcinfo)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(1);

	return paysafe_payload_fault(kept_schema(fcinfo), VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

PG_FUNCTION_INFO_V1(paysafe_json_valid);

/*
 * json_valid(schema payload, value payload) returns boolean
 */
Datum
paysafe_json_valid(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(fault_of(fcinfo) == NULL);
}

PG_FUNCTION_INFO_V1(paysafe_json_fault);

/*
 * json_fault(schema payload, value payload) returns text
 */
Datum
paysafe_json_fault(PG_FUNCTION_ARGS)
{
	char	   *fault = fault_of(fcinfo);

	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}
