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

/* What is wrong with the rows that are there when a rule is declared. */
typedef struct ExistingReport
{
	int64		faults;			/* how many rows */
	StringInfoData detail;		/* the first few, in words */
	const RelationRules *rules; /* of the leaf looked at */
	MemoryContext context;		/* lasts until the report is made */
	void	   *private;		/* the kind's own, between its calls */
} ExistingReport;

/* Note a fault of what ("Row", "Payment") has this key. */
extern void paysafe_declare_fault(ExistingReport *report, const char *what,
								  const char *key, const char *reason);

/*
 * Declare a rule, or change it.  Requires ownership of the relation and of the
 * reference.  Takes ShareRowExclusiveLock on the relation's tree, then on the
 * reference's, until the end of the transaction: writers wait.  Validates
 * existing rows.  Does nothing if the rule is in force with this
 * specification, except to complete missing triggers.  Raises 42501 if the
 * change loosens the rule and no second person has approved it.
 */
extern void paysafe_declare(Oid relation, const char *name, Oid reference, Jsonb *spec);

/*
 * Lock the tree and check that rules can be declared on it: an ordinary or
 * partitioned table that the caller owns, permanent, heap, no partition.
 */
extern void paysafe_declare_lock(Oid relid);

/* Raises unless the caller owns the relation, which must exist. */
extern void paysafe_declare_check_owner(Oid relid);

/*
 * A change of rules that loosens one: use the approval of a second person or
 * raise 42501 with the way to get it.  The words must describe the change
 * completely.
 */
extern void paysafe_declare_authorize(Oid relation, const char *name, int version,
									  const char *words);

/* Arguments of the functions that declare rules.  NULL raises 22004. */
extern char *paysafe_declare_name_argument(FunctionCallInfo fcinfo, int n, const char *argument);
extern List *paysafe_declare_set_argument(FunctionCallInfo fcinfo, int n, const char *argument);

/* "schema.table", quoted where needed. */
extern char *paysafe_declare_table_name(Oid relid);

/* Run one SQL command as the owner of the extension with a fixed search_path. */
extern void paysafe_declare_run(const char *sql);

/* The table as paysafe.table_definition describes it now; NULL if it is gone. */
extern Jsonb *paysafe_declare_definition(Oid relation);

/*
 * Is the utility statement that starts now paysafe's own?  True once for each
 * that paysafe_declare_run starts: what it may fire in turn is not.
 */
extern bool paysafe_declare_take_own_work(void);

/*
 * A table has joined a protected tree, or is to get back what protects it:
 * check that it can be protected and complete its triggers.  The caller holds a
 * lock that keeps writers away.
 */
extern void paysafe_declare_child(Oid relid);

/*
 * Show all rows of the tree to all its rules, as when they were declared; raises
 * 23514 if there are offenders.  The caller holds a lock that keeps writers away.
 */
extern void paysafe_declare_validate(Oid relid);

/*
 * Is a maintenance window open for the relation?  Set by the guard, which core
 * does not know.
 */
typedef bool (*DeclareWindow) (Oid relation);
extern void paysafe_declare_set_window(DeclareWindow window);

/*
 * Complete what the record of a change of rules needs.  Set by the audit log,
 * which core does not know, to create its partitions.
 */
typedef void (*DeclareCompletion) (void);
extern void paysafe_declare_set_completion(DeclareCompletion completion);
extern void paysafe_declare_complete(void);

#endif							/* PAYSAFE_DECLARE_H */
