/*-------------------------------------------------------------------------
 *
 * enforce.c
 *	  The trigger functions: each changed row, as stored, meets its rules.
 *
 * enforce() is an AFTER ROW trigger.  By then no BEFORE trigger, default,
 * generated column or rule can change the row any more.  It knows the struct
 * RuleKind, not the kinds.
 *
 * A row that an UPDATE moves to another partition arrives as a DELETE there
 * and an INSERT here, one after the other.  The heap marks the deleted tuple
 * as moved; it waits in a list until the INSERT of the same command comes, and
 * the two are checked as the one update they are.  If no such INSERT comes,
 * because a BEFORE trigger of the destination dropped the row, it was a
 * DELETE and is checked as one, at the latest before commit.
 *
 * Lifetime: the list lives in TopTransactionContext and is emptied by the
 * transaction callbacks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "abuse/outcome.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "compat.h"
#include "engine/accepted.h"
#include "engine/enforce.h"
#include "engine/observe.h"
#include "engine/row_mark.h"
#include "engine/rule.h"
#include "engine/unused.h"
#include "engine/validate_part.h"
#include "errors.h"
#include "people/acting.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/replica.h"
#include "values/row_key.h"
#include "values/row_twin.h"

/* A row deleted on its way to another partition. */
typedef struct MovedRow
{
	Oid			relid;			/* partition it left */
	HeapTuple	tuple;			/* copy */
	TransactionId xid;			/* that deleted it */
	CommandId	command;
	int			depth;			/* of triggers */
	int			level;			/* of subtransactions */
} MovedRow;

static List *moved_rows = NIL;

/*
 * A key is one row's in the whole tree, whatever the kinds of its rules: what is
 * remembered of a row, or said of it in the log, would be another one's too.
 */
static void
check_twin(const Rule *rule, const void *arg)
{
	const RowChange *change = arg;
	const RelationRules *rules = change->rules;
	TupleDesc	desc = RelationGetDescr(change->rel);
	char	   *key;

	if (change->op == 'D' ||
		(change->op == 'U' && !paysafe_row_key_changed(&rules->key, desc, change->before, change->after)) ||
		!paysafe_row_twin_exists(rules->twin_root, change->rel, change->after, &rules->key, rule->observed))
		return;
	key = paysafe_refusal_value(paysafe_row_key_text(&rules->key, desc, change->after));
	paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, NULL,
					  psprintf("duplicate key of table \"%s\"", RelationGetRelationName(change->rel)),
					  psprintf("Key (%s)=(%s) already exists in another table of the tree of \"%s\".",
							   paysafe_row_key_names(&rules->key, desc), key, get_rel_name(rules->twin_root)),
					  "Rules and the audit log know the row by its primary key alone: give it another.");
}

/* The rule that speaks for all: one that is not only observed, if there is any. */
static const Rule *
speaking_rule(const RelationRules *rules)
{
	for (int i = 0; i < rules->nrules; i++)
		if (!rules->rules[i].observed)
			return &rules->rules[i];
	return &rules->rules[0];
}

static void
check_row(const Rule *rule, const void *change)
{
	rule->kind->check_row(rule, change);
}

/* What the rule would refuse happens; what it remembers of the row follows. */
static void
observe_row(const Rule *rule, const RowChange *change)
{
	if (!paysafe_observe(rule, check_row, change) && rule->kind->observed != NULL)
		rule->kind->observed(rule, change);
}

/* Something may be refused from here on, of this change. */
static inline void
enter_row(const RowChange *change, bool *entered)
{
	if (!*entered)
		paysafe_refusal_enter(change, change->op == 'I' ? "INSERT" : change->op == 'U' ? "UPDATE" : "DELETE");
	*entered = true;
}

