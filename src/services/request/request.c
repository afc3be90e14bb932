/*-------------------------------------------------------------------------
 *
 * request.c
 *	  Signed requests in: verified, and accepted once.
 *
 * Whoever sends a request that is refused learns that it is, and nothing else; why is on
 * record, with nothing of the request in it.  What is accepted is used up in the caller's
 * transaction: if that rolls back, it was not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/argument.h"
#include "base/refusal.h"
#include "compat.h"
#include "identity/token_use.h"
#include "services/request/request.h"
#include "services/throttle/failed.h"
#include "store/own_table.h"
#include "values/spec.h"

#define MAX_LINES	256			/* of a header */

/* Columns of the results. */
enum
{
	ACCEPT_ACCEPTED, ACCEPT_REASON, ACCEPT_CLIENT, ACCEPT_KEY, ACCEPT_SIGNED_AT, ACCEPT_LABEL,
	ACCEPT_NCOLUMNS
};
enum
{
	VERIFY_OK, VERIFY_REASON, VERIFY_KEY, VERIFY_LABEL,
	VERIFY_NCOLUMNS
};

/* The header, as it is read. */
typedef struct Lines
{
	TokenHeader list[MAX_LINES];
	int			n;
	bool		good;
} Lines;

static TokenText
text_argument(FunctionCallInfo fcinfo, int n)
{
	text	   *value;

	if (PG_ARGISNULL(n))
		return (TokenText) {(const uint8 *) "", 0};
	value = PG_GETARG_TEXT_PP(n);
	return (TokenText) {(const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* A name that is there in two spellings: nobody knows which of its lines came first. */
static bool
is_respelled(const Lines *lines, const TokenText *name)
{
	for (int i = 0; i < lines->n; i++)
	{
		TokenText	other = lines->list[i].name;

		if (other.at != name->at && other.len == name->len &&
			pg_strncasecmp((const char *) other.at, (const char *) name->at, name->len) == 0)
			return true;
	}
	return false;
}

static void
add_line(Lines *lines, TokenText name, const JsonbValue *value)
{
	TokenText	text = {NULL, 0};

	lines->good = lines->good && value->type == jbvString && lines->n < MAX_LINES;
	if (!lines->good)
		return;
	text.at = (const uint8 *) value->val.string.val;
	text.len = value->val.string.len;
	lines->list[lines->n].name = name;
	lines->list[lines->n++].value = text;
}

/* An object of strings, or of arrays of strings */
static Lines *
read_lines(const Jsonb *headers)
{
	Lines	   *lines = palloc0(sizeof(Lines));
	TokenText	name = {NULL, 0};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			depth = 0;

	lines->good = headers != NULL && JB_ROOT_IS_OBJECT(headers);
	if (!lines->good)
		return lines;
	it = JsonbIteratorInit((JsonbContainer *) &headers->root);
	while (lines->good && (token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY && depth == 1)
		{
			name = (TokenText) {(const uint8 *) value.val.string.val, value.val.string.len};
			lines->good = !is_respelled(lines, &name);
		}
		else if (token == WJB_VALUE || token == WJB_ELEM)
			add_line(lines, name, &value);
		else if (token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY)
			lines->good = ++depth == 1 || (depth == 2 && token == WJB_BEGIN_ARRAY);
		else if (token == WJB_END_OBJECT || token == WJB_END_ARRAY)
			depth--;
	}
	return lines;
}

/* Scheme and host: those that are declared, or https and what Host says */
static void
set_authority(RequestCheck *check)
{
	TokenRequest *request = &check->request;
	const char *base_url = check->client != NULL ? check->client->terms.base_url : NULL;
	const char *host = base_url != NULL ? strstr(base_url, "://") : NULL;
	int			n = 0;

	request->scheme = (TokenText) {(const uint8 *) "https", 5};
	request->authority = (TokenText) {(const uint8 *) "", 0};
	if (host != NULL)
	{
		request->scheme = (TokenText) {(const uint8 *) base_url, (size_t) (host - base_url)};
		request->authority = (TokenText) {(const uint8 *) host + 3, strlen(host + 3)};
		return;
	}
	for (int i = 0; i < request->nheaders; i++)
		if (request->headers[i].name.len == 4 &&
			pg_strncasecmp((const char *) request->headers[i].name.at, "host", 4) == 0)
		{
			request->authority = request->headers[i].value;
			n++;
		}
	if (n > 1 && check->malformed == NULL)
		check->malformed = "header_duplicate";
}

/* Arguments; NULL for those that make no request. */
static RequestCheck *
read_request(FunctionCallInfo fcinfo)
{
	RequestCheck *check = palloc0(sizeof(RequestCheck));
	Lines	   *lines = read_lines(PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4));

	check->request.method = text_argument(fcinfo, 1);
	check->request.path = text_argument(fcinfo, 2);
	check->request.query = text_argument(fcinfo, 3);
	check->request.has_query = !PG_ARGISNULL(3);
	check->request.headers = lines->list;
	check->request.nheaders = lines->n;
	check->malformed = lines->good ? NULL : "headers_malformed";
	check->body = "";
	if (!PG_ARGISNULL(5))
	{
		bytea	   *body = PG_GETARG_BYTEA_PP(5);

		check->body = VARDATA_ANY(body);
		check->bodylen = VARSIZE_ANY_EXHDR(body);
	}
	check->at = GetCurrentTimestamp();
	return check;
}

static void
check_client(RequestCheck *check, const char *client)
{
	check->client = client != NULL ? paysafe_request_client(client) : NULL;
	set_authority(check);
	paysafe_request_check(check);
}

/*
 * Of the client that is named, or of the first one whose key the request names and whose it
 * is.  What others have signed of it is used up, too.
 */
static void
check_request(RequestCheck *check, FunctionCallInfo fcinfo)
{
	List	   *owners = NIL;
	List	   *uses = NIL;
	RequestCheck fresh = *check;
	bool		fits = false;
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
	{
		check_client(check, text_to_cstring(PG_GETARG_TEXT_PP(0)));
		return;
	}
	foreach(lc, paysafe_request_keyids(check))
	{
		char	   *owner = paysafe_request_client_of_key(lfirst(lc));

		if (owner != NULL && !paysafe_strings_contain(owners, owner))
			owners = lappend(owners, owner);
	}
	if (owners == NIL)
		check_client(check, NULL);
	foreach(lc, owners)
	{
		RequestCheck one = fresh;

		check_client(&one, lfirst(lc));
		uses = list_concat(uses, one.uses);
		if (!fits)
			*check = one;
		fits = fits || one.reason == NULL;
	}
	/* a client is good until the next one is looked for */
	check->client = NULL;
	check->key = NULL;
	check->uses = uses;
}

/* Nothing of the request itself gets into it. */
static void
record(const RequestCheck *check, const char *origin)
{
	char	   *message = psprintf("a signed request was refused: %s", check->reason);

	if (origin != NULL)
		message = psprintf("%s; from %s", message, origin);
	paysafe_refusal_record(&(Refusal)
						   {
							   .sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
							   .rule = psprintf("request_%s", check->reason),
							   .schema_name = "paysafe",
							   .table_name = "request",
							   .key = check->owner,
							   .statement = "request_accept",
							   .outside = true,
							   .message = message
						   });
}

/*
 * Once, and not after the time for which that is known: it may have gone meanwhile.  Each of
 * several signatures would do: who takes some of them away has nothing that comes again.
 */
static void
use_up(RequestCheck *check)
{
	paysafe_store_activate();
	if (!paysafe_token_use_all(TOKEN_USE_REQUEST, check->uses, "accepting a signed request"))
		check->reason = "replayed";
	else if (GetCurrentTimestamp() > check->until)
		check->reason = "timestamp_old";
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_request_accept);

/*
 * request_accept(client text, method text, path text, query text, headers jsonb,
 *				  body payload, origin text) returns
 *	  (accepted, reason, client_name, key_id, signed_at, label)
 */
Datum
paysafe_request_accept(PG_FUNCTION_ARGS)
{
	RequestCheck *check = read_request(fcinfo);
	const char *origin = NULL;
	Datum		values[ACCEPT_NCOLUMNS];
	bool		nulls[ACCEPT_NCOLUMNS];

	check_request(check, fcinfo);
	if (!PG_ARGISNULL(6))
		origin = paysafe_argument_origin(text_to_cstring(PG_GETARG_TEXT_PP(6)));
	if (paysafe_failed_attempt("request", check->owner, origin, paysafe_failed_is_guess(check->reason)))
		check->reason = "locked_out";
	if (check->reason == NULL)
		use_up(check);
	/* whoever names a client that is none has no series of his own */
	paysafe_outcome_count(paysafe_outcome_name(OUTCOME_REQUEST), check->owner ? check->owner : "(unknown)",
						  check->reason == NULL, check->reason != NULL);
	memset(nulls, true, sizeof(nulls));
	nulls[ACCEPT_ACCEPTED] = false;
	values[ACCEPT_ACCEPTED] = BoolGetDatum(check->reason == NULL);
	if (check->reason != NULL)
	{
		record(check, origin);
		nulls[ACCEPT_REASON] = false;
		values[ACCEPT_REASON] = CStringGetTextDatum("refused");
		return paysafe_argument_row(fcinfo, values, nulls);
	}
	nulls[ACCEPT_CLIENT] = nulls[ACCEPT_KEY] = nulls[ACCEPT_SIGNED_AT] = false;
	values[ACCEPT_CLIENT] = CStringGetTextDatum(check->owner);
	values[ACCEPT_KEY] = CStringGetTextDatum(check->keyid);
	values[ACCEPT_SIGNED_AT] = TimestampTzGetDatum(check->signed_at);
	nulls[ACCEPT_LABEL] = check->label == NULL;
	values[ACCEPT_LABEL] = check->label ? CStringGetTextDatum(check->label) : (Datum) 0;
	return paysafe_argument_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_request_verify);

/*
 * request_verify(client text, method text, path text, query text, headers jsonb,
 *				  body payload, at timestamptz) returns (ok, reason, key_id, label)
 */
Datum
paysafe_request_verify(PG_FUNCTION_ARGS)
{
	RequestCheck *check = read_request(fcinfo);
	Datum		values[VERIFY_NCOLUMNS];
	bool		nulls[VERIFY_NCOLUMNS];

	if (!PG_ARGISNULL(6))
		check->at = PG_GETARG_TIMESTAMPTZ(6);
	check_request(check, fcinfo);
	memset(nulls, true, sizeof(nulls));
	nulls[VERIFY_OK] = false;
	values[VERIFY_OK] = BoolGetDatum(check->reason == NULL);
	nulls[VERIFY_REASON] = check->reason == NULL;
	values[VERIFY_REASON] = check->reason ? CStringGetTextDatum(check->reason) : (Datum) 0;
	if (check->reason == NULL)
	{
		nulls[VERIFY_KEY] = false;
		values[VERIFY_KEY] = CStringGetTextDatum(check->keyid);
		nulls[VERIFY_LABEL] = check->label == NULL;
		values[VERIFY_LABEL] = check->label ? CStringGetTextDatum(check->label) : (Datum) 0;
	}
	return paysafe_argument_row(fcinfo, values, nulls);
}
