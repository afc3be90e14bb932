/*-------------------------------------------------------------------------
 *
 * refund_total.c
 *	  Sums of the payments that this transaction has locked.
 *
 * Adding up the refunds of a payment takes as long as there are refunds.  A
 * transaction does it for the first refund of a payment and then only adds: it
 * holds the payment's row, and without that nobody else adds to the payment or
 * passes the gate.  Others may void refunds meanwhile, so a sum is at least the
 * exact one; what does not fit it is added up anew before it is refused.
 *
 * A sum knows the command from which on changes are not in it: the rows of one
 * statement are all there when the first of them is checked.  Where a payment has many
 * refunds, the sum goes on from what the last transaction has kept (refund_kept.c); then
 * nothing was read, and each change is to be added when it is checked.
 *
 * Lifetime: until the end of the transaction; what a subtransaction has touched
 * is forgotten if it aborts, as its lock on the payment is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "rules/refund/captures.h"
#include "rules/refund/captures_kept.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_kept.h"
#include "values/money.h"

/* More payments than that in a transaction are added up again. */
#define MAX_PAYMENTS	10000

/* What passed the gate within a period. */
typedef struct Window
{
	int64		within;
	char	   *currency;		/* of the payment, which may change while it has no refunds; or NULL */
	TimestampTz from;			/* when it was added up */
	CommandId	seen;
	Numeric		total;
} Window;

/* Of which changes a sum knows. */
typedef struct Seen
{
	CommandId	seen;			/* changes of later commands are to be added */
	CommandId	covers;			/* those of this and of later ones, up to seen, are in it */
} Seen;

/* What the payment's refunds by one rule total. */
typedef struct TableTotal
{
	Oid			root;
	char	   *rule;			/* by which they are refunds */
	Seen		seen;
	Numeric		total;			/* NULL: not added up yet */
	uint64		stamp;			/* under which it is kept for others; 0: it is not */
} TableTotal;

/* What its captures in one table come to. */
typedef struct CaptureTotal
{
	Oid			root;
	Seen		seen;
	CaptureSum *sum;
	uint64		stamp;			/* as above */
} CaptureTotal;

typedef struct PaymentTotal
{
	char	   *identity;
	int			level;			/* of subtransactions that have touched it */
	List	   *tables;			/* of TableTotal */
	List	   *windows;		/* of Window */
	List	   *captures;		/* of CaptureTotal: of an entry of captures */
} PaymentTotal;

/* An entry that a subtransaction has touched. */
typedef struct Touch
{
	PaymentTotal *entry;
	int			level;
} Touch;

/* Most transactions have one payment: only those that have more get a table. */
typedef struct TotalEntry
{
	char	   *identity;		/* hash key */
	PaymentTotal *total;
} TotalEntry;

static PaymentTotal *sole = NULL;
static HTAB *totals = NULL;		/* of TotalEntry; has sole, too */
static MemoryContext totals_context = NULL;
static List *touches = NIL;		/* of Touch, innermost last; none of the transaction itself */

