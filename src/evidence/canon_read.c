/*-------------------------------------------------------------------------
 *
 * canon_read.c
 *	  Row images of the audit log as jsonb.
 *
 * Images are read by the shape stored with them and by nothing else, so they
 * stay readable when the table, its types and their OIDs are gone.  Nothing
 * here trusts a length.
 *
 * jsonb holds 256 MB, an image may have four times that.  A value for which there
 * is no room is shown as a string "oversize:BYTES:SHA-256", of its canonical bytes
 * (of text and bytea: of the value), so that whatever is stored can be read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/any_text.h"
#include "base/crypto.h"
#include "compat.h"
#include "evidence/canon.h"
#include "evidence/canon_json.h"

#define SMALL_IMAGE	(4 * 1024 * 1024)	/* as jsonb it has room in any case */
#define MAX_JSONB	(250 * 1024 * 1024)	/* a little less than jsonb's own limit */

static PAYSAFE_NORETURN void
malformed(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed %s in the audit log", what)));
	pg_unreachable();
}

/* Bytes still to be read. */
typedef struct Reader
{
	const char *pos;
	const char *end;
	int			encoding;
} Reader;

static const char *
take(Reader *r, size_t len)
{
	const char *start = r->pos;

	if ((size_t) (r->end - r->pos) < len)
		malformed("row image");
	r->pos += len;
	return start;
}

static uint16
take_int16(Reader *r)
{
	uint16		value;

	memcpy(&value, take(r, sizeof(value)), sizeof(value));
	return pg_ntoh16(value);
}

static uint32
take_int32(Reader *r)
{
	uint32		value;

	memcpy(&value, take(r, sizeof(value)), sizeof(value));
	return pg_ntoh32(value);
}

static uint64
take_int64(Reader *r)
{
	uint64		value;

	memcpy(&value, take(r, sizeof(value)), sizeof(value));
	return pg_ntoh64(value);
}

/* A length in its shortest form, as the writer writes it; false at the end. */
static bool
get_length(const char **pos, const char *end, uint32 *out)
{
	uint64		value = 0;

	for (int shift = 0; shift < 35; shift += 7)
	{
		uint8		byte;

		if (*pos >= end)
			return false;
		byte = *(*pos)++;
		value |= (uint64) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
		{
			if ((byte == 0 && shift > 0) || value > MaxAllocSize)
				return false;
			*out = value;
			return true;
		}
	}
	return false;
}

bool
paysafe_canon_get_field(const char **pos, const char *end, const char **data, int *len)
{
	uint32		length;

	if (!get_length(pos, end, &length))
		return false;
	*data = NULL;
	*len = 0;
	if (length == 0)
		return true;
	if (end - *pos < (int64) length - 1)
		return false;
	*data = *pos;
	*len = length - 1;
	*pos += length - 1;
	return true;
}

static void
json_string(StringInfo json, const char *text)
{
	escape_json(json, text);
}

/* Bytes of text in the image's encoding as a C string of the server's. */
static char *
read_text(Reader *r)
{
	int			len = r->end - r->pos;
	const char *start = r->pos;

	if (memchr(start, '\0', len) != NULL)
		malformed("text");
	r->pos = r->end;
	return paysafe_any_text(start, len, r->encoding);
}

static void
read_numeric(Reader *r, StringInfo json)
{
	Reader		rest = *r;
	StringInfoData wire;
	char	   *text;

	/* what is too short for numeric_recv is for it a violation of the protocol */
	(void) take(&rest, take_int16(&rest) * sizeof(int16) + 3 * sizeof(int16));
	wire.data = unconstify(char *, r->pos);
	wire.len = r->end - r->pos;
	wire.maxlen = wire.len;
	wire.cursor = 0;
	text = DatumGetCString(DirectFunctionCall1(numeric_out,
											   DirectFunctionCall3(numeric_recv,
																   PointerGetDatum(&wire),
																   ObjectIdGetDatum(InvalidOid),
																   Int32GetDatum(-1))));
	r->pos += wire.cursor;
	if (strpbrk(text, "Nn") != NULL)
		json_string(json, text);
	else
		appendStringInfoString(json, text);
}

