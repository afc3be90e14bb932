/*-------------------------------------------------------------------------
 *
 * refund_rows.c
 *	  Payments and refunds as rows: locking, adding up.
 *
 * Several tables may be declared for one table of payments: refunds and
 * chargebacks, say.  What returns of a payment is the sum over all of them, so
 * whoever has the payment's row asks its rules which they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "engine/shown.h"
#include "engine/test_rows.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/refund/captures.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/row_key.h"

/* Does the payment rule say of the column that it falls with refunds? */
static bool
is_net(const Jsonb *spec, const char *column)
{
	const char *changes = paysafe_spec_optional_text(spec, "changes");
	const char *captured = paysafe_spec_optional_text(spec, "captured_column");

	return changes != NULL && captured != NULL && strcmp(changes, "net") == 0 && strcmp(captured, column) == 0;
}

void
paysafe_refund_compile_payment(PaymentSide *side, Relation leaf, const RefundState *state,
							   List *sources)
{
	const RuleSource *payment = paysafe_refund_source_payment(sources, RelationGetRelid(leaf));
	List	   *captures = paysafe_refund_source_captures(sources, RelationGetRelid(leaf));

	side->summed = state->payment_amount == NULL && captures != NIL;
	if (payment == NULL && captures == NIL &&
		(state->payment_amount == NULL || state->payment_currency == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no payment rule", get_rel_name(state->payment_root)),
				 errdetail("What of a payment is captured, and its currency, says that rule, or one of captures."),
				 errhint("Declare it with paysafe.protect_payment or paysafe.protect_captures, or name \"payment_amount_column\" and \"payment_currency_column\".")));
	if (state->payment_amount != NULL)
		paysafe_captured_plain(leaf, state->payment_amount, payment ? payment->spec : NULL, &side->captured);
	else if (side->summed)
	{
		side->captured = (Captured) {0};
		paysafe_refund_source_captured(linitial(captures), &side->captured.amount);
	}
	else
		paysafe_captured_compile(leaf, payment->spec, &side->captured);
	if (state->payment_currency != NULL)
		paysafe_currency_column(leaf, state->payment_currency, &side->currency);
	else if (payment != NULL)
		paysafe_currency_compile(leaf, payment, &side->currency);
	else
		(void) paysafe_captures_currency(leaf, sources, &side->currency);
	paysafe_key_columns_find(leaf, state->payment_key, &side->key);
	paysafe_refund_net_compile(side, leaf, payment);
	if (state->payment_amount != NULL && payment != NULL && is_net(payment->spec, state->payment_amount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" is net of refunds, as its payment rule says",
						state->payment_amount, RelationGetRelationName(leaf)),
				 errhint("Declare the refund rule with \"payment_amount_column\" NULL: then the payment rule says what is captured.")));
}

/* The next refund rule of a leaf of the payment table, after the i-th rule. */
static const RefundState *
next_payment_rule(const RelationRules *rules, int *i)
{
	while (rules != NULL && *i < rules->nrules)
	{
		const Rule *rule = &rules->rules[(*i)++];

		if (rule->kind == &paysafe_refund_kind && ((RefundState *) rule->compiled)->is_payment)
			return rule->compiled;
	}
	return NULL;
}

bool
paysafe_refund_is_own(const RefundTable *table, const RefundState *state)
{
	return table->root == state->refund_root && strcmp(table->rule, state->rule) == 0;
}

List *
paysafe_refund_tables(const RelationRules *rules, TupleTableSlot *payment)
{
	List	   *tables = NIL;
	const RefundState *state;
	int			i = 0;

	while ((state = next_payment_rule(rules, &i)) != NULL)
	{
		KeyValues	key;
		RefundTable *table;

		/* nothing can refer to it; or a server without the guard dropped the table */
		if (!paysafe_key_columns_read(&state->payment.key, payment, &key, NULL) ||
			get_rel_relkind(state->refund_root) == '\0')
			continue;
		table = palloc0(sizeof(RefundTable));
		table->root = state->refund_root;
		table->rule = state->rule;
		table->payment_root = state->payment_root;
		table->observed = state->observed;
		paysafe_key_columns_copy(&key, &table->key);
		table->key_text = paysafe_key_columns_text(&key);
		tables = lappend(tables, table);
	}
	return tables;
}

