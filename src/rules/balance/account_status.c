/*-------------------------------------------------------------------------
 *
 * account_status.c
 *	  Accounts that are frozen, in one direction or both, or closed.
 *
 * What moves an account and what changes its status exclude each other: by the
 * row's lock where the balance is in the row, otherwise by a lock of its own, which
 * accounts take only if they can be frozen at all.
 *
 * A closed account has nothing, and nothing moves it.  It is opened again with the
 * approval of a person who is not the one that opens it; what was approved before it
 * was closed the last time is of no use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "errors.h"
#include "people/approval.h"
#include "people/person.h"
#include "people/rejection.h"
#include "redact/redact.h"
#include "rules/balance/account_status.h"
#include "rules/balance/history.h"
#include "rules/balance/history_read.h"
#include "rules/balance/reserve_record.h"
#include "store/catalog.h"
#include "values/spec.h"

#define STATUS_LOCKS	64		/* per table: a statement may move any number of accounts */
#define REOPENING_VALID (INT64CONST(3600) * USECS_PER_SEC)

const char *
paysafe_account_status_fault(const Account *account, bool loses, bool gains)
{
	switch (account->mark)
	{
		case ACCOUNT_OPEN:
			return NULL;
		case ACCOUNT_IN_ONLY:
			return loses ? "only takes money in" : NULL;
		case ACCOUNT_OUT_ONLY:
			return gains ? "only gives money out" : NULL;
		case ACCOUNT_FROZEN:
			return "is frozen";
		case ACCOUNT_CLOSED:
			return "is closed";
	}
	return "is in no known status";
}

static char *
money(const Account *account, Numeric amount)
{
	const BalanceState *state = account->rule->compiled;

	return paysafe_history_money(state->accounts, account->key, account->currency,
								 &account->columns->balance, amount);
}

void
paysafe_account_status_check_move(const Account *account, Numeric takes, Numeric adds)
{
	const char *fault = paysafe_account_status_fault(account, paysafe_money_sign(takes) > 0,
													 paysafe_money_sign(adds) > 0);
	bool		closed = account->mark == ACCOUNT_CLOSED;

	if (fault == NULL)
		return;
	paysafe_rule_refuse(account->rule, closed ? ERRCODE_23M08_CLOSED : ERRCODE_23M07_FROZEN,
						account->columns->statuses.column.name,
						psprintf("account \"%s\" in table \"%s\" %s",
								 account->key, account->rule->table_name, fault),
						psprintf("It would lose %s and gain %s.",
								 money(account, takes), money(account, adds)),
						closed ? "Use another account, or have it opened again with the approval of a second person." :
						"Use another account, or change its status first.");
}

void
paysafe_account_status_lock(Oid accounts, const char *key, bool alone)
{
	uint32		hash = hash_bytes((const unsigned char *) key, strlen(key));
	LOCKTAG		tag;

	/* the numbers of stripes, which have such tags too, have 0 at the end, ids more */
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, accounts, hash % STATUS_LOCKS, 1);
	(void) LockAcquire(&tag, alone ? ExclusiveLock : ShareLock, false, false);
}

/*
 * Closing
 */

static PAYSAFE_NORETURN void
refuse_closing(const Rule *rule, const Account *account, char *detail, const char *hint)
{
	paysafe_rule_refuse(rule, ERRCODE_23M08_CLOSED, account->columns->statuses.column.name,
						psprintf("account \"%s\" in table \"%s\" cannot be closed",
								 account->key, rule->table_name),
						detail, hint);
}

/* What is on it, in a currency of which it has something; NULL: nothing. */
static char *
money_on(const Rule *rule, const Account *account)
{
	Oid			accounts = ((const BalanceState *) rule->compiled)->accounts;
	List	   *currencies = NIL;
	ListCell   *lc;

	if (account->stored || rule->observed)
		return account->balance == NULL || paysafe_money_sign(account->balance) == 0 ? NULL :
			money(account, account->balance);
	(void) paysafe_history_read_balance(accounts, account->key, NULL, DT_NOEND, NULL, &currencies);
	foreach(lc, currencies)
	{
		List	   *all;
		Numeric		balance = paysafe_history_read_balance(accounts, account->key, lfirst(lc),
														   DT_NOEND, NULL, &all);

		if (paysafe_money_sign(balance) != 0)
			return paysafe_money_words(&account->columns->balance, balance, lfirst(lc));
	}
	return NULL;
}

