/*-------------------------------------------------------------------------
 *
 * declare.c
 *	  Declaring, changing and dropping rules.
 *
 * Each change is a new row of paysafe.rule, which the recorder puts into the
 * audit log.  Lock order: the relation and its children by OID, then the
 * reference and its children; then rows of paysafe.rule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/declare.h"
#include "engine/deferral.h"
#include "engine/existing.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "engine/triggers.h"
#include "engine/unused.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/key_columns.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.rule. */
enum
{
	RULE_RELATION, RULE_NAME, RULE_VERSION, RULE_REFERENCE, RULE_SPEC,
	RULE_REMOVED, RULE_SINCE, RULE_ACTOR, RULE_SESSION_USER, RULE_REASON,
	RULE_TICKET, RULE_NCOLUMNS
};

static DeclareWindow is_window_open = NULL;
static DeclareJudge judge = NULL;

void
paysafe_declare_set_judge(DeclareJudge new_judge)
{
	judge = new_judge;
}

void
paysafe_declare_set_window(DeclareWindow window)
{
	is_window_open = window;
}

void
paysafe_declare_check_owner(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (!relation_ownercheck_compat(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind),
					   get_rel_name(relid));
}

void
paysafe_declare_lock(Oid relid)
{
	ListCell   *lc;
	Relation	rel;

	/* look before waiting for a lock that one may not have at all; and after */
	paysafe_declare_check_owner(relid);
	rel = relation_open(relid, ShareRowExclusiveLock);
	paysafe_declare_check_owner(relid);
	paysafe_triggers_check_table(rel, true);
	relation_close(rel, NoLock);
	foreach(lc, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		rel = relation_open(lfirst_oid(lc), NoLock);
		paysafe_triggers_check_table(rel, lfirst_oid(lc) == relid);
		relation_close(rel, NoLock);
	}
}

static void
add_version(Oid relation, const char *name, int version, Oid reference,
			Jsonb *spec, bool removed, const char *reason)
{
	const ActorClaim *actor = paysafe_actor_current();
	Datum		values[RULE_NCOLUMNS];
	bool		nulls[RULE_NCOLUMNS] = {0};

	if (reason == NULL && actor != NULL)
		reason = actor->reason;
	values[RULE_RELATION] = ObjectIdGetDatum(relation);
	values[RULE_NAME] = CStringGetTextDatum(name);
	values[RULE_VERSION] = Int32GetDatum(version);
	nulls[RULE_REFERENCE] = !OidIsValid(reference);
	values[RULE_REFERENCE] = ObjectIdGetDatum(reference);
	values[RULE_SPEC] = JsonbPGetDatum(spec);
	values[RULE_REMOVED] = BoolGetDatum(removed);
	values[RULE_SINCE] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RULE_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[RULE_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	nulls[RULE_REASON] = reason == NULL;
	values[RULE_REASON] = reason ? CStringGetTextDatum(paysafe_redact_string(reason)) : (Datum) 0;
	nulls[RULE_TICKET] = actor == NULL || actor->ticket == NULL;
	values[RULE_TICKET] = nulls[RULE_TICKET] ? (Datum) 0 : CStringGetTextDatum(actor->ticket);
	paysafe_store_insert(PAYSAFE_RULE, values, nulls);
	paysafe_rule_invalidate(relation);
	if (OidIsValid(reference) && get_rel_relkind(reference) != '\0')
		paysafe_rule_invalidate(reference);
	CommandCounterIncrement();
}

void
paysafe_declare_version(Oid relation, const char *name, Jsonb *spec, bool removed,
						const char *reason)
{
	RuleSource	rule;
	bool		was_removed;
	int			version = paysafe_rule_newest(relation, name, &rule, &was_removed) ? rule.version + 1 : 1;

	add_version(relation, name, version, InvalidOid, spec, removed, reason);
	if (paysafe_catalog_is_own(relation))
		return;
	if (removed)
		paysafe_triggers_drop(relation);
	else
		(void) paysafe_triggers_ensure(relation);
}

void
paysafe_declare_validated(const RuleSource *rule)
{
	paysafe_store_complete();
	add_version(rule->relation, rule->name, rule->version + 1, rule->reference,
				paysafe_spec_with_flag(rule->spec, SPEC_UNVALIDATED, false), false, NULL);
}

static bool
same_names(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, paysafe_strings_sorted(a), lb, paysafe_strings_sorted(b))
		if (strcmp(lfirst(la), lfirst(lb)) != 0)
			return false;
	return true;
}