/* The columns of a leaf of the payment table, as its rules have them, or NULL. */
static const PaymentSide *
find_payment_side(const RefundState *state, const RelationRules *rules)
{
	const RefundState *other;
	int			i = 0;

	while ((other = next_payment_rule(rules, &i)) != NULL)
		if (other->refund_root == state->refund_root && strcmp(other->rule, state->rule) == 0)
			return &other->payment;
	return NULL;
}

static const PaymentSide *
payment_side(const RefundState *state, const RelationRules *rules)
{
	const PaymentSide *side = find_payment_side(state, rules);

	if (side == NULL)
		elog(ERROR, "table \"%s\" has no refund rule", get_rel_name(state->payment_root));
	return side;
}

/* Payment table, refund table, rule and key in one text: for each payment, so without formats. */
static char *
identity_of(const RefundTable *table)
{
	char	   *identity = palloc(2 * (MAXINT8LEN + 1) + strlen(table->rule) + strlen(table->key_text) + 2);
	int			len = pg_ultoa_n(table->payment_root, identity);

	identity[len++] = '/';
	len += pg_ultoa_n(table->root, identity + len);
	identity[len++] = '/';
	len = stpcpy(identity + len, table->rule) - identity;
	identity[len++] = '/';
	strcpy(identity + len, table->key_text);
	return identity;
}

void
paysafe_refund_describe_summed(const RelationRules *payment_rules, TupleTableSlot *payment,
							   FoundPayment *out)
{
	int			i = 0;
	const RefundState *state = next_payment_rule(payment_rules, &i);

	*out = (FoundPayment) {0};
	/* all tables of a payment mean the same by what is captured */
	if (state != NULL && state->payment.summed)
		out->tables = paysafe_refund_tables(payment_rules, payment);
	if (out->tables == NIL)
		return;
	out->minor = paysafe_money_is_minor(&state->payment.captured.amount);
	out->key = ((RefundTable *) linitial(out->tables))->key_text;
	out->identity = identity_of(linitial(out->tables));
}

bool
paysafe_refund_only_observed(List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
		if (!((RefundTable *) lfirst(lc))->observed)
			return false;
	return true;
}

/* Captures say what is captured, and in which currency if the payment does not. */
static void
take_captures(FoundPayment *payment, bool fresh)
{
	CaptureSum	sum;

	/* where no refund is refused, the payment is not locked: nothing is kept */
	if (paysafe_refund_only_observed(payment->tables))
		paysafe_captures_sum(payment->captures, &sum);
	else
		paysafe_captures_total(payment->captures, NULL, NULL, fresh, &sum);
	payment->captured = sum.captured;
	if (payment->currency == NULL)
		payment->currency = sum.currency;
}

/*
 * Groups: payments that are no rows
 */

void
paysafe_refund_describe_group(Oid root, const KeyValues *key, bool observed, bool minor, FoundPayment *out)
{
	RefundTable *table = palloc0(sizeof(RefundTable));

	table->root = root;
	table->rule = paysafe_refund_kind.name;
	table->group = true;
	table->observed = observed;
	paysafe_key_columns_copy(key, &table->key);
	table->key_text = paysafe_key_columns_text(key);
	*out = (FoundPayment)
	{
		.key = table->key_text, .tables = list_make1(table), .captures = list_make1(table), .minor = minor
	};
	out->identity = identity_of(table);
}