static void
check_rules(const RowChange *change)
{
	const RelationRules *rules = change->rules;
	bool		entered = false;

	paysafe_transaction_watch();
	if (unlikely(OidIsValid(rules->twin_root)))
	{
		enter_row(change, &entered);
		paysafe_rule_judge(speaking_rule(rules), check_twin, change);
	}
	for (int i = 0; i < rules->nrules; i++)
	{
		const Rule *rule = &rules->rules[i];

		if (rule->kind->check_row == NULL)
			continue;
		if (likely(!paysafe_rule_is_watched(rule)))
		{
			enter_row(change, &entered);
			rule->kind->check_row(rule, change);
		}
		else if (rule->kind->accepts == NULL || !rule->kind->accepts(rule, change))
		{
			enter_row(change, &entered);
			observe_row(rule, change);
		}
	}
	if (entered)
		paysafe_refusal_leave();
}

/* Of a table that has rules; what is refused is counted where it is put on record. */
static inline void
count_accepted(RelationRules *rules)
{
	if (likely(paysafe_outcome_count_at(&rules->accepted, 1, 0)))
		return;
	rules->accepted = paysafe_outcome_place(paysafe_outcome_name(OUTCOME_WRITE),
											 psprintf("%s.%s", rules->rules[0].schema_name, rules->rules[0].table_name));
	(void) paysafe_outcome_count_at(&rules->accepted, 1, 0);
}

/* Who has replaced this version of the row in this transaction, or an invalid id. */
static TransactionId
replaced_by(HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;
	TransactionId xid;

	if ((header->t_infomask & HEAP_XMAX_INVALID) != 0 ||
		HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return InvalidTransactionId;
	xid = HeapTupleHeaderGetUpdateXid(header);
	if (!TransactionIdIsCurrentTransactionId(xid) ||
		(!HeapTupleHeaderIndicatesMovedPartitions(header) &&
		 ItemPointerEquals(&header->t_ctid, &tuple->t_self)))
		return InvalidTransactionId;	/* nobody, or it was deleted */
	return xid;
}

/* Has this transaction deleted this version of the row? */
static bool
is_deleted(HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;

	return (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)) &&
		!TransactionIdIsValid(replaced_by(tuple));
}

/* Two changes of a row in the wrong order. */
typedef struct Later
{
	const RowChange *first;
	const RowChange *later;
} Later;

static void
check_later_of(const Rule *rule, const void *arg)
{
	const Later *changes = arg;

	rule->kind->check_later(rule, changes->first, changes->later);
}

static void
check_later(const RowChange *first, const RowChange *later)
{
	const RelationRules *rules = first->rules;
	Later		changes = {.first = first, .later = later};

	paysafe_refusal_enter(later, "UPDATE");
	for (int i = 0; i < rules->nrules; i++)
		if (rules->rules[i].kind->check_later != NULL)
			paysafe_rule_judge(&rules->rules[i], check_later_of, &changes);
	paysafe_refusal_leave();
}

static void
check_gone_of(const Rule *rule, const void *arg)
{
	rule->kind->check_gone(rule, arg);
}

static void
check_gone(const RowChange *first)
{
	const RelationRules *rules = first->rules;

	paysafe_refusal_enter(first, "DELETE");
	for (int i = 0; i < rules->nrules; i++)
		if (rules->rules[i].kind->check_gone != NULL)
			paysafe_rule_judge(&rules->rules[i], check_gone_of, first);
	paysafe_refusal_leave();
}

/*
 * Triggers of a row fire in the order of their names, and rows in that of the
 * statement: what one of them changes in a row of its own statement is checked when it
 * is made, perhaps before the change that it builds on.
 */
