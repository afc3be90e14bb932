/*-------------------------------------------------------------------------
 *
 * reserve.c
 *	  Reservations: amounts that are set aside and posted later, or never.
 *
 * A reservation counts against the minimum of its account until it ends: once,
 * posted or voided, or by its time.
 *
 * What is reserved of an account is a running total, which the reservations that
 * end leave.  Those whose time has come leave it later, when somebody needs what they
 * hold, or a few whenever something else is reserved or ends: each is looked at once.
 * So nobody adds up reservations, neither open ones nor ended ones.
 *
 * Posting a reservation frees what was set aside for entries of the same
 * database transaction; before it commits, they must have taken what is
 * posted from the account.  What comes in meanwhile does not count.
 *
 * All of it happens with the account's row locked, the lock that entries take
 * too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "rules/balance/account.h"
#include "rules/balance/history.h"
#include "rules/balance/reserve.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.reservation_record. */
enum
{
	RECORD_ID, RECORD_RELATION, RECORD_ACCOUNT, RECORD_AMOUNT, RECORD_EXPIRES_AT,
	RECORD_AT, RECORD_ACTOR, RECORD_SESSION_USER, RECORD_REASON, RECORD_TICKET,
	RECORD_REQUEST_ID,
	RECORD_NCOLUMNS
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

typedef struct Reservation
{
	int64		id;
	Oid			accounts;
	char	   *account;
	Numeric		amount;
	TimestampTz expires_at;
	bool		found;
} Reservation;

static char *
rule_money(const Rule *rule, const char *account, const char *currency, Numeric amount)
{
	const BalanceState *state = rule->compiled;

	return paysafe_history_money(state->accounts, account, currency, &state->account.balance, amount);
}

static char *
money(const Account *account, Numeric amount)
{
	return rule_money(account->rule, account->key, account->currency, amount);
}

/*
 * Reading
 */

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
	return false;
}

static bool
read_outcome(Relation rel, HeapTuple tuple, void *arg)
{
	char	  **outcome = arg;

	*outcome = paysafe_store_text(tuple, RelationGetDescr(rel), END_OUTCOME);
	return false;
}

/* How it has ended, or NULL; its time is not looked at. */
static char *
outcome_of(int64 id)
{
	Datum		key = Int64GetDatum(id);
	char	   *outcome = NULL;

	paysafe_store_scan(PAYSAFE_RESERVATION_END, "reservation_end_pkey", 1, &key,
					   read_outcome, &outcome);
	return outcome;
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
find_total(Oid accounts, const char *key, Total *out)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};

	*out = (Total)
	{
		.reserved = paysafe_money_zero(), .expired_until = DT_NOBEGIN
	};
	paysafe_store_seek(PAYSAFE_RESERVATION_TOTAL, "reservation_total_pkey", 2, keys,
					   InvalidStrategy, (Datum) 0, true, NULL, read_total, out);
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
	if (outcome_of(r.id) == NULL)
		expiry->total->reserved = paysafe_money_add(expiry->total->reserved,
													paysafe_money_negate(r.amount));
	return true;
}

/* Take out of the total what has expired; true: the total is another one. */
static bool
expire_reservations(Oid accounts, const char *key, Total *total, int limit)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	TimestampTz now = GetCurrentTimestamp();
	Expiry		expiry = {.total = total, .limit = limit};

	if (now <= total->expired_until)
		return false;			/* the clock was set back */
	paysafe_store_seek_between(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 2, keys,
							   total->expired_until == DT_NOBEGIN ? DT_NOBEGIN : total->expired_until + 1,
							   now, expire, &expiry);
	total->expired_until = expiry.stopped ? expiry.last : now;
	return expiry.count > 0;
}

Numeric
paysafe_reserve_sum(Oid accounts, const char *key, Numeric spare)
{
	Total		total;

	/* most databases never reserve anything */
	if (paysafe_store_is_empty(PAYSAFE_RESERVATION_RECORD))
		return paysafe_money_zero();
	find_total(accounts, key, &total);
	if (paysafe_money_compare(total.reserved, spare) > 0 &&
		expire_reservations(accounts, key, &total, 0))
		add_total(accounts, key, &total);
	return total.reserved;
}

/* The total changes by the amount. */
static void
change_total(Oid accounts, const char *key, Numeric amount)
{
	Total		total;

	find_total(accounts, key, &total);
	(void) expire_reservations(accounts, key, &total, EXPIRE_AT_ONCE);
	total.reserved = paysafe_money_add(total.reserved, amount);
	add_total(accounts, key, &total);
}

/*
 * When a reservation of the account, which is locked, ends.  What expires is looked for
 * from the total's time on, which may be later than any that was read before the lock
 * was there, or than the clock, if that was set back: so it counts from there.
 */
