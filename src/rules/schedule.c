/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  Jobs that users set up: how often they run, how many they are, and which.
 *
 * A row is a job.  Its tier says how close its times may be and how many rows its owner
 * may have of that tier; its task is one of a list.  Rows of an owner are counted under a
 * lock on owner and tier, by what is committed now, so that two sessions do not both add the last one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/id_claim.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "errors.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/cron.h"
#include "values/key_columns.h"
#include "values/row_key.h"
#include "values/spec.h"

#define MOST_TIERS	50
#define MOST_ROWS	10000			/* of an owner and tier: so many are looked at for each one that is added */
#define NO_TIER		"default"
#define DAYS_OF_MONTH_LEAST	28
#define MOST_GROUPS	1000000		/* owners and tiers that are remembered while existing rows are looked at */

typedef struct Tier
{
	char	   *name;
	int64		least;			/* microseconds between two times */
	int			rows;
} Tier;

typedef struct ScheduleState
{
	KeyColumns	group;			/* owner, and tier if there is a column */
	AttrNumber	tier;			/* 0: all are of one */
	AttrNumber	interval;		/* 0: there is none */
	Oid			interval_type;
	AttrNumber	cron;
	AttrNumber	task;
	List	   *tasks;			/* of char * */
	int			ntiers;
	Tier	   *tiers;
} ScheduleState;

/* Tiers: {"free": {"least": "1 hour", "rows": 3}} */

static PAYSAFE_NORETURN void
refuse_tiers(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be an object of tiers, such as {\"free\": {\"least\": \"1 hour\", \"rows\": 3}}", "tiers"),
			 errdetail("%s", why)));
	pg_unreachable();
}

static void
read_rows(Tier *tier, const JsonbValue *value)
{
	int64		rows = -1;

	if (value->type == jbvNumeric)
		rows = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
	if (rows < 0 || rows > MOST_ROWS ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(value->val.numeric), DirectFunctionCall1(int8_numeric, Int64GetDatum(rows)))) != 0)
		refuse_tiers(psprintf("\"rows\" of tier \"%s\" must be a whole number from 0 to %d.", tier->name, MOST_ROWS));
	tier->rows = (int) rows;
}

static void
read_least(Tier *tier, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_tiers(psprintf("\"least\" of tier \"%s\" must be a period.", tier->name));
	tier->least = paysafe_argument_microseconds(DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len)),
																					  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))), "least");
}

static void
read_tier(Tier *tier, JsonbIterator **it)
{
	JsonbValue	value;
	JsonbIteratorToken token;
	char	   *key = NULL;
	bool		least = false;
	bool		rows = false;

	while ((token = JsonbIteratorNext(it, &value, true)) != WJB_END_OBJECT)
	{
		if (token == WJB_KEY)
			key = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && strcmp(key, "least") == 0)
		{
			read_least(tier, &value);
			least = true;
		}
		else if (token == WJB_VALUE && strcmp(key, "rows") == 0)
		{
			read_rows(tier, &value);
			rows = true;
		}
		else
			refuse_tiers(psprintf("Tier \"%s\" says something other than \"least\" and \"rows\".", tier->name));
	}
	if (!least || !rows)
		refuse_tiers(psprintf("Tier \"%s\" must say both \"least\" and \"rows\".", tier->name));
}

static void
read_tiers(Jsonb *jsonb, ScheduleState *state)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	state->tiers = palloc0(sizeof(Tier) * MOST_TIERS);
	state->ntiers = 0;
	if (!JB_ROOT_IS_OBJECT(jsonb))
		refuse_tiers("It is no object.");
	it = JsonbIteratorInit(&jsonb->root);
	(void) JsonbIteratorNext(&it, &value, false);
	while ((token = JsonbIteratorNext(&it, &value, false)) == WJB_KEY)
	{
		if (state->ntiers == MOST_TIERS)
			refuse_tiers(psprintf("There are more than %d tiers.", MOST_TIERS));
		state->tiers[state->ntiers].name = pnstrdup(value.val.string.val, value.val.string.len);
		token = JsonbIteratorNext(&it, &value, false);
		if (token != WJB_BEGIN_OBJECT)
			refuse_tiers(psprintf("Tier \"%s\" is no object.", state->tiers[state->ntiers].name));
		read_tier(&state->tiers[state->ntiers++], &it);
	}
	if (state->ntiers == 0)
		refuse_tiers("There is none.");
}

