/*-------------------------------------------------------------------------
 *
 * refund_hint.c
 *	  What to do about a refund that is refused: only what can be done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"

#include "base/refusal.h"
#include "people/person.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_several.h"
#include "store/catalog.h"
#include "values/machine.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/status_value.h"

static char *
refund_key(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row);
}

/* Nobody can be shown to be another person than who requested it. */
static bool
is_requested_by_nobody(const List *requesters)
{
	ListCell   *lc;

	foreach(lc, requesters)
		if (paysafe_person_is_unknown(lfirst(lc)))
			return true;
	return false;
}

/* Did the statement under way bring it into a gated status, which is yet to be checked? */
static bool
is_moved_early(const RefundState *state, const RowChange *change, const RefundLife *life)
{
	HeapTuple	tuple;
	bool		should_free;
	bool		mine;

	if (life->altered || paysafe_status_value_find(&state->refund.gated, change->before) < 0)
		return false;
	tuple = ExecFetchSlotHeapTuple(change->before, false, &should_free);
	mine = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	if (should_free)
		heap_freetuple(tuple);
	return mine;
}

/*
 * Is there a status, neither gated nor void, that a refund can be added in (before NULL), or can be
 * taken to from the one it has?
 */
static bool
can_wait(const RefundSide *side, TupleTableSlot *before)
{
	const StatusColumn *column = &side->gated.column;
	const Machine *machine = side->machine;
	StatusSet	all;
	int			from;

	if (column->type == STATUS_NONE)
		return false;
	if (column->type == STATUS_BOOLEAN || column->type == STATUS_PRESENCE)
		return side->gated.n + side->voided.n < 2;
	if (machine == NULL)
		return true;
	paysafe_status_value_set(column, paysafe_status_value_machine_values(machine), &all);
	from = before ? paysafe_status_value_find(&all, before) : -1;
	for (int i = 0; i < machine->nstates; i++)
		if ((before ? from >= 0 && paysafe_machine_allows(machine, from, i) : machine->states[i].initial) &&
			!paysafe_status_value_in(&side->gated, &all.values[i]) &&
			!paysafe_status_value_in(&side->voided, &all.values[i]))
			return true;
	return false;
}

char *
paysafe_refund_again_hint(const RefundSide *side)
{
	if (side->voided.n > 0)
		return pstrdup("Void this refund and request another one.");
	if (side->deletable)
		return pstrdup("Delete this refund and request another one.");
	return pstrdup("It counts for good: request another one for what is left.");
}

/* A request that nobody made. */
static char *
nobody_hint(const RefundSide *side, bool is_void)
{
	return psprintf("Nobody was named when it was requested, so nobody can be shown to be another person: %srequest another one after paysafe.act_as in the same transaction.",
					is_void ? "" : side->voided.n > 0 ? "void it, and " : side->deletable ? "delete it, and " :
					"it counts for good, unless \"void\" or \"deletable\" of paysafe.protect_refund lets it go; ");
}

/* Money that is taken back is approved as a row only. */
static char *
taken_back_hint(bool waits, bool anonymous)
{
	if (!waits)
		return pstrdup("What takes money back is approved as a row, and here no row waits: declare the rule with a status_column that has a status to wait in, or set a threshold that has room for it.");
	return psprintf("What takes money back is approved as a row: request it first,%s in a status that needs no approval.",
					anonymous ? " after paysafe.act_as," : "");
}

/* How to approve so much before it is added, or taken back. */
static char *
advance_hint(const RefundState *state, const ApprovalMoney *money)
{
	return psprintf("SELECT paysafe.approve_refund(%s, %s, %s, %s, 'why it is right'%s);",
					quote_literal_cstr(paysafe_catalog_table_name(state->refund_root)),
					quote_literal_cstr(money->payment), paysafe_money_text(money->amount),
					quote_literal_cstr(money->currency), paysafe_refund_several_argument(state->rule));
}

/* Of a refund that is added in a gated status. */
static char *
added_hint(const RefundState *state, const ApprovalMoney *money, bool waits, bool anonymous)
{
	return psprintf("%s%s approves it before its row is there: %s",
					anonymous ? "Nobody is named who requests it: call paysafe.act_as in the transaction that adds it. " : "",
					waits ? psprintf("Request the %s first, in a status that needs no approval; or somebody else",
							 state->payout ? "payout" : "refund") :
					"Somebody else", advance_hint(state, money));
}

/* Of one that goes from a void status to a gated one: who moves it there requests it. */
static char *
void_hint(const RefundState *state, const ApprovalMoney *money, const RefundLife *life, bool waits, bool anonymous)
{
	if (is_requested_by_nobody(life->requesters))
		return nobody_hint(&state->refund, true);
	if (!waits)
		return psprintf("%sSomebody else approves it before it is taken back: %s",
						anonymous ? "Nobody is named who requests it: call paysafe.act_as in the transaction that takes it back. " : "",
						advance_hint(state, money));
	return pstrdup(anonymous ?
				   "Take it back first, to a status that needs no approval, after paysafe.act_as in the same transaction: who takes it back requests it." :
				   "Take it back first, to a status that needs no approval.");
}

char *
paysafe_refund_gate_hint(const RefundState *state, const RowChange *change, const ApprovalMoney *money,
						 const RefundLife *life)
{
	const RefundSide *side = &state->refund;
	bool		anonymous = paysafe_person_is_unknown(paysafe_person_current());
	bool		is_void = change->op != 'I' && paysafe_status_value_find(&side->voided, change->before) >= 0;
	bool		waits = (change->op == 'I' || is_void) && can_wait(side, is_void ? change->before : NULL);
	const char *column;
	Numeric		stored;
	char	   *how = psprintf("SELECT paysafe.approve(%s, %s, 'why it is right');",
							   quote_literal_cstr(paysafe_catalog_table_name(state->refund_root)),
							   quote_literal_cstr(refund_key(change, change->after)));

	if ((change->op == 'I' || (is_void && !waits)) && state->payout &&
		paysafe_money_value(&side->amount, change->after, &stored) && paysafe_money_sign(stored) < 0)
		return taken_back_hint(waits, anonymous);
	if (change->op == 'I')
		return added_hint(state, money, waits, anonymous);
	if (is_void)
		return void_hint(state, money, life, waits, anonymous);
	if (is_moved_early(state, change, life))
		return psprintf("A trigger moves it on before its move to status \"%s\" has been checked: give the trigger a name after \"paysafe\".",
						paysafe_refusal_value(paysafe_status_value_text(&side->gated.column, change->before)));
	if (is_requested_by_nobody(life->requesters))
		return nobody_hint(side, false);
	if (is_requested_by_nobody(life->writers))
		return psprintf("Nobody was named when it was changed, so nobody can be shown to be another person: paysafe.act_as first. %s",
						paysafe_refund_again_hint(side));
	if (life->requesters == NIL && anonymous)
		return psprintf("Nobody knows who requested it: call paysafe.act_as in the transaction that moves it. Somebody else has to approve it: %s",
						how);
	column = paysafe_refund_changed_column(side, change, false);
	if (column != NULL)
		return psprintf("Change column \"%s\" first, and have the refund approved as it is then; or name the column in unapproved_columns of paysafe.protect_refund.",
						column);
	return psprintf("%sSomebody else has to approve it: %s",
					life->altered ? "Columns of the table were changed since it was approved, and it says something else now. " : "",
					how);
}
