/*-------------------------------------------------------------------------
 *
 * rejection.c
 *	  What somebody has said no to.
 *
 * A rejection is a row of paysafe.rejection_record; that it was taken back, one of
 * paysafe.rejection_end.  It counts more than any number of approvals, and is of what was
 * asked for, not of the row as it is stored: another note, another key, or a row that is
 * deleted and added again make no other request of it.
 *
 * Whoever passes a gate takes a lock on the request in shared mode, and then looks
 * with the newest snapshot; who rejects takes it alone, and then looks whether it has
 * passed.  Lock order: the row and its payment, then this.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/rejection.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define NLOCKS	256				/* of one table: a statement may pass any number of rows */

/* Columns of paysafe.rejection_record and paysafe.rejection_end. */
enum
{
	RECORD_ID, RECORD_RELATION, RECORD_RULE, RECORD_SCOPE, RECORD_KEY, RECORD_PAYMENT,
	RECORD_AMOUNT, RECORD_CURRENCY, RECORD_ACTOR, RECORD_LOGIN, RECORD_SESSION_USER,
	RECORD_CLIENT, RECORD_IDENTITY, RECORD_NEEDS, RECORD_REASON, RECORD_TICKET,
	RECORD_REQUEST_ID, RECORD_AT, RECORD_OWN, RECORD_REQUESTERS, RECORD_ABOUT,
	RECORD_NCOLUMNS
};
enum
{
	END_REJECTION, END_ACTOR, END_SESSION_USER, END_REASON, END_AT,
	END_NCOLUMNS
};

static void
lock(Oid relation, const char *scope, LOCKMODE mode)
{
	LOCKTAG		tag;
	uint32		hash = hash_bytes((const unsigned char *) scope, strlen(scope));

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, paysafe_catalog_table(PAYSAFE_REJECTION_RECORD),
					   relation, (uint16) (hash % NLOCKS + 1));
	(void) LockAcquire(&tag, mode, false, false);
}

void
paysafe_rejection_lock(Oid relation, const char *scope)
{
	lock(relation, scope, ExclusiveLock);
}

/* Of each person three texts, the first of which may be NULL. */
#define PERSON_TEXTS	3

static Datum
persons_array(const List *persons)
{
	int			dims[2] = {list_length(persons), PERSON_TEXTS};
	int			bounds[2] = {1, 1};
	Datum	   *texts = palloc0(sizeof(Datum) * PERSON_TEXTS * (dims[0] + 1));
	bool	   *nulls = palloc0(sizeof(bool) * PERSON_TEXTS * (dims[0] + 1));
	int			n = 0;
	ListCell   *lc;

	if (persons == NIL)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	foreach(lc, persons)
	{
		const Person *person = lfirst(lc);
		const char *names[PERSON_TEXTS] = {person->actor, person->login, person->session_user_name};

		for (int i = 0; i < PERSON_TEXTS; i++, n++)
		{
			nulls[n] = names[i] == NULL;
			texts[n] = nulls[n] ? (Datum) 0 : CStringGetTextDatum(names[i]);
		}
	}
	return PointerGetDatum(construct_md_array(texts, nulls, 2, dims, bounds, TEXTOID, -1, false, TYPALIGN_INT));
}

static List *
read_persons(Datum array)
{
	Datum	   *texts;
	bool	   *nulls;
	int			n;
	List	   *persons = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &n);
	for (int i = 0; i + PERSON_TEXTS <= n; i += PERSON_TEXTS)
	{
		Person	   *person = palloc0(sizeof(Person));

		person->actor = nulls[i] ? NULL : TextDatumGetCString(texts[i]);
		person->login = nulls[i + 1] ? pstrdup("") : TextDatumGetCString(texts[i + 1]);
		person->session_user_name = nulls[i + 2] ? pstrdup("") : TextDatumGetCString(texts[i + 2]);
		persons = lappend(persons, person);
	}
	return persons;
}

