/*-------------------------------------------------------------------------
 *
 * same_value.c
 *	  Does a value in the audit log say what the column of today says?
 *
 * Only asked when the bytes differ.  A change of type that the guard lets pass
 * keeps what each value says, but not its bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/any_text.h"
#include "check/same_value.h"

static uint64
big_endian(const CanonBytes *bytes)
{
	uint64		result = 0;

	for (int i = 0; i < bytes->len && i < 8; i++)
		result = result << 8 | (uint8) bytes->data[i];
	return result;
}

static bool
as_integer(const CanonValue *value, int64 *out)
{
	uint64		bits = big_endian(&value->bytes);

	switch (value->type->code)
	{
		case CANON_INT2:
			*out = (int16) bits;
			return value->bytes.len == 2;
		case CANON_INT4:
			*out = (int32) bits;
			return value->bytes.len == 4;
		case CANON_INT8:
			*out = (int64) bits;
			return value->bytes.len == 8;
		default:
			return false;
	}
}

static bool
as_float(const CanonValue *value, double *out)
{
	uint64		bits = big_endian(&value->bytes);
	uint32		half = (uint32) bits;
	float		f;

	switch (value->type->code)
	{
		case CANON_FLOAT4:
			memcpy(&f, &half, sizeof(f));
			*out = f;
			return value->bytes.len == 4;
		case CANON_FLOAT8:
			memcpy(out, &bits, sizeof(*out));
			return value->bytes.len == 8;
		default:
			return false;
	}
}

static bool
as_numeric(const CanonValue *value, Datum *out)
{
	int64		integer;
	StringInfoData wire;

	if (as_integer(value, &integer))
	{
		*out = NumericGetDatum(int64_to_numeric(integer));
		return true;
	}
	if (value->type->code != CANON_NUMERIC)
		return false;
	wire.data = unconstify(char *, value->bytes.data);
	wire.len = wire.maxlen = value->bytes.len;
	wire.cursor = 0;
	*out = DirectFunctionCall3(numeric_recv, PointerGetDatum(&wire),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return true;
}

static bool
as_timestamp(const CanonValue *value, Timestamp *out)
{
	DateADT		date;

	switch (value->type->code)
	{
		case CANON_TIMESTAMP:
			*out = (Timestamp) big_endian(&value->bytes);
			return value->bytes.len == 8;
		case CANON_DATE:
			date = (int32) big_endian(&value->bytes);
			*out = DATE_IS_NOBEGIN(date) ? DT_NOBEGIN : DATE_IS_NOEND(date) ? DT_NOEND :
				(Timestamp) date * USECS_PER_DAY;
			return value->bytes.len == 4;
		default:
			return false;
	}
}

/* Is it written as the text that it says? */
static bool
is_text(const CanonValue *value)
{
	return value->type->code == CANON_TEXT || value->type->code == CANON_LABEL ||
		value->type->code == CANON_OUTPUT || value->type->code == CANON_UUID;
}

static char *
as_text(const CanonValue *value)
{
	if (value->type->code == CANON_UUID && value->bytes.len == UUID_LEN)
		return DatumGetCString(DirectFunctionCall1(uuid_out, PointerGetDatum(value->bytes.data)));
	return paysafe_any_text(value->bytes.data, value->bytes.len, value->encoding);
}

static bool
is_named(const CanonValue *value, const char *prefix)
{
	return value->type_name != NULL && strncmp(value->type_name, prefix, strlen(prefix)) == 0;
}

/* Blanks at the end say nothing in char(n). */
static void
trim(char *text)
{
	size_t		len = strlen(text);

	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
}

static bool
same_text(const CanonValue *logged, const CanonValue *now)
{
	char	   *a = as_text(logged);
	char	   *b = as_text(now);

	/* names of objects, and labels, which may have other names by now */
	if (is_named(logged, "reg") && is_named(now, "reg"))
		return true;
	if (logged->type->code == CANON_LABEL && now->type->code == CANON_LABEL &&
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(now->type->typid), CStringGetDatum(a)))
		return true;
	if (is_named(logged, "character(") || is_named(now, "character(") ||
		is_named(logged, "bpchar") || is_named(now, "bpchar"))
	{
		trim(a);
		trim(b);
	}
	if (is_named(logged, "cidr") && is_named(now, "inet"))
	{
		/* inet does not show the length of a whole address */
		char	   *slash = strchr(a, '/');

		if (slash != NULL && strchr(b, '/') == NULL)
			*slash = '\0';
	}
	return strcmp(a, b) == 0;
}

