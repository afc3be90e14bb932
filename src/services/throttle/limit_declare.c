/*-------------------------------------------------------------------------
 *
 * limit_declare.c
 *	  Declaring limits of paysafe.throttle.
 *
 * Whatever lets more through takes two persons, as loosening a rule does: more in a
 * period, a larger burst, a tier more of a policy that is there, a limit less.  A new
 * policy, a limit more and whatever lets less through is at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "engine/loosening.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "services/throttle/failed.h"
#include "services/throttle/limit.h"
#include "store/own_table.h"
#include "values/spec.h"

#define MIN_INTERVAL	100		/* microseconds of a token: rounding up is one percent at most */

/* A limit as it is to be declared: what names it, and what it says. */
typedef struct Declaration
{
	char	   *policy;
	char	   *tier;
	char	   *reason;
	ThrottleLimit limit;
} Declaration;

/* A name of a policy, a tier or a part of a key: it is compared byte by byte. */
static void
check_name(const char *name, const char *argument)
{
	if (*name == '\0' || strlen(name) > THROTTLE_NAME_MAX ||
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-") != strlen(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have names of 1 to %d of the characters A-Z, a-z, 0-9, \"_\", \".\", \":\", \"/\" and \"-\"",
						argument, THROTTLE_NAME_MAX)));
}

static char *
name_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = paysafe_argument_text(fcinfo, n, argument, THROTTLE_NAME_MAX);

	check_name(name, argument);
	return name;
}

static List *
per_argument(FunctionCallInfo fcinfo, int n)
{
	List	   *per;
	ListCell   *lc;

	paysafe_argument_required(fcinfo, n, "per");
	per = paysafe_strings_sorted(paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(n), "per"));
	foreach(lc, per)
		check_name(lfirst(lc), "per");
	if (list_length(per) > PAYSAFE_COUNTER_USES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have at most %d names", "per", PAYSAFE_COUNTER_USES_MAX)));
	return per;
}

static Declaration
read_names(FunctionCallInfo fcinfo, int policy, int tier, int per, int reason)
{
	Declaration declaration = {
		.policy = name_argument(fcinfo, policy, "policy"),
		.tier = name_argument(fcinfo, tier, "tier"),
		.reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, reason, "reason", "a change of a limit"))
	};

	declaration.limit.per = per_argument(fcinfo, per);
	return declaration;
}

static char *
limit_name(const Declaration *declaration)
{
	return psprintf("limit of \"%s\", tier \"%s\", per %s", declaration->policy, declaration->tier,
					declaration->limit.per == NIL ? "policy" : paysafe_strings_join(declaration->limit.per));
}

static char *
limit_words(const ThrottleLimit *limit)
{
	return psprintf("%d in %.6g s, %d at once, %s", limit->count,
					(double) limit->period / USECS_PER_SEC, limit->burst,
					limit->durable ? "in a table" :
					limit->let_through ? "let through without a place" : "refused without a place");
}

static Jsonb *
limit_spec(const ThrottleLimit *limit)
{
	SpecBuilder spec;

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "count", psprintf("%d", limit->count));
	paysafe_spec_add_text(&spec, "period", psprintf(INT64_FORMAT " us", limit->period));
	paysafe_spec_add_text(&spec, "burst", psprintf("%d", limit->burst));
	paysafe_spec_add_bool(&spec, "allow_when_full", limit->let_through);
	paysafe_spec_add_bool(&spec, "durable", limit->durable);
	paysafe_spec_add_bool(&spec, "removed", limit->removed);
	return paysafe_spec_end(&spec);
}

/* What is counted, and how: other figures of the same rate are no other limit. */
static char *
limit_comes_to(const Declaration *declaration)
{
	const ThrottleLimit *limit = &declaration->limit;

	return psprintf("%s: %s", limit_name(declaration), limit->removed ? "none" :
					psprintf("one in " INT64_FORMAT " us, %d at once, %d %d", (int64) limit->rate.interval, limit->burst,
							 limit->let_through, limit->durable));
}

