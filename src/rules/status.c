/*-------------------------------------------------------------------------
 *
 * status.c
 *	  Status machines.
 *
 * The values before and after are looked up among the declared states by
 * exact comparison, and the move between them in a bit matrix.  The primary
 * key of a row that has left its initial status is frozen with it, or two rows
 * could swap their identities and with them their states.  A row that a machine
 * leads back to an initial status gets a mark (engine/row_mark.h), which rules of
 * payments read too.
 *
 * A status that records what has happened in the world is entered from wherever the
 * row is: if the machine does not lead there, that is a breach (engine/breach.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "engine/accepted.h"
#include "engine/assigned.h"
#include "engine/breach.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/row_mark.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "engine/status_advice.h"
#include "engine/status_machine.h"
#include "engine/status_names.h"
#include "engine/test_rows.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/machine.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

#define WORD_BITS 64

typedef struct StatusState
{
	Machine    *machine;
	StatusSet	states;			/* in the machine's order */
	bool	   *deletable;
	bool	   *recorded;		/* entered in spite of the machine */
	int			words;			/* per row of the matrix */
	uint64	   *allowed;		/* [from][to / 64], bit to % 64 */
	Oid			declared_on;
	RowKey		whole;			/* names rows for their marks */
	bool	   *unmoved;		/* a row there without a mark never left it */
	bool		mark_existing;	/* see freezes_more */
} StatusState;

static Machine *
parse_machine(const char *text)
{
	MachineError error;
	Machine    *machine = paysafe_machine_parse(text, &error);

	if (machine == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("status machine is not valid: %s", paysafe_redact_string(error.message)),
				 error.line > 0 ? errdetail("Line %d of the diagram.", error.line) : 0,
				 errhint("Write a Mermaid state diagram: lines like \"[*] --> new\", \"new --> paid\", \"paid --> [*]\".")));
	return machine;
}

static bool
is_allowed(const StatusState *state, int from, int to)
{
	return (state->allowed[from * state->words + to / WORD_BITS] >> (to % WORD_BITS)) & 1;
}

/* A state in double quotes, or NULL. */
static const char *
state_name(const StatusState *state, int i)
{
	return state->states.values[i].text == NULL ? "NULL" :
		psprintf("\"%s\"", state->states.values[i].text);
}

/*
 * Is this the declaration of the first status rule beside a payment rule?  That
 * has frozen all rows until now; they stay so, whatever is initial from now on.
 */
static bool
freezes_more(const CompileInput *input)
{
	const RuleSource *status = input->source;
	ListCell   *lc;

	if (status->since < GetCurrentTransactionStartTimestamp())
		return false;
	foreach(lc, input->sources)
	{
		RuleSource *other = lfirst(lc);

		if (other->relation == status->relation && strcmp(other->name, "payment") == 0 &&
			other->since < GetCurrentTransactionStartTimestamp())
			return true;
	}
	return false;
}

static void
compile_unmoved(StatusState *state, const CompileInput *input)
{
	List	   *initial = paysafe_status_machine_initial(input->sources, state->states.column.name);

	state->declared_on = input->source->relation;
	paysafe_row_key_whole(input->leaf, &state->whole);
	state->unmoved = palloc0(sizeof(bool) * state->states.n);
	for (int i = 0; i < state->states.n; i++)
	{
		ListCell   *lc;

		foreach(lc, initial)
		{
			const char *value = state->machine->states[i].value;

			state->unmoved[i] |= value == NULL ? lfirst(lc) == NULL :
				lfirst(lc) != NULL && strcmp(value, lfirst(lc)) == 0;
		}
	}
	state->mark_existing = freezes_more(input);
}

/* Which of the machine's states are in a set of the specification. */
static bool *
read_flags(const StatusState *state, const Jsonb *spec, const char *key)
{
	bool	   *flags = palloc0(sizeof(bool) * state->states.n);
	ListCell   *lc;

	foreach(lc, paysafe_spec_set(spec, key))
	{
		int			i = paysafe_machine_find(state->machine, lfirst(lc));

		if (i < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" in argument \"%s\" is not a state of the machine",
							paysafe_redact_string((char *) lfirst(lc)), key)));
		flags[i] = true;
	}
	return flags;
}

