/*-------------------------------------------------------------------------
 *
 * rule.c
 *	  Rules as rows, and the backend's cache of compiled rules.
 *
 * The cache holds one RelationRules per leaf table.  It is dropped by relcache
 * invalidation of the table, which declaring or changing a rule sends to all
 * backends at commit, and by changes of enum labels.  A backend accepts
 * pending invalidations before it checks a row (see enforce.c), so a changed
 * rule holds for the next statement everywhere, also in plans prepared
 * earlier and in transactions with an old snapshot: rows of paysafe.rule are
 * always read with the newest one.
 *
 * Compiled rules that a newer compilation replaced live on to the end of the
 * transaction: a check that is under way may still hold them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/attempt.h"
#include "base/ensure.h"
#include "base/invalidation.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/observe.h"
#include "engine/rule.h"
#include "errors.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/own_trigger.h"
#include "values/row_key.h"
#include "values/spec.h"

typedef struct CacheEntry
{
	Oid			relid;			/* hash key */
	RelationRules *rules;
} CacheEntry;

static HTAB *cache = NULL;		/* lives as long as the backend */
static HTAB *roots = NULL;		/* OIDs that anything that was ever in it depends on */
static uint64 invalidations = 0;	/* counts them, to notice one while compiling */
static bool outdated = false;	/* some rules in the cache are not valid */

const RuleKind *
paysafe_rule_kind(const char *name)
{
	for (int i = 0; paysafe_rule_kinds[i] != NULL; i++)
	{
		const char *kind = paysafe_rule_kinds[i]->name;
		size_t		len = strlen(kind);

		if (strcmp(name, kind) == 0 ||
			(strncmp(name, kind, len) == 0 &&
			 (strcmp(name + len, "_once") == 0 ||
			  (paysafe_rule_kinds[i]->several && name[len] == '_' && name[len + 1] != '\0'))))
			return paysafe_rule_kinds[i];
	}
	return NULL;
}

typedef struct SourceRow
{
	RuleSource	source;
	bool		removed;
} SourceRow;

typedef struct CollectState
{
	List	   *passed_over;	/* OIDs of relations whose rows are there already */
	List	   *rows;			/* of SourceRow, all versions */
} CollectState;

static bool
collect_rule(Relation rel, HeapTuple tuple, void *arg)
{
	CollectState *state = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	Datum		values[16];
	bool		nulls[16];
	SourceRow  *row;

	Ensure(desc->natts <= lengthof(values));
	heap_deform_tuple(tuple, desc, values, nulls);
	if (list_member_oid(state->passed_over, DatumGetObjectId(values[0])))
		return true;
	row = palloc0(sizeof(SourceRow));
	row->source.relation = DatumGetObjectId(values[0]);
	row->source.name = TextDatumGetCString(values[1]);
	row->source.version = DatumGetInt32(values[2]);
	row->source.reference = nulls[3] ? InvalidOid : DatumGetObjectId(values[3]);
	row->source.spec = (Jsonb *) PG_DETOAST_DATUM_COPY(values[4]);
	row->removed = DatumGetBool(values[5]);
	row->source.since = row->source.changed = DatumGetTimestampTz(values[6]);
	row->source.is_new = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	row->source.kind = paysafe_rule_kind(row->source.name);
	row->source.observed = paysafe_spec_bool(row->source.spec, SPEC_OBSERVE);
	row->source.unvalidated = paysafe_spec_bool(row->source.spec, SPEC_UNVALIDATED);
	state->rows = lappend(state->rows, row);
	return true;
}

/* Order of rows: by relation, name, version. */
static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const RuleSource *ra = &((SourceRow *) lfirst(a))->source;
	const RuleSource *rb = &((SourceRow *) lfirst(b))->source;
	int			cmp;

	if (ra->relation != rb->relation)
		return ra->relation < rb->relation ? -1 : 1;
	if ((cmp = strcmp(ra->name, rb->name)) != 0)
		return cmp;
	return ra->version - rb->version;
}

/*
 * The newest version of each rule among the rows; "since" and "is_new" are
 * carried from the first version after the last removal.
 */
static List *
newest_versions(List *rows)
{
	List	   *result = NIL;
	SourceRow  *last = NULL;
	ListCell   *lc;

	list_sort(rows, compare_rows);
	foreach(lc, rows)
	{
		SourceRow  *row = lfirst(lc);

		if (last != NULL && last->source.relation == row->source.relation &&
			strcmp(last->source.name, row->source.name) == 0)
		{
			if (!last->removed)
			{
				row->source.since = last->source.since;
				row->source.is_new = last->source.is_new;
			}
			result = list_delete_last(result);
		}
		result = lappend(result, row);
		last = row;
	}
	return result;
}