/* A change that lets more through: may it be made?  False: it is proposed only. */
static bool
authorize(const Declaration *declaration, const ThrottleLimit *old)
{
	char	   *name = limit_name(declaration);
	int			version = old != NULL ? old->version + 1 : 1;
	char	   *what = declaration->limit.removed ? "there is no such limit any more" : limit_words(&declaration->limit);
	ProposedChange change = {
		.name = name,
		.version = version,
		.before = old != NULL ? limit_spec(old) : NULL,
		.after = limit_spec(&declaration->limit),
		.difference = what,
		.comes_to = limit_comes_to(declaration),
		.message = "letting more requests through needs the approval of a second person"
	};

	return paysafe_loosening_authorize_setting(&change, declaration->reason);
}

/* Does it let through what the old one did not? */
static bool
is_looser(const ThrottleLimit *old, const ThrottleLimit *new_limit)
{
	/* of two rates, the products of count and the other's period */
	return (double) new_limit->count * old->period > (double) old->count * new_limit->period ||
		new_limit->rate.interval < old->rate.interval || new_limit->burst > old->burst ||
		(new_limit->let_through && !old->let_through) ||
		/* what was used is counted elsewhere */
		new_limit->durable != old->durable;
}

/* Nothing would change. */
static bool
is_same(const ThrottleLimit *old, const ThrottleLimit *new_limit)
{
	return old != NULL && !old->removed && old->count == new_limit->count && old->period == new_limit->period &&
		old->burst == new_limit->burst && old->let_through == new_limit->let_through &&
		old->durable == new_limit->durable;
}

static ThrottleLimit *
find(List *limits, List *per)
{
	ListCell   *lc;

	foreach(lc, limits)
	{
		ThrottleLimit *limit = lfirst(lc);

		if (paysafe_throttle_same_parts(limit->per, per))
			return limit;
	}
	return NULL;
}

/* What is used counts for all tiers, so it is counted in one place. */
static void
check_durable(List *tiers, const char *tier, const ThrottleLimit *limit)
{
	ListCell   *lc;

	if (limit->durable && limit->let_through)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a durable limit has a place for each key: argument \"%s\" must be refuse", "when_full")));
	foreach(lc, tiers)
	{
		const ThrottleLimit *other = lfirst(lc);

		if (!other->removed && other->durable != limit->durable && paysafe_throttle_same_parts(other->per, limit->per) &&
			strcmp(other->tier, tier) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the limits of all tiers per %s are durable, or none", limit->per == NIL ? "policy" : paysafe_redact_string(paysafe_strings_join(limit->per))),
					 errdetail("That of tier \"%s\" is %s; what is used counts for all.", paysafe_redact_string(other->tier), other->durable ? "durable" : "not"),
					 errhint("Remove that one first, or declare this one like it.")));
	}
}

static int
count_in_force(List *limits)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, limits)
		n += !((ThrottleLimit *) lfirst(lc))->removed;
	return n;
}

/* One at a time for each policy: whether it is looser depends on what is there. */
static void
lock_policy(const char *policy)
{
	uint8		sha256[PAYSAFE_SHA256_LEN];
	uint64		hash;

	paysafe_crypto_sha256(policy, strlen(policy), sha256);
	memcpy(&hash, sha256, sizeof(hash));
	(void) paysafe_store_lock_value(PAYSAFE_THROTTLE_LIMIT_RECORD, hash, false);
}

