/*-------------------------------------------------------------------------
 *
 * velocity_keep.c
 *	  What has counted for a key, kept in a table: exactly, and as part of the transaction.
 *
 * Each change that counts adds a row to paysafe.velocity_flow with all that its key has had until then, or with the
 * different values of the window, so that what there is within a window takes two descents of an index, however much that
 * is.  Rows of one key are numbered by their time, which does not go back, and added under the key's lock: heavyweight, of a tag
 * that no function of the user's reaches, kept by prepared transactions.
 *
 * The clock may be set back.  What is of a time so far ahead that no window could have led there is of no window: it is left
 * out here, and removed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/recent.h"
#include "base/argument.h"
#include "base/id_claim.h"
#include "evidence/audit_shape.h"
#include "rules/velocity/velocity.h"
#include "store/catalog.h"
#include "store/own_table.h"

#define INDEX_NAME	"velocity_flow_key"
#define OF_LEN		16			/* bytes of the hash */

/* Columns of paysafe.velocity_flow. */
enum
{
	FLOW_OF, FLOW_AT, FLOW_UNTIL, FLOW_RELATION, FLOW_RULE, FLOW_AMOUNT, FLOW_TOTAL, FLOW_SEEN,
	FLOW_NCOLUMNS
};

/* A value, by its keyed hash, and when it came last; big endian where it is stored. */
typedef struct SeenValue
{
	uint64		at;
	uint64		hash;
} SeenValue;

typedef struct FlowRow
{
	TimestampTz at;				/* 0: there is none */
	TimestampTz until;
	Numeric		amount;
	Numeric		total;
	int			nseen;
	SeenValue	seen[RECENT_VALUES + 1];
} FlowRow;

void
paysafe_velocity_secret(uint8 *out)
{
	paysafe_audit_shape_redaction_key("paysafe.velocity_flow", "of", out);
}

static void
hash_parts(const VelocityState *state, const char *key, const char *value, uint8 *out)
{
	StringInfoData data;

	initStringInfo(&data);
	appendBinaryStringInfo(&data, state->what, state->what_len);
	paysafe_argument_append(&data, key);
	if (value != NULL)
		paysafe_argument_append(&data, value);
	paysafe_crypto_hmac_sha256(state->secret, sizeof(state->secret), data.data, data.len, out);
	pfree(data.data);
}

