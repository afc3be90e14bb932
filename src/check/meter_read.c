/*-------------------------------------------------------------------------
 *
 * meter_read.c
 *	  What has happened since the server started, and what waits, for paysafe.metric.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "abuse/meter.h"
#include "compat.h"
#include "evidence/refusal_queue.h"

static const struct
{
	const char *name;
	const char *labels[2];
}			series_names[METER_NSERIES] = {
	[METER_REFUSALS] = {"paysafe_refusals_total", {"rule", "sqlstate"}},
	[METER_OBSERVED] = {"paysafe_observed_total", {"rule", "sqlstate"}},
	[METER_SIGNALS] = {"paysafe_signals_total", {"kind", "severity"}},
	[METER_DECISIONS] = {"paysafe_decisions_total", {"name", "outcome"}},
	[METER_THROTTLED] = {"paysafe_throttled_total", {"policy", "tier"}}
};

static void
put(ReturnSetInfo *result, const char *name, Datum *labels, int nlabels, int64 value)
{
	Datum		values[3] = {
		CStringGetTextDatum(name),
		PointerGetDatum(construct_array(labels, nlabels, TEXTOID, -1, false, TYPALIGN_INT)),
		Int64GetDatum(value)
	};
	bool		nulls[3] = {false, false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
visit_meter(MeterSeries series, const char *label1, const char *label2, int64 n, void *arg)
{
	Datum		labels[4] = {
		CStringGetTextDatum(series_names[series].labels[0]), CStringGetTextDatum(label1),
		CStringGetTextDatum(series_names[series].labels[1]), CStringGetTextDatum(label2)
	};

	put(arg, series_names[series].name, labels, 4, n);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_meter);

/*
 * meter(OUT name text, OUT labels text[], OUT value bigint) returns setof record
 */
Datum
paysafe_meter(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		waiting;
	int64		seconds;

	InitMaterializedSRF(fcinfo, 0);
	paysafe_meter_read(MyDatabaseId, visit_meter, result);
	waiting = paysafe_refusal_queue_waiting(&seconds);
	put(result, "paysafe_refusals_waiting", NULL, 0, waiting);
	put(result, "paysafe_refusals_waiting_seconds", NULL, 0, seconds);
	PG_RETURN_NULL();
}
