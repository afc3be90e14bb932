/*-------------------------------------------------------------------------
 *
 * acting.c
 *	  Whom the registry of people lets act and approve.
 *
 * Asked for each row of a protected table.  The answer holds until somebody else
 * acts, or the registry or a role changes; sessions hear of that before their
 * next row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/refusal.h"
#include "people/acting.h"
#include "people/actor.h"
#include "people/approval_subject.h"
#include "people/connection.h"
#include "people/delegation.h"
#include "people/registry.h"
#include "store/catalog.h"

static PAYSAFE_NORETURN void
refuse_by(const char *rule, const char *table, const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = rule,
					   .schema_name = "paysafe",
					   .table_name = table,
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}

static PAYSAFE_NORETURN void
refuse(const char *message, const char *detail, const char *hint)
{
	refuse_by("person", "person_record", message, detail, hint);
}

static void
check_enabled(const RegisteredPerson *person)
{
	if (person != NULL && person->disabled)
		refuse(psprintf("\"%s\" is disabled", person->name), NULL,
			   "Two people enable somebody again: paysafe.enable_person.");
}

/*
 * Who has logged in, and who the session says it is.  A service approves nothing, so
 * nothing is won by becoming it: its login may change.
 */
static RegisteredPerson *
check_login(void)
{
	char	   *login = paysafe_actor_login();
	char	   *session_user_name = paysafe_actor_session_user();
	RegisteredPerson *owner;
	RegisteredPerson *other;
	RegisteredLogin state = paysafe_registry_login(paysafe_actor_login_role(), login, &owner);

	if (state == LOGIN_ANOTHER && !owner->service)
		refuse(psprintf("login \"%s\" is not the one that was registered", login),
			   psprintf("\"%s\" had it: the role was renamed, or is another one of that name.", owner->name),
			   "Two people confirm it: paysafe.add_alias.");
	check_enabled(owner);
	if (state == LOGIN_ANOTHER)
		owner = NULL;
	if (strcmp(login, session_user_name) == 0)
		return owner;
	other = paysafe_registry_find(PERSON_LOGIN, session_user_name);
	if (other != NULL && !other->service)
		refuse(psprintf("\"%s\" has not logged in", other->name),
			   psprintf("The session has become \"%s\"; the role that logged in is \"%s\".", session_user_name, login),
			   "Log in as yourself.");
	return owner;
}

/* A certificate over a login that is nobody's shows its person, as a login does. */
static RegisteredPerson *
check_certificate(void)
{
	RegisteredPerson *owner = paysafe_person_of_certificate();

	check_enabled(owner);
	return owner;
}

static void
check_registered(const RegisteredPerson *person, const char *name)
{
	if (person == NULL && paysafe_registry_is_required())
		refuse(psprintf("\"%s\" is not registered", name),
			   "Only registered people and services act in this database.",
			   "Two people register somebody: paysafe.add_person, paysafe.add_alias.");
}

static void
check(void)
{
	RegisteredPerson *owner = check_login();
	RegisteredPerson *claimed;

	if (owner == NULL)
		owner = check_certificate();
	if (!paysafe_actor_is_named())
	{
		check_registered(owner, paysafe_actor_login());
		return;
	}
	claimed = paysafe_person_claimed();
	check_registered(claimed, paysafe_actor_name());
	check_enabled(claimed);
	if (owner != NULL && !owner->service && (claimed == NULL || claimed->id != owner->id))
		refuse(psprintf("login \"%s\" is a person's and acts for nobody else", paysafe_actor_login()),
			   psprintf("It belongs to \"%s\", and \"%s\" was claimed.", owner->name, paysafe_actor_name()),
			   "Claim nobody over it, or use a login that is an application's.");
}

void
paysafe_acting_check(void)
{
	static uint64 actor = 0;
	static uint64 registry = 0;
	static Oid	session_user_id = InvalidOid;

	if (likely(!paysafe_registry_is_used()))
		return;
	if (likely(session_user_id == GetSessionUserId() && actor == paysafe_actor_generation() &&
			   registry == paysafe_registry_generation()))
		return;
	session_user_id = InvalidOid;
	actor = paysafe_actor_generation();
	registry = paysafe_registry_generation();
	check();
	session_user_id = GetSessionUserId();
}

