/*-------------------------------------------------------------------------
 *
 * publisher_state.c
 *	  How the publisher is doing: paysafe.seal_publisher.
 *
 * One row, changed in place, and only when there is something else to say: whoever asks
 * (paysafe.check, a monitor, a standby) reads it as any row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "evidence/publish/publisher_state.h"
#include "store/own_table.h"

/* Columns of paysafe.seal_publisher. */
enum
{
	STATE_INCARNATION, STATE_STATE, STATE_DETAIL, STATE_SINCE, STATE_OUTSIDE,
	STATE_SIGNED_INCARNATION, STATE_SIGNED_SIZE, STATE_SIGNED_CHAIN,
	STATE_NCOLUMNS
};

typedef struct StateRow
{
	bool		found;
	ItemPointerData tid;
	int			incarnation;
	char	   *state;
	char	   *detail;
	char	   *outside;
	bool		has_signed;
	PublisherSigned last;		/* if so */
} StateRow;

static bool
take(Relation rel, HeapTuple tuple, void *arg)
{
	StateRow   *row = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS];
	bytea	   *chain;

	row->found = true;
	row->tid = tuple->t_self;
	row->incarnation = DatumGetInt32(heap_getattr(tuple, STATE_INCARNATION + 1, desc, &isnull));
	row->state = paysafe_store_text(tuple, desc, STATE_STATE);
	row->detail = paysafe_store_text(tuple, desc, STATE_DETAIL);
	row->outside = paysafe_store_text(tuple, desc, STATE_OUTSIDE);
	heap_deform_tuple(tuple, desc, values, nulls);
	if (nulls[STATE_SIGNED_INCARNATION] || nulls[STATE_SIGNED_SIZE] || nulls[STATE_SIGNED_CHAIN])
		return false;
	row->has_signed = true;
	row->last.incarnation = DatumGetInt32(values[STATE_SIGNED_INCARNATION]);
	row->last.size = DatumGetInt64(values[STATE_SIGNED_SIZE]);
	chain = DatumGetByteaPP(values[STATE_SIGNED_CHAIN]);
	memset(&row->last.chain, 0, TLOG_HASH_LEN);
	memcpy(&row->last.chain, VARDATA_ANY(chain), Min(VARSIZE_ANY_EXHDR(chain), TLOG_HASH_LEN));
	return false;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* In place of the row, or as the first one. */
static void
write(StateRow *row, int incarnation, const char *state, const char *detail, const char *outside)
{
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS] = {0};
	HeapTuple	locked;

	values[STATE_INCARNATION] = Int32GetDatum(incarnation);
	values[STATE_STATE] = CStringGetTextDatum(state);
	set_text(values, nulls, STATE_DETAIL, detail);
	values[STATE_SINCE] = TimestampTzGetDatum(GetCurrentTimestamp());
	set_text(values, nulls, STATE_OUTSIDE, outside);
	nulls[STATE_SIGNED_INCARNATION] = nulls[STATE_SIGNED_SIZE] = nulls[STATE_SIGNED_CHAIN] = !row->has_signed;
	values[STATE_SIGNED_INCARNATION] = Int32GetDatum(row->last.incarnation);
	values[STATE_SIGNED_SIZE] = Int64GetDatum(row->last.size);
	values[STATE_SIGNED_CHAIN] = paysafe_argument_bytea(row->last.chain.bytes, TLOG_HASH_LEN);
	locked = row->found ? paysafe_store_lock(PAYSAFE_SEAL_PUBLISHER, &row->tid, LockWaitBlock) : NULL;
	if (locked != NULL)
		paysafe_store_update(PAYSAFE_SEAL_PUBLISHER, locked, values, nulls);
	else
		paysafe_store_append(PAYSAFE_SEAL_PUBLISHER, values, nulls);
}

bool
paysafe_publisher_state_set(int incarnation, const char *state, const char *detail,
							const char *outside)
{
	StateRow	row = {0};
	bool		changed;

	paysafe_store_scan(PAYSAFE_SEAL_PUBLISHER, NULL, 0, NULL, take, &row);
	changed = !row.found || row.incarnation != incarnation || !same(row.state, state) ||
		!same(row.detail, detail);
	if (!changed && same(row.outside, outside))
		return false;
	write(&row, incarnation, state, detail, outside);
	return changed;
}

bool
paysafe_publisher_state_signed(PublisherSigned *out)
{
	StateRow	row = {0};

	paysafe_store_scan(PAYSAFE_SEAL_PUBLISHER, NULL, 0, NULL, take, &row);
	*out = row.last;
	return row.has_signed;
}

void
paysafe_publisher_state_set_signed(const PublisherSigned *last)
{
	StateRow	row = {0};

	paysafe_store_scan(PAYSAFE_SEAL_PUBLISHER, NULL, 0, NULL, take, &row);
	row.has_signed = true;
	row.last = *last;
	write(&row, row.found ? row.incarnation : last->incarnation, row.found ? row.state : PUBLISHER_GOOD,
		  row.detail, row.outside);
}

char *
paysafe_publisher_state_outside(int incarnation)
{
	StateRow	row = {0};

	paysafe_store_scan(PAYSAFE_SEAL_PUBLISHER, NULL, 0, NULL, take, &row);
	return row.found && row.incarnation == incarnation ? row.outside : NULL;
}

char *
paysafe_publisher_state_trouble(int incarnation)
{
	StateRow	row = {0};

	paysafe_store_scan(PAYSAFE_SEAL_PUBLISHER, NULL, 0, NULL, take, &row);
	if (!row.found || row.incarnation != incarnation || strcmp(row.state, PUBLISHER_GOOD) == 0)
		return NULL;
	return psprintf("%s: %s", row.state, row.detail ? row.detail : "?");
}
