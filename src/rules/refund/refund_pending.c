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
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "engine/rule.h"
#include "engine/shown.h"
#include "people/approval.h"
#include "people/person.h"
#include "people/tenant.h"
#include "rules/kinds.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_terms.h"
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
	struct StandingSums *sums;
	bool		everything;		/* whoever asks may know of all rows of the table */
} PendingOutput;

static bool
works_for_all(void)
{
	const TenantContext *context = paysafe_tenant_use();

	return context != NULL && context->tenant == NULL;
}

static bool
is_recorded(const RefundSide *side, const char *status)
{
	for (int i = 0; i < side->recorded.n; i++)
		if (strcmp(side->recorded.values[i].text, status) == 0)
			return true;
	return false;
}

/*
 * Can the row go to a gated status from where it is, if it has not passed the gate?
 * One that has been paid out all the same goes to others that record it freely.
 */
static bool
leads_to_gate(const RefundSide *side, TupleTableSlot *row, bool is_fact)
{
	int			from;

	if (paysafe_status_value_find(&side->voided, row) >= 0)
		return false;
	/* nothing gets to what was always gated without passing, and without a machine all stay there */
	if (side->machine == NULL)
		return paysafe_status_value_find(&side->always_gated, row) < 0;
	from = paysafe_machine_find(side->machine,
								paysafe_status_value_is_null(&side->gated.column, row) ? NULL :
								paysafe_status_value_text(&side->gated.column, row));
	for (int i = 0; from >= 0 && i < side->gated.n; i++)
	{
		int			to = paysafe_machine_find(side->machine, side->gated.values[i].text);

		if (is_fact && is_recorded(side, side->gated.values[i].text))
			continue;
		if (to >= 0 && to != from && paysafe_machine_allows(side->machine, from, to))
			return true;
	}
	return false;
}

/* What waits, as a row of the result. */
typedef struct Pending
{
	const char *key;			/* NULL: its row is not there yet */
	const ApprovalMoney *money;
	const char *status;
	const GateTerms *terms;
	int			given;
	const Person *person;		/* who requested it, or NULL */
	List	   *writers;		/* of Person: who has changed it since */
	TimestampTz at;				/* 0: before the rule, or not yet */
	List	   *escalations;	/* of GroupEscalation */
	const char *rejected_by;	/* or NULL */
	bool		total_hidden;	/* from who asks: of other tenants' rows, too */
} Pending;

static void
put_level(Datum *values, bool *nulls, int column, IdentityLevel level)
{
	nulls[column] = level == IDENTITY_NONE;
	values[column] = CStringGetTextDatum(paysafe_identity_name(level));
}

/* From when on somebody else may, and who by then. */
static void
put_escalations(List *escalations, Datum *values, bool *nulls)
{
	TimestampTz first = 0;
	List	   *groups = NIL;
	ListCell   *lc;

	foreach(lc, escalations)
	{
		const GroupEscalation *escalation = lfirst(lc);

		first = first == 0 ? escalation->from : Min(first, escalation->from);
		groups = lappend(groups, (char *) escalation->to);
	}
	nulls[21] = nulls[22] = escalations == NIL;
	values[21] = TimestampTzGetDatum(first);
	values[22] = PointerGetDatum(paysafe_strings_array(groups));
}

