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
#include "common/hashfn.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
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

/* What passed the gate of a payment's refunds, for one period. */
typedef struct PaymentSum
{
	char	   *payment;		/* hash key: identity and period */
	TimestampTz gate_from;
	Numeric		passed;
} PaymentSum;

typedef struct PendingOutput
{
	Tuplestorestate *store;
	TupleDesc	desc;
	HTAB	   *sums;			/* of PaymentSum */
	MemoryContext context;		/* for these */
} PendingOutput;

static uint32
hash_payment(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_payment(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Can the row go to a gated status from where it is, if it has not passed the gate? */
static bool
leads_to_gate(const RefundSide *side, TupleTableSlot *row)
{
	bool		isnull;
	int			from;

	if (paysafe_status_value_find(&side->voided, row) >= 0)
		return false;
	/* nothing gets to what was always gated without passing, and without a machine all stay there */
	if (side->machine == NULL)
		return paysafe_status_value_find(&side->always_gated, row) < 0;
	(void) slot_getattr(row, side->gated.column.attnum, &isnull);
	from = paysafe_machine_find(side->machine, isnull ? NULL :
								paysafe_status_value_text(&side->gated.column, row));
	for (int i = 0; from >= 0 && i < side->gated.n; i++)
	{
		int			to = paysafe_machine_find(side->machine, side->gated.values[i].text);

		if (to >= 0 && to != from && paysafe_machine_allows(side->machine, from, to))
			return true;
	}
	return false;
}

/*
 * What would have passed the gate within the period, with this refund.  Refunds of
 * one payment are added up once, not for each that waits.
 */
static Numeric
total_within(const RefundState *state, const FoundPayment *payment, const RefundLife *life,
			 int64 within, Numeric amount, PendingOutput *out)
{
	char	   *key = psprintf("%s " INT64_FORMAT, payment->identity ? payment->identity : "", within);
	PaymentSum *sum = hash_search(out->sums, &key, HASH_FIND, NULL);
	bool		found;

	if (sum == NULL)
	{
		RefundSum	refunds = {.gate = true, .gate_from = GetCurrentTimestamp() - within};
		MemoryContext old;

		paysafe_refund_sum(payment->tables, &refunds);
		old = MemoryContextSwitchTo(out->context);
		key = pstrdup(key);
		sum = hash_search(out->sums, &key, HASH_ENTER, &found);
		sum->gate_from = refunds.gate_from;
		sum->passed = DatumGetNumericCopy(NumericGetDatum(refunds.gate_total));
		MemoryContextSwitchTo(old);
	}
	/* one that went back before the gate is in the sum already */
	if (life->passed != 0 && life->passed > sum->gate_from)
		return sum->passed;
	return paysafe_money_add(sum->passed, amount);
}

static void
output_pending(Relation rel, const RefundState *state, const RelationRules *rules,
			   TupleTableSlot *row, PendingOutput *out)
{
	const RefundSide *side = &state->refund;
	char	   *key;
	FoundPayment payment;
	char	   *currency;
	RefundLife *life;
	Threshold  *threshold;
	ApprovalSubject subject = {0};
	Numeric		total;
	int			needed;
	int			given;
	const char *column;
	int			sqlstate;
	bool		isnull;
	Datum		values[12];
	bool		nulls[12] = {0};

	if (!leads_to_gate(side, row) || paysafe_refund_fault(side, row, &column, &sqlstate) != NULL)
		return;					/* refused wherever it goes */
	paysafe_refund_find_payment(state, slot_getattr(row, side->payment_attnum, &isnull),
								side->payment_type, &payment);
	life = paysafe_refund_life(state, payment.key, rel, row, false);
	if (life->stage != REFUND_WAITING)
		return;
	key = paysafe_row_key_text(&rules->key, RelationGetDescr(rel), row);
	currency = paysafe_status_value_text(&side->currency, row);
	threshold = paysafe_refund_threshold_find(side->thresholds, currency);
	total = total_within(state, &payment, life, threshold ? threshold->within : 0,
						 paysafe_refund_amount(side, row), out);
	needed = paysafe_refund_threshold_approvals(threshold, total);
	if (needed == 0)
		return;
	subject.requesters = life->requesters;
	subject.valid_for = threshold ? threshold->valid_for : PAYSAFE_DEFAULT_VALID_FOR;
	paysafe_refund_digest(state, life, payment.key, row, row, subject.digest);
	given = paysafe_approval_count(state->refund_root, key, &subject);
	if (given >= needed)
		return;					/* nothing is missing */

	values[0] = ObjectIdGetDatum(state->refund_root);
	values[1] = CStringGetTextDatum(key);
	values[2] = CStringGetTextDatum(payment.key);
	values[3] = NumericGetDatum(paysafe_refund_amount(side, row));
	values[4] = CStringGetTextDatum(currency);
	(void) slot_getattr(row, side->gated.column.attnum, &nulls[5]);
	values[5] = CStringGetTextDatum(paysafe_status_value_text(&side->gated.column, row));
	values[6] = NumericGetDatum(total);
	nulls[7] = threshold == NULL;
	values[7] = threshold ? NumericGetDatum(threshold->amount) : (Datum) 0;
	values[8] = Int32GetDatum(needed);
	values[9] = Int32GetDatum(given);
	nulls[10] = subject.requesters == NIL;
	if (!nulls[10])
	{
		Person	   *person = llast(subject.requesters);

		values[10] = CStringGetTextDatum(person->actor ? person->actor : person->session_user_name);
	}
	nulls[11] = life->requested == 0;
	values[11] = TimestampTzGetDatum(life->requested);
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
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(PaymentSum),
		.hash = hash_payment, .match = match_payment
	};

	InitMaterializedSRF(fcinfo, 0);
	out.store = rsinfo->setResult;
	out.desc = rsinfo->setDesc;
	row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe pending approvals",
										ALLOCSET_DEFAULT_SIZES);
	out.context = CurrentMemoryContext;
	ctl.hcxt = out.context;
	out.sums = hash_create("paysafe pending approvals", 256, &ctl,
						   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
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