/* A column says one thing: unless the kind knows better, no two arguments name the same. */
static void
check_distinct(const RuleSource *rule)
{
	for (const SpecField *a = rule->kind->fields; a != NULL && a->key != NULL; a++)
		for (const SpecField *b = a + 1; a->type == SPEC_COLUMN && !a->shared && b->key != NULL; b++)
		{
			List	   *columns = b->type != SPEC_COLUMN || b->shared ? NIL :
				paysafe_spec_optional_columns(rule->spec, b->key);

			if (columns != NIL && same_names(paysafe_spec_optional_columns(rule->spec, a->key), columns))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("arguments \"%s\" and \"%s\" name the same column", a->key, b->key),
						 errdetail("Both are \"%s\".", paysafe_key_columns_words(columns))));
		}
}

/*
 * Would the specification compile?  Looked at before anything else, so that a
 * misspelt column is not taken for a change that needs approval.  Returns whether it can be
 * left for later to look at the rows that are there.
 */
static bool
check_specification(const RuleSource *rule)
{
	Relation	rel = table_open(rule->relation, NoLock);
	CompileInput input = {.leaf = rel, .source = rule};
	bool		can_wait;
	ListCell   *lc;

	check_distinct(rule);
	foreach(lc, paysafe_rule_sources(rule->relation))
	{
		RuleSource *other = lfirst(lc);

		if (other->relation != rule->relation || strcmp(other->name, rule->name) != 0)
			input.sources = lappend(input.sources, other);
	}
	input.sources = lappend(input.sources, unconstify(RuleSource *, rule));
	(void) rule->kind->compile(&input);
	can_wait = rule->kind->check_existing != NULL && !rule->kind->keeps_books &&
		(rule->kind->notes_existing == NULL || !rule->kind->notes_existing(&input));
	table_close(rel, NoLock);
	return can_wait;
}

/*
 * Rules of other tables that read this one: they are compiled again, and what is there
 * must be right by them too.  Locked as those who post lock them: the ledger first.
 */
static void
judge_readers(Oid relation)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relation))
	{
		const RuleSource *reader = lfirst(lc);

		if (reader->reference != relation || reader->kind->loosened_by == NULL ||
			get_rel_relkind(reader->relation) == '\0')
			continue;
		LockRelationOid(reader->relation, ShareRowExclusiveLock);
		(void) find_all_inheritors(reader->relation, ShareRowExclusiveLock, NULL);
		paysafe_rule_invalidate(reader->relation);
		CommandCounterIncrement();
		if (!paysafe_deferral_is_open() || reader->kind->keeps_books)
		{
			paysafe_existing_validate(reader->relation, reader->name);
			continue;
		}
		if (!reader->observed && !reader->unvalidated)
			add_version(reader->relation, reader->name, reader->version + 1, reader->reference,
						paysafe_spec_with_flag(reader->spec, SPEC_UNVALIDATED, true), false, NULL);
		paysafe_existing_validate(reader->relation, NULL);
	}
}

/*
 * Is it what is in force already?  Whether the rows that are there have been looked at is
 * no part of what it says.  old_rule: in force, or NULL; later: new_rule leaves them for later.
 */
static bool
is_in_force(const RuleSource *old_rule, RuleSource *new_rule, bool later)
{
	if (old_rule != NULL && old_rule->reference == new_rule->reference &&
		paysafe_spec_equal(paysafe_spec_with_flag(old_rule->spec, SPEC_UNVALIDATED, false), new_rule->spec) &&
		(later || !old_rule->unvalidated))
		return true;
	if (later)
		new_rule->spec = paysafe_spec_with_flag(new_rule->spec, SPEC_UNVALIDATED, true);
	return false;
}

