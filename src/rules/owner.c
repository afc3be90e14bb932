/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  Rows have an owner, and whoever acts writes their own.
 *
 * The owner is a name that stands in the row, as act_as or a token gives it, or another
 * one that the registry of people knows for the same person.  Two spellings that only
 * look alike are not the same here: what is not shown to be one's own is somebody else's.
 *
 * A group may write everybody's rows, and give them to anybody but the one who does it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/acting.h"
#include "people/actor.h"
#include "people/person.h"
#include "people/registry.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

typedef struct OwnerState
{
	AttrNumber	attnum;
	char	   *name;
	FmgrInfo	out;			/* of the column's type */
	bool		is_text;
	IdentityLevel identity;		/* how well it must be known who acts */
	char	   *group;			/* who may write everybody's rows, or NULL */
} OwnerState;

/* Who acts now; good as long as the two generations are. */
static struct
{
	uint64		actor_generation;
	uint64		registry_generation;
	bool		known;			/* the rest is there */
	char		name[PAYSAFE_ACTOR_MAX + 1];	/* empty: nobody is named */
	IdentityLevel level;
	int64		person;			/* registered, or 0 */
}			acting;

/* Two flags in the specification: to set one is no loosening. */
static IdentityLevel
identity_of(const Jsonb *spec)
{
	return paysafe_spec_bool(spec, "proven") ? IDENTITY_PROVEN :
		paysafe_spec_bool(spec, "session") ? IDENTITY_SESSION : IDENTITY_CLAIMED;
}

static void *
compile(const CompileInput *input)
{
	OwnerState *state = palloc0(sizeof(OwnerState));
	const Jsonb *spec = input->source->spec;
	Form_pg_attribute att;
	Oid			type;
	Oid			out;
	bool		is_varlena;

	state->name = paysafe_spec_text(spec, "owner_column");
	state->attnum = paysafe_catalog_column(input->leaf, state->name);
	att = TupleDescAttr(RelationGetDescr(input->leaf), state->attnum - 1);
	type = getBaseType(att->atttypid);
	state->is_text = type == TEXTOID || type == VARCHAROID;
	if (!state->is_text && type != INT2OID && type != INT4OID && type != INT8OID && type != UUIDOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" cannot say who owns a row",
						state->name, RelationGetRelationName(input->leaf)),
				 errdetail("Its type must be smallint, integer, bigint, uuid, text or varchar, or a domain over one of them.")));
	getTypeOutputInfo(type, &out, &is_varlena);
	fmgr_info_cxt(out, &state->out, CurrentMemoryContext);
	state->identity = identity_of(spec);
	state->group = paysafe_spec_optional_text(spec, "owner_group");
	return state;
}

static void
look_who_acts(void)
{
	Person	   *person;
	RegisteredPerson *registered;
	const char *name;

	if (acting.known && acting.actor_generation == paysafe_actor_generation() &&
		acting.registry_generation == paysafe_registry_generation())
		return;
	acting.known = false;
	acting.actor_generation = paysafe_actor_generation();
	acting.registry_generation = paysafe_registry_generation();
	person = paysafe_person_current();
	name = person->actor ? person->actor : paysafe_person_is_unknown(person) ? "" : person->login;
	strlcpy(acting.name, name, sizeof(acting.name));
	acting.level = person->level;
	registered = *name != '\0' && paysafe_registry_is_used() ? paysafe_registry_find(PERSON_NAME, name) : NULL;
	acting.person = registered ? registered->id : 0;
	/* what a login is worth without a name hangs on grants, which may change meanwhile */
	acting.known = paysafe_actor_is_named();
}

/* Is the one who acts meant? */
static bool
is_own(const OwnerState *state, Datum value)
{
	const char *name;
	size_t		len;
	RegisteredPerson *person;

	if (state->is_text)
	{
		text	   *words = DatumGetTextPP(value);

		name = VARDATA_ANY(words);
		len = VARSIZE_ANY_EXHDR(words);
	}
	else
	{
		name = OutputFunctionCall(unconstify(FmgrInfo *, &state->out), value);
		len = strlen(name);
	}
	if (likely(len == strlen(acting.name) && memcmp(name, acting.name, len) == 0))
		return true;
	if (acting.person == 0)
		return false;
	person = paysafe_registry_find(PERSON_NAME, pnstrdup(name, len));
	return person != NULL && person->id == acting.person;
}

/* May the one who acts write everybody's rows? */
static bool
is_of_group(const OwnerState *state)
{
	return state->group != NULL &&
		paysafe_acting_in_groups(paysafe_person_current(), GetCurrentTimestamp(), list_make1(state->group), NULL);
}

/* Refusing */

static const char *
operation(const RowChange *change)
{
	return change->op == 'I' ? "INSERT" : change->op == 'U' ? "UPDATE" : "DELETE";
}

static char *
row_detail(const RowChange *change)
{
	return psprintf("Row \"%s\".",
					paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
															   change->before ? change->before : change->after)));
}