static Rejection *
read_rejection(HeapTuple tuple, TupleDesc desc)
{
	Rejection  *r = palloc0(sizeof(Rejection));
	bool		isnull;

	r->id = DatumGetInt64(heap_getattr(tuple, RECORD_ID + 1, desc, &isnull));
	r->relation = DatumGetObjectId(heap_getattr(tuple, RECORD_RELATION + 1, desc, &isnull));
	r->rule = paysafe_store_text(tuple, desc, RECORD_RULE);
	r->scope = paysafe_store_text(tuple, desc, RECORD_SCOPE);
	r->key = paysafe_store_text(tuple, desc, RECORD_KEY);
	r->money.payment = paysafe_store_text(tuple, desc, RECORD_PAYMENT);
	if (r->money.payment != NULL)
	{
		r->money.currency = paysafe_store_text(tuple, desc, RECORD_CURRENCY);
		r->money.amount = DatumGetNumericCopy(heap_getattr(tuple, RECORD_AMOUNT + 1, desc, &isnull));
	}
	r->person.actor = paysafe_store_text(tuple, desc, RECORD_ACTOR);
	r->person.login = paysafe_store_text(tuple, desc, RECORD_LOGIN);
	r->person.session_user_name = paysafe_store_text(tuple, desc, RECORD_SESSION_USER);
	r->person.level = paysafe_identity_parse(paysafe_store_text(tuple, desc, RECORD_IDENTITY));
	r->needs = paysafe_identity_parse(paysafe_store_text(tuple, desc, RECORD_NEEDS));
	r->reason = paysafe_store_text(tuple, desc, RECORD_REASON);
	r->at = DatumGetTimestampTz(heap_getattr(tuple, RECORD_AT + 1, desc, &isnull));
	r->own = DatumGetBool(heap_getattr(tuple, RECORD_OWN + 1, desc, &isnull));
	r->requesters = read_persons(heap_getattr(tuple, RECORD_REQUESTERS + 1, desc, &isnull));
	r->about = DatumGetObjectId(heap_getattr(tuple, RECORD_ABOUT + 1, desc, &isnull));
	if (isnull)
		r->about = InvalidOid;
	return r;
}

static bool
has_ended(int64 id)
{
	Datum		key = Int64GetDatum(id);

	return paysafe_store_has(PAYSAFE_REJECTION_END, "rejection_end_pkey", 1, &key);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Is the same person all who ask for this? */
static bool
is_asked_by(const RejectionSubject *subject, const Person *person)
{
	ListCell   *lc;

	foreach(lc, subject->requesters)
		if (((Person *) lfirst(lc))->actor == NULL || !paysafe_person_is_same(person, lfirst(lc)))
			return false;
	return subject->requesters != NIL;
}

static bool
is_same_currency(const ApprovalMoney *asked, const ApprovalMoney *rejected)
{
	return asked != NULL && rejected->payment != NULL && pg_strcasecmp(asked->currency, rejected->currency) == 0;
}

/* As much as was rejected, or more?  Less is another request, and so is another currency. */
static bool
is_as_much(const ApprovalMoney *asked, const ApprovalMoney *rejected)
{
	if (asked == NULL || rejected->payment == NULL)
		return true;
	return pg_strcasecmp(asked->currency, rejected->currency) == 0 &&
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(asked->amount),
										  NumericGetDatum(rejected->amount))) >= 0;
}

typedef struct Search
{
	const RejectionSubject *subject;
	Rejection  *found;
	Rejection  *other;
} Search;

static bool
note_standing(Relation rel, HeapTuple tuple, void *arg)
{
	Search	   *search = arg;
	const RejectionSubject *subject = search->subject;
	Rejection  *r = read_rejection(tuple, RelationGetDescr(rel));
	bool		is_row = r->key != NULL && subject->key != NULL && strcmp(r->key, subject->key) == 0;

	/* of their own row or request; a change has the same key whoever asks for it */
	if (!same_text(r->rule, subject->rule) || r->about != subject->about || has_ended(r->id) ||
		(r->own && !(r->key != NULL && r->money.payment != NULL ? is_row : is_asked_by(subject, &r->person))))
		return true;
	if (!is_as_much(subject->money, &r->money) ||
		/* another one that waited then is another request */
		!(is_row || r->key == NULL || subject->requested == 0 || subject->requested >= r->at))
	{
		if (!r->own && is_same_currency(subject->money, &r->money) && (search->other == NULL || search->other->at < r->at))
			search->other = r;
	}
	else if (search->found == NULL || search->found->id > r->id)
		search->found = r;
	return true;
}

