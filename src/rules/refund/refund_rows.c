/*-------------------------------------------------------------------------
 *
 * refund_rows.c
 *	  Payments and refunds as rows: locking, adding up, remembering.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "people/actor.h"
#include "rules/kinds.h"
#include "rules/refund/refund.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"

/* Columns of paysafe.refund_event. */
enum
{
	EVENT_RELATION, EVENT_PAYMENT, EVENT_REFUND, EVENT_KIND, EVENT_AMOUNT,
	EVENT_CURRENCY, EVENT_ACTOR, EVENT_LOGIN, EVENT_SESSION_USER,
	EVENT_APPROVALS, EVENT_AT,
	EVENT_NCOLUMNS
};

void
paysafe_refund_compile_payment(PaymentSide *side, Relation leaf, const RefundState *state)
{
	side->key_attnum = paysafe_catalog_column(leaf, state->payment_key);
	paysafe_money_column(leaf, state->payment_amount, &side->captured);
	paysafe_status_value_column(leaf, state->payment_currency, &side->currency);
}

typedef struct FoundRow
{
	const RefundState *state;
	int			count;
	Oid			relid;
	ItemPointerData tid;
	char	   *key;
} FoundRow;

static bool
remember_row(Relation rel, TupleTableSlot *row, void *arg)
{
	FoundRow   *found = arg;

	AttrNumber	attnum = paysafe_catalog_column(rel, found->state->payment_key);
	bool		isnull;
	Datum		key = slot_getattr(row, attnum, &isnull);

	found->count++;
	found->key = paysafe_row_key_value_text(getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid),
									key);
	found->relid = RelationGetRelid(rel);
	found->tid = row->tts_tid;
	return found->count < 2;
}

/* Find the payment; its rows' count (0, 1, 2 for more) in *found. */
static void
find_payment(const RefundState *state, Datum key, Oid keytype, FoundRow *found)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	ListCell   *lc;

	memset(found, 0, sizeof(*found));
	found->state = state;
	foreach(lc, paysafe_catalog_leaves(state->payment_root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, state->payment_key), keytype, &equality);
		paysafe_row_key_scan(leaf, &equality, key, snapshot, remember_row, found);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
}

char *
paysafe_refund_payment_key(const RefundState *state, Datum key, Oid keytype)
{
	FoundRow	found;

	find_payment(state, key, keytype, &found);
	return found.count > 0 ? found.key : paysafe_row_key_value_text(keytype, key);
}

int
paysafe_refund_lock_payment(const RefundState *state, Datum key, Oid keytype, LockedPayment *out)
{
	for (;;)
	{
		FoundRow	found;
		Relation	leaf;
		TupleTableSlot *slot;
		TM_FailureData failure;
		TM_Result	result;
		Snapshot	snapshot;
		bool		again = false;

		CHECK_FOR_INTERRUPTS();
		find_payment(state, key, keytype, &found);
		if (found.count != 1)
			return found.count;
		leaf = table_open(found.relid, RowShareLock);
		slot = table_slot_create(leaf, NULL);
		snapshot = paysafe_scan_snapshot();
		result = table_tuple_lock(leaf, &found.tid, snapshot, slot, snapshot->curcid,
								  LockTupleNoKeyExclusive, LockWaitBlock,
								  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
								  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
		UnregisterSnapshot(snapshot);
		switch (result)
		{
			case TM_Ok:
				{
					PaymentSide side;
					KeyEquality equality;
					bool		isnull;
					Datum		now;

					paysafe_refund_compile_payment(&side, leaf, state);
					paysafe_row_key_equality(leaf, side.key_attnum, keytype, &equality);
					now = slot_getattr(slot, side.key_attnum, &isnull);
					/* the version we waited for may have another key */
					again = isnull ||
						!DatumGetBool(FunctionCall2Coll(&equality.equal, equality.collation, now, key));
					out->key = found.key;
					out->captured = NULL;
					if (paysafe_money_value(&side.captured, slot, &out->captured))
						out->captured = DatumGetNumericCopy(NumericGetDatum(out->captured));
					(void) slot_getattr(slot, side.currency.attnum, &isnull);
					out->currency = isnull ? NULL : paysafe_status_value_text(&side.currency, slot);
					break;
				}
			case TM_Deleted:
				again = true;	/* look again: now it is gone */
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						 errmsg("could not lock the payment due to concurrent update")));
		}
		ExecDropSingleTupleTableSlot(slot);
		table_close(leaf, NoLock);
		if (!again)
			return 1;
	}
}

