/*-------------------------------------------------------------------------
 *
 * person.c
 *	  Who did something, and who is somebody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "people/actor.h"
#include "people/connection.h"
#include "people/name.h"
#include "people/person.h"
#include "people/registry.h"
#include "store/catalog.h"

typedef enum Sameness
{
	ANOTHER,
	THE_SAME,
	UNKNOWN						/* a name cannot be read */
} Sameness;

static Sameness
compare_names(const char *a, const char *b)
{
	pg_wchar   *wa = paysafe_name_fold(a);
	pg_wchar   *wb = paysafe_name_fold(b);

	if (strcmp(a, b) == 0)
		return THE_SAME;
	if (wa == NULL || wb == NULL)
		return UNKNOWN;
	for (; *wa == *wb; wa++, wb++)
		if (*wa == 0)
			return THE_SAME;
	return ANOTHER;
}

bool
paysafe_person_same_name(const char *a, const char *b)
{
	return compare_names(a, b) != ANOTHER;
}

/*
 * Over a login that two people have registered as somebody's, that one acts; who claims
 * to be somebody else over it is refused elsewhere.
 */
static void
recognize(Person *person)
{
	RegisteredPerson *owner;

	if (strcmp(person->login, person->session_user_name) != 0 ||
		paysafe_registry_login(paysafe_actor_login_role(), person->login, &owner) != LOGIN_IN_FORCE ||
		owner->service || paysafe_connection_shows_nobody() != NULL)
		return;
	if (person->actor == NULL)
		person->actor = owner->name;
	person->level = IDENTITY_SESSION;
}

Person *
paysafe_person_current(void)
{
	Person	   *person = palloc0(sizeof(Person));

	person->actor = paysafe_actor_is_named() ? pstrdup(paysafe_actor_name()) : NULL;
	person->login = paysafe_actor_login();
	person->session_user_name = paysafe_actor_session_user();
	person->level = person->actor != NULL ? IDENTITY_CLAIMED :
		paysafe_catalog_may_act_as(person->login) ? IDENTITY_NONE : IDENTITY_SESSION;
	if (paysafe_registry_is_used())
		recognize(person);
	return person;
}

bool
paysafe_person_is_unknown(const Person *person)
{
	return person->actor == NULL && paysafe_catalog_may_act_as(person->login);
}

/* The words, if the names are one; others, if nobody can say; NULL if they are two. */
static char *
clash(const char *a, const char *b, char *words)
{
	switch (compare_names(a, b))
	{
		case ANOTHER:
			return NULL;
		case THE_SAME:
			return words;
		case UNKNOWN:
			break;
	}
	return pstrdup("The name of a login is no valid text in this database's encoding, so it cannot be compared.");
}

/*
 * Everybody whom this one may be, by the registry: of int64 *.  A service's login is
 * everybody's who is named over it.
 */
static List *
persons_of(const Person *person)
{
	List	   *result = paysafe_registry_add_persons(NIL, person->actor);
	List	   *logins = paysafe_registry_add_persons(paysafe_registry_add_persons(NIL, person->login),
													  person->session_user_name);
	ListCell   *lc;

	foreach(lc, logins)
		if (person->actor == NULL || !paysafe_registry_person(*(int64 *) lfirst(lc))->service)
			result = lappend(result, lfirst(lc));
	return result;
}

/* The person that the registry takes both for, or 0. */
static int64
common_person(const Person *a, const Person *b)
{
	return paysafe_registry_is_used() ? paysafe_registry_common(persons_of(a), persons_of(b)) : 0;
}

bool
paysafe_person_may_be(const Person *person, int64 id)
{
	return paysafe_registry_common(persons_of(person), list_make1(&id)) != 0;
}

bool
paysafe_person_is_same(const Person *a, const Person *b)
{
	return paysafe_person_same_name(a->actor, b->actor) || common_person(a, b) != 0;
}

static char *
conflict_of_names(const Person *approver, const Person *requester)
{
	char	   *own = psprintf("\"%s\" requested it.", requester->actor ? requester->actor : approver->actor);
	char	   *conflict;

	if (requester->actor != NULL)
	{
		if ((conflict = clash(approver->actor, requester->actor, own)) != NULL)
			return conflict;
		return clash(approver->login, requester->actor,
					 psprintf("The approval came over the login of \"%s\", who requested it.",
							  requester->actor));
	}
	/* nobody was named: the login is all that is known */
	if ((conflict = clash(approver->actor, requester->login, own)) != NULL ||
		(conflict = clash(approver->actor, requester->session_user_name, own)) != NULL ||
		(conflict = clash(approver->login, requester->login,
						  psprintf("It was requested over the same login \"%s\" without saying who acted, so the approver cannot be shown to be another person.",
								   requester->login))) != NULL)
		return conflict;
	if (paysafe_person_is_unknown(requester))
		return psprintf("It was requested over the login \"%s\", which may act for others, without saying for whom; so no approver can be shown to be another person.",
						requester->login);
	return NULL;
}

char *
paysafe_person_conflict(const Person *approver, const Person *requester)
{
	char	   *conflict = conflict_of_names(approver, requester);
	int64		common;

	if (conflict != NULL || (common = common_person(approver, requester)) == 0)
		return conflict;
	return psprintf("\"%s\" requested it, and both are \"%s\".",
					requester->actor ? requester->actor : requester->login,
					paysafe_registry_person(common)->name);
}
