/*-------------------------------------------------------------------------
 *
 * refund.c
 *	  Refunds: never more than captured, and a second person above a threshold.
 *
 *	  - payment, amount, currency and key of a refund stay as requested;
 *	  - amounts are positive, finite, at the currency's scale; the currency is
 *		the payment's;
 *	  - the refunds of a payment that are not void never total more than its
 *		captured amount;
 *	  - entering a gated status needs approvals once the payment's refunds that
 *		passed the gate within the period, with this one, exceed the threshold
 *		of the currency; without a threshold, always.
 *
 * Exact at every isolation level: whoever adds to a payment's refunds or
 * passes the gate first locks the payment's row (FOR NO KEY UPDATE, until the
 * end of the transaction) and then adds up with a snapshot taken after that.
 * The other side, a change of the captured amount, holds the row by its own
 * UPDATE and adds up the same way.  The lock is an ordinary row lock: prepared
 * transactions keep it, and no function of the user's can release it.
 *
 * Lock order: refund row (by the statement), payment row, approvals by id.
 *
 * What the rule must remember beyond the rows (who requested, when the gate
 * was passed) is in paysafe.refund_event.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/actor.h"
#include "core/approval.h"
#include "core/catalog.h"
#include "core/declare.h"
#include "core/errors.h"
#include "core/key.h"
#include "core/machine.h"
#include "core/money.h"
#include "core/refusal.h"
#include "core/spec.h"
#include "core/state.h"
#include "core/store.h"
#include "rules/kinds.h"

/* Columns of paysafe.refund_event and paysafe.threshold. */
enum
{
	EVENT_RELATION, EVENT_PAYMENT, EVENT_REFUND, EVENT_KIND, EVENT_AMOUNT,
	EVENT_CURRENCY, EVENT_ACTOR, EVENT_LOGIN, EVENT_SESSION_USER,
	EVENT_APPROVALS, EVENT_AT,
	EVENT_NCOLUMNS
};
enum
{
	THRESHOLD_RELATION, THRESHOLD_CURRENCY, THRESHOLD_VERSION, THRESHOLD_AMOUNT,
	THRESHOLD_APPROVERS, THRESHOLD_WITHIN, THRESHOLD_VALID_FOR, THRESHOLD_SINCE,
	THRESHOLD_ACTOR, THRESHOLD_SESSION_USER, THRESHOLD_REASON, THRESHOLD_TICKET,
	THRESHOLD_NCOLUMNS
};

#define EVENT_REQUESTED "requested"
#define EVENT_GATED		"gated"

#define DEFAULT_VALID_FOR	(INT64CONST(3600) * USECS_PER_SEC)

typedef struct Threshold
{
	char	   *currency;
	int			version;
	Numeric		amount;
	int			approvers;
	int64		within;			/* microseconds */
	int64		valid_for;		/* microseconds */
} Threshold;

/* The rule for a leaf of the refund table. */
typedef struct RefundSide
{
	AttrNumber	payment_attnum;
	Oid			payment_type;	/* base type of the column */
	AmountColumn amount;
	StateColumn currency;
	StateSet	gated;			/* also has the status column */
	StateSet	voided;
	List	   *thresholds;		/* of Threshold, newest versions */
	Machine    *machine;		/* of the status column, or NULL */
} RefundSide;

/* The rule for a leaf of the payment table. */
typedef struct PaymentSide
{
	AttrNumber	key_attnum;
	AmountColumn captured;
	StateColumn currency;
} PaymentSide;

typedef struct RefundState
{
	bool		is_payment;		/* which of the two sides is filled in */
	RefundSide	refund;
	PaymentSide payment;
	Oid			leaf;
	Oid			refund_root;
	Oid			payment_root;
	char	   *payment_key;	/* column of the payment that refunds refer to */
	char	   *payment_amount; /* its captured amount */
	char	   *payment_currency;
	TimestampTz since;			/* the rule's declaration */
} RefundState;

/*
 * Compiling
 */

static char *
column_text(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column + 1, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

typedef struct ThresholdList
{
	Oid			relation;
	List	   *thresholds;
} ThresholdList;

/* Keep the newest version of each currency, compared without case. */
static bool
collect_threshold(Relation rel, HeapTuple tuple, void *arg)
{
	ThresholdList *list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Threshold  *t = palloc0(sizeof(Threshold));
	ListCell   *lc;

	t->currency = column_text(tuple, desc, THRESHOLD_CURRENCY);
	t->version = DatumGetInt32(heap_getattr(tuple, THRESHOLD_VERSION + 1, desc, &isnull));
	t->amount = DatumGetNumericCopy(heap_getattr(tuple, THRESHOLD_AMOUNT + 1, desc, &isnull));
	t->approvers = DatumGetInt32(heap_getattr(tuple, THRESHOLD_APPROVERS + 1, desc, &isnull));
	t->within = paysafe_approval_period(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_WITHIN + 1,
																	   desc, &isnull)), "within");
	t->valid_for = paysafe_approval_period(DatumGetIntervalP(heap_getattr(tuple, THRESHOLD_VALID_FOR + 1,
																		  desc, &isnull)), "valid_for");
	foreach(lc, list->thresholds)
	{
		Threshold  *other = lfirst(lc);

		if (pg_strcasecmp(other->currency, t->currency) == 0)
		{
			if (other->version < t->version)
				lfirst(lc) = t;
			return true;
		}
	}
	list->thresholds = lappend(list->thresholds, t);
	return true;
}

static List *
read_thresholds(Oid relation)
{
	ThresholdList list = {.relation = relation};
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_scan(PAYSAFE_THRESHOLD, "threshold_pkey", 1, &key, collect_threshold, &list);
	return list.thresholds;
}

static Threshold *
find_threshold(List *thresholds, const char *currency)
{
	ListCell   *lc;

	foreach(lc, thresholds)
		if (pg_strcasecmp(((Threshold *) lfirst(lc))->currency, currency) == 0)
			return lfirst(lc);
	return NULL;
}

static AttrNumber
existing_column(Relation rel, const char *column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, RelationGetRelationName(rel))));
	return attnum;
}

