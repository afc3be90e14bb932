/*-------------------------------------------------------------------------
 *
 * reserve_record.c
 *	  Reservations as rows, and what is reserved of accounts.
 *
 * What is reserved of an account is a running total, which the reservations that
 * end leave, and what is posted of those that do not.  Those whose time has come
 * leave it later, when somebody needs what they hold, or a few whenever something
 * else is reserved or ends: each is looked at once.  So nobody adds up
 * reservations, neither open ones nor ended ones.  Who only asks what is set aside
 * locks nothing, and subtracts what has expired since.
 *
 * What is set aside for an account has no total, which all who pay into it would
 * wait for: who asks looks at the reservations whose time has not come.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "people/actor.h"
#include "redact/redact.h"
#include "rules/balance/history.h"
#include "rules/balance/reserve_record.h"
#include "store/own_table.h"
#include "values/money.h"

/* Columns of paysafe.reservation_record. */
enum
{
	RECORD_ID, RECORD_RELATION, RECORD_ACCOUNT, RECORD_AMOUNT, RECORD_EXPIRES_AT,
	RECORD_AT, RECORD_ACTOR, RECORD_SESSION_USER, RECORD_REASON, RECORD_TICKET,
	RECORD_REQUEST_ID, RECORD_OWN_KEY, RECORD_TO_ACCOUNT,
	RECORD_NCOLUMNS
};

/* Columns of paysafe.reservation_post. */
enum
{
	POST_RESERVATION, POST_NUMBER, POST_OWN_KEY, POST_AMOUNT, POST_POSTED, POST_FINAL,
	POST_ACTOR, POST_SESSION_USER, POST_AT,
	POST_NCOLUMNS
};

/* Columns of paysafe.reservation_end. */
enum
{
	END_RESERVATION, END_OUTCOME, END_AMOUNT, END_ACTOR, END_SESSION_USER, END_REASON,
	END_AT,
	END_NCOLUMNS
};

/* Columns of paysafe.reservation_total. */
enum
{
	TOTAL_RELATION, TOTAL_ACCOUNT, TOTAL_NUMBER, TOTAL_RESERVED, TOTAL_EXPIRED_UNTIL,
	TOTAL_NCOLUMNS
};

#define EXPIRE_AT_ONCE	16		/* reservations that a change of the total looks at */

/*
 * Rows
 */

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static bool
read_reservation(Relation rel, HeapTuple tuple, void *arg)
{
	Reservation *r = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	r->found = true;
	r->id = DatumGetInt64(heap_getattr(tuple, RECORD_ID + 1, desc, &isnull));
	r->accounts = DatumGetObjectId(heap_getattr(tuple, RECORD_RELATION + 1, desc, &isnull));
	r->account = paysafe_store_text(tuple, desc, RECORD_ACCOUNT);
	r->amount = DatumGetNumericCopy(heap_getattr(tuple, RECORD_AMOUNT + 1, desc, &isnull));
	r->expires_at = DatumGetTimestampTz(heap_getattr(tuple, RECORD_EXPIRES_AT + 1, desc, &isnull));
	r->key = paysafe_store_text(tuple, desc, RECORD_OWN_KEY);
	r->to_account = paysafe_store_text(tuple, desc, RECORD_TO_ACCOUNT);
	return false;
}

bool
paysafe_reserve_record_find(int64 id, Reservation *out)
{
	Datum		key = Int64GetDatum(id);

	memset(out, 0, sizeof(*out));
	paysafe_store_scan(PAYSAFE_RESERVATION_RECORD, "reservation_record_pkey", 1, &key,
					   read_reservation, out);
	return out->found;
}

bool
paysafe_reserve_record_find_key(Oid accounts, const char *key, Reservation *out)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};

	memset(out, 0, sizeof(*out));
	paysafe_store_scan(PAYSAFE_RESERVATION_RECORD, "reservation_record_own_key", 2, keys,
					   read_reservation, out);
	return out->found;
}

