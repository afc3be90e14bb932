/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  Is this request within its limits?
 *
 * Counters are in shared memory (abuse/counter.h): nothing is written to a table, and
 * ROLLBACK gives nothing back.  A counter belongs to the database, the policy and the
 * values of the parts that the limit counts by, not to the tier or the rate: who changes
 * tiers, and whose limit changes, keeps what is used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "services/throttle/limit.h"
#include "services/throttle/refused.h"

#define VALUE_MAX	1000		/* bytes of a part of a key */

/* The call: its limits, and a use for each. */
typedef struct Call
{
	List	   *limits;
	CounterUse	uses[PAYSAFE_COUNTER_USES_MAX];
	int			n;
} Call;

/* The value of a part of the key: a string, or a number as one, 7.0 as 7. */
static char *
value_of(Jsonb *key, const char *part)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&key->root, part, strlen(part), &value) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have \"%s\": a limit counts by it", "key", part)));
	if (value.type == jbvNumeric)
		return numeric_normalize(value.val.numeric);
	if (value.type != jbvString || value.val.string.len == 0 || value.val.string.len > VALUE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of argument \"%s\" must be a string of 1 to %d bytes, or a number", part, "key", VALUE_MAX),
				 errhint("Give those who have none a word of their own, so that they are counted together.")));
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static CounterKey
counter_key(const char *policy, List *per, Jsonb *key)
{
	StringInfoData data;
	ListCell   *lc;

	initStringInfo(&data);
	appendBinaryStringInfo(&data, (char *) &MyDatabaseId, sizeof(MyDatabaseId));
	paysafe_argument_append(&data, policy);
	foreach(lc, per)
	{
		paysafe_argument_append(&data, lfirst(lc));
		paysafe_argument_append(&data, value_of(key, lfirst(lc)));
	}
	return paysafe_counter_key(data.data, data.len);
}

/* The arguments policy, key, cost and tier. */
static void
read_call(FunctionCallInfo fcinfo, int min_cost, Call *call)
{
	char	   *policy = paysafe_argument_text(fcinfo, 0, "policy", THROTTLE_NAME_MAX);
	char	   *tier = paysafe_argument_text(fcinfo, 3, "tier", THROTTLE_NAME_MAX);
	Jsonb	   *key;
	ListCell   *lc;

	paysafe_argument_required(fcinfo, 1, "key");
	key = PG_GETARG_JSONB_P(1);
	(void) paysafe_argument_int(fcinfo, 2, "cost", min_cost, GCRA_BURST_MAX);
	if (!JB_ROOT_IS_OBJECT(key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be an object: the parts of the key by their names", "key")));
	if (!paysafe_counter_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing can be counted here"),
				 errhint("Add paysafe to shared_preload_libraries, set paysafe.throttle_keys above 0, and restart the server.")));
	call->limits = paysafe_throttle_limits(policy, tier);
	if (call->limits == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("policy \"%s\" has no limit for tier \"%s\"", policy, tier),
				 errhint("Declare one with paysafe.set_throttle; paysafe.throttle_limit has those that are there.")));
	call->n = 0;
	foreach(lc, call->limits)
	{
		ThrottleLimit *limit = lfirst(lc);

		CounterUse	use = {
			.key = counter_key(policy, limit->per, key),
			.limit = limit->rate,
			.let_through = limit->let_through
		};

		call->uses[call->n++] = use;
	}
}

/* Longer waits last; one that has no end is the longest. */
static uint64
wait_of(const CounterUse *use)
{
	return (uint64) use->answer.retry_after;
}

/* The limit that decides: it refuses for the longest time, or has least left. */
static int
decisive(const Call *call, bool allowed)
{
	int			best = 0;

	for (int i = 1; i < call->n; i++)
	{
		const CounterUse *use = &call->uses[i];
		const CounterUse *other = &call->uses[best];

		if (allowed ? use->answer.remaining < other->answer.remaining : wait_of(use) > wait_of(other))
			best = i;
	}
	return best;
}

static void
note_refused(FunctionCallInfo fcinfo, const ThrottleLimit *limit, const CounterUse *use)
{
	ThrottleRefused refused = {
		.policy = text_to_cstring(PG_GETARG_TEXT_PP(0)), .tier = text_to_cstring(PG_GETARG_TEXT_PP(3)),
		.limit = limit, .use = use, .cost = PG_GETARG_INT32(2)
	};
	ListCell   *lc;

	foreach(lc, limit->per)
		refused.values = lappend(refused.values, value_of(PG_GETARG_JSONB_P(1), lfirst(lc)));
	paysafe_throttle_refused(&refused);
}

static Datum
interval_of(int64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = microseconds;
	return IntervalPGetDatum(interval);
}

PG_FUNCTION_INFO_V1(paysafe_throttle);

/*
 * throttle(policy text, key jsonb, cost int, tier text,
 *			OUT allowed boolean, OUT limit int, OUT remaining int, OUT retry_after interval,
 *			OUT reset_after interval, OUT per text)
 */
Datum
paysafe_throttle(PG_FUNCTION_ARGS)
{
	Call		call;
	bool		allowed;
	int			which;
	const CounterUse *use;
	Datum		values[6];
	bool		nulls[6] = {0};

	read_call(fcinfo, 0, &call);
	allowed = paysafe_counter_take(call.uses, call.n, PG_GETARG_INT32(2));
	which = decisive(&call, allowed);
	use = &call.uses[which];
	if (!allowed && PG_GETARG_INT32(2) > 0)
		note_refused(fcinfo, list_nth(call.limits, which), use);
	values[0] = BoolGetDatum(allowed);
	values[1] = Int32GetDatum((int32) use->limit.burst);
	values[2] = Int32GetDatum((int32) use->answer.remaining);
	nulls[3] = use->answer.retry_after == GCRA_NEVER;
	values[3] = interval_of(use->answer.retry_after);
	values[4] = interval_of(use->answer.reset_after);
	values[5] = ((ThrottleLimit *) list_nth(call.limits, which))->parts;
	return paysafe_argument_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_throttle_return);

/*
 * throttle_return(policy text, key jsonb, cost int, tier text) returns void
 */
Datum
paysafe_throttle_return(PG_FUNCTION_ARGS)
{
	Call		call;

	read_call(fcinfo, 1, &call);
	paysafe_counter_give_back(call.uses, call.n, PG_GETARG_INT32(2));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_throttle_state);

/*
 * throttle_state(OUT capacity int, OUT keys int, OUT exhausted int, OUT forgotten bigint,
 *				  OUT refused bigint, OUT allowed bigint, OUT full_at timestamptz,
 *				  OUT saved_at timestamptz)
 */
Datum
paysafe_throttle_state(PG_FUNCTION_ARGS)
{
	CounterState state = {0};
	Datum		values[8];
	bool		nulls[8] = {0};

	if (paysafe_counter_ready())
		state = paysafe_counter_state();
	values[0] = Int32GetDatum((int32) state.capacity);
	values[1] = Int32GetDatum((int32) state.keys);
	values[2] = Int32GetDatum((int32) state.out);
	values[3] = Int64GetDatum((int64) state.forgotten);
	values[4] = Int64GetDatum((int64) state.refused);
	values[5] = Int64GetDatum((int64) state.let_through);
	values[6] = TimestampTzGetDatum(state.full_at);
	nulls[6] = state.full_at == 0;
	values[7] = TimestampTzGetDatum(state.saved_at);
	nulls[7] = state.saved_at == 0;
	return paysafe_argument_row(fcinfo, values, nulls);
}
