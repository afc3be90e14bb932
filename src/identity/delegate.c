/*-------------------------------------------------------------------------
 *
 * delegate.c
 *	  Letting somebody approve in one's place, and taking that back.
 *
 * People only delegate what is theirs, by themselves, for a time that ends.  Whoever has got it does not pass
 * it on, so there is no chain; and who would get back what is their own, by however many hands, is refused.  All
 * of this is decided one after the other, under one lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/approve.h"
#include "errors.h"
#include "people/acting.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/delegation.h"
#include "people/registry.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Longer than that nobody is away. */
#define MAX_DAYS	366

/* Columns of paysafe.delegation_record and paysafe.delegation_end. */
enum
{
	RECORD_ID, RECORD_DELEGATOR, RECORD_DELEGATE, RECORD_UNTIL, RECORD_IDENTITY, RECORD_AT, RECORD_REASON, RECORD_TICKET,
	RECORD_ACTOR, RECORD_LOGIN, RECORD_SESSION_USER,
	RECORD_NCOLUMNS
};
enum
{
	END_DELEGATION, END_REASON, END_ACTOR, END_LOGIN, END_SESSION_USER, END_AT,
	END_NCOLUMNS
};

static PAYSAFE_NORETURN void
impossible(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}

/* Who delegates. */
typedef struct Delegating
{
	const Person *person;
	RegisteredPerson *delegator;
} Delegating;

static void
check_delegator(void *arg)
{
	Delegating *delegating = arg;
	const Person *person = delegating->person;

	delegating->delegator = person->actor ? paysafe_registry_find(PERSON_NAME, person->actor) : NULL;
	paysafe_acting_check_settler(person);
	if (delegating->delegator == NULL)
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, "a delegation needs a registered person",
								person->actor ? psprintf("\"%s\" is not registered.", person->actor) : "Nobody is named.",
								"Who delegates says so themselves: paysafe.act_as, or paysafe.act_as_token, in the same transaction.");
}

/* The person acting now, over a connection and a login over which one approves. */
static RegisteredPerson *
delegator_now(const Person *person)
{
	Delegating	delegating = {.person = person};

	paysafe_approve_try(person, check_delegator, &delegating);
	return delegating.delegator;
}

static RegisteredPerson *
delegate_argument(char *name, const RegisteredPerson *delegator)
{
	RegisteredPerson *delegate = paysafe_registry_find(PERSON_NAME, name);

	if (delegate == NULL)
		impossible(psprintf("\"%s\" is not registered", paysafe_redact_string(name)), "Two people register somebody: paysafe.add_person.");
	if (delegate->service)
		impossible(psprintf("\"%s\" is a service and approves nothing", delegate->name), NULL);
	if (delegate->disabled)
		impossible(psprintf("\"%s\" is disabled", delegate->name), NULL);
	if (delegate->id == delegator->id)
		impossible("nobody delegates to themselves", NULL);
	return delegate;
}

/* Would what is delegated to this person come back to the other one? */
static bool
leads_to(List *delegations, int64 from, int64 to)
{
	List	   *reached = list_make1(palloc(sizeof(int64)));

	*(int64 *) linitial(reached) = from;
	/* grows while it is gone through; each person is in it once */
	for (int i = 0; i < list_length(reached); i++)
	{
		int64		person = *(int64 *) list_nth(reached, i);
		ListCell   *lc;

		if (person == to)
			return true;
		foreach(lc, delegations)
		{
			Delegation *d = lfirst(lc);

			if (d->delegator == person && paysafe_registry_common(reached, list_make1(&d->delegate)) == 0)
				reached = lappend(reached, &d->delegate);
		}
	}
	return false;
}

static void
lock_delegations(void)
{
	(void) paysafe_store_lock_value(PAYSAFE_DELEGATION_RECORD, 0, false);
}

PG_FUNCTION_INFO_V1(paysafe_delegate_approval);

/*
 * delegate_approval("to", until, reason, ticket) returns bigint
 */