void
paysafe_reserve_record_add(const Reservation *r, const char *const *texts)
{
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};

	values[RECORD_ID] = Int64GetDatum(r->id);
	values[RECORD_RELATION] = ObjectIdGetDatum(r->accounts);
	values[RECORD_ACCOUNT] = CStringGetTextDatum(r->account);
	values[RECORD_AMOUNT] = NumericGetDatum(r->amount);
	values[RECORD_EXPIRES_AT] = TimestampTzGetDatum(r->expires_at);
	values[RECORD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RECORD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[RECORD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	for (int i = 0; i < 3; i++)
		set_text(values, nulls, RECORD_REASON + i, texts[i]);
	set_text(values, nulls, RECORD_OWN_KEY, r->key);
	set_text(values, nulls, RECORD_TO_ACCOUNT, r->to_account);
	paysafe_store_insert(PAYSAFE_RESERVATION_RECORD, values, nulls);
}

static bool
read_outcome(Relation rel, HeapTuple tuple, void *arg)
{
	char	  **outcome = arg;

	*outcome = paysafe_store_text(tuple, RelationGetDescr(rel), END_OUTCOME);
	return false;
}

char *
paysafe_reserve_record_outcome(int64 id, Snapshot snapshot)
{
	Datum		key = Int64GetDatum(id);
	char	   *outcome = NULL;

	paysafe_store_seek(PAYSAFE_RESERVATION_END, "reservation_end_pkey", 1, &key,
					   InvalidStrategy, (Datum) 0, false, snapshot, read_outcome, &outcome);
	return outcome;
}

void
paysafe_reserve_record_end(const Reservation *r, const char *outcome, Numeric amount,
						   const char *reason)
{
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	values[END_RESERVATION] = Int64GetDatum(r->id);
	values[END_OUTCOME] = CStringGetTextDatum(outcome);
	values[END_AMOUNT] = NumericGetDatum(amount);
	values[END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[END_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	set_text(values, nulls, END_REASON, reason ? paysafe_redact_string(reason) : NULL);
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_RESERVATION_END, values, nulls);
}

static bool
read_post(Relation rel, HeapTuple tuple, void *arg)
{
	ReservationPost *post = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	post->number = DatumGetInt32(heap_getattr(tuple, POST_NUMBER + 1, desc, &isnull));
	post->amount = DatumGetNumericCopy(heap_getattr(tuple, POST_AMOUNT + 1, desc, &isnull));
	post->posted = DatumGetNumericCopy(heap_getattr(tuple, POST_POSTED + 1, desc, &isnull));
	post->final = DatumGetBool(heap_getattr(tuple, POST_FINAL + 1, desc, &isnull));
	return false;
}

void
paysafe_reserve_record_posted(int64 id, Snapshot snapshot, ReservationPost *out)
{
	Datum		key = Int64GetDatum(id);

	*out = (ReservationPost)
	{
		.posted = paysafe_money_zero()
	};
	/* most databases post what they reserve at once */
	if (!paysafe_store_is_empty(PAYSAFE_RESERVATION_POST))
		paysafe_store_seek(PAYSAFE_RESERVATION_POST, "reservation_post_pkey", 1, &key,
						   InvalidStrategy, (Datum) 0, true, snapshot, read_post, out);
}

bool
paysafe_reserve_record_post_of_key(int64 id, const char *key, ReservationPost *out)
{
	Datum		keys[] = {Int64GetDatum(id), CStringGetTextDatum(key)};

	memset(out, 0, sizeof(*out));
	if (!paysafe_store_is_empty(PAYSAFE_RESERVATION_POST))
		paysafe_store_scan(PAYSAFE_RESERVATION_POST, "reservation_post_own_key", 2, keys,
						   read_post, out);
	return out->number > 0;
}

void
paysafe_reserve_record_add_post(int64 id, const char *key, const ReservationPost *post)
{
	Datum		values[POST_NCOLUMNS];
	bool		nulls[POST_NCOLUMNS] = {0};

	values[POST_RESERVATION] = Int64GetDatum(id);
	values[POST_NUMBER] = Int32GetDatum(post->number);
	set_text(values, nulls, POST_OWN_KEY, key);
	values[POST_AMOUNT] = NumericGetDatum(post->amount);
	values[POST_POSTED] = NumericGetDatum(post->posted);
	values[POST_FINAL] = BoolGetDatum(post->final);
	values[POST_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[POST_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[POST_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_RESERVATION_POST, values, nulls);
}

/* What it holds, unless it has ended. */
static Numeric
held_by(const Reservation *r, Snapshot snapshot)
{
	ReservationPost last;

	paysafe_reserve_record_posted(r->id, snapshot, &last);
	return paysafe_money_add(r->amount, paysafe_money_negate(last.posted));
}

/*
 * Totals
 */

/* What is reserved of an account, with what expires after a time. */
typedef struct Total
{
	int64		number;			/* 0: nothing has ever been */
	Numeric		reserved;
	TimestampTz expired_until;
} Total;

static bool
read_total(Relation rel, HeapTuple tuple, void *arg)
{
	Total	   *total = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	total->number = DatumGetInt64(heap_getattr(tuple, TOTAL_NUMBER + 1, desc, &isnull));
	total->reserved = DatumGetNumericCopy(heap_getattr(tuple, TOTAL_RESERVED + 1, desc, &isnull));
	total->expired_until = DatumGetTimestampTz(heap_getattr(tuple, TOTAL_EXPIRED_UNTIL + 1, desc, &isnull));
	return false;
}

static void
find_total(Oid accounts, const char *key, Snapshot snapshot, Total *out)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};

	*out = (Total)
	{
		.reserved = paysafe_money_zero(), .expired_until = DT_NOBEGIN
	};
	paysafe_store_seek(PAYSAFE_RESERVATION_TOTAL, "reservation_total_pkey", 2, keys,
					   InvalidStrategy, (Datum) 0, true, snapshot, read_total, out);
}

static void
add_total(Oid accounts, const char *key, const Total *total)
{
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS] = {0};

	values[TOTAL_RELATION] = ObjectIdGetDatum(accounts);
	values[TOTAL_ACCOUNT] = CStringGetTextDatum(key);
	values[TOTAL_NUMBER] = Int64GetDatum(total->number + 1);
	values[TOTAL_RESERVED] = NumericGetDatum(total->reserved);
	values[TOTAL_EXPIRED_UNTIL] = TimestampTzGetDatum(total->expired_until);
	paysafe_store_insert(PAYSAFE_RESERVATION_TOTAL, values, nulls);
}

typedef struct Expiry
{
	Total	   *total;
	Snapshot	snapshot;		/* NULL: the newest */
	int			limit;			/* 0: none */
	int			count;
	TimestampTz last;
	bool		stopped;
} Expiry;

static bool
expire(Relation rel, HeapTuple tuple, void *arg)
{
	Expiry	   *expiry = arg;
	Reservation r;

	(void) read_reservation(rel, tuple, &r);
	/* those of one time stay together */
	if (expiry->limit > 0 && expiry->count >= expiry->limit && r.expires_at != expiry->last)
	{
		expiry->stopped = true;
		return false;
	}
	expiry->count++;
	expiry->last = r.expires_at;
	if (paysafe_reserve_record_outcome(r.id, expiry->snapshot) == NULL)
		expiry->total->reserved = paysafe_money_add(expiry->total->reserved,
													paysafe_money_negate(held_by(&r, expiry->snapshot)));
	return true;
}

/* Take out of the total what has expired; true: the total is another one. */
static bool
expire_reservations(Oid accounts, const char *key, Total *total, int limit, Snapshot snapshot)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	TimestampTz now = GetCurrentTimestamp();
	Expiry		expiry = {.total = total, .limit = limit, .snapshot = snapshot};

	if (now <= total->expired_until)
		return false;			/* the clock was set back */
	paysafe_store_seek_between(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 2, keys,
							   total->expired_until == DT_NOBEGIN ? DT_NOBEGIN : total->expired_until + 1,
							   now, snapshot, expire, &expiry);
	total->expired_until = expiry.stopped ? expiry.last : now;
	return expiry.count > 0;
}

