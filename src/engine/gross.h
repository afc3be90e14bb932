/*-------------------------------------------------------------------------
 *
 * gross.h
 *	  What a payment has captured in all, where its column falls with its refunds.
 *
 * A column that is net of refunds does not tell what was captured: 40 may be left of
 * 100, or be all there ever was.  What it was before it fell is kept in
 * paysafe.captured_total, a row for each change of it, named by the payment's whole
 * primary key; without one, the column says it.
 *
 * Whoever reads or changes it holds the payment's row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_GROSS_H
#define PAYSAFE_GROSS_H

#include "datatype/timestamp.h"
#include "utils/numeric.h"

#include "engine/rule.h"

/*
 * What has been kept of the row with this whole key since then; false if nothing has.
 * Earlier rows of the key, and what a rule of earlier has kept, do not count.
 */
extern bool paysafe_gross_find(Oid relation, const char *key, TimestampTz since, Numeric *gross);

/*
 * Since when the payment rule has said without a break that the column is net: what
 * was kept before that is of no use.
 */
extern TimestampTz paysafe_gross_since(const RuleSource *payment);

/* Keep it; NULL: the column says it again, or the row is gone. */
extern void paysafe_gross_keep(Oid relation, const char *key, Numeric gross);

/* After a change of the row: what was kept ends with it, or takes its new key. */
extern void paysafe_gross_follow(Oid relation, const RowKey *whole, TimestampTz since,
								 const RowChange *change);

/* In a test database: the rows of the table are gone. */
extern void paysafe_gross_forget(Oid relation);

#endif							/* PAYSAFE_GROSS_H */