static void
check_replaced(const RowChange *first, HeapTuple tuple)
{
	TupleTableSlot *before = table_slot_create(first->rel, NULL);
	TupleTableSlot *after = table_slot_create(first->rel, NULL);
	TransactionId xid;

	ExecCopySlot(before, first->after);
	while (TransactionIdIsValid(xid = replaced_by(tuple)))
	{
		RowChange	later = {
			.rel = first->rel, .rules = first->rules, .op = 'U', .before = before, .after = after
		};
		TupleTableSlot *newest = after;
		ItemPointerData tid = tuple->t_data->t_ctid;
		bool		should_free;

		if (HeapTupleHeaderIndicatesMovedPartitions(tuple->t_data))
			later.after = NULL;
		else if (!table_tuple_fetch_row_version(first->rel, &tid, SnapshotAny, after))
			elog(ERROR, "a version of a row is gone");
		check_later(first, &later);
		if (later.after == NULL)
			break;
		tuple = ExecFetchSlotHeapTuple(after, false, &should_free);
		after = before;
		before = newest;
	}
	if (is_deleted(tuple))
		check_gone(first);
	ExecDropSingleTupleTableSlot(before);
	ExecDropSingleTupleTableSlot(after);
}

/* A row that a trusted subscription brings is noted where others are judged. */
static bool
replay(const RowChange *change)
{
	Oid			subscription = paysafe_replica_subscription();
	const RelationRules *rules = change->rules;
	bool		trusted = false;

	if (likely(!OidIsValid(subscription)))
		return false;
	for (int i = 0; i < rules->nrules && !trusted; i++)
		trusted = rules->rules[i].kind->replays != NULL &&
			rules->rules[i].kind->replays(&rules->rules[i], subscription);
	for (int i = 0; i < rules->nrules && trusted; i++)
		if (rules->rules[i].kind->replay != NULL)
			rules->rules[i].kind->replay(&rules->rules[i], change);
	return trusted;
}

static void
end_statement(Relation rel)
{
	for (int i = 0; paysafe_rule_modules[i] != NULL; i++)
		if (paysafe_rule_modules[i]->end_statement != NULL)
			paysafe_rule_modules[i]->end_statement(rel);
}

int
paysafe_enforce_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

static EnforceQuery *queries = NULL;	/* innermost first */

void
paysafe_enforce_query_begin(EnforceQuery *query, bool several)
{
	query->depth = paysafe_enforce_depth();
	query->several = several;
	query->outer = queries;
	queries = query;
}

void
paysafe_enforce_query_forget(EnforceQuery *query)
{
	queries = query->outer;
}

void
paysafe_enforce_query_end(void)
{
	end_statement(NULL);
}

/* The query whose triggers are firing, if it was seen: COPY is none. */
static const EnforceQuery *
query_under_way(void)
{
	return queries != NULL && queries->depth + 1 == paysafe_enforce_depth() ? queries : NULL;
}

/* The rules of a table that carries our trigger: there must be some. */
static RelationRules *
rules_or_error(Relation rel)
{
	RelationRules *rules = paysafe_rules_of(rel);

	if (rules == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has the trigger of paysafe but no rule",
						RelationGetRelationName(rel)),
				 errdetail("Nothing can be checked, so nothing is allowed."),
				 errhint("Declare the table's rules again, or restore the rows of paysafe.rule.")));
	return rules;
}

static void
remember_moved(Relation rel, HeapTuple tuple)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	MovedRow   *moved = palloc(sizeof(MovedRow));

	moved->relid = RelationGetRelid(rel);
	moved->xid = HeapTupleHeaderGetUpdateXid(tuple->t_data);
	moved->command = HeapTupleHeaderGetCmax(tuple->t_data);
	moved->tuple = heap_copytuple(tuple);
	moved->depth = paysafe_enforce_depth();
	moved->level = GetCurrentTransactionNestLevel();
	moved_rows = lappend(moved_rows, moved);
	MemoryContextSwitchTo(old);
}

static void
free_moved(MovedRow *moved)
{
	heap_freetuple(moved->tuple);
	pfree(moved);
}

