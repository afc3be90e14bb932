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
extern void paysafe_existing_fault(ExistingReport *report, const char *what,
								  const char *key, const char *reason);

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
