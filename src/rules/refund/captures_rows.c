/*-------------------------------------------------------------------------
 *
 * captures_rows.c
 *	  Captures as rows: what they come to, and the payment that they are of.
 *
 * Several tables may be declared for one table of payments, and one table may have
 * authorizations, captures and what cancels them.  The sum is over all of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/id_claim.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "compat.h"
#include "engine/locked_row.h"
#include "engine/shown.h"
#include "engine/test_rows.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/refund/captures.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/spec.h"

/*
 * Rules
 */

/* The first rule of this name of the table or an ancestor, or NULL. */
static const RuleSource *
find_source(List *sources, List *ancestors, const char *name)
{
	ListCell   *lc;

	foreach(lc, sources)
	{
		const RuleSource *source = lfirst(lc);

		if (strcmp(source->name, name) == 0 && list_member_oid(ancestors, source->relation))
			return source;
	}
	return NULL;
}

bool
paysafe_captures_currency(Relation leaf, List *sources, Currency *out)
{
	List	   *ancestors = paysafe_catalog_ancestors(RelationGetRelid(leaf));
	const RuleSource *payment = find_source(sources, ancestors, "payment");
	const RuleSource *further = find_source(sources, ancestors, "currency");
	ListCell   *lc;

	if (payment != NULL)
	{
		paysafe_currency_compile(leaf, payment, out);
		return true;
	}
	foreach(lc, paysafe_refund_source_captures(sources, RelationGetRelid(leaf)))
	{
		const RuleSource *rule = lfirst(lc);
		char	   *constant = paysafe_spec_optional_text(rule->spec, "currency");
		char	   *column = paysafe_spec_optional_text(rule->spec, "currency_parent_column");

		if (constant != NULL)
			*out = (Currency) {.place = CURRENCY_CONSTANT, .constant = constant};
		else if (column == NULL)
			continue;			/* in a column of the captures */
		else if (!paysafe_spec_bool(rule->spec, "currency_further"))
			paysafe_currency_column(leaf, column, out);
		else if (further != NULL)
			paysafe_currency_compile(leaf, further, out);
		else
			continue;
		return true;
	}
	*out = (Currency) {.place = CURRENCY_CONSTANT};
	return false;
}

/* The next rule of captures of a leaf of the payment table, after the i-th rule. */
static const CaptureState *
next_payment_rule(const RelationRules *rules, int *i)
{
	while (rules != NULL && *i < rules->nrules)
	{
		const Rule *rule = &rules->rules[(*i)++];

		if (rule->kind == &paysafe_captures_kind && ((CaptureState *) rule->compiled)->is_payment)
			return rule->compiled;
	}
	return NULL;
}

List *
paysafe_captures_tables(const RelationRules *payment_rules, TupleTableSlot *payment, bool observed)
{
	List	   *tables = NIL;
	List	   *enforced = NIL;
	const CaptureState *state;
	int			i = 0;

	while ((state = next_payment_rule(payment_rules, &i)) != NULL)
	{
		KeyValues	key;
		RefundTable *table;

		/* nothing can refer to it; or a server without the guard dropped the table */
		if (!paysafe_key_columns_read(&state->payment.key, payment, &key, NULL) ||
			get_rel_relkind(state->capture_root) == '\0')
			continue;
		table = palloc0(sizeof(RefundTable));
		table->root = state->capture_root;
		table->observed = state->observed;
		paysafe_key_columns_copy(&key, &table->key);
		table->key_text = paysafe_key_columns_text(&key);
		tables = lappend(tables, table);
		if (!state->observed)
			enforced = lappend(enforced, table);
	}
	return observed || enforced == NIL ? tables : enforced;
}

const CaptureState *
paysafe_captures_rule_of(Relation leaf, Oid capture_root)
{
	const RelationRules *rules = paysafe_rules_of(leaf);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
	{
		const Rule *rule = &rules->rules[i];

		if (rule->kind == &paysafe_captures_kind && rule->declared_on == capture_root &&
			!((CaptureState *) rule->compiled)->is_payment)
			return rule->compiled;
	}
	return NULL;
}

/*
 * Sums
 */

