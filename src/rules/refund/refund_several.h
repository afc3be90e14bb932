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

/* Tell about the rules that the table has beside the one declared just now; sole: no name was given. */
extern void paysafe_refund_several_tell(Oid refund, const char *name, bool sole);

#endif							/* PAYSAFE_REFUND_SEVERAL_H */