/* A group is there as soon as it is named. */
static int
find_group(const RefundState *state, const KeyValues *key, bool lock, FoundPayment *out)
{
	paysafe_refund_describe_group(state->refund_root, key, state->observed,
								  paysafe_money_is_minor(&state->refund.amount), out);
	if (!lock)
		return 1;
	if (!state->observed)
		paysafe_captures_lock_group(state->refund_root, out->key);
	take_captures(out, false);
	return 1;
}

bool
paysafe_refund_is_hidden_group(const RefundState *state, const KeyValues *key)
{
	const KeyColumns *columns = &state->refund.payment;
	Relation	leaf;
	TupleTableSlot *row;
	bool		hidden;

	if (OidIsValid(state->payment_root) || state->refund.running)
		return false;
	/* a row of that name, of which nothing else is known */
	leaf = table_open(state->leaf, AccessShareLock);
	row = MakeSingleTupleTableSlot(RelationGetDescr(leaf), &TTSOpsVirtual);
	ExecStoreAllNullTuple(row);
	for (int i = 0; i < columns->key.n; i++)
	{
		row->tts_values[columns->key.attnums[i] - 1] = key->values[i];
		row->tts_isnull[columns->key.attnums[i] - 1] = false;
	}
	hidden = !paysafe_shown_row(leaf, row);
	ExecDropSingleTupleTableSlot(row);
	table_close(leaf, NoLock);
	return hidden;
}

char *
paysafe_refund_owner(Relation leaf, TupleTableSlot *row, const FoundPayment *payment)
{
	char	   *owner = paysafe_shown_owner(leaf, row);

	return owner == NULL && payment != NULL ? payment->owner : owner;
}

void
paysafe_refund_look_again(FoundPayment *payment)
{
	if (payment->captures != NIL)
		take_captures(payment, true);
}

/* What every rule says of a payment's row. */
static void
describe_payment(const RefundState *state, const RelationRules *rules, TupleTableSlot *row,
				 FoundPayment *out)
{
	const PaymentSide *side = payment_side(state, rules);
	ListCell   *lc;

	if (side->summed)
		out->captures = paysafe_captures_tables(rules, row, false);
	else if (paysafe_captured_value(&side->captured, row, &out->captured))
		out->captured = DatumGetNumericCopy(NumericGetDatum(out->captured));
	else
		out->captured = NULL;
	(void) paysafe_currency_of(&side->currency, row, false, &out->currency);
	out->minor = paysafe_money_is_minor(&side->captured.amount);
	paysafe_refund_net_describe(side, row, out);
	out->tables = paysafe_refund_tables(rules, row);
	foreach(lc, out->tables)
	{
		RefundTable *table = lfirst(lc);

		if (paysafe_refund_is_own(table, state))
			out->key = table->key_text;
		if (out->identity == NULL)
			out->identity = identity_of(table);
	}
	if (out->key == NULL)
		elog(ERROR, "table \"%s\" has no refund rule", get_rel_name(state->payment_root));
}

typedef struct FoundRow
{
	const RefundState *state;
	int			count;
	Oid			relid;
	ItemPointerData tid;
	bool		hidden;			/* the transaction may not know of it */
	FoundPayment *payment;		/* NULL: not to be described as it was found */
} FoundRow;

static bool
remember_row(Relation rel, TupleTableSlot *row, void *arg)
{
	FoundRow   *found = arg;
	const PaymentSide *side = find_payment_side(found->state, paysafe_rules_of(rel));

	if (side != NULL && !paysafe_refund_shared_is_payment(side, row))
		return true;			/* it is another row of the table */
	if (++found->count > 1)
		return false;
	found->relid = RelationGetRelid(rel);
	found->tid = row->tts_tid;
	found->hidden = !paysafe_shown_row(rel, row);
	if (found->payment != NULL)
	{
		describe_payment(found->state, paysafe_rules_of(rel), row, found->payment);
		found->payment->test = paysafe_test_row(paysafe_rules_of(rel), row);
		found->payment->hidden = found->hidden;
		found->payment->owner = paysafe_shown_owner(rel, row);
	}
	return true;
}

