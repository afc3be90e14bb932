/*-------------------------------------------------------------------------
 *
 * reserve.c
 *	  Reservations: amounts that are set aside and posted later, or never.
 *
 * A reservation counts against the minimum of its account until it ends: once,
 * posted or voided, or by its time.  It may be posted in parts: each leaves what is
 * reserved, and the last one, or voiding it, gives back what is left.
 *
 * Posting a reservation frees what was set aside for entries of the same
 * database transaction; before it commits, they must have taken what is
 * posted from the account.  What comes in meanwhile does not count.
 *
 * A call with a key that has been made before, with the same content, does nothing,
 * and returns what it returned: its entries are there.
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
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "rules/balance/account.h"
#include "rules/balance/account_status.h"
#include "rules/balance/balance_written.h"
#include "rules/balance/history.h"
#include "rules/balance/reserve.h"
#include "rules/balance/reserve_record.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

#define MAX_KEY		200			/* bytes of a key that makes a repetition quiet */

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
 * When a reservation of the account, which is locked, ends.  What expires is looked for
 * from the total's time on, which may be later than any that was read before the lock
 * was there, or than the clock, if that was set back: so it counts from there.
 */
static TimestampTz
expiry_of(Oid accounts, const char *key, Interval *valid_for)
{
	TimestampTz from = Max(GetCurrentTimestamp(), paysafe_reserve_record_expired_until(accounts, key));
	TimestampTz expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																	 TimestampTzGetDatum(from),
																	 IntervalPGetDatum(valid_for)));

	if (expires_at <= from || TIMESTAMP_NOT_FINITE(expires_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite time to come", "valid_for")));
	return expires_at;
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

/* The rule that keeps reservations; what is voided is so too where one only looks. */
static void
find_rule(Oid accounts, bool voided, RuleSource *out)
{
	bool		removed;

	if (!voided || !paysafe_rule_newest(accounts, "balance", out, &removed) || removed)
		paysafe_account_rule(accounts, out);
	check_may_post(out);
}

/* Find the account by its key as text and lock it; it has a minimum, unless something is voided. */
static void
lock_account(Oid accounts, char *key, bool voided, Account *out)
{
	RuleSource	rule;

	find_rule(accounts, voided, &rule);
	for (;;)
	{
		Snapshot	snapshot = paysafe_scan_snapshot();
		Relation	leaf;
		TupleTableSlot *slot;
		bool		locked;

		paysafe_account_named(&rule, key, snapshot, false, out);
		leaf = table_open(out->relid, RowShareLock);
		slot = table_slot_create(leaf, NULL);
		locked = paysafe_account_lock(leaf, out, snapshot, slot);
		ExecDropSingleTupleTableSlot(slot);
		table_close(leaf, NoLock);
		UnregisterSnapshot(snapshot);
		if (locked)
			break;
	}
	/* as it is now: it may have had one before */
	if (out->minimum == NULL && !voided)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("account \"%s\" in table \"%s\" has no minimum",
						paysafe_redact_string(key), get_rel_name(accounts)),
				 errdetail("There is nothing that a reservation would count against."),
				 errhint("Reserve from an account that has one; a reservation that is there can be voided.")));
	paysafe_balance_written_settle(out->rule, out);
	if (out->balance == NULL)
		out->balance = paysafe_money_zero();
}

/* Is it of an account that the transaction may not know of? */
static bool
is_hidden(const Reservation *r, bool voided)
{
	RuleSource	rule;
	Snapshot	snapshot;
	Account		account;
	bool		hidden;

	find_rule(r->accounts, voided, &rule);
	snapshot = paysafe_scan_snapshot();
	hidden = paysafe_account_count(&rule, pstrdup(r->account), snapshot, false, &account) == 0 &&
		paysafe_account_count(&rule, pstrdup(r->account), snapshot, true, &account) > 0;
	UnregisterSnapshot(snapshot);
	return hidden;
}

/*
 * Find the reservation and lock its account.  True: a part of it has been posted with
 * this key.  Otherwise it must be open.
 */
static bool
lock_reservation(int64 id, const char *key, bool voided, Reservation *r, Account *account,
				 ReservationPost *post)
{
	char	   *outcome;

	if (!paysafe_reserve_record_find(id, r) || is_hidden(r, voided))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reservation " INT64_FORMAT " does not exist", id)));
	lock_account(r->accounts, r->account, voided, account);
	if (key != NULL && paysafe_reserve_record_post_of_key(id, key, post))
		return true;
	outcome = paysafe_reserve_record_outcome(id, NULL);
	if (outcome != NULL)
		refuse(account->rule, id, psprintf("has been %s", outcome));
	if (r->expires_at <= Max(GetCurrentTimestamp(),
							 paysafe_reserve_record_expired_until(r->accounts, account->key)))
		refuse(account->rule, id, "has expired");
	paysafe_reserve_record_posted(id, NULL, post);
	return false;
}