static uint32
hash_identity(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_identity(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
paysafe_refund_total_forget(void)
{
	if (totals_context == NULL)
		return;
	sole = NULL;
	totals = NULL;
	touches = NIL;
	MemoryContextDelete(totals_context);
	totals_context = NULL;
}

void
paysafe_refund_total_end(bool aborted)
{
	/* the context was a child of the transaction's */
	sole = NULL;
	totals = NULL;
	touches = NIL;
	totals_context = NULL;
}

/* The current subtransaction touches the entry. */
static void
touch(PaymentTotal *entry)
{
	int			level = GetCurrentTransactionNestLevel();
	MemoryContext old;
	Touch	   *t;

	if (entry->level >= level)
		return;
	entry->level = level;
	if (level == 1)
		return;
	old = MemoryContextSwitchTo(totals_context);
	t = palloc(sizeof(Touch));
	t->entry = entry;
	t->level = level;
	touches = lappend(touches, t);
	MemoryContextSwitchTo(old);
}

void
paysafe_refund_total_end_subtransaction(bool committed, int level)
{
	bool		inherit = committed && level > 2;

	/* only what this subtransaction has touched is looked at */
	for (int n = list_length(touches); n > 0; n--)
	{
		Touch	   *t = list_nth(touches, n - 1);

		if (t->level < level)
			break;
		if (committed)
			t->entry->level = level - 1;
		else
		{
			/* to be added up again; whoever does touches it */
			t->entry->level = 0;
			t->entry->tables = NIL;
			t->entry->windows = NIL;
			t->entry->captures = NIL;
		}
		if (inherit)
			t->level = level - 1;
		else
		{
			pfree(t);
			touches = list_delete_last(touches);
		}
	}
}

static void
add_total(PaymentTotal *total)
{
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(TotalEntry),
		.hash = hash_identity, .match = match_identity, .hcxt = totals_context
	};
	TotalEntry *entry;

	if (totals == NULL)
		totals = hash_create("paysafe refund totals", 64, &ctl,
							 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	entry = hash_search(totals, &total->identity, HASH_ENTER, NULL);
	entry->total = total;
}

static PaymentTotal *
look_up_total(char *identity)
{
	TotalEntry *entry;

	if (sole != NULL && strcmp(sole->identity, identity) == 0)
		return sole;
	if (totals == NULL)
		return NULL;
	entry = hash_search(totals, &identity, HASH_FIND, NULL);
	return entry ? entry->total : NULL;
}

static PaymentTotal *
create_total(const char *identity)
{
	PaymentTotal *total;

	if (totals != NULL && hash_get_num_entries(totals) >= MAX_PAYMENTS)
		paysafe_refund_total_forget();
	if (totals_context == NULL)
		totals_context = AllocSetContextCreate(TopTransactionContext, "paysafe refund totals",
											   ALLOCSET_SMALL_SIZES);
	total = MemoryContextAllocZero(totals_context, sizeof(PaymentTotal));
	total->identity = MemoryContextStrdup(totals_context, identity);
	if (sole == NULL)
	{
		sole = total;
		return total;
	}
	if (totals == NULL)
		add_total(sole);
	add_total(total);
	return total;
}

/* The payment's entry, new if it has none and create is said. */
static PaymentTotal *
find_entry(char *identity, bool create)
{
	PaymentTotal *total;

	if (identity == NULL)
		return NULL;
	total = look_up_total(identity);
	if (total == NULL && create)
		total = create_total(identity);
	if (total != NULL)
		touch(total);
	return total;
}

static PaymentTotal *
find_total(const FoundPayment *payment, bool create)
{
	return find_entry(payment->identity, create);
}

/* Replace a kept sum. */
static void
keep(Numeric *kept, Numeric value)
{
	MemoryContext old = MemoryContextSwitchTo(totals_context);

	if (*kept != NULL)
		pfree(*kept);
	*kept = DatumGetNumericCopy(NumericGetDatum(value));
	MemoryContextSwitchTo(old);
}

/*
 * What was added up while a statement was under way may lack rows of that statement: it
 * has called a function that ran another one, whose triggers fire first.  When its own
 * fire, all its rows are there.
 */
static bool
lacks(const Seen *seen, const RowChange *change)
{
	return change != NULL && change->command < seen->covers;
}

/*
 * The command up to which changes are seen by what is added up now.  It is marked as used:
 * otherwise the next one could have the same id, where a foreign key's trigger, say, has
 * moved it on.
 */
static CommandId
command_seen(void)
{
	return GetCurrentCommandId(true) + 1;
}

static Seen
now_seen(const RowChange *change, CommandId seen)
{
	return (Seen) {.seen = seen, .covers = change != NULL ? Min(change->command, seen) : seen};
}

static TableTotal *
find_table(PaymentTotal *entry, const RefundTable *table)
{
	ListCell   *lc;

	foreach(lc, entry->tables)
	{
		TableTotal *t = lfirst(lc);

		if (t->root == table->root && strcmp(t->rule, table->rule) == 0)
			return t;
	}
	return NULL;
}

/* The table's sum from now on. */
static void
keep_table(const FoundPayment *payment, const RefundTable *table, Seen seen, Numeric total, uint64 stamp)
{
	PaymentTotal *entry = find_total(payment, true);
	TableTotal *t = find_table(entry, table);

	if (t == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(totals_context);

		t = palloc0(sizeof(TableTotal));
		t->root = table->root;
		t->rule = pstrdup(table->rule);
		entry->tables = lappend(entry->tables, t);
		MemoryContextSwitchTo(old);
	}
	t->seen = seen;
	t->stamp = stamp;
	keep(&t->total, total);
}

/* What is there now.  With a stamp, others need not add up again. */
static Numeric
read_table(const FoundPayment *payment, RefundTable *table, const RowChange *change, KeptTotal *kept)
{
	bool		stamped = kept->id != 0;

	for (;;)
	{
		RefundSum	sum = {
			.minor = payment->minor, .currency = payment->currency,
			.relied_on = !paysafe_refund_only_observed(payment->tables)
		};
		CommandId	seen = command_seen();

		paysafe_refund_sum(list_make1(table), &sum);
		if (!stamped && !table->observed && sum.rows > PAYSAFE_KEPT_FEW)
		{
			stamped = true;
			kept->stamp = paysafe_refund_kept_stamp_of(table);
			/* what has been altered before that has no part in the stamp, but in the rows */
			if (kept->stamp != 0)
				continue;
		}
		if (kept->stamp != 0)
			paysafe_refund_kept_set(table, kept->stamp, sum.total);
		else if (kept->id != 0 && !kept->ended)
			paysafe_refund_kept_set(table, 0, NULL);
		keep_table(payment, table, now_seen(change, seen), sum.total, kept->stamp);
		return sum.total;
	}
}

/*
 * The sum that others have kept, or of all that is there now; amount: of this change,
 * NULL if it is of another table or changes nothing.
 */
static Numeric
add_up_table(const FoundPayment *payment, RefundTable *table, const RowChange *change,
			 Numeric amount, bool fresh)
{
	KeptTotal	kept = {0};

	if (!table->observed)
		paysafe_refund_kept_find(table, &kept);
	/* what this transaction has kept, and forgotten, may have rows in it that are yet to be checked */
	if (fresh || kept.total == NULL || kept.own)
		return read_table(payment, table, change, &kept);
	if (amount != NULL)
	{
		kept.total = paysafe_money_add(kept.total, amount);
		paysafe_refund_kept_set(table, kept.stamp, kept.total);
	}
	keep_table(payment, table, (Seen) {0}, kept.total, kept.stamp);
	return kept.total;
}

static Numeric
total_of_table(const FoundPayment *payment, RefundTable *table, const RowChange *change,
			   Numeric amount, bool fresh)
{
	TableTotal *t = find_table(find_total(payment, true), table);

	/* what was compiled meanwhile may have emptied the list */
	if (fresh || t == NULL || t->total == NULL || lacks(&t->seen, change))
		return add_up_table(payment, table, change, amount, fresh);
	if (amount != NULL && change->command >= t->seen.seen)
	{
		keep(&t->total, paysafe_money_add(t->total, amount));
		if (t->stamp != 0)
			paysafe_refund_kept_set(table, t->stamp, t->total);
	}
	return DatumGetNumericCopy(NumericGetDatum(t->total));
}

Numeric
paysafe_refund_total(const FoundPayment *payment, const RefundState *state, const RowChange *change,
					 Numeric amount, bool fresh)
{
	Numeric		total = NULL;
	ListCell   *lc;

	foreach(lc, payment->tables)
	{
		RefundTable *table = lfirst(lc);
		Numeric		one = total_of_table(payment, table, change,
										 state != NULL && paysafe_refund_is_own(table, state) ? amount : NULL, fresh);

		total = total == NULL ? one : paysafe_money_add(total, one);
	}
	return total != NULL ? total : paysafe_money_zero();
}

void
paysafe_refund_total_less(const FoundPayment *payment, const RefundState *state, const RowChange *change,
						  Numeric amount)
{
	PaymentTotal *entry = find_total(payment, false);
	RefundTable *table = NULL;
	TableTotal *t;
	ListCell   *lc;

	foreach(lc, payment->tables)
		if (paysafe_refund_is_own(lfirst(lc), state))
			table = lfirst(lc);
	if (table == NULL)
		return;					/* its payment is gone */
	t = entry != NULL ? find_table(entry, table) : NULL;
	if (t != NULL && t->total != NULL)
	{
		if (lacks(&t->seen, change))
			t->total = NULL;
		if (t->total == NULL || change->command < t->seen.seen)
			return;
		keep(&t->total, paysafe_money_add(t->total, paysafe_money_negate(amount)));
	}
	/* in a total of this transaction's that it has forgotten, this may be already */
	if (t != NULL && t->total != NULL ? t->stamp != 0 : paysafe_refund_kept_is_others(table))
		paysafe_refund_kept_less(table, amount);
}

static bool
is_of_currency(const Window *window, const FoundPayment *payment)
{
	return window->currency == NULL || payment->currency == NULL ? window->currency == payment->currency :
		strcmp(window->currency, payment->currency) == 0;
}

static Window *
find_window(PaymentTotal *entry, const FoundPayment *payment, int64 within)
{
	ListCell   *lc;

	foreach(lc, entry->windows)
		if (((Window *) lfirst(lc))->within == within && is_of_currency(lfirst(lc), payment))
			return lfirst(lc);
	return NULL;
}

/*
 * Was the row taken for one that was there before the rule?  It is, if it was
 * added as gated and others of its statement came first.
 */
static bool
is_in_window(const RefundState *state, const Window *window, const RowChange *change)
{
	return change->op == 'I' && change->command < window->seen && state->since > window->from &&
		paysafe_status_value_find(&state->refund.always_gated, change->after) >= 0;
}

static Window *
add_up_window(const RefundState *state, const FoundPayment *payment, const RowChange *change,
			  int64 within, bool fresh)
{
	RefundSum	sum = {
		.minor = payment->minor, .currency = payment->currency, .gate = true, .gate_from = GetCurrentTimestamp() - within,
		.except_leaf = RelationGetRelid(change->rel), .except = change->after
	};
	CommandId	seen = command_seen();
	PaymentTotal *entry;
	Window	   *window;

	if (!paysafe_refund_passed_by_events(state, payment, change, &sum, fresh))
		paysafe_refund_sum(payment->tables, &sum);
	entry = find_total(payment, true);
	window = find_window(entry, payment, within);
	if (window == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(totals_context);

		window = palloc0(sizeof(Window));
		window->within = within;
		window->currency = payment->currency ? pstrdup(payment->currency) : NULL;
		entry->windows = lappend(entry->windows, window);
		MemoryContextSwitchTo(old);
	}
	window->from = sum.gate_from;
	window->seen = seen;
	keep(&window->total, sum.gate_total);
	if (is_in_window(state, window, change))
		keep(&window->total,
			 paysafe_money_add(window->total, paysafe_refund_amount(&state->refund, change->after, payment)));
	return window;
}

/*
 * What has passed of the payment's refunds since then, at most, if that is known without
 * adding up: their total, unless something has ceased to count meanwhile.
 */
static bool
is_known(const FoundPayment *payment, TimestampTz from, Numeric *bound)
{
	PaymentTotal *entry = find_total(payment, true);
	ListCell   *lc;

	*bound = NULL;
	foreach(lc, payment->tables)
	{
		RefundTable *table = lfirst(lc);
		TableTotal *t = find_table(entry, table);
		KeptTotal	kept = {0};

		if (t != NULL && t->total != NULL)
			kept.total = t->total;
		else if (!table->observed)
			paysafe_refund_kept_find(table, &kept);
		if (kept.total == NULL || kept.own || paysafe_refund_any_ended(table, from))
			return false;
		*bound = *bound == NULL ? kept.total : paysafe_money_add(*bound, kept.total);
		/* for the next row */
		if (t == NULL || t->total == NULL)
			keep_table(payment, table, (Seen) {0}, kept.total, kept.stamp);
		/* what was compiled meanwhile may have emptied the list */
		entry = find_total(payment, true);
	}
	return *bound != NULL;
}

Numeric
paysafe_refund_passed_within(const RefundState *state, const FoundPayment *payment,
							 const RowChange *change, int64 within, bool fresh)
{
	PaymentTotal *entry = find_total(payment, true);
	Window	   *window = fresh ? NULL : find_window(entry, payment, within);
	Numeric		bound;

	/* no more can have passed */
	if (window == NULL && !fresh && is_known(payment, GetCurrentTimestamp() - within, &bound))
		return DatumGetNumericCopy(NumericGetDatum(bound));
	if (window == NULL)
		window = add_up_window(state, payment, change, within, fresh);
	if (!is_in_window(state, window, change))
		return DatumGetNumericCopy(NumericGetDatum(window->total));
	return paysafe_money_add(window->total,
							 paysafe_money_negate(paysafe_refund_amount(&state->refund, change->after, payment)));
}

void
paysafe_refund_has_passed(const RefundState *state, const FoundPayment *payment,
						  const RowChange *change)
{
	PaymentTotal *entry = find_total(payment, false);
	Numeric		amount = paysafe_refund_amount(&state->refund, change->after, payment);
	ListCell   *lc;

	if (entry == NULL)
		return;
	foreach(lc, entry->windows)
	{
		Window	   *window = lfirst(lc);

		if (is_of_currency(window, payment) && !is_in_window(state, window, change))
			keep(&window->total, paysafe_money_add(window->total, amount));
	}
}

/*
 * What is captured
 */

/* The captures of a payment have an entry of their own: it may have no refunds. */
static char *
captures_identity(List *tables)
{
	const RefundTable *table = linitial(tables);

	return psprintf("captures/%u/%s", table->root, table->key_text);
}

/* Rules that are only observed lock no payment: what others write is not known. */
static bool
is_kept(List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
		if (((RefundTable *) lfirst(lc))->observed)
			return false;
	return true;
}

static CaptureSum *
copy_captures(const CaptureSum *sum)
{
	CaptureSum *copy = palloc(sizeof(CaptureSum));

	*copy = *sum;
	copy->captured = DatumGetNumericCopy(NumericGetDatum(sum->captured));
	copy->authorized = DatumGetNumericCopy(NumericGetDatum(sum->authorized));
	copy->currency = sum->currency ? pstrdup(sum->currency) : NULL;
	return copy;
}

static CaptureTotal *
find_captures(PaymentTotal *entry, Oid root)
{
	ListCell   *lc;

	foreach(lc, entry->captures)
		if (((CaptureTotal *) lfirst(lc))->root == root)
			return lfirst(lc);
	return NULL;
}

/* The table's sum from now on. */
static void
keep_captures(List *tables, Oid root, Seen seen, const CaptureSum *sum, uint64 stamp)
{
	PaymentTotal *entry = find_entry(captures_identity(tables), true);
	CaptureTotal *t = find_captures(entry, root);
	MemoryContext old = MemoryContextSwitchTo(totals_context);
	CaptureSum *before = t != NULL ? t->sum : NULL;

	if (t == NULL)
	{
		t = palloc0(sizeof(CaptureTotal));
		t->root = root;
		entry->captures = lappend(entry->captures, t);
	}
	t->seen = seen;
	t->stamp = stamp;
	t->sum = copy_captures(sum);
	MemoryContextSwitchTo(old);
	if (before == NULL)
		return;
	pfree(before->captured);
	pfree(before->authorized);
	if (before->currency != NULL)
		pfree(before->currency);
	pfree(before);
}

/*
 * For others: with what begins to count now, the currency of refunds has been looked at when
 * this transaction commits.
 */
static void
keep_for_others(RefundTable *table, uint64 stamp, const CaptureSum *sum, const ShareChange *share)
{
	CaptureSum	kept = *sum;

	kept.settled |= share != NULL && share->after->counts;
	paysafe_captures_kept_set(table, stamp, &kept);
}

/* What is there now. */
static void
read_captures(List *tables, RefundTable *table, const RowChange *change, const ShareChange *share,
			  KeptCaptures *kept, CaptureSum *sum)
{
	bool		stamped = kept->id != 0;

	for (;;)
	{
		CommandId	seen = command_seen();

		paysafe_captures_sum(list_make1(table), sum);
		if (!stamped && sum->read > PAYSAFE_KEPT_FEW)
		{
			stamped = true;
			kept->stamp = paysafe_captures_kept_stamp_of(table);
			/* what has been altered before that has no part in the stamp, but in the rows */
			if (kept->stamp != 0)
				continue;
		}
		if (sum->mixed)
			kept->stamp = 0;
		if (kept->stamp != 0)
			keep_for_others(table, kept->stamp, sum, share);
		else if (kept->id != 0 && !kept->ended)
			paysafe_captures_kept_set(table, 0, NULL);
		keep_captures(tables, table->root, now_seen(change, seen), sum, kept->stamp);
		return;
	}
}

/* The table's sum; share NULL: what changes is in another one, or nothing does. */
static void
captures_of_table(List *tables, RefundTable *table, const RowChange *change, const ShareChange *share,
				  bool fresh, CaptureSum *sum)
{
	CaptureTotal *t = find_captures(find_entry(captures_identity(tables), true), table->root);
	KeptCaptures kept;

	fresh |= t != NULL && lacks(&t->seen, change);
	/* what begins to count where nothing does says which currency that is */
	fresh |= t != NULL && share != NULL && share->after->counts && t->sum->rows == 0;
	if (t != NULL && !fresh)
	{
		*sum = *copy_captures(t->sum);
		if (share == NULL || change->command < t->seen.seen)
			return;
		paysafe_captures_apply(sum, share);
		if (t->stamp != 0)
			keep_for_others(table, t->stamp, sum, share);
		keep_captures(tables, table->root, t->seen, sum, t->stamp);
		return;
	}
	paysafe_captures_kept_find(table, &kept);
	/* in what this transaction has kept, and forgotten, may be rows that are yet to be checked */
	if (fresh || !kept.holds || kept.own ||
		(share != NULL && share->after->counts && kept.sum.rows == 0))
	{
		read_captures(tables, table, change, share, &kept, sum);
		return;
	}
	*sum = kept.sum;
	if (share != NULL)
	{
		paysafe_captures_apply(sum, share);
		keep_for_others(table, kept.stamp, sum, share);
	}
	keep_captures(tables, table->root, (Seen) {0}, sum, kept.stamp);
}

void
paysafe_captures_total(List *tables, const RowChange *change, const ShareChange *share, bool fresh,
					   CaptureSum *sum)
{
	bool		settled = list_length(tables) == 1;
	ListCell   *lc;

	if (tables == NIL || !is_kept(tables))
	{
		paysafe_captures_sum(tables, sum);
		return;
	}
	*sum = (CaptureSum) {.captured = paysafe_money_zero(), .authorized = paysafe_money_zero()};
	foreach(lc, tables)
	{
		RefundTable *table = lfirst(lc);
		CaptureSum	one;

		captures_of_table(tables, table, change, share != NULL && share->root == table->root ? share : NULL,
						  fresh, &one);
		paysafe_captures_add(sum, &one);
		settled &= one.settled;
	}
	sum->settled = settled;
}

void
paysafe_captures_settle(List *tables)
{
	CaptureTotal *t;

	if (list_length(tables) != 1 || !is_kept(tables))
		return;
	t = find_captures(find_entry(captures_identity(tables), true), ((RefundTable *) linitial(tables))->root);
	if (t != NULL)
		t->sum->settled = true;
}