static void
compile_refund_side(RefundSide *side, const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	Relation	leaf = input->leaf;
	char	   *status_column = paysafe_spec_text(spec, "status_column");
	List	   *gated = paysafe_spec_set(spec, "gated");
	List	   *voided = paysafe_spec_set(spec, "void");
	StateColumn status;
	AttrNumber *key;

	side->payment_attnum = existing_column(leaf, paysafe_spec_text(spec, "payment_column"));
	side->payment_type = getBaseType(TupleDescAttr(RelationGetDescr(leaf),
												   side->payment_attnum - 1)->atttypid);
	paysafe_money_column(leaf, paysafe_spec_text(spec, "amount_column"), &side->amount);
	paysafe_state_column(leaf, paysafe_spec_text(spec, "currency_column"), &side->currency);
	paysafe_state_column(leaf, status_column, &status);
	paysafe_state_check_names(input->sources, status_column, gated, "gated");
	paysafe_state_check_names(input->sources, status_column, voided, "void");
	paysafe_state_set(&status, gated, &side->gated);
	paysafe_state_set(&status, voided, &side->voided);
	side->thresholds = read_thresholds(input->source->relation);
	side->machine = paysafe_state_machine_of(input->sources, status_column);
	if (paysafe_key_columns(leaf, &key) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(leaf)),
				 errdetail("Without one, an approval cannot name a refund.")));
}

static void
compile_payment_side(PaymentSide *side, Relation leaf, const RefundState *state)
{
	side->key_attnum = existing_column(leaf, state->payment_key);
	paysafe_money_column(leaf, state->payment_amount, &side->captured);
	paysafe_state_column(leaf, state->payment_currency, &side->currency);
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	RefundState *state = palloc0(sizeof(RefundState));

	state->is_payment = input->as_reference;
	state->leaf = RelationGetRelid(input->leaf);
	state->refund_root = input->source->relation;
	state->payment_root = input->source->reference;
	state->payment_key = paysafe_spec_text(spec, "payment_key_column");
	state->payment_amount = paysafe_spec_text(spec, "payment_amount_column");
	state->payment_currency = paysafe_spec_text(spec, "payment_currency_column");
	state->since = input->source->since;
	if (state->is_payment)
		compile_payment_side(&state->payment, input->leaf, state);
	else
		compile_refund_side(&state->refund, input);
	return state;
}

/*
 * Words for messages
 */

static char *
refund_key(const RowChange *change, TupleTableSlot *row)
{
	return paysafe_key_text(change->rules, RelationGetDescr(change->rel), row);
}

static char *
payment_key_text(Oid type, Datum value)
{
	return paysafe_value_text(type, value);
}

static char *
money_words(Numeric amount, const char *currency)
{
	return psprintf("%s %s", paysafe_money_text(amount), currency);
}

/* A period in words: hours and minutes, or seconds. */
static char *
period_words(int64 period)
{
	Interval	interval = {.time = period};

	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&interval)));
}

/*
 * The payment of a refund
 */

typedef struct FoundRow
{
	int			count;
	Oid			relid;
	ItemPointerData tid;
} FoundRow;

static bool
remember_row(Relation rel, TupleTableSlot *row, void *arg)
{
	FoundRow   *found = arg;

	found->count++;
	found->relid = RelationGetRelid(rel);
	found->tid = row->tts_tid;
	return found->count < 2;
}

/* Leaf tables below a root, nothing locked more than for reading. */
static List *
leaves_of(Oid root)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(root, AccessShareLock, NULL))
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

/* Find the payment; its rows' count (0, 1, 2 for more) in *found. */
static void
find_payment(const RefundState *state, Datum key, Oid keytype, FoundRow *found)
{
	Snapshot	snapshot = paysafe_latest_snapshot();
	ListCell   *lc;

	memset(found, 0, sizeof(*found));
	foreach(lc, leaves_of(state->payment_root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_key_equality(leaf, existing_column(leaf, state->payment_key), keytype, &equality);
		paysafe_key_scan(leaf, &equality, key, snapshot, remember_row, found);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
}

typedef struct LockedPayment
{
	Numeric		captured;		/* NULL if nothing is */
	char	   *currency;		/* NULL if missing */
} LockedPayment;

/*
 * Lock the payment's row against other refunds and changes of the payment,
 * and read its newest version.  Returns how many rows the key names; locks
 * only if it is one.
 */
static int
lock_payment(const RefundState *state, Datum key, Oid keytype, LockedPayment *out)
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
		snapshot = paysafe_latest_snapshot();
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

					compile_payment_side(&side, leaf, state);
					paysafe_key_equality(leaf, side.key_attnum, keytype, &equality);
					now = slot_getattr(slot, side.key_attnum, &isnull);
					/* the version we waited for may have another key */
					again = isnull ||
						!DatumGetBool(FunctionCall2Coll(&equality.equal, equality.collation, now, key));
					out->captured = NULL;
					if (paysafe_money_value(&side.captured, slot, &out->captured))
						out->captured = DatumGetNumericCopy(NumericGetDatum(out->captured));
					(void) slot_getattr(slot, side.currency.attnum, &isnull);
					out->currency = isnull ? NULL : paysafe_state_text(&side.currency, slot);
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

/*
 * The refunds of a payment
 */

typedef struct RefundEvent
{
	char	   *refund;
	char	   *kind;
	Person		person;
	TimestampTz at;
} RefundEvent;

static bool
collect_event(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **events = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	RefundEvent *event = palloc0(sizeof(RefundEvent));
	bool		isnull;

	event->refund = column_text(tuple, desc, EVENT_REFUND);
	event->kind = column_text(tuple, desc, EVENT_KIND);
	event->person.actor = column_text(tuple, desc, EVENT_ACTOR);
	event->person.login = column_text(tuple, desc, EVENT_LOGIN);
	event->person.session_user_name = column_text(tuple, desc, EVENT_SESSION_USER);
	event->at = DatumGetTimestampTz(heap_getattr(tuple, EVENT_AT + 1, desc, &isnull));
	*events = lappend(*events, event);
	return true;
}

/* What paysafe remembers of the refunds of a payment. */
static List *
payment_events(const RefundState *state, const char *payment)
{
	List	   *events = NIL;
	Datum		keys[2] = {ObjectIdGetDatum(state->refund_root), CStringGetTextDatum(payment)};

	paysafe_store_scan(PAYSAFE_REFUND_EVENT, "refund_event_payment", 2, keys,
					   collect_event, &events);
	return events;
}

static void
add_event(const RefundState *state, const char *payment, const char *refund,
		  const char *kind, Numeric amount, const char *currency, int approvals)
{
	const PaysafeActor *actor = paysafe_actor_current();
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS] = {0};

	values[EVENT_RELATION] = ObjectIdGetDatum(state->refund_root);
	values[EVENT_PAYMENT] = CStringGetTextDatum(payment);
	values[EVENT_REFUND] = CStringGetTextDatum(refund);
	values[EVENT_KIND] = CStringGetTextDatum(kind);
	values[EVENT_AMOUNT] = NumericGetDatum(amount);
	values[EVENT_CURRENCY] = CStringGetTextDatum(currency);
	nulls[EVENT_ACTOR] = actor == NULL;
	values[EVENT_ACTOR] = actor ? CStringGetTextDatum(actor->name) : (Datum) 0;
	values[EVENT_LOGIN] = CStringGetTextDatum(paysafe_actor_login());
	values[EVENT_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[EVENT_APPROVALS] = Int32GetDatum(approvals);
	values[EVENT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_REFUND_EVENT, values, nulls);
}

/* Those who requested a refund; NIL if it was there before the rule. */
static List *
requesters_of(List *events, const char *refund)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, events)
	{
		RefundEvent *event = lfirst(lc);

		if (strcmp(event->kind, EVENT_REQUESTED) == 0 && strcmp(event->refund, refund) == 0)
			result = lappend(result, &event->person);
	}
	return result;
}

