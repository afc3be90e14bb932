/*-------------------------------------------------------------------------
 *
 * refund_pending.c
 *	  Refunds that wait for approval.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "engine/rule.h"
#include "people/approval.h"
#include "people/person.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_threshold.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/machine.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/status_value.h"

typedef struct PendingOutput
{
	Tuplestorestate *store;
	TupleDesc	desc;
} PendingOutput;

/* Can the row go to a gated status from where it is? */
static bool
awaits_gate(const RefundState *state, List *events, const char *key, TupleTableSlot *row)
{
	const RefundSide *side = &state->refund;

	if (paysafe_status_value_find(&side->voided, row) >= 0 || paysafe_status_value_find(&side->gated, row) >= 0)
		return false;
	if (side->machine != NULL)
	{
		int			from = paysafe_machine_find(side->machine,
												paysafe_status_value_text(&side->gated.column, row));

		for (int i = 0; from >= 0 && i < side->gated.n; i++)
		{
			int			to = paysafe_machine_find(side->machine, side->gated.values[i].text);

			if (to >= 0 && paysafe_machine_allows(side->machine, from, to))
				return true;
		}
		return false;
	}
	return paysafe_refund_gate_passed(state, side, events, key, row) == 0;
}

static void
output_pending(Relation rel, const RefundState *state, const RelationRules *rules,
			   TupleTableSlot *row, PendingOutput *out)
{
	const RefundSide *side = &state->refund;
	char	   *key = paysafe_row_key_text(&rules->key, RelationGetDescr(rel), row);
	Datum		payment;
	char	   *payment_key;
	char	   *currency;
	List	   *events;
	Threshold  *threshold;
	RefundSum	sum = {.except_leaf = rel, .except = row};
	ApprovalSubject subject = {0};
	Numeric		total;
	int			needed;
	const char *column;
	int			sqlstate;
	bool		isnull;
	Datum		values[12];
	bool		nulls[12] = {0};

	if (paysafe_refund_fault(side, row, &column, &sqlstate) != NULL)
		return;					/* refused wherever it goes */
	payment = slot_getattr(row, side->payment_attnum, &isnull);
	payment_key = paysafe_refund_payment_key(state, payment, side->payment_type);
	events = paysafe_refund_events(state, payment_key);
	if (!awaits_gate(state, events, key, row))
		return;
	currency = paysafe_status_value_text(&side->currency, row);
	threshold = paysafe_refund_threshold_find(side->thresholds, currency);
	sum.events = events;
	sum.gate_from = GetCurrentTimestamp() - (threshold ? threshold->within : 0);
	paysafe_refund_sum(state, rules, payment, side->payment_type, &sum);
	total = paysafe_money_add(sum.gate_total, paysafe_refund_amount(side, row));
	needed = paysafe_refund_threshold_approvals(threshold, total);
	if (needed == 0)
		return;
	subject.requesters = paysafe_refund_requesters(events, key);
	subject.valid_for = threshold ? threshold->valid_for : PAYSAFE_DEFAULT_VALID_FOR;
	paysafe_refund_digest(side, payment_key, key, row, events, subject.digest);

	values[0] = ObjectIdGetDatum(state->refund_root);
	values[1] = CStringGetTextDatum(key);
	values[2] = CStringGetTextDatum(payment_key);
	values[3] = NumericGetDatum(paysafe_refund_amount(side, row));
	values[4] = CStringGetTextDatum(currency);
	values[5] = CStringGetTextDatum(paysafe_status_value_text(&side->gated.column, row));
	values[6] = NumericGetDatum(total);
	nulls[7] = threshold == NULL;
	values[7] = threshold ? NumericGetDatum(threshold->amount) : (Datum) 0;
	values[8] = Int32GetDatum(needed);
	values[9] = Int32GetDatum(paysafe_approval_count(state->refund_root, key, &subject));
	nulls[10] = subject.requesters == NIL;
	if (!nulls[10])
	{
		Person	   *person = llast(subject.requesters);

		values[10] = CStringGetTextDatum(person->actor ? person->actor : person->session_user_name);
	}
	nulls[11] = true;
	for (int i = 0; i < list_length(events); i++)
	{
		RefundEvent *event = list_nth(events, i);

		if (strcmp(event->kind, REFUND_REQUESTED) == 0 && strcmp(event->refund, key) == 0)
		{
			nulls[11] = false;
			values[11] = TimestampTzGetDatum(event->at);
		}
	}
	tuplestore_putvalues(out->store, out->desc, values, nulls);
}

static bool
collect_refund_table(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **relids = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	if (strcmp(paysafe_store_text(tuple, desc, 1), "refund") == 0)
		*relids = list_append_unique_oid(*relids,
										 DatumGetObjectId(heap_getattr(tuple, 1, desc, &isnull)));
	return true;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_pending_approvals);

/*
 * pending_approvals() returns setof record: see paysafe.pending_approval
 */
Datum
paysafe_pending_approvals(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PendingOutput out;
	List	   *relids = NIL;
	ListCell   *lc;
	MemoryContext row_context;

	InitMaterializedSRF(fcinfo, 0);
	out.store = rsinfo->setResult;
	out.desc = rsinfo->setDesc;
	row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe pending approvals",
										ALLOCSET_DEFAULT_SIZES);
	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, collect_refund_table, &relids);
	foreach(lc, relids)
	{
		RuleSource	rule;
		bool		removed;
		ListCell   *lc2;

		if (get_rel_relkind(lfirst_oid(lc)) == '\0' ||
			pg_class_aclcheck(lfirst_oid(lc), GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
			check_enable_rls(lfirst_oid(lc), InvalidOid, true) == RLS_ENABLED ||
			!paysafe_rule_newest(lfirst_oid(lc), "refund", &rule, &removed) || removed)
			continue;
		foreach(lc2, paysafe_catalog_leaves(lfirst_oid(lc)))
		{
			Relation	leaf = table_open(lfirst_oid(lc2), AccessShareLock);
			Snapshot	snapshot = paysafe_scan_snapshot();
			TableScanDesc scan = table_beginscan(leaf, snapshot, 0, NULL);
			TupleTableSlot *slot = table_slot_create(leaf, NULL);

			while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			{
				const RelationRules *rules;
				const RefundState *state;
				MemoryContext old = MemoryContextSwitchTo(row_context);

				CHECK_FOR_INTERRUPTS();
				state = paysafe_refund_rule_of(leaf, lfirst_oid(lc), &rules)->compiled;
				if (paysafe_status_value_find(&state->refund.gated, slot) < 0 &&
					paysafe_status_value_find(&state->refund.voided, slot) < 0)
					output_pending(leaf, state, rules, slot, &out);
				MemoryContextSwitchTo(old);
				MemoryContextReset(row_context);
			}
			ExecDropSingleTupleTableSlot(slot);
			table_endscan(scan);
			UnregisterSnapshot(snapshot);
			table_close(leaf, AccessShareLock);
		}
	}
	MemoryContextDelete(row_context);
	return (Datum) 0;
}
