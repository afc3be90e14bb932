/*-------------------------------------------------------------------------
 *
 * breach.c
 *	  What is stored although a rule refuses it, and on record for that.
 *
 * A breach is a row of paysafe.breach_record.  It waits until another person than
 * who caused it has said what became of it, a row of paysafe.breach_settlement; if
 * nobody is known to have caused it, as with a webhook that nobody is named for, two
 * of them.  Lock order: breaches after everything that a row's check takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/approve.h"
#include "engine/breach.h"
#include "errors.h"
#include "people/acting.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"

/* Columns of paysafe.breach_record and paysafe.breach_settlement. */
enum
{
	BREACH_ID, BREACH_RELATION, BREACH_KEY, BREACH_RULE, BREACH_SQLSTATE, BREACH_MESSAGE,
	BREACH_DETAIL, BREACH_SETTLERS, BREACH_ACTOR, BREACH_LOGIN, BREACH_SESSION_USER,
	BREACH_REASON, BREACH_TICKET, BREACH_REQUEST_ID, BREACH_AT,
	BREACH_NCOLUMNS
};
enum
{
	SETTLEMENT_BREACH, SETTLEMENT_NUMBER, SETTLEMENT_ACTOR, SETTLEMENT_LOGIN,
	SETTLEMENT_SESSION_USER, SETTLEMENT_REASON, SETTLEMENT_TICKET, SETTLEMENT_AT,
	SETTLEMENT_NCOLUMNS
};

/* A text column, or NULL. */
static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static const char *
redacted(const char *text)
{
	return text ? paysafe_redact_string(text) : NULL;
}

void
paysafe_breach_record(const Rule *rule, const RowChange *change, const Refusal *refusal)
{
	const ActorClaim *actor = paysafe_actor_current();
	Person	   *person = paysafe_person_current();
	char	   *key = paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
										   change->after ? change->after : change->before);
	const char *message = redacted(refusal->message);
	Datum		values[BREACH_NCOLUMNS];
	bool		nulls[BREACH_NCOLUMNS] = {0};
	int64		id = nextval_internal(get_relname_relid("breach_id_seq", paysafe_catalog_schema()), false);

	values[BREACH_ID] = Int64GetDatum(id);
	values[BREACH_RELATION] = ObjectIdGetDatum(rule->declared_on);
	values[BREACH_KEY] = CStringGetTextDatum(key);
	values[BREACH_RULE] = CStringGetTextDatum(rule->name);
	values[BREACH_SQLSTATE] = CStringGetTextDatum(unpack_sql_state(refusal->sqlstate));
	values[BREACH_MESSAGE] = CStringGetTextDatum(message);
	set_text(values, nulls, BREACH_DETAIL, redacted(refusal->detail));
	values[BREACH_SETTLERS] = Int32GetDatum(paysafe_person_is_unknown(person) ? 2 : 1);
	set_text(values, nulls, BREACH_ACTOR, person->actor);
	set_text(values, nulls, BREACH_LOGIN, person->login);
	set_text(values, nulls, BREACH_SESSION_USER, person->session_user_name);
	set_text(values, nulls, BREACH_REASON, actor ? actor->reason : NULL);
	set_text(values, nulls, BREACH_TICKET, actor ? actor->ticket : NULL);
	set_text(values, nulls, BREACH_REQUEST_ID, actor ? actor->request_id : NULL);
	values[BREACH_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_BREACH_RECORD, values, nulls);
	ereport(WARNING,
			(errmsg("a row of table \"%s\" is stored that breaks its rule \"%s\": breach " INT64_FORMAT,
					rule->table_name, rule->name, id),
			 errdetail("%s: %s.", unpack_sql_state(refusal->sqlstate), message),
			 errhint("Its status records what has happened. Another person finds out why, and settles it: SELECT paysafe.settle_breach(" INT64_FORMAT ", 'what became of it');",
					 id)));
}

void
paysafe_breach_or_refuse(const Rule *rule, const RowChange *change, bool is_fact,
						 const Refusal *refusal)
{
	if (is_fact && !paysafe_rule_is_watched(rule))
	{
		paysafe_breach_record(rule, change, refusal);
		return;
	}
	paysafe_rule_object(rule, refusal->rule ? refusal->rule : rule->name, refusal->sqlstate,
						refusal->column, refusal->message, refusal->detail, refusal->hint);
}

