/*-------------------------------------------------------------------------
 *
 * refund_event.c
 *	  What paysafe remembers of refunds, beyond their rows.
 *
 * Who requested a refund, that it passed the gate and when, that it was void: each
 * is an event, written when it happens.  The last one says where in its life the
 * refund is, whatever the rule calls its status by then: no change of the rule or
 * of the status machine lets a refund through the gate.
 *
 * Events are of a row, named by its whole primary key, and are numbered: a row
 * that is deleted and added again goes on counting, so that nothing that was
 * given to the first one, an approval for instance, fits the second.
 *
 * The event of a row that passed by approvals says what it contained.  UPDATE cannot
 * change that; if columns are dropped, added or renamed so that the row says
 * something else, it has not passed any more.
 *
 * A refund that a provider has paid out, although it had not passed, is recorded: what
 * it takes counts from then on, and the way to the other gated statuses stays shut.
 *
 * A row without events was there before the rule.  It passed the gate then if its
 * status has been gated in every version of the rule since: no way into that
 * status would have gone without an event.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "people/actor.h"
#include "rules/refund/refund.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.refund_event. */
enum
{
	EVENT_RELATION, EVENT_PAYMENT, EVENT_REFUND, EVENT_ROW, EVENT_STEP, EVENT_KIND,
	EVENT_DECLARATION, EVENT_AMOUNT, EVENT_CURRENCY, EVENT_ACTOR, EVENT_LOGIN,
	EVENT_SESSION_USER, EVENT_APPROVALS, EVENT_AT, EVENT_COLUMNS, EVENT_CONTENT,
	EVENT_ENDED_AT, EVENT_PASSED_AT, EVENT_RULE, EVENT_IDENTITY, EVENT_BANDS,
	EVENT_NCOLUMNS
};

typedef struct LifeEntry
{
	char	   *key;			/* hash key */
	RefundLife	life;
} LifeEntry;

struct RefundLives
{
	const RefundState *state;
	HTAB	   *by_key;			/* NULL: only one row was asked for, */
	LifeEntry	one;			/* ... this, if it has a key */
};