static void *
compile(const CompileInput *input)
{
	StatusState *state;
	StatusColumn column;

	if (input->as_reference)
		return NULL;
	state = palloc0(sizeof(StatusState));
	state->machine = parse_machine(paysafe_spec_text(input->source->spec, "machine"));
	paysafe_status_value_spec_column(input->leaf, input->source->spec, &column);
	paysafe_status_value_set(&column, paysafe_status_value_machine_values(state->machine), &state->states);

	state->words = (state->states.n + WORD_BITS - 1) / WORD_BITS;
	state->allowed = palloc0(sizeof(uint64) * state->words * state->states.n);
	for (int i = 0; i < state->machine->ntransitions; i++)
	{
		int			from = state->machine->transitions[i].from;
		int			to = state->machine->transitions[i].to;

		state->allowed[from * state->words + to / WORD_BITS] |= UINT64CONST(1) << (to % WORD_BITS);
	}

	state->deletable = read_flags(state, input->source->spec, "deletable");
	state->recorded = read_flags(state, input->source->spec, "recorded");
	if (paysafe_spec_set(input->source->spec, "recorded") != NIL)
		paysafe_row_key_require(input->leaf, "Without one, a breach cannot name a row.");
	compile_unmoved(state, input);
	return state;
}

/* "a, b" of the states that have the flag or can follow, or "none". */
static char *
list_states(const StatusState *state, int from, bool initial)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < state->states.n; i++)
		if (initial ? state->machine->states[i].initial :
			from >= 0 && i != from && is_allowed(state, from, i))
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", state_name(state, i));
	return buf.len > 0 ? buf.data : pstrdup("none");
}

static char *
row_detail(const RowChange *change, const char *detail)
{
	TupleTableSlot *row = change->before ? change->before : change->after;

	return psprintf("Row \"%s\". %s",
					paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row), detail);
}

/* Refuse, or put on record where the row says what has happened. */
static void
break_rule(const Rule *rule, const RowChange *change, bool is_fact, int sqlstate,
		   const char *message, const char *detail, const char *hint)
{
	const StatusState *state = rule->compiled;

	paysafe_breach_or_refuse(rule, change, is_fact, &(Refusal)
							 {
								 .sqlstate = sqlstate,
								 .column = state->states.column.name,
								 .message = message,
								 .detail = row_detail(change, detail),
								 .hint = hint
							 });
}

static PAYSAFE_NORETURN void
refuse(const Rule *rule, const RowChange *change, int sqlstate, const char *message,
	   const char *detail, const char *hint)
{
	const StatusState *state = rule->compiled;

	paysafe_rule_refuse(rule, sqlstate, state->states.column.name, message,
						row_detail(change, detail), hint);
}

/* The status after the change must be a state. */
static int
find_new_state(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	int			to = paysafe_status_value_find(&state->states, change->after);

	if (to < 0)
		refuse(rule, change, ERRCODE_23T04_UNKNOWN_STATUS,
			   psprintf("column \"%s\" of table \"%s\" cannot be %s",
						state->states.column.name, rule->table_name,
						paysafe_status_value_quoted(&state->states.column, change->after)),
			   psprintf("The states are: %s.",
						paysafe_strings_join(paysafe_status_value_machine_values(state->machine))),
			   "States are compared exactly, with case and blanks.");
	return to;
}

static void
check_insert(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	int			to = find_new_state(rule, change);

	if (!state->machine->states[to].initial)
		break_rule(rule, change, state->recorded[to], ERRCODE_23T02_INITIAL_STATUS,
				   psprintf("a row of table \"%s\" cannot start with \"%s\" = %s",
							rule->table_name, state->states.column.name, state_name(state, to)),
				   psprintf("Allowed at the start: %s.", list_states(state, -1, true)),
				   "Add the row in an initial status and move it from there.");
}

/* Does the statement say what the status is? */
static bool
is_assigned(const StatusState *state, const RowChange *change)
{
	return bms_is_member(state->states.column.attnum - FirstLowInvalidHeapAttributeNumber,
						 change->assigned);
}

/* The row as the statement's snapshot has it. */
typedef struct SeenRow
{
	const char *column;			/* of the status */
	Relation	leaf;			/* in which the row was when the statement found it ... */
	TupleTableSlot *row;		/* ... like this */
	int			found;			/* how many are seen under its key */
	char	   *status;			/* of the last one, quoted */
} SeenRow;

static char *
status_words(const char *name, Relation leaf, TupleTableSlot *row)
{
	StatusColumn column;

	paysafe_status_value_state_column(leaf, name, &column);
	return paysafe_status_value_quoted(&column, row);
}