List *
paysafe_rule_nearest_first(List *sources, Oid relid)
{
	List	   *result = NIL;
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, ancestors)
		foreach(lc2, sources)
			if (((RuleSource *) lfirst(lc2))->relation == lfirst_oid(lc))
				result = lappend(result, lfirst(lc2));
	foreach(lc2, sources)
		if (!list_member_oid(ancestors, ((RuleSource *) lfirst(lc2))->relation))
			result = lappend(result, lfirst(lc2));
	return result;
}

List *
paysafe_rule_sources(Oid relid)
{
	/* of all versions ever, only the newest outlive this */
	MemoryContext versions = AllocSetContextCreate(CurrentMemoryContext,
												   "paysafe rule versions",
												   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(versions);
	List	   *relids = paysafe_catalog_ancestors(relid);
	CollectState state = {0};
	List	   *result = NIL;
	List	   *newest;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Datum		key = ObjectIdGetDatum(lfirst_oid(lc));

		paysafe_store_scan(PAYSAFE_RULE, "rule_pkey", 1, &key, collect_rule, &state);
	}
	state.passed_over = relids;
	foreach(lc, relids)
	{
		Datum		key = ObjectIdGetDatum(lfirst_oid(lc));

		paysafe_store_scan(PAYSAFE_RULE, "rule_reference", 1, &key, collect_rule, &state);
	}
	newest = newest_versions(state.rows);
	MemoryContextSwitchTo(old);
	foreach(lc, newest)
	{
		SourceRow  *row = lfirst(lc);
		RuleSource *source;

		if (row->removed)
			continue;
		if (row->source.kind == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rule \"%s\" of table \"%s\" is not known to this version of paysafe",
							row->source.name, get_rel_name(row->source.relation)),
					 errhint("Install the version of paysafe that declared it.")));
		source = palloc(sizeof(RuleSource));
		*source = row->source;
		source->name = pstrdup(row->source.name);
		source->spec = (Jsonb *) DatumGetPointer(datumCopy(JsonbPGetDatum(row->source.spec), false, -1));
		result = lappend(result, source);
	}
	MemoryContextDelete(versions);
	return paysafe_rule_nearest_first(result, relid);
}

List *
paysafe_rule_relations(void)
{
	CollectState state = {0};
	List	   *result = NIL;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, collect_rule, &state);
	foreach(lc, newest_versions(state.rows))
	{
		SourceRow  *row = lfirst(lc);

		if (row->removed)
			continue;
		result = list_append_unique_oid(result, row->source.relation);
		if (OidIsValid(row->source.reference))
			result = list_append_unique_oid(result, row->source.reference);
	}
	return result;
}

bool
paysafe_rule_newest(Oid relation, const char *name, RuleSource *source, bool *removed)
{
	CollectState state = {0};
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(name)};
	List	   *newest;

	paysafe_store_scan(PAYSAFE_RULE, "rule_pkey", 2, keys, collect_rule, &state);
	newest = newest_versions(state.rows);
	if (newest == NIL)
		return false;
	*source = ((SourceRow *) linitial(newest))->source;
	*removed = ((SourceRow *) linitial(newest))->removed;
	return true;
}

static void
compile_error_context(void *arg)
{
	const RuleSource *source = arg;

	errcontext("rule \"%s\" of table \"%s\"", source->name, get_rel_name(source->relation));
}

typedef struct Compilation
{
	const CompileInput *input;
	Rule	   *rule;
} Compilation;

static void
compile_specification(void *arg)
{
	Compilation *compilation = arg;

	compilation->rule->compiled = compilation->input->source->kind->compile(compilation->input);
}

/* Of a rule that does not fit its table any more and refuses nothing. */
static const RuleKind no_kind = {.name = ""};

/*
 * A rule that is only observed keeps nobody from writing, also where it does not fit
 * the table any more: then it watches nothing, and paysafe.check() says so.
 */
static void
compile_observed(Compilation *compilation)
{
	Rule	   *rule = compilation->rule;

	rule->trouble = paysafe_attempt(compile_specification, compilation);
	if (rule->trouble == NULL)
		return;
	rule->kind = &no_kind;
	rule->compiled = NULL;
}