static uint32
hash_key(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_key(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool
is_written(const char *kind)
{
	return strcmp(kind, REFUND_REQUESTED) == 0 || strcmp(kind, REFUND_CHANGED) == 0;
}

static bool
is_end(const char *kind)
{
	return strcmp(kind, REFUND_LEFT) == 0 || strcmp(kind, REFUND_VOIDED) == 0;
}

static bool
is_passing(const char *kind)
{
	return strcmp(kind, REFUND_GATED) == 0 || strcmp(kind, REFUND_RECORDED) == 0;
}

/* What an event says that has passed. */
static EndedPassing
read_passing(const Datum *values, const bool *nulls)
{
	return (EndedPassing)
	{
		.at = DatumGetTimestampTz(values[EVENT_AT]),
		.amount = nulls[EVENT_AMOUNT] ? NULL : DatumGetNumericCopy(values[EVENT_AMOUNT]),
		.currency = nulls[EVENT_CURRENCY] ? NULL : TextDatumGetCString(values[EVENT_CURRENCY])
	};
}

/* The money may be gone: what became of the row afterwards does not bring it back. */
static void
end_passing(RefundLife *life, const Datum *values, const bool *nulls, char *currency)
{
	EndedPassing *ended;

	if (life->stage != REFUND_PASSED && life->stage != REFUND_FACT)
		return;
	ended = palloc(sizeof(EndedPassing));
	*ended = read_passing(values, nulls);
	ended->at = life->passed;
	ended->currency = life->currency ? life->currency : currency;
	life->ended = lappend(list_copy(life->ended), ended);
}

/* What an event makes of a life. */
static void
apply_event(RefundLife *life, const char *kind, Person *person, TimestampTz at, int approvals)
{
	if (strcmp(kind, REFUND_CHANGED) == 0)
	{
		life->changed = person->at = at;
		life->writers = paysafe_refund_with_person(life->writers, person);
		life->changes++;
		return;
	}
	if (life->stage == REFUND_GONE)
	{
		life->requesters = NIL;
		life->requested = life->passed = 0;
		life->approvals = 0;
		life->columns = NIL;
	}
	if (strcmp(kind, REFUND_REQUESTED) == 0)
	{
		life->stage = REFUND_WAITING;
		life->requesters = paysafe_refund_with_person(life->requesters, person);
		life->requested = at;
	}
	else if (strcmp(kind, REFUND_GATED) == 0)
	{
		life->stage = REFUND_PASSED;
		life->passed = at;
		life->approvals = approvals;
	}
	else if (strcmp(kind, REFUND_RECORDED) == 0)
	{
		life->stage = REFUND_FACT;
		life->passed = at;
		life->approvals = 0;
		life->columns = NIL;
	}
	else if (strcmp(kind, REFUND_LEFT) == 0)
		life->stage = REFUND_WAITING;
	else if (strcmp(kind, REFUND_VOIDED) == 0)
		life->stage = REFUND_VOID;
	else
		life->stage = REFUND_GONE;
	if (life->stage == REFUND_GONE)
		life->writers = NIL;
}

/* The content that a row passed the gate with; of a row without approval, none. */
static void
read_content(RefundLife *life, const Datum *values, const bool *nulls)
{
	bytea	   *content;

	life->columns = NIL;
	if (nulls[EVENT_COLUMNS] || nulls[EVENT_CONTENT])
		return;
	content = DatumGetByteaPP(values[EVENT_CONTENT]);
	if (VARSIZE_ANY_EXHDR(content) != PAYSAFE_SHA256_LEN)
		elog(ERROR, "the content of refund \"%s\" has another length than a digest", life->key);
	memcpy(life->content, VARDATA_ANY(content), PAYSAFE_SHA256_LEN);
	life->columns = paysafe_strings_of_array(DatumGetArrayTypeP(values[EVENT_COLUMNS]), "columns");
}

static Person *
read_person(HeapTuple tuple, TupleDesc desc)
{
	Person	   *person = palloc0(sizeof(Person));
	char	   *level = paysafe_store_text(tuple, desc, EVENT_IDENTITY);

	person->actor = paysafe_store_text(tuple, desc, EVENT_ACTOR);
	person->login = paysafe_store_text(tuple, desc, EVENT_LOGIN);
	person->session_user_name = paysafe_store_text(tuple, desc, EVENT_SESSION_USER);
	person->level = level ? paysafe_identity_parse(level) : IDENTITY_NONE;
	return person;
}

/* Events of a row come in the order of their steps: that of the index. */
static bool
collect_event(Relation rel, HeapTuple tuple, void *arg)
{
	RefundLives *lives = arg;
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	char	   *key;
	char	   *kind;
	LifeEntry  *entry = &lives->one;
	Person	   *person = NULL;
	char	   *currency;
	bool		found = entry->key != NULL;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	key = TextDatumGetCString(values[EVENT_ROW]);
	kind = TextDatumGetCString(values[EVENT_KIND]);
	if (lives->by_key != NULL)
		entry = hash_search(lives->by_key, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->key = key;
		entry->life = (RefundLife) {.key = key, .stage = REFUND_GONE};
	}
	if (is_written(kind))
		person = read_person(tuple, RelationGetDescr(rel));
	entry->life.steps = DatumGetInt32(values[EVENT_STEP]);
	if (strcmp(kind, REFUND_CHANGED) != 0)
		entry->life.told = DatumGetInt32(values[EVENT_DECLARATION]) == lives->state->declaration;
	currency = nulls[EVENT_CURRENCY] ? NULL : TextDatumGetCString(values[EVENT_CURRENCY]);
	if (is_end(kind))
		end_passing(&entry->life, values, nulls, currency);
	else if (strcmp(kind, REFUND_MOVED) == 0)
		entry->life.ended = NIL;	/* told of the new key */
	apply_event(&entry->life, kind, person, DatumGetTimestampTz(values[EVENT_AT]),
				DatumGetInt32(values[EVENT_APPROVALS]));
	if (is_passing(kind))
	{
		entry->life.passing = read_passing(values, nulls);
		entry->life.bands = nulls[EVENT_BANDS] ? NIL :
			paysafe_strings_of_array(DatumGetArrayTypeP(values[EVENT_BANDS]), "bands");
		entry->life.currency = currency;
	}
	if (lives->by_key == NULL && strcmp(kind, REFUND_GATED) == 0)
		read_content(&entry->life, values, nulls);
	return true;
}

static RefundLives *
read_lives(const RefundState *state, const char *payment, const char *key, bool to_add)
{
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(LifeEntry),
		.hash = hash_key, .match = match_key, .hcxt = CurrentMemoryContext
	};
	RefundLives *lives = palloc0(sizeof(RefundLives));
	Datum		keys[4] = {
		ObjectIdGetDatum(state->refund_root), CStringGetTextDatum(state->rule), CStringGetTextDatum(payment),
		key ? CStringGetTextDatum(key) : (Datum) 0
	};

	lives->state = state;
	if (key == NULL)
		lives->by_key = hash_create("paysafe refund lives", 64, &ctl,
									HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	if (to_add)
		paysafe_store_scan_to_add(PAYSAFE_REFUND_EVENT, "refund_event_payment", key ? 4 : 3, keys,
								  collect_event, lives);
	else
		paysafe_store_scan(PAYSAFE_REFUND_EVENT, "refund_event_payment", key ? 4 : 3, keys,
						   collect_event, lives);
	return lives;
}

static bool
collect_person(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **persons = arg;
	TupleDesc	desc = RelationGetDescr(rel);

	if (is_written(paysafe_store_text(tuple, desc, EVENT_KIND)))
		*persons = lappend(*persons, read_person(tuple, desc));
	return true;
}

List *
paysafe_refund_event_persons(Oid refund, const char *rule, const char *payment)
{
	List	   *persons = NIL;
	Datum		keys[3] = {ObjectIdGetDatum(refund), CStringGetTextDatum(rule), CStringGetTextDatum(payment)};

	paysafe_store_scan(PAYSAFE_REFUND_EVENT, "refund_event_payment", 3, keys, collect_person, &persons);
	return persons;
}

RefundLives *
paysafe_refund_lives(const RefundState *state, const char *payment)
{
	return read_lives(state, payment, NULL, false);
}

void
paysafe_refund_lives_of(RefundLives *lives, const RefundState *state, Relation leaf,
						TupleTableSlot *row, RefundLife *out)
{
	const RefundSide *side = &state->refund;
	char	   *key = paysafe_row_key_text(&side->whole, RelationGetDescr(leaf), row);
	LifeEntry  *entry = lives->one.key ? &lives->one : NULL;

	if (lives->by_key != NULL)
		entry = hash_search(lives->by_key, &key, HASH_FIND, NULL);
	*out = entry ? entry->life : (RefundLife) {.key = key, .stage = REFUND_GONE};
	if (out->told && out->stage != REFUND_GONE)
		return;

	/* no event tells of this row, or none of this declaration */
	if (out->stage == REFUND_GONE)
	{
		out->requesters = NIL;	/* writers: since the last row of this key */
		out->requested = out->passed = 0;
	}
	out->columns = NIL;
	out->approvals = 0;
	out->stage = REFUND_WAITING;
	if (paysafe_status_value_find(&side->voided, row) >= 0)
		out->stage = REFUND_VOID;
	else if (!out->told && paysafe_status_value_find(&side->always_gated, row) >= 0)
	{
		out->stage = REFUND_PASSED;
		if (out->passed == 0)
			out->passed = state->since;
	}
}

static bool
note_event(Relation rel, HeapTuple tuple, void *arg)
{
	*(bool *) arg = true;
	return false;
}

bool
paysafe_refund_any_ended(const RefundTable *table, TimestampTz from)
{
	Datum		keys[3] = {
		ObjectIdGetDatum(table->root), CStringGetTextDatum(table->rule), CStringGetTextDatum(table->key_text)
	};
	bool		any = false;

	paysafe_store_seek(PAYSAFE_REFUND_EVENT, "refund_event_ended", 3, keys, BTGreaterStrategyNumber,
					   TimestampTzGetDatum(from), false, NULL, note_event, &any);
	return any;
}

static bool
is_same_currency(const char *a, const char *b)
{
	return strcmp(paysafe_money_code(pstrdup(a)), paysafe_money_code(pstrdup(b))) == 0;
}

/*
 * Was it in the currency of the sum?  Of what was noted without one nobody knows: as a payout it has
 * the constant, as a refund that of the payment, and counts.
 */
static bool
was_in(const EndedPassing *ended, const RefundSide *side, const char *currency, bool payouts)
{
	const char *code = ended->currency ? ended->currency : side->constant;

	if (code == NULL || currency == NULL)
		return !payouts;
	return is_same_currency(code, currency);
}

static Numeric
add_amount(const EndedPassing *passing, const RefundSide *side, const RefundSum *sum, Numeric total)
{
	Numeric		amount = passing->amount;

	if (side->payout && paysafe_money_sign(amount) < 0)
		amount = paysafe_money_negate(amount);
	return paysafe_money_add(total, paysafe_refund_in_units(side, amount, sum->minor, sum->currency));
}

/* What has passed and is there, added to total: of a payment all is in one currency. */
static Numeric
add_passing(const EndedPassing *passing, const RefundSide *side, const RefundSum *sum, const char *only,
			Numeric total)
{
	if (passing->amount == NULL || passing->at <= sum->gate_from ||
		(only != NULL && !was_in(passing, side, only, true)))
		return total;
	return add_amount(passing, side, sum, total);
}

/* The amounts of a life, added to total. */
static Numeric
add_ended(const RefundLife *life, const RefundSide *side, const RefundSum *sum, const char *only, Numeric total)
{
	ListCell   *lc;

	foreach(lc, life->ended)
	{
		const EndedPassing *ended = lfirst(lc);

		if (ended->amount != NULL && ended->at > sum->gate_from &&
			was_in(ended, side, only ? only : sum->currency, only != NULL))
			total = add_amount(ended, side, sum, total);
	}
	return total;
}

Numeric
paysafe_refund_lives_ended(const RefundLives *lives, const RefundSum *sum, const char *only)
{
	const RefundSide *side = &lives->state->refund;
	Numeric		total = paysafe_money_zero();
	HASH_SEQ_STATUS status;
	LifeEntry  *entry;

	hash_seq_init(&status, lives->by_key);
	while ((entry = hash_seq_search(&status)) != NULL)
		total = add_ended(&entry->life, side, sum, only, total);
	return total;
}

/* What has passed since a time, as events tell. */
typedef struct PassedScan
{
	const RefundSide *side;
	const RefundSum *sum;
	const char *only;
	bool		exact;			/* which rows they are of is of interest */
	HTAB	   *rows;			/* of char * */
	MemoryContext event_context;
	Numeric		total;
} PassedScan;

static bool
note_passing(Relation rel, HeapTuple tuple, void *arg)
{
	PassedScan *scan = arg;
	MemoryContext old = MemoryContextSwitchTo(scan->event_context);
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];
	EndedPassing passing;
	Numeric		total;
	char	   *key;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (scan->exact)
	{
		key = MemoryContextStrdup(old, TextDatumGetCString(values[EVENT_ROW]));
		(void) hash_search(scan->rows, &key, HASH_ENTER, NULL);
		MemoryContextSwitchTo(old);
	}
	else
	{
		passing = read_passing(values, nulls);
		total = add_passing(&passing, scan->side, scan->sum, scan->only, scan->total);
		MemoryContextSwitchTo(old);
		if (total != scan->total)
		{
			pfree(scan->total);
			scan->total = DatumGetNumericCopy(NumericGetDatum(total));
		}
	}
	MemoryContextReset(scan->event_context);
	return true;
}

/*
 * In a table; without this row's present passing.  Exact by the lives of those rows, or at least
 * that, and quicker.
 */
static Numeric
passed_since(const RefundState *state, const RefundTable *table, const RefundSum *sum,
			 const char *except, bool exact)
{
	HASHCTL		ctl = {
		.keysize = sizeof(char *), .entrysize = sizeof(char *),
		.hash = hash_key, .match = match_key, .hcxt = CurrentMemoryContext
	};
	PassedScan	scan = {
		.side = &state->refund, .sum = sum, .only = table->currency, .exact = exact,
		.total = paysafe_money_zero()
	};
	Datum		keys[3] = {
		ObjectIdGetDatum(table->root), CStringGetTextDatum(table->rule), CStringGetTextDatum(table->key_text)
	};
	HASH_SEQ_STATUS status;
	char	  **key;

	scan.event_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe refund passing",
											   ALLOCSET_SMALL_SIZES);
	if (exact)
		scan.rows = hash_create("paysafe refunds passed", 64, &ctl,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	paysafe_store_seek(PAYSAFE_REFUND_EVENT, "refund_event_passed", 3, keys, BTGreaterStrategyNumber,
					   TimestampTzGetDatum(sum->gate_from), false, NULL, note_passing, &scan);
	if (!exact)
		return scan.total;
	hash_seq_init(&status, scan.rows);
	while ((key = hash_seq_search(&status)) != NULL)
	{
		const RefundLife *life = &read_lives(state, table->key_text, *key, false)->one.life;

		CHECK_FOR_INTERRUPTS();
		scan.total = add_ended(life, scan.side, sum, table->currency, scan.total);
		if ((life->stage == REFUND_PASSED || life->stage == REFUND_FACT) && strcmp(*key, except) != 0)
			scan.total = add_passing(&life->passing, scan.side, sum, table->currency, scan.total);
	}
	return scan.total;
}

bool
paysafe_refund_passed_by_events(const RefundState *state, const FoundPayment *payment, const RowChange *change,
								RefundSum *sum, bool fresh)
{
	Numeric		total = paysafe_money_zero();
	ListCell   *lc;

	foreach(lc, payment->tables)
	{
		RefundTable *table = lfirst(lc);
		List	   *leaves = paysafe_catalog_leaves(table->root);
		const RelationRules *rules;
		const RefundState *other;
		Relation	leaf;
		char	   *except = "";

		if (table->observed || leaves == NIL)
			return false;
		leaf = table_open(linitial_oid(leaves), AccessShareLock);
		other = paysafe_refund_rule_of(leaf, table->root, table->rule, &rules)->compiled;
		table_close(leaf, NoLock);
		if (other->changed > sum->gate_from)
			return false;
		if (paysafe_refund_is_own(table, state))
			except = paysafe_row_key_text(&state->refund.whole, RelationGetDescr(change->rel), change->after);
		total = paysafe_money_add(total, passed_since(other, table, sum, except, fresh));
	}
	sum->gate_total = total;
	return true;
}

RefundLife *
paysafe_refund_life(const RefundState *state, const char *payment, Relation leaf,
					TupleTableSlot *row, bool to_add)
{
	RefundLife *life = palloc(sizeof(RefundLife));
	char	   *key = paysafe_row_key_text(&state->refund.whole, RelationGetDescr(leaf), row);

	paysafe_refund_lives_of(read_lives(state, payment, key, to_add), state, leaf, row, life);
	if (life->stage == REFUND_PASSED && life->columns != NIL && !paysafe_refund_has_content(&state->refund, life, row))
	{
		life->stage = REFUND_WAITING;
		life->altered = true;
	}
	return life;
}

static void
put_content(const RefundLife *life, Datum *values, bool *nulls)
{
	bytea	   *content = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);

	SET_VARSIZE(content, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(content), life->content, PAYSAFE_SHA256_LEN);
	values[EVENT_COLUMNS] = PointerGetDatum(paysafe_strings_array(life->columns));
	values[EVENT_CONTENT] = PointerGetDatum(content);
	nulls[EVENT_COLUMNS] = nulls[EVENT_CONTENT] = life->columns == NIL;
}

