/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  Is this request within its limits?
 *
 * Counters are in shared memory (abuse/counter.h): nothing is written to a table, and
 * ROLLBACK gives nothing back.  Those of durable limits are rows (durable.h), and are
 * taken last, so that what is refused writes none.  A counter belongs to the database, the policy and the
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

#include "abuse/outcome.h"
#include "base/argument.h"
#include "redact/redact.h"
#include "services/throttle/durable.h"
#include "services/throttle/failed.h"
#include "services/throttle/limit.h"
#include "services/throttle/refused.h"

#define VALUE_MAX	1000		/* bytes of a part of a key */

/* The call: its limits, and a use for each of them that is counted there. */
typedef struct Call
{
	const char *policy;
	List	   *limits;
	CounterUse	in_memory[PAYSAFE_COUNTER_USES_MAX];
	DurableUse	in_table[PAYSAFE_COUNTER_USES_MAX];
	int			n_memory;
	int			n_table;
} Call;

/* The value of a part of the key: a string, or a number as one, 7.0 as 7. */
static char *
value_of(Jsonb *key, const char *part)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&key->root, part, strlen(part), &value) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have \"%s\": a limit counts by it", "key", paysafe_redact_string(part))));
	if (value.type == jbvNumeric)
		return numeric_normalize(value.val.numeric);
	if (value.type != jbvString || value.val.string.len == 0 || value.val.string.len > VALUE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of argument \"%s\" must be a string of 1 to %d bytes, or a number", paysafe_redact_string(part), "key", VALUE_MAX),
				 errhint("Give those who have none a word of their own, so that they are counted together.")));
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* Add the use of a limit to the call. */
static void
add_use(Call *call, const ThrottleLimit *limit, Jsonb *key, StringInfo data)
{
	ListCell   *lc;

	resetStringInfo(data);
	/* a table is the database's own, and moves with it */
	if (!limit->durable)
		appendBinaryStringInfo(data, (char *) &MyDatabaseId, sizeof(MyDatabaseId));
	paysafe_argument_append(data, call->policy);
	foreach(lc, limit->per)
	{
		paysafe_argument_append(data, lfirst(lc));
		paysafe_argument_append(data, paysafe_failed_part(call->policy, lfirst(lc), value_of(key, lfirst(lc))));
	}
	if (limit->durable)
	{
		DurableUse *use = &call->in_table[call->n_table++];

		*use = (DurableUse) {.limit = limit->rate};
		paysafe_durable_key(data->data, data->len, use->digest);
	}
	else
	{
		CounterUse *use = &call->in_memory[call->n_memory++];

		*use = (CounterUse) {.limit = limit->rate, .let_through = limit->let_through};
		use->key = paysafe_counter_key(data->data, data->len);
	}
}

static bool
is_in_memory(List *limits)
{
	ListCell   *lc;

	foreach(lc, limits)
		if (!((ThrottleLimit *) lfirst(lc))->durable)
			return true;
	return false;
}

/* The arguments policy, key, cost and tier. */
static void
read_call(FunctionCallInfo fcinfo, int min_cost, Call *call)
{
	StringInfoData data;
	char	   *tier;
	Jsonb	   *key;
	ListCell   *lc;

	call->policy = paysafe_argument_text(fcinfo, 0, "policy", THROTTLE_NAME_MAX);
	tier = paysafe_argument_text(fcinfo, 3, "tier", THROTTLE_NAME_MAX);
	paysafe_argument_required(fcinfo, 1, "key");
	key = PG_GETARG_JSONB_P(1);
	(void) paysafe_argument_int(fcinfo, 2, "cost", min_cost, GCRA_BURST_MAX);
	if (!JB_ROOT_IS_OBJECT(key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be an object: the parts of the key by their names", "key")));
	call->limits = paysafe_throttle_limits(call->policy, tier);
	if (call->limits == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("policy \"%s\" has no limit for tier \"%s\"", paysafe_redact_string(call->policy), paysafe_redact_string(tier)),
				 errhint("Declare one with paysafe.set_throttle; paysafe.throttle_limit has those that are there.")));
	if (is_in_memory(call->limits) && !paysafe_counter_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing can be counted here"),
				 errhint("Add paysafe to shared_preload_libraries, set paysafe.throttle_keys above 0, and restart the server.")));
	call->n_memory = call->n_table = 0;
	initStringInfo(&data);
	foreach(lc, call->limits)
		add_use(call, lfirst(lc), key, &data);
}