static void
parse_tiers(const char *text, ScheduleState *state)
{
	read_tiers(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))), state);
}

static const Tier *
tier_named(const ScheduleState *state, const char *name)
{
	for (int i = 0; i < state->ntiers; i++)
		if (strcmp(state->tiers[i].name, name) == 0)
			return &state->tiers[i];
	return NULL;
}

static char *
period_words(int64 microseconds)
{
	if (microseconds % USECS_PER_HOUR == 0)
		return psprintf(INT64_FORMAT " h", microseconds / USECS_PER_HOUR);
	if (microseconds % USECS_PER_MINUTE == 0)
		return psprintf(INT64_FORMAT " min", microseconds / USECS_PER_MINUTE);
	if (microseconds % USECS_PER_SEC == 0)
		return psprintf(INT64_FORMAT " s", microseconds / USECS_PER_SEC);
	return psprintf("%.6f s", (double) microseconds / USECS_PER_SEC);
}

/*
 * A tier by itself says nothing of the others: so tiers loosen where one is new, lets jobs run
 * more often, or an owner have more of them.
 */
static List *
compare_tiers(const char *before, const char *after)
{
	ScheduleState old = {0};
	ScheduleState new = {0};
	List	   *words = NIL;

	if (before != NULL)
		parse_tiers(before, &old);
	parse_tiers(after, &new);
	for (int i = 0; i < new.ntiers; i++)
	{
		const Tier *tier = &new.tiers[i];
		const Tier *was = tier_named(&old, tier->name);
		char	   *name = paysafe_spec_field_quote(tier->name);

		if (was == NULL)
			words = lappend(words, psprintf("%s tier %s, least %s, rows %d", before != NULL ? "adds" : "has",
											name, period_words(tier->least), tier->rows));
		else if (tier->least < was->least)
			words = lappend(words, psprintf("lowers least of tier %s from %s to %s", name, period_words(was->least), period_words(tier->least)));
		if (was != NULL && tier->rows > was->rows)
			words = lappend(words, psprintf("raises rows of tier %s from %d to %d", name, was->rows, tier->rows));
	}
	return words;
}

/* Compiling */

static PAYSAFE_NORETURN void
refuse_column(Relation leaf, AttrNumber attnum, const char *what, const char *types)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of table \"%s\" cannot say %s",
					NameStr(TupleDescAttr(RelationGetDescr(leaf), attnum - 1)->attname), RelationGetRelationName(leaf), what),
			 errdetail("Its type must be %s, or a domain over one of them.", types)));
	pg_unreachable();
}

/* A column that may be named; 0: it is not */
static AttrNumber
column_of(Relation leaf, const Jsonb *spec, const char *key, Oid *type)
{
	char	   *name = paysafe_spec_optional_text(spec, key);
	AttrNumber	attnum = name != NULL ? paysafe_catalog_column(leaf, name) : 0;

	*type = attnum != 0 ? getBaseType(TupleDescAttr(RelationGetDescr(leaf), attnum - 1)->atttypid) : InvalidOid;
	return attnum;
}

static void
compile_times(Relation leaf, const Jsonb *spec, ScheduleState *state)
{
	Oid			type;

	state->interval = column_of(leaf, spec, "interval_column", &state->interval_type);
	type = state->interval_type;
	if (state->interval != 0 && type != INTERVALOID && type != INT2OID && type != INT4OID && type != INT8OID)
		refuse_column(leaf, state->interval, "how often a job runs", "interval, or smallint, integer or bigint, in seconds");
	state->cron = column_of(leaf, spec, "cron_column", &type);
	if (state->cron != 0 && type != TEXTOID && type != VARCHAROID)
		refuse_column(leaf, state->cron, "when a job runs", "text or varchar");
	state->task = column_of(leaf, spec, "task_column", &type);
	if (state->task != 0 && type != TEXTOID && type != VARCHAROID)
		refuse_column(leaf, state->task, "which task it is", "text or varchar");
}