static void
put_person(const Person *person, Datum *values, bool *nulls)
{
	nulls[EVENT_ACTOR] = person->actor == NULL;
	values[EVENT_ACTOR] = person->actor ? CStringGetTextDatum(person->actor) : (Datum) 0;
	values[EVENT_LOGIN] = CStringGetTextDatum(person->login);
	values[EVENT_SESSION_USER] = CStringGetTextDatum(person->session_user_name);
	values[EVENT_IDENTITY] = CStringGetTextDatum(paysafe_identity_name(person->level));
}

static void
insert_event(const RefundState *state, RefundLife *life, const FoundPayment *payment,
			 const char *currency, const char *refund, TupleTableSlot *row, const char *kind,
			 int approvals, const Person *person, TimestampTz at)
{
	const RefundSide *side = &state->refund;
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS] = {0};
	Numeric		amount;

	values[EVENT_RELATION] = ObjectIdGetDatum(state->refund_root);
	values[EVENT_PAYMENT] = CStringGetTextDatum(payment->key);
	values[EVENT_REFUND] = CStringGetTextDatum(refund);
	values[EVENT_ROW] = CStringGetTextDatum(life->key);
	values[EVENT_STEP] = Int32GetDatum(++life->steps);
	values[EVENT_KIND] = CStringGetTextDatum(kind);
	values[EVENT_DECLARATION] = Int32GetDatum(state->declaration);
	nulls[EVENT_AMOUNT] = !paysafe_money_value(&side->amount, row, &amount);
	if (!nulls[EVENT_AMOUNT])
		values[EVENT_AMOUNT] = NumericGetDatum(amount);
	nulls[EVENT_CURRENCY] = currency == NULL;
	values[EVENT_CURRENCY] = currency ? CStringGetTextDatum(currency) : (Datum) 0;
	put_person(person, values, nulls);
	values[EVENT_APPROVALS] = Int32GetDatum(approvals);
	values[EVENT_AT] = values[EVENT_ENDED_AT] = values[EVENT_PASSED_AT] = TimestampTzGetDatum(at);
	nulls[EVENT_ENDED_AT] = !is_end(kind);
	nulls[EVENT_PASSED_AT] = !is_passing(kind);
	values[EVENT_RULE] = CStringGetTextDatum(state->rule);
	nulls[EVENT_COLUMNS] = nulls[EVENT_CONTENT] = true;
	if (strcmp(kind, REFUND_GATED) == 0)
		put_content(life, values, nulls);
	nulls[EVENT_BANDS] = !is_passing(kind) || life->bands == NIL;
	values[EVENT_BANDS] = PointerGetDatum(paysafe_strings_array(life->bands));
	paysafe_store_insert(PAYSAFE_REFUND_EVENT, values, nulls);
}