/* Of the fields of a composite value or the elements of an array. */
static CanonValue
part_of(const CanonValue *whole, const CanonType *type, const char **pos)
{
	CanonValue	part = {.type = type, .type_name = whole->type_name, .encoding = whole->encoding};
	const char *end = whole->bytes.data + whole->bytes.len;

	if (!paysafe_canon_get_field(pos, end, &part.bytes.data, &part.bytes.len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed row image in the audit log")));
	return part;
}

static bool
same_array(const CanonValue *logged, const CanonValue *now)
{
	const char *a = logged->bytes.data;
	const char *b = now->bytes.data;
	int			head;

	/* dimensions and bounds */
	if (logged->bytes.len < 1 || now->bytes.len < 1)
		return false;
	head = 1 + 8 * (uint8) a[0];
	if (logged->bytes.len < head || now->bytes.len < head || memcmp(a, b, head) != 0)
		return false;
	a += head;
	b += head;
	while (a < logged->bytes.data + logged->bytes.len && b < now->bytes.data + now->bytes.len)
	{
		CanonValue	one = part_of(logged, logged->type->element, &a);
		CanonValue	other = part_of(now, now->type->element, &b);

		CHECK_FOR_INTERRUPTS();
		if (!paysafe_same_value(&one, &other))
			return false;
	}
	return a == logged->bytes.data + logged->bytes.len && b == now->bytes.data + now->bytes.len;
}

/* How many attributes a composite type has, without those that were dropped. */
static int
count_fields(const CanonType *type)
{
	int			n = 0;

	for (int i = 0; i < type->nfields; i++)
		n += type->fields[i] != NULL;
	return n;
}

/* Attributes by name; by place if none was added or dropped, since they may be renamed. */
static bool
same_record(const CanonValue *logged, const CanonValue *now)
{
	bool		by_place = count_fields(logged->type) == count_fields(now->type);
	int			n = 0;
	const char *b = now->bytes.data;

	for (int i = 0; i < now->type->nfields; i++)
	{
		const char *a = logged->bytes.data;
		CanonValue	other;
		int			m = 0;

		if (now->type->fields[i] == NULL)
			continue;
		other = part_of(now, now->type->fields[i], &b);
		for (int j = 0; j < logged->type->nfields; j++)
		{
			CanonValue	one;

			if (logged->type->fields[j] == NULL)
				continue;
			one = part_of(logged, logged->type->fields[j], &a);
			one.type_name = other.type_name = NULL;
			if ((by_place ? m == n :
				 strcmp(logged->type->field_names[j], now->type->field_names[i]) == 0) &&
				!paysafe_same_value(&one, &other))
				return false;
			m++;
		}
		n++;
	}
	return true;
}

static bool
same_json(const CanonValue *logged, const CanonValue *now)
{
	Jsonb	   *a = paysafe_canon_read_value(logged->type, logged->encoding, &logged->bytes);
	Jsonb	   *b = paysafe_canon_read_value(now->type, now->encoding, &now->bytes);

	return compareJsonbContainers(&a->root, &b->root) == 0;
}

bool
paysafe_same_value(const CanonValue *logged, const CanonValue *now)
{
	CanonCode	code = logged->type->code;
	int64		i;
	int64		j;
	double		f;
	double		g;
	Datum		m;
	Datum		n;
	Timestamp	t;
	Timestamp	u;

	check_stack_depth();
	if (logged->bytes.data == NULL || now->bytes.data == NULL)
		return logged->bytes.data == now->bytes.data;
	if (code == now->type->code && logged->bytes.len == now->bytes.len &&
		memcmp(logged->bytes.data, now->bytes.data, now->bytes.len) == 0 &&
		logged->encoding == now->encoding)
		return true;
	if (is_text(logged) && is_text(now))
		return same_text(logged, now);
	if (code == CANON_ARRAY && now->type->code == CANON_ARRAY)
		return same_array(logged, now);
	if (code == CANON_RECORD && now->type->code == CANON_RECORD)
		return same_record(logged, now);
	if (code == CANON_JSON && now->type->code == CANON_JSON)
		return same_json(logged, now);
	if (as_timestamp(logged, &t) && as_timestamp(now, &u))
		return t == u;
	if (as_integer(logged, &i) && as_integer(now, &j))
		return i == j;
	if (as_float(now, &g))
		return as_float(logged, &f) ? f == g :
		/* exactly */
			as_integer(logged, &i) && (double) i == g &&
			g >= -9223372036854775808.0 && g < 9223372036854775808.0 && (int64) g == i;
	if (as_numeric(logged, &m) && as_numeric(now, &n))
		return DatumGetBool(DirectFunctionCall2(numeric_eq, m, n));
	return code == now->type->code && logged->bytes.len == now->bytes.len &&
		memcmp(logged->bytes.data, now->bytes.data, now->bytes.len) == 0;
}
