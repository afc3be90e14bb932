/*-------------------------------------------------------------------------
 *
 * ledger_minimum.c
 *	  Accounts whose entries never sum below a minimum, and that have no balance.
 *
 * Nothing says what an account has but its entries.  Who takes from one keeps others
 * from it until the end of the transaction (base/id_claim.h), and then adds up, once: what
 * this transaction adds after that is added to the sum.  Who only gives waits for nobody, so
 * a sum is at most the exact one, and what does not fit is added up anew before it is
 * refused.  Of an account of many entries the sum goes on from what the last transaction has
 * kept (ledger_kept.c).
 *
 * When the first row of a statement is checked, all of them are there: it is the
 * statement that must leave enough, whatever the order of its rows.
 *
 * Lifetime: until the end of the transaction; what a subtransaction has touched is
 * forgotten if it aborts, as its locks are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/id_claim.h"
#include "base/refusal.h"
#include "errors.h"
#include "rules/ledger/ledger_kept.h"
#include "rules/ledger/ledger_minimum.h"
#include "values/money.h"

typedef struct AccountSum
{
	char	   *name;			/* hash key: table, currency, account */
	int			level;			/* innermost subtransaction that has touched it */
	CommandId	seen;			/* entries of earlier commands are in the sum, */
	CommandId	covers;			/* ... of this one and later ones: others may have come since */
	Numeric		sum;			/* NULL: not added up yet */
	uint64		stamp;			/* under which it is kept for others; 0: it is not */
} AccountSum;

/* A sum that a subtransaction has touched. */
typedef struct Touch
{
	AccountSum *sum;
	int			level;
} Touch;

static HTAB *sums = NULL;		/* of AccountSum; TopTransactionContext, as the next */
static List *touches = NIL;		/* of Touch, innermost last; none of the transaction itself */

void
paysafe_ledger_minimum_end_transaction(void)
{
	/* memory goes with TopTransactionContext */
	sums = NULL;
	touches = NIL;
}

void
paysafe_ledger_minimum_end_subtransaction(bool committed, int level)
{
	for (int n = list_length(touches); n > 0; n--)
	{
		Touch	   *t = list_nth(touches, n - 1);

		if (t->level < level)
			break;
		t->sum->level = committed ? level - 1 : 0;
		if (!committed)
			t->sum->sum = NULL; /* whoever adds it up again touches it */
		if (committed && level > 2)
			t->level = level - 1;
		else
		{
			pfree(t);
			touches = list_delete_last(touches);
		}
	}
}

static void
touch(AccountSum *sum)
{
	int			level = GetCurrentTransactionNestLevel();
	MemoryContext old;
	Touch	   *t;

	if (sum->level >= level)
		return;
	sum->level = level;
	if (level == 1)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	t = palloc(sizeof(Touch));
	*t = (Touch) {sum, level};
	touches = lappend(touches, t);
	MemoryContextSwitchTo(old);
}