static void
put_pending(const RefundState *state, const Pending *pending, PendingOutput *out)
{
	const Person *person = pending->person;
	const GateTerms *terms = pending->terms;
	Datum		values[23] = {0};
	bool		nulls[23] = {0};

	values[0] = ObjectIdGetDatum(state->refund_root);
	nulls[1] = pending->key == NULL;
	if (pending->key != NULL)
		values[1] = CStringGetTextDatum(pending->key);
	values[2] = CStringGetTextDatum(pending->money->payment);
	values[3] = NumericGetDatum(pending->money->amount);
	values[4] = CStringGetTextDatum(pending->money->currency);
	nulls[5] = pending->status == NULL;
	if (pending->status != NULL)
		values[5] = CStringGetTextDatum(pending->status);
	nulls[6] = pending->total_hidden;
	values[6] = NumericGetDatum(terms->total);
	nulls[7] = terms->band == NULL;
	if (terms->band != NULL)
		values[7] = NumericGetDatum(terms->band->amount);
	values[8] = Int32GetDatum(terms->approvers);
	values[9] = Int32GetDatum(pending->given);
	nulls[10] = person == NULL;
	if (person != NULL)
		values[10] = CStringGetTextDatum(person->actor ? person->actor : person->session_user_name);
	nulls[11] = pending->at == 0;
	values[11] = TimestampTzGetDatum(pending->at);
	values[12] = CStringGetTextDatum(state->rule);
	nulls[13] = terms->band == NULL || terms->band->name[0] == '\0';
	if (!nulls[13])
		values[13] = CStringGetTextDatum(terms->band->name);
	put_level(values, nulls, 14, terms->identity);
	nulls[15] = terms->groups == NIL;
	values[15] = PointerGetDatum(paysafe_strings_array(terms->groups));
	put_level(values, nulls, 16, terms->requester);
	nulls[17] = pending->rejected_by == NULL;
	if (pending->rejected_by != NULL)
		values[17] = CStringGetTextDatum(pending->rejected_by);
	nulls[18] = pending->writers == NIL;
	values[18] = PointerGetDatum(paysafe_strings_array(paysafe_refund_person_names(pending->writers)));
	nulls[19] = terms->band == NULL;
	if (terms->band != NULL)
		values[19] = CStringGetTextDatum(paysafe_refund_threshold_per_name(terms->band->per));
	nulls[20] = terms->hours == NIL;
	values[20] = PointerGetDatum(paysafe_strings_array(terms->hours));
	put_escalations(pending->escalations, values, nulls);
	tuplestore_putvalues(out->store, out->desc, values, nulls);
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
	StandingRefund standing = {.state = state, .payment = &payment, .sums = out->sums};
	GateTerms	terms;
	ApprovalSubject subject = {0};
	int			given;
	const char *column;
	int			sqlstate;
	KeyValues	payment_key;
	Pending		pending = {0};
	Rejection  *other = NULL;

	if (side->running || !paysafe_row_filter_has(&side->rows, row, NULL) || !leads_to_gate(side, row, false) ||
		paysafe_refund_is_chargeback(side, row) ||
		paysafe_refund_fault(side, row, NULL, &column, &sqlstate) != NULL)
		return;					/* refused wherever it goes */
	(void) paysafe_key_columns_read(&side->payment, row, &payment_key, NULL);
	paysafe_refund_read_payment(state, &payment_key, &payment);
	if (payment.hidden && !paysafe_shown_reads_all(state->payment_root))
		return;
	paysafe_refund_payout_in(state, &payment, paysafe_refund_currency(side, row, &payment));
	if (paysafe_refund_fault(side, row, &payment, &column, &sqlstate) != NULL)
		return;
	life = paysafe_refund_life(state, payment.key, rel, row, false);
	if (!paysafe_refund_is_waiting(life) ||
		(life->stage == REFUND_FACT && !leads_to_gate(side, row, true)))
		return;
	key = paysafe_row_key_text(&rules->key, RelationGetDescr(rel), row);
	currency = paysafe_refund_currency(side, row, &payment);
	standing.life = life;
	standing.amount = paysafe_refund_amount(side, row, &payment);
	paysafe_refund_flow_read(state, currency, row, life->requesters, life, &standing.flow);
	paysafe_refund_terms(side->thresholds, currency, paysafe_refund_standing_total, &standing, &terms);
	paysafe_refund_terms_of_subject(&terms, life, &subject);
	subject.rule = state->rule;
	subject.money = paysafe_refund_row_money(state, &payment, currency, row);
	pending.rejected_by = paysafe_refund_rejected_by(state, &(RefundAsked)
													 {
														 &payment, key, life->requested, subject.requesters, subject.money
													 }, &other);
	paysafe_refund_after_rejection(other, &subject, &terms.approvers);
	if (terms.approvers == 0)
		return;
	paysafe_refund_digest(state, life, payment.key, row, row, subject.digest);
	given = paysafe_approval_count(state->refund_root, key, &subject);
	if (given >= terms.approvers && subject.futile == NULL && pending.rejected_by == NULL)
		return;					/* nothing is missing */

	pending.key = key;
	pending.money = subject.money;
	pending.status = paysafe_status_value_is_null(&side->gated.column, row) ? NULL :
		paysafe_status_value_text(&side->gated.column, row);
	pending.terms = &terms;
	pending.given = given;
	pending.person = life->requesters == NIL ? NULL : llast(life->requesters);
	pending.writers = life->writers;
	pending.at = life->requested;
	pending.escalations = paysafe_refund_escalations(&terms, life);
	/* the refund's table may belong to nobody, and the payments' to tenants */
	pending.total_hidden = paysafe_refund_flow_is_hidden(terms.band, paysafe_refund_owner(rel, row, &payment)) &&
		!works_for_all() &&
		!(paysafe_shown_reads_all(state->refund_root) &&
		  (!OidIsValid(state->payment_root) || paysafe_shown_reads_all(state->payment_root)));
	put_pending(state, &pending, out);
}

