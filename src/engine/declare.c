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
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "compat.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

#define MAX_FAULTS_SHOWN	5
#define MAX_WORDS			300 /* of a change, in bytes, before it is hashed */
#define RULE_APPROVAL_VALID (INT64CONST(3600) * USECS_PER_SEC)

/* Columns of paysafe.rule. */
enum
{
	RULE_RELATION, RULE_NAME, RULE_VERSION, RULE_REFERENCE, RULE_SPEC,
	RULE_REMOVED, RULE_SINCE, RULE_ACTOR, RULE_SESSION_USER, RULE_REASON,
	RULE_TICKET, RULE_NCOLUMNS
};

static DeclareCompletion completion = NULL;
static DeclareWindow is_window_open = NULL;
static bool own_work = false;	/* the next utility statement is ours */

void
paysafe_declare_set_completion(DeclareCompletion new_completion)
{
	completion = new_completion;
}

void
paysafe_declare_set_window(DeclareWindow window)
{
	is_window_open = window;
}

void
paysafe_declare_complete(void)
{
	if (completion != NULL)
		completion();
}

void
paysafe_declare_fault(ExistingReport *report, const char *what, const char *key,
					  const char *reason)
{
	if (report->faults++ < MAX_FAULTS_SHOWN)
		appendStringInfo(&report->detail, "%s%s",
						 report->detail.len > 0 ? "\n" : "",
						 paysafe_redact_string(psprintf("%s \"%s\": %s.", what, key, reason)));
}

char *
paysafe_declare_table_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/*
 * Run one command as the owner of the extension with a fixed search_path; $1 is
 * the relation.  If it gives a jsonb value, that is returned in context.
 */
static Jsonb *
run_as_owner(const char *sql, Oid relation, bool utility, MemoryContext context)
{
	Oid			user;
	int			security;
	int			nestlevel = NewGUCNestLevel();
	Oid			type = REGCLASSOID;
	Datum		argument = ObjectIdGetDatum(relation);
	Jsonb	   *result = NULL;
	int			status;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(paysafe_catalog_owner(),
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PG_TRY();
	{
		own_work = utility;
		status = SPI_execute_with_args(sql, OidIsValid(relation) ? 1 : 0, &type, &argument,
									   NULL, false, 0);
	}
	PG_FINALLY();
	{
		own_work = false;		/* nobody takes it without the guard */
	}
	PG_END_TRY();
	if (status < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	if (context != NULL && SPI_processed == 1)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			result = DatumGetJsonbPCopy(value);
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	AtEOXact_GUC(false, nestlevel);
	SetUserIdAndSecContext(user, security);
	return result;
}

void
paysafe_declare_run(const char *sql)
{
	(void) run_as_owner(sql, InvalidOid, true, NULL);
}

Jsonb *
paysafe_declare_definition(Oid relation)
{
	return run_as_owner("SELECT paysafe.table_definition($1)", relation, false,
						CurrentMemoryContext);
}

bool
paysafe_declare_take_own_work(void)
{
	bool		result = own_work;

	own_work = false;
	return result;
}

/* Refuse what cannot be protected; rel is locked. */
static void
check_relation(Relation rel, bool is_root)
{
	const char *name = RelationGetRelationName(rel);
	char		relkind = rel->rd_rel->relkind;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("Only tables that store their rows here can be: no view, materialized view, foreign table or sequence.")));
	/* initdb's tables are dumped by nobody */
	if (RelationGetRelid(rel) < FirstNormalObjectId ||
		paysafe_catalog_is_own(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("It belongs to PostgreSQL or to paysafe.")));
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("A temporary or unlogged table loses its rows in a crash."),
				 rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED ?
				 errhint("Make it permanent first: ALTER TABLE ... SET LOGGED.") : 0));
	if (relkind == RELKIND_RELATION && rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be protected", name),
				 errdetail("Its table access method is not heap.")));
	if (is_root && rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", name),
				 errhint("Declare the rule on \"%s\", the partitioned table; it then holds for all partitions.",
						 get_rel_name(llast_oid(paysafe_catalog_ancestors(RelationGetRelid(rel)))))));
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
	check_relation(rel, true);
	relation_close(rel, NoLock);
	foreach(lc, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		rel = relation_open(lfirst_oid(lc), NoLock);
		check_relation(rel, lfirst_oid(lc) == relid);
		relation_close(rel, NoLock);
	}
}

