/*-------------------------------------------------------------------------
 *
 * refund_writer.c
 *	  Who has written a refund, and how well they were known.
 *
 * Whoever adds a row, or takes it back, has requested it.  Whoever changes what
 * approvals are of while it is there has written it, too, be it older than the rule: they do not
 * approve what they have made of it, and a threshold that asks how well requesters are known asks it of
 * all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/refusal.h"
#include "rules/refund/refund.h"
#include "values/row_key.h"

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

List *
paysafe_refund_with_person(const List *persons, const Person *person)
{
	List	   *result = NIL;		/* the list may be another life's, too */
	Person	   *last = palloc(sizeof(Person));
	ListCell   *lc;

	*last = *person;
	foreach(lc, persons)
	{
		const Person *other = lfirst(lc);

		if (!same_text(person->actor, other->actor) || !same_text(person->login, other->login) ||
			!same_text(person->session_user_name, other->session_user_name))
			result = lappend(result, lfirst(lc));
		else
		{
			last->level = Min(last->level, other->level);
			last->at = Min(last->at, other->at);
		}
	}
	return lappend(result, last);
}

void
paysafe_refund_note_change(const RefundState *state, const RowChange *change, const FoundPayment *payment,
						   RefundLife *life)
{
	if (paysafe_refund_changed_column(&state->refund, change, false) != NULL)
		paysafe_refund_add_change(state, life, payment,
								  paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->after),
								  change->after);
}

bool
paysafe_refund_has_old_writers(const RefundLife *life)
{
	ListCell   *lc;

	foreach(lc, life->writers)
		if (((Person *) lfirst(lc))->at < GetCurrentTransactionStartTimestamp())
			return true;
	return false;
}

char *
paysafe_refund_unknown_writer(const List *requesters, const List *writers, IdentityLevel level)
{
	ListCell   *lc;

	if (level == IDENTITY_NONE)
		return NULL;
	if (requesters == NIL)
		return psprintf("Nobody knows who requested it, and it takes identity \"%s\".", paysafe_identity_name(level));
	foreach(lc, list_concat_copy(requesters, writers))
	{
		const Person *person = lfirst(lc);

		if (person->level < level)
			return psprintf("%s wrote it with identity \"%s\", and it takes \"%s\".",
							paysafe_refund_requesters_words(list_make1(lfirst(lc))),
							paysafe_identity_name(person->level), paysafe_identity_name(level));
	}
	return NULL;
}

char *
paysafe_refund_writers_words(const List *writers)
{
	return writers == NIL ? pstrdup("") : psprintf(", changed by %s", paysafe_refund_requesters_words(writers));
}
