/*-------------------------------------------------------------------------
 *
 * event.h
 *	  What a hook saw, and what a class of the policy finds in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_EVENT_H
#define PAYSAFE_EVENT_H

#include "access/attnum.h"
#include "nodes/parsenodes.h"

#include "compat.h"

/* A utility statement that is being executed; lies on the C stack. */
typedef struct GuardFrame
{
	struct GuardFrame *outer;	/* the statement that this one is part of */
	Node	   *statement;
	const char *name;			/* its kind, as in command tags */
	bool		subcommand;		/* PostgreSQL makes it of the outer statement */
	bool		own;			/* paysafe's own work */
	bool		recorded;		/* its changes in a maintenance window are */
	List	   *closed;			/* OIDs of own tables that were locked before LOCK TABLE */
	Oid			permitted;		/* a table for which a window let it pass */
	List	   *joined;			/* OIDs of tables that joined protected trees, each
								 * before the parent that it joined */
	List	   *added;			/* of AddedColumn, in protected tables */
} GuardFrame;

/* A column that a statement has added, before the table is rewritten for it, if it is. */
typedef struct AddedColumn
{
	Oid			relid;
	AttrNumber	attnum;
	Oid			file;			/* relfilenode */
} AddedColumn;

typedef enum GuardAction
{
	GUARD_CREATE,				/* also CREATE OR REPLACE of what exists */
	GUARD_ALTER,
	GUARD_DROP,
	GUARD_TRUNCATE,
	GUARD_EXECUTE,				/* a function is going to be called */
	GUARD_WRITE,				/* rows of a table, by SQL */
	GUARD_STATEMENT				/* a utility statement, before it starts */
} GuardAction;

/* What a hook saw. */
typedef struct GuardEvent
{
	GuardAction action;
	Oid			class_id;		/* catalog of the object; none for a statement */
	Oid			object_id;
	int			sub_id;			/* column number, or 0 */
	Oid			auxiliary;		/* the parent, where a tree of tables changes */
	GuardFrame *frame;			/* innermost statement, or NULL */
	Oid			relation;		/* the table that the object is or belongs to */
	Node	   *statement;		/* for GUARD_STATEMENT */
	const char *write;			/* for GUARD_WRITE: INSERT, UPDATE or DELETE */
} GuardEvent;

typedef enum GuardVerdict
{
	GUARD_PASSES,
	GUARD_REFUSED,				/* as its class says */
	GUARD_REFUSED_BY_RULES,		/* TRUNCATE: as the table's rules say */
	GUARD_JOINS,				/* passes: the table becomes part of a protected tree */
	GUARD_JOINS_WITH_ROWS,		/* refused; in a window it joins */
	GUARD_IS_OWN				/* passes: the statement is paysafe's own from here */
} GuardVerdict;

typedef struct GuardFinding
{
	GuardVerdict verdict;
	Oid			relation;		/* the table it is about, if not the event's */
	List	   *tables;			/* or these */
} GuardFinding;

#define GUARD_PASS	((GuardFinding) {GUARD_PASSES})

/* What nearly all classes find: that the event is refused, or nothing. */
static inline GuardFinding
refuse_if(bool refused)
{
	return (GuardFinding) {refused ? GUARD_REFUSED : GUARD_PASSES};
}

/* The same, about another table than the event's. */
static inline GuardFinding
refuse_for(Oid relation, bool refused)
{
	return (GuardFinding) {refused ? GUARD_REFUSED : GUARD_PASSES, relation};
}

static inline GuardFinding
refuse_for_tables(List *tables)
{
	return (GuardFinding) {tables != NIL ? GUARD_REFUSED : GUARD_PASSES, .tables = tables};
}

/*
 * One class of attempts.  A class refuses what weakens a rule and nothing else:
 * an event that no class refuses is allowed.  It only looks: guard.c does what
 * follows from the finding.
 */
typedef struct GuardClass
{
	const char *name;			/* in the constraint field and in the record */
	GuardFinding (*judge) (const GuardEvent *event);
	bool		window;			/* allowed in a maintenance window for the tables */
	const char *reason;			/* DETAIL */
	const char *hint;			/* or NULL: the window */
} GuardClass;

#endif							/* PAYSAFE_EVENT_H */
