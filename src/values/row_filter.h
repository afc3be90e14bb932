/*-------------------------------------------------------------------------
 *
 * row_filter.h
 *	  Which rows: a condition over a row's own columns.
 *
 * For each column the values that it may have, exactly, or may not have: {"kind":
 * ["refund"], "is_success": [true], "payment_id": {"not": [null]}}.  A row is one of
 * them if all columns agree.  In a specification it stands under "rows", as text, with its columns beside
 * it under "rows_columns".
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_FILTER_H
#define PAYSAFE_ROW_FILTER_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "values/spec.h"
#include "values/status_value.h"

typedef struct RowFilter
{
	int			n;				/* 0: all rows */
	StatusSet  *columns;		/* values of each */
	bool	   *excluded;		/* that it may not have */
} RowFilter;

/* What the specification says, for a leaf; raises 42703 or 22023. */
extern void paysafe_row_filter_compile(Relation leaf, const Jsonb *spec, RowFilter *out);

/* Is the row one of them?  Else *column is the first that says no, unless NULL. */
extern bool paysafe_row_filter_has(const RowFilter *filter, TupleTableSlot *row,
								   const char **column);

/* Can no row be one of both? */
extern bool paysafe_row_filter_excludes(const RowFilter *a, const RowFilter *b);

/*
 * Add a condition that somebody has written to a specification; NULL adds nothing.
 * Raises 22023 if it is none.
 */
extern void paysafe_row_filter_add(SpecBuilder *builder, Jsonb *condition);

/* "kind refund, payment_id not NULL": the condition of a specification, or NULL. */
extern char *paysafe_row_filter_words(const Jsonb *spec);

/* What the keys mean, in a kind's list of fields. */
#define ROW_FILTER_FIELDS \
	{"rows", SPEC_TEXT}, \
	{"rows_columns", SPEC_COLUMNS}

#endif							/* PAYSAFE_ROW_FILTER_H */