static void *
compile(const CompileInput *input)
{
	ScheduleState *state = palloc0(sizeof(ScheduleState));
	const Jsonb *spec = input->source->spec;
	List	   *group = list_make1(paysafe_spec_text(spec, "owner_column"));
	Oid			type;
	AttrNumber	inexact;

	state->tier = column_of(input->leaf, spec, "tier_column", &type);
	if (state->tier != 0)
		group = lappend(group, paysafe_spec_text(spec, "tier_column"));
	paysafe_key_columns_find(input->leaf, group, &state->group);
	inexact = paysafe_key_columns_inexact(input->leaf, &state->group);
	if (inexact != 0)
		refuse_column(input->leaf, inexact, "whose a job is, or of which tier",
					  "smallint, integer, bigint, numeric, uuid, text or varchar whose collation has one spelling for each value");
	compile_times(input->leaf, spec, state);
	state->tasks = paysafe_spec_set(spec, "tasks");
	parse_tiers(paysafe_spec_text(spec, "tiers"), state);
	return state;
}

/* One row */

static char *
text_of(TupleTableSlot *row, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = slot_getattr(row, attnum, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Of which tier the row is; NULL: none that is declared, and *name is what it says */
static const Tier *
tier_of(const ScheduleState *state, Relation rel, TupleTableSlot *row, char **name)
{
	*name = NO_TIER;
	if (state->tier != 0)
	{
		bool		isnull;
		Datum		value = slot_getattr(row, state->tier, &isnull);

		*name = isnull ? NULL : paysafe_row_key_value_text(getBaseType(TupleDescAttr(RelationGetDescr(rel), state->tier - 1)->atttypid), value);
	}
	return *name != NULL ? tier_named(state, *name) : NULL;
}

/* Microseconds between two times of an interval, at least; 0 or less: it is none */
static int64
interval_length(const ScheduleState *state, Datum value)
{
	const Interval *interval;
	int64		seconds;

	if (state->interval_type == INTERVALOID)
	{
		interval = DatumGetIntervalP(value);
		/* each part by itself: what is added and taken away again is no length */
		if (interval->month < 0 || interval->day < 0 || interval->time < 0)
			return 0;
		return Min((int64) interval->month * DAYS_OF_MONTH_LEAST + interval->day, 100000) * USECS_PER_DAY +
			Min(interval->time, 100000 * USECS_PER_DAY);
	}
	seconds = state->interval_type == INT2OID ? DatumGetInt16(value) : state->interval_type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
	return seconds <= 0 ? 0 : Min(seconds, 100000 * (int64) SECS_PER_DAY) * USECS_PER_SEC;
}

/* The same of a cron expression; with a reason, it has none */
static int64
cron_length(const char *expression, const char **why)
{
	Cron		cron;
	int64		minutes;

	*why = paysafe_cron_read(expression, strlen(expression), &cron);
	if (*why != NULL)
		return 0;
	minutes = paysafe_cron_least(&cron);
	if (minutes == 0)
		*why = "it never comes";
	return minutes * USECS_PER_MINUTE;
}

/* What is wrong with when the job runs; NULL: nothing */
static char *
fault_of_times(const ScheduleState *state, const Tier *tier, TupleTableSlot *row)
{
	bool		no_interval = true;
	Datum		interval = state->interval != 0 ? slot_getattr(row, state->interval, &no_interval) : (Datum) 0;
	char	   *cron = state->cron != 0 ? text_of(row, state->cron) : NULL;
	const char *why = NULL;
	int64		length;

	if (no_interval == (cron == NULL))
		return cron == NULL ? "it does not say when it runs" : "it has an interval and a cron expression";
	length = cron != NULL ? cron_length(cron, &why) : interval_length(state, interval);
	if (why != NULL)
		return psprintf("its cron expression cannot be used: %s", why);
	if (length <= 0)
		return "its interval is none";
	if (length < tier->least)
		return psprintf("it would run %s after another time, tier \"%s\" allows %s", period_words(length), tier->name, period_words(tier->least));
	return NULL;
}

/* What is wrong with the row by itself; *tier is its tier, if it has one */
static char *
fault_of(const ScheduleState *state, Relation rel, TupleTableSlot *row, const Tier **tier)
{
	char	   *name;
	char	   *task;
	bool		listed = false;
	ListCell   *lc;

	*tier = tier_of(state, rel, row, &name);
	if (*tier == NULL)
		return name != NULL ? psprintf("tier \"%s\" is not declared", paysafe_refusal_value(name)) : "it has no tier";
	if (state->task != 0)
	{
		task = text_of(row, state->task);
		foreach(lc, state->tasks)
			listed |= task != NULL && strcmp(lfirst(lc), task) == 0;
		if (!listed)
			return task != NULL ? psprintf("task \"%s\" is not one of those that there are", paysafe_refusal_value(task)) : "it has no task";
	}
	return (state->interval != 0 || state->cron != 0) ? fault_of_times(state, *tier, row) : NULL;
}

/* All rows of an owner and tier */

typedef struct Count
{
	int64		n;
	int64		most;
} Count;

static bool
count_row(Relation rel, TupleTableSlot *row, void *arg)
{
	Count	   *count = arg;

	return ++count->n <= count->most;
}

/* How many there are, as is committed now; one more than most says that there are more. */
static int64
count_rows(const Rule *rule, const KeyValues *group, int most)
{
	const ScheduleState *state = rule->compiled;
	Snapshot	snapshot = paysafe_scan_snapshot();
	Count		count = {0, most};
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(rule->declared_on))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		paysafe_key_columns_scan(rel, state->group.names, group, snapshot, count_row, &count);
		table_close(rel, NoLock);
		if (count.n > most)
			break;
	}
	UnregisterSnapshot(snapshot);
	return count.n;
}

