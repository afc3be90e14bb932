/*-------------------------------------------------------------------------
 *
 * ledger_minimum.c
 *	  Accounts whose entries never sum below a minimum, and that have no balance.
 *
 * Nothing says what an account has but its entries.  Who takes from one keeps others
 * from it until the end of the transaction (base/id_claim.h), and then adds up, once: what
 * this transaction adds after that is added to the sum.  Who only gives waits for nobody, so
 * a sum is at most the exact one, and what does not fit is added up anew before it is
 * refused.
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
#include "utils/snapmgr.h"

#include "base/id_claim.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "errors.h"
#include "rules/ledger/ledger_minimum.h"
#include "values/money.h"

typedef struct AccountSum
{
	char	   *name;			/* hash key: table, currency, account */
	int			level;			/* innermost subtransaction that has touched it */
	CommandId	seen;			/* entries of earlier commands are in the sum, */
	CommandId	covers;			/* ... of this one and later ones: others may have come since */
	Numeric		sum;			/* NULL: not added up yet */
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

/* Adding up */

typedef struct Adding
{
	const char *currency;
	bool		credited;		/* what the rows take from the account that they credit */
	MemoryContext row_context;
	Numeric		sum;
} Adding;

static bool
add_entry(Relation leaf, TupleTableSlot *row, void *arg)
{
	Adding	   *adding = arg;
	const EntryColumns *columns = &paysafe_ledger_rows_state(leaf)->columns;
	MemoryContext old = MemoryContextSwitchTo(adding->row_context);
	Entry		entry;
	EntryFault	fault;
	Numeric		amount = NULL;

	if (paysafe_row_filter_has(&columns->rows, row, NULL) &&
		paysafe_entry_read(columns, row, &entry, &fault) &&
		(!adding->credited || paysafe_entry_next(&entry)) &&
		strcmp(entry.currency, adding->currency) == 0)
		amount = entry.amount;
	MemoryContextSwitchTo(old);
	if (amount != NULL)
	{
		Numeric		before = adding->sum;

		adding->sum = paysafe_money_add(before, amount);
		pfree(before);
	}
	MemoryContextReset(adding->row_context);
	return true;
}

static Numeric
add_up(const LedgerState *state, const Entry *entry)
{
	Adding		adding = {.currency = entry->currency, .sum = paysafe_money_zero()};
	Snapshot	snapshot = paysafe_scan_snapshot();
	KeyValues	values;

	adding.row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe account sum",
											   ALLOCSET_SMALL_SIZES);
	(void) paysafe_key_columns_read(entry->account, entry->row, &values, NULL);
	paysafe_ledger_rows_scan(state, state->columns.account_names, &values, snapshot, add_entry, &adding);
	adding.credited = true;
	if (state->columns.credited_names != NIL)
		paysafe_ledger_rows_scan(state, state->columns.credited_names, &values, snapshot, add_entry, &adding);
	MemoryContextDelete(adding.row_context);
	UnregisterSnapshot(snapshot);
	return adding.sum;
}

/* The sum with this entry; exact if fresh. */
static Numeric
sum_with(const LedgerState *state, const RowChange *change, const Entry *entry, bool fresh)
{
	AccountSum *sum = find_sum(state, entry, true);

	touch(sum);
	/* rows of a statement that was under way may have come later: now they are all there */
	if (fresh || sum->sum == NULL || change->command < sum->covers)
	{
		/* used, or the next command might have the same id: a foreign key's trigger has moved it on */
		CommandId	seen = GetCurrentCommandId(true) + 1;

		keep(sum, add_up(state, entry));
		sum->seen = seen;
		sum->covers = change->command;
	}
	else if (change->command >= sum->seen)
		keep(sum, paysafe_money_add(sum->sum, entry->amount));
	return sum->sum;
}

void
paysafe_ledger_minimum_check(const Rule *rule, const RowChange *change, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Numeric		total;
	char	   *name;

	if (paysafe_money_sign(entry->amount) >= 0)
	{
		/* what is known of the account knows it, too */
		if (find_sum(state, entry, false) != NULL && find_sum(state, entry, false)->sum != NULL)
			(void) sum_with(state, change, entry, false);
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
