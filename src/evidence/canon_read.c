/*-------------------------------------------------------------------------
 *
 * canon_read.c
 *	  Shapes and row images of the audit log as jsonb.
 *
 * Images are read by the shape stored with them and by nothing else, so they
 * stay readable when the table, its types and their OIDs are gone.  Nothing
 * here trusts a length.
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

#include "base/crypto.h"
#include "compat.h"
#include "evidence/canon.h"

/*
 * The shape as jsonb: an array of {"name", "type", "code"} with "of" for the
 * element of an array, "fields" for those of a composite, "redacted".
 */

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, const char *string)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, string);
	v.val.string.len = strlen(string);
	(void) pushJsonbValue(state, token, &v);
}

static void
push_type(JsonbParseState **state, const CanonType *type)
{
	char		code[2] = {type->code, '\0'};

	push_string(state, WJB_KEY, "code");
	push_string(state, WJB_VALUE, pstrdup(code));
	if (type->code == CANON_ARRAY)
	{
		push_string(state, WJB_KEY, "of");
		(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		push_type(state, type->element);
		(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	else if (type->code == CANON_RECORD)
	{
		push_string(state, WJB_KEY, "fields");
		(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (int i = 0; i < type->nfields; i++)
		{
			if (type->fields[i] == NULL)
				continue;
			(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			push_string(state, WJB_KEY, "name");
			push_string(state, WJB_VALUE, type->field_names[i]);
			push_type(state, type->fields[i]);
			(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
		}
		(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
}

Jsonb *
paysafe_canon_shape_jsonb(const CanonShape *shape)
{
	JsonbParseState *state = NULL;
	CanonType	redacted = {.code = CANON_REDACTED};

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < shape->ncolumns; i++)
	{
		const CanonColumn *column = &shape->columns[i];

		(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_string(&state, WJB_KEY, "name");
		push_string(&state, WJB_VALUE, column->name);
		push_string(&state, WJB_KEY, "type");
		push_string(&state, WJB_VALUE, column->type_name);
		push_type(&state, column->redacted ? &redacted : column->type);
		(void) pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/*
 * Reading
 */

static PAYSAFE_NORETURN void
malformed(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed %s in the audit log", what)));
	pg_unreachable();
}

static JsonbValue *
object_key(JsonbContainer *object, const char *key)
{
	if (!JsonContainerIsObject(object))
		malformed("shape");
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

static char *
object_string(JsonbContainer *object, const char *key)
{
	JsonbValue *v = object_key(object, key);

	if (v == NULL || v->type != jbvString)
		malformed("shape");
	return pnstrdup(v->val.string.val, v->val.string.len);
}

static CanonType *
read_type(JsonbContainer *object)
{
	CanonType  *type = palloc0(sizeof(CanonType));
	char	   *code = object_string(object, "code");

	check_stack_depth();
	if (strlen(code) != 1)
		malformed("shape");
	type->code = code[0];
	if (type->code == CANON_ARRAY)
	{
		JsonbValue *of = object_key(object, "of");

		if (of == NULL || of->type != jbvBinary)
			malformed("shape");
		type->element = read_type(of->val.binary.data);
	}
	else if (type->code == CANON_RECORD)
	{
		JsonbValue *fields = object_key(object, "fields");

		if (fields == NULL || fields->type != jbvBinary ||
			!JsonContainerIsArray(fields->val.binary.data))
			malformed("shape");
		type->nfields = JsonContainerSize(fields->val.binary.data);
		type->fields = palloc(sizeof(CanonType *) * Max(type->nfields, 1));
		type->field_names = palloc(sizeof(char *) * Max(type->nfields, 1));
		for (int i = 0; i < type->nfields; i++)
		{
			JsonbValue *field = getIthJsonbValueFromContainer(fields->val.binary.data, i);

			if (field == NULL || field->type != jbvBinary)
				malformed("shape");
			type->field_names[i] = object_string(field->val.binary.data, "name");
			type->fields[i] = read_type(field->val.binary.data);
		}
	}
	return type;
}

CanonShape *
paysafe_canon_shape_read(const Jsonb *jsonb)
{
	JsonbContainer *array = unconstify(JsonbContainer *, &jsonb->root);
	CanonShape *shape = palloc0(sizeof(CanonShape));

	if (!JsonContainerIsArray(array))
		malformed("shape");
	shape->ncolumns = JsonContainerSize(array);
	shape->columns = palloc0(sizeof(CanonColumn) * Max(shape->ncolumns, 1));
	for (int i = 0; i < shape->ncolumns; i++)
	{
		JsonbValue *column = getIthJsonbValueFromContainer(array, i);

		if (column == NULL || column->type != jbvBinary)
			malformed("shape");
		shape->columns[i].name = object_string(column->val.binary.data, "name");
		shape->columns[i].type = read_type(column->val.binary.data);
	}
	return shape;
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
	char	   *copy;

	if (memchr(r->pos, '\0', len) != NULL)
		malformed("text");
	copy = pnstrdup(r->pos, len);
	r->pos = r->end;
	return pg_any_to_server(copy, len, r->encoding);
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

/* A JSON string from its opening quote; *pos moves behind the closing one. */
static bool
string_fits_jsonb(const char **pos)
{
	const char *c = *pos + 1;
	bool		high = false;	/* half a surrogate pair stands before */

	while (*c != '"')
	{
		char		digits[5];
		unsigned long unit;

		if (*c == '\0')
			return false;
		if (c[0] != '\\' || c[1] != 'u')
		{
			if (high || (c[0] == '\\' && c[1] == '\0'))
				return false;
			c += c[0] == '\\' ? 2 : 1;
			continue;
		}
		strlcpy(digits, c + 2, sizeof(digits));
		if (strspn(digits, "0123456789abcdefABCDEF") != 4)
			return false;
		unit = strtoul(digits, NULL, 16);
		if (unit == 0 || high != (unit >= 0xDC00 && unit <= 0xDFFF))
			return false;
		high = unit >= 0xD800 && unit <= 0xDBFF;
		/* other encodings lack most characters */
		if (unit > 0x7F && GetDatabaseEncoding() != PG_UTF8)
			return false;
		c += 6;
	}
	*pos = c + 1;
	return !high;
}

/*
 * A JSON number; *pos moves behind it.  The limits are a little narrower than
 * numeric's, 131072 digits before the point and 16383 after it.
 */
static bool
number_fits_jsonb(const char **pos)
{
	static const char digits[] = "0123456789";
	const char *c = *pos + (**pos == '-');
	size_t		integer = strspn(c, digits);
	size_t		fraction = 0;
	long		exponent = 0;

	c += integer;
	if (*c == '.')
	{
		fraction = strspn(c + 1, digits);
		c += 1 + fraction;
	}
	if (*c == 'e' || *c == 'E')
	{
		size_t		len;

		c++;
		len = strspn(c + (*c == '+' || *c == '-'), digits);
		if (len > 6)
			return false;
		exponent = strtol(c, NULL, 10);
		c += (*c == '+' || *c == '-') + len;
	}
	*pos = c;
	return integer <= 100000 && fraction <= 16000 &&
		(long) integer + exponent <= 100000 && (long) fraction - exponent <= 16000;
}

/*
 * Can the text of a json document be part of a jsonb?  Escaped zero bytes,
 * halves of surrogate pairs, numbers beyond numeric's range and documents
 * beyond jsonb's size cannot; then it is shown as a string.
 */
static bool
fits_jsonb(const char *text)
{
	/* an element takes up to eight times its text, all together 256 MB */
	if (strlen(text) >= 32 * 1024 * 1024)
		return false;
	for (const char *c = text; *c;)
	{
		if (*c == '"')
		{
			if (!string_fits_jsonb(&c))
				return false;
		}
		else if (*c == '-' || isdigit((unsigned char) *c))
		{
			if (!number_fits_jsonb(&c))
				return false;
		}
		else
			c++;
	}
	return true;
}

static void
read_json(Reader *r, StringInfo json)
{
	char	   *text = read_text(r);

	if (!fits_jsonb(text))
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
	appendStringInfo(json, "\"%s", prefix);
	for (const char *c = take(r, len); len > 0; c++, len--)
		appendStringInfo(json, "%02x", (unsigned char) *c);
	appendStringInfoChar(json, '"');
}

static void
read_value(const CanonType *type, Reader *r, StringInfo json)
{
	check_stack_depth();
	switch (type->code)
	{
		case CANON_BOOL:
			appendStringInfoString(json, *take(r, 1) ? "true" : "false");
			break;
		case CANON_INT2:
			appendStringInfo(json, "%d", (int16) take_int16(r));
			break;
		case CANON_INT4:
			appendStringInfo(json, "%d", (int32) take_int32(r));
			break;
		case CANON_INT8:
			appendStringInfo(json, INT64_FORMAT, (int64) take_int64(r));
			break;
		case CANON_FLOAT4:
			{
				char		buf[FLOAT_SHORTEST_DECIMAL_LEN];
				uint32		bits = take_int32(r);
				float4		f;

				memcpy(&f, &bits, sizeof(f));
				float_to_shortest_decimal_buf(f, buf);
				read_float(json, buf);
				break;
			}
		case CANON_FLOAT8:
			{
				char		buf[DOUBLE_SHORTEST_DECIMAL_LEN];
				uint64		bits = take_int64(r);
				float8		f;

				memcpy(&f, &bits, sizeof(f));
				double_to_shortest_decimal_buf(f, buf);
				read_float(json, buf);
				break;
			}
		case CANON_NUMERIC:
			read_numeric(r, json);
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
		case CANON_DATE:
			{
				DateADT		date = take_int32(r);

				if (!DATE_NOT_FINITE(date) && !IS_VALID_DATE(date))
					malformed("row image");
				read_datetime(json, DateADTGetDatum(date), DATEOID);
				break;
			}
		case CANON_TIME:
			{
				TimeADT		t = take_int64(r);

				if (t < 0 || t > USECS_PER_DAY)
					malformed("row image");
				json_string(json, DatumGetCString(DirectFunctionCall1(time_out,
																	  TimeADTGetDatum(t))));
				break;
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
				break;
			}
		case CANON_TIMESTAMP:
			read_datetime(json, TimestampGetDatum((Timestamp) take_int64(r)), TIMESTAMPOID);
			break;
		case CANON_TIMESTAMPTZ:
			read_datetime(json, TimestampTzGetDatum((TimestampTz) take_int64(r)), TIMESTAMPTZOID);
			break;
		case CANON_INTERVAL:
			read_interval(r, json);
			break;
		case CANON_UUID:
			json_string(json, DatumGetCString(DirectFunctionCall1(uuid_out,
																  UUIDPGetDatum((pg_uuid_t *) take(r, UUID_LEN)))));
			break;
		case CANON_MONEY:
			json_string(json, DatumGetCString(DirectFunctionCall1(cash_out,
																  CashGetDatum((Cash) take_int64(r)))));
			break;
		case CANON_JSON:
			read_json(r, json);
			break;
		case CANON_ARRAY:
			read_array(type, r, json);
			break;
		case CANON_RECORD:
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
			break;
		default:
			malformed("shape");
	}
}

Jsonb *
paysafe_canon_read(const CanonShape *shape, int encoding, const char *data, int len,
				   const char *other, int other_len)
{
	Reader		r = {.pos = data, .end = data + len, .encoding = encoding};
	Reader		o = {.pos = other, .end = other + other_len, .encoding = encoding};
	const char *bitmap = NULL;
	StringInfoData json;

	switch (*(const uint8 *) take(&r, 1))
	{
		case CANON_IMAGE_FULL:
			break;
		case CANON_IMAGE_DIFFERENCE:
			bitmap = take(&r, (shape->ncolumns + 7) / 8);
			if (other == NULL || *(const uint8 *) take(&o, 1) != CANON_IMAGE_FULL)
				malformed("row image");
			break;
		default:
			malformed("row image");
	}
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < shape->ncolumns; i++)
	{
		bool		same = bitmap != NULL && (bitmap[i / 8] >> (i % 8)) & 1;

		if (i > 0)
			appendStringInfoChar(&json, ',');
		json_string(&json, shape->columns[i].name);
		appendStringInfoChar(&json, ':');
		if (!same)
			read_field(shape->columns[i].type, &r, &json);
		if (bitmap != NULL)
		{
			/* the other image is read along, for its place or its value */
			if (same)
				read_field(shape->columns[i].type, &o, &json);
			else
				skip_field(&o);
		}
	}
	appendStringInfoChar(&json, '}');
	if (r.pos != r.end)
		malformed("row image");
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
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