void
paysafe_refund_add_event(const RefundState *state, RefundLife *life, const FoundPayment *payment,
						 const char *refund, TupleTableSlot *row, const char *kind, int approvals)
{
	Person	   *person = paysafe_person_current();
	TimestampTz now = GetCurrentTimestamp();

	life->told = true;
	life->altered = false;
	if (strcmp(kind, REFUND_GATED) == 0)
	{
		life->columns = NIL;
		if (approvals > 0)
			paysafe_refund_read_content(&state->refund, row, life);
	}
	insert_event(state, life, payment, paysafe_refund_currency(&state->refund, row, payment), refund, row, kind,
				 approvals, person, now);
	apply_event(life, kind, person, now, approvals);
}

void
paysafe_refund_add_change(const RefundState *state, RefundLife *life, const FoundPayment *payment,
						  const char *refund, TupleTableSlot *row)
{
	Person	   *person = paysafe_person_current();
	TimestampTz now = GetCurrentTimestamp();

	insert_event(state, life, payment, paysafe_refund_currency(&state->refund, row, payment), refund, row,
				 REFUND_CHANGED, 0, person, now);
	apply_event(life, REFUND_CHANGED, person, now, 0);
}

/* Payments whose column rises: each event is of a refund of its own. */

typedef struct Rises
{
	const char *currency;		/* only those in it; NULL: in any */
	TimestampTz from;
	int			steps;
	Numeric		total;
} Rises;