/* Find the payment; its rows' count (0, 1, 2 for more) in *found. */
static void
find_payment(const RefundState *state, const KeyValues *key, FoundRow *found)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	ListCell   *lc;

	found->state = state;
	foreach(lc, paysafe_catalog_leaves(state->payment_root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		/* where an observed rule does not fit the payments any more, it knows none */
		if (!state->observed || find_payment_side(state, paysafe_rules_of(leaf)) != NULL)
			paysafe_key_columns_scan(leaf, state->payment_key, key, snapshot, remember_row, found);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
}

void
paysafe_refund_payment_argument(const RefundState *state, char *text, KeyValues *out)
{
	bool		group = !OidIsValid(state->payment_root);
	Relation	rel = table_open(group ? state->leaf : state->payment_root, AccessShareLock);
	KeyColumns	columns = state->refund.payment;
	char	   **parts;

	if (!group)
		paysafe_key_columns_find(rel, state->payment_key, &columns);
	parts = palloc(sizeof(char *) * columns.key.n);
	parts[0] = text;
	if (columns.key.n > 1 && !paysafe_row_key_split(text, columns.key.n, parts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a payment is named by %d values, separated by commas", columns.key.n),
				 errdetail("They are those of %s.", paysafe_row_key_names(&columns.key, RelationGetDescr(rel)))));
	out->n = columns.key.n;
	out->types = columns.types;
	out->values = palloc(sizeof(Datum) * columns.key.n);
	for (int i = 0; i < columns.key.n; i++)
		out->values[i] = paysafe_row_key_argument(rel, columns.key.attnums[i], parts[i]);
	table_close(rel, NoLock);
}

int
paysafe_refund_find_payment(const RefundState *state, const KeyValues *key, FoundPayment *out)
{
	FoundRow	found = {.payment = out};

	if (!OidIsValid(state->payment_root))
	{
		if (!state->payout)
			return find_group(state, key, false, out);
		paysafe_refund_payout(state, key, false, out);
		return 1;
	}
	*out = (FoundPayment) {0};
	find_payment(state, key, &found);
	if (found.count == 0)
		out->key = paysafe_key_columns_text(key);
	return found.count;
}

int
paysafe_refund_read_payment(const RefundState *state, const KeyValues *key, FoundPayment *out)
{
	int			count = paysafe_refund_find_payment(state, key, out);
	CaptureSum	sum;

	/* refunds without a currency of their own have that of what is captured */
	if (out->currency == NULL && out->captures != NIL && !state->refund.own_currency)
	{
		paysafe_captures_sum(out->captures, &sum);
		out->currency = sum.currency;
	}
	return count;
}

/*
 * The locked version of a payment, unless it has another key by now than the one
 * that was looked for, or is none: if it is not the version that was found.
 */
static bool
read_locked(const RefundState *state, Relation leaf, TupleTableSlot *slot, const KeyValues *key,
			ItemPointer found, FoundPayment *out)
{
	const RelationRules *rules = paysafe_rules_of(leaf);
	const PaymentSide *side = payment_side(state, rules);

	if (!ItemPointerEquals(&slot->tts_tid, found) &&
		(!paysafe_key_columns_match(leaf, &side->key, slot, key) ||
		 !paysafe_refund_shared_is_payment(side, slot)))
		return false;
	*out = (FoundPayment) {0};
	describe_payment(state, rules, slot, out);
	out->hidden = !paysafe_shown_row(leaf, slot);
	out->owner = paysafe_shown_owner(leaf, slot);
	if (out->captures != NIL)
		take_captures(out, false);
	return true;
}

/* Nobody relies on the sums: then nobody waits for them either. */
static bool
is_only_observed(const RelationRules *payment_rules)
{
	const RefundState *state;
	int			i = 0;

	while ((state = next_payment_rule(payment_rules, &i)) != NULL)
		if (!state->observed)
			return false;
	return true;
}

int
paysafe_refund_lock_payment(const RefundState *state, const KeyValues *key, bool hidden_too, FoundPayment *out)
{
	if (state->payout)
	{
		paysafe_refund_payout(state, key, true, out);
		return 1;
	}
	while (OidIsValid(state->payment_root))
	{
		FoundRow	found = {.payment = NULL};	/* its locked version is */
		Relation	leaf;
		TupleTableSlot *slot;
		TM_FailureData failure;
		TM_Result	result;
		Snapshot	snapshot;
		ItemPointerData tid;
		bool		done = false;

		CHECK_FOR_INTERRUPTS();
		*out = (FoundPayment) {0};
		find_payment(state, key, &found);
		/* whoever waited for it would know that it is there, and could keep it from its owner */
		out->hidden = found.count == 1 && found.hidden && !hidden_too;
		if (found.count != 1 || out->hidden)
		{
			out->key = paysafe_key_columns_text(key);
			return found.count;
		}
		leaf = table_open(found.relid, RowShareLock);
		slot = table_slot_create(leaf, NULL);
		snapshot = paysafe_scan_snapshot();
		tid = found.tid;
		if (is_only_observed(paysafe_rules_of(leaf)))
			result = table_tuple_fetch_row_version(leaf, &tid, snapshot, slot) ? TM_Ok : TM_Deleted;
		else
			result = table_tuple_lock(leaf, &tid, snapshot, slot, snapshot->curcid,
									  LockTupleNoKeyExclusive, LockWaitBlock,
									  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
									  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
		UnregisterSnapshot(snapshot);
		switch (result)
		{
			case TM_Ok:
				done = read_locked(state, leaf, slot, key, &found.tid, out);
				break;
			case TM_Deleted:
				break;			/* look again: now it is gone */
			default:
				ereport(ERROR,
						(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						 errmsg("could not lock the payment due to concurrent update")));
		}
		ExecDropSingleTupleTableSlot(slot);
		table_close(leaf, NoLock);
		if (done)
			return 1;
	}
	return find_group(state, key, true, out);
}

/* The refund rule compiled for a leaf of the refund table, or NULL. */
static const Rule *
find_refund_rule(Relation leaf, Oid refund_root, const char *name, const RelationRules **rules)
{
	*rules = paysafe_rules_of(leaf);
	if (*rules != NULL)
		for (int i = 0; i < (*rules)->nrules; i++)
		{
			const Rule *rule = &(*rules)->rules[i];

			if (rule->kind == &paysafe_refund_kind && rule->declared_on == refund_root &&
				strcmp(rule->name, name) == 0 && !((RefundState *) rule->compiled)->is_payment)
				return rule;
		}
	return NULL;
}

const Rule *
paysafe_refund_rule_of(Relation leaf, Oid refund_root, const char *name, const RelationRules **rules)
{
	const Rule *rule = find_refund_rule(leaf, refund_root, name, rules);

	if (rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no rule \"%s\"", RelationGetRelationName(leaf), paysafe_redact_string(name))));
	return rule;
}

