/*-------------------------------------------------------------------------
 *
 * statements.h
 *	  What the parse trees of utility statements say, for the guard.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATEMENTS_H
#define PAYSAFE_STATEMENTS_H

#include "catalog/objectaddress.h"

#include "guard/event.h"

/* How a statement under way sets a column's values to another type. */
typedef enum Retyping
{
	RETYPED_NOT,
	RETYPED_ASSIGNED,			/* as INSERT would convert */
	RETYPED_CAST,				/* USING column::type, which may cut */
	RETYPED_COMPUTED			/* by any other expression */
} Retyping;

/*
 * Can nobody object to the statement itself?  What it runs is judged by itself: the
 * guard sees most of them for every transaction.
 */
extern bool paysafe_guard_is_plain(const Node *statement);

/* Is the innermost statement VACUUM, CLUSTER or REINDEX? */
extern bool paysafe_guard_frame_is_upkeep(const GuardFrame *frame);

/*
 * What follows looks at the innermost statement, and those that PostgreSQL made it
 * of; not at one in which a function or trigger runs it.
 */

/* What does it do with values of a column of this name? */
extern Retyping paysafe_guard_frame_retypes(const GuardFrame *frame, const char *column);

/* The length, in characters, of the varchar that it makes of a column as INSERT would; or -1. */
extern int	paysafe_guard_shortens(const AlterTableCmd *cmd);

/* Does the statement give columns another type, or compute them anew? */
extern bool paysafe_guard_retypes(Node *statement);

/* Is it part of the script of an extension that is being created or updated? */
extern bool paysafe_guard_frame_is_script(const GuardFrame *frame);

/* Does it detach a partition, with which clones of triggers go, or drop a table? */
extern bool paysafe_guard_frame_removes_table(const GuardFrame *frame);

/* The primary key that it adds, if it does nothing but drop and add constraints, or NULL. */
extern const Constraint *paysafe_guard_frame_replaces_key(const GuardFrame *frame);

/* Does the innermost one rename a label of an enum? */
extern bool paysafe_guard_frame_renames_label(const GuardFrame *frame);

/*
 * The parent of a partition that the statement detaches in several
 * transactions, or none.  Takes the lock that the statement will take, if the
 * user owns the table.
 */
extern Oid	paysafe_guard_detached_concurrently(Node *statement);

/*
 * Does the statement change what belongs to an extension?  *object is
 * the extension if it is paysafe's, otherwise what is added, dropped or made
 * dependent; its objectId is invalid if that does not exist.
 */
extern bool paysafe_guard_membership(Node *statement, ObjectAddress *object);

/* Would that make it part of one?  As opposed to taking it out. */
extern bool paysafe_guard_joins_extension(Node *statement);

/*
 * The table that ALTER TABLE or its like names, or none.  Not where a partition
 * is attached: that the guard sees happen.
 */
extern Oid	paysafe_guard_altered_table(Node *statement);

/*
 * Does the statement give somebody privileges over more than objects: change
 * roles and who belongs to them, settings of roles, databases or the server,
 * owners wholesale, who may call paysafe's functions; or make code that will run
 * in the name of who runs the statement?
 */
extern bool paysafe_guard_gives_power(Node *statement);

extern bool paysafe_guard_drops_extension(Node *statement, const char *name);

/*
 * The setting that a statement sets, for the session, a role, a database, a
 * function or the server, one after the other: calls the visitor with each.
 * The statement is NULL where a privilege to set it is granted.
 */
typedef bool (*SettingVisitor) (const char *name, VariableSetStmt *set);
extern bool paysafe_guard_any_setting(Node *statement, SettingVisitor visitor);

/* The value that is set, as a string; NULL if it is reset. */
extern char *paysafe_guard_setting_value(VariableSetStmt *set);

/* Does it set a role or a mode in which triggers do not fire or catalogs are open? */
extern bool paysafe_guard_weakens_setting(Node *statement);

#endif							/* PAYSAFE_STATEMENTS_H */
