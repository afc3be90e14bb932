/*-------------------------------------------------------------------------
 *
 * replica.c
 *	  Subscriptions that two people trust.
 *
 * What logical replication brings is judged like any other change, unless two people
 * have declared that this subscription is trusted for the table: then rows are
 * stored as the publisher's rules have let them pass, and recorded.  The trust is in
 * a subscription as it was when it was declared: its connection, its slot and its
 * publications.  Who points it elsewhere ends it.
 *
 * What cannot be judged here, because approvals, reasons or locks stay behind, and
 * initial copies, whose rows are in the middle of their lives, are refused when the
 * subscription starts rather than by a worker that tries for ever.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/declare.h"
#include "engine/loosening.h"
#include "errors.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/replica.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/replica.h"
#include "values/spec.h"

typedef struct ReplicaState
{
	char	   *subscription;	/* its name */
	char	   *source;			/* where its rows came from when it was trusted */
} ReplicaState;

/* A subscription as the catalog has it. */
typedef struct Source
{
	char	   *connection;
	char	   *slot;			/* or "" */
	List	   *publications;	/* sorted */
	bool		binary;
	bool		enabled;
} Source;

static char *
text_attribute(HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(SUBSCRIPTIONOID, tuple, attnum, &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

static bool
read_source(Oid subscription, Source *out)
{
	HeapTuple	tuple = SearchSysCache1(SUBSCRIPTIONOID, ObjectIdGetDatum(subscription));
	Form_pg_subscription form;
	bool		isnull;
	Datum		slot;
	Datum		publications;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_subscription) GETSTRUCT(tuple);
	out->binary = form->subbinary;
	out->enabled = form->subenabled;
	out->connection = text_attribute(tuple, Anum_pg_subscription_subconninfo);
	slot = SysCacheGetAttr(SUBSCRIPTIONOID, tuple, Anum_pg_subscription_subslotname, &isnull);
	out->slot = isnull ? pstrdup("") : pstrdup(NameStr(*DatumGetName(slot)));
	publications = SysCacheGetAttr(SUBSCRIPTIONOID, tuple, Anum_pg_subscription_subpublications, &isnull);
	out->publications = paysafe_strings_of_array(DatumGetArrayTypePCopy(publications), "publications");
	out->publications = paysafe_strings_sorted(out->publications);
	ReleaseSysCache(tuple);
	return true;
}

/*
 * Where the rows come from, in words: what people approve is what is compared later.
 * Without passwords, which may change and must not be read here.
 */
static char *
words_of(const Source *source)
{
	return psprintf("publications %s, slot \"%s\", at \"%s\"", paysafe_strings_join(source->publications),
					source->slot, paysafe_redact_string(source->connection));
}

static bool
is_trusted(const ReplicaState *state, Oid subscription)
{
	char	   *name = get_subscription_name(subscription, true);
	Source		source;

	return name != NULL && strcmp(name, state->subscription) == 0 &&
		read_source(subscription, &source) &&
		strcmp(words_of(&source), state->source) == 0;
}

static ReplicaState *
state_of(const Jsonb *spec)
{
	ReplicaState *state = palloc(sizeof(ReplicaState));

	state->subscription = paysafe_spec_text(spec, "subscription");
	state->source = paysafe_spec_text(spec, "source");
	return state;
}

static void *
compile(const CompileInput *input)
{
	return input->as_reference ? NULL : state_of(input->source->spec);
}

/*
 * A worker starts again when its subscription is changed, so that what it has found
 * once holds for the rest of its life.
 */
static bool
replays(const Rule *rule, Oid subscription)
{
	static char *trusted = NULL;	/* the source that was found */
	const ReplicaState *state = rule->compiled;

	if (trusted != NULL && strcmp(trusted, state->source) == 0)
		return true;
	if (!is_trusted(state, subscription))
		return false;
	trusted = MemoryContextStrdup(TopMemoryContext, state->source);
	return true;
}

/* paysafe.rule stands for all tables of paysafe. */
static bool
replays_own_table(Oid subscription)
{
	static uint64 looked = 0;
	static bool answer = false;
	uint64		now = U64FromFullTransactionId(GetTopFullTransactionId());
	RuleSource	rule;
	bool		removed;

	if (looked != now)
	{
		answer = paysafe_rule_newest(paysafe_catalog_table(PAYSAFE_RULE), "replica", &rule, &removed) &&
			!removed && is_trusted(state_of(rule.spec), subscription);
		looked = now;
	}
	return answer;
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("subscription %s of %s is trusted: its rows are stored as they come",
					paysafe_spec_text(spec, "subscription"), paysafe_spec_text(spec, "source"));
}

const RuleKind paysafe_replica_kind = {
	.name = "replica",
	/* trust_subscription asks for the second person, the first time too */
	.fields = (const SpecField[])
	{
		{.key = "subscription", .type = SPEC_TEXT},
		{.key = "source", .type = SPEC_TEXT},
		{.key = "tables", .type = SPEC_TEXT},
		{.key = NULL}
	},
	.compile = compile,
	.replays = replays,
	.describe = describe
};

/*
 * What a subscription that is not trusted may bring
 */

/* Can rows of this rule be judged when replication brings them? */
static bool
is_judged(const RuleSource *rule)
{
	if (rule->kind == &paysafe_audit_kind)
		return !paysafe_spec_bool(rule->spec, "require_reason") &&
			!paysafe_spec_bool(rule->spec, "require_ticket");
	return rule->kind != &paysafe_refund_kind && rule->kind != &paysafe_row_lock_kind;
}

/* What is wrong with bringing rows of this table, or NULL. */
static char *
relation_fault(Oid subscription, Oid relid, char state)
{
	char	   *fault = NULL;
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relid))
	{
		RuleSource *rule = lfirst(lc);

		if (rule->observed)
			continue;			/* it stops nothing */
		if (rule->kind == &paysafe_replica_kind)
		{
			if (is_trusted(state_of(rule->spec), subscription))
				return NULL;
		}
		else if (state == SUBREL_STATE_INIT || state == SUBREL_STATE_DATASYNC)
			fault = psprintf("Rows of table \"%s\" would be copied in the middle of their lives, which its rule \"%s\" would refuse.",
							 get_rel_name(relid), rule->name);
		else if (!is_judged(rule))
			fault = psprintf("Rows of table \"%s\" cannot be judged here by its rule \"%s\": approvals, reasons and locks stay where the rows come from.",
							 get_rel_name(relid), rule->name);
	}
	return fault;
}