/*
 * When the refund passed the gate; 0 if it never did.  One that was in a gated
 * status when the rule was declared counts as passed then.
 */
static TimestampTz
gate_passed(const RefundState *state, const RefundSide *side, List *events,
			const char *refund, TupleTableSlot *row)
{
	TimestampTz passed = 0;
	ListCell   *lc;

	foreach(lc, events)
	{
		RefundEvent *event = lfirst(lc);

		if (strcmp(event->kind, EVENT_GATED) == 0 && strcmp(event->refund, refund) == 0)
			passed = Max(passed, event->at);
	}
	if (passed == 0 && paysafe_state_find(&side->gated, row) >= 0)
		passed = state->since;
	return passed;
}

typedef struct RefundSum
{
	const RefundState *state;
	const RefundSide *side;		/* of the leaf being read */
	const RelationRules *rules; /* of the leaf being read */
	int			rows;			/* all, void ones too */
	Numeric		total;			/* not void */
	/* only if events are given: what passed the gate since then, but this one */
	List	   *events;
	const char *except;
	TimestampTz gate_from;
	Numeric		gate_total;
} RefundSum;

static bool
add_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	RefundSum  *sum = arg;
	Numeric		amount;

	sum->rows++;
	if (paysafe_state_find(&sum->side->voided, row) >= 0)
		return true;
	if (!paysafe_money_value(&sum->side->amount, row, &amount))
		return true;			/* refused where it is written */
	sum->total = paysafe_money_add(sum->total, amount);
	if (sum->except != NULL)
	{
		char	   *key = paysafe_key_text(sum->rules, RelationGetDescr(rel), row);
		TimestampTz passed;

		if (strcmp(key, sum->except) == 0)
			return true;
		passed = gate_passed(sum->state, sum->side, sum->events, key, row);
		if (passed != 0 && passed > sum->gate_from)
			sum->gate_total = paysafe_money_add(sum->gate_total, amount);
	}
	return true;
}

/* The refund rule compiled for a leaf of the refund table. */
static const Rule *
refund_rule_of(Relation leaf, Oid refund_root, const RelationRules **rules)
{
	*rules = paysafe_rules_of(leaf);
	if (*rules != NULL)
		for (int i = 0; i < (*rules)->nrules; i++)
		{
			const Rule *rule = &(*rules)->rules[i];

			if (rule->kind == &paysafe_refund_kind && rule->declared_on == refund_root &&
				!((RefundState *) rule->state)->is_payment)
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
static void
sum_refunds(const RefundState *state, const RelationRules *own_rules, Datum payment,
			Oid payment_type, RefundSum *sum)
{
	Snapshot	snapshot = paysafe_latest_snapshot();
	ListCell   *lc;

	sum->state = state;
	sum->total = paysafe_money_zero();
	sum->gate_total = paysafe_money_zero();
	foreach(lc, leaves_of(state->refund_root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		if (own_rules != NULL && lfirst_oid(lc) == state->leaf)
		{
			sum->side = &state->refund;
			sum->rules = own_rules;
		}
		else
			sum->side = &((RefundState *) refund_rule_of(leaf, state->refund_root,
														 &sum->rules)->state)->refund;
		paysafe_key_equality(leaf, sum->side->payment_attnum, payment_type, &equality);
		paysafe_key_scan(leaf, &equality, payment, snapshot, add_refund, sum);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
}

/*
 * Checking a refund
 */

/* Why the refund's own columns are not possible, or NULL. */
static char *
refund_fault(const RefundSide *side, TupleTableSlot *row, const char **column, int *sqlstate)
{
	bool		isnull;
	Numeric		amount;
	char	   *reason;

	*sqlstate = ERRCODE_PAYSAFE_AMOUNT;
	(void) slot_getattr(row, side->payment_attnum, &isnull);
	*column = NameStr(TupleDescAttr(row->tts_tupleDescriptor, side->payment_attnum - 1)->attname);
	if (isnull)
	{
		*sqlstate = ERRCODE_PAYSAFE_NO_PAYMENT;
		return pstrdup("it names no payment");
	}
	(void) slot_getattr(row, side->currency.attnum, &isnull);
	*column = side->currency.name;
	if (isnull)
		return pstrdup("the currency is missing");
	*column = side->amount.name;
	if (!paysafe_money_value(&side->amount, row, &amount))
		return pstrdup("the amount is missing");
	reason = paysafe_money_fault(&side->amount, amount,
								 paysafe_state_text(&side->currency, row), false);
	return reason ? psprintf("amount %s: %s", paysafe_money_text(amount), reason) : NULL;
}

/* The amount of a row whose amount is known to be there. */
static Numeric
refund_amount(const RefundSide *side, TupleTableSlot *row)
{
	Numeric		amount = NULL;

	if (!paysafe_money_value(&side->amount, row, &amount))
		elog(ERROR, "refund amount is missing");
	return amount;
}

static void
check_frozen(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	TupleDesc	desc = RelationGetDescr(change->rel);
	const char *column = NULL;

	if (!paysafe_same_column(desc, side->payment_attnum, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, side->payment_attnum - 1)->attname);
	else if (!paysafe_money_same(&side->amount, change->before, change->after))
		column = side->amount.name;
	else if (!paysafe_state_same(&side->currency, change->before, change->after))
		column = side->currency.name;
	else if (paysafe_key_changed(change->rules, desc, change->before, change->after))
		column = NameStr(TupleDescAttr(desc, change->rules->key_attnums[0] - 1)->attname);
	if (column != NULL)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_FROZEN, column,
						  psprintf("column \"%s\" of table \"%s\" cannot change",
								   column, rule->table_name),
						  psprintf("Refund \"%s\" stays as it was requested: its key, payment, amount and currency.",
								   refund_key(change, change->before)),
						  "Void this refund and request another one.");
}

/* Lock the refund's payment; it must be exactly one, of the same currency. */
static void
lock_payment_of(const Rule *rule, const RowChange *change, Datum payment, LockedPayment *locked)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	char	   *payment_key = payment_key_text(side->payment_type, payment);
	int			count = lock_payment(state, payment, side->payment_type, locked);
	char	   *currency;

	if (count != 1)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_NO_PAYMENT,
						  NameStr(TupleDescAttr(RelationGetDescr(change->rel),
												side->payment_attnum - 1)->attname),
						  psprintf("refund \"%s\" in table \"%s\" needs exactly one payment",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("%s rows of \"%s\" have %s \"%s\".",
								   count == 0 ? "No" : "Several",
								   get_rel_name(state->payment_root), state->payment_key, payment_key),
						  NULL);
	currency = paysafe_state_text(&side->currency, change->after);
	if (locked->currency == NULL || strcmp(locked->currency, currency) != 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_CURRENCY, side->currency.name,
						  psprintf("refund \"%s\" in table \"%s\" is not in the currency of its payment",
								   refund_key(change, change->after), rule->table_name),
						  psprintf("The refund is in %s, payment \"%s\" in %s.", currency, payment_key,
								   locked->currency ? locked->currency : "no currency"),
						  "Refund in the currency of the payment.");
}

static void
check_cap(const Rule *rule, const RowChange *change, Datum payment,
		  const LockedPayment *locked, const RefundSum *sum)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	char	   *currency = paysafe_state_text(&side->currency, change->after);
	Numeric		captured = locked->captured ? locked->captured : paysafe_money_zero();

	/* a NaN would compare as larger than everything: fail closed */
	if (numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum->total, captured) > 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_OVER_CAPTURED, side->amount.name,
						  psprintf("refunds of payment \"%s\" exceed its captured amount",
								   payment_key_text(side->payment_type, payment)),
						  psprintf("With refund \"%s\" of %s they total %s; captured is %s.",
								   refund_key(change, change->after),
								   money_words(refund_amount(side, change->after), currency),
								   money_words(sum->total, currency),
								   money_words(captured, currency)),
						  "Refund at most what is left, or void another refund first.");
}

