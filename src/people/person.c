/*-------------------------------------------------------------------------
 *
 * person.c
 *	  Who did something, and who is somebody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <locale.h>
#include <wctype.h>

#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"

#include "people/actor.h"
#include "people/person.h"
#include "store/catalog.h"

/*
 * A UTF-8 name without what does not make another name: compatibility forms
 * (full-width letters, ligatures), composition, case.
 */
static pg_wchar *
fold_name(const char *name)
{
	static locale_t locale = (locale_t) 0;
	int			len = strlen(name);
	pg_wchar   *wide = palloc((len + 1) * sizeof(pg_wchar));

	/* the database's own locale may know the case of ASCII letters only */
	if (locale == (locale_t) 0)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
	pg_mb2wchar_with_len(name, wide, len);
	wide = unicode_normalize(UNICODE_NFKC, wide);
	for (pg_wchar *c = wide; *c; c++)
		if (*c < 0x80)
			*c = pg_ascii_tolower(*c);
		else if (locale != (locale_t) 0)
			*c = towlower_l(*c, locale);
	return unicode_normalize(UNICODE_NFKC, wide);
}

bool
paysafe_person_same_name(const char *a, const char *b)
{
	pg_wchar   *wa;
	pg_wchar   *wb;

	if (pg_strcasecmp(a, b) == 0)
		return true;
	if (GetDatabaseEncoding() != PG_UTF8)
		return false;
	for (wa = fold_name(a), wb = fold_name(b); *wa == *wb; wa++, wb++)
		if (*wa == 0)
			return true;
	return false;
}

Person *
paysafe_person_current(void)
{
	Person	   *person = palloc0(sizeof(Person));

	person->actor = paysafe_actor_is_named() ? pstrdup(paysafe_actor_name()) : NULL;
	person->login = paysafe_actor_login();
	person->session_user_name = paysafe_actor_session_user();
	return person;
}

char *
paysafe_person_conflict(const Person *approver, const Person *requester)
{
	if (requester->actor != NULL)
	{
		if (paysafe_person_same_name(approver->actor, requester->actor))
			return psprintf("\"%s\" requested it.", requester->actor);
		if (paysafe_person_same_name(approver->login, requester->actor))
			return psprintf("The approval came over the login of \"%s\", who requested it.",
							requester->actor);
		return NULL;
	}
	/* nobody was named: the login is all that is known */
	if (paysafe_person_same_name(approver->actor, requester->login) ||
		paysafe_person_same_name(approver->actor, requester->session_user_name))
		return psprintf("\"%s\" requested it.", approver->actor);
	if (paysafe_person_same_name(approver->login, requester->login))
		return psprintf("It was requested over the same login \"%s\" without saying who acted, so the approver cannot be shown to be another person.",
						requester->login);
	if (paysafe_catalog_may_act_as(requester->login))
		return psprintf("It was requested over the login \"%s\", which may act for others, without saying for whom; so no approver can be shown to be another person.",
						requester->login);
	return NULL;
}