/* The key by which a call is known when it is repeated, or NULL. */
static char *
key_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *key = paysafe_argument_optional(fcinfo, n, "key", MAX_KEY);

	if (key != NULL && strcmp(paysafe_redact_string(key), key) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not contain a card number or a secret", "key")));
	return key;
}

static void
check_amount(const Account *account, Numeric amount)
{
	const BalanceState *state = account->rule->compiled;
	char	   *currency = paysafe_history_currency(state->accounts, account->key);
	AmountColumn column = account->columns->balance;
	Jsonb	   *ledger;
	char	   *fault;

	if (numeric_is_nan(amount) || numeric_is_inf(amount) ||
		paysafe_money_sign(amount) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite amount above zero", "amount")));
	if (currency == NULL)
		return;					/* nothing there to reserve */
	/* it will be entries */
	if (!paysafe_money_is_minor(&column) && paysafe_account_ledger(state->ledger, &ledger))
		paysafe_money_decimals(&column, paysafe_spec_optional_text(ledger, "decimals"));
	fault = paysafe_money_is_minor(&column) ?
		(DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) > 0 ?
		 "minor units have no decimals" : NULL) :
		paysafe_money_fault(&column, amount, currency, false);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("amount %s: %s", paysafe_money_spoken(&column, amount, currency), fault)));
}