/* What an approval of this refund binds: the row, and the status it leaves. */
static void
digest_refund(const RefundSide *side, const char *key, TupleTableSlot *row, uint8 *digest)
{
	StringInfoData bytes;
	bool		isnull;
	char	   *fields[5];

	fields[0] = unconstify(char *, key);
	fields[1] = payment_key_text(side->payment_type, slot_getattr(row, side->payment_attnum, &isnull));
	fields[2] = paysafe_money_text(refund_amount(side, row));
	fields[3] = paysafe_state_text(&side->currency, row);
	fields[4] = paysafe_state_text(&side->gated.column, row);
	initStringInfo(&bytes);
	appendStringInfoString(&bytes, "paysafe refund approval");
	for (int i = 0; i < lengthof(fields); i++)
	{
		uint32		len = strlen(fields[i]);

		appendBinaryStringInfo(&bytes, (char *) &len, sizeof(len));
		appendStringInfoString(&bytes, fields[i]);
	}
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
}

static char *
people_words(List *people)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, people)
	{
		Person	   *person = lfirst(lc);

		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "",
						 person->actor ? person->actor : person->session_user_name);
	}
	return buf.data;
}

/* How many approvals the refund needs to pass the gate now. */
static int
approvals_needed(const Threshold *threshold, Numeric gate_total)
{
	if (threshold == NULL)
		return 1;
	return paysafe_money_compare(gate_total, threshold->amount) > 0 ? threshold->approvers : 0;
}

static void
check_gate(const Rule *rule, const RowChange *change, Datum payment, List *events,
		   const Threshold *threshold, const RefundSum *sum)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	char	   *key = refund_key(change, change->after);
	char	   *payment_key = payment_key_text(side->payment_type, payment);
	char	   *currency = paysafe_state_text(&side->currency, change->after);
	Numeric		amount = refund_amount(side, change->after);
	Numeric		total = paysafe_money_add(sum->gate_total, amount);
	int			needed = approvals_needed(threshold, total);
	int			have = 0;
	ApprovalSubject subject = {
		.valid_for = threshold ? threshold->valid_for : DEFAULT_VALID_FOR,
		.requesters = requesters_of(events, key)
	};
	char	   *hint;

	/* nobody knows who requested it: then at least not who moves it now */
	if (subject.requesters == NIL)
		subject.requesters = list_make1(paysafe_approval_person());
	if (needed > 0 && change->op != 'I')
	{
		digest_refund(side, key, change->before, subject.digest);
		have = paysafe_approval_use(state->refund_root, key, &subject, needed);
	}
	if (have >= needed)
	{
		add_event(state, payment_key, key, EVENT_GATED, amount, currency, needed);
		return;
	}
	hint = change->op == 'I' ?
		pstrdup("Request the refund first, in a status that needs no approval.") :
		psprintf("Somebody else has to approve it: SELECT paysafe.approve(%s, %s, 'why it is right');",
				 quote_literal_cstr(paysafe_declare_table_name(state->refund_root)),
				 quote_literal_cstr(key));
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "approval",
					   .schema_name = rule->schema_name,
					   .table_name = rule->table_name,
					   .column = side->gated.column.name,
					   .message = psprintf("refund \"%s\" of %s needs the approval of %s",
										   key, money_words(amount, currency),
										   needed == 1 ? "a second person" : psprintf("%d other persons", needed)),
					   .detail = psprintf("%s %d of %d approvals found; requested by %s.",
										  threshold ?
										  psprintf("Refunds of payment \"%s\" within %s would total %s; the threshold is %s.",
												   payment_key, period_words(threshold->within),
												   money_words(total, currency),
												   money_words(threshold->amount, currency)) :
										  psprintf("There is no threshold for %s, so every refund needs approval.", currency),
										  have, needed, people_words(subject.requesters)),
					   .hint = hint
				   });
}