static PAYSAFE_NORETURN void
refuse(const Rule *rule, const RowChange *change, int sqlstate, const char *column, const char *fault, const char *hint)
{
	paysafe_rule_refuse(rule, sqlstate, column,
						psprintf("a job of table \"%s\" is not as its schedule may be: %s", rule->table_name, fault),
						psprintf("Row \"%s\".", paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after))),
						hint);
}

/* Is anything of the row that the rule looks at another than before? */
static bool
is_other(const ScheduleState *state, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	const AttrNumber attnums[] = {state->interval, state->cron, state->task};

	for (int i = 0; i < (int) lengthof(attnums); i++)
		if (attnums[i] != 0 && !paysafe_row_key_same_column(desc, attnums[i], change->before, change->after))
			return true;
	return false;
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const ScheduleState *state = rule->compiled;
	const Tier *tier;
	KeyValues	group;
	AttrNumber	missing;
	char	   *fault;
	char	   *name;
	bool		same_group;

	if (change->op == 'D')
		return;
	same_group = change->op == 'U' && paysafe_key_columns_changed(&state->group, RelationGetDescr(change->rel), change->before, change->after) == 0;
	if (same_group && !is_other(state, change))
		return;
	fault = fault_of(state, change->rel, change->after, &tier);
	if (fault != NULL)
		refuse(rule, change, ERRCODE_23G01_SCHEDULE, NULL, fault, "The view paysafe.protection has the tiers and tasks.");
	if (!paysafe_key_columns_read(&state->group, change->after, &group, &missing))
		refuse(rule, change, ERRCODE_23G01_SCHEDULE, linitial(state->group.names), "it has no owner", "Name one.");
	if (same_group)
		return;
	name = paysafe_key_columns_text(&group);
	/* nobody waits because of a rule that is only observed */
	if (!rule->observed)
		paysafe_id_claim_lock_group(rule->declared_on, hash_bytes_extended((const unsigned char *) name, (int) strlen(name), 0));
	if (count_rows(rule, &group, tier->rows) > tier->rows)
		refuse(rule, change, ERRCODE_23G02_QUOTA, linitial(state->group.names),
			   psprintf("its owner has %d of tier \"%s\" already", tier->rows, tier->name), "Delete one, or take another tier.");
}

/*
 * Existing rows.  Each owner and tier is counted once: by an index, or, where there is none, all of
 * them in one reading of the tables.
 */

/* An owner and tier, by two hashes under numbers of the session's own */
typedef struct OwnerCount
{
	uint64		hash[2];
	int64		n;				/* one more than the tier allows: or more */
} OwnerCount;

typedef struct Groups
{
	HTAB	   *groups;
	uint64		seeds[2];
	bool		all;			/* every row has been counted */
} Groups;

/* What is remembered of the rows: beside writers, and, when those that looked wrong are looked at again, anew */
typedef struct Existing
{
	Groups	   *of[2];
} Existing;

