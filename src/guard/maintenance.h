/*-------------------------------------------------------------------------
 *
 * maintenance.h
 *	  Maintenance windows: the one way past the guard.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_MAINTENANCE_H
#define PAYSAFE_MAINTENANCE_H

#include "utils/jsonb.h"

#include "guard/event.h"

/*
 * Is a window open, for the role that logged in here, that names the relation or
 * a table whose rows its rows also are?
 */
extern bool paysafe_maintenance_covers(Oid relid);

/*
 * Does such a window permit what happens?  It is there for what a person does:
 * not for what a trigger, an event trigger or somebody else's function does in
 * a statement of theirs.
 */
extern bool paysafe_maintenance_permits(const GuardEvent *event, Oid relid);

/*
 * Before and after a statement that may change definitions: remember those of
 * the tables in open windows, and record which have changed.  The first returns
 * NULL if there is nothing to do.
 */
typedef struct MaintenanceStatement MaintenanceStatement;
extern MaintenanceStatement *paysafe_maintenance_before(GuardFrame *frame);
extern void paysafe_maintenance_after(MaintenanceStatement *statement);

/*
 * Record rows of a catalog that a statement has changed, in each open window that
 * names it; false if there is none.
 */
extern bool paysafe_maintenance_record_rows(Oid relid, const char *statement, Jsonb *before, Jsonb *after);

/* Let unprotect ask for a window. */
extern void paysafe_maintenance_init(void);

#endif							/* PAYSAFE_MAINTENANCE_H */