static TimestampTz
expiry_of(Oid accounts, const char *key, Interval *valid_for)
{
	Total		total;
	TimestampTz from;
	TimestampTz expires_at;

	find_total(accounts, key, &total);
	from = Max(GetCurrentTimestamp(), total.expired_until);
	expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
														 TimestampTzGetDatum(from),
														 IntervalPGetDatum(valid_for)));
	if (expires_at <= from || TIMESTAMP_NOT_FINITE(expires_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite time to come", "valid_for")));
	return expires_at;
}

void
paysafe_reserve_remove(Oid accounts)
{
	Datum		key = ObjectIdGetDatum(accounts);

	paysafe_store_remove(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 1, &key);
	paysafe_store_remove(PAYSAFE_RESERVATION_TOTAL, "reservation_total_pkey", 1, &key);
}

bool
paysafe_reserve_exists(Oid accounts, const char *key)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	Reservation r = {0};

	paysafe_store_seek(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 2, keys,
					   InvalidStrategy, (Datum) 0, false, NULL, read_reservation, &r);
	return r.found;
}

/*
 * What this transaction posts
 */

/* An account of which reservations are posted, and what entries have taken since. */
typedef struct Posted
{
	uint8		digest[PAYSAFE_SHA256_LEN]; /* hash key: of table and account */
	const Rule *rule;			/* of the account's leaf */
	char	   *account;
	Numeric		posted;
	Numeric		taken;
} Posted;

/* Those of one subtransaction. */
typedef struct Level
{
	int			level;
	MemoryContext context;		/* of all below */
	HTAB	   *accounts;
	struct Level *outer;
} Level;

static Level *levels = NULL;	/* innermost first; TopTransactionContext */

static void
digest_account(Oid accounts, const char *key, uint8 *digest)
{
	char	   *text = psprintf("%u:%s", accounts, key);

	paysafe_crypto_sha256(text, strlen(text), digest);
	pfree(text);
}