void
paysafe_acting_init(void)
{
	paysafe_actor_set_judge(paysafe_acting_check);
}

/* Who may approve what waits in this table. */
static const char *
group_of(Oid relation)
{
	return paysafe_catalog_is_own(relation) ? GROUP_RULE_ADMINISTRATOR : GROUP_APPROVER;
}

/*
 * No machine, and a login that is as two people have seen it, if they have; the
 * person, or NULL if nobody is registered as this one.
 */
static RegisteredPerson *
check_person(const Person *approver)
{
	const char *no_person = paysafe_connection_of_server();
	RegisteredPerson *owner;
	RegisteredPerson *person;

	if (no_person != NULL)
		refuse(psprintf("nobody approves over this connection of login \"%s\"", approver->login), no_person,
			   "Connect from outside.");
	paysafe_acting_check();
	if (paysafe_registry_login(paysafe_actor_login_role(), approver->login, &owner) == LOGIN_CHANGED && !owner->service)
		refuse(psprintf("login \"%s\" was changed and approves nothing until it is confirmed", approver->login),
			   "Its password, memberships or other attributes are not those that two people have seen.",
			   psprintf("Two people confirm it: paysafe.add_alias(%s, 'login', %s, 'why').",
						quote_literal_cstr(owner->name), quote_literal_cstr(approver->login)));
	person = approver->actor ? paysafe_registry_find(PERSON_NAME, approver->actor) : NULL;
	if (person != NULL && person->service)
		refuse(psprintf("\"%s\" is a service and approves nothing", person->name), NULL,
			   "A person has to approve it.");
	return person;
}

void
paysafe_acting_check_settler(const Person *settler)
{
	(void) check_person(settler);
}

/* Why the login alone is nobody. */
static const char *
login_words(const Person *approver)
{
	const char *words = NULL;
	RegisteredPerson *owner;

	if (paysafe_registry_login(paysafe_actor_login_role(), approver->login, &owner) == LOGIN_IN_FORCE)
		words = owner->service ? psprintf("The login is that of the service \"%s\".", owner->name) :
			paysafe_connection_shows_nobody();
	return words ? words : "No actor is declared in this transaction, and a login alone is not a person.";
}

static void
check_approver(const Person *approver, Oid relation, bool in_somebodys_place)
{
	RegisteredPerson *person = check_person(approver);

	if (approver->actor == NULL)
		refuse_by("approval", "approval_record", "an approval needs a person", login_words(approver),
				  "Call paysafe.act_as('name') in the same transaction first.");
	if (person == NULL && relation == paysafe_catalog_table(PAYSAFE_PERSON_RECORD))
		refuse(psprintf("\"%s\" is not registered", approver->actor),
			   "Changes of the registry of people are approved by those who are in it.",
			   "Another person has to approve it.");
	in_somebodys_place &= person != NULL && !paysafe_catalog_is_own(relation);
	if (!paysafe_registry_is_member(group_of(relation), person ? person->id : 0) &&
		!(in_somebodys_place && paysafe_delegation_to(person->id) != NIL))
		refuse(psprintf("\"%s\" is not in the group %s", approver->actor, group_of(relation)),
			   psprintf("Only its members approve %s.", paysafe_catalog_is_own(relation) ? "changes of rules and people" : "rows"),
			   "The view paysafe.person has who is.");
}

void
paysafe_acting_check_approver(const Person *approver, Oid relation)
{
	check_approver(approver, relation, false);
}

void
paysafe_acting_check_voice(const Person *approver, Oid relation)
{
	check_approver(approver, relation, true);
}