static void
check_refund_change(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	bool		counted = paysafe_state_find(&side->voided, change->after) < 0;
	bool		was_counted = change->op == 'U' &&
		paysafe_state_find(&side->voided, change->before) < 0;
	bool		enters_gate = paysafe_state_find(&side->gated, change->after) >= 0 &&
		!(change->op == 'U' && paysafe_state_find(&side->gated, change->before) >= 0);
	bool		isnull;
	Datum		payment;
	char	   *payment_key;
	LockedPayment locked;
	RefundSum	sum = {0};
	List	   *events = NIL;
	Threshold  *threshold = NULL;

	if (change->op == 'U')
		check_frozen(rule, change);
	else
	{
		const char *column;
		int			sqlstate;
		char	   *fault = refund_fault(side, change->after, &column, &sqlstate);

		if (fault != NULL)
			paysafe_refuse_by(rule, sqlstate, column,
							  psprintf("refund \"%s\" in table \"%s\" is not possible",
									   refund_key(change, change->after), rule->table_name),
							  psprintf("Refund \"%s\": %s.", refund_key(change, change->after), fault),
							  "A refund names one payment and has a positive amount at the currency's scale.");
	}
	if (change->op == 'U' && (was_counted || !counted) && !enters_gate)
		return;					/* neither total nor gate is concerned */

	payment = slot_getattr(change->after, side->payment_attnum, &isnull);
	payment_key = payment_key_text(side->payment_type, payment);
	if (change->op == 'I')
		add_event(state, payment_key, refund_key(change, change->after), EVENT_REQUESTED,
				  refund_amount(side, change->after),
				  paysafe_state_text(&side->currency, change->after), 0);
	if (!counted && !enters_gate)
		return;

	lock_payment_of(rule, change, payment, &locked);
	if (enters_gate)
	{
		threshold = find_threshold(side->thresholds,
								   paysafe_state_text(&side->currency, change->after));
		events = payment_events(state, payment_key);
		sum.events = events;
		sum.except = refund_key(change, change->after);
		sum.gate_from = GetCurrentTimestamp() - (threshold ? threshold->within : 0);
	}
	sum_refunds(state, change->rules, payment, side->payment_type, &sum);
	if (counted && !was_counted)
		check_cap(rule, change, payment, &locked, &sum);
	if (enters_gate)
		check_gate(rule, change, payment, events, threshold, &sum);
}

/*
 * Checking the payment's side
 */

static void
check_payment_change(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;
	const PaymentSide *side = &state->payment;
	TupleDesc	desc = RelationGetDescr(change->rel);
	RefundSum	sum = {0};
	bool		isnull;
	Datum		key;
	Oid			keytype;
	char	   *words;
	Numeric		captured;
	const char *column = NULL;
	bool		has_captured;

	if (change->op == 'I')
		return;
	if (change->op == 'U')
	{
		if (!paysafe_same_column(desc, side->key_attnum, change->before, change->after))
			column = state->payment_key;
		else if (!paysafe_state_same(&side->currency, change->before, change->after))
			column = state->payment_currency;
		else if (paysafe_money_same(&side->captured, change->before, change->after))
			return;
	}
	key = slot_getattr(change->before, side->key_attnum, &isnull);
	if (isnull)
		return;
	keytype = getBaseType(TupleDescAttr(desc, side->key_attnum - 1)->atttypid);
	words = payment_key_text(keytype, key);
	sum_refunds(state, NULL, key, keytype, &sum);
	if (sum.rows == 0)
		return;
	if (change->op == 'D')
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_MONEY_DELETE, NULL,
						  psprintf("payment \"%s\" in table \"%s\" has refunds and cannot be deleted",
								   words, rule->table_name),
						  psprintf("%d rows of \"%s\" refer to it.", sum.rows,
								   get_rel_name(state->refund_root)),
						  NULL);
	if (column != NULL)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_FROZEN, column,
						  psprintf("column \"%s\" of table \"%s\" cannot change any more",
								   column, rule->table_name),
						  psprintf("Payment \"%s\" has refunds.", words), NULL);
	has_captured = paysafe_money_value(&side->captured, change->after, &captured);
	if (!has_captured || numeric_is_nan(captured) || numeric_is_inf(captured) ||
		paysafe_money_compare(sum.total, captured) > 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_OVER_CAPTURED, side->captured.name,
						  psprintf("captured amount of payment \"%s\" cannot fall below its refunds", words),
						  psprintf("Refunds total %s; captured would be %s.",
								   paysafe_money_text(sum.total),
								   has_captured ? paysafe_money_text(captured) : "nothing"),
						  "Void refunds first.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const RefundState *state = rule->state;

	if (state->is_payment)
		check_payment_change(rule, change);
	else if (change->op != 'D')
		check_refund_change(rule, change);
	else if (paysafe_state_find(&state->refund.voided, change->before) < 0)
		paysafe_refuse_by(rule, ERRCODE_PAYSAFE_MONEY_DELETE, NULL,
						  psprintf("refund \"%s\" in table \"%s\" cannot be deleted",
								   refund_key(change, change->before), rule->table_name),
						  psprintf("Its status is \"%s\", which counts towards the payment's refunds.",
								   paysafe_state_text(&state->refund.gated.column, change->before)),
						  "Void it instead.");
}

static void
refuse_truncate(const Rule *rule)
{
	paysafe_refuse_by(rule, ERRCODE_PAYSAFE_MONEY_DELETE, NULL,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  "Payments and refunds stay.", NULL);
}

/*
 * Existing rows
 */

typedef struct PaymentTotal
{
	char	   *key;			/* of the payment, as text */
	Datum		value;
	char	   *currency;
	Numeric		total;
} PaymentTotal;

static uint32
hash_total(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_total(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Each row by itself; its amount is added to its payment's total. */
static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const RefundState *state = rule->state;
	const RefundSide *side = &state->refund;
	HTAB	   *totals = report->private;
	char	   *key = paysafe_key_text(report->rules, RelationGetDescr(rel), row);
	const char *column;
	int			sqlstate;
	char	   *fault = refund_fault(side, row, &column, &sqlstate);
	char	   *payment;
	PaymentTotal *total;
	bool		found;
	bool		isnull;
	MemoryContext old;

	if (fault != NULL)
	{
		paysafe_declare_fault(report, key, fault);
		return;
	}
	if (paysafe_state_find(&side->voided, row) >= 0)
		return;

	old = MemoryContextSwitchTo(report->context);
	if (totals == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(char *), .entrysize = sizeof(PaymentTotal),
			.hash = hash_total, .match = match_total, .hcxt = report->context
		};

		totals = report->private = hash_create("paysafe refund totals", 1024, &ctl,
											   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	}
	payment = payment_key_text(side->payment_type, slot_getattr(row, side->payment_attnum, &isnull));
	total = hash_search(totals, &payment, HASH_ENTER, &found);
	if (!found)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), side->payment_attnum - 1);

		total->key = payment;
		total->value = datumCopy(slot_getattr(row, side->payment_attnum, &isnull),
								 att->attbyval, att->attlen);
		total->currency = paysafe_state_text(&side->currency, row);
		total->total = paysafe_money_zero();
	}
	else
		pfree(payment);
	total->total = paysafe_money_add(total->total, refund_amount(side, row));
	if (strcmp(total->currency, paysafe_state_text(&side->currency, row)) != 0)
		paysafe_declare_fault(report, key, "refunds of its payment have different currencies");
	MemoryContextSwitchTo(old);
}