static void
read_float(StringInfo json, char *text)
{
	if (strpbrk(text, "Nn") != NULL)	/* NaN, Infinity */
		json_string(json, text);
	else
		appendStringInfoString(json, text);
}

static void
read_interval(Reader *r, StringInfo json)
{
	Interval	interval;
	int			save = IntervalStyle;

	interval.time = take_int64(r);
	interval.day = take_int32(r);
	interval.month = take_int32(r);
	IntervalStyle = INTSTYLE_POSTGRES;
	PG_TRY();
	{
		json_string(json, DatumGetCString(DirectFunctionCall1(interval_out,
															  IntervalPGetDatum(&interval))));
	}
	PG_FINALLY();
	{
		IntervalStyle = save;
	}
	PG_END_TRY();
}

static void
read_datetime(StringInfo json, Datum value, Oid typid)
{
	int			utc = 0;

	json_string(json, JsonEncodeDateTime(NULL, value, typid,
										 typid == TIMESTAMPTZOID ? &utc : NULL));
}

static void
read_json(Reader *r, StringInfo json)
{
	char	   *text = read_text(r);

	if (!paysafe_canon_fits_jsonb(text))
		json_string(json, text);
	else
	{
		/* parsed by itself first, so that it cannot reach beyond its place */
		Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));

		(void) JsonbToCString(json, &jsonb->root, VARSIZE(jsonb));
	}
}

static void read_value(const CanonType *type, Reader *r, StringInfo json);

static void
read_field(const CanonType *type, Reader *r, StringInfo json)
{
	Reader		field = {.encoding = r->encoding};
	const char *data;
	int			len;

	if (!paysafe_canon_get_field(&r->pos, r->end, &data, &len))
		malformed("row image");
	if (data == NULL)
	{
		appendStringInfoString(json, "null");
		return;
	}
	field.pos = data;
	field.end = data + len;
	read_value(type, &field, json);
	if (field.pos != field.end)
		malformed("row image");
}

static void
skip_field(Reader *r)
{
	const char *data;
	int			len;

	if (!paysafe_canon_get_field(&r->pos, r->end, &data, &len))
		malformed("row image");
}

static void
read_array_dimension(const CanonType *type, Reader *r, StringInfo json,
					 int ndim, const int *dims)
{
	appendStringInfoChar(json, '[');
	for (int i = 0; i < dims[0]; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		if (ndim > 1)
			read_array_dimension(type, r, json, ndim - 1, dims + 1);
		else
			read_field(type->element, r, json);
	}
	appendStringInfoChar(json, ']');
}

static void
read_array(const CanonType *type, Reader *r, StringInfo json)
{
	int			ndim = *(const uint8 *) take(r, 1);
	int			dims[MAXDIM];
	int64		total = 1;

	if (ndim > MAXDIM)
		malformed("row image");
	for (int i = 0; i < ndim; i++)
	{
		dims[i] = take_int32(r);
		(void) take_int32(r);	/* lower bound: jsonb arrays have none */
		if (dims[i] < 1 || dims[i] > MaxArraySize)
			malformed("row image");
		total *= dims[i];
		/* each element takes at least a byte */
		if (total > r->end - r->pos)
			malformed("row image");
	}
	if (ndim == 0)
		appendStringInfoString(json, "[]");
	else
		read_array_dimension(type, r, json, ndim, dims);
}

static void
read_hex(Reader *r, StringInfo json, const char *prefix, int len)
{
	const char *bytes = take(r, len);

	appendStringInfo(json, "\"%s", prefix);
	enlargeStringInfo(json, 2 * len);
	json->len += hex_encode(bytes, len, json->data + json->len);
	appendStringInfoString(json, "\"");
}

