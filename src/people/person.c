/*-------------------------------------------------------------------------
 *
 * person.c
 *	  Who did something, and who is somebody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/refusal.h"
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

RegisteredPerson *
paysafe_person_of_certificate(void)
{
	const char *certificate = paysafe_actor_certificate_sha256();

	return certificate ? paysafe_registry_find(PERSON_CERTIFICATE, certificate) : NULL;
}

/* Whose token it is that shows who acts, or NULL. */
static RegisteredPerson *
of_token(void)
{
	const ActorProof *proof = paysafe_actor_is_named() ? paysafe_actor_current()->proof : NULL;

	return proof ? paysafe_registry_find(PERSON_TOKEN, psprintf("%s %s", proof->issuer, proof->subject)) : NULL;
}

RegisteredPerson *
paysafe_person_claimed(void)
{
	RegisteredPerson *token = of_token();
	RegisteredPerson *name = paysafe_registry_find(PERSON_NAME, paysafe_actor_name());

	if (token != NULL && name != NULL && token->id != name->id)
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = "person",
						   .schema_name = "paysafe",
						   .table_name = "person_record",
						   .message = psprintf("the token of \"%s\" has the name of another person", token->name),
						   .detail = psprintf("\"%s\" is registered as \"%s\".", paysafe_actor_name(), name->name),
						   .hint = "Two people move the alias to whom it belongs: paysafe.add_alias."
					   });
	return token ? token : name;
}

/*
 * Does the session show a person by itself: by a login that is as two people have seen
 * it, with a certificate if one is registered?
 */
static RegisteredPerson *
shown_by_session(const Person *person)
{
	RegisteredPerson *certificate;
	RegisteredPerson *owner;
	RegisteredLogin login;

	if (strcmp(person->login, person->session_user_name) != 0 || paysafe_connection_shows_nobody() != NULL)
		return NULL;
	certificate = paysafe_person_of_certificate();
	login = paysafe_registry_login(paysafe_actor_login_role(), person->login, &owner);
	if (login == LOGIN_UNKNOWN)
		return certificate != NULL && !certificate->service ? certificate : NULL;
	if (login != LOGIN_IN_FORCE || owner->service ||
		((certificate != NULL || paysafe_registry_has_certificate(owner->id)) &&
		 (certificate == NULL || certificate->id != owner->id)))
		return NULL;
	return owner;
}

/*
 * Who the registry says it is.  A token's person is called by the registered name: what
 * is on record of requests says names only.  Who claims to be somebody else over a
 * person's login is refused elsewhere.
 */
static void
recognize(Person *person)
{
	RegisteredPerson *token = of_token();
	RegisteredPerson *shown = shown_by_session(person);
	RegisteredPerson *claimed;

	if (token != NULL)
		person->actor = token->name;
	if (shown == NULL)
		return;
	claimed = person->actor ? paysafe_registry_find(PERSON_NAME, person->actor) : shown;
	if (claimed == NULL || claimed->id != shown->id)
		return;
	if (person->actor == NULL)
		person->actor = shown->name;
	person->level = Max(person->level, IDENTITY_SESSION);
}

Person *
paysafe_person_current(void)
{
	Person	   *person = palloc0(sizeof(Person));

	person->actor = paysafe_actor_is_named() ? pstrdup(paysafe_actor_name()) : NULL;
	person->login = paysafe_actor_login();
	person->session_user_name = paysafe_actor_session_user();
	person->level = paysafe_actor_identity();
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

bool
paysafe_person_is_surely(const Person *now, const Person *then, TimestampTz at)
{
	RegisteredPerson *person;

	if (now->actor == NULL || then->actor == NULL)
		return false;
	person = paysafe_registry_find(PERSON_NAME, now->actor);
	return person == NULL ? paysafe_person_same_name(now->actor, then->actor) :
		paysafe_registry_was(then->actor, person->id, at);
}

static const char *
did_words(const Person *requester)
{
	return requester->at != 0 ? "changed" : "requested";
}

static char *
conflict_of_names(const Person *approver, const Person *requester)
{
	const char *did = did_words(requester);
	char	   *own = psprintf("\"%s\" %s it.", requester->actor ? requester->actor : approver->actor, did);
	char	   *conflict;

	if (requester->actor != NULL)
	{
		if ((conflict = clash(approver->actor, requester->actor, own)) != NULL)
			return conflict;
		return clash(approver->login, requester->actor,
					 psprintf("The approval came over the login of \"%s\", who %s it.",
							  requester->actor, did));
	}
	/* nobody was named: the login is all that is known */
	if ((conflict = clash(approver->actor, requester->login, own)) != NULL ||
		(conflict = clash(approver->actor, requester->session_user_name, own)) != NULL ||
		(conflict = clash(approver->login, requester->login,
						  psprintf("It was %s over the same login \"%s\" without saying who acted, so the approver cannot be shown to be another person.",
								   did, requester->login))) != NULL)
		return conflict;
	if (paysafe_person_is_unknown(requester))
		return psprintf("It was %s over the login \"%s\", which may act for others, without saying for whom; so no approver can be shown to be another person.",
						did, requester->login);
	return NULL;
}

char *
paysafe_person_conflict(const Person *approver, const Person *requester)
{
	char	   *conflict = conflict_of_names(approver, requester);
	int64		common;

	if (conflict != NULL || (common = common_person(approver, requester)) == 0)
		return conflict;
	return psprintf("\"%s\" %s it, and both are \"%s\".",
					requester->actor ? requester->actor : requester->login, did_words(requester),
					paysafe_registry_person(common)->name);
}
