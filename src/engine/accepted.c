/*-------------------------------------------------------------------------
 *
 * accepted.c
 *	  Rows that broke a rule before it was there, accepted as they are.
 *
 * Accepted is a fault, not a row: its words name the row and say what is wrong, with the
 * values.  So a row that changes into another fault has not been accepted, and the rules
 * themselves, which judge every change, keep it as it is.  One that is corrected ends its
 * acceptance when somebody looks for faults again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "compat.h"
#include "engine/accepted.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/own_table.h"

/* Columns of paysafe.accepted_row. */
enum
{
	ACCEPTED_RELATION, ACCEPTED_RULE, ACCEPTED_DIGEST, ACCEPTED_FAULT, ACCEPTED_CHANGE,
	ACCEPTED_ACTOR, ACCEPTED_SESSION_USER, ACCEPTED_REASON, ACCEPTED_TICKET, ACCEPTED_AT,
	ACCEPTED_ENDED_AT,
	ACCEPTED_NCOLUMNS
};

static bytea *
digest_of(const char *words)
{
	bytea	   *digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);

	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	paysafe_crypto_sha256(words, strlen(words), (uint8 *) VARDATA(digest));
	return digest;
}

static bool
note_standing(Relation rel, HeapTuple tuple, void *arg)
{
	if (heap_attisnull(tuple, ACCEPTED_ENDED_AT + 1, RelationGetDescr(rel)))
		*(bool *) arg = true;
	return !*(bool *) arg;
}

bool
paysafe_accepted_has(Oid relation, const char *rule, const char *words, List **met)
{
	bool		found = false;
	bytea	   *digest;
	Datum		keys[3];

	if (paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW))
		return false;
	digest = digest_of(words);
	keys[0] = ObjectIdGetDatum(relation);
	keys[1] = CStringGetTextDatum(rule);
	keys[2] = PointerGetDatum(digest);
	paysafe_store_scan(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 3, keys, note_standing, &found);
	if (found && met != NULL)
		*met = lappend(*met, digest);
	return found;
}

void
paysafe_accepted_add(Oid relation, const char *rule, const char *words, const char *change,
					 const char *reason, const char *ticket)
{
	Datum		values[ACCEPTED_NCOLUMNS];
	bool		nulls[ACCEPTED_NCOLUMNS] = {0};

	values[ACCEPTED_RELATION] = ObjectIdGetDatum(relation);
	values[ACCEPTED_RULE] = CStringGetTextDatum(rule);
	values[ACCEPTED_DIGEST] = PointerGetDatum(digest_of(words));
	values[ACCEPTED_FAULT] = CStringGetTextDatum(words);
	values[ACCEPTED_CHANGE] = CStringGetTextDatum(change);
	values[ACCEPTED_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[ACCEPTED_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[ACCEPTED_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	nulls[ACCEPTED_TICKET] = ticket == NULL;
	values[ACCEPTED_TICKET] = ticket ? CStringGetTextDatum(paysafe_redact_string(ticket)) : (Datum) 0;
	values[ACCEPTED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[ACCEPTED_ENDED_AT] = true;
	paysafe_store_insert(PAYSAFE_ACCEPTED_ROW, values, nulls);
}

typedef struct Ending
{
	bytea	  **met;			/* in order */
	int			nmet;
	List	   *tids;			/* of those that have ended */
} Ending;

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(VARDATA_ANY(*(bytea *const *) a), VARDATA_ANY(*(bytea *const *) b), PAYSAFE_SHA256_LEN);
}

static bool
note_ended(Relation rel, HeapTuple tuple, void *arg)
{
	Ending	   *ending = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	bytea	   *digest = DatumGetByteaPP(heap_getattr(tuple, ACCEPTED_DIGEST + 1, desc, &isnull));

	if (bsearch(&digest, ending->met, ending->nmet, sizeof(bytea *), compare_digests) == NULL &&
		heap_attisnull(tuple, ACCEPTED_ENDED_AT + 1, desc))
	{
		ItemPointer tid = palloc(sizeof(ItemPointerData));

		*tid = tuple->t_self;
		ending->tids = lappend(ending->tids, tid);
	}
	return true;
}

void
paysafe_accepted_end_others(Oid relation, const char *rule, List *met)
{
	Ending		ending = {.met = palloc(sizeof(bytea *) * (list_length(met) + 1))};
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(rule)};
	ListCell   *lc;

	if (paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW))
		return;
	foreach(lc, met)
		ending.met[ending.nmet++] = lfirst(lc);
	qsort(ending.met, ending.nmet, sizeof(bytea *), compare_digests);
	paysafe_store_scan(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 2, keys, note_ended, &ending);
	foreach(lc, ending.tids)
	{
		HeapTuple	locked = paysafe_store_lock(PAYSAFE_ACCEPTED_ROW, lfirst(lc), LockWaitBlock);
		Relation	rel = paysafe_store_open(PAYSAFE_ACCEPTED_ROW);
		Datum		values[ACCEPTED_NCOLUMNS];
		bool		nulls[ACCEPTED_NCOLUMNS];

		heap_deform_tuple(locked, RelationGetDescr(rel), values, nulls);
		nulls[ACCEPTED_ENDED_AT] = false;
		values[ACCEPTED_ENDED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
		paysafe_store_update(PAYSAFE_ACCEPTED_ROW, locked, values, nulls);
		paysafe_store_close(rel);
	}
}

void
paysafe_accepted_forget(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_remove(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 1, &key);
}