static void
check_existing_end(const Rule *rule, ExistingReport *report)
{
	const RefundState *state = rule->state;
	HASH_SEQ_STATUS status;
	PaymentTotal *total;

	if (report->private == NULL)
		return;
	hash_seq_init(&status, report->private);
	while ((total = hash_seq_search(&status)) != NULL)
	{
		LockedPayment payment;
		int			count;

		CHECK_FOR_INTERRUPTS();
		count = lock_payment(state, total->value, state->refund.payment_type, &payment);
		if (count != 1)
			paysafe_declare_fault(report, total->key,
								  count == 0 ? "there is no such payment" : "there are several such payments");
		else if (payment.currency == NULL || strcmp(payment.currency, total->currency) != 0)
			paysafe_declare_fault(report, total->key, "payment and refunds have different currencies");
		else if (payment.captured == NULL ||
				 paysafe_money_compare(total->total, payment.captured) > 0)
			paysafe_declare_fault(report, total->key,
								  psprintf("refunds of this payment total %s, captured is %s",
										   paysafe_money_text(total->total),
										   payment.captured ? paysafe_money_text(payment.captured) : "nothing"));
	}
}

/*
 * Approvals
 */

typedef struct RefundRow
{
	Oid			root;
	int			count;
	char	   *payment;
	char	   *status;
	bool		gated;
	bool		voided;
	uint8		digest[PAYSAFE_SHA256_LEN];
	const char *key;
	int64		valid_for;
} RefundRow;

static bool
read_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	RefundRow  *refund = arg;
	const RelationRules *rules;
	const RefundSide *side = &((RefundState *) refund_rule_of(rel, refund->root, &rules)->state)->refund;
	Threshold  *threshold;
	bool		isnull;

	if (++refund->count > 1)
		return false;
	refund->payment = payment_key_text(side->payment_type,
									   slot_getattr(row, side->payment_attnum, &isnull));
	refund->status = paysafe_state_text(&side->gated.column, row);
	refund->gated = paysafe_state_find(&side->gated, row) >= 0;
	refund->voided = paysafe_state_find(&side->voided, row) >= 0;
	digest_refund(side, refund->key, row, refund->digest);
	threshold = find_threshold(side->thresholds, paysafe_state_text(&side->currency, row));
	refund->valid_for = threshold ? threshold->valid_for : DEFAULT_VALID_FOR;
	return true;
}

static void
approval_subject(const Rule *rule, const char *key, ApprovalSubject *out)
{
	/* looking for the row may compile rules anew: keep what is needed later */
	RefundState state = *(RefundState *) rule->state;
	RefundRow	refund = {.root = state.refund_root, .key = key};
	Snapshot	snapshot;

	if (state.is_payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("payments are not subject to approval"),
				 errhint("Name the refund table and the refund.")));
	snapshot = paysafe_latest_snapshot();
	paysafe_key_find(state.refund_root, key, snapshot, read_refund, &refund);
	UnregisterSnapshot(snapshot);
	if (refund.count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(refund.count == 0 ? "refund \"%s\" does not exist in table \"%s\"" :
						"refund \"%s\" exists more than once in table \"%s\"",
						key, get_rel_name(state.refund_root))));
	if (refund.gated || refund.voided)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund \"%s\" cannot be approved in status \"%s\"", key, refund.status)));
	memcpy(out->digest, refund.digest, PAYSAFE_SHA256_LEN);
	out->valid_for = refund.valid_for;
	out->requesters = requesters_of(payment_events(&state, refund.payment), key);
}

/*
 * Words
 */

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("sum of %s by %s <= %s of %s; %s %s needs approval above the threshold; %s does not count",
					paysafe_spec_text(spec, "amount_column"),
					paysafe_spec_text(spec, "payment_column"),
					paysafe_spec_text(spec, "payment_amount_column"),
					OidIsValid(reference) && get_rel_name(reference) ? get_rel_name(reference) : "?",
					paysafe_spec_text(spec, "status_column"),
					paysafe_strings_join(paysafe_spec_set(spec, "gated")),
					paysafe_strings_join(paysafe_spec_set(spec, "void")));
}

static char *
loosens(const RuleSource *old_rule, const RuleSource *new_rule)
{
	static const char *const columns[] = {
		"payment_column", "amount_column", "currency_column", "status_column",
		"payment_key_column", "payment_amount_column", "payment_currency_column"
	};
	bool		tighter = old_rule->reference == new_rule->reference &&
		paysafe_strings_minus(paysafe_spec_set(old_rule->spec, "gated"),
							  paysafe_spec_set(new_rule->spec, "gated")) == NIL &&
		paysafe_strings_minus(paysafe_spec_set(new_rule->spec, "void"),
							  paysafe_spec_set(old_rule->spec, "void")) == NIL;

	for (int i = 0; i < (int) lengthof(columns); i++)
		tighter &= strcmp(paysafe_spec_text(old_rule->spec, columns[i]),
						  paysafe_spec_text(new_rule->spec, columns[i])) == 0;
	if (tighter)
		return NULL;
	return psprintf("replaces \"%s\" by \"%s\"",
					describe(old_rule->name, old_rule->reference, old_rule->spec),
					describe(new_rule->name, new_rule->reference, new_rule->spec));
}

const RuleKind paysafe_refund_kind = {
	.name = "refund",
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.check_existing_end = check_existing_end,
	.refuse_truncate = refuse_truncate,
	.approval_subject = approval_subject,
	.loosens = loosens,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_refund);

/*
 * The column of the payment that refunds refer to: what a foreign key says,
 * otherwise the primary key.
 */
static char *
payment_key_column(Oid refund, const char *payment_column, Oid payment)
{
	Relation	rel = table_open(refund, AccessShareLock);
	AttrNumber	attnum = existing_column(rel, payment_column);
	AttrNumber	found = InvalidAttrNumber;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->nkeys == 1 && fk->conkey[0] == attnum && fk->confrelid == payment)
			found = fk->confkey[0];
	}
	table_close(rel, AccessShareLock);
	if (found == InvalidAttrNumber)
	{
		AttrNumber *attnums;

		rel = table_open(payment, AccessShareLock);
		if (paysafe_key_columns(rel, &attnums) == 1)
			found = attnums[0];
		table_close(rel, AccessShareLock);
	}
	if (found == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("which column of \"%s\" refunds refer to is not clear", get_rel_name(payment)),
				 errhint("Give \"%s\" a primary key of one column, or \"%s\" a foreign key to it.",
						 get_rel_name(payment), payment_column)));
	return get_attname(payment, found, false);
}