/* No INSERT took the row over: it was deleted. */
static void
check_as_delete(MovedRow *moved)
{
	Relation	rel = table_open(moved->relid, AccessShareLock);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
	RowChange	change = {.rel = rel, .op = 'D', .before = slot};

	ExecStoreHeapTuple(moved->tuple, slot, false);
	change.rules = rules_or_error(rel);
	check_rules(&change);
	paysafe_accepted_follow(&change);
	ExecDropSingleTupleTableSlot(slot);
	free_moved(moved);
	table_close(rel, NoLock);
}

/* Check rows as deletions that wait at this depth or level or deeper. */
static void
settle_moved(int depth, int level)
{
	while (moved_rows != NIL)
	{
		MovedRow   *moved = llast(moved_rows);

		if (moved->depth < depth || moved->level < level)
			break;
		moved_rows = list_delete_last(moved_rows);
		check_as_delete(moved);
	}
}

static Oid
topmost_ancestor(Oid relid)
{
	return llast_oid(paysafe_catalog_ancestors(relid));
}

/*
 * The row that the inserted one was before it moved here, in the layout of its
 * new partition, or NULL if the INSERT is one.
 */
static TupleTableSlot *
take_moved(RowChange *change, HeapTuple inserted)
{
	MovedRow   *moved = llast(moved_rows);
	Relation	rel = change->rel;
	Relation	source;
	TupleConversionMap *map;
	TupleTableSlot *slot;
	HeapTuple	tuple;

	if (moved->depth != paysafe_enforce_depth() ||
		moved->xid != HeapTupleHeaderGetXmin(inserted->t_data) ||
		moved->command != HeapTupleHeaderGetCmin(inserted->t_data) ||
		topmost_ancestor(moved->relid) != topmost_ancestor(RelationGetRelid(rel)))
		return NULL;

	moved_rows = list_delete_last(moved_rows);
	source = table_open(moved->relid, AccessShareLock);
	map = convert_tuples_by_name(RelationGetDescr(source), RelationGetDescr(rel));
	tuple = map ? execute_attr_map_tuple(moved->tuple, map) : heap_copytuple(moved->tuple);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(tuple, slot, true);
	change->op = 'U';
	change->moved = true;
	change->left = moved->relid;
	change->was = moved->tuple;
	pfree(moved);
	table_close(source, NoLock);
	return slot;
}

/* What the trigger was told, as a change; a row that moved here is one update. */
static void
read_change(const TriggerData *trigdata, RowChange *change)
{
	change->rel = trigdata->tg_relation;
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		change->op = 'I';
		change->after = trigdata->tg_trigslot;
		if (unlikely(moved_rows != NIL))
			change->before = take_moved(change, trigdata->tg_trigtuple);
	}
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		change->op = 'U';
		change->before = trigdata->tg_trigslot;
		change->after = trigdata->tg_newslot;
		change->assigned = trigdata->tg_updatedcols;
	}
	else
	{
		change->op = 'D';
		change->before = trigdata->tg_trigslot;
	}
}

static PAYSAFE_NORETURN void
misused(const char *function, const char *how)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" must be fired by %s", function, how),
			 errhint("paysafe.protect_... and paysafe.audit create the triggers.")));
	pg_unreachable();
}

static void
refuse_truncate(const Rule *rule, const void *arg)
{
	if (rule->kind->refuse_truncate != NULL)
		rule->kind->refuse_truncate(rule);
}

/* No rule has words of its own: rows would vanish unchecked and unrecorded. */
static void
refuse_unseen(const Rule *rule, const void *arg)
{
	paysafe_rule_refuse(rule, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL,
						psprintf("table \"%s\" cannot be truncated", rule->table_name),
						psprintf("Rule \"%s\" checks rows one by one, and TRUNCATE shows it none.", rule->name),
						TRUNCATE_HINT);
}

bool
paysafe_enforce_is_observed(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	RelationRules *rules = rules_or_error(rel);

	table_close(rel, NoLock);
	return speaking_rule(rules)->observed;
}

