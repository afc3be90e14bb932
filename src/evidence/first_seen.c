/*-------------------------------------------------------------------------
 *
 * first_seen.c
 *	  Has this been seen before?
 *
 * A scope has a row of its own, too, from which it is told how long it has been known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/tally.h"
#include "base/argument.h"
#include "evidence/first_seen.h"
#include "evidence/signal.h"
#include "evidence/signal_argument.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define INDEX_NAME	"first_seen_value_pkey"
#define PURPOSE		"first seen"
#define VALUE_MAX	1000		/* bytes of a scope, or of a value */
#define A_MINUTE	100			/* signals of a kind */

/* Columns of paysafe.first_seen_value. */
enum
{
	SEEN_DIGEST, SEEN_KIND, SEEN_FIRST_AT, SEEN_LAST_AT, SEEN_NCOLUMNS
};

/* What there is of a digest. */
typedef struct Seen
{
	bool		found;
	TimestampTz first_at;
	TimestampTz last_at;
	ItemPointerData tid;
} Seen;

static bool
visit_seen(Relation rel, HeapTuple tuple, void *arg)
{
	Seen	   *seen = arg;
	Datum		values[SEEN_NCOLUMNS];
	bool		nulls[SEEN_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	seen->found = true;
	seen->first_at = DatumGetTimestampTz(values[SEEN_FIRST_AT]);
	seen->last_at = DatumGetTimestampTz(values[SEEN_LAST_AT]);
	seen->tid = tuple->t_self;
	return false;
}

/* Once a day; who finds somebody else at it leaves it to them. True: it has been done. */
static bool
see_again(const Seen *seen, Datum *values, TimestampTz now)
{
	bool		nulls[SEEN_NCOLUMNS] = {0};
	ItemPointerData tid = seen->tid;
	HeapTuple	row;

	if (now - seen->last_at < USECS_PER_DAY)
		return false;
	row = paysafe_store_lock(PAYSAFE_FIRST_SEEN_VALUE, &tid, LockWaitSkip);
	if (row == NULL)
		return false;
	values[SEEN_FIRST_AT] = TimestampTzGetDatum(seen->first_at);
	paysafe_store_update(PAYSAFE_FIRST_SEEN_VALUE, row, values, nulls);
	return true;
}

/* What has become of a value, or of a scope. */
typedef struct Noted
{
	bool		first;
	bool		again;			/* not seen for a day, and now it is */
	TimestampTz first_at;
} Noted;

/* value NULL: the scope itself. */
static Noted
note(const char *scope, const char *kind, const char *value)
{
	TimestampTz now = GetCurrentTimestamp();
	StringInfoData data;
	uint8		digest[PAYSAFE_SHA256_LEN];
	uint64		hash;
	Datum		values[SEEN_NCOLUMNS];
	bool		nulls[SEEN_NCOLUMNS] = {0};
	Seen		seen = {.found = false};
	Noted		noted = {.first_at = now};
	bool		found;

	initStringInfo(&data);
	paysafe_argument_append(&data, kind);
	paysafe_argument_append(&data, scope);
	if (value != NULL)
		paysafe_argument_append(&data, value);
	paysafe_keyring_mac(PURPOSE, data.data, data.len, digest);
	memcpy(&hash, digest, sizeof(hash));
	values[SEEN_DIGEST] = paysafe_argument_bytea(digest, sizeof(digest));
	values[SEEN_KIND] = CStringGetTextDatum(kind);
	values[SEEN_FIRST_AT] = values[SEEN_LAST_AT] = TimestampTzGetDatum(now);
	paysafe_store_scan(PAYSAFE_FIRST_SEEN_VALUE, INDEX_NAME, 1, values, visit_seen, &seen);
	if (seen.found)
	{
		noted.first_at = seen.first_at;
		noted.again = see_again(&seen, values, now);
		return noted;
	}
	if (!paysafe_store_lock_key(PAYSAFE_FIRST_SEEN_VALUE, INDEX_NAME, 1, values, hash, false, true, &found))
		return noted;
	if (!found)
		paysafe_store_insert(PAYSAFE_FIRST_SEEN_VALUE, values, nulls);
	paysafe_store_unlock_value(PAYSAFE_FIRST_SEEN_VALUE, hash);
	noted.first = !found;
	return noted;
}

/* Of a kind only so many in a minute are signals each, and then one that says there are more. */
static void
raise_first(const char *scope, const char *kind)
{
	StringInfoData key;
	Tally		tally;
	bool		many;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) &MyDatabaseId, sizeof(Oid));
	paysafe_argument_append(&key, PURPOSE);
	paysafe_argument_append(&key, kind);
	tally = paysafe_tally_count(key.data, key.len, USECS_PER_MINUTE);
	if (tally.count > A_MINUTE + 1)
		return;
	many = tally.count > A_MINUTE;
	paysafe_signal_raise(&(Signal)
						 {
							 .kind = many ? "first_seen_many" : "first_seen", .severity = many ? SIGNAL_WARNING : SIGNAL_INFO,
							 .subject = many ? NIL : list_make1(unconstify(char *, scope)), .segment = kind
						 });
}