/* Compile one rule for the leaf and append it, unless it does not apply. */
static void
compile_rule(RelationRules *rules, Relation leaf, const RuleSource *source,
			 bool as_reference)
{
	CompileInput input = {
		.leaf = leaf,
		.source = source,
		.sources = rules->sources,
		.as_reference = as_reference
	};
	ErrorContextCallback context = {
		.previous = error_context_stack,
		.callback = compile_error_context,
		.arg = unconstify(RuleSource *, source)
	};
	Rule	   *rule = &rules->rules[rules->nrules];
	Compilation compilation = {.input = &input, .rule = rule};
	Oid			declared_on = as_reference ? source->reference : source->relation;

	error_context_stack = &context;
	rule->kind = source->kind;
	rule->name = source->name;
	rule->declared_on = declared_on;
	rule->schema_name = get_namespace_name(get_rel_namespace(declared_on));
	rule->table_name = get_rel_name(declared_on);
	rule->observed = source->observed;
	rule->unvalidated = source->unvalidated && !as_reference;
	rules->unvalidated |= rule->unvalidated;
	if (source->observed && !IsInParallelMode())
		compile_observed(&compilation);
	else
		compile_specification(&compilation);
	error_context_stack = context.previous;
	if (rule->compiled != NULL || !as_reference || rule->trouble != NULL)
		rules->nrules++;
}

/*
 * The topmost table that rules were declared on, if it is one of several that each
 * see to their own keys: with children by inheritance, not partitions.
 */
static Oid
twin_root(Relation leaf, const RelationRules *rules, List *ancestors)
{
	Oid			root = InvalidOid;
	ListCell   *lc;
	ListCell   *lc2;

	if (rules->key.n == 0 || leaf->rd_rel->relispartition || leaf->rd_rel->relkind != RELKIND_RELATION ||
		(list_length(ancestors) == 1 && !leaf->rd_rel->relhassubclass))
		return InvalidOid;
	foreach(lc, ancestors)
		foreach(lc2, rules->sources)
		{
			const RuleSource *source = lfirst(lc2);

			if (lfirst_oid(lc) == source->relation || lfirst_oid(lc) == source->reference)
				root = lfirst_oid(lc);
		}
	return root == RelationGetRelid(leaf) && !leaf->rd_rel->relhassubclass ? InvalidOid : root;
}

static RelationRules *
compile(Relation leaf)
{
	Oid			relid = RelationGetRelid(leaf);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "paysafe rules",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RelationRules *rules = palloc0(sizeof(RelationRules));
	List	   *ancestors = paysafe_catalog_ancestors(relid);

	rules->relid = relid;
	rules->context = context;
	rules->sources = paysafe_rule_sources(relid);
	if (rules->sources != NIL)
		paysafe_row_key_check(leaf);
	rules->key.n = paysafe_row_key_columns(leaf, &rules->key.attnums);
	rules->depends_on = paysafe_row_key_tree(leaf);
	rules->twin_root = twin_root(leaf, rules, ancestors);
	rules->rules = palloc0(sizeof(Rule) * (2 * list_length(rules->sources) + 1));
	rules->has_statement_trigger =
		paysafe_own_trigger_of(leaf, OWN_STATEMENT_TRIGGER) != NULL;
	for (int i = 0; paysafe_rule_kinds[i] != NULL; i++)
	{
		ListCell   *lc;

		foreach(lc, rules->sources)
		{
			RuleSource *source = lfirst(lc);

			if (source->kind != paysafe_rule_kinds[i])
				continue;
			if (list_member_oid(ancestors, source->relation))
				compile_rule(rules, leaf, source, false);
			if (!OidIsValid(source->reference) || !list_member_oid(ancestors, source->reference))
				continue;
			rules->depends_on = list_append_unique_oid(rules->depends_on, source->relation);
			compile_rule(rules, leaf, source, true);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	return rules;
}

RelationRules *
paysafe_rules_of(Relation leaf)
{
	Oid			relid = RelationGetRelid(leaf);
	CacheEntry *entry;
	RelationRules *rules;
	uint64		before;
	bool		found;
	ListCell   *lc;

	if (unlikely(cache == NULL))
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(CacheEntry)};

		ctl.hcxt = CacheMemoryContext;
		cache = hash_create("paysafe rules", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		ctl.entrysize = sizeof(Oid);
		roots = hash_create("paysafe roots", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(cache, &relid, HASH_FIND, NULL);
	if (likely(entry != NULL && entry->rules != NULL && entry->rules->valid))
		return entry->rules->nrules > 0 ? entry->rules : NULL;

	before = invalidations;
	rules = compile(leaf);
	/* what changed meanwhile may have been missed: good for this row only */
	rules->valid = before == invalidations;
	outdated |= !rules->valid;
	entry = hash_search(cache, &relid, HASH_ENTER, &found);
	if (found && entry->rules != NULL)
		MemoryContextSetParent(entry->rules->context, TopTransactionContext);
	entry->rules = rules;
	foreach(lc, rules->depends_on)
		(void) hash_search(roots, &lfirst_oid(lc), HASH_ENTER, NULL);
	return rules->nrules > 0 ? rules : NULL;
}

/* Rules that are not valid may be those of a table that is gone. */
void
paysafe_rule_end_transaction(void)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	if (likely(!outdated))
		return;
	outdated = false;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->rules == NULL || !entry->rules->valid)
		{
			if (entry->rules != NULL)
				MemoryContextDelete(entry->rules->context);
			(void) hash_search(cache, &entry->relid, HASH_REMOVE, NULL);
		}
}

/*
 * The table's own rules, those whose key depends on how it is partitioned, and those
 * that its rules refer to: it may be gone.  Called for every table that changes, of
 * which most are neither.
 */
static void
invalidate(Oid relid)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	invalidations++;
	if (cache == NULL)
		return;
	if (OidIsValid(relid) && hash_search(roots, &relid, HASH_FIND, NULL) == NULL)
	{
		entry = hash_search(cache, &relid, HASH_FIND, NULL);
		if (entry != NULL && entry->rules != NULL)
		{
			entry->rules->valid = false;
			outdated = true;
		}
		return;
	}
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->rules != NULL &&
			(!OidIsValid(relid) || entry->relid == relid ||
			 list_member_oid(entry->rules->depends_on, relid)))
		{
			entry->rules->valid = false;
			outdated = true;
		}
}