void
paysafe_declare(Oid relation, const char *name, Oid reference, Jsonb *spec)
{
	RuleSource	new_rule = {
		.relation = relation,
		.name = unconstify(char *, name),
		.reference = reference,
		.spec = spec,
		.observed = paysafe_spec_bool(spec, SPEC_OBSERVE),
		.kind = paysafe_rule_kind(name)
	};
	RuleSource	old_rule;
	bool		removed = true;
	bool		known;
	bool		changed = false;
	bool		later;			/* the rows that are there */
	bool		ruled;			/* by earlier declarations */
	bool		ruled_there;
	bool		missing;
	bool		missing_there = false;

	paysafe_declare_lock(relation);
	if (OidIsValid(reference))
		paysafe_declare_lock(reference);
	ruled = paysafe_rule_sources(relation) != NIL;
	ruled_there = OidIsValid(reference) && paysafe_rule_sources(reference) != NIL;

	known = paysafe_rule_newest(relation, name, &old_rule, &removed);
	new_rule.version = known ? old_rule.version + 1 : 1;
	new_rule.since = removed ? GetCurrentTimestamp() : old_rule.since;
	later = check_specification(&new_rule) && paysafe_deferral_is_open();

	/* the change will be recorded */
	paysafe_store_complete();

	if (!is_in_force(removed ? NULL : &old_rule, &new_rule, later))
	{
		ProposedChange change = {.approved_as = PAYSAFE_RULE};

		if (paysafe_loosening_of_rule(removed ? NULL : &old_rule, &new_rule, &change) &&
			!paysafe_loosening_authorize(&change))
			return;
		add_version(relation, name, new_rule.version, reference, new_rule.spec, false, NULL);
		changed = true;
	}
	missing = paysafe_triggers_ensure(relation);
	if (OidIsValid(reference))
		missing_there = paysafe_triggers_ensure(reference);
	paysafe_unused_look(relation);
	if (OidIsValid(reference))
		paysafe_unused_look(reference);
	/* rows that come from here on meet the triggers */
	if (ruled && missing)
		paysafe_existing_warn(relation);
	if (ruled_there && missing_there)
		paysafe_existing_warn(reference);
	if (changed)
	{
		(void) check_specification(&new_rule);
		paysafe_existing_validate(relation, later ? NULL : name);
		if (OidIsValid(reference))
			paysafe_existing_validate(reference, NULL);
		judge_readers(relation);
	}
	if (judge != NULL)
		judge(relation);
}

char *
paysafe_declare_name_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument)));
	return pstrdup(NameStr(*PG_GETARG_NAME(n)));
}

char *
paysafe_declare_optional_name(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(n)));
}

char *
paysafe_declare_optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

#define MAX_DECIMALS	30		/* as of paysafe.set_currency */

char *
paysafe_declare_decimals_argument(FunctionCallInfo fcinfo, int n)
{
	int			decimals;

	if (PG_ARGISNULL(n))
		return NULL;
	decimals = PG_GETARG_INT32(n);
	if (decimals < 0 || decimals > MAX_DECIMALS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 0 and %d", "decimals", MAX_DECIMALS)));
	return psprintf("%d", decimals);
}

char *
paysafe_declare_over_percent_argument(FunctionCallInfo fcinfo, int n)
{
	Numeric		over;

	if (PG_ARGISNULL(n))
		return NULL;
	over = PG_GETARG_NUMERIC(n);
	if (numeric_is_nan(over) || numeric_is_inf(over) || paysafe_money_sign(over) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite number, not negative", "over_percent")));
	return paysafe_money_sign(over) == 0 ? NULL : paysafe_money_text(paysafe_money_trim(over));
}

List *
paysafe_declare_path_argument(FunctionCallInfo fcinfo, int n, const char *status_column)
{
	List	   *path = paysafe_declare_optional_set(fcinfo, n, "status_path");

	if (!PG_ARGISNULL(n) && (path == NIL || status_column == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must lead to a key of a status column", "status_path"),
				 errhint("For instance: status_column => 'data', status_path => '{status}'.")));
	return path;
}

List *
paysafe_declare_set_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument)));
	return paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(n), argument);
}

