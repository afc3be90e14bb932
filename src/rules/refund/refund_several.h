/*-------------------------------------------------------------------------
 *
 * refund_several.h
 *	  Several rules of refunds on one table, and their names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_SEVERAL_H
#define PAYSAFE_REFUND_SEVERAL_H

#include "fmgr.h"

#include "engine/rule.h"
#include "rules/refund/refund.h"
#include "values/row_filter.h"

/* The name that a declaration gives to its rule by its n-th argument, "refund" by default; raises 22023. */
extern char *paysafe_refund_several_name(FunctionCallInfo fcinfo, int n);

/*
 * The rule of the table that a call means: the one of this name; where that is NULL, "refund", or the only
 * one there is.  NULL: there is none.  Raises 22023 if there are several others.
 */
extern char *paysafe_refund_several_meant(Oid refund, const char *name);

/* ", rule => 'refund_deposit'", where a call has to name the rule; or "". */
extern const char *paysafe_refund_several_argument(const char *name);

/* What the refusal for want of an approval is called: "approval", "refund_deposit_approval". */
extern const char *paysafe_refund_several_gate(const char *name);

/* Raise 22023 if the rule and the others of its table cannot hold beside each other. */
extern void paysafe_refund_several_check(const CompileInput *input, const RowFilter *rows);

/*
 * The status columns of the table's other rules, where this one means nothing else by them: they judge
 * them for their rows, so no approval of this one is of them there.
 */
extern void paysafe_refund_several_statuses(const CompileInput *input, RefundSide *side);

/* What a declaration of another rule takes out of the approvals of this one, in words, or NULL. */
extern char *paysafe_refund_several_loosens(const RuleSource *rule, const RuleSource *before,
											const RuleSource *after);

/* Tell about the rules that the table has beside the one declared just now; sole: no name was given. */
extern void paysafe_refund_several_tell(Oid refund, const char *name, bool sole);

/* How many tables the refunds of a payment stand in. */
extern int	paysafe_refund_several_count_tables(List *tables);

#endif							/* PAYSAFE_REFUND_SEVERAL_H */
