/*-------------------------------------------------------------------------
 *
 * refund_compile.c
 *	  The refund rule for a leaf table, of refunds or of payments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/rel.h"

#include "engine/rule.h"
#include "engine/rule_history.h"
#include "engine/status_machine.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_kept.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_source.h"
#include "rules/refund/refund_threshold.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/row_twin.h"
#include "values/spec.h"

static bool
equal_names(List *a, List *b)
{
	if (list_length(a) != list_length(b))
		return false;
	for (int i = 0; i < list_length(a); i++)
		if (strcmp(list_nth(a, i), list_nth(b, i)) != 0)
			return false;
	return true;
}

/* Statuses that have been gated in every version of this declaration. */
static List *
always_gated(List *history, const char *status_column, List *path, List *gated)
{
	ListCell   *lc;

	foreach(lc, history)
	{
		const Jsonb *then = ((RuleSource *) lfirst(lc))->spec;

		const char *column = paysafe_spec_optional_text(then, "status_column");

		if ((status_column == NULL ? column != NULL : column == NULL || strcmp(column, status_column) != 0) ||
			!equal_names(path, paysafe_spec_optional_columns(then, "status_path")))
			return NIL;
		gated = paysafe_strings_minus(gated, paysafe_strings_minus(gated, paysafe_spec_set(then, "gated")));
	}
	return gated;
}

/*
 * In one table with its payments, a refund has its currency in the same place, in
 * columns of its own: they must not say another one.
 */
static void
compile_place(RefundSide *side, const CompileInput *input)
{
	const RuleSource *payment = paysafe_refund_source_payment(input->sources, RelationGetRelid(input->leaf));
	char	   *column = paysafe_spec_optional_text(input->source->spec, "payment_currency_column");

	if (!list_member_oid(paysafe_catalog_ancestors(RelationGetRelid(input->leaf)), input->source->reference) ||
		(column == NULL && payment == NULL))
		return;
	side->shares_place = true;
	if (column != NULL)
		paysafe_currency_column(input->leaf, column, &side->place);
	else
		paysafe_currency_compile(input->leaf, payment, &side->place);
}

static void
compile_refund_side(RefundState *state, const CompileInput *input, List *history)
{
	const Jsonb *spec = input->source->spec;
	RefundSide *side = &state->refund;
	Relation	leaf = input->leaf;
	char	   *status_column = paysafe_spec_optional_text(spec, "status_column");
	char	   *currency_column = paysafe_spec_optional_text(spec, "currency_column");
	List	   *gated = paysafe_spec_set(spec, "gated");
	List	   *voided = paysafe_spec_set(spec, "void");
	List	   *recorded = paysafe_spec_set(spec, "recorded");
	List	   *path = paysafe_spec_optional_columns(spec, "status_path");
	char	   *type_column = paysafe_spec_optional_text(spec, "type_column");
	char	   *amounts = paysafe_spec_optional_text(spec, "amounts");
	bool		running = amounts != NULL && strcmp(amounts, REFUND_RUNNING) == 0;
	StatusColumn status;
	StatusColumn type;

	paysafe_key_columns_find(leaf, paysafe_spec_columns(spec, "payment_column"), &side->payment);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &side->amount);
	paysafe_money_declared(&side->amount, paysafe_spec_optional_text(spec, "units"),
						   running ? NULL : amounts);
	paysafe_money_decimals(&side->amount, paysafe_spec_optional_text(spec, "decimals"));
	if (paysafe_spec_optional_text(spec, "beneficiary_column") != NULL)
		paysafe_key_columns_find(leaf, list_make1(paysafe_spec_text(spec, "beneficiary_column")), &side->beneficiary);
	side->other_units = paysafe_spec_optional_text(spec, "units") != NULL;
	side->payout = state->payout;
	side->constant = paysafe_spec_optional_text(spec, "currency");
	side->own_currency = currency_column != NULL;
	if (side->own_currency)
		paysafe_status_value_column(leaf, currency_column, &side->currency);
	else if (side->constant == NULL && !running)
		compile_place(side, input);
	if (running)
		paysafe_refund_running_compile(side, input);
	else if (state->payout)
		paysafe_refund_source_check_tenant(input, state->payment_key, true);
	paysafe_row_filter_compile(leaf, spec, &side->rows);
	paysafe_refund_several_check(input, &side->rows);
	paysafe_status_value_spec_column(leaf, spec, &status);
	paysafe_status_machine_check_names(input->sources, status_column, gated, "gated");
	paysafe_status_machine_check_names(input->sources, status_column, voided, "void");
	paysafe_status_value_set(&status, gated, &side->gated);
	paysafe_status_value_set(&status, voided, &side->voided);
	paysafe_status_value_set(&status, recorded, &side->recorded);
	side->deletable = paysafe_spec_bool(spec, "deletable");
	if (type_column != NULL)
	{
		paysafe_status_value_column(leaf, type_column, &type);
		paysafe_status_value_set(&type, paysafe_spec_set(spec, "chargeback"), &side->chargeback);
	}
	paysafe_status_value_set(&status, always_gated(history, status_column, path, gated), &side->always_gated);
	paysafe_refund_compile_approved(side, input);
	side->thresholds = paysafe_refund_threshold_read(input->source->relation, input->source->name);
	side->machine = paysafe_status_machine_of(input->sources, status_column);
	paysafe_row_key_require(leaf, "Without one, an approval cannot name a refund.");
	paysafe_row_key_whole(leaf, &side->whole);
}

void *
paysafe_refund_compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	RefundState *state = palloc0(sizeof(RefundState));

	paysafe_refund_total_forget();
	state->is_payment = input->as_reference;
	state->leaf = RelationGetRelid(input->leaf);
	state->refund_root = input->source->relation;
	state->rule = input->source->name;
	state->payment_root = input->source->reference;
	state->payout = paysafe_spec_bool(spec, "payout");
	state->payment_key = paysafe_spec_optional_columns(spec, state->payout ? "payment_column" : "payment_key_column");
	state->payment_amount = paysafe_spec_optional_text(spec, "payment_amount_column");
	state->payment_currency = paysafe_spec_optional_text(spec, "payment_currency_column");
	state->since = input->source->since;
	state->changed = input->source->changed;
	state->observed = input->source->observed;
	if (state->is_payment)
	{
		paysafe_refund_compile_payment(&state->payment, input->leaf, state, input->sources);
		/* all sums count as the payments do */
		paysafe_money_decimals(&state->payment.captured.amount, paysafe_spec_optional_text(spec, "decimals"));
		if (list_member_oid(paysafe_catalog_ancestors(state->leaf), state->refund_root))
			paysafe_refund_shared_compile(&state->payment, input->leaf, spec,
										  paysafe_refund_source_payment(input->sources, state->leaf));
		state->payment.twins = !paysafe_row_twin_is_excluded(state->payment_root, input->leaf,
															 &state->payment.key.key);
	}
	else
	{
		List	   *history = paysafe_rule_history(input->source);

		state->declaration = ((RuleSource *) linitial(history))->version;
		compile_refund_side(state, input, history);
		state->kept_stamp = paysafe_refund_kept_stamp(state, input);
		state->indexed = input->source->unvalidated &&
			paysafe_key_columns_unindexed(state->leaf, paysafe_spec_columns(spec, "payment_column")) == NULL;
	}
	return state;
}
