/*-------------------------------------------------------------------------
 *
 * captured.h
 *	  What of a payment is captured.
 *
 * One definition for payments and for their refunds: the value of a column, or,
 * without one, the amount of a payment that is in a captured status.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CAPTURED_H
#define PAYSAFE_CAPTURED_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "values/money.h"
#include "values/row_filter.h"
#include "values/status_value.h"

/* How the captured amount may change in a captured status. */
typedef enum CapturedChanges
{
	CAPTURED_ONCE,				/* only when it is entered */
	CAPTURED_RISING,			/* never down */
	CAPTURED_NET,				/* the column is net: down with what is refunded */
	CAPTURED_ANY
} CapturedChanges;

typedef struct Captured
{
	AmountColumn amount;
	AmountColumn column;		/* attnum 0: the amount, in a captured status */
	bool		plain;			/* the column alone says it, whatever the row is */
	StatusSet	statuses;		/* the captured ones; also has the status column */
	CapturedChanges changes;
	AmountColumn limit;			/* of what is captured; attnum 0: the amount */
	Numeric		over;			/* per cent above that, or NULL */
	RowFilter	rows;			/* which rows are payments */
} Captured;

/*
 * What a payment rule's specification says, for a leaf; the names of its keys are
 * those of the arguments of paysafe.protect_payment.  Raises 42703 or 22023.
 */
extern void paysafe_captured_compile(Relation leaf, const Jsonb *spec, Captured *out);

/*
 * A column of which somebody else says that it is what is captured; in the units of the
 * payment rule, if there is one (spec not NULL).
 */
extern void paysafe_captured_plain(Relation leaf, const char *column, const Jsonb *spec, Captured *out);

/* Is the row a payment in a captured status? */
extern bool paysafe_captured_is(const Captured *captured, TupleTableSlot *row);

/* What is captured; false if the column is NULL. */
extern bool paysafe_captured_value(const Captured *captured, TupleTableSlot *row, Numeric *out);

/* The same, nothing being zero. */
extern Numeric paysafe_captured_or_zero(const Captured *captured, TupleTableSlot *row);

/* Do both rows have captured the same (NULL = NULL)? */
extern bool paysafe_captured_same(const Captured *captured, TupleTableSlot *a, TupleTableSlot *b);

/* The column that says it, for messages. */
extern const char *paysafe_captured_name(const Captured *captured);

/*
 * Why the row has captured more than it may, or NULL.  Both amounts are known to be
 * possible ones; the currency may be NULL.
 */
extern char *paysafe_captured_excess(const Captured *captured, TupleTableSlot *row, const char *currency);

/* The most that a row may have captured; false if nothing limits it but the column itself. */
extern bool paysafe_captured_ceiling(const Captured *captured, TupleTableSlot *row, Numeric *out);

/* The value of "changes" for a word; false if it is none. */
extern bool paysafe_captured_changes(const char *word, CapturedChanges *out);

/* "captured <= amount", "amount in a captured status": what a specification says. */
extern char *paysafe_captured_words(const Jsonb *spec);

#endif							/* PAYSAFE_CAPTURED_H */
