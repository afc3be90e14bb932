/*-------------------------------------------------------------------------
 *
 * velocity_watch.c
 *	  What is seen of a key: in shared memory, for rules that observe, and as signals.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "abuse/recent.h"
#include "abuse/tally.h"
#include "base/argument.h"
#include "evidence/signal.h"
#include "rules/velocity/velocity.h"
#include "store/catalog.h"
#include "values/row_key.h"

/* Amounts in major units are added up in millionths. */
#define MILLION		1000000

static void
append_key(StringInfo out, const VelocityState *state, const char *key)
{
	initStringInfo(out);
	appendBinaryStringInfo(out, (char *) &MyDatabaseId, sizeof(Oid));
	appendBinaryStringInfo(out, state->what, state->what_len);
	paysafe_argument_append(out, key);
}

static int64
unit_of(const VelocityState *state)
{
	return state->counts == VELOCITY_AMOUNT && !state->amount.minor ? MILLION : 1;
}

/* What is too large for it is the largest there is. */
static int64
in_units(const VelocityState *state, Numeric amount)
{
	int64		unit = unit_of(state);

	/* before it is multiplied: numeric has an end, too */
	if (paysafe_money_compare(amount, int64_to_numeric((PG_INT64_MAX - 1) / unit)) >= 0)
		return PG_INT64_MAX;
	if (unit != 1)
		amount = paysafe_money_multiply(amount, int64_to_numeric(unit));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(amount)));
}

bool
paysafe_velocity_watch(const VelocityState *state, VelocityCount *count)
{
	StringInfoData data;
	uint64		key[2];
	uint64		value[2];
	int64		sum;

	if (!paysafe_recent_is_kept())
		return true;
	append_key(&data, state, count->key);
	paysafe_recent_hash(data.data, data.len, key);
	if (state->counts == VELOCITY_VALUES)
	{
		paysafe_argument_append(&data, count->value);
		paysafe_recent_hash(data.data, data.len, value);
		sum = paysafe_recent_value(key, value[0], state->within);
	}
	else
		sum = paysafe_recent_add(key, state->counts == VELOCITY_ROWS ? 1 : in_units(state, count->amount), state->within);
	/* of what is beyond its end it is not known how much more than that it is, nor whether a maximum there is exceeded */
	count->at_least = sum == PG_INT64_MAX;
	if (sum <= state->most)
		return true;
	count->actual = unit_of(state) == 1 ? int64_to_numeric(sum) :
		DatumGetNumeric(DirectFunctionCall2(numeric_div, NumericGetDatum(int64_to_numeric(sum)),
											NumericGetDatum(int64_to_numeric(MILLION))));
	count->actual = paysafe_money_trim(count->actual);
	return false;
}

int64
paysafe_velocity_most(const VelocityState *state)
{
	return in_units(state, state->maximum);
}

/* The values of the key, one by one. */
static List *
subject_of(const VelocityState *state, TupleTableSlot *row)
{
	List	   *result = NIL;

	for (int i = 0; i < state->key.key.n; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(row, state->key.key.attnums[i], &isnull);
		Oid			type = TupleDescAttr(row->tts_tupleDescriptor, state->key.key.attnums[i] - 1)->atttypid;

		result = lappend(result, paysafe_row_key_value_text(getBaseType(type), value));
	}
	return result;
}

void
paysafe_velocity_signal(const VelocityState *state, const VelocityCount *count, TupleTableSlot *row, const Jsonb *spec,
						bool refused)
{
	StringInfoData data;
	StringInfoData figures;
	Tally		tally;

	append_key(&data, state, count->key);
	paysafe_argument_append(&data, "signal");
	tally = paysafe_tally_count(data.data, data.len, Max(state->within, USECS_PER_MINUTE));
	if (tally.count > 1)
		return;
	initStringInfo(&figures);
	paysafe_signal_text(&figures, "rule", state->rule);
	paysafe_signal_text(&figures, "of", paysafe_velocity_words(spec));
	paysafe_signal_text(&figures, "actual", paysafe_money_text(count->actual));
	if (count->at_least)
		paysafe_signal_flag(&figures, "at_least");
	paysafe_signal_text(&figures, "maximum", paysafe_money_text(state->maximum));
	paysafe_signal_number(&figures, "within_seconds", state->within / USECS_PER_SEC);
	paysafe_signal_text(&figures, "mode", refused ? "refuse" : "observe");
	if (tally.before > 0)
		paysafe_signal_number(&figures, "exceeded_before", tally.before);
	paysafe_signal_raise(&(Signal)
						 {
							 .kind = "velocity", .severity = SIGNAL_WARNING, .subject = subject_of(state, row),
							 .segment = paysafe_catalog_table_name(state->root), .figures = figures.data
						 });
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_velocity_trouble);

/*
 * velocity_trouble() returns text
 */
Datum
paysafe_velocity_trouble(PG_FUNCTION_ARGS)
{
	if (paysafe_recent_is_kept())
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("rules of velocity that observe count nothing: paysafe is not preloaded, or paysafe.velocity_keys is 0"));
}