typedef struct SumScan
{
	RefundSum  *sum;
	const RefundState *state;	/* of the leaf being read */
	const RowKey *key;			/* of its rows */
	RefundLives *lives;			/* of the table being read, if the gate is of interest */
	const char *currency;		/* only rows in it, or NULL */
	MemoryContext row_context;
} SumScan;

/* total + amount; the old total's memory is given back. */
static void
add_to(Numeric *total, Numeric amount)
{
	Numeric		before = *total;

	*total = paysafe_money_add(before, amount);
	pfree(before);
}

static bool
is_in_currency(const RefundSide *side, TupleTableSlot *row, const char *currency)
{
	char	   *code = paysafe_refund_currency(side, row, NULL);

	return code != NULL && strcmp(paysafe_money_code(pstrdup(code)), currency) == 0;
}

static bool
add_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	SumScan    *scan = arg;
	RefundSum  *sum = scan->sum;
	const RefundSide *side = &scan->state->refund;
	MemoryContext old = MemoryContextSwitchTo(scan->row_context);
	Numeric		amount = NULL;
	bool		passed = false;
	bool		old_one = false;
	RefundLife	life;

	if (!paysafe_row_filter_has(&side->rows, row, NULL) ||
		(scan->currency != NULL && !is_in_currency(side, row, scan->currency)))
	{
		MemoryContextSwitchTo(old);
		return true;			/* no refund, or another sum's */
	}
	sum->rows++;
	/* what has no amount is refused where it is written */
	if (paysafe_status_value_find(&side->voided, row) < 0 &&
		!(sum->lawful && paysafe_refund_is_breach(scan->state, scan->key, rel, row)) &&
		paysafe_refund_value(side, row, &amount) &&
		(sum->old || (sum->gate && !(RelationGetRelid(rel) == sum->except_leaf &&
									 paysafe_row_key_same_row(rel, row, sum->except)))))
	{
		paysafe_refund_lives_of(scan->lives, scan->state, rel, row, &life);
		passed = sum->gate && (life.stage == REFUND_PASSED || life.stage == REFUND_FACT) &&
			life.passed > sum->gate_from;
		old_one = sum->old && life.requested < sum->old_before;
	}
	if (amount != NULL)
		amount = paysafe_refund_in_units(side, amount, sum->minor, sum->currency);
	MemoryContextSwitchTo(old);
	if (amount != NULL)
		add_to(&sum->total, amount);
	if (passed)
		add_to(&sum->gate_total, amount);
	if (old_one)
		add_to(&sum->old_total, amount);
	MemoryContextReset(scan->row_context);
	return true;
}