static uint32
hash_name(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_name(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The sum of the entry's account in its currency; new if create is said, or NULL. */
static AccountSum *
find_sum(const LedgerState *state, const Entry *entry, bool create)
{
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(AccountSum),
		.hash = hash_name, .match = match_name, .hcxt = TopTransactionContext
	};
	char	   *name;
	AccountSum *sum;
	bool		found;

	if (sums == NULL && !create)
		return NULL;
	if (sums == NULL)
		sums = hash_create("paysafe account sums", 64, &ctl,
						   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	name = psprintf("%u:%zu:%s%s", state->root, strlen(entry->currency), entry->currency, entry->account_text);
	sum = hash_search(sums, &name, create ? HASH_ENTER : HASH_FIND, &found);
	if (sum != NULL && !found)
		*sum = (AccountSum) {.name = MemoryContextStrdup(TopTransactionContext, name)};
	return sum;
}

static void
keep(AccountSum *sum, Numeric value)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	if (sum->sum != NULL)
		pfree(sum->sum);
	sum->sum = DatumGetNumericCopy(NumericGetDatum(value));
	MemoryContextSwitchTo(old);
}

static KeptAccount
account_of(const LedgerState *state, const Entry *entry)
{
	return (KeptAccount) {.root = state->root, .account = entry->account_text, .currency = entry->currency};
}

/* Add up what is there now; where that is much, others need not do so again. */
static void
read_entries(const LedgerState *state, const RowChange *change, const Entry *entry, KeptEntries *kept, AccountSum *sum)
{
	KeptAccount account = account_of(state, entry);
	bool		stamped = kept->id != 0 || state->kept_stamp == 0;
	KeyValues	values;

	(void) paysafe_key_columns_read(entry->account, entry->row, &values, NULL);
	for (;;)
	{
		/* used, or the next command might have the same id: a foreign key's trigger has moved it on */
		CommandId	seen = GetCurrentCommandId(true) + 1;
		int64		n;
		Numeric		total = paysafe_ledger_kept_add_up(state, &values, entry->currency, &n);

		if (!stamped && n > PAYSAFE_KEPT_FEW)
		{
			stamped = true;
			kept->stamp = paysafe_ledger_kept_stamp_of(state);
			/* what has been altered before that has no part in the stamp, but in the entries */
			if (kept->stamp != 0)
				continue;
		}
		if (kept->stamp != 0)
			paysafe_ledger_kept_set(&account, kept->stamp, total);
		else if (kept->id != 0 && !kept->ended)
			paysafe_ledger_kept_set(&account, 0, NULL);
		keep(sum, total);
		sum->stamp = kept->stamp;
		sum->seen = seen;
		sum->covers = change->command;
		return;
	}
}

/* Go on from what others have kept; false: nothing of that holds. */
static bool
go_on(const LedgerState *state, const Entry *entry, KeptEntries *kept, AccountSum *sum)
{
	KeptAccount account = account_of(state, entry);

	if (state->kept_stamp != 0)
		paysafe_ledger_kept_find(state, &account, kept);
	/* what this transaction has kept, and forgotten, may have entries in it that are yet to be checked */
	if (kept->sum == NULL || kept->own)
		return false;
	/* entries that no check has seen yet are not in it, so each check adds its own */
	keep(sum, kept->sum);
	sum->stamp = kept->stamp;
	sum->seen = sum->covers = 0;
	return true;
}

/*
 * The sum with this entry; exact if fresh.  Who asks holds the account's lock, unless the rule
 * observes.
 */
static Numeric
sum_with(const LedgerState *state, const RowChange *change, const Entry *entry, bool fresh)
{
	AccountSum *sum = find_sum(state, entry, true);
	KeptAccount account = account_of(state, entry);
	KeptEntries kept = {.id = 0};
	bool		known = sum->sum != NULL;

	/* what this transaction has kept itself */
	if (known && sum->stamp != 0)
		kept = (KeptEntries) {.id = 1, .own = true, .stamp = sum->stamp};
	touch(sum);
	/* rows of a statement that was under way may have come later: now they are all there */
	if (fresh || (known ? change->command < sum->covers : !go_on(state, entry, &kept, sum)))
		read_entries(state, change, entry, &kept, sum);
	else if (change->command >= sum->seen)
	{
		keep(sum, paysafe_money_add(sum->sum, entry->amount));
		if (sum->stamp != 0)
			paysafe_ledger_kept_set(&account, sum->stamp, sum->sum);
	}
	return sum->sum;
}

/* Who gives waits for nobody: what is known of the account knows it, too. */
static void
give(const LedgerState *state, const RowChange *change, const Entry *entry)
{
	AccountSum *sum = find_sum(state, entry, false);
	KeptAccount account = account_of(state, entry);

	if (sum != NULL && sum->sum != NULL)
		(void) sum_with(state, change, entry, false);
	else if (state->kept_stamp != 0 && paysafe_money_sign(entry->amount) > 0 &&
			 paysafe_ledger_kept_is_others(&account))
		paysafe_ledger_kept_more(&account, entry->amount);
}

void
paysafe_ledger_minimum_check(const Rule *rule, const RowChange *change, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Numeric		total;
	char	   *name;

	if (paysafe_money_sign(entry->amount) >= 0)
	{
		give(state, change, entry);
		return;
	}
	name = psprintf("%s %s", entry->currency, entry->account_text);
	if (!rule->observed)
		paysafe_id_claim_lock_group(state->root,
								 hash_bytes_extended((const unsigned char *) name, strlen(name), 'm'));
	total = sum_with(state, change, entry, false);
	if (paysafe_money_compare(total, state->minimum) < 0)
		total = sum_with(state, change, entry, true);
	if (paysafe_money_compare(total, state->minimum) < 0)
		paysafe_rule_refuse(rule, ERRCODE_23M01_MINIMUM, state->columns.amount.name,
							psprintf("entries of account \"%s\" in table \"%s\" would fall below their minimum",
									 paysafe_refusal_value(entry->account_text), rule->table_name),
							psprintf("They would sum to %s; the minimum is %s.",
									 paysafe_money_words(&state->columns.amount, total, entry->currency),
									 paysafe_money_words(&state->columns.amount, state->minimum, entry->currency)),
							"Take less, or pay something in first.");
}