/* Create one of our triggers on the relation unless it is there; enable it. */
static void
ensure_trigger(Oid relid, const char *name, Oid function, const char *events)
{
	Relation	rel = table_open(relid, NoLock);
	int			pos = paysafe_catalog_find_trigger(rel, name, function);
	bool		exists = pos >= 0;
	bool		always = exists &&
		rel->trigdesc->triggers[pos].tgenabled == TRIGGER_FIRES_ALWAYS;
	char	   *table = paysafe_declare_table_name(relid);

	table_close(rel, NoLock);
	if (!exists)
		paysafe_declare_run(psprintf("CREATE TRIGGER %s AFTER %s ON %s %s",
									 name, events, table,
									 function == paysafe_catalog_enforce_function() ?
									 "FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()" :
									 "FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement()"));
	if (!always)
		paysafe_declare_run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, name));
}

/*
 * Both triggers on the relation and everything below it.  PostgreSQL clones a
 * partitioned table's row trigger to its partitions, so root first.
 */
static void
ensure_triggers(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		ensure_trigger(lfirst_oid(lc), PAYSAFE_ROW_TRIGGER,
					   paysafe_catalog_enforce_function(),
					   "INSERT OR UPDATE OR DELETE");
		ensure_trigger(lfirst_oid(lc), PAYSAFE_STATEMENT_TRIGGER,
					   paysafe_catalog_statement_function(),
					   "INSERT OR UPDATE OR DELETE OR TRUNCATE");
	}
}

void
paysafe_declare_child(Oid relid)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessShareLock);

		check_relation(rel, false);
		relation_close(rel, NoLock);
	}
	ensure_triggers(relid);
}

/* Drop our triggers below relid where no rule is left. */
static void
drop_triggers(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel;
		bool		row;
		bool		cloned;
		bool		statement;
		char	   *table;

		if (paysafe_rule_sources(lfirst_oid(lc)) != NIL)
			continue;
		rel = table_open(lfirst_oid(lc), NoLock);
		row = paysafe_catalog_find_trigger(rel, PAYSAFE_ROW_TRIGGER,
										   paysafe_catalog_enforce_function()) >= 0;
		cloned = rel->rd_rel->relispartition;
		statement = paysafe_catalog_find_trigger(rel, PAYSAFE_STATEMENT_TRIGGER,
												 paysafe_catalog_statement_function()) >= 0;
		table = paysafe_declare_table_name(lfirst_oid(lc));
		table_close(rel, NoLock);
		if (row && !cloned)
			paysafe_declare_run(psprintf("DROP TRIGGER %s ON %s", PAYSAFE_ROW_TRIGGER, table));
		if (statement)
			paysafe_declare_run(psprintf("DROP TRIGGER %s ON %s", PAYSAFE_STATEMENT_TRIGGER, table));
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

/* The rule of this name among the leaf's compiled rules, or NULL. */
static Rule *
find_rule(RelationRules *rules, const char *name, Oid declared_on)
{
	for (int i = 0; i < rules->nrules; i++)
		if (rules->rules[i].declared_on == declared_on &&
			strcmp(rules->rules[i].name, name) == 0)
			return &rules->rules[i];
	return NULL;
}

/*
 * Compile the rules of every leaf below relid.  If name is given, show each of
 * the rows to that rule and raise if there are offenders.
 */
static void
validate(Oid relid, const char *name)
{
	ExistingReport report = {0};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "paysafe validation",
													  ALLOCSET_DEFAULT_SIZES);
	Snapshot	snapshot = paysafe_scan_snapshot();
	const Rule *last = NULL;
	ListCell   *lc;

	initStringInfo(&report.detail);
	report.context = CurrentMemoryContext;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		RelationRules *rules = paysafe_rules_of(rel);
		Rule	   *rule = rules && name ? find_rule(rules, name, relid) : NULL;

		if (rule != NULL && rule->kind->check_existing != NULL &&
			rel->rd_rel->relkind == RELKIND_RELATION)
		{
			TupleTableSlot *slot = table_slot_create(rel, NULL);
			TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

			report.rules = rules;
			while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			{
				MemoryContext old = MemoryContextSwitchTo(row_context);

				CHECK_FOR_INTERRUPTS();
				rule->kind->check_existing(rule, rel, slot, &report);
				MemoryContextSwitchTo(old);
				MemoryContextReset(row_context);
			}
			table_endscan(scan);
			ExecDropSingleTupleTableSlot(slot);
			last = rule;
		}
		table_close(rel, NoLock);
	}
	UnregisterSnapshot(snapshot);
	if (last != NULL && last->kind->check_existing_end != NULL)
		last->kind->check_existing_end(last, &report);
	MemoryContextDelete(row_context);
	if (report.faults > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg_plural("rule \"%s\" cannot be declared: %lld existing row of \"%s\" breaks it",
							   "rule \"%s\" cannot be declared: %lld existing rows of \"%s\" break it",
							   (unsigned long) report.faults,
							   name, (long long) report.faults, get_rel_name(relid)),
				 errdetail("%s%s", report.detail.data,
						   report.faults > MAX_FAULTS_SHOWN ? "\n..." : ""),
				 errhint("Correct these rows first, then declare the rule again."),
				 err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(get_rel_namespace(relid))),
				 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(relid)),
				 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
									psprintf("paysafe_%s_%s", get_rel_name(relid), name))));
}

