/*-------------------------------------------------------------------------
 *
 * window.h
 *	  Open maintenance windows: what they permit, and what happens in them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WINDOW_H
#define PAYSAFE_WINDOW_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "guard/event.h"

/* Columns of paysafe.maintenance_record. */
enum
{
	WINDOW_ID, WINDOW_TABLES, WINDOW_REASON, WINDOW_TICKET, WINDOW_ACTOR, WINDOW_LOGIN,
	WINDOW_SESSION_USER, WINDOW_CLIENT, WINDOW_AT, WINDOW_UNTIL,
	WINDOW_NCOLUMNS
};

/* A window that has not been closed. */
typedef struct Window
{
	int64		id;
	char	   *login;
	TimestampTz until;
	List	   *tables;			/* of Oid */
} Window;

/* Windows that nobody has closed: those open here now, or all. */
extern List *paysafe_window_not_closed(bool open_here);

/*
 * Is a window open, for the role that logged in here, that names the relation or
 * a table whose rows its rows also are?
 */
extern bool paysafe_window_covers(Oid relid);

/*
 * Does such a window permit what happens?  It is there for what a person does:
 * not for what a trigger, an event trigger or somebody else's function does in
 * a statement of theirs.
 */
extern bool paysafe_window_permits(const GuardEvent *event, Oid relid);

/*
 * Before and after a statement that may change definitions: remember those of
 * the tables in open windows, and record which have changed.  The first returns
 * NULL if there is nothing to do.
 */
typedef struct WindowStatement WindowStatement;
extern WindowStatement *paysafe_window_before(GuardFrame *frame);
extern void paysafe_window_after(WindowStatement *statement);

/*
 * Record rows of a catalog that a statement has changed, in each open window that
 * names it; false if there is none.
 */
extern bool paysafe_window_record_rows(Oid relid, const char *statement, Jsonb *before, Jsonb *after);

/*
 * The same by hand: remember the definitions of the windows' tables, to be called
 * with an active snapshot in a context of its own; and record which have changed.
 */
extern WindowStatement *paysafe_window_remember(const char *name, List *windows, bool empties);
extern void paysafe_window_compare(WindowStatement *statement);

#endif							/* PAYSAFE_WINDOW_H */