/* Raises if the account has less than that amount to reserve. */
static void
check_spare(const Account *account, Oid accounts, Numeric amount)
{
	Numeric		spare = paysafe_money_add(account->balance,
										  paysafe_money_negate(paysafe_money_add(account->minimum, amount)));
	Numeric		reserved = paysafe_reserve_record_sum(accounts, account->key, spare);

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

/* The account that the amount is meant for, by its key; it must be another one. */
static char *
account_paid_into(Oid accounts, const Account *account, char *key)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	RuleSource	rule;
	Account		to;

	paysafe_account_rule(accounts, &rule);
	paysafe_account_named(&rule, key, snapshot, false, &to);
	UnregisterSnapshot(snapshot);
	if (strcmp(to.key, account->key) == 0 ||
		(to.currency != NULL && (account->currency == NULL || strcmp(to.currency, account->currency) != 0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be another account of the same currency", "to_account")));
	return to.key;
}

/* What was reserved under the key must be what is asked for now. */
static void
check_repeated(const Account *account, const Reservation *before, const Reservation *now)
{
	if (strcmp(before->account, now->account) == 0 &&
		paysafe_money_compare(before->amount, now->amount) == 0 &&
		strcmp(before->to_account ? before->to_account : "", now->to_account ? now->to_account : "") == 0)
		return;
	paysafe_rule_refuse(account->rule, ERRCODE_23M05_RESERVATION, NULL,
						psprintf("key \"%s\" is that of reservation " INT64_FORMAT ", which is another one",
								 now->key, before->id),
						"It is not of the same account, amount and account that is paid into.",
						"Repeat the call as it was, or give this one a key of its own.");
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_reserve);

/*
 * reserve(accounts regclass, account text, amount numeric, valid_for interval,
 *		   key text, to_account text)
 * returns bigint: the reservation
 */
Datum
paysafe_reserve(PG_FUNCTION_ARGS)
{
	const ActorClaim *actor = paysafe_actor_current();
	const char *const texts[] = {
		actor ? actor->reason : NULL, actor ? actor->ticket : NULL, actor ? actor->request_id : NULL
	};
	Account		account;
	Reservation r = {0};
	uint64		hash = 0;

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	r.key = key_argument(fcinfo, 4);
	r.accounts = PG_GETARG_OID(0);
	r.amount = PG_GETARG_NUMERIC(2);
	lock_account(r.accounts, text_to_cstring(PG_GETARG_TEXT_PP(1)), false, &account);
	r.account = account.key;
	check_amount(&account, r.amount);
	if (!PG_ARGISNULL(5))
		r.to_account = account_paid_into(r.accounts, &account, text_to_cstring(PG_GETARG_TEXT_PP(5)));
	if (r.key != NULL)
	{
		Datum		keys[] = {ObjectIdGetDatum(r.accounts), CStringGetTextDatum(r.key)};
		Reservation before;

		hash = hash_bytes_extended((const unsigned char *) r.key, strlen(r.key), r.accounts);
		(void) paysafe_store_lock_key(PAYSAFE_RESERVATION_RECORD, "reservation_record_own_key", 2, keys,
									  hash, false, false, NULL);
		if (paysafe_reserve_record_find_key(r.accounts, r.key, &before))
		{
			paysafe_store_unlock_value(PAYSAFE_RESERVATION_RECORD, hash);
			check_repeated(&account, &before, &r);
			PG_RETURN_INT64(before.id);
		}
	}
	if (account.mark != ACCOUNT_OPEN)
		paysafe_account_status_check_move(&account, r.amount, paysafe_money_zero());
	check_spare(&account, r.accounts, r.amount);
	r.expires_at = expiry_of(r.accounts, account.key, PG_GETARG_INTERVAL_P(3));
	r.id = nextval_internal(get_relname_relid("reservation_id_seq",
											  get_rel_namespace(paysafe_catalog_table(PAYSAFE_RESERVATION_RECORD))),
							false);
	paysafe_reserve_record_add(&r, texts);
	if (r.key != NULL)
		paysafe_store_unlock_value(PAYSAFE_RESERVATION_RECORD, hash);
	paysafe_reserve_record_change(r.accounts, account.key, r.amount);
	PG_RETURN_INT64(r.id);
}

/* Was the same posted with this key? */
static void
check_post_repeated(const Account *account, const Reservation *r, const char *key,
					const ReservationPost *post, FunctionCallInfo fcinfo)
{
	/* without an amount: all that was left of it */
	if (paysafe_money_compare(PG_ARGISNULL(1) ? post->posted : post->amount,
							  PG_ARGISNULL(1) ? r->amount : PG_GETARG_NUMERIC(1)) == 0 &&
		post->final == PG_GETARG_BOOL(2))
		return;
	paysafe_rule_refuse(account->rule, ERRCODE_23M05_RESERVATION, NULL,
						psprintf("reservation " INT64_FORMAT " has been posted with key \"%s\", and otherwise",
								 r->id, key),
						psprintf("It was posted for %s, %s.", money(account, post->amount),
								 post->final ? "for the last time" : "and not for the last time"),
						"Repeat the call as it was, or give this one a key of its own.");
}

PG_FUNCTION_INFO_V1(paysafe_post_reservation);

/*
 * post_reservation(id bigint, amount numeric, final boolean, key text) returns numeric:
 * what is posted
 */
Datum
paysafe_post_reservation(PG_FUNCTION_ARGS)
{
	char	   *key;
	Reservation r;
	Account		account;
	ReservationPost post;
	Numeric		left;
	Numeric		amount;

	for (int i = 0; i < 3; i += 2)
		paysafe_argument_required(fcinfo, i, i == 0 ? "id" : "final");
	key = key_argument(fcinfo, 3);
	if (lock_reservation(PG_GETARG_INT64(0), key, false, &r, &account, &post))
	{
		check_post_repeated(&account, &r, key, &post, fcinfo);
		PG_RETURN_NUMERIC(post.amount);
	}
	left = paysafe_money_add(r.amount, paysafe_money_negate(post.posted));
	amount = PG_ARGISNULL(1) ? left : PG_GETARG_NUMERIC(1);
	check_amount(&account, amount);
	if (paysafe_money_compare(amount, left) > 0)
		refuse(account.rule, r.id,
			   post.number == 0 ?
			   psprintf("is over %s, less than %s", money(&account, r.amount), money(&account, amount)) :
			   psprintf("has %s of %s left, less than %s", money(&account, left),
						money(&account, r.amount), money(&account, amount)));
	post.number++;
	post.amount = amount;
	post.posted = paysafe_money_add(post.posted, amount);
	post.final = PG_GETARG_BOOL(2);
	/* one that is posted at once, and cannot be repeated, is in its end */
	if (key != NULL || post.number > 1 || !post.final)
		paysafe_reserve_record_add_post(r.id, key, &post);
	if (post.final || paysafe_money_compare(amount, left) == 0)
	{
		paysafe_reserve_record_end(&r, "posted", post.posted, NULL);
		amount = left;
	}
	paysafe_reserve_record_change(r.accounts, r.account, paysafe_money_negate(amount));
	note_posted(&account, r.accounts, post.amount);
	PG_RETURN_NUMERIC(post.amount);
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
	ReservationPost post;

	paysafe_argument_required(fcinfo, 0, "id");
	(void) lock_reservation(PG_GETARG_INT64(0), NULL, true, &r, &account, &post);
	paysafe_reserve_record_end(&r, "voided", post.posted,
							   PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	/* what it still holds */
	paysafe_reserve_record_change(r.accounts, r.account,
								  paysafe_money_add(post.posted, paysafe_money_negate(r.amount)));
	PG_RETURN_VOID();
}
