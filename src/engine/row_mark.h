/*-------------------------------------------------------------------------
 *
 * row_mark.h
 *	  What a row has been through, where its values do not say.
 *
 * A status tells where a row is, not where it has been: if a machine leads back,
 * a captured payment looks like one that was just added.  A mark is a row of
 * paysafe.row_mark, set when such a row arrives; it ends with the row, which the
 * whole primary key names, and goes with it to another partition.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ROW_MARK_H
#define PAYSAFE_ROW_MARK_H

#include "engine/rule.h"

/* It has left the status that it was added in (rules/status.c). */
#define ROW_MARK_LEFT	"left"
/* It has been in a status that freezes columns (rules/columns.c). */
#define ROW_MARK_ONCE	"once"
/* It has left the status that says it was captured (rules/payment/payment_mark.c). */
#define ROW_MARK_CAPTURED	"captured"
/* Of a table: it has had a row. */
#define ROW_MARK_USED	"used"

/* Has the row, of a table with this whole key, the mark? */
extern bool paysafe_row_mark_has(Oid relation, const RowKey *whole, TupleDesc desc,
								 TupleTableSlot *row, const char *mark);

/* Set the mark, unless the row has it; written at the end of the statement at the latest. */
extern void paysafe_row_mark_set(Oid relation, const RowKey *whole, TupleDesc desc,
								 TupleTableSlot *row, const char *mark);

/* After a change: the mark ends with the row, or takes its new key. */
extern void paysafe_row_mark_follow(Oid relation, const RowKey *whole,
									const RowChange *change, const char *mark);

/*
 * For check_later: refuse that a row which the first change has marked has another key
 * or partition by now, where the mark is not.
 */
extern void paysafe_row_mark_check_later(const Rule *rule, Oid relation, const RowKey *whole,
										 const RowChange *later, const char *mark, int sqlstate,
										 const char *column);

/*
 * The mark of a table that has had a row (engine/unused.h), which nothing ends.  committed:
 * not by this transaction.
 */
extern bool paysafe_row_mark_is_used(Oid relation, bool *committed);
extern void paysafe_row_mark_use(Oid relation);

/* The table was emptied, by a TRUNCATE that no rule refuses: end all marks. */
extern void paysafe_row_mark_end_all(Oid relation);

/* In a test database: the rows of the table are gone. */
extern void paysafe_row_mark_forget(Oid relation);

extern const RuleModule paysafe_row_mark_module;

#endif							/* PAYSAFE_ROW_MARK_H */