static Groups *
make_groups(void)
{
	HASHCTL		ctl = {.keysize = sizeof(((OwnerCount *) NULL)->hash), .entrysize = sizeof(OwnerCount), .hcxt = CurrentMemoryContext};
	Groups	   *groups = palloc0(sizeof(Groups));

	for (int i = 0; i < 2; i++)
		groups->seeds[i] = pg_prng_uint64(&pg_global_prng_state);
	groups->groups = hash_create("paysafe owners of jobs", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return groups;
}

static OwnerCount *
group_of(Groups *groups, const KeyValues *values, bool *found)
{
	char	   *name = paysafe_key_columns_text(values);
	uint64		hash[2];
	OwnerCount *group;

	for (int i = 0; i < 2; i++)
		hash[i] = hash_bytes_extended((const unsigned char *) name, (int) strlen(name), groups->seeds[i]);
	pfree(name);
	group = hash_search(groups->groups, hash, HASH_ENTER, found);
	if (!*found)
		group->n = 0;
	return group;
}

typedef struct Reading
{
	Groups	   *groups;
	KeyColumns	columns;
	char	   *index;			/* that is missing */
	MemoryContext context;		/* of one row */
} Reading;

static bool
note_row(Relation rel, TupleTableSlot *row, void *arg)
{
	Reading    *reading = arg;
	MemoryContext old = MemoryContextSwitchTo(reading->context);
	KeyValues	values;
	AttrNumber	missing;
	bool		found;

	CHECK_FOR_INTERRUPTS();
	if (paysafe_key_columns_read(&reading->columns, row, &values, &missing))
		group_of(reading->groups, &values, &found)->n++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(reading->context);
	if (hash_get_num_entries(reading->groups->groups) > MOST_GROUPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d owners have jobs in table \"%s\", and no index leads to those of each",
						MOST_GROUPS, RelationGetRelationName(rel)),
				 errhint("%s", reading->index)));
	return true;
}

static void
count_all(const Rule *rule, Groups *groups, char *index)
{
	const ScheduleState *state = rule->compiled;
	Snapshot	snapshot = paysafe_scan_snapshot();
	Reading		reading = {
		.groups = groups, .index = index,
		.context = AllocSetContextCreate(CurrentMemoryContext, "paysafe jobs", ALLOCSET_SMALL_SIZES)
	};
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(rule->declared_on))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		paysafe_key_columns_find(rel, state->group.names, &reading.columns);
		paysafe_scan(rel, NULL, 0, NULL, snapshot, note_row, &reading);
		table_close(rel, NoLock);
	}
	MemoryContextDelete(reading.context);
	UnregisterSnapshot(snapshot);
	groups->all = true;
}

static Groups *
begin_groups(const Rule *rule, ExistingReport *report)
{
	const ScheduleState *state = rule->compiled;
	MemoryContext old = MemoryContextSwitchTo(report->context);
	Groups	   *groups = make_groups();
	char	   *index;

	MemoryContextSwitchTo(old);
	index = paysafe_key_columns_unindexed(rule->declared_on, state->group.names);
	if (index != NULL)
		count_all(rule, groups, index);
	return groups;
}

/* How many rows of the owner and tier there are; with more than most of them, no fewer. */
static int64
existing_rows(const Rule *rule, const KeyValues *values, int most, ExistingReport *report)
{
	Existing   *existing = report->private;
	Groups	  **groups;
	OwnerCount *group;
	bool		found;

	if (report->single)
		return count_rows(rule, values, most);
	if (existing == NULL)
		existing = report->private = MemoryContextAllocZero(report->context, sizeof(Existing));
	groups = &existing->of[report->doubting ? 0 : 1];
	if (*groups != NULL && !(*groups)->all && hash_get_num_entries((*groups)->groups) >= MOST_GROUPS)
	{
		hash_destroy((*groups)->groups);
		pfree(*groups);
		*groups = NULL;
	}
	if (*groups == NULL)
		*groups = begin_groups(rule, report);
	group = group_of(*groups, values, &found);
	if (!found && !(*groups)->all)
		group->n = count_rows(rule, values, most);
	return group->n;
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const ScheduleState *state = rule->compiled;
	const Tier *tier;
	KeyValues	group;
	AttrNumber	missing;
	char	   *fault = fault_of(state, rel, row, &tier);

	if (fault == NULL && !paysafe_key_columns_read(&state->group, row, &group, &missing))
		fault = "it has no owner";
	if (fault == NULL && existing_rows(rule, &group, tier->rows, report) > tier->rows)
		fault = psprintf("its owner has more than %d of tier \"%s\"", tier->rows, tier->name);
	if (fault != NULL)
		(void) paysafe_existing_fault(report, "Row", paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row), fault);
}

