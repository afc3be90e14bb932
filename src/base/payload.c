/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  Bytes that somebody sends, given as text, JSON or bytes.
 *
 * bytea reads a backslash in a literal as an escape, so that {"path":"C:\\new"} would
 * be sent as other bytes than were meant.  paysafe.payload has the same bytes in it and
 * reads text as text, in UTF-8, byte for byte.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"

static Datum
make_payload(const void *data, size_t len)
{
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	if (len > 0)
		memcpy(VARDATA(result), data, len);
	PG_RETURN_BYTEA_P(result);
}

/* Text of the database's encoding, in UTF-8. */
static Datum
payload_of_text(const char *data, int len)
{
	char	   *utf8 = pg_server_to_any(data, len, PG_UTF8);

	return make_payload(utf8, utf8 == data ? len : strlen(utf8));
}

PG_FUNCTION_INFO_V1(paysafe_payload_in);

/*
 * payload_in(cstring) returns payload
 */
Datum
paysafe_payload_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);

	return payload_of_text(text, (int) strlen(text));
}

PG_FUNCTION_INFO_V1(paysafe_payload_out);

/*
 * payload_out(payload) returns cstring
 */
Datum
paysafe_payload_out(PG_FUNCTION_ARGS)
{
	bytea	   *payload = PG_GETARG_BYTEA_PP(0);
	int			len = (int) VARSIZE_ANY_EXHDR(payload);
	char	   *text;

	/* what payload_in would not read as the same is not written */
	if (!pg_verify_mbstr(PG_UTF8, VARDATA_ANY(payload), len, true))
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("the payload is no text"),
				 errhint("Cast it to bytea.")));
	text = pnstrdup(VARDATA_ANY(payload), len);
	PG_RETURN_CSTRING(pg_any_to_server(text, len, PG_UTF8));
}

PG_FUNCTION_INFO_V1(paysafe_payload_recv);

/*
 * payload_recv(internal) returns payload: the bytes that a driver sends, as they are
 */
Datum
paysafe_payload_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			len = buf->len - buf->cursor;

	return make_payload(pq_getmsgbytes(buf, len), len);
}

PG_FUNCTION_INFO_V1(paysafe_payload_send);

/*
 * payload_send(payload) returns bytea
 */
Datum
paysafe_payload_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

PG_FUNCTION_INFO_V1(paysafe_payload_of_text);

/*
 * payload(text), payload(char), payload(json) return payload
 */
Datum
paysafe_payload_of_text(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);

	return payload_of_text(VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value));
}

PG_FUNCTION_INFO_V1(paysafe_payload_of_jsonb);

/*
 * payload(jsonb) returns payload
 */
Datum
paysafe_payload_of_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *value = PG_GETARG_JSONB_P(0);
	char	   *text = JsonbToCString(NULL, &value->root, VARSIZE(value));

	return payload_of_text(text, (int) strlen(text));
}