/* Of all limits, or of none.  What is in the table is locked first, and written last. */
static bool
take(Call *call, int64 cost)
{
	bool		allowed = paysafe_durable_ask(call->in_table, call->n_table, cost);

	if (call->n_memory > 0)
		allowed = (allowed ? paysafe_counter_take : paysafe_counter_ask) (call->in_memory, call->n_memory, cost) && allowed;
	paysafe_durable_finish(call->in_table, call->n_table, allowed && cost > 0);
	return allowed;
}

/* Longer waits last; one that has no end is the longest. */
static bool
decides(const GcraAnswer *answer, const GcraAnswer *other, bool allowed)
{
	return allowed ? answer->remaining < other->remaining :
		(uint64) answer->retry_after > (uint64) other->retry_after;
}

/* The limit that decides: it refuses for the longest time, or has least left. */
static const ThrottleLimit *
decisive(const Call *call, bool allowed, const GcraAnswer **answer)
{
	const ThrottleLimit *best = NULL;
	int			n_memory = 0;
	int			n_table = 0;
	ListCell   *lc;

	foreach(lc, call->limits)
	{
		const ThrottleLimit *limit = lfirst(lc);
		const GcraAnswer *its = limit->durable ? &call->in_table[n_table++].answer : &call->in_memory[n_memory++].answer;

		if (best != NULL && !decides(its, *answer, allowed))
			continue;
		best = limit;
		*answer = its;
	}
	return best;
}

static void
note_refused(FunctionCallInfo fcinfo, const Call *call, const ThrottleLimit *limit, const GcraAnswer *answer)
{
	ThrottleRefused refused = {
		.policy = call->policy, .tier = text_to_cstring(PG_GETARG_TEXT_PP(3)),
		.limit = limit, .answer = answer, .cost = PG_GETARG_INT32(2)
	};
	ListCell   *lc;

	for (int i = 0; i < call->n_memory; i++)
		refused.full |= &call->in_memory[i].answer == answer && call->in_memory[i].uncounted;
	foreach(lc, limit->per)
		refused.values = lappend(refused.values, value_of(PG_GETARG_JSONB_P(1), lfirst(lc)));
	paysafe_throttle_refused(&refused);
}

/* Of one policy after the other its place is found once. */
static void
count_allowed(const char *policy)
{
	static char last[THROTTLE_NAME_MAX + 1];
	static OutcomePlace place;

	if (strcmp(last, policy) == 0 && paysafe_outcome_count_at(&place, 1, 0))
		return;
	strlcpy(last, policy, sizeof(last));
	place = paysafe_outcome_place(paysafe_outcome_name(OUTCOME_THROTTLE), policy);
	(void) paysafe_outcome_count_at(&place, 1, 0);
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
	const ThrottleLimit *limit;
	const GcraAnswer *answer = NULL;
	Datum		values[6];
	bool		nulls[6] = {0};

	read_call(fcinfo, 0, &call);
	allowed = take(&call, PG_GETARG_INT32(2));
	limit = decisive(&call, allowed, &answer);
	if (!allowed && PG_GETARG_INT32(2) > 0)
		note_refused(fcinfo, &call, limit, answer);
	else if (PG_GETARG_INT32(2) > 0)
		count_allowed(call.policy);
	values[0] = BoolGetDatum(allowed);
	values[1] = Int32GetDatum(limit->burst);
	values[2] = Int32GetDatum((int32) answer->remaining);
	nulls[3] = answer->retry_after == GCRA_NEVER;
	values[3] = interval_of(answer->retry_after);
	values[4] = interval_of(answer->reset_after);
	values[5] = limit->parts;
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
	paysafe_durable_give_back(call.in_table, call.n_table, PG_GETARG_INT32(2));
	if (call.n_memory > 0)
		paysafe_counter_give_back(call.in_memory, call.n_memory, PG_GETARG_INT32(2));
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
