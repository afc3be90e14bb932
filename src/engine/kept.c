/*-------------------------------------------------------------------------
 *
 * kept.c
 *	  By what a sum that is kept from one transaction to the next is known to hold still.
 *
 * Sums of refunds (refund_kept.c), of captures (captures_kept.c) and of entries
 * (ledger_kept.c) follow what the checks see.  Rows that nobody has checked are in none: those of a time when the triggers
 * were off, of a partition that came along, of a subscription that is trusted; or a column
 * was changed under them.  None of this goes without a new row of pg_class, of pg_trigger or of
 * paysafe.rule, so each sum has a stamp made of these (engine/table_stamp.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xlog.h"
#include "commands/sequence.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "engine/kept.h"
#include "engine/table_stamp.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/own_trigger.h"

void
paysafe_kept_add_number(KeptStamp *stamp, uint64 number)
{
	stamp->hash = paysafe_table_stamp_number(stamp->hash, number);
}

void
paysafe_kept_add_column(KeptStamp *stamp, Relation leaf, AttrNumber attnum)
{
	Form_pg_attribute att;

	if (attnum <= 0)
		return;					/* all rows are in one status */
	att = TupleDescAttr(RelationGetDescr(leaf), attnum - 1);
	paysafe_kept_add_number(stamp, attnum);
	paysafe_kept_add_number(stamp, att->atttypid);
	/* virtual ones, which PostgreSQL has from 18 on */
	if (att->attgenerated == 'v')
		stamp->loose = true;
}

void
paysafe_kept_add_statuses(KeptStamp *stamp, Relation leaf, const StatusSet *set)
{
	for (int i = 0; i < set->n; i++)
		paysafe_kept_add_number(stamp, set->values[i].number);	/* of enums, their OIDs */
	paysafe_kept_add_column(stamp, leaf, set->column.attnum);
}

void
paysafe_kept_add_key(KeptStamp *stamp, Relation leaf, const KeyColumns *key)
{
	for (int i = 0; i < key->key.n; i++)
		paysafe_kept_add_column(stamp, leaf, key->key.attnums[i]);
}

void
paysafe_kept_add_filter(KeptStamp *stamp, Relation leaf, const RowFilter *rows)
{
	for (int i = 0; i < rows->n; i++)
		paysafe_kept_add_statuses(stamp, leaf, &rows->columns[i]);
}

/* Who is trusted, or was: nothing is kept while anybody is, whose rows are stored unchecked. */
static void
add_trusted(KeptStamp *stamp, Oid leaf)
{
	List	   *tables = paysafe_catalog_ancestors(leaf);
	RuleSource	rule;
	bool		removed;
	ListCell   *lc;

	for (int i = 0; paysafe_rule_kinds[i] != NULL; i++)
	{
		if (paysafe_rule_kinds[i]->replays == NULL)
			continue;
		foreach(lc, tables)
			if (paysafe_rule_newest(lfirst_oid(lc), paysafe_rule_kinds[i]->name, &rule, &removed))
			{
				paysafe_kept_add_number(stamp, rule.version);
				stamp->loose |= !removed;
			}
	}
}

uint64
paysafe_kept_stamp(KeptStamp *stamp, const CompileInput *input)
{
	Oid			leaf = RelationGetRelid(input->leaf);

	add_trusted(stamp, leaf);
	if (stamp->loose)
		return 0;
	paysafe_kept_add_number(stamp, GetSystemIdentifier());
	paysafe_kept_add_number(stamp, MyDatabaseId);
	paysafe_kept_add_number(stamp, input->source->relation);
	paysafe_kept_add_number(stamp, input->source->version);
	stamp->hash = paysafe_table_stamp(stamp->hash, leaf);
	if (input->source->relation != leaf)
		stamp->hash = paysafe_table_stamp(stamp->hash, input->source->relation);
	return Max(stamp->hash, 1);
}

uint64
paysafe_kept_stamp_of(Oid root, const char *rule, KeptLeafStamp stamp_of_leaf)
{
	KeptStamp	stamp = {0};
	bool		kept = !paysafe_store_is_test_database();
	ListCell   *lc;

	/* who waited for the payment's lock may not have heard of what was altered meanwhile */
	AcceptInvalidationMessages();
	foreach(lc, paysafe_catalog_leaves(root))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		uint64		one = stamp_of_leaf(leaf, root, rule);

		kept = kept && one != 0 && paysafe_own_trigger_of(leaf, OWN_ROW_TRIGGER) != NULL;
		paysafe_kept_add_number(&stamp, one);
		table_close(leaf, NoLock);
	}
	return kept ? Max(stamp.hash, 1) : 0;
}

static void
add_table(KeptStamp *stamp, Relation leaf)
{
	TupleDesc	desc = RelationGetDescr(leaf);

	add_trusted(stamp, RelationGetRelid(leaf));
	for (int i = 0; i < desc->natts; i++)
		stamp->loose |= TupleDescAttr(desc, i)->attgenerated == 'v';
	stamp->loose |= paysafe_own_trigger_of(leaf, OWN_ROW_TRIGGER) == NULL;
	stamp->hash = paysafe_table_stamp(stamp->hash, RelationGetRelid(leaf));
}

uint64
paysafe_kept_stamp_with(uint64 stamp, List *tables)
{
	KeptStamp	all = {.hash = stamp};
	ListCell   *table;
	ListCell   *lc;

	if (stamp == 0)
		return 0;
	foreach(table, tables)
	{
		all.hash = paysafe_table_stamp(all.hash, lfirst_oid(table));
		foreach(lc, paysafe_catalog_leaves(lfirst_oid(table)))
		{
			Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

			add_table(&all, leaf);
			table_close(leaf, NoLock);
		}
	}
	return all.loose ? 0 : Max(all.hash, 1);
}

int64
paysafe_kept_number(int64 top, const char *what)
{
	Oid			sequence = get_relname_relid("refund_total_id_seq", paysafe_catalog_schema());
	int64		id = nextval_internal(sequence, false);

	/* the sequence has been set back: the newest sum must have the largest number all the same */
	if (id <= top && pg_add_s64_overflow(top, 1, &id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no number left for what is kept of \"%s\"", paysafe_refusal_value(what)),
				 errhint("Somebody has set the sequence paysafe.refund_total_id_seq to its end: see paysafe.check().")));
	return id;
}

static bool
collect_payment(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **payments = arg;
	char	   *payment = paysafe_store_text(tuple, RelationGetDescr(rel), KEPT_PAYMENT);

	/* sums of one follow each other */
	if (*payments == NIL || strcmp(llast(*payments), payment) != 0)
		*payments = lappend(*payments, payment);
	return true;
}

List *
paysafe_kept_payments(PaysafeTable table, const char *index, Oid root, const char *rule)
{
	List	   *payments = NIL;
	Datum		keys[2] = {ObjectIdGetDatum(root), rule ? CStringGetTextDatum(rule) : (Datum) 0};

	paysafe_store_seek(table, index, rule ? 2 : 1, keys, InvalidStrategy, (Datum) 0, false, NULL,
					   collect_payment, &payments);
	return payments;
}
