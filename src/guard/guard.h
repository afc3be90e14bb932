/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  What protects the protection: the policy behind the hooks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_GUARD_H
#define PAYSAFE_GUARD_H

#include "nodes/parsenodes.h"

#include "compat.h"

/* A utility statement that is being executed; lies on the C stack. */
typedef struct GuardFrame
{
	struct GuardFrame *outer;	/* the statement that this one is part of */
	Node	   *statement;
	const char *name;			/* its kind, as in command tags */
	bool		own;			/* paysafe's own work */
	bool		recorded;		/* its changes in a maintenance window are */
	List	   *joined;			/* tables that joined protected trees */
} GuardFrame;

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

/*
 * One class of attempts.  A class refuses what weakens a rule and nothing else:
 * an event that no class refuses is allowed.
 */
typedef struct GuardClass
{
	const char *name;			/* in the constraint field and in the record */
	bool		(*refuses) (GuardEvent *event);
	bool		window;			/* allowed in a maintenance window for the table */
	const char *reason;			/* DETAIL */
	const char *hint;			/* or NULL: the window */
} GuardClass;

/*
 * Refuse the event with 42501 if a class of the policy says so.  Called by the
 * hooks for every event in a database with the extension.  Takes
 * AccessShareLock on catalogs and own tables for the moment.
 */
extern void paysafe_guard(GuardEvent *event);

/* The same by another list of classes, NULL-terminated by name. */
extern void paysafe_guard_by(const GuardClass *classes, GuardEvent *event);

/* The statement has been executed: protect what joined. */
extern void paysafe_guard_after(GuardFrame *frame);

/* Is it a table with rules and the triggers that enforce them? */
extern bool paysafe_guard_is_protected(Oid relid);

#endif							/* PAYSAFE_GUARD_H */