/* Do they act, whatever group they are in?  *found: who it is, or NULL. */
static bool
still_acts(const Person *approver, TimestampTz at, Oid relation, RegisteredPerson **found)
{
	RegisteredPerson *person = paysafe_registry_find(PERSON_NAME, approver->actor);
	RegisteredPerson *owner;

	*found = person;
	owner = paysafe_registry_find(PERSON_LOGIN, approver->login);
	/* one that was given while somebody else disabled the approver counts as little */
	if (person != NULL && (person->service || person->disabled || person->changed >= at))
		return false;
	if (owner != NULL && (owner->disabled || (!owner->service && owner->changed >= at)))
		return false;
	if (person == NULL && (paysafe_registry_is_required() ||
						   relation == paysafe_catalog_table(PAYSAFE_PERSON_RECORD)))
		return false;
	return true;
}

/* Was the person in the group then, and since; or in another one that may as well by then? */
static bool
is_in_group(int64 person, TimestampTz at, const char *group, const List *escalations)
{
	ListCell   *lc;

	if (paysafe_registry_was_member(group, person, at))
		return true;
	foreach(lc, escalations)
	{
		const GroupEscalation *escalation = lfirst(lc);

		if (strcmp(escalation->group, group) == 0 && escalation->from <= at &&
			paysafe_registry_was_member(escalation->to, person, at))
			return true;
	}
	return false;
}

/* Is it so with all groups of the subject?  person NULL: who is not registered is in none. */
static bool
is_in_all(const int64 *person, TimestampTz at, const ApprovalSubject *subject, const char **missing)
{
	ListCell   *lc;

	foreach(lc, subject->groups)
		if (person == NULL || !is_in_group(*person, at, lfirst(lc), subject->escalations))
		{
			*missing = lfirst(lc);
			return false;
		}
	return true;
}

bool
paysafe_acting_in_groups(const Person *person, TimestampTz at, const List *groups, const char **missing)
{
	const RegisteredPerson *registered = groups != NIL && person->actor != NULL ?
		paysafe_registry_find(PERSON_NAME, person->actor) : NULL;
	const ApprovalSubject subject = {.groups = (List *) groups};
	const char *lacks = NULL;
	bool		result = is_in_all(registered ? &registered->id : NULL, at, &subject, &lacks);

	if (missing != NULL)
		*missing = lacks;
	return result;
}

/* Is the person one of those who asked for it, or have changed what is approved? */
static bool
is_one_of(int64 person, const List *persons)
{
	ListCell   *lc;

	foreach(lc, persons)
		if (paysafe_person_may_be(lfirst(lc), person))
			return true;
	return false;
}

/* Could the delegator have approved it? */
static bool
could_approve(const Delegation *d, TimestampTz at, const ApprovalSubject *subject)
{
	const char *missing;

	return d->at < at && d->level >= subject->identity && !is_one_of(d->delegator, subject->requesters) &&
		!is_one_of(d->delegator, subject->writers) &&
		is_in_all(&d->delegator, at, subject, &missing);
}

bool
paysafe_acting_may_approve(const Person *approver, TimestampTz at, Oid relation, const ApprovalSubject *subject,
						   int64 *stands_for, const char **missing)
{
	RegisteredPerson *person;
	const char *lacks = NULL;
	ListCell   *lc;

	*stands_for = 0;
	if (missing != NULL)
		*missing = NULL;
	if (likely(!paysafe_registry_is_used() && subject->groups == NIL))
		return true;
	if (!still_acts(approver, at, relation, &person))
		return false;
	if (!paysafe_registry_is_member(group_of(relation), person ? person->id : 0))
		lacks = group_of(relation);
	else if (is_in_all(person ? &person->id : NULL, at, subject, &lacks))
		return true;
	if (missing != NULL)
		*missing = lacks;
	if (person == NULL || paysafe_catalog_is_own(relation))
		return false;
	foreach(lc, paysafe_delegation_to(person->id))
	{
		const Delegation *d = lfirst(lc);

		if (paysafe_registry_is_member(group_of(relation), d->delegator) && could_approve(d, at, subject))
		{
			*stands_for = d->delegator;
			return true;
		}
	}
	return false;
}