static bool
note_seen(Relation leaf, TupleTableSlot *row, void *arg)
{
	SeenRow    *seen = arg;

	seen->found++;
	seen->status = status_words(seen->column, leaf, row);
	return true;
}

static bool
note_seen_if_same(Relation leaf, TupleTableSlot *row, void *arg)
{
	if (paysafe_row_key_same_row(leaf, row, ((SeenRow *) arg)->row))
		note_seen(leaf, row, arg);
	return true;
}

/* By the whole primary key, or, if that was changed meanwhile, by the row's identity. */
static void
look_in_snapshot(const Rule *rule, Snapshot snapshot, SeenRow *seen)
{
	AttrNumber *attnums;
	RowKey		identity;
	Form_pg_attribute att;
	KeyEquality equality;
	bool		isnull;
	Datum		value;

	if (paysafe_row_key_primary(seen->leaf, &attnums) == 0)
		return;
	att = TupleDescAttr(RelationGetDescr(seen->leaf), attnums[0] - 1);
	value = slot_getattr(seen->row, att->attnum, &isnull);
	paysafe_row_key_equality(seen->leaf, att->attnum, att->atttypid, &equality);
	paysafe_row_key_scan(seen->leaf, &equality, value, snapshot, note_seen_if_same, seen);
	if (seen->found > 0)
		return;
	identity.n = paysafe_row_key_columns(seen->leaf, &identity.attnums);
	paysafe_row_key_find(rule->declared_on,
						 paysafe_row_key_text(&identity, RelationGetDescr(seen->leaf), seen->row),
						 snapshot, note_seen, seen);
}

/*
 * Did another transaction give the row its status while this statement waited for
 * it?  tuple: the row as it was found.  A version that comes from an update and
 * that the statement's snapshot has nothing of was changed too.
 */
static bool
was_moved_meanwhile(const Rule *rule, Relation leaf, TupleTableSlot *row, HeapTuple tuple)
{
	const StatusState *state = rule->compiled;
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	Snapshot	snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
	SeenRow		seen = {.column = state->states.column.name, .leaf = leaf, .row = row};

	if (!TransactionIdIsNormal(xmin) || TransactionIdIsCurrentTransactionId(xmin) ||
		snapshot == NULL || !IsMVCCSnapshot(snapshot) || !XidInMVCCSnapshot(xmin, snapshot))
		return false;			/* the statement saw this version from the start */
	look_in_snapshot(rule, snapshot, &seen);
	if (seen.found == 1 ?
		strcmp(seen.status, status_words(seen.column, leaf, row)) == 0 :
		seen.found == 0 && (tuple->t_data->t_infomask & HEAP_UPDATED) == 0)
		return false;
	return paysafe_assigned_column(leaf, &tuple->t_self, seen.column);
}

/*
 * An UPDATE that assigns the status and finds it set already is harmless, and
 * redelivered webhooks do it.  But if the row got that status from somebody
 * else while this very statement waited for it, "UPDATE 1" would tell two
 * workers that each of them made the move.  The second is told to try again;
 * then it sees the row as it is.
 */
static void
check_concurrent_move(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	bool		lost;

	if (change->rules->key.n == 0)
		return;
	if (change->moved)
	{
		Relation	leaf = table_open(change->left, AccessShareLock);
		TupleTableSlot *row = MakeSingleTupleTableSlot(RelationGetDescr(leaf), &TTSOpsHeapTuple);

		ExecStoreHeapTuple(change->was, row, false);
		lost = was_moved_meanwhile(rule, leaf, row, change->was);
		ExecDropSingleTupleTableSlot(row);
		table_close(leaf, NoLock);
	}
	else
	{
		HeapTuple	tuple;
		bool		should_free;

		if (!is_assigned(state, change))
			return;
		tuple = ExecFetchSlotHeapTuple(change->before, false, &should_free);
		lost = was_moved_meanwhile(rule, change->rel, change->before, tuple);
		if (should_free)
			heap_freetuple(tuple);
	}
	if (lost)
		refuse(rule, change, ERRCODE_T_R_SERIALIZATION_FAILURE,
			   psprintf("could not serialize the change of \"%s\" due to a concurrent one",
						state->states.column.name),
			   psprintf("Another transaction moved the row to %s while this statement waited for it.",
						paysafe_status_value_quoted(&state->states.column, change->before)),
			   "Read the row again and decide anew, or use paysafe.transition to learn who moved it.");
}