Numeric
paysafe_reserve_record_sum(Oid accounts, const char *key, Numeric spare)
{
	Total		total;

	/* most databases never reserve anything */
	if (paysafe_store_is_empty(PAYSAFE_RESERVATION_RECORD))
		return paysafe_money_zero();
	find_total(accounts, key, NULL, &total);
	if (paysafe_money_compare(total.reserved, spare) > 0 &&
		expire_reservations(accounts, key, &total, 0, NULL))
		add_total(accounts, key, &total);
	return total.reserved;
}

void
paysafe_reserve_record_change(Oid accounts, const char *key, Numeric amount)
{
	Total		total;

	find_total(accounts, key, NULL, &total);
	(void) expire_reservations(accounts, key, &total, EXPIRE_AT_ONCE, NULL);
	total.reserved = paysafe_money_add(total.reserved, amount);
	add_total(accounts, key, &total);
}

TimestampTz
paysafe_reserve_record_expired_until(Oid accounts, const char *key)
{
	Total		total;

	find_total(accounts, key, NULL, &total);
	return total.expired_until;
}

Numeric
paysafe_reserve_record_out(Oid accounts, const char *key, Snapshot snapshot)
{
	Total		total;

	if (paysafe_store_is_empty(PAYSAFE_RESERVATION_RECORD))
		return paysafe_money_zero();
	find_total(accounts, key, snapshot, &total);
	if (paysafe_money_sign(total.reserved) > 0)
		(void) expire_reservations(accounts, key, &total, 0, snapshot);
	return total.reserved;
}