/* What the two tables must have in common, seen before anything is stored. */
static void
check_pair(Oid refund, Oid payment, const char *payment_column, const char *key_column,
		   const char *amount_column, const char *payment_amount_column)
{
	Relation	refund_rel = table_open(refund, AccessShareLock);
	Relation	payment_rel = table_open(payment, AccessShareLock);
	AttrNumber	attnum = existing_column(refund_rel, payment_column);
	KeyEquality equality;
	AmountColumn amount;
	AmountColumn captured;
	ListCell   *lc;

	paysafe_key_equality(payment_rel, existing_column(payment_rel, key_column),
						 TupleDescAttr(RelationGetDescr(refund_rel), attnum - 1)->atttypid, &equality);
	paysafe_money_column(refund_rel, amount_column, &amount);
	paysafe_money_column(payment_rel, payment_amount_column, &captured);
	if (paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&captured))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						amount_column, payment_amount_column)));
	foreach(lc, leaves_of(refund))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		if (!paysafe_key_has_index(leaf, existing_column(leaf, payment_column)))
			ereport(WARNING,
					(errmsg("table \"%s\" has no index on column \"%s\"",
							RelationGetRelationName(leaf), payment_column),
					 errdetail("Each refund will read the whole table."),
					 errhint("CREATE INDEX ON %s (%s);", paysafe_declare_table_name(refund),
							 quote_identifier(payment_column))));
		table_close(leaf, AccessShareLock);
	}
	table_close(payment_rel, AccessShareLock);
	table_close(refund_rel, AccessShareLock);
}

/*
 * protect_refund(refund, payment, payment_column, amount_column,
 *				  currency_column, status_column, gated text[], void text[],
 *				  payment_amount_column, payment_currency_column) returns void
 */
Datum
paysafe_protect_refund(PG_FUNCTION_ARGS)
{
	Oid			refund;
	Oid			payment;
	char	   *payment_column = paysafe_declare_name_argument(fcinfo, 2, "payment_column");
	char	   *amount_column = paysafe_declare_name_argument(fcinfo, 3, "amount_column");
	char	   *currency_column = paysafe_declare_name_argument(fcinfo, 4, "currency_column");
	char	   *status_column = paysafe_declare_name_argument(fcinfo, 5, "status_column");
	List	   *gated = paysafe_declare_set_argument(fcinfo, 6, "gated");
	List	   *voided = paysafe_declare_set_argument(fcinfo, 7, "void");
	char	   *payment_amount_column = paysafe_declare_name_argument(fcinfo, 8, "payment_amount_column");
	char	   *payment_currency_column = paysafe_declare_name_argument(fcinfo, 9, "payment_currency_column");
	char	   *key_column;
	SpecBuilder spec;
	ListCell   *lc;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", PG_ARGISNULL(0) ? "refund" : "payment")));
	refund = PG_GETARG_OID(0);
	payment = PG_GETARG_OID(1);
	if (refund == payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refunds and payments must be two tables")));
	if (gated == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "gated")));
	foreach(lc, gated)
		if (paysafe_strings_contain(voided, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be both gated and void", (char *) lfirst(lc))));
	paysafe_declare_lock(refund);
	paysafe_declare_lock(payment);
	key_column = payment_key_column(refund, payment_column, payment);
	check_pair(refund, payment, payment_column, key_column, amount_column, payment_amount_column);

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "payment_column", payment_column);
	paysafe_spec_add_text(&spec, "payment_key_column", key_column);
	paysafe_spec_add_text(&spec, "amount_column", amount_column);
	paysafe_spec_add_text(&spec, "currency_column", currency_column);
	paysafe_spec_add_text(&spec, "status_column", status_column);
	paysafe_spec_add_set(&spec, "gated", gated);
	paysafe_spec_add_set(&spec, "void", voided);
	paysafe_spec_add_text(&spec, "payment_amount_column", payment_amount_column);
	paysafe_spec_add_text(&spec, "payment_currency_column", payment_currency_column);
	paysafe_declare(refund, "refund", payment, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_set_refund_threshold);

/* What a change of the threshold loosens, or NULL. */
static char *
threshold_loosens(const Threshold *old_threshold, const Threshold *new_threshold, const char *currency)
{
	StringInfoData words;

	initStringInfo(&words);
	if (paysafe_money_compare(new_threshold->amount, old_threshold->amount) > 0)
		appendStringInfo(&words, "raises the threshold from %s to %s; ",
						 money_words(old_threshold->amount, currency),
						 money_words(new_threshold->amount, currency));
	if (new_threshold->approvers < old_threshold->approvers)
		appendStringInfo(&words, "lowers the approvers from %d to %d; ",
						 old_threshold->approvers, new_threshold->approvers);
	if (new_threshold->within < old_threshold->within)
		appendStringInfo(&words, "shortens the period from %s to %s; ",
						 period_words(old_threshold->within), period_words(new_threshold->within));
	if (new_threshold->valid_for > old_threshold->valid_for)
		appendStringInfo(&words, "lets approvals live %s instead of %s; ",
						 period_words(new_threshold->valid_for), period_words(old_threshold->valid_for));
	if (words.len == 0)
		return NULL;
	words.data[words.len - 2] = '\0';
	return words.data;
}

/*
 * set_refund_threshold(refund, currency, amount, approvers, within, valid_for)
 * returns void
 */
Datum
paysafe_set_refund_threshold(PG_FUNCTION_ARGS)
{
	Oid			refund = PG_GETARG_OID(0);
	char	   *currency = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Threshold	threshold = {
		.amount = PG_GETARG_NUMERIC(2),
		.approvers = PG_GETARG_INT32(3),
		.within = paysafe_approval_period(PG_GETARG_INTERVAL_P(4), "within"),
		.valid_for = paysafe_approval_period(PG_GETARG_INTERVAL_P(5), "valid_for")
	};
	const PaysafeActor *actor = paysafe_actor_current();
	RuleSource	rule;
	bool		removed;
	Threshold  *old_threshold;
	char	   *words;
	Datum		values[THRESHOLD_NCOLUMNS];
	bool		nulls[THRESHOLD_NCOLUMNS] = {0};

	paysafe_declare_check_owner(refund);
	/* one at a time; writers of refunds are not kept waiting */
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_THRESHOLD), refund, 0, ExclusiveLock);
	if (!paysafe_rule_newest(refund, "refund", &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no refund rule", get_rel_name(refund)),
				 errhint("Declare it with paysafe.protect_refund.")));
	if (paysafe_money_scale(currency) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", currency),
				 errhint("Declare it with paysafe.set_currency.")));
	if (numeric_is_nan(threshold.amount) || numeric_is_inf(threshold.amount) ||
		paysafe_money_compare(threshold.amount, paysafe_money_zero()) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a threshold must be a finite amount that is not negative")));
	if (threshold.approvers < 1 || threshold.approvers > 10)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and 10", "approvers")));

	old_threshold = find_threshold(read_thresholds(refund), currency);
	if (old_threshold != NULL)
	{
		if (paysafe_money_compare(old_threshold->amount, threshold.amount) == 0 &&
			old_threshold->approvers == threshold.approvers &&
			old_threshold->within == threshold.within &&
			old_threshold->valid_for == threshold.valid_for)
			PG_RETURN_VOID();
		words = threshold_loosens(old_threshold, &threshold, currency);
		if (words != NULL)
			paysafe_declare_authorize(refund, psprintf("threshold for %s", currency),
									  old_threshold->version + 1, words);
	}
	values[THRESHOLD_RELATION] = ObjectIdGetDatum(refund);
	values[THRESHOLD_CURRENCY] = CStringGetTextDatum(currency);
	values[THRESHOLD_VERSION] = Int32GetDatum(old_threshold ? old_threshold->version + 1 : 1);
	values[THRESHOLD_AMOUNT] = NumericGetDatum(threshold.amount);
	values[THRESHOLD_APPROVERS] = Int32GetDatum(threshold.approvers);
	values[THRESHOLD_WITHIN] = PG_GETARG_DATUM(4);
	values[THRESHOLD_VALID_FOR] = PG_GETARG_DATUM(5);
	values[THRESHOLD_SINCE] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[THRESHOLD_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[THRESHOLD_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	nulls[THRESHOLD_REASON] = actor == NULL || actor->reason == NULL;
	values[THRESHOLD_REASON] = nulls[THRESHOLD_REASON] ? (Datum) 0 : CStringGetTextDatum(actor->reason);
	nulls[THRESHOLD_TICKET] = actor == NULL || actor->ticket == NULL;
	values[THRESHOLD_TICKET] = nulls[THRESHOLD_TICKET] ? (Datum) 0 : CStringGetTextDatum(actor->ticket);
	paysafe_store_insert(PAYSAFE_THRESHOLD, values, nulls);
	paysafe_rule_invalidate(refund);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_set_currency);

/*
 * set_currency(code text, decimals int) returns void
 */
Datum
paysafe_set_currency(PG_FUNCTION_ARGS)
{
	char	   *code = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int32		decimals = PG_GETARG_INT32(1);
	int			known;
	Datum		values[3];
	bool		nulls[3] = {0};

	if (code[0] == '\0' || strlen(code) > 16)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d bytes", "code", 16)));
	if (decimals < 0 || decimals > 30)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 0 and 30", "decimals")));
	/* one at a time */
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_CURRENCY), 0, 0, ExclusiveLock);
	known = paysafe_money_scale(code);
	if (known == decimals)
		PG_RETURN_VOID();
	if (known >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" has %d decimals, and that cannot be changed", code, known),
				 errdetail("Amounts already stored would change their meaning.")));
	values[0] = CStringGetTextDatum(code);
	values[1] = Int16GetDatum((int16) decimals);
	values[2] = BoolGetDatum(false);	/* not from ISO 4217 */
	paysafe_store_insert(PAYSAFE_CURRENCY, values, nulls);
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_CURRENCY));
	PG_RETURN_VOID();
}