/* Has the row been in another status than the one it is in? */
static bool
has_left(const StatusState *state, const RowChange *change, int from)
{
	return from >= 0 &&
		(!state->unmoved[from] ||
		 paysafe_row_mark_has(state->declared_on, &state->whole, RelationGetDescr(change->rel),
							  change->before, ROW_MARK_LEFT));
}

/* The row's mark goes with it; to: the state that it has moved to, or -1. */
static void
follow_row(const StatusState *state, const RowChange *change, int to)
{
	if (state->whole.n == 0)
		return;
	paysafe_row_mark_follow(state->declared_on, &state->whole, change, ROW_MARK_LEFT);
	if (unlikely(to >= 0 && state->unmoved[to]))
		paysafe_row_mark_set(state->declared_on, &state->whole, RelationGetDescr(change->rel),
							 change->after, ROW_MARK_LEFT);
}

static char *
unknown_words(const StatusState *state, TupleTableSlot *row)
{
	return psprintf("status %s is not a state of the machine",
					paysafe_status_value_quoted(&state->states.column, row));
}

/* Was the row, which is in no state, accepted so?  Then it may be put right. */
static bool
is_accepted(const Rule *rule, const RowChange *change)
{
	return paysafe_accepted_had(rule, change,
								paysafe_existing_words("Row",
													   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->before),
													   unknown_words(rule->compiled, change->before)));
}

/* An update that makes no move, or one that the machine has, of a row that keeps its key. */
static bool
accepts(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	int			from;
	int			to = -1;

	if (change->op != 'U')
		return false;
	if (paysafe_status_value_same(&state->states.column, change->before, change->after))
	{
		/* where it was assigned, somebody else may have moved the row */
		if (change->moved || is_assigned(state, change))
			return false;
	}
	else
	{
		from = paysafe_status_value_find(&state->states, change->before);
		to = paysafe_status_value_find(&state->states, change->after);
		if (from < 0 || to < 0 || !is_allowed(state, from, to))
			return false;
	}
	if (paysafe_row_key_changed(&change->rules->key, RelationGetDescr(change->rel), change->before, change->after))
		return false;
	follow_row(state, change, to);
	return true;
}

static void
check_update(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	int			from;
	int			to = -1;

	if (likely(paysafe_status_value_same(&state->states.column, change->before, change->after)))
	{
		check_concurrent_move(rule, change);
		from = paysafe_status_value_find(&state->states, change->before);
	}
	else
	{
		to = find_new_state(rule, change);
		from = paysafe_status_value_find(&state->states, change->before);
		if (from < 0 ? !is_accepted(rule, change) : !is_allowed(state, from, to))
			break_rule(rule, change, state->recorded[to], ERRCODE_23T01_TRANSITION,
					   psprintf("column \"%s\" of table \"%s\" cannot change from %s to %s",
								state->states.column.name, rule->table_name,
								paysafe_status_value_quoted(&state->states.column, change->before),
								state_name(state, to)),
					   from < 0 ? pstrdup("It was in no state of the machine when the rule was declared.") :
					   psprintf("Allowed next: %s.", list_states(state, from, false)),
					   psprintf(from < 0 ?
								"Two people accept it as it is, then it may be put right: paysafe.accept_rows(%s, 'status', 'why')." :
								"paysafe.status_diagram(%s) shows the machine.",
								quote_literal_cstr(quote_qualified_identifier(rule->schema_name,
																			  rule->table_name))));
	}
	if (paysafe_row_key_changed(&change->rules->key, RelationGetDescr(change->rel),
								change->before, change->after) &&
		has_left(state, change, from))
		refuse(rule, change, ERRCODE_23T05_STATUS_KEY,
			   psprintf("the primary key of a row of table \"%s\" cannot change in status %s",
						rule->table_name, state_name(state, from)),
			   "The row would take its status to another identity.",
			   "Only rows that are still in the status they were added in may get another key. " KEY_HINT);
	follow_row(state, change, to);
}

