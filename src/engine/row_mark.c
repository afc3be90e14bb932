/*-------------------------------------------------------------------------
 *
 * row_mark.c
 *	  What a row has been through, where its values do not say.
 *
 * A mark is in force if it was set more often than it ended.  Whoever sets or
 * ends one has just written the row and so holds it: nobody else does the same
 * at the same time.
 *
 * Marks that a statement sets wait and are written together when it ends, in the
 * order of their index: looking for one and adding it costs more than all else that
 * a rule does for a row.  Those that wait belong to the subtransaction that set
 * them, and go with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "engine/row_mark.h"
#include "store/own_table.h"
#include "values/row_key.h"

/* Columns of paysafe.row_mark. */
enum
{
	MARK_RELATION, MARK_ROW, MARK_MARK, MARK_ENDED, MARK_AT,
	MARK_NCOLUMNS
};

#define BATCH_MARKS		256

/* A mark that waits to be written. */
typedef struct WaitingMark
{
	Oid			relation;
	char	   *key;
	const char *mark;			/* a constant */
	int			level;			/* of subtransactions */
	int			n;				/* how often it is set, once that is known */
} WaitingMark;

/* Those of inner subtransactions behind those of outer ones; keys in TopTransactionContext. */
static WaitingMark waiting[BATCH_MARKS];
static int	nwaiting = 0;

static int
compare_waiting(const void *a, const void *b)
{
	const WaitingMark *wa = a;
	const WaitingMark *wb = b;
	int			cmp = wa->relation < wb->relation ? -1 : wa->relation > wb->relation;

	if (cmp == 0)
		cmp = strcmp(wa->key, wb->key);
	return cmp != 0 ? cmp : strcmp(wa->mark, wb->mark);
}

static bool
count_mark(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;
	Datum		ended = heap_getattr(tuple, MARK_ENDED + 1, RelationGetDescr(rel), &isnull);

	*(int *) arg += DatumGetBool(ended) ? -1 : 1;
	return true;
}

static bool
has_mark(Oid relation, const char *key, const char *mark)
{
	int			n = 0;
	WaitingMark wanted = {.relation = relation, .key = unconstify(char *, key), .mark = mark};
	Datum		keys[3] = {
		ObjectIdGetDatum(relation), CStringGetTextDatum(key), CStringGetTextDatum(mark)
	};

	for (int i = 0; i < nwaiting; i++)
		if (compare_waiting(&waiting[i], &wanted) == 0)
			return true;
	paysafe_store_scan(PAYSAFE_ROW_MARK, "row_mark_row", 3, keys, count_mark, &n);
	return n > 0;
}