List *
paysafe_declare_optional_set(FunctionCallInfo fcinfo, int n, const char *argument)
{
	return PG_ARGISNULL(n) ? NIL : paysafe_declare_set_argument(fcinfo, n, argument);
}

bool
paysafe_declare_add_mode(FunctionCallInfo fcinfo, SpecBuilder *spec)
{
	int			n = PG_NARGS() - 1;
	char	   *mode;
	bool		observed;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "mode")));
	mode = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (strcmp(mode, "enforce") != 0 && strcmp(mode, "observe") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mode \"%s\" is not known", paysafe_redact_string(mode)),
				 errhint("It is \"enforce\", or \"observe\", which refuses nothing and puts on record what would be.")));
	observed = strcmp(mode, "observe") == 0;
	paysafe_spec_add_bool(spec, SPEC_OBSERVE, observed);
	return observed;
}

/* Are all of them columns of the relation? */
static bool
are_columns(Oid relation, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		if (get_attnum(relation, lfirst(lc)) <= 0)
			return false;
	return true;
}

/* The columns that a text names. */
static List *
columns_of_text(char *text, const char *argument, Oid relation)
{
	size_t		len = strlen(text);
	List	   *single;
	List	   *names;

	/* longer names are cut, as everywhere */
	single = list_make1(pstrdup(NameStr(*DatumGetName(DirectFunctionCall1(namein, CStringGetDatum(text))))));
	if (len < 2 || text[0] != '{' || text[len - 1] != '}')
		return single;
	names = paysafe_strings_of_array(DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, text, NAMEOID, -1)),
									 argument);
	if (!are_columns(relation, single))
		return names;
	if (names != NIL && are_columns(relation, names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is the name of a column of table \"%s\", and a list of others",
						argument, get_rel_name(relation)),
				 errhint("Give an array of names: ARRAY[...]::name[].")));
	return single;
}

List *
paysafe_declare_columns_argument(FunctionCallInfo fcinfo, int n, const char *argument, Oid relation)
{
	List	   *names;
	Oid		   *types;
	int			ntypes;

	if (PG_ARGISNULL(n))
		return NIL;
	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &ntypes);
	names = types[n] == NAMEARRAYOID ? paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(n), argument) :
		columns_of_text(text_to_cstring(PG_GETARG_TEXT_PP(n)), argument, relation);
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", argument)));
	if (list_length(names) > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" names more than %d columns", argument, INDEX_MAX_KEYS)));
	if (list_length(paysafe_strings_sorted(names)) != list_length(names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" names a column twice", argument)));
	return names;
}

/* SQL-callable functions */

/*
 * The table is gone, dropped where nothing guarded it.  That this was right is for two
 * people to say, one of them the extension's owner: the rule is removed then, which
 * stays on record.
 */
static void
unprotect_gone(Oid relation, const char *name, const char *reason)
{
	RuleSource	rule;
	bool		removed;
	ProposedChange change = {.approved_as = PAYSAFE_RULE, .relation = relation, .name = name};

	if (!has_privs_of_role(GetUserId(), paysafe_catalog_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for rules of a table that is gone"),
				 errhint("The owner of the extension may remove them.")));
	if (!paysafe_rule_newest(relation, name, &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist, and has no rule \"%s\"", relation, paysafe_redact_string(name)),
				 errhint("paysafe.check() names the rules of tables that are gone.")));
	change.version = rule.version + 1;
	change.old_reference = rule.reference;
	change.before = rule.spec;
	change.after = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"removed\": true}")));
	change.difference = psprintf("removed, because its table %u is gone", relation);
	change.loosens = psprintf("removes the rule of table %u, which is gone", relation);
	paysafe_store_complete();
	if (paysafe_loosening_authorize(&change))
		add_version(relation, name, change.version, rule.reference, rule.spec, true, reason);
}