/* Numbers of any kind; false if the code is no number's. */
static bool
read_number(const CanonType *type, Reader *r, StringInfo json)
{
	switch (type->code)
	{
		case CANON_INT2:
			appendStringInfo(json, "%d", (int16) take_int16(r));
			return true;
		case CANON_INT4:
			appendStringInfo(json, "%d", (int32) take_int32(r));
			return true;
		case CANON_INT8:
			appendStringInfo(json, INT64_FORMAT, (int64) take_int64(r));
			return true;
		case CANON_FLOAT4:
			{
				char		buf[FLOAT_SHORTEST_DECIMAL_LEN];
				uint32		bits = take_int32(r);
				float4		f;

				memcpy(&f, &bits, sizeof(f));
				float_to_shortest_decimal_buf(f, buf);
				read_float(json, buf);
				return true;
			}
		case CANON_FLOAT8:
			{
				char		buf[DOUBLE_SHORTEST_DECIMAL_LEN];
				uint64		bits = take_int64(r);
				float8		f;

				memcpy(&f, &bits, sizeof(f));
				double_to_shortest_decimal_buf(f, buf);
				read_float(json, buf);
				return true;
			}
		case CANON_NUMERIC:
			read_numeric(r, json);
			return true;
		case CANON_MONEY:
			json_string(json, DatumGetCString(DirectFunctionCall1(cash_out,
																  CashGetDatum((Cash) take_int64(r)))));
			return true;
		default:
			return false;
	}
}

/* Dates and times; false if the code is none of theirs. */
static bool
read_time(const CanonType *type, Reader *r, StringInfo json)
{
	switch (type->code)
	{
		case CANON_DATE:
			{
				DateADT		date = take_int32(r);

				if (!DATE_NOT_FINITE(date) && !IS_VALID_DATE(date))
					malformed("row image");
				read_datetime(json, DateADTGetDatum(date), DATEOID);
				return true;
			}
		case CANON_TIME:
			{
				TimeADT		t = take_int64(r);

				if (t < 0 || t > USECS_PER_DAY)
					malformed("row image");
				json_string(json, DatumGetCString(DirectFunctionCall1(time_out,
																	  TimeADTGetDatum(t))));
				return true;
			}
		case CANON_TIMETZ:
			{
				TimeTzADT	t;

				t.time = take_int64(r);
				t.zone = take_int32(r);
				if (t.time < 0 || t.time > USECS_PER_DAY ||
					t.zone <= -TZDISP_LIMIT || t.zone >= TZDISP_LIMIT)
					malformed("row image");
				json_string(json, DatumGetCString(DirectFunctionCall1(timetz_out,
																	  TimeTzADTPGetDatum(&t))));
				return true;
			}
		case CANON_TIMESTAMP:
			read_datetime(json, TimestampGetDatum((Timestamp) take_int64(r)), TIMESTAMPOID);
			return true;
		case CANON_TIMESTAMPTZ:
			read_datetime(json, TimestampTzGetDatum((TimestampTz) take_int64(r)), TIMESTAMPTZOID);
			return true;
		case CANON_INTERVAL:
			read_interval(r, json);
			return true;
		default:
			return false;
	}
}

static void
read_record(const CanonType *type, Reader *r, StringInfo json)
{
	appendStringInfoChar(json, '{');
	for (int i = 0; i < type->nfields; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		json_string(json, type->field_names[i]);
		appendStringInfoChar(json, ':');
		read_field(type->fields[i], r, json);
	}
	appendStringInfoChar(json, '}');
}