static bool
read_row(Relation rel, HeapTuple tuple, void *arg)
{
	FlowRow    *row = arg;
	Datum		values[FLOW_NCOLUMNS];
	bool		nulls[FLOW_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	row->at = DatumGetTimestampTz(values[FLOW_AT]);
	row->until = DatumGetTimestampTz(values[FLOW_UNTIL]);
	row->amount = DatumGetNumericCopy(values[FLOW_AMOUNT]);
	row->total = DatumGetNumericCopy(values[FLOW_TOTAL]);
	row->nseen = 0;
	if (!nulls[FLOW_SEEN])
	{
		bytea	   *seen = DatumGetByteaPP(values[FLOW_SEEN]);

		row->nseen = Min(VARSIZE_ANY_EXHDR(seen) / sizeof(SeenValue), RECENT_VALUES);
		memcpy(row->seen, VARDATA_ANY(seen), row->nseen * sizeof(SeenValue));
		for (int i = 0; i < row->nseen; i++)
			row->seen[i] = (SeenValue) {pg_ntoh64(row->seen[i].at), pg_ntoh64(row->seen[i].hash)};
	}
	return false;
}

/* The newest row of the key until then, or the first one after it; out->at 0: there is none. */
static void
find_row(Datum of, bool newest, TimestampTz time, FlowRow *out)
{
	out->at = 0;
	paysafe_store_seek(PAYSAFE_VELOCITY_FLOW, INDEX_NAME, 1, &of,
					   newest ? BTLessEqualStrategyNumber : BTGreaterStrategyNumber, TimestampTzGetDatum(time),
					   newest, NULL, read_row, out);
}

/* Of the window's values, which are left in last->seen: with this one. */
static bool
add_value(const VelocityState *state, VelocityCount *count, TimestampTz at, FlowRow *last)
{
	uint8		mac[PAYSAFE_SHA256_LEN];
	SeenValue	value = {at};
	int			n = 0;
	bool		known = false;

	hash_parts(state, count->key, count->value, mac);
	memcpy(&value.hash, mac, sizeof(value.hash));
	for (int i = 0; i < last->nseen; i++)
	{
		if ((TimestampTz) last->seen[i].at <= at - state->within)
			continue;
		known |= last->seen[i].hash == value.hash;
		if (last->seen[i].hash != value.hash)
			last->seen[n++] = last->seen[i];
	}
	last->nseen = n + 1;
	count->actual = int64_to_numeric(last->nseen);
	if (!known && paysafe_money_compare(count->actual, state->maximum) > 0)
		return false;
	last->seen[n] = value;
	return true;
}

static bool
add_amount(const VelocityState *state, VelocityCount *count, Datum of, TimestampTz at, const FlowRow *last)
{
	FlowRow		first;

	count->actual = count->amount;
	find_row(of, false, at - state->within, &first);
	if (first.at != 0 && first.at < at)
		count->actual = paysafe_money_add(count->actual,
										  paysafe_money_add(last->total,
															paysafe_money_negate(paysafe_money_add(first.total,
																								   paysafe_money_negate(first.amount)))));
	return paysafe_money_compare(count->actual, state->maximum) <= 0;
}

static void
add_row(const VelocityState *state, const VelocityCount *count, Datum of, TimestampTz at, FlowRow *last)
{
	Datum		values[FLOW_NCOLUMNS];
	bool		nulls[FLOW_NCOLUMNS] = {0};

	values[FLOW_OF] = of;
	values[FLOW_AT] = TimestampTzGetDatum(at);
	/* what comes first is removed first */
	values[FLOW_UNTIL] = TimestampTzGetDatum(Max(at + state->within, last->at != 0 ? last->until : 0));
	values[FLOW_AMOUNT] = NumericGetDatum(count->amount);
	values[FLOW_TOTAL] = NumericGetDatum(paysafe_money_add(last->total, count->amount));
	values[FLOW_RELATION] = ObjectIdGetDatum(state->root);
	values[FLOW_RULE] = CStringGetTextDatum(state->rule);
	nulls[FLOW_SEEN] = state->counts != VELOCITY_VALUES;
	if (!nulls[FLOW_SEEN])
	{
		for (int i = 0; i < last->nseen; i++)
			last->seen[i] = (SeenValue) {pg_hton64(last->seen[i].at), pg_hton64(last->seen[i].hash)};
		values[FLOW_SEEN] = paysafe_argument_bytea(last->seen, last->nseen * sizeof(SeenValue));
	}
	paysafe_store_insert(PAYSAFE_VELOCITY_FLOW, values, nulls);
}

bool
paysafe_velocity_keep(const VelocityState *state, VelocityCount *count)
{
	FlowRow		last = {.total = paysafe_money_zero()};
	uint8		mac[PAYSAFE_SHA256_LEN];
	uint64		lock;
	TimestampTz at;
	Datum		of;

	hash_parts(state, count->key, NULL, mac);
	memcpy(&lock, mac, sizeof(lock));
	/* each rule has locks of its own: whoever writes one row takes one of each, all in the same order */
	paysafe_id_claim_lock_group_of(paysafe_catalog_table(PAYSAFE_VELOCITY_FLOW), state->locks, lock);
	of = paysafe_argument_bytea(mac, OF_LEN);
	at = GetCurrentTimestamp();
	find_row(of, true, at + state->within, &last);
	at = Max(at, last.at + 1);
	if (!(state->counts == VELOCITY_VALUES ? add_value(state, count, at, &last) :
		  add_amount(state, count, of, at, &last)))
		return false;
	add_row(state, count, of, at, &last);
	return true;
}

static bool
is_of_table(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	return DatumGetObjectId(heap_getattr(tuple, FLOW_RELATION + 1, RelationGetDescr(rel), &isnull)) == *(Oid *) arg;
}

void
paysafe_velocity_forget(Oid root)
{
	(void) paysafe_store_expire(PAYSAFE_VELOCITY_FLOW, is_of_table, &root);
}

static bool
is_over(Relation rel, HeapTuple tuple, void *arg)
{
	TimestampTz now = *(TimestampTz *) arg;
	bool		isnull;
	TimestampTz at = DatumGetTimestampTz(heap_getattr(tuple, FLOW_AT + 1, RelationGetDescr(rel), &isnull));
	TimestampTz until = DatumGetTimestampTz(heap_getattr(tuple, FLOW_UNTIL + 1, RelationGetDescr(rel), &isnull));

	return until <= now || at > now + (until - at);
}

int64
paysafe_velocity_expire_rows(void)
{
	TimestampTz now = GetCurrentTimestamp();

	return paysafe_store_expire(PAYSAFE_VELOCITY_FLOW, is_over, &now);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_velocity_expire);

/*
 * velocity_expire() returns bigint
 */
Datum
paysafe_velocity_expire(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(paysafe_velocity_expire_rows());
}