/* A rule of another table that would not make sense without this one goes first. */
static void
check_builders(Oid relation, const char *name)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relation))
	{
		const RuleSource *other = lfirst(lc);

		if (other->reference != relation || other->kind == NULL || other->kind->builds_on == NULL ||
			strcmp(other->kind->builds_on, name) != 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rule \"%s\" of table \"%s\" cannot go before rule \"%s\" of table \"%s\", which builds on it",
						name, get_rel_name(relation), other->name, get_rel_name(other->relation)),
				 errhint("First, in a maintenance window that names both tables: SELECT paysafe.unprotect(%s, %s, 'why');",
						 quote_literal_cstr(paysafe_catalog_table_name(other->relation)), quote_literal_cstr(other->name))));
	}
}

PG_FUNCTION_INFO_V1(paysafe_unprotect);

/*
 * unprotect(relation, rule, reason) returns void
 */
Datum
paysafe_unprotect(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"relation", "rule"};
	char	   *reason = paysafe_argument_reason(fcinfo, 2, "reason", "dropping a rule");
	Oid			relation;
	char	   *name;
	RuleSource	rule;
	bool		removed;

	paysafe_argument_all_required(fcinfo, arguments, lengthof(arguments));
	relation = PG_GETARG_OID(0);
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (get_rel_relkind(relation) == '\0')
	{
		unprotect_gone(relation, name, reason);
		PG_RETURN_VOID();
	}
	paysafe_declare_lock(relation);
	if (!paysafe_rule_newest(relation, name, &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no rule \"%s\"", get_rel_name(relation), paysafe_redact_string(name)),
				 errhint("The view paysafe.protection lists the rules in force.")));
	if (OidIsValid(rule.reference) && get_rel_relkind(rule.reference) != '\0')
		paysafe_declare_lock(rule.reference);
	/* what refuses nothing, or concerns no row that ever was, protects nothing */
	if (!rule.observed && !is_window_open(relation) &&
		!(paysafe_unused_frees(relation) &&
		  (!OidIsValid(rule.reference) || get_rel_relkind(rule.reference) == '\0' || paysafe_unused_frees(rule.reference))))
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = name,
						   .schema_name = get_namespace_name(get_rel_namespace(relation)),
						   .table_name = get_rel_name(relation),
						   .message = psprintf("dropping rule \"%s\" of table \"%s\" needs a maintenance window",
											   name, get_rel_name(relation)),
						   .hint = psprintf("With a second person: SELECT paysafe.open_maintenance('why', 'ticket', '1 hour', ARRAY[%s::regclass]);",
											quote_literal_cstr(paysafe_catalog_table_name(relation)))
					   });
	check_builders(relation, name);
	paysafe_store_complete();
	add_version(relation, name, rule.version + 1, rule.reference, rule.spec, true, reason);

	/* what is left must still make sense without it */
	paysafe_existing_validate(relation, NULL);
	paysafe_triggers_drop(relation);
	if (OidIsValid(rule.reference) && get_rel_relkind(rule.reference) != '\0')
		paysafe_triggers_drop(rule.reference);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_rule_text);

/*
 * rule_text(rule, reference, spec) returns text: the rule in words
 */
Datum
paysafe_rule_text(PG_FUNCTION_ARGS)
{
	char	   *name;
	const RuleKind *kind;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	kind = paysafe_rule_kind(name);
	if (kind == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(kind->describe(name,
													PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1),
													PG_GETARG_JSONB_P(2))));
}

PG_FUNCTION_INFO_V1(paysafe_rule_columns);

/*
 * rule_columns(rule, spec) returns text[]: the columns of its table that it reads
 */
Datum
paysafe_rule_columns(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	RuleSource	rule = {.name = name, .spec = PG_GETARG_JSONB_P(1), .kind = paysafe_rule_kind(name)};
	List	   *columns = NIL;
	Datum	   *elements;
	int			n = 0;
	ListCell   *lc;

	if (rule.kind == NULL)
		PG_RETURN_NULL();
	columns = paysafe_strings_sorted(paysafe_spec_field_columns(&rule, false, false));
	elements = palloc(sizeof(Datum) * (list_length(columns) + 1));
	foreach(lc, columns)
		elements[n++] = CStringGetTextDatum(lfirst(lc));
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}