/* The mark that the first change has set is of a key that the row has no more. */
static void
check_later(const Rule *rule, const RowChange *first, const RowChange *later)
{
	const StatusState *state = rule->compiled;

	paysafe_row_mark_check_later(rule, state->declared_on, &state->whole, later, ROW_MARK_LEFT,
								 ERRCODE_23T05_STATUS_KEY, state->states.column.name);
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	int			from;

	switch (change->op)
	{
		case 'I':
			check_insert(rule, change);
			break;
		case 'U':
			if (!accepts(rule, change))
				check_update(rule, change);
			break;
		case 'D':
			from = paysafe_status_value_find(&state->states, change->before);
			if ((from < 0 || !state->deletable[from]) && !paysafe_test_row(change->rules, change->before))
				refuse(rule, change, ERRCODE_23T03_STATUS_DELETE,
					   psprintf("a row of table \"%s\" cannot be deleted in status %s",
								rule->table_name,
								paysafe_status_value_quoted(&state->states.column, change->before)),
					   "Deleting and adding it again would take it back to the start.",
					   "Move the row to a final status instead; statuses whose rows may go are named in deletable of paysafe.protect_status.");
			if (paysafe_breach_is_open(state->declared_on,
									   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->before)))
				refuse(rule, change, ERRCODE_23T03_STATUS_DELETE,
					   psprintf("a row of table \"%s\" cannot be deleted while its breach is open", rule->table_name),
					   "It says what has happened in the world.",
					   "Another person settles the breach first: paysafe.breach, paysafe.settle_breach.");
			follow_row(state, change, -1);
			break;
	}
}

/* check_row refuses before it follows. */
static void
observed(const Rule *rule, const RowChange *change)
{
	const StatusState *state = rule->compiled;
	bool		moved = change->op == 'U' &&
		!paysafe_status_value_same(&state->states.column, change->before, change->after);

	follow_row(state, change, moved ? paysafe_status_value_find(&state->states, change->after) : -1);
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const StatusState *state = rule->compiled;

	if (paysafe_status_value_find(&state->states, row) < 0)
		paysafe_existing_fault(report, "Row",
							  paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row),
							  unknown_words(state, row));
	else if (state->mark_existing && state->whole.n > 0)
		paysafe_row_mark_set(state->declared_on, &state->whole, RelationGetDescr(rel), row,
							 ROW_MARK_LEFT);
}

static bool
in_parts(const Rule *rule)
{
	return !((const StatusState *) rule->compiled)->mark_existing;
}

/* In a test database: the next rows of these keys are others. */
static void
forget_rows(const Rule *rule)
{
	paysafe_row_mark_forget(((StatusState *) rule->compiled)->declared_on);
	paysafe_breach_forget(((StatusState *) rule->compiled)->declared_on);
}

static void
refuse_truncate(const Rule *rule)
{
	const StatusState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23T03_STATUS_DELETE, state->states.column.name,
					  psprintf("table \"%s\" cannot be truncated", rule->table_name),
					  "TRUNCATE would delete rows whatever their status.",
					  TRUNCATE_HINT);
}

/* Is the state in no transition? */
static bool
is_alone(const Machine *machine, int state)
{
	for (int i = 0; i < machine->ntransitions; i++)
		if (machine->transitions[i].from == state || machine->transitions[i].to == state)
			return false;
	return true;
}

/* Transitions of a, and its states without one, as text, that b lacks. */
static List *
transitions_minus(const Machine *a, const Machine *b)
{
	List	   *result = NIL;

#define NAME(m, i) ((m)->states[i].value ? paysafe_spec_field_quote((m)->states[i].value) : "NULL")
	for (int i = 0; i < a->nstates; i++)
	{
		int			other = paysafe_machine_find(b, a->states[i].value);

		if (a->states[i].initial && (other < 0 || !b->states[other].initial))
			result = lappend(result, psprintf("[*] --> %s", NAME(a, i)));
		if (other < 0 && !a->states[i].initial && is_alone(a, i))
			result = lappend(result, psprintf("state %s", NAME(a, i)));
	}
	for (int i = 0; i < a->ntransitions; i++)
	{
		int			from = paysafe_machine_find(b, a->states[a->transitions[i].from].value);
		int			to = paysafe_machine_find(b, a->states[a->transitions[i].to].value);

		if (from < 0 || to < 0 || !paysafe_machine_allows(b, from, to))
			result = lappend(result, psprintf("%s --> %s",
											  NAME(a, a->transitions[i].from),
											  NAME(a, a->transitions[i].to)));
	}
#undef NAME
	return result;
}

/*
 * Any change of the moves needs a second person, also the removal of one: it
 * shuts a way out (a void, a refund) on which rows and people depend.
 */
