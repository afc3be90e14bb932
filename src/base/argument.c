/*-------------------------------------------------------------------------
 *
 * argument.c
 *	  Arguments of the services' SQL functions.
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

char *
paysafe_argument_origin(const char *origin)
{
	struct in6_addr address;
	char		clean[INET6_ADDRSTRLEN];

	for (int i = 0; origin != NULL && i < 2; i++)
	{
		int			family = i == 0 ? AF_INET : AF_INET6;

		if (inet_pton(family, origin, &address) == 1 &&
			inet_ntop(family, &address, clean, sizeof(clean)) != NULL)
			return pstrdup(clean);
	}
	return NULL;
}
