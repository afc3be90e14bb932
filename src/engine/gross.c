/*-------------------------------------------------------------------------
 *
 * gross.c
 *	  What a payment has captured in all, where its column falls with its refunds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "engine/gross.h"
#include "engine/rule_history.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.captured_total. */
enum
{
	TOTAL_RELATION, TOTAL_ROW, TOTAL_STEP, TOTAL_AMOUNT, TOTAL_AT,
	TOTAL_NCOLUMNS
};

/* The newest row of a key. */
typedef struct Newest
{
	int			step;			/* 0: none */
	Numeric		amount;			/* or NULL */
	TimestampTz at;
} Newest;

static bool
read_newest(Relation rel, HeapTuple tuple, void *arg)
{
	Newest	   *newest = arg;
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	newest->step = DatumGetInt32(values[TOTAL_STEP]);
	newest->amount = nulls[TOTAL_AMOUNT] ? NULL : DatumGetNumericCopy(values[TOTAL_AMOUNT]);
	newest->at = DatumGetTimestampTz(values[TOTAL_AT]);
	return false;
}

static Newest
find_newest(Oid relation, const char *key)
{
	Newest		newest = {0};
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(key)};

	paysafe_store_seek(PAYSAFE_CAPTURED_TOTAL, "captured_total_row", 2, keys, InvalidStrategy, (Datum) 0,
					   true, NULL, read_newest, &newest);
	return newest;
}

bool
paysafe_gross_find(Oid relation, const char *key, TimestampTz since, Numeric *gross)
{
	Newest		newest = find_newest(relation, key);

	*gross = newest.amount;
	return newest.amount != NULL && newest.at >= since;
}

TimestampTz
paysafe_gross_since(const RuleSource *payment)
{
	TimestampTz since = 0;
	bool		was = false;
	ListCell   *lc;

	foreach(lc, paysafe_rule_history(payment))
	{
		const RuleSource *version = lfirst(lc);
		const char *changes = paysafe_spec_optional_text(version->spec, "changes");
		bool		is = changes != NULL && strcmp(changes, "net") == 0;

		if (is && !was)
			since = version->changed;
		was = is;
	}
	return since;
}

void
paysafe_gross_keep(Oid relation, const char *key, Numeric gross)
{
	Newest		newest = find_newest(relation, key);
	Datum		values[TOTAL_NCOLUMNS];
	bool		nulls[TOTAL_NCOLUMNS] = {0};

	if (gross == NULL && newest.amount == NULL)
		return;
	values[TOTAL_RELATION] = ObjectIdGetDatum(relation);
	values[TOTAL_ROW] = CStringGetTextDatum(key);
	values[TOTAL_STEP] = Int32GetDatum(newest.step + 1);
	nulls[TOTAL_AMOUNT] = gross == NULL;
	values[TOTAL_AMOUNT] = NumericGetDatum(gross);
	values[TOTAL_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_CAPTURED_TOTAL, values, nulls);
}

void
paysafe_gross_follow(Oid relation, const RowKey *whole, TimestampTz since, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	Numeric		gross;
	char	   *key;

	if (change->op == 'I')
	{
		/* whatever was there under this key is gone */
		paysafe_gross_keep(relation, paysafe_row_key_text(whole, desc, change->after), NULL);
		return;
	}
	if (change->op == 'U' && !paysafe_row_key_changed(whole, desc, change->before, change->after))
		return;
	key = paysafe_row_key_text(whole, desc, change->before);
	if (!paysafe_gross_find(relation, key, since, &gross))
		gross = NULL;
	paysafe_gross_keep(relation, key, NULL);
	if (change->op == 'U')
		paysafe_gross_keep(relation, paysafe_row_key_text(whole, desc, change->after), gross);
}

void
paysafe_gross_forget(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_remove(PAYSAFE_CAPTURED_TOTAL, "captured_total_row", 1, &key);
}
