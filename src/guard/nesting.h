/*-------------------------------------------------------------------------
 *
 * nesting.h
 *	  Whose functions are being executed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_NESTING_H
#define PAYSAFE_NESTING_H

#include "fmgr.h"

/*
 * Must calls of the function be counted?  Those of roles that are no superusers,
 * but for what can only read and compute: SQL functions that the planner may put
 * into the query that calls them.  And what paysafe does when it is called.
 */
extern bool paysafe_nesting_counts(Oid function);

/*
 * Such a function begins, ends, or is left by an error.  What is known of it is
 * kept in *known, if that is there, from one call of it to the next.
 */
extern void paysafe_nesting_enter(FmgrInfo *function, Datum *known);
extern void paysafe_nesting_leave(void);

/*
 * The owner of a function under way who is neither a superuser nor the role in
 * whose name it runs now: whoever runs it may not know what it does.  Not of one
 * that called a SECURITY DEFINER function, which is made to be called.
 */
extern Oid	paysafe_nesting_foreign_owner(void);

/* A function of PostgreSQL's is looked up by an expression, to be called. */
extern void paysafe_nesting_looked_up(Oid function);

/*
 * Is a function of paysafe's under way that nobody's text calls, but an expression that is
 * kept in the catalogs: a default, a check, a policy, a view?  Or has a text been run in this
 * transaction that may be one's?
 */
extern bool paysafe_nesting_is_stored(void);

#endif							/* PAYSAFE_NESTING_H */