typedef struct BreachSearch
{
	const char *rule;
	const char *sqlstate;
	TimestampTz since;
	bool		found;
} BreachSearch;

static bool
note_breach(Relation rel, HeapTuple tuple, void *arg)
{
	BreachSearch *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	search->found = strcmp(paysafe_store_text(tuple, desc, BREACH_SQLSTATE), search->sqlstate) == 0 &&
		strcmp(paysafe_store_text(tuple, desc, BREACH_RULE), search->rule) == 0 &&
		DatumGetTimestampTz(heap_getattr(tuple, BREACH_AT + 1, desc, &isnull)) >= search->since;
	return !search->found;
}

bool
paysafe_breach_exists(Oid relation, const char *rule, const char *key, int sqlstate, TimestampTz since)
{
	BreachSearch search = {.rule = rule, .sqlstate = pstrdup(unpack_sql_state(sqlstate)), .since = since};
	Datum		keys[2] = {ObjectIdGetDatum(relation), key ? CStringGetTextDatum(key) : (Datum) 0};

	if (!paysafe_store_is_empty(PAYSAFE_BREACH_RECORD))
		paysafe_store_scan(PAYSAFE_BREACH_RECORD, "breach_record_row", key ? 2 : 1, keys, note_breach, &search);
	return search.found;
}

static bool
count_settlement(Relation rel, HeapTuple tuple, void *arg)
{
	++*(int *) arg;
	return true;
}

static bool
note_open(Relation rel, HeapTuple tuple, void *arg)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Datum		id = heap_getattr(tuple, BREACH_ID + 1, desc, &isnull);
	int			settled = 0;

	paysafe_store_scan(PAYSAFE_BREACH_SETTLEMENT, "breach_settlement_pkey", 1, &id, count_settlement,
					   &settled);
	*(bool *) arg = settled < DatumGetInt32(heap_getattr(tuple, BREACH_SETTLERS + 1, desc, &isnull));
	return !*(bool *) arg;
}

bool
paysafe_breach_is_open(Oid relation, const char *key)
{
	bool		found = false;
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(key)};

	if (!paysafe_store_is_empty(PAYSAFE_BREACH_RECORD))
		paysafe_store_scan(PAYSAFE_BREACH_RECORD, "breach_record_row", 2, keys, note_open, &found);
	return found;
}

void
paysafe_breach_forget(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_remove(PAYSAFE_BREACH_RECORD, "breach_record_row", 1, &key);
}

/*
 * Settling
 */

typedef struct Breach
{
	bool		found;
	Oid			relation;
	int			settlers;		/* it takes so many */
	List	   *persons;		/* of Person: who caused it, or settled it before */
	int			settled;
} Breach;

static bool
read_breach(Relation rel, HeapTuple tuple, void *arg)
{
	Breach	   *breach = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	Person	   *person = palloc0(sizeof(Person));
	bool		isnull;

	breach->found = true;
	breach->relation = DatumGetObjectId(heap_getattr(tuple, BREACH_RELATION + 1, desc, &isnull));
	breach->settlers = DatumGetInt32(heap_getattr(tuple, BREACH_SETTLERS + 1, desc, &isnull));
	person->actor = paysafe_store_text(tuple, desc, BREACH_ACTOR);
	person->login = paysafe_store_text(tuple, desc, BREACH_LOGIN);
	person->session_user_name = paysafe_store_text(tuple, desc, BREACH_SESSION_USER);
	/* of nobody that is known, nobody can be shown to be another: there are two then */
	if (breach->settlers == 1)
		breach->persons = lappend(breach->persons, person);
	return false;
}

static bool
read_settlement(Relation rel, HeapTuple tuple, void *arg)
{
	Breach	   *breach = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	Person	   *person = palloc0(sizeof(Person));

	person->actor = paysafe_store_text(tuple, desc, SETTLEMENT_ACTOR);
	person->login = paysafe_store_text(tuple, desc, SETTLEMENT_LOGIN);
	person->session_user_name = paysafe_store_text(tuple, desc, SETTLEMENT_SESSION_USER);
	breach->persons = lappend(breach->persons, person);
	breach->settled++;
	return true;
}

static PAYSAFE_NORETURN void
refuse(const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "settlement",
					   .schema_name = "paysafe",
					   .table_name = "breach_record",
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}