void
paysafe_captures_share(const CaptureSide *side, TupleTableSlot *row, CaptureShare *out)
{
	Numeric		amount;

	*out = (CaptureShare) {.captured = paysafe_money_zero(), .authorized = paysafe_money_zero()};
	if (!paysafe_row_filter_has(&side->rows, row, NULL) ||
		paysafe_status_value_find(&side->counted, row) < 0)
		return;
	out->captures = !side->typed || paysafe_status_value_find(&side->capture, row) >= 0;
	out->authorizes = side->typed && paysafe_status_value_find(&side->authorize, row) >= 0;
	out->cancels = side->typed && paysafe_status_value_find(&side->cancel, row) >= 0;
	out->counts = out->captures || out->authorizes || out->cancels;
	if (!out->counts)
		return;
	if (!paysafe_money_value(&side->amount, row, &amount))
	{
		out->cancels_rest = out->cancels;
		return;					/* anything else is refused where it is written */
	}
	if (out->captures)
		out->captured = amount;
	if (out->authorizes || out->cancels)
		out->authorized = out->cancels ? paysafe_money_negate(amount) : amount;
}

typedef struct SumScan
{
	CaptureSum *sum;
	const CaptureSide *side;	/* of the leaf being read */
	const RowChange *change;	/* rows of its statement cancel nothing yet; or NULL */
	MemoryContext row_context;
} SumScan;

/* Has the statement that made the change made this row, too? */
static bool
is_of_statement(TupleTableSlot *row, const RowChange *change)
{
	bool		isnull;

	return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(slot_getsysattr(row, MinTransactionIdAttributeNumber, &isnull))) &&
		DatumGetCommandId(slot_getsysattr(row, MinCommandIdAttributeNumber, &isnull)) == change->command;
}

/* total + amount; the old total's memory is given back. */
static void
add_to(Numeric *total, Numeric amount)
{
	Numeric		before = *total;

	*total = paysafe_money_add(before, amount);
	pfree(before);
}

/* The currency that the row itself has, or NULL. */
static char *
own_currency(const CaptureSide *side, TupleTableSlot *row)
{
	char	   *currency = NULL;

	if (side->own_currency)
		(void) paysafe_currency_of(&side->currency, row, false, &currency);
	return currency;
}

static bool
add_capture(Relation rel, TupleTableSlot *row, void *arg)
{
	SumScan    *scan = arg;
	CaptureSum *sum = scan->sum;
	MemoryContext old = MemoryContextSwitchTo(scan->row_context);
	CaptureShare share;
	char	   *currency;

	paysafe_captures_share(scan->side, row, &share);
	currency = share.counts ? own_currency(scan->side, row) : NULL;
	MemoryContextSwitchTo(old);
	sum->read++;
	if (share.counts)
	{
		sum->rows++;
		sum->cancels += share.cancels_rest && (scan->change == NULL || !is_of_statement(row, scan->change));
		add_to(&sum->captured, share.captured);
		add_to(&sum->authorized, share.authorized);
		if (currency != NULL && sum->currency == NULL)
			sum->currency = pstrdup(currency);
		else if (currency != NULL && strcmp(sum->currency, currency) != 0)
			sum->mixed = true;
	}
	MemoryContextReset(scan->row_context);
	return true;
}

static void
add_up(List *tables, const RowChange *change, CaptureSum *sum)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	SumScan		scan = {.sum = sum, .change = change};
	ListCell   *lc;
	ListCell   *lc2;

	*sum = (CaptureSum) {.captured = paysafe_money_zero(), .authorized = paysafe_money_zero()};
	scan.row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe captures",
											 ALLOCSET_SMALL_SIZES);
	foreach(lc, tables)
	{
		RefundTable *table = lfirst(lc);

		foreach(lc2, paysafe_catalog_leaves(table->root))
		{
			Relation	leaf = table_open(lfirst_oid(lc2), AccessShareLock);
			const CaptureState *state = paysafe_captures_rule_of(leaf, table->root);
			KeySearch	search;

			if (state == NULL && !table->observed)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("table \"%s\" has no rule of captures", RelationGetRelationName(leaf))));
			if (state != NULL)
			{
				scan.side = &state->capture;
				paysafe_row_key_search(leaf, table->key.n, state->capture.payment.key.attnums,
									   table->key.types, &search);
				paysafe_row_key_search_scan(leaf, &search, table->key.values, snapshot, add_capture, &scan);
			}
			table_close(leaf, NoLock);
		}
	}
	MemoryContextDelete(scan.row_context);
	UnregisterSnapshot(snapshot);
}