void
paysafe_declare_validate(Oid relid)
{
	ListCell   *lc;

	validate(relid, NULL);
	foreach(lc, paysafe_rule_sources(relid))
	{
		RuleSource *source = lfirst(lc);

		if (source->relation == relid)
			validate(relid, source->name);
	}
}

/*
 * Would the specification compile?  Looked at before anything else, so that a
 * misspelt column is not taken for a change that needs approval.
 */
static void
check_specification(const RuleSource *rule)
{
	Relation	rel = table_open(rule->relation, NoLock);
	CompileInput input = {.leaf = rel, .source = rule};
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(rule->relation))
	{
		RuleSource *other = lfirst(lc);

		if (other->relation != rule->relation || strcmp(other->name, rule->name) != 0)
			input.sources = lappend(input.sources, other);
	}
	input.sources = lappend(input.sources, unconstify(RuleSource *, rule));
	(void) rule->kind->compile(&input);
	table_close(rel, NoLock);
}

void
paysafe_rule_change_subject(const char *key, ApprovalSubject *out)
{
	char	   *bytes = psprintf("paysafe rule change: %s", key);

	memset(out, 0, sizeof(*out));
	paysafe_crypto_sha256(bytes, strlen(bytes), out->digest);
	out->valid_for = RULE_APPROVAL_VALID;
}