Rejection *
paysafe_rejection_standing(const RejectionSubject *subject, bool with_lock, Rejection **other)
{
	Search		search = {.subject = subject};
	Datum		keys[2] = {ObjectIdGetDatum(subject->relation), CStringGetTextDatum(subject->scope)};

	if (with_lock)
		lock(subject->relation, subject->scope, ShareLock);
	if (!paysafe_store_is_empty(PAYSAFE_REJECTION_RECORD))
		paysafe_store_scan(PAYSAFE_REJECTION_RECORD, "rejection_record_scope", 2, keys, note_standing, &search);
	if (other != NULL && search.other != NULL && (*other == NULL || (*other)->at < search.other->at))
		*other = search.other;
	return search.found;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

int64
paysafe_rejection_add(const RejectionSubject *subject, const Person *person, bool own, List *requesters,
					  IdentityLevel needs, const char *reason, const char *ticket)
{
	const ActorClaim *actor = paysafe_actor_current();
	int64		id = nextval_internal(get_relname_relid("rejection_id_seq", paysafe_catalog_schema()), false);
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};

	values[RECORD_ID] = Int64GetDatum(id);
	values[RECORD_RELATION] = ObjectIdGetDatum(subject->relation);
	set_text(values, nulls, RECORD_RULE, subject->rule);
	set_text(values, nulls, RECORD_SCOPE, subject->scope);
	set_text(values, nulls, RECORD_KEY, subject->key);
	set_text(values, nulls, RECORD_PAYMENT, subject->money ? subject->money->payment : NULL);
	set_text(values, nulls, RECORD_CURRENCY, subject->money ? subject->money->currency : NULL);
	nulls[RECORD_AMOUNT] = subject->money == NULL;
	values[RECORD_AMOUNT] = subject->money ? NumericGetDatum(subject->money->amount) : (Datum) 0;
	set_text(values, nulls, RECORD_ACTOR, person->actor);
	set_text(values, nulls, RECORD_LOGIN, person->login);
	set_text(values, nulls, RECORD_SESSION_USER, person->session_user_name);
	set_text(values, nulls, RECORD_CLIENT, paysafe_actor_client());
	set_text(values, nulls, RECORD_IDENTITY, paysafe_identity_name(person->level));
	set_text(values, nulls, RECORD_NEEDS, paysafe_identity_name(needs));
	set_text(values, nulls, RECORD_REASON, paysafe_redact_string(reason));
	set_text(values, nulls, RECORD_TICKET, ticket ? paysafe_redact_string(ticket) : NULL);
	set_text(values, nulls, RECORD_REQUEST_ID, actor ? actor->request_id : NULL);
	values[RECORD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RECORD_OWN] = BoolGetDatum(own);
	values[RECORD_REQUESTERS] = persons_array(requesters);
	nulls[RECORD_ABOUT] = !OidIsValid(subject->about);
	values[RECORD_ABOUT] = ObjectIdGetDatum(subject->about);
	paysafe_store_insert(PAYSAFE_REJECTION_RECORD, values, nulls);
	return id;
}

static bool
note_rejection(Relation rel, HeapTuple tuple, void *arg)
{
	*(Rejection **) arg = read_rejection(tuple, RelationGetDescr(rel));
	return false;
}

Rejection *
paysafe_rejection_read(int64 id)
{
	Rejection  *r = NULL;
	Datum		key = Int64GetDatum(id);

	paysafe_store_scan(PAYSAFE_REJECTION_RECORD, "rejection_record_pkey", 1, &key, note_rejection, &r);
	return r;
}

Rejection *
paysafe_rejection_find(int64 id)
{
	Rejection  *r = paysafe_rejection_read(id);

	if (r == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rejection " INT64_FORMAT " does not exist", id)));
	paysafe_rejection_lock(r->relation, r->scope);
	if (has_ended(id))
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
								psprintf("rejection " INT64_FORMAT " was taken back already", id), NULL,
								"The view paysafe.rejection has by whom, and why.");
	return r;
}

void
paysafe_rejection_end(int64 id, const char *reason)
{
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	values[END_REJECTION] = Int64GetDatum(id);
	set_text(values, nulls, END_ACTOR, paysafe_actor_name());
	set_text(values, nulls, END_SESSION_USER, paysafe_actor_session_user());
	set_text(values, nulls, END_REASON, paysafe_redact_string(reason));
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_REJECTION_END, values, nulls);
}

char *
paysafe_rejection_words(const Rejection *r)
{
	return psprintf("\"%s\" has said no: %s (rejection " INT64_FORMAT ").", r->person.actor, r->reason, r->id);
}

char *
paysafe_rejection_other_words(const Rejection *r)
{
	return psprintf("To another one of the same \"%s\" has said no (rejection " INT64_FORMAT "): it takes an approval that was given after that.",
					r->person.actor, r->id);
}

char *
paysafe_rejection_hint(const Rejection *r)
{
	return psprintf("Whose rejection it is takes it back: SELECT paysafe.withdraw_rejection(" INT64_FORMAT ", 'why');  anybody else with the approval of a second person.",
					r->id);
}

void
paysafe_rejection_forget(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_remove(PAYSAFE_REJECTION_RECORD, "rejection_record_scope", 1, &key);
}