static bool
in_parts(const Rule *rule)
{
	return true;
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	List	   *tasks = paysafe_spec_set(spec, "tasks");

	return psprintf("jobs of %s: tiers %s%s%s", paysafe_spec_text(spec, "owner_column"), paysafe_spec_text(spec, "tiers"),
					tasks != NIL ? "; tasks " : "", tasks != NIL ? paysafe_strings_join(tasks) : "");
}

const RuleKind paysafe_schedule_kind = {
	.name = "schedule",
	.fields = (const SpecField[])
	{
		{"owner_column", SPEC_COLUMN, .searched = true, .shared = true},
		{"tier_column", SPEC_COLUMN},
		{"interval_column", SPEC_COLUMN},
		{"cron_column", SPEC_COLUMN},
		{"task_column", SPEC_COLUMN},
		{"tasks", SPEC_STATUSES, SPEC_ADD},
		{.key = "tiers", .type = SPEC_TEXT, .compare = compare_tiers},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.describe = describe
};

/* SQL-callable functions */

static void
add_column(FunctionCallInfo fcinfo, SpecBuilder *spec, int n, const char *key)
{
	char	   *name = paysafe_declare_optional_name(fcinfo, n);

	if (name != NULL)
		paysafe_spec_add_text(spec, key, name);
}

PG_FUNCTION_INFO_V1(paysafe_protect_schedule);

/*
 * protect_schedule(relation regclass, owner_column name, tiers jsonb, tier_column name,
 *					interval_column name, cron_column name, task_column name, tasks text[],
 *					mode text) returns void
 */
Datum
paysafe_protect_schedule(PG_FUNCTION_ARGS)
{
	char	   *owner = paysafe_declare_name_argument(fcinfo, 1, "owner_column");
	char	   *tier = paysafe_declare_optional_name(fcinfo, 3);
	List	   *tasks = paysafe_declare_optional_set(fcinfo, 7, "tasks");
	Jsonb	   *tiers;
	ScheduleState read;
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 2, "tiers");
	tiers = PG_GETARG_JSONB_P(2);
	read_tiers(tiers, &read);
	if (tier == NULL && (read.ntiers != 1 || strcmp(read.tiers[0].name, NO_TIER) != 0))
		refuse_tiers("Without a column that says the tier there is one, \"" NO_TIER "\".");
	if ((tasks != NIL) != !PG_ARGISNULL(6))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"task_column\" and \"tasks\" belong together")));
	if (PG_ARGISNULL(4) && PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no column says how often a job runs"),
				 errhint("Name it as \"interval_column\" or \"cron_column\".")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "owner_column", owner);
	add_column(fcinfo, &spec, 3, "tier_column");
	add_column(fcinfo, &spec, 4, "interval_column");
	add_column(fcinfo, &spec, 5, "cron_column");
	add_column(fcinfo, &spec, 6, "task_column");
	if (tasks != NIL)
		paysafe_spec_add_set(&spec, "tasks", tasks);
	paysafe_spec_add_text(&spec, "tiers", JsonbToCString(NULL, &tiers->root, VARSIZE(tiers)));
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), "schedule", InvalidOid, paysafe_spec_end(&spec));
	paysafe_key_columns_warn(PG_GETARG_OID(0), tier != NULL ? list_make2(owner, tier) : list_make1(owner), "Each job that is added");
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_cron_distance);

/*
 * cron_distance(expression text) returns interval
 */
Datum
paysafe_cron_distance(PG_FUNCTION_ARGS)
{
	Interval   *result = palloc0(sizeof(Interval));
	const char *why;

	result->time = cron_length(text_to_cstring(PG_GETARG_TEXT_PP(0)), &why);
	if (why != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the cron expression cannot be used: %s", why)));
	PG_RETURN_INTERVAL_P(result);
}
