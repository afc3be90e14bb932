/*-------------------------------------------------------------------------
 *
 * history_read.c
 *	  Balances now or at any time before, and what moved accounts.
 *
 * A balance is the sum of the last moves of its stripes by then (see history.c); all
 * reads of one question use one snapshot, so that what a transaction has posted is in
 * all of them or in none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "rules/balance/history_columns.h"
#include "rules/balance/history_read.h"
#include "store/own_table.h"
#include "values/money.h"

/*
 * Balances
 */

static bool
read_balance(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	*(Numeric *) arg = DatumGetNumericCopy(heap_getattr(tuple, MOVE_BALANCE + 1, RelationGetDescr(rel), &isnull));
	return false;
}

/* Of a stripe at a time; NULL: it had not moved. */
static Numeric
stripe_balance(int64 id, TimestampTz at, Snapshot snapshot)
{
	Datum		key = Int64GetDatum(id);
	Numeric		balance = NULL;

	paysafe_store_seek(PAYSAFE_BALANCE_MOVE, MOVE_INDEX, 1, &key, BTLessEqualStrategyNumber,
					   TimestampTzGetDatum(at), true, snapshot, read_balance, &balance);
	return balance;
}

static int64
stripe_id(Relation rel, HeapTuple tuple)
{
	bool		isnull;

	return DatumGetInt64(heap_getattr(tuple, STRIPE_ID + 1, RelationGetDescr(rel), &isnull));
}

typedef struct BalanceSum
{
	const char *currency;		/* or NULL: all */
	TimestampTz at;
	Snapshot	snapshot;
	Numeric		sum;
	List	   *currencies;		/* in order */
} BalanceSum;

static bool
add_stripe_balance(Relation rel, HeapTuple tuple, void *arg)
{
	BalanceSum *sum = arg;
	char	   *currency = paysafe_store_text(tuple, RelationGetDescr(rel), STRIPE_CURRENCY);
	Numeric		balance;

	if (sum->currencies == NIL || strcmp(llast(sum->currencies), currency) != 0)
		sum->currencies = lappend(sum->currencies, currency);
	if (sum->currency != NULL && strcmp(sum->currency, currency) != 0)
		return true;
	balance = stripe_balance(stripe_id(rel, tuple), sum->at, sum->snapshot);
	if (balance != NULL)
		sum->sum = paysafe_money_add(sum->sum, balance);
	return true;
}

Numeric
paysafe_history_read_balance(Oid accounts, const char *key, const char *currency, TimestampTz at,
							 Snapshot snapshot, List **currencies)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	BalanceSum	sum = {
		.currency = currency, .at = at, .snapshot = snapshot, .sum = paysafe_money_zero()
	};

	paysafe_store_seek(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 2, keys, InvalidStrategy, (Datum) 0,
					   false, snapshot, add_stripe_balance, &sum);
	*currencies = sum.currencies;
	return sum.sum;
}

/* All accounts, stripe by stripe. */
typedef struct AllBalances
{
	TimestampTz at;
	Snapshot	snapshot;
	HistoryVisitor visitor;
	void	   *arg;
	MemoryContext context;		/* of what follows; reset for each account and currency */
	char	   *key;			/* NULL: none yet */
	char	   *currency;
	Numeric		balance;		/* NULL: has not moved so far */
} AllBalances;

static void
visit_balance(AllBalances *all)
{
	if (all->key != NULL && all->balance != NULL)
		all->visitor(all->key, all->currency, all->balance, all->arg);
	MemoryContextReset(all->context);
	all->key = NULL;
	all->balance = NULL;
}

