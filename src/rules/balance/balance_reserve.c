/*-------------------------------------------------------------------------
 *
 * balance_reserve.c
 *	  Reservations: amounts that are set aside and posted later, or never.
 *
 * A reservation counts against the minimum of its account until it ends: once,
 * posted or voided, or by its time.  Nothing needs to happen for the latter;
 * what is reserved is added up from the reservations whose time has not come.
 *
 * Posting a reservation frees what was set aside for entries of the same
 * database transaction; before it commits, they must have taken what is
 * posted from the account.
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

#include "base/refusal.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "rules/balance/balance.h"
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

typedef struct Reservation
{
	int64		id;
	Oid			accounts;
	char	   *account;
	Numeric		amount;
	TimestampTz expires_at;
	bool		found;
} Reservation;

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

static bool
add_open(Relation rel, HeapTuple tuple, void *arg)
{
	Numeric    *sum = arg;
	Reservation r;

	(void) read_reservation(rel, tuple, &r);
	if (outcome_of(r.id) == NULL)
		*sum = paysafe_money_add(*sum, r.amount);
	return true;
}

Numeric
paysafe_reserved(Oid accounts, const char *key)
{
	Datum		keys[2];
	Numeric		sum = paysafe_money_zero();

	/* most databases never reserve anything */
	if (paysafe_store_is_empty(PAYSAFE_RESERVATION_RECORD))
		return sum;
	keys[0] = ObjectIdGetDatum(accounts);
	keys[1] = CStringGetTextDatum(key);
	paysafe_store_seek(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 2, keys,
					   BTGreaterStrategyNumber, TimestampTzGetDatum(GetCurrentTimestamp()),
					   false, NULL, add_open, &sum);
	return sum;
}

void
paysafe_reservation_remove(Oid accounts)
{
	Datum		key = ObjectIdGetDatum(accounts);

	paysafe_store_remove(PAYSAFE_RESERVATION_RECORD, "reservation_record_account", 1, &key);
}

bool
paysafe_reservation_exists(Oid accounts, const char *key)
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

/* A posted reservation (amount positive), or what an account has moved since. */
typedef struct Step
{
	int			level;
	const Rule *rule;			/* of the account's leaf */
	Oid			accounts;
	char	   *account;
	bool		posted;
	Numeric		amount;
} Step;

static List *steps = NIL;		/* TopTransactionContext */

static bool
is_of(const Step *step, Oid accounts, const char *key)
{
	return step->accounts == accounts && strcmp(step->account, key) == 0;
}

static void
add_step(const Account *account, Oid accounts, bool posted, Numeric amount)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Step	   *step = palloc(sizeof(Step));

	step->level = GetCurrentTransactionNestLevel();
	step->rule = account->rule;
	step->accounts = accounts;
	step->account = pstrdup(account->key);
	step->posted = posted;
	step->amount = DatumGetNumericCopy(NumericGetDatum(amount));
	steps = lappend(steps, step);
	MemoryContextSwitchTo(old);
}

void
paysafe_reservation_moved(const Account *account, Oid accounts, Numeric amount)
{
	ListCell   *lc;

	foreach(lc, steps)
		if (is_of(lfirst(lc), accounts, account->key))
		{
			add_step(account, accounts, false, amount);
			return;
		}
}

/* Have the entries of the transaction taken what it posts of this account? */
static void
check_taken(const Step *first)
{
	Numeric		posted = paysafe_money_zero();
	Numeric		moved = paysafe_money_zero();
	ListCell   *lc;

	foreach(lc, steps)
	{
		Step	   *step = lfirst(lc);

		if (!is_of(step, first->accounts, first->account))
			continue;
		if (step->posted)
			posted = paysafe_money_add(posted, step->amount);
		else
			moved = paysafe_money_add(moved, step->amount);
	}
	if (paysafe_money_compare(paysafe_money_negate(moved), posted) < 0)
		paysafe_rule_refuse(first->rule, ERRCODE_23M05_RESERVATION, NULL,
						  psprintf("reservations of account \"%s\" in table \"%s\" are posted, but not taken",
								   first->account, first->rule->table_name),
						  psprintf("%s is posted; the balance has changed by %s since.",
								   paysafe_money_text(posted), paysafe_money_text(moved)),
						  "Add the entries in the same database transaction, after paysafe.post_reservation.");
}