static bool
collect_rise(Relation rel, HeapTuple tuple, void *arg)
{
	Rises	   *rises = arg;
	Datum		values[EVENT_NCOLUMNS];
	bool		nulls[EVENT_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	rises->steps = Max(rises->steps, DatumGetInt32(values[EVENT_STEP]));
	if (!nulls[EVENT_AMOUNT] && DatumGetTimestampTz(values[EVENT_AT]) > rises->from &&
		(rises->currency == NULL || nulls[EVENT_CURRENCY] ||
		 is_same_currency(TextDatumGetCString(values[EVENT_CURRENCY]), rises->currency)))
		rises->total = paysafe_money_add(rises->total, DatumGetNumeric(values[EVENT_AMOUNT]));
	return true;
}

Numeric
paysafe_refund_risen_within(const RefundState *state, const char *payment, const char *currency,
							int64 within, bool to_add, int *steps)
{
	Rises		rises = {.currency = currency, .from = GetCurrentTimestamp() - within, .total = paysafe_money_zero()};
	Datum		keys[3] = {
		ObjectIdGetDatum(state->refund_root), CStringGetTextDatum(state->rule), CStringGetTextDatum(payment)
	};

	if (to_add)
		paysafe_store_scan_to_add(PAYSAFE_REFUND_EVENT, "refund_event_payment", 3, keys, collect_rise, &rises);
	else
		paysafe_store_scan(PAYSAFE_REFUND_EVENT, "refund_event_payment", 3, keys, collect_rise, &rises);
	*steps = rises.steps;
	return rises.total;
}

void
paysafe_refund_add_rise(const RefundState *state, const char *payment, const char *refund,
						const char *whole_key, int step, Numeric amount, const char *currency,
						bool is_fact, int approvals, List *bands)
{
	Datum		values[EVENT_NCOLUMNS] = {0};
	bool		nulls[EVENT_NCOLUMNS] = {0};

	values[EVENT_RELATION] = ObjectIdGetDatum(state->refund_root);
	values[EVENT_PAYMENT] = CStringGetTextDatum(payment);
	values[EVENT_REFUND] = CStringGetTextDatum(refund);
	values[EVENT_ROW] = CStringGetTextDatum(whole_key);
	values[EVENT_STEP] = Int32GetDatum(step);
	values[EVENT_KIND] = CStringGetTextDatum(is_fact ? REFUND_RECORDED : REFUND_GATED);
	values[EVENT_DECLARATION] = Int32GetDatum(state->declaration);
	values[EVENT_AMOUNT] = NumericGetDatum(amount);
	values[EVENT_CURRENCY] = CStringGetTextDatum(currency);
	put_person(paysafe_person_current(), values, nulls);
	values[EVENT_APPROVALS] = Int32GetDatum(approvals);
	values[EVENT_AT] = values[EVENT_PASSED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[EVENT_RULE] = CStringGetTextDatum(state->rule);
	nulls[EVENT_ENDED_AT] = nulls[EVENT_COLUMNS] = nulls[EVENT_CONTENT] = true;
	nulls[EVENT_BANDS] = bands == NIL;
	values[EVENT_BANDS] = PointerGetDatum(paysafe_strings_array(bands));
	paysafe_store_insert(PAYSAFE_REFUND_EVENT, values, nulls);
}

/* All but the last passing, which is told with the rest, go along. */
static void
move_ended(const RefundState *state, RefundLife *moved, const FoundPayment *payment, const char *refund,
		   TupleTableSlot *row, bool altered)
{
	bool		in_force = moved->stage == REFUND_PASSED || moved->stage == REFUND_FACT || altered;
	int			n = list_length(moved->ended) - (in_force ? 0 : 1);

	for (int i = 0; i < n; i++)
	{
		const EndedPassing *ended = list_nth(moved->ended, i);

		insert_event(state, moved, payment, ended->currency, refund, row, REFUND_RECORDED, 0,
					 paysafe_person_current(), ended->at);
		insert_event(state, moved, payment, ended->currency, refund, row, REFUND_LEFT, 0,
					 paysafe_person_current(), ended->at);
	}
}

RefundLife *
paysafe_refund_move(const RefundState *state, RefundLife *life, const FoundPayment *payment,
					const char *refund, Relation leaf, TupleTableSlot *row)
{
	RefundLife *moved = paysafe_refund_life(state, payment->key, leaf, row, true);
	char	   *currency = paysafe_refund_currency(&state->refund, row, payment);
	int			steps = moved->steps;
	int			changes = moved->changes;
	char	   *key = moved->key;
	ListCell   *lc;

	*moved = *life;
	moved->key = key;
	moved->steps = steps;
	moved->changes = changes;
	if (life->steps == 0)
		return moved;			/* its status tells the same wherever it is */
	paysafe_refund_add_event(state, life, payment, refund, row, REFUND_MOVED, 0);
	foreach(lc, moved->requesters)
		insert_event(state, moved, payment, currency, refund, row, REFUND_REQUESTED, 0, lfirst(lc),
					 moved->requested);
	foreach(lc, moved->writers)
	{
		moved->changes++;
		insert_event(state, moved, payment, currency, refund, row, REFUND_CHANGED, 0, lfirst(lc),
					 ((Person *) lfirst(lc))->at);
	}
	/* each since the first of their changes; and the last of all, since it has waited from then on */
	if (moved->writers != NIL && ((Person *) llast(moved->writers))->at < moved->changed)
	{
		moved->changes++;
		insert_event(state, moved, payment, currency, refund, row, REFUND_CHANGED, 0, llast(moved->writers), moved->changed);
	}
	move_ended(state, moved, payment, refund, row, life->altered);
	if (moved->passed != 0)
		insert_event(state, moved, payment, life->currency ? life->currency : currency, refund, row,
					 moved->stage == REFUND_FACT ? REFUND_RECORDED : REFUND_GATED, moved->approvals,
					 paysafe_person_current(), moved->passed);
	if (moved->stage == REFUND_VOID ||
		(moved->stage == REFUND_WAITING && (moved->passed != 0 || moved->requesters == NIL)))
	{
		insert_event(state, moved, payment, currency, refund, row,
					 moved->stage == REFUND_VOID ? REFUND_VOIDED : REFUND_LEFT, 0,
					 paysafe_person_current(), GetCurrentTimestamp());
		moved->altered = false;
	}
	return moved;
}