static bool
visit_stripe(Relation rel, HeapTuple tuple, void *arg)
{
	AllBalances *all = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	MemoryContext old = MemoryContextSwitchTo(all->context);
	char	   *key = paysafe_store_text(tuple, desc, STRIPE_ACCOUNT);
	char	   *currency = paysafe_store_text(tuple, desc, STRIPE_CURRENCY);
	Numeric		balance;

	CHECK_FOR_INTERRUPTS();
	if (all->key == NULL || strcmp(all->key, key) != 0 || strcmp(all->currency, currency) != 0)
	{
		MemoryContextSwitchTo(old);
		visit_balance(all);
		MemoryContextSwitchTo(all->context);
		all->key = paysafe_store_text(tuple, desc, STRIPE_ACCOUNT);
		all->currency = paysafe_store_text(tuple, desc, STRIPE_CURRENCY);
	}
	balance = stripe_balance(stripe_id(rel, tuple), all->at, all->snapshot);
	if (balance != NULL)
		all->balance = all->balance ? paysafe_money_add(all->balance, balance) : balance;
	MemoryContextSwitchTo(old);
	return true;
}

void
paysafe_history_read_all(Oid accounts, TimestampTz at, Snapshot snapshot, HistoryVisitor visitor,
						 void *arg)
{
	Datum		key = ObjectIdGetDatum(accounts);
	AllBalances all = {.at = at, .snapshot = snapshot, .visitor = visitor, .arg = arg};

	all.context = AllocSetContextCreate(CurrentMemoryContext, "paysafe balances",
										ALLOCSET_DEFAULT_SIZES);
	paysafe_store_seek(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 1, &key, InvalidStrategy, (Datum) 0,
					   false, snapshot, visit_stripe, &all);
	visit_balance(&all);
	MemoryContextDelete(all.context);
}

/*
 * Moves
 */

typedef struct MoveList
{
	HistoryMove *moves;
	uint64		n;
	uint64		size;
} MoveList;

static bool
add_move(Relation rel, HeapTuple tuple, void *arg)
{
	MoveList   *list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	HistoryMove *move;
	bool		isnull;

	CHECK_FOR_INTERRUPTS();
	if (list->n == list->size)
	{
		list->size = list->size == 0 ? 64 : list->size * 2;
		list->moves = list->moves == NULL ? palloc(list->size * sizeof(HistoryMove)) :
			repalloc_huge(list->moves, list->size * sizeof(HistoryMove));
	}
	move = &list->moves[list->n++];
	move->at = DatumGetTimestampTz(heap_getattr(tuple, MOVE_AT + 1, desc, &isnull));
	move->stripe = DatumGetInt64(heap_getattr(tuple, MOVE_STRIPE + 1, desc, &isnull));
	move->number = DatumGetInt32(heap_getattr(tuple, MOVE_NUMBER + 1, desc, &isnull));
	move->amount = DatumGetNumericCopy(heap_getattr(tuple, MOVE_AMOUNT + 1, desc, &isnull));
	return true;
}

static bool
collect_id(Relation rel, HeapTuple tuple, void *arg)
{
	int64	   *id = palloc(sizeof(int64));

	*id = stripe_id(rel, tuple);
	*(List **) arg = lappend(*(List **) arg, id);
	return true;
}

static int
compare_moves(const void *a, const void *b)
{
	const HistoryMove *ma = a;
	const HistoryMove *mb = b;

	if (ma->at != mb->at)
		return ma->at < mb->at ? -1 : 1;
	if (ma->stripe != mb->stripe)
		return ma->stripe < mb->stripe ? -1 : 1;
	return ma->number < mb->number ? -1 : ma->number > mb->number;
}

uint64
paysafe_history_read_moves(Oid accounts, const char *key, const char *currency, TimestampTz after,
						   TimestampTz until, Snapshot snapshot, HistoryMove **out)
{
	Datum		keys[] = {
		ObjectIdGetDatum(accounts), CStringGetTextDatum(key), CStringGetTextDatum(currency)
	};
	List	   *stripes = NIL;
	MoveList	list = {0};
	ListCell   *lc;

	paysafe_store_seek(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 3, keys, InvalidStrategy, (Datum) 0,
					   false, snapshot, collect_id, &stripes);
	foreach(lc, stripes)
	{
		Datum		stripe = Int64GetDatum(*(int64 *) lfirst(lc));

		paysafe_store_seek_between(PAYSAFE_BALANCE_MOVE, MOVE_INDEX, 1, &stripe, after + 1, until,
								   snapshot, add_move, &list);
	}
	qsort(list.moves, list.n, sizeof(HistoryMove), compare_moves);
	*out = list.moves;
	return list.n;
}