/* The breach, locked until the end of the transaction. */
static void
find_breach(int64 id, Breach *breach)
{
	Datum		key = Int64GetDatum(id);

	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_BREACH_RECORD), (Oid) id, (uint16) (id >> 32),
					   ExclusiveLock);
	paysafe_store_scan(PAYSAFE_BREACH_RECORD, "breach_record_pkey", 1, &key, read_breach, breach);
	if (!breach->found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("breach " INT64_FORMAT " does not exist", id)));
	if (get_rel_relkind(breach->relation) != '\0')
	{
		AclResult	aclresult = pg_class_aclcheck(breach->relation, GetUserId(), ACL_SELECT);

		if (aclresult != ACLCHECK_OK)
			aclcheck_error(aclresult, get_relkind_objtype(get_rel_relkind(breach->relation)),
						   get_rel_name(breach->relation));
	}
	paysafe_store_scan(PAYSAFE_BREACH_SETTLEMENT, "breach_settlement_pkey", 1, &key, read_settlement,
					   breach);
	if (breach->settled >= breach->settlers)
		refuse(psprintf("breach " INT64_FORMAT " has been settled already", id), NULL,
			   "The view paysafe.breach has by whom, and why.");
}

/* Who settles what. */
typedef struct Settling
{
	const Person *person;
	const Breach *breach;
} Settling;

static void
check_settler(void *arg)
{
	const Settling *settling = arg;

	paysafe_acting_check_settler(settling->person);
	if (settling->person->actor == NULL)
		refuse("settling a breach needs a person",
			   "No actor is declared in this transaction, and a login alone is not a person.",
			   "Call paysafe.act_as('name') in the same transaction first.");
}

static void
check_second(void *arg)
{
	const Settling *settling = arg;
	const Person *person = settling->person;
	const Breach *breach = settling->breach;
	ListCell   *lc;

	foreach(lc, breach->persons)
	{
		const Person *other = lfirst(lc);
		char	   *conflict = paysafe_person_conflict(person, other);

		if (conflict != NULL)
			refuse(psprintf("\"%s\" cannot settle this breach", person->actor),
				   breach->settled > 0 ? psprintf("\"%s\" has settled it, and it takes two people.", other->actor) :
				   other->actor ? psprintf("\"%s\" caused it.", other->actor) :
				   psprintf("It was caused over the login \"%s\".", other->login),
				   "Another person has to settle it.");
	}
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_settle_breach);

/*
 * settle_breach(id, reason, ticket) returns boolean: is it settled now?
 */
Datum
paysafe_settle_breach(PG_FUNCTION_ARGS)
{
	Breach		breach = {0};
	Settling	settling = {.breach = &breach};
	Datum		values[SETTLEMENT_NCOLUMNS];
	bool		nulls[SETTLEMENT_NCOLUMNS] = {0};
	char	   *reason;
	char	   *ticket;
	Person	   *person;

	paysafe_approval_check_own_code("paysafe.settle_breach");
	paysafe_argument_required(fcinfo, 0, "id");
	reason = paysafe_argument_reason(fcinfo, 1, "reason", "settling a breach");
	ticket = PG_ARGISNULL(2) ? NULL : paysafe_argument_reason(fcinfo, 2, "ticket", "settling a breach");
	person = paysafe_person_current();
	settling.person = person;
	paysafe_approve_try(person, check_settler, &settling);
	find_breach(PG_GETARG_INT64(0), &breach);
	paysafe_approve_try(person, check_second, &settling);

	values[SETTLEMENT_BREACH] = PG_GETARG_DATUM(0);
	values[SETTLEMENT_NUMBER] = Int32GetDatum(breach.settled + 1);
	set_text(values, nulls, SETTLEMENT_ACTOR, person->actor);
	set_text(values, nulls, SETTLEMENT_LOGIN, person->login);
	set_text(values, nulls, SETTLEMENT_SESSION_USER, person->session_user_name);
	set_text(values, nulls, SETTLEMENT_REASON, redacted(reason));
	set_text(values, nulls, SETTLEMENT_TICKET, redacted(ticket));
	values[SETTLEMENT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_BREACH_SETTLEMENT, values, nulls);
	PG_RETURN_BOOL(breach.settled + 1 >= breach.settlers);
}
