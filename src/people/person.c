/*-------------------------------------------------------------------------
 *
 * person.c
 *	  Who did something, and who is somebody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "people/actor.h"
#include "people/name.h"
#include "people/person.h"
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

Person *
paysafe_person_current(void)
{
	Person	   *person = palloc0(sizeof(Person));

	person->actor = paysafe_actor_is_named() ? pstrdup(paysafe_actor_name()) : NULL;
	person->login = paysafe_actor_login();
	person->session_user_name = paysafe_actor_session_user();
	person->identity = person->actor ? IDENTITY_CLAIMED :
		paysafe_person_is_unknown(person) ? IDENTITY_NONE : IDENTITY_SESSION;
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

char *
paysafe_person_conflict(const Person *approver, const Person *requester)
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