void
paysafe_reservation_pre_commit(void)
{
	ListCell   *lc;

	foreach(lc, steps)
		if (((Step *) lfirst(lc))->posted)
			check_taken(lfirst(lc));
}

void
paysafe_reservation_forget(bool committed, bool all, int level)
{
	ListCell   *lc;

	if (all)
		steps = NIL;			/* memory goes with TopTransactionContext */
	foreach(lc, steps)
	{
		Step	   *step = lfirst(lc);

		if (step->level < level)
			continue;
		if (committed)
			step->level = level - 1;
		else
			steps = foreach_delete_current(steps, lc);
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

	paysafe_balance_rule(accounts, &rule);
	check_may_post(&rule);
	for (;;)
	{
		Snapshot	snapshot = paysafe_scan_snapshot();
		Relation	leaf;
		TupleTableSlot *slot;
		bool		locked;

		paysafe_balance_account(&rule, key, snapshot, out);
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
	if (r->expires_at <= GetCurrentTimestamp())
		refuse(account->rule, id, "has expired");
}

static void
end_reservation(int64 id, const char *outcome, Numeric amount, const char *reason)
{
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	values[END_RESERVATION] = Int64GetDatum(id);
	values[END_OUTCOME] = CStringGetTextDatum(outcome);
	values[END_AMOUNT] = NumericGetDatum(amount);
	values[END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[END_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	nulls[END_REASON] = reason == NULL;
	values[END_REASON] = reason ? CStringGetTextDatum(paysafe_redact_string(reason)) : (Datum) 0;
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_RESERVATION_END, values, nulls);
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
				 errmsg("amount %s: %s", paysafe_money_text(amount), fault)));
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
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																	 TimestampTzGetDatum(now),
																	 PG_GETARG_DATUM(3)));
	const ActorClaim *actor = paysafe_actor_current();
	const char *texts[] = {
		actor ? actor->reason : NULL, actor ? actor->ticket : NULL, actor ? actor->request_id : NULL
	};
	Account		account;
	Numeric		reserved;
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};
	int64		id;

	if (expires_at <= now || TIMESTAMP_NOT_FINITE(expires_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite time to come", "valid_for")));
	lock_account(accounts, text_to_cstring(PG_GETARG_TEXT_PP(1)), &account);
	check_amount(&account, amount);
	reserved = paysafe_reserved(accounts, account.key);
	if (paysafe_money_compare(paysafe_money_add(account.balance,
												paysafe_money_negate(paysafe_money_add(reserved, amount))),
							  account.minimum) < 0)
		paysafe_rule_refuse(account.rule, ERRCODE_23M01_MINIMUM, account.columns->balance.name,
						  psprintf("account \"%s\" in table \"%s\" has too little to reserve %s",
								   account.key, account.rule->table_name, paysafe_money_text(amount)),
						  paysafe_account_visible(accounts) ?
						  psprintf("It has %s and %s reserved, its minimum is %s.",
								   paysafe_money_text(account.balance), paysafe_money_text(reserved),
								   paysafe_money_text(account.minimum)) : NULL,
						  "Reserve less, or pay something in first.");
	id = nextval_internal(get_relname_relid("reservation_id_seq",
											get_rel_namespace(paysafe_catalog_table(PAYSAFE_RESERVATION_RECORD))),
						  false);
	values[RECORD_ID] = Int64GetDatum(id);
	values[RECORD_RELATION] = ObjectIdGetDatum(accounts);
	values[RECORD_ACCOUNT] = CStringGetTextDatum(account.key);
	values[RECORD_AMOUNT] = NumericGetDatum(amount);
	values[RECORD_EXPIRES_AT] = TimestampTzGetDatum(expires_at);
	values[RECORD_AT] = TimestampTzGetDatum(now);
	values[RECORD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[RECORD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[RECORD_REASON + i] = texts[i] == NULL;
		values[RECORD_REASON + i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	paysafe_store_insert(PAYSAFE_RESERVATION_RECORD, values, nulls);
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
			   psprintf("is over %s, less than %s", paysafe_money_text(r.amount), paysafe_money_text(amount)));
	end_reservation(r.id, "posted", amount, NULL);
	add_step(&account, r.accounts, true, amount);
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
	end_reservation(r.id, "voided", paysafe_money_zero(),
					PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}
