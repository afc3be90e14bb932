/*-------------------------------------------------------------------------
 *
 * declare.h
 *	  Declaring, changing and dropping rules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_DECLARE_H
#define PAYSAFE_DECLARE_H

#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "engine/rule.h"

struct SpecBuilder;

/*
 * Declare a rule, or change it.  Requires ownership of the relation and of the
 * reference.  Takes ShareRowExclusiveLock on the relation's tree, then on the
 * reference's, until the end of the transaction: writers wait.  Validates
 * existing rows.  Does nothing if the rule is in force with this
 * specification, except to complete missing triggers.  A change that loosens the
 * rule, or another one that reads it, raises 42501 if no second person has
 * approved it; in a transaction that proposes it is stored and not made.
 */
extern void paysafe_declare(Oid relation, const char *name, Oid reference, Jsonb *spec);

/*
 * Lock the tree and check that rules can be declared on it: an ordinary or
 * partitioned table that the caller owns, permanent, heap, no partition.
 */
extern void paysafe_declare_lock(Oid relid);

/*
 * Add a version of a rule that is neither validated nor asked about: the caller has
 * the lock and whatever approval it takes.  Triggers are completed, except on own
 * tables, or dropped with the last rule.
 */
extern void paysafe_declare_version(Oid relation, const char *name, Jsonb *spec, bool removed,
									const char *reason);

/*
 * The rows that were there have been looked at by this rule: a version of it that says so.
 * The caller has a lock that keeps other declarations away.
 */
extern void paysafe_declare_validated(const RuleSource *rule);

/* Asked after each declaration: may the relation have the rule?  Raises if not. */
typedef void (*DeclareJudge) (Oid relation);
extern void paysafe_declare_set_judge(DeclareJudge judge);

/* Raises unless the caller owns the relation, which must exist. */
extern void paysafe_declare_check_owner(Oid relid);

/* Arguments of the functions that declare rules.  NULL raises 22004. */
extern char *paysafe_declare_name_argument(FunctionCallInfo fcinfo, int n, const char *argument);
extern List *paysafe_declare_set_argument(FunctionCallInfo fcinfo, int n, const char *argument);

/* The same where it may be NULL: NULL, NIL. */
extern char *paysafe_declare_optional_name(FunctionCallInfo fcinfo, int n);
extern char *paysafe_declare_optional_text(FunctionCallInfo fcinfo, int n);

/* "decimals", between 0 and 30, as a specification says them; NULL if it is.  Raises 22023. */
extern char *paysafe_declare_decimals_argument(FunctionCallInfo fcinfo, int n);

/* "over_percent", as a specification says it; NULL if it is, or zero.  Raises 22023. */
extern char *paysafe_declare_over_percent_argument(FunctionCallInfo fcinfo, int n);

/* "status_path": keys within the status column, or NIL. */
extern List *paysafe_declare_path_argument(FunctionCallInfo fcinfo, int n, const char *status_column);
extern List *paysafe_declare_optional_set(FunctionCallInfo fcinfo, int n, const char *argument);

/*
 * The last argument of these functions, the mode: 'enforce' or 'observe', put into the
 * specification; true if it is the latter.  Raises 22004 or 22023 for another.
 */
extern bool paysafe_declare_add_mode(FunctionCallInfo fcinfo, struct SpecBuilder *spec);

/*
 * One or several columns of the relation, in the order in which they are named, none
 * twice.  The parameter is name[]; or text, which is one name or, in braces, a list as arrays are
 * written.  A text that is the name of a column of the relation is that, although it
 * has braces, and refused if as a list it names columns, too.  The columns of a list
 * need not be there.  NULL is NIL.  Raises 22023, 22P02.
 */
extern List *paysafe_declare_columns_argument(FunctionCallInfo fcinfo, int n, const char *argument,
											  Oid relation);

/*
 * Is a maintenance window open for the relation?  Set by the guard, which core
 * does not know.
 */
typedef bool (*DeclareWindow) (Oid relation);
extern void paysafe_declare_set_window(DeclareWindow window);

#endif							/* PAYSAFE_DECLARE_H */
