/*-------------------------------------------------------------------------
 *
 * argument.c
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "compat.h"

static struct
{
	Oid			function;
	TupleDesc	desc;			/* in row_type_context */
}			row_types[16];
static int	nrow_types = 0;
static MemoryContext row_type_context = NULL;

void
paysafe_argument_required(FunctionCallInfo fcinfo, int n, const char *argument)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument)));
}

void
paysafe_argument_all_required(FunctionCallInfo fcinfo, const char *const *arguments, int n)
{
	for (int i = 0; i < n; i++)
		paysafe_argument_required(fcinfo, i, arguments[i]);
}

char *
paysafe_argument_text(FunctionCallInfo fcinfo, int n, const char *argument, int max)
{
	text	   *value;

	paysafe_argument_required(fcinfo, n, argument);
	value = PG_GETARG_TEXT_PP(n);
	if (VARSIZE_ANY_EXHDR(value) == 0 || VARSIZE_ANY_EXHDR(value) > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d bytes", argument, max)));
	return text_to_cstring(value);
}

char *
paysafe_argument_optional(FunctionCallInfo fcinfo, int n, const char *argument, int max)
{
	return PG_ARGISNULL(n) ? NULL : paysafe_argument_text(fcinfo, n, argument, max);
}

/* What is blank, or has the property Default_Ignorable_Code_Point. */
bool
paysafe_argument_is_invisible(pg_wchar c)
{
	static const pg_wchar ranges[][2] = {
		{0x80, 0xA0}, {0xAD, 0xAD}, {0x34F, 0x34F}, {0x61C, 0x61C}, {0x115F, 0x1160},
		{0x1680, 0x1680}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x2000, 0x200F},
		{0x2028, 0x202F}, {0x205F, 0x206F}, {0x2800, 0x2800}, {0x3000, 0x3000},
		{0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0},
		{0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}
	};

	for (int i = 0; i < lengthof(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Are these UTF-8 characters all invisible? */
static bool
is_invisible_utf8(const char *value)
{
	const unsigned char *c = (const unsigned char *) value;

	for (; *c != '\0'; c += pg_utf_mblen(c))
		if (*c < 0x80 ? *c > ' ' && *c != 0x7f : !paysafe_argument_is_invisible(utf8_to_unicode(c)))
			return false;
	return true;
}

bool
paysafe_argument_is_blank(const char *value)
{
	int			len = strlen(value);

	/* what most texts have; the same in every encoding of a server */
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c > ' ' && *c < 0x7f)
			return false;
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		return is_invisible_utf8(pg_server_to_any(value, len, PG_UTF8));
	if (pg_verify_mbstr(PG_UTF8, value, len, true))
		return is_invisible_utf8(value);
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c >= 0x80 && !paysafe_argument_is_invisible(*c))
			return false;
	return true;
}

char *
paysafe_argument_readable(FunctionCallInfo fcinfo, int n, const char *argument, int max)
{
	char	   *value = paysafe_argument_text(fcinfo, n, argument, max);

	if (paysafe_argument_is_blank(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be blank", argument)));
	return value;
}

char *
paysafe_argument_reason(FunctionCallInfo fcinfo, int n, const char *argument, const char *what)
{
	char	   *value;

	paysafe_argument_required(fcinfo, n, argument);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (strlen(value) > PAYSAFE_ARGUMENT_REASON_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d bytes", argument, PAYSAFE_ARGUMENT_REASON_MAX)));
	if (paysafe_argument_is_blank(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs a %s", what, argument)));
	return value;
}

char *
paysafe_argument_name(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = paysafe_argument_text(fcinfo, n, argument, PAYSAFE_ARGUMENT_NAME_MAX);
	bool		good = name[0] != ' ' && name[strlen(name) - 1] != ' ';

	for (const char *c = name; *c != '\0'; c++)
		good = good && (unsigned char) *c >= ' ' && *c != 127;
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have no control characters, and no blanks around it", argument)));
	return name;
}

int64
paysafe_argument_microseconds(const Interval *interval, const char *argument)
{
	const double limit = 10.0 * 366 * USECS_PER_DAY;
	double		period = (double) interval->time +
		(double) interval->day * USECS_PER_DAY +
		(double) interval->month * 30 * USECS_PER_DAY;

	if (period <= 0 || period > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive and at most ten years", argument)));
	return interval->time + interval->day * USECS_PER_DAY +
		(int64) interval->month * 30 * USECS_PER_DAY;
}

int64
paysafe_argument_period(FunctionCallInfo fcinfo, int n, const char *argument)
{
	paysafe_argument_required(fcinfo, n, argument);
	return paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(n), argument);
}

int32
paysafe_argument_int(FunctionCallInfo fcinfo, int n, const char *argument, int32 min, int32 max)
{
	paysafe_argument_required(fcinfo, n, argument);
	if (PG_GETARG_INT32(n) < min || PG_GETARG_INT32(n) > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between %d and %d", argument, min, max)));
	return PG_GETARG_INT32(n);
}

Datum
paysafe_argument_bytea(const void *data, size_t len)
{
	bytea	   *bytes = palloc(VARHDRSZ + len);

	SET_VARSIZE(bytes, VARHDRSZ + len);
	memcpy(VARDATA(bytes), data, len);
	return PointerGetDatum(bytes);
}

void
paysafe_argument_append(StringInfo out, const char *string)
{
	pq_sendint32(out, (uint32) strlen(string));
	appendStringInfoString(out, string);
}

static void
forget_row_types(Datum arg, int cacheid, uint32 hashvalue)
{
	nrow_types = 0;
}

/* The function's result type, which is the same for the whole session unless pg_proc changes. */
static TupleDesc
row_type(FunctionCallInfo fcinfo)
{
	MemoryContext old;
	TupleDesc	desc;

	for (int i = 0; i < nrow_types; i++)
		if (row_types[i].function == fcinfo->flinfo->fn_oid)
			return row_types[i].desc;

	if (row_type_context == NULL)
	{
		row_type_context = AllocSetContextCreate(TopMemoryContext, "paysafe row types",
												 ALLOCSET_SMALL_SIZES);
		CacheRegisterSyscacheCallback(PROCOID, forget_row_types, (Datum) 0);
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "function must return a row");
	if (nrow_types == lengthof(row_types))
		nrow_types = 0;
	/* nothing that is forgotten is in use */
	if (nrow_types == 0)
		MemoryContextReset(row_type_context);
	old = MemoryContextSwitchTo(row_type_context);
	desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	MemoryContextSwitchTo(old);
	row_types[nrow_types].function = fcinfo->flinfo->fn_oid;
	row_types[nrow_types++].desc = desc;
	return desc;
}

Datum
paysafe_argument_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	return HeapTupleGetDatum(heap_form_tuple(row_type(fcinfo), values, nulls));
}

/*
 * The address in what proxies pass on, which may have blanks around it, a port after it (192.0.2.7:80, [2001:db8::1]:80)
 * and the width of a network of one.
 */
static char *
bare(const char *text)
{
	char	   *result;
	char	   *colon;
	size_t		length;

	text += strspn(text, " \t");
	result = pstrdup(text);
	for (length = strlen(result); length > 0 && (result[length - 1] == ' ' || result[length - 1] == '\t'); length--)
		result[length - 1] = '\0';
	if (result[0] == '[' && strchr(result, ']') != NULL)
		return pnstrdup(result + 1, strchr(result, ']') - result - 1);
	colon = strchr(result, ':');
	if (colon != NULL && strchr(colon + 1, ':') == NULL && colon[1 + strspn(colon + 1, "0123456789")] == '\0')
		*colon = '\0';
	if (strchr(result, '/') != NULL)
		*strchr(result, '/') = '\0';
	return result;
}

char *
paysafe_argument_origin(const char *origin)
{
	struct in6_addr address;
	char		clean[INET6_ADDRSTRLEN];

	if (origin != NULL)
		origin = bare(origin);
	/* over which interface, if it is link-local: fe80::1%eth0 */
	if (origin != NULL && strchr(origin, ':') != NULL)
		origin = pnstrdup(origin, strcspn(origin, "%"));
	for (int i = 0; origin != NULL && i < 2; i++)
	{
		int			family = i == 0 ? AF_INET : AF_INET6;

		if (inet_pton(family, origin, &address) == 1 &&
			inet_ntop(family, &address, clean, sizeof(clean)) != NULL)
			return pstrdup(clean);
	}
	return NULL;
}

bool
paysafe_argument_is_word(const char *value)
{
	size_t		len = strlen(value);

	return len > 0 && len < NAMEDATALEN && value[0] >= 'a' && value[0] <= 'z' &&
		strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}