void
paysafe_captures_add(CaptureSum *sum, const CaptureSum *other)
{
	bool		other_currency = other->rows > 0 && other->currency != NULL;

	sum->read += other->read;
	sum->rows += other->rows;
	sum->captured = paysafe_money_add(sum->captured, other->captured);
	sum->authorized = paysafe_money_add(sum->authorized, other->authorized);
	sum->cancels += other->cancels;
	sum->mixed |= other->mixed ||
		(other_currency && sum->currency != NULL && strcmp(sum->currency, other->currency) != 0);
	if (other_currency && sum->currency == NULL)
		sum->currency = pstrdup(other->currency);
}

void
paysafe_captures_apply(CaptureSum *sum, const ShareChange *share)
{
	const CaptureShare *before = share->before;
	const CaptureShare *after = share->after;

	sum->rows += after->counts - before->counts;
	sum->cancels += after->cancels_rest - before->cancels_rest;
	sum->captured = paysafe_money_add(paysafe_money_add(sum->captured, after->captured),
									  paysafe_money_negate(before->captured));
	sum->authorized = paysafe_money_add(paysafe_money_add(sum->authorized, after->authorized),
										paysafe_money_negate(before->authorized));
	sum->settled = sum->settled && sum->rows > 0;
}

void
paysafe_captures_sum(List *tables, CaptureSum *sum)
{
	add_up(tables, NULL, sum);
}

bool
paysafe_captures_are_cancelled(List *tables, const RowChange *change)
{
	CaptureSum	sum;

	add_up(tables, change, &sum);
	return sum.cancels > 0;
}

/*
 * The payment
 */

/* What the rule says of the payment's leaf, or NULL. */
static const CapturedSide *
find_payment_side(const CaptureState *state, const RelationRules *rules)
{
	const CaptureState *other;
	int			i = 0;

	while ((other = next_payment_rule(rules, &i)) != NULL)
		if (other->capture_root == state->capture_root)
			return &other->payment;
	return NULL;
}

void
paysafe_captures_describe(const CaptureState *state, const RelationRules *rules, TupleTableSlot *row,
						  CapturedPayment *out)
{
	const CapturedSide *side = find_payment_side(state, rules);
	ListCell   *lc;

	*out = (CapturedPayment) {0};
	if (side == NULL)
		elog(ERROR, "table \"%s\" has no rule of captures", get_rel_name(state->payment_root));
	out->tables = paysafe_captures_tables(rules, row, state->observed);
	foreach(lc, out->tables)
		if (((RefundTable *) lfirst(lc))->root == state->capture_root)
			out->key = ((RefundTable *) lfirst(lc))->key_text;
	if (side->limit.attnum != 0)
		out->limit = paysafe_money_value(&side->limit, row, &out->limit) ?
			DatumGetNumericCopy(NumericGetDatum(out->limit)) : paysafe_money_zero();
	out->test = paysafe_test_row(rules, row);
	out->has_currency = side->has_currency;
	if (side->has_currency)
		(void) paysafe_currency_of(&side->currency, row, false, &out->currency);
	paysafe_refund_describe_summed(rules, row, &out->refunds);
}

void
paysafe_captures_payment_argument(const CaptureState *state, Relation leaf, char *text, KeyValues *out)
{
	bool		group = !OidIsValid(state->payment_root);
	Relation	rel = group ? leaf : table_open(state->payment_root, AccessShareLock);
	KeyColumns	columns = state->capture.payment;

	if (!group)
		paysafe_key_columns_find(rel, state->payment_key, &columns);
	if (columns.key.n > 1)
		paysafe_key_columns_written(rel, &columns, text, out);
	else
	{
		out->n = 1;
		out->types = columns.types;
		out->values = palloc(sizeof(Datum));
		out->values[0] = paysafe_row_key_argument(rel, columns.key.attnums[0], text);
	}
	if (!group)
		table_close(rel, NoLock);
}

typedef struct Locked
{
	const CaptureState *state;
	CapturedPayment *payment;
} Locked;

static void
describe_locked(Relation leaf, TupleTableSlot *row, void *arg)
{
	Locked	   *locked = arg;

	paysafe_captures_describe(locked->state, paysafe_rules_of(leaf), row, locked->payment);
	locked->payment->refunds.hidden = !paysafe_shown_row(leaf, row);
	locked->payment->refunds.owner = paysafe_shown_owner(leaf, row);
}