static PAYSAFE_NORETURN void
refuse_nobody(const Rule *rule, const RowChange *change)
{
	const OwnerState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23J02_UNKNOWN_OWNER, NULL,
						acting.name[0] == '\0' ?
						psprintf("rows of table \"%s\" have owners, and nobody is named: %s refused", rule->table_name, operation(change)) :
						psprintf("rows of table \"%s\" are written by whoever is known by identity \"%s\": %s refused",
								 rule->table_name, paysafe_identity_name(state->identity), operation(change)),
						acting.name[0] == '\0' ? row_detail(change) :
						psprintf("\"%s\" is known by identity \"%s\".", acting.name, paysafe_identity_name(acting.level)),
						"Say in the same transaction who acts: paysafe.act_as, paysafe.act_as_token.");
}

static PAYSAFE_NORETURN void
refuse(const Rule *rule, const RowChange *change, const char *message)
{
	const OwnerState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23J01_OWNER, state->name,
						psprintf("%s: %s refused", message, operation(change)),
						row_detail(change),
						state->group ?
						psprintf("Its owner may, or a member of group \"%s\", but for rows that would become their own.", state->group) :
						"Its owner may.");
}

static void
check_after(const Rule *rule, const RowChange *change, bool was_own, bool by_group)
{
	const OwnerState *state = rule->compiled;
	bool		isnull;
	Datum		value = slot_getattr(change->after, state->attnum, &isnull);
	bool		own;

	if (isnull)
		refuse(rule, change, psprintf("a row of table \"%s\" has no owner", rule->table_name));
	own = is_own(state, value);
	if (own && !was_own)
		refuse(rule, change, psprintf("a row of table \"%s\" is taken over", rule->table_name));
	if (!own && !by_group && !is_of_group(state))
		refuse(rule, change, change->op == 'I' ?
			   psprintf("a row of table \"%s\" is another owner's", rule->table_name) :
			   psprintf("a row of table \"%s\" is given to another owner", rule->table_name));
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const OwnerState *state = rule->compiled;
	bool		was_own = true;
	bool		by_group = false;

	look_who_acts();
	if (acting.name[0] == '\0' || acting.level < state->identity)
		refuse_nobody(rule, change);
	if (change->before != NULL)
	{
		bool		isnull;
		Datum		value = slot_getattr(change->before, state->attnum, &isnull);

		was_own = !isnull && is_own(state, value);
		by_group = !was_own && is_of_group(state);
		if (!was_own && !by_group)
			refuse(rule, change, psprintf("a row of table \"%s\" is another owner's", rule->table_name));
	}
	if (change->after != NULL)
		check_after(rule, change, was_own, by_group);
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const OwnerState *state = rule->compiled;

	if (slot_attisnull(row, state->attnum))
		(void) paysafe_existing_fault(report, "Row", paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row),
									  psprintf("it has no owner: column \"%s\" is NULL", state->name));
}

static bool
in_parts(const Rule *rule)
{
	return true;
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	char	   *group = paysafe_spec_optional_text(spec, "owner_group");

	return psprintf("rows are written by the owner in %s, known by identity %s%s%s",
					paysafe_spec_text(spec, "owner_column"), paysafe_identity_name(identity_of(spec)),
					group ? ", or by group " : "", group ? group : "");
}

const RuleKind paysafe_owner_kind = {
	.name = "owner",
	.fields = (const SpecField[])
	{
		{"owner_column", SPEC_COLUMN},
		{"owner_group", SPEC_TEXT},
		{"session", SPEC_FLAG, SPEC_REMOVE, .set_words = "a claim is not enough", .unset_words = "a claim is enough"},
		{"proven", SPEC_FLAG, SPEC_REMOVE, .set_words = "a login is not enough, a token is asked for", .unset_words = "no token is asked for"},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.describe = describe
};

/* SQL-callable functions */

/* The weakest identity that may write: anything but that of an approval, and none. */
static IdentityLevel
identity_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *name = paysafe_argument_text(fcinfo, n, "identity", NAMEDATALEN - 1);
	IdentityLevel level = paysafe_identity_parse(name);

	if (level == IDENTITY_NONE || level == IDENTITY_PASSKEY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be claimed, session or proven", "identity")));
	return level;
}

PG_FUNCTION_INFO_V1(paysafe_protect_owner);

/*
 * protect_owner(relation regclass, owner_column name, owner_group text, identity text, mode text)
 *	  returns void
 */
Datum
paysafe_protect_owner(PG_FUNCTION_ARGS)
{
	char	   *column = paysafe_declare_name_argument(fcinfo, 1, "owner_column");
	SpecBuilder spec;
	IdentityLevel identity;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "owner_column", column);
	if (!PG_ARGISNULL(2))
		paysafe_spec_add_text(&spec, "owner_group", paysafe_argument_text(fcinfo, 2, "owner_group", NAMEDATALEN - 1));
	identity = identity_argument(fcinfo, 3);
	paysafe_spec_add_bool(&spec, "session", identity >= IDENTITY_SESSION);
	paysafe_spec_add_bool(&spec, "proven", identity >= IDENTITY_PROVEN);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), "owner", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