/* What is set aside for an account. */
typedef struct Coming
{
	const char *currency;		/* or NULL: any */
	Snapshot	snapshot;
	Numeric		sum;
} Coming;

static bool
add_coming(Relation rel, HeapTuple tuple, void *arg)
{
	Coming	   *coming = arg;
	Reservation r;

	CHECK_FOR_INTERRUPTS();
	(void) read_reservation(rel, tuple, &r);
	if (coming->currency != NULL)
	{
		const char *currency = paysafe_history_currency(r.accounts, r.account);

		if (currency == NULL || strcmp(currency, coming->currency) != 0)
			return true;
	}
	if (paysafe_reserve_record_outcome(r.id, coming->snapshot) == NULL)
		coming->sum = paysafe_money_add(coming->sum, held_by(&r, coming->snapshot));
	return true;
}

Numeric
paysafe_reserve_record_in(Oid accounts, const char *key, const char *currency, Snapshot snapshot)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	Coming		coming = {.currency = currency, .snapshot = snapshot, .sum = paysafe_money_zero()};

	if (!paysafe_store_is_empty(PAYSAFE_RESERVATION_RECORD))
		paysafe_store_seek(PAYSAFE_RESERVATION_RECORD, "reservation_record_to_account", 2, keys,
						   BTGreaterStrategyNumber, TimestampTzGetDatum(GetCurrentTimestamp()), false,
						   snapshot, add_coming, &coming);
	return coming.sum;
}

bool
paysafe_reserve_record_exists(Oid accounts, const char *key)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	Reservation r = {0};

	paysafe_store_seek(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 2, keys,
					   InvalidStrategy, (Datum) 0, false, NULL, read_reservation, &r);
	return r.found;
}

void
paysafe_reserve_record_remove(Oid accounts)
{
	Datum		key = ObjectIdGetDatum(accounts);

	paysafe_store_remove(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 1, &key);
	paysafe_store_remove(PAYSAFE_RESERVATION_TOTAL, "reservation_total_pkey", 1, &key);
}