Datum
paysafe_delegate_approval(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"to", "until"};
	Person	   *person = paysafe_person_current();
	char	   *reason;
	RegisteredPerson *delegator;
	RegisteredPerson *delegate;
	TimestampTz until;
	TimestampTz now;
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};
	int64		id;

	paysafe_approval_check_own_code("paysafe.delegate_approval");
	paysafe_argument_all_required(fcinfo, arguments, lengthof(arguments));
	reason = paysafe_argument_reason(fcinfo, 2, "reason", "a delegation");
	delegator = delegator_now(person);
	delegate = delegate_argument(text_to_cstring(PG_GETARG_TEXT_PP(0)), delegator);
	lock_delegations();
	/* from here on, in the order in which all see them */
	now = GetCurrentTimestamp();
	until = PG_GETARG_TIMESTAMPTZ(1);
	if (until <= now || until > now + MAX_DAYS * USECS_PER_DAY)
		impossible(psprintf("a delegation ends in the future, within %d days", MAX_DAYS), NULL);
	if (leads_to(paysafe_delegation_in_force(), delegate->id, delegator->id))
		impossible(psprintf("\"%s\" has delegated to \"%s\", directly or by others", delegate->name, delegator->name),
				   "End that one first: paysafe.end_delegation.");
	id = nextval_internal(get_relname_relid("delegation_id_seq", paysafe_catalog_schema()), false);
	values[RECORD_ID] = Int64GetDatum(id);
	values[RECORD_DELEGATOR] = Int64GetDatum(delegator->id);
	values[RECORD_DELEGATE] = Int64GetDatum(delegate->id);
	values[RECORD_UNTIL] = TimestampTzGetDatum(until);
	values[RECORD_IDENTITY] = CStringGetTextDatum(paysafe_identity_name(person->level));
	values[RECORD_AT] = TimestampTzGetDatum(now);
	values[RECORD_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	nulls[RECORD_TICKET] = PG_ARGISNULL(3);
	if (!nulls[RECORD_TICKET])
		values[RECORD_TICKET] = CStringGetTextDatum(paysafe_redact_string(text_to_cstring(PG_GETARG_TEXT_PP(3))));
	values[RECORD_ACTOR] = CStringGetTextDatum(person->actor);
	values[RECORD_LOGIN] = CStringGetTextDatum(person->login);
	values[RECORD_SESSION_USER] = CStringGetTextDatum(person->session_user_name);
	paysafe_store_complete();
	paysafe_store_insert(PAYSAFE_DELEGATION_RECORD, values, nulls);
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(paysafe_end_delegation);

/*
 * end_delegation(id, reason) returns boolean: false: it had ended
 */
Datum
paysafe_end_delegation(PG_FUNCTION_ARGS)
{
	Person	   *person = paysafe_person_current();
	Datum		key;
	char	   *reason;
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	paysafe_argument_required(fcinfo, 0, "id");
	reason = paysafe_argument_reason(fcinfo, 1, "reason", "ending a delegation");
	key = Int64GetDatum(PG_GETARG_INT64(0));
	paysafe_acting_check();
	lock_delegations();
	if (!paysafe_store_has(PAYSAFE_DELEGATION_RECORD, "delegation_record_pkey", 1, &key))
		impossible(psprintf("there is no delegation " INT64_FORMAT, PG_GETARG_INT64(0)), NULL);
	if (paysafe_store_has(PAYSAFE_DELEGATION_END, "delegation_end_pkey", 1, &key))
		PG_RETURN_BOOL(false);
	values[END_DELEGATION] = key;
	values[END_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	values[END_ACTOR] = CStringGetTextDatum(person->actor ? person->actor : paysafe_actor_name());
	values[END_LOGIN] = CStringGetTextDatum(person->login);
	values[END_SESSION_USER] = CStringGetTextDatum(person->session_user_name);
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_complete();
	paysafe_store_insert(PAYSAFE_DELEGATION_END, values, nulls);
	PG_RETURN_BOOL(true);
}