static void
read_value(const CanonType *type, Reader *r, StringInfo json)
{
	check_stack_depth();
	if (read_number(type, r, json) || read_time(type, r, json))
		return;
	switch (type->code)
	{
		case CANON_BOOL:
			appendStringInfoString(json, *take(r, 1) ? "true" : "false");
			break;
		case CANON_TEXT:
		case CANON_LABEL:
		case CANON_OUTPUT:
			json_string(json, read_text(r));
			break;
		case CANON_BYTEA:
			read_hex(r, json, "\\\\x", r->end - r->pos);
			break;
		case CANON_REDACTED:
			read_hex(r, json, "redacted:", PAYSAFE_SHA256_LEN);
			break;
		case CANON_UUID:
			json_string(json, DatumGetCString(DirectFunctionCall1(uuid_out,
																  UUIDPGetDatum((pg_uuid_t *) take(r, UUID_LEN)))));
			break;
		case CANON_JSON:
			read_json(r, json);
			break;
		case CANON_ARRAY:
			read_array(type, r, json);
			break;
		case CANON_RECORD:
			read_record(type, r, json);
			break;
		default:
			malformed("shape");
	}
}

/* A row image that is being read, and the one that it is a difference to. */
typedef struct Image
{
	const CanonShape *shape;
	Reader		row;
	Reader		other;
	const char *bitmap;			/* NULL: the image is full */
	int			column;			/* the next one */
} Image;

static void
begin_image(Image *image)
{
	image->column = 0;
	switch (*(const uint8 *) take(&image->row, 1))
	{
		case CANON_IMAGE_FULL:
			return;
		case CANON_IMAGE_DIFFERENCE:
			image->bitmap = take(&image->row, (image->shape->ncolumns + 7) / 8);
			if (image->other.pos == NULL ||
				*(const uint8 *) take(&image->other, 1) != CANON_IMAGE_FULL)
				malformed("row image");
			return;
		default:
			malformed("row image");
	}
}

/* The next column's bytes, NULL for NULL; false at the end of the image. */
static bool
next_column(Image *image, const char **data, int *len)
{
	bool		same;
	Reader	   *from;

	if (image->column == image->shape->ncolumns)
	{
		if (image->row.pos != image->row.end)
			malformed("row image");
		return false;
	}
	same = image->bitmap != NULL && (image->bitmap[image->column / 8] >> (image->column % 8)) & 1;
	/* the other image is read along, for its place or its value */
	if (image->bitmap != NULL && !same)
		skip_field(&image->other);
	from = same ? &image->other : &image->row;
	if (!paysafe_canon_get_field(&from->pos, from->end, data, len))
		malformed("row image");
	image->column++;
	return true;
}

/* One column's bytes, to their end, as JSON. */
static void
read_column(const CanonType *type, int encoding, const char *data, int len, StringInfo json)
{
	Reader		r = {.pos = data, .end = data + len, .encoding = encoding};

	if (data == NULL)
	{
		appendStringInfoString(json, "null");
		return;
	}
	read_value(type, &r, json);
	if (r.pos != r.end)
		malformed("row image");
}

static Jsonb *
parse(const char *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

static Jsonb *
read_small(Image *image)
{
	StringInfoData json;
	const char *data;
	int			len;

	initStringInfo(&json);
	while (next_column(image, &data, &len))
	{
		const CanonColumn *column = &image->shape->columns[image->column - 1];

		appendStringInfoChar(&json, image->column == 1 ? '{' : ',');
		json_string(&json, column->name);
		appendStringInfoChar(&json, ':');
		read_column(column->type, image->row.encoding, data, len, &json);
	}
	appendStringInfoString(&json, image->column == 0 ? "{}" : "}");
	return parse(json.data);
}

/* Would it certainly be too much, before it is even made? */
static bool
is_hopeless(CanonCode code, int len, Size room)
{
	switch (code)
	{
		case CANON_BYTEA:
			return 2 * (Size) len > room;
		default:
			return (Size) len > room;
	}
}

/* A column as jsonb if it takes no more than room, otherwise NULL. */
static Jsonb *
read_if_it_fits(const CanonType *type, int encoding, const char *data, int len, Size room)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb	   *volatile result = NULL;

	if (is_hopeless(type->code, len, room))
		return NULL;
	PG_TRY();
	{
		StringInfoData json;

		initStringInfo(&json);
		read_column(type, encoding, data, len, &json);
		if (json.len <= room)
			result = parse(json.data);
		pfree(json.data);
		if (result != NULL && VARSIZE(result) > room)
			result = NULL;
	}
	PG_CATCH();
	{
		int			code = geterrcode();

		/* these say that there is no room; nothing but memory was used */
		if (code != ERRCODE_PROGRAM_LIMIT_EXCEEDED && code != ERRCODE_OUT_OF_MEMORY &&
			code != ERRCODE_INTERNAL_ERROR)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		result = NULL;
	}
	PG_END_TRY();
	return result;
}