FirstSeen
paysafe_first_seen_note(const char *scope, const char *kind, const char *value, int64 learning)
{
	FirstSeen	result = {.learning = false};
	Noted		noted;

	PreventCommandIfReadOnly("paysafe.first_seen");
	noted = note(scope, kind, value);
	result.first = noted.first;
	/* a scope is known for as long as one of its values is */
	if (noted.again)
		(void) note(scope, kind, NULL);
	if (!noted.first)
		return result;
	noted = note(scope, kind, NULL);
	result.learning = GetCurrentTimestamp() - noted.first_at < learning;
	if (!result.learning)
		raise_first(scope, kind);
	return result;
}

bool
paysafe_first_seen_ready(void)
{
	return paysafe_keyring_hashes();
}

static bool
is_expired(Relation rel, HeapTuple tuple, void *arg)
{
	Seen		seen;

	(void) visit_seen(rel, tuple, &seen);
	return seen.last_at < *(TimestampTz *) arg;
}

int64
paysafe_first_seen_expire_before(TimestampTz before)
{
	return paysafe_store_expire(PAYSAFE_FIRST_SEEN_VALUE, is_expired, &before);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_first_seen);

/*
 * first_seen(scope text, kind text, value text, learning interval, OUT first boolean,
 *			  OUT learning boolean)
 */
Datum
paysafe_first_seen(PG_FUNCTION_ARGS)
{
	char	   *scope = paysafe_argument_text(fcinfo, 0, "scope", VALUE_MAX);
	char	   *kind = paysafe_signal_word(fcinfo, 1, "kind");
	char	   *value = paysafe_argument_text(fcinfo, 2, "value", VALUE_MAX);
	FirstSeen	seen = paysafe_first_seen_note(scope, kind, value,
											   PG_ARGISNULL(3) ? 0 : paysafe_argument_period(fcinfo, 3, "learning"));
	Datum		values[2] = {BoolGetDatum(seen.first), BoolGetDatum(seen.learning)};
	bool		nulls[2] = {false, false};

	return paysafe_argument_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_first_seen_expire);

/*
 * first_seen_expire(keep interval) returns bigint
 */
Datum
paysafe_first_seen_expire(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(paysafe_first_seen_expire_before(GetCurrentTimestamp() - paysafe_argument_period(fcinfo, 0, "keep")));
}

PG_FUNCTION_INFO_V1(paysafe_first_seen_trouble);

/*
 * first_seen_trouble() returns text
 */
Datum
paysafe_first_seen_trouble(PG_FUNCTION_ARGS)
{
	if (paysafe_first_seen_ready())
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("rules of first_seen see nothing: the server has no key that opens the database's (paysafe.data_keys)"));
}