Oid
paysafe_replica_find(const char *name)
{
	return GetSysCacheOid2(SUBSCRIPTIONNAME, Anum_pg_subscription_oid,
						   ObjectIdGetDatum(MyDatabaseId), CStringGetDatum(name));
}

char *
paysafe_replica_fault(Oid subscription, Oid *relation)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	Source		source;
	char	   *fault = NULL;

	if (!read_source(subscription, &source) || !source.enabled || !paysafe_store_is_active())
		return NULL;
	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (fault == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_subscription_rel form = (Form_pg_subscription_rel) GETSTRUCT(tuple);

		if (form->srsubid != subscription)
			continue;
		*relation = form->srrelid;
		fault = relation_fault(subscription, form->srrelid, form->srsubstate);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return fault;
}

void
paysafe_replica_init(void)
{
	paysafe_store_set_replay(replays_own_table);
}

/* SQL-callable functions */

/* The tables of an array, in the order in which they are locked. */
static List *
relations_argument(ArrayType *array)
{
	List	   *result = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", "relations")));
		else
			result = list_append_unique_oid(result, DatumGetObjectId(values[i]));
	if (result == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "relations")));
	list_sort(result, list_oid_cmp);
	return result;
}

/* Both take a subscription's name, tables, and a reason. */
static Oid
subscription_argument(FunctionCallInfo fcinfo, List **relations)
{
	static const char *const arguments[] = {"subscription", "relations", "reason"};
	char	   *reason;
	Oid			subscription;

	paysafe_argument_all_required(fcinfo, arguments, lengthof(arguments));
	reason = text_to_cstring(PG_GETARG_TEXT_PP(2));
	subscription = paysafe_replica_find(NameStr(*PG_GETARG_NAME(0)));
	if (strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trust in a subscription, and its end, need a reason")));
	*relations = relations_argument(PG_GETARG_ARRAYTYPE_P(1));
	return subscription;
}

static bool
is_own(Oid relid)
{
	return relid == paysafe_catalog_table(PAYSAFE_RULE);
}

static void
lock_relation(Oid relid)
{
	if (!is_own(relid))
		paysafe_declare_lock(relid);
	else
		paysafe_declare_check_owner(relid);
}

PG_FUNCTION_INFO_V1(paysafe_trust_subscription);

/*
 * trust_subscription(subscription, relations, reason) returns void
 */
Datum
paysafe_trust_subscription(PG_FUNCTION_ARGS)
{
	List	   *relations;
	Oid			subscription = subscription_argument(fcinfo, &relations);
	char	   *name = NameStr(*PG_GETARG_NAME(0));
	char	   *reason = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char	   *from;
	List	   *names = NIL;
	List	   *declared = NIL;
	ProposedChange change = {.approved_as = PAYSAFE_RULE, .name = "replica"};
	SpecBuilder builder;
	Source		source;
	Jsonb	   *spec;
	int			version = 1;
	ListCell   *lc;

	if (!OidIsValid(subscription) || !read_source(subscription, &source))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("subscription \"%s\" does not exist", paysafe_redact_string(name)),
				 errhint("Create it first, WITH (enabled = false), and enable it when it is trusted.")));
	from = words_of(&source);
	foreach(lc, relations)
	{
		Oid			relid = lfirst_oid(lc);
		RuleSource	rule;
		bool		removed = false;
		bool		known;

		lock_relation(relid);
		if (is_own(relid) && source.binary)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("subscription \"%s\" is binary: it would bring the publisher's OIDs into paysafe's tables", name),
					 errhint("ALTER SUBSCRIPTION %s SET (binary = false);", quote_identifier(name))));
		known = paysafe_rule_newest(relid, "replica", &rule, &removed);
		version = Max(version, known ? rule.version + 1 : 1);
		if (known && !removed && strcmp(paysafe_spec_text(rule.spec, "source"), from) == 0 &&
			strcmp(paysafe_spec_text(rule.spec, "subscription"), name) == 0)
			continue;
		names = lappend(names, paysafe_catalog_table_name(relid));
		declared = lappend_oid(declared, relid);
	}
	if (declared == NIL)
		PG_RETURN_VOID();
	paysafe_spec_begin(&builder);
	paysafe_spec_add_text(&builder, "subscription", name);
	paysafe_spec_add_text(&builder, "source", from);
	paysafe_spec_add_text(&builder, "tables", paysafe_strings_join(names));
	change.relation = linitial_oid(declared);
	change.after = spec = paysafe_spec_end(&builder);
	change.version = version;
	change.loosens = change.difference =
		psprintf("trusts subscription \"%s\" (%s) for %s", name, from, paysafe_strings_join(names));
	change.comes_to = psprintf("replica %s (%s) for %s", name, from, paysafe_strings_join(paysafe_strings_sorted(names)));
	if (!paysafe_loosening_authorize(&change))
		PG_RETURN_VOID();
	paysafe_store_complete();
	foreach(lc, declared)
		paysafe_declare_version(lfirst_oid(lc), "replica", spec, false, reason);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_subscription_trouble);