void
paysafe_refund_sum(List *tables, RefundSum *sum)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	SumScan		scan = {.sum = sum};
	bool		observed = !sum->relied_on && paysafe_refund_only_observed(tables);
	ListCell   *lc;
	ListCell   *lc2;

	sum->rows = 0;
	sum->total = paysafe_money_zero();
	sum->gate_total = paysafe_money_zero();
	sum->old_total = paysafe_money_zero();
	scan.row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe refund sum",
											 ALLOCSET_SMALL_SIZES);
	foreach(lc, tables)
	{
		RefundTable *table = lfirst(lc);

		scan.lives = NULL;
		scan.currency = table->currency;
		foreach(lc2, paysafe_catalog_leaves(table->root))
		{
			Relation	leaf = table_open(lfirst_oid(lc2), AccessShareLock);
			const RelationRules *rules;
			KeySearch	search;

			if (observed && find_refund_rule(leaf, table->root, table->rule, &rules) == NULL)
			{
				table_close(leaf, NoLock);
				continue;		/* it does not fit any more, which stops nobody */
			}
			scan.state = paysafe_refund_rule_of(leaf, table->root, table->rule, &rules)->compiled;
			scan.key = &rules->key;
			if ((sum->gate || sum->old) && scan.lives == NULL)
				scan.lives = paysafe_refund_lives(scan.state, table->key_text);
			paysafe_row_key_search(leaf, table->key.n, scan.state->refund.payment.key.attnums,
								   table->key.types, &search);
			paysafe_row_key_search_scan(leaf, &search, table->key.values, snapshot, add_refund, &scan);
			table_close(leaf, NoLock);
		}
		if (sum->gate && scan.lives != NULL)
			add_to(&sum->gate_total, paysafe_refund_lives_ended(scan.lives, sum, table->currency));
	}
	MemoryContextDelete(scan.row_context);
	UnregisterSnapshot(snapshot);
}

typedef struct CountedScan
{
	const RefundSide *side;		/* of the leaf being read */
	Oid			except_leaf;
	TupleTableSlot *except;
	char	   *currency;
} CountedScan;