void
paysafe_enforce_truncate(Relation rel)
{
	RelationRules *rules = rules_or_error(rel);
	const Rule *speaking = speaking_rule(rules);
	bool		has_words = false;

	paysafe_refusal_enter(NULL, "TRUNCATE");
	/* those that refuse first: what one only observes does not happen then */
	for (int i = 0; i < rules->nrules; i++)
	{
		has_words |= rules->rules[i].kind->refuse_truncate != NULL;
		if (!rules->rules[i].observed)
			refuse_truncate(&rules->rules[i], NULL);
	}
	if (!speaking->observed || !has_words)
		paysafe_rule_judge(speaking, refuse_unseen, NULL);
	for (int i = 0; i < rules->nrules; i++)
		paysafe_rule_judge(&rules->rules[i], refuse_truncate, NULL);
	paysafe_refusal_leave();
	/* the next rows of these keys are others; of one partition they cannot be told */
	for (int i = 0; i < rules->nrules; i++)
		if (rules->rules[i].declared_on == RelationGetRelid(rel))
			paysafe_row_mark_end_all(RelationGetRelid(rel));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_enforce);

/*
 * enforce() returns trigger: AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW
 */
Datum
paysafe_enforce(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	RowChange	change = {0};

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		strcmp(trigdata->tg_trigger->tgname, PAYSAFE_ROW_TRIGGER) != 0)
		misused("enforce", "the AFTER ROW trigger \"paysafe\"");

	/* judged where it comes from */
	if (unlikely(paysafe_replica_is_filling()))
		return PointerGetDatum(NULL);

	/*
	 * A statement that already holds its lock does not look for invalidations
	 * again; without this a rule changed meanwhile would hold only from the
	 * next transaction on.  Costs a few nanoseconds when there are none.
	 */
	AcceptInvalidationMessages();

	read_change(trigdata, &change);
	if (unlikely(moved_rows != NIL))
		settle_moved(paysafe_enforce_depth(), GetCurrentTransactionNestLevel());
	if (change.op == 'D' &&
		HeapTupleHeaderIndicatesMovedPartitions(trigdata->tg_trigtuple->t_data))
	{
		(void) rules_or_error(change.rel);
		remember_moved(change.rel, trigdata->tg_trigtuple);
		return PointerGetDatum(NULL);
	}

	paysafe_store_activate();
	change.rules = rules_or_error(change.rel);
	if (unlikely(!change.rules->used))
		paysafe_unused_end(unconstify(RelationRules *, change.rules));
	change.command = change.op == 'D' ?
		HeapTupleHeaderGetCmax(trigdata->tg_trigtuple->t_data) :
		HeapTupleHeaderGetCmin((change.op == 'U' && !change.moved ?
								trigdata->tg_newtuple : trigdata->tg_trigtuple)->t_data);
	if (!replay(&change))
	{
		HeapTuple	stored = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
			trigdata->tg_newtuple : trigdata->tg_trigtuple;

		if (likely(!OidIsValid(paysafe_replica_subscription())))
			paysafe_acting_check();
		check_rules(&change);
		count_accepted(unconstify(RelationRules *, change.rules));
		if (change.op != 'I' && unlikely(change.rules->acceptances != ACCEPTANCES_NONE))
			paysafe_accepted_follow(&change);
		paysafe_validate_part_follow(&change);
		if (change.op == 'U' &&
			unlikely(TransactionIdIsValid(replaced_by(stored)) || is_deleted(stored)))
			check_replaced(&change, stored);
	}

	/*
	 * A partition younger than the declaration has this trigger, cloned, but
	 * not the statement trigger, which PostgreSQL does not clone.  Logical
	 * replication tells of rows, not of statements: each ends by itself, so that an
	 * entry has moved its account before the account's own row brings nothing new.
	 */
	if (OidIsValid(paysafe_replica_subscription()) ||
		(!change.rules->has_statement_trigger && query_under_way() == NULL))
		end_statement(change.rel);
	if (change.moved)
	{
		ExecDropSingleTupleTableSlot(change.before);
		heap_freetuple(change.was);
	}
	return PointerGetDatum(NULL);
}