static List *
compare_machines(const char *before, const char *after)
{
	Machine		nothing = {0};
	Machine    *old_machine = before ? parse_machine(before) : &nothing;
	Machine    *new_machine = parse_machine(after);
	List	   *words = NIL;
	ListCell   *lc;

	foreach(lc, transitions_minus(new_machine, old_machine))
		words = lappend(words, psprintf("adds %s", (char *) lfirst(lc)));
	foreach(lc, transitions_minus(old_machine, new_machine))
		words = lappend(words, psprintf("removes %s", (char *) lfirst(lc)));
	return words;
}

static char *
loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	return paysafe_test_rows_loosens(before, after);
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	Machine    *machine = parse_machine(paysafe_spec_text(spec, "machine"));
	Machine		nothing = {0};
	List	   *deletable = paysafe_spec_set(spec, "deletable");
	List	   *recorded = paysafe_spec_set(spec, "recorded");

	return psprintf("%s%s%s%s%s",
					paysafe_strings_join(transitions_minus(machine, &nothing)),
					deletable ? "; deletable in " : "",
					deletable ? paysafe_strings_join(deletable) : "",
					recorded ? "; stored from wherever it comes, on record as a breach: " : "",
					recorded ? paysafe_strings_join(recorded) : "");
}

const RuleKind paysafe_status_kind = {
	.name = "status",
	.fields = (const SpecField[])
	{
		{"recorded", SPEC_STATUSES, .loosens = SPEC_ADD},
		{"status_path", SPEC_TEXT},
		{"status_names", SPEC_STATUSES},
		{"status_column", SPEC_COLUMN},
		{"machine", SPEC_TEXT, .compare = compare_machines},
		{"deletable", SPEC_STATUSES, .loosens = SPEC_ADD},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.accepts = accepts,
	.observed = observed,
	.check_later = check_later,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.notes_existing = freezes_more,
	.forget_rows = forget_rows,
	.refuse_truncate = refuse_truncate,
	.loosened_by = loosened_by,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_status);

/* If the status is a key of another table, that table's rows matter too. */
static void
suggest_lookup_table(Oid relid, const char *column)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber	attnum = get_attnum(relid, column);
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->nkeys == 1 && fk->conkey[0] == attnum)
			ereport(NOTICE,
					(errmsg("column \"%s\" refers to table \"%s\", which gives the states their meaning",
							column, get_rel_name(fk->confrelid)),
					 errhint("Protect it too: SELECT paysafe.protect_append_only(%s);",
							 quote_literal_cstr(paysafe_catalog_table_name(fk->confrelid)))));
	}
	table_close(rel, AccessShareLock);
}

/*
 * protect_status(relation, status_column, machine, deletable, recorded, status_path,
 *				  mode) returns void
 */
Datum
paysafe_protect_status(PG_FUNCTION_ARGS)
{
	char	   *column = paysafe_declare_name_argument(fcinfo, 1, "status_column");
	List	   *recorded = paysafe_declare_set_argument(fcinfo, 4, "recorded");
	List	   *path = paysafe_declare_path_argument(fcinfo, 5, column);
	char	   *machine;
	SpecBuilder builder;
	Jsonb	   *spec;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL",
						PG_ARGISNULL(0) ? "relation" : "machine")));
	machine = text_to_cstring(PG_GETARG_TEXT_PP(2));
	(void) parse_machine(machine);
	paysafe_spec_begin(&builder);
	paysafe_spec_add_text(&builder, "status_column", column);
	paysafe_spec_add_text(&builder, "machine", machine);
	paysafe_spec_add_set(&builder, "deletable", paysafe_declare_set_argument(fcinfo, 3, "deletable"));
	if (recorded != NIL)
		paysafe_spec_add_set(&builder, "recorded", recorded);
	paysafe_status_names_add(&builder, PG_GETARG_OID(0), column, path,
							 paysafe_status_value_machine_values(parse_machine(machine)));
	paysafe_declare_add_mode(fcinfo, &builder);
	spec = paysafe_spec_end(&builder);
	paysafe_declare(PG_GETARG_OID(0), "status", InvalidOid, spec);
	suggest_lookup_table(PG_GETARG_OID(0), column);
	paysafe_status_advice(PG_GETARG_OID(0), column, parse_machine(machine), spec);
	PG_RETURN_VOID();
}