static void
relation_changed(Datum arg, Oid relid)
{
	invalidate(relid);
}

static void
enum_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate(InvalidOid);
}

void
paysafe_rule_invalidate(Oid relid)
{
	ListCell   *lc;

	/* one that is gone has no rules compiled anywhere */
	if (get_rel_relkind(relid) == '\0')
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
}

/* Nobody writes a generated column: which columns are meant is part of the refusal. */
static const char *
with_computed(Oid relid, const char *column, const char *detail)
{
	AttrNumber	attnum = column ? get_attnum(relid, column) : InvalidAttrNumber;
	Relation	rel;
	Bitmapset  *read = NULL;
	StringInfoData words;
	int			member = -1;

	if (attnum <= 0 || get_attgenerated(relid, attnum) == '\0')
		return detail;
	rel = table_open(relid, AccessShareLock);
	pull_varattnos(build_column_default(rel, attnum), 1, &read);
	initStringInfo(&words);
	if (detail != NULL)
		appendStringInfo(&words, "%s ", detail);
	appendStringInfo(&words, "Column \"%s\" is computed from", column);
	while ((member = bms_next_member(read, member)) >= 0)
		appendStringInfo(&words, "%s \"%s\"", words.data[words.len - 1] == '"' ? "," : "",
						 get_attname(relid, member + FirstLowInvalidHeapAttributeNumber, false));
	appendStringInfoChar(&words, '.');
	table_close(rel, NoLock);
	return words.data;
}

static Refusal
refusal_of(const Rule *rule, const char *name, int sqlstate, const char *column,
		   const char *message, const char *detail, const char *hint)
{
	return (Refusal)
	{
		.sqlstate = sqlstate,
		.rule = name,
		.schema_name = rule->schema_name,
		.table_name = rule->table_name,
		.column = column,
		.message = message,
		.detail = with_computed(rule->declared_on, column, detail),
		.hint = hint
	};
}

/* Does it happen all the same?  What a rule has observed goes on record. */
static bool
passes(const Rule *rule, const Refusal *refusal)
{
	if (!paysafe_rule_is_watched(rule) || !paysafe_observe_is_watching())
		return false;
	if (rule->observed)
		paysafe_refusal_observe(refusal);
	return true;
}

void
paysafe_rule_refuse(const Rule *rule, int sqlstate, const char *column,
				  const char *message, const char *detail, const char *hint)
{
	Refusal		refusal = refusal_of(rule, rule->name, sqlstate, column, message, detail, hint);

	if (passes(rule, &refusal))
		paysafe_observe_end();
	paysafe_refuse(&refusal);
}

void
paysafe_rule_object(const Rule *rule, const char *name, int sqlstate, const char *column,
					const char *message, const char *detail, const char *hint)
{
	Refusal		refusal = refusal_of(rule, name, sqlstate, column, message, detail, hint);

	if (!passes(rule, &refusal))
		paysafe_refuse(&refusal);
}

void
paysafe_rule_judge(const Rule *rule, ObservedCheck check, const void *arg)
{
	if (paysafe_rule_is_watched(rule))
		(void) paysafe_observe(rule, check, arg);
	else
		check(rule, arg);
}

void
paysafe_rule_init(void)
{
	paysafe_invalidation_register(relation_changed);
	CacheRegisterSyscacheCallback(ENUMOID, enum_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMTYPOIDNAME, enum_changed, (Datum) 0);
}

const RuleSource *
paysafe_rule_source_of(const RelationRules *rules, const Rule *rule)
{
	ListCell   *lc;

	foreach(lc, rules->sources)
	{
		const RuleSource *source = lfirst(lc);

		if (source->relation == rule->declared_on && strcmp(source->name, rule->name) == 0)
			return source;
	}
	return NULL;
}