/*
 * subscription_trouble(subscription) returns text: see paysafe_replica_fault
 */
Datum
paysafe_subscription_trouble(PG_FUNCTION_ARGS)
{
	Oid			subscription = paysafe_replica_find(NameStr(*PG_GETARG_NAME(0)));
	Oid			relation;
	char	   *fault = OidIsValid(subscription) ? paysafe_replica_fault(subscription, &relation) : NULL;

	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

PG_FUNCTION_INFO_V1(paysafe_distrust_subscription);

/*
 * distrust_subscription(subscription, relations, reason) returns void: judged like
 * everybody from now on, which takes no second person
 */
Datum
paysafe_distrust_subscription(PG_FUNCTION_ARGS)
{
	List	   *relations;
	char	   *name;
	ListCell   *lc;

	(void) subscription_argument(fcinfo, &relations);
	name = NameStr(*PG_GETARG_NAME(0));
	paysafe_store_complete();
	foreach(lc, relations)
	{
		RuleSource	rule;
		bool		removed;

		lock_relation(lfirst_oid(lc));
		if (!paysafe_rule_newest(lfirst_oid(lc), "replica", &rule, &removed) || removed ||
			strcmp(paysafe_spec_text(rule.spec, "subscription"), name) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("subscription \"%s\" is not trusted for table \"%s\"",
							name, get_rel_name(lfirst_oid(lc)))));
		paysafe_declare_version(lfirst_oid(lc), "replica", rule.spec, true,
								text_to_cstring(PG_GETARG_TEXT_PP(2)));
	}
	PG_RETURN_VOID();
}
