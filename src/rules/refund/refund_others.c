/*-------------------------------------------------------------------------
 *
 * refund_others.c
 *	  The other rules of refunds of a table: their statuses, and how many tables there are.
 *
 * Where each has a status column of its own, a row that is of both moves by each.  What one has
 * approved must not be void, nor stay for good, because the other lets the row move on: that is
 * judged there.  But what is free must be judged by somebody, so it is for rows that the other
 * holds for and while it is in force, and the column must not be anything else by this rule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

#include "rules/kinds.h"
#include "rules/refund/refund.h"
#include "values/spec.h"

/* Does the rule itself say what the column is? */
static bool
is_own_column(const Jsonb *spec, const char *column)
{
	static const char *const single[] = {"amount_column", "currency_column", "status_column", "type_column"};

	for (int i = 0; i < (int) lengthof(single); i++)
	{
		const char *own = paysafe_spec_optional_text(spec, single[i]);

		if (own != NULL && strcmp(own, column) == 0)
			return true;
	}
	return paysafe_strings_contain(paysafe_spec_columns(spec, "payment_column"), column) ||
		paysafe_strings_contain(paysafe_spec_set(spec, "rows_columns"), column);
}

/*
 * The column that the other rule alone judges, or NULL.  One that only observes judges
 * nothing; of a column that has the status within it, the rest says something else.
 */
static const char *
status_of_other(const RuleSource *rule, const RuleSource *other)
{
	const char *column;

	if (other == NULL || other->observed || other->kind != &paysafe_refund_kind ||
		other->relation != rule->relation || strcmp(other->name, rule->name) == 0)
		return NULL;
	column = paysafe_spec_optional_text(other->spec, "status_column");
	return column == NULL ||
		(paysafe_spec_optional_columns(other->spec, "status_path") != NIL &&
		 paysafe_spec_set(other->spec, "status_names") == NIL) ||
		is_own_column(rule->spec, column) ? NULL : column;
}

/* Is it a part of the key, or where a refund has the currency that its payment has?  Those stay. */
static bool
is_key_or_place(const RefundSide *side, Relation leaf, AttrNumber attnum)
{
	Bitmapset  *key = RelationGetIndexAttrBitmap(leaf, INDEX_ATTR_BITMAP_PRIMARY_KEY);

	return bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, key) ||
		(side->shares_place && side->place.place == CURRENCY_COLUMN && side->place.column.attnum == attnum) ||
		(side->shares_place && side->place.place == CURRENCY_PARENT && side->place.via == attnum);
}

void
paysafe_refund_others_statuses(const CompileInput *input, RefundSide *side)
{
	ListCell   *lc;

	side->others = palloc(sizeof(OtherStatus) * Max(list_length(input->sources), 1));
	foreach(lc, input->sources)
	{
		const RuleSource *other = lfirst(lc);
		const char *column = status_of_other(input->source, other);
		OtherStatus *status = &side->others[side->nothers];

		if (column == NULL)
			continue;
		status->attnum = get_attnum(RelationGetRelid(input->leaf), column);
		if (status->attnum == InvalidAttrNumber || is_key_or_place(side, input->leaf, status->attnum))
			continue;
		paysafe_row_filter_compile(input->leaf, other->spec, &status->rows);
		side->nothers++;
	}
}

char *
paysafe_refund_others_loosens(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	const char *column = status_of_other(rule, after);
	const char *was = status_of_other(rule, before);

	return column == NULL || (was != NULL && strcmp(was, column) == 0) ? NULL :
		psprintf("makes column %s the status of rule %s, which approvals by rule %s are not of",
				 column, after->name, rule->name);
}

int
paysafe_refund_others_count_tables(List *tables)
{
	List	   *roots = NIL;
	ListCell   *lc;

	foreach(lc, tables)
		roots = list_append_unique_oid(roots, ((RefundTable *) lfirst(lc))->root);
	return list_length(roots);
}