static void
fill_mark(Oid relation, const char *key, const char *mark, bool ended, Datum *values)
{
	values[MARK_RELATION] = ObjectIdGetDatum(relation);
	values[MARK_ROW] = CStringGetTextDatum(key);
	values[MARK_MARK] = CStringGetTextDatum(mark);
	values[MARK_ENDED] = BoolGetDatum(ended);
	values[MARK_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
}

static void
add_mark(Oid relation, const char *key, const char *mark, bool ended)
{
	Datum		values[MARK_NCOLUMNS];
	bool		nulls[MARK_NCOLUMNS] = {0};

	fill_mark(relation, key, mark, ended, values);
	paysafe_store_insert(PAYSAFE_ROW_MARK, values, nulls);
}

/* How often each is set in the table; of equal ones, the first. */
static void
count_waiting(WaitingMark *marks, int n)
{
	Datum	   *keys = palloc(sizeof(Datum) * 3 * n);
	void	  **counts = palloc(sizeof(void *) * n);
	int			different = 0;

	for (int i = 0; i < n; i++)
	{
		marks[i].n = 0;
		if (i > 0 && compare_waiting(&marks[i - 1], &marks[i]) == 0)
			continue;
		keys[3 * different] = ObjectIdGetDatum(marks[i].relation);
		keys[3 * different + 1] = CStringGetTextDatum(marks[i].key);
		keys[3 * different + 2] = CStringGetTextDatum(marks[i].mark);
		counts[different++] = &marks[i].n;
	}
	paysafe_store_scan_each(PAYSAFE_ROW_MARK, "row_mark_row", 3, keys, different, count_mark, counts);
}

/* Add those that are not in force, in their order. */
static void
add_waiting(WaitingMark *marks, int n)
{
	Datum	  **rows = palloc(sizeof(Datum *) * n);
	int			nrows = 0;

	for (int i = 0; i < n; i++)
	{
		if (i > 0 && compare_waiting(&marks[i - 1], &marks[i]) == 0)
			marks[i].n = marks[i - 1].n;
		if (marks[i].n > 0)
			continue;
		marks[i].n++;
		rows[nrows] = palloc(sizeof(Datum) * MARK_NCOLUMNS);
		fill_mark(marks[i].relation, marks[i].key, marks[i].mark, false, rows[nrows]);
		nrows++;
	}
	if (nrows > 0)
		paysafe_store_insert_all(PAYSAFE_ROW_MARK, rows, nrows);
}

/* Write those that this subtransaction has set. */
static void
flush(void)
{
	int			level = GetCurrentTransactionNestLevel();
	int			from = nwaiting;
	MemoryContext work;
	MemoryContext old;
	bool		snapshot_set = false;

	while (from > 0 && waiting[from - 1].level >= level)
		from--;
	if (from == nwaiting)
		return;
	work = AllocSetContextCreate(CurrentMemoryContext, "paysafe row marks", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(work);
	/* before commit there is no active snapshot, which TOAST may want */
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	qsort(&waiting[from], nwaiting - from, sizeof(WaitingMark), compare_waiting);
	count_waiting(&waiting[from], nwaiting - from);
	add_waiting(&waiting[from], nwaiting - from);
	if (snapshot_set)
		PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	while (nwaiting > from)
		pfree(waiting[--nwaiting].key);
}

static void
end_statement(Relation rel)
{
	if (unlikely(nwaiting > 0))
		flush();
}

static void
pre_commit(bool prepare)
{
	end_statement(NULL);
}

static void
end_transaction(bool aborted)
{
	nwaiting = 0;				/* keys go with TopTransactionContext */
}

static void
end_subtransaction(bool committed, int level)
{
	while (nwaiting > 0 && waiting[nwaiting - 1].level >= level)
		pfree(waiting[--nwaiting].key);
}

const RuleModule paysafe_row_mark_module = {
	.end_statement = end_statement,
	.pre_commit = pre_commit,
	.end_transaction = end_transaction,
	.end_subtransaction = end_subtransaction
};
bool
paysafe_row_mark_has(Oid relation, const RowKey *whole, TupleDesc desc, TupleTableSlot *row,
					 const char *mark)
{
	return has_mark(relation, paysafe_row_key_text(whole, desc, row), mark);
}

void
paysafe_row_mark_check_later(const Rule *rule, Oid relation, const RowKey *whole,
							 const RowChange *later, const char *mark, int sqlstate,
							 const char *column)
{
	TupleDesc	desc = RelationGetDescr(later->rel);

	if (whole->n == 0 ||
		(later->after != NULL && !paysafe_row_key_changed(whole, desc, later->before, later->after)) ||
		!paysafe_row_mark_has(relation, whole, desc, later->before, mark))
		return;
	paysafe_rule_refuse(rule, sqlstate, column,
						psprintf("a row of table \"%s\" cannot get another key or partition here", rule->table_name),
						psprintf("Row \"%s\" leaves a status in the same statement, and a trigger moves it on before that is noted.",
								 paysafe_row_key_text(&later->rules->key, desc, later->before)),
						"Give the trigger a name after \"paysafe\".");
}

void
paysafe_row_mark_set(Oid relation, const RowKey *whole, TupleDesc desc, TupleTableSlot *row,
					 const char *mark)
{
	char	   *key = paysafe_row_key_text(whole, desc, row);

	if (nwaiting == BATCH_MARKS)
		flush();
	if (nwaiting < BATCH_MARKS)
		waiting[nwaiting++] = (WaitingMark)
		{
			.relation = relation,
			.key = MemoryContextStrdup(TopTransactionContext, key),
			.mark = mark,
			.level = GetCurrentTransactionNestLevel()
		};
	else if (!has_mark(relation, key, mark))	/* all are of outer subtransactions */
		add_mark(relation, key, mark, false);
}

void
paysafe_row_mark_follow(Oid relation, const RowKey *whole, const RowChange *change,
						const char *mark)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	char	   *key;

	if (change->op == 'I' ||
		(change->op == 'U' &&
		 !paysafe_row_key_changed(whole, desc, change->before, change->after)))
		return;
	key = paysafe_row_key_text(whole, desc, change->before);
	/* what ends has been there */
	end_statement(NULL);
	if (!has_mark(relation, key, mark))
		return;
	add_mark(relation, key, mark, true);
	if (change->op == 'U')
		paysafe_row_mark_set(relation, whole, desc, change->after, mark);
}

static bool
look_at_use(Relation rel, HeapTuple tuple, void *arg)
{
	bool	   *found = arg;

	found[0] = true;
	found[1] |= !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	return true;
}

bool
paysafe_row_mark_is_used(Oid relation, bool *committed)
{
	bool		found[2] = {false, false};
	Datum		keys[3] = {
		ObjectIdGetDatum(relation), CStringGetTextDatum(""), CStringGetTextDatum(ROW_MARK_USED)
	};

	paysafe_store_scan(PAYSAFE_ROW_MARK, "row_mark_row", 3, keys, look_at_use, found);
	*committed = found[1];
	return found[0];
}

void
paysafe_row_mark_use(Oid relation)
{
	add_mark(relation, "", ROW_MARK_USED, false);
}

/* A mark of some row. */
typedef struct FoundMark
{
	char	   *key;
	char	   *mark;
} FoundMark;

static bool
collect_mark(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **marks = arg;
	FoundMark  *found = palloc(sizeof(FoundMark));

	found->key = paysafe_store_text(tuple, RelationGetDescr(rel), MARK_ROW);
	found->mark = paysafe_store_text(tuple, RelationGetDescr(rel), MARK_MARK);
	*marks = lappend(*marks, found);
	return true;
}

void
paysafe_row_mark_end_all(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);
	List	   *marks = NIL;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_ROW_MARK, "row_mark_row", 1, &key, collect_mark, &marks);
	foreach(lc, marks)
	{
		FoundMark  *found = lfirst(lc);

		if (strcmp(found->mark, ROW_MARK_USED) != 0 && has_mark(relation, found->key, found->mark))
			add_mark(relation, found->key, found->mark, true);
	}
}

void
paysafe_row_mark_forget(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);

	end_statement(NULL);
	paysafe_store_remove(PAYSAFE_ROW_MARK, "row_mark_row", 1, &key);
}