static int
write_limit(const Declaration *declaration, int version)
{
	Datum		per[PAYSAFE_COUNTER_USES_MAX];
	int			n = 0;
	Datum		values[LIMIT_NCOLUMNS];
	bool		nulls[LIMIT_NCOLUMNS] = {0};
	ListCell   *lc;

	foreach(lc, declaration->limit.per)
		per[n++] = CStringGetTextDatum(lfirst(lc));
	paysafe_store_complete();
	values[LIMIT_POLICY] = CStringGetTextDatum(declaration->policy);
	values[LIMIT_TIER] = CStringGetTextDatum(declaration->tier);
	values[LIMIT_PER] = PointerGetDatum(construct_array(per, n, TEXTOID, -1, false, TYPALIGN_INT));
	values[LIMIT_VERSION] = Int32GetDatum(version);
	values[LIMIT_COUNT] = Int32GetDatum(declaration->limit.count);
	values[LIMIT_PERIOD] = Int64GetDatum(declaration->limit.period);
	values[LIMIT_BURST] = Int32GetDatum(declaration->limit.burst);
	values[LIMIT_LET_THROUGH] = BoolGetDatum(declaration->limit.let_through);
	values[LIMIT_DURABLE] = BoolGetDatum(declaration->limit.durable);
	values[LIMIT_REMOVED] = BoolGetDatum(declaration->limit.removed);
	values[LIMIT_REASON] = CStringGetTextDatum(declaration->reason);
	values[LIMIT_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[LIMIT_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[LIMIT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_THROTTLE_LIMIT_RECORD, values, nulls);
	paysafe_throttle_changed();
	return version;
}

static bool
full_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *full = paysafe_argument_text(fcinfo, n, "when_full", THROTTLE_NAME_MAX);

	if (strcmp(full, "refuse") != 0 && strcmp(full, "allow") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be refuse or allow", "when_full")));
	return full[0] == 'a';
}

PG_FUNCTION_INFO_V1(paysafe_set_throttle);

/*
 * set_throttle(policy text, count int, period interval, reason text, per text[],
 *				burst int, tier text, when_full text, durable boolean)
 *	  returns integer: its version, or NULL if it is only proposed
 */
Datum
paysafe_set_throttle(PG_FUNCTION_ARGS)
{
	Declaration declaration = read_names(fcinfo, 0, 6, 4, 3);
	ThrottleLimit *limit = &declaration.limit;
	ThrottleLimit *old;
	List	   *tier;
	List	   *tiers;
	bool		looser;

	limit->count = paysafe_argument_int(fcinfo, 1, "count", 1, GCRA_BURST_MAX);
	limit->period = paysafe_argument_period(fcinfo, 2, "period");
	limit->burst = PG_ARGISNULL(5) ? limit->count : paysafe_argument_int(fcinfo, 5, "burst", 1, GCRA_BURST_MAX);
	limit->let_through = full_argument(fcinfo, 7);
	paysafe_argument_required(fcinfo, 8, "durable");
	limit->durable = PG_GETARG_BOOL(8);
	if (!paysafe_gcra_limit(limit->count, limit->period, limit->burst, MIN_INTERVAL, &limit->rate))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d in this period, %d at once, is no limit that can be counted", limit->count, limit->burst),
				 errdetail("One must take %d microseconds or more, and \"burst\" of them at most ten years.", MIN_INTERVAL)));
	paysafe_failed_check_limit(declaration.policy, declaration.tier, limit);
	lock_policy(declaration.policy);
	tier = paysafe_throttle_read(declaration.policy, declaration.tier);
	tiers = paysafe_throttle_read(declaration.policy, NULL);
	old = find(tier, limit->per);
	check_durable(tiers, declaration.tier, limit);
	if (count_in_force(tier) == 0)
		looser = count_in_force(tiers) > 0;
	else
		looser = old != NULL && !old->removed && is_looser(old, limit);
	if ((old == NULL || old->removed) && count_in_force(tier) >= PAYSAFE_COUNTER_USES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a tier has at most %d limits", PAYSAFE_COUNTER_USES_MAX)));
	if (is_same(old, limit))
		PG_RETURN_INT32(old->version);
	if (looser && !authorize(&declaration, old))
		PG_RETURN_NULL();
	PG_RETURN_INT32(write_limit(&declaration, old != NULL ? old->version + 1 : 1));
}

PG_FUNCTION_INFO_V1(paysafe_remove_throttle);

/*
 * remove_throttle(policy text, reason text, per text[], tier text)
 *	  returns integer: its version, or NULL if it is only proposed
 */
Datum
paysafe_remove_throttle(PG_FUNCTION_ARGS)
{
	Declaration declaration = read_names(fcinfo, 0, 3, 2, 1);
	ThrottleLimit *old;

	lock_policy(declaration.policy);
	old = find(paysafe_throttle_read(declaration.policy, declaration.tier), declaration.limit.per);
	if (old == NULL || old->removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no %s", paysafe_redact_string(limit_name(&declaration))),
				 errhint("paysafe.throttle_limit has those that are there.")));
	declaration.limit = *old;
	declaration.limit.removed = true;
	if (!authorize(&declaration, old))
		PG_RETURN_NULL();
	PG_RETURN_INT32(write_limit(&declaration, old->version + 1));
}
