/*-------------------------------------------------------------------------
 *
 * row_mark.c
 *	  What a row has been through, where its values do not say.
 *
 * A mark is in force if it was set more often than it ended.  Whoever sets or
 * ends one has just written the row and so holds it: nobody else does the same
 * at the same time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/builtins.h"
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
	Datum		keys[3] = {
		ObjectIdGetDatum(relation), CStringGetTextDatum(key), CStringGetTextDatum(mark)
	};

	paysafe_store_scan(PAYSAFE_ROW_MARK, "row_mark_row", 3, keys, count_mark, &n);
	return n > 0;
}

static void
add_mark(Oid relation, const char *key, const char *mark, bool ended)
{
	Datum		values[MARK_NCOLUMNS];
	bool		nulls[MARK_NCOLUMNS] = {0};

	values[MARK_RELATION] = ObjectIdGetDatum(relation);
	values[MARK_ROW] = CStringGetTextDatum(key);
	values[MARK_MARK] = CStringGetTextDatum(mark);
	values[MARK_ENDED] = BoolGetDatum(ended);
	values[MARK_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_ROW_MARK, values, nulls);
}

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

	if (!has_mark(relation, key, mark))
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

	paysafe_store_remove(PAYSAFE_ROW_MARK, "row_mark_row", 1, &key);
}