static Jsonb *
oversize(const char *data, int len)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	char		hex[2 * PAYSAFE_SHA256_LEN + 1];

	paysafe_crypto_sha256(data, len, digest);
	hex[hex_encode((const char *) digest, PAYSAFE_SHA256_LEN, hex)] = '\0';
	return parse(psprintf("\"oversize:%d:%s\"", len, hex));
}

/* Column by column, each as long as there is room. */
static Jsonb *
read_large(Image *image)
{
	JsonbParseState *state = NULL;
	Size		room = MAX_JSONB;
	const char *data;
	int			len;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while (next_column(image, &data, &len))
	{
		const CanonColumn *column = &image->shape->columns[image->column - 1];
		Jsonb	   *jsonb = data == NULL ? parse("null") :
			read_if_it_fits(column->type, image->row.encoding, data, len, room);
		JsonbValue	v;

		if (jsonb == NULL)
			jsonb = oversize(data, len);
		room -= Min(VARSIZE(jsonb), room);
		v.type = jbvString;
		v.val.string.val = column->name;
		v.val.string.len = strlen(column->name);
		(void) pushJsonbValue(&state, WJB_KEY, &v);
		if (!JB_ROOT_IS_SCALAR(jsonb) || !JsonbExtractScalar(&jsonb->root, &v))
		{
			v.type = jbvBinary;
			v.val.binary.data = &jsonb->root;
			v.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
		}
		(void) pushJsonbValue(&state, WJB_VALUE, &v);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

Jsonb *
paysafe_canon_read(const CanonShape *shape, int encoding, const char *data, int len,
				   const char *other, int other_len)
{
	Image		image = {
		.shape = shape,
		.row = {.pos = data, .end = data + len, .encoding = encoding},
		.other = {.pos = other, .end = other + other_len, .encoding = encoding}
	};

	begin_image(&image);
	return (int64) len + other_len <= SMALL_IMAGE ? read_small(&image) : read_large(&image);
}

void
paysafe_canon_split(const CanonShape *shape, const char *data, int len,
					const char *other, int other_len, CanonBytes *columns)
{
	Image		image = {
		.shape = shape,
		.row = {.pos = data, .end = data + len},
		.other = {.pos = other, .end = other + other_len}
	};

	begin_image(&image);
	while (next_column(&image, &columns->data, &columns->len))
		columns++;
}

Jsonb *
paysafe_canon_read_value(const CanonType *type, int encoding, const CanonBytes *bytes)
{
	StringInfoData json;

	initStringInfo(&json);
	read_column(type, encoding, bytes->data, bytes->len, &json);
	return parse(json.data);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_audit_image);

/*
 * audit_image(columns jsonb, encoding name, image bytea, other bytea) returns
 * jsonb
 */
Datum
paysafe_audit_image(PG_FUNCTION_ARGS)
{
	CanonShape *shape;
	int			encoding;
	bytea	   *image;
	bytea	   *other = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	shape = paysafe_canon_shape_read(PG_GETARG_JSONB_P(0));
	encoding = pg_char_to_encoding(NameStr(*PG_GETARG_NAME(1)));
	image = PG_GETARG_BYTEA_PP(2);
	if (!PG_ARGISNULL(3))
		other = PG_GETARG_BYTEA_PP(3);
	if (encoding < 0)
		malformed("encoding");
	PG_RETURN_JSONB_P(paysafe_canon_read(shape, encoding,
										 VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image),
										 other ? VARDATA_ANY(other) : NULL,
										 other ? VARSIZE_ANY_EXHDR(other) : 0));
}