static bool
collect_event(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **events = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	RefundEvent *event = palloc0(sizeof(RefundEvent));
	bool		isnull;

	event->refund = paysafe_store_text(tuple, desc, EVENT_REFUND);
	event->kind = paysafe_store_text(tuple, desc, EVENT_KIND);
	event->person.actor = paysafe_store_text(tuple, desc, EVENT_ACTOR);
	event->person.login = paysafe_store_text(tuple, desc, EVENT_LOGIN);
	event->person.session_user_name = paysafe_store_text(tuple, desc, EVENT_SESSION_USER);
	event->at = DatumGetTimestampTz(heap_getattr(tuple, EVENT_AT + 1, desc, &isnull));
	*events = lappend(*events, event);
	return true;
}

/* What paysafe remembers of the refunds of a payment. */
List *
paysafe_refund_events(const RefundState *state, const char *payment)
{
	List	   *events = NIL;
	Datum		keys[2] = {ObjectIdGetDatum(state->refund_root), CStringGetTextDatum(payment)};

	paysafe_store_scan(PAYSAFE_REFUND_EVENT, "refund_event_payment", 2, keys,
					   collect_event, &events);
	return events;
}

void
paysafe_refund_add_event(const RefundState *state, const char *payment, const char *refund,
						 const char *kind, Numeric amount, const char *currency, int approvals)
{
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS] = {0};

	values[EVENT_RELATION] = ObjectIdGetDatum(state->refund_root);
	values[EVENT_PAYMENT] = CStringGetTextDatum(payment);
	values[EVENT_REFUND] = CStringGetTextDatum(refund);
	values[EVENT_KIND] = CStringGetTextDatum(kind);
	values[EVENT_AMOUNT] = NumericGetDatum(amount);
	values[EVENT_CURRENCY] = CStringGetTextDatum(currency);
	nulls[EVENT_ACTOR] = !paysafe_actor_is_named();
	values[EVENT_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[EVENT_LOGIN] = CStringGetTextDatum(paysafe_actor_login());
	values[EVENT_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[EVENT_APPROVALS] = Int32GetDatum(approvals);
	values[EVENT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_REFUND_EVENT, values, nulls);
}

/* Those who requested a refund; NIL if it was there before the rule. */
List *
paysafe_refund_requesters(List *events, const char *refund)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, events)
	{
		RefundEvent *event = lfirst(lc);

		if (strcmp(event->kind, REFUND_REQUESTED) == 0 && strcmp(event->refund, refund) == 0)
			result = lappend(result, &event->person);
	}
	return result;
}

/*
 * When the refund passed the gate; 0 if it never did.  One that was in a gated
 * status when the rule was declared counts as passed then.
 */
TimestampTz
paysafe_refund_gate_passed(const RefundState *state, const RefundSide *side, List *events,
						   const char *refund, TupleTableSlot *row)
{
	TimestampTz passed = 0;
	ListCell   *lc;

	foreach(lc, events)
	{
		RefundEvent *event = lfirst(lc);

		if (strcmp(event->kind, REFUND_GATED) == 0 && strcmp(event->refund, refund) == 0)
			passed = Max(passed, event->at);
	}
	if (passed == 0 && paysafe_status_value_find(&side->gated, row) >= 0)
		passed = state->since;
	return passed;
}