/* The payment that was meant, as the rule names payments by now. */
typedef struct PaymentMeant
{
	const RefundState *state;
	const char *text;
	FoundPayment payment;
	int			count;
} PaymentMeant;

static void
find_meant(void *arg)
{
	PaymentMeant *meant = arg;
	KeyValues	key;

	paysafe_refund_payment_argument(meant->state, pstrdup(meant->text), &key);
	meant->count = paysafe_refund_find_payment(meant->state, &key, &meant->payment);
}

/*
 * A refund without a row that was asked for, or has been approved, but not by as many
 * as it takes.
 */
static void
output_in_advance(const RefundState *state, const RefundRequest *request, PendingOutput *out)
{
	const ApprovalMoney *money = &request->money;
	ApprovalSubject subject = {
		.money = paysafe_refund_money(state, money->payment, money->currency, money->amount),
		.rule = state->rule
	};
	PaymentMeant meant = {.state = state, .text = money->payment};
	StandingRefund standing = {.state = state, .payment = &meant.payment, .amount = money->amount, .sums = out->sums};
	GateTerms	terms;
	Pending		pending = {.money = money, .terms = &terms, .at = request->at};
	Rejection  *other = NULL;

	/* a key of an earlier version of the rule may be none now, and hides no other */
	if (paysafe_attempt(find_meant, &meant) != NULL || meant.count != 1)
		return;
	paysafe_refund_payout_in(state, &meant.payment, money->currency);
	if (request->at != 0)
		pending.person = &request->person;
	paysafe_refund_flow_read(state, money->currency, NULL, pending.person ? list_make1((void *) pending.person) : NIL, NULL, &standing.flow);
	paysafe_refund_terms(state->refund.thresholds, money->currency, paysafe_refund_standing_total, &standing, &terms);
	paysafe_refund_terms_of_subject(&terms, NULL, &subject);
	pending.rejected_by = paysafe_refund_rejected_by(state, &(RefundAsked)
													 {
														 &meant.payment, NULL, request->at,
														 paysafe_refund_requesters(state->refund_root, state->rule, money), money
													 }, &other);
	paysafe_refund_after_rejection(other, &subject, &terms.approvers);
	pending.given = paysafe_approval_count(state->refund_root, "", &subject);
	if (pending.given < terms.approvers)
		put_pending(state, &pending, out);
}

static int
compare_requests(const ListCell *a, const ListCell *b)
{
	const RefundRequest *x = lfirst(a);
	const RefundRequest *y = lfirst(b);
	int			result = strcmp(x->money.payment, y->money.payment);

	if (result == 0)
		result = strcmp(x->money.currency, y->money.currency);
	if (result == 0)
		result = paysafe_money_compare(x->money.amount, y->money.amount);
	return result;
}

/* The newest request comes first, and what nobody has asked for last. */
static int
compare_requests_by_time(const ListCell *a, const ListCell *b)
{
	TimestampTz x = ((RefundRequest *) lfirst(a))->at;
	TimestampTz y = ((RefundRequest *) lfirst(b))->at;
	int			result = compare_requests(a, b);

	return result != 0 ? result : x > y ? -1 : x < y;
}

