/*-------------------------------------------------------------------------
 *
 * lockdown.h
 *	  The server as a whole: its settings, its files, code that runs in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LOCKDOWN_H
#define PAYSAFE_LOCKDOWN_H

#include "guard/event.h"

/*
 * Refuse what concerns the whole server, in every database; and, if the
 * setting paysafe.superuser_lockdown is on, what leads out of SQL.
 */
extern void paysafe_lockdown(const GuardEvent *event);

/* Is paysafe.superuser_lockdown on? */
extern bool paysafe_lockdown_is_on(void);

/* Does the server run, load or read what a setting of this name says? */
extern bool paysafe_lockdown_leads_out(const char *name);

/* Is the database in paysafe.protected_databases? */
extern bool paysafe_lockdown_lists_database(const char *name);

/* Define the settings; by the postmaster only. */
extern void paysafe_lockdown_init(void);

#endif							/* PAYSAFE_LOCKDOWN_H */