void
paysafe_captures_lock_group(Oid root, const char *key)
{
	paysafe_id_claim_lock_group(root, DatumGetUInt64(hash_any_extended((const unsigned char *) key, strlen(key), 0)));
}

/* A group is there as soon as it is named; its refunds are rows of the same table. */
static int
find_group(const CaptureState *state, const KeyValues *key, bool lock, CapturedPayment *out)
{
	*out = (CapturedPayment) {0};
	paysafe_refund_describe_group(state->capture_root, key, state->observed,
								  paysafe_money_is_minor(&state->capture.amount), &out->refunds);
	out->key = out->refunds.key;
	out->tables = out->refunds.captures;
	if (lock)
		paysafe_captures_lock_group(state->capture_root, out->key);
	if (!state->refunded)
		out->refunds.tables = NIL;
	return 1;
}

static int
find_payment(const CaptureState *state, const KeyValues *key, bool lock, bool hidden_too, CapturedPayment *out)
{
	Locked		locked = {.state = state, .payment = out};

	if (!OidIsValid(state->payment_root))
		return find_group(state, key, lock, out);
	*out = (CapturedPayment) {.key = paysafe_key_columns_text(key)};
	return paysafe_locked_row(state->payment_root, state->payment_key, key, lock, hidden_too, describe_locked,
							  &locked);
}

int
paysafe_captures_lock_payment(const CaptureState *state, const KeyValues *key, bool hidden_too,
							  CapturedPayment *out)
{
	return find_payment(state, key, !state->observed, hidden_too, out);
}

int
paysafe_captures_find_payment(const CaptureState *state, const KeyValues *key, CapturedPayment *out)
{
	return find_payment(state, key, false, true, out);
}

char *
paysafe_captures_excess(const CaptureState *state, const CapturedPayment *payment, const CaptureSum *sum)
{
	bool		by_rows = state->is_payment ? false : state->capture.authorize.n > 0;
	Numeric		limit = by_rows ? sum->authorized : payment->limit;
	Numeric		hundred = int64_to_numeric(100);
	Numeric		most;

	if (limit == NULL || paysafe_money_sign(sum->captured) == 0)
		return NULL;
	/* a NaN would compare as larger than everything: fail closed */
	if (!numeric_is_nan(limit) && !numeric_is_inf(limit))
	{
		most = state->over == NULL ? hundred : paysafe_money_add(hundred, state->over);
		if (paysafe_money_compare(paysafe_money_multiply(sum->captured, hundred),
								  paysafe_money_multiply(limit, most)) <= 0)
			return NULL;
	}
	return psprintf("captured would be %s, %s%s is %s",
					paysafe_refusal_value(paysafe_money_text(sum->captured)),
					by_rows ? "authorized" : "its limit",
					state->over == NULL ? "" : psprintf(", which it may exceed by %s per cent,", paysafe_money_text(state->over)),
					paysafe_refusal_value(paysafe_money_text(limit)));
}

char *
paysafe_captures_shortfall(const CapturedPayment *payment, const RowChange *change,
						   const CaptureSum *captures)
{
	FoundPayment refunds = payment->refunds;
	Numeric		captured = captures->captured;
	List	   *enforced = NIL;
	RefundSum	sum = {.minor = refunds.minor};
	ListCell   *lc;

	foreach(lc, payment->refunds.tables)
		if (!((RefundTable *) lfirst(lc))->observed)
			enforced = lappend(enforced, lfirst(lc));
	if (enforced == NIL)
		return NULL;
	refunds.currency = payment->has_currency ? payment->currency : captures->currency;
	sum.currency = refunds.currency;
	if (list_length(enforced) == list_length(payment->refunds.tables) &&
		paysafe_money_compare(paysafe_refund_total(&refunds, NULL, change, NULL, false),
							  captured) <= 0)
		return NULL;
	paysafe_refund_sum(enforced, &sum);
	return paysafe_money_compare(sum.total, captured) <= 0 ? NULL :
		psprintf("refunds total %s, captured would be %s",
				 paysafe_refusal_value(paysafe_money_text(sum.total)),
				 paysafe_refusal_value(paysafe_money_text(captured)));
}