void
paysafe_declare_authorize(Oid relation, const char *name, int version, const char *words)
{
	ApprovalSubject subject;
	Person	   *person;
	bool		anonymous;
	char	   *key;

	if (strlen(words) > MAX_WORDS)
	{
		uint8		digest[PAYSAFE_SHA256_LEN];
		char		hex[2 * PAYSAFE_SHA256_LEN + 1];

		paysafe_crypto_sha256(words, strlen(words), digest);
		hex[hex_encode((char *) digest, PAYSAFE_SHA256_LEN, hex)] = '\0';
		words = psprintf("%.*s... (SHA-256 %s)",
						 pg_mbcliplen(words, strlen(words), MAX_WORDS / 2), words, hex);
	}
	/* as paysafe.approve redacts it */
	key = paysafe_redact_string(psprintf("%s of %s, version %d: %s", name,
										 paysafe_declare_table_name(relation), version, words));
	paysafe_rule_change_subject(key, &subject);
	person = paysafe_person_current();
	anonymous = person->actor == NULL && paysafe_catalog_may_act_as(person->login);
	subject.requesters = list_make1(person);
	if (paysafe_approval_use(paysafe_catalog_table(PAYSAFE_RULE), key, &subject, 1) == 1)
		return;
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = name,
					   .schema_name = get_namespace_name(get_rel_namespace(relation)),
					   .table_name = get_rel_name(relation),
					   .message = psprintf("loosening rule \"%s\" of table \"%s\" needs the approval of a second person",
										   name, get_rel_name(relation)),
					   .detail = psprintf("The change %s.", words),
					   .hint = psprintf("After paysafe.act_as, another person runs: SELECT paysafe.approve('paysafe.rule', %s, 'why it is right');  then%s repeat this command within the hour.",
										quote_literal_cstr(key),
										anonymous ? ", after paysafe.act_as too," : "")
				   });
}

void
paysafe_declare(Oid relation, const char *name, Oid reference, Jsonb *spec)
{
	RuleSource	new_rule = {
		.relation = relation,
		.name = unconstify(char *, name),
		.reference = reference,
		.spec = spec,
		.kind = paysafe_rule_kind(name)
	};
	RuleSource	old_rule;
	bool		removed;
	bool		known;

	paysafe_declare_lock(relation);
	if (OidIsValid(reference))
		paysafe_declare_lock(reference);

	check_specification(&new_rule);

	/* the change will be recorded */
	paysafe_declare_complete();

	known = paysafe_rule_newest(relation, name, &old_rule, &removed);
	new_rule.version = known ? old_rule.version + 1 : 1;
	if (!known || removed || old_rule.reference != reference ||
		!paysafe_spec_equal(old_rule.spec, spec))
	{
		if (known && !removed)
		{
			char	   *words = new_rule.kind->loosens(&old_rule, &new_rule);

			if (words != NULL)
				paysafe_declare_authorize(relation, name, new_rule.version, words);
		}
		add_version(relation, name, new_rule.version, reference, spec, false, NULL);
		validate(relation, name);
		if (OidIsValid(reference))
			validate(reference, NULL);
	}
	ensure_triggers(relation);
	if (OidIsValid(reference))
		ensure_triggers(reference);
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

List *
paysafe_declare_set_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument)));
	return paysafe_strings_of_array(PG_GETARG_ARRAYTYPE_P(n), argument);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_unprotect);

/*
 * unprotect(relation, rule, reason) returns void
 */
Datum
paysafe_unprotect(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *reason = text_to_cstring(PG_GETARG_TEXT_PP(2));
	RuleSource	rule;
	bool		removed;

	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dropping a rule needs a reason")));
	paysafe_declare_lock(relation);
	if (!paysafe_rule_newest(relation, name, &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no rule \"%s\"", get_rel_name(relation), name),
				 errhint("The view paysafe.protection lists the rules in force.")));
	if (OidIsValid(rule.reference) && get_rel_relkind(rule.reference) != '\0')
		paysafe_declare_lock(rule.reference);
	if (!is_window_open(relation))
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = name,
						   .schema_name = get_namespace_name(get_rel_namespace(relation)),
						   .table_name = get_rel_name(relation),
						   .message = psprintf("dropping rule \"%s\" of table \"%s\" needs a maintenance window",
											   name, get_rel_name(relation)),
						   .hint = psprintf("With a second person: SELECT paysafe.open_maintenance('why', 'ticket', '1 hour', %s);",
											quote_literal_cstr(psprintf("{%s}", paysafe_declare_table_name(relation))))
					   });
	paysafe_declare_complete();
	add_version(relation, name, rule.version + 1, rule.reference, rule.spec, true, reason);

	/* what is left must still make sense without it */
	validate(relation, NULL);
	drop_triggers(relation);
	if (OidIsValid(rule.reference) && get_rel_relkind(rule.reference) != '\0')
		drop_triggers(rule.reference);
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