/*
 * Refunds that wait for approval
 */

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

	if (paysafe_state_find(&side->voided, row) >= 0 || paysafe_state_find(&side->gated, row) >= 0)
		return false;
	if (side->machine != NULL)
	{
		int			from = paysafe_machine_find(side->machine,
												paysafe_state_text(&side->gated.column, row));

		for (int i = 0; from >= 0 && i < side->gated.n; i++)
		{
			int			to = paysafe_machine_find(side->machine, side->gated.values[i].text);

			if (to >= 0 && paysafe_machine_allows(side->machine, from, to))
				return true;
		}
		return false;
	}
	return gate_passed(state, side, events, key, row) == 0;
}

static void
output_pending(Relation rel, const RefundState *state, const RelationRules *rules,
			   TupleTableSlot *row, PendingOutput *out)
{
	const RefundSide *side = &state->refund;
	char	   *key = paysafe_key_text(rules, RelationGetDescr(rel), row);
	bool		isnull;
	Datum		payment = slot_getattr(row, side->payment_attnum, &isnull);
	char	   *payment_key = payment_key_text(side->payment_type, payment);
	char	   *currency = paysafe_state_text(&side->currency, row);
	List	   *events = payment_events(state, payment_key);
	Threshold  *threshold = find_threshold(side->thresholds, currency);
	RefundSum	sum = {.events = events, .except = key};
	ApprovalSubject subject = {.requesters = requesters_of(events, key)};
	Numeric		total;
	int			needed;
	Datum		values[12];
	bool		nulls[12] = {0};

	if (!awaits_gate(state, events, key, row))
		return;
	sum.gate_from = GetCurrentTimestamp() - (threshold ? threshold->within : 0);
	sum_refunds(state, rules, payment, side->payment_type, &sum);
	total = paysafe_money_add(sum.gate_total, refund_amount(side, row));
	needed = approvals_needed(threshold, total);
	if (needed == 0)
		return;
	subject.valid_for = threshold ? threshold->valid_for : DEFAULT_VALID_FOR;
	digest_refund(side, key, row, subject.digest);

	values[0] = ObjectIdGetDatum(state->refund_root);
	values[1] = CStringGetTextDatum(key);
	values[2] = CStringGetTextDatum(payment_key);
	values[3] = NumericGetDatum(refund_amount(side, row));
	values[4] = CStringGetTextDatum(currency);
	values[5] = CStringGetTextDatum(paysafe_state_text(&side->gated.column, row));
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

		if (strcmp(event->kind, EVENT_REQUESTED) == 0 && strcmp(event->refund, key) == 0)
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

	if (strcmp(column_text(tuple, desc, 1), "refund") == 0)
		*relids = list_append_unique_oid(*relids,
										 DatumGetObjectId(heap_getattr(tuple, 1, desc, &isnull)));
	return true;
}

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
			!paysafe_rule_newest(lfirst_oid(lc), "refund", &rule, &removed) || removed)
			continue;
		foreach(lc2, leaves_of(lfirst_oid(lc)))
		{
			Relation	leaf = table_open(lfirst_oid(lc2), AccessShareLock);
			Snapshot	snapshot = paysafe_latest_snapshot();
			TableScanDesc scan = table_beginscan(leaf, snapshot, 0, NULL);
			TupleTableSlot *slot = table_slot_create(leaf, NULL);

			while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			{
				const RelationRules *rules;
				const RefundState *state;
				MemoryContext old = MemoryContextSwitchTo(row_context);

				CHECK_FOR_INTERRUPTS();
				state = refund_rule_of(leaf, lfirst_oid(lc), &rules)->state;
				if (paysafe_state_find(&state->refund.gated, slot) < 0 &&
					paysafe_state_find(&state->refund.voided, slot) < 0)
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
