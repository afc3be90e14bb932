/*-------------------------------------------------------------------------
 *
 * account_key.c
 *	  The keys of accounts, each of which is one account's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/id_claim.h"
#include "base/refusal.h"
#include "errors.h"
#include "rules/balance/account_key.h"
#include "rules/balance/history.h"
#include "store/catalog.h"
#include "values/row_key.h"

bool
paysafe_account_key_is_unique(Relation rel, AttrNumber attnum)
{
	bool		unique = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		unique |= form->indisunique && form->indimmediate && form->indisvalid &&
			form->indnkeyatts == 1 && form->indkey.values[0] == attnum &&
			RelationGetIndexPredicate(index) == NIL;
		index_close(index, AccessShareLock);
	}
	return unique;
}

/* Does one index see all accounts? */
static bool
is_unique_in_all(const BalanceState *state)
{
	Relation	rel = table_open(state->accounts, AccessShareLock);
	bool		result = !(rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relhassubclass) &&
		paysafe_account_key_is_unique(rel, paysafe_catalog_column(rel, state->key_name));

	table_close(rel, NoLock);
	return result;
}

typedef struct Search
{
	const RowChange *change;
	Oid			accounts;
	bool		locked;
	Snapshot	snapshot;		/* dirty: says who is at a row */
	TransactionId wait_for;
	bool		found;
} Search;

static bool
visit(Relation leaf, TupleTableSlot *row, void *arg)
{
	Search	   *search = arg;
	TransactionId inserter = search->snapshot->xmin;	/* if in progress, not ours */

	if (RelationGetRelid(leaf) == RelationGetRelid(search->change->rel) &&
		ItemPointerEquals(&row->tts_tid, &search->change->after->tts_tid))
		return true;
	if (!TransactionIdIsValid(inserter))
		search->found = true;
	else if (paysafe_id_claim_must_wait(search->accounts, search->locked, inserter))
		search->wait_for = inserter;
	else
		return true;
	return false;
}

static void
look(Search *search, const BalanceState *state, Datum key)
{
	ListCell   *lc;

	search->wait_for = InvalidTransactionId;
	foreach(lc, paysafe_catalog_leaves(state->accounts))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, state->key_name),
								 state->account.key_type, &equality);
		paysafe_row_key_scan(leaf, &equality, key, search->snapshot, visit, search);
		table_close(leaf, NoLock);
		if (search->found || TransactionIdIsValid(search->wait_for))
			return;
	}
}

void
paysafe_account_key_check(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;
	SnapshotData dirty;
	Search		search = {.change = change, .accounts = state->accounts, .snapshot = &dirty};
	bool		isnull;
	Datum		key = slot_getattr(change->after, state->account.key, &isnull);

	if (is_unique_in_all(state))
		return;
	search.locked = paysafe_id_claim_lock(state->accounts,
										  hash_bytes_extended((const unsigned char *) account->key,
															  strlen(account->key), 0));
	InitDirtySnapshot(dirty);
	for (;;)
	{
		look(&search, state, key);
		if (search.found || !TransactionIdIsValid(search.wait_for))
			break;
		XactLockTableWait(search.wait_for, NULL, NULL, XLTW_None);
	}
	if (search.found)
		paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, state->account.key_name,
						  psprintf("table \"%s\" has an account \"%s\" already", rule->table_name, account->key),
						  psprintf("Key (%s)=(%s) already exists, perhaps in another partition or child.",
								   state->key_name, account->key),
						  "Use that account, or open this one under another key.");
}

bool
paysafe_account_key_is_spare(const Rule *rule, const RowChange *change, const Account *account)
{
	const BalanceState *state = rule->compiled;
	bool		isnull;
	Datum		key = slot_getattr(change->before, state->account.key, &isnull);
	Account		other;
	List	   *currencies;
	Numeric		balance;

	if (is_unique_in_all(state) ||
		paysafe_account_find(state->accounts, state->key_name, key, state->account.key_type,
							 NULL, &other) == 0)
		return false;
	if (!other.stored)
		return !account->stored;
	/* the one that stays has what was posted */
	balance = paysafe_history_balance(state->accounts, account->key, NULL, DT_NOEND, NULL, &currencies);
	return account->stored &&
		paysafe_money_compare(balance, other.balance ? other.balance : paysafe_money_zero()) == 0;
}
