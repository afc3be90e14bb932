/*-------------------------------------------------------------------------
 *
 * refund_source.h
 *	  What the rules of payments say to those of their refunds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_SOURCE_H
#define PAYSAFE_REFUND_SOURCE_H

#include "engine/rule.h"
#include "values/money.h"

/* Of "amounts": there are no rows of refunds. */
#define REFUND_RUNNING	"running"

/* The payment rule of a table among its rules, or NULL. */
extern const RuleSource *paysafe_refund_source_payment(List *sources, Oid relid);

/* The rules of captures of a table's rows, or of its own groups of rows, among its rules. */
extern List *paysafe_refund_source_captures(List *sources, Oid relid);

/* The unit and the name of their amounts, as a column of another table. */
extern void paysafe_refund_source_captured(const RuleSource *captures, AmountColumn *out);

/* What a rule of refunds calls captured, with its units, which are those of all sums. */
extern void paysafe_refund_source_amount(const RuleSource *refund, AmountColumn *out);

/*
 * What rows with the same values in these columns come to is summed up, and approved in advance, whosever
 * they are: where the leaf's rows belong to tenants, the tenant is one of them; raises 22023 otherwise.
 */
extern void paysafe_refund_source_check_tenant(const CompileInput *input, List *columns, bool payouts);

#endif							/* PAYSAFE_REFUND_SOURCE_H */
