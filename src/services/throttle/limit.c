/*-------------------------------------------------------------------------
 *
 * limit.c
 *	  Limits of paysafe.throttle, as declared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/ensure.h"
#include "base/invalidation.h"
#include "services/throttle/limit.h"
#include "store/own_table.h"
#include "values/spec.h"

#define MOST_NAMES	256			/* that are kept if there is no limit of theirs: callers can make up any number of them */

typedef struct TierName
{
	char		policy[THROTTLE_NAME_MAX + 1];
	char		tier[THROTTLE_NAME_MAX + 1];
} TierName;

typedef struct Kept
{
	TierName	name;			/* key of the hash table */
	List	   *limits;
} Kept;

static HTAB *kept = NULL;
static MemoryContext kept_context = NULL;
static bool stale = false;
static Oid	kept_table = InvalidOid;	/* whose changes make it so */
static const Kept *last = NULL;		/* that was asked for */

/* Reading */

bool
paysafe_throttle_same_parts(List *a, List *b)
{
	return list_length(a) == list_length(b) && paysafe_strings_minus(a, b) == NIL;
}

static ThrottleLimit *
limit_of(Datum *values)
{
	ThrottleLimit *limit = palloc0(sizeof(ThrottleLimit));

	limit->tier = TextDatumGetCString(values[LIMIT_TIER]);
	limit->per = paysafe_strings_of_array(DatumGetArrayTypeP(values[LIMIT_PER]), "per");
	limit->parts = CStringGetTextDatum(limit->per != NIL ? paysafe_strings_join(limit->per) : "");
	limit->version = DatumGetInt32(values[LIMIT_VERSION]);
	limit->count = DatumGetInt32(values[LIMIT_COUNT]);
	limit->period = DatumGetInt64(values[LIMIT_PERIOD]);
	limit->burst = DatumGetInt32(values[LIMIT_BURST]);
	limit->let_through = DatumGetBool(values[LIMIT_LET_THROUGH]);
	limit->durable = DatumGetBool(values[LIMIT_DURABLE]);
	limit->removed = DatumGetBool(values[LIMIT_REMOVED]);
	Ensure(paysafe_gcra_limit(limit->count, limit->period, limit->burst, 1, &limit->rate));
	return limit;
}

/* Rows of a tier follow each other, and versions of a limit, the newest last. */
static bool
visit_limit(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **limits = arg;
	Datum		values[LIMIT_NCOLUMNS];
	bool		nulls[LIMIT_NCOLUMNS];
	ThrottleLimit *limit;
	ThrottleLimit *last = *limits != NIL ? llast(*limits) : NULL;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	limit = limit_of(values);
	if (last != NULL && strcmp(limit->tier, last->tier) == 0 && paysafe_throttle_same_parts(last->per, limit->per))
		llast(*limits) = limit;
	else
		*limits = lappend(*limits, limit);
	return true;
}

List *
paysafe_throttle_read(const char *policy, const char *tier)
{
	Datum		keys[2] = {CStringGetTextDatum(policy), tier != NULL ? CStringGetTextDatum(tier) : (Datum) 0};
	List	   *limits = NIL;

	paysafe_store_seek(PAYSAFE_THROTTLE_LIMIT_RECORD, "throttle_limit_record_pkey", tier != NULL ? 2 : 1, keys,
					   InvalidStrategy, (Datum) 0, false, NULL, visit_limit, &limits);
	return limits;
}

/* What is kept */

static void
table_changed(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == kept_table)
		stale = true;
}

static void
forget_all(void)
{
	if (kept_context != NULL)
		MemoryContextDelete(kept_context);
	kept_context = NULL;
	kept = NULL;
	last = NULL;
}

static void
begin_keeping(void)
{
	HASHCTL		ctl = {.keysize = sizeof(TierName), .entrysize = sizeof(Kept)};

	kept_table = paysafe_catalog_table(PAYSAFE_THROTTLE_LIMIT_RECORD);
	kept_context = AllocSetContextCreate(CacheMemoryContext, "paysafe throttle limits", ALLOCSET_SMALL_SIZES);
	ctl.hcxt = kept_context;
	kept = hash_create("paysafe throttle limits", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static List *
in_force(List *limits)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, limits)
		if (!((ThrottleLimit *) lfirst(lc))->removed)
			result = lappend(result, lfirst(lc));
	return result;
}

static const Kept *
keep(const TierName *name)
{
	MemoryContext reading;
	MemoryContext old;
	List	   *limits;
	Kept	   *entry = hash_search(kept, name, HASH_FIND, NULL);

	if (entry != NULL)
		return entry;
	reading = AllocSetContextCreate(kept_context, "paysafe throttle tier", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(reading);
	limits = in_force(paysafe_throttle_read(name->policy, name->tier));
	MemoryContextSwitchTo(old);
	if (limits == NIL)
	{
		MemoryContextDelete(reading);
		if (hash_get_num_entries(kept) >= MOST_NAMES)
			return NULL;
	}
	entry = hash_search(kept, name, HASH_ENTER, NULL);
	entry->limits = limits;
	return entry;
}

List *
paysafe_throttle_limits(const char *policy, const char *tier)
{
	TierName	name = {{0}, {0}};

	/* a limit that was tightened holds at once, in transactions too that began before */
	AcceptInvalidationMessages();
	if (stale)
		forget_all();
	stale = false;
	if (last != NULL && strcmp(last->name.policy, policy) == 0 && strcmp(last->name.tier, tier) == 0)
		return last->limits;
	if (strlen(policy) > THROTTLE_NAME_MAX || strlen(tier) > THROTTLE_NAME_MAX)
		return NIL;
	strlcpy(name.policy, policy, sizeof(name.policy));
	strlcpy(name.tier, tier, sizeof(name.tier));
	if (kept == NULL)
		begin_keeping();
	last = keep(&name);
	return last != NULL ? last->limits : NIL;
}

void
paysafe_throttle_changed(void)
{
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_THROTTLE_LIMIT_RECORD));
	CommandCounterIncrement();
	stale = true;
}

void
paysafe_throttle_init(void)
{
	paysafe_invalidation_register(table_changed);
}