/* Each amount of a payment once. */
static void
output_all_in_advance(Relation leaf, Oid root, const char *rule, PendingOutput *out)
{
	List	   *all = paysafe_refund_requests(root, rule, NULL);
	const RelationRules *rules;
	ListCell   *lc;

	foreach(lc, paysafe_approval_in_advance(root, rule))
	{
		RefundRequest *request = palloc0(sizeof(RefundRequest));

		request->money = *(ApprovalMoney *) lfirst(lc);
		all = lappend(all, request);
	}
	list_sort(all, compare_requests_by_time);
	for (int i = 0; i < list_length(all); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || compare_requests(list_nth_cell(all, i - 1), list_nth_cell(all, i)) != 0)
			output_in_advance(paysafe_refund_rule_of(leaf, root, rule, &rules)->compiled, list_nth(all, i), out);
	}
}

/* A rule of refunds, by the rows of paysafe.rule. */
typedef struct RefundRule
{
	Oid			relid;
	const char *name;
} RefundRule;

static bool
collect_refund_rule(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **found = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	char	   *name = paysafe_store_text(tuple, desc, 1);
	Oid			relid = DatumGetObjectId(heap_getattr(tuple, 1, desc, &isnull));
	RefundRule *rule;
	ListCell   *lc;

	if (paysafe_rule_kind(name) != &paysafe_refund_kind)
		return true;
	foreach(lc, *found)
	{
		rule = lfirst(lc);
		if (rule->relid == relid && strcmp(rule->name, name) == 0)
			return true;
	}
	rule = palloc(sizeof(RefundRule));
	rule->relid = relid;
	rule->name = name;
	*found = lappend(*found, rule);
	return true;
}

/* What waits in a leaf table, by one rule. */
static void
output_leaf(Relation leaf, const RefundRule *rule, MemoryContext row_context, PendingOutput *out)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	TableScanDesc scan = table_beginscan(leaf, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(leaf, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		const RelationRules *rules;
		const RefundState *state;
		MemoryContext old = MemoryContextSwitchTo(row_context);

		CHECK_FOR_INTERRUPTS();
		state = paysafe_refund_rule_of(leaf, rule->relid, rule->name, &rules)->compiled;
		if (out->everything || paysafe_shown_row(leaf, slot))
			output_pending(leaf, state, rules, slot, out);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
}

/* A leaf, and the rule in it. */
typedef struct LeafRule
{
	Relation	leaf;
	const RefundRule *rule;
} LeafRule;

static void
compile_leaf(void *arg)
{
	LeafRule   *one = arg;
	const RelationRules *rules;

	(void) paysafe_refund_rule_of(one->leaf, one->rule->relid, one->rule->name, &rules);
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
	List	   *refund_rules = NIL;
	ListCell   *lc;
	MemoryContext row_context;

	InitMaterializedSRF(fcinfo, 0);
	out.store = rsinfo->setResult;
	out.desc = rsinfo->setDesc;
	row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe pending approvals",
										ALLOCSET_DEFAULT_SIZES);
	out.sums = paysafe_refund_standing_sums();
	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, collect_refund_rule, &refund_rules);
	foreach(lc, refund_rules)
	{
		const RefundRule *rule = lfirst(lc);
		RuleSource	source;
		bool		removed;
		ListCell   *lc2;

		if (get_rel_relkind(rule->relid) == '\0' ||
			pg_class_aclcheck(rule->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
			!paysafe_shown_is_all(rule->relid) ||
			!paysafe_rule_newest(rule->relid, rule->name, &source, &removed) || removed)
			continue;
		out.everything = paysafe_shown_is_everything(rule->relid);
		foreach(lc2, paysafe_catalog_leaves(rule->relid))
		{
			Relation	leaf = table_open(lfirst_oid(lc2), AccessShareLock);
			LeafRule	one = {leaf, rule};

			/* a rule that does not fit its table any more, as check() says, hides no other */
			if (paysafe_attempt(compile_leaf, &one) != NULL)
			{
				table_close(leaf, AccessShareLock);
				continue;
			}
			output_leaf(leaf, rule, row_context, &out);
			/* these have no rows that say whose they are */
			if (foreach_current_index(lc2) == 0 && (out.everything || works_for_all()))
				output_all_in_advance(leaf, rule->relid, rule->name, &out);
			table_close(leaf, AccessShareLock);
		}
	}
	MemoryContextDelete(row_context);
	return (Datum) 0;
}