static void
check_closing(const Rule *rule, const Account *account)
{
	Oid			accounts = ((const BalanceState *) rule->compiled)->accounts;
	char	   *left = money_on(rule, account);
	Numeric		reserved;

	if (left != NULL)
		refuse_closing(rule, account, psprintf("It has %s.", left),
					   "Post what is on it to another account first.");
	if (rule->observed)
		return;
	reserved = paysafe_reserve_record_out(accounts, account->key, NULL);
	if (paysafe_money_sign(reserved) > 0)
		refuse_closing(rule, account, psprintf("It has %s reserved.", money(account, reserved)),
					   "Void the reservations first, which the view paysafe.reservation shows.");
	paysafe_approval_end_open(accounts, NULL, account->key);
}

/*
 * Opening again
 */

static void
reopening_digest(const char *key, uint8 *digest)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe account opened again");
	paysafe_argument_append(&bytes, key);
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
	pfree(bytes.data);
}

/* Somebody has said no to it. */
static void
check_rejected(const Rule *rule, const Account *account)
{
	const Rejection *rejection = paysafe_rejection_standing(&(RejectionSubject)
															{
																.relation = ((const BalanceState *) rule->compiled)->accounts,
																.scope = account->key,
																.key = account->key,
																.requesters = list_make1(paysafe_person_current())
															}, true, NULL);

	if (rejection != NULL)
		paysafe_rule_refuse(rule, ERRCODE_INSUFFICIENT_PRIVILEGE, account->columns->statuses.column.name,
							psprintf("opening account \"%s\" in table \"%s\" again is rejected", account->key, rule->table_name),
							paysafe_rejection_words(rejection), paysafe_rejection_hint(rejection));
}

static void
check_reopening(const Rule *rule, const Account *account)
{
	const BalanceState *state = rule->compiled;
	Person	   *person = paysafe_person_current();
	ApprovalSubject subject = {.valid_for = REOPENING_VALID, .requesters = list_make1(person)};
	int			have;

	check_rejected(rule, account);
	reopening_digest(account->key, subject.digest);
	/* a used one keeps the transaction from being prepared: not where one only looks */
	have = rule->observed ? paysafe_approval_count(state->accounts, account->key, &subject) :
		paysafe_approval_use(state->accounts, account->key, &subject, 1);
	if (have >= 1)
		return;
	paysafe_rule_refuse(rule, ERRCODE_INSUFFICIENT_PRIVILEGE, account->columns->statuses.column.name,
						psprintf("opening account \"%s\" in table \"%s\" again needs the approval of a second person",
								 account->key, rule->table_name),
						"It is closed.",
						psprintf("After paysafe.act_as, another person runs: SELECT paysafe.approve(%s, %s, 'why it is right');  then%s repeat this command within the hour.",
								 quote_literal_cstr(paysafe_catalog_table_name(state->accounts)),
								 quote_literal_cstr(paysafe_redact_string(account->key)),
								 paysafe_person_is_unknown(person) ? ", after paysafe.act_as too," : ""));
}

void
paysafe_account_status_check_change(const Rule *rule, const RowChange *change,
									const Account *before, const Account *after)
{
	const BalanceState *state = rule->compiled;

	if (before->mark == after->mark)
		return;
	if (!after->stored && !rule->observed)
		paysafe_account_status_lock(state->accounts, after->key, true);
	if (after->mark == ACCOUNT_CLOSED)
		check_closing(rule, after);
	else if (before->mark == ACCOUNT_CLOSED)
		check_reopening(rule, after);
}

bool
paysafe_account_status_approval_subject(const Rule *rule, const char *key, bool missing_ok, bool hidden_too,
										ApprovalSubject *out)
{
	const BalanceState *state = rule->compiled;
	Snapshot	snapshot;
	RuleSource	source;
	Account		account;

	if (state->is_ledger || !state->account.has_status)
	{
		if (missing_ok)
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of \"%s\" are not subject to approval", rule->table_name),
				 errhint("Accounts are, once they are closed, if paysafe.protect_balance names a status_column.")));
	}
	paysafe_account_rule(state->accounts, &source);
	snapshot = paysafe_scan_snapshot();
	paysafe_account_named(&source, pstrdup(key), snapshot, false, &account);
	UnregisterSnapshot(snapshot);
	if (account.mark != ACCOUNT_CLOSED)
	{
		if (missing_ok)
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("account \"%s\" is not closed", paysafe_redact_string(account.key)),
				 errdetail("What is approved is that a closed one is opened again.")));
	}
	out->key = account.key;
	reopening_digest(account.key, out->digest);
	out->valid_for = REOPENING_VALID;
	out->requesters = NIL;
	out->words = "that a closed account may be opened again";
	return true;
}
