/*-------------------------------------------------------------------------
 *
 * outcome_sql.c
 *	  What the application says of outcomes, and what alarms would have said of a past.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/argument.h"
#include "compat.h"
#include "evidence/alarm/alarm.h"
#include "evidence/alarm/alarm_event.h"
#include "evidence/signal_argument.h"
#include "store/own_table.h"

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_note_outcome);

/*
 * note_outcome(series text, segment text, ok boolean, count int) returns void
 */
Datum
paysafe_note_outcome(PG_FUNCTION_ARGS)
{
	char	   *series = paysafe_signal_word(fcinfo, 0, "series");
	char	   *segment = paysafe_argument_readable(fcinfo, 1, "segment", NAMEDATALEN - 1);
	int32		count = paysafe_argument_int(fcinfo, 3, "count", 1, 1000000);

	paysafe_argument_required(fcinfo, 2, "ok");
	if (paysafe_outcome_is_own(series))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("series \"%s\" is paysafe's own", series),
				 errhint("Use a name of your own.")));
	if (!XactReadOnly)
		paysafe_store_activate();
	paysafe_outcome_count(series, segment, PG_GETARG_BOOL(2) ? count : 0, PG_GETARG_BOOL(2) ? 0 : count);
	PG_RETURN_VOID();
}

static int64 *
counts_argument(FunctionCallInfo fcinfo, int n, const char *argument, int *length)
{
	ArrayType  *array;

	paysafe_argument_required(fcinfo, n, argument);
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) != 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a list of numbers", argument)));
	*length = ARR_DIMS(array)[0];
	for (int i = 0; i < *length; i++)
		if (((int64 *) ARR_DATA_PTR(array))[i] < 0 || ((int64 *) ARR_DATA_PTR(array))[i] > INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("numbers of argument \"%s\" must be between 0 and %d", argument, INT32_MAX)));
	return (int64 *) ARR_DATA_PTR(array);
}

static void
put_event(ReturnSetInfo *result, const ShapeEvent *event)
{
	StringInfoData figures;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	initStringInfo(&figures);
	paysafe_alarm_figures(&figures, event);
	values[0] = Int32GetDatum((int32) (event->minute + 1));
	values[1] = CStringGetTextDatum(paysafe_shape_name(event->kind));
	values[2] = CStringGetTextDatum(paysafe_alarm_event_name(event));
	values[3] = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%s}", figures.data)));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_alarms_in);

/*
 * alarms_in(good bigint[], bad bigint[], series int) returns (minute int, kind text, event text,
 *			 figures jsonb)
 */
Datum
paysafe_alarms_in(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			n;
	int			nbad;
	int64	   *good = counts_argument(fcinfo, 0, "good", &n);
	int64	   *bad = counts_argument(fcinfo, 1, "bad", &nbad);
	double		threshold = paysafe_shape_threshold(paysafe_argument_int(fcinfo, 2, "series", 1, PAYSAFE_OUTCOME_SERIES_MAX));
	Shape	   *shape = palloc(sizeof(Shape));

	if (n != nbad)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"%s\" and \"%s\" must have as many numbers", "good", "bad")));
	InitMaterializedSRF(fcinfo, 0);
	paysafe_shape_begin(shape, 0);
	for (int i = 0; i < n; i++)
	{
		ShapeEvent	events[SHAPE_NKINDS];
		int			nevents = paysafe_shape_step(shape, i, good[i], bad[i], threshold, events);

		for (int e = 0; e < nevents; e++)
			put_event(result, &events[e]);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_NULL();
}