PG_FUNCTION_INFO_V1(paysafe_enforce_statement);

/*
 * enforce_statement() returns trigger: AFTER INSERT OR UPDATE OR DELETE OR
 * TRUNCATE FOR EACH STATEMENT.  Refuses TRUNCATE; ends the statement's rows.
 */
Datum
paysafe_enforce_statement(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		strcmp(trigdata->tg_trigger->tgname, PAYSAFE_STATEMENT_TRIGGER) != 0)
		misused("enforce_statement", "the AFTER STATEMENT trigger \"paysafe_statement\"");

	if (unlikely(paysafe_replica_is_filling()))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		AcceptInvalidationMessages();
		if (paysafe_store_is_test_database())
		{
			RelationRules *rules = rules_or_error(trigdata->tg_relation);

			for (int i = 0; i < rules->nrules; i++)
			{
				if (rules->rules[i].kind->forget_rows != NULL)
					rules->rules[i].kind->forget_rows(&rules->rules[i]);
				paysafe_accepted_forget(rules->rules[i].declared_on);
			}
			ereport(LOG,
					(errmsg("protected table \"%s\" of a test database is truncated",
							RelationGetRelationName(trigdata->tg_relation))));
			return PointerGetDatum(NULL);
		}
		paysafe_enforce_truncate(trigdata->tg_relation);
		return PointerGetDatum(NULL);
	}
	if (moved_rows != NIL)
		settle_moved(paysafe_enforce_depth(), GetCurrentTransactionNestLevel());
	if (query_under_way() == NULL || !query_under_way()->several)
		end_statement(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

static void
transaction_event(XactEvent event, void *arg)
{
	bool		prepare = false;

	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			prepare = true;
			/* FALLTHROUGH */
		case XACT_EVENT_PRE_COMMIT:
			paysafe_refusal_enter(NULL, prepare ? "PREPARE TRANSACTION" : "COMMIT");
			settle_moved(0, 0);
			for (int i = 0; paysafe_rule_modules[i] != NULL; i++)
				if (paysafe_rule_modules[i]->pre_commit != NULL)
					paysafe_rule_modules[i]->pre_commit(prepare);
			paysafe_refusal_leave();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			moved_rows = NIL;
			paysafe_refusal_forget(0);
			paysafe_observe_end_fixtures(0, false);
			for (int i = 0; paysafe_rule_modules[i] != NULL; i++)
				if (paysafe_rule_modules[i]->end_transaction != NULL)
					paysafe_rule_modules[i]->end_transaction(event == XACT_EVENT_ABORT);
			paysafe_rule_end_transaction();
			break;
		default:
			break;
	}
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	switch (event)
	{
		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			settle_moved(0, level);
			end_statement(NULL);
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			paysafe_refusal_forget(level);
			while (moved_rows != NIL && ((MovedRow *) llast(moved_rows))->level >= level)
			{
				free_moved(llast(moved_rows));
				moved_rows = list_delete_last(moved_rows);
			}
			/* FALLTHROUGH */
		case SUBXACT_EVENT_COMMIT_SUB:
			paysafe_observe_end_fixtures(level, event == SUBXACT_EVENT_COMMIT_SUB);
			for (int i = 0; paysafe_rule_modules[i] != NULL; i++)
				if (paysafe_rule_modules[i]->end_subtransaction != NULL)
					paysafe_rule_modules[i]->end_subtransaction(event == SUBXACT_EVENT_COMMIT_SUB, level);
			break;
		default:
			break;
	}
}

void
paysafe_enforce_init(void)
{
	paysafe_transaction_register(transaction_event, subtransaction_event);
}
