/*-------------------------------------------------------------------------
 *
 * existing.h
 *	  The rows that are there when a rule is declared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_EXISTING_H
#define PAYSAFE_EXISTING_H

#include "lib/stringinfo.h"

#include "engine/rule.h"

/* Blocks of a table. */
typedef struct ExistingPart
{
	Oid			leaf;
	BlockNumber from;
	BlockNumber until;			/* the first one after it; InvalidBlockNumber: to the end */
} ExistingPart;

/* What is wrong with the rows that are there when a rule is declared. */
typedef struct ExistingReport
{
	int64		faults;			/* how many rows */
	StringInfoData detail;		/* the first few, in words */
	const RelationRules *rules; /* of the leaf looked at */
	MemoryContext context;		/* lasts until the report is made */
	void	   *private;		/* the kind's own, between its calls */
	Oid			relation;		/* whose rule ... */
	const char *rule;			/* ... it is */
	bool		observed;
	bool		beside_writers; /* nobody is kept from writing: lock nothing for all rows */
	bool		in_force;		/* the rule has been for a while: nothing is declared */
	List	   *parts;			/* of ExistingPart: only these; NIL: all */
	Snapshot	snapshot;		/* registered, to be read with; NULL: one of its own */
	bool		collect;		/* all of them are wanted, in found */
	List	   *found;			/* of AcceptedFault *; in context */
	const RuleSource *source;	/* the rule as declared */
	TupleTableSlot *row;		/* that is looked at, or NULL: it is about several */
	const char *bound;			/* row NULL: what the fault is bound to, or NULL */
	int64		rows;			/* that were looked at */
	bool		misfit;			/* the rule does not fit its table, and looks at nothing */
	List	   *accepted;		/* bytea *, digests of faults that two people have accepted; in context */
	bool		doubting;		/* the row will be looked at again if it looks wrong */
	bool		single;			/* one changed row, with what it is a part of: lock nothing */
	List	   *doubtful;		/* beside writers: rows to be looked at again */
} ExistingReport;

/*
 * Note a fault of what ("Row", "Payment") has this key, unless it has been accepted.
 * True: look for another one, since this one was accepted, or all are wanted.
 */
extern bool paysafe_existing_fault(ExistingReport *report, const char *what,
								  const char *key, const char *reason);

/* Are faults of these rows looked at that may have been accepted, or are to be? */
extern bool paysafe_existing_binds(const ExistingReport *report);

/* A fault in one line, as it is accepted (engine/accepted.h). */
extern char *paysafe_existing_words(const char *what, const char *key, const char *reason);

/*
 * Look at the rows of the tree by this rule of its.  The caller holds a lock that keeps
 * other declarations away; and writers, unless the report says that it is beside them:
 * then every change since must be judged by the rule, and rows that look wrong are looked
 * at again at the end, under ShareRowExclusiveLock.  report: zeroes, and what is wanted.
 */
extern void paysafe_existing_look(Oid relid, const char *name, ExistingReport *report);

/* Tell of the faults, if there are any: raises 23514, or warns if the rule is only observed. */
extern void paysafe_existing_tell(const ExistingReport *report, int elevel);

/*
 * Compile the rules of every leaf below relid.  If name is given, show each of
 * the rows to that rule and raise 23514 if there are offenders.
 */
extern void paysafe_existing_validate(Oid relid, const char *name);

/*
 * Show all rows of the tree to all its rules, as when they were declared; raises
 * 23514 if there are offenders.  The caller holds a lock that keeps writers away.
 */
extern void paysafe_existing_validate_all(Oid relid);

/* The same with warnings: of rows that came while a trigger was missing. */
extern void paysafe_existing_warn(Oid relid);

#endif							/* PAYSAFE_EXISTING_H */
