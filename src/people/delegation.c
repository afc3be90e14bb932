/*-------------------------------------------------------------------------
 *
 * delegation.c
 *	  Who approves in whose place, for a time.
 *
 * A delegation is a row of paysafe.delegation_record; its early end a row of paysafe.delegation_end.  There are
 * few at a time, and they are read whenever an approval needs one, so an end counts at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/timestamp.h"

#include "people/delegation.h"
#include "people/registry.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Columns of paysafe.delegation_record that are read here. */
enum
{
	RECORD_ID, RECORD_DELEGATOR, RECORD_DELEGATE, RECORD_UNTIL, RECORD_IDENTITY, RECORD_AT
};

typedef struct Search
{
	int64		delegate;		/* 0: of all */
	List	   *found;
} Search;

static bool
is_enabled(int64 id, TimestampTz since)
{
	const RegisteredPerson *person = paysafe_registry_person(id);

	return person != NULL && !person->service && !person->disabled && person->changed < since;
}

static bool
collect(Relation rel, HeapTuple tuple, void *arg)
{
	Search	   *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Delegation *d = palloc(sizeof(Delegation));
	Datum		key;

	d->id = DatumGetInt64(heap_getattr(tuple, RECORD_ID + 1, desc, &isnull));
	d->delegator = DatumGetInt64(heap_getattr(tuple, RECORD_DELEGATOR + 1, desc, &isnull));
	d->delegate = DatumGetInt64(heap_getattr(tuple, RECORD_DELEGATE + 1, desc, &isnull));
	d->until = DatumGetTimestampTz(heap_getattr(tuple, RECORD_UNTIL + 1, desc, &isnull));
	d->level = paysafe_identity_parse(paysafe_store_text(tuple, desc, RECORD_IDENTITY));
	d->at = DatumGetTimestampTz(heap_getattr(tuple, RECORD_AT + 1, desc, &isnull));
	key = Int64GetDatum(d->id);
	if ((search->delegate == 0 || d->delegate == search->delegate) && d->until > GetCurrentTimestamp() &&
		!paysafe_store_has(PAYSAFE_DELEGATION_END, "delegation_end_pkey", 1, &key) &&
		is_enabled(d->delegator, d->at) && is_enabled(d->delegate, d->at))
		search->found = lappend(search->found, d);
	return true;
}

static List *
search(int64 delegate)
{
	Search		search = {.delegate = delegate};
	Datum		key = Int64GetDatum(delegate);

	paysafe_store_scan(PAYSAFE_DELEGATION_RECORD, "delegation_record_delegate", delegate == 0 ? 0 : 1, &key, collect, &search);
	return search.found;
}

List *
paysafe_delegation_in_force(void)
{
	return search(0);
}

List *
paysafe_delegation_to(int64 delegate)
{
	return search(delegate);
}