static bool
add_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	RefundSum  *sum = arg;
	Numeric		amount;

	sum->rows++;
	if (paysafe_status_value_find(&sum->side->voided, row) >= 0)
		return true;
	if (!paysafe_money_value(&sum->side->amount, row, &amount))
		return true;			/* refused where it is written */
	sum->total = paysafe_money_add(sum->total, amount);
	if (sum->except != NULL)
	{
		char	   *key;
		TimestampTz passed;

		/* other rows may have its key text in other partitions */
		if (RelationGetRelid(rel) == RelationGetRelid(sum->except_leaf) &&
			paysafe_row_key_same_row(rel, row, sum->except))
			return true;
		key = paysafe_row_key_text(&sum->rules->key, RelationGetDescr(rel), row);
		passed = paysafe_refund_gate_passed(sum->state, sum->side, sum->events, key, row);
		if (passed != 0 && passed > sum->gate_from)
			sum->gate_total = paysafe_money_add(sum->gate_total, amount);
	}
	return true;
}

/* The refund rule compiled for a leaf of the refund table. */
const Rule *
paysafe_refund_rule_of(Relation leaf, Oid refund_root, const RelationRules **rules)
{
	*rules = paysafe_rules_of(leaf);
	if (*rules != NULL)
		for (int i = 0; i < (*rules)->nrules; i++)
		{
			const Rule *rule = &(*rules)->rules[i];

			if (rule->kind == &paysafe_refund_kind && rule->declared_on == refund_root &&
				!((RefundState *) rule->compiled)->is_payment)
				return rule;
		}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no refund rule", RelationGetRelationName(leaf))));
	return NULL;
}

/*
 * Add up the refunds of a payment, as committed now and by this transaction.
 * own, if given, is the state of the leaf being checked: its rules must not be
 * looked up again while they are in use.
 */
void
paysafe_refund_sum(const RefundState *state, const RelationRules *own_rules, Datum payment,
				   Oid payment_type, RefundSum *sum)
{
	Snapshot	snapshot = paysafe_scan_snapshot();
	ListCell   *lc;

	sum->state = state;
	sum->total = paysafe_money_zero();
	sum->gate_total = paysafe_money_zero();
	foreach(lc, paysafe_catalog_leaves(state->refund_root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		if (own_rules != NULL && lfirst_oid(lc) == state->leaf)
		{
			sum->side = &state->refund;
			sum->rules = own_rules;
		}
		else
			sum->side = &((RefundState *) paysafe_refund_rule_of(leaf, state->refund_root,
																 &sum->rules)->compiled)->refund;
		paysafe_row_key_equality(leaf, sum->side->payment_attnum, payment_type, &equality);
		paysafe_row_key_scan(leaf, &equality, payment, snapshot, add_refund, sum);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
}

/* The amount of a row whose amount is known to be there. */
Numeric
paysafe_refund_amount(const RefundSide *side, TupleTableSlot *row)
{
	Numeric		amount = NULL;

	if (!paysafe_money_value(&side->amount, row, &amount))
		elog(ERROR, "refund amount is missing");
	return amount;
}

void
paysafe_refund_digest(const RefundSide *side, const char *payment, const char *refund,
					  TupleTableSlot *row, List *events, uint8 *digest)
{
	StringInfoData bytes;
	const char *fields[6];
	int			passed = 0;
	ListCell   *lc;

	foreach(lc, events)
	{
		RefundEvent *event = lfirst(lc);

		passed += strcmp(event->kind, REFUND_GATED) == 0 && strcmp(event->refund, refund) == 0;
	}
	fields[0] = refund;
	fields[1] = payment;
	fields[2] = numeric_normalize(paysafe_refund_amount(side, row));
	fields[3] = paysafe_status_value_text(&side->currency, row);
	fields[4] = paysafe_status_value_text(&side->gated.column, row);
	fields[5] = psprintf("%d", passed);
	initStringInfo(&bytes);
	appendStringInfoString(&bytes, "paysafe refund approval");
	for (int i = 0; i < lengthof(fields); i++)
	{
		uint32		len = pg_hton32(strlen(fields[i]));

		appendBinaryStringInfo(&bytes, (char *) &len, sizeof(len));
		appendStringInfoString(&bytes, fields[i]);
	}
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
}