static Level *
current_level(void)
{
	int			level = GetCurrentTransactionNestLevel();
	HASHCTL		ctl = {.keysize = PAYSAFE_SHA256_LEN, .entrysize = sizeof(Posted)};
	Level	   *new;

	if (levels != NULL && levels->level >= level)
		return levels;
	ctl.hcxt = AllocSetContextCreate(TopTransactionContext, "paysafe reservations",
									 ALLOCSET_SMALL_SIZES);
	new = MemoryContextAlloc(ctl.hcxt, sizeof(Level));
	new->level = level;
	new->context = ctl.hcxt;
	new->accounts = hash_create("paysafe reservations", 16, &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	new->outer = levels;
	levels = new;
	return new;
}

static void
add_to_level(Level *level, const uint8 *digest, const Rule *rule, const char *account,
			 Numeric posted, Numeric taken)
{
	bool		found;
	Posted	   *entry = hash_search(level->accounts, digest, HASH_ENTER, &found);
	MemoryContext old = MemoryContextSwitchTo(level->context);

	if (!found)
	{
		entry->rule = rule;
		entry->account = pstrdup(account);
		entry->posted = DatumGetNumericCopy(NumericGetDatum(posted));
		entry->taken = DatumGetNumericCopy(NumericGetDatum(taken));
	}
	else
	{
		Numeric		before[] = {entry->posted, entry->taken};

		entry->posted = paysafe_money_add(before[0], posted);
		entry->taken = paysafe_money_add(before[1], taken);
		pfree(before[0]);
		pfree(before[1]);
	}
	MemoryContextSwitchTo(old);
}

static void
note_posted(const Account *account, Oid accounts, Numeric amount)
{
	uint8		digest[PAYSAFE_SHA256_LEN];

	digest_account(accounts, account->key, digest);
	add_to_level(current_level(), digest, account->rule, account->key, amount, paysafe_money_zero());
}

void
paysafe_reserve_taken(const Account *account, Oid accounts, Numeric amount)
{
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (levels == NULL || paysafe_money_sign(amount) == 0)
		return;
	digest_account(accounts, account->key, digest);
	for (Level *level = levels; level != NULL; level = level->outer)
		if (hash_search(level->accounts, digest, HASH_FIND, NULL) != NULL)
		{
			add_to_level(current_level(), digest, account->rule, account->key,
						 paysafe_money_zero(), amount);
			return;
		}
}

void
paysafe_reserve_pre_commit(void)
{
	HASH_SEQ_STATUS status;
	Posted	   *entry;
	const Posted *worst = NULL;

	if (levels == NULL)
		return;
	Assert(levels->outer == NULL);
	hash_seq_init(&status, levels->accounts);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (paysafe_money_compare(entry->taken, entry->posted) < 0 &&
			(worst == NULL || strcmp(entry->account, worst->account) < 0))
			worst = entry;		/* the same one every time */
	if (worst != NULL)
		paysafe_rule_refuse(worst->rule, ERRCODE_23M05_RESERVATION, NULL,
						  psprintf("reservations of account \"%s\" in table \"%s\" are posted, but not taken",
								   worst->account, worst->rule->table_name),
						  psprintf("%s is posted; entries have taken %s since.",
								   rule_money(worst->rule, worst->account, NULL, worst->posted),
								   rule_money(worst->rule, worst->account, NULL, worst->taken)),
						  "Add the entries in the same database transaction, after paysafe.post_reservation.");
}

void
paysafe_reserve_forget(bool committed, bool all, int level)
{
	if (all)
		levels = NULL;			/* memory goes with TopTransactionContext */
	while (levels != NULL && levels->level >= level)
	{
		Level	   *inner = levels;
		HASH_SEQ_STATUS status;
		Posted	   *entry;

		if (committed && (inner->outer == NULL || inner->outer->level < level - 1))
		{
			inner->level = level - 1;
			return;
		}
		levels = inner->outer;
		if (committed)
		{
			hash_seq_init(&status, inner->accounts);
			while ((entry = hash_seq_search(&status)) != NULL)
				add_to_level(levels, entry->digest, entry->rule, entry->account,
							 entry->posted, entry->taken);
		}
		MemoryContextDelete(inner->context);
	}
}

/*
 * Locking
 */

static PAYSAFE_NORETURN void
refuse(const Rule *rule, int64 id, const char *what)
{
	paysafe_rule_refuse(rule, ERRCODE_23M05_RESERVATION, NULL,
					  psprintf("reservation " INT64_FORMAT " %s", id, what),
					  NULL, "The view paysafe.reservation shows what became of it.");
}

/* Raises unless the current user may add entries to the ledger. */
static void
check_may_post(const RuleSource *rule)
{
	if (pg_class_aclcheck(rule->reference, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(rule->reference));
}

/* Find the account by its key as text and lock it. */
static void
lock_account(Oid accounts, char *key, Account *out)
{
	RuleSource	rule;

	paysafe_account_rule(accounts, &rule);
	check_may_post(&rule);
	for (;;)
	{
		Snapshot	snapshot = paysafe_scan_snapshot();
		Relation	leaf;
		TupleTableSlot *slot;
		bool		locked;

		paysafe_account_named(&rule, key, snapshot, out);
		if (out->minimum == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("account \"%s\" in table \"%s\" has no minimum",
							paysafe_redact_string(key), get_rel_name(accounts)),
					 errdetail("There is nothing that a reservation would count against.")));
		leaf = table_open(out->relid, RowShareLock);
		slot = table_slot_create(leaf, NULL);
		locked = paysafe_account_lock(leaf, out, snapshot, slot);
		ExecDropSingleTupleTableSlot(slot);
		table_close(leaf, NoLock);
		UnregisterSnapshot(snapshot);
		if (locked)
			break;
	}
	if (out->balance == NULL)
		out->balance = paysafe_money_zero();
}

/* Find the reservation and lock its account; it must be open. */
static void
lock_reservation(int64 id, Reservation *r, Account *account)
{
	Datum		key = Int64GetDatum(id);
	Total		total;
	char	   *outcome;

	memset(r, 0, sizeof(*r));
	paysafe_store_scan(PAYSAFE_RESERVATION_RECORD, "reservation_record_pkey", 1, &key,
					   read_reservation, r);
	if (!r->found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reservation " INT64_FORMAT " does not exist", id)));
	lock_account(r->accounts, r->account, account);
	outcome = outcome_of(id);
	if (outcome != NULL)
		refuse(account->rule, id, psprintf("has been %s", outcome));
	find_total(r->accounts, account->key, &total);
	if (r->expires_at <= Max(GetCurrentTimestamp(), total.expired_until))
		refuse(account->rule, id, "has expired");
}

static void
end_reservation(const Reservation *r, const char *outcome, Numeric amount, const char *reason)
{
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	values[END_RESERVATION] = Int64GetDatum(r->id);
	values[END_OUTCOME] = CStringGetTextDatum(outcome);
	values[END_AMOUNT] = NumericGetDatum(amount);
	values[END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[END_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	nulls[END_REASON] = reason == NULL;
	values[END_REASON] = reason ? CStringGetTextDatum(paysafe_redact_string(reason)) : (Datum) 0;
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_RESERVATION_END, values, nulls);
	change_total(r->accounts, r->account, paysafe_money_negate(r->amount));
}

static void
check_amount(const Account *account, Numeric amount)
{
	char	   *currency = paysafe_history_currency(((const BalanceState *) account->rule->compiled)->accounts,
													account->key);
	char	   *fault;

	if (numeric_is_nan(amount) || numeric_is_inf(amount) ||
		paysafe_money_sign(amount) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite amount above zero", "amount")));
	if (currency == NULL)
		return;					/* nothing there to reserve */
	fault = paysafe_money_is_minor(&account->columns->balance) ?
		(DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) > 0 ?
		 "minor units have no decimals" : NULL) :
		paysafe_money_fault(&account->columns->balance, amount, currency, false);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("amount %s: %s", paysafe_money_spoken(&account->columns->balance, amount, currency), fault)));
}

/* Raises if the account has less than that amount to reserve. */
static void
check_spare(const Account *account, Oid accounts, Numeric amount)
{
	Numeric		spare = paysafe_money_add(account->balance,
										  paysafe_money_negate(paysafe_money_add(account->minimum, amount)));
	Numeric		reserved = paysafe_reserve_sum(accounts, account->key, spare);

	if (paysafe_money_compare(reserved, spare) > 0)
		paysafe_rule_refuse(account->rule, ERRCODE_23M01_MINIMUM, account->columns->balance.name,
						  psprintf("account \"%s\" in table \"%s\" has too little to reserve %s",
								   account->key, account->rule->table_name, money(account, amount)),
						  paysafe_account_visible(accounts) ?
						  psprintf("It has %s and %s reserved, its minimum is %s.",
								   money(account, account->balance), money(account, reserved),
								   money(account, account->minimum)) : NULL,
						  "Reserve less, or pay something in first.");
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_reserve);

/*
 * reserve(accounts regclass, account text, amount numeric, valid_for interval)
 * returns bigint: the reservation
 */
Datum
paysafe_reserve(PG_FUNCTION_ARGS)
{
	Oid			accounts = PG_GETARG_OID(0);
	Numeric		amount = PG_GETARG_NUMERIC(2);
	TimestampTz expires_at;
	const ActorClaim *actor = paysafe_actor_current();
	const char *texts[] = {
		actor ? actor->reason : NULL, actor ? actor->ticket : NULL, actor ? actor->request_id : NULL
	};
	Account		account;
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};
	int64		id;

	lock_account(accounts, text_to_cstring(PG_GETARG_TEXT_PP(1)), &account);
	check_amount(&account, amount);
	check_spare(&account, accounts, amount);
	expires_at = expiry_of(accounts, account.key, PG_GETARG_INTERVAL_P(3));
	id = nextval_internal(get_relname_relid("reservation_id_seq",
											get_rel_namespace(paysafe_catalog_table(PAYSAFE_RESERVATION_RECORD))),
						  false);
	values[RECORD_ID] = Int64GetDatum(id);
	values[RECORD_RELATION] = ObjectIdGetDatum(accounts);
	values[RECORD_ACCOUNT] = CStringGetTextDatum(account.key);
	values[RECORD_AMOUNT] = NumericGetDatum(amount);
	values[RECORD_EXPIRES_AT] = TimestampTzGetDatum(expires_at);
	values[RECORD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RECORD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[RECORD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[RECORD_REASON + i] = texts[i] == NULL;
		values[RECORD_REASON + i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	paysafe_store_insert(PAYSAFE_RESERVATION_RECORD, values, nulls);
	change_total(accounts, account.key, amount);
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(paysafe_post_reservation);

/*
 * post_reservation(id bigint, amount numeric) returns numeric: what is posted
 */
Datum
paysafe_post_reservation(PG_FUNCTION_ARGS)
{
	Reservation r;
	Account		account;
	Numeric		amount;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "id")));
	lock_reservation(PG_GETARG_INT64(0), &r, &account);
	amount = PG_ARGISNULL(1) ? r.amount : PG_GETARG_NUMERIC(1);
	check_amount(&account, amount);
	if (paysafe_money_compare(amount, r.amount) > 0)
		refuse(account.rule, r.id,
			   psprintf("is over %s, less than %s", money(&account, r.amount), money(&account, amount)));
	end_reservation(&r, "posted", amount, NULL);
	note_posted(&account, r.accounts, amount);
	PG_RETURN_NUMERIC(amount);
}

PG_FUNCTION_INFO_V1(paysafe_void_reservation);

/*
 * void_reservation(id bigint, reason text) returns void
 */
Datum
paysafe_void_reservation(PG_FUNCTION_ARGS)
{
	Reservation r;
	Account		account;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "id")));
	lock_reservation(PG_GETARG_INT64(0), &r, &account);
	end_reservation(&r, "voided", paysafe_money_zero(),
					PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}
