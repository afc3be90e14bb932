/*-------------------------------------------------------------------------
 *
 * run_as_owner.h
 *	  SQL of our own, run as the owner of the extension.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RUN_AS_OWNER_H
#define PAYSAFE_RUN_AS_OWNER_H

#include "utils/jsonb.h"

/* Run one SQL command as the owner of the extension with a fixed search_path. */
extern void paysafe_run_as_owner(const char *sql);

/* The table as paysafe.table_definition describes it now; NULL if it is gone. */
extern Jsonb *paysafe_run_as_owner_definition(Oid relation);

/* The same of several, in one query; palloc'd. */
extern Jsonb **paysafe_run_as_owner_definitions(const Oid *relations, int n);

/*
 * Call work, which changes catalogs by the server's own functions and runs nothing
 * of a user's, as the owner of the extension: to the guard it is paysafe's own work.
 */
extern void paysafe_run_as_owner_call(void (*work) (void *), void *arg);

/* Is that under way? */
extern bool paysafe_run_as_owner_is_working(void);

/*
 * Is the utility statement that starts now paysafe's own?  True once for each
 * that paysafe_run_as_owner starts: what it may fire in turn is not.
 */
extern bool paysafe_run_as_owner_take_own_work(void);

#endif							/* PAYSAFE_RUN_AS_OWNER_H */