static bool
note_currency(Relation rel, TupleTableSlot *row, void *arg)
{
	CountedScan *scan = arg;

	if (!paysafe_row_filter_has(&scan->side->rows, row, NULL) ||
		paysafe_status_value_find(&scan->side->voided, row) >= 0 ||
		(RelationGetRelid(rel) == scan->except_leaf && paysafe_row_key_same_row(rel, row, scan->except)))
		return true;
	scan->currency = paysafe_refund_currency(scan->side, row, NULL);
	return scan->currency == NULL;
}

char *
paysafe_refund_counted_currency(List *tables, Oid except_leaf, TupleTableSlot *except)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	CountedScan scan = {.except_leaf = except_leaf, .except = except};
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, tables)
	{
		RefundTable *table = lfirst(lc);

		if (table->observed)
			continue;
		foreach(lc2, paysafe_catalog_leaves(table->root))
		{
			Relation	leaf = table_open(lfirst_oid(lc2), AccessShareLock);
			const RelationRules *rules;
			const RefundState *state = paysafe_refund_rule_of(leaf, table->root, table->rule, &rules)->compiled;
			KeySearch	search;

			scan.side = &state->refund;
			if (scan.currency == NULL && (scan.side->own_currency || scan.side->constant != NULL))
			{
				paysafe_row_key_search(leaf, table->key.n, scan.side->payment.key.attnums,
									   table->key.types, &search);
				paysafe_row_key_search_scan(leaf, &search, table->key.values, snapshot, note_currency, &scan);
			}
			table_close(leaf, NoLock);
		}
	}
	UnregisterSnapshot(snapshot);
	return scan.currency;
}

char *
paysafe_refund_currency(const RefundSide *side, TupleTableSlot *row, const FoundPayment *payment)
{
	if (side->own_currency)
		return paysafe_status_value_is_null(&side->currency, row) ? NULL :
			paysafe_status_value_text(&side->currency, row);
	return side->constant ? side->constant : payment->currency;
}

bool
paysafe_refund_value(const RefundSide *side, TupleTableSlot *row, Numeric *out)
{
	if (!paysafe_money_value(&side->amount, row, out))
		return false;
	if (side->payout && paysafe_money_sign(*out) < 0)
		*out = paysafe_money_negate(*out);
	return true;
}

Numeric
paysafe_refund_amount(const RefundSide *side, TupleTableSlot *row, const FoundPayment *payment)
{
	Numeric		amount = NULL;

	if (!paysafe_refund_value(side, row, &amount))
		elog(ERROR, "refund amount is missing");
	return paysafe_refund_in_units(side, amount, payment->minor, payment->currency);
}

Numeric
paysafe_refund_in_units(const RefundSide *side, Numeric amount, bool minor, const char *currency)
{
	if (!side->other_units || currency == NULL || paysafe_money_scale(currency) < 0)
		return amount;
	return paysafe_money_in_units(&side->amount, amount, minor, currency);
}

bool
paysafe_refund_is_chargeback(const RefundSide *side, TupleTableSlot *row)
{
	return side->chargeback.n > 0 && paysafe_status_value_find(&side->chargeback, row) >= 0;
}

void
paysafe_refund_check_type(const Rule *rule, const RowChange *change)
{
	const RefundSide *side = &((RefundState *) rule->compiled)->refund;

	if (change->op == 'U' && paysafe_refund_is_chargeback(side, change->after))
		paysafe_rule_object(rule, rule->name, ERRCODE_23R03_FROZEN, side->chargeback.column.name,
							psprintf("column \"%s\" of table \"%s\" cannot change here",
									 side->chargeback.column.name, rule->table_name),
							psprintf("Row \"%s\" would become a chargeback.",
									 paysafe_refusal_value(paysafe_row_key_text(&change->rules->key,
																				RelationGetDescr(change->rel), change->before))),
							"Add the chargeback as a row of its own.");
}
