/*-------------------------------------------------------------------------
 *
 * captures_payment.c
 *	  The payment's side of captures: what of it stays while there are captures.
 *
 *	  - its key, and what says the currency of its captures, stay;
 *	  - what limits them does not fall below them, and rises, once something is
 *		captured, only where a payment rule says so;
 *	  - it is not deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "errors.h"
#include "rules/refund/captures.h"
#include "values/row_twin.h"
#include "values/spec.h"

static char *
key_words(const RowKey *key, const RowChange *change, TupleTableSlot *row)
{
	return paysafe_refusal_value(paysafe_row_key_text(key, RelationGetDescr(change->rel), row));
}

/* Captures would not know whose they are. */
static void
check_twin(const Rule *rule, const RowChange *change)
{
	const CaptureState *state = rule->compiled;
	const RowKey *key = &state->payment.key.key;

	if (!paysafe_row_twin_exists(state->payment_root, change->rel, change->after, key, rule->observed))
		return;
	paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, linitial(state->payment_key),
						psprintf("table \"%s\" has a payment \"%s\" already", rule->table_name,
								 key_words(key, change, change->after)),
						psprintf("Key (%s)=(%s) already exists, perhaps in another partition or child.",
								 paysafe_strings_join(state->payment_key), key_words(key, change, change->after)),
						"Captures name their payment by this key alone: give the new one another.");
}

/* Why the change is refused, as far as this sum of its captures knows. */
typedef struct Objection
{
	int			sqlstate;		/* 0: it is not */
	const char *column;
	const char *message;		/* with the column and the table */
	char	   *detail;
	const char *hint;
} Objection;

/* The limit becomes another one while something is captured. */
static void
judge_limit(const CaptureState *state, const RowChange *change, const CaptureSum *sum, Objection *out)
{
	const CapturedSide *side = &state->payment;
	CapturedPayment payment = {.limit = NULL};
	Numeric		before;
	char	   *excess;

	if (!paysafe_money_value(&side->limit, change->before, &before))
		before = paysafe_money_zero();
	if (!paysafe_money_value(&side->limit, change->after, &payment.limit))
		payment.limit = paysafe_money_zero();
	if (!side->guarded && paysafe_money_compare(payment.limit, before) > 0)
		*out = (Objection)
	{
		ERRCODE_23R03_FROZEN, side->limit.name, "column \"%s\" of table \"%s\" cannot rise any more",
			psprintf("%s is captured", paysafe_refusal_value(paysafe_money_text(sum->captured))),
			"Where more may be authorized later, \"adjustable\" of paysafe.protect_payment says when."
	};
	/* what was captured beyond it is on record */
	if (paysafe_money_compare(payment.limit, before) >= 0 ||
		(excess = paysafe_captures_excess(state, &payment, sum)) == NULL)
		return;
	*out = (Objection)
	{
		ERRCODE_23R05_CAPTURE, side->limit.name, "column \"%s\" of table \"%s\" cannot fall below what is captured",
			excess, "Leave it at what is captured."
	};
}

static void
judge(const CaptureState *state, const RowChange *change, const char *column, const CaptureSum *sum,
	  Objection *out)
{
	*out = (Objection) {0};
	if (sum->rows == 0)
		return;
	if (change->op == 'D')
		*out = (Objection)
	{
		ERRCODE_23R07_MONEY_DELETE, NULL, NULL,
			psprintf("%d rows count, which capture %s", sum->rows, paysafe_refusal_value(paysafe_money_text(sum->captured))),
			"Refund it instead."
	};
	else if (column != NULL)
		*out = (Objection)
	{
		ERRCODE_23R03_FROZEN, column, "column \"%s\" of table \"%s\" cannot change any more",
			pstrdup("it has captures"), "Add a new payment instead."
	};
	else if (paysafe_money_sign(sum->captured) != 0)
		judge_limit(state, change, sum, out);
}

/* Nothing changes that captures depend on. */
static bool
is_unaffected(const CapturedSide *side, const RowChange *change, const char **column)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	AttrNumber	moved = paysafe_key_columns_changed(&side->key, desc, change->before, change->after);

	*column = NULL;
	if (moved != InvalidAttrNumber)
		*column = NameStr(TupleDescAttr(desc, moved - 1)->attname);
	else if (side->has_currency &&
			 !paysafe_currency_same(&side->currency, desc, change->before, change->after))
		*column = side->currency.name;
	return *column == NULL &&
		(side->limit.attnum == 0 || paysafe_money_same(&side->limit, change->before, change->after));
}

void
paysafe_captures_check_payment(const Rule *rule, const RowChange *change)
{
	const CaptureState *state = rule->compiled;
	const CapturedSide *side = &state->payment;
	const char *column = NULL;
	bool		unaffected = change->op == 'U' && is_unaffected(side, change, &column);
	List	   *tables;
	CaptureSum	sum;
	Objection	objection;
	char	   *key;

	if (side->is_parent)
		paysafe_currency_check_parent(rule, &side->parent, change);
	if (side->twins && (change->op == 'I' ||
						(change->op == 'U' && paysafe_row_key_changed(&side->key.key, RelationGetDescr(change->rel),
																	  change->before, change->after))))
		check_twin(rule, change);
	if (change->op == 'I' || unaffected)
		return;
	tables = paysafe_captures_tables(change->rules, change->before, state->observed);
	if (tables == NIL)
		return;					/* nothing can refer to it by NULL */
	/* what is kept may be out of step with rows of this very statement */
	for (int fresh = 0; fresh <= 1; fresh++)
	{
		paysafe_captures_total(tables, NULL, NULL, fresh, &sum);
		judge(state, change, column, &sum, &objection);
		if (objection.sqlstate == 0)
			return;
	}
	key = key_words(&side->key.key, change, change->before);
	paysafe_rule_refuse(rule, objection.sqlstate, objection.column,
						objection.message == NULL ?
						psprintf("payment \"%s\" in table \"%s\" has captures and cannot be deleted", key, rule->table_name) :
						psprintf(objection.message, objection.column, rule->table_name),
						psprintf("Payment \"%s\": %s.", key, objection.detail), objection.hint);
}
